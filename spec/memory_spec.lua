-- When Lua has no memory for what is handed to it.

local hinternet = require "hinternet"
local peer = require "spec.support.peer"
local process = require "spec.support.process"
local socket = require "socket"

describe("Bytes that there was no memory for", function()
  local p, folder, limit = peer.new():for_tests(), nil, nil
  setup(function()
    folder = process.temp_folder()
    local library = folder .. "/limit.so"
    -- The state goes on using it to its very end.
    process.run(("LD_PRELOAD= ${CC:-cc} -shared -fPIC -Wl,-z,nodelete "
      .. "$(pkg-config --cflags lua5.4) -o %s spec/support/limit.c"):format(library))
    limit = assert(package.loadlib(library, "luaopen_limit"))()
  end)
  teardown(function() process.remove_folder(folder) end)

  -- What act(...) raises while no block of that size can be had.
  local function starved(size, act, ...)
    collectgarbage()
    limit(size - 1)
    local ok, message = pcall(act, ...)
    limit(0)
    assert.is_false(ok)
    return message
  end

  local function begin(size, options)
    local s = p:keepalive(("x"):rep(size))
    local session = assert(hinternet.open(options))
    local request = session:connect("127.0.0.1", s.port):open_request()
    return s, session, request
  end

  it("are not passed over: the request answers operation cancelled until it is sent again",
    function()
      -- The one is here already, the other has to be waited for.
      for _, size in ipairs { 50000, 1 << 20 } do
        local s, session, request = begin(size)
        assert(request:send())
        assert(request:receive_response())
        socket.sleep(0.02)
        assert.equal("not enough memory", starved(size, request.read, request, size, "fill"))
        assert.equal(12017, select(3, request:read(1)))
        assert.equal(12017, select(3, request:query_data_available()))
        assert(request:send())
        assert(request:receive_response())
        assert.equal(size, #request:read("a"))
        session:close()
        s:close()
      end
    end)

  it("of an asynchronous session neither", function()
    local size = 50000
    local s, session, request = begin(size, { async = true })
    request:set_status_callback(function(_, status)
      if status == "sendrequest_complete" then request:receive_response() end
      if status == "headers_available" then request:read("a") end
    end)
    assert(request:send())
    assert.equal("not enough memory", starved(size, function()
      while session:poll(1) do end
    end))
    assert.equal(12017, select(3, request:read(1)))
    session:close()
    s:close()
  end)

  it("of a task are its call's failure, and poll's", function()
    local size = 50000
    local s, session, request = begin(size)
    local reading, answers
    request:set_status_callback(function() end, { "redirect" }) -- nothing comes at once
    local task = session:spawn(function()
      assert(request:send())
      assert(request:receive_response())
      reading = true
      answers = table.pack(request:read(size, "fill"))
      return select(3, request:read(1))
    end)
    while not reading do session:poll() end
    assert.equal("not enough memory", starved(size, function()
      while session:poll(1) do end
    end))
    assert.equal(12017, task:join())
    assert.same({ nil, "not enough memory", 8, n = 3 }, answers)
    session:close()
    s:close()
  end)
end)

describe("A file that is to be", function()
  local folder
  setup(function() folder = process.temp_folder() end)
  teardown(function() process.remove_folder(folder) end)

  it("can be had after any allocation that failed before", function()
    local library = folder .. "/limit.so"
    process.run(("LD_PRELOAD= ${CC:-cc} -shared -fPIC -Wl,-z,nodelete "
      .. "$(pkg-config --cflags lua5.4) -o %s spec/support/limit.c"):format(library))
    local said = process.run(([[%s - <<'END'
      local limit = assert(package.loadlib("%s", "luaopen_limit"))()
      local core = require "hinternet.core"
      local number, ok = 0, nil
      repeat
        number = number + 1
        limit(0, number)
        ok = pcall(core.new_file, "%s/first")
        limit(0)
        local file = assert(core.new_file "%s/second")
        assert(getmetatable(file) == "hinternet.file" and file:keep())
        collectgarbage()
      until ok
      print(number)
END]]):format(process.interpreter(), library, folder, folder))
    assert.is_true(tonumber(said) > 1, said)
    assert.equal("limit.so\nsecond\n", process.run("ls -A " .. folder))
  end)
end)

describe("Tasks", function()
  local folder
  setup(function() folder = process.temp_folder() end)
  teardown(function() process.remove_folder(folder) end)

  it("go on after any allocation of theirs that failed, as before", function()
    local library = folder .. "/limit.so"
    process.run(("LD_PRELOAD= ${CC:-cc} -shared -fPIC -Wl,-z,nodelete "
      .. "$(pkg-config --cflags lua5.4) -o %s spec/support/limit.c"):format(library))
    local most = os.getenv "HN_SLOW" and 15 or 40 -- of each test
    local said = process.run(("%s spec/support/starve.lua %s spec/task_spec.lua %d 2>&1")
      :format(process.interpreter(), library, most))
    local tries = tonumber(said:match("(%d+)\n$"))
    assert.is_true(tries and tries > 10 * most, said)
  end)
end)
