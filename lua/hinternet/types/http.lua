---@meta hinternet.http

---The one-call layer: what `hinternet` and its sessions do besides handles.

---@class hinternet
local hinternet = {}

---@class hinternet.session
local session = {}

---@class hinternet.request_options
---@field headers? hinternet.header_input
---@field query? string|table<string, any>|[string, any][] appended, percent-encoded; a list as a value repeats its name, `true` is a name alone
---@field body? string
---@field timeout? hinternet.seconds for each phase
---@field stream? boolean leave the body to be read from the response

---@class hinternet.response
---@field status integer
---@field reason string
---@field version string "HTTP/1.1"
---@field headers hinternet.headers
---@field raw_headers string
---@field url string without fragment
---@field body string? nil for a streamed response
local response = {}

---Reads from the body like `request:read`; a streamed response is closed at its
---end.
---@param n? integer|"a"
---@param mode? "fill"
---@return string? data
---@return string? message
---@return integer? code
function response:read(n, mode) end

---@param n? integer
---@return fun(): string?
function response:chunks(n) end

---@param limit? integer
---@return fun(): string?
function response:lines(limit) end

---Closes what a streamed response holds; also by `<close>` or collection.
---@return true? ok
---@return string? message
---@return integer? code
function response:close() end

---The module's own session: sync, opened on first use.
---@return hinternet.session? session
---@return string? message
---@return integer? code
function hinternet.session() end

---One request over the module's session. Credentials in the URL are error 12005.
---@param method string sent as given
---@param url string
---@param options? hinternet.request_options unknown ones raise
---@return hinternet.response? response
---@return string? message
---@return integer? code
function hinternet.request(method, url, options) end

---@param url string
---@param options? hinternet.request_options
---@return hinternet.response? response
---@return string? message
---@return integer? code
function hinternet.get(url, options) end

---@param url string
---@param options? hinternet.request_options
---@return hinternet.response? response
---@return string? message
---@return integer? code
function hinternet.head(url, options) end

---@param url string
---@param options? hinternet.request_options
---@return hinternet.response? response
---@return string? message
---@return integer? code
function hinternet.post(url, options) end

---@param url string
---@param options? hinternet.request_options
---@return hinternet.response? response
---@return string? message
---@return integer? code
function hinternet.put(url, options) end

---@param url string
---@param options? hinternet.request_options
---@return hinternet.response? response
---@return string? message
---@return integer? code
function hinternet.patch(url, options) end

---@param url string
---@param options? hinternet.request_options
---@return hinternet.response? response
---@return string? message
---@return integer? code
function hinternet.delete(url, options) end

---`hinternet.request` over this session.
---@param method string
---@param url string
---@param options? hinternet.request_options
---@return hinternet.response? response
---@return string? message
---@return integer? code
function session:request(method, url, options) end

---@param url string
---@param options? hinternet.request_options
---@return hinternet.response? response
---@return string? message
---@return integer? code
function session:get(url, options) end

---@param url string
---@param options? hinternet.request_options
---@return hinternet.response? response
---@return string? message
---@return integer? code
function session:head(url, options) end

---@param url string
---@param options? hinternet.request_options
---@return hinternet.response? response
---@return string? message
---@return integer? code
function session:post(url, options) end

---@param url string
---@param options? hinternet.request_options
---@return hinternet.response? response
---@return string? message
---@return integer? code
function session:put(url, options) end

---@param url string
---@param options? hinternet.request_options
---@return hinternet.response? response
---@return string? message
---@return integer? code
function session:patch(url, options) end

---@param url string
---@param options? hinternet.request_options
---@return hinternet.response? response
---@return string? message
---@return integer? code
function session:delete(url, options) end
