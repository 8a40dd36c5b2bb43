/*
 * quota.h: what a policy lets one request take. The limits on handles and on
 * connections are kept where those are made: handle.c and http/pool.c.
 */
#ifndef HN_HANDLES_QUOTA_H
#define HN_HANDLES_QUOTA_H

#include "request.h"

/* May the request's body have that many bytes? INSUFFICIENT_BUFFER, described.
 */
HN_INTERNAL int quota_check_upload(struct hn_request *r, uint64_t size);

/* Has the response's body kept within its limit, as it came and as it is
 * decoded? INSUFFICIENT_BUFFER, described. */
HN_INTERNAL int quota_check_download(struct hn_request *r);

#endif
