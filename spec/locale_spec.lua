-- A program's locale: decimal commas, letters beyond ASCII, an "I" that is no
-- "i". None of it reaches a server.

local peer = require "spec.support.peer"
local process = require "spec.support.process"

local places = { -- name, source, character map, what it is chosen for
  { "hn_german", "de_DE", "ISO-8859-1", "assert(tostring(0.5) == '0,5' and ('\\xE4'):find '%w')" },
  { "hn_turkish", "tr_TR", "ISO-8859-9", "assert(('I'):lower() ~= 'i' and ('i'):upper() ~= 'I')" },
  { "hn_pashto", "ps_AF", "UTF-8", "assert(#tostring(0.5) == 4)" },
}

describe("A locale", function()
  local p, folder = peer.new():for_tests(), nil
  setup(function()
    folder = process.temp_folder()
    for _, place in ipairs(places) do
      process.run(("localedef -c -i %s -f %s %s/%s || test -d %s/%s"):format(place[2], place[3],
        folder, place[1], folder, place[1]))
    end
  end)
  teardown(function() process.remove_folder(folder) end)

  -- Runs a script in a place's locale with `url` of a server that echoes; all
  -- that the server has received.
  local function heard(place, script)
    local s = p:echo()
    local file <close> = assert(io.open(folder .. "/script.lua", "w"))
    assert(file:write(("assert(os.setlocale '%s')\n%s\nlocal url = '%s'\n"):format(place[1],
      place[4], s.url), script))
    assert(file:close())
    process.run(("LOCPATH=%s LC_ALL= %s %s/script.lua"):format(folder, process.interpreter(),
      folder))
    local text = table.concat(s:received())
    s:close()
    return text
  end

  for _, place in ipairs(places) do
    it("as the " .. place[2] .. " one leaves numbers and letters as they are everywhere", function()
      local text = heard(place, [[
        local http = require "hinternet"
        local session <close> = http.open()
        assert(session:request("options", url .. "/q", {
          query = { a = 40.5, ["\xE4I"] = { -1e300, "\xE4" }, [2.5] = 1 },
          headers = { ["X-One"] = 1.25, ["X-Two"] = 3 },
        }))
        assert(session:post(url .. "/\xE4", { form = { a = 0.001, i = "I\xFD" } }))
        local wiki = url:gsub("127.0.0.1", "WIKI.test")
        local r = assert(session:get(wiki, { resolve_to = "127.0.0.1" }))
        assert(r.url == url:gsub("127.0.0.1", "wiki.test") .. "/")
        local request <close> = session:connect("127.0.0.1", tonumber(url:match("%d+$")))
          :open_request("POST", 1.5)
        assert(request:add_headers({ { "X-Three", 1 / 3 } }))
        assert(session:set_option("user_agent", 2.5))
        assert(request:send({ ["X-Four"] = 4.5 }, nil, 7))
        assert(request:write(1e100) and request:write(7))
        assert(request:receive_response())
      ]])
      assert.matches("^OPTIONS /q%?2%.5=1&a=40%.5&%%E4I=%-1e%%2B300&%%E4I=%%E4 HTTP/1.1\r\n", text)
      for _, part in ipairs {
        "\r\nX-One: 1.25\r\n", "\r\nX-Two: 3\r\n", "POST /%E4 HTTP/1.1\r\n", "a=0.001&i=I%FD",
        "POST /1.5 HTTP/1.1\r\n", "\r\nX-Three: 0.33333333333333\r\n", "\r\nX-Four: 4.5\r\n",
        "\r\nUser-Agent: 2.5\r\n", "\r\nContent-Length: 7\r\n\r\n1e+1007", "\r\nHost: wiki.test:",
      } do
        assert.is_truthy(text:find(part, 1, true), part .. " in " .. text)
      end
    end)
  end
end)
