--- hinternet.all: a list of requests, several at a time.
--
-- Each of a few tasks takes the next item of the list until there is none. So
-- the call waits as a join does: in a task by yielding, elsewhere by running
-- everything else meanwhile.

local core, import = ...
local client = import "client"
local dispatch = import "dispatch"
local options = import "options"
local task = import "task"

local error, next, select, setmetatable, tostring, type = error, next, select, setmetatable,
  tostring, type
local count = core.count
local math_type, tointeger = math.type, math.tointeger

local all = {}

local AT_ONCE = 16
local CANCELLED = "operation cancelled: the list was given up"
local OPERATION_CANCELLED = 12017

-- What the call takes for itself; everything else is an option of each request.
local own = { at_once = true, progress = true, url = true, method = true }

local function request_options(...)
  local given = {}
  for i = 1, select("#", ...) do
    for name, value in next, (select(i, ...)) do
      if not own[name] then given[name] = value end
    end
  end
  return next(given) ~= nil and given or nil
end

-- An item as what request takes. Raises, blaming the caller of the entry.
local function plan(item, i, common)
  local kind = type(item)
  if kind == "string" then item = { url = item } end
  if type(item) ~= "table" or type(item.url) ~= "string" then
    error(("bad item %d (URL or table with one expected, got %s)"):format(i, kind), 4)
  end
  local method = item.method or "GET"
  if type(method) ~= "string" then
    error(("bad item %d (method: string expected, got %s)"):format(i, type(method)), 4)
  end
  local given = request_options(common, item)
  local fault = given and options.fault(given)
  if fault then error(("bad item %d (%s)"):format(i, fault), 4) end
  return { method = method, url = item.url, options = given }
end

local function check_list(list)
  if type(list) ~= "table" or list.crack_url then
    error("bad argument #1 to 'all' (table expected, got "
      .. import "fault".kind_of(list) .. ")", 3)
  end
  for key in next, list do
    if math_type(key) ~= "integer" or key < 1 or key > #list then
      error("bad argument #1 to 'all' (a list expected, which '" .. tostring(key)
        .. "' is no place of)", 3)
    end
  end
end

local function plans_of(list, common)
  local plans = {}
  for i = 1, #list do plans[i] = plan(list[i], i, common) end
  return plans
end

local function check_common(common)
  if type(common) ~= "table" then
    error("bad argument #2 to 'all' (table expected, got " .. type(common) .. ")", 3)
  end
  local at_once, progress = common.at_once, common.progress
  local fault = options.fault(request_options(common) or {})
  if fault then error(fault, 3) end
  if at_once ~= nil and (type(at_once) ~= "number" or not tointeger(at_once) or at_once < 1) then
    error("bad option 'at_once' (integer from 1 on expected)", 3)
  elseif progress ~= nil and type(progress) ~= "function" then
    error("bad option 'progress' (function expected, got " .. type(progress) .. ")", 3)
  end
end

-- What of a list is done and by whom.
local run_meta = {
  __close = function(run)
    for _, worker in next, run.workers do task.stop(worker) end
  end,
}

local function note(run, i, result, message, code)
  if not result then
    result = { url = run.plans[i].url, message = message, code = code }
    count(run, "failed")
  end
  run.results[i] = result
  local done = count(run, "done") + 1
  if run.progress and not run.given_up
    and run.progress(done, #run.plans, i, result) == false then
    run.given_up = true
    for _, worker in next, run.workers do worker:cancel() end
  end
end

local function work(run)
  while true do
    local i = count(run, "next")
    if i > #run.plans then return end
    if run.given_up then
      note(run, i, nil, CANCELLED, OPERATION_CANCELLED)
    else
      local p = run.plans[i]
      note(run, i, run.session:request(p.method, p.url, p.options))
    end
  end
end

local function perform(session, plans, common)
  local run <close> = setmetatable({
    session = session, plans = plans, progress = common.progress,
    results = {}, workers = {}, next = 1, done = 0, failed = 0, given_up = false,
  }, run_meta)
  for i = 1, math.min(common.at_once or AT_ONCE, #plans) do
    run.workers[i] = task.spawn(session, work, run)
  end
  for _, worker in next, run.workers do
    local _, message, code = worker:join()
    if message then return nil, message, code end
  end
  return run.results, run.failed
end

--- Called in tail position: misuse is blamed on its caller. No session stands
-- for the module's own.
function all.perform(session, list, common)
  if session then task.check_session(session) end
  check_list(list)
  common = common or {}
  check_common(common)
  local plans = plans_of(list, common)
  if not dispatch.waiting() and (dispatch.inside_callback() or task.is_inside()) then
    error("call it inside spawn, or in the main program", 2)
  end
  local message, code
  if not session then
    session, message, code = client.session()
    if not session then return nil, message, code end
  end
  if not session:is_valid() then return session:parent() end
  return perform(session, plans, common)
end

return all
