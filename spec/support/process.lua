--- Programs started by specs: their ids, and how they are ended.

local socket = require "socket"

local process = {}

--- Seconds to wait for what is sure to come, on the busiest machine.
process.PATIENCE = 60

-- A sanitizer preloaded into the interpreter must not follow into children.
local clean = "LD_PRELOAD= LUA_INIT= exec "

--- An argument for the shell.
---@param text string
---@return string
function process.quote(text)
  return "'" .. tostring(text):gsub("'", "'\\''") .. "'"
end

--- A program's way: Debian's own before what a wrapper puts into PATH.
---@param name string
---@return string
function process.program(name)
  for _, folder in ipairs { "/usr/bin/", "/usr/sbin/", "/usr/local/sbin/" } do
    local file = io.open(folder .. name, "rb")
    if file then
      file:close()
      return folder .. name
    end
  end
  return name
end

--- Runs a command to its end. Raises with its output when it fails.
---@param command string
---@return string output of stdout and stderr
function process.run(command)
  local pipe = assert(io.popen("export LD_PRELOAD= LUA_INIT=; { " .. command
    .. "\n} 2>&1", "r"))
  local output = pipe:read("a")
  local ok, _, status = pipe:close()
  if not ok then
    error(("%s\nended with %s:\n%s"):format(command, status, output), 2)
  end
  return output
end

--- Starts a program that ends when its standard input does, thus also when the
--- caller dies. Closing the result waits for it.
---@param command string
---@return file*
function process.start(command)
  return assert(io.popen(clean .. command, "w"))
end

--- A shell command that starts an interpreter which finds the same modules,
--- under the same sanitizer, to be followed by a script or -e.
---@param cpath? string where C modules are found instead
---@return string
function process.interpreter(cpath)
  return ("LD_PRELOAD=%s LUA_PATH=%s LUA_CPATH=%s %s"):format(
    process.quote(os.getenv("LD_PRELOAD") or ""), process.quote(package.path),
    process.quote(cpath or package.cpath),
    process.quote(arg and arg[-1] or "lua5.4"))
end

--- Whether a process exists and has not ended.
---@param pid integer
---@return boolean
function process.is_alive(pid)
  local file = io.open(("/proc/%d/stat"):format(pid), "r")
  if not file then return false end
  local text = file:read("a") or ""
  file:close()
  local state = text:match("%)%s+(%a)")
  return state ~= nil and state ~= "Z" and state ~= "X"
end

--- Waits until a process waits for something.
---@param pid integer
function process.wait_asleep(pid)
  local deadline = socket.gettime() + process.PATIENCE
  while socket.gettime() < deadline do
    local file <close> = assert(io.open(("/proc/%d/stat"):format(pid), "r"))
    if file:read("a"):match("%)%s+(%a)") == "S" then return end
    socket.sleep(0.001)
  end
  error("it never waits")
end

--- Waits until a process has ended.
---@param pid integer
---@param seconds number
---@return boolean
function process.wait_end(pid, seconds)
  local deadline = socket.gettime() + seconds
  while process.is_alive(pid) do
    if socket.gettime() > deadline then return false end
    socket.sleep(0.005)
  end
  return true
end

--- Sends a signal to one process, by its id.
---@param pid integer
---@param signal? string "TERM" if left out
function process.kill(pid, signal)
  os.execute(("kill -%s %d 2>/dev/null"):format(signal or "TERM", pid))
end

--- A new empty folder.
---@return string
function process.temp_folder()
  return (process.run("mktemp -d"):gsub("%s+$", ""))
end

--- Removes a folder made by temp_folder.
---@param folder string
function process.remove_folder(folder)
  assert(folder:match("^/.+/tmp%.%w+$"), "not a temporary folder")
  process.run("rm -rf " .. process.quote(folder))
end

return process
