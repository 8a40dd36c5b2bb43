#include "test.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "../../csrc/net/file.h"

TEST(goes_round_a_pipe) {
  int fds[2], system = 0;
  char text[16];
  size_t got = 99;
  CHECK_INT(pipe(fds), 0);
  CHECK_INT(file_write(fds[1], "hello", 5, &system), 0);
  CHECK_INT(file_read(fds[0], text, sizeof text, &got, &system), 0);
  CHECK_TEXT(slice_make(text, got), "hello");
  close(fds[1]);
  CHECK_INT(file_read(fds[0], text, sizeof text, &got, &system), 0);
  CHECK_INT(got, 0);
  close(fds[0]);
}

TEST(says_why_it_fails) {
  int fds[2], system = 0;
  size_t got = 99;
  char c;
  CHECK_INT(pipe(fds), 0);
  CHECK_INT(file_read(fds[1], &c, 1, &got, &system), HN_ERR_READ_FAULT);
  CHECK_INT(system, EBADF);
  CHECK_INT(got, 99);
  CHECK_INT(file_write(fds[0], "x", 1, &system), HN_ERR_WRITE_FAULT);
  CHECK_INT(system, EBADF);
  close(fds[0]);
  close(fds[1]);
}

static struct hn_file begin(int fd) {
  struct hn_file f = {.fd = -1};
  int system = 0;
  CHECK_INT(file_begin(&f, fd, &system), 0);
  CHECK(f.fd != fd);
  CHECK_INT(fcntl(f.fd, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
  return f;
}

/* Whether the description blocks, or not; and all kinds of those that wait. */
TEST(never_waits) {
  char *bytes = calloc(65536, 1);
  for (int i = 0; i < 4; i++) {
    int fds[2], system = 0, rc;
    size_t put = 0, sum = 0, got = 99;
    if (i < 2)
      CHECK_INT(pipe(fds), 0);
    else
      CHECK_INT(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
    for (int k = 0; k < 2; k++)
      CHECK_INT(fcntl(fds[k], F_SETFL, i % 2 ? O_NONBLOCK : 0), 0);
    struct hn_file from = begin(fds[0]), to = begin(fds[1]);
    CHECK(from.waits && to.waits);
    CHECK_INT(file_take(&from, bytes, 9, &got, &system), HN_AGAIN);
    CHECK_INT(got, 99);
    while ((rc = file_give(&to, bytes, 65536, &put, &system)) == 0) sum += put;
    CHECK_INT(rc, HN_AGAIN);
    CHECK(sum >= 65536);
    CHECK_INT(file_take(&from, bytes, 65536, &got, &system), 0);
    CHECK_INT(file_give(&to, bytes, 65536, &put, &system), 0);
    CHECK(put > 0);
    file_end(&from);
    file_end(&to);
    CHECK_INT(to.fd, -1);
    file_end(&to);
    close(fds[0]);
    close(fds[1]);
  }
  free(bytes);
}

/* The caller's SIGPIPE is as it was: not blocked, and not pending. */
TEST(raises_no_sigpipe) {
  for (int i = 0; i < 2; i++) {
    int fds[2], system = 0;
    size_t put = 99;
    sigset_t mask;
    if (i == 0)
      CHECK_INT(pipe(fds), 0);
    else
      CHECK_INT(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
    struct hn_file to = begin(fds[1]);
    close(fds[0]);
    CHECK_INT(file_give(&to, "x", 1, &put, &system), HN_ERR_WRITE_FAULT);
    CHECK_INT(system, EPIPE);
    CHECK_INT(put, 99);
    CHECK_INT(sigpending(&mask), 0);
    CHECK_INT(sigismember(&mask, SIGPIPE), 0);
    CHECK_INT(pthread_sigmask(SIG_BLOCK, NULL, &mask), 0);
    CHECK_INT(sigismember(&mask, SIGPIPE), 0);
    file_end(&to);
    close(fds[1]);
  }
}

/* One that was pending before is its owner's. */
TEST(leaves_a_pending_sigpipe) {
  int fds[2], system = 0;
  size_t put;
  sigset_t pipes, old, pending;
  const struct timespec now = {0};
  CHECK_INT(pipe(fds), 0);
  close(fds[0]);
  struct hn_file to = begin(fds[1]);
  sigemptyset(&pipes);
  sigaddset(&pipes, SIGPIPE);
  pthread_sigmask(SIG_BLOCK, &pipes, &old);
  pthread_kill(pthread_self(), SIGPIPE);
  CHECK_INT(file_give(&to, "x", 1, &put, &system), HN_ERR_WRITE_FAULT);
  CHECK_INT(sigpending(&pending), 0);
  CHECK_INT(sigismember(&pending, SIGPIPE), 1);
  CHECK_INT(sigtimedwait(&pipes, NULL, &now), SIGPIPE);
  pthread_sigmask(SIG_SETMASK, &old, NULL);
  file_end(&to);
  close(fds[1]);
}

TEST(flushes_what_a_pipe_takes) {
  int fds[2];
  char text[16], *many = calloc(70000, 1);
  size_t got;
  int system;
  CHECK_INT(pipe(fds), 0);
  FILE *f = fdopen(fds[1], "w");
  fputs("hello", f);
  CHECK_INT(file_flush(f), 0);
  CHECK_INT(file_read(fds[0], text, sizeof text, &got, &system), 0);
  CHECK_TEXT(slice_make(text, got), "hello");
  fcntl(fds[1], F_SETFL, O_NONBLOCK);
  while (write(fds[1], many, 4096) > 0) {
  }
  fcntl(fds[1], F_SETFL, 0);
  fputs("more", f);
  CHECK_INT(file_flush(f), HN_ERR_WRITE_FAULT); /* it would wait */
  close(fds[0]);
  CHECK_INT(file_flush(f), HN_ERR_WRITE_FAULT); /* it would raise SIGPIPE */
  (void)signal(SIGPIPE, SIG_IGN);
  fclose(f);
  (void)signal(SIGPIPE, SIG_DFL);
  free(many);
}

TEST(makes_paths_absolute) {
  char here[PATH_MAX], want[PATH_MAX + 16];
  struct hn_buf out;
  buf_init(&out, sizeof want);
  CHECK(getcwd(here, sizeof here) != NULL);
  CHECK_INT(file_append_absolute(slice_of("/a/b"), &out), 0);
  CHECK_TEXT(buf_peek(&out), "/a/b");
  buf_clear(&out);
  CHECK_INT(file_append_absolute(slice_of("a/b"), &out), 0);
  (void)snprintf(want, sizeof want, "%s/a/b", here);
  CHECK_TEXT(buf_peek(&out), want);
  buf_fini(&out);
}

TEST(shows_the_end_of_a_path) {
  char path[400];
  for (size_t i = 0; i < 398; i += 2) memcpy(path + i, "\xc3\xa4", 2);
  path[398] = '\0';
  CHECK_TEXT(slice_of(file_show("/short")), "/short");
  CHECK_INT((unsigned char)*file_show(path), 0xc3);
  CHECK_INT(strlen(file_show(path)), 150);
  path[397] = '\0';
  CHECK_INT((unsigned char)*file_show(path), 0xc3);
}

TEST(appends) {
  char path[] = "/tmp/hn_file_XXXXXX", text[16] = "";
  int fd = mkstemp(path), system = 0;
  CHECK(fd >= 0);
  close(fd);
  for (int i = 0; i < 2; i++) {
    CHECK_INT(file_open(path, HN_FILE_APPEND, &fd, &system), 0);
    CHECK_INT(fcntl(fd, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
    CHECK_INT(file_write(fd, i == 0 ? "one" : "two", 3, &system), 0);
    file_close(fd);
  }
  CHECK_INT(file_open(path, HN_FILE_READ, &fd, &system), 0);
  CHECK_INT(read(fd, text, sizeof text), 6);
  CHECK_TEXT(slice_of(text), "onetwo");
  file_close(fd);
  unlink(path);
}

/* A FIFO would make the opening wait, or wake its other end. */
TEST(opens_regular_files_only) {
  char folder[] = "/tmp/hn_file_XXXXXX", fifo[64];
  CHECK(mkdtemp(folder) != NULL);
  (void)snprintf(fifo, sizeof fifo, "%s/fifo", folder);
  CHECK_INT(mkfifo(fifo, 0600), 0);
  int reader = open(fifo, O_RDONLY | O_NONBLOCK);
  const struct {
    const char *path;
    int system;
  } rows[] = {{"/nowhere/file", ENOENT},
              {folder, EISDIR},
              {fifo, HN_NOT_REGULAR},
              {"/dev/full", HN_NOT_REGULAR},
              {"/dev/tty", HN_NOT_REGULAR}};
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    int fd = 99, system = 0;
    test_label(rows[i].path);
    CHECK_INT(file_open(rows[i].path, HN_FILE_READ, &fd, &system),
              HN_ERR_READ_FAULT);
    CHECK_INT(system, rows[i].system);
    CHECK_INT(file_open(rows[i].path, HN_FILE_APPEND, &fd, &system),
              HN_ERR_WRITE_FAULT);
    CHECK_INT(system, rows[i].system);
    CHECK_INT(fd, 99);
  }
  close(reader);
  unlink(fifo);
  rmdir(folder);
}

TEST_MAIN(ROW(goes_round_a_pipe), ROW(says_why_it_fails), ROW(never_waits),
          ROW(raises_no_sigpipe), ROW(leaves_a_pending_sigpipe),
          ROW(flushes_what_a_pipe_takes), ROW(makes_paths_absolute),
          ROW(shows_the_end_of_a_path), ROW(appends),
          ROW(opens_regular_files_only))
