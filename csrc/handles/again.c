#include "again.h"

#include "redirect.h"

/* What is done about each decision. */
struct again_row {
  /* Makes r->next_hop; NULL: the request does not go out again. */
  int (*prepare)(struct hn_request *r, const struct hn_follow_facts *f,
                 const struct hn_redirect *to);
  int code; /* how the operation fails; 0: it does not */
  const char *why;
};

static const struct again_row again_rows[HN_FOLLOWS] = {
    [HN_FOLLOW_REDIRECT] = {redirect_make_hop, 0, NULL},
    [HN_FOLLOW_NEED_BODY] = {redirect_make_hop, HN_ERR_RESEND_REQUEST,
                             "redirect needs the body again"},
    [HN_FOLLOW_TORN] = {NULL, HN_ERR_REDIRECT_FAILED,
                        "redirect with two different Locations"},
    [HN_FOLLOW_UNUSABLE] = {NULL, HN_ERR_REDIRECT_FAILED,
                            "redirect to an unusable Location"},
    [HN_FOLLOW_USERPWD] = {NULL, HN_ERR_INVALID_URL,
                           "redirect to a URL with credentials"},
    [HN_FOLLOW_TOO_MANY] = {NULL, HN_ERR_REDIRECT_FAILED, "too many redirects"},
    [HN_FOLLOW_DOWNGRADE] = {NULL, HN_ERR_REDIRECT_FAILED,
                             "redirect from https to http refused"},
};

/* What came by write is not here any more. */
static void again_gather(const struct hn_request *r,
                         struct hn_follow_facts *f) {
  const struct hn_settings *s = &r->settings;
  *f = (struct hn_follow_facts){
      .status = r->exchange.response.status,
      .method = r->message.method,
      .has_body = r->message.length == r->message.body.n,
      .from_secure = r->target->secure,
      .is_off = (s->disabled & HN_DISABLE_REDIRECTS) != 0,
      .no_userpwd = s->reject_userpwd != 0,
      .policy = s->redirect_policy,
      .max_hops = s->max_redirects,
  };
  redirect_look(r, f);
}

/* The redirect is told of, and held until that has been heard; one that nobody
 * hears goes on at once. */
static int again_tell(struct hn_request *r) {
  struct hn_buf url;
  buf_init(&url, 4 * HN_MAX_URL);
  int rc = hop_append_url(r->next_hop, &url);
  if (rc == 0)
    rc = node_notify(&r->node, HN_STATUS_REDIRECT, 0, buf_peek(&url));
  buf_fini(&url);
  if (rc) return rc;
  op_disarm(&r->node, &r->rx);
  exchange_hold(&r->exchange);
  request_set_state(r, HN_REQUEST_REDIRECTING);
  if (!(r->node.mask & HN_STATUS_REDIRECT)) again_go_on(r);
  return HN_AGAIN;
}

static int again_act(struct hn_request *r, const struct hn_follow_facts *f,
                     const struct hn_redirect *to) {
  const struct again_row *row = &again_rows[follow_decide(f)];
  int rc = row->prepare ? row->prepare(r, f, to) : 0;
  if (rc) return rc;
  if (row->prepare && row->code == HN_ERR_RESEND_REQUEST)
    r->next_hop->wants_body = true;
  if (row->code)
    return request_blame(r, row->code, HN_PHASE_RESPONSE, row->why);
  return row->prepare ? again_tell(r) : 0;
}

static int again_look(struct hn_request *r) {
  struct hn_follow_facts f;
  struct hn_redirect to;
  again_gather(r, &f);
  redirect_init(&to);
  int rc = follow_leads_away(&f) ? redirect_locate(r, &f, &to) : 0;
  if (rc == 0) rc = again_act(r, &f, &to);
  redirect_fini(&to);
  return rc;
}

int again_after_head(struct hn_request *r) {
  return follow_asks(r->exchange.response.status) ? again_look(r) : 0;
}

void again_go_on(struct hn_request *r) {
  if (r->state != HN_REQUEST_REDIRECTING) return;
  exchange_go_on(&r->exchange);
  request_set_state(r, HN_REQUEST_CLEARING);
  duplex_make_ready(&r->node);
}

static void again_go(struct hn_request *r) {
  const struct hn_hop *h = r->next_hop;
  struct hn_slice method = hop_method(h);
  exchange_close(&r->exchange);
  r->begun = false;
  if (!slice_equal(method, r->message.method)) {
    r->message.body = slice_make(NULL, 0);
    r->message.length = 0;
    r->message.expects = false;
    r->message.repeatable = true;
  }
  r->message.method = method;
  r->message.target = hop_path(h);
  r->message.fields = &h->fields;
  request_enter_hop(r);
}

/* The next hop may have the connection of this one, if it goes to the same
 * place. */
bool again_clear(struct hn_request *r) {
  if (target_is_same_origin(r->target, &r->next_hop->target) &&
      exchange_step_rest(&r->exchange) == HN_AGAIN)
    return false;
  request_set_state(r, HN_REQUEST_RECEIVING);
  again_go(r);
  return true;
}
