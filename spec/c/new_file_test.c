#include "test.h"

#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../../csrc/hinternet_file.h"
#include "../../csrc/hinternet_policy.h"

static char folder[] = "/tmp/hn_new_file_XXXXXX", path[64], words[256];

static void check_content(const char *text) {
  char got[64] = "";
  FILE *f = fopen(path, "r");
  if (!CHECK(f != NULL)) return;
  size_t n = fread(got, 1, sizeof got - 1, f);
  CHECK_TEXT(slice_make(got, n), text);
  fclose(f);
}

static hn_runtime *governed(unsigned allow) {
  struct hn_policy p = {.size = sizeof p, .allow = allow};
  hn_runtime *rt;
  CHECK_INT(hn_runtime_new(&rt), 0);
  CHECK_INT(hn_set_policy(rt, &p), 0);
  return rt;
}

static void make_file(void) {
  CHECK(mkdtemp(folder) != NULL);
  (void)snprintf(path, sizeof path, "%s/file", folder);
  FILE *f = fopen(path, "w");
  fputs("precious", f);
  fclose(f);
}

TEST(is_denied_by_a_policy_without_files) {
  hn_runtime *rt = governed(HN_ALLOW_HTTP | HN_ALLOW_HTTPS);
  struct hn_new_file *f = NULL;
  CHECK_INT(hn_new_file_open(rt, slice_of(path), &f, words, sizeof words),
            HN_ERR_ACCESS_DENIED);
  CHECK_TEXT(slice_of(words),
             "access denied: files are not allowed (host policy)");
  CHECK(f == NULL);
  check_content("precious");
  hn_runtime_free(rt);
}

TEST(takes_its_place_or_goes) {
  hn_runtime *rt = governed(HN_ALLOW_FILES);
  struct hn_new_file *f = NULL;
  for (int keep = 0; keep < 2; keep++) {
    CHECK_INT(hn_new_file_open(rt, slice_of(path), &f, words, sizeof words), 0);
    CHECK_INT(write(hn_new_file_descriptor(f), "new", 3), 3);
    check_content("precious");
    if (keep)
      CHECK_INT(hn_new_file_keep(f, words, sizeof words), 0);
    else
      hn_new_file_drop(f);
  }
  check_content("new");
  CHECK_INT(unlink(path), 0);
  CHECK_INT(rmdir(folder), 0); /* nothing else is in it */
  hn_new_file_drop(NULL);
  hn_runtime_free(rt);
}

TEST(says_what_is_wrong_in_the_room_there_is) {
  hn_runtime *rt = governed(HN_ALLOW_FILES);
  struct hn_new_file *f = NULL;
  CHECK_INT(hn_new_file_open(rt, slice_make("a\0b", 3), &f, words, 5),
            HN_ERR_INVALID_PARAMETER);
  CHECK_TEXT(slice_of(words), "inva");
  CHECK_INT(hn_new_file_open(rt, slice_of(""), &f, NULL, 0),
            HN_ERR_INVALID_PARAMETER);
  CHECK_INT(hn_new_file_open(rt, slice_of("/tmp"), &f, words, sizeof words),
            HN_ERR_WRITE_FAULT);
  CHECK_TEXT(slice_of(words), "cannot write the file: /tmp (is a directory)");
  CHECK_INT(hn_flush_stream(stdout), 0);
  hn_runtime_free(rt);
}

static void run_first(void) {
  make_file();
  test_is_denied_by_a_policy_without_files();
}

TEST_MAIN({"is_denied_by_a_policy_without_files", run_first},
          ROW(takes_its_place_or_goes),
          ROW(says_what_is_wrong_in_the_room_there_is))
