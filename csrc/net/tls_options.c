#include <string.h>

#include "../base/mem.h"
#include "tls.h"

enum { HN_TLS_OPTIONS_VERSIONS = HN_TLS_1_2 | HN_TLS_1_3 };

/* Where the texts lie: each is compared, copied and freed alike. */
static const size_t tls_options_texts[] = {
    offsetof(struct hn_tls_options, ca_file),
    offsetof(struct hn_tls_options, client_cert),
    offsetof(struct hn_tls_options, client_key),
    offsetof(struct hn_tls_options, client_password),
    offsetof(struct hn_tls_options, pins),
    offsetof(struct hn_tls_options, crl_file),
    offsetof(struct hn_tls_options, key_log_file),
};

enum {
  HN_TLS_OPTIONS_TEXTS = sizeof tls_options_texts / sizeof *tls_options_texts
};

static const char *tls_options_text(const struct hn_tls_options *o, size_t i) {
  const char *text;
  memcpy(&text, (const char *)o + tls_options_texts[i], sizeof text);
  return text;
}

static void tls_options_put(struct hn_tls_options *o, size_t i,
                            const char *text) {
  memcpy((char *)o + tls_options_texts[i], &text, sizeof text);
}

int tls_options_set_protocols(struct hn_tls_options *o, uint32_t bits) {
  if (bits == 0 || (bits & ~(uint32_t)HN_TLS_OPTIONS_VERSIONS))
    return HN_ERR_INVALID_PARAMETER;
  o->min_version = bits & HN_TLS_1_2 ? HN_TLS_1_2 : HN_TLS_1_3;
  o->max_version = bits & HN_TLS_1_3 ? HN_TLS_1_3 : HN_TLS_1_2;
  return 0;
}

static bool tls_options_same_text(const char *a, const char *b) {
  if (!a || !b) return a == b;
  return strcmp(a, b) == 0;
}

bool tls_options_equal(const struct hn_tls_options *a,
                       const struct hn_tls_options *b) {
  for (size_t i = 0; i < HN_TLS_OPTIONS_TEXTS; i++)
    if (!tls_options_same_text(tls_options_text(a, i), tls_options_text(b, i)))
      return false;
  return a->min_version == b->min_version && a->max_version == b->max_version &&
         a->ignore == b->ignore && a->revocation == b->revocation &&
         a->revocation_offline_ok == b->revocation_offline_ok;
}

int tls_options_copy(struct hn_tls_options *to,
                     const struct hn_tls_options *from) {
  struct hn_tls_options copy = *from;
  for (size_t i = 0; i < HN_TLS_OPTIONS_TEXTS; i++)
    tls_options_put(&copy, i, NULL);
  for (size_t i = 0; i < HN_TLS_OPTIONS_TEXTS; i++) {
    const char *text = tls_options_text(from, i);
    char *own = text ? mem_copy(text, strlen(text)) : NULL;
    if (text && !own) {
      tls_options_fini(&copy);
      return HN_ERR_NOT_ENOUGH_MEMORY;
    }
    tls_options_put(&copy, i, own);
  }
  *to = copy;
  return 0;
}

void tls_options_fini(struct hn_tls_options *o) {
  char *password = (char *)(uintptr_t)o->client_password;
  if (password) mem_wipe(password, strlen(password));
  for (size_t i = 0; i < HN_TLS_OPTIONS_TEXTS; i++)
    mem_free((void *)(uintptr_t)tls_options_text(o, i));
  memset(o, 0, sizeof *o);
}
