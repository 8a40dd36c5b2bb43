--- hinternet.fault: what is wrong with what a caller gave, in words: the value,
-- its fault and the remedy. Loaded with the first failure of that kind.
--
-- Messages end up in logs: what they quote is escaped and cut, and passwords and
-- values of header fields are never in them.

local core = ...

local next, rawget, setmetatable, tostring, type = next, rawget, setmetatable, tostring, type
local find, gmatch, gsub, lower, match, sub = string.find, string.gmatch, string.gsub,
  string.lower, string.match, string.sub
local byte, format = string.byte, string.format
local concat, sort = table.concat, table.sort
local is_utf8 = utf8 and utf8.len or function() return nil end -- a host may have none

local fault = {}

local INVALID_OPTION = 12009
local OPTION_NOT_SETTABLE = 12011
local UNRECOGNIZED_SCHEME = 12006
local INCORRECT_HANDLE_TYPE = 12018
local INCORRECT_HANDLE_STATE = 12019

local SHOWN = 100        -- bytes of a value that are quoted
local MAX_HOST = 255     -- as HN_MAX_HOST
local MAX_URL = 65536    -- as HN_MAX_URL

-- ------------------------------------------------------------------- quoting

local function escape(c)
  if c == "\n" then return "\\n" elseif c == "\r" then return "\\r" end
  return format("\\x%02X", byte(c))
end

-- A value as a message has it.
local function quote(value)
  local text = tostring(value)
  if #text > SHOWN then
    text = gsub(sub(text, 1, SHOWN), "[\xC0-\xFF][\x80-\xBF]*$", "") .. "..."
  end
  text = gsub(text, is_utf8(text) and "%c" or "[%c\x80-\xFF]", escape)
  return '"' .. text .. '"'
end

local function show(value)
  return type(value) == "string" and quote(value) or tostring(value)
end

-- A URL without the user and password that it may have.
local function hide(url)
  return (gsub(gsub(url, "^(%a[%w+.-]*://)[^/?#]*@", "%1***@"), "^[^/?#]*@", "***@"))
end

-- --------------------------------------------------------------- URLs, hosts

local function fault_of_byte(host)
  if find(host, "[\r\n]") then return "holds a line break" end
  if find(host, "[%c ]") then return "holds a blank or control character" end
  if find(host, "[\x80-\xFF]") then return 'is beyond ASCII: give its "xn--" form' end
  if find(host, "\\", 1, true) then return 'holds a backslash: give "/"' end
  if find(host, "%", 1, true) then return "is escaped: give it unescaped" end
  local bad = match(host, "[^%w%-._~!$&'()*+,;=]")
  return bad and "holds " .. quote(bad)
end

local function fault_of_host(host)
  if host == "" then return "is empty" end
  if #host > MAX_HOST then return "is longer than " .. MAX_HOST .. " bytes" end
  if find(host, ":", 1, true) then return "is no IPv6 address" end
  return fault_of_byte(host)
    or "is no IPv4 address: those are four decimal numbers up to 255"
end

local function fault_of_port(port)
  if not find(port, "^%d+$") then return "is no number" end
  return (port + 0 > 65535 or port + 0 == 0) and "is not from 1 to 65535"
end

local function fault_of_user(authority)
  local user, host = match(authority, "^(.*)@(.*)$")
  if not user then return nil, authority end
  if find(user, "@", 1, true) then return 'more than one "@" before the path', host end
  if find(user, "[^%w%-._~!$&'()*+,;=:%%]") then
    return "a byte in the user or password that must be escaped", host
  end
  return nil, host
end

-- What stands between "//" and the path.
local function fault_of_authority(authority)
  local problem, rest = fault_of_user(authority)
  if problem then return problem end
  local host, port
  if sub(rest, 1, 1) == "[" then
    host, port = match(rest, "^%[([^%]]*)%](.*)$")
    if not host then return 'no "]" behind the IPv6 address' end
    if not find(host, ":", 1, true) then return "no IPv6 address in the brackets" end
  else
    host, port = match(rest, "^([^:]*)(.*)$")
  end
  if host == "" then return "no host" end
  local digits = match(port, "^:(.*)$")
  problem = digits and digits ~= "" and fault_of_port(digits)
  if problem then return "the port " .. quote(digits) .. " " .. problem end
  if port ~= "" and not digits then return "no colon before the port" end
  return "the host " .. quote(host) .. " " .. fault_of_host(host)
