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

local daemon = require "spec.support.daemon"

local apache = { date = "Mon, 28 Jul 2008 10:05:52 GMT" }

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

local function load_modules()
  local lines = {}
  for i, name in ipairs(names) do
    lines[i] = ("LoadModule %s_module %s/mod_%s.so"):format(name, modules, name)
  end
  return table.concat(lines, "\n")
end

local site = [==[
mkdir www www/dav
chmod 755 . www
chmod 777 . www/dav
for i in $(seq 64); do echo 0123456789abcde; done >www/file
seq -f %015.0f 65536 >www/text
TZ=UTC touch -d '2008-07-28 10:05:52' www/file
]==]

--- Starts Apache; raises with its log when it does not answer.
---@param certs? table
---@return table a of spec.support.daemon
function apache.start(certs)
  local good = certs and certs.good or {}
  return daemon.start {
    program = "apache2",
    arguments = "-f ${folder}/httpd.conf -X",
    ports = { "http", "https" },
    files = { ["httpd.conf"] = config .. (certs and secure or "") },
    values = { modules = load_modules(), cert = good.cert, key = good.key },
    prepare = site,
  }
end

return apache
