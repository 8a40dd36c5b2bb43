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

local socket = require "socket"
local process = require "spec.support.process"

local nginx = {}
nginx.__index = nginx

local kinds = { "good", "wrong", "expired", "untrusted", "self_signed" }

local head = [[
user root;
daemon off;
worker_processes 1;
pid ${folder}/nginx.pid;
error_log ${folder}/error.log;
events { worker_connections 512; }
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
    listen ${inner};
    location / { return 200 "$content_length"; }
  }
]]

local server = [[
  server {
    listen ${listen};
    ${tls}
    root ${folder}/www;
    location = /empty { return 204; }
    location = /length {
      proxy_http_version 1.1;
      proxy_pass http://${inner};
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

local function fill(template, values)
  return (template:gsub("%${(%w+)}", values))
end

local function write(path, text)
  local file = assert(io.open(path, "wb"))
  file:write(text)
  file:close()
end

-- Ports that were free a moment ago. All are held until all are known.
local function free_ports(count)
  local held, ports = {}, {}
  for i = 1, count do
    held[i] = assert(socket.bind("127.0.0.1", 0))
    local _, port = held[i]:getsockname()
    ports[i] = port
  end
  for _, sock in ipairs(held) do sock:close() end
  return ports
end

local function status_locations()
  local out = {}
  for _, code in ipairs { 200, 201, 301, 400, 401, 403, 404, 500, 503 } do
    out[#out + 1] = ("    location = /status/%d { return %d 'status %d'; }")
      :format(code, code, code)
  end
  return table.concat(out, "\n")
end

local function config(folder, ports, certs, more)
  local inner = "127.0.0.1:" .. ports.inner
  local out = { fill(head, { folder = folder, inner = inner }) }
  local body = server:gsub("    location ~ [^\n]*", function()
    return status_locations()
  end)
  local function add(port, tls)
    out[#out + 1] = fill(body, {
      folder = folder, inner = inner, tls = tls,
      listen = "127.0.0.1:" .. port .. (tls ~= "" and " ssl" or ""),
    })
  end
  add(ports.http, "")
  for _, kind in ipairs(certs and kinds or {}) do
    add(ports[kind], ("ssl_certificate %s; ssl_certificate_key %s;"):format(
      certs[kind].cert, certs[kind].key))
  end
  for name, tls in pairs(more) do add(ports[name], tls) end
  out[#out + 1] = "}\n"
  return table.concat(out)
end

local function make_site(folder)
  process.run(("mkdir %s/www"):format(process.quote(folder)))
  write(folder .. "/www/file", ("0123456789abcde\n"):rep(64))
  write(folder .. "/www/chunked", ("0123456789abcde\n"):rep(4096))
  local text = {}
  for i = 1, 1 << 16 do text[i] = ("%015d\n"):format(i) end
  write(folder .. "/www/text", table.concat(text))
  process.run(("truncate -s 1G %s"):format(
    process.quote(folder .. "/www/big")))
end

local function answers(port)
  local sock = socket.tcp()
  sock:settimeout(1)
  local ok = sock:connect("127.0.0.1", port)
  sock:close()
  return ok
end

-- The shell ends nginx when its own input ends, so that none outlives a crash.
local launcher = [==[
%s -c %s/nginx.conf -e %s/error.log </dev/null >%s/output 2>&1 &
pid=$!
echo $pid >%s/pid
read -r _
kill $pid 2>/dev/null
wait $pid
]==]

local function read(path)
  local file = io.open(path, "rb")
  if not file then return "" end
  local text = file:read("a")
  file:close()
  return text
end

local function launch(self)
  local f = self.folder
  local command = launcher:format(process.program("nginx"), f, f, f, f)
  self.pipe = process.start("sh -c " .. process.quote(command))
  for _ = 1, 400 do
    self.pid = self.pid or math.tointeger(tonumber(read(f .. "/pid")))
    if self.pid and not process.is_alive(self.pid) then return false end
    if self.pid and answers(self.http_port) then return true end
    socket.sleep(0.01)
  end
  return false
end

local function choose_ports(self, certs, more)
  local names = { "http", "inner" }
  if certs then table.move(kinds, 1, #kinds, 3, names) end
  for name in pairs(more) do names[#names + 1] = name end
  local ports = {}
  for i, port in ipairs(free_ports(#names)) do
    local name = names[i] == "good" and "https" or names[i]
    ports[names[i]] = port
    self[name .. "_port"] = port
    self[name] = (i <= 2 and "http" or "https") .. "://127.0.0.1:" .. port
  end
  return ports
end

--- Starts nginx; raises with its log when it does not answer.
---@param certs? table
---@param more? table<string, string> by name, what a further https server says
---  about TLS
---@return table
function nginx.start(certs, more)
  local self = setmetatable({ folder = process.temp_folder() }, nginx)
  more = more or {}
  make_site(self.folder)
  local said = ""
  for _ = 1, 3 do -- a free port may be taken before nginx has it
    local ports = choose_ports(self, certs, more)
    write(self.folder .. "/nginx.conf",
      config(self.folder, ports, certs, more))
    if launch(self) then return self end
    self.pipe:close()
    self.pid = nil
    said = read(self.folder .. "/output") .. self:log("error.log")
  end
  process.remove_folder(self.folder)
  error("nginx did not start:\n" .. said)
end

--- The text of a log in its folder.
---@param name string "access.log" or "error.log"
---@return string
function nginx:log(name)
  return read(self.folder .. "/" .. name)
end

--- Stops nginx and removes its folder.
function nginx:stop()
  if not self.pid then return end
  process.kill(self.pid, "TERM")
  if not process.wait_end(self.pid, 5) then process.kill(self.pid, "KILL") end
  self.pipe:close()
  self.pid = nil
  process.remove_folder(self.folder)
end

return nginx