end

local function unknown_scheme(url)
  local shown = quote(hide(url))
  if find(url, "^%s") then return shown .. " begins with a blank: take it off" end
  local scheme, rest = match(url, "^(%a[%w+-]*):(.*)$")
  if scheme and not find(rest, "^%d") then
    return "unrecognized scheme: " .. quote(scheme) .. " in " .. shown
      .. ": http and https are known"
  elseif url == "" then
    return 'no scheme in "": the URL is empty'
  elseif find(url, "^/[^/]") or url == "/" then
    return "no scheme in " .. shown .. ": a path alone names no host; give the whole URL"
  end
  local meant = gsub(gsub(hide(url), "^:?//", ""), "^[hH][tT][tT][pP][sS]?//", "")
  return "no scheme in " .. shown .. ": did you mean " .. sub(quote("https://" .. meant), 2, -2)
    .. "?"
end

local function fault_in_url(url, flags)
  if find(url, "\0", 1, true) then return "a NUL" end
  local authority = match(url, "^%a+://([^/?#]*)")
  if not authority then return 'no "//" and host behind the scheme' end
  if #url > MAX_URL then return #url .. " bytes, where " .. MAX_URL .. " are the most" end
  if type(flags) == "table" and find(authority, "@", 1, true) then
    return "a user or password, which reject_userpwd refuses"
  end
  return fault_of_authority(authority)
end

local function fault_of_url(url, code, flags)
  if code == UNRECOGNIZED_SCHEME then return unknown_scheme(url) end
  return "invalid URL " .. quote(hide(url)) .. ": " .. fault_in_url(url, flags)
end

--- What keeps a URL that can be taken apart from being asked for, or nil.
---@return string?
function fault.of_target(url, parts)
  local problem
  if parts.user or parts.password then
    problem = "credentials in a URL are not sent: give an Authorization field"
  elseif parts.port == 0 then
    problem = "the port 0 is not from 1 to 65535"
  elseif find(url, "[\r\n]") then
    problem = "a line break: take it off, or escape it"
  elseif find(url, "%c") then
    problem = "a control character: take it off, or escape it"
  elseif find(url, " $") then
    problem = "a blank at the end: take it off, or escape it"
  end
  return problem and "invalid URL " .. quote(hide(url)) .. ": " .. problem
end

local explain = {}

function explain.crack_url(code, _, url, flags) return fault_of_url(url, code, flags) end

function explain.resolve_url(_, _, base, reference)
  local parts, _, code = core.crack_url(base)
  if not parts then return fault_of_url(base, code) end
  return "invalid URL " .. quote(hide(reference)) .. ": it leads nowhere from " .. quote(hide(base))
end

function explain.create_url(_, _, parts)
  local scheme, host, port = parts.scheme, parts.host, parts.port
  local problem
  if scheme and not find(scheme, "^%a[%w+.-]*$") then
    problem = "the scheme " .. quote(scheme) .. " is none"
  elseif parts.password and not parts.user then
    problem = "a password without a user"
  elseif port and (port < 0 or port > 65535) then
    problem = "the port " .. port .. " is not from 0 to 65535"
  elseif host and host ~= "" and not core.crack_url("http://" .. host .. "/")
    and not core.crack_url("http://[" .. host .. "]/") then
    problem = "the host " .. quote(host) .. " " .. fault_of_host(host)
  else
    problem = 'a part holds what must be escaped: give the flag "escape"'
  end
  return "invalid parameter: " .. problem
end

function explain.date(_, _, date)
  if type(date) == "string" then
    return "invalid parameter: " .. quote(date) .. " is no date of HTTP"
  end
  return "invalid parameter: " .. tostring(date) .. " seconds are outside the years 0 to 9999"
end

-- ------------------------------------------------------------------- handles

function explain.open(_, _, agent)
  return agent and "invalid parameter: the user_agent " .. quote(agent)
    .. " holds a line break or control character"
end

