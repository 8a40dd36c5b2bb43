--- hinternet.task: functions that run side by side, each in a coroutine of its
-- own whose calls wait by yielding.
--
-- A task is made ready by spawn, by the completion its call waits for, by the
-- end of a task it joins, or by a cancel; hinternet.loop resumes what is ready.
-- Whose turn it is and what has ended is noted by the C half, where no hook of a
-- host's can come between. A session keeps its tasks until they have ended, and
-- nothing else here does: tasks of a session that nobody can reach are collected
-- with it.

local core, import, half, slots = ...
local dispatch = import "dispatch"
local parked = import "parked"

local keys, now, take = core.keys, core.now, dispatch.take
local task_next, task_over, task_state = core.task_next, core.task_over, core.task_state
local error, next, setmetatable, type, warn = error, next, setmetatable, type, warn
local pack, unpack = table.pack, table.unpack
local close, create, status_of = coroutine.close, coroutine.create, coroutine.status

local task = {}

local OPERATION_CANCELLED = 12017
local CANCELLED = "operation cancelled: the task was cancelled"

-- What users hold is an empty table; what a task is stands where no script can
-- reach it: `self` here, and self.task, the C half's.
---@class hinternet.task
local Task = {}
Task.__index = Task
Task.__name = "hinternet.task"
Task.__metatable = Task.__name

local weak_keys = { __mode = "k" }

local inner = setmetatable({}, weak_keys) -- Task -> the task

local function check_task(given)
  local self = inner[given]
  if self then return self end
  error("bad self (hinternet.task expected, got " .. type(given) .. ")", 3)
end

-- Session -> the set of its tasks that have not ended.
local owned = setmetatable({}, weak_keys)
-- Tasks that have not ended, while run runs: these it finishes; and those that
-- failed, until it has raised it.
local kept

-- How the calls of a task wait.
local waiter = { wait = core.task_wait }

function waiter.wake(token) core.task_wake(token.task.task) end

-- A task that failed and was never joined says so when nobody can join it any
-- more.
local function report(problem)
  warn("hinternet: error in a task: ", dispatch.text_of(problem))
end

-- What the end of a task means for others. All of it may be done again, as after
-- an error, or by two coroutines of which one was suspended here.
local function see_to(self, failed)
  if self.results then
    core.task_told(self.task) -- what broke it came after its end
  elseif failed then
    close(self.thread)
  end
  self.siblings[self] = nil
  local run = kept
  if run and (self.results or not failed) then run[self] = nil end
  for i = 1, #self.joiners do
    local token = self.joiners[i]
    token.wake(token)
  end
  core.task_seen(self.task)
end

local function see_to_all()
  while true do
    local self, failed = task_over()
    if not self then return end
    see_to(self, failed)
  end
end

function waiter.go_on(token)
  core.task_run(token.task.task)
  see_to_all()
end

local function cancel(self)
  if not task_state(self.task) then return false end
  self.token.cancelled = true
  core.task_cancel(self.task) -- before its call has nothing left to wait for
  parked.abandon(self.token)
  return true
end

--- Cancels a task and lets it end at once.
function task.stop(given)
  local self = inner[given]
  if cancel(self) then waiter.go_on(self.token) end
end

--- Resumes tasks and delivers events at the place of poll, one by one, until
-- there is nothing left or the time has come; how many that were.
function task.work(place, limit)
  local count = 0
  repeat
    if task_next() then
      see_to_all()
      count = count + 1
    else
      local taken = take(place)
      if taken == nil then return count end
      if taken then count = count + 1 end
      if taken and taken ~= true then taken.wake(taken) end
    end
  until limit and now() >= limit
  return count
end

--- Makes ready what yielded by itself since the last time; sees to what an error
-- of the last time kept from it.
function task.next_round()
  see_to_all()
  core.task_round()
end

--- Whether a task is being resumed.
task.is_inside = core.is_in_task

--- Whether a task is ready, or will be with the next round.
task.is_pending = core.tasks_pending

--- Keeps every task until end_run, so that run can finish it.
function task.begin_run()
  local all = {}
  for _, self in next, core.tasks() do all[self] = true end
  kept = all
  return all
end

--- Lets go of them before their end: their failures are told when nobody can join
-- them any more. Another run may keep its own meanwhile.
function task.break_run(of_run)
  if kept == of_run then kept = nil end
end

