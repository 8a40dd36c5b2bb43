#include "replace.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../base/mem.h"

enum {
  HN_REPLACE_LINKS = 40, /* as the system follows */
  HN_REPLACE_TRIES = 16,
};

static const int replace_flags = O_WRONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY;

static int replace_say(char *text, const char *what, const char *where,
                       int system) {
  const char *why = err_system_text(system);
  if (why)
    (void)snprintf(text, HN_MAX_ERROR_TEXT, "cannot write the file: %s%s (%s)",
                   what, file_show(where), why);
  else
    (void)snprintf(text, HN_MAX_ERROR_TEXT,
                   "cannot write the file: %s%s (system error %d)", what,
                   file_show(where), system);
  return HN_ERR_WRITE_FAULT;
}

static int replace_refuse(char *text, const char *path, int system) {
  return replace_say(text, "", path, system);
}

/* Where the folder of a path ends, its last slash counted. */
static size_t replace_folder(const char *path) {
  return (size_t)(strrchr(path, '/') + 1 - path);
}

/* Replaces an absolute path by what the link of that name says. */
static int replace_follow(char *path) {
  char link[PATH_MAX];
  ssize_t n = readlink(path, link, sizeof link);
  if (n < 0) return errno;
  size_t folder = n > 0 && link[0] == '/' ? 0 : replace_folder(path);
  if (folder + (size_t)n >= PATH_MAX) return ENAMETOOLONG;
  memcpy(path + folder, link, (size_t)n);
  path[folder + (size_t)n] = '\0';
  return 0;
}

/* Follows the links that stand at the end of a path, as far as there are any:
 * the last may lead to a file that is yet to be made. */
static int replace_resolve(char *path) {
  struct stat s;
  for (int i = 0; i < HN_REPLACE_LINKS; i++) {
    if (lstat(path, &s) != 0) return errno == ENOENT ? 0 : errno;
    if (!S_ISLNK(s.st_mode)) return 0;
    int why = replace_follow(path);
    if (why) return why;
  }
  return ELOOP;
}

/* Whether a file is one of /proc, by whatever name it was reached. */
static bool replace_is_in_proc(const struct stat *file) {
  struct stat proc, root;
  return stat("/proc", &proc) == 0 && file->st_dev == proc.st_dev &&
         stat("/", &root) == 0 && root.st_dev != proc.st_dev;
}

/* Whether a path is a file of /proc, or leads through links there to files that
 * are open: "/dev/fd/1". */
static bool replace_is_magic(const char *path, const struct stat *target) {
  char place[PATH_MAX];
  struct stat s;
  (void)snprintf(place, sizeof place, "%s", path);
  if (replace_resolve(place) != 0 || lstat(place, &s) != 0) return true;
  if (s.st_dev != target->st_dev || s.st_ino != target->st_ino) return true;
  (void)snprintf(place, sizeof place, "%s", path);
  for (int i = 0; i < HN_REPLACE_LINKS && lstat(place, &s) == 0; i++) {
    if (replace_is_in_proc(&s)) return true;
    if (!S_ISLNK(s.st_mode) || replace_follow(place) != 0) return false;
  }
  return false;
}

/* Written as it comes; to a regular file, behind what is there. */
static int replace_open_as_is(const char *path, const struct stat *s,
                              struct hn_replace *out, char *text) {
  if (S_ISDIR(s->st_mode)) return replace_refuse(text, path, EISDIR);
  int append = S_ISREG(s->st_mode) ? O_APPEND : 0;
  out->fd = open(path, replace_flags | append);
  return out->fd < 0 ? replace_refuse(text, path, errno) : 0;
}

static bool replace_name(char *out, size_t size, const char *target) {
  uint64_t number = 0;
  size_t folder = replace_folder(target);
  if (getrandom(&number, sizeof number, 0) < 0) number = (uint64_t)getpid();
  int n = snprintf(out, size, "%.*s.hn-%016llx", (int)folder, target,
                   (unsigned long long)number);
  return n > 0 && (size_t)n < size;
}

/* A new file beside the target: 0 or errno. */
static int replace_make(struct hn_replace *r, const struct stat *old) {
  char name[PATH_MAX + 32];
  mode_t mode = old ? old->st_mode & 0777 : 0666;
  for (int i = 0; i < HN_REPLACE_TRIES; i++) {
    if (!replace_name(name, sizeof name, r->target)) return ENAMETOOLONG;
    r->fd = open(name, replace_flags | O_CREAT | O_EXCL | O_NOFOLLOW,
                 old ? 0600 : mode);
    if (r->fd >= 0 || errno != EEXIST) break;
  }
  if (r->fd < 0) return errno;
  int why = old && fchmod(r->fd, mode) != 0 ? errno : 0;
  r->interim = why ? NULL : mem_copy(name, strlen(name));
  if (r->interim) return 0;
  (void)unlink(name);
  return why ? why : ENOMEM;
}

static int replace_open_beside(const char *path, const struct stat *old,
                               struct hn_replace *r, char *text) {
  char place[PATH_MAX];
  (void)snprintf(place, sizeof place, "%s", path);
  int why = replace_resolve(place);
  size_t folder = replace_folder(place);
  if (why == 0 && place[folder] == '\0') why = EISDIR;
  /* What may not be written must not be replaced either. */
  if (why == 0 && old && faccessat(AT_FDCWD, place, W_OK, AT_EACCESS) != 0)
    why = errno;
  if (why) return replace_refuse(text, path, why);
  r->target = mem_copy(place, strlen(place));
  if (!r->target) return HN_ERR_NOT_ENOUGH_MEMORY;
  why = replace_make(r, old);
  if (why == 0) return 0;
  if (why == ENOMEM) return HN_ERR_NOT_ENOUGH_MEMORY;
  place[folder > 1 ? folder - 1 : 1] = '\0';
  return replace_say(text, "no new file can be made in ", place, why);
}

int replace_begin(const char *path, struct hn_replace *out, char *text) {
  struct hn_replace r = {.fd = -1, .pid = (long)getpid()};
  struct stat s;
  int rc;
  if (strlen(path) >= PATH_MAX) return replace_refuse(text, path, ENAMETOOLONG);
  bool there = stat(path, &s) == 0;
  if (!there && errno != ENOENT) return replace_refuse(text, path, errno);
  if (there && (!S_ISREG(s.st_mode) || replace_is_magic(path, &s)))
    rc = replace_open_as_is(path, &s, &r, text);
  else
    rc = replace_open_beside(path, there ? &s : NULL, &r, text);
  if (rc)
    replace_drop(&r);
  else
    *out = r;
  return rc;
}

static void replace_end(struct hn_replace *r) {
  if (r->fd >= 0) (void)close(r->fd);
  mem_free(r->target);
  mem_free(r->interim);
  *r = (struct hn_replace){.fd = -1};
}

void replace_drop(struct hn_replace *r) {
  if (r->interim && r->pid == (long)getpid()) (void)unlink(r->interim);
  replace_end(r);
}

/* Some file systems say only now that there was no room. */
int replace_finish(struct hn_replace *r, char *text) {
  int rc = 0;
  int why = close(r->fd) == 0 ? 0 : errno;
  r->fd = -1;
  if (why == 0 && r->interim && rename(r->interim, r->target) != 0) why = errno;
  if (why)
    rc = replace_refuse(text, r->target ? r->target : "it was cut short", why);
  if (why)
    replace_drop(r);
  else
    replace_end(r);
  return rc;
}
