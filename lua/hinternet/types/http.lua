---@meta hinternet.http

---The one-call layer: what `hinternet` and its sessions do besides handles.

---@class hinternet
local hinternet = {}

---@class hinternet.session
local session = {}

---@class hinternet.request_options
---@field headers? hinternet.header_input
---@field query? string|table<string, any>|[string, any][] appended, percent-encoded; a list as a value repeats its name, `true` is a name alone
---@field body? string|file*|fun(): string? a text, a file from where it stands, or pieces until nil; excludes json and form
---@field json? string|table sent as application/json; a table needs json_encode or a loaded cjson, rapidjson, lunajson or dkjson
---@field json_encode? fun(value: table): string
---@field form? string|table sent as application/x-www-form-urlencoded
---@field timeout? hinternet.seconds|false for all of it, to the last byte
---@field redirects? boolean|number false: none is followed; a number: at most that many
---@field decompression? boolean false: bodies as they come
---@field max_body? number the largest body that is taken, in bytes (error 122)
---@field progress? fun(bytes: integer, total: integer?): boolean? told how far the body has come; false cancels (error 12017)
---@field history? boolean true: the response lists the redirects followed
---@field stream? boolean leave the body to be read from the response
---@field verify? boolean false: every certificate is good enough
---@field ca_file? string PEM file of trusted certificates
---@field client_cert? string PEM or PKCS#12 file of our certificate
---@field client_key? string PEM file of its key
---@field client_password? string what opens the key
---@field unix_socket? string path of a socket in place of TCP
---@field resolve_to? string addresses in place of a look-up

---@class hinternet.response
---@field status integer
---@field reason string
---@field version string "HTTP/1.1"
---@field headers hinternet.headers
---@field raw_headers string
---@field url string what was asked, escaped, without fragment; scheme and host in lower case; after redirects where it came from
---@field body string? nil for a streamed response
---@field times table<string, hinternet.seconds> the record of request_times
---@field history { status: integer, url: string }[]? with the option of that name
local response = {}

---Reads from the body like `request:read`; a streamed response is closed at its
---end. After a failure or a close it answers that again.
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

---@class hinternet.item: hinternet.request_options
---@field url string
---@field method? string "GET" when absent

---@class hinternet.all_options: hinternet.request_options options of every request that has none of that name
---@field at_once? integer requests under way at the same time; 16 when absent
---@field progress? fun(done: integer, total: integer, index: integer, result: hinternet.response|hinternet.failure): boolean? called as each is done; false gives up the rest

---@class hinternet.failure
---@field url string
---@field message string
---@field code integer

---Requests of a list, several at a time: results in the order of the list, each a
---response or a failure (which has no `status`). Waits like any call in a task;
---elsewhere everything else goes on meanwhile, as in `run`.
---@param list (string|hinternet.item)[]
---@param options? hinternet.all_options
---@return (hinternet.response|hinternet.failure)[]? results
---@return integer|string failed how many failed, or why nothing was begun
---@return integer? code
function hinternet.all(list, options) end

---As `hinternet.all`.
---@param list (string|hinternet.item)[]
---@param options? hinternet.all_options
---@return (hinternet.response|hinternet.failure)[]? results
---@return integer|string failed
---@return integer? code
function session:all(list, options) end

---The module's own session: sync, opened on first use.
---@return hinternet.session? session
---@return string? message
---@return integer? code
function hinternet.session() end

---One request over the module's session. Credentials in the URL are error 12005.
---@param method string a standard one in either case; others are sent as given
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

---Copies a body to a file. What a name stands for is replaced when the body has
---arrived whole, and stays as it is until then. An answer other than 2xx writes nothing: nil, a message,
---the status, and the response.
---@param url string
---@param file string|integer|file* a name, a descriptor, or a Lua file
---@param options? hinternet.request_options
---@return integer? bytes
---@return string|hinternet.response message_or_response
---@return integer? code
---@return hinternet.response? response
function hinternet.download(url, file, options) end

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

---`hinternet.download` over this session.
---@param url string
---@param file string|integer|file*
---@param options? hinternet.request_options
---@return integer? bytes
---@return string|hinternet.response message_or_response
---@return integer? code
---@return hinternet.response? response
function session:download(url, file, options) end
