--- hinternet.sleep: letting time pass, as any call waits.

local core = ...

local error, tostring, type = error, tostring, type
local ceil = math.ceil

local sleep = {}

local FOREVER = -1
local LONGEST = 1e12 -- seconds

local function milliseconds(seconds)
  if type(seconds) ~= "number" then
    error("bad argument #1 to 'sleep' (number expected, got " .. type(seconds) .. ")", 3)
  elseif seconds ~= seconds or seconds < 0 then
    error("bad argument #1 to 'sleep' (seconds expected, got " .. tostring(seconds) .. ")", 3)
  end
  return seconds < LONGEST and ceil(seconds * 1000) or FOREVER
end

--- Waits so many seconds at least: in a task by yielding, through an adapter's
-- loop, elsewhere by blocking, and then no callback is called meanwhile; the
-- network goes on in any case. 0 lets everything else have its turn, math.huge
-- waits until the task is cancelled, or for Ctrl-C.
---@param seconds number
---@return true?
function sleep.sleep(seconds)
  local ms = milliseconds(seconds)
  local sleeper <close> = core.new_sleeper()
  return core.sleep(sleeper, ms)
end

return sleep
