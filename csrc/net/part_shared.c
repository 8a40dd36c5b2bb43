#include <dlfcn.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "../base/mem.h"
#include "part.h"

static const struct {
  const char *object, *entry;
} part_entries[] = {
  [HN_PART_TLS] = {"tls.so", "hn_part_tls"},
  [HN_PART_GZIP] = {"zlib.so", "hn_part_gzip"},
  [HN_PART_DEFLATE] = {"zlib.so", "hn_part_deflate"},
  [HN_PART_BROTLI] = {"brotli.so", "hn_part_brotli"},
  [HN_PART_ZSTD] = {"zstd.so", "hn_part_zstd"},
};

HN_INTERNAL int parts_init(struct hn_parts *p) {
  Dl_info self;
  char here[PATH_MAX] = "";
  if (dladdr(part_entries, &self) == 0) return 0;
  const char *file = self.dli_fname;
  const char *slash = strrchr(file, '/');
  int n = slash ? (int)(slash - file) : 0;
  if (*file != '/' && !getcwd(here, sizeof here)) return 0;
  size_t size = strlen(here) + (size_t)n + sizeof "//";
  p->folder = mem_alloc(size);
  if (!p->folder) return HN_ERR_NOT_ENOUGH_MEMORY;
  (void)snprintf(p->folder, size, "%s%s%.*s/", here, *here ? "/" : "", n, file);
  return 0;
}

HN_INTERNAL void parts_fini(struct hn_parts *p) {
  mem_free(p->folder);
}

static int part_fail(struct hn_parts *p, const char *object, const char *why,
                     const char **detail) {
  (void)snprintf(p->detail, sizeof p->detail, "cannot load %s: %s", object,
                 why ? why : "it belongs to another build");
  *detail = p->detail;
  return HN_ERR_NOT_SUPPORTED;
}

/* Local: its names are nobody else's. */
static int part_open(struct hn_parts *p, enum hn_part which,
                     const char **detail) {
  const char *object = part_entries[which].object;
  char path[PATH_MAX];
  hn_part_entry *entry = NULL;
  if (!p->folder) return part_fail(p, object, "its folder is unknown", detail);
  (void)snprintf(path, sizeof path, "%s%s", p->folder, object);
  void *handle = dlopen(path, RTLD_NOW | RTLD_LOCAL);
  if (!handle) return part_fail(p, object, dlerror(), detail);
  void *symbol = dlsym(handle, part_entries[which].entry);
  memcpy(&entry, &symbol, sizeof entry);
  p->found[which] = entry ? entry(HN_STAMP) : NULL;
  return p->found[which] ? 0 : part_fail(p, object, NULL, detail);
}

HN_INTERNAL int part_find(struct hn_parts *p, enum hn_part which,
                          const void **out, const char **detail) {
  int rc = p->found[which] ? 0 : part_open(p, which, detail);
  if (rc == 0) *out = p->found[which];
  return rc;
}
