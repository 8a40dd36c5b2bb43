--- hinternet.luv: calls wait in the loop of libuv (luv), which is kept alive
-- while something is pending. An error goes where those of luv's callbacks go.

local hinternet, is_pending = require "hinternet", require "hinternet.loop".is_pending
local luv, wrap = require "luv", require "hinternet.parked".wrap

local loop, waiter, watch = {}, {}, nil
local held = {} -- tokens: nothing else may hold their coroutines

local function drive()
  local ok, problem = pcall(hinternet.poll, 0)
  if not is_pending() then watch = watch:close() end -- nil
  if not ok then error(problem, 0) end
end

--- Drives what is pending; calls that wait do it themselves.
function loop.start()
  if watch then return end
  watch = luv.new_poll(assert(hinternet.pollable()):pollfd())
  watch:start("r", drive)
end

local function go_on(thread, ...)
  local ok, problem = coroutine.resume(thread, ...)
  if ok then return end
  problem = debug.traceback(thread, problem)
  coroutine.close(thread)
  error(problem, 0)
end

function waiter.wait(token)
  held[token] = token.thread
  loop.start()
  coroutine.yield()
end

function waiter.wake(token)
  local timer = luv.new_timer()
  timer:start(0, 0, function()
    timer:close()
    local thread = held[token]
    held[token] = nil
    if thread and coroutine.status(thread) == "suspended" then go_on(thread) end
  end)
end

--- Runs f(...) in a coroutine whose calls wait. Closing it ends its call.
function loop.spawn(f, ...)
  local thread = coroutine.create(wrap(waiter, f))
  go_on(thread, ...)
  return thread
end

--- A function that spawns f: a callback for luv.
function loop.wrap(f) return function(...) loop.spawn(f, ...) end end

return loop
