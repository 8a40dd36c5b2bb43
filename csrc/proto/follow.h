/*
 * follow.h: what comes after a response head: pure decisions over facts, no
 * state and no bytes. handles/again gathers the facts, asks, and acts on the
 * answer (RFC 9110 15.4; winhttp.md 9.1).
 */
#ifndef HN_PROTO_FOLLOW_H
#define HN_PROTO_FOLLOW_H

#include "../base/slice.h"

enum hn_redirect_policy { /* WINHTTP_OPTION_REDIRECT_POLICY_* */
                          HN_REDIRECT_NEVER = 0,
                          HN_REDIRECT_DISALLOW_HTTPS_TO_HTTP = 1,
                          HN_REDIRECT_ALWAYS = 2,
};

/* All that a decision rests on. Slices are borrowed. */
struct hn_follow_facts {
  /* The response. */
  int status;
  struct hn_slice location; /* absent: it has none */
  bool is_torn;             /* it has two, which differ */
  /* Where its Location leads. */
  bool is_usable; /* to a server that can be asked */
  bool to_secure;
  bool has_userpwd; /* the URL carries credentials */
  /* The request that it answers. */
  struct hn_slice method;
  bool has_body; /* all of its body is here, to be sent again */
  bool from_secure;
  int64_t hops;     /* redirects so far */
  bool by_fragment; /* the last of them was a fragment alone */
  /* What its caller allows. */
  bool is_off; /* WINHTTP_DISABLE_REDIRECTS */
  bool no_userpwd;
  int64_t policy; /* enum hn_redirect_policy */
  int64_t max_hops;
};

enum hn_follow {
  HN_FOLLOW_DELIVER,   /* the response is the caller's */
  HN_FOLLOW_REDIRECT,  /* go where Location points */
  HN_FOLLOW_NEED_BODY, /* go there when the body is given once more */
  HN_FOLLOW_TORN,      /* two Locations: two readings of one response */
  HN_FOLLOW_UNUSABLE,  /* a Location that leads nowhere */
  HN_FOLLOW_USERPWD,   /* to a URL with credentials, which are refused */
  HN_FOLLOW_TOO_MANY,  /* more hops than allowed */
  HN_FOLLOW_DOWNGRADE, /* from https to http, which the policy forbids */
  HN_FOLLOWS
};

/* Whether a response of this status may be anything but the caller's: its facts
 * are worth gathering. */
HN_INTERNAL bool follow_asks(int status);

/* Whether the response redirects a caller who wants that: then it has to be
 * known where its Location leads. */
HN_INTERNAL bool follow_leads_away(const struct hn_follow_facts *f);

/* What to do after a response head. */
HN_INTERNAL enum hn_follow follow_decide(const struct hn_follow_facts *f);

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
