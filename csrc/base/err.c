#include "err.h"

#include <errno.h>
#include <string.h>

/* Text that grows up to a fixed size and is then cut. */
struct err_writer {
  char *out;
  size_t size, used;
  bool cut;
};

static void err_put_bytes(struct err_writer *w, const char *p, size_t n) {
  for (size_t i = 0; i < n; i++) {
    unsigned char c = (unsigned char)p[i];

    /* One byte of the room is kept for the NUL. */
    if (w->used + 1 >= w->size) {
      w->cut = true;
      return;
    }
    /* A detail may quote a certificate or a server: a line break in it would
     * forge a line in whatever log the message ends up in. */
    if (c < 0x20 || c == 0x7f) c = '?';
    w->out[w->used++] = (char)c;
  }
}

static void err_put(struct err_writer *w, const char *text) {
  err_put_bytes(w, text, strlen(text));
}

static void err_put_number(struct err_writer *w, unsigned n) {
  char digits[sizeof n * 3];
  size_t at = sizeof digits;

  do {
    digits[--at] = (char)('0' + n % 10);
    n /= 10;
  } while (n > 0);
  err_put_bytes(w, digits + at, sizeof digits - at);
}

static size_t err_utf8_length(unsigned char lead) {
  if (lead >= 0xf0) return 4;
  if (lead >= 0xe0) return 3;
  return lead >= 0xc0 ? 2 : 1;
}

/* Ends the text; a character that was cut through is dropped whole. */
static void err_finish(struct err_writer *w) {
  size_t start = w->used;

  if (w->size == 0) return;
  if (w->cut) {
    while (start > 0 && ((unsigned char)w->out[start - 1] & 0xc0) == 0x80) {
      start--;
    }
    if (start > 0) start--;
    if (start < w->used &&
        w->used - start < err_utf8_length((unsigned char)w->out[start])) {
      w->used = start;
    }
  }
  w->out[w->used] = '\0';
}

void err_format_host(char *out, size_t size, struct hn_slice host,
                     unsigned port) {
  struct err_writer w = {out, size, 0, false};
  bool literal =
      host.n > 0 && host.p[0] != '[' && memchr(host.p, ':', host.n) != NULL;

  if (literal) err_put(&w, "[");
  err_put_bytes(&w, host.p, host.n);
  if (literal) err_put(&w, "]");
  err_put(&w, ":");
  err_put_number(&w, port);
  err_finish(&w);
}

struct err_phase_entry {
  const char *name;        /* the word Lua sees */
  const char *words;       /* "while <words>" */
  const char *preposition; /* between the words and a host */
};

static const struct err_phase_entry err_phases[] = {
    [HN_PHASE_NONE] = {NULL, NULL, NULL},
    [HN_PHASE_RESOLVE] = {"resolve", "resolving", ""},
    [HN_PHASE_ACQUIRE] = {"acquire", "waiting for a connection", " to"},
    [HN_PHASE_CONNECT] = {"connect", "connecting", " to"},
    [HN_PHASE_SECURE] = {"secure", "securing the connection", " to"},
    [HN_PHASE_SEND] = {"send", "sending", " to"},
    [HN_PHASE_RESPONSE] = {"response", "waiting for the response", " of"},
    [HN_PHASE_RECEIVE] = {"receive", "receiving", " from"},
};

static const struct err_phase_entry *err_phase_of(int phase) {
  if (phase < 0 || (size_t)phase >= sizeof err_phases / sizeof *err_phases) {
    return &err_phases[HN_PHASE_NONE];
  }
  return &err_phases[phase];
}

const char *hn_phase_name(int phase) {
  return err_phase_of(phase)->name;
}

static void err_put_place(struct err_writer *w, enum hn_phase phase,
                          const char *host) {
  const struct err_phase_entry *entry = err_phase_of((int)phase);

  if (!entry->words) return;
  err_put(w, " while ");
  err_put(w, entry->words);
  if (*host == '\0') return;
  err_put(w, entry->preposition);
  err_put(w, " ");
  err_put(w, host);
}

/* Everything but the text. host and detail may be info's own: each is copied
 * forward onto itself before anything behind it is written. */
static void err_fill(struct hn_errinfo *info, int code, enum hn_phase phase,
                     const char *host) {
  struct err_writer w = {info->host, sizeof info->host, 0, false};

  err_put(&w, !host ? "" : host);
  err_finish(&w);
  info->code = code;
  info->phase = phase;
  info->system = 0;
  info->secure = 0;
}

int err_set(struct hn_errinfo *info, int code, enum hn_phase phase,
            const char *host, const char *detail) {
  struct err_writer w = {info->text, sizeof info->text, 0, false};

  err_fill(info, code, phase, host);
  err_put(&w, !detail ? hn_error_text(code) : detail);
  err_put_place(&w, phase, info->host);
  err_finish(&w);
  return code;
}

