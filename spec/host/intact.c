/*
 * intact.c: intact SCRIPT ARGUMENT...: a program with signal handlers, a locale
 * and no standard streams of its own finds them as they were after a script and
 * after lua_close. It answers with its status only.
 */
#include <errno.h>
#include <fcntl.h>
#include <locale.h>
#include <pthread.h>
#include <signal.h>
#include <unistd.h>

#include "host.h"

enum { SIGNALS = 32 };
static volatile sig_atomic_t piped;

static void on_pipe(int number) {
  (void)number;
  piped = 1;
}

static void read_handlers(struct sigaction out[SIGNALS]) {
  memset(out, 0, SIGNALS * sizeof out[0]);
  for (int i = 1; i < SIGNALS; i++) (void)sigaction(i, NULL, &out[i]);
}

static void check_handlers(const struct sigaction before[SIGNALS]) {
  struct sigaction now[SIGNALS];
  read_handlers(now);
  for (int i = 1; i < SIGNALS; i++) {
    if (now[i].sa_handler != before[i].sa_handler) exit(10);
    if (now[i].sa_flags != before[i].sa_flags) exit(11);
  }
}

static void check_streams(void) {
  for (int fd = 0; fd <= 2; fd++)
    if (fcntl(fd, F_GETFD) != -1 || errno != EBADF) exit(12);
}

int main(int argc, char **argv) {
  struct sigaction handlers[SIGNALS], own = {.sa_handler = on_pipe};
  sigset_t mask, now;
  if (argc < 2 || sigaction(SIGPIPE, &own, NULL) != 0) return 2;
  if (sigaction(SIGUSR1, &own, NULL) != 0) return 2;
  if (setlocale(LC_ALL, "C.UTF-8") == NULL) return 2;
  (void)pthread_sigmask(SIG_BLOCK, NULL, &mask);
  read_handlers(handlers);
  for (int fd = 0; fd <= 2; fd++) (void)close(fd);
  lua_State *L = host_state();
  host_load(L);
  host_run(L, argv[1], argv + 2);
  lua_close(L);
  check_streams();
  check_handlers(handlers);
  (void)pthread_sigmask(SIG_BLOCK, NULL, &now);
  if (memcmp(&mask, &now, sizeof mask) != 0) return 13;
  if (strcmp(setlocale(LC_ALL, NULL), "C.UTF-8") != 0) return 14;
  return piped ? 15 : 0;
}
