--- hinternet.request: what a request can do that is no single call of C.

local error, type = error, type
local byte, find, sub, concat = string.byte, string.find, string.sub, table.concat
local tointeger = math.tointeger

local request = {}

local CR = 13
-- Bytes that a chunk has at most. Larger strings cost more than they save: each
-- is memory that the system has to find anew.
local PIECE = 65536
local MAX_LINE = 16 << 20 -- a line longer than this is a failure, not memory

--- Raises for a size that is none, blaming the caller of the method.
function request.check_size(name, n)
  if n == nil or type(n) == "number" and tointeger(n) and n > 0 then return end
  error("bad argument #1 to '" .. name .. "' (integer from 1 on expected, got "
    .. (type(n) == "number" and n or type(n)) .. ")", 3)
end

--- Iterates over the body in pieces of at most n bytes; raises on failure.
function request:chunks(n)
  request.check_size("chunks", n)
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

-- Puts pieces together until one holds a line's end, or they are too long
-- whatever comes: the last byte may be the CR of an end.
local function fill_line(read_piece, rest, limit)
  local parts, count, size, last = { rest }, 1, #rest, byte(rest, -1)
  while size <= limit or size == limit + 1 and last == CR do
    local data, message = read_piece()
    if message then return nil, message end
    if not data then break end
    count, size, last = count + 1, size + #data, byte(data, -1)
    parts[count] = data
    if find(data, "\n", 1, true) then break end
  end
  return concat(parts)
end

--- Iterates over the lines that a function reads piece by piece. How the bytes
-- were cut into pieces makes no difference. A failure is raised from then on.
function request.lines_of(read_piece, limit)
  local text, from, problem = "", 1, nil
  limit = limit or MAX_LINE
  return function()
    if problem then error(problem, 2) end
    local line, after = cut_line(text, from)
    if not line then
      local more
      more, problem = fill_line(read_piece, sub(text, from), limit)
      if problem then error(problem, 2) end
      text, from = more, 1
      line, after = cut_line(text, 1)
      if not line then line, after = text, #text + 1 end
      if text == "" then return nil end
    end
    if #line > limit then
      problem = "a line is longer than " .. limit .. " bytes"
      error(problem, 2)
    end
    from = after
    return line
  end
end

--- Iterates over the lines of the body, without their ends; raises on failure.
function request:lines(limit)
  request.check_size("lines", limit)
  return request.lines_of(function() return self:read(PIECE) end, limit)
end

return request
