#include "session.h"

#include "../proto/header.h"
#include "identity.h"

static struct hn_session *session_from(struct hn_node *n) {
  return HN_CONTAINER_OF(n, struct hn_session, node);
}

struct hn_session *session_of(const struct hn_node *n) {
  return session_from(n->session);
}

static void session_cancel(struct hn_node *n, bool quiet) {
  (void)n; /* a session has no operations of its own */
  (void)quiet;
}

static void session_destroy(struct hn_node *n) {
  struct hn_session *s = session_from(n);
  pool_fini(&s->pool);
  identity_free_all(s);
  queue_close(n->rt, n->queue);
  mem_free(s->agent);
  texts_fini(&s->texts);
  mem_free(s);
}

static void session_describe(const struct hn_node *n, struct hn_buf *out) {
  (void)buf_append_text(out, n->queue->is_async ? "async" : "sync");
}

static const struct hn_node_ops session_ops = {
  .cancel = session_cancel,
  .destroy = session_destroy,
  .describe = session_describe,
};

int session_set_agent(struct hn_session *s, struct hn_slice agent) {
  char *copy = NULL;
  if (agent.p && !header_is_value(agent)) return HN_ERR_INVALID_PARAMETER;
  if (agent.p) {
    copy = mem_copy(agent.p, agent.n);
    if (!copy) return HN_ERR_NOT_ENOUGH_MEMORY;
  }
  mem_free(s->agent);
  s->agent = copy;
  return 0;
}

int texts_set(struct hn_texts *t, enum hn_text which, struct hn_slice text) {
  if (slice_find(text, 0, '\0') < text.n) return HN_ERR_INVALID_PARAMETER;
  char *copy = mem_copy(text.p, text.n);
  if (!copy) return HN_ERR_NOT_ENOUGH_MEMORY;
  mem_free(t->at[which]);
  t->at[which] = copy;
  return 0;
}

void texts_fini(struct hn_texts *t) {
  for (int i = 0; i < HN_TEXTS; i++) mem_free(t->at[i]);
  *t = (struct hn_texts){{0}};
}

static int session_enter(hn_runtime *rt, struct hn_session *s,
                         struct hn_slice agent, bool is_async) {
  struct hn_queue *q;
  int rc = session_set_agent(s, agent);
  if (rc == 0) rc = queue_new(rt, &q);
  if (rc) return rc;
  q->is_async = is_async;
  rc = node_open(rt, &s->node, HN_KIND_SESSION, NULL, q);
  if (rc) {
    queue_close(rt, q);
    return rc;
  }
  q->session = s->node.id;
  pool_init(&s->pool, &rt->env, s->node.id);
  list_init(&s->identities);
  return 0;
}

int hn_open(hn_runtime *rt, struct hn_slice agent, unsigned flags,
            hn_handle *out) {
  if (flags & ~(unsigned)HN_OPEN_ASYNC) return HN_ERR_INVALID_PARAMETER;
  struct hn_session *s = mem_calloc(1, sizeof *s);
  if (!s) return HN_ERR_NOT_ENOUGH_MEMORY;
  s->node.ops = &session_ops;
  s->settings = (struct hn_settings)HN_SETTINGS_DEFAULT;
  s->tuning = (struct hn_tcp_tuning)HN_TCP_TUNING_DEFAULT;
  int rc = session_enter(rt, s, agent, (flags & HN_OPEN_ASYNC) != 0);
  if (rc) {
    mem_free(s->agent);
    mem_free(s);
    return rc;
  }
  *out = s->node.id;
  return 0;
}
