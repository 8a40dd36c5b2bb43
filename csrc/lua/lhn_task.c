/*
 * lhn_task.c: whose turn it is. A task is a coroutine that is resumed here, and
 * nowhere else in the module.
 *
 * A host's hook may suspend any coroutine, also one that resumes tasks, between
 * any two instructions of Lua. So a task is taken from its line and resumed in
 * one call of C, and what becomes of it then is noted before that call is over:
 * nobody finds it lost in the hands of a coroutine that has stopped. No step of
 * this needs memory. The lines keep nothing alive: a task that is collected
 * leaves them.
 */
#include <string.h>

#include "lhn.h"

enum lhn_turn {
  LHN_TURN_NONE,    /* it waits, runs, or has been seen to */
  LHN_TURN_READY,   /* in box->ready */
  LHN_TURN_AGAIN,   /* it yielded by itself: in box->again */
  LHN_TURN_OVER,    /* it has ended, and nobody has looked: in box->over */
  LHN_TURN_FAILURE, /* by an error, and nobody has joined it: box->failures */
};

enum lhn_task_value {
  LHN_TASK_THREAD = 1,
  LHN_TASK_DATA, /* what the Lua half has of it */
  LHN_TASK_PROBLEM,
  LHN_TASK_VALUES = LHN_TASK_PROBLEM,
};

struct lhn_task {
  const void *magic;
  struct lhn_box *box;
  struct hn_link all;     /* in box->tasks, until its end */
  struct hn_link line;    /* see `turn` */
  struct hn_link joining; /* in the joiners of another */
  struct hn_link joiners;
  lua_State *thread; /* kept alive by LHN_TASK_THREAD */
  enum lhn_turn turn;
  bool begun, started, cancelled, ended;
  bool waits;  /* until it is woken */
  bool woken;  /* its next wait is over at once */
  bool failed; /* by LHN_TASK_PROBLEM */
  bool told;   /* somebody knows of the failure */
};

static const char lhn_task_magic = 't';

struct lhn_task *lhn_task_test(lua_State *L, int idx) {
  struct lhn_task *t = lua_touserdata(L, idx);
  if (!t || lua_rawlen(L, idx) != sizeof *t || t->magic != &lhn_task_magic)
    return NULL;
  return t;
}

static struct lhn_task *lhn_task_check(lua_State *L, int arg) {
  struct lhn_task *t = lhn_task_test(L, arg);
  if (!t) lhn_typeerror(L, LHN_DIRECT, arg, "hinternet.task");
  return t;
}

/* -------------------------------------------------------------------- lines */

static void lhn_task_line_up(struct lhn_task *t, enum lhn_turn turn) {
  struct lhn_box *box = t->box;
  list_remove(&t->line);
  t->turn = turn;
  if (turn == LHN_TURN_READY) list_append(&box->ready, &t->line);
  if (turn == LHN_TURN_AGAIN) list_append(&box->again, &t->line);
  if (turn == LHN_TURN_OVER) list_append(&box->over, &t->line);
  if (turn == LHN_TURN_FAILURE) list_append(&box->failures, &t->line);
}

static void lhn_task_make_ready(struct lhn_task *t, bool aloud) {
  lhn_task_line_up(t, LHN_TURN_READY);
  if (aloud && t->box->watched && t->box->rt) hn_wake(t->box->rt);
}

void lhn_task_wake(struct lhn_task *t, bool aloud) {
  if (t->ended || !t->begun) return;
  t->woken = true;
  if (t->waits && t->turn == LHN_TURN_NONE) lhn_task_make_ready(t, aloud);
}

/* Pushes the userdata of the first in a line that is not being collected. */
static struct lhn_task *lhn_task_push_first(lua_State *L,
                                            const struct hn_link *line) {
  struct hn_link *l;
  while ((l = list_first(line)) != NULL) {
    struct lhn_task *t = HN_CONTAINER_OF(l, struct lhn_task, line);
    lua_rawgetp(L, lua_upvalueindex(LHN_UP_PLACES), t);
    if (lua_touserdata(L, -1) == t) return t;
    lua_pop(L, 1);
    lhn_task_line_up(t, LHN_TURN_NONE);
  }
  return NULL;
}

/* ------------------------------------------------------------------ its life
 */

