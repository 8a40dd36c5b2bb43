--- Calls every function of the core with everything, and with everything that it
--- reads replaced: run by spec/core_spec.lua in processes of their own, which must
--- live to print how many calls that were.
---
---   lua attack.lua PORT WAY PART PARTS    one of the ways below, one part of it

local hinternet = require "hinternet"
local core = require "hinternet.core"
local parked = require "hinternet.parked"

local pairs, unpark = pairs, core.unpark
local port = assert(math.tointeger(arg[1]))
local way, part, parts = arg[2], tonumber(arg[3]), tonumber(arg[4])
local calls, turns = 0, 0

-- Whether the next piece of work is of this process's part.
local function is_ours()
  turns = turns + 1
  return turns % parts == part - 1
end

local function open(options)
  local session = assert(hinternet.open(options))
  session:set_timeouts { connect = 0.02, send = 0.02, receive = 0.02, response = 0.02 }
  local connection = assert(session:connect("127.0.0.1", port))
  return { session, connection, assert(connection:open_request("GET", "/")) }
end

local function answered(options)
  local list = open(options)
  list[3]:set_timeouts { connect = 60, send = 60, receive = 60, response = 60 }
  assert(list[3]:send() and list[3]:receive_response())
  list[3]:set_timeouts { connect = 0.02, send = 0.02, receive = 0.02, response = 0.02 }
  return list
end

local function closed_file()
  local file = io.tmpfile()
  file:close()
  return file
end

local trap = setmetatable({}, {
  __index = function() error "index" end, __newindex = function() error "newindex" end,
  __len = function() error "len" end, __call = function() error "call" end,
  __gc = function() end, __close = 1, __name = 1, __tostring = function() return 1 end,
})

local head = answered()[3]:headers()
local one_of_each = open()
local closed = open()[3]
closed:close()

-- One of every kind of value; nil stands at the end.
local values = {
  true, -1, 0, 1, 4, 7, 255, math.maxinteger, math.mininteger, 0.5, 0 / 0, math.huge, "", "x",
  "a", "status_code", "ca_file", ("x"):rep(70000), "a\0b", {}, { 1, "x", {} },
  { { "a", "b" }, { 1 } }, { x = 1, [1] = 2 }, trap,
  function() end, coroutine.create(error), io.stderr,
  closed_file(), head, closed,
  one_of_each[1], one_of_each[2], one_of_each[3],
}
local COUNT = #values + 1

-- What would wait for long, or use the process's own descriptors.
local function is_left_out(name, first, second)
  return name == "step" and first ~= 0 and tonumber(first) ~= nil
    or name == "poll" and second ~= 0 and (second == nil or type(second) == "number")
    or name == "run"
    or (name == "read_to" or name == "write_from") and type(second) == "number"
end

local function call(name, f, ...)
  if is_left_out(name, ...) then return end
  calls = calls + 1
  pcall(f, ...)
end

