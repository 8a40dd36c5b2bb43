-- A helper of busted: while a test runs, the collector never rests. A cycle
-- begins as soon as one ends and takes some ten kilobytes of allocations, each
-- of which pays for part of it, so that finalisers run in the middle of C
-- functions and between any two calls.

local busted = require "busted"

local pause, multiplier

busted.subscribe({ "test", "start" }, function()
  pause = collectgarbage("setpause", 0)
  multiplier = collectgarbage("setstepmul", 400)
  collectgarbage("incremental", 0, 0, 6)
  collectgarbage() -- the new pause counts from the end of a cycle
  return nil, true
end)

busted.subscribe({ "test", "end" }, function()
  collectgarbage("incremental", 0, 0, 13)
  collectgarbage("setpause", pause)
  collectgarbage("setstepmul", multiplier)
  collectgarbage()
  return nil, true
end)
