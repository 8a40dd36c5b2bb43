#include "file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

HN_INTERNAL int file_append_absolute(struct hn_slice path,
                                     struct hn_buf *out) {
  char here[PATH_MAX];
  if (path.n > 0 && path.p[0] == '/') return buf_append(out, path);
  if (!getcwd(here, sizeof here) || here[0] != '/') return HN_ERR_READ_FAULT;
  int rc = buf_append_text(out, here);
  if (rc == 0) rc = buf_append_char(out, '/');
  return rc ? rc : buf_append(out, path);
}

static int file_refuse(enum hn_file_use use, int why, int *system) {
  *system = why;
  return use == HN_FILE_READ ? HN_ERR_READ_FAULT : HN_ERR_WRITE_FAULT;
}

static int file_kind_error(const struct stat *s) {
  if (S_ISREG(s->st_mode)) return 0;
  return S_ISDIR(s->st_mode) ? EISDIR : HN_NOT_REGULAR;
}

/* Looked at before, since opening alone wakes a FIFO's other end and does
 * things to devices; and after, since it may be another file by then. */
HN_INTERNAL int file_open(const char *path, enum hn_file_use use, int *fd,
                          int *system) {
  const int flags = O_CLOEXEC | O_NONBLOCK | O_NOCTTY;
  struct stat s;
  int why = stat(path, &s) == 0 ? file_kind_error(&s) : 0;
  if (why) return file_refuse(use, why, system);
  int got = use == HN_FILE_READ
                ? open(path, O_RDONLY | flags)
                : open(path, O_WRONLY | O_CREAT | O_APPEND | flags, 0600);
  if (got < 0) return file_refuse(use, errno, system);
  why = fstat(got, &s) == 0 ? file_kind_error(&s) : errno;
  if (why) {
    (void)close(got);
    return file_refuse(use, why, system);
  }
  *fd = got;
  return 0;
}

HN_INTERNAL void file_close(int fd) {
  (void)close(fd);
}

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