/* new_task(thread, data) -> task */
static int lhn_task_new(lua_State *L) {
  luaL_checktype(L, 1, LUA_TTHREAD);
  lua_settop(L, 2);
  struct lhn_task *t = lua_newuserdatauv(L, sizeof *t, LHN_TASK_VALUES);
  memset(t, 0, sizeof *t);
  t->magic = &lhn_task_magic;
  t->box = lhn_box(L);
  t->thread = lua_tothread(L, 1);
  list_init(&t->all);
  list_init(&t->line);
  list_init(&t->joining);
  list_init(&t->joiners);
  for (int i = LHN_TASK_THREAD; i <= LHN_TASK_DATA; i++) {
    lua_pushvalue(L, i);
    lua_setiuservalue(L, 3, i);
  }
  lua_pushvalue(L, lua_upvalueindex(LHN_UP_TASK));
  lua_setmetatable(L, 3);
  lua_pushvalue(L, 3);
  lua_rawsetp(L, lua_upvalueindex(LHN_UP_PLACES), t);
  return 1;
}

/* begin_task(task): its turn comes */
static int lhn_task_begin(lua_State *L) {
  struct lhn_task *t = lhn_task_check(L, 1);
  if (t->begun) return 0;
  t->begun = true;
  list_append(&t->box->tasks, &t->all);
  lhn_task_make_ready(t, true);
  return 0;
}

static void lhn_task_end(struct lhn_task *t, bool failed) {
  struct hn_link *l;
  t->ended = true;
  t->failed = failed;
  list_remove(&t->all);
  list_remove(&t->joining);
  while ((l = list_first(&t->joiners)) != NULL) {
    list_remove(l);
    lhn_task_wake(HN_CONTAINER_OF(l, struct lhn_task, joining), true);
  }
  lhn_task_line_up(t, LHN_TURN_OVER);
}

/* __gc: only a task whose session went with it is collected before its end. */
static int lhn_task_gc(lua_State *L) {
  struct lhn_task *t = lhn_task_test(L, 1);
  if (!t) return 0;
  bool unstarted = t->begun && !t->started && !t->cancelled && !t->ended;
  bool silent = t->failed && !t->told;
  struct hn_link *l;
  t->ended = t->told = true;
  list_remove(&t->all);
  list_remove(&t->joining);
  while ((l = list_first(&t->joiners)) != NULL) list_remove(l);
  lhn_task_line_up(t, LHN_TURN_NONE);
  if (!unstarted && !silent) return 0;
  lua_settop(L, 1);
  lua_getiuservalue(L, 1, LHN_TASK_DATA);
  lua_pushboolean(L, unstarted);
  lua_getiuservalue(L, 1, LHN_TASK_PROBLEM);
  return lhn_go_on(L, LHN_LUA_TASK_GONE, 3);
}

/* ---------------------------------------------------------------- going on */

static bool lhn_task_is_active(lua_State *L, const struct lhn_task *t) {
  lua_Debug ar;
  return t->thread == L || (lua_status(t->thread) == LUA_OK &&
                            lua_getstack(t->thread, 0, &ar) != 0);
}

/* Resumes the task at idx; what it did then decides about its next turn. */
static void lhn_task_resume(lua_State *L, int idx, struct lhn_task *t) {
  int results = 0;
  if (t->waits) t->woken = false;
  t->waits = false;
  t->started = true;
  lhn_task_line_up(t, LHN_TURN_NONE);
  t->box->inside++;
  int status = lua_resume(t->thread, L, 0, &results);
  t->box->inside--;
  if (status <= LUA_YIELD) {
    lua_pop(t->thread, results);
  } else {
    lua_xmove(t->thread, L, 1);
    lua_setiuservalue(L, idx, LHN_TASK_PROBLEM);
  }
  if (status != LUA_YIELD)
    lhn_task_end(t, status != LUA_OK);
  else if (!t->waits && t->turn == LHN_TURN_NONE)
    lhn_task_line_up(t, LHN_TURN_AGAIN);
}

/* Its coroutine has ended without it. */
static void lhn_task_end_lost(lua_State *L, int idx, struct lhn_task *t) {
  lua_pushliteral(L, "the coroutine of the task was closed");
  lua_setiuservalue(L, idx, LHN_TASK_PROBLEM);
  lhn_task_end(t, true);
}

