--- Downloads a URL many times at once, each in a task; the host polls, and keeps
-- the session that is returned.

local hinternet = require "hinternet"

local url, count = ...
count = math.tointeger(count)

local session = assert(hinternet.open { async = true, user_agent = "frames/1.0" })
local done, bytes, left = 0, 0, count

local function download()
  local response <close> = assert(session:get(url, { stream = true }))
  assert(response.status == 200, response.status)
  for piece in response:chunks() do bytes = bytes + #piece end
  done = done + 1
end

local function report(ok, problem)
  if not ok then print("failed: " .. tostring(problem)) end
  left = left - 1
  if left == 0 then
    print(("%d of %d downloads, %d bytes"):format(done, count, bytes))
  end
end

for _ = 1, count do
  session:spawn(function() report(pcall(download)) end)
end

return session
