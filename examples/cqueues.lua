--- Fetches pages at once in a controller of cqueues, while another coroutine of
-- it ticks.
--
--   lua5.4 examples/cqueues.lua https://example.org/ https://example.com/

local cqueues = require "cqueues"
local hinternet = require "hinternet"
local loop = require "hinternet.cqueues"

local ticks, left = 0, #arg
local controller = cqueues.new()

local fetch = loop.wrap(function(url)
  local answer, message = hinternet.get(url, { timeout = 10 })
  print(url, answer and #answer.body .. " bytes" or message)
  left = left - 1
end)

for _, url in ipairs(arg) do controller:wrap(fetch, url) end
controller:wrap(function()
  while left > 0 do
    cqueues.sleep(0.01)
    ticks = ticks + 1
  end
end)
assert(controller:loop())
print(ticks .. " ticks")
