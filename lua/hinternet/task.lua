--- hinternet.task: functions that run side by side, each in a coroutine of its
-- own whose calls wait by yielding.
--
-- A task is made ready by spawn, by the completion its call waits for, by the
-- end of a task it joins, or by a cancel; hinternet.loop resumes what is ready.
-- A session keeps its tasks until they have ended, and nothing else here does:
-- tasks of a session that nobody can reach are collected with it.

local core, import = ...
local dispatch = import "dispatch"
local parked = import "parked"

local keys, now, take, values = core.keys, core.now, dispatch.take, core.values
local error, next, setmetatable, type, warn = error, next, setmetatable, type, warn
local pack, unpack = table.pack, table.unpack
local create, resume, yield, close = coroutine.create, coroutine.resume, coroutine.yield,
  coroutine.close
local status_of = coroutine.status

local task = {}

local OPERATION_CANCELLED = 12017
local CANCELLED = "operation cancelled: the task was cancelled"
local DEAD = "cannot resume dead coroutine" -- as Lua says it

-- What users hold is an empty table; what a task is stands where no script can
-- reach it.
---@class hinternet.task
local Task = {}
Task.__index = Task
Task.__name = "hinternet.task"
Task.__metatable = Task.__name

local weak_keys, weak_values = { __mode = "k" }, { __mode = "v" }

local inner = setmetatable({}, weak_keys) -- Task -> the task

local function check_task(given)
  local self = inner[given]
  if self then return self end
  error("bad self (hinternet.task expected, got " .. type(given) .. ")", 3)
end

-- Session -> its tasks that have not ended.
local owned = setmetatable({}, weak_keys)
-- Session -> what its tasks have in common: how many have not started.
local groups = setmetatable({}, weak_keys)
-- Tasks to resume, oldest first, and those that yielded by themselves, whose
-- turn comes with the next poll.
local ready, first, last = setmetatable({}, weak_values), 1, 0
local yielded, yields = setmetatable({}, weak_values), 0
-- Tasks that nobody joined -> when they failed; 0: they did not.
local failed, failures = setmetatable({}, weak_keys), 0
-- Tasks that have not ended, while run runs: these it finishes.
local kept

-- Any step below may end by an error, as for want of memory. So what has to be
-- noted when a task goes on has its place from its beginning, and what was
-- skipped by an error is found again, by a search that follows one.
local current        -- the task being resumed now; its `outer` is around it
local astray = false -- an error may have kept tasks from going on
local working = false
task.alive = 0       -- tasks that have not ended

-- Called when a task becomes ready, once somebody watches from outside.
local on_ready

function task.set_on_ready(f) on_ready = f end

local function enqueue(self)
  local before = astray
  astray = true
  ready[last + 1] = self
  last, astray = last + 1, before
  if on_ready then on_ready() end
end

local function make_ready(self)
  if self.ready or self.ended then return end
  self.ready = true
  enqueue(self)
end

local function is_active(self)
  local status = status_of(self.thread)
  return status == "running" or status == "normal"
end

-- Forgets tasks that are not being resumed any more: an error was raised past
-- them.
local function drop_inactive()
  while current and not is_active(current) do
    current, astray = current.outer, true
  end
end

-- How the calls of a task wait: by yielding their token.
local waiter = { wait = yield }

function waiter.wake(token) make_ready(token.task) end

-- A task that failed and was never joined says so when nobody can join it any
-- more.
local function report(self)
  if (failed[self] or 0) > 0 then
    failed[self] = nil
    warn("hinternet: error in a task: ", dispatch.text_of(self.problem))
  end
end

local function finish(self, ok, problem)
  self.ended, self.ready = true, false
  task.alive = task.alive - 1
  local set = owned[self.session]
  if set then set[self] = nil end
  if ok then
    failed[self] = nil
    if kept then kept[self] = nil end -- else until run has raised it
  else
    failures = failures + 1
    self.problem, failed[self] = problem, failures
  end
  local before = astray
  astray = true
  for i = 1, #self.joiners do
    local token = self.joiners[i]
    token.wake(token)
  end
  astray = before
end

local function resumed(self, ok, what)
  current = self.outer
  if what == self.token then return end -- it waits
  if not ok then
    if what == DEAD then what = "the coroutine of the task was closed" end
    close(self.thread)
  elseif not self.results then -- it yielded by itself
    local before = astray
    self.ready, astray = true, true
    yielded[yields + 1] = self
    yields, self.ready, astray = yields + 1, false, before
    return
  end
  finish(self, ok, what)
end

local function resume_task(self)
  if current then drop_inactive() end
  self.outer, current = current or false, self
  return resumed(self, resume(self.thread))
end

local function go_on(self)
  self.ready = false
  if self.results then return finish(self, true) end -- an error came after its end
  if self.token.cancelled and not self.started then
    self.results = pack(nil, CANCELLED, OPERATION_CANCELLED)
    return finish(self, true)
  end
  if not self.started then
    self.started = true
    self.group.unstarted = self.group.unstarted - 1
  end
  return resume_task(self)
end

function waiter.go_on(token)
  if status_of(token.thread) == "suspended" then go_on(token.task) end
end

local function cancel(self)
  if self.ended then return false end
  if not self.started and not self.token.cancelled then
    self.group.unstarted = self.group.unstarted - 1
  end
  self.token.cancelled = true
  parked.abandon(self.token)
  make_ready(self)
  return true
