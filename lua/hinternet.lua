--- hinternet: the WinHTTP handle model for Lua.
--
-- This file puts the module together. Handles come from hinternet.core, how they
-- wait and deliver notifications from hinternet.dispatch. All else, the one-call
-- functions (get, post, ...) among it, is compiled when it is first used: its
-- text is inside the core.

local core = require "hinternet.core"
local import = core.import
import "dispatch"

local error, next, type = error, next, type
local math_type, tointeger = math.type, math.tointeger
local rawset, setmetatable, tostring = rawset, setmetatable, tostring

local hinternet = {
  version = core.version,
  errors = core.errors(),
  features = core.features,
  type = core.type,
  crack_url = core.crack_url,
  create_url = core.create_url,
  resolve_url = core.resolve_url,
  format_date = core.format_date,
  parse_date = core.parse_date,
}

-- What open() takes besides the names of options.
local open_keys = { user_agent = "string", async = "boolean" }
local option_types

local function bad_open(text)
  error("bad argument #1 to 'open' (" .. text .. ")", 5)
end

-- An integer, which may be a word, or for flags a list of these.
local function is_integer(option, value)
  local words = option.words or {}
  if option.type ~= "flags" or type(value) ~= "table" then
    return type(value) == "number" and tointeger(value) or words[value]
  end
  for _, word in next, value do
    if not words[word] then return false end
  end
  return true
end

local function check_value(name, value)
  local option = option_types[name]
  local wanted = open_keys[name] or option and option.type
  local got = math_type(value) == "integer" and "integer" or type(value)
  if type(name) ~= "string" or not wanted then
    bad_open("unknown option '" .. tostring(name) .. "'")
  elseif wanted == "time" then
    if value ~= false and type(value) ~= "number" then
      bad_open("'" .. name .. "' must be a number of seconds or false")
    end
  elseif wanted == "boolean" and got ~= wanted or wanted == "string" and got ~= wanted then
    bad_open("'" .. name .. "' must be a " .. wanted .. ", not a " .. got)
  elseif (wanted == "integer" or wanted == "flags") and not is_integer(option, value) then
    bad_open("'" .. name .. "' must be an integer" .. (option.words and " or a word for one" or "")
      .. ", not " .. (type(value) == "table" and "such a table" or tostring(value)))
  end
end

local function check_open(options)
  if type(options) ~= "table" or options.crack_url then
    error("bad argument #1 to 'open' (table expected, got "
      .. import "fault".kind_of(options) .. ")", 3)
  end
  option_types = option_types or core.options()
  for name, value in next, options do check_value(name, value) end
end

-- Applies the options that are no keys of open itself.
local function apply(session, options)
  for name, value in next, options do
    if not open_keys[name] then
      local ok, message, code = session:set_option(name, value)
      if not ok then return nil, message, code end
    end
  end
  return true
end

--- Opens a session (WinHttpOpen).
function hinternet.open(options)
  if options == nil then return core.open() end
  check_open(options)
  local session, message, code = core.open(options.user_agent, options.async)
  if not session then return nil, message, code end
  local ok
  ok, message, code = apply(session, options)
  if not ok then
    session:close()
    return nil, message, code
  end
  return session
end

-- What is loaded when it is first used: name -> module. A module's `methods` are
-- those of sessions.
local later = {}
for _, name in next, { "request", "get", "head", "post", "put", "patch", "delete",
  "download", "all", "session" } do
  later[name] = "http"
end
for _, name in next, { "poll", "run", "pollable", "spawn" } do
  later[name] = "loop"
end
later.sleep = "sleep"

-- A method of a handle that a module has.
local function add_later(methods, key, module, name)
  methods[key] = function(self, ...)
    local method = import(module)[name]
    methods[key] = method
    return method(self, ...)
  end
end

for _, methods in next, { core.session, core.connection, core.request } do
  for _, name in next, { "set_status_callback", "set_timeouts" } do
    add_later(methods, name, "handle", name)
  end
end
add_later(core.request, "chunks", "request", "chunks")
add_later(core.request, "lines", "request", "lines")

local session_methods = core.session
for name, module in next, later do
  if name ~= "session" and name ~= "sleep" then
    session_methods[name] = function(self, ...)
      local method = import(module).methods[name]
      session_methods[name] = method
      return method(self, ...)
    end
  end
end

setmetatable(hinternet, {
  __index = function(self, name)
    if not later[name] then return nil end
    local value = import(later[name])[name]
    rawset(self, name, value)
    return value
  end,
})

return hinternet
