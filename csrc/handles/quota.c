#include "quota.h"

int quota_check_upload(struct hn_request *r, uint64_t size) {
  const struct hn_guard *g = r->node.rt->env.guard;
  if (!g || size <= g->max_request_body) return 0;
  return request_blame(r, HN_ERR_INSUFFICIENT_BUFFER, HN_PHASE_SEND,
                       "request body larger than allowed (host policy)");
}

int quota_check_download(struct hn_request *r) {
  const struct hn_guard *g = r->node.rt->env.guard;
  if (!g || (r->exchange.body_size <= g->max_response_body &&
             r->content.size <= g->max_response_body))
    return 0;
  return request_blame(r, HN_ERR_INSUFFICIENT_BUFFER, HN_PHASE_RECEIVE,
                       "response body larger than allowed (host policy)");
}
