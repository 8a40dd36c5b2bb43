/*
 * file.h: reading and writing the caller's file descriptors, for bodies that
 * come from or go to a file, and files of our own to append to. These calls
 * may block as files do.
 */
#ifndef HN_NET_FILE_H
#define HN_NET_FILE_H

#include "../base/err.h"

/* Reads 1..n bytes; *got 0 is the end. READ_FAULT, errno in *system. */
HN_INTERNAL int file_read(int fd, char *p, size_t n, size_t *got, int *system);
/* Writes all n bytes. WRITE_FAULT, errno in *system. */
HN_INTERNAL int file_write(int fd, const char *p, size_t n, int *system);

/* Opens a file to append to; a new one is for its owner's eyes only. *fd is the
 * caller's, who ends it with file_close. WRITE_FAULT, errno in *system. */
HN_INTERNAL int file_open_append(const char *path, int *fd, int *system);
HN_INTERNAL void file_close(int fd);

#endif
