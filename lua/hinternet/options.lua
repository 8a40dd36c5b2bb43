--- hinternet.options: the options of the one-call layer, judged before anything
-- is done and told to a request.

local error, io_type, next, tostring, type = error, io.type, next, tostring, type
local math_type = math.type

local options = {}

-- What each takes: kinds of values, and what to call them in a message.
local known = {
  headers = { "table or string", table = true, string = true },
  query = { "table or string", table = true, string = true },
  body = { "string, function or file", string = true, ["function"] = true, file = true },
  json = { "table or string", table = true, string = true },
  json_encode = { "function", ["function"] = true },
  form = { "table or string", table = true, string = true },
  timeout = { "number of seconds or false", integer = true, float = true, ["false"] = true },
  redirects = { "boolean or integer", ["true"] = true, ["false"] = true, integer = true },
  decompression = { "boolean", ["true"] = true, ["false"] = true },
  max_body = { "integer", integer = true },
  history = { "boolean", ["true"] = true, ["false"] = true },
  stream = { "boolean", ["true"] = true, ["false"] = true },
}

local function kind_of(value)
  if type(value) == "boolean" then return tostring(value) end
  return math_type(value) or io_type(value) or type(value)
end

local function is_plain(value)
  local kind = type(value)
  return kind == "string" or kind == "number" or kind == "boolean"
end

local function is_text(value)
  return type(value) == "string" or type(value) == "number"
end

local function is_value(value)
  if type(value) ~= "table" then return is_plain(value) end
  for i = 1, #value do
    if not is_plain(value[i]) then return false end
  end
  return true
end

-- A map, or a list of {name, value}. Returns what is wrong with it.
local function fault_of_pairs(pairs, is_good, wanted)
  if pairs[1] == nil then
    for name, value in next, pairs do
      if not is_text(name) then return "names must be strings" end
      if not is_good(value) then return wanted end
    end
    return nil
  end
  for i = 1, #pairs do
    local pair = pairs[i]
    if type(pair) ~= "table" then return "a list must hold {name, value} pairs" end
    if not is_text(pair[1]) then return "names must be strings" end
    if not is_good(pair[2]) then return wanted end
  end
end

local texts = "values must be strings or numbers"
local values = "values must be strings, numbers, booleans or lists of these"
local inner_checks = {
  headers = function(value) return fault_of_pairs(value, is_text, texts) end,
  query = function(value) return fault_of_pairs(value, is_value, values) end,
  form = function(value) return fault_of_pairs(value, is_value, values) end,
}

local function fault_of(name, value)
  local allowed = known[name]
  if not allowed then return "unknown option '" .. tostring(name) .. "'" end
  local kind, inner = kind_of(value), nil
  if not allowed[kind] then
    inner = allowed[1] .. " expected, got " .. kind
  elseif kind == "table" and inner_checks[name] then
    inner = inner_checks[name](value)
  end
  return inner and "bad option '" .. name .. "' (" .. inner .. ")"
end

--- Raises, blaming the caller's caller, for what cannot be meant.
function options.check(given)
  if type(given) ~= "table" then
    error("bad options (table expected, got " .. type(given) .. ")", 3)
  end
  for name, value in next, given do
    local fault = fault_of(name, value)
    if fault then error(fault, 3) end
  end
  if given.body and (given.json or given.form) or given.json and given.form then
    error("options 'body', 'json' and 'form' exclude each other", 3)
  end
end

--- Tells a request what its options ask for.
function options.apply(request, given)
  local ok, message, code = true, nil, nil
  if given.timeout ~= nil then
    ok, message, code = request:set_option("total_timeout", given.timeout)
  end
  if ok and given.redirects == false then
    ok, message, code = request:set_option("redirect_policy", "never")
  elseif ok and given.redirects and given.redirects ~= true then
    ok, message, code = request:set_option("max_http_automatic_redirects", given.redirects)
  end
  if ok and given.decompression == false then
    ok, message, code = request:set_option("decompression", 0)
  end
  if ok and given.max_body then
    ok, message, code = request:set_option("max_response_body", given.max_body)
  end
  return ok, message, code
end

return options
