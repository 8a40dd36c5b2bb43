--- hinternet.options: the options of the one-call layer, judged before anything
-- is done and told to a request.

local error, next, tostring, type = error, next, tostring, type
local gsub = string.gsub
local math_type, tointeger = math.type, math.tointeger
local io_type = io and io.type or type -- a host may have no io

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
  progress = { "function", ["function"] = true },
  history = { "boolean", ["true"] = true, ["false"] = true },
  stream = { "boolean", ["true"] = true, ["false"] = true },
  verify = { "boolean", ["true"] = true, ["false"] = true },
  ca_file = { "string", string = true },
  client_cert = { "string", string = true },
  client_key = { "string", string = true },
  client_password = { "string", string = true },
  unix_socket = { "string", string = true },
  resolve_to = { "string", string = true },
}

-- Those that are an option of the request under another name, or their own.
local passed_on = {
  timeout = "total_timeout",
  max_body = "max_response_body",
  ca_file = "ca_file",
  client_cert = "client_cert_context",
  client_key = "client_key_file",
  client_password = "client_cert_password",
  unix_socket = "unix_socket",
  resolve_to = "resolve_to",
}

local function kind_of(value)
  if type(value) == "boolean" then return tostring(value) end
  return math_type(value) or io_type(value) or type(value)
end

local function is_plain(value)
  local kind = type(value)
  return kind == "string" or kind == "number" or kind == "boolean"
end

local function is_string(value) return type(value) == "string" end

local function is_text(value)
  return type(value) == "string" or type(value) == "number"
end

-- Nothing of a list is passed over in silence: what is no item of it, or nil
-- when all is. A hole is none.
local function stranger_of(list)
  local count = 0
  for key in next, list do
    if math_type(key) ~= "integer" or key < 1 or key > #list then return key end
    count = count + 1
  end
  return count < #list and "nil" or nil
end

local function is_value(value)
  if type(value) ~= "table" then return is_plain(value) end
  for i = 1, #value do
    if not is_plain(value[i]) then return false end
  end
  return stranger_of(value) == nil
end

local fields = { is_name = is_string, is_good = is_text,
  wanted = "values must be strings or numbers" }
local values = { is_name = is_text, is_good = is_value,
  wanted = "values must be strings, numbers, booleans or lists of these" }

local function fault_of_pair(name, value, rules)
  if not rules.is_name(name) then return "names must be strings" end
  if not rules.is_good(value) then return rules.wanted .. ", as that of '" .. name .. "' is not" end
end

-- A map, or a list of {name, value}. Returns what is wrong with it.
local function fault_of_pairs(pairs, rules)
  if pairs[1] == nil then
    for name, value in next, pairs do
      local fault = fault_of_pair(name, value, rules)
      if fault then return fault end
    end
    return nil
  end
  local stranger = stranger_of(pairs)
  if stranger ~= nil then
    return "a list must hold {name, value} pairs alone, and not '" .. tostring(stranger) .. "'"
  end
  for i = 1, #pairs do
    local pair = pairs[i]
    if type(pair) ~= "table" then return "a list must hold {name, value} pairs" end
    local fault = fault_of_pair(pair[1], pair[2], rules)
    if fault then return fault end
  end
end

local inner_checks = { headers = fields, query = values, form = values }

local function fault_of(name, value)
  local allowed = known[name]
  if not allowed then return "unknown option '" .. tostring(name) .. "'" end
  local kind, inner = kind_of(value), nil
  if not allowed[kind] then
    if kind == "float" and allowed.integer and tointeger(value) then return nil end
    inner = allowed[1] .. " expected, got " .. (kind == "float" and value or kind)
  elseif kind == "table" and inner_checks[name] then
    inner = fault_of_pairs(value, inner_checks[name])
  end
  return inner and "bad option '" .. name .. "' (" .. inner .. ")"
end

--- What cannot be meant, or nil.
---@return string?
function options.fault(given)
  if type(given) ~= "table" then
    return "bad options (table expected, got " .. type(given) .. ")"
  end
  for name, value in next, given do
    local fault = fault_of(name, value)
    if fault then return fault end
  end
  if given.body and (given.json or given.form) or given.json and given.form then
    return "options 'body', 'json' and 'form' exclude each other"
  end
end

--- Raises it, blaming the caller's caller.
function options.check(given)
  local fault = options.fault(given)
  if fault then error(fault, 3) end
end

-- What a value of the others means for the request: an option and its value.
local function meaning(name, value)
  if name == "redirects" then
    if value == false then return "redirect_policy", "never" end
    if value ~= true then return "max_http_automatic_redirects", value end
  elseif name == "decompression" and value == false then
    return "decompression", 0
  elseif name == "verify" and value == false then
    return "security_flags", { "ignore_all_cert_errors", "ignore_weak_signature",
      "ignore_invalid_cert" }
  end
  return passed_on[name], value
end

--- Tells a request what its options ask for; a client certificate means nothing
-- to one that is not secure.
function options.apply(request, given, secure)
  for name, value in next, given do
    local option, wanted = meaning(name, value)
    if option and (secure or option ~= "client_cert_context") then
      local ok, message, code = request:set_option(option, wanted)
      if not ok then
        message = gsub(message, option, name, 1) -- as its caller knows it
        return nil, message, code
      end
    end
  end
  return true
end

return options
