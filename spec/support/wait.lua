--- Waits for what is sure to come: as long as the busiest machine may need, and
--- whoever waits in vain is told for what.
--
--   wait.sleeping("a line in the log", function() return log() ~= "" end)
--   wait.polling("a connection", function() return server:accepted() == 1 end)
--   wait.poll_out()

local socket = require "socket"
local hinternet = require "hinternet"
local process = require "spec.support.process"

local wait = {}

-- Takes turns until the condition answers something, and answers that; it is to
-- be called as the last thing, so that errors blame the caller's caller. A turn
-- that answers false is the last.
local function take_turns(what, condition, turn)
  local deadline = socket.gettime() + process.PATIENCE
  local goes_on = true
  while true do
    local result = condition()
    if result then return result end
    if goes_on == false then error("nothing is pending, and this did not come: " .. what, 2) end
    if socket.gettime() > deadline then error("this does not come: " .. what, 2) end
    goes_on = turn()
  end
end

--- Sleeps until a condition holds.
---@param what string what is waited for
---@param condition fun(): any
---@return any result of the condition
function wait.sleeping(what, condition)
  return take_turns(what, condition, function() socket.sleep(0.01) end)
end

--- Polls until a condition holds; raises at once when nothing is pending.
---@param what string what is waited for
---@param condition fun(): any
---@param session? table whose poll is called, the module's if left out
---@return any result of the condition
function wait.polling(what, condition, session)
  local poll = hinternet.poll
  if session then poll = function(seconds) return session:poll(seconds) end end
  return take_turns(what, condition, function() return poll(0.01) end)
end

--- Polls until nothing is pending any more; raises when nothing happens.
function wait.poll_out()
  repeat
    local count = hinternet.poll(process.PATIENCE)
    if count == 0 then error("something is pending, and nothing happens", 2) end
  until not count
end

return wait
