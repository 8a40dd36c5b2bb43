--- hinternet.request: the operations of a request.
--
-- Each method is one call of C, which starts the operation, takes one step and
-- mostly has the result; false from it means that the wait goes on here.

local core = require "hinternet.core"
local dispatch = require "hinternet.dispatch"
local headers = require "hinternet.headers"

local error, find, sub, concat = error, string.find, string.sub, table.concat
local io_type = io.type

local Request, calls = core.request, core.calls.request
local wait, failed = dispatch.wait, dispatch.failed

local RECEIVE_RESPONSE = core.ops.receive_response
local QUERY_DATA_AVAILABLE = core.ops.query_data_available
local READ = core.ops.read
local WRITE = core.ops.write
local SEND = core.ops.send

local PIECE = 65536       -- bytes a chunk or a copied piece has at most
local INCORRECT_HANDLE_STATE = 12019
local MAX_LINE = 16 << 20 -- a line longer than this is a failure, not memory

-- What is left when C had no result: a wait, an end or a failure. The end of a
-- body is a single nil.
local function finish(self, op, result, message, code)
  if result == false then return wait(self, op) end
  if message then return failed(self, message, code) end
  return nil
end

local send = calls.send
function Request:send(text, body, total)
  local result, message, code = send(self, text, body, total)
  if result then return result end
  -- Unlike the other calls, a send may follow a wait that was broken off.
  if code == INCORRECT_HANDLE_STATE and dispatch.bury(self) then
    result, message, code = send(self, text, body, total)
    if result then return result end
  end
  return finish(self, SEND, result, message, code)
end

local write = calls.write
function Request:write(data)
  local result, message, code = write(self, data)
  if result then return result end
  return finish(self, WRITE, result, message, code)
end

local receive_response = calls.receive_response
function Request:receive_response()
  local result, message, code = receive_response(self)
  if result then return result end
  return finish(self, RECEIVE_RESPONSE, result, message, code)
end

local query_data_available = calls.query_data_available
function Request:query_data_available()
  local result, message, code = query_data_available(self)
  if result then return result end
  return finish(self, QUERY_DATA_AVAILABLE, result, message, code)
end

local read = calls.read
function Request:read(n, mode)
  local result, message, code = read(self, n, mode)
  if result then return result end
  return finish(self, READ, result, message, code)
end

local read_to = calls.read_to
function Request:read_to(file, n)
  local result, message, code = read_to(self, file, n)
  if result then return result end
  return finish(self, READ, result, message, code)
end

-- A pipe cannot be put back to where its FILE stands: what the FILE has read
-- ahead can only be had through it.
local function write_pieces(self, file, n)
  local sum = 0
  while not n or sum < n do
    local data, problem = file:read(n and n - sum < PIECE and n - sum or PIECE)
    if not data then
      if problem then return nil, "cannot read the file: " .. problem, 30 end
      break
    end
    local ok, message, code = self:write(data)
    if not ok then return nil, message, code end
    sum = sum + #data
  end
  return sum
end

local write_from = calls.write_from
function Request:write_from(file, n)
  if io_type(file) == "file" and not file:seek() and self:is_valid() then
    return write_pieces(self, file, n)
  end
  local result, message, code = write_from(self, file, n)
  if result then return result end
  return finish(self, WRITE, result, message, code)
end

--- A copy of the response's headers (of the request's, of the trailers).
function Request:headers(options)
  local raw, message, code = self:query_headers("raw_headers_crlf", options)
  if not raw then return nil, message, code end
  return headers.new(raw)
end

--- Iterates over the body in pieces of at most n bytes; raises on failure.
function Request:chunks(n)
  n = n or PIECE
  return function()
    local data, message = self:read(n)
    if message then error(message, 2) end
    return data
  end
end

-- The next line of `left` from `from` on: the line and where the one after it
-- begins. A CR before the LF belongs to the line's end.
local function cut_line(text, from)
  local at = find(text, "\n", from, true)
  if not at then return nil end
  local stop = at - 1
  if stop >= from and sub(text, stop, stop) == "\r" then stop = stop - 1 end
  return sub(text, from, stop), at + 1
end

-- Puts pieces together until one holds a line's end; text, or nil at the end.
local function fill_line(read_piece, rest, limit)
  local parts, count, size = { rest }, 1, #rest
  while true do
    local data, message = read_piece()
    if message then return nil, message end
    if not data then
      if size == 0 then return nil end
      return concat(parts)
    end
    count, size = count + 1, size + #data
    parts[count] = data
    if find(data, "\n", 1, true) then return concat(parts) end
    if size > limit then return nil, "a line is longer than " .. limit .. " bytes" end
  end
end

--- Iterates over the lines that a function reads piece by piece.
local function lines_of(read_piece, limit)
  local text, from = "", 1
  limit = limit or MAX_LINE
  return function()
    local line, after = cut_line(text, from)
    if not line then
      local more, message = fill_line(read_piece, sub(text, from), limit)
      if message then error(message, 2) end
      text, from = more or "", 1
      line, after = cut_line(text, from)
      if not line and more then line, after = more, #more + 1 end
    end
    from = after or from
    return line
  end
end

--- Iterates over the lines of the body, without their ends; raises on failure.
function Request:lines(limit)
  return lines_of(function() return self:read(PIECE) end, limit)
end

return { finish = finish, lines_of = lines_of }
