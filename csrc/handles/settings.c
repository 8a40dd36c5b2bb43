#include "settings.h"

int64_t settings_response_timeout(const struct hn_settings *s) {
  if (s->response_timeout < 0 || s->receive_timeout < 0) return -1;
  return s->response_timeout > s->receive_timeout ? s->response_timeout
                                                  : s->receive_timeout;
}
