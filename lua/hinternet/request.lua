--- hinternet.request: what a request can do that is no single call of C.

local core = ...

local error, find, sub, concat = error, string.find, string.sub, table.concat

local request = {}

local READ_FAULT = 30
-- Bytes that a chunk has at most. Larger strings cost more than they save: each
-- is memory that the system has to find anew.
local PIECE = 65536
local COPIED = 65536      -- bytes of a pipe at once
local MAX_LINE = 16 << 20 -- a line longer than this is a failure, not memory

--- What is left of a pipe's FILE goes out piece by piece: no more than the
-- request has announced is taken out of it.
function request.write_pieces(self, file, n)
  local sum = 0
  while true do
    local size, unsent = COPIED, core.unsent(self)
    if n and n - sum < size then size = n - sum end
    if unsent and unsent < size then size = unsent end
    if size == 0 then return sum end
    local data, problem = file:read(size)
    if not data then
      if problem then return nil, "cannot read the file: " .. problem, READ_FAULT end
      return sum
    end
    local ok, message, code = self:write(data)
    if not ok then return nil, message, code end
    sum = sum + #data
  end
end

--- Iterates over the body in pieces of at most n bytes; raises on failure.
function request:chunks(n)
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
function request.lines_of(read_piece, limit)
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
function request:lines(limit)
  return request.lines_of(function() return self:read(PIECE) end, limit)
end

return request
