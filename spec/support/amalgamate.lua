--- Makes hinternet one C file and one header, for programs that link everything
--- statically.
--
--   lua5.4 spec/support/amalgamate.lua FOLDER C-FILE...
--
-- C files are taken in the order given, each local header where it is first
-- included; the public ones become FOLDER/hinternet.h.

local folder = table.remove(arg, 1)
local public = { "csrc/hinternet.h", "csrc/hinternet_option.h", "csrc/hinternet_url.h",
  "csrc/hinternet_file.h",
  "csrc/hinternet_policy.h", "csrc/hinternet_lua.h" }

local prologue = [[
/*
 * hinternet %s, all of it: compile this file with your program, as C11, and link
 * with Lua 5.4, OpenSSL (ssl, crypto), zlib (z) and POSIX threads. hinternet.h
 * says what is in it; luaopen_hinternet loads the Lua half, which is inside.
 *
 *   HN_HAVE_BROTLI, HN_HAVE_ZSTD   with brotlidec, with zstd
 *   HN_REACTOR_POLL                wait with poll(2), also on Linux
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "hinternet.h"

#define HN_INTERNAL static
#ifdef __GNUC__ /* what only tests or assertions use */
#pragma GCC diagnostic ignored "-Wunused-function"
#pragma GCC diagnostic ignored "-Wunused-const-variable"
#pragma GCC diagnostic ignored "-Woverlength-strings" /* the Lua half's */
#endif
]]

local function read(path)
  local file = assert(io.open(path, "rb"))
  local text = file:read("a")
  file:close()
  return text
end

local function write(name, out)
  local file = assert(io.open(folder .. "/" .. name, "wb"))
  assert(file:write(table.concat(out)))
  file:close()
end

local function resolve(path, name)
  local full = path:match("^(.*/)") .. name
  local count
  repeat full, count = full:gsub("[^/]+/%.%./", "", 1) until count == 0
  return full
end

-- Appends a file, with what it includes where that was not yet included.
local function append(out, path, seen)
  seen[path] = true
  for line in read(path):gmatch("[^\n]*\n") do
    local name = line:match('^%s*#%s*include%s*"([^"]+)"')
    local header = name and resolve(path, name)
    if not header then
      -- Lists that one file shares with another are the one file's own here.
      line = line:gsub("^extern const [^;]*%[%];\n", "")
      line = line:gsub("^const [%w_ ]+%[%] =", "static %0")
      out[#out + 1] = line
    elseif not seen[header] then
      append(out, header, seen)
    end
  end
end

-- A reactor stands between conditions: the compiler picks one.
local conditions = {
  epoll = "#if defined(__linux__) && !defined(HN_REACTOR_POLL)\n",
  poll = "#if !defined(__linux__) || defined(HN_REACTOR_POLL)\n",
}

local function append_c(out, path, seen)
  local condition = conditions[path:match("/reactor_(%w+)%.c$")]
  out[#out + 1] = condition or ""
  append(out, path, seen)
  out[#out + 1] = condition and "#endif\n" or ""
end

-- The files that use the lists of others, or the Lua files, come last.
local late = { ["csrc/lua/lhn.c"] = true, ["csrc/lua/lhn_import.c"] = true }

local seen, header, body, last = {}, {}, {}, {}
for _, path in ipairs(public) do append(header, path, seen) end
local version = table.concat(header):match('HN_VERSION "([^"]+)"')
body[1] = prologue:format(version)
for _, path in ipairs(arg) do
  if late[path] then
    last[#last + 1] = path
  else
    append_c(body, path, seen)
  end
end
for _, path in ipairs(last) do append(body, path, seen) end
write("hinternet.h", header)
write("hinternet.c", body)
