#include "file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#ifdef __linux__
#include <stdio_ext.h>
#endif

enum { HN_FILE_SHOWN = 150 };

int file_append_absolute(struct hn_slice path, struct hn_buf *out) {
  char here[PATH_MAX];
  if (path.n > 0 && path.p[0] == '/') return buf_append(out, path);
  if (!getcwd(here, sizeof here) || here[0] != '/') return HN_ERR_READ_FAULT;
  int rc = buf_append_text(out, here);
  if (rc == 0) rc = buf_append_char(out, '/');
  return rc ? rc : buf_append(out, path);
}

const char *file_show(const char *path) {
  size_t n = strlen(path);
  if (n <= HN_FILE_SHOWN) return path;
  path += n - HN_FILE_SHOWN;
  while (((unsigned char)*path & 0xc0) == 0x80) path++; /* whole characters */
  return path;
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
int file_open(const char *path, enum hn_file_use use, int *fd, int *system) {
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

void file_close(int fd) {
  (void)close(fd);
}

int file_begin(struct hn_file *f, int fd, int *system) {
  struct stat s;
  int copy = fcntl(fd, F_DUPFD_CLOEXEC, 3);
  if (copy < 0 || fstat(copy, &s) != 0) {
    *system = errno;
    if (copy >= 0) (void)close(copy);
    return HN_ERR_READ_FAULT;
  }
  *f = (struct hn_file){.fd = copy};
  f->waits = !S_ISREG(s.st_mode) && !S_ISDIR(s.st_mode) && !S_ISBLK(s.st_mode);
  f->is_socket = S_ISSOCK(s.st_mode);
  if (f->waits) f->blocks = !(fcntl(copy, F_GETFL) & O_NONBLOCK);
  return 0;
}

void file_end(struct hn_file *f) {
  if (f->fd >= 0) (void)close(f->fd);
  f->fd = -1;
}

/* Whether a call on a description that blocks would come back at once. */
static bool file_is_ready(const struct hn_file *f, short events) {
  struct pollfd p = {.fd = f->fd, .events = events};
  return poll(&p, 1, 0) != 0;
}

/* What a call that failed means. */
static int file_fail(const struct hn_file *f, int code, int *system) {
  if (f->waits && (errno == EAGAIN || errno == EWOULDBLOCK)) return HN_AGAIN;
  *system = errno;
  return code;
}

int file_take(const struct hn_file *f, char *p, size_t n, size_t *got,
              int *system) {
  ssize_t done;
  if (f->blocks && !f->is_socket && !file_is_ready(f, POLLIN)) return HN_AGAIN;
  do {
    done = f->is_socket ? recv(f->fd, p, n, MSG_DONTWAIT) : read(f->fd, p, n);
  } while (done < 0 && errno == EINTR);
  if (done < 0) return file_fail(f, HN_ERR_READ_FAULT, system);
  *got = (size_t)done;
  return 0;
}

/* A write to a pipe without a reader is EPIPE, and SIGPIPE, which would end the
 * process: that is held back in this thread, and taken away if it is ours. */
struct file_hush {
  sigset_t pipes, old;
  bool pending; /* there was one before */
};

static void file_hush_begin(struct file_hush *h) {
  sigset_t pending;
  (void)sigemptyset(&h->pipes);
  (void)sigaddset(&h->pipes, SIGPIPE);
  (void)sigpending(&pending);
  h->pending = sigismember(&pending, SIGPIPE) == 1;
  (void)pthread_sigmask(SIG_BLOCK, &h->pipes, &h->old);
}

static void file_hush_end(struct file_hush *h, bool failed) {
  const struct timespec now = {0};
  int why = errno;
  if (failed && why == EPIPE && !h->pending)
    (void)sigtimedwait(&h->pipes, NULL, &now);
  (void)pthread_sigmask(SIG_SETMASK, &h->old, NULL);
  errno = why;
}

static ssize_t file_write_pipe(int fd, const char *p, size_t n) {
  struct file_hush hush;
  file_hush_begin(&hush);
  ssize_t done = write(fd, p, n);
  file_hush_end(&hush, done < 0);
  return done;
}

static ssize_t file_write_once(const struct hn_file *f, const char *p,
                               size_t n) {
  if (f->is_socket) return send(f->fd, p, n, MSG_DONTWAIT | MSG_NOSIGNAL);
  return f->waits ? file_write_pipe(f->fd, p, n) : write(f->fd, p, n);
}

int file_give(const struct hn_file *f, const char *p, size_t n, size_t *put,
              int *system) {
  ssize_t done;
  if (f->blocks && !f->is_socket) {
    if (!file_is_ready(f, POLLOUT)) return HN_AGAIN;
    if (n > PIPE_BUF) n = PIPE_BUF; /* for which there is room (POSIX write) */
  }
  do {
    done = file_write_once(f, p, n);
  } while (done < 0 && errno == EINTR);
  if (done < 0) return file_fail(f, HN_ERR_WRITE_FAULT, system);
  *put = (size_t)done;
  return 0;
}

/* Bytes that a transport has not written yet, where that can be known. */
static size_t file_pending(FILE *stream) {
#ifdef __linux__
  return __fpending(stream);
#else
  (void)stream;
  return 1;
#endif
}

int file_flush(FILE *stream) {
  struct hn_file f = {.fd = -1};
  struct file_hush hush;
  int system;
  size_t n = file_pending(stream);
  if (n > 0 && file_begin(&f, fileno(stream), &system) != 0)
    return HN_ERR_WRITE_FAULT;
  bool waits = f.waits;
  bool stuck =
      waits && (!file_is_ready(&f, POLLOUT) || (f.blocks && n > PIPE_BUF));
  file_end(&f);
  if (stuck) return HN_ERR_WRITE_FAULT;
  if (waits) file_hush_begin(&hush);
  int failed = fflush(stream);
  if (waits) file_hush_end(&hush, failed != 0);
  return failed ? HN_ERR_WRITE_FAULT : 0;
}

int file_read(int fd, char *p, size_t n, size_t *got, int *system) {
  const struct hn_file f = {.fd = fd};
  return file_take(&f, p, n, got, system);
}

int file_write(int fd, const char *p, size_t n, int *system) {
  const struct hn_file f = {.fd = fd};
  while (n > 0) {
    size_t put = 0;
    int rc = file_give(&f, p, n, &put, system);
    if (rc) return rc;
    p += put;
    n -= put;
  }
  return 0;
}
