#include "follow.h"

bool follow_asks(int status) {
  switch (status) {
  case 301:
  case 302:
  case 303:
  case 307:
  case 308: return true;
  default: return false;
  }
}

/* A fragment alone leads to where we are: followed once, as browsers do. */
static bool follow_goes_nowhere(const struct hn_follow_facts *f) {
  return f->location.n == 0 || (f->location.p[0] == '#' && f->by_fragment);
}

bool follow_leads_away(const struct hn_follow_facts *f) {
  return follow_asks(f->status) && !f->is_off &&
         f->policy != HN_REDIRECT_NEVER &&
         (f->is_torn || !follow_goes_nowhere(f));
}

enum hn_follow follow_decide(const struct hn_follow_facts *f) {
  if (!follow_leads_away(f)) return HN_FOLLOW_DELIVER;
  if (f->is_torn) return HN_FOLLOW_TORN;
  if (!f->is_usable) return HN_FOLLOW_UNUSABLE;
  if (f->has_userpwd && f->no_userpwd) return HN_FOLLOW_USERPWD;
  if (f->hops >= f->max_hops) return HN_FOLLOW_TOO_MANY;
  if (f->from_secure && !f->to_secure && f->policy != HN_REDIRECT_ALWAYS)
    return HN_FOLLOW_DOWNGRADE;
  /* A method that changes drops the body. */
  if (!f->has_body &&
      slice_equal(follow_method(f->status, f->method), f->method))
    return HN_FOLLOW_NEED_BODY;
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
