-- Answers functions for spec/host/yielding.c to run side by side: calls of one
-- session, each of which has to be answered.

local hinternet = hinternet -- luacheck: ignore
local mode, _, url, slow, closes, refusing = ...
local host, port = url:match "//(.-):(%d+)"
port = math.tointeger(port)
local session = assert(hinternet.open())
local functions = {}
local function ask(method, body)
  local request <close> = assert(assert(session:connect(host, port)):open_request(method, "/"))
  assert(request:send(nil, body))
  assert(request:receive_response())
  assert(request:read "a" == "hello")
end
if mode == "heard" then
  assert(session:set_status_callback(function(handle, status)
    assert(hinternet.type(handle) and type(status) == "string")
  end))
elseif mode == "timed" then
  assert(session:set_timeouts { connect = 30, send = 30, receive = 30, response = 30 })
end
local kinds = {
  function() ask "GET" end,
  function() ask("PUT", ("x"):rep(1000)) end,
  function() assert(session:get(url).body == "hello") end,
  function() assert(hinternet.get(url .. "?" .. math.random(1000)).body == "hello") end,
  function()
    local _, _, code = session:get(slow, { timeout = 0.02 })
    assert(code == 12002, code)
  end,
  function() assert(not session:get(closes)) end,
  function()
    local own <close> = assert(hinternet.open())
    assert(own:get(url).body == "hello")
    local request = own:connect(host, port):open_request()
    assert(request:send())
    own:close()
    assert(not request:receive_response())
  end,
  function()
    local ok, problem = pcall(function()
      assert(session:get(url))
      assert(not session:get(refusing))
      error "mine"
    end)
    assert(not ok and problem:find "mine")
  end,
}
local function in_task(f, ...)
  local task = session:spawn(f, ...)
  return task:join()
end
local of_tasks = {
  function() in_task(kinds[1]) end,
  function()
    local tasks = {}
    for i = 1, 3 do tasks[i] = session:spawn(kinds[i]) end
    in_task(function() for i = 1, 3 do tasks[i]:join() end end)
  end,
  function()
    local results, failed = session:all({ url, closes, url, url }, { at_once = 3 })
    assert(#results == 4 and failed == 1)
  end,
  function()
    local own <close> = assert(hinternet.open())
    local done = {}
    for i = 1, 3 do own:spawn(function() done[i] = own:get(url) end) end
    local ok, problem = pcall(own.run, own) -- finishes all, also of others
    assert(ok or problem:find "mine", problem)
    assert(done[1] and done[2] and done[3])
  end,
  function()
    local ok, problem = pcall(in_task, function() assert(session:get(url)) error "mine" end)
    assert(not ok and problem:find "mine")
  end,
  function()
    local task = session:spawn(session.get, session, slow, { timeout = 0.05 })
    hinternet.poll(0)
    task:cancel()
    assert(select(3, task:join()) // 100 == 120)
  end,
  function()
    in_task(function()
      coroutine.yield()
      hinternet.sleep(0.001)
      coroutine.yield()
    end)
  end,
  function()
    local own <close> = assert(hinternet.open())
    local task = own:spawn(own.get, own, slow, { timeout = 0.05 })
    hinternet.poll(0)
    own:close()
    local _, message, code = task:join()
    assert(code == 12017 or code == 12002 or code == 6, message)
  end,
}
for i, f in ipairs(mode == "tasks" and of_tasks or kinds) do
  functions[i] = function() for _ = 1, 3 do f() end end
end
return functions
