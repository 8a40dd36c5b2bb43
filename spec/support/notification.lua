--- Tables of calls and the notifications each of them raises.
--
--   local w = notification.world { host = "127.0.0.1", port = 8080 }
--   w:run {
--     { "session:connect", "handle_created" },
--     { "connection:open_request", { "handle_created", on = "request" } },
--     { "request:send", "sending_request", { "request_sent", 38 } },
--     { "request:close", "handle_closing" },
--   }
--
-- A row is an object and its method, then what is raised while the call runs,
-- in order. A status may be
--   "name"           it comes, on the object of the call
--   "[name]"         it may come or not
--   { "name", info } it comes and tells this
--   { "name", on = "session" }   it comes on another handle of the world
-- Fields of a row: `args` (a list) instead of the usual arguments, `gives` for
-- the results, `fails` for the code of a failure. What connect and
-- open_request give becomes the connection and the request of the world. An
-- info that is a table needs to have these fields.
--
-- In the world of an asynchronous session each call is followed by poll until
-- nothing is pending or, in a row with `pending`, nothing happens any more; an
-- operation gives true, and only the close of the session raises anything
-- itself.

local assert = require "luassert"
local core = require "hinternet.core"
local hinternet = require "hinternet"

local notification = {}

local World = {}
World.__index = World

--- Opens a session whose callback keeps what it hears.
---@param options table host, port, secure, statuses (a mask); path; session:
---  what hinternet.open takes; on: functions by status, called with the world
---@return table
function notification.world(options)
  local self = setmetatable({
    host = options.host or "127.0.0.1",
    port = options.port,
    path = options.path or "/",
    secure = options.secure,
    on = options.on or {},
    async = options.session and options.session.async,
    heard = {},
  }, World)
  self.session = assert(hinternet.open(options.session))
  assert(self.session:set_status_callback(self:listener(), options.statuses))
  return self
end

--- A status callback that keeps what it hears in the world.
function World:listener()
  return function(handle, status, info)
    self.heard[#self.heard + 1] = { handle = handle, status = status, info = info }
    local also = self.on[status]
    if also then also(self, handle, info) end
  end
end

--- Takes what was heard since the last time.
---@return table[]
function World:take()
  local heard = self.heard
  self.heard = {}
  return heard
end

--- The names of what was heard, in one line.
---@param heard table[]
---@return string
function notification.names(heard)
  local names = {}
  for i, item in ipairs(heard) do names[i] = item.status end
  return table.concat(names, ", ")
end

local function usual_arguments(self, method)
  if method == "connect" then return { self.host, self.port } end
  if method == "open_request" then
    return { "GET", self.path, { secure = self.secure } }
  end
  return {}
end

local function parse(expected)
  local item = type(expected) == "table" and expected or { expected }
  local name, optional = item[1]:gsub("^%[(.*)%]$", "%1")
  return { name = name, optional = optional > 0, info = item[2], on = item.on }
end

local function is_same(expected, info)
  if type(expected) ~= "table" or type(info) ~= "table" then return expected == info end
  for name, value in pairs(expected) do
    if info[name] ~= value then return false end
  end
  return true
end

local function text_of(info)
  if type(info) ~= "table" then return tostring(info) end
  return ("{ %s, %s, %s, %s, %s }"):format(info.operation, info.code, info.phase,
    info.host, info.message)
end

local function fits(self, expected, item, object)
  if not item or item.status ~= expected.name then return false end
  local place = expected.on and self[expected.on] or object
  if item.handle ~= place then
    return false, ("%s came on %s, not on %s"):format(item.status,
      tostring(item.handle), tostring(place))
  end
  if expected.info ~= nil and not is_same(expected.info, item.info) then
    return false, ("%s told %s, not %s"):format(item.status,
      text_of(item.info), text_of(expected.info))
  end
  return true
end

local function describe(row)
  local out = {}
  for i = 2, #row do
    out[#out + 1] = type(row[i]) == "table" and row[i][1] or row[i]
  end
  return table.concat(out, ", ")
end

local function compare(self, row, heard, object)
  local at, why = 1, nil
  for i = 2, #row do
    local expected = parse(row[i])
    local same, reason = fits(self, expected, heard[at], object)
    if same then
      at = at + 1
    elseif not expected.optional then
      why = reason or ("no " .. expected.name .. " in its place")
      break
    end
  end
  if not why and at <= #heard then
    why = heard[at].status .. " was not expected"
  end
  if why then
    error(("%s: %s\n  expected: %s\n  heard:    %s"):format(row[1], why,
      describe(row), notification.names(heard)), 3)
  end
end

-- What an asynchronous session answers at once.
local operations = { ["request:write_from"] = true, ["request:read_to"] = true }
for name in pairs(core.ops) do operations["request:" .. name] = true end

local function check_results(self, row, results)
  if row.fails then
    assert.is_nil(results[1], row[1])
    assert.is_string(results[2], row[1])
    assert.equal(row.fails, results[3], row[1] .. ": " .. tostring(results[2]))
  elseif row.gives ~= nil then
    assert.equal(row.gives, results[1], row[1] .. ": " .. tostring(results[2]))
  elseif self.async and operations[row[1]] then
    assert.is_true(results[1], row[1])
  elseif results[1] == nil then
    error(("%s: %s"):format(row[1], tostring(results[2])), 3)
  end
end

-- Polls until all is heard that follows from a call.
local function settle(self, row, object)
  if #self.heard > 0 and object ~= self.session then
    error(row[1] .. " raised " .. notification.names(self.heard) .. " itself", 3)
  end
  repeat
    local count = hinternet.poll(row.pending and 0.05 or 10)
  until not count or count == 0
  local _, running = core.live()
  if running > 0 and not row.pending then error(row[1] .. " does not end", 3) end
end

--- Makes the calls of a table and compares what was heard during each.
---@param rows table[]
---@return table self
function World:run(rows)
  self:take()
  for _, row in ipairs(rows) do
    local name, method = row[1]:match("^(%a+):([%a_]+)$")
    local object = assert(self[name], row[1])
    local args = row.args or usual_arguments(self, method)
    local results = table.pack(object[method](object, table.unpack(args)))
    if method == "connect" then self.connection = results[1] end
    if method == "open_request" then self.request = results[1] end
    if self.async then settle(self, row, object) end
    compare(self, row, self:take(), object)
    check_results(self, row, results)
  end
  return self
end

return notification
