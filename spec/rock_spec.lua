-- The rock: installs from the sources alone into an empty tree, and works from
-- there.

local process = require "spec.support.process"

describe("the rock", function()
  local folder
  setup(function() folder = process.temp_folder() end)
  teardown(function() process.remove_folder(folder) end)

  it("is made by luarocks into a clean tree", function()
    process.run(("set -e; mkdir %s/source; for f in * .[a-z]*; do " ..
      "case $f in build|.git) ;; *) cp -r \"$f\" %s/source/ ;; esac; done")
      :format(folder, folder))
    -- No server is asked: there is nothing to fetch.
    process.run(("cd %s/source && unset CI MAKEFLAGS MAKELEVEL LUA_PATH LUA_CPATH" ..
      "; luarocks --lua-version=5.4 --only-server=%s make --tree %s/tree")
      :format(folder, folder, folder))
    local script = 'local h = require "hinternet"; ' ..
      'print(h.version) for _, name in ipairs { "core", "tls", "zlib" } do ' ..
      'print(package.searchpath("hinternet." .. name, package.cpath)) end'
    local said = process.run(("cd %s && LUA_PATH='%s/tree/share/lua/5.4/?.lua' "
      .. "LUA_CPATH='%s/tree/lib/lua/5.4/?.so' lua5.4 -e %s"):format(
      folder, folder, folder, process.quote(script)))
    local prefix = folder:gsub("%p", "%%%0")
    assert.matches("^%d+%.%d+%.%d+" .. ("%s+" .. prefix .. "%S+"):rep(3) .. "%s*$", said)
  end)

  it("is described truly", function()
    local rock = {}
    assert(loadfile("hinternet-scm-1.rockspec", "t", rock))()
    assert.equal("hinternet", rock.package)
    assert.equal("make", rock.build.type)
    for _, name in ipairs { "OPENSSL_DIR", "ZLIB_DIR", "LUA_INCDIR", "CFLAGS",
                            "LIBFLAG", "LUADIR", "LIBDIR" } do
      assert.equal(("$(%s)"):format(name), rock.build.variables[name])
    end
  end)
end)
