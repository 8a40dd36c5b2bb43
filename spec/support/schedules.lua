--- Random schedules over the handles of Lua: operations are started, closed,
--- collected and polled for in any order, in asynchronous sessions and in tasks.
--- The C test of the runtime does the same with the engine alone.
--
--   schedules.run(first, count, ports)   -- seeds first, first + 1, ...
--
-- Each of the ports is one that answers, stays silent or refuses.

local core = require "hinternet.core"
local hinternet = require "hinternet"

local schedules = {}

local STEPS = 24

local completions = {}
for _, status in ipairs { "sendrequest_complete", "headers_available", "data_available",
  "read_complete", "write_complete", "request_error" } do
  completions[status] = true
end

-- What is known of a handle: records[handle], which does not keep it.
local records, held, ports

local function note(handle, parent)
  local record = { started = 0, completed = 0, children = {} }
  records[handle] = record
  held[#held + 1] = handle
  if parent and records[parent] then table.insert(records[parent].children, record) end
  return handle
end

local function hear(handle, status)
  local record = records[handle]
  if not record then return end -- its creation is told before anybody has it
  assert(not record.closed, "something was told after handle_closing")
  if completions[status] then
    record.completed = record.completed + 1
    assert(record.completed <= record.started, "a completion of nothing")
  elseif status == "handle_closing" then
    for _, child in ipairs(record.children) do
      assert(child.closed or child.dropped, "handle_closing of a parent before its child's")
    end
    record.closed = true
  end
end

local function one_of(list) return list[math.random(#list)] end

local function start(request)
  local calls = { "send", "receive_response", "read", "query_data_available" }
  local name = one_of(calls)
  if request[name](request) == true then
    records[request].started = records[request].started + 1
  end
end

local steps = {
  function()
    local session = note(assert(hinternet.open { async = true }))
    session:set_status_callback(hear)
  end,
  function(handle)
    if hinternet.type(handle) ~= "session" then return end
    note(assert(handle:connect("127.0.0.1", one_of(ports))), handle)
  end,
  function(handle)
    if hinternet.type(handle) ~= "connection" then return end
    local request = note(assert(handle:open_request()), handle)
    start(request)
  end,
  function(handle)
    if hinternet.type(handle) ~= "session" then return end
    local url = "http://127.0.0.1:" .. one_of(ports) .. "/"
    local task = handle:spawn(function() return handle:get(url, { timeout = 0.1 }) end)
    if math.random(2) == 1 then task:cancel() end
  end,
  function(handle) if hinternet.type(handle) == "request" then start(handle) end end,
  function(handle) handle:close() end,
  function(handle) -- and forgets it; who is told of it no more is not counted
    for i = 1, #held do
      if held[i] == handle then table.remove(held, i) break end
    end
    records[handle].dropped = true
  end,
  function() collectgarbage() end,
  function() hinternet.poll(0) end,
  function() hinternet.poll(0.001) end,
}
local odds = { 1, 2, 2, 3, 3, 3, 4, 5, 5, 5, 5, 5, 6, 7, 8, 9, 9, 9, 9, 10, 10 }

local function run(seed)
  math.randomseed(seed)
  records, held = setmetatable({}, { __mode = "k" }), {}
  for i = 1, STEPS do
    if i == 1 or #held == 0 then steps[1]() else steps[one_of(odds)](one_of(held)) end
  end
  local all = {}
  for _, record in next, records do all[#all + 1] = record end
  for _, handle in ipairs(held) do handle:close() end
  for _ = 1, 2 do collectgarbage() end -- what was forgotten
  while hinternet.poll(0.1) do end
  held = {}
  for _ = 1, 2 do collectgarbage() end
  for _, record in ipairs(all) do
    if not record.dropped then
      assert(record.completed == record.started, "an operation did not complete")
      assert(record.closed, "no handle_closing")
    end
  end
  local handles, operations = core.live()
  assert(handles == 0 and operations == 0, "something is left")
end

--- Raises, with its seed, for the first schedule that goes wrong.
---@param first integer
---@param count integer
---@param list integer[]
function schedules.run(first, count, list)
  ports = list
  for seed = first, first + count - 1 do
    local ok, problem = xpcall(run, debug.traceback, seed)
    if not ok then error(("HN_SEED=%d: %s"):format(seed, problem), 0) end
  end
end

return schedules
