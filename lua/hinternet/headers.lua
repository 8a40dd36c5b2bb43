--- hinternet.headers: the fields of a head as an object of their own.
--
-- Ordered, case-insensitive, several values under one name. The object keeps
-- the text and takes it apart when it is first asked.

local find, gmatch, lower = string.find, string.gmatch, string.lower
local match, sub = string.match, string.sub
local concat, rawget, rawset, setmetatable = table.concat, rawget, rawset, setmetatable
local type = type

-- Keys no caller has.
local RAW, FIELDS = {}, {}

local methods, meta = {}, {}

-- The fields in order, {name, value}; by lower-case name, their values.
local function parse(raw)
  local fields, by_name, n = {}, {}, 0
  for line in gmatch(raw, "([^\r\n]+)\r?\n") do
    local colon = find(line, ":", 1, true)
    -- The start line has no name before its first colon (RFC 9112 5: a field
    -- name is followed by the colon without whitespace).
    if colon and not find(sub(line, 1, colon - 1), " ", 1, true) then
      local name, value = sub(line, 1, colon - 1), match(line, "^[ \t]*(.*)", colon + 1)
      local key = lower(name)
      local values = by_name[key]
      n = n + 1
      fields[n] = { name, value }
      if values then values[#values + 1] = value else by_name[key] = { value } end
    end
  end
  fields.by_name = by_name
  return fields
end

local function fields_of(self)
  local fields = rawget(self, FIELDS)
  if not fields then
    fields = parse(rawget(self, RAW))
    rawset(self, FIELDS, fields)
  end
  return fields
end

local function values_of(self, name)
  return fields_of(self).by_name[lower(name)]
end

--- The index-th value (from 1) of a field, or nil.
function methods:get(name, index)
  local values = values_of(self, name)
  return values and values[index or 1]
end

--- All values of a field, in order; empty when there is none.
function methods:all(name)
  local values, copy = values_of(self, name), {}
  for i = 1, values and #values or 0 do copy[i] = values[i] end
  return copy
end

-- RFC 9110 5.3: repeated fields mean the same as one with the values joined.
function meta:__index(name)
  local method = methods[name]
  if method then return method end
  if type(name) ~= "string" then return nil end
  local values = values_of(self, name)
  return values and (values[2] and concat(values, ", ") or values[1])
end

function meta.__newindex()
  error("headers of a message cannot be changed", 2)
end

function meta:__len()
  return #fields_of(self)
end

function meta:__pairs()
  local fields, i = fields_of(self), 0
  return function()
    i = i + 1
    local field = fields[i]
    if field then return field[1], field[2] end
  end
end

function meta:__tostring()
  return rawget(self, RAW)
end

meta.__name = "hinternet.headers"
meta.__metatable = "hinternet.headers"

local headers = {}

--- An object over the text of a head: lines ended by CRLF, with or without a
-- start line.
function headers.new(raw)
  return setmetatable({ [RAW] = raw }, meta)
end

return headers
