-- A thousand requests at once, on one thread.

local core = require "hinternet.core"
local hinternet = require "hinternet"
local certs = require "spec.support.certs"
local leaks = require "spec.support.leaks"
local nginx = require "spec.support.nginx"

local COUNT = os.getenv("HN_SLOW") and 100 or 1000

describe(COUNT .. " requests at once", function()
  local authority, n = certs.new():for_tests(), nil

  setup(function() n = nginx.start(authority) end)
  teardown(function() n:stop() end)
  leaks.watch()

  -- Each task has the head of its response before any of them reads its body:
  -- so there are as many connections as tasks.
  local function fetch_all(session, url)
    local arrived, bytes = 0, 0
    local tasks = {}
    for i = 1, COUNT do
      tasks[i] = session:spawn(function()
        local r <close> = assert(session:get(url .. "/file", { stream = true }))
        assert.equal(200, r.status)
        arrived = arrived + 1
        while arrived < COUNT do coroutine.yield() end
        local body = assert(r:read("a"))
        bytes = bytes + #body
      end)
    end
    session:run()
    assert.equal(COUNT, arrived)
    assert.equal(COUNT * 1024, bytes)
    return tasks
  end

  -- Sends them all, receives when all have been sent, and closes each at its end;
  -- what was seen until nothing was pending, and goes on being seen.
  local function complete_all(session, kind)
    local seen = { started = 0, completed = 0, bytes = 0, closed = 0 }
    local waiting, on = {}, {}
    local function start(ok)
      assert(ok)
      seen.started = seen.started + 1
    end
    function on.sendrequest_complete(request)
      seen.completed = seen.completed + 1
      start(request:receive_response())
    end
    function on.headers_available(request)
      seen.completed = seen.completed + 1
      waiting[#waiting + 1] = request
      if #waiting < COUNT then return end
      for _, other in ipairs(waiting) do start(other:read("a")) end
    end
    function on.read_complete(request, body)
      seen.completed, seen.bytes = seen.completed + 1, seen.bytes + #body
      assert(request:close())
    end
    function on.handle_closing(handle)
      assert.is_false(handle:is_valid())
      seen.closed = seen.closed + 1
    end
    session:set_status_callback(function(handle, status, info)
      if on[status] then on[status](handle, info) end
      assert.not_equal("request_error", status)
    end)
    local connection = session:connect("127.0.0.1", n[kind .. "_port"])
    for _ = 1, COUNT do
      start(connection:open_request("GET", "/file", { secure = kind == "https" }):send())
    end
    while hinternet.poll() do end
    seen.closed_by_then = seen.closed
    return seen
  end

  for _, kind in ipairs { "http", "https" } do
    it("over as many connections complete in tasks, " .. kind, function()
      local before = leaks.descriptors()
      local session = authority:open()
      for _, task in ipairs(fetch_all(session, n[kind])) do
        assert.equal("done", task:status())
      end
      assert.equal(COUNT, session:query_option("connections_opened"))
      assert.same({ 2, 0 }, { core.live() }) -- the session and a connection
      assert.equal(before + COUNT, leaks.descriptors())
      -- They are all kept and used again.
      fetch_all(session, n[kind])
      assert.equal(COUNT, session:query_option("connections_opened"))
      session:close()
      assert.equal(before, leaks.descriptors())
    end)

    describe("with callbacks, " .. kind .. ",", function()
      local before, seen, live_after, descriptors_after
      setup(function()
        leaks.begin()
        before = leaks.descriptors()
        local session = authority:open { async = true }
        seen = complete_all(session, kind)
        session:close()
        live_after, descriptors_after = { core.live() }, leaks.descriptors()
      end)

      it("complete every operation, with every byte", function()
        assert.same({ 3 * COUNT, 3 * COUNT, COUNT * 1024 },
          { seen.started, seen.completed, seen.bytes })
      end)

      it("close every handle last of all", function()
        assert.equal(COUNT, seen.closed_by_then)
        assert.equal(COUNT + 2, seen.closed)
      end)

      it("leave nothing behind", function()
        assert.same({ 0, 0 }, live_after)
        assert.equal(before, descriptors_after)
      end)
    end)
  end
end)
