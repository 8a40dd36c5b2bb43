/*
 * lhn_file.c: files that the Lua half opens by name, and what stdio knows of
 * the streams behind Lua's files.
 */
#include "../hinternet_file.h"
#include "lhn.h"

#ifndef __GLIBC__
#include <stdio_ext.h>
#endif

enum { LHN_FILE_WORDS = 256 };

static const char lhn_file_name[] = "hinternet.file";

struct lhn_new_file {
  struct hn_new_file *file; /* owned; NULL: ended */
};

static struct lhn_new_file *lhn_file_check(lua_State *L) {
  struct lhn_new_file *f = luaL_testudata(L, 1, lhn_file_name);
  if (!f) lhn_typeerror(L, LHN_DIRECT, 1, lhn_file_name);
  return f;
}

static int lhn_file_fail(lua_State *L, const char *words, int code) {
  lua_pushnil(L);
  lua_pushstring(L, words);
  lua_pushinteger(L, code);
  return 3;
}

/* file:keep() */
static int lhn_file_keep(lua_State *L) {
  char words[LHN_FILE_WORDS];
  struct lhn_new_file *f = lhn_file_check(L);
  struct hn_new_file *file = f->file;
  if (!file)
    return lhn_file_fail(L, "the file has ended", HN_ERR_INVALID_OPERATION);
  f->file = NULL;
  int rc = hn_new_file_keep(file, words, sizeof words);
  if (rc != 0) return lhn_file_fail(L, words, rc);
  lua_pushboolean(L, 1);
  return 1;
}

static int lhn_file_drop(lua_State *L) {
  struct lhn_new_file *f = lhn_file_check(L);
  struct hn_new_file *file = f->file;
  f->file = NULL;
  hn_new_file_drop(file);
  return 0;
}

static const luaL_Reg lhn_file_meta[] = {
    {"keep", lhn_file_keep},
    {"__gc", lhn_file_drop},
    {"__close", lhn_file_drop},
    {NULL, NULL},
};

/* Pushes the metatable. It becomes known once it is whole: there may be no
 * memory for the rest of it. */
static void lhn_file_push_meta(lua_State *L) {
  if (luaL_getmetatable(L, lhn_file_name) == LUA_TTABLE) return;
  lua_pop(L, 1);
  luaL_newlib(L, lhn_file_meta);
  lua_pushvalue(L, -1);
  lua_setfield(L, -2, "__index");
  lua_pushstring(L, lhn_file_name);
  lua_pushvalue(L, -1);
  lua_setfield(L, -3, "__name");
  lua_setfield(L, -2, "__metatable");
  lua_pushvalue(L, -1);
  lua_setfield(L, LUA_REGISTRYINDEX, lhn_file_name);
}

/* new_file(path) -> what read_to takes: it becomes the file of that name with
 * keep(), and is gone when it is closed or collected. */
static int lhn_file_new(lua_State *L) {
  char words[LHN_FILE_WORDS];
  struct hn_slice path = lhn_check_slice(L, LHN_DIRECT, 1);
  struct lhn_new_file *f = lua_newuserdatauv(L, sizeof *f, 0);
  f->file = NULL;
  lhn_file_push_meta(L);
  lua_setmetatable(L, -2);
  int rc = hn_new_file_open(lhn_runtime(L, lhn_box(L)), path, &f->file, words,
                            sizeof words);
  return rc != 0 ? lhn_file_fail(L, words, rc) : 1;
}

int lhn_file_descriptor(lua_State *L, int arg) {
  struct lhn_new_file *f = luaL_testudata(L, arg, lhn_file_name);
  return f && f->file ? hn_new_file_descriptor(f->file) : -1;
}

struct hn_slice lhn_file_ahead(FILE *stream) {
  struct hn_slice s = {NULL, 0};
#if defined(__GLIBC__)
  s.p = stream->_IO_read_ptr;
  s.n = (size_t)(stream->_IO_read_end - stream->_IO_read_ptr);
#elif defined(__linux__)
  s.p = __freadptr(stream, &s.n);
#else
  s.p = (const char *)stream->_p;
  s.n = stream->_r > 0 ? (size_t)stream->_r : 0;
#endif
  return s;
}

void lhn_file_skip(FILE *stream, size_t n) {
  char waste[512];
  while (n > 0) {
    size_t piece = n < sizeof waste ? n : sizeof waste;
    if (fread(waste, 1, piece, stream) != piece) return;
    n -= piece;
  }
}

const luaL_Reg lhn_file_functions[] = {
    {"new_file", lhn_file_new},
    {NULL, NULL},
};
