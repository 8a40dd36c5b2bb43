---@meta hinternet

---hinternet: the WinHTTP handle model for Lua 5.4.
---
---Conventions:
--- * A call that fails returns `nil, message, code`; the codes are WinHTTP's and
---   Win32's numbers (`hinternet.errors`). Actions return `true`.
--- * Wrong argument types, unknown option names and wrong kinds of handle raise.
--- * A method of a closed handle returns `nil, "invalid handle …", 6`.
--- * Times are seconds as numbers; `false` means no limit; 0 or less is error 87.
--- * Indexes count from 1. Header values are raw bytes, everything else UTF-8.
---@class hinternet
---@field version string version of the module
---@field errors hinternet.errors
---@field features hinternet.features
local hinternet = {}

---Names and numbers of the errors: `errors.timeout == 12002`,
---`errors[12002] == "timeout"`.
---@class hinternet.errors
---@field access_denied 5
---@field invalid_handle 6 a closed handle
---@field not_enough_memory 8
---@field write_fault 29 the file of `read_to` cannot be written
---@field read_fault 30 the file of `write_from` cannot be read
---@field not_supported 50
---@field invalid_parameter 87
---@field insufficient_buffer 122 a limit on a body was reached
---@field invalid_operation 4317
---@field timeout 12002
---@field internal_error 12004
---@field invalid_url 12005
---@field unrecognized_scheme 12006 neither http nor https
---@field name_not_resolved 12007
---@field invalid_option 12009 an option that is not supported
---@field option_not_settable 12011
---@field shutdown 12012
---@field login_failure 12015
---@field operation_cancelled 12017 closed, or its wait was broken off
---@field incorrect_handle_type 12018 an option on the wrong level
---@field incorrect_handle_state 12019 a call out of order, or while another runs
---@field cannot_connect 12029
---@field connection_error 12030 the connection broke
---@field resend_request 12032 a redirect needs a body again that came by write
---@field secure_cert_date_invalid 12037
---@field secure_cert_cn_invalid 12038
---@field client_auth_cert_needed 12044
---@field secure_invalid_ca 12045
---@field secure_cert_rev_failed 12057
---@field header_not_found 12150
---@field invalid_server_response 12152
---@field invalid_header 12153
---@field header_already_exists 12155
---@field redirect_failed 12156 too many, from https to http, or to nowhere
---@field secure_channel_error 12157
---@field secure_invalid_cert 12169
---@field secure_cert_revoked 12170
---@field secure_failure 12175 the certificate was refused
---@field secure_cert_wrong_usage 12179
---@field header_count_exceeded 12181
---@field header_size_overflow 12182
---@field chunked_encoding_header_size_overflow 12183
---@field response_drain_overflow 12184
---@field feature_disabled 12192
---@field [integer] string

---What this build can do.
---@class hinternet.features
---@field reactor "epoll"|"poll"
---@field gzip boolean
---@field deflate boolean
---@field brotli boolean
---@field http2 boolean
---@field idn boolean
---@field negotiate boolean
---@field psl boolean
---@field zstd boolean

-- ------------------------------------------------------------------ options

---@alias hinternet.seconds number|false any positive number; false and math.huge: no limit

---Opens a session (WinHttpOpen). Unknown options raise.
---@param options? hinternet.open_options
---@return hinternet.session? session
---@return string? message
---@return integer? code
function hinternet.open(options) end

---The kind of a handle, with "closed " before it once it is closed; nil for
---anything else.
---@param value any
---@return "session"|"connection"|"request"|"closed session"|"closed connection"|"closed request"|nil
function hinternet.type(value) end

-- -------------------------------------------------------------- URLs, dates

---@alias hinternet.url_flag
---| "escape" # ICU_ESCAPE: escape path and extra
---| "decode" # ICU_DECODE: undo percent-encoding
---| "reject_userpwd" # ICU_REJECT_USERPWD: credentials are error 12005
---| "include_default_port" # ICU_INCLUDE_DEFAULT_PORT

