--- hinternet.dispatch: who hears what happened, and how a blocking call waits.
--
-- The C half starts operations, takes one step and hands out events; where that
-- is not enough it goes on as one of the functions here. Everything that calls
-- user code is here: taking events one by one, calling the status callbacks,
-- waiting for one operation, delivering what a close left.
--
-- A loop object stands for each place that takes events: a waiting call (with
-- an operation) or a delivery (without). Loops are found through a weak table,
-- so that one lost in a dropped coroutine does not stay.
--
-- A call in a coroutine that has a waiter takes no events: hinternet.parked has
-- it wait, and is loaded with the first of them.

local core, import, half, slots = ...

local await, cancel, ids = core.await, core.cancel, core.ids
local next_event, step, take_any = core.next_event, core.step, core.take
local error, next, pcall, setmetatable = error, next, pcall, setmetatable
local select, tostring, type, warn = select, tostring, type, warn
local isyieldable, running, status_of = coroutine.isyieldable, coroutine.running, coroutine.status

local dispatch = {}

local OPERATION_CANCELLED = 12017
local INCORRECT_HANDLE_STATE = 12019
local STEP_MS = 1000

local op_names = {}
for name, op in next, core.ops do op_names[op] = name end

local loops = setmetatable({}, { __mode = "k" })

-- What the C half knows of this one. half[CALLING] is how many loops have a
-- callback running: one in a coroutine that was dropped counts until it is
-- collected; 0 always means that there is none.
local CALLING = slots.calling

-- Coroutine -> token: how its calls wait.
local waiters = half[slots.waiters]
-- The functions of hinternet.parked, once it is loaded.
local parked = {}

-- A callback does not wait as the coroutine does that happens to deliver: calls
-- in it block, or return at once.
local function begin_callback(loop)
  loop.calling, half[CALLING] = true, half[CALLING] + 1
  local token = waiters[loop.thread]
  if token then loop.token, waiters[loop.thread] = token, false end
end

local function end_callback(loop)
  loop.calling, half[CALLING] = false, half[CALLING] - 1
  if loop.token then waiters[loop.thread], loop.token = loop.token, false end
end

-- Ends a loop. One that did not get its result cancels its operation: that
-- side answers 12017 from then on, and no byte of the body is silently lost.
-- An error (Ctrl-C) that comes after the result was taken loses it all the same.
local function leave(loop, problem)
  loops[loop] = nil
  if loop.calling then end_callback(loop) end
  if loop.op and (not loop.done or problem ~= nil) then
    loop.done = true
    cancel(loop.handle, loop.op)
  end
end

local loop_meta = { __close = leave, __gc = leave }

local function enter(handle, op)
  local loop = setmetatable({
    handle = handle,
    op = op,
    thread = running(),
    calling = false, -- a callback runs below this loop
    token = false,   -- the waiter its coroutine has otherwise
    done = false,
  }, loop_meta)
  loops[loop] = true
  if op then
    loop.id, loop.session = await(handle, op)
  else
    loop.id, loop.session = ids(handle)
  end
  return loop
end

local function is_active(loop)
  local status = status_of(loop.thread)
  return status == "running" or status == "normal"
end

local function is_calling(loop) return loop.calling and is_active(loop) end

--- Whether a status callback is running now: of any session, or of this one.
local function inside_callback(session)
  if half[CALLING] == 0 then return false end
  for loop in next, loops do
    if is_calling(loop) and (not session or loop.session == session) then return true end
  end
  return false
end

local function info_of(op, a, b, c, phase, host)
  if a == nil and c then
    return { operation = op_names[op], code = c, message = b, phase = phase, host = host }
  end
  if a == true then return nil end -- nothing to tell but that it is done
  return a
end

-- A completion nobody hears goes to the loop that waits for it. A sync
-- operation nobody waits for was broken off between its start and its wait:
-- its result must not vanish as if it had been handed out.
local function route(handle, id, op, a, b, c)
  for loop in next, loops do
    if loop.id == id and loop.op == op and not loop.done then
      loop.got, loop.a, loop.b, loop.c = true, a, b, c
      return
    end
  end
  if handle then
    local _, _, async = ids(handle)
    if not async then cancel(handle, op) end
  end
end

-- Hands one event to its callback. Returns whether one was called.
local function hear(loop, status, handle, callback, id, op, a, b, c, phase, host)
  if op and handle and parked.settle and parked.settle(handle, op, a, b, c) then return false end
  if callback then
    local info
    if op then info = info_of(op, a, b, c, phase, host) else info = a end
    begin_callback(loop)
    callback(handle, status, info)
    end_callback(loop)
    return true
  end
  if op then route(handle, id, op, a, b, c) end
  return false
end

-- Delivers what is queued for the session of a handle.
local function deliver(loop, handle)
  local function take(status, ...)
    if not status then return false end
    hear(loop, status, ...)
    return true
  end
  while take(next_event(handle)) do end
end

-- Takes events until the loop's operation has completed.
local function await_result(loop, handle, own)
  local wanted_id, wanted_op = loop.id, loop.op
  while true do
    local status, to, callback, id, op, a, b, c, phase, host = next_event(handle, own)
    if not status then
      local message, code = step(STEP_MS)
      if message then return nil, message, code end
    elseif op == wanted_op and id == wanted_id then
      loop.done = true
      return a, b, c
    else
      hear(loop, status, to, callback, id, op, a, b, c, phase, host)
      if loop.got then -- a delivery inside the callback met our completion
        loop.done = true
        return loop.a, loop.b, loop.c
      end
    end
  end
end

