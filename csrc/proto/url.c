#include "url.h"

#include <string.h>

enum { HN_URL_MAX_PORT = 65535 };

/* The caller's scratch space, used from the front. */
struct url_scratch {
  char *p; /* borrowed */
  size_t left;
};

static const struct hn_url_scheme url_schemes[] = {
    {"http", 80, false, true},
    {"https", 443, true, true},
    {"ws", 80, false, false},
    {"wss", 443, true, false},
};

const struct hn_url_scheme *url_find_scheme(struct hn_slice name) {
  for (size_t i = 0; i < sizeof url_schemes / sizeof *url_schemes; i++) {
    const struct hn_url_scheme *s = &url_schemes[i];
    if (slice_equal_nocase(name, slice_of(s->name))) return s;
  }
  return NULL;
}

const struct hn_url_scheme *url_request_scheme(bool secure) {
  const struct hn_url_scheme *s = url_schemes;
  while (!s->is_http || s->is_secure != secure) s++;
  return s;
}

int url_default_port(struct hn_slice scheme) {
  const struct hn_url_scheme *s = url_find_scheme(scheme);
  return s ? s->port : 0;
}

/* Takes n bytes of the scratch space. */
static int url_scratch_take(struct url_scratch *scratch, size_t n, char **to) {
  if (n > scratch->left) return HN_ERR_INSUFFICIENT_BUFFER;
  *to = scratch->p;
  scratch->p += n;
  scratch->left -= n;
  return 0;
}

static int url_unescape_part(struct url_scratch *scratch,
                             struct hn_slice *part) {
  size_t n = url_text_unescaped_size(*part);
  char *to;
  int err;
  if (n == part->n) return 0;
  err = url_scratch_take(scratch, n, &to);
  if (err) return err;
  url_text_unescape(to, *part);
  *part = slice_make(to, n);
  return 0;
}

static int url_escape_part(struct url_scratch *scratch, struct hn_slice *part) {
  size_t n = url_text_escaped_size(*part, HN_URL_TEXT_PART);
  char *to;
  int err;
  if (n == part->n) return 0;
  err = url_scratch_take(scratch, n, &to);
  if (err) return err;
  url_text_escape(to, *part, HN_URL_TEXT_PART);
  *part = slice_make(to, n);
  return 0;
}

/* A "#" in front says that extra is a fragment and is no text of its own. */
static int url_escape_extra(struct url_scratch *scratch,
                            struct hn_slice *extra) {
  struct hn_slice text = *extra;
  char *to;
  size_t n;
  int err;
  if (text.n == 0 || text.p[0] != '#') return url_escape_part(scratch, extra);
  text = slice_from(text, 1);
  n = url_text_escaped_size(text, HN_URL_TEXT_PART);
  if (n == text.n) return 0;
  err = url_scratch_take(scratch, n + 1, &to);
  if (err) return err;
  to[0] = '#';
  url_text_escape(to + 1, text, HN_URL_TEXT_PART);
  *extra = slice_make(to, n + 1);
  return 0;
}

/* RFC 3986 3.2.1 bytes only. A second "@" is none of them: RFC 3986, WHATWG
 * and WinHTTP pick different hosts out of http://a@b@c/, so nobody gets to. */
static bool url_is_userinfo(struct hn_slice s) {
  for (size_t i = 0; i < s.n; i++) {
    char c = s.p[i];
    if (c == '%' || c == ':') continue;
    if (!url_text_keeps(HN_URL_TEXT_USERINFO, c)) return false;
  }
  return true;
}

/* Splits "user:password" off the authority. */
static int url_take_userinfo(struct hn_slice *authority, unsigned flags,
                             struct hn_url_parts *parts) {
  size_t at = slice_find(*authority, 0, '@');
  struct hn_slice info;
  size_t colon;
  if (at == authority->n) return 0;
  info = slice_sub(*authority, 0, at);
  if (flags & HN_URL_REJECT_USERPWD) return HN_ERR_INVALID_URL;
  if (!url_is_userinfo(info)) return HN_ERR_INVALID_URL;
  colon = slice_find(info, 0, ':');
  parts->user = slice_make(info.p, colon);
  if (colon < info.n) {
    parts->password = slice_make(info.p + colon + 1, info.n - colon - 1);
  }
  *authority = slice_make(authority->p + at + 1, authority->n - at - 1);
  return 0;
}

/* What stands behind the host: nothing, ":" or ":digits". */
static int url_take_port(struct hn_slice s, struct hn_url_parts *parts) {
  uint64_t port;
  parts->port = url_default_port(parts->scheme);
  if (s.n == 0) return 0;
  if (s.p[0] != ':') return HN_ERR_INVALID_URL;
  if (s.n == 1) return 0;
  if (!slice_to_u64(slice_from(s, 1), &port) || port > HN_URL_MAX_PORT) {
    return HN_ERR_INVALID_URL;
  }
  parts->port = (int)port;
  return 0;
}

