--- hinternet.handle: what every kind of handle can do that is no single call
-- of C.

local core = ...

local error, next, type = error, next, type

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

local function mask_of(list)
  if list == nil then return groups.all_notifications end
  if type(list) ~= "table" then
    error("bad argument #2 to 'set_status_callback' (table expected, got "
      .. type(list) .. ")", 3)
  end
  local mask = 0
  for i = 1, #list do
    local bits = statuses[list[i]] or groups[list[i]]
    if not bits then
      error("bad argument #2 to 'set_status_callback' (unknown status '"
        .. tostring(list[i]) .. "')", 3)
    end
    mask = mask | bits
  end
  return mask
end

--- WinHttpSetStatusCallback.
function handle.set_status_callback(self, callback, list)
  if callback ~= nil and type(callback) ~= "function" then
    error("bad argument #1 to 'set_status_callback' (function or nil expected, got "
      .. type(callback) .. ")", 2)
  end
  return core.set_callback(self, callback, mask_of(list))
end

local timeouts = {
  resolve = "resolve_timeout",
  connect = "connect_timeout",
  send = "send_timeout",
  receive = "receive_timeout",
  response = "receive_response_timeout",
}

local function bad_timeouts(text)
  error("bad argument #1 to 'set_timeouts' (" .. text .. ")", 3)
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
      bad_timeouts("'" .. name .. "' must be a number or false")
    elseif value and (value <= 0 or value ~= value) then
      return nil, "invalid parameter: a timeout of " .. value .. " (false means none)",
        INVALID_PARAMETER
    end
  end
  return true
end

--- WinHttpSetTimeouts.
function handle.set_timeouts(self, times)
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
