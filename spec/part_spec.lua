--- The parts that are opened when they are needed, each seen from a process of
-- its own.

local hinternet = require "hinternet"
local certs = require "spec.support.certs"
local coding = require "spec.support.coded"
local peer = require "spec.support.peer"
local process = require "spec.support.process"

describe("A part of the module", function()
  local p, c, coded, plain, secure, folder

  setup(function()
    c = certs.make()
    coded = coding.make()
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

  local function run(script, cpath, before)
    local file <close> = assert(io.open(folder .. "/script.lua", "w"))
    assert(file:write(before or "", prelude, script))
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

  -- Serves a body in a coding; answers the URL.
  local function serve(name, body)
    local steps = { { "keepalive", body, "Content-Encoding: " .. name .. "\r\n" } }
    return p:serve { connections = { steps } }.url
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

  it("is loaded by the first body that needs it", function()
    local cases = {
      { "gzip", "libz.so", serve("gzip", coded.short), "hello\n" },
      { "brotli", "libbrotlidec.so", serve("br", coded.brotli("text")), "text" },
      { "zstd", "libzstd.so", serve("zstd", coded.zstd("text")), "text" },
    }
    local script, expected = {}, {}
    for _, case in ipairs(cases) do
      local name, library, url, text = table.unpack(case)
      if hinternet.features[name] then
        script[#script + 1] = ("print(is_loaded %q) get %q print(is_loaded %q)")
          :format(library, url, library)
        expected[#expected + 1] = "false\n" .. text .. "\ntrue\n"
      end
    end
    assert.equal(table.concat(expected), run(table.concat(script, "\n")))
  end)

  it("is missed by those who need it alone", function()
    local url = serve("gzip", coded.short)
    local said = run(("get %q get(plain) get %q"):format(url, url), install "core")
    local first, second, third = said:match("^(.-)\n(.-)\n(.-)\n$")
    assert.matches("^50 cannot load zlib%.so: .*127%.0%.0%.1:%d+$", first)
    assert.equal("hello", second)
    assert.equal(first, third)
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

  it("is not looked for where the process has gone before the state began", function()
    local here = require "lfs".currentdir()
    local way = here:gsub("[^/]+", ".."):sub(2) .. install("core", "tls"):match("^[^?]+")
    local deep = folder .. ("/deep"):rep(#here)
    process.run("mkdir -p " .. deep)
    local said = run("get(secure)", nil, ([[
      local open = package.loadlib("%shinternet/core.so", "luaopen_hinternet_core")
      assert(require "lfs".chdir "%s")
      package.loaded["hinternet.core"] = open()
    ]]):format(way, deep))
    assert.matches("^12157 cannot load tls%.so: its folder is unknown", said)
  end)
end)
