--- hinternet.headers: the fields of a head as an object of their own.
--
-- Ordered, case-insensitive, several values under one name. The object keeps
-- the text; a look-up by name searches it, and only going through all fields
-- takes it apart.

local find, gmatch, lower = string.find, string.gmatch, string.lower
local byte, match, sub = string.byte, string.match, string.sub
local concat, rawget, rawset, setmetatable = table.concat, rawget, rawset, setmetatable
local error, type = error, type

-- Keys no caller has: the text with a line end before it, the same in lower
-- case, and the fields taken apart.
local RAW, LOWER, FIELDS = {}, {}, {}

local MAX_MARKS = 256

local methods, meta = {}, {}

-- Without the blanks at the end (RFC 9112 5.1). Going back byte by byte takes
-- linear time where a pattern would not.
local function trim(value)
  local last = #value
  while last > 0 do
    local c = byte(value, last)
    if c ~= 32 and c ~= 9 then break end
    last = last - 1
  end
  return last == #value and value or sub(value, 1, last)
end

-- Names and values in two lists.
local function parse(raw)
  local names, values, n = {}, {}, 0
  for line in gmatch(raw, "[^\r\n]+") do
    -- The start line has a blank before its first colon, a field has not
    -- (RFC 9112 5.1: no whitespace between name and colon).
    local name, value = match(line, "^([^%s:]+):[ \t]*(.*)$")
    if name then
      n = n + 1
      names[n], values[n] = name, trim(value)
    end
  end
  return { names = names, values = values }
end

local function fields_of(self)
  local fields = rawget(self, FIELDS)
  if not fields then
    fields = parse(rawget(self, RAW))
    rawset(self, FIELDS, fields)
  end
  return fields
end

-- What a field's name looks like in the lower-case text, remembered for the
-- few names a script asks for; false for a text that is no name.
local marks, mark_count = {}, 0

local function new_mark(name)
  local mark = not find(name, "[%s:]") and "\n" .. lower(name) .. ":"
  if mark_count >= MAX_MARKS then marks, mark_count = {}, 0 end
  marks[name], mark_count = mark, mark_count + 1
  return mark
end

local function mark_of(name)
  local mark = marks[name]
  if mark == nil then return new_mark(name) end
  return mark
end

local function lower_of(self)
  local text = rawget(self, LOWER)
  if not text then
    text = lower(rawget(self, RAW))
    rawset(self, LOWER, text)
  end
  return text
end

-- The next value of a field from `from` on, and where the search goes on.
local function next_value(self, text, mark, from)
  local _, stop = find(text, mark, from, true)
  if not stop then return nil end
  local raw = rawget(self, RAW)
  local first = match(raw, "^[ \t]*()", stop + 1)
  local last = (find(raw, "\r\n", first, true) or #raw + 1) - 1
  return trim(sub(raw, first, last)), stop
end

--- The index-th value (from 1) of a field, or nil.
function methods:get(name, index)
  local mark, text, from, value = mark_of(name), lower_of(self), 1, nil
  if not mark then return nil end
  for _ = 1, index or 1 do
    value, from = next_value(self, text, mark, from)
    if not value then return nil end
  end
  return value
end

--- All values of a field, in order; empty when there is none.
function methods:all(name)
  local mark, text, list, n = mark_of(name), lower_of(self), {}, 0
  if not mark then return list end
  local value, from = next_value(self, text, mark, 1)
  while value do
    n = n + 1
    list[n] = value
    value, from = next_value(self, text, mark, from)
  end
  return list
end

-- RFC 9110 5.3: repeated fields mean the same as one with the values joined.
function meta:__index(name)
  local method = methods[name]
  if method then return method end
  if type(name) ~= "string" then return nil end
  local mark, text = mark_of(name), lower_of(self)
  if not mark then return nil end
  local value, from = next_value(self, text, mark, 1)
  if value and next_value(self, text, mark, from) then
    return concat(methods.all(self, name), ", ")
  end
  return value
end

function meta.__newindex()
  error("headers of a message cannot be changed", 2)
end

function meta:__len()
  return #fields_of(self).names
end

function meta:__pairs()
  local fields, i = fields_of(self), 0
  local names, values = fields.names, fields.values
  return function()
    i = i + 1
    return names[i], values[i]
  end
end

function meta:__tostring()
  return sub(rawget(self, RAW), 2)
end

meta.__name = "hinternet.headers"
meta.__metatable = "hinternet.headers"

local headers = {}

--- An object over the text of a head: lines ended by CRLF, with or without a
-- start line.
function headers.new(raw)
  return setmetatable({ [RAW] = "\n" .. raw, [LOWER] = false }, meta)
end

return headers
