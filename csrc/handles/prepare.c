#include "prepare.h"

#include "../http/h1.h"
#include "identity.h"
#include "policy.h"
#include "quota.h"

struct prepare_method {
  struct hn_slice name;
  /* Requests of this method are expected to carry content: they say so even
   * when it is empty (RFC 9110 8.6). */
  bool has_body;
  bool is_repeatable; /* RFC 9110 9.2.2: idempotent */
};

static const struct prepare_method *prepare_find_method(struct hn_slice name) {
  static const struct prepare_method methods[] = {
      {{"GET", 3}, false, true},     {{"POST", 4}, true, false},
      {{"HEAD", 4}, false, true},    {{"PUT", 3}, true, true},
      {{"PATCH", 5}, true, false},   {{"DELETE", 6}, false, true},
      {{"OPTIONS", 7}, false, true}, {{"TRACE", 5}, false, true},
  };
  static const struct prepare_method other = {{NULL, 0}, false, false};
  for (size_t i = 0; i < sizeof methods / sizeof *methods; i++)
    if (slice_equal(methods[i].name, name)) return &methods[i];
  return &other;
}

static int prepare_first_target(struct hn_request *r) {
  bool secure = r->opened_secure;
  return connect_get_target(request_connect(r), secure, &r->target);
}

/* Codings that this build undoes are asked for, unless the caller says what to
 * accept or asks for a range, which would be one of the coded bytes. */
static int prepare_accept(struct hn_request *r, struct hn_headers *h) {
  struct hn_slice line =
      decode_accept_line((unsigned)r->settings.decompression);
  if (!line.p || headers_has(h, "Accept-Encoding") || headers_has(h, "Range"))
    return 0;
  r->own_accept = true;
  return headers_append_line(h, line, strlen("Accept-Encoding"));
}

/* A new send begins where the request was opened, unless a redirect waits for
 * its body: then there. */
static int prepare_place(struct hn_request *r) {
  request_drop_own(r);
  if (request_awaited_hop(r)) {
    request_enter_hop(r);
    return 0;
  }
  if (!r->hop && !r->next_hop) return 0;
  request_drop_hops(r);
  return prepare_first_target(r);
}

static int prepare_fields(struct hn_request *r, struct hn_slice headers) {
  int rc = prepare_place(r);
  struct hn_headers *h = request_fields(r);
  if (rc == 0 && headers.n > 0)
    rc = request_add_lines(r, h, headers, HN_HEADERS_SET);
  if (rc == 0) rc = prepare_accept(r, h);
  struct hn_slice agent = session_of(&r->node)->agent_line;
  if (rc == 0 && agent.p && !headers_has(h, "User-Agent"))
    rc = headers_append_line(h, agent, strlen("User-Agent"));
  bool close = (r->settings.disabled & HN_DISABLE_KEEP_ALIVE) != 0;
  return rc ? rc : message_say_connection(h, r->minor, close);
}

static int prepare_body(struct hn_request *r, struct hn_slice body) {
  r->message.body = body;
  buf_clear(&r->body);
  if (body.n == 0 || body.n > HN_MAX_COPY) return 0;
  if (!r->body.bytes)
    spares_take(&r->node.rt->env.spares, &r->body, body.n, HN_MAX_COPY);
  int rc = buf_append(&r->body, body);
  r->message.body = buf_peek(&r->body);
  return rc;
}

int prepare_message(struct hn_request *r, struct hn_slice headers,
                    struct hn_slice body, uint64_t total) {
  struct hn_message *m = &r->message;
  bool said = false;
  int rc = prepare_fields(r, headers);
  if (rc) return rc;
  struct hn_headers *h = request_fields(r);
  m->method = r->hop ? hop_method(r->hop) : request_method(r);
  m->target = r->hop ? hop_path(r->hop) : request_path(r);
  m->minor = r->minor;
  m->fields = h;
  m->body = body;
  rc = message_agree_length(m, total, &said);
  if (rc) return rc;
  const struct prepare_method *method = prepare_find_method(m->method);
  if (!said && (m->length > 0 || method->has_body)) {
    rc = message_say_length(h, m->length);
    if (rc) return rc;
    r->own_framing = true;
  }
  m->expects =
      m->length > 0 && headers_has_element(h, "Expect", "100-continue");
  /* What comes by write can be had only once. */
  m->repeatable = method->is_repeatable && m->length == body.n;
  return prepare_body(r, body);
}

/* A request's own certificate is for the server it was opened for: like other
 * credentials it does not follow a redirect to another origin. The session's is
 * for all. */
static const char *prepare_identity(const struct hn_request *r,
                                    enum hn_text which) {
  const struct hn_target *first = &request_connect(r)->target[r->opened_secure];
  bool own = r->texts && r->texts->at[HN_TEXT_CLIENT_CERT];
  bool away = r->hop && !target_is_same_origin(first, r->target);
  return own && away ? NULL : request_text(r, which);
}

