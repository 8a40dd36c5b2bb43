--- Saves a page to a file, whatever its size, and shows how far it is.
--
--   lua5.4 examples/download.lua https://example.org/ page.html

local hinternet = require "hinternet"

local url, path = arg[1], arg[2]
if not path then error("usage: download.lua URL FILE", 0) end

local STEP = 1 << 20 -- bytes between two signs of life

local parts = assert(hinternet.crack_url(url))
local target = (parts.path .. parts.extra):gsub("#.*", "")
local session <close> = assert(hinternet.open { user_agent = "download/1.0" })
local connection = assert(session:connect(parts.host, parts.port))
local request = assert(connection:open_request("GET", target, {
  secure = parts.scheme ~= "http",
}))
assert(request:send())
assert(request:receive_response())

local status = request:query_headers("status_code")
if status ~= 200 then error("the server answered " .. status, 0) end
local total = request:query_headers("content_length") -- nil when the server does not say

local file <close> = assert(io.open(path, "wb"))
local done = 0
repeat
  -- From the connection to the file without becoming a Lua string.
  local count = assert(request:read_to(file, STEP))
  done = done + count
  if count > 0 then
    print(total and ("%d bytes, %d%%"):format(done, done * 100 // total) or done .. " bytes")
  end
until count == 0
print("saved", path)
