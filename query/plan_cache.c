#include "query/plan_cache.h"

#include "base/hash.h"
#include "base/thread.h"

enum {
    CHAINS = 1024, /* a power of two */
    MOST_PLANS = 1024,
    MOST_PLAN_BYTES = 512 << 10, /* of one: larger ones hold long lists, which come once */
};

struct ov_plan_cache {
    ov_mutex lock;
    ov_budget *all;
    size_t most;
    ov_planned *chains[CHAINS];
    ov_planned *oldest, *newest;
    ov_plan_cache_counts counts;
    const ov_lookup_set *lookups; /* of all that is kept */
};

/* ---- one plan ---- */

ov_status ov_planned_create(const ov_snapshot *snapshot, ov_lookup_set *lookups, ov_budget *budget, ov_planned **out,
                            ov_error *err)
{
    ov_planned *p = ov_calloc(1, sizeof *p);
    *out = p;
    if (!p)
        return ov_fail_nomem(err, sizeof *p);
    atomic_init(&p->refs, 1);
    atomic_init(&p->cost_us, OV_COST_UNKNOWN);
    ov_budget_init(&p->budget, "the plan of the query", SIZE_MAX, budget);
    ov_arena_init(&p->arena, "query plan", &p->budget);
    p->tables = (ov_plan_tables){.snapshot = snapshot, .arena = &p->arena};
    p->lookups = lookups;
    p->expr = (ov_expr_ctx){.arena = &p->arena, .snapshot = snapshot, .lookups = lookups};
    return OV_OK;
}

void ov_planned_detach(ov_planned *p)
{
    atomic_store(&p->fits, ov_snapshot_version(p->tables.snapshot));
    ov_plan_tables_detach(&p->tables);
    p->expr.snapshot = NULL;
}

void ov_planned_release(ov_planned *p)
{
    if (!p || atomic_fetch_sub_explicit(&p->refs, 1, memory_order_acq_rel) != 1)
        return;
    ov_arena_fini(&p->arena);
    ov_lookup_set_release(p->lookups);
    ov_free(p);
}

void ov_planned_ran(ov_planned *p, int64_t micros)
{
    enum { RISE = 8 };
    uint32_t now = (uint32_t)OV_MIN(micros, (int64_t)OV_COST_UNKNOWN - 1);
    uint32_t was = atomic_load_explicit(&p->cost_us, memory_order_relaxed);
    if (was == now)
        return;
    if (was != OV_COST_UNKNOWN && now > was)
        now = was + (now - was + RISE - 1) / RISE;
    atomic_store_explicit(&p->cost_us, now, memory_order_relaxed);
}

/* ---- the table ---- */

ov_status ov_plan_cache_create(ov_budget *all, size_t most, ov_plan_cache **out, ov_error *err)
{
    ov_plan_cache *c = ov_calloc(1, sizeof *c);
    *out = c;
    if (!c)
        return ov_fail_nomem(err, sizeof *c);
    ov_mutex_init(&c->lock);
    c->all = all;
    c->most = most;
    return OV_OK;
}

static ov_planned **chain_of(ov_plan_cache *c, uint64_t hash)
{
    return &c->chains[hash & (CHAINS - 1)];
}

static void line_up(ov_plan_cache *c, ov_planned *p)
{
    p->older = c->newest;
    p->newer = NULL;
    *(c->newest ? &c->newest->newer : &c->oldest) = p;
    c->newest = p;
}

static void step_out(ov_plan_cache *c, ov_planned *p)
{
    *(p->older ? &p->older->newer : &c->oldest) = p->newer;
    *(p->newer ? &p->newer->older : &c->newest) = p->older;
}

/* Puts the plan on `dropped`. Under the lock. */
static void drop(ov_plan_cache *c, ov_planned *p, ov_planned **dropped)
{
    ov_planned **at = chain_of(c, p->hash);
    while (*at != p)
        at = &(*at)->next;
    *at = p->next;
    step_out(c, p);
    c->counts.plans--;
    c->counts.bytes -= p->arena.total_bytes;
    p->next = *dropped;
    *dropped = p;
}

