-- What a callback of an asynchronous session may do: close anything, send
-- again, raise, in the middle of any notification.

local hinternet = require "hinternet"
local certs = require "spec.support.certs"
local peer = require "spec.support.peer"
local wait = require "spec.support.wait"

local p, made = peer.new(), certs.new()

-- Servers whose answers lead a request through every status there is.
local function serve()
  local s = {}
  s.good = p:serve { connections = { {
    { "recv_head" }, { "recv_body", 4 },
    { "send", "HTTP/1.1 103 Early Hints\r\n\r\n"
      .. "HTTP/1.1 302 Found\r\nLocation: /there\r\nContent-Length: 0\r\n\r\n" },
    { "recv_head" }, { "send", peer.response(200, {}, "hello") }, { "recv_eof" },
  } } }
  s.untrusted = p:serve { connections = { { { "recv_eof" } } },
    tls = { cert = made.untrusted.cert, key = made.untrusted.key } }
  s.stalled = p:script({ "recv_head" }, { "stall" })
  function s.close() s.good:close() s.untrusted:close() s.stalled:close() end
  return s
end

-- The next call of a request after each completion.
local following = {
  sendrequest_complete = function(request) return request:write("cd") end,
  write_complete = function(request) return request:receive_response() end,
  headers_available = function(request) return request:query_data_available() end,
  data_available = function(request)
    assert(request:set_option("expire_connection"))
    return request:read("a")
  end,
  read_complete = function(request) request:close() end,
  request_error = function(request) request:close() end,
}

-- What these announce waits until they were heard.
local announcing = {}
for _, name in ipairs { "resolving_name", "name_resolved", "connecting_to_server",
  "connected_to_server", "sending_request", "intermediate_response", "redirect" } do
  announcing[name] = true
end

-- A request on its way, what its callback heard, and how often operations were
-- started and completed.
local function begin(journey, request, ...)
  local ok = request:send(...)
  if ok then journey.started = journey.started + 1 end
  return ok
end

