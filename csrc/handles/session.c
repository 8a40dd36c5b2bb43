#include "session.h"

#include <assert.h>

#include "../proto/header.h"
#include "../core/life.h"

static const char session_agent_name[] = "User-Agent: ";

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

static void session_free_agent(struct hn_session *s) {
  account_give(s->texts.account, s->agent_line.n);
  mem_free((void *)(uintptr_t)s->agent_line.p);
}

static void session_destroy(struct hn_node *n) {
  struct hn_session *s = session_from(n);
  pool_fini(&s->pool);
  identities_fini(&s->identities);
  queue_close(n->queue);
  session_free_agent(s);
  texts_fini(&s->texts);
  budget_fini(n->rt, &s->budget);
  mem_free(s);
}

static void session_describe(const struct hn_node *n, struct hn_buf *out) {
  (void)buf_append_text(out, n->queue->is_async ? "async" : "sync");
}

static void session_expire(struct hn_node *n, const struct hn_timer *t) {
  (void)t; /* it has one */
  pool_on_timer(&session_from(n)->pool);
}

static const struct hn_node_ops session_ops = {
    .size = sizeof(struct hn_session),
    .cancel = session_cancel,
    .destroy = session_destroy,
    .describe = session_describe,
    .expire = session_expire,
};

struct hn_slice session_agent(const struct hn_session *s) {
  struct hn_slice line = s->agent_line;
  if (!line.p) return slice_of("");
  return slice_sub(line, strlen(session_agent_name), line.n - 2);
}

static int session_make_line(struct hn_slice agent, struct hn_buf *line) {
  int rc = buf_append_text(line, session_agent_name);
  if (rc == 0) rc = buf_append(line, slice_trim(agent));
  return rc ? rc : buf_append_text(line, "\r\n");
}

/* The line is made once, for all requests. */
int session_set_agent(struct hn_session *s, struct hn_slice agent) {
  struct hn_buf line;
  if (agent.p && !header_is_value(agent)) return HN_ERR_INVALID_PARAMETER;
  buf_init(&line, SIZE_MAX / 2);
  int rc = agent.p ? session_make_line(agent, &line) : 0;
  if (rc == 0 && !account_take(s->texts.account, buf_size(&line)))
    rc = HN_ERR_NOT_ENOUGH_MEMORY;
  if (rc) {
    buf_fini(&line);
    return rc;
  }
  session_free_agent(s);
  s->agent_line = slice_make(line.bytes, buf_size(&line));
  return 0;
}

/* One of them opens a key; the others may as well go the same way. */
static void texts_drop(const struct hn_texts *t, enum hn_text which) {
  char *text = t->at[which];
  if (text) mem_wipe(text, strlen(text));
  account_free(t->account, text);
}

int texts_set(struct hn_texts *t, enum hn_text which, struct hn_slice text) {
  if (slice_find(text, 0, '\0') < text.n) return HN_ERR_INVALID_PARAMETER;
  char *copy = account_alloc(t->account, text.n + 1);
  if (!copy) return HN_ERR_NOT_ENOUGH_MEMORY;
  if (text.n > 0) memcpy(copy, text.p, text.n);
  copy[text.n] = '\0';
  texts_drop(t, which);
  t->at[which] = copy;
  return 0;
}

void texts_fini(struct hn_texts *t) {
  for (int i = 0; i < HN_TEXTS; i++) texts_drop(t, (enum hn_text)i);
  *t = (struct hn_texts){.account = t->account};
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
    queue_close(q);
    return rc;
  }
  q->session = s->node.id;
  pool_init(&s->pool, &rt->env, s->node.id);
  identities_init(&s->identities, &rt->env);
  return 0;
}

int hn_open(hn_runtime *rt, struct hn_slice agent, unsigned flags,
            hn_handle *out) {
  assert(rt && out);
  assert(slice_is_sound(agent));
  if (flags & ~(unsigned)HN_OPEN_ASYNC) return HN_ERR_INVALID_PARAMETER;
  int rc = life_renew(rt);
  if (rc) return rc;
  struct hn_session *s = mem_calloc(1, sizeof *s);
  if (!s) return HN_ERR_NOT_ENOUGH_MEMORY;
  s->node.ops = &session_ops;
  budget_init(&s->budget);
  s->texts.account = &rt->env.account;
  s->settings = (struct hn_settings)HN_SETTINGS_DEFAULT;
  s->tuning = (struct hn_tcp_tuning)HN_TCP_TUNING_DEFAULT;
  rc = session_enter(rt, s, agent, (flags & HN_OPEN_ASYNC) != 0);
  if (rc) {
    session_free_agent(s);
    mem_free(s);
    return rc;
  }
  *out = s->node.id;
  return 0;
}