/* Plans of older lookups serve nobody any more, and what they pin should go. Under the lock. */
static void enter_state(ov_plan_cache *c, const ov_lookup_set *lookups, ov_planned **dropped)
{
    if (c->lookups != lookups)
        while (c->oldest)
            drop(c, c->oldest, dropped);
    c->lookups = lookups;
}

static void release_all(ov_planned *list)
{
    while (list) {
        ov_planned *next = list->next;
        ov_planned_release(list);
        list = next;
    }
}

void ov_plan_cache_destroy(ov_plan_cache *c)
{
    ov_planned *dropped = NULL;
    if (!c)
        return;
    while (c->oldest)
        drop(c, c->oldest, &dropped);
    release_all(dropped);
    ov_mutex_fini(&c->lock);
    ov_free(c);
}

static ov_planned *find(ov_plan_cache *c, uint64_t hash, ov_slice key)
{
    for (ov_planned *p = *chain_of(c, hash); p; p = p->next)
        if (p->hash == hash && ov_slice_eq(p->key, key))
            return p;
    return NULL;
}

static bool fits(ov_planned *p, const ov_snapshot *snapshot)
{
    uint64_t version = ov_snapshot_version(snapshot);
    if (atomic_load_explicit(&p->fits, memory_order_relaxed) == version)
        return true;
    if (!ov_plan_tables_fit(&p->tables, snapshot))
        return false;
    atomic_store_explicit(&p->fits, version, memory_order_relaxed);
    return true;
}

ov_planned *ov_plan_cache_find(ov_plan_cache *c, ov_slice key, const ov_snapshot *snapshot, const ov_lookup_set *lookups)
{
    ov_planned *dropped = NULL;
    uint64_t hash = ov_hash_slice(key);
    ov_mutex_lock(&c->lock);
    enter_state(c, lookups, &dropped);
    ov_planned *p = find(c, hash, key);
    if (p && !fits(p, snapshot)) {
        drop(c, p, &dropped);
        p = NULL;
    }
    if (p) {
        atomic_fetch_add_explicit(&p->refs, 1, memory_order_relaxed);
        step_out(c, p);
        line_up(c, p);
        c->counts.hits++;
    } else {
        c->counts.misses++;
    }
    ov_mutex_unlock(&c->lock);
    release_all(dropped);
    return p;
}

/* The memory of `p` is from now on paid by `all`: false when that has no room. */
static bool move_budget(ov_plan_cache *c, ov_planned *p)
{
    ov_error ignored = OV_ERROR_INIT;
    size_t bytes = atomic_load(&p->budget.used);
    if (ov_budget_charge(c->all, bytes, &ignored) != OV_OK)
        return false;
    ov_budget_release(p->budget.parent, bytes);
    p->budget.parent = c->all;
    return true;
}

void ov_plan_cache_keep(ov_plan_cache *c, ov_slice key, ov_planned *p)
{
    ov_error ignored = OV_ERROR_INIT;
    ov_planned *dropped = NULL;
    if (ov_arena_copy(&p->arena, key, &p->key, &ignored) != OV_OK || p->arena.total_bytes > OV_MIN(c->most, (size_t)MOST_PLAN_BYTES) ||
        !move_budget(c, p))
        return;
    p->hash = ov_hash_slice(key);
    ov_mutex_lock(&c->lock);
    enter_state(c, p->lookups, &dropped);
    if (!find(c, p->hash, p->key)) {
        while (c->counts.plans && (c->counts.plans >= MOST_PLANS || c->counts.bytes + p->arena.total_bytes > c->most))
            drop(c, c->oldest, &dropped);
        atomic_fetch_add_explicit(&p->refs, 1, memory_order_relaxed);
        p->next = *chain_of(c, p->hash);
        *chain_of(c, p->hash) = p;
        line_up(c, p);
        c->counts.plans++;
        c->counts.bytes += p->arena.total_bytes;
    }
    ov_mutex_unlock(&c->lock);
    release_all(dropped);
}

void ov_plan_cache_count(ov_plan_cache *c, ov_plan_cache_counts *out)
{
    ov_mutex_lock(&c->lock);
    *out = c->counts;
    ov_mutex_unlock(&c->lock);
}
