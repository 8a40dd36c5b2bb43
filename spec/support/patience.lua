--- Tests of a limit within which something has to go well first: on a busy
--- machine that takes its time, so they are tried again with a longer limit.
--
--   patience.try(0.15, function(limit)
--     ...
--     ready(request:send())             -- an error 12002 says: too early
--     if ... then patience.too_early() end
--   end)

local patience = {}

local TIMEOUT = 12002
local TRIES = 8

local Early = {}

--- Ends a try whose limit was too short for this machine.
---@param why? string
function patience.too_early(why)
  error(setmetatable({ why = why or "something" }, Early), 0)
end

--- As assert, but a timeout comes too early.
function patience.ready(result, message, code, ...)
  if result == nil and code == TIMEOUT then patience.too_early(message) end
  return assert(result, message), message, code, ...
end

--- Runs a test with a limit, with twice as much when that was too early, and so
--- on.
---@param limit number
---@param test fun(limit: number)
function patience.try(limit, test)
  local problem
  for _ = 1, TRIES do
    local ok
    ok, problem = pcall(test, limit)
    if ok then return end
    if getmetatable(problem) ~= Early then error(problem, 0) end
    limit = limit * 2
  end
  error("too early even with " .. limit / 2 .. " s: " .. problem.why, 2)
end

return patience
