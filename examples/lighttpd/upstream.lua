--- Lets lighttpd answer with what another server says. In its configuration:
--
--   server.modules += ("mod_magnet")
--   $HTTP["url"] =~ "^/api/" {
--     magnet.attract-raw-url-to = ("/path/to/upstream.lua")
--   }
--
-- lighttpd keeps one Lua state for each script, and with it the connections to
-- the other server. It serves nobody else while the script runs: hence the
-- timeout.

local hinternet = require "hinternet"

local upstream = os.getenv("UPSTREAM") or "http://127.0.0.1:8080"
local request = lighty.r

local answer, message = hinternet.get(upstream .. request.req_attr["uri.path-raw"],
  { timeout = 5 })
if not answer then
  request.resp_header["Content-Type"] = "text/plain"
  request.resp_body.set(message .. "\n")
  return 502
end
request.resp_header["Content-Type"] = answer.headers["content-type"]
request.resp_body.set(answer.body)
return answer.status
