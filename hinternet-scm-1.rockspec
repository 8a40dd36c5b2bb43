rockspec_format = "3.0"
package = "hinternet"
version = "scm-1"
source = {
  url = "git+https://localhost/hinternet.git",
}
description = {
  summary = "The WinHTTP handle model for Lua on Linux",
  detailed = [[
    Sessions, connections and requests as in WinHTTP, each a Lua userdata over
    a C core on OpenSSL; safe to close in any order, secure by default.]],
  license = "MIT",
  labels = { "http", "https", "client", "network" },
}
dependencies = {
  "lua >= 5.4, < 5.6",
}
external_dependencies = {
  OPENSSL = { header = "openssl/ssl.h", library = "ssl" },
  ZLIB = { header = "zlib.h", library = "z" },
}
build = {
  type = "make",
  variables = {
    CFLAGS = "$(CFLAGS)",
    LIBFLAG = "$(LIBFLAG)",
    LUA_INCDIR = "$(LUA_INCDIR)",
    OPENSSL_DIR = "$(OPENSSL_DIR)",
    OPENSSL_INCDIR = "$(OPENSSL_INCDIR)",
    OPENSSL_LIBDIR = "$(OPENSSL_LIBDIR)",
    ZLIB_DIR = "$(ZLIB_DIR)",
    ZLIB_INCDIR = "$(ZLIB_INCDIR)",
    ZLIB_LIBDIR = "$(ZLIB_LIBDIR)",
    LUADIR = "$(LUADIR)",
    LIBDIR = "$(LIBDIR)",
  },
}
