--- The source tree as the lint spec sees it: files, includes, functions, calls.

local source = {}

local cache = {}

--- A file's text.
---@param path string
---@return string
function source.read(path)
  if not cache[path] then
    local file = assert(io.open(path, "rb"))
    cache[path] = file:read("a")
    file:close()
  end
  return cache[path]
end

---@param path string
---@return boolean
function source.exists(path)
  local file = io.open(path, "rb")
  if file then file:close() end
  return file ~= nil
end

--- The lines a command prints.
---@param command string
---@return string[]
function source.output(command)
  local lines = {}
  local pipe = assert(io.popen("LD_PRELOAD= ; " .. command, "r"))
  for line in pipe:lines() do lines[#lines + 1] = line end
  pipe:close()
  return lines
end

local all

--- Every file of the project: what is tracked, and what would be.
---@return string[]
function source.files()
  all = all or source.output(
    "{ git ls-files -co --exclude-standard 2>/dev/null || " ..
    "find . -path ./build -prune -o -path ./.git -prune -o -type f -print; }" ..
    " | sed 's|^[.]/||' | sort -u | while read -r f; do " ..
    "[ -f \"$f\" ] && echo \"$f\"; done")
  return all
end

--- Files whose path matches a pattern.
---@param pattern string
---@return string[]
function source.matching(pattern)
  local out = {}
  for _, path in ipairs(source.files()) do
    if path:match(pattern) then out[#out + 1] = path end
  end
  return out
end

---@param text string
---@return fun(): integer, string
function source.lines(text)
  local number = 0
  local next_line = (text:gsub("\n$", "") .. "\n"):gmatch("(.-)\n")
  return function()
    local line = next_line()
    if not line then return nil end
    number = number + 1
    return number, line
  end
end

-- Blanks of the same shape: newlines stay, so that line numbers do.
local function blank(text) return (text:gsub("[^\n]", " ")) end

local stripped = {}

--- C text with comments, strings and character constants blanked.
---@param path string
---@return string
function source.c_code(path)
  if stripped[path] then return stripped[path] end
  local text, out, at = source.read(path), {}, 1
  while true do
    local start = text:find("[\"'/]", at)
    if not start then break end
    out[#out + 1] = text:sub(at, start - 1)
    local two, stop = text:sub(start, start + 1), nil
    if two == "/*" then
      stop = select(2, text:find("*/", start + 2, true)) or #text
    elseif two == "//" then
      stop = (text:find("\n", start, true) or #text + 1) - 1
    elseif two:sub(1, 1) == "/" then
      out[#out + 1] = "/"
    else
      local quote = two:sub(1, 1)
      stop = start + 1
      while text:sub(stop, stop) ~= quote and stop < #text do
        stop = stop + (text:sub(stop, stop) == "\\" and 2 or 1)
      end
    end
    if stop then out[#out + 1] = blank(text:sub(start, stop)) end
    at = (stop or start) + 1
  end
  out[#out + 1] = text:sub(at)
  stripped[path] = table.concat(out)
  return stripped[path]
end

--- The functions defined in a C file: name, line, lines, parameters, body.
---@param path string
---@return table[]
function source.c_functions(path)
  -- Directives hide nothing that matters here, but have braces of their own.
  local code = source.c_code(path):gsub("\\\n", " \n")
  code = ("\n" .. code):gsub("\n[ \t]*#[^\n]*", "\n"):sub(2)
  local found, at = {}, 1
  while true do
    local open = code:find("{", at, true)
    if not open then break end
    local _, close = code:find("^%b{}", open)
    if not close then break end
    local head = code:sub(at, open - 1)
    local name, list = head:match("([%a_][%w_]*)%s*(%b())%s*$")
    if name then
      local _, before = code:sub(1, open):gsub("\n", "")
      local body = code:sub(open + 1, close - 1)
      local _, lines = body:gsub("\n", "")
      local _, commas = list:gsub(",", "")
      found[#found + 1] = {
        name = name, line = before + 1, lines = lines + 1, body = body,
        parameters = commas + 1,
      }
    end
    at = close + 1
  end
  return found
end

--- What a C file includes: quoted paths resolved, system headers in brackets.
---@param path string
---@return string[]
function source.includes(path)
  local out = {}
  local folder = path:match("^(.*/)") or ""
  for quote, name in source.read(path):gmatch('\n%s*#%s*include%s*([<"])([^>"]+)') do
    if quote == "<" then
      out[#out + 1] = "<" .. name .. ">"
    else
      local full = folder .. name
      repeat
        local count
        full, count = full:gsub("[^/]+/%.%./", "", 1)
      until count == 0
      out[#out + 1] = full
    end
  end
  return out
end

return source
