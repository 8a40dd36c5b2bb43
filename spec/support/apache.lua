--- Apache httpd on free loopback ports, as a real peer.
--
--   local apache = require "spec.support.apache"
--   local a = apache.start(certs)      -- certs of spec.support.certs, or nil
--   a.http                             -- "http://127.0.0.1:PORT", a.http_port
--   a.https                            -- good certificate, a.https_port
--   a:stop()
--
-- On both:  /file  1 KiB;  /text  1 MiB, compressed for those who accept
-- gzip, deflate being none of them;  /brotli/text  the same by brotli;
-- /missing  404;  /moved  302 to /file;  /permanently/NAME  308 to /NAME;
-- /away  301 to the other of http and https;  /reflect  answers a POST with its
-- own body;  /dav/NAME  keeps what is PUT there;  /close/NAME  as /NAME, and
-- the connection is closed. /file has a date that does not change, apache.date.
-- a.folder holds www/, access.log (method, URI, status, requests on the
-- connection before this one) and error.log.

local socket = require "socket"
local process = require "spec.support.process"

local apache = { date = "Mon, 28 Jul 2008 10:05:52 GMT" }
apache.__index = apache

local modules = "/usr/lib/apache2/modules"

local config = [[
ServerRoot "${folder}"
ServerName 127.0.0.1
PidFile "${folder}/httpd.pid"
DefaultRuntimeDir "${folder}"
Mutex file:${folder} default
${modules}
User nobody
Group nogroup
StartServers 1
ServerLimit 1
ThreadsPerChild 16
MaxRequestWorkers 16
KeepAlive On
KeepAliveTimeout 60
MaxKeepAliveRequests 0
LogFormat "%m %U %>s %k" plain
CustomLog "${folder}/access.log" plain
ErrorLog "${folder}/error.log"
DocumentRoot "${folder}/www"
DavLockDB "${folder}/dav-lock"
Listen 127.0.0.1:${http}
<Directory "${folder}/www">
  Require all granted
</Directory>
SetEnvIf Request_URI "^/close/" nokeepalive
Alias /close/ "${folder}/www/"
Alias /brotli/ "${folder}/www/"
Redirect 302 /moved /file
RedirectMatch 308 ^/permanently/(.*)$ /$1
<Location /text>
  SetOutputFilter DEFLATE
</Location>
<Location /brotli>
  SetOutputFilter BROTLI_COMPRESS
</Location>
<Location /reflect>
  SetHandler reflector
</Location>
<Location /dav>
  Dav On
</Location>
<VirtualHost 127.0.0.1:${http}>
  Redirect 301 /away https://127.0.0.1:${https}/file
</VirtualHost>
]]

local secure = [[
Listen 127.0.0.1:${https}
<VirtualHost 127.0.0.1:${https}>
  SSLEngine on
  SSLCertificateFile "${cert}"
  SSLCertificateKeyFile "${key}"
  Redirect 301 /away http://127.0.0.1:${http}/file
</VirtualHost>
]]

local names = { "mpm_event", "authz_core", "authz_host", "setenvif", "alias",
  "filter", "deflate", "brotli", "reflector", "dav", "dav_fs", "ssl" }

local function fill(template, values)
  return (template:gsub("%${(%w+)}", values))
end

local function write(path, text)
  local file = assert(io.open(path, "wb"))
  file:write(text)
  file:close()
end

local function read(path)
  local file = io.open(path, "rb")
  if not file then return "" end
  local text = file:read("a")
  file:close()
  return text
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

local function make_site(folder)
  process.run(("cd %s && mkdir www www/dav && chmod 755 . www && chmod 777 . www/dav"):format(
    process.quote(folder)))
  write(folder .. "/www/file", ("0123456789abcde\n"):rep(64))
  local text = {}
  for i = 1, 1 << 16 do text[i] = ("%015d\n"):format(i) end
  write(folder .. "/www/text", table.concat(text))
  process.run(("TZ=UTC touch -d '2008-07-28 10:05:52' %s/www/file"):format(
    process.quote(folder)))
end

local function make_config(self, certs, ports)
  local lines = {}
  for i, name in ipairs(names) do
    lines[i] = ("LoadModule %s_module %s/mod_%s.so"):format(name, modules, name)
  end
  local values = { folder = self.folder, modules = table.concat(lines, "\n"),
    http = tostring(ports[1]), https = tostring(ports[2]) }
  local text = fill(config, values)
  if certs then
    values.cert, values.key = certs.good.cert, certs.good.key
    text = text .. fill(secure, values)
  end
  write(self.folder .. "/httpd.conf", text)
end

local function answers(port)
  local sock = socket.tcp()
  sock:settimeout(1)
  local ok = sock:connect("127.0.0.1", port)
  sock:close()
  return ok
end

-- The shell ends the server when its own input ends, so that none outlives a
-- crash.
local launcher = [==[
%s -f %s/httpd.conf -X </dev/null >%s/output 2>&1 &
pid=$!
echo $pid >%s/pid
read -r _
kill $pid 2>/dev/null
wait $pid
]==]

local function launch(self)
  local f = self.folder
  local command = launcher:format(process.program("apache2"), f, f, f)
  self.pipe = process.start("sh -c " .. process.quote(command))
  for _ = 1, 400 do
    self.pid = self.pid or math.tointeger(tonumber(read(f .. "/pid")))
    if self.pid and not process.is_alive(self.pid) then return false end
    if self.pid and answers(self.http_port) then return true end
    socket.sleep(0.01)
  end
  return false
end

--- Starts Apache; raises with its log when it does not answer.
---@param certs? table
---@return table
function apache.start(certs)
  local self = setmetatable({ folder = process.temp_folder() }, apache)
  make_site(self.folder)
  local said = ""
  for _ = 1, 3 do -- a free port may be taken before Apache has it
    local ports = free_ports(2)
    self.http_port, self.https_port = ports[1], certs and ports[2]
    self.http = "http://127.0.0.1:" .. ports[1]
    self.https = certs and "https://127.0.0.1:" .. ports[2]
    make_config(self, certs, ports)
    if launch(self) then return self end
    self.pipe:close()
    self.pid = nil
    said = read(self.folder .. "/output") .. self:log("error.log")
  end
  process.remove_folder(self.folder)
  error("Apache did not start:\n" .. said)
end

--- The text of a log in its folder.
---@param name string "access.log" or "error.log"
---@return string
function apache:log(name)
  return read(self.folder .. "/" .. name)
end

--- Stops Apache and removes its folder.
function apache:stop()
  if not self.pid then return end
  process.kill(self.pid, "TERM")
  if not process.wait_end(self.pid, 5) then process.kill(self.pid, "KILL") end
  self.pipe:close()
  self.pid = nil
  process.remove_folder(self.folder)
end

return apache
