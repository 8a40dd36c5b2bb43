#include <errno.h>
#include <openssl/bio.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <stdio.h>

#include "../file.h"
#include "openssl.h"

enum {
  HN_TLS_FILE_PIECE = 16 * 1024,
  HN_TLS_MAX_FILE = 64 * 1024 * 1024,
};

bool tls_lacks_memory(void) {
  bool found = false;
  for (unsigned long e = ERR_get_error(); e != 0; e = ERR_get_error())
    if (ERR_GET_REASON(e) == ERR_R_MALLOC_FAILURE) found = true;
  return found;
}

int tls_refuse(const char *why, const char **detail) {
  if (tls_lacks_memory()) return HN_ERR_NOT_ENOUGH_MEMORY;
  *detail = why;
  return HN_ERR_SECURE_FAILURE;
}

int tls_file_refuse(const struct tls_file *f, int system, const char **detail) {
  const char *why = err_system_text(system);
  if (system == ENOMEM) return HN_ERR_NOT_ENOUGH_MEMORY;
  *detail = f->what;
  if (!f->options->fault) return HN_ERR_SECURE_FAILURE;
  if (why)
    (void)snprintf(f->options->fault, HN_MAX_ERROR_TEXT, "%s: %s (%s)", f->what,
                   file_show(f->path), why);
  else
    (void)snprintf(f->options->fault, HN_MAX_ERROR_TEXT,
                   "%s: %s (system error %d)", f->what, file_show(f->path),
                   system);
  *detail = f->options->fault;
  return HN_ERR_SECURE_FAILURE;
}

/* What such a BIO held is wiped when it grows and when it is freed. */
static int tls_file_copy(int fd, BIO *to, int *system) {
  char piece[HN_TLS_FILE_PIECE];
  size_t got = 0, sum = 0;
  int rc;
  do {
    rc = file_read(fd, piece, sizeof piece, &got, system);
    if (rc == 0 && got > 0 && BIO_write(to, piece, (int)got) != (int)got) {
      *system = ENOMEM;
      rc = HN_ERR_NOT_ENOUGH_MEMORY;
    }
    sum += got;
    if (rc == 0 && sum > HN_TLS_MAX_FILE) {
      *system = EFBIG;
      rc = HN_ERR_READ_FAULT;
    }
  } while (rc == 0 && got > 0);
  OPENSSL_cleanse(piece, sizeof piece);
  return rc;
}

int tls_file_read(const char *path, BIO **out, int *system) {
  int fd;
  BIO *bytes = BIO_new(BIO_s_mem());
  *system = ENOMEM;
  if (!bytes) return HN_ERR_NOT_ENOUGH_MEMORY;
  (void)BIO_set_mem_eof_return(bytes, 0);
  int rc = file_open(path, HN_FILE_READ, &fd, system);
  if (rc == 0) {
    rc = tls_file_copy(fd, bytes, system);
    file_close(fd);
  }
  if (rc == 0)
    *out = bytes;
  else
    BIO_free(bytes);
  return rc;
}

int tls_file_load(const struct tls_file *f, BIO **out, const char **detail) {
  int system;
  return tls_file_read(f->path, out, &system) == 0
             ? 0
             : tls_file_refuse(f, system, detail);
}
