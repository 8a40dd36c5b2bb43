#include "part.h"
#include "tls.h"

HN_INTERNAL int parts_init(struct hn_parts *p) {
  (void)p;
  return 0;
}

HN_INTERNAL void parts_fini(struct hn_parts *p) {
  (void)p;
}

HN_INTERNAL int part_find(struct hn_parts *p, enum hn_part which,
                          const void **out, const char **detail) {
  static hn_part_entry *const entries[] = {
    [HN_PART_TLS] = hn_part_tls,
  };
  (void)p;
  (void)detail;
  *out = entries[which](HN_STAMP);
  return 0;
}
