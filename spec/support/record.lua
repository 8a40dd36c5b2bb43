-- A helper of busted: writes down what runs, a line each, into the file that
-- HN_RECORD names, for specs.py, which reads it while busted runs and after it
-- was ended. HN_HELPER names a module that helps too.
--
--   start NAME          a test begins
--   end STATUS NAME     and ends: success, failure, error or pending
--   why MESSAGE         why it will end so
--   wrong WHERE MESSAGE something failed outside of tests
--   done                all has run

local busted = require "busted"

local record = assert(io.open(assert(os.getenv "HN_RECORD", "no HN_RECORD"), "a"))
record:setvbuf "line"

local function note(...)
  local words = table.pack(...)
  for i = 1, words.n do words[i] = words[i]:gsub("[\t\r\n]", " ") end
  record:write(table.concat(words, "\t"), "\n")
end

local function full_name(element)
  local names = {}
  while element and element.descriptor ~= "file" and (element.name or element.descriptor) do
    table.insert(names, 1, element.name or element.descriptor)
    element = busted.parent(element)
  end
  return table.concat(names, " ")
end

local function on(channel, f)
  busted.subscribe(channel, function(...)
    f(...)
    return nil, true
  end, { priority = 1 })
end

on({ "test", "start" }, function(element) note("start", full_name(element)) end)
on({ "test", "end" }, function(element, _, status) note("end", status, full_name(element)) end)
for _, kind in ipairs { "error", "failure" } do
  on({ kind }, function(element, _, message)
    message = tostring(message):sub(1, 1000)
    if element.descriptor == "it" then
      note("why", message)
    else
      note("wrong", element.descriptor == "file" and element.name or full_name(element), message)
    end
  end)
end
on({ "exit" }, function() note "done" end)

if os.getenv "HN_HELPER" then require(os.getenv "HN_HELPER") end
