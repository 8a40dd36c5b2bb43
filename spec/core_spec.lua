--- hinternet.core, which every script can reach: it trusts nothing of what Lua
--- code has in its hands.

local core = require "hinternet.core"
local peer = require "spec.support.peer"
local process = require "spec.support.process"

describe("The core", function()
  local p, s
  setup(function()
    p = peer.start()
    s = p:keepalive("hello")
  end)
  teardown(function() p:stop() end)

  -- A way to make calls, in how many processes, and how many calls at least.
  for _, way in ipairs {
    { "values", 8, 400000, "it is called on" },
    { "handles", 4, 200000, "it is called with, on handles" },
    { "user_values", 16, 500000, "belongs to the handle" },
    { "tokens", 2, 60000, "stands in a parked call's token" },
    { "half", 4, 400000, "the two halves share" },
    { "modules", 4, 100000, "modules hold" },
  } do
    local name, parts, least, what = table.unpack(way)
    for part = 1, parts do
      it(("answers or raises, whatever %s (%d of %d)"):format(what, part, parts), function()
        local said = process.run(("%s spec/support/attack.lua %d %s %d %d"):format(
          process.interpreter(), s.port, name, part, parts))
        assert.is_true(tonumber(said) > least / parts / 2, said)
      end)
    end
  end

  it("gives nobody the table that the two halves share, nor the tokens of tasks", function()
    assert.is_nil(core.half)
    assert.is_nil(core.slots)
    local session <close> = assert(require "hinternet".open())
    local task = session:spawn(function() end)
    for name, value in pairs(task) do
      error(("a task has %s (%s)"):format(name, type(value)))
    end
    assert.is_true(task:cancel())
    session:run()
  end)

  it("has each module of the Lua half once, whatever it is asked for", function()
    for _, name in ipairs { "dispatch\0", "dispatch\0x", "parked\0", "Dispatch", "", "\0" } do
      assert.error_matches(function() core.import(name) end, "has no module")
    end
    assert.equal(core.import "dispatch", require "hinternet.dispatch")
  end)
end)
