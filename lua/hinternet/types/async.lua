---@meta hinternet.async

---What never blocks: poll, tasks, and the descriptor for another loop. There is
---one runtime in a Lua state, so these are the same for the module and for every
---session (whose methods answer `nil, "invalid handle …", 6` once it is closed).
---@class hinternet
local hinternet = {}

---Waits until something happens, calls the status callbacks of asynchronous
---sessions and resumes tasks, at most for the option `poll_budget`. Raises the
---first error of a callback, after which the next poll goes on. Raises inside a
---callback or a task.
---@param seconds? number the longest wait; 0: none; absent: as long as it takes
---@return integer|false count callbacks called and tasks resumed; false at once
---  when nothing is pending
function hinternet.poll(seconds) end

---Runs all tasks to their ends, and those they spawn. Then raises the first
---error of a task that nobody joined; further ones go to `warn`. Raises inside a
---callback or a task.
function hinternet.run() end

---Waits so many seconds at least, and answers true: in a task by yielding,
---through the loop of an adapter, elsewhere by blocking. It belongs to no session,
---so it blocks beside asynchronous ones as well, and while it does the network
---goes on but no callback is called. 0 lets everything else have its turn;
---`math.huge` waits until the task is cancelled or Ctrl-C comes. Raises for what
---is no number of seconds.
---@param seconds number
---@return true? slept
---@return string? message
---@return integer? code 12017 when its task is cancelled, or the task's session
---  closed
function hinternet.sleep(seconds) end

---What a foreign loop watches.
---@return hinternet.pollable? pollable
---@return string? message
---@return integer? code 50 with the poll(2) reactor
function hinternet.pollable() end

---@class hinternet.session
local session = {}

---As `hinternet.poll`.
---@param seconds? number
---@return integer|false|nil count
---@return string? message
---@return integer? code
function session:poll(seconds) end

---As `hinternet.run`.
---@return nil
---@return string? message
---@return integer? code
function session:run() end

---As `hinternet.pollable`.
---@return hinternet.pollable? pollable
---@return string? message
---@return integer? code
function session:pollable() end

---Runs f(...) as a task: a coroutine in which every call of both levels waits by
---yielding, in sync and async sessions alike. It starts with the next poll or
---run. The session keeps it until it has ended.
---@param f fun(...): ...
---@param ... any
---@return hinternet.task? task
---@return string? message
---@return integer? code
function session:spawn(f, ...) end

---A running function. A `<close>` variable cancels its task.
---@class hinternet.task
local task = {}

---Waits until the task has ended. Waits like any call in a task or a coroutine
---of an adapter; elsewhere everything else goes on meanwhile, as in `run`.
---Raises the error of the function, when it failed.
---@return any ... what the function answered
function task:join() end

---Ends the task's waiting: the call it is parked in and all later ones answer
---`nil, message, 12017`. A task that has not started never does.
---@return boolean cancelled false when it had ended before
function task:cancel() end

---@return "ready"|"running"|"waiting"|"done"|"failed"|"cancelled"
function task:status() end

---@class hinternet.pollable
local pollable = {}

---The descriptor: readable whenever `poll(0)` has something to do, deadlines and
---queued events included. Also `getfd`, as LuaSocket calls it.
---@return integer
function pollable:pollfd() end

---@return integer
function pollable:getfd() end

---@return "r"
function pollable:events() end

---Seconds until `poll(0)` has something to do by itself; nil: never.
---@return number?
function pollable:timeout() end

---Whether `poll(0)` has something to do now (LuaSocket).
---@return boolean
function pollable:dirty() end
