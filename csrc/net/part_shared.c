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

/* Writes "folder/name"; false when there is no room for it. */
static bool part_join(char *out, size_t size, const char *folder,
                      const char *name) {
  int n = snprintf(out, size, "%s/%s", folder, name);
  return n >= 0 && (size_t)n < size;
}

/* The core's own file, absolute. A relative path may be of a folder that the
 * process has left meanwhile: only where it leads to what is loaded is it
 * ours, and not something that lies in another's folder under our name. */
static bool part_find_self(char *out, size_t size) {
  Dl_info self;
  char here[PATH_MAX];
  if (dladdr(part_entries, &self) == 0) return false;
  if (*self.dli_fname == '/')
    return part_join(out, size, "", self.dli_fname + 1);
  if (!getcwd(here, sizeof here) || !part_join(out, size, here, self.dli_fname))
    return false;
  void *loaded = dlopen(out, RTLD_LAZY | RTLD_NOLOAD);
  if (!loaded) return false;
  (void)dlclose(loaded);
  return true;
}

int parts_init(struct hn_parts *p) {
  char file[PATH_MAX];
  if (!part_find_self(file, sizeof file)) return 0;
  *strrchr(file, '/') = '\0';
  p->folder = mem_copy(file, strlen(file));
  return p->folder ? 0 : HN_ERR_NOT_ENOUGH_MEMORY;
}

void parts_fini(struct hn_parts *p) {
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
  if (!p->folder || !part_join(path, sizeof path, p->folder, object))
    return part_fail(p, object, "its folder is unknown", detail);
  void *handle = dlopen(path, RTLD_NOW | RTLD_LOCAL);
  if (!handle) return part_fail(p, object, dlerror(), detail);
  void *symbol = dlsym(handle, part_entries[which].entry);
  memcpy(&entry, &symbol, sizeof entry);
  p->found[which] = entry ? entry(HN_STAMP) : NULL;
  return p->found[which] ? 0 : part_fail(p, object, NULL, detail);
}

int part_find(struct hn_parts *p, enum hn_part which, const void **out,
              const char **detail) {
  int rc = p->found[which] ? 0 : part_open(p, which, detail);
  if (rc == 0) *out = p->found[which];
  return rc;
}
