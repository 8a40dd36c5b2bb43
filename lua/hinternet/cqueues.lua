--- hinternet.cqueues: calls wait in a controller of cqueues. One coroutine of each
-- moves the network while something is pending; an error of a status callback is
-- raised in another.

local condition, cqueues = require "cqueues.condition", require "cqueues"
local hinternet, is_pending = require "hinternet", require "hinternet.loop".is_pending
local wrap = require "hinternet.parked".wrap

local loop, waiter = {}, {}
local driven = setmetatable({}, { __mode = "k" }) -- controllers

local function drive(controller, pollable)
  repeat
    cqueues.poll(pollable)
    local ok, problem = pcall(hinternet.poll, 0)
    if not ok then controller:wrap(error, problem, 0) end
  until not is_pending()
  driven[controller] = nil
end

--- Drives what is pending, in a controller other than the running one if given;
-- calls that wait do it themselves.
function loop.start(controller)
  controller = controller or assert(cqueues.running(), "outside of every controller")
  if driven[controller] then return end
  driven[controller] = true
  controller:wrap(drive, controller, assert(hinternet.pollable()))
end

function waiter.wait(token)
  loop.start()
  token.woken = token.woken or condition.new()
  token.woken:wait()
end

function waiter.wake(token) token.woken:signal() end

--- A function that runs f with calls that wait.
function loop.wrap(f) return wrap(waiter, f) end

--- Runs f(...) in a new coroutine of the running controller.
function loop.spawn(f, ...) cqueues.running():wrap(loop.wrap(f), ...) end

return loop