end

--- Cancels a task and lets it end at once.
function task.stop(given)
  local self = inner[given]
  if cancel(self) and status_of(self.thread) == "suspended" then go_on(self) end
end

-- A call that was parked has its result.
local function completed(token)
  local self = token.task
  if not self then return token.wake(token) end
  return resume_task(self)
end

-- Whether an error kept a task from going on where it should have, or from its
-- end.
local function is_astray(self)
  local status, token = status_of(self.thread), self.token
  if self.ended or status ~= "suspended" then return status == "dead" and not self.ended end
  local joined = self.joined
  return self.ready or token[parked.DONE] and not token[parked.GIVEN] or joined and joined.ended
end

-- One of them; nothing when there is none.
local function find_astray()
  for _, set in next, values(owned) do
    for _, self in next, keys(set) do
      if is_astray(self) then return self end
    end
  end
  astray = false
end

-- The task that has been ready for longest, taken from the list.
local function next_ready()
  while first <= last do
    local self = ready[first]
    ready[first] = nil
    first = first + 1
    if self and self.ready then return self end
  end
  first, last = 1, 0
  if astray then return find_astray() end
end

--- Resumes tasks and delivers events at the place of poll, one by one, until
-- there is nothing left or the time has come; how many that were.
function task.work(place, limit)
  local count = 0
  working = true
  repeat
    local self = (first <= last or astray) and next_ready()
    if self then
      go_on(self)
      count = count + 1
    else
      local taken = take(place)
      if taken == nil then
        working = false
        return count
      end
      if taken then count = count + 1 end
      if taken and taken ~= true then completed(taken) end
    end
  until limit and now() >= limit
  working = false
  return count
end

--- Makes ready what yielded by itself since the last time; looks for what an error
-- of the last time kept from going on.
function task.next_round()
  if working or current then
    drop_inactive()
    working, astray = false, true
  end
  for i = 1, yields do
    local self = yielded[i]
    yielded[i] = nil
    if self then make_ready(self) end
  end
  yields = 0
end

--- Whether a task is being resumed.
function task.is_inside()
  if current then drop_inactive() end
  return current ~= nil and current ~= false
end

--- Whether a task is ready, or will be with the next round.
function task.is_pending() return first <= last or yields > 0 or astray end

--- Keeps every task until end_run, so that run can finish it.
function task.begin_run()
  local all = {}
  for _, set in next, values(owned) do
    for _, self in next, keys(set) do all[self] = true end
  end
  kept = all
  return all
end

--- Lets go of them before their end: their failures are told when nobody can join
-- them any more. Another run may keep its own meanwhile.
function task.break_run(of_run)
  if kept == of_run then kept = nil end
end

--- Lets go of them; answers the first error that nobody joined, as a table.
function task.end_run()
  local found
  kept = nil
  for _, self in next, keys(failed) do
    local number = failed[self] or 0
    if number > 0 and (not found or number < failed[found]) then found = self end
  end
  local failure = found and { problem = found.problem }
  if found then failed[found] = nil end
  for _, self in next, keys(failed) do report(self) end
  return failure
end

-- Only a task whose session went with it is collected before its end.
local meta = {
  __gc = function(self)
    if not self.ended then task.alive = task.alive - 1 end
    local count = (self.ended or self.started or self.token.cancelled) and 0 or self.group.unstarted
    if count > 0 then
      self.group.unstarted = 0 -- one warning for all
      warn("hinternet: tasks that never started, for want of a run or poll: ", count)
    end
    report(self)
  end,
}

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
  local group = groups[self] or { unstarted = 0 }
  -- It counts once everything is there that it needs.
  local new = setmetatable({ session = self, group = group, joiners = {}, joined = false,
    outer = false, ready = false, started = false, ended = true, results = false,
    problem = false, thread = false, token = false }, meta)
  new.thread = create(function()
    new.results = pack(f(unpack(arguments, 1, arguments.n)))
  end)
  new.token = parked.set_waiter(waiter, new.thread)
  new.token.task = new
  new.token.session = core.ids(self)
  groups[self] = group
  local given = setmetatable({}, Task)
  inner[given], failed[new] = new, 0
  ready[last + 1] = new -- may need memory
  owned[self] = owned[self] or {}
  owned[self][new] = true
  if kept then kept[new] = true end
  new.ended, task.alive, group.unstarted = false, task.alive + 1, group.unstarted + 1
  make_ready(new)
  return given
end

-- ----------------------------------------------------------------- a task's own

--- "ready", "running", "waiting", "done", "failed" or "cancelled".
---@return string
function Task:status()
  self = check_task(self)
  if not self.ended then
    if self.ready then return "ready" end
    return status_of(self.thread) == "suspended" and "waiting" or "running"
  end
  if not self.results then return "failed" end
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
    while not self.ended do
      if not loop.poll() then error("the task waits for what cannot happen", 3) end
    end
    return
  end
  self.joiners[#self.joiners + 1] = token
  if token.task then token.task.joined = self end
  while not self.ended do
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
  failed[self] = nil
  if not self.results then error(self.problem, 0) end
  return unpack(self.results, 1, self.results.n)
end

function Task:__tostring() return "hinternet.task: " .. Task.status(self) end

-- A task that leaves its scope is cancelled.
function Task:__close() cancel(check_task(self)) end

return task
