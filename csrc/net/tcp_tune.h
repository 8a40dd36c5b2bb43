/*
 * tcp_tune.h: how the sockets of TCP connections are set up when the defaults
 * will not do. What is left at its default costs no system call.
 */
#ifndef HN_NET_TCP_TUNE_H
#define HN_NET_TCP_TUNE_H

#include <net/if.h>

#include "address.h"

enum { HN_TCP_STAGGER = 250 }; /* ms, RFC 8305 5 */

enum hn_tcp_no_delay {
  HN_TCP_NO_DELAY_AUTO, /* from the first write on that could be held back */
  HN_TCP_NO_DELAY_ON,   /* from the start */
  HN_TCP_NO_DELAY_OFF,  /* never: Nagle's algorithm stays on */
};

/* Plain data without a pointer: to be copied and embedded at will. */
struct hn_tcp_tuning {
  int64_t stagger; /* ms between the starts of two attempts; 0: an attempt
                      starts when the one before is over */
  struct hn_address local; /* source, port 0; size 0: the system's choice. Only
                              addresses of its family are tried, so 0.0.0.0
                              and :: choose no more than the family */
  char interface[IF_NAMESIZE]; /* to send through, NUL-terminated; "": any.
                                  Linux before 5.7 asks a privilege for it */
  int64_t no_delay;            /* enum hn_tcp_no_delay */
  int64_t probes;         /* SO_KEEPALIVE: of silent connections; 0: none */
  int64_t probe_idle;     /* s of silence before the first, 1 to 32767; 0: the
                             system's */
  int64_t probe_interval; /* s between two, likewise */
};

#define HN_TCP_TUNING_DEFAULT                                                  \
  { .stagger = HN_TCP_STAGGER }

/* Puts a name into `interface`, which "" clears. INVALID_PARAMETER for one that
 * no interface can have; whether there is one shows when it is used. */
HN_INTERNAL int tcp_tune_set_interface(struct hn_tcp_tuning *u,
                                       struct hn_slice name);

/* Sets up a socket that is not yet connected: all but stagger and no_delay,
 * which are the transport's. 0, or an errno with *detail (static) saying what
 * failed. */
HN_INTERNAL int tcp_tune_socket(int fd, const struct hn_tcp_tuning *u,
                                const char **detail);

#endif
