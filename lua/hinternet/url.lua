--- hinternet.url: what a request needs to know of a URL, and text for URLs.

local core, import = ...

local error, next, tostring, type = error, next, tostring, type
local byte, char, find, format, gsub = string.byte, string.char, string.find, string.format,
  string.gsub
local math_type = math.type
local concat, sort = table.concat, table.sort

local url = {}

local INVALID_URL = 12005
local MAX_TARGETS = 256 -- parsed URLs remembered

-- Lua's letters and its decimal point are the locale's, and "I" is not "i" in
-- every one: what goes to a server is written without them.
local small = {}
for c = byte "A", byte "Z" do small[char(c)] = char(c + 32) end

--- A text with A to Z in lower case.
function url.lower(text) return (gsub(text, "[A-Z]", small)) end

local function text_of(value)
  if math_type(value) ~= "float" then return tostring(value) end
  return (gsub(tostring(value), "[^0-9a-z+-]+", "."))
end

local function escape_byte(c) return format("%%%02X", byte(c)) end

-- As the core escapes a request target, which finds nothing left to do then.
local function escape(text)
  return (gsub(text, "[^A-Za-z0-9%-._~!$&'()*+,;=%%/:?@]", escape_byte))
end

local function crack(text)
  local parts, message, code = core.crack_url(text)
  if not parts then return nil, message, code end
  if parts.user or parts.password or parts.port == 0 or find(text, "[\1-\31\127]")
    or find(text, " $") then
    return nil, import "fault".of_target(text, parts), INVALID_URL
  end
  local secure
  secure, message, code = core.is_secure(parts.scheme)
  if secure == nil then return nil, message, code end
  -- The name behind a zone's "%" is an interface's, and has its case.
  local host, port = gsub(parts.host, "^[^%%]*", url.lower), parts.port
  local origin
  origin, message, code = core.create_url { scheme = parts.scheme, host = host, port = port }
  if not origin then return nil, message, code end
  local extra = gsub(parts.extra, "#.*", "")
  local path = escape((parts.path == "" and "/" or parts.path) .. extra)
  local fragment = gsub(parts.extra, "^[^#]*#?", "")
  if fragment ~= "" then fragment = "#" .. escape(fragment) end
  return {
    url = origin .. path,
    fragment = fragment, -- with its "#", or empty
    host = host,
    port = port,
    origin = origin,
    path = path,
    has_query = extra ~= "",
    open_options = secure and { secure = true } or nil,
    connection = nil, -- to that origin, of the module's own session
  }
end

--- The targets by their URLs: scripts ask for the same few again and again.
url.targets = {}

local targets, target_count = url.targets, 0

local function forget_targets()
  core.clear(targets)
  target_count = 0
end

--- The target of a URL; blames the caller's caller for what is no string.
function url.target(text)
  local target = targets[text]
  if target then return target end
  if type(text) ~= "string" then
    error("bad URL (string expected, got " .. import "fault".kind_of(text) .. ")", 3)
  end
  local message, code
  target, message, code = crack(text)
  if not target then return nil, message, code end
  if target_count >= MAX_TARGETS then forget_targets() end
  targets[text], target_count = target, target_count + 1
  return target
end

-- RFC 3986 2.3: what need not be encoded anywhere.
local function encode(value)
  return (gsub(text_of(value), "[^A-Za-z0-9%-._~]", escape_byte))
end

local function add_pair(out, name, value)
  if type(value) == "table" then
    for i = 1, #value do add_pair(out, name, value[i]) end
  elseif value == true then
    out[#out + 1] = encode(name)
  elseif value ~= false then
    out[#out + 1] = encode(name) .. "=" .. encode(value)
  end
end

--- "a=1&b=2" of a map or a list of pairs. A list keeps its order; the names of
-- a map are sorted, so that the same map always makes the same text.
function url.encode_pairs(pairs)
  local out, names = {}, {}
  if pairs[1] ~= nil then
    for i = 1, #pairs do add_pair(out, pairs[i][1], pairs[i][2]) end
    return concat(out, "&")
  end
  for name in next, pairs do names[#names + 1] = name end
  sort(names, function(a, b) return tostring(a) < tostring(b) end)
  for i = 1, #names do add_pair(out, names[i], pairs[names[i]]) end
  return concat(out, "&")
end

--- The same as a form has it: a blank is a plus.
function url.encode_form(pairs)
  return (gsub(url.encode_pairs(pairs), "%%20", "+"))
end

--- Path and URL of a target with a query appended.
function url.with_query(target, query)
  local text
  if type(query) == "string" then
    text = escape((gsub(query, "^[?&]", "")))
  else
    text = url.encode_pairs(query)
  end
  if text == "" then return target.path, target.url end
  local joint = target.has_query and "&" or "?"
  if target.has_query and find(target.path, "[?&]$") then joint = "" end
  return target.path .. joint .. text, target.url .. joint .. text
end

return url