function explain.connect(_, _, _, host, port)
  if port and (port < 0 or port > 65535) then
    return "invalid parameter: the port " .. port .. " is not from 1 to 65535"
      .. " (0: the scheme's own)"
  end
  local shown = "invalid parameter: the host " .. quote(hide(host)) .. " "
  local name = match(host, "^%a[%w+.-]*://([^/?#]*)")
  if name then
    name = gsub(name, "^.*@", "")
    return shown .. "is a URL: connect takes its host alone, " .. quote(name)
  elseif find(host, "[/?#]") then
    return shown .. "holds a path: that is for open_request"
  end
  local before, digits = match(host, "^(%[[^%]]*%]):(%d+)$")
  if not before then before, digits = match(host, "^([^:]*):(%d*)$") end
  if before then
    return shown .. "holds a port: give that as the next argument, connect("
      .. quote(before) .. ", " .. (digits ~= "" and digits or "80") .. ")"
  end
  return shown .. fault_of_host(host)
end

local TOKEN = "^[%w!#$%%&'*+%-.^_`|~]+$"

local function fault_of_text(options, names)
  for i = 1, #names do
    local value = type(options) == "table" and options[names[i]]
    if type(value) == "table" then value = concat(value, ", ") end
    if type(value) == "string" and find(value, "[\0-\8\10-\31\127]") then
      return "the option '" .. names[i] .. "' holds a line break or control character"
    end
  end
end

function explain.open_request(_, _, _, method, path, options)
  local version = type(options) == "table" and options.version
  local problem
  if type(path) ~= "string" then path = nil end -- the new handle
  if type(method) == "string" and not find(method, TOKEN) then
    problem = "the method " .. quote(method) .. " is none"
    if find(method, "^/") or find(method, "://", 1, true) then
      problem = problem .. ": give the method first, open_request(" .. quote(path or "GET")
        .. ", " .. quote(method) .. ")"
    end
  elseif version and version ~= "HTTP/1.1" and version ~= "HTTP/1.0" then
    problem = "the version " .. quote(version) .. " is not known: HTTP/1.1 and HTTP/1.0 are"
  else
    problem = fault_of_text(options, { "referrer", "accept" })
      or path and #path > MAX_URL and "the path of " .. #path .. " bytes is too long"
      or path and find(path, "[%c ]") and "the path " .. quote(path)
        .. " holds a blank or control character, which it does not escape"
      or "method, path and fields together are too long"
  end
  return "invalid parameter: " .. problem
end

-- -------------------------------------------------------------------- fields

local function fault_of_field(name, value)
  if not find(name, TOKEN) then
    return "the header name " .. quote(name) .. " is none: letters, digits and -_.!#$%&'*+^`|~"
  elseif find(value, "[\r\n]") then
    return "the value of " .. quote(name) .. " holds a line break"
  elseif find(value, "[\0-\8\11\12\14-\31\127]") then
    return "the value of " .. quote(name) .. " holds a control character"
  end
end

local function fault_of_lines(text)
  for line in gmatch(text .. "\r\n", "(.-)\r\n") do
    local name, value = match(line, "^([^:]*):(.*)$")
    local problem
    if line ~= "" and not name then
      problem = 'the header line ' .. quote(line) .. ' has no colon: "Name: value"'
    elseif name and find(name, TOKEN) and find(value, "[\r\n]") then
      problem = "the line of " .. quote(name) .. " must end with CRLF"
    elseif name then
      problem = fault_of_field(name, value)
    end
    if problem then return problem end
  end
end

local function fault_of_pairs(fields)
  for key, value in next, fields do
    local name = key
    if type(value) == "table" then name, value = value[1], value[2] end
    local problem = fault_of_field(tostring(name), tostring(value))
    if problem then return problem end
  end
end

-- What is wrong with fields as add_headers and send take them; nil when nothing
-- is, by itself.
local function fault_of_headers(headers)
  if type(headers) == "table" then return fault_of_pairs(headers) end
  if headers == nil then return nil end
  if not find(headers, "[^\r\n]") then return "there is no header in the text" end
  return fault_of_lines(tostring(headers))
end

local function field_of(request, name)
  return (request:query_headers(name, { request = true }))
