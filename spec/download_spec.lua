-- download to a name: the file is the whole body afterwards, or what it was
-- before, and nothing else is left in its folder.

local lfs = require "lfs"
local hinternet = require "hinternet"
local peer = require "spec.support.peer"
local process = require "spec.support.process"
local wait = require "spec.support.wait"

local WRITE_FAULT, INVALID_PARAMETER, BROKEN, CANCELLED = 29, 87, 12030, 12017

local large = ("0123456789"):rep(30000)
local broken = "HTTP/1.1 200 OK\r\nContent-Length: 300000\r\n\r\n" .. ("x"):rep(100000)

describe("A download to a name", function()
  local p, folder, good, bad = peer.new()
  p:for_tests()
  before_each(function()
    folder = process.temp_folder()
    good = p:keepalive(large)
    bad = p:script({ "recv_head" }, { "send", broken })
  end)
  after_each(function()
    process.remove_folder(folder)
    good:close()
    bad:close()
  end)

  local function path(name) return folder .. "/" .. name end

  local function put(name, text)
    local file <close> = assert(io.open(path(name), "wb"))
    assert(file:write(text))
    return path(name)
  end

  local function content(name)
    local file <close> = assert(io.open(path(name), "rb"))
    return file:read("a")
  end

  -- All names in the folder, sorted.
  local function names()
    local list = {}
    for name in lfs.dir(folder) do
      if name ~= "." and name ~= ".." then list[#list + 1] = name end
    end
    table.sort(list)
    return table.concat(list, " ")
  end

  local function shell(command)
    return process.run("cd " .. process.quote(folder) .. "\n" .. command)
  end

  it("makes the file, or puts a new one in its place, with its mode", function()
    assert.equal(#large, (hinternet.download(good.url, path "new")))
    assert.equal(large, content "new")
    local usual = shell("umask 22; : >usual; stat -c %a usual")
    assert.equal(usual, shell("stat -c %a new"))
    put("old", "what was there")
    shell("chmod 640 old; ln old other")
    assert.equal(#large, (hinternet.download(good.url, path "old")))
    assert.equal(large, content "old")
    assert.equal("640\n", shell("stat -c %a old"))
    assert.equal("what was there", content "other") -- not the same file any more
    assert.equal("new old other usual", names())
  end)

  local function keeps(what, download)
    it("leaves what was there when " .. what, function()
      put("old", "precious")
      download(path "old")
      assert.equal("precious", content "old")
      download(path "none")
      assert.equal("old", names())
    end)
  end

  keeps("the body breaks off", function(file)
    assert.equal(BROKEN, (select(3, hinternet.download(bad.url, file))))
  end)
  keeps("nobody answers", function(file)
    local url = "http://127.0.0.1:" .. p:closed_port()
    assert.is_nil((hinternet.download(url, file)))
  end)
  keeps("it is larger than max_body", function(file)
    assert.equal(122, (select(3, hinternet.download(good.url, file, { max_body = 10 }))))
    assert.equal(122, (select(3, hinternet.download(good.url, file, { max_body = 0 }))))
  end)
  keeps("progress ends it, or raises", function(file)
    assert.equal(CANCELLED, (select(3, hinternet.download(good.url, file, {
      progress = function() return false end }))))
    assert.is_false((pcall(hinternet.download, good.url, file, {
      progress = function() error "no" end })))
  end)
  keeps("its task is cancelled, or dropped", function(file)
    local stalled = p:script({ "recv_head" }, { "send", broken }, { "stall" })
    for _, how in ipairs { "cancel", "close" } do
      local session = assert(hinternet.open())
      local task = session:spawn(function() session:download(stalled.url, file) end)
      wait.polling("a file", function() return names():find(".hn-", 1, true) end)
      if how == "cancel" then
        task:cancel()
        hinternet.poll(0)
      end
      session:close()
      assert.is_nil(names():find(".hn-", 1, true), how)
    end
    stalled:close()
  end)
  keeps("the server answers with an error", function(file)
    local s = p:answer(peer.response(404, {}, "nothing here"))
    assert.equal(404, (select(3, hinternet.download(s.url, file))))
    s:close()
  end)

  it("leaves what was there when the disk is full", function()
    put("old", "precious")
    put("script.lua", ([[
      local hinternet = require "hinternet"
      print(hinternet.download(%q, %q))]]):format(good.url, path "old"))
    local said = shell("trap '' XFSZ; ulimit -f 8; " .. process.interpreter() .. " script.lua")
    assert.equal("nil\tcannot write the file (file too large)\t29\n", said)
    assert.equal("precious", content "old")
    assert.equal("old script.lua", names())
  end)

  it("follows links, and leaves them", function()
    assert(lfs.mkdir(path "sub"))
    put("sub/old", "precious")
    shell("ln -s sub/old relative; ln -s $PWD/relative absolute; ln -s sub/new dangling")
    assert.equal(BROKEN, (select(3, hinternet.download(bad.url, path "absolute"))))
    assert.equal("precious", content "sub/old")
    for _, name in ipairs { "relative", "absolute", "dangling" } do
      put("sub/old", "precious")
      assert.equal(#large, (hinternet.download(good.url, path(name))))
      assert.equal("link", lfs.symlinkattributes(path(name), "mode"))
      assert.equal(large, content(name))
    end
    assert.equal("new\nold\n", shell("ls -A sub"))
    shell("ln -s b a; ln -s a b")
    local accepted = good:accepted()
    local _, message, code = hinternet.download(good.url, path "a")
    assert.same({ "cannot write the file: " .. path "a" .. " (too many symbolic links)", 29 },
      { message, code })
    assert.equal(accepted, good:accepted())
  end)

  it("asks nobody where no file can be made", function()
    put("file", "precious")
    local rows = {
      { "/proc/hn/file", "^cannot write the file: no new file can be made in /proc/hn %(no such" },
      { "/proc/file", "^cannot write the file: no new file can be made in /proc %(" },
      { path "none/file", "no new file can be made in " .. path "none" .. " (no such file" },
      { path "file/file", "(not a directory)" },
      { folder, "cannot write the file: " .. folder .. " (is a directory)" },
      { path "none/", "(is a directory)" },
      { path(("x"):rep(300)), "(name too long)" },
      { ("x/"):rep(5000), "(name too long)" },
    }
    for i, row in ipairs(rows) do
      local bytes, message, code = hinternet.download(good.url, row[1])
      assert.same({ nil, WRITE_FAULT }, { bytes, code }, row[1])
      assert.is_truthy(message:find(row[2], 1, i > 2), message)
    end
    for _, name in ipairs { "", path "file" .. "\0.txt" } do
      assert.equal(INVALID_PARAMETER, (select(3, hinternet.download(good.url, name))))
    end
    assert.equal("precious", content "file")
    assert.equal(0, good:accepted())
    assert.equal("file", names())
  end)

  it("writes devices and pipes as it comes, without waiting for them, and leaves them", function()
    local bytes, message, code = hinternet.download(good.url, "/dev/full")
    assert.same({ nil, "cannot write the file (no space left on device)", WRITE_FAULT },
      { bytes, message, code })
    assert.equal("char device", lfs.attributes("/dev/full", "mode"))
    assert.equal(#large, (hinternet.download(good.url, "/dev/null")))
    shell "mkfifo fifo"
    bytes, message, code = hinternet.download(good.url, path "fifo")
    assert.is_nil(bytes)
    assert.same({ "cannot write the file: " .. path "fifo" .. " (nobody reads from it)", 29 },
      { message, code })
    local reader = assert(io.popen("exec cat " .. process.quote(path "fifo") .. " | wc -c", "r"))
    repeat
      bytes, message = hinternet.download(good.url, path "fifo")
    until bytes or not message:find("nobody reads", 1, true)
    assert.same({ #large }, { bytes, not bytes and message or nil })
    assert.equal(#large, reader:read("n"))
    reader:close()
    assert.equal("named pipe", lfs.attributes(path "fifo", "mode"))
  end)

  it("goes behind what a script has already put out to /dev/stdout", function()
    put("script.lua", ([[
      io.stdout:write "before\n"
      io.stdout:flush()
      assert(require "hinternet".download(%q, "/dev/stdout"))]]):format(good.url))
    shell(process.interpreter() .. " script.lua >out")
    assert.equal("before\n" .. large, content "out")
    assert.equal(tostring(#large + 7) .. "\n",
      (shell(process.interpreter() .. " script.lua | wc -c"):gsub(" ", "")))
    assert.equal("out script.lua", names())
  end)

  it("goes to the folder that was meant, wherever the process goes then", function()
    local here = lfs.currentdir()
    assert(lfs.mkdir(path "sub"))
    assert(lfs.chdir(folder))
    local bytes, message = hinternet.download(good.url, "file", {
      progress = function() assert(lfs.chdir "/") end })
    assert(lfs.chdir(here))
    assert.equal(#large, bytes, message)
    assert.equal(large, content "file")
    assert.equal("file sub", names())
  end)

  it("of several to one name at once is each whole", function()
    local session <close> = assert(hinternet.open())
    for _ = 1, 5 do
      session:spawn(function() assert(session:download(good.url, path "file")) end)
    end
    hinternet.run()
    assert.equal(large, content "file")
    assert.equal("file", names())
  end)
end)