---A list of names, or a map from name to boolean.
---@alias hinternet.url_flags hinternet.url_flag[]|table<hinternet.url_flag, boolean>

---@class hinternet.url_parts
---@field scheme? string "http" or "https", in lower case
---@field user? string absent when the URL names none
---@field password? string
---@field host? string IPv6 addresses without brackets
---@field port? integer the scheme's default when the URL names none
---@field path? string "" when the URL has none
---@field extra? string "?query", "#fragment", both, or ""

---Takes a URL apart (WinHttpCrackUrl). Errors: 12005, 12006, 87.
---@param url string
---@param flags? hinternet.url_flags
---@return hinternet.url_parts? parts
---@return string? message
---@return integer? code
function hinternet.crack_url(url, flags) end

---Puts a URL together (WinHttpCreateUrl). Error: 87.
---@param parts hinternet.url_parts
---@param flags? hinternet.url_flags
---@return string? url
---@return string? message
---@return integer? code
function hinternet.create_url(parts, flags) end

---Resolves a reference against a base URL (RFC 3986 5.2).
---@param base string
---@param reference string
---@return string? url
---@return string? message
---@return integer? code
function hinternet.resolve_url(base, reference) end

---A date as headers have it (WinHttpTimeFromSystemTime):
---"Mon, 28 Jul 2008 10:05:52 GMT".
---@param seconds? number since 1970 UTC; now when absent
---@return string? date
---@return string? message
---@return integer? code
function hinternet.format_date(seconds) end

---Reads a date in any of HTTP's three forms, whatever separates its parts, with
---or without weekday and zone (WinHttpTimeToSystemTime).
---@param text string
---@return integer? seconds since 1970 UTC
---@return string? message
---@return integer? code
function hinternet.parse_date(text) end

-- ------------------------------------------------------------ notifications

---Statuses a callback hears (WINHTTP_CALLBACK_STATUS_*), with what `info` is.
---A sync session's callbacks hear no completions (from headers_available on).
---What one marked * announces waits until the callback has returned, and does not
---come about if that closes, cancels or raises.
---@alias hinternet.status
---| "resolving_name" # * string: the name that is looked up
---| "name_resolved" # * string: IP address
---| "connecting_to_server" # * string: IP address
---| "connected_to_server" # * string: IP address
---| "sending_request" # * nil
---| "request_sent" # integer: bytes
---| "receiving_response" # nil
---| "response_received" # integer: bytes
---| "closing_connection" # nil
---| "connection_closed" # nil
---| "handle_created" # handle: the new one; heard by the session for a connection, by the request itself for a request
---| "handle_closing" # handle: the closed one; its last notification
---| "redirect" # * string: the new URL
---| "intermediate_response" # * integer: 1xx status
---| "secure_failure" # integer: bits of what is wrong with the certificate
---| "headers_available" # nil
---| "data_available" # integer: bytes, 0 at the end
---| "read_complete" # string: the bytes, nil at the end; integer after read_to
---| "write_complete" # integer: bytes
---| "request_error" # hinternet.request_error
---| "sendrequest_complete" # nil

---Names for several statuses at once (WINHTTP_CALLBACK_FLAG_*).
---@alias hinternet.status_group
---| "resolve_name"
---| "connect_to_server"
---| "send_request"
---| "receive_response"
---| "close_connection"
---| "handles"
---| "all_completions"
---| "all_notifications"

---@class hinternet.request_error
---@field operation "send"|"write"|"receive_response"|"query_data_available"|"read"
---@field code integer
---@field message string
---@field phase? "resolve"|"acquire"|"connect"|"secure"|"send"|"response"|"receive"
---@field host? string "example.org:443"

---@alias hinternet.callback fun(handle: hinternet.handle, status: hinternet.status, info: any)

-- ------------------------------------------------------------------ handles

---@class hinternet.timeouts
---@field resolve? hinternet.seconds
---@field connect? hinternet.seconds
---@field send? hinternet.seconds
---@field receive? hinternet.seconds
---@field response? hinternet.seconds the whole response head