static const char *prepare_ca_file(const struct hn_request *r) {
  const struct hn_guard *g = r->node.rt->env.guard;
  return g && g->ca_file ? g->ca_file : request_text(r, HN_TEXT_CA_FILE);
}

static void prepare_tls_options(const struct hn_request *r,
                                struct hn_tls_options *o) {
  const struct hn_settings *s = &r->settings;
  *o = (struct hn_tls_options){
      .ca_file = prepare_ca_file(r),
      .ignore = (uint32_t)s->security_flags,
      .client_cert = prepare_identity(r, HN_TEXT_CLIENT_CERT),
      .client_key = prepare_identity(r, HN_TEXT_CLIENT_KEY),
      .client_password = prepare_identity(r, HN_TEXT_CLIENT_PASSWORD),
      .pins = request_text(r, HN_TEXT_PINS),
      .crl_file = request_text(r, HN_TEXT_CRL_FILE),
      .revocation = (s->enabled & HN_ENABLE_SSL_REVOCATION) != 0,
      .revocation_offline_ok = s->revocation_offline_ok != 0,
      .key_log_file = request_text(r, HN_TEXT_KEY_LOG_FILE),
  };
  (void)tls_options_set_protocols(o, (uint32_t)s->secure_protocols);
}

static int prepare_tls(struct hn_request *r, struct hn_tls_context **tls) {
  const char *detail = NULL;
  struct hn_tls_options options;
  *tls = NULL;
  r->securing = false;
  if (!r->target->secure) return 0;
  prepare_tls_options(r, &options);
  struct hn_identities *all = &session_of(&r->node)->identities;
  int rc = identity_get(all, &options, tls, &detail);
  r->securing = rc == HN_AGAIN;
  if (rc == 0 || rc == HN_AGAIN) return rc;
  return request_blame(r, rc, HN_PHASE_SECURE, detail);
}

/* A socket's path goes before addresses, those before another name. None of
 * them follows a redirect to another host. The text is copied: the exchange
 * needs it as long as it may want a connection, and the option may change. */
static int prepare_route(struct hn_request *r, struct hn_origin *o) {
  static const struct {
    enum hn_text text;
    enum hn_route_kind kind;
  } order[] = {{HN_TEXT_UNIX_SOCKET, HN_ROUTE_UNIX},
               {HN_TEXT_RESOLVE_TO, HN_ROUTE_ADDRESSES},
               {HN_TEXT_LOOKUP_HOST, HN_ROUTE_NAME}};
  const struct hn_target *first = &request_connect(r)->target[r->opened_secure];
  mem_free(r->via);
  r->via = NULL;
  if (r->hop && !address_is_same_host(first->host, r->target->host)) return 0;
  for (size_t i = 0; i < sizeof order / sizeof *order; i++) {
    struct hn_slice via = slice_of(request_text(r, order[i].text));
    if (!via.p) continue;
    r->via = mem_copy(via.p, via.n);
    if (!r->via) return HN_ERR_NOT_ENOUGH_MEMORY;
    o->route.kind = order[i].kind;
    o->route.via = slice_make(r->via, via.n);
    return policy_check_route(r, o);
  }
  return 0;
}

/* What a connection is wished for by. */
static int prepare_wish(struct hn_request *r, struct hn_pool_wish *w) {
  const struct hn_target *t = r->target;
  const struct hn_settings *s = &r->settings;
  struct hn_origin origin = {.host = t->host, .port = t->port, .hash = t->hash};
  int rc = policy_check_hop(r);
  if (rc == 0) rc = prepare_tls(r, &origin.tls);
  if (rc == 0) rc = prepare_route(r, &origin);
  if (rc) return rc;
  w->origin = origin;
  w->limits.resolve_timeout = s->resolve_timeout;
  w->limits.connect_timeout = s->connect_timeout;
  w->limits.max_attempts = (int)s->connect_retries;
  w->limits.tuning = &session_of(&r->node)->tuning;
  w->protocols = protocols_h1();
  w->owner = r->node.id;
  w->fresh = false;
  w->probe = !r->message.repeatable;
  return 0;
}

int prepare_exchange(struct hn_request *r) {
  const struct hn_settings *s = &r->settings;
  struct hn_exchange *x = &r->exchange;
  const struct hn_message *m = &r->message;
  int rc = quota_check_upload(r, m->length == HN_LENGTH_CHUNKED ? m->body.n
                                                                : m->length);
  if (rc == 0) rc = prepare_wish(r, &x->setup.wish);
  if (rc) return rc;
  x->setup.pool = &session_of(&r->node)->pool;
  x->setup.authority = r->target->authority;
  x->setup.max_head = (size_t)s->max_response_header_size;
  x->setup.max_interim = (unsigned)s->max_http_status_continue;
  x->setup.max_drain = (uint64_t)s->max_response_drain_size;
  r->answer.bytes.cap = r->answer.max_bytes = x->setup.max_head;
  exchange_begin(x, &r->message);
  x->log = r->log;
  x->info = &r->info;
  x->response.fields = &r->answer;
  x->response.trailers = &r->trailers;
  r->begun = true;
  return 0;
}