struct err_system_entry {
  int number;
  const char *text;
};

/* Own words instead of strerror_r's, which follow the host's locale, may
 * allocate for that and come with two different prototypes. */
static const struct err_system_entry err_system_texts[] = {
    {HN_NOT_REGULAR, "not a regular file"},
    {EACCES, "permission denied"},
    {EADDRINUSE, "address already in use"},
    {EADDRNOTAVAIL, "cannot assign requested address"},
    {EAFNOSUPPORT, "address family not supported"},
    {EAGAIN, "resource temporarily unavailable"},
    {EBADF, "bad file descriptor"},
    {ECONNABORTED, "connection aborted"},
    {ECONNREFUSED, "connection refused"},
    {ECONNRESET, "connection reset by peer"},
    {EDQUOT, "disk quota exceeded"},
    {EFBIG, "file too large"},
    {EHOSTUNREACH, "no route to host"},
    {EINTR, "interrupted system call"},
    {EINVAL, "invalid argument"},
    {EIO, "input/output error"},
    {EISDIR, "is a directory"},
    {ELOOP, "too many symbolic links"},
    {EMFILE, "too many open files"},
    {EMSGSIZE, "message too long"},
    {ENAMETOOLONG, "name too long"},
    {ENETDOWN, "network is down"},
    {ENETRESET, "network dropped connection on reset"},
    {ENETUNREACH, "network is unreachable"},
    {ENFILE, "too many open files in system"},
    {ENOBUFS, "no buffer space available"},
    {ENOENT, "no such file or directory"},
    {ENOMEM, "cannot allocate memory"},
    {ENOSPC, "no space left on device"},
    {ENOTCONN, "not connected"},
    {ENOTDIR, "not a directory"},
    {ENXIO, "nobody reads from it"},
    {EPERM, "operation not permitted"},
    {EPIPE, "broken pipe"},
    {EPROTO, "protocol error"},
    {EPROTONOSUPPORT, "protocol not supported"},
    {EROFS, "read-only file system"},
    {ETIMEDOUT, "connection timed out"},
};

const char *err_system_text(int system) {
  size_t count = sizeof err_system_texts / sizeof *err_system_texts;

  for (size_t i = 0; i < count; i++) {
    if (err_system_texts[i].number == system) return err_system_texts[i].text;
  }
  return NULL;
}

static void err_put_system(struct err_writer *w, int system) {
  const char *text = err_system_text(system);

  if (text) {
    err_put(w, text);
    return;
  }
  err_put(w, system < 0 ? "system error -" : "system error ");
  err_put_number(w, system < 0 ? 0u - (unsigned)system : (unsigned)system);
}

int err_set_system(struct hn_errinfo *info, int code, enum hn_phase phase,
                   const char *host, int system) {
  struct err_writer w = {info->text, sizeof info->text, 0, false};

  err_fill(info, code, phase, host);
  info->system = system;
  err_put(&w, hn_error_text(code));
  if (system != 0) {
    err_put(&w, " (");
    err_put_system(&w, system);
    err_put(&w, ")");
  }
  err_put_place(&w, phase, info->host);
  err_finish(&w);
  return code;
}

bool err_is_no_files(int system) {
  return system == EMFILE || system == ENFILE;
}

void err_add_hint(struct hn_errinfo *info, const char *hint) {
  size_t used = strlen(info->text);
  struct err_writer w = {info->text, sizeof info->text, used, false};

  if (used + strlen(hint) + sizeof " ()" > sizeof info->text) return;
  err_put(&w, " (");
  err_put(&w, hint);
  err_put(&w, ")");
  err_finish(&w);
}

static const struct hn_error_entry err_entries[] = {
#define HN_X(name, number, text) {#name, number, text},
    HN_ERROR_LIST(HN_X)
#undef HN_X
};

const struct hn_error_entry *hn_error_at(size_t i) {
  return i < sizeof err_entries / sizeof *err_entries ? &err_entries[i] : NULL;
}

const char *hn_error_text(int code) {
  const struct hn_error_entry *entry;

  for (size_t i = 0; (entry = hn_error_at(i)) != NULL; i++) {
    if (entry->code == code) return entry->text;
  }
  return "unknown error";
}

static const struct hn_status_entry err_statuses[] = {
#define HN_X(name, bit, text) {text, bit},
    HN_STATUS_LIST(HN_X)
#undef HN_X
};

const struct hn_status_entry *hn_status_at(size_t i) {
  size_t count = sizeof err_statuses / sizeof *err_statuses;

  return i < count ? &err_statuses[i] : NULL;
}
