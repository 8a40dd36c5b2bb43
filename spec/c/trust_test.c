#include "test.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../../csrc/net/trust.h"

static void put_file(const char *folder, const char *name) {
  char path[256];
  snprintf(path, sizeof path, "%s/%s", folder, name);
  FILE *f = fopen(path, "w");
  CHECK(f != NULL);
  if (f) fclose(f);
}

static void drop_file(const char *folder, const char *name) {
  char path[256];
  snprintf(path, sizeof path, "%s/%s", folder, name);
  unlink(path);
}

TEST(hash_links_by_name) {
  CHECK(trust_is_hash_link("5ed36f99.0"));
  CHECK(trust_is_hash_link("0123ABCD.9"));
  CHECK(!trust_is_hash_link(""));
  CHECK(!trust_is_hash_link("."));
  CHECK(!trust_is_hash_link("5ed36f99"));
  CHECK(!trust_is_hash_link("5ed36f99.r0"));
  CHECK(!trust_is_hash_link("5ed36f9.0"));
  CHECK(!trust_is_hash_link("ca-certificates.crt"));
}

TEST(the_environment_goes_first) {
  setenv("SSL_CERT_FILE", "/nowhere/bundle.pem", 1);
  setenv("SSL_CERT_DIR", "/nowhere/certs", 1);
  struct hn_trust t = trust_find("/nowhere", "/nowhere/file");
  CHECK_TEXT(slice_of(t.file), "/nowhere/bundle.pem");
  CHECK_TEXT(slice_of(t.variable), "SSL_CERT_FILE");
  CHECK(t.folder == NULL);
  setenv("SSL_CERT_FILE", "", 1);
  t = trust_find("/nowhere", "/nowhere/file");
  CHECK(t.file == NULL);
  CHECK_TEXT(slice_of(t.folder), "/nowhere/certs");
  unsetenv("SSL_CERT_FILE");
  unsetenv("SSL_CERT_DIR");
}

TEST(a_folder_needs_hash_links) {
  char folder[] = "/tmp/hn_trust_XXXXXX";
  CHECK(mkdtemp(folder) != NULL);
  put_file(folder, "some.pem");
  struct hn_trust t = trust_find(folder, "/nowhere/file");
  CHECK(t.folder == NULL || strcmp(t.folder, folder) != 0);
  put_file(folder, "5ed36f99.0");
  t = trust_find(folder, "/nowhere/file");
  CHECK_TEXT(slice_of(t.folder), folder);
  CHECK(t.file == NULL && t.variable == NULL);
  drop_file(folder, "some.pem");
  drop_file(folder, "5ed36f99.0");
  rmdir(folder);
}

TEST_MAIN(ROW(hash_links_by_name), ROW(the_environment_goes_first),
          ROW(a_folder_needs_hash_links))
