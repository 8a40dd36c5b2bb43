--- hinternet.parked: calls in coroutines that wait without taking events.
--
-- A coroutine that has a waiter has a token. A call in it that cannot go on is
-- parked: its token stands at its handle's place, and whoever takes events
-- settles it there. A task's waiter yields; that of a foreign loop waits as
-- coroutines do there.

local core, import, half, slots = ...
local parked = import "dispatch".parked

local cancel, ids, unpark = core.cancel, core.ids, core.unpark
local next, setmetatable = next, setmetatable
local running, status_of = coroutine.running, coroutine.status

local OPERATION_CANCELLED = 12017
local NOT_ENOUGH_MEMORY = 8

local waiters = half[slots.waiters]
-- Slot index -> token of the call parked on the send side of a handle, or on its
-- receive side. A token goes with its coroutine.
local sending, receiving = half[slots.sending], half[slots.receiving]
local sides = { core.ops.send, core.ops.read } -- an operation of each
local parkings = 0 -- calls parked, ever
-- Where a token has, after the three values of the result: its call's handle and
-- operation, whether the result is there, and whether the call went on with it.
local HANDLE, OP, DONE, GIVEN = 4, 5, 6, 7
local TASK = 8 -- whose calls wait so, as the C half has it; or false

-- Has a parked call fail: the one on a handle, or whatever it is parked on.
local function give_up(token, why, handle, op)
  local given = core.give_up(token, "operation cancelled: " .. why, OPERATION_CANCELLED, handle, op)
  if given and not token[TASK] then token.wake(token) end
  return given
end

-- Gives up the call whose result was lost by a take that failed.
half[slots.lost] = function()
  local token = core.lost()
  if not token then return end
  core.give_up(token, "not enough memory", NOT_ENOUGH_MEMORY)
  token.wake(token)
end

-- Leaves a parked call. One that was not given its result cancels its operation;
-- when that is because its coroutine was closed, its waiter may want to know, and
-- a foreign loop that there may be nothing left to wait for.
local function leave(token, problem)
  if not token[GIVEN] or problem ~= nil then
    local handle, op = token[HANDLE], token[OP]
    unpark(handle, op, token)
    cancel(handle, op)
  end
  token[HANDLE], token[1] = nil, nil
  if token[GIVEN] or token.cancelled then return end
  token.wake(token)
  core.wake()
end

-- Collection of a coroutine, parked or not.
local function lose(token)
  local handle, op = token[HANDLE], token[OP]
  if handle then cancel(handle, op) end
end

local token_meta = { __close = leave, __gc = lose }

--- Waits for a started operation. `other` is the call parked at its place: on a
-- handle that was closed, whose slot is used again.
function parked.park(_, _, token, other)
  parkings = parkings + 1
  token.number = parkings
  if other then give_up(other, "its handle was closed") end
  local wait, _ <close> = token.wait, token
  while token.cancelled or not token[DONE] do
    if token.cancelled then
      return nil, "operation cancelled: its task was cancelled", OPERATION_CANCELLED
    end
    wait(token)
    if token[DONE] then break end
  end
  token[GIVEN] = true
  local a, message = token[1], token[2]
  if message then return nil, message, token[3] end
  return a
end

half[slots.park] = parked.park

--- From here on calls in the running coroutine, or in another one, wait through
-- `waiter`: waiter.wait(token) suspends it until waiter.wake(token) was called,
-- and may return early; wake must not run the coroutine at once. The token is the
-- same table for all waits of a coroutine, and the waiter may keep things in it.
-- Without a waiter its calls block again. Answers the token.
--
-- A waiter may have go_on(token) besides, which resumes the coroutine at once: it
-- is called after wake when the session of a parked call is closed.
function parked.set_waiter(waiter, thread, task)
  thread = thread or running()
  local token
  if waiter then
    token = setmetatable({ nil, nil, nil, false, false, false, false, task or false, number = 0,
      cancelled = false, task = false, wait = waiter.wait, wake = waiter.wake, go_on = waiter.go_on,
      thread = thread }, token_meta)
  end
  core.allow_parking()
  waiters[thread] = token
  return token
end

--- A function that runs f with calls that wait through `waiter`, unless they have
-- another in the coroutine it is called in.
function parked.wrap(waiter, f)
  return function(...)
    if not waiters[running()] then parked.set_waiter(waiter) end
    return f(...)
  end
end

--- Ends the operation a parked call waits for; the call itself ends when it is
-- resumed.
function parked.abandon(token)
  local handle, op = token[HANDLE], token[OP]
  if handle and not token[DONE] then cancel(handle, op) end
end

--- Leaves the call parked on a handle in a coroutine that died by an error;
-- whether there was one.
function parked.bury(handle)
  for _, op in next, sides do
    local token = core.parked(handle, op)
    if token and status_of(token.thread) == "dead" then
      leave(token)
      return true
    end
  end
  return false
end

-- ------------------------------------------------------- the end of a session

local function is_of(session, handle, token)
  if not handle then return false end
  local id, owner = ids(handle)
  if id == owner then owner = token.session end -- a sleep: its task's
  return session and owner == session or not session and not handle:is_valid()
end

--- The calls that are parked on a session's handles and the sleeps of its tasks,
-- or without a session what is parked on handles that are no more, in the order
-- they parked.
function parked.of(session)
  local tokens = {}
  for _, side in next, { sending, receiving } do
    for _, token in next, core.values(side) do
      if is_of(session, token[HANDLE], token) then tokens[#tokens + 1] = token end
    end
  end
  table.sort(tokens, function(a, b) return a.number < b.number end)
  return tokens
end

--- The end of a session resumes the calls that are parked in it; for a foreign
-- loop there may be nothing left to wait for.
function parked.settle_all(tokens)
  if tokens[1] then core.wake() end
  for _, token in next, tokens do
    local handle, op = token[HANDLE], token[OP]
    if handle and give_up(token, "its session was closed", handle, op) and token.go_on then
      token.go_on(token)
    end
  end
end

--- Ends the calls that a forked child has from its parent, whose handles are no
-- more; whether there are any.
function parked.end_lost()
  local tokens = parked.of(nil)
  for _, token in next, tokens do
    local handle, op = token[HANDLE], token[OP]
    if handle then give_up(token, "the process was forked", handle, op) end
  end
  return #tokens > 0
end

return parked