-- The next failure that nobody knows of; from here on somebody does.
local function next_failure()
  local self, _, problem = core.task_failure()
  if not self then return end
  core.task_told(self.task)
  return { problem = problem }
end

--- Lets go of them; answers the first error that nobody joined, as a table.
function task.end_run()
  local first = next_failure()
  kept = nil
  local failure = first and next_failure()
  while failure do
    report(failure.problem)
    failure = next_failure()
  end
  return first
end

-- Only a task whose session went with it is collected before its end.
half[slots.task_gone] = function(self, unstarted, problem)
  if not unstarted then return report(problem) end
  if self.siblings.told then return end
  local count = 1
  self.siblings.told = true -- one warning for all
  for _, other in next, keys(self.siblings) do
    if other ~= "told" and other ~= self and task_state(other.task) == "new" then
      count = count + 1
    end
  end
  warn("hinternet: tasks that never started, for want of a run or poll: ", count)
end

-- ----------------------------------------------------------------- of a session

--- Raises for what is no session, blaming the caller of the method.
function task.check_session(session)
  if core.is_async(session) == nil then
    error("bad self (hinternet.session expected, got " .. (core.type(session) or type(session))
      .. ")", 3)
  end
end

--- Runs f(...) as a task: it starts with the next poll or run.
---@param f fun(...): ...
---@return hinternet.task
function task.spawn(self, f, ...)
  task.check_session(self)
  if type(f) ~= "function" then
    error("bad argument #1 to 'spawn' (function expected, got " .. type(f) .. ")", 2)
  end
  if not self:is_valid() then return self:parent() end -- nil, message, 6
  local arguments = pack(...)
  local siblings = owned[self] or {}
  owned[self] = siblings
  local new = { session = self, siblings = siblings, joiners = {}, results = false,
    thread = false, token = false, task = false }
  new.thread = create(function()
    new.results = pack(f(unpack(arguments, 1, arguments.n)))
  end)
  new.task = core.new_task(new.thread, new)
  new.token = parked.set_waiter(waiter, new.thread, new.task)
  new.token.task = new
  new.token.session = core.ids(self)
  local given = setmetatable({}, Task)
  inner[given] = new
  siblings[new] = true
  local run = kept
  if run then run[new] = true end
  core.begin_task(new.task) -- once everything is there that it needs
  return given
end

-- ----------------------------------------------------------------- a task's own

--- "ready", "running", "waiting", "done", "failed" or "cancelled".
---@return string
function Task:status()
  self = check_task(self)
  local state = task_state(self.task)
  if state then return state == "new" and "ready" or state end
  if not self.results and core.task_problem(self.task) then return "failed" end
  return self.token.cancelled and "cancelled" or "done"
end

--- Ends the task's waiting: the call it is parked in and all later ones answer
-- nil, message, 12017. A task that has not started never does.
---@return boolean
function Task:cancel() return cancel(check_task(self)) end

-- Waits for the end of a task; nothing, or why there is none to wait for.
local function await_end(self)
  local token = dispatch.waiting()
  if not token then
    local loop = import "loop"
    while task_state(self.task) do
      if not loop.poll() and core.is_stuck(self.task) then
        error("the task waits for what cannot happen", 3)
      end
    end
    return
  end
  local joiner = token.task and token.task.task
  if not joiner then self.joiners[#self.joiners + 1] = token end
  while joiner and core.task_join(self.task, joiner) or not joiner and task_state(self.task) do
    if token.cancelled then return nil, CANCELLED, OPERATION_CANCELLED end
    token.wait(token)
  end
end

--- Waits until the task has ended. Answers what its function answered; an error
-- of the function is raised here. Joining in a task waits like any call;
-- elsewhere the others are run meanwhile.
---@return any ...
function Task:join()
  self = check_task(self)
  local state = status_of(self.thread)
  if state == "running" or state == "normal" then error("a task cannot join itself", 2) end
  local _, message, code = await_end(self)
  if message then return nil, message, code end
  local results, failed, problem = self.results, core.task_problem(self.task)
  core.task_told(self.task)
  if results then return unpack(results, 1, results.n) end
  if failed then error(problem, 0) end
  return nil, CANCELLED, OPERATION_CANCELLED
end

function Task:__tostring() return "hinternet.task: " .. Task.status(self) end

-- A task that leaves its scope is cancelled.
function Task:__close() cancel(check_task(self)) end

return task
