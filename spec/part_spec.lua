--- The parts that are opened when they are needed, each seen from a process of
-- its own.

local certs = require "spec.support.certs"
local peer = require "spec.support.peer"
local process = require "spec.support.process"

describe("The part for TLS", function()
  local p, c, plain, secure, folder

  setup(function()
    c = certs.make()
    p = peer.start()
    local answers = { { { "keepalive", "hello" } } }
    plain = p:serve { connections = answers }
    secure = p:serve { connections = answers, tls = c.good }
  end)
  teardown(function()
    p:stop()
    c:remove()
  end)
  before_each(function() folder = process.temp_folder() end)
  after_each(function() process.remove_folder(folder) end)

  -- What a script prints. `get` says how a request ended, `is_loaded` which
  -- objects the process has.
  local prelude = [[
    local hinternet = require "hinternet"
    local plain, secure, ca = ...
    local function get(url)
      local r, message, code = hinternet.get(url, { ca_file = ca })
      print(r and r.body or ("%d %s"):format(code, message))
    end
    local function is_loaded(name)
      local maps <close> = io.open "/proc/self/maps"
      return maps:read "a":find("/" .. name, 1, true) ~= nil
    end
  ]]

  local function run(script, cpath)
    local file <close> = assert(io.open(folder .. "/script.lua", "w"))
    assert(file:write(prelude, script))
    assert(file:close())
    return process.run(("%s %s/script.lua %s https://localhost:%d/ %s"):format(
      process.interpreter(cpath), folder, plain.url, secure.port, c.ca))
  end

  -- Copies modules into the folder; answers where they are found.
  local function install(...)
    process.run("mkdir " .. folder .. "/hinternet")
    for _, name in ipairs { ... } do
      local core = package.searchpath("hinternet.core", package.cpath)
      process.run(("cp %s %s/hinternet/"):format(core:gsub("core%.so$", name .. ".so"), folder))
    end
    return folder .. "/?.so;;"
  end

  it("is loaded with its library by the first https request", function()
    assert.equal("hello\nfalse\tfalse\nhello\ntrue\ttrue\nhello\n", run([[
      get(plain)
      print(is_loaded "libcrypto", is_loaded "tls.so")
      get(secure)
      print(is_loaded "libcrypto", is_loaded "tls.so")
      get(plain)
    ]]))
  end)

  it("is missed by https alone", function()
    local said = run("get(secure) get(plain) get(secure)", install "core")
    local first, second, third = said:match("^(.-)\n(.-)\n(.-)\n$")
    assert.matches("^12157 cannot load tls%.so: .*" .. folder:gsub("%p", "%%%0")
      .. "/hinternet/tls%.so.*localhost:" .. secure.port, first)
    assert.equal("hello", second)
    assert.equal(first, third)
  end)

  it("is refused when it is of another build", function()
    local cpath = install "core"
    process.run("echo 'const void *hn_part_tls(unsigned n) { return (void)n, (void *)0; }' |"
      .. "${CC:-cc} -shared -fPIC -x c -o " .. folder .. "/hinternet/tls.so -")
    assert.matches("^12157 cannot load tls%.so: it belongs to another build",
      run("get(secure)", cpath))
  end)

  it("is found after the process has gone to another folder", function()
    local cpath = install("core", "tls")
    local here = require "lfs".currentdir()
    local way = here:gsub("[^/]+", ".."):sub(2) .. cpath
    local deep = folder .. ("/deep"):rep(#here)
    process.run("mkdir -p " .. deep)
    assert.equal("hello\nhello\n", run(([[
      get(plain)
      assert(require "lfs".chdir "%s")
      get(secure)
    ]]):format(deep), way))
  end)
end)
