#include <sys/wait.h>
#include <unistd.h>

#include "test.h"

#include "../../csrc/net/process.h"

/* What a child says of a mark of its parent's. */
static bool child_says_other(const struct hn_process *p) {
  int status = 0;
  pid_t child = fork();
  if (child == 0) _exit(process_is_other(p));
  CHECK(waitpid(child, &status, 0) == child && WIFEXITED(status));
  return WEXITSTATUS(status) != 0;
}

TEST(a_child_is_another_process) {
  struct hn_process *p;
  CHECK_INT(process_new(&p), 0);
  CHECK(!process_is_other(p));
  CHECK(child_says_other(p));
  CHECK(!process_is_other(p));
  process_free(p);
  process_free(NULL);
}

static bool make(void *ctx) {
  struct hn_process *p;
  (void)ctx;
  if (process_new(&p) != 0) return false;
  process_free(p);
  return true;
}

TEST(a_mark_that_cannot_be_made_leaves_nothing) {
  test_each_failure(make, NULL);
}

TEST(random_bytes_are_not_the_same_twice) {
  char a[16] = {0}, b[16] = {0};
  process_random(a, sizeof a);
  process_random(b, sizeof b);
  CHECK(memcmp(a, b, sizeof a) != 0);
}

TEST_MAIN(ROW(a_child_is_another_process),
          ROW(a_mark_that_cannot_be_made_leaves_nothing),
          ROW(random_bytes_are_not_the_same_twice))