---What every handle can do. Handles may stand in `<close>` variables.
---@class hinternet.handle
local handle = {}

---Closes the handle and everything below it (WinHttpCloseHandle). Operations
---still running end with 12017. In a sync session, and for a session itself,
---all notifications that are left are delivered before it returns; then the
---first error a callback raised is raised.
---@return true? ok
---@return string? message
---@return integer? code
function handle:close() end

---The same as close for sessions, connections and requests.
---@return true? ok
---@return string? message
---@return integer? code
function handle:abort() end

---@return boolean open
function handle:is_valid() end

---The handle this one was made from; nil for a session.
---@return hinternet.handle? parent
---@return string? message
---@return integer? code
function handle:parent() end

---Sets an option (WinHttpSetOption). A value with names may be given by its
---name, flags by a list of names. Unknown names and wrong types raise.
---Errors: 6, 87, 12009, 12011, 12018, 12019.
---@param name hinternet.option
---@param value? any none for an option of type none
---@return true? ok
---@return string? message
---@return integer? code
function handle:set_option(name, value) end

---Asks for an option (WinHttpQueryOption). Errors: 6, 87, 12018, 12019.
---@param name hinternet.option
---@return any value
---@return string? message
---@return integer? code
function handle:query_option(name) end

---Sets several timeouts (WinHttpSetTimeouts); all are judged before one is set.
---@param timeouts hinternet.timeouts
---@return true? ok
---@return string? message
---@return integer? code
function handle:set_timeouts(timeouts) end

---Sets who hears of this handle and of children made later
---(WinHttpSetStatusCallback); nil: nobody. Without a list, all statuses.
---@param callback hinternet.callback?
---@param statuses? (hinternet.status|hinternet.status_group)[]
---@return true? ok
---@return string? message
---@return integer? code
function handle:set_status_callback(callback, statuses) end

---@class hinternet.session: hinternet.handle
local session = {}

---Remembers a host and a port (WinHttpConnect); no network use.
---@param host string name or IP address
---@param port? integer absent or 0: 80, or 443 for secure requests
---@return hinternet.connection? connection
---@return string? message
---@return integer? code
function session:connect(host, port) end

---@class hinternet.connection: hinternet.handle
local connection = {}

---@class hinternet.open_request_options
---@field secure? boolean https (WINHTTP_FLAG_SECURE)
---@field version? "HTTP/1.1"|"HTTP/1.0"
---@field referrer? string Referer field
---@field accept? string|string[] Accept field
---@field escape_percent? boolean escape "%" too (WINHTTP_FLAG_ESCAPE_PERCENT)
---@field escape_disable? boolean escape blanks and bytes from 0x80 only
---@field escape_disable_query? boolean the same for the query
---@field refresh? boolean ask caches to revalidate (WINHTTP_FLAG_REFRESH)

---Makes a request (WinHttpOpenRequest); no network use. Error: 87.
---@param method? string "GET" when absent; sent as given
---@param path? string path and query, "/" when absent; "*" for OPTIONS
---@param options? hinternet.open_request_options
---@return hinternet.request? request
---@return string? message
---@return integer? code
function connection:open_request(method, path, options) end

-- ------------------------------------------------------------------ request

---@class hinternet.request: hinternet.handle
local request = {}

---Text of lines ended by CRLF, a map, or a list of {name, value} pairs.
---@alias hinternet.header_input string|table<string, string|number>|[string, string|number][]

---@alias hinternet.add_mode
---| "add" # as one more field (default)
---| "add_if_new" # error 12155 when it is there
---| "replace" # error 12150 when it is not; an empty value removes it
---| "add_or_replace"
---| "set" # the same as add_or_replace
---| "coalesce" # appended with ", "
---| "coalesce_with_comma" # the same as coalesce
---| "coalesce_with_semicolon" # appended with "; "

---Adds fields to the request (WinHttpAddRequestHeaders), all or none. CR, LF or
---NUL in a value, and a bare CR or LF in text, is error 87. Errors: 6, 87,
---12019, 12150, 12155.
---@param headers hinternet.header_input
---@param mode? hinternet.add_mode
---@return true? ok
---@return string? message
---@return integer? code
function request:add_headers(headers, mode) end

