/* Pools, tokens, and what an answer means; see pull_limit.h. */
#include "ingest/pull/pull_limit.h"

#include "base/thread.h"

enum { POOLS = 256, TOKENS = 64 };

/* What a token may still do is taken before a request is sent: what the server said was left, less what is under way and
 * may or may not be counted in it. */
typedef struct token {
    uint64_t id;
    int64_t parked_until;
    enum { BUDGET_UNKNOWN, BUDGET_NONE, BUDGET_KNOWN } budget; /* until an answer comes; the server has none; `left` */
    int64_t left;                                              /* least that answers of this window said */
    int64_t reset_wall, reset_at;                              /* its end by the server's clock, and by ours */
    uint32_t under_way;
} token;

struct ovi_pool {
    char name[128];
    uint32_t slots, used;
    bool budgets; /* its source has a budget: what tokens may still do matters */
    uint32_t rate_count;
    int64_t rate_ms;
    int64_t *sent; /* ring of the last rate_count starts */
    uint64_t starts;
    int64_t parked_until;
    token tokens[TOKENS];
    uint32_t token_count;
};

static ov_mutex lock = OV_MUTEX_INIT;
static ovi_pool *pools[POOLS];
static uint32_t pool_count;

static ov_status create(ov_slice name, const ovi_pull_limits *l, ovi_pool **out, ov_error *err)
{
    if (pool_count == POOLS)
        return ov_fail(err, OV_LIMIT, "there are %d pools already; let specs share one by \"limits\": {\"pool\": ...}", POOLS);
    ovi_pool *p = ov_calloc(1, sizeof(*p));
    int64_t *sent = ov_calloc(l->rate_count + 1, sizeof(*sent));
    if (!p || !sent) {
        ov_free(p);
        ov_free(sent);
        return ov_fail_nomem(err, sizeof(*p));
    }
    memcpy(p->name, name.p, name.n);
    p->slots = l->slots;
    p->rate_count = l->rate_count;
    p->rate_ms = l->rate_ms;
    p->budgets = l->budget_count > 0;
    p->sent = sent;
    pools[pool_count++] = p;
    *out = p;
    return OV_OK;
}

ov_status ovi_pool_get(ov_slice name, const ovi_pull_limits *l, ovi_pool **out, ov_error *err)
{
    ov_status st = OV_OK;
    *out = NULL;
    if (name.n == 0 || name.n >= sizeof((*out)->name))
        return ov_fail(err, OV_INVALID, "limits.pool: a name has 1 to %zu bytes", sizeof((*out)->name) - 1);
    ov_mutex_lock(&lock);
    for (uint32_t i = 0; i < pool_count && !*out; i++)
        if (ov_slice_eq(ov_slice_cstr(pools[i]->name), name))
            *out = pools[i];
    if (!*out)
        st = create(name, l, out, err);
    ov_mutex_unlock(&lock);
    return st;
}

static token *find_token(ovi_pool *p, uint64_t id, bool make)
{
    for (uint32_t i = 0; i < p->token_count; i++)
        if (p->tokens[i].id == id)
            return &p->tokens[i];
    if (!make || p->token_count == TOKENS)
        return NULL;
    p->tokens[p->token_count] = (token){.id = id};
    return &p->tokens[p->token_count++];
}

enum { LOOK_AGAIN_MS = 20 };

/* With a budget that nobody knows yet one request asks for it. */
static int64_t token_wait(ovi_pool *p, uint64_t id, int64_t now)
{
    token *t = find_token(p, id, false);
    if (!t)
        return 0;
    if (t->parked_until > now)
        return t->parked_until - now;
    if (t->budget == BUDGET_KNOWN && t->reset_at <= now)
        t->budget = BUDGET_UNKNOWN;
    if (!p->budgets || t->budget == BUDGET_NONE)
        return 0;
    if (t->budget == BUDGET_UNKNOWN)
        return t->under_way ? LOOK_AGAIN_MS : 0;
    if (t->left > (int64_t)t->under_way)
        return 0;
    return t->under_way ? LOOK_AGAIN_MS : t->reset_at - now;
}

int64_t ovi_pool_take(ovi_pool *p, uint64_t id, int64_t now)
{
    int64_t wait = 0;
    ov_mutex_lock(&lock);
    if (p->parked_until > now)
        wait = p->parked_until - now;
    wait = OV_MAX(wait, token_wait(p, id, now));
    if (wait == 0 && p->rate_count && p->starts >= p->rate_count) {
        int64_t oldest = p->sent[p->starts % p->rate_count];
        wait = OV_MAX(wait, oldest + p->rate_ms - now);
    }
    if (wait <= 0 && p->used >= p->slots)
        wait = LOOK_AGAIN_MS; /* another task holds it, or our own next answer frees one */
    if (wait <= 0) {
        p->used++;
        if (p->rate_count)
            p->sent[p->starts % p->rate_count] = now;
        p->starts++;
        token *t = find_token(p, id, true);
        if (t)
            t->under_way++;
        wait = 0;
    }
    ov_mutex_unlock(&lock);
    return wait;
}

void ovi_pool_give(ovi_pool *p, uint64_t id, bool answered)
{
    ov_mutex_lock(&lock);
    token *t = find_token(p, id, false);
    p->used--;
    if (t && t->under_way) { /* what was sent without an answer may have been counted */
        t->under_way--;
        t->left -= !answered && t->left > 0;
    }
    ov_mutex_unlock(&lock);
}

