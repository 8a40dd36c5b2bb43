--- The same as get.lua, step by step: session, connection, request.
--
--   lua5.4 examples/level1.lua https://example.org/

local hinternet = require "hinternet"

local url = arg[1] or error("usage: level1.lua URL", 0)
local parts = assert(hinternet.crack_url(url))
local path = (parts.path .. parts.extra):gsub("#.*", "")

-- <close>: everything is closed however this program ends, and closing the
-- session alone would do.
local session <close> = assert(hinternet.open { user_agent = "level1/1.0" })
assert(session:set_timeouts { connect = 10, response = 20, receive = 20 })

local connection <close> = assert(session:connect(parts.host, parts.port))
local request <close> = assert(connection:open_request("GET", path, {
  secure = parts.scheme ~= "http",
  accept = { "text/html", "text/plain" },
}))
print(request)

assert(request:send())
assert(request:receive_response())
print(request:query_headers("status_code"), request:query_headers("status_text"))

-- Each read answers as soon as it has something; the end is nil.
local size = 0
while true do
  local data, message, code = request:read(65536)
  if message then error(("%s (%d)"):format(message, code), 0) end
  if not data then break end
  size = size + #data
end
print("bytes", size)
print(request)