/* One that somebody else has resumed or closed may be anything. */
static void lhn_task_go_on(lua_State *L, int idx, struct lhn_task *t) {
  int status = lua_status(t->thread);
  bool suspended =
      status == LUA_YIELD || (status == LUA_OK && !lhn_task_is_active(L, t) &&
                              lua_gettop(t->thread) > 0);
  if (t->ended || !t->begun) return;
  if (t->cancelled && !t->started)
    lhn_task_end(t, false);
  else if (suspended)
    lhn_task_resume(L, idx, t);
  else if (lhn_task_is_active(L, t))
    lhn_task_line_up(t, LHN_TURN_AGAIN);
  else
    lhn_task_end_lost(L, idx, t);
}

/* task_next() -> true: the task whose turn it is was resumed; nothing: none */
static int lhn_task_next(lua_State *L) {
  lua_settop(L, 0);
  struct lhn_task *t = lhn_task_push_first(L, &lhn_box(L)->ready);
  if (!t) return 0;
  lhn_task_go_on(L, 1, t);
  lua_pushboolean(L, 1);
  return 1;
}

/* task_run(task): resumes it, whosever turn it is, if it is suspended */
static int lhn_task_run(lua_State *L) {
  struct lhn_task *t = lhn_task_check(L, 1);
  lua_settop(L, 1);
  if (!lhn_task_is_active(L, t)) lhn_task_go_on(L, 1, t);
  return 0;
}

/* task_round(): those that yielded by themselves have their turn again */
static int lhn_task_round(lua_State *L) {
  struct lhn_box *box = lhn_box(L);
  struct hn_link *l;
  while ((l = list_first(&box->again)) != NULL)
    lhn_task_line_up(HN_CONTAINER_OF(l, struct lhn_task, line), LHN_TURN_READY);
  return 0;
}

/* task_wait(token): suspends the running coroutine until its task is woken */
static int lhn_task_wait(lua_State *L) {
  luaL_checktype(L, 1, LUA_TTABLE);
  lua_rawgeti(L, 1, LHN_WAITER_TASK);
  struct lhn_task *t = lhn_task_test(L, -1);
  lua_settop(L, 1);
  if (t && t->woken) {
    t->woken = false;
    return 0;
  }
  if (t) t->waits = true;
  return lua_yield(L, 0);
}

/* task_wake(task) */
static int lhn_task_wake_up(lua_State *L) {
  lhn_task_wake(lhn_task_check(L, 1), true);
  return 0;
}

/* task_cancel(task) */
static int lhn_task_cancel(lua_State *L) {
  struct lhn_task *t = lhn_task_check(L, 1);
  t->cancelled = true;
  lhn_task_wake(t, true);
  return 0;
}

/* task_join(task, joiner) -> true: the joiner, a task, will be woken by its
 * end; nothing: it has ended */
static int lhn_task_join(lua_State *L) {
  struct lhn_task *t = lhn_task_check(L, 1), *joiner = lhn_task_check(L, 2);
  list_remove(&joiner->joining);
  if (t->ended) return 0;
  list_append(&t->joiners, &joiner->joining);
  lua_pushboolean(L, 1);
  return 1;
}

/* ------------------------------------------------------------------- asking */

/* task_state(task) -> "new", "cancelled" before it began, "ready", "waiting" or
 * "running"; nothing: it has ended */
static int lhn_task_state(lua_State *L) {
  const struct lhn_task *t = lhn_task_check(L, 1);
  if (t->ended) return 0;
  if (!t->started)
    lua_pushstring(L, t->cancelled ? "cancelled" : "new");
  else if (t->turn == LHN_TURN_READY)
    lua_pushstring(L, "ready");
  else
    lua_pushstring(L, lhn_task_is_active(L, t) ? "running" : "waiting");
  return 1;
}

/* Pushes the data of the first in a line, whether it failed, and its problem;
 * how many values that were. */
static int lhn_task_push_end(lua_State *L, const struct hn_link *line) {
  const struct lhn_task *t = lhn_task_push_first(L, line);
  if (!t) return 0;
  int idx = lua_gettop(L);
  lua_getiuservalue(L, idx, LHN_TASK_DATA);
  lua_pushboolean(L, t->failed);
  lua_getiuservalue(L, idx, LHN_TASK_PROBLEM);
  return 3;
}

/* task_over() -> of a task that has ended and that nobody has seen to: data,
 * whether it failed, by what */
static int lhn_task_over(lua_State *L) {
  return lhn_task_push_end(L, &lhn_box(L)->over);
}

