--- Scripts that run where the hosts file and the name server are the spec's own:
--- names.py says which names there are. That takes Linux namespaces: as root, or
--- wherever users may make them. Elsewhere names.check says why not.
--
--   local names = require "spec.support.names"
--   local n = names.prepare()
--   local said, seconds = n:run [[ say(fetch(session, at("four.test", s))) ]]
--   n:questions "four.test"   -- how often the script asked for its A record
--   n:remove()
--
-- A script has `hinternet`, `peer` (a started one), `fetch`, `finish` and `new`
-- of spec.support.exchange, at(host, server), asked(name), which waits until the
-- name server was asked for a name, and say(...), whose lines run answers as a
-- list. It ends without closing what it left open.

local socket = require "socket"
local process = require "spec.support.process"

local names = {}
local Names = {}
Names.__index = Names

local hosts = [[
127.0.0.1 localhost
::1 localhost
127.0.0.1 listed.test alias.listed.test
::1 six.listed.test
127.0.0.1 double.test
::1 double.test
]]

-- A stuck look-up stays stuck for longer than any test runs.
local resolv = "nameserver 127.0.0.1\noptions timeout:30 attempts:1\n"

local prologue = [[
local hinternet = require "hinternet"
local exchange = require "spec.support.exchange"
local peer = require("spec.support.peer").start()
local fetch, finish, new = exchange.fetch, exchange.finish, exchange.new
local function at(host, server)
  return { host = host, port = server.port, url = "http:" }
end
local function asked(name)
  for _ = 1, 1000 do
    for line in io.lines(folder .. "/questions") do
      if line:match("%S+$") == name then return end
    end
    require("socket").sleep(0.01)
  end
  error("nobody asked for " .. name)
end
local function say(...)
  local out = table.pack(...)
  for i = 1, out.n do out[i] = tostring(out[i]) end
  io.stdout:write(table.concat(out, " "), "\n"):flush()
end
]]

local function write(path, text)
  local file <close> = assert(io.open(path, "w"))
  file:write(text)
end

local unshare = "unshare $([ $(id -u) = 0 ] || echo -r) -m -n "

--- Raises where there can be no namespaces.
function names.check()
  local ok, said = pcall(process.run, unshare .. "true")
  if not ok then
    error("names of a spec's own need Linux namespaces: run as root, or allow "
      .. "users to make them (kernel.unprivileged_userns_clone)\n" .. said, 0)
  end
end

--- A folder with the files.
---@return table
function names.prepare()
  names.check()
  local self = setmetatable({ folder = process.temp_folder() }, Names)
  write(self.folder .. "/hosts", hosts)
  write(self.folder .. "/resolv.conf", resolv)
  return self
end

--- Runs a script to its end.
---@param script string
---@return string[] lines that it said
---@return number seconds
function Names:run(script)
  local path = self.folder .. "/script.lua"
  write(path, ("local folder = %q\n"):format(self.folder) .. prologue .. script)
  local support = debug.getinfo(1, "S").source:match("^@(.*)names%.lua$")
  -- A thread that the end finds in a look-up leaves what libc has allocated.
  local command = 'env ASAN_OPTIONS="$ASAN_OPTIONS:detect_leaks=0" '
    .. process.interpreter() .. " " .. path
  local began = socket.gettime()
  local said = process.run(("%s %s -I %snames.py %s %s"):format(unshare,
    process.program("python3"), support, self.folder, command))
  local lines = {}
  for line in said:gmatch("[^\n]+") do lines[#lines + 1] = line end
  return lines, socket.gettime() - began
end

--- How often the last script asked the name server for a name.
---@param name string
---@param kind? string "A" if left out
---@return integer
function Names:questions(name, kind)
  local file <close> = assert(io.open(self.folder .. "/questions"))
  local count = 0
  for line in file:lines() do
    if line == (kind or "A") .. " " .. name then count = count + 1 end
  end
  return count
end

--- Removes the folder.
function Names:remove()
  process.remove_folder(self.folder)
end

return names
