/*
 * hinternet_file.h: files opened by name, and streams of <stdio.h>, for
 * hn_read_to and hn_write_from.
 */
#ifndef HINTERNET_FILE_H
#define HINTERNET_FILE_H

#include <stdio.h>

#include "hinternet.h"

/* A file that takes the place of what has its name once it is whole. */
struct hn_new_file;

/* Begins the file that `path` is to be. Where there is nothing, or a regular
 * file, links followed: a new file in the folder of what the path leads to,
 * with the mode of what is there (else 0666 less umask). Anything else, as a
 * pipe or a device, is opened without waiting and written as it comes. A
 * relative path is settled now.
 *
 * WRITE_FAULT when it cannot be written, no file can be made in its folder, or
 * nobody reads from the FIFO; ACCESS_DENIED under a policy without
 * HN_ALLOW_FILES; INVALID_PARAMETER for a path with a NUL; NOT_ENOUGH_MEMORY.
 * text, size bytes, gets the words for it. In each case nothing has changed. */
HN_API int hn_new_file_open(hn_runtime *rt, struct hn_slice path,
                            struct hn_new_file **out, char *text, size_t size);

/* To be written to; it does not block where it is a pipe. */
HN_API int hn_new_file_descriptor(const struct hn_new_file *f);

/* Puts it in its place, in one step, and ends it. WRITE_FAULT, with words: then
 * it is gone, and what was there before still is. */
HN_API int hn_new_file_keep(struct hn_new_file *f, char *text, size_t size);

/* Removes it. Does nothing to what has its name, nor to a pipe or device; in a
 * forked child, nothing to the parent's. f may be NULL. */
HN_API void hn_new_file_drop(struct hn_new_file *f);

/* hn_write_from where a stream over fd has read ahead: `ahead`, which is copied
 * and counts, goes first. */
HN_API int hn_write_from_after(hn_runtime *rt, hn_handle request,
                               struct hn_slice ahead, int fd, uint64_t limit);

/* fflush of a stream that hn_read_to or hn_write_from is to go on with. Over a
 * pipe it neither waits nor raises SIGPIPE. WRITE_FAULT: what is in the stream
 * stays there. */
HN_API int hn_flush_stream(FILE *stream);

#endif