end

-- What the fields of a request, its body and the total say against each other.
local function fault_of_length(request, body, total)
  local coding, length = field_of(request, "Transfer-Encoding"), field_of(request, "Content-Length")
  local size = body and #body or 0
  if total and total ~= "chunked" and total < 0 then
    return "the total of " .. total .. " bytes is less than none"
  elseif coding and lower(coding) ~= "chunked" then
    return "the Transfer-Encoding " .. quote(coding) .. " cannot be sent: chunked can"
  elseif coding and length or total == "chunked" and length then
    return "a Content-Length beside chunks: leave one out"
  elseif coding and total and total ~= "chunked" then
    return 'a total of ' .. total .. ' bytes beside "Transfer-Encoding: chunked": leave one out'
  elseif length and not find(length, "^%d+$") then
    return "the Content-Length " .. quote(length) .. " is no number"
  elseif coding or total == "chunked" then
    return "chunks are not for HTTP/1.0: give the length, or speak HTTP/1.1"
  elseif length and total and length + 0 ~= total then
    return "the Content-Length " .. length .. " is not the total of " .. total .. " bytes"
  end
  local announced = total or length and length + 0
  if announced and announced < size then
    return "a body of " .. size .. " bytes is longer than the " .. announced .. " announced"
  end
end

function explain.send(_, _, request, headers, body, total)
  local problem = fault_of_headers(headers) or fault_of_length(request, body, total)
    or field_of(request, "Content-Length") and "more than one Content-Length"
    or "the fields are too many or too long"
  return "invalid parameter: " .. problem
end

explain["add headers"] = function(_, state, _, headers)
  local problem = fault_of_headers(headers)
  if not problem and (find(state, ", sent$") or find(state, ", redirecting$")) then
    problem = "Host, Content-Length and Transfer-Encoding are on their way already"
  end
  return "invalid parameter: " .. (problem or "the fields are too many or too long")
end

function explain.write(_, _, request, data)
  local left, given, announced = core.unsent(request)
  return left and "invalid parameter: " .. #data .. " bytes to write, where " .. given
    .. " of the " .. announced .. " bytes announced are given: " .. left .. " are left"
end

local function negative(_, _, _, _, n)
  return n and n < 0 and "invalid parameter: " .. n .. " bytes are less than none" or nil
end

explain.read_to, explain.write_from = negative, negative

function explain.read(_, _, _, n)
  return n and "invalid parameter: a read of " .. n .. " bytes: one is the least" or nil
end

-- ------------------------------------------------------------------- options

local kinds = { session = "S", connection = "C", request = "R" }

