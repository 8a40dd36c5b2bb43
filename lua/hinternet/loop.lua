--- hinternet.loop: where events of all sessions are taken and tasks go on.
--
-- One runtime serves everything in a Lua state, so poll, run and pollable are
-- the same for the module and for every session.

local core, import = ...
local dispatch = import "dispatch"
local parked = import "parked"
local task = import "task"

local error, next, setmetatable, tostring, type = error, next, setmetatable, tostring, type
local now, step = core.now, core.step
local enter, poll_guard, work = dispatch.enter_poll, dispatch.poll_guard, task.work
local get_budget = core.budget
local ceil, huge = math.ceil, math.huge

local loop = {}

local STEP_MS = 1000 -- the longest time deaf to a lost signal

local function check(name)
  if dispatch.inside_callback() then
    error(name .. " called inside a status callback", 3)
  elseif task.is_inside() then
    error(name .. " called inside a task", 3)
  elseif dispatch.is_polling() then
    error(name .. " called inside poll", 3)
  end
end

--- Whether poll has, or will have, something to do.
loop.is_pending = core.pending

local function wait_ms(left)
  if task.is_pending() or left <= 0 then return 0 end
  return left * 1000 < STEP_MS and ceil(left * 1000) or STEP_MS
end

-- Moves the network until something was dispatched or the time is over.
local function poll(seconds)
  local _ <close> = poll_guard
  local place <close> = enter()
  local budget = get_budget()
  local began = (budget or seconds > 0 and seconds < huge) and now() or 0
  local limit = budget and began + budget
  task.next_round()
  local count = work(place, limit)
  if limit and count > 0 and now() >= limit then return count end
  local left = count > 0 and 0 or seconds
  while true do
    local pending = count > 0 or loop.is_pending()
    local message, code = step(pending and wait_ms(left) or 0)
    if message then error(message .. " (" .. code .. ")", 3) end
    count = count + work(place, limit)
    if count > 0 then return count end
    if not pending and not loop.is_pending() and not parked.end_lost() then return false end
    if left <= 0 then return 0 end
    if left < huge then left = seconds - (now() - began) end
  end
end

local function check_seconds(seconds)
  if seconds == nil then return huge end
  if type(seconds) ~= "number" or seconds ~= seconds or seconds < 0 then
    error("bad argument #1 to 'poll' (seconds expected, got " .. tostring(seconds) .. ")", 3)
  end
  return seconds
end

--- Waits at most `seconds` (0: not at all; nil: as long as it takes) until
-- something happens, calls the status callbacks of asynchronous sessions and
-- resumes tasks. Answers how many that were; false at once when nothing is
-- pending. Raises the error of a callback.
---@param seconds? number
---@return integer|false
function loop.poll(seconds)
  seconds = check_seconds(seconds)
  check("poll")
  local count = poll(seconds)
  if loop.watched and task.is_pending() then core.wake() end -- time was over
  return count
end

--- What is told of the loop to those that watch it from outside.
local Pollable = {}
Pollable.__index = Pollable
Pollable.__name = "hinternet.pollable"

--- The descriptor to watch: readable when poll(0) has something to do.
function Pollable:pollfd() return self.fd end
Pollable.getfd = Pollable.pollfd

--- What it is to be watched for.
function Pollable:events() return "r" end -- luacheck: ignore self

--- Seconds until poll(0) has something to do, without news from the network; nil
-- when nothing is to be done by itself.
function Pollable:timeout() -- luacheck: ignore self
  if task.is_pending() then return 0 end
  return core.timeout()
end

--- Whether there is something to do now, whatever the descriptor says.
function Pollable:dirty() return self:timeout() == 0 end

--- An object for loops that watch descriptors: for cqueues, for LuaSocket's
-- select, and through getfd for any. nil, message, 50 where the build has none.
---@return hinternet.pollable?
function loop.pollable()
  local fd, message, code = core.pollable()
  if not fd then return nil, message, code end
  core.watch_tasks()
  loop.watched = true
  return setmetatable({ fd = fd }, Pollable)
end

local function finish_tasks()
  while core.has_tasks() do
    if not poll(huge) and core.is_stuck() then error("every task waits for another", 3) end
  end
end

-- A run that is broken off; or was in a coroutine that died, which closes nothing.
local function break_run(guard)
  if not guard.done then task.break_run(guard.kept) end
end

local run_meta = { __close = break_run, __gc = break_run }

--- Runs all tasks to their ends. Raises the first error of a task that nobody
-- joined; further ones are warnings.
function loop.run()
  check("run")
  local guard <close> = setmetatable({ done = false, kept = false }, run_meta)
  guard.kept = task.begin_run()
  finish_tasks()
  guard.done = true
  local failure = task.end_run()
  if failure then error(failure.problem, 0) end
end

-- ------------------------------------------------------- the same of a session

loop.methods = { spawn = task.spawn }

function loop.methods.poll(session, seconds)
  task.check_session(session)
  if not session:is_valid() then return session:parent() end -- nil, message, 6
  return loop.poll(seconds)
end

for _, name in next, { "run", "pollable" } do
  loop.methods[name] = function(session)
    task.check_session(session)
    if not session:is_valid() then return session:parent() end
    return loop[name]()
  end
end

return loop