void ovi_pool_tell(ovi_pool *p, uint64_t id, int64_t left, int64_t reset_wall, int64_t reset_at)
{
    ov_mutex_lock(&lock);
    token *t = find_token(p, id, true);
    if (t && left < 0) {
        t->budget = t->budget == BUDGET_UNKNOWN ? BUDGET_NONE : t->budget;
    } else if (t && (t->budget != BUDGET_KNOWN || reset_wall >= t->reset_wall)) { /* else an answer from the window before */
        bool same = t->budget == BUDGET_KNOWN && reset_wall == t->reset_wall;
        t->left = same ? OV_MIN(t->left, left) : left;
        t->budget = BUDGET_KNOWN;
        t->reset_wall = reset_wall;
        t->reset_at = reset_at;
    }
    ov_mutex_unlock(&lock);
}

void ovi_pool_park(ovi_pool *p, int64_t until)
{
    ov_mutex_lock(&lock);
    p->parked_until = OV_MAX(p->parked_until, until);
    ov_mutex_unlock(&lock);
}

void ovi_pool_park_token(ovi_pool *p, uint64_t id, int64_t until)
{
    ov_mutex_lock(&lock);
    token *t = find_token(p, id, true);
    if (t)
        t->parked_until = OV_MAX(t->parked_until, until);
    else
        p->parked_until = OV_MAX(p->parked_until, until);
    ov_mutex_unlock(&lock);
}

int64_t ovi_pool_token_wait(ovi_pool *p, uint64_t id, int64_t now)
{
    ov_mutex_lock(&lock);
    int64_t wait = token_wait(p, id, now);
    ov_mutex_unlock(&lock);
    return wait;
}

/* ---- verdicts ---- */

int64_t ovi_backoff_ms(int64_t base, int64_t most, uint32_t n, uint64_t random)
{
    int64_t top = base;
    for (uint32_t i = 0; i < n && top < most; i++)
        top *= 2;
    top = OV_MAX(OV_MIN(top, most), 1);
    int64_t low = OV_MAX(top / 8, 1);
    return low + (int64_t)(random % (uint64_t)(top - low + 1));
}

static bool in_list(const ovi_int_list *list, int64_t v)
{
    for (uint32_t i = 0; i < list->n; i++)
        if (list->at[i] == v)
            return true;
    return false;
}

/* GitHub's order: what Retry-After says, else until the reset, else a minute that doubles. */
static int64_t limit_wait(const ovi_reply *r, const ovi_pull_limits *l, uint32_t limited, int64_t now_wall)
{
    enum { SECONDARY_MS = 60000, MARGIN_MS = 1000 };
    if (r->retry_after_ms >= 0)
        return r->retry_after_ms + 1;
    if (r->remaining == 0 && r->reset_wall_ms >= 0) {
        int64_t wait = r->reset_wall_ms - (r->date_wall_ms >= 0 ? r->date_wall_ms : now_wall);
        if (wait > 0)
            return wait + MARGIN_MS;
    }
    int64_t base = OV_MIN((int64_t)SECONDARY_MS, OV_MAX(l->max_backoff_ms, 1)); /* a test's limits are short */
    return base << OV_MIN(limited, 6u);
}

static bool is_limit(const ovi_reply *r)
{
    return r->status == 429 || (r->status == 403 && (r->retry_after_ms >= 0 || r->remaining == 0 || r->secondary));
}

ovi_verdict ovi_reply_judge(const ovi_reply *r, const ovi_pull_source *s, const ovi_pull_limits *l, uint32_t attempts,
                            uint32_t limited, int64_t now_wall, uint64_t random, int64_t *wait_ms)
{
    enum { MOST_LIMITED = 100 };
    *wait_ms = 0;
    if (r->transfer != OV_OK) {
        if ((r->transfer != OV_IO && r->transfer != OV_TIMEOUT && r->transfer != OV_CORRUPT) || attempts >= l->retries)
            return OVI_FAIL;
        *wait_ms = ovi_backoff_ms(l->backoff_ms, l->max_backoff_ms, attempts, random);
        return OVI_RETRY;
    }
    if (r->status == 304)
        return OVI_UNCHANGED;
    if (r->status == 202) {
        *wait_ms = l->poll_ms;
        for (uint32_t i = 0; i < attempts && *wait_ms < l->max_wait_ms; i++)
            *wait_ms *= 3;
        return attempts < l->polls ? OVI_POLL : OVI_FAIL;
    }
    if (in_list(&s->status_empty, r->status))
        return OVI_EMPTY;
    if (in_list(&s->status_missing, r->status))
        return OVI_MISSING;
    if (r->status >= 200 && r->status <= 299)
        return OVI_ACCEPT;
    if (is_limit(r)) {
        *wait_ms = limit_wait(r, l, limited, now_wall);
        return *wait_ms <= l->max_wait_ms && limited < MOST_LIMITED ? OVI_LIMITED : OVI_FAIL;
    }
    if ((r->status == 408 || r->status >= 500) && r->status != 501 && attempts < l->retries) {
        *wait_ms = r->retry_after_ms >= 0 ? r->retry_after_ms + 1
                                          : ovi_backoff_ms(l->backoff_ms, l->max_backoff_ms, attempts, random);
        return *wait_ms <= l->max_wait_ms ? OVI_RETRY : OVI_FAIL;
    }
    return OVI_FAIL;
}
