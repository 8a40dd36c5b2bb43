--- Runs what a spec's tests do, again and again, each time with another allocation
--- of Lua's that fails; judges nothing but that afterwards everything works as
--- before. Run by spec/memory_spec.lua in a process of its own.
---
---   lua starve.lua LIMIT.SO SPEC-FILE MOST
---
--- At most MOST allocations of each test fail, evenly spread. Those of the peer
--- that the tests speak to, and of what they say to it, are not among them.

local library, spec_file, most = arg[1], arg[2], math.tointeger(arg[3])
local limit = assert(package.loadlib(library, "luaopen_limit"))()
local hinternet = require "hinternet"
local dispatch = require "hinternet.dispatch"
local core = require "hinternet.core"
local task = require "hinternet.task"
local peer = require "spec.support.peer"

-- ------------------------------------------------------- which allocation fails

local wanted, had, armed = 0, 0, false

local function disarm()
  if not armed then return false end
  had, armed = had + limit(0), false
  return true
end

local function arm()
  armed = true
  limit(0, wanted > had and wanted - had or 0)
end

-- The same function, in which nothing fails.
local function spared(f)
  local function after(was_armed, ok, ...)
    if was_armed then arm() end
    if not ok then error((...), 0) end
    return ...
  end
  return function(...) return after(disarm(), pcall(f, ...)) end
end

-- An object of the peer's whose methods are spared, and so what they answer.
local function spare(object)
  return setmetatable({}, { __index = function(_, name)
    local value = object[name]
    if type(value) ~= "function" then return value end
    return spared(function(_, ...)
      local result = value(object, ...)
      return type(result) == "table" and getmetatable(result) and spare(result) or result
    end)
  end })
end

-- ------------------------------------------------------------- what a spec sees

local tests, describing, current = {}, "", nil
local env = setmetatable({}, { __index = _G })
local hooks = { setup = {}, teardown = {} }

function env.describe(name, body)
  describing = name
  body()
end
function env.it(name, body)
  tests[#tests + 1] = { name = describing .. " " .. name, body = body }
end
function env.setup(f) hooks.setup[#hooks.setup + 1] = f end
function env.teardown(f) hooks.teardown[#hooks.teardown + 1] = f end
env.before_each, env.after_each, env.finally = error, error, error

-- Judges nothing, and takes no memory to do so.
local function ignore() end
env.assert = setmetatable({}, {
  __index = function() return ignore end,
  __call = function(_, value, ...)
    if not value then error("failed", 0) end
    return value, ...
  end,
})
env.warn = ignore

local the_peer = spare(peer.start())
function the_peer.for_tests() return the_peer end
local starting = setmetatable({ new = function() return the_peer end }, { __index = peer })

-- Nothing waits for long for what does not come any more.
local patient = setmetatable({
  open = function(...)
    local session, message, code = hinternet.open(...)
    if session then
      spared(session.set_timeouts)(session, { receive = 0.2, response = 0.2, send = 0.2 })
    end
    return session, message, code
  end,
}, { __index = hinternet })

function env.require(name)
  if name == "spec.support.peer" then return starting end
  if name == "spec.support.leaks" then return { watch = ignore, begin = ignore, check = ignore } end
  if name == "hinternet" then return patient end
  return require(name)
end

-- ------------------------------------------------------------------ the verdict

local function check(ok, what)
  if not ok then
    error(("%s: allocation %d of %s"):format(what, wanted, current.name), 0)
  end
end

local function judge()
  for _ = 1, 3 do collectgarbage() end
  local calm, problem = pcall(hinternet.poll, 0)
  check(calm or not problem:find "called inside", problem)
  check(not dispatch.inside_callback() and not dispatch.is_polling(), "inside a callback or poll")
  for _ = 1, 3 do collectgarbage() end
  check(not core.has_tasks(), "tasks are alive")
  local session <close> = assert(hinternet.open())
  local inner = session:spawn(function()
    coroutine.yield()
    return "result"
  end)
  local outer = session:spawn(function() return inner:join() end)
  hinternet.run()
  check(outer:status() == "done" and outer:join() == "result", "a task did not end")
  check(not core.has_tasks() and not task.is_inside() and not task.is_pending(), "counters")
end

local function stop() error("too long", 0) end

-- A test with one allocation that fails; how many there were.
local function try(number)
  wanted, had = number, 0
  debug.sethook(stop, "", 20000000)
  pcall(function()
    arm()
    current.body()
  end)
  if not pcall(disarm) then disarm() end -- the one that fails was there
  debug.sethook()
  judge()
  return had
end

assert(loadfile(spec_file, "t", env))()
for _, f in ipairs(hooks.setup) do f() end
local sum = 0
for _, test in ipairs(tests) do
  current = test
  try(0) -- loads what is loaded late
  local count = try(0)
  local step = math.max(1, count // most)
  for number = 1, count, step do
    try(number)
    sum = sum + 1
  end
end
the_peer:stop()
print(sum)
