#include "resolver.h"

#include <errno.h>
#include <netdb.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "../base/list.h"
#include "../base/mem.h"
#include "../base/slot.h"
#include "../base/trace.h"
#include "clock.h"

enum {
  HN_RESOLVER_IDLE = 5000,       /* ms an idle thread stays */
  HN_RESOLVER_KEEP = 60000,      /* ms a good answer is kept */
  HN_RESOLVER_STACK = 512 * 1024 /* name service modules are greedy */
};

/* Where a look-up is. */
enum resolver_state {
  HN_RESOLVER_QUEUED,  /* waits for a thread; in the queue */
  HN_RESOLVER_RUNNING, /* a thread is in getaddrinfo; in no shared list */
  HN_RESOLVER_DONE,    /* its result is final; in the done list */
};

static const char *const resolver_names[] = {"QUEUED", "RUNNING", "DONE"};

/* One name being looked up, for everybody who asked meanwhile. */
struct resolver_lookup {
  struct hn_link link;       /* queue or done list; under the mutex */
  enum resolver_state state; /* under the mutex */
  bool orphan;               /* under the mutex: the thread frees it */
  struct hn_link mine;       /* the owner's list of all look-ups */
  struct hn_link jobs;       /* the owner's: who waits */
  int code;                  /* the thread's until DONE, as all below */
  const char *detail;
  int system;
  struct hn_addresses addresses;
  struct hn_slice host; /* name; never changes */
  char name[HN_MAX_HOST + 1];
};

/* One asker. Owner's thread only. */
struct resolver_job {
  struct hn_link link;            /* in its look-up's jobs */
  struct resolver_lookup *lookup; /* borrowed */
  uint64_t id, tag;
  unsigned port;
};

struct resolver_answer {
  struct hn_link link; /* most recently stored first */
  int64_t until;
  struct hn_addresses addresses;
  struct hn_slice host; /* name */
  char name[HN_MAX_HOST + 1];
};

/* What the owner and the threads share; freed by whoever leaves last. */
struct resolver_shared {
  pthread_mutex_t mutex; /* over everything below */
  pthread_cond_t work;
  struct hn_reactor *reactor; /* borrowed until the owner left: then NULL */
  struct hn_link queue, done;
  unsigned threads, idle, queued;
  unsigned finished; /* length of done; read without the mutex */
};

struct hn_resolver {
  struct resolver_shared *shared; /* shared with the threads */
  struct hn_link lookups;         /* all, by mine */
  struct hn_link answers;         /* owned */
  size_t answer_count;
  struct hn_slots jobs; /* ids to struct resolver_job */
  pid_t pid;            /* threads exist only in this process */
};

static void resolver_set_state(struct resolver_lookup *l,
                               enum resolver_state state) {
  static const unsigned next[] = {
      [HN_RESOLVER_QUEUED] = 1u << HN_RESOLVER_RUNNING,
      [HN_RESOLVER_RUNNING] = 1u << HN_RESOLVER_DONE,
      [HN_RESOLVER_DONE] = 0,
  };
  static const struct hn_machine machine = {"look-up", resolver_names, next};
  l->state = state_step(&machine, 0, l->state, state);
}

static void resolver_shared_free(struct resolver_shared *s) {
  (void)pthread_cond_destroy(&s->work);
  (void)pthread_mutex_destroy(&s->mutex);
  mem_free(s);
}

static void resolver_copy_results(struct resolver_lookup *l,
                                  const struct addrinfo *list) {
  struct hn_addresses *all = &l->addresses;
  for (; list && all->count < HN_MAX_ADDRESSES; list = list->ai_next) {
    struct hn_address *a = &all->list[all->count];
    if (list->ai_family != AF_INET && list->ai_family != AF_INET6) continue;
    if (list->ai_addrlen > sizeof a->u) continue;
    memcpy(&a->u, list->ai_addr, list->ai_addrlen);
    a->size = list->ai_addrlen;
    all->count++;
  }
  address_interleave(all);
}

/* Known to some systems only, to others as EAI_NONAME. */
#ifndef EAI_NODATA
#define EAI_NODATA EAI_NONAME
#endif

/* Our own words for what happens all the time: getaddrinfo's follow the host's
 * locale. */