/* RFC 6874 2: the "%" before a zone is itself escaped. */
static int url_unescape_zone(struct url_scratch *scratch,
                             struct hn_slice *host) {
  size_t percent = slice_find(*host, 0, '%');
  struct hn_slice zone = slice_from(*host, percent);
  char *to;
  int err;
  if (percent == host->n) return 0;
  if (!slice_starts_nocase(zone, slice_of("%25"))) return HN_ERR_INVALID_URL;
  err = url_scratch_take(scratch, host->n - 2, &to);
  if (err) return err;
  memcpy(to, host->p, percent + 1);
  memcpy(to + percent + 1, zone.p + 3, zone.n - 3);
  *host = slice_make(to, host->n - 2);
  return 0;
}

static int url_take_ipv6(struct hn_slice s, struct url_scratch *scratch,
                         struct hn_url_parts *parts) {
  size_t end = slice_find(s, 0, ']');
  int err;
  if (end == s.n) return HN_ERR_INVALID_URL;
  parts->host = slice_make(s.p + 1, end - 1);
  err = url_unescape_zone(scratch, &parts->host);
  if (err) return err;
  if (slice_find(parts->host, 0, ':') == parts->host.n) {
    return HN_ERR_INVALID_URL;
  }
  if (!url_is_host(parts->host)) return HN_ERR_INVALID_URL;
  return url_take_port(slice_from(s, end + 1), parts);
}

/* An escaped host is either unescaped or refused, never handed on: checks made
 * on "%6cocalhost" would miss what it means. */
static int url_take_host(struct hn_slice s, bool decode,
                         struct url_scratch *scratch,
                         struct hn_url_parts *parts) {
  size_t colon = slice_find(s, 0, ':');
  int err;
  if (s.n > 0 && s.p[0] == '[') return url_take_ipv6(s, scratch, parts);
  parts->host = slice_make(s.p, colon);
  err = decode ? url_unescape_part(scratch, &parts->host) : 0;
  if (err) return err;
  /* A colon that was escaped does not make an IPv6 address. */
  if (slice_find(parts->host, 0, ':') < parts->host.n) {
    return HN_ERR_INVALID_URL;
  }
  if (!url_is_host(parts->host)) return HN_ERR_INVALID_URL;
  return url_take_port(slice_from(s, colon), parts);
}

/* What the flags do to the other parts. */
static int url_apply_flags(bool decode, bool escape,
                           struct url_scratch *scratch,
                           struct hn_url_parts *parts) {
  int err = 0;
  if (escape) {
    err = url_escape_part(scratch, &parts->path);
    if (!err && !decode) err = url_escape_extra(scratch, &parts->extra);
  } else if (decode) {
    err = url_unescape_part(scratch, &parts->user);
    if (!err) err = url_unescape_part(scratch, &parts->password);
    if (!err) err = url_unescape_part(scratch, &parts->path);
    if (!err) err = url_unescape_part(scratch, &parts->extra);
  }
  return err;
}

/* Scheme, and where the authority begins. */
static int url_take_scheme(struct hn_slice url, struct hn_url_parts *parts,
                           size_t *authority) {
  size_t colon = slice_find(url, 0, ':');
  parts->scheme = slice_make(url.p, colon);
  if (colon == url.n) return HN_ERR_UNRECOGNIZED_SCHEME;
  if (!url_default_port(parts->scheme)) return HN_ERR_UNRECOGNIZED_SCHEME;
  if (url.n - colon < 3 || memcmp(url.p + colon + 1, "//", 2) != 0) {
    return HN_ERR_INVALID_URL;
  }
  *authority = colon + 3;
  return 0;
}

/* True for what ends an authority; without `slash`, for what ends a path. */
static bool url_is_end(char c, bool slash) {
  return c == '?' || c == '#' || (slash && c == '/');
}

static size_t url_find_end(struct hn_slice s, size_t from, bool slash) {
  while (from < s.n && !url_is_end(s.p[from], slash)) from++;
  return from;
}

int url_crack(struct hn_slice url, unsigned flags, char *scratch, size_t size,
              struct hn_url_parts *out) {
  struct hn_url_parts parts = {0};
  struct url_scratch space = {scratch, scratch ? size : 0};
  bool escape = (flags & (unsigned)HN_URL_ESCAPE) != 0;
  bool decode = (flags & HN_URL_DECODE) != 0;
  struct hn_slice authority;
  size_t from, path, extra;
  int err;
  if (!url.p) return HN_ERR_INVALID_PARAMETER;
  if (url.n > HN_MAX_URL || memchr(url.p, 0, url.n)) return HN_ERR_INVALID_URL;
  err = url_take_scheme(url, &parts, &from);
  if (err) return err;
  path = url_find_end(url, from, true);
  extra = url_find_end(url, path, false);
  authority = slice_make(url.p + from, path - from);
  parts.path = slice_make(url.p + path, extra - path);
  parts.extra = slice_make(url.p + extra, url.n - extra);
  err = url_take_userinfo(&authority, flags, &parts);
  if (!err) err = url_take_host(authority, decode && !escape, &space, &parts);
  if (!err) err = url_apply_flags(decode, escape, &space, &parts);
  if (err) return err;
  *out = parts;
  return 0;
}

