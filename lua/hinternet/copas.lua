--- hinternet.copas: calls wait in the loop of Copas. One thread moves the network
-- while something is pending; an error of a status callback is raised in another.
--
-- Every version of Copas can wait in one way: receive from an object until select
-- names it as readable or dirty. Here all of these have one descriptor, and
-- whichever is named as readable has the driver go on.

local copas, wrap = require "copas", require "hinternet.parked".wrap
local hinternet, is_pending = require "hinternet", require "hinternet.loop".is_pending

local loop, waiter, pollable, driver = {}, {}, nil, nil

local Place = { close = function() end } -- what a thread received from is closed
Place.__index = Place
function Place.getfd() return pollable:getfd() end
function Place:dirty() return self.woken end

local function drive(self)
  if self.woken == nil then return nil, "timeout" end
  self.woken = false
  local ok, problem = pcall(hinternet.poll, 0)
  if not ok then copas.addthread(function() error(problem, 0) end) end
  driver = is_pending() and self or nil
  return not driver, "timeout"
end

--- Drives what is pending; calls that wait do it themselves.
function loop.start()
  if driver then return end
  pollable = assert(hinternet.pollable())
  local new = setmetatable({ receive = drive }, Place)
  copas.addthread(function() copas.receive(new) end)
  driver, new.woken = new, true
end

local function be_woken(self)
  if self.woken then return true end
  loop.start()
  driver.woken = true
  return nil, "timeout"
end

function waiter.wait(token)
  token.place = setmetatable({ receive = be_woken }, Place)
  copas.receive(token.place)
end

function waiter.wake(token) token.place.woken = true end

--- A function that runs f with calls that wait.
function loop.wrap(f) return wrap(waiter, f) end

--- Runs f(...) in a new thread. Raises at once where the build cannot be waited
-- for: of the errors of threads Copas only prints the text.
function loop.spawn(f, ...)
  assert(hinternet.pollable())
  local call, arguments = loop.wrap(f), table.pack(...)
  return copas.addthread(function() call(table.unpack(arguments, 1, arguments.n)) end)
end

return loop
