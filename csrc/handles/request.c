#include "request.h"

#include <string.h>

#include "../base/trace.h"
#include "../proto/url.h"

static const char *const request_names[HN_REQUEST_STATES] = {
    "new",         "sending",  "sent",   "receiving", "redirecting",
    "redirecting", "received", "failed", "broken",
};

enum {
  HN_REQUEST_BIT_ENDS = 1 << HN_REQUEST_FAILED | 1 << HN_REQUEST_BROKEN,
  HN_REQUEST_BIT_SENDING = 1 << HN_REQUEST_SENDING,
};

static const unsigned request_next[HN_REQUEST_STATES] = {
    [HN_REQUEST_NEW] = HN_REQUEST_BIT_SENDING | HN_REQUEST_BIT_ENDS,
    [HN_REQUEST_SENDING] = 1 << HN_REQUEST_SENT | HN_REQUEST_BIT_ENDS,
    [HN_REQUEST_SENT] = 1 << HN_REQUEST_RECEIVING | HN_REQUEST_BIT_SENDING |
                        HN_REQUEST_BIT_ENDS,
    [HN_REQUEST_RECEIVING] = 1 << HN_REQUEST_RECEIVED |
                             1 << HN_REQUEST_REDIRECTING | HN_REQUEST_BIT_ENDS,
    [HN_REQUEST_REDIRECTING] = 1 << HN_REQUEST_CLEARING | HN_REQUEST_BIT_ENDS,
    [HN_REQUEST_CLEARING] = 1 << HN_REQUEST_RECEIVING | HN_REQUEST_BIT_ENDS,
    [HN_REQUEST_RECEIVED] = HN_REQUEST_BIT_SENDING | HN_REQUEST_BIT_ENDS,
    [HN_REQUEST_FAILED] = HN_REQUEST_BIT_SENDING | HN_REQUEST_BIT_ENDS,
    [HN_REQUEST_BROKEN] = HN_REQUEST_BIT_SENDING | HN_REQUEST_BIT_ENDS,
};

void request_set_state(struct hn_request *r, enum hn_request_state state) {
  static const struct hn_machine machine = {"request", request_names,
                                            request_next};
  r->state = state_step(&machine, r->node.id, r->state, state);
}

struct hn_request *request_from(struct hn_node *n) {
  return HN_CONTAINER_OF(n, struct hn_request, node);
}

int request_find(const hn_runtime *rt, hn_handle h, struct hn_request **out) {
  struct hn_node *n;
  int rc = node_find(rt, h, HN_KIND_REQUEST, &n);
  if (rc == 0) *out = request_from(n);
  return rc;
}

struct hn_slice request_method(const struct hn_request *r) {
  return slice_sub(buf_peek(&r->text), 0, r->method_size);
}

struct hn_slice request_path(const struct hn_request *r) {
  return slice_from(buf_peek(&r->text), r->method_size);
}

struct hn_headers *request_fields(struct hn_request *r) {
  return r->hop ? &r->hop->fields : &r->fields;
}

void request_drop_hops(struct hn_request *r) {
  hop_free(r->hop);
  hop_free(r->next_hop);
  r->hop = r->next_hop = NULL;
}

struct hn_hop *request_awaited_hop(const struct hn_request *r) {
  struct hn_hop *h = r->next_hop ? r->next_hop : r->hop;
  return r->state == HN_REQUEST_FAILED && h && h->wants_body ? h : NULL;
}

void request_enter_hop(struct hn_request *r) {
  if (!r->next_hop) return;
  hop_free(r->hop);
  r->hop = r->next_hop;
  r->next_hop = NULL;
  r->target = &r->hop->target;
}

struct hn_connect *request_connect(const struct hn_request *r) {
  return connect_from(r->node.parent);
}

int request_append_url(const struct hn_request *r, struct hn_buf *out) {
  return r->hop ? hop_append_url(r->hop, out)
                : target_append_url(r->target, request_path(r), out);
}

const char *request_text(const struct hn_request *r, enum hn_text which) {
  const char *own = r->texts ? r->texts->at[which] : NULL;
  const char *text = own ? own : session_of(&r->node)->texts.at[which];
  return text && *text ? text : NULL;
}

int request_blame(struct hn_request *r, int code, enum hn_phase phase,
                  const char *text) {
  return err_set(&r->info, code, phase, r->target->authority, text);
}

const char *request_state_name(const struct hn_request *r) {
  return request_names[r->state];
}
