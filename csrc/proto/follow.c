#include "follow.h"

bool follow_is_redirect(int status, int64_t policy) {
  switch (status) {
  case 301:
  case 302:
  case 303:
  case 307:
  case 308: return policy != HN_REDIRECT_NEVER;
  default: return false;
  }
}

enum hn_follow follow_judge(int64_t policy, int64_t hops, int64_t max_hops,
                            bool from_secure, bool to_secure) {
  if (hops >= max_hops) return HN_FOLLOW_TOO_MANY;
  if (from_secure && !to_secure && policy != HN_REDIRECT_ALWAYS)
    return HN_FOLLOW_DOWNGRADE;
  return HN_FOLLOW_REDIRECT;
}

struct hn_slice follow_method(int status, struct hn_slice method) {
  bool rewrites = status == 303 ? !slice_equal(method, slice_of("HEAD"))
                                : (status == 301 || status == 302) &&
                                      slice_equal(method, slice_of("POST"));
  return rewrites ? slice_of("GET") : method;
}

static bool follow_is_one_of(struct hn_slice name, const char *const *names) {
  for (; *names; names++)
    if (slice_equal_nocase(name, slice_of(*names))) return true;
  return false;
}

bool follow_is_content_field(struct hn_slice name) {
  static const char *const names[] = {
      "Content-Length",   "Transfer-Encoding",
      "Content-Type",     "Content-Encoding",
      "Content-Language", "Content-Location",
      "Content-MD5",      "Digest",
      "Last-Modified",    "Expect",
      "Trailer",          NULL,
  };
  return follow_is_one_of(name, names);
}

bool follow_is_credential(struct hn_slice name) {
  static const char *const names[] = {
      "Authorization",
      "Cookie",
      "Proxy-Authorization",
      NULL,
  };
  return follow_is_one_of(name, names);
}
