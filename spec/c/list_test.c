#include "../../csrc/base/list.h"
#include "test.h"

enum { ITEMS = 6 };

struct item {
  char name;
  struct hn_link link;
};

struct fixture {
  struct hn_link list, other;
  struct item items[ITEMS]; /* 'a', 'b', ... in no list */
};

static void fixture_init(struct fixture *f) {
  list_init(&f->list);
  list_init(&f->other);
  for (int i = 0; i < ITEMS; i++) {
    f->items[i].name = (char)('a' + i);
    list_init(&f->items[i].link);
  }
}

/* The names forwards; checks that backwards says the same. */
static void check_names(const struct hn_link *list, const char *names) {
  size_t n = strlen(names), i = 0;
  const struct hn_link *l;

  for (l = list->next; l != list && i <= n; l = l->next, i++) {
    if (i < n) CHECK_INT(HN_CONTAINER_OF(l, struct item, link)->name, names[i]);
    CHECK(l->next->prev == l && l->prev->next == l);
  }
  CHECK_INT(i, n);
  for (l = list->prev; l != list && i > 0; l = l->prev) {
    CHECK_INT(HN_CONTAINER_OF(l, struct item, link)->name, names[--i]);
  }
  CHECK_INT(i, 0);
  CHECK(list_is_empty(list) == (n == 0));
  CHECK((list_first(list) == NULL) == (n == 0));
  if (n > 0) CHECK(list_first(list) == list->next);
}

TEST(empty) {
  struct fixture f;

  fixture_init(&f);
  check_names(&f.list, "");
  CHECK(list_is_empty(&f.items[0].link));
}

TEST(both_ends_and_between) {
  struct fixture f;

  fixture_init(&f);
  list_append(&f.list, &f.items[1].link);
  check_names(&f.list, "b");
  list_append(&f.list, &f.items[2].link);
  list_prepend(&f.list, &f.items[0].link);
  check_names(&f.list, "abc");
  list_insert_before(&f.items[2].link, &f.items[3].link);
  check_names(&f.list, "abdc");
  list_insert_before(&f.list, &f.items[4].link);
  check_names(&f.list, "abdce");
}

TEST(removing) {
  struct fixture f;

  fixture_init(&f);
  for (int i = 0; i < 4; i++) list_append(&f.list, &f.items[i].link);
  list_remove(&f.items[1].link);
  check_names(&f.list, "acd");
  list_remove(&f.items[1].link);
  check_names(&f.list, "acd");
  CHECK(list_is_empty(&f.items[1].link));
  list_remove(&f.items[0].link);
  list_remove(&f.items[3].link);
  check_names(&f.list, "c");
  list_append(&f.list, &f.items[1].link);
  check_names(&f.list, "cb");
  list_remove(&f.items[2].link);
  list_remove(&f.items[1].link);
  check_names(&f.list, "");
}

TEST(taking_until_empty) {
  struct fixture f;
  struct hn_link *l;
  char name = 'a';

  fixture_init(&f);
  for (int i = 0; i < ITEMS; i++) list_append(&f.list, &f.items[i].link);
  while ((l = list_first(&f.list)) != NULL) {
    CHECK_INT(HN_CONTAINER_OF(l, struct item, link)->name, name);
    name++;
    list_remove(l);
  }
  CHECK_INT(name, 'a' + ITEMS);
}

TEST(splicing) {
  static const struct {
    int to, from; /* members of each at first */
    const char *names;
  } rows[] = {
      {0, 0, ""},       {0, 1, "a"},      {1, 0, "a"},      {1, 1, "ab"},
      {3, 3, "abcdef"}, {0, 6, "abcdef"}, {6, 0, "abcdef"},
  };

  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    struct fixture f;
    int next = 0;

    fixture_init(&f);
    test_label(rows[i].names);
    for (int k = 0; k < rows[i].to; k++)
      list_append(&f.list, &f.items[next++].link);
    for (int k = 0; k < rows[i].from; k++)
      list_append(&f.other, &f.items[next++].link);
    list_splice(&f.list, &f.other);
    check_names(&f.list, rows[i].names);
    check_names(&f.other, "");
  }
}

TEST_MAIN(ROW(empty), ROW(both_ends_and_between), ROW(removing),
          ROW(taking_until_empty), ROW(splicing))