--- Waits for a started operation of a sync session and delivers the session's
-- notifications meanwhile (inside a callback: the handle's own only).
function dispatch.wait(handle, op)
  local own = inside_callback()
  local loop <close> = enter(handle, op)
  local a, b, c = await_result(loop, handle, own)
  -- Closed by a callback: what its closing posted comes after the completion.
  if not own and not handle:is_valid() then deliver(loop, handle) end
  if a == nil and b then return nil, b, c end
  return a
end

--- The token of the running coroutine, if its calls are parked: not where it
-- cannot yield, as in table.sort.
function dispatch.waiting() return isyieldable() and waiters[running()] or nil end

-- Ends a wait that died by an error in a coroutine nobody closed and still
-- holds its operation; whether there was one.
local function bury(handle)
  if parked.bury and parked.bury(handle) then return true end
  for loop in next, loops do
    if loop.handle == handle and loop.op and status_of(loop.thread) == "dead" then
      leave(loop)
      return true
    end
  end
  return false
end

--- What a start answers that was refused for the state of its handle.
function dispatch.refused(handle, message, code)
  if bury(handle) then
    return nil, "operation cancelled: its wait was broken off", OPERATION_CANCELLED
  end
  return nil, message, code
end

--- The same for a send, which may follow a wait that was broken off.
function dispatch.send_again(handle, headers, body, total, message)
  if bury(handle) then return handle:send(headers, body, total) end
  return nil, message, INCORRECT_HANDLE_STATE
end

local function text_of(problem)
  if type(problem) == "string" then return problem end
  local ok, text = pcall(tostring, problem)
  return ok and text or "(error object without text)"
end

-- Delivers everything a close left, however many callbacks raise.
local function deliver_closed(handle, in_flight, ...)
  local loop <close> = enter(handle)
  local failed, first = in_flight ~= nil, nil
  local function take(status, ...)
    if not status then return false end
    local ok, problem = pcall(hear, loop, status, ...)
    if loop.calling then end_callback(loop) end
    if not ok and failed then
      warn("hinternet: error in a status callback: ", text_of(problem))
    elseif not ok then
      failed, first = true, problem
    end
    return true
  end
  if select("#", ...) > 0 then take(...) end
  while take(next_event(handle)) do end
  if failed and in_flight == nil then error(first, 0) end
  return true
end

-- A close inside a callback of the same session leaves the delivery to the
-- loop that called it, so that notifications keep their order; one of an async
-- session leaves its children's to poll.
local function leaves(handle)
  local id, session, async = ids(handle)
  return id ~= session and (async or inside_callback(session))
end

local function close(handle, in_flight)
  local later = leaves(handle)
  local id, session = ids(handle)
  local tokens = id == session and parked.of and parked.of(session)
  local ok, message, code = core.close(handle)
  if not ok then return nil, message, code end
  if tokens then parked.settle_all(tokens) end
  if later then return true end
  return deliver_closed(handle, in_flight)
end

--- WinHttpCloseHandle, while a callback runs.
function dispatch.close(handle) return close(handle) end

--- Delivers what a close left; the first event comes with the call.
function dispatch.closed(handle, ...) return deliver_closed(handle, nil, ...) end

--- A close at the end of a scope; problem is the error on its way.
function dispatch.close_variable(handle, problem) close(handle, problem) end

--- Delivers the notification of a new handle, unless a callback is running:
-- then the loop that called it goes on to it.
function dispatch.created(handle)
  if not inside_callback() then
    local loop <close> = enter(handle)
    deliver(loop, handle)
  end
  return handle
end

-- The error that poll ends by may have come in place of a parked call's result.
local function leave_poll(loop, problem)
  leave(loop, problem)
  if problem ~= nil and parked.settle_lost then parked.settle_lost() end
end

local poll_meta = { __close = leave_poll, __gc = leave }

local function new_place()
  return setmetatable({ calling = false, done = true, token = false, thread = false,
    id = false, session = false }, poll_meta)
end

-- Where poll takes events. A coroutine that died or was left in the middle of a
-- poll keeps the place it had.
local place = new_place()

--- The place that takes the events of all sessions; to be left by <close>.
function dispatch.enter_poll()
  if loops[place] then
    place = new_place()
    if parked.settle_lost then parked.settle_lost() end
  end
  place.thread = running()
  loops[place] = true
  return place
end

--- To be closed after the place: leaving it takes a little memory, and when there
-- is none for that, it is left once more.
dispatch.poll_guard = setmetatable({}, {
  __close = function(_, problem)
    if loops[place] and place.thread == running() then leave_poll(place, problem) end
  end,
})

--- Whether poll is taking events, below a finaliser for instance: poll cannot run
-- inside itself.
function dispatch.is_polling() return loops[place] ~= nil and is_active(place) end

--- Takes the oldest event of all sessions: nil when there is none. Answers the
-- token of the parked call it completes, else whether a callback heard it.
function dispatch.take(loop)
  local what, handle, callback, id, op, a, b, c, phase, host = take_any()
  if not what then return nil end
  if not id then
    what.done = true
    return what
  end
  if callback then loop.id, loop.session = ids(handle) end
  return hear(loop, what, handle, callback, id, op, a, b, c, phase, host)
end

-- The function of hinternet.client that forgets a session's hidden connection
-- handles, once it is loaded.
dispatch.forget = false

--- What a session tells its children when they are made has changed.
function dispatch.changed(session)
  if dispatch.forget then dispatch.forget(session) end
  return true
end

--- A failure in words.
function dispatch.explain(...) return import "fault".explain(...) end

dispatch.inside_callback = inside_callback
dispatch.text_of = text_of
dispatch.parked = parked

for name, slot in next, slots do
  if dispatch[name] then half[slot] = dispatch[name] end
end

return dispatch