local functions = {}
local function collect(prefix, members)
  for name, value in next, members do
    if type(value) == "function" then
      functions[#functions + 1] = { name = name, call = value, place = prefix .. name }
    elseif type(value) == "table" and prefix == "" then
      collect(name .. ".", value)
    end
  end
end
collect("", core)
for _, value in next, { one_of_each[1], one_of_each[3], closed, head } do
  collect("meta.", debug.getmetatable(value))
end
collect("head.", { get = head.get, all = head.all, step = pairs(head) })
collect("loader.", { package.preload["hinternet.task"] })
table.sort(functions, function(a, b) return tostring(a.place) < tostring(b.place) end)

-- Every function with itself ones of what it may be called on, and wrong ones.
local function call_all(selves, step)
  for _, f in ipairs(functions) do
    for s = 1, #selves do
      call(f.name, f.call, selves[s])
      for i = 1, COUNT, step do
        call(f.name, f.call, selves[s], values[i])
        call(f.name, f.call, selves[s], values[i], values[COUNT - i], values[(i * 7) % COUNT])
        call(f.name, f.call, selves[s], nil, values[i])
        call(f.name, f.call, selves[s], "GET", "/", values[i])
      end
    end
  end
end

local ways = {}

function ways.values()
  for _, value in ipairs(values) do
    if is_ours() then call_all({ value }, 1) end
  end
end

function ways.handles()
  for _, options in ipairs { {}, { async = true } } do
    for _ = 1, 2 do
      if is_ours() then call_all(open(options), 1) end
    end
    if is_ours() then call_all({ open(options)[3] }, 1) end
  end
  if is_ours() then call_all({ answered()[3] }, 1) end
end

-- The values that belong to a handle, and what those hold.
local function call_with_user_values(make, i)
  for place = 1, 2 do
    local list = make()
    list[1]:set_status_callback(function() end)
    for _, handle in ipairs(list) do
      debug.setuservalue(handle, place == 1 and i == COUNT and handle or values[i], place)
    end
    call_all(list, 17)
  end
  local list = make()
  for _, handle in ipairs(list) do
    local kept = {}
    for key = 1, 6 do kept[key] = values[i] end
    debug.setuservalue(handle, kept, 2)
  end
  call_all(list, 17)
end

function ways.user_values()
  for _, make in ipairs { open, answered } do
    for i = 1, COUNT do
      if is_ours() then call_with_user_values(make, i) end
    end
  end
end

-- A call parked in a task, and one in a coroutine with a waiter, while what C
-- reads of them is being replaced.
local function with_parked(replace)
  local list, async = open(), open { async = true }
  async[1]:set_status_callback(function() end)
  local token
  local task = list[1]:spawn(function() return list[3]:send(), list[3]:receive_response() end)
  local thread = coroutine.create(parked.wrap({
    wait = function(given)
      token = given
      coroutine.yield()
    end,
    wake = function() end,
  }, function() return async[3]:send(), async[3]:receive_response() end))
  coroutine.resume(thread)
  for _ = 1, 3 do pcall(hinternet.poll, 0) end
  replace(token, task, list[3])
  for op = 0, 8 do
    pcall(unpark, list[3], op)
    pcall(unpark, async[3], op)
  end
  for _ = 1, 5 do pcall(hinternet.poll, 0) end
  pcall(coroutine.resume, thread)
  call_all({ list[3], async[3] }, 34)
  coroutine.close(thread)
  pcall(task.cancel, task)
  for _, handle in ipairs { list[1], async[1] } do pcall(handle.close, handle) end
end

function ways.tokens()
  for i = 1, COUNT do
    if is_ours() then
      with_parked(function(token, task, handle)
        for key = 1, 8 do token[key] = values[i] end
        for key in pairs(task) do task[key] = values[i] end
        task.token = values[i]
        pcall(handle.close, handle)
      end)
      with_parked(function(token) setmetatable(token, { __index = trap, __newindex = trap }) end)
    end
  end
end

local function copy_of(from)
  local copy = {}
  for key, value in pairs(from) do copy[key] = value end
  return copy
end

-- The table where the two halves meet, which only debug can reach.
local function half_of(f)
  for i = 1, 20 do
    local _, value = debug.getupvalue(f, i)
    if type(value) == "table" and type(value[1]) == "function" then
      return value
    end
  end
end

local function replace_half(half, whole, i, key)
  with_parked(function()
    half[key] = values[i]
    if type(whole[key]) == "table" then
      half[key] = setmetatable({}, { __index = trap })
      for slot = 0, 20 do rawset(half[key], slot, values[i]) end
      rawset(half[key], coroutine.running(), values[i])
    end
  end)
  for k, value in pairs(whole) do half[k] = value end
end

function ways.half()
  local half = assert(half_of(core.unpark), "where is it?")
  local whole = copy_of(half)
  for i = 1, COUNT do
    for key = 1, #whole do
      if is_ours() then replace_half(half, whole, i, key) end
    end
  end
end

-- What `require` answers.
local function replace_module(name, i, methods)
  local module = require("hinternet." .. name)
  local whole, whole_methods = copy_of(module), {}
  for n, of_kind in ipairs(methods) do whole_methods[n] = copy_of(of_kind) end
  with_parked(function()
    for key in pairs(whole) do module[key] = values[i] end
  end)
  pcall(hinternet.get, ("http://127.0.0.1:%d/"):format(port))
  for key, value in pairs(whole) do module[key] = value end
  for n, of_kind in ipairs(methods) do
    for key, value in pairs(whole_methods[n]) do of_kind[key] = value end
  end
end

function ways.modules()
  local methods = { core.session, core.connection, core.request }
  call_all(open(), 1) -- each method takes the place of what loads it
  for i = 1, COUNT do
    for _, name in ipairs { "dispatch", "parked", "task", "loop", "client", "request", "core" } do
      if is_ours() then replace_module(name, i, methods) end
    end
  end
end

local function check_that_all_works()
  local session <close> = assert(hinternet.open())
  local task = session:spawn(function()
    return session:get(("http://127.0.0.1:%d/"):format(port))
  end)
  assert(assert(task:join()).body == "hello")
  assert(hinternet.get(("http://127.0.0.1:%d/"):format(port)).body == "hello")
end

check_that_all_works() -- everything is loaded, and keeps nothing of what is in its way below
ways[way]()

for _ = 1, 5 do collectgarbage() end
while hinternet.poll(0) do end -- luacheck: ignore 542
check_that_all_works()
print(calls)
