--- hinternet.dispatch: who hears what happened, and how a blocking call waits.
--
-- The C half starts operations, takes one step and hands out events; where that
-- is not enough it goes on as one of the functions here. Everything that calls
-- user code is here: taking events one by one, calling the status callbacks,
-- waiting for one operation, delivering what a close left.
--
-- A place stands for each that takes events: a waiting call (with an operation)
-- or a delivery (without). A host's hook may suspend a coroutine between any two
-- instructions here: so what an event leaves is stored by the C half that took it,
-- and only what is to be called comes here.
--
-- A call in a coroutine that has a waiter takes no events: hinternet.parked has
-- it wait, and is loaded with the first of them.

local core, import, half, slots = ...

local await, bury_place, enter, heard = core.await, core.bury, core.enter, core.heard
local ids, inside_callback, take = core.ids, core.inside_callback, core.take
local error, next, pcall, setmetatable = error, next, pcall, setmetatable
local tostring, type, warn = tostring, type, warn
local isyieldable, running = coroutine.isyieldable, coroutine.running

local dispatch = {}

local OPERATION_CANCELLED = 12017
local INCORRECT_HANDLE_STATE = 12019

-- Coroutine -> token: how its calls wait.
local waiters = half[slots.waiters]
-- The functions of hinternet.parked, once it is loaded.
local parked = {}

-- Delivers what is queued for the session of a handle.
local function deliver(place)
  while true do
    local what, handle, status, info = take(place)
    if not what then return end
    if status then
      what(handle, status, info)
      heard(place)
    else
      what.wake(what)
    end
  end
end

-- Takes events until the place's operation has completed.
local function await_result(place, own)
  while true do
    local what, a, b, c = await(place, own)
    if what == true then
      return a, b, c
    elseif what == false then
      return nil, a, b
    elseif b then
      what(a, b, c) -- a callback, with handle, status, info
      heard(place)
    elseif what then
      what.wake(what)
    end
  end
end

--- Waits for a started operation of a sync session and delivers the session's
-- notifications meanwhile (inside a callback: the handle's own only).
function dispatch.wait(handle, place)
  local own = inside_callback()
  local a, b, c = await_result(place, own)
  -- Closed by a callback: what its closing posted comes after the completion.
  if not own and not handle:is_valid() then deliver(place) end
  if a == nil and b then return nil, b, c end
  return a
end

--- The token of the running coroutine, if its calls are parked: not where it
-- cannot yield, as in table.sort.
function dispatch.waiting() return isyieldable() and waiters[running()] or nil end

-- Ends a wait that died by an error in a coroutine nobody closed and still
-- holds its operation; whether there was one.
local function bury(handle)
  return parked.bury and parked.bury(handle) or bury_place(handle)
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
local function deliver_closed(handle, in_flight)
  local place <close> = enter(handle)
  local failed, first = in_flight ~= nil, nil
  while true do
    local what, to, status, info = take(place)
    if not what then break end
    local ok, problem
    if status then
      ok, problem = pcall(what, to, status, info)
      if ok then heard(place) else core.refused(place) end
    else
      ok, problem = pcall(what.wake, what)
    end
    if not ok and failed then
      warn("hinternet: error in a status callback: ", text_of(problem))
    elseif not ok then
      failed, first = true, problem
    end
  end
  if failed and in_flight == nil then error(first, 0) end
  return true
end

-- A close inside a callback of the same session leaves the delivery to the
-- loop that called it, so that notifications keep their order; one of an async
-- session leaves its children's to poll.
local function leaves(handle)
  local id, session, async = ids(handle)
  return id ~= session and (async or inside_callback(handle))
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

--- Delivers what a close left.
function dispatch.closed(handle) return deliver_closed(handle) end

--- A close at the end of a scope; problem is the error on its way.
function dispatch.close_variable(handle, problem) close(handle, problem) end

--- Delivers the notification of a new handle, unless a callback is running:
-- then the loop that called it goes on to it.
function dispatch.created(handle)
  if not inside_callback() then
    local place <close> = enter(handle)
    deliver(place)
  end
  return handle
end

-- Where poll takes events. A coroutine that died or was left in the middle of a
-- poll keeps the place it had.
local poll_place

--- The place that takes the events of all sessions; to be left by <close>.
function dispatch.enter_poll()
  local before = poll_place
  poll_place = core.enter_poll(before)
  if before and poll_place ~= before and half[slots.lost] then half[slots.lost]() end
  return poll_place
end

--- To be closed after the place: leaving it takes a little memory, and when there
-- is none for that, it is left once more.
dispatch.poll_guard = setmetatable({}, {
  __close = function(_, problem)
    if poll_place then core.leave_poll(poll_place, problem) end
  end,
})

--- Whether poll is taking events, below a finaliser for instance: poll cannot run
-- inside itself.
function dispatch.is_polling() return poll_place and core.is_polling(poll_place) end

--- Takes events of all sessions, up to the first that somebody is to know of:
-- nil when there is none. Answers the token of the parked call it completes, else
-- true: a callback heard it.
function dispatch.take(place)
  local what, handle, status, info = take(place)
  if not status then return what end
  what(handle, status, info)
  heard(place)
  return true
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
