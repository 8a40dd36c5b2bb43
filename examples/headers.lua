--- Shows what a server says about a page, without fetching it.
--
--   lua5.4 examples/headers.lua https://example.org/

local hinternet = require "hinternet"

local url = arg[1] or error("usage: headers.lua URL", 0)
local response = assert(hinternet.head(url, { timeout = 20 }))
local headers = response.headers

print(response.status, response.url)

-- In the order they came, repeated ones each for itself.
for name, value in pairs(headers) do print(name .. ": " .. value) end

-- By name, in any case. A repeated one is joined with ", ", or taken as a list.
print("server", headers["SERVER"] or "not said")
for i, cookie in ipairs(headers:all("set-cookie")) do print("cookie " .. i, cookie) end

local date = headers["date"] and hinternet.parse_date(headers["date"])
if date then print("seconds since 1970", date) end
