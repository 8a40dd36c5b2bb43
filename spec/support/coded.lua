--- Bodies in the content codings a server may use, made by other programs than
--- the one under test.
--
--   local coded = require("spec.support.coded").make()
--   coded.plain                     -- 100,000 bytes that do not repeat soon
--   coded.gzip, coded.zlib, coded.raw           -- of coded.plain
--   coded.members                   -- gzip, in three members
--   coded.named                     -- gzip with a name, an extra field, a sum
--   coded.twice                     -- gzip of gzip
--   coded.zlib_gzip                 -- deflate first, gzip over it
--   coded.short                     -- gzip of "hello\n"
--   coded.empty                     -- gzip of ""
--   coded.bomb                      -- gzip of coded.bomb_size zero bytes
--   coded.brotli("text"), coded.zstd("text")    -- uncompressed blocks

local process = require "spec.support.process"

local coded = {}

local recipe = [==[
import gzip, struct, sys, zlib
plain = b"".join(b"%d %x\n" % (i, i * 2654435761 & 0xffffffff)
                 for i in range(10000))[:100000]
def raw(data):
    c = zlib.compressobj(9, zlib.DEFLATED, -15)
    return c.compress(data) + c.flush()
def named(data):
    return (b"\x1f\x8b\x08\x1e" + b"\0" * 6 + b"\x03\0" + b"abc" + b"name\0"
            + b"remark\0" )
def with_names(data):
    head = named(data)
    head += struct.pack("<H", zlib.crc32(head) & 0xffff)
    return head + raw(data) + struct.pack("<II", zlib.crc32(data), len(data))
out = {
    "plain": plain,
    "gzip": gzip.compress(plain),
    "zlib": zlib.compress(plain),
    "raw": raw(plain),
    "members": gzip.compress(plain[:70000]) + gzip.compress(b"")
               + gzip.compress(plain[70000:]),
    "named": with_names(plain),
    "twice": gzip.compress(gzip.compress(plain)),
    "zlib_gzip": gzip.compress(zlib.compress(plain)),
    "short": gzip.compress(b"hello\n"),
    "empty": gzip.compress(b""),
    "bomb": gzip.compress(b"\0" * 4000000),
}
for name, data in out.items():
    with open(sys.argv[1] + "/" + name, "wb") as f:
        f.write(data)
]==]

--- Makes them; 0.1 s.
---@return table
function coded.make()
  local folder = process.temp_folder()
  local script = assert(io.open(folder .. "/make.py", "w"))
  script:write(recipe)
  script:close()
  process.run(("%s -I %s/make.py %s"):format(process.program("python3"), folder, folder))
  local self = { bomb_size = 4000000, brotli = coded.brotli, zstd = coded.zstd }
  for _, name in ipairs { "plain", "gzip", "zlib", "raw", "members", "named", "twice",
                          "zlib_gzip", "short", "empty", "bomb" } do
    local file = assert(io.open(folder .. "/" .. name, "rb"))
    self[name] = file:read("a")
    file:close()
  end
  process.remove_folder(folder)
  return self
end

--- Brotli (RFC 7932 9.2): uncompressed meta-blocks, then the empty last one.
---@param text string
---@return string
function coded.brotli(text)
  local out, at = {}, 1
  local bits, count = 0, 1 -- WBITS: one bit, 0, a window of 64 KiB
  while at <= #text do
    local piece = text:sub(at, at + 65535)
    -- ISLAST 0, MNIBBLES 4, the length less one, ISUNCOMPRESSED
    bits = bits | (#piece - 1) << (count + 3) | 1 << (count + 19)
    out[#out + 1] = ("<I" .. (count + 20 + 7) // 8):pack(bits) .. piece
    bits, count, at = 0, 0, at + #piece
  end
  out[#out + 1] = string.char((bits | 3 << count) & 0xff)
  return table.concat(out)
end

--- Zstandard (RFC 8878 3.1.1): a frame of raw blocks, no checksum.
---@param text string
---@return string
function coded.zstd(text)
  local out = { "\x28\xb5\x2f\xfd\0\x30" } -- window: 64 KiB
  local at = 1
  repeat
    local piece = text:sub(at, at + 65535)
    at = at + #piece
    out[#out + 1] = ("<I3"):pack(#piece << 3 | (at > #text and 1 or 0)) .. piece
  until at > #text
  return table.concat(out)
end

return coded
