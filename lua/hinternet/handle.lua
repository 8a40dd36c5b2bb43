--- hinternet.handle: what every kind of handle can do that is no single call
-- of C.

local core, import = ...
local changed = import "dispatch".changed

local error, next, tostring, type = error, next, tostring, type
local math_type = math.type

local handle = {}

local INVALID_PARAMETER = 87

-- WINHTTP_CALLBACK_FLAG_*: names for several statuses at once.
local statuses = core.statuses()
local groups = {
  resolve_name = 0x3,
  connect_to_server = 0xC,
  send_request = 0x30,
  receive_response = 0xC0,
  close_connection = 0x300,
  handles = 0xC00,
  all_completions = 0x017E0000,
  all_notifications = 0xFFFFFFFF,
}

-- Raises for what is no handle, blaming the caller of the method.
local function check_self(self, name)
  if core.type(self) == nil then
    error("calling '" .. name .. "' on bad self (hinternet handle expected, got " .. type(self)
      .. "): call it with a colon", 3)
  end
end

local function bad_list(text)
  error("bad argument #2 to 'set_status_callback' (" .. text .. ")", 4)
end

local function mask_of(list)
  if list == nil then return groups.all_notifications end
  if type(list) ~= "table" then bad_list("table expected, got " .. type(list)) end
  local mask = 0
  for key, name in next, list do
    local bits = statuses[name] or groups[name]
    if math_type(key) ~= "integer" then
      bad_list("a list of names expected: '" .. tostring(key) .. "' is a key")
    elseif not bits then
      bad_list("unknown status '" .. tostring(name) .. "'")
    end
    mask = mask | bits
  end
  return mask
end

--- WinHttpSetStatusCallback.
function handle.set_status_callback(self, callback, list)
  check_self(self, "set_status_callback")
  if callback ~= nil and type(callback) ~= "function" then
    error("bad argument #1 to 'set_status_callback' (function or nil expected, got "
      .. type(callback) .. ")", 2)
  end
  local ok, message, code = core.set_callback(self, callback, mask_of(list))
  if not ok then return nil, message, code end
  if core.is_async(self) ~= nil then changed(self) end
  return true
end

local timeouts = {
  resolve = "resolve_timeout",
  connect = "connect_timeout",
  send = "send_timeout",
  receive = "receive_timeout",
  response = "receive_response_timeout",
}

local function bad_timeouts(text)
  error("bad argument #1 to 'set_timeouts' (" .. text .. ")", 4)
end

-- Judges all values before one is set.
local function check_timeouts(times)
  if type(times) ~= "table" then
    bad_timeouts("table expected, got " .. type(times))
  end
  for name, value in next, times do
    if not timeouts[name] then
      bad_timeouts("unknown timeout '" .. tostring(name) .. "'")
    elseif value ~= false and type(value) ~= "number" then
      bad_timeouts("'" .. name .. "' must be a number of seconds or false, not a " .. type(value))
    elseif value and (value <= 0 or value ~= value) then
      return nil, "invalid parameter: the timeout " .. name .. " = " .. value
        .. ": more than 0 seconds; false for none", INVALID_PARAMETER
    end
  end
  return true
end

--- WinHttpSetTimeouts.
function handle.set_timeouts(self, times)
  check_self(self, "set_timeouts")
  local ok, message, code = check_timeouts(times)
  if not self:is_valid() then return self:parent() end -- nil, message, 6
  if not ok then return nil, message, code end
  for name, value in next, times do
    ok, message, code = self:set_option(timeouts[name], value)
    if not ok then return nil, message, code end
  end
  return true
end

return handle
