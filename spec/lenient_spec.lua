-- Responses that RFC 9112 lets a recipient take, though none should be sent:
-- each has one reading, wherever its bytes are cut.

local hinternet = require "hinternet"
local peer = require "spec.support.peer"

local function text(...) return table.concat({ ... }, "\r\n") end

describe("A response", function()
  local p = peer.new():for_tests()

  -- check(request) judges the same answer cut at each of its bytes, all of them
  -- on one connection.
  local function at_every_cut(bytes, check)
    local steps = {}
    for cut = 1, #bytes - 1 do
      steps[#steps + 1] = { "recv_head" }
      steps[#steps + 1] = { "send", bytes:sub(1, cut) }
      steps[#steps + 1] = { "stall", 0.0005 }
      steps[#steps + 1] = { "send", bytes:sub(cut + 1) }
    end
    local server = p:script(table.unpack(steps))
    local session <close> = hinternet.open()
    local connection = session:connect("127.0.0.1", server.port)
    for _ = 1, #bytes - 1 do
      local request <close> = connection:open_request()
      assert(request:send())
      assert(request:receive_response())
      check(request)
    end
    assert.equal(1, session:query_option("connections_opened"))
    server:close()
  end

  it("whose values go on in the next line has one blank there", function()
    at_every_cut(text("HTTP/1.1 103 Early Hints", "Link: </a>;", " rel=preload", "",
      "HTTP/1.1 200 OK", "One: 1 \t", " \t one", "Two:", "\t2", " ", "\t two", "Three: 3",
      "Transfer-Encoding: chunked", "", "3", "abc", "0", "Note: a,", "  b", "", ""),
      function(request)
        local headers = request:headers()
        assert.same({ "1 one", "2 two", "3", nil, 4 },
          { headers.one, headers.two, headers.three, headers.note, #headers })
        assert.equal("1 one", request:query_headers("one"))
        assert.equal(text("HTTP/1.1 200 OK", "One: 1 one", "Two: 2 two", "Three: 3",
          "Transfer-Encoding: chunked", "", ""), request:query_headers("raw_headers_crlf"))
        assert.equal("abc", request:read("a"))
        assert.equal("a, b", request:query_headers("note", { trailer = true }))
      end)
  end)

  it("may have several blanks in its status line, and some behind a chunk's size", function()
    at_every_cut(text("HTTP/1.1  203   Very OK ", "Transfer-Encoding: chunked", "",
      "2 ", "he", "3\t ", "llo", "0 ", "", ""), function(request)
        assert.equal(203, request:query_headers("status_code"))
        assert.equal("Very OK", request:query_headers("status_text"))
        assert.equal("hello", request:read("a"))
      end)
  end)

  it("may have zero bytes behind a compressed body", function()
    local zlib = "\x78\x9c\xcb\x48\xcd\xc9\xc9\x07\x00\x06\x2c\x02\x15"
    local gzip = "\x1f\x8b\x08\0\0\0\0\0\0\x03\xcb\x48\xcd\xc9\xc9\x07\0\x86\xa6\x10\x36\x05\0\0\0"
    for coding, body in pairs { gzip = gzip, deflate = zlib } do
      at_every_cut(text("HTTP/1.1 200 OK", "Content-Encoding: " .. coding,
        "Content-Length: " .. #body + 9, "", body .. ("\0"):rep(9)), function(request)
          assert.equal("hello", request:read("a"))
        end)
    end
  end)
end)
