--- hinternet.body: the body of a request, whatever it is made of.

local core, import = ...
local url = import "url"

local error, next, pcall, tostring, type = error, next, pcall, tostring, type
local find = string.find
local loaded, unsent_of = core.loaded, core.unsent

local body = {}

local READ_FAULT = 30
local INVALID_PARAMETER = 87

-- Modules whose encode makes JSON, if the script has loaded one.
local encoders = { "cjson", "cjson.safe", "rapidjson", "lunajson", "dkjson" }

local function encoder()
  for i = 1, #encoders do
    local module = loaded(encoders[i])
    if type(module) == "table" and type(module.encode) == "function" then
      return module.encode
    end
  end
end

-- Raises, blaming whoever called the one-call layer.
local function bad_json(text) error("bad option 'json' (" .. text .. ")", 6) end

local function json_text(options)
  local value = options.json
  if type(value) == "string" then return value end
  local encode = options.json_encode or encoder()
  if not encode then
    bad_json("a table needs an encoder: give one as 'json_encode', or load cjson or dkjson")
  end
  local ok, text, problem = pcall(encode, value)
  if not ok then bad_json(tostring(text)) end
  if type(text) ~= "string" then bad_json(tostring(problem or "the encoder made no string")) end
  return text
end

local function form_text(form)
  return type(form) == "string" and form or url.encode_form(form)
end

-- A file from where it stands to its end; of a pipe neither is known. One that
-- seems to have no bytes, and has some, does not tell its size: /proc is full of
-- them.
local function plan_file(file)
  local from = file:seek()
  local size = from and file:seek("end")
  if not size then return { file = file } end
  file:seek("set", from)
  if size > from then return { file = file, from = from, size = size - from } end
  if file:read(0) then return { file = file, from = from } end
  return { file = file, from = from, size = 0 }
end

--- What is to be sent; nil for no body. Raises for a table that cannot be
-- encoded.
function body.plan(options)
  if options.form then
    return { text = form_text(options.form), type = "application/x-www-form-urlencoded" }
  elseif options.json then
    return { text = json_text(options), type = "application/json" }
  end
  local given = options.body
  if given == nil then return nil end
  if type(given) == "string" then return { text = given } end
  if type(given) == "function" then return { source = given } end
  return plan_file(given)
end

--- Makes a plan ready to be sent again; whether it can be.
function body.rewind(plan)
  return plan.from ~= nil and plan.file:seek("set", plan.from) ~= nil
end

-- The next piece that is not empty, nil at the end, or nil, message, code.
local function next_piece(source)
  local piece, problem
  repeat
    piece, problem = source()
    if piece == nil then
      if problem ~= nil then return nil, tostring(problem), READ_FAULT end
      return nil
    end
    if type(piece) ~= "string" then
      error("the body function answered a " .. type(piece) .. " where a string is expected", 0)
    end
  until piece ~= ""
  return piece
end

-- Pieces until there are no more, or nobody wants them. What is announced is
-- then given in full, and more would be cut off in silence, unless the server
-- has answered before.
local function write_pieces(request, source)
  local unsent, given, announced = unsent_of(request)
  while unsent ~= 0 do
    local piece, message, code = next_piece(source)
    if not piece then
      if message then return nil, message, code end
      return true
    end
    local ok
    ok, message, code = request:write(piece)
    if not ok then return nil, message, code end
    unsent, given, announced = unsent_of(request)
  end
  if given < announced then return true end
  local piece, message, code = next_piece(source)
  if not piece then
    if message then return nil, message, code end
    return true
  end
  return nil, "invalid parameter: the body goes on behind the " .. announced
    .. " bytes announced: at least " .. given + #piece .. " were given", INVALID_PARAMETER
end

-- A body shorter than its announced length fails before its response is awaited.
local function check_end(request)
  local unsent, given, announced = unsent_of(request)
  if not unsent or unsent == 0 then return true end
  return nil, "the body ended after " .. given .. " of the " .. announced .. " bytes announced",
    READ_FAULT
end

local function write(request, plan)
  local ok, message, code
  if plan.source then
    ok, message, code = write_pieces(request, plan.source)
  else
    ok, message, code = request:write_from(plan.file, plan.size)
  end
  if not ok then return nil, message, code end
  return check_end(request)
end

-- Whether the caller's own fields say how long the body is.
local function says_length(headers)
  if type(headers) == "string" then
    return find(url.lower("\n" .. headers), "\ncontent-length:", 1, true) ~= nil
  end
  for name, value in next, headers or {} do
    if type(value) == "table" then name = value[1] end
    if type(name) == "string" and url.lower(name) == "content-length" then return true end
  end
  return false
end

-- What is written piece by piece has the length that it or the caller's own
-- field says, or is chunked.
local function send_pieces(request, headers, plan)
  local total = plan.size
  if not total and not says_length(headers)
    and not request:query_headers("Content-Length", { request = true }) then
    total = "chunked"
  end
  local ok, message, code = request:send(headers, nil, total)
  if not ok then return nil, message, code end
  return write(request, plan)
end

--- Sends a request with its body, if there is one.
function body.send(request, headers, plan)
  if not plan then return request:send(headers) end
  if plan.type then -- the caller's own goes over it
    local ok, message, code = request:add_headers { ["Content-Type"] = plan.type }
    if not ok then return nil, message, code end
  end
  if plan.text then
    local ok, message, code = request:send(headers, plan.text)
    if not ok then return nil, message, code end
    return check_end(request)
  end
  return send_pieces(request, headers, plan)
end

return body
