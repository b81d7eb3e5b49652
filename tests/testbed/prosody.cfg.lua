-- The configuration of a private Prosody 0.12; prosody.py fills in the values.
data_path = "$folder/data"; certificates = "$folder/certificates"
run_as_root = true
admins = { "admin@$host" }
interfaces = { "127.0.0.1" }; local_interfaces = { "127.0.0.1" }; use_ipv6 = false
c2s_ports = { $c2s }; c2s_direct_tls_ports = { $direct_tls }; legacy_ssl_ports = {}
http_ports = {}
-- No other server is looked for but those that it is told of.
s2s_ports = { $s2s }; s2s_secure_auth = true; s2s_neighbours = { $neighbours }
plugin_paths = { "$modules", "$plugins" }
https_ports = { $https }; https_interfaces = { "127.0.0.1" }
proxy65_ports = { $proxy65 }; proxy65_interfaces = { "127.0.0.1" }
admin_socket = "$folder/admin.sock"
log = { $level = "$folder/prosody.log" }
-- By default it sleeps a millisecond after each 8 KiB which it reads over TLS: 20 MiB take it 8 s to receive, 0.15 s so.
network_settings = { read_size = 65536, min_wait = 0 }; gc = { mode = "generational" }

modules_enabled = { $enabled }
modules_disabled = { $disabled }

authentication = "internal_hashed"; password_hash = "$password_hash"; default_storage = "internal"; storage = { archive = "$archive" }
allow_registration = true -- with mod_register alone
additional_registration_fields = { $wants }
c2s_require_encryption = true; allow_unencrypted_plain_auth = false
-- A program which is killed and started again is a test, not an attack.
c2s_timeout = 60; smacks_hibernation_time = 300; max_archive_query_results = $page
storage_archive_item_limit = 100000
http_external_url = "https://localhost:$files/"

ssl = { key = "$key", certificate = "$certificate", cafile = "$ca" }
https_ssl = { key = "$key", certificate = "$certificate" }
c2s_direct_tls_ssl = { key = "$key", certificate = "$certificate" }

VirtualHost "$host"
  disco_items = { { "muc.$host", "Rooms" }, { "pubsub.$host", "PubSub" }, { "upload.$host", "Upload" }, { "proxy.$host", "Proxy" } }

Component "muc.$host" "muc"
  modules_enabled = { "muc_mam" }
  restrict_room_creation = false; muc_room_default_persistent = false

Component "pubsub.$host" "pubsub"
  autocreate_on_publish = true; autocreate_on_subscribe = true; add_on_publish = true

Component "upload.$host" "http_file_share"
  http_host = "localhost"
  http_file_share_size_limit = $upload_limit; http_file_share_daily_quota = 100 * $upload_limit
  http_file_share_access = { "$host" }

Component "proxy.$host" "proxy65"
  proxy65_address = "127.0.0.1"; proxy65_acl = { "$host" }
