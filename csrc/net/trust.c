#include "trust.h"

#include <dirent.h>
#include <stdlib.h>
#include <unistd.h>

/* The environment is not asked in a set-user-id program: who starts it must not
 * choose whom it trusts. */
static const char *trust_variable(const char *name) {
  const char *value = secure_getenv(name);
  return value && *value ? value : NULL;
}

bool trust_is_hash_link(const char *name) {
  for (int i = 0; i < 8; i++)
    if (slice_hex_digit(name[i]) < 0) return false;
  return name[8] == '.' && name[9] >= '0' && name[9] <= '9';
}

static bool trust_has_hash_links(const char *path) {
  DIR *dir = opendir(path);
  if (!dir) return false;
  const struct dirent *entry = readdir(dir);
  while (entry && !trust_is_hash_link(entry->d_name)) entry = readdir(dir);
  (void)closedir(dir);
  return entry != NULL;
}

struct hn_trust trust_find(const char *folder, const char *file) {
  const char *const folders[] = {folder, "/etc/ssl/certs",
                                 "/etc/pki/tls/certs"};
  const char *const bundles[] = {file, "/etc/ssl/certs/ca-certificates.crt",
                                 "/etc/pki/tls/certs/ca-bundle.crt",
                                 "/etc/ssl/cert.pem"};
  const char *chosen = trust_variable("SSL_CERT_FILE");
  if (chosen) return (struct hn_trust){chosen, NULL, "SSL_CERT_FILE"};
  chosen = trust_variable("SSL_CERT_DIR");
  if (chosen) return (struct hn_trust){NULL, chosen, "SSL_CERT_DIR"};
  for (size_t i = 0; i < sizeof folders / sizeof *folders; i++)
    if (trust_has_hash_links(folders[i]))
      return (struct hn_trust){NULL, folders[i], NULL};
  for (size_t i = 0; i < sizeof bundles / sizeof *bundles; i++)
    if (access(bundles[i], R_OK) == 0)
      return (struct hn_trust){bundles[i], NULL, NULL};
  return (struct hn_trust){NULL, NULL, NULL};
}
