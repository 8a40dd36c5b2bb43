/*
 * file.h: opening files by name, and reading and writing the caller's file
 * descriptors, for bodies that come from or go to a file.
 *
 * No file is opened by name but here. Opening never waits: what is no regular
 * file is refused before a FIFO or a device would notice.
 */
#ifndef HN_NET_FILE_H
#define HN_NET_FILE_H

#include <stdio.h>

#include "../base/buf.h"
#include "../base/slice.h"

enum hn_file_use {
  HN_FILE_READ,
  HN_FILE_APPEND, /* made where there is none, for its owner's eyes only */
};

/* Opens a regular file. *fd is the caller's, who ends it with file_close.
 * READ_FAULT or WRITE_FAULT, errno or HN_NOT_REGULAR in *system. */
HN_INTERNAL int file_open(const char *path, enum hn_file_use use, int *fd,
                          int *system);
HN_INTERNAL void file_close(int fd);

/* Appends a path made absolute, so that it names the same file wherever the
 * process goes. READ_FAULT when the current folder has no name;
 * NOT_ENOUGH_MEMORY, INSUFFICIENT_BUFFER. */
HN_INTERNAL int file_append_absolute(struct hn_slice path, struct hn_buf *out);

/* A caller's file for as long as an operation takes. */
struct hn_file {
  int fd;     /* owned: a duplicate, whatever becomes of the caller's; -1 */
  bool waits; /* no regular file: what it has no room or no bytes for now is
                 waited for, in the reactor */
  bool is_socket;
  bool blocks; /* its description does */
};

/* Duplicates a descriptor; file_end ends it. READ_FAULT, errno in *system. */
HN_INTERNAL int file_begin(struct hn_file *f, int fd, int *system);
HN_INTERNAL void file_end(struct hn_file *f);

/* The end of a path, as much as a message has room for. */
HN_INTERNAL const char *file_show(const char *path);

/* Reads 1..n bytes; *got 0 is the end. HN_AGAIN; READ_FAULT, errno in
 * *system. */
HN_INTERNAL int file_take(const struct hn_file *f, char *p, size_t n,
                          size_t *got, int *system);
/* Writes 1..n bytes, and raises no SIGPIPE. HN_AGAIN; WRITE_FAULT, errno in
 * *system. */
HN_INTERNAL int file_give(const struct hn_file *f, const char *p, size_t n,
                          size_t *put, int *system);

/* fflush, which over a pipe neither waits nor raises SIGPIPE. WRITE_FAULT. */
HN_INTERNAL int file_flush(FILE *stream);

/* For files of our own, which are regular: 1..n bytes, *got 0 is the end. */
HN_INTERNAL int file_read(int fd, char *p, size_t n, size_t *got, int *system);
/* All n bytes. */
HN_INTERNAL int file_write(int fd, const char *p, size_t n, int *system);

#endif
