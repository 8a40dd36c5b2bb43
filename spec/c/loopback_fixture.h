/*
 * loopback_fixture.h: what tests with sockets of their own begin with: a
 * listener on 127.0.0.1, and a look at whether something can be read.
 */
#ifndef HN_SPEC_LOOPBACK_FIXTURE_H
#define HN_SPEC_LOOPBACK_FIXTURE_H

#include <arpa/inet.h>
#include <poll.h>
#include <sys/socket.h>

#include "test.h"

/* A listening socket on 127.0.0.1; its port goes to *port. */
static inline int loopback_listen(int backlog, unsigned *port) {
  struct sockaddr_in a = {.sin_family = AF_INET};
  socklen_t size = sizeof a;
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  CHECK(fd >= 0);
  CHECK_INT(bind(fd, (struct sockaddr *)&a, sizeof a), 0);
  CHECK_INT(listen(fd, backlog), 0);
  CHECK_INT(getsockname(fd, (struct sockaddr *)&a, &size), 0);
  *port = ntohs(a.sin_port);
  return fd;
}

/* 1 as soon as fd can be read, 0 when it cannot after ms, -1 for an error. */
static inline int is_readable(int fd, int ms) {
  struct pollfd p = {.fd = fd, .events = POLLIN};
  return poll(&p, 1, ms);
}

#endif
