--- nginx on free loopback ports, as a real peer.
--
--   local nginx = require "spec.support.nginx"
--   local n = nginx.start(certs)       -- certs of spec.support.certs, or nil
--   n.http                             -- "http://127.0.0.1:PORT", n.http_port
--   n.https                            -- good certificate, n.https_port
--   n.wrong, n.expired, n.untrusted, n.self_signed   -- likewise, + "_port"
--   n:stop()
--   nginx.start(certs, { name = "ssl_certificate ...;" })   -- one server more:
--   n.name, n.name_port
--
-- On every port:  /file  1 KiB;  /big  1 GiB, sparse;  /empty  204
--   /length   reads a whole body, chunked or not, answers its length
--   /echo-headers   answers User-Agent, Host and X-Test
--   /status/NNN     answers that status
--   /chunked        64 KiB whose length is not announced
--   /text           1 MiB, compressed for those who accept gzip
--   /moved, /moved-permanently, /loop    redirects to /file, /text, /loop
-- n.folder holds www/, access.log (method, URI, status, connection number,
-- request number on it, length, TLS version, "r" if resumed) and error.log.

local daemon = require "spec.support.daemon"

local nginx = {}

-- The certificates' names, by the server's.
local kinds = { https = "good", wrong = "wrong", expired = "expired",
  untrusted = "untrusted", self_signed = "self_signed" }

local head = [[
user root;
daemon off;
worker_processes 1;
pid ${folder}/nginx.pid;
error_log ${folder}/error.log;
events { worker_connections 2048; }
http {
  log_format plain '$request_method $uri $status $connection '
                   '$connection_requests $request_length '
                   '$ssl_protocol $ssl_session_reused';
  access_log ${folder}/access.log plain;
  client_body_temp_path ${folder}/body;
  proxy_temp_path ${folder}/proxy;
  fastcgi_temp_path ${folder}/fastcgi;
  uwsgi_temp_path ${folder}/uwsgi;
  scgi_temp_path ${folder}/scgi;
  default_type application/octet-stream;
  sendfile on;
  tcp_nopush on;
  keepalive_requests 1000000;
  keepalive_timeout 60s;
  client_max_body_size 0;
  server_tokens off;
  server {
    listen 127.0.0.1:${inner};
    location / { return 200 "$content_length"; }
  }
]]

local server = [[
  server {
    listen 127.0.0.1:%s;
    %s
    root ${folder}/www;
    location = /empty { return 204; }
    location = /length {
      proxy_http_version 1.1;
      proxy_pass http://127.0.0.1:${inner};
    }
    location = /echo-headers {
      return 200 "$http_user_agent|$http_host|$http_x_test";
    }
    location ~ ^/status/(\d+)$ { return 299 ""; }
    location = /chunked {
      ssi on;
      ssi_types *;
    }
    location = /text {
      gzip on;
      gzip_types *;
      gzip_min_length 1;
    }
    location = /moved { return 302 /file; }
    location = /moved-permanently { return 308 text?x=y; }
    location = /loop { return 302 /loop; }
  }
]]

local function status_locations()
  local out = {}
  for _, code in ipairs { 200, 201, 301, 400, 401, 403, 404, 500, 503 } do
    out[#out + 1] = ("    location = /status/%d { return %d 'status %d'; }")
      :format(code, code, code)
  end
  return table.concat(out, "\n")
end

-- A thousand clients may come at once.
local backlog = " backlog=2048"

-- The text of the configuration and the names of its ports.
local function config(certs, more)
  local body = server:gsub("    location ~ [^\n]*", status_locations)
  local out, ports = { head }, { "http", "inner" }
  local function add(name, listen, tls)
    out[#out + 1] = body:format("${" .. name .. "}" .. listen, tls)
    if name ~= "http" then ports[#ports + 1] = name end
  end
  add("http", backlog, "")
  for name, kind in pairs(certs and kinds or {}) do
    add(name, " ssl" .. backlog, ("ssl_certificate %s; ssl_certificate_key %s;"):format(
      certs[kind].cert, certs[kind].key))
  end
  for name, tls in pairs(more) do add(name, " ssl", tls) end
  out[#out + 1] = "}\n"
  return table.concat(out), ports
end

local site = [==[
mkdir www
for i in $(seq 64); do echo 0123456789abcde; done >www/file
for i in $(seq 64); do cat www/file; done >www/chunked
seq -f %015.0f 65536 >www/text
truncate -s 1G www/big
]==]

--- Starts nginx; raises with its log when it does not answer.
---@param certs? table
---@param more? table<string, string> by name, what a further https server says
---  about TLS
---@return table n of spec.support.daemon
function nginx.start(certs, more)
  local text, ports = config(certs, more or {})
  return daemon.start {
    program = "nginx",
    arguments = "-c ${folder}/nginx.conf -e ${folder}/error.log",
    ports = ports,
    ready = "nginx.pid",
    files = { ["nginx.conf"] = text },
    prepare = site,
  }
end

return nginx
