--- Fetches pages at once in the loop of Copas, which goes on meanwhile.
--
--   lua5.4 examples/copas.lua https://example.org/ https://example.com/

local copas = require "copas"
local hinternet = require "hinternet"
local loop = require "hinternet.copas"

local steps, left = 0, #arg

local function fetch(url)
  local answer, message = hinternet.get(url, { timeout = 10 })
  print(url, answer and #answer.body .. " bytes" or message)
  left = left - 1
end

for _, url in ipairs(arg) do loop.spawn(fetch, url) end
repeat
  copas.step(0.01)
  steps = steps + 1
until left == 0
print(steps .. " steps")