/* True when s, as it is, can stand before (a user) or behind (a password) the
 * colon of user info. */
static bool url_can_be_login(struct hn_slice s, bool user) {
  if (user && slice_find(s, 0, ':') < s.n) return false;
  return url_is_userinfo(s);
}

static bool url_has_nul(struct hn_slice s) {
  return s.n > 0 && memchr(s.p, 0, s.n);
}

/* Parts that would move the borders between parts (a host "a/", a user "a@b")
 * are refused: the URL would lead somewhere else than they say. */
static bool url_can_create(const struct hn_url_parts *parts, bool escape) {
  if (parts->scheme.p && !url_is_scheme(parts->scheme)) return false;
  if (parts->password.p && !parts->user.p) return false;
  if (parts->host.n > 0 && !url_is_host(parts->host)) return false;
  if (parts->port < -1 || parts->port > HN_URL_MAX_PORT) return false;
  if (escape) return true;
  return url_can_be_login(parts->user, true) &&
         url_can_be_login(parts->password, false) &&
         !url_has_nul(parts->path) && !url_has_nul(parts->extra);
}

static int url_append_part(struct hn_buf *out, struct hn_slice s, bool escape,
                           enum url_text_set set) {
  return escape ? url_text_append(out, s, set) : buf_append(out, s);
}

static int url_append_login(struct hn_buf *out,
                            const struct hn_url_parts *parts, bool escape) {
  enum url_text_set set = HN_URL_TEXT_USERINFO;
  int err;
  if (!parts->user.p) return 0;
  err = url_append_part(out, parts->user, escape, set);
  if (!err && parts->password.p) {
    err = buf_append_char(out, ':');
    if (!err) err = url_append_part(out, parts->password, escape, set);
  }
  return err ? err : buf_append_char(out, '@');
}

/* The host, in brackets when it is an IPv6 address, a zone escaped as RFC 6874
 * wants it. */
static int url_append_host(struct hn_buf *out, struct hn_slice host) {
  size_t percent = slice_find(host, 0, '%');
  int err;
  if (slice_find(host, 0, ':') == host.n) return buf_append(out, host);
  err = buf_append_char(out, '[');
  if (!err) err = buf_append(out, slice_sub(host, 0, percent));
  if (!err && percent < host.n) {
    err = buf_append_text(out, "%25");
    if (!err) err = buf_append(out, slice_from(host, percent + 1));
  }
  return err ? err : buf_append_char(out, ']');
}

static int url_append_port(struct hn_buf *out, const struct hn_url_parts *parts,
                           unsigned flags) {
  int usual = parts->scheme.p ? url_default_port(parts->scheme) : 80;
  int port = parts->port == -1 ? usual : parts->port;
  bool known = usual != 0; /* or else 0 would pass for a default port */
  int err;
  if (!known && parts->port == -1) return 0;
  if (known && port == usual && !(flags & HN_URL_INCLUDE_DEFAULT_PORT)) {
    return 0;
  }
  err = buf_append_char(out, ':');
  return err ? err : buf_append_u64(out, (uint64_t)port);
}

/* A slash where the path, or an extra without one, would grow the host:
 * host "a.example" and extra ".b.example" must not become another host. */
static bool url_wants_slash(const struct hn_url_parts *parts) {
  if (parts->path.n > 0) return parts->path.p[0] != '/';
  return parts->extra.n > 0 && !url_is_end(parts->extra.p[0], true);
}

static int url_append_tail(struct hn_buf *out, const struct hn_url_parts *parts,
                           bool escape) {
  enum url_text_set set = HN_URL_TEXT_PART;
  struct hn_slice extra = parts->extra;
  int rc = url_append_part(out, parts->path, escape, set);
  if (!rc && escape && extra.n > 0 && extra.p[0] == '#') {
    rc = buf_append_char(out, '#');
    extra = slice_from(extra, 1);
  }
  return rc ? rc : url_append_part(out, extra, escape, set);
}

int url_create(const struct hn_url_parts *parts, unsigned flags,
               struct hn_buf *out) {
  bool escape = (flags & (unsigned)HN_URL_ESCAPE) != 0;
  size_t start = buf_size(out);
  int err;
  if (!url_can_create(parts, escape)) return HN_ERR_INVALID_PARAMETER;
  err = buf_append(out, parts->scheme.p ? parts->scheme : slice_of("http"));
  if (!err) err = buf_append_text(out, "://");
  if (!err) err = url_append_login(out, parts, escape);
  if (!err && parts->host.n > 0) {
    err = url_append_host(out, parts->host);
    if (!err) err = url_append_port(out, parts, flags);
    if (!err && url_wants_slash(parts)) err = buf_append_char(out, '/');
  }
  if (!err) err = url_append_tail(out, parts, escape);
  if (err) buf_truncate(out, start);
  return err;
}
