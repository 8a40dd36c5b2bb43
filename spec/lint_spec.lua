-- The rules of the source tree. Each test lists every breach it found.

local source = require "spec.support.source"

local function expect_none(breaches)
  if #breaches > 0 then
    table.sort(breaches)
    error(#breaches .. " breaches:\n  " .. table.concat(breaches, "\n  "), 2)
  end
end

local floors = { base = 1, proto = 2, net = 3, http = 4, core = 5, handles = 6, lua = 7 }
local c_files = source.matching("^csrc/.*%.[ch]$")
local code_files = source.matching("%.[chl]u?a?$")

local function floor_of(path) return path:match("^csrc/(%w+)/") end
local function stem_of(path) return path:match("([^/]+)%.[ch]$") end

describe("sizes", function()
  it("files have at most 600 lines", function()
    local breaches = {}
    for _, path in ipairs(code_files) do
      local _, lines = source.read(path):gsub("\n", "")
      if lines > 600 then
        breaches[#breaches + 1] = ("%s: %d lines"):format(path, lines)
      end
    end
    expect_none(breaches)
  end)

  it("C lines have at most 80 columns, and no tabs or trailing blanks", function()
    local breaches = {}
    for _, path in ipairs(source.matching("^csrc/.*%.[ch]$")) do
      for number, line in source.lines(source.read(path)) do
        if (utf8.len(line) or #line) > 80 then
          breaches[#breaches + 1] = ("%s:%d: too wide"):format(path, number)
        elseif line:find("\t", 1, true) or line:find("%s$") then
          breaches[#breaches + 1] = ("%s:%d: blanks"):format(path, number)
        end
      end
    end
    expect_none(breaches)
  end)

  -- A body that is one switch may be longer: splitting it helps nobody.
  local function limit_of(fn, path)
    local one_switch = fn.body:match("^%s*switch%s*%b()%s*%b{}%s*(.-)%s*$")
    if one_switch and not one_switch:find("[{}]") then return 120 end
    return path:match("^csrc/") and 60 or 80
  end

  it("C functions have at most 60 lines, 80 in tests, and 5 parameters", function()
    local breaches, count = {}, 0
    for _, path in ipairs(source.matching("^[cs][sp][re]c/.*%.[ch]$")) do
      for _, fn in ipairs(source.c_functions(path)) do
        count = count + 1
        if fn.lines > limit_of(fn, path) then
          breaches[#breaches + 1] = ("%s:%d: %s has %d lines"):format(path,
            fn.line, fn.name, fn.lines)
        end
        -- Some of the public ones have WinHTTP's many.
        if fn.parameters > 5 and path:match("^csrc/")
          and not fn.name:match("^hn_") then
          breaches[#breaches + 1] = ("%s:%d: %s has %d parameters"):format(
            path, fn.line, fn.name, fn.parameters)
        end
      end
    end
    assert.is_true(count > 0, "no functions were found")
    expect_none(breaches)
  end)

  it("Lua functions of the library have at most 80 lines", function()
    local breaches = {}
    for _, path in ipairs(source.matching("^lua/.*%.lua$")) do
      local starts = {}
      for number, line in source.lines(source.read(path)) do
        local indent = line:match("^(%s*)[%w_ =.,:]*function[%s(]")
        if indent and not line:find("%f[%w]end%f[%W]") then
          starts[indent] = number
        end
        local stop = line:match("^(%s*)end%f[%W]")
        if stop and starts[stop] then
          if number - starts[stop] > 80 then
            breaches[#breaches + 1] = ("%s:%d: %d lines"):format(path,
              starts[stop], number - starts[stop])
          end
          starts[stop] = nil
        end
      end
    end
    expect_none(breaches)
  end)
end)

describe("floors", function()
  -- tunnel is the one stream that speaks a protocol of its own; part_linked
  -- knows all parts.
  local allowed_upward = { ["csrc/net/tunnel.c"] = "proto",
                           ["csrc/net/part_linked.c"] = "proto" }

  local function is_public(path)
    return path:match("^csrc/hinternet[%w_]*%.h$") ~= nil
  end

  local function may_include(from, to)
    if is_public(to) then return true end
    local a, b = floor_of(from), floor_of(to)
    if not a or not b then return false end
    if a == b then return true end
    if b == "lua" then return false end
    if a == "lua" then return to == "csrc/base/list.h" or to == "csrc/base/slice.h" end
    if a == "proto" or a == "net" then
      return b == "base" or allowed_upward[from] == b
    end
    return floors[b] < floors[a]
  end

  it("include only their own and lower ones", function()
    local breaches = {}
    for _, path in ipairs(c_files) do
      for _, target in ipairs(source.includes(path)) do
        if not target:match("^<") and not may_include(path, target) then
          breaches[#breaches + 1] = path .. " includes " .. target
        end
      end
    end
    expect_none(breaches)
  end)

  it("headers never include each other in a ring", function()
    local breaches, state = {}, {}
    local function visit(path, trail)
      if state[path] == "done" then return end
      if state[path] then
        breaches[#breaches + 1] = trail .. " -> " .. path
        return
      end
      state[path] = "open"
      for _, target in ipairs(source.includes(path)) do
        if not target:match("^<") and source.exists(target) then
          visit(target, trail .. " -> " .. path)
        end
      end
      state[path] = "done"
    end
    for _, path in ipairs(c_files) do visit(path, "") end
    expect_none(breaches)
  end)

  -- A module may include only modules named before it on its floor.
  local order = {
    base = "limits err list trace mem account block slice buf heap siphash slot spare",
    proto = "url_text url_ref url header_text header h1_head h1_body h1_conn httpdate "
      .. "follow decode_codec decode decode_zlib decode_brotli decode_zstd",
    net = "clock process file replace address address_class origin guard reactor "
      .. "reactor_epoll reactor_poll resolver part part_shared env news transport tcp_tune tcp "
      .. "times trust tls tls_part tls_options openssl/openssl openssl/bio openssl/file "
      .. "openssl/verify openssl/store openssl/revocation openssl/identity openssl/session "
      .. "openssl/context openssl/info openssl/transport part_linked dial",
    http = "conn place protocol spoken waiter expiry pool sides message exchange content h1",
    core = "runtime event handle op duplex life take loop",
    handles = "settings target hop identity budget session connection request policy new_file "
      .. "quota option_value option_secure option_list option query prepare redirect again "
      .. "transfer receiving request_fields sending request_open sleeper library",
    lua = "lhn lhn_embedded lhn_event lhn_file lhn_handle lhn_head lhn_header lhn_host "
      .. "lhn_import lhn_loop lhn_open lhn_option lhn_place lhn_request lhn_sleep lhn_task lhn_url",
  }

  local function module_of(path) return (path:gsub("%.[ch]$", "")) end

  it("modules of a floor stand on those above them in its list", function()
    local place, breaches = {}, {}
    for floor, names in pairs(order) do
      local number = 0
      for name in names:gmatch("%S+") do
        number = number + 1
        place[("csrc/%s/%s"):format(floor, name)] = number
      end
    end
    local listed = {}
    for _, path in ipairs(c_files) do
      local own = place[module_of(path)]
      listed[module_of(path)] = true
      if floor_of(path) and not own then breaches[#breaches + 1] = path .. " is in no list" end
      for _, target in ipairs(source.includes(path)) do
        local other = place[module_of(target)]
        if own and other and floor_of(path) == floor_of(target) and other > own then
          breaches[#breaches + 1] = path .. " includes " .. target
        end
      end
    end
    for name in pairs(place) do
      if not listed[name] then breaches[#breaches + 1] = name .. " is listed, and is not there" end
    end
    expect_none(breaches)
  end)

  -- Which modules define a function: a name may be static in more than one.
  local function definers()
    local out = {}
    for _, path in ipairs(c_files) do
      for _, fn in ipairs(source.c_functions(path)) do
        out[fn.name] = out[fn.name] or {}
        out[fn.name][module_of(path)] = true
      end
    end
    return out
  end

  -- Module -> those it calls -> one call of each as text.
  local function calls_of_modules()
    local defined, calls = definers(), {}
    for _, path in ipairs(c_files) do
      local own = module_of(path)
      calls[own] = calls[own] or {}
      for _, fn in ipairs(source.c_functions(path)) do
        for name in fn.body:gmatch("([%a_][%w_]*)%s*%(") do
          for other in pairs(defined[name] or {}) do
            if not defined[name][own] then
              calls[own][other] = ("%s: %s calls %s"):format(own, fn.name, name)
            end
          end
        end
      end
    end
    return calls
  end

  it("C files never call each other in a circle", function()
    local calls, breaches, state, trail = calls_of_modules(), {}, {}, {}
    local function visit(module)
      if state[module] == "open" then
        local said = {}
        for i = #trail, 1, -1 do
          table.insert(said, 1, calls[trail[i]][trail[i + 1] or module])
          if trail[i] == module then break end
        end
        breaches[#breaches + 1] = table.concat(said, "; ")
      end
      if state[module] then return end
      state[module] = "open"
      trail[#trail + 1] = module
      for other in pairs(calls[module]) do visit(other) end
      trail[#trail] = nil
      state[module] = "done"
    end
    for module in pairs(calls) do
      if floor_of(module .. ".c") ~= "lua" then visit(module) end
    end
    expect_none(breaches)
  end)

  it("every header has its guard and compiles alone", function()
    local breaches = {}
    local headers = source.matching("^csrc/.*%.h$")
    for _, path in ipairs(headers) do
      local guard = source.read(path):match("\n#ifndef (%w[%w_]*)\n#define ")
      if not guard or not guard:match("^H[IN]") then
        breaches[#breaches + 1] = path .. ": no include guard"
      end
    end
    local said = source.output(("for h in %s; do echo \"#include \\\"$h\\\"\" |"
      .. " ${CC:-cc} -std=c11 -D_GNU_SOURCE -Wall -Wno-unused-function -I. "
      .. "-I/usr/include/lua5.4 -fsyntax-only -x c - 2>&1 | grep -m1 "
      .. "-E 'error' | sed \"s|^|$h: |\"; done"):format(
      table.concat(headers, " ")))
    for _, line in ipairs(said) do breaches[#breaches + 1] = line end
    expect_none(breaches)
  end)
end)

describe("owners", function()
  -- Lua patterns of system headers, and patterns of the files that own them.
  local net = { "^csrc/net/" }
  local owners = {
    { { "^<string.h>$", "^<stdint.h>$", "^<stddef.h>$", "^<stdbool.h>$",
        "^<assert.h>$", "^<limits.h>$", "^<stdarg.h>$", "^<inttypes.h>$",
        "^<errno.h>$", "^<stdalign.h>$", "^<math.h>$" }, { "" } },
    -- snprintf and vsnprintf only; calls that print are banned below.
    { { "^<stdio.h>$" }, { "" } },
    { { "^<stdlib.h>$" }, { "^csrc/base/mem.c$", "^csrc/net/[%w_]+.c$" } },
    { { "^<sys/", "^<netinet/", "^<arpa/", "^<net/", "^<netdb.h>$",
        "^<poll.h>$", "^<dirent.h>$", "^<unistd.h>$", "^<fcntl.h>$" }, net },
    { { "^<stdio_ext.h>$" }, { "^csrc/net/file.c$", "^csrc/lua/lhn_file.c$" } },
    { { "^<dlfcn.h>$" }, { "^csrc/net/part_shared.c$" } },
    { { "^<pthread.h>$", "^<signal.h>$" },
      { "^csrc/net/resolver.c$", "^csrc/net/file.c$" } },
    { { "^<time.h>$" }, { "^csrc/net/clock.c$", "^csrc/net/resolver.c$",
        "^csrc/net/file.c$" } },
    { { "^<openssl/" }, { "^csrc/net/openssl/", "^csrc/base/hash.c$",
        "^csrc/base/random.c$" } },
    { { "^<zlib.h>$" }, { "^csrc/proto/decode_zlib.c$" } },
    { { "^<brotli/" }, { "^csrc/proto/decode_brotli.c$" } },
    { { "^<zstd" }, { "^csrc/proto/decode_zstd.c$" } },
    { { "^<lua.h>$", "^<lauxlib.h>$", "^<lualib.h>$" },
      { "^csrc/lua/", "^csrc/hinternet_lua.h$" } },
  }

  local function owned_by(header, path)
    for _, row in ipairs(owners) do
      for _, pattern in ipairs(row[1]) do
        if header:match(pattern) then
          for _, owner in ipairs(row[2]) do
            if path:match(owner) then return true end
          end
          return false
        end
      end
    end
    return false
  end

  it("system headers appear only where they belong", function()
    local breaches = {}
    for _, path in ipairs(c_files) do
      for _, target in ipairs(source.includes(path)) do
        if target:match("^<") and not owned_by(target, path) then
          breaches[#breaches + 1] = path .. " includes " .. target
        end
      end
    end
    expect_none(breaches)
  end)

  -- Name of a function, and the pattern of files that may call it.
  local banned = {
    strcpy = "none", strcat = "none", strncpy = "none", strncat = "none",
    sprintf = "none", vsprintf = "none", strtok = "none", strtok_r = "none",
    atoi = "none", atol = "none", atoll = "none", atof = "none",
    gets = "none", scanf = "none", sscanf = "none", fscanf = "none",
    gmtime = "none", localtime = "none", gmtime_r = "none", mktime = "none",
    ctime = "none", asctime = "none", alloca = "none", setlocale = "none",
    rand = "none", srand = "none", random = "none", system = "none",
    popen = "none", signal = "none", sigaction = "none", exit = "none",
    _exit = "none", abort = "none", printf = "none", puts = "none",
    putchar = "none", perror = "none", select = "none", strdup = "none",
    strndup = "none", tolower = "none", toupper = "none", isalpha = "none",
    isdigit = "none", isspace = "none", isalnum = "none", isxdigit = "none",
    strcasecmp = "none", strncasecmp = "none", usleep = "none",
    sleep = "none", gethostbyname = "none", inet_addr = "none",
    inet_ntoa = "none", time = "none", gettimeofday = "none",
    fprintf = "^csrc/base/trace.h$", vfprintf = "^csrc/base/trace.h$",
    malloc = "^csrc/base/mem.c$", calloc = "^csrc/base/mem.c$",
    realloc = "^csrc/base/mem.c$", free = "^csrc/base/mem.c$",
    clock_gettime = "^csrc/net/clock.c$",
    getaddrinfo = "^csrc/net/resolver.c$",
    -- The C core calls nobody, and keeps nothing of a Lua state.
    -- One continuation, into our own Lua half, as a function's last act; and
    -- one call of functions of ours, when a host asks or the module is loaded.
    lua_callk = "^csrc/lua/lhn.c$",
    lua_call = "none", lua_pcall = "none",
    lua_pcallk = "none", luaL_ref = "none", luaL_dostring = "none",
  }

  it("banned functions are called by nobody but their owner", function()
    local breaches = {}
    for _, path in ipairs(c_files) do
      for number, line in source.lines(source.c_code(path)) do
        for before, name in (" " .. line):gmatch("([^%w_])([%a_][%w_]*)%s*%(") do
          local owner = banned[name]
          -- A member of that name (ops->free) is no call of the function.
          if owner and before ~= "." and before ~= ">"
            and not path:match(owner) then
            breaches[#breaches + 1] = ("%s:%d: %s"):format(path, number, name)
          end
        end
      end
    end
    expect_none(breaches)
  end)

  -- Of OpenSSL's own lists for 3.1 to 3.6: the headers of 3.0, against which
  -- this may be built, warn of none of them.
  it("nothing is called that a later OpenSSL 3 deprecates", function()
    local deprecated = { "^SSL_SESSION_[gs]et_time$", "^SSL_CTX_flush_sessions$",
      "^TS_VERIFY_CTX_set", "^OPENSSL_LH_.*stats", "^BIO_meth_get_", "^EVP_PKEY_asn1_",
      "^EVP_PKEY_get0_asn1$", "^EVP_PKEY_meth_" }
    local breaches = {}
    for _, path in ipairs(source.matching("%.c$")) do
      for number, line in source.lines(source.c_code(path)) do
        for name in line:gmatch("([%a_][%w_]*)%s*%(") do
          for _, pattern in ipairs(deprecated) do
            if name:match(pattern) then
              breaches[#breaches + 1] = ("%s:%d: %s"):format(path, number, name)
            end
          end
        end
      end
    end
    expect_none(breaches)
  end)

  it("functions have at most one goto label", function()
    local breaches = {}
    for _, path in ipairs(c_files) do
      for _, fn in ipairs(source.c_functions(path)) do
        local labels = 0
        for label in ("\n" .. fn.body):gmatch("\n%s*([%a_][%w_]*):[^:]") do
          if label ~= "default" then labels = labels + 1 end
        end
        if labels > 1 then
          breaches[#breaches + 1] = ("%s:%d: %s"):format(path, fn.line, fn.name)
        end
      end
    end
    expect_none(breaches)
  end)
end)

describe("proof", function()
  -- url_text may be tested with url.
  local function has_companion(stem, pattern)
    while stem do
      if source.exists(pattern:format(stem)) then return true end
      stem = stem:match("^(.*)_[^_]*$")
    end
    return false
  end

  it("every base and proto module has its unit test", function()
    local breaches = {}
    for _, path in ipairs(source.matching("^csrc/[bp][ar][so][et]o?/.*%.c$")) do
      if not has_companion(stem_of(path), "spec/c/%s_test.c") then
        breaches[#breaches + 1] = path
      end
    end
    expect_none(breaches)
  end)

  it("every parser has a fuzzer with a corpus", function()
    local breaches, parsers = {}, 0
    for _, path in ipairs(source.matching("^csrc/proto/.*%.h$")) do
      local stem = stem_of(path)
      local code = source.c_code(path)
      local parses = code:match("[%w_]+_parse%s*%(")
        or code:match("[%w_]+_feed%s*%(") or code:match("[%w_]+_crack%s*%(")
      if parses then
        parsers = parsers + 1
        if not has_companion(stem, "spec/fuzz/%s_fuzz.c") then
          breaches[#breaches + 1] = path .. " has no fuzzer"
        end
      end
    end
    for _, path in ipairs(source.matching("^spec/fuzz/.*_fuzz%.c$")) do
      local stem = stem_of(path):gsub("_fuzz$", "")
      if #source.matching("^spec/fuzz/corpus/" .. stem .. "/") == 0 then
        breaches[#breaches + 1] = path .. " has no corpus"
      end
    end
    assert.is_true(parsers > 0, "no parsers were found")
    expect_none(breaches)
  end)

  it("the module exports its own names only", function()
    local breaches, count = {}, 0
    for _, line in ipairs(source.output("for so in build/hinternet/*.so; do "
      .. "nm -D --defined-only $so; done 2>&1")) do
      local name = line:match("^%x+ %a (%S+)$") or line
      count = count + 1
      if not name:match("^luaopen_") and not name:match("^hn_") then
        breaches[#breaches + 1] = name
      end
    end
    assert.is_true(count > 0, "no symbols were found")
    expect_none(breaches)
  end)

  it("no object keeps anything between two calls", function()
    -- The compiler's own.
    local allowed = { __dso_handle = true, __TMC_END__ = true,
                      ["completed.0"] = true, [".data"] = true, [".bss"] = true }
    local breaches, count = {}, 0
    for _, line in ipairs(source.output("for so in build/hinternet/*.so; do "
      .. "objdump -t $so; done 2>&1")) do
      local section, name = line:match("(%.%l+)\t%x+%s+(.+)$")
      if section == ".data" or section == ".bss" or section == ".tbss"
        or section == ".tdata" then
        count = count + 1
        if not allowed[name:match("%S+$")] then breaches[#breaches + 1] = name end
      end
    end
    assert.is_true(count > 0, "no symbols were found")
    expect_none(breaches)
  end)
end)

describe("words", function()
  local function is_text(path)
    return not path:match("^spec/fuzz/corpus/")
      and not source.read(path):find("\0", 1, true)
  end

  local function search(patterns, except)
    local breaches = {}
    for _, path in ipairs(source.files()) do
      if path ~= "spec/lint_spec.lua" and not (except and path:match(except))
        and is_text(path) then
        for number, line in source.lines(source.read(path)) do
          for _, pattern in ipairs(patterns) do
            if line:match(pattern) then
              breaches[#breaches + 1] = ("%s:%d: %s"):format(path, number,
                line:match(pattern))
            end
          end
        end
      end
    end
    return breaches
  end

  it("no file knows a path of the machine it was written on", function()
    expect_none(search { "%f[%w/]/[r]oot/%w+", "%f[%w/]/home/%w+",
      "%f[%w/]/Users/%w+", "%f[%w/]/[w]ork/%w+" })
  end)

  it("no file holds a reminder or a merge mark", function()
    expect_none(search { "%f[%w]TODO%f[%W]", "%f[%w]FIXME%f[%W]",
      "%f[%w]XXX%f[%W]", "%f[%w]HACK%f[%W]", "^<<<<<<< ", "^>>>>>>> " })
  end)
end)

describe("documentation", function()
  local function types_text()
    local out = {}
    for _, path in ipairs(source.matching("^lua/hinternet/types/.*%.lua$")) do
      out[#out + 1] = source.read(path)
    end
    return table.concat(out, "\n")
  end

  local function missing_names(text, where, members)
    local breaches = {}
    for name, value in pairs(members) do
      if type(name) == "string" and not name:match("^_")
        and type(value) == "function"
        and not text:find("[.:]" .. name .. "%f[^%w_]")
        and not text:find("@field " .. name .. "%f[^%w_]") then
        breaches[#breaches + 1] = where .. "." .. name
      end
    end
    return breaches
  end

  local function methods_of(handle)
    local index = (debug.getmetatable(handle) or {}).__index
    return type(index) == "table" and index or {}
  end

  it("every public function and method is in lua/hinternet/types", function()
    local hinternet = require "hinternet"
    local text = types_text()
    assert.is_true(#text > 0, "lua/hinternet/types is empty")
    local breaches = missing_names(text, "hinternet", hinternet)
    for _, name in ipairs(missing_names(text, "hinternet",
      require "hinternet.http")) do
      breaches[#breaches + 1] = name
    end
    local session = assert(hinternet.open {})
    local connection = assert(session:connect("127.0.0.1", 1))
    local request = assert(connection:open_request("GET", "/"))
    for where, handle in pairs { session = session, connection = connection,
                                 request = request } do
      local methods = methods_of(handle)
      assert.is_truthy(next(methods), where .. " has no methods")
      for _, name in ipairs(missing_names(text, where, methods)) do
        breaches[#breaches + 1] = name
      end
    end
    session:close()
    expect_none(breaches)
  end)
end)
