/*
 * follow.h: what to do after a response head: pure decisions, no state and no
 * bytes. request asks, and acts on the answer (RFC 9110 15.4; winhttp.md 9.1).
 */
#ifndef HN_PROTO_FOLLOW_H
#define HN_PROTO_FOLLOW_H

#include "../base/slice.h"

enum hn_redirect_policy { /* WINHTTP_OPTION_REDIRECT_POLICY_* */
                          HN_REDIRECT_NEVER = 0,
                          HN_REDIRECT_DISALLOW_HTTPS_TO_HTTP = 1,
                          HN_REDIRECT_ALWAYS = 2,
};

enum hn_follow {
  HN_FOLLOW_DELIVER,   /* the response is the caller's */
  HN_FOLLOW_REDIRECT,  /* go where Location points */
  HN_FOLLOW_TOO_MANY,  /* more hops than allowed */
  HN_FOLLOW_DOWNGRADE, /* from https to http, which the policy forbids */
};

/* A 301, 302, 303, 307 or 308 under a policy that follows at all. */
HN_INTERNAL bool follow_is_redirect(int status, int64_t policy);

/* The verdict on one hop, once its target is known. */
HN_INTERNAL enum hn_follow follow_judge(int64_t policy, int64_t hops,
                                        int64_t max_hops, bool from_secure,
                                        bool to_secure);

/* The method of the next hop, borrowed or static: 303 turns everything but
 * HEAD into GET, 301 and 302 do so to POST, as every browser does; 307 and 308
 * change nothing. */
HN_INTERNAL struct hn_slice follow_method(int status, struct hn_slice method);

/* Fields that describe the content: they go with it when a hop drops it. */
HN_INTERNAL bool follow_is_content_field(struct hn_slice name);

/* Fields that are for the first origin's eyes only: they do not cross to
 * another (design.md 6). */
HN_INTERNAL bool follow_is_credential(struct hn_slice name);

#endif