---Sends the head and the body given here (WinHttpSendRequest). `headers` go in
---as add_or_replace. With `Expect: 100-continue` the body waits for 100, another
---answer, or a second. `total_length` is the length of the whole body when more
---comes by `write`; "chunked" when it is not known.
---@param headers? hinternet.header_input
---@param body? string
---@param total_length? integer|"chunked"
---@return true? ok
---@return string? message
---@return integer? code
function request:send(headers, body, total_length) end

---Sends more of the body (WinHttpWriteData). Error 87 beyond the length.
---@param data string
---@return integer? bytes
---@return string? message
---@return integer? code
function request:write(data) end

---Sends from a file: up to n bytes, or to its end. The file's position is right
---afterwards.
---@param file file*|integer a Lua file or a file descriptor
---@param n? integer
---@return integer? bytes
---@return string? message
---@return integer? code
function request:write_from(file, n) end

---Ends the body and waits for the response's head (WinHttpReceiveResponse), of
---the last hop when there are redirects. Errors: 12032 (a redirect needs the
---body again that came by write: the next send goes on there), 12156.
---@return true? ok
---@return string? message
---@return integer? code
function request:receive_response() end

---@class hinternet.query_options
---@field index? integer which of several equal fields, from 1
---@field request? boolean look at the request's fields
---@field trailer? boolean look at the trailers

---Asks for one header (WinHttpQueryHeaders): an info level in lower case, or the
---name of a field. "status_code" and "content_length" are integers; further
---levels of their own are "status_text", "version", "raw_headers" (lines ended
---by NUL), "raw_headers_crlf" and "request_method". Errors: 6, 12019, 12150.
---@param what string
---@param options? hinternet.query_options
---@return string|integer|nil value
---@return string? message
---@return integer? code
function request:query_headers(what, options) end

---A copy of all headers that outlives the request.
---@param options? hinternet.query_options request or trailer
---@return hinternet.headers? headers
---@return string? message
---@return integer? code
function request:headers(options) end

---Waits for the body (WinHttpQueryDataAvailable).
---@return integer? bytes what a read gets without waiting; 0 at the end
---@return string? message
---@return integer? code
function request:query_data_available() end

---Reads from the body (WinHttpReadData, ReadDataEx). `read(n)` returns as soon
---as it has 1 to n bytes (64 KiB without n), `read(n, "fill")` waits for n,
---`read("a")` is the rest, at most max_response_body (else 122). The end is a
---single nil.
---@param n? integer|"a"
---@param mode? "fill"
---@return string? data nil alone at the end
---@return string? message
---@return integer? code
function request:read(n, mode) end

---Copies the body to a file: up to n bytes, or all of it.
---@param file file*|integer a Lua file or a file descriptor
---@param n? integer
---@return integer? bytes 0 at the end
---@return string? message
---@return integer? code
function request:read_to(file, n) end

---Iterates over the body in pieces of 1 to n bytes (64 KiB without n). Raises
---the message of a failure.
---@param n? integer
---@return fun(): string?
function request:chunks(n) end

---Iterates over the lines of the body, without their ends. Raises the message of
---a failure, and for a line longer than `limit` bytes (16 MiB without it).
---@param limit? integer
---@return fun(): string?
function request:lines(limit) end

-- ------------------------------------------------------------------ headers

---The fields of a head. `headers["content-type"]` joins the values of repeated
---fields with ", "; `#headers` counts fields; `pairs(headers)` goes through them
---in order; `tostring(headers)` is the text. A field whose name is that of a
---method is there through `get`.
---@class hinternet.headers
---@field [string] string?
local headers = {}

---The index-th value (the first without it) of a field.
---@param name string in any case
---@param index? integer
---@return string?
function headers:get(name, index) end

---All values of a field, in order.
---@param name string
---@return string[]
function headers:all(name) end

return hinternet
