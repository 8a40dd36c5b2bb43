#include "test.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/stat.h>
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

static void *drain(void *arg) {
  int fd = *(int *)arg;
  char *waste = malloc(4096);
  size_t sum = 0;
  ssize_t n;
  while ((n = read(fd, waste, 4096)) > 0) sum += (size_t)n;
  free(waste);
  return (void *)(uintptr_t)sum;
}

TEST(waits_for_a_descriptor_that_does_not_block) {
  enum { SIZE = 300000 };
  int fds[2], system = 0;
  void *sum = NULL;
  pthread_t thread;
  char *bytes = calloc(SIZE, 1);
  CHECK_INT(pipe(fds), 0);
  CHECK_INT(fcntl(fds[1], F_SETFL, O_NONBLOCK), 0);
  CHECK_INT(pthread_create(&thread, NULL, drain, &fds[0]), 0);
  CHECK_INT(file_write(fds[1], bytes, SIZE, &system), 0);
  close(fds[1]);
  CHECK_INT(pthread_join(thread, &sum), 0);
  CHECK_INT((uintptr_t)sum, SIZE);
  close(fds[0]);
  free(bytes);
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
  } rows[] = {{"/nowhere/file", ENOENT}, {folder, EISDIR},
              {fifo, HN_NOT_REGULAR},    {"/dev/full", HN_NOT_REGULAR},
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

TEST_MAIN(ROW(goes_round_a_pipe), ROW(says_why_it_fails),
          ROW(waits_for_a_descriptor_that_does_not_block),
          ROW(appends), ROW(opens_regular_files_only))
