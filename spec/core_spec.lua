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

  it("answers or raises, whatever it is called with and whatever was put in its way", function()
    local said = process.run(("%s spec/support/attack.lua %d"):format(process.interpreter(),
      s.port))
    assert.is_true(tonumber(said) > 100000, said)
  end)

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
