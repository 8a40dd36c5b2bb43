--- What is loaded when it is first used, long after the module was: it needs
--- nothing that a script can take away, and no file but the parts.

local coding = require "spec.support.coded"
local peer = require "spec.support.peer"
local process = require "spec.support.process"

describe("What is loaded later", function()
  local p, url, coded, folder
  setup(function()
    p = peer.start()
    url = p:serve { connections = { { { "loop", -1, { { "recv_head" }, { "recv_body" },
      { "send", peer.response(200, {}, "one\ntwo\n") } } } } } }.url
    coded = p:serve { connections = {
      { { "keepalive", coding.make().short, "Content-Encoding: gzip\r\n" } } } }.url
  end)
  teardown(function() p:stop() end)
  before_each(function() folder = process.temp_folder() end)
  after_each(function() process.remove_folder(folder) end)

  -- What a script prints in a process that uses everything, once what stands in
  -- its way has been done.
  local prelude = [[
    local pcall, tonumber, pairs = pcall, tonumber, pairs
    local h = require "hinternet"
    local url, coded, folder = ...
    local port = tonumber(url:match ":(%d+)")
    local assert, io, print, select = assert, io, print, select
    local function use_everything()
      assert(h.get(url).body == "one\ntwo\n")
      local r = assert(h.request("GET", url, { headers = { A = "b" }, stream = true }))
      local lines = {}
      for line in r:lines() do lines[#lines + 1] = line end
      assert(#lines == 2 and r.version == "HTTP/1.1")
      assert(h.download(url, folder .. "/file") == 8)
      assert(h.post(url, { form = { a = "b" } }).status == 200)
      assert(h.post(url, { json = '{}' }).status == 200)
      local ok, message = pcall(h.post, url, { json = { a = 1 } })
      assert(not ok and message:find "a table needs an encoder")
      assert(#h.all { url, url } == 2)
      assert(h.get(coded).body)
      local session = h.open { async = true }
      local task = session:spawn(function() return session:get(url, { timeout = 5 }).body end)
      h.run()
      assert(task:join() == "one\ntwo\n" and session:poll(0) == false)
      local connection = session:connect("127.0.0.1", port)
      session:set_timeouts { connect = 5 }
      session:set_status_callback(function() end)
      session:close()
      session = h.open()
      session:set_status_callback(function() end)
      local request = session:connect("127.0.0.1", port):open_request("PUT")
      assert(request:send(nil, nil, 4))
      local pipe = io.popen "printf abcd"
      assert(request:write_from(pipe) == 4 and request:receive_response())
      for _ in request:chunks() do end
      assert(h.pollable() or h.features.reactor == "poll")
      print "all done"
    end
  ]]

  local function run(before, path, after)
    local file <close> = assert(io.open(folder .. "/script.lua", "w"))
    assert(file:write(prelude, before, after or " use_everything()"))
    assert(file:close())
    return process.run(("cd %s && LUA_PATH='%s' %s %s/script.lua %s/ %s/ %s"):format(
      process.quote(require "lfs".currentdir()), path or package.path,
      process.interpreter():gsub("LUA_PATH=%S+", ""), folder, url, coded, folder))
  end

  it("needs neither require nor package", function()
    assert.equal("all done\n", run "require, package = nil, nil")
    assert.equal("all done\n", run "package.path, package.cpath = '', ''")
    assert.equal("all done\n", run [[
      for name in pairs(package.loaded) do package.loaded[name] = nil end
      for name in pairs(package.preload) do package.preload[name] = nil end
      package.searchers = {}
    ]])
  end)

  it("needs no global", function()
    assert.equal("all done\n", run [[
      local next, env = next, _ENV
      for name in next, env do env[name] = nil end
    ]])
  end)

  it("needs not the folder in which the module was found", function()
    local deep = folder .. ("/deep"):rep(9)
    process.run("mkdir -p " .. deep)
    assert.equal("all done\n", run(("assert(require 'lfs'.chdir %q)"):format(deep),
      "lua/?.lua;;"))
  end)

  it("is no file: hinternet.lua, the adapters and the parts are all that is looked up",
    function()
      process.run(("cp lua/hinternet.lua %s/"):format(folder))
      assert.equal("all done\n", run("", folder .. "/?.lua;;"))
    end)

  it("says when there is no descriptor for a part, and is tried again #parts", function()
    local said = run([[
      local hold = {}
      local function take_all()
        repeat
          local file = io.open "/dev/null"
          hold[#hold + 1] = file
        until not file
      end
      local session = h.open()
      local request = session:connect("127.0.0.1", coded:match ":(%d+)"):open_request()
      assert(request:send())
      take_all()
      print(select(2, request:receive_response()))
      take_all()
      print(select(2, session:get "https://127.0.0.1:1/"))
      for _, file in pairs(hold) do file:close() end
      print(session:get "https://127.0.0.1:1/")
      print(session:get(coded).status)
    ]], nil, "")
    local first, second, third, fourth = said:match("^(.-)\n(.-)\n(.-)\n(.-)\n$")
    assert.matches("^cannot load zlib%.so: .*Too many open files", first)
    assert.matches("^cannot load tls%.so: .*Too many open files", second)
    assert.matches("^nil%s+cannot connect %(connection refused%)", third)
    assert.equal("200", fourth)
  end)

  it("keeps the names of its files and its lines", function()
    assert.equal("=hinternet.http\ttrue\n", run([[
      local info = debug.getinfo(h.get, "S")
      local number = 0
      for line in io.lines "lua/hinternet/http.lua" do
        number = number + 1
        if line:find "http%[name%] = function" then break end
      end
      print(info.source, number == info.linedefined)
    ]], nil, ""))
  end)
end)
