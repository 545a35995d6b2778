/*
 * How fast a source may be asked, and what an answer means for that: pools of slots and rates, tokens, and the verdict on
 * each answer. Pools and what is known of tokens belong to the process: all tasks share them by name.
 *
 * Times are milliseconds of the monotonic clock unless they say wall: a clock that is set does not stall or rush anything.
 * Threads: any.
 */
#pragma once

#include "ingest/pull/pull_source.h"

typedef struct ovi_pool ovi_pool;

/* The pool of that name; the first to ask decides its slots and rate. Never freed: there are few names. */
OV_CHECKED ov_status ovi_pool_get(ov_slice name, const ovi_pull_limits *limits, ovi_pool **out, ov_error *err);
/* 0: a slot and a piece of the token's budget are taken, and the request counted. Else how long to wait before asking again.
 * `token` is its id, 0 for none. Of a token whose budget nobody knows yet one request is let go ahead, when the source has budgets. */
int64_t ovi_pool_take(ovi_pool *p, uint64_t token, int64_t now);
/* The slot back; answered: the server has said something. After ovi_pool_tell, which says what is left of the budget until an
 * instant of the server's clock (reset_wall) and ours (reset_at); left -1: the server speaks of none. */
void ovi_pool_give(ovi_pool *p, uint64_t token, bool answered);
void ovi_pool_tell(ovi_pool *p, uint64_t token, int64_t left, int64_t reset_wall, int64_t reset_at);
void ovi_pool_park(ovi_pool *p, int64_t until);
void ovi_pool_park_token(ovi_pool *p, uint64_t token, int64_t until);
/* How long the token must wait; 0: it need not. */
int64_t ovi_pool_token_wait(ovi_pool *p, uint64_t token, int64_t now);

/* What of an answer decides what is done next. */
typedef struct ovi_reply {
    ov_status transfer; /* of the transfer itself */
    int status;
    int64_t retry_after_ms; /* -1: not said */
    int64_t remaining;      /* -1 */
    int64_t reset_wall_ms;  /* -1 */
    int64_t date_wall_ms;   /* the server's own clock; -1 */
    bool secondary;         /* the body speaks of a secondary or abuse limit */
} ovi_reply;

typedef enum ovi_verdict {
    OVI_ACCEPT,
    OVI_UNCHANGED, /* 304 */
    OVI_EMPTY,     /* nothing there, and that is an answer */
    OVI_MISSING,   /* the thing is not there: a gap */
    OVI_POLL,      /* being computed: ask again */
    OVI_RETRY,     /* a passing failure */
    OVI_LIMITED,   /* the token or address has to wait */
    OVI_FAIL,      /* asking again would not help */
} ovi_verdict;

/* attempts: of this request that failed before; limited: waits for limits before. *wait_ms for POLL, RETRY and LIMITED. */
ovi_verdict ovi_reply_judge(const ovi_reply *r, const ovi_pull_source *s, const ovi_pull_limits *l, uint32_t attempts,
                            uint32_t limited, int64_t now_wall_ms, uint64_t random, int64_t *wait_ms);
/* Full jitter: anywhere from an eighth of it to min(most, base * 2^n). */
int64_t ovi_backoff_ms(int64_t base, int64_t most, uint32_t n, uint64_t random);
