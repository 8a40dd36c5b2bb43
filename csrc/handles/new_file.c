#include <string.h>

#include "../hinternet_file.h"
#include "../net/replace.h"
#include "policy.h"

struct hn_new_file {
  struct hn_replace replace;
};

/* The words, a path's control characters among them, as errors show them. */
static int new_file_fail(int code, const char *words, char *text, size_t size) {
  struct hn_errinfo info;
  if (size == 0) return code;
  (void)err_set(&info, code, HN_PHASE_NONE, "", *words ? words : NULL);
  struct hn_slice all = slice_sub(slice_of(info.text), 0, size - 1);
  memcpy(text, all.p, all.n);
  text[all.n] = '\0';
  return code;
}

static int new_file_begin(struct hn_slice path, struct hn_replace *out,
                          char *words) {
  struct hn_buf whole;
  buf_init(&whole, HN_MAX_URL);
  int rc = file_append_absolute(path, &whole);
  if (rc == 0) rc = buf_append_char(&whole, '\0');
  if (rc == 0) rc = replace_begin(buf_peek(&whole).p, out, words);
  buf_fini(&whole);
  return rc == HN_ERR_READ_FAULT || rc == HN_ERR_INSUFFICIENT_BUFFER
             ? HN_ERR_WRITE_FAULT
             : rc;
}

int hn_new_file_open(hn_runtime *rt, struct hn_slice path,
                     struct hn_new_file **out, char *text, size_t size) {
  char words[HN_MAX_ERROR_TEXT] = "";
  int rc = policy_check_file(rt);
  if (rc)
    return new_file_fail(
        rc, "access denied: files are not allowed (host policy)", text, size);
  if (path.n == 0 || slice_find(path, 0, '\0') < path.n)
    return new_file_fail(HN_ERR_INVALID_PARAMETER, words, text, size);
  struct hn_new_file *f = mem_calloc(1, sizeof *f);
  rc = f ? new_file_begin(path, &f->replace, words) : HN_ERR_NOT_ENOUGH_MEMORY;
  if (rc) {
    mem_free(f);
    return new_file_fail(rc, words, text, size);
  }
  *out = f;
  return 0;
}

int hn_new_file_descriptor(const struct hn_new_file *f) {
  return f->replace.fd;
}

int hn_new_file_keep(struct hn_new_file *f, char *text, size_t size) {
  char words[HN_MAX_ERROR_TEXT] = "";
  int rc = replace_finish(&f->replace, words);
  mem_free(f);
  return rc ? new_file_fail(rc, words, text, size) : 0;
}

void hn_new_file_drop(struct hn_new_file *f) {
  if (!f) return;
  replace_drop(&f->replace);
  mem_free(f);
}

int hn_flush_stream(FILE *stream) {
  return file_flush(stream);
}
