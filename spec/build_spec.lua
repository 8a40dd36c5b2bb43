-- make: what it finds, where it installs, and what it takes away again. Each in
-- a folder of its own, whose build the others do not see.

local process = require "spec.support.process"
local source = require "spec.support.source"

local quote = process.quote

describe("make", function()
  local folder

  before_each(function()
    folder = process.temp_folder()
    process.run(("for f in Makefile csrc lua spec; do ln -s \"$PWD/$f\" %s/; done")
      :format(quote(folder)))
  end)
  after_each(function() process.remove_folder(folder) end)

  -- What make prints there, with these programs before all others.
  local function make(arguments, programs)
    for name, text in pairs(programs or {}) do
      local path = ("%s/bin/%s"):format(folder, name)
      process.run("mkdir -p " .. quote(folder .. "/bin"))
      assert(io.open(path, "w")):write("#!/bin/sh\n" .. text .. "\n"):close()
      process.run("chmod 755 " .. quote(path))
    end
    return process.run(("unset CI MAKEFLAGS MAKELEVEL LUA CFLAGS; PATH=%s:$PATH make " ..
      "--no-print-directory -C %s %s"):format(quote(folder .. "/bin"), quote(folder), arguments))
  end

  local without_pkg_config = { ["pkg-config"] = "exit 127" }

  it("looks in the usual places when there is no pkg-config", function()
    local asked, looked = make("build/found"), make("-B build/found", without_pkg_config)
    assert.matches("^built with: Lua 5%.4 %(.+%); OpenSSL; zlib; brotli; zstd\n$", looked)
    assert.equal(asked, looked)
    make("-s build/hinternet/brotli.so build/hinternet/zstd.so")
  end)

  it("says once what it found, and nothing when it is to be silent", function()
    make("-s build/found")
    assert.matches("^built with: ", source.read(folder .. "/build/found"))
    assert.not_matches("built with: ", make("build/found"))
    assert.matches("^built with: .* no brotli; no zstd\n$", make("build/found BROTLI=0 ZSTD=0"))
    assert.matches("no Lua 5%.9 .*; no OpenSSL; ",
      make("build/found LUA=lua5.9 OPENSSL_INCDIR=/none CFLAGS=-nostdinc"))
  end)

  it("takes no headers of another Lua than its interpreter's", function()
    assert.matches("no Lua 5%.3 ", make("build/found LUA=lua", { lua = "echo 5.3" }))
    assert.matches("^built with: Lua 5%.4 ", make("build/found LUA=lua", { lua = "echo 5.4" }))
  end)

  it("installs into the folders of the interpreter's version", function()
    local said = make("-n install LUA=lua", { lua = "echo 5.5" })
    for _, place in ipairs { "'/usr/local/lib/lua/5.5/hinternet/'",
      "'/usr/local/share/lua/5.5'" } do
      assert.is_truthy(said:find(place, 1, true), place)
    end
    assert.is_nil(said:find("lua/5.4", 1, true))
    -- Where it cannot be run, its name tells.
    assert.matches("/usr/lib/lua/5%.5/", make("-n install PREFIX=/usr LUA=/none/lua5.5"))
    assert.matches("/usr/local/lib/lua/5%.4/", make "-n install LUA=/none/lua")
    assert.matches("'/x/mine/hinternet/'", make "-n install LIBDIR=/mine DESTDIR=/x LUA=lua5.4")
  end)

  it("takes away exactly what it installed", function()
    local place = quote(folder .. "/place")
    local mine = "usr/local/share/lua/5.4/hinternet/mine.lua"
    local settings = " LUA=lua5.4 modules=core DESTDIR=" .. place
    local function files()
      return process.run(("cd %s && find . ! -type d | sort"):format(place))
    end
    -- What is built does not matter here.
    process.run(("cd %s && mkdir -p build/hinternet && touch build/hinternet/core.so && "
      .. "mkdir -p place/%s && touch place/%s"):format(quote(folder),
      mine:match("^(.*)/"), mine))
    make("-s -o all install" .. settings)
    local installed = files()
    assert.is_truthy(installed:find("./usr/local/lib/lua/5.4/hinternet/core.so\n", 1, true))
    assert.is_truthy(installed:find("./usr/local/share/lua/5.4/hinternet.lua\n", 1, true))
    make("-s uninstall" .. settings)
    assert.equal("./" .. mine .. "\n", files())
    process.run(("cd %s && test ! -e usr/local/lib/lua/5.4/hinternet"):format(place))
    make("-s uninstall" .. settings) -- nothing is there: nothing to complain of
  end)
end)
