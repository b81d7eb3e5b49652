-- Lets Debian's mod_sasl2 and its like (of 2023, for the next Prosody) run on Prosody 0.12.
local filters = require "util.filters";
local datetime = require "util.datetime";
local stanza_mt = require "util.stanza".stanza_mt;

-- event.stream.from: the address in the client's stream header
filters.add_filter_hook(function(session)
	if session.type ~= "c2s_unauthed" then return; end
	filters.add_filter(session, "bytes/in", function(data)
		local header = data:match("<stream:stream[^>]*>");
		if header then session.compat_from = header:match("%sfrom=['\"]([^'\"]+)['\"]"); end
		return data;
	end);
end);

-- conn:ssl_info() and the like: what LuaSec knows of the channel
module:hook("stream-features", function(event)
	event.stream = event.stream or { from = event.origin.compat_from };
	local index = (getmetatable(event.origin.conn) or {}).__index;
	if type(index) ~= "table" or index.ssl_info then return; end
	for name in pairs { info = true; getpeerfinished = true; exportkeyingmaterial = true } do
		index["ssl_" .. (name == "getpeerfinished" and "peerfinished" or name)] = function(self, ...)
			local socket = self:socket();
			return socket[name] and socket[name](socket, ...);
		end
	end
end, 1000);

-- times with fractions
local whole = datetime.datetime;
datetime.datetime = function(t) return whole(t and math.floor(t)); end

if not stanza_mt.__index.get_child_attr then
	function stanza_mt.__index:get_child_attr(name, xmlns, attr)
		local child = self:get_child(name, xmlns);
		return child and child.attr[attr];
	end
end

-- mod_saslauth, which comes last, makes a handler without the channel binding that tokens need
module:hook_tag("urn:xmpp:sasl:2", "authenticate", function(session, auth)
	local conn, handler = session.conn, session.sasl_handler;
	if handler and auth:get_child("fast", "urn:xmpp:fast:0") then
		handler:add_cb_handler("tls-exporter", function()
			return conn:ssl_exportkeyingmaterial("EXPORTER-Channel-Binding", 32, "");
		end);
	end
end, 1000);