static const char *resolver_detail(int rc) {
  switch (rc) {
  case EAI_NONAME: return "name not resolved (no such host)";
  case EAI_AGAIN: return "name not resolved (the name server does not answer)";
  case EAI_FAIL: return "name not resolved (the name server failed)";
  default:
    return rc == EAI_NODATA ? "name not resolved (the host has no address)"
                            : gai_strerror(rc);
  }
}

/* "localhost" and the names below it. */
static bool resolver_is_localhost(struct hn_slice name) {
  static const char tail[] = "localhost";
  size_t n = sizeof tail - 1;
  if (name.n < n || (name.n > n && name.p[name.n - n - 1] != '.')) return false;
  return slice_equal_nocase(slice_from(name, name.n - n), slice_of(tail));
}

/* RFC 6761 6.3: localhost is this machine, also where no hosts file says so. */
static void resolver_set_loopback(struct resolver_lookup *l) {
  struct hn_addresses *all = &l->addresses;
  (void)address_parse(slice_of("127.0.0.1"), 0, &all->list[0]);
  (void)address_parse(slice_of("::1"), 0, &all->list[1]);
  all->count = 2;
}

/* errno when there is no descriptor to ask anybody through, else 0: getaddrinfo
 * takes a hosts file that it cannot open for one that is empty. */
static int resolver_lacks_files(void) {
  int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return err_is_no_files(errno) ? errno : 0;
  (void)close(fd);
  return 0;
}

/* Without the mutex; may take as long as the system likes. */
static void resolver_ask(struct resolver_lookup *l) {
  struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM};
  struct addrinfo *list = NULL;
  int rc = getaddrinfo(l->name, NULL, &hints, &list);
  if (rc == 0) {
    resolver_copy_results(l, list);
    freeaddrinfo(list);
    if (l->addresses.count == 0) l->code = HN_ERR_NAME_NOT_RESOLVED;
    return;
  }
  if (rc != EAI_MEMORY && resolver_is_localhost(l->host)) {
    resolver_set_loopback(l);
    return;
  }
  l->code =
      rc == EAI_MEMORY ? HN_ERR_NOT_ENOUGH_MEMORY : HN_ERR_NAME_NOT_RESOLVED;
  l->detail = resolver_detail(rc);
  l->system = resolver_lacks_files();
}

/* One look-up, from the queue to the done list. Under the mutex, which is
 * released meanwhile. */
static void resolver_work(struct resolver_shared *s) {
  struct hn_link *first = list_first(&s->queue);
  struct resolver_lookup *l =
      HN_CONTAINER_OF(first, struct resolver_lookup, link);
  list_remove(first);
  s->queued--;
  resolver_set_state(l, HN_RESOLVER_RUNNING);
  (void)pthread_mutex_unlock(&s->mutex);
  resolver_ask(l);
  (void)pthread_mutex_lock(&s->mutex);
  if (l->orphan) {
    mem_free(l);
    return;
  }
  resolver_set_state(l, HN_RESOLVER_DONE);
  list_append(&s->done, &l->link);
  __atomic_store_n(&s->finished, s->finished + 1, __ATOMIC_RELEASE);
  /* The mutex keeps the reactor alive: its owner leaves under it. */
  reactor_wake(s->reactor);
}

/* Waits for work under the mutex; false when it is time to go. */
static bool resolver_wait(struct resolver_shared *s) {
  int64_t until = clock_now_us() / 1000 + HN_RESOLVER_IDLE;
  struct timespec t = {.tv_sec = (time_t)(until / 1000),
                       .tv_nsec = (long)(until % 1000) * 1000000};
  int rc = 0;
  s->idle++;
  while (rc == 0 && s->reactor && list_is_empty(&s->queue))
    rc = pthread_cond_timedwait(&s->work, &s->mutex, &t);
  s->idle--;
  return s->reactor && !list_is_empty(&s->queue);
}

static void *resolver_main(void *arg) {
  struct resolver_shared *s = arg;
  (void)pthread_mutex_lock(&s->mutex);
  while (resolver_wait(s)) resolver_work(s);
  s->threads--;
  bool last = s->threads == 0 && !s->reactor;
  (void)pthread_mutex_unlock(&s->mutex);
  if (last) resolver_shared_free(s);
  return NULL;
}

