-- The host with frames, whose sandbox other hosts copy: scripts that try to
-- leave it.

local peer = require "spec.support.peer"
local process = require "spec.support.process"

describe("A script in the host with frames", function()
  local folder, p

  setup(function() process.run("make -s --no-print-directory build/host/frames") end)
  before_each(function()
    folder = process.temp_folder()
    p = peer.start()
  end)
  after_each(function()
    p:stop()
    process.remove_folder(folder)
  end)

  local function write(name, text)
    local path = folder .. "/" .. name
    assert(io.open(path, "wb")):write(text):close()
    return path
  end

  -- What such a script prints, the histogram aside. Each of its ways out is
  -- `try(name, f, ...)`: f raises, answers nothing or refuses.
  local function run(script, ...)
    local path = write("script.lua", [[
      local secret, url, folder = ...
      local hinternet = require "hinternet"
      local function try(name, f, ...)
        local ok, value, why, code = pcall(f, ...)
        local left = ok and value and not tostring(value):find("host policy", 1, true)
        print(name, left and "LEFT: " .. tostring(value) or "held", ok and code or "")
      end
    ]] .. script)
    local words = { "build/host/frames", process.quote(path) }
    for _, word in ipairs { ... } do words[#words + 1] = process.quote(word) end
    local said = process.run("cd / && LUA_PATH=/%s/?.lua timeout 60 "
      .. ("%s/%s"):format(process.run("printf %s \"$PWD\""), table.concat(words, " ")))
    return (said:gsub("%d+ frames of .*", ""))
  end

  local function holds(said, ways)
    local count = 0
    for name, outcome in said:gmatch("([^\n\t]+)\t([^\n]+)\n") do
      count = count + 1
      assert.matches("^held", outcome, name)
    end
    assert.equal(ways, count)
  end

  it("finds no file by require, and cannot ask for one", function()
    local module = write("secret.lua", "return 'secret'")
    holds(run([[
      try("require", require, "secret")
      package.path, package.cpath = secret, secret
      try("require by package.path", require, "secret")
      try("package.path as it was read", require, "x")
      try("searchpath", function() return package.searchpath("x", secret) end)
      try("loadlib", function() return package.loadlib(secret, "*") end)
      try("other searchers", function()
        for i, searcher in ipairs(package.searchers) do
          local loader = i > 1 and searcher "secret"
          if type(loader) == "function" then return loader end
        end
      end)
      try("searchers of its own", function()
        package.searchers = setmetatable({}, { __index = function(_, i)
          if i < 9 then return function() return nil end end
        end })
        return require "secret"
      end)
      try("dofile", function() return dofile(secret) end)
      try("loadfile", function() return loadfile(secret) end)
    ]], module, ""), 9)
  end)

  it("runs no bytecode, however it is loaded", function()
    local code = write("code.luac", string.dump(function() return "left" end))
    local bytes = string.format("%q", string.dump(function() return "left" end))
    local said = run("local bytes = " .. bytes .. [[
      try("load", load, bytes)
      try("load as binary", load, bytes, "=x", "b")
      try("load as both", load, bytes, "=x", "bt", {})
      try("load by a function", load, function() local b = bytes bytes = nil return b end)
      try("load in a coroutine", coroutine.wrap(load), bytes, nil, "b")
      try("string.dump", function() return string.dump(print) end)
      try("dump of a string", function() return ("").dump(print) end)
      try("dump by the metatable", function() return getmetatable("").__index.dump(print) end)
      try("loadstring", function() return loadstring(bytes) end)
      try("load of old", function()
        for _, m in pairs(package.loaded) do
          if type(m) == "table" and m.load and m.load ~= load then return m.load end
        end
      end)
      print(load("return 1 + ...")(2), load("return x", "=x", "t", { x = 7 })(),
        load("return x", "=x", nil, nil) ~= nil, (load "]"))
    ]], "", "")
    assert.matches("\n3\t7\ttrue\tnil\n", said)
    holds(said:gsub("\n3\t7.-\n", "\n"), 10)
    -- Nor is it the host's script.
    local ok, why = pcall(process.run, "build/host/frames " .. process.quote(code))
    assert.is_false(ok)
    assert.matches("attempt to load a binary chunk", why)
  end)

  it("has no library that reaches files, programs or other functions' values", function()
    holds(run([[
      for _, name in ipairs { "io", "os", "debug", "ffi", "bit32", "utf8" } do
        try(name, function() return _G[name] or package.loaded[name] end)
        try("require " .. name, require, name)
      end
      local seen, reached = {}, {}
      local function walk(value)
        if type(value) ~= "table" or seen[value] then return end
        seen[value] = true
        for k, v in pairs(value) do
          if type(k) == "string" then reached[k] = true end
          walk(k) walk(v) walk(getmetatable(v))
        end
      end
      walk(_G) walk(getmetatable(""))
      for _, name in ipairs { "popen", "execute", "getenv", "tmpname", "getregistry", "getupvalue",
        "setupvalue", "sethook", "getinfo", "loadlib", "searchpath", "cpath", "loadfile", "dofile",
        "dump" } do
        try("any " .. name, function() return reached[name] end)
      end
    ]], "", ""), 27)
  end)

  it("gets nothing from hinternet that the policy forbids", function()
    local server = p:keepalive("inside")
    local file = write("precious.txt", "precious")
    holds(run([[
      try("http", function() return hinternet.get(url) end)
      try("a private address", function() return hinternet.get "https://10.0.0.1/" end)
      try("link-local", function() return hinternet.get "https://169.254.169.254/" end)
      try("download", function() return hinternet.download("https://localhost:1/", secret) end)
      for _, name in ipairs { "unix_socket", "ca_file", "client_cert_context", "client_key_file",
        "crl_file", "key_log_file", "interface", "local_address" } do
        try(name, function() return hinternet.open { [name] = secret } end)
        try(name .. " later", function() return hinternet.open():set_option(name, secret) end)
      end
      try("unverified", function()
        return hinternet.open():set_option("security_flags", { "ignore_unknown_ca" })
      end)
      try("no budget", function() return hinternet.open():set_option("poll_budget", false) end)
      try("more budget", function() return hinternet.open { poll_budget = 1 } end)
    ]], file, server.url), 4 + 2 * 8 + 3)
    assert.same({}, server:received())
    assert.equal("precious", assert(io.open(file)):read("a"))
  end)

  it("may still lower the budget, load text and require what is there", function()
    assert.equal("true\t0.0001\ttrue\n", run([[
      local session = hinternet.open()
      print(session:set_option("poll_budget", 0.0001), session:query_option("poll_budget"),
        require "hinternet" == hinternet)
    ]], "", ""))
  end)
end)
