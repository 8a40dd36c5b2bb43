--- Fetches pages at once in the loop of libuv, while a timer of the loop ticks.
--
--   lua5.4 examples/luv.lua https://example.org/ https://example.com/

local hinternet = require "hinternet"
local loop = require "hinternet.luv"
local luv = require "luv"

local ticks, left = 0, #arg
local timer = luv.new_timer()
timer:start(0, 10, function() ticks = ticks + 1 end)

local function fetch(url)
  local answer, message = hinternet.get(url, { timeout = 10 })
  print(url, answer and #answer.body .. " bytes" or message)
  left = left - 1
  if left == 0 then timer:close() end
end

for _, url in ipairs(arg) do loop.spawn(fetch, url) end
luv.run()
print(ticks .. " ticks")
