#include "file.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

/* True when the call that failed is worth repeating. A descriptor that its
 * owner made non-blocking is waited for: the caller asked for a file's
 * behaviour. */
static bool file_try_again(int fd, short events) {
  if (errno == EINTR) return true;
  if (errno != EAGAIN && errno != EWOULDBLOCK) return false;
  struct pollfd p = {.fd = fd, .events = events};
  return poll(&p, 1, -1) >= 0 || errno == EINTR;
}

HN_INTERNAL int file_read(int fd, char *p, size_t n, size_t *got,
                          int *system) {
  ssize_t done;
  do {
    done = read(fd, p, n);
  } while (done < 0 && file_try_again(fd, POLLIN));
  if (done < 0) {
    *system = errno;
    return HN_ERR_READ_FAULT;
  }
  *got = (size_t)done;
  return 0;
}

HN_INTERNAL int file_write(int fd, const char *p, size_t n, int *system) {
  while (n > 0) {
    ssize_t done = write(fd, p, n);
    if (done < 0 && !file_try_again(fd, POLLOUT)) {
      *system = errno;
      return HN_ERR_WRITE_FAULT;
    }
    if (done < 0) continue;
    p += done;
    n -= (size_t)done;
  }
  return 0;
}

HN_INTERNAL int file_open_append(const char *path, int *fd, int *system) {
  int got = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  if (got < 0) {
    *system = errno;
    return HN_ERR_WRITE_FAULT;
  }
  *fd = got;
  return 0;
}

HN_INTERNAL void file_close(int fd) {
  (void)close(fd);
}
