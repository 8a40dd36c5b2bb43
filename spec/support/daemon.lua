--- A server program in the foreground: a folder of its own, free loopback
--- ports, a log to show when it does not start, an end by its id.
--
--   local daemon = require "spec.support.daemon"
--   local d = daemon.start {
--     program = "lighttpd", arguments = "-D -f ${folder}/server.conf",
--     ports = { "http" },            -- the first is the one that must answer
--     files = { ["server.conf"] = "port = ${http} ..." },
--   }
--   d.http_port, d.http              -- "http://127.0.0.1:PORT"; the other
--                                    -- ports are those of https
--   d.folder, d.pid, d:log("error.log")
--   d:stop()                         -- its exit status
--
-- ${folder}, the ports by name and the entries of `values` are filled into
-- the arguments and the files, each time a port was taken by another. With
-- `environment`, a table, the program finds the module as this process does,
-- under the same sanitizer.

local socket = require "socket"
local process = require "spec.support.process"

local daemon = {}
local Daemon = {}
Daemon.__index = Daemon

local function write(path, text)
  local file = assert(io.open(path, "wb"))
  file:write(text)
  file:close()
end

-- A number from 0 to 2^32 - 1 that no other process draws at the same time.
local function draw()
  local file = assert(io.open("/dev/urandom", "rb"))
  local number = string.unpack("<I4", file:read(4))
  file:close()
  return number
end

-- Ports that were free a moment ago. They lie below those that the system gives
-- to whoever asks for any: another's server had one of these while the program
-- was still starting, and was taken for it. All are held until all are known.
local function free_ports(count)
  local held, ports = {}, {}
  while #ports < count do
    local port = 10240 + draw() % 20480
    local sock = socket.bind("127.0.0.1", port)
    if sock then held[#held + 1], ports[#ports + 1] = sock, port end
  end
  for _, sock in ipairs(held) do sock:close() end
  return ports
end

local function answers(port)
  local sock = socket.tcp()
  sock:settimeout(1)
  local ok = sock:connect("127.0.0.1", port)
  sock:close()
  return ok
end

-- Gives the ports of a start their numbers, and the texts these and the rest.
local function choose_ports(self, options)
  local values = { folder = self.folder }
  for name, value in pairs(options.values or {}) do values[name] = value end
  for i, port in ipairs(free_ports(#options.ports)) do
    local name = options.ports[i]
    local scheme = name == "http" and "http" or "https"
    self[name .. "_port"], values[name] = port, tostring(port)
    self[name] = ("%s://127.0.0.1:%d"):format(scheme, port)
  end
  return function(text) return (text:gsub("%${([%w_]+)}", values)) end
end

-- What a program needs to find the module: the folders may be relative ones.
-- The program's own leaks are not ours to report.
local function environment(more)
  local here = process.run("pwd"):gsub("%s+$", "")
  local function absolute(path)
    return ((";" .. path):gsub(";([^/;])", ";" .. here .. "/%1"):sub(2))
  end
  local out = { "env" }
  local function add(name, value) out[#out + 1] = name .. "=" .. process.quote(value) end
  add("LD_PRELOAD", os.getenv("LD_PRELOAD") or "")
  add("ASAN_OPTIONS", (os.getenv("ASAN_OPTIONS") or "") .. ":detect_leaks=0")
  add("LUA_PATH", absolute(package.path))
  add("LUA_CPATH", absolute(package.cpath))
  for name, value in pairs(more) do add(name, value) end
  return table.concat(out, " ") .. " "
end

-- The shell ends the program when its own input ends, so that none outlives a
-- crash.
local launcher = [==[
cd %s
%s </dev/null >output 2>&1 &
pid=$!
echo $pid >pid
read -r _
kill $pid 2>/dev/null
wait $pid
echo $? >status
]==]

-- Whether the program serves: its first port answers, and it has made the file
-- that says the rest does, if it makes one.
local function serves(self, ready)
  return answers(self.first_port) and (not ready or self:log(ready) ~= "")
end

local function launch(self, command, ready)
  os.remove(self.folder .. "/pid")
  if ready then os.remove(self.folder .. "/" .. ready) end
  self.pipe = process.start("sh -c " .. process.quote(
    launcher:format(process.quote(self.folder), command)))
  local deadline = socket.gettime() + process.PATIENCE
  while socket.gettime() < deadline do
    self.pid = self.pid or math.tointeger(tonumber(self:log("pid")))
    if self.pid and not process.is_alive(self.pid) then return false end
    if self.pid and serves(self, ready) then return true end
    socket.sleep(0.01)
  end
  return false
end

--- Starts a program; raises with its logs when it does not answer.
---@param options table program, arguments, ports, files, values,
---  environment; prepare: a shell script that runs in the folder first; ready: a
---  file that the program makes once it listens everywhere
---@return table
function daemon.start(options)
  local self = setmetatable({ folder = process.temp_folder() }, Daemon)
  process.run(("cd %s\n%s"):format(process.quote(self.folder), options.prepare or ""))
  local said = ""
  for _ = 1, 10 do -- a free port may be taken before the program has it
    local fill = choose_ports(self, options)
    self.first_port = self[options.ports[1] .. "_port"]
    for name, text in pairs(options.files) do
      write(self.folder .. "/" .. name, fill(text))
    end
    if launch(self, (options.environment and environment(options.environment) or "")
      .. process.program(options.program) .. " " .. fill(options.arguments), options.ready) then
      return self
    end
    self:halt()
    said = said .. self:log("output") .. self:log("error.log")
  end
  process.remove_folder(self.folder)
  error(options.program .. " did not start:\n" .. said)
end

--- The text of a file in its folder; "" if there is none.
---@param name string
---@return string
function Daemon:log(name)
  local file = io.open(self.folder .. "/" .. name, "rb")
  if not file then return "" end
  local text = file:read("a")
  file:close()
  return text
end

--- Ends the program and keeps its folder.
---@return integer? status the one it ended with
function Daemon:halt()
  if not self.pipe then return end
  if self.pid then
    process.kill(self.pid, "TERM")
    if not process.wait_end(self.pid, 10) then process.kill(self.pid, "KILL") end
  end
  self.pipe:close()
  self.pid, self.pipe = nil, nil
  return math.tointeger(tonumber(self:log("status")))
end

--- Ends the program and removes its folder.
---@return integer? status the one it ended with
function Daemon:stop()
  if not self.pipe then return end
  local status = self:halt()
  process.remove_folder(self.folder)
  return status
end

return daemon
