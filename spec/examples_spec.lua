-- Each program of examples/ runs as a process of its own, as a reader would
-- start it, against the scripted peer.

local certs = require "spec.support.certs"
local hinternet = require "hinternet"
local peer = require "spec.support.peer"
local process = require "spec.support.process"
local socket = require "socket"

describe("the examples", function()
  local servers, authority = peer.new():for_tests(), certs.new():for_tests()
  local pollable
  local ran = {}

  setup(function() pollable = hinternet.pollable() end) -- its descriptors stay

  -- Output of a program that must succeed, or of one that must fail with 1.
  local function run(name, ...)
    local words = { "timeout 60 env", process.interpreter(), "examples/" .. name }
    for _, word in ipairs { ... } do words[#words + 1] = process.quote(word) end
    ran[name] = true
    return process.run(table.concat(words, " "))
  end

  local function run_failing(name, ...)
    local ok, text = pcall(run, name, ...)
    assert.is_false(ok)
    assert.is_truthy(text:find("ended with 1:", 1, true), text)
    return text
  end

  local function contains(text, ...)
    for _, part in ipairs { ... } do
      assert.is_truthy(text:find(part, 1, true), part .. " is not in:\n" .. text)
    end
  end

  local function page(body)
    return servers:keepalive(body, "Content-Type: text/plain\r\nServer: peer\r\n"
      .. "Set-Cookie: a=1\r\nSet-Cookie: b=2\r\nDate: Mon, 28 Jul 2008 10:05:52 GMT\r\n")
  end

  it("get.lua prints status, type and body of a page", function()
    contains(run("get.lua", page("hello, reader").url .. "/a?b=c#d"),
      "HTTP/1.1\t200\tOK", "type\ttext/plain", "length\t13", "hello, reader")
  end)

  it("get.lua says what failed and ends with status 1", function()
    local port = servers:closed_port()
    contains(run_failing("get.lua", ("http://127.0.0.1:%d/"):format(port)),
      ("cannot connect (connection refused) while connecting to 127.0.0.1:%d (12029)"):format(
        port))
  end)

  it("level1.lua does the same through session, connection and request", function()
    local server = servers:answer("HTTP/1.1 200 OK\r\nContent-Length: 13\r\n\r\nhello, reader")
    contains(run("level1.lua", server.url .. "/a?b=c#d"), "200\tOK", "bytes\t13",
      "GET " .. server.url .. "/a?b=c, received")
    contains(server:received()[1], "GET /a?b=c HTTP/1.1\r\n", "User-Agent: level1/1.0\r\n",
      "Accept: text/html, text/plain\r\n")
  end)

  it("tasks.lua fetches pages side by side", function()
    local url = page("hello, reader").url .. "/"
    local refused = ("http://127.0.0.1:%d/"):format(servers:closed_port())
    contains(run("tasks.lua", url, refused, url), url .. "\t200\t13 bytes",
      refused .. "\tfailed\tcannot connect", "turns of the loop meanwhile")
  end)

  it("callbacks.lua hears of each completion", function()
    contains(run("callbacks.lua", page("hello, reader").url .. "/a?b"), "status\t200",
      "bytes\t13")
    contains(run("callbacks.lua", ("http://127.0.0.1:%d/"):format(servers:closed_port())),
      "send failed\tcannot connect (connection refused)", "12029")
  end)

  it("headers.lua asks with HEAD and lists what it is told", function()
    local server = servers:answer("HTTP/1.1 200 OK\r\nContent-Length: 9\r\nServer: peer\r\n"
      .. "Set-Cookie: a=1\r\nSet-Cookie: b=2\r\nDate: Mon, 28 Jul 2008 10:05:52 GMT\r\n\r\n")
    contains(run("headers.lua", server.url), "Content-Length: 9", "server\tpeer",
      "cookie 1\ta=1", "cookie 2\tb=2", "seconds since 1970\t1217239552")
    contains(server:received()[1], "HEAD / HTTP/1.1\r\n")
  end)

  it("download.lua copies a body to a file and shows how far it is", function()
    local path = authority.folder .. "/saved"
    local body = ("0123456789abcdef"):rep(160000)
    local output = run("download.lua", page(body).url .. "/large", path)
    contains(output, "1048576 bytes, 40%", "2560000 bytes, 100%", "saved\t" .. path)
    local file <close> = assert(io.open(path, "rb"))
    assert.is_true(file:read("a") == body)
  end)

  it("post.lua sends a file in chunks", function()
    local path = authority.folder .. "/sent"
    local file = assert(io.open(path, "wb"))
    file:write("first line\nlast line\n")
    file:close()
    contains(run("post.lua", servers:echo().url .. "/upload", path), "sent\t21",
      "status\t200", "POST /upload HTTP/1.1\n", "Transfer-Encoding: chunked\n",
      "\n-- uploaded by post.lua\nfirst line\nlast line\n")
  end)

  it("notifications.lua shows that a second request connects no more", function()
    local output = run("notifications.lua", page("hello").url)
    local first, second = output:match("^(.-)(round 1\t.*)$")
    contains(first, "request    connecting_to_server   127.0.0.1",
      "request    connected_to_server    127.0.0.1")
    contains(second, "sending_request", "response_received", "round 2\t5 bytes")
    assert.is_falsy(second:find("connecting_to_server", 1, true))
  end)

  for name, path in pairs {
    ["luv.lua"] = "", ["cqueues.lua"] = "", ["copas.lua"] = ";/usr/share/lua/5.1/?.lua",
  } do
    it(name .. " fetches pages at once in that loop, which goes on", function()
      local one, other = page("hello"), servers:script({ "recv_head" }, { "stall", 0.2 },
        { "send", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello" })
      local package_path = package.path
      package.path = package.path .. path
      local output = (pollable and run or run_failing)(name, one.url, other.url, other.url)
      package.path = package_path
      if not pollable then return contains(output, "not supported") end
      contains(output, one.url .. "\t5 bytes\n" .. other.url .. "\t5 bytes\n" .. other.url
        .. "\t5 bytes\n")
      assert.is_true(tonumber(output:match("(%d+) %a+\n$")) > 3, output)
    end)
  end

  it("https works with the certificates that SSL_CERT_FILE names", function()
    local server = servers:serve {
      connections = { { { "keepalive", "over TLS", "" } } },
      tls = authority.good,
    }
    contains(run_failing("level1.lua", server.url), "certificate authority unknown",
      "while securing the connection to 127.0.0.1:" .. server.port)
    contains(process.run("SSL_CERT_FILE=" .. process.quote(authority.ca) .. " "
      .. process.interpreter() .. " examples/level1.lua " .. server.url),
      "200\tOK", "bytes\t8")
  end)

  describe("demo.lua", function()
    local function in_order(text, ...)
      local at = 1
      for _, part in ipairs { ... } do
        local _, stop = text:find(part, at, true)
        assert.is_truthy(stop, part .. " is not, or not here, in:\n" .. text)
        at = stop + 1
      end
    end

    local output

    it("walks through the handles and prints what each call answers", function()
      output = run("demo.lua")
      in_order(output, '> session = hinternet.open { user_agent = "demo/1.0" }',
        '> connection = session:connect("127.0.0.1", ', "~ handle_created ",
        '> request = connection:open_request("GET", "/hello")',
        "> request:send()\n    ~ resolving_name       127.0.0.1\n", "~ connected_to_server",
        "~ request_sent", "= true", "> request:receive_response()", "~ response_received",
        '= 200, "text/plain"', "| HTTP/1.1 200 OK", '= "Hello "',
        '= "from the server."', "= nil\n",
        "> request:send()\n    ~ sending_request\n", "= 1, 1\n")
    end)

    it("shows stale handles, trust, a large body, an echo and failures", function()
      in_order(output, "> session:close()\n    ~ handle_closing       request ",
        "~ handle_closing       connection ", "~ handle_closing       session ",
        '= nil, "invalid handle (request is closed)", 6',
        '= nil, "invalid handle (connection is closed)", 6', '= "closed request", false',
        "~ secure_failure       0x8", "certificate authority unknown", ", 12175",
        '= "Only for those who check."',
        "64 MiB in ", "MiB at its peak", "| Content-Length: 21",
        "| name=Ada&language=Lua", "| Transfer-Encoding: chunked", "| one, two",
        "cannot connect (connection refused) while connecting to 127.0.0.1:", ", 12029",
        "timeout while waiting for the response of 127.0.0.1:", ", 12002",
        '> answer = assert(hinternet.get("http://127.0.0.1:', '= 200, "text/plain", "http://',
        "> session:run()", '= 10, "slow"', "All ten came within ",
        "> while hinternet.poll() do end", "~ sendrequest_complete",
        "The small server has been ended.")
    end)

    it("keeps its lines within 100 columns and its server within its run", function()
      for line in output:gmatch("[^\n]+") do
        assert.is_true(#line <= 100 and not line:find("[%c\x7f]"), line)
      end
      local port = output:match("http://127%.0%.0%.1:(%d+)")
      local client = socket.tcp()
      assert.is_nil((client:connect("127.0.0.1", tonumber(port))))
      client:close()
    end)

    it("fetches a URL", function()
      local text = run("demo.lua", page("hello\nreader\27[31m").url .. "/x?y=z#end")
      in_order(text, "GET http://127.0.0.1:", "~ connected_to_server", "~ request_sent",
        "| HTTP/1.1 200 OK", "| Server: peer", "the first 17 bytes of the body",
        "| hello", "| reader.[31m", "~ handle_closing")
    end)

    it("ends with status 1 and the reason when the URL cannot be had", function()
      local port = servers:closed_port()
      contains(run_failing("demo.lua", ("http://127.0.0.1:%d/"):format(port)),
        ("failed: cannot connect (connection refused) while connecting to 127.0.0.1:%d "
          .. "(code 12029)"):format(port))
      contains(run_failing("demo.lua", "gopher://127.0.0.1/"), "unrecognized scheme", "12006")
    end)
  end)

  it("are all run above", function()
    local missing = {}
    for name in process.run("ls examples"):gmatch("%S+") do
      if name:match("%.lua$") and not ran[name] then missing[#missing + 1] = name end
    end
    assert.are.same({}, missing)
  end)
end)