local function levels_of(option)
  local out = {}
  for _, kind in next, { "session", "connection", "request" } do
    if find(option.set .. option.query, kinds[kind]) then out[#out + 1] = kind .. "s" end
  end
  return concat(out, " and ")
end

local function words_of(option)
  local out = {}
  for word in next, option.words do out[#out + 1] = '"' .. word .. '"' end
  sort(out)
  return concat(out, ", ")
end

-- What an option of text is to hold.
local wanted = {
  unix_socket = "a path of at most 107 bytes",
  resolve_to = 'IP addresses with commas between them, as "192.0.2.1, 2001:db8::1"',
  local_address = "an IP address",
  interface = "the name of a network interface, of at most 15 bytes",
  resolution_hostname = "the name of a host",
  user_agent = "text without line breaks and control characters",
}

local function wanted_of(option, name)
  if option.type == "time" then
    return "more than 0 seconds; false for none"
  elseif option.words then
    return "one of " .. words_of(option)
  elseif option.type == "integer" then
    return "from " .. option.min .. " to " .. option.max
  end
  return wanted[name] or "text without NUL"
end

local function fault_of_value(option, name, value)
  local shown = name == "client_cert_password" and "" or " = " .. show(value)
  return "invalid parameter: " .. name .. shown .. ": " .. wanted_of(option, name)
end

-- set_option, and query_option, which has no value.
local function fault_of_option(code, handle, name, value)
  local option = core.options()[name]
  if code == INCORRECT_HANDLE_TYPE then
    return "incorrect handle type: " .. name .. " is for " .. levels_of(option) .. ", not for "
      .. (core.type(handle) or "this") .. "s"
  elseif code == OPTION_NOT_SETTABLE then
    return "option not settable: " .. name .. " can only be asked for"
  elseif code == INVALID_OPTION or option.set .. option.query == "" then
    return core.errors()[code]:gsub("_", " ") .. ": " .. name .. " is not supported"
  elseif value == nil and option.query == "" then
    return "invalid parameter: " .. name .. " can only be set"
  end
  return fault_of_value(option, name, value)
end

-- -------------------------------------------------------------------- states

-- State of a request -> what to do before it can be read, and so on.
local read_first = {
  new = "call send and receive_response first",
  sending = "its send is not complete yet",
  sent = "call receive_response first",
  receiving = "its receive_response is not complete yet",
  redirecting = "its receive_response is not complete yet",
  received = "another read is not complete yet",
  failed = "it has failed: send it again",
}
local receive_first = {
  new = "call send first",
  sending = "its send is not complete yet",
  receiving = "it waits for the response already",
  redirecting = "it waits for the response already",
  received = "the response is here: read it, or send again",
  failed = "it has failed: send it again",
}
local write_first = {
  new = "call send first, with the length of the body",
  sending = "its send is not complete yet",
  sent = "another write is not complete yet",
  receiving = "receive_response has ended the body",
  redirecting = "receive_response has ended the body",
  received = "receive_response has ended the body",
  failed = "it has failed: send it again",
}
local send_first = setmetatable({}, {
  __index = function() return "another operation is not complete yet: wait for it, or close" end,
})
local edit_first = setmetatable({}, {
  __index = function() return "its head may be on the way: wait, or close it" end,
})
local ask_first = {
  new = "call send first",
  sending = "its send is not complete yet",
}

local orders = {
  read = read_first, read_to = read_first, query_data_available = read_first,
  ["query headers"] = read_first, receive_response = receive_first, write = write_first,
  write_from = write_first, send = send_first, ["add headers"] = edit_first,
}

-- The body is shorter than was announced.
local function unwritten(request)
  local left, given, announced = core.unsent(request)
  return left and left > 0 and "write the " .. left .. " bytes that its body lacks first: "
    .. given .. " of the " .. announced .. " announced are given"
end

local function fault_of_state(what, state, request)
  local order, now = orders[what] or ask_first, match(state, "(%a+)$") or ""
  local text = order[now]
  if what == "receive_response" and now == "sent" then
    text = unwritten(request) or "its write is not complete yet"
  elseif what == "client_cert_context" then
    text = "a request without TLS shows no certificate"
  elseif order == ask_first and not text then
    text = "it has no connection of that kind now"
  end
  return "incorrect handle state: cannot " .. gsub(what, "^[%w_]+_[%w_]+$", function(name)
    return orders[name] and name or "use " .. name
  end) .. " now (" .. state .. ")" .. (text and ": " .. text or "")
end

--- What a server answered that is no success. Its words are a stranger's: only
--- printable ASCII gets into a message.
function fault.of_answer(status, reason)
  if reason == "" then return "the server answered " .. status end
  local more = #reason > SHOWN and "..." or ""
  return "the server answered " .. status .. " "
    .. gsub(sub(reason, 1, SHOWN), "[^\x20-\x7E]", escape) .. more
end

--- Whether a value is the module: then a function of it was called with a colon.
function fault.is_module(value)
  return type(value) == "table" and rawget(value, "crack_url") == core.crack_url
end

--- What a value that should be of another kind is, in words.
---@return string
function fault.kind_of(value)
  if fault.is_module(value) then return "the module: call it with a dot, not a colon" end
  return core.type(value) or type(value)
end

--- A failure in words, or nil: `what` names the call or the option; then come
-- the state of the handle, if there is one, and the arguments of the call.
function fault.explain(what, code, state, ...)
  if code == INCORRECT_HANDLE_STATE then return fault_of_state(what, state, ...) end
  local f = explain[what]
  if f then return f(code, state, ...) end
  local handle, name, value = ...
  if name == what then return fault_of_option(code, handle, name, value) end
end

fault.quote = quote

return fault
