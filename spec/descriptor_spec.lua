-- A process that runs out of descriptors while connections lie idle: those are
-- given up, as they are when memory is short.

local peer = require "spec.support.peer"
local process = require "spec.support.process"

describe("A process with few descriptors", function()
  local p

  setup(function() p = peer.start() end)
  teardown(function() p:stop() end)

  -- Runs Lua text with at most that many descriptors; what it printed.
  local function run(limit, text, ...)
    local file = os.tmpname()
    local out = assert(io.open(file, "w"))
    out:write(text)
    out:close()
    local output = process.run(("ulimit -n %d; %s %s %s"):format(limit,
      process.interpreter(), file, table.concat({ ... }, " ")))
    os.remove(file)
    return output
  end

  it("reaches more servers than it can keep connections to", function()
    local server = p:serve { host = "0.0.0.0", connections = { { { "keepalive", "ok" } } } }
    assert.equal("60 of 60", run(40, [[
      local http = require "hinternet"
      local good = 0
      for i = 1, 60 do
        local r, message = http.get(("http://127.0.0.%d:%s/"):format(i, arg[1]))
        if r then good = good + 1 else print(message) end
      end
      io.write(good, " of 60")
    ]], server.port))
    server:close()
  end)

  it("gives up those of other sessions, too, and the longest idle first", function()
    local server = p:serve { host = "0.0.0.0", connections = { { { "keepalive", "ok" } } } }
    assert.equal("10 reused 1", run(40, [[
      local http = require "hinternet"
      local sessions = {}
      for i = 1, 10 do
        sessions[i] = http.open {}
        for k = 1, 6 do
          assert(sessions[i]:get(("http://127.0.0.%d:%s/"):format(k, arg[1])))
        end
      end
      assert(sessions[10]:get("http://127.0.0.6:" .. arg[1]))
      io.write(#sessions, " reused ", sessions[10]:query_option "connections_reused")
    ]], server.port))
    server:close()
  end)

  it("says so when nothing lies idle", function()
    local server = p:serve { host = "0.0.0.0", connections = { { { "keepalive", "ok" } } } }
    local output = run(30, [[
      local http = require "hinternet"
      local session, held = http.open {}, {}
      for i = 1, 40 do
        local request = session:connect("127.0.0.1", tonumber(arg[1])):open_request("GET", "/")
        local ok, message, code = request:send()
        if not ok then
          io.write(code, " ", message)
          break
        end
        held[i] = request
      end
    ]], server.port)
    assert.matches("^12029 cannot connect %(too many open files%)", output)
    server:close()
  end)

  it("does not say that there is no such host", function()
    local output = run(30, [[
      local http = require "hinternet"
      http.get("http://127.0.0.1:1/")
      local held = {}
      repeat
        local file = io.open("/dev/null")
        held[#held + 1] = file
      until not file
      local _, message, code = http.get("http://nothing.invalid/")
      io.write(code, " ", message)
    ]])
    assert.matches("^12007 name not resolved %(too many open files%)", output)
  end)
end)
