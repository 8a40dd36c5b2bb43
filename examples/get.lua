--- Fetches a page in one call.
--
--   lua5.4 examples/get.lua https://example.org/

local hinternet = require "hinternet"

local url = arg[1] or error("usage: get.lua URL", 0)

-- A failure is nil, a message that says what was being done, and a code.
local response, message, code = hinternet.get(url, {
  headers = { Accept = "text/html, text/plain" },
  timeout = 20,
})
if not response then
  io.stderr:write(("%s (%d)\n"):format(message, code))
  os.exit(1, true)
end

print(response.version, response.status, response.reason)
print("type", response.headers["content-type"] or "not said")
print("length", #response.body)
print(response.body)
