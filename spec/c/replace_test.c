#include "test.h"

#include <dirent.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../../csrc/net/replace.h"

static char folder[64], words[HN_MAX_ERROR_TEXT];

static const char *path_of(const char *name) {
  static char path[4][128];
  static unsigned at;
  char *p = path[at++ % 4];
  (void)snprintf(p, sizeof path[0], "%s/%s", folder, name);
  return p;
}

static void put(const char *name, const char *text) {
  FILE *f = fopen(path_of(name), "w");
  if (!CHECK(f != NULL)) return;
  fputs(text, f);
  fclose(f);
}

static void check_content(const char *name, const char *text) {
  char got[64] = "";
  FILE *f = fopen(path_of(name), "r");
  if (!CHECK(f != NULL)) return;
  size_t n = fread(got, 1, sizeof got - 1, f);
  CHECK_TEXT(slice_make(got, n), text);
  fclose(f);
}

static int count_names(void) {
  int count = 0;
  DIR *dir = opendir(folder);
  while (readdir(dir)) count++;
  closedir(dir);
  return count - 2;
}

static void make_folder(void) {
  (void)snprintf(folder, sizeof folder, "/tmp/hn_replace_XXXXXX");
  CHECK(mkdtemp(folder) != NULL);
}

static void remove_folder(const char *const *names) {
  for (; *names; names++) (void)unlink(path_of(*names));
  CHECK_INT(rmdir(folder), 0);
}

TEST(takes_the_place_when_it_is_whole) {
  struct hn_replace r;
  struct stat s;
  make_folder();
  put("old", "precious");
  CHECK_INT(chmod(path_of("old"), 0750), 0);
  for (int i = 0; i < 2; i++) {
    CHECK_INT(replace_begin(path_of("old"), &r, words), 0);
    CHECK_INT(write(r.fd, "new", 3), 3);
    check_content("old", "precious");
    CHECK_INT(count_names(), 2);
    if (i == 0)
      replace_drop(&r);
    else
      CHECK_INT(replace_finish(&r, words), 0);
    CHECK_INT(count_names(), 1);
  }
  check_content("old", "new");
  CHECK_INT(stat(path_of("old"), &s), 0);
  CHECK_INT(s.st_mode & 0777, 0750);
  remove_folder((const char *const[]){"old", NULL});
}

/* A name that stands for an open file leaves that file in its place; one that
 * only leads through /proc does not. */
TEST(writes_to_open_files_as_they_are) {
  struct hn_replace r;
  char name[128];
  make_folder();
  put("old", "precious ");
  FILE *f = fopen(path_of("old"), "r");
  if (!CHECK(f != NULL)) return;
  for (int i = 0; i < 2; i++) {
    (void)snprintf(name, sizeof name, i ? "/proc/self/fd/%d" : "/dev/fd/%d",
                   fileno(f));
    CHECK_INT(replace_begin(name, &r, words), 0);
    CHECK_INT(write(r.fd, "new", 3), 3);
    CHECK_INT(replace_finish(&r, words), 0);
  }
  fclose(f);
  check_content("old", "precious newnew");
  (void)snprintf(name, sizeof name, "/proc/self/root%s", path_of("old"));
  CHECK_INT(replace_begin(name, &r, words), 0);
  CHECK_INT(write(r.fd, "new", 3), 3);
  CHECK_INT(replace_finish(&r, words), 0);
  check_content("old", "new");
  remove_folder((const char *const[]){"old", NULL});
}

/* What took its name meanwhile is not overwritten half-way. */
TEST(says_why_it_cannot) {
  struct hn_replace r = {.fd = 99};
  make_folder();
  CHECK_INT(replace_begin(path_of("x"), &r, words), 0);
  CHECK_INT(mkdir(path_of("x"), 0700), 0);
  CHECK_INT(replace_finish(&r, words), HN_ERR_WRITE_FAULT);
  CHECK(strstr(words, "is a directory") != NULL);
  CHECK_INT(count_names(), 1);
  CHECK_INT(rmdir(path_of("x")), 0);
  CHECK_INT(replace_begin("/nowhere/at/all", &r, words), HN_ERR_WRITE_FAULT);
  CHECK_TEXT(slice_of(words),
             "cannot write the file: no new file can be made in /nowhere/at "
             "(no such file or directory)");
  CHECK_INT(r.fd, -1); /* as it was left */
  remove_folder((const char *const[]){NULL});
}

/* A child that ends must not take away what its parent is making. */
TEST(is_its_makers_to_remove) {
  struct hn_replace r;
  int status = 0;
  make_folder();
  CHECK_INT(replace_begin(path_of("x"), &r, words), 0);
  pid_t child = fork();
  if (child == 0) {
    replace_drop(&r);
    _exit(0);
  }
  CHECK_INT(waitpid(child, &status, 0), child);
  CHECK_INT(count_names(), 1);
  CHECK_INT(replace_finish(&r, words), 0);
  CHECK_INT(access(path_of("x"), F_OK), 0);
  remove_folder((const char *const[]){"x", NULL});
}

static bool begin_once(void *ctx) {
  struct hn_replace r;
  (void)ctx;
  int rc = replace_begin(path_of("x"), &r, words);
  if (rc) {
    CHECK_INT(rc, HN_ERR_NOT_ENOUGH_MEMORY);
    CHECK_INT(count_names(), 0);
    return false;
  }
  replace_drop(&r);
  return true;
}

TEST(every_allocation_failing) {
  make_folder();
  test_each_failure(begin_once, NULL);
  remove_folder((const char *const[]){NULL});
}

TEST_MAIN(ROW(takes_the_place_when_it_is_whole),
          ROW(writes_to_open_files_as_they_are), ROW(says_why_it_cannot),
          ROW(is_its_makers_to_remove), ROW(every_allocation_failing))