/* task_seen(task): somebody has */
static int lhn_task_seen(lua_State *L) {
  struct lhn_task *t = lhn_task_check(L, 1);
  if (t->turn != LHN_TURN_OVER) return 0;
  lhn_task_line_up(t, t->failed && !t->told ? LHN_TURN_FAILURE : LHN_TURN_NONE);
  return 0;
}

/* task_failure() -> the same of the first that failed and was never joined */
static int lhn_task_failure(lua_State *L) {
  return lhn_task_push_end(L, &lhn_box(L)->failures);
}

/* task_told(task): somebody knows of its failure */
static int lhn_task_told(lua_State *L) {
  struct lhn_task *t = lhn_task_check(L, 1);
  t->told = true;
  if (t->turn == LHN_TURN_FAILURE) lhn_task_line_up(t, LHN_TURN_NONE);
  return 0;
}

/* task_problem(task) -> whether it failed, by what */
static int lhn_task_problem(lua_State *L) {
  const struct lhn_task *t = lhn_task_check(L, 1);
  lua_pushboolean(L, t->failed);
  lua_getiuservalue(L, 1, LHN_TASK_PROBLEM);
  return 2;
}

bool lhn_task_is_pending(const struct lhn_box *box) {
  return !list_is_empty(&box->ready) || !list_is_empty(&box->again) ||
         !list_is_empty(&box->over);
}

/* tasks_pending() -> whether there is something to do for tasks */
static int lhn_task_pending(lua_State *L) {
  lua_pushboolean(L, lhn_task_is_pending(lhn_box(L)));
  return 1;
}

/* is_in_task() -> whether one is being resumed */
static int lhn_task_inside(lua_State *L) {
  lua_pushboolean(L, lhn_box(L)->inside > 0);
  return 1;
}

static int lhn_task_count(const struct lhn_box *box) {
  int n = 0;
  const struct hn_link *l = box->tasks.next;
  for (; l != &box->tasks; l = l->next) n++;
  return n;
}

bool lhn_task_is_alive(const struct lhn_box *box, const struct lhn_task *t) {
  return t ? !t->ended : !list_is_empty(&box->tasks);
}

/* has_tasks() -> whether there are any that have not ended */
static int lhn_task_any(lua_State *L) {
  lua_pushboolean(L, lhn_task_is_alive(lhn_box(L), NULL));
  return 1;
}

/* tasks() -> list: the data of those that have not ended. A finaliser may start
 * others while the list is made, and nothing while it is filled. */
static int lhn_task_all(lua_State *L) {
  const struct lhn_box *box = lhn_box(L);
  int n, i = 0;
  do {
    n = lhn_task_count(box);
    lua_settop(L, 0);
    lua_createtable(L, n, 0);
  } while (lhn_task_count(box) > n);
  const struct hn_link *l = box->tasks.next;
  for (; l != &box->tasks; l = l->next) {
    const struct lhn_task *t = HN_CONTAINER_OF(l, struct lhn_task, all);
    lua_rawgetp(L, lua_upvalueindex(LHN_UP_PLACES), t);
    if (lua_touserdata(L, -1) == t) {
      lua_getiuservalue(L, -1, LHN_TASK_DATA);
      lua_rawseti(L, 1, ++i);
    }
    lua_settop(L, 1);
  }
  return 1;
}

/* watch_tasks(): whoever waits for the descriptor is to know of those that are
 * ready */
static int lhn_task_watch(lua_State *L) {
  lhn_box(L)->watched = true;
  return 0;
}

const luaL_Reg lhn_task_functions[] = {
    {"new_task", lhn_task_new},
    {"begin_task", lhn_task_begin},
    {"task_next", lhn_task_next},
    {"task_run", lhn_task_run},
    {"task_round", lhn_task_round},
    {"task_wait", lhn_task_wait},
    {"task_wake", lhn_task_wake_up},
    {"task_cancel", lhn_task_cancel},
    {"task_join", lhn_task_join},
    {"task_state", lhn_task_state},
    {"task_over", lhn_task_over},
    {"task_seen", lhn_task_seen},
    {"task_failure", lhn_task_failure},
    {"task_told", lhn_task_told},
    {"task_problem", lhn_task_problem},
    {"tasks_pending", lhn_task_pending},
    {"has_tasks", lhn_task_any},
    {"is_in_task", lhn_task_inside},
    {"tasks", lhn_task_all},
    {"watch_tasks", lhn_task_watch},
    {NULL, NULL},
};

const luaL_Reg lhn_task_meta[] = {
    {"__gc", lhn_task_gc},
    {NULL, NULL},
};
