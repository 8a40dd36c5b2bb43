-- Random schedules: each ends with every operation completed once, every
-- handle_closing last and after its children's, and nothing left.

local peer = require "spec.support.peer"
local process = require "spec.support.process"
local schedules = require "spec.support.schedules"

local slow = os.getenv "HN_SLOW"
local count = tonumber(os.getenv "HN_SCHEDULES") or slow and 100 or 10000
local first = tonumber(os.getenv "HN_SEED") or 1

describe("A random schedule", function()
  local p = peer.new():for_tests()

  it("completes every operation once, and tells of each closing last", function()
    local fine, silent = p:keepalive("fine"), p:serve { connections = { {
      { "recv_head" }, { "stall" } } } }
    local ports = { fine.port, fine.port, silent.port, 1 }
    if slow then
      schedules.run(first, count, ports)
    else -- they collect all the time: in a process that holds nothing else
      process.run(("%s -e 'require(\"spec.support.schedules\").run(%d, %d, { %s })'"):format(
        process.interpreter(), first, count, table.concat(ports, ", ")))
    end
    fine:close()
    silent:close()
  end)
end)
