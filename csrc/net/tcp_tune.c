#include "tcp_tune.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <string.h>

/* The same option under its older name. */
#ifndef TCP_KEEPIDLE
#define TCP_KEEPIDLE TCP_KEEPALIVE
#endif

int tcp_tune_set_interface(struct hn_tcp_tuning *u, struct hn_slice name) {
  if (name.n >= sizeof u->interface || slice_find(name, 0, '\0') < name.n)
    return HN_ERR_INVALID_PARAMETER;
  memset(u->interface, 0, sizeof u->interface);
  if (name.n > 0) memcpy(u->interface, name.p, name.n);
  return 0;
}

static int tcp_tune_number(int fd, int level, int option, int value) {
  return setsockopt(fd, level, option, &value, sizeof value);
}

#ifdef SO_BINDTODEVICE
static int tcp_tune_interface(int fd, const char *name) {
  return setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, name,
                    (socklen_t)strlen(name));
}
#else
static int tcp_tune_interface(int fd, const char *name) {
  (void)fd;
  (void)name;
  errno = ENOPROTOOPT;
  return -1;
}
#endif

#ifdef IP_BIND_ADDRESS_NO_PORT
/* A port chosen before the peer is known is taken towards every peer: ports
 * would run out much sooner. Binding works without it as well. */
static void tcp_tune_choose_port_late(int fd) {
  (void)tcp_tune_number(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, 1);
}
#else
static void tcp_tune_choose_port_late(int fd) {
  (void)fd;
}
#endif

static int tcp_tune_local(int fd, const struct hn_address *local) {
  tcp_tune_choose_port_late(fd);
  return bind(fd, &local->u.any, local->size);
}

static int tcp_tune_probes(int fd, const struct hn_tcp_tuning *u) {
  int rc = tcp_tune_number(fd, SOL_SOCKET, SO_KEEPALIVE, 1);
  if (rc == 0 && u->probe_idle != 0)
    rc = tcp_tune_number(fd, IPPROTO_TCP, TCP_KEEPIDLE, (int)u->probe_idle);
  if (rc == 0 && u->probe_interval != 0)
    rc =
        tcp_tune_number(fd, IPPROTO_TCP, TCP_KEEPINTVL, (int)u->probe_interval);
  return rc;
}

static const char *tcp_tune_explain_interface(int system) {
  if (system == ENODEV) return "cannot connect (no such network interface)";
  if (system == EPERM)
    return "cannot connect (no permission to choose the network interface)";
  return "cannot connect (network interface refused)";
}

static const char *tcp_tune_explain_local(int system) {
  if (system == EADDRNOTAVAIL)
    return "cannot connect (the local address is not this machine's)";
  return "cannot connect (local address refused)";
}

int tcp_tune_socket(int fd, const struct hn_tcp_tuning *u,
                    const char **detail) {
  if (u->interface[0] && tcp_tune_interface(fd, u->interface) != 0) {
    int system = errno;
    *detail = tcp_tune_explain_interface(system);
    return system;
  }
  if (u->local.size > 0 && tcp_tune_local(fd, &u->local) != 0) {
    int system = errno;
    *detail = tcp_tune_explain_local(system);
    return system;
  }
  if (u->probes && tcp_tune_probes(fd, u) != 0) {
    *detail = "cannot connect (keep-alive times refused)";
    return errno;
  }
  return 0;
}
