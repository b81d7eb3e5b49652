-- Where other servers are, without asking any DNS: s2s_neighbours = { ["b.test"] = 16269 }
module:set_global();
local service = require "net.resolvers.service";
local manual = require "net.resolvers.manual";
local ports = module:get_option("s2s_neighbours", {});
local ask = service.new;
function service.new(host, name, kind, extra)
	if name ~= "xmpp-server" then return ask(host, name, kind, extra); end
	local port = ports[host];
	return manual.new(port and { { "tcp4", "127.0.0.1", port, extra } } or {}, "tcp", extra);
end
function module.unload() service.new = ask; end