/* Signals belong to the host's threads: ours is born with all blocked. */
static int resolver_spawn(struct resolver_shared *s) {
  pthread_attr_t attr;
  pthread_t thread;
  sigset_t all, before;
  if (pthread_attr_init(&attr) != 0) return HN_ERR_NOT_ENOUGH_MEMORY;
  (void)pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
  (void)pthread_attr_setstacksize(&attr, HN_RESOLVER_STACK);
  (void)sigfillset(&all);
  (void)pthread_sigmask(SIG_SETMASK, &all, &before);
  int rc = pthread_create(&thread, &attr, resolver_main, s);
  (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
  (void)pthread_attr_destroy(&attr);
  return rc == 0 ? 0 : HN_ERR_NOT_ENOUGH_MEMORY;
}

static int resolver_shared_new(struct hn_reactor *reactor,
                               struct resolver_shared **out) {
  struct resolver_shared *s = mem_calloc(1, sizeof *s);
  if (!s) return HN_ERR_NOT_ENOUGH_MEMORY;
  pthread_condattr_t attr;
  (void)pthread_mutex_init(&s->mutex, NULL);
  (void)pthread_condattr_init(&attr);
  /* The wall clock may jump; an idle thread must not stay for years. */
  (void)pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
  (void)pthread_cond_init(&s->work, &attr);
  (void)pthread_condattr_destroy(&attr);
  list_init(&s->queue);
  list_init(&s->done);
  s->reactor = reactor;
  *out = s;
  return 0;
}

int resolver_new(struct hn_resolver **out, struct hn_reactor *reactor) {
  struct hn_resolver *r = mem_calloc(1, sizeof *r);
  if (!r) return HN_ERR_NOT_ENOUGH_MEMORY;
  if (resolver_shared_new(reactor, &r->shared) != 0) {
    mem_free(r);
    return HN_ERR_NOT_ENOUGH_MEMORY;
  }
  list_init(&r->lookups);
  list_init(&r->answers);
  slots_init(&r->jobs);
  r->pid = getpid();
  *out = r;
  return 0;
}

static void resolver_drop_answer(struct hn_resolver *r,
                                 struct resolver_answer *a) {
  list_remove(&a->link);
  r->answer_count--;
  mem_free(a);
}

/* Takes a look-up that nobody waits for out of the way. Under the mutex. */
static void resolver_drop_lookup(struct resolver_shared *s,
                                 struct resolver_lookup *l) {
  list_remove(&l->mine);
  if (l->state == HN_RESOLVER_RUNNING) {
    l->orphan = true;
    return;
  }
  if (l->state == HN_RESOLVER_QUEUED)
    s->queued--;
  else
    __atomic_store_n(&s->finished, s->finished - 1, __ATOMIC_RELEASE);
  list_remove(&l->link);
  mem_free(l);
}

static void resolver_drop_job(struct hn_resolver *r, struct resolver_job *job) {
  (void)slots_remove(&r->jobs, job->id);
  list_remove(&job->link);
  mem_free(job);
}

static void resolver_drop_jobs(struct hn_resolver *r,
                               struct resolver_lookup *l) {
  struct hn_link *link;
  while ((link = list_first(&l->jobs)))
    resolver_drop_job(r, HN_CONTAINER_OF(link, struct resolver_job, link));
}

static void resolver_leave(struct hn_resolver *r) {
  struct resolver_shared *s = r->shared;
  struct hn_link *link;
  (void)pthread_mutex_lock(&s->mutex);
  while ((link = list_first(&r->lookups))) {
    struct resolver_lookup *l =
        HN_CONTAINER_OF(link, struct resolver_lookup, mine);
    resolver_drop_jobs(r, l);
    resolver_drop_lookup(s, l);
  }
  s->reactor = NULL;
  bool last = s->threads == 0;
  (void)pthread_cond_broadcast(&s->work);
  (void)pthread_mutex_unlock(&s->mutex);
  if (last) resolver_shared_free(s);
}

void resolver_free(struct hn_resolver *r) {
  if (!r) return;
  /* In a forked child the threads are gone, maybe with the mutex held: what
   * was shared with them is left alone. */
  if (getpid() == r->pid) resolver_leave(r);
  struct hn_link *link;
  while ((link = list_first(&r->answers)))
    resolver_drop_answer(r,
                         HN_CONTAINER_OF(link, struct resolver_answer, link));
  slots_fini(&r->jobs);
  mem_free(r);
}

/* Not a name: getaddrinfo would stop at a NUL and so ask for another name than
 * the one that was checked; blanks and controls are never in a host name. */
static bool resolver_is_name(struct hn_slice host) {
  if (host.n == 0 || host.n > HN_MAX_HOST) return false;
  for (size_t i = 0; i < host.n; i++) {
    unsigned char c = (unsigned char)host.p[i];
    if (c <= 0x20 || c == 0x7f) return false;
  }
  return true;
}

/* Names are compared without case (RFC 4343): kept in lower case. */
static struct hn_slice resolver_copy_name(char name[HN_MAX_HOST + 1],
                                          struct hn_slice host) {
  for (size_t i = 0; i < host.n; i++) name[i] = slice_lower(host.p[i]);
  name[host.n] = '\0';
  return slice_make(name, host.n);
}

static void resolver_set_port(struct hn_addresses *a, unsigned port) {
  for (size_t i = 0; i < a->count; i++) {
    if (a->list[i].u.any.sa_family == AF_INET6)
      a->list[i].u.v6.sin6_port = htons((uint16_t)port);
    else
      a->list[i].u.v4.sin_port = htons((uint16_t)port);
  }
}

/* The kept answer for host, or NULL; a stale one is dropped on the way. */
static struct resolver_answer *
resolver_find_answer(struct hn_resolver *r, struct hn_slice host, int64_t now) {
  for (struct hn_link *i = r->answers.next; i != &r->answers; i = i->next) {
    struct resolver_answer *a =
        HN_CONTAINER_OF(i, struct resolver_answer, link);
    if (!slice_equal_nocase(a->host, host)) continue;
    if (now < a->until) return a;
    resolver_drop_answer(r, a);
    return NULL;
  }
  return NULL;
}

/* Keeps an answer; without memory it is just not kept. */
static void resolver_keep_answer(struct hn_resolver *r,
                                 const struct resolver_lookup *l, int64_t now) {
  struct resolver_answer *a = resolver_find_answer(r, l->host, now);
  if (a) resolver_drop_answer(r, a);
  if (r->answer_count >= HN_MAX_RESOLVER_CACHE)
    resolver_drop_answer(
        r, HN_CONTAINER_OF(r->answers.prev, struct resolver_answer, link));
  a = mem_alloc(sizeof *a);
  if (!a) return;
  a->host = resolver_copy_name(a->name, l->host);
  a->addresses = l->addresses;
  a->until = now + HN_RESOLVER_KEEP;
  list_prepend(&r->answers, &a->link);
  r->answer_count++;
}

/* A look-up of the same name that somebody already waits for, or NULL. */
static struct resolver_lookup *resolver_find_lookup(struct hn_resolver *r,
                                                    struct hn_slice host) {
  for (struct hn_link *i = r->lookups.next; i != &r->lookups; i = i->next) {
    struct resolver_lookup *l =
        HN_CONTAINER_OF(i, struct resolver_lookup, mine);
    if (slice_equal_nocase(l->host, host)) return l;
  }
  return NULL;
}

/* Puts a look-up in line, with one thread more if the idle ones have enough to
 * do: a name that takes long must not hold up another. */
static int resolver_enqueue(struct resolver_shared *s,
                            struct resolver_lookup *l) {
  int rc = 0;
  (void)pthread_mutex_lock(&s->mutex);
  list_append(&s->queue, &l->link);
  s->queued++;
  if (s->queued > s->idle && s->threads < HN_MAX_RESOLVER_THREADS) {
    rc = resolver_spawn(s);
    if (rc == 0) s->threads++;
  }
  (void)pthread_cond_signal(&s->work);
  if (s->threads > 0) rc = 0; /* a running thread gets to it */
  if (rc != 0) {
    list_remove(&l->link);
    s->queued--;
  }
  (void)pthread_mutex_unlock(&s->mutex);
  return rc;
}

static int resolver_new_lookup(struct hn_resolver *r, struct hn_slice host,
                               struct resolver_lookup **out) {
  struct resolver_lookup *l = mem_calloc(1, sizeof *l);
  if (!l) return HN_ERR_NOT_ENOUGH_MEMORY;
  list_init(&l->link);
  list_init(&l->jobs);
  l->state = HN_RESOLVER_QUEUED;
  l->host = resolver_copy_name(l->name, host);
  int rc = resolver_enqueue(r->shared, l);
  if (rc != 0) {
    mem_free(l);
    return rc;
  }
  list_append(&r->lookups, &l->mine);
  *out = l;
  return 0;
}

/* Makes job wait for host; the job is still the caller's on failure. */
static int resolver_join(struct hn_resolver *r, struct hn_slice host,
                         struct resolver_job *job) {
  struct resolver_lookup *l = resolver_find_lookup(r, host);
  if (!l) {
    int rc = resolver_new_lookup(r, host, &l);
    if (rc != 0) return rc;
  }
  job->lookup = l;
  list_append(&l->jobs, &job->link);
  return 0;
}

int resolver_start(struct hn_resolver *r, const struct hn_lookup *what,
                   uint64_t *job, struct hn_addresses *out) {
  struct hn_address literal;
  if (address_parse(what->host, what->port, &literal)) {
    out->count = 1;
    out->list[0] = literal;
    return 0;
  }
  if (!resolver_is_name(what->host)) return HN_ERR_NAME_NOT_RESOLVED;
  struct resolver_answer *kept = resolver_find_answer(r, what->host, what->now);
  if (kept) {
    *out = kept->addresses;
    resolver_set_port(out, what->port);
    return 0;
  }
  struct resolver_job *j = mem_calloc(1, sizeof *j);
  if (!j) return HN_ERR_NOT_ENOUGH_MEMORY;
  list_init(&j->link);
  j->tag = what->tag;
  j->port = what->port;
  int rc = slots_put(&r->jobs, 1, j, &j->id);
  if (rc == 0) rc = resolver_join(r, what->host, j);
  if (rc != 0) {
    resolver_drop_job(r, j);
    return rc;
  }
  *job = j->id;
  return HN_AGAIN;
}

void resolver_abandon(struct hn_resolver *r, uint64_t id) {
  struct resolver_job *job = slots_get(&r->jobs, id, 1);
  if (!job) return;
  struct resolver_lookup *l = job->lookup;
  resolver_drop_job(r, job);
  if (!list_is_empty(&l->jobs)) return;
  (void)pthread_mutex_lock(&r->shared->mutex);
  resolver_drop_lookup(r->shared, l);
  (void)pthread_mutex_unlock(&r->shared->mutex);
}

bool resolver_has_answer(const struct hn_resolver *r) {
  return __atomic_load_n(&r->shared->finished, __ATOMIC_ACQUIRE) > 0;
}

bool resolver_take(struct hn_resolver *r, int64_t now,
                   struct hn_resolved *out) {
  struct resolver_shared *s = r->shared;
  if (!resolver_has_answer(r)) return false;
  (void)pthread_mutex_lock(&s->mutex);
  struct resolver_lookup *l =
      HN_CONTAINER_OF(list_first(&s->done), struct resolver_lookup, link);
  /* INVARIANT: a look-up lives only while somebody waits for it. */
  struct resolver_job *job =
      HN_CONTAINER_OF(list_first(&l->jobs), struct resolver_job, link);
  out->job = job->id;
  out->tag = job->tag;
  out->code = l->code;
  out->detail = l->detail;
  out->system = l->system;
  out->addresses = l->addresses;
  resolver_set_port(&out->addresses, job->port);
  resolver_drop_job(r, job);
  if (list_is_empty(&l->jobs)) {
    if (l->code == 0) resolver_keep_answer(r, l, now);
    resolver_drop_lookup(s, l);
  }
  (void)pthread_mutex_unlock(&s->mutex);
  return true;
}

#ifdef HN_TEST
size_t resolver_pending(const struct hn_resolver *r) {
  return r->jobs.live;
}
#endif
