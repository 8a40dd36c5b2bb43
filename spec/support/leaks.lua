--- Nothing may be left over after a test: no descriptor, no open handle, no
--- operation without its completion.
--
--   describe("...", function()
--     require("spec.support.leaks").watch()   -- before_each and after_each
--     ...
--   end)
--
-- or leaks.begin() and leaks.check() by hand. What the runtime itself keeps is
-- counted before each test. The module's own session is closed on both
-- occasions: it opens anew when it is next used.

local lfs = require "lfs"
local socket = require "socket"

local leaks = {}
local before

--- Open descriptors of this process.
---@return integer
function leaks.descriptors()
  local count = 0
  for name in lfs.dir("/proc/self/fd") do
    if name:match("^%d+$") then count = count + 1 end
  end
  return count
end

-- Where each descriptor leads, for a message.
local function describe_descriptors()
  local stat = assert(io.open("/proc/self/stat", "r"))
  local pid = stat:read("n")
  stat:close()
  local pipe = assert(io.popen(("LD_PRELOAD= ls -l /proc/%d/fd"):format(pid)))
  local text = pipe:read("a")
  pipe:close()
  return text
end

local function state()
  local handles, operations = require("hinternet.core").live()
  return {
    descriptors = leaks.descriptors(),
    handles = handles,
    operations = operations,
  }
end

-- Connections that the module's own session keeps are no leak.
local function close_default_session()
  local session = require("hinternet").session()
  if session then session:close() end
end

local function is_settled(now)
  return now.descriptors <= before.descriptors
    and now.handles <= before.handles
    and now.operations <= before.operations
end

--- Notes what is open now. The runtime exists from here on.
function leaks.begin()
  close_default_session()
  collectgarbage()
  collectgarbage()
  local session = require("hinternet").open {}
  if session then session:close() end
  before = state()
end

--- Raises if more is open than at leaks.begin. Draining connections are given
--- some time.
---@param seconds? number
function leaks.check(seconds)
  local hinternet = require "hinternet"
  close_default_session()
  collectgarbage()
  collectgarbage()
  local deadline = socket.gettime() + (seconds or 20)
  local now = state()
  while not is_settled(now) and socket.gettime() < deadline do
    if not (hinternet.poll and pcall(hinternet.poll, 0.01)) then
      socket.sleep(0.01)
    end
    now = state()
  end
  if is_settled(now) then return end
  error(("left over: %d descriptors (was %d), %d handles (was %d), "
    .. "%d operations (was %d)\n%s"):format(now.descriptors,
    before.descriptors, now.handles, before.handles, now.operations,
    before.operations, describe_descriptors()), 2)
end

--- Watches every test of the describe block that calls it.
function leaks.watch()
  local busted = require "busted" -- its globals are a spec file's only
  busted.before_each(leaks.begin)
  busted.after_each(function() leaks.check() end)
end

return leaks
