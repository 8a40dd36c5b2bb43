--- Fetches pages side by side, each in a task, while the host goes on.
--
--   lua5.4 examples/tasks.lua https://example.org/ https://example.com/ ...

local hinternet = require "hinternet"

if #arg == 0 then error("usage: tasks.lua URL...", 0) end
local session <close> = assert(hinternet.open { user_agent = "tasks/1.0" })

-- In a task every call waits by yielding, so the code reads like any other.
local function fetch(url)
  local response, message = session:get(url, { timeout = 20 })
  if not response then return "failed", message end
  return response.status, #response.body .. " bytes"
end

local tasks = {}
for i, url in ipairs(arg) do tasks[i] = session:spawn(fetch, url) end

-- The host's own loop: one turn of it calls poll, which never blocks it longer
-- than it says.
local turns, pending = 0, true
while pending do
  turns = turns + 1
  pending = hinternet.poll(0.01)
end

for i, task in ipairs(tasks) do print(arg[i], task:join()) end
print(turns .. " turns of the loop meanwhile")
