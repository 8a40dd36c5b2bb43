--- Scripts that run where the hosts file and the name server are the spec's own:
--- names.py says which names there are. That takes Linux namespaces: as root, or
--- wherever users may make them. Elsewhere names.it declares tests that are
--- pending, and say why.
--
--   local names = require "spec.support.names"
--   local n = names.prepare()
--   names.it("is asked of the name server", function() ... end)
--   local said, seconds = n:run [[ say(fetch(session, at("four.test", s))) ]]
--   n:questions "four.test"   -- how often the script asked for its A record
--   n:remove()
--
-- A script has `hinternet`, `peer` (a started one), `fetch`, `finish` and `new`
-- of spec.support.exchange, at(host, server), asked(name), which waits until the
-- name server was asked for a name, and say(...), whose lines run answers as a
-- list. It ends without closing what it left open.

local busted = require "busted"
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
local resolv = "nameserver 127.0.0.1\noptions timeout:30 attempts:2\n"

local prologue = [[
local hinternet = require "hinternet"
local exchange = require "spec.support.exchange"
local peer = require("spec.support.peer").start()
local wait = require "spec.support.wait"
local fetch, finish, new = exchange.fetch, exchange.finish, exchange.new
local function at(host, server)
  return { host = host, port = server.port, url = "http:" }
end
local function asked(name)
  wait.sleeping("a question for " .. name, function()
    for line in io.lines(folder .. "/questions") do
      if line:match("%S+$") == name then return true end
    end
  end)
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

local support = debug.getinfo(1, "S").source:match("^@(.*)names%.lua$")

-- A command that runs another with the names of a folder. As root it needs
-- CAP_SYS_ADMIN; as root of a namespace of users it needs leave to make one.
local function with_names(folder, as_user)
  return ("unshare %s -m -n %s -I %snames.py %s "):format(as_user and "-r" or "",
    process.program("python3"), support, folder)
end

local as_user = process.run("id -u"):match("%d+") ~= "0"

--- A folder with the files.
---@return table
function names.prepare()
  local self = setmetatable({ folder = process.temp_folder(), as_user = as_user }, Names)
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
  -- A thread that the end finds in a look-up leaves what libc has allocated.
  local command = 'env ASAN_OPTIONS="$ASAN_OPTIONS:detect_leaks=0" '
    .. process.interpreter() .. " " .. path
  local began = socket.gettime()
  local said = process.run(with_names(self.folder, self.as_user) .. command)
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

-- Why there can be no names of a spec's own; false if there can be.
local function hindrance()
  local n = names.prepare()
  local said
  for _, way in ipairs { as_user, true } do
    as_user = way
    local ok, problem = pcall(process.run, with_names(n.folder, way) .. "true")
    if ok then
      said = false
      break
    end
    said = said or problem:match("ended with %S+:\n([^\n]+)") or problem
  end
  n:remove()
  return said
end

local why_not

--- Declares a test that needs such names.
---@param name string
---@param test fun()
function names.it(name, test)
  if why_not == nil then why_not = hindrance() end
  if why_not then
    busted.pending(("%s (cannot be tried here: %s)"):format(name, why_not))
  else
    busted.it(name, test)
  end
end

return names
