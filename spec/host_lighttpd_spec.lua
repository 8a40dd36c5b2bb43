-- lighttpd, which embeds Lua 5.4 in mod_magnet, loads the module and answers
-- with what it fetched: from C code that is not ours, in states it makes and
-- ends as it likes.

local certs = require "spec.support.certs"
local daemon = require "spec.support.daemon"
local hinternet = require "hinternet"
local leaks = require "spec.support.leaks"
local nginx = require "spec.support.nginx"
local peer = require "spec.support.peer"
local process = require "spec.support.process"
local wait = require "spec.support.wait"

local config = [[
server.modules = ("mod_magnet")
server.document-root = "${folder}"
server.bind = "127.0.0.1"
server.port = ${http}
server.errorlog = "${folder}/error.log"
server.max-keep-alive-requests = 1000
$HTTP["url"] =~ "^/other/" {
  magnet.attract-raw-url-to = ("${folder}/other.lua")
} else $HTTP["url"] =~ "^/" {
  magnet.attract-raw-url-to = ("${example}")
}
]]

-- Keeps a response half read in a global, and says how many were before.
local other = [[
local hinternet = require "hinternet"
local kept = package.loaded.kept or {}
package.loaded.kept = kept
kept[#kept + 1] = hinternet.get(os.getenv("UPSTREAM") .. "/text", { stream = true })
lighty.r.resp_body.set(#kept .. " " .. kept[#kept]:read(15, "fill"))
return 200
]]

describe("lighttpd", function()
  local made, upstream, example
  setup(function()
    made = certs.make()
    upstream = nginx.start(made)
    example = process.run("realpath examples/lighttpd/upstream.lua"):gsub("%s+$", "")
  end)
  teardown(function()
    upstream:stop()
    made:remove()
  end)
  leaks.watch()

  local function start(url)
    return daemon.start {
      program = "lighttpd",
      arguments = "-D -f ${folder}/lighttpd.conf",
      ports = { "http" },
      files = { ["lighttpd.conf"] = config, ["other.lua"] = other },
      values = { example = example },
      environment = { UPSTREAM = url, SSL_CERT_FILE = made.ca },
    }
  end

  local function get(host, path) return assert(hinternet.get(host.http .. path)) end

  -- Ends the server, which must have nothing to complain about. Its status is 1
  -- when a connection was open.
  local function stop(host)
    local status = host:halt()
    local said = host:log("output") .. host:log("error.log")
    host:stop()
    assert.is_true(status == 0 or status == 1, said)
    assert.is_nil(said:find("Sanitizer", 1, true), said)
    assert.is_nil(said:find("mod_magnet", 1, true), said)
  end

  -- How many connections nginx has seen for a path.
  local function connections(path)
    local seen, count = {}, 0
    for number in upstream:log("access.log"):gmatch("GET " .. path .. " %d+ (%d+)") do
      if not seen[number] then seen[number], count = true, count + 1 end
    end
    return count
  end

  for _, scheme in ipairs { "http", "https" } do
    it("answers with what it fetched over " .. scheme .. ", on one connection", function()
      local host = start(upstream[scheme])
      local before = connections("/file")
      for _ = 1, 20 do
        local answer = get(host, "/file")
        assert.same({ 200, ("0123456789abcde\n"):rep(64) }, { answer.status, answer.body })
      end
      assert.equal(404, get(host, "/nothing-here").status)
      assert.equal(1 << 20, #get(host, "/text").body)
      stop(host)
      assert.equal(1, connections("/file") - before)
    end)
  end

  it("answers 502 and why when there is nothing to fetch", function()
    local p = peer.start()
    local port = p:closed_port()
    local host = start("http://127.0.0.1:" .. port)
    local answer = get(host, "/file")
    assert.same({ 502, "cannot connect (connection refused) while connecting to 127.0.0.1:"
      .. port .. "\n" }, { answer.status, answer.body })
    stop(host)
    host = start(upstream.untrusted)
    answer = get(host, "/file")
    assert.equal(502, answer.status)
    assert.matches("certificate authority unknown", answer.body)
    stop(host)
    p:stop()
  end)

  it("has a Lua state, and so a runtime, for each script; ends with all in flight", function()
    local host = start(upstream.https)
    for i = 1, 5 do
      assert.equal(i .. " 000000000000001", get(host, "/other/").body)
      assert.equal(200, get(host, "/file").status)
    end
    stop(host)
  end)

  it("unloads and loads it again in a restart, and serves on", function()
    local host = start(upstream.https)
    for round = 1, 2 do
      assert.equal("1 000000000000001", get(host, "/other/").body)
      assert.equal(200, get(host, "/file").status)
      process.kill(host.pid, "USR1")
      wait.sleeping("restart " .. round, function()
        local _, restarts = host:log("error.log"):gsub("server started", "")
        return restarts > round
      end)
    end
    assert.equal("1 000000000000001", get(host, "/other/").body)
    stop(host)
  end)
end)