local function hear(journey, handle, status, info)
  journey.heard[#journey.heard + 1] = { handle = handle, status = status }
  local go_on = following[status]
  if go_on then journey.completed = journey.completed + 1 end
  if status == "read_complete" then journey.body = info end
  if status == "request_error" then journey.code = info.code end
  local also = journey.on[status]
  if also then
    journey.on[status] = nil
    if also(journey, handle, info) == "done" then return end
  end
  if go_on and handle:is_valid() and go_on(handle) then
    journey.started = journey.started + 1
  end
end

local function travel(s, kind, on)
  local journey = { heard = {}, on = on, started = 0, completed = 0 }
  journey.session = assert(hinternet.open { async = true, ca_file = made.ca })
  journey.session:set_status_callback(function(...) hear(journey, ...) end)
  local server = s[kind]
  journey.connection = assert(journey.session:connect("127.0.0.1", server.port))
  journey.request = assert(journey.connection:open_request("POST", "/",
    { secure = kind == "untrusted" }))
  assert(begin(journey, journey.request, nil, "ab", 4))
  return journey
end

-- Another session with an operation that never ends.
local function stall(s, on_closing)
  local session = assert(hinternet.open { async = true })
  session:set_status_callback(on_closing, { "request_error", "handle_closing" })
  local request = session:connect("127.0.0.1", s.stalled.port):open_request()
  assert(request:send())
  return session, request
end

-- Each handle's closing is told once, after everything else and after its
-- children's, and every operation has completed once.
local function check(journey)
  local closed = {}
  for _, item in ipairs(journey.heard) do
    assert.is_nil(closed[item.handle], item.status .. " after handle_closing")
    if item.status == "handle_closing" then
      closed[item.handle] = true
      if item.handle == journey.connection then assert.is_true(closed[journey.request]) end
      if item.handle == journey.session then assert.is_true(closed[journey.connection]) end
    end
  end
  assert.is_true(closed[journey.request] and closed[journey.connection]
    and closed[journey.session])
  assert.equal(journey.started, journey.completed)
end

local function finish(journey)
  journey.session:close()
  wait.poll_out()
  check(journey)
end

local statuses = {
  good = { "handle_created", "resolving_name", "name_resolved", "connecting_to_server",
    "connected_to_server", "sending_request", "request_sent", "sendrequest_complete",
    "write_complete", "receiving_response", "response_received", "intermediate_response",
    "redirect", "headers_available", "data_available", "closing_connection",
    "connection_closed", "read_complete", "handle_closing" },
  untrusted = { "secure_failure", "request_error" },
}

local function each_status(f)
  for _, kind in ipairs { "good", "untrusted" } do
    for _, status in ipairs(statuses[kind]) do f(kind, status) end
  end
end

describe("A callback of an async session", function()
  p:for_tests()
  made:for_tests()

  it("is led through every status by these specs", function()
    local s, seen = serve(), {}
    for kind in pairs(statuses) do
      local journey = travel(s, kind, {})
      wait.poll_out()
      for _, item in ipairs(journey.heard) do seen[item.status] = true end
      finish(journey)
    end
    for name in pairs(require("hinternet.core").statuses()) do
      assert.is_true(seen[name], name)
    end
    s.close()
  end)

  each_status(function(kind, status)
    it("may close any handle when it hears " .. status, function()
      for _, victim in ipairs { "request", "connection", "session" } do
        local s, done = serve(), false
        local journey = travel(s, kind, { [status] = function(self)
          done = true
          self[victim]:close()
          for _, other in ipairs { "request", "connection", "session" } do
            self[other .. "_valid"] = self[other]:is_valid()
          end
        end })
        wait.poll_out()
        assert.is_true(done)
        assert.is_false(journey.request_valid)
        assert.equal(victim == "request", journey.connection_valid)
        assert.equal(victim ~= "session", journey.session_valid)
        finish(journey)
        s.close()
      end
    end)

    it("may close another session when it hears " .. status, function()
      local s = serve()
      local told = {}
      local other, request = stall(s, function(handle, what)
        told[#told + 1] = hinternet.type(handle) .. " " .. what
      end)
      local journey = travel(s, kind, { [status] = function()
        other:close()
        -- The end of a session is told before close returns.
        assert.equal("closed session handle_closing", told[#told])
      end })
      wait.polling(status, function() return not journey.on[status] end)
      assert.is_false(request:is_valid())
      wait.poll_out()
      if kind == "good" then assert.equal("hello", journey.body) end
      if #told == 4 then
        assert.equal("closed request request_error", table.remove(told, 1))
      end
      assert.same({ "closed request handle_closing", "closed connection handle_closing",
        "closed session handle_closing" }, told)
      finish(journey)
      s.close()
    end)

    it("may raise when it hears " .. status, function()
      local s = serve()
      local problem = { status }
      local journey
      journey = travel(s, kind, { [status] = function(self)
        self.raised = true
        error(problem)
      end })
      while not journey.raised do
        local ok, raised = pcall(hinternet.poll, 10)
        assert.equal(journey.raised or false, not ok)
        if not ok then assert.equal(problem, raised) end
      end
      -- What it has not done is done now: nothing was lost. What was announced,
      -- and refused so, does not come about.
      local go_on = following[status]
      if go_on and go_on(journey.request) then journey.started = journey.started + 1 end
      wait.poll_out()
      if announcing[status] then
        assert.is_nil(journey.body)
        assert.equal(12017, journey.code)
      elseif kind == "good" then
        assert.equal("hello", journey.body)
      end
      assert.is_false(journey.request:is_valid())
      finish(journey)
      s.close()
    end)
  end)

  for _, status in ipairs { "sendrequest_complete", "write_complete", "headers_available",
    "data_available", "read_complete", "request_error" } do
    it("may send the same request again when it hears " .. status, function()
      local answering = { "loop", -1, {
        { "recv_head" }, { "recv_body", 4 }, { "send", peer.response(200, {}, "hello") } } }
      local closing = { "recv_head" }
      local s = p:serve { connections = {
        { status == "request_error" and closing or answering }, { answering },
      } }
      local journey = travel({ good = s }, "good", { [status] = function(self, request)
        self.body = nil
        assert.is_true(begin(self, request, nil, "ab", 4))
        return "done"
      end })
      wait.poll_out()
      assert.equal("hello", journey.body)
      assert.is_false(journey.request:is_valid())
      finish(journey)
      s:close()
    end)
  end

  it("cannot send again while an operation runs, which goes on", function()
    local answers = {}
    local s, on = serve(), {}
    for _, status in ipairs { "resolving_name", "connected_to_server", "request_sent",
      "receiving_response", "redirect" } do
      on[status] = function(_, request)
        local _, _, code = request:send()
        answers[#answers + 1] = status .. " " .. tostring(code)
      end
    end
    local journey = travel(s, "good", on)
    wait.poll_out()
    assert.equal("hello", journey.body)
    finish(journey)
    table.sort(answers)
    assert.same({ "connected_to_server 12019", "receiving_response 12019", "redirect 12019",
      "request_sent 12019", "resolving_name 12019" }, answers)
    s.close()
  end)

  it("may be replaced and taken away in the middle of what it hears", function()
    local s, heard = serve(), {}
    local journey = travel(s, "good", { connected_to_server = function(self, request)
      request:set_status_callback(function(handle, status, info)
        heard[#heard + 1] = status
        hear(self, handle, status, info)
        if status == "headers_available" then handle:set_status_callback(nil) end
      end)
    end })
    wait.poll_out()
    assert.equal("sending_request", heard[1])
    assert.equal("headers_available", heard[#heard])
    assert.is_nil(journey.body)
    -- What nobody hears has happened all the same.
    assert.is_true(journey.request:read("a"))
    journey.request:close()
    wait.poll_out()
    assert.equal("headers_available", heard[#heard])
    journey.session:close()
    s.close()
  end)

  it("may open handles, send requests and make blocking calls elsewhere", function()
    local s, plain = serve(), p:keepalive("inner")
    local sync <close> = assert(hinternet.open())
    local bodies = {}
    local on = {}
    for _, status in ipairs(statuses.good) do
      on[status] = function(self)
        local response = assert(sync:get(plain.url))
        bodies[#bodies + 1] = response.body
        if not self.session:is_valid() then return end
        assert(self.session:connect("127.0.0.1", plain.port)):close()
      end
    end
    local journey = travel(s, "good", on)
    wait.poll_out()
    assert.equal("hello", journey.body)
    assert.equal(#statuses.good, #bodies)
    finish(journey)
    plain:close()
    s.close()
  end)
end)
