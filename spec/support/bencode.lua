--- Bencode with fractions: what peer.lua and peer.py say to each other.

local bencode = {}

local encode

local function encode_table(value)
  local out = {}
  if #value > 0 or next(value) == nil then
    for i, item in ipairs(value) do out[i] = encode(item) end
    return "l" .. table.concat(out) .. "e"
  end
  for k, v in pairs(value) do out[#out + 1] = encode(k) .. encode(v) end
  return "d" .. table.concat(out) .. "e"
end

--- Text of a number, boolean, string (any bytes), array or record.
---@param value any
---@return string
function encode(value)
  if type(value) == "number" then
    if math.type(value) == "integer" then return ("i%de"):format(value) end
    return ("i%.6fe"):format(value)
  elseif type(value) == "boolean" then
    return value and "i1e" or "i0e"
  elseif type(value) == "string" then
    return #value .. ":" .. value
  end
  return encode_table(value)
end
bencode.encode = encode

local decode

local function decode_items(text, at, is_list)
  local items = {}
  while text:sub(at, at) ~= "e" do
    local key, value
    key, at = decode(text, at)
    if is_list then
      items[#items + 1] = key
    else
      value, at = decode(text, at)
      items[key] = value
    end
  end
  return items, at + 1
end

--- The value at a position, and the position behind it.
---@param text string
---@param at integer
---@return any, integer
function decode(text, at)
  local kind = text:sub(at, at)
  if kind == "i" then
    local stop = text:find("e", at, true)
    return tonumber(text:sub(at + 1, stop - 1)), stop + 1
  elseif kind == "l" or kind == "d" then
    return decode_items(text, at + 1, kind == "l")
  end
  local colon = text:find(":", at, true)
  local stop = colon + tonumber(text:sub(at, colon - 1))
  return text:sub(colon + 1, stop), stop + 1
end

---@param text string
---@return any
function bencode.decode(text) return (decode(text, 1)) end

return bencode
