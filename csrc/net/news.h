/*
 * news.h: what an exchange tells about its progress, in order.
 *
 * Lower floors append facts here as they happen; the owner of the log (a
 * request) turns them into events. A fact whose bit is not in the mask is not
 * recorded. The log has a fixed number of places: more than one drain can fill
 * (one look-up, every address tried, one exchange).
 *
 * Some facts are announcements: whoever appends one that is in `holds` answers
 * HN_AGAIN and does nothing of it until the log's owner has cleared `held`, as
 * the listener has heard it.
 */
#ifndef HN_NET_NEWS_H
#define HN_NET_NEWS_H

#include <string.h>

#include "address.h"

enum { HN_NEWS_ROOM = 2 * HN_MAX_ADDRESSES + 16 };

struct hn_news {
  uint32_t status; /* one HN_STATUS_ bit */
  uint64_t number;
  char text[HN_ADDRESS_TEXT];
};

struct hn_news_log {
  uint32_t mask;
  uint32_t holds; /* of the mask: those that are waited for */
  uint32_t held;  /* the one that is waited for now; 0: none */
  unsigned count;
  struct hn_news items[HN_NEWS_ROOM];
};

/* log may be NULL: nobody listens. */
static inline bool news_wanted(const struct hn_news_log *log, uint32_t status) {
  return log && (log->mask & status) && log->count < HN_NEWS_ROOM;
}

/* What was appended last has to be heard first. */
static inline bool news_is_held(const struct hn_news_log *log) {
  return log && log->held;
}

static inline struct hn_news *news_append(struct hn_news_log *log,
                                          uint32_t status, uint64_t number) {
  struct hn_news *n = &log->items[log->count++];
  log->held |= status & log->holds;
  n->status = status;
  n->number = number;
  return n;
}

static inline void news_add(struct hn_news_log *log, uint32_t status,
                            uint64_t number) {
  if (!news_wanted(log, status)) return;
  struct hn_news *n = news_append(log, status, number);
  n->text[0] = '\0';
}

/* A fact about a name: text is as much of it as there is room for, so cut after
 * 63 bytes (longer names exist; their owner has the whole). */
static inline void news_add_name(struct hn_news_log *log, uint32_t status,
                                 struct hn_slice name) {
  if (!news_wanted(log, status)) return;
  struct hn_news *n = news_append(log, status, 0);
  size_t size = name.n < sizeof n->text ? name.n : sizeof n->text - 1;
  if (size > 0) memcpy(n->text, name.p, size);
  n->text[size] = '\0';
}

/* A fact about an IP address. */
static inline void news_add_address(struct hn_news_log *log, uint32_t status,
                                    const struct hn_address *address) {
  if (!news_wanted(log, status)) return;
  address_format(address, news_append(log, status, 0)->text);
}

#endif
