/*
 * Life of accumulators: growing, merging. Adding rows is in acc_update.c and acc_rows.c, emptying caches in acc_settle.c, results in acc_emit.c.
 */
#include "query/agg/acc.h"

#include "base/alive.h"
#include "base/bits.h"

ov_acc_spec ov_acc_spec_of(const ov_agg_call *call)
{
    ov_type type = call->argc ? call->args[0]->type : OV_T(OV_TYPE_LONG);
    ov_acc_spec spec = {.kind = OV_ACC_COUNT, .type = type};
    if (call->distinct && call->fn->kind != OV_AGG_OBJECT) {
        spec.kind = OV_ACC_DISTINCT;
        spec.type.multi = 0; /* sets hold the elements */
        return spec;
    }
    switch ((ov_agg_kind)call->fn->kind) {
    case OV_AGG_COUNT:
        break;
    case OV_AGG_SUM:
    case OV_AGG_SUM0:
    case OV_AGG_AVG:
        spec.kind = ov_type_is_real(type) ? OV_ACC_SUM_REAL : OV_ACC_SUM_LONG;
        break;
    case OV_AGG_MIN:
        spec.kind = OV_ACC_MIN;
        break;
    case OV_AGG_MAX:
        spec.kind = OV_ACC_MAX;
        break;
    case OV_AGG_DISTINCT:
        spec.kind = OV_ACC_DISTINCT;
        break;
    case OV_AGG_ANY:
        spec.kind = OV_ACC_ANY;
        break;
    case OV_AGG_EARLIEST:
        spec.kind = OV_ACC_EARLIEST;
        break;
    case OV_AGG_LATEST:
        spec.kind = OV_ACC_LATEST;
        break;
    case OV_AGG_BIT_AND:
        spec.kind = OV_ACC_BIT_AND;
        break;
    case OV_AGG_BIT_OR:
        spec.kind = OV_ACC_BIT_OR;
        break;
    case OV_AGG_BIT_XOR:
        spec.kind = OV_ACC_BIT_XOR;
        break;
    case OV_AGG_VAR_POP:
    case OV_AGG_VAR_SAMP:
    case OV_AGG_STDDEV_POP:
    case OV_AGG_STDDEV_SAMP:
        spec.kind = OV_ACC_VARIANCE;
        break;
    case OV_AGG_OBJECT:
        spec.kind = OV_ACC_OBJECT;
        spec.call = call;
        break;
    }
    return spec;
}

static bool counts_too(uint8_t kind)
{
    return kind == OV_ACC_SUM_LONG || kind == OV_ACC_SUM_REAL;
}

bool ov_acc_serves(const ov_acc_spec *have, const ov_acc_spec *want)
{
    if (have->kind == OV_ACC_OBJECT && want->kind == OV_ACC_OBJECT)
        return ov_agg_call_equal(have->call, want->call);
    return have->kind == want->kind || (want->kind == OV_ACC_COUNT && counts_too(have->kind));
}

static bool is_set(const ov_agg_call *call)
{
    return call->distinct && call->fn->ops->is_set;
}

bool ov_acc_by_weight(const ov_acc_spec *spec)
{
    if (spec->kind == OV_ACC_OBJECT)
        return spec->call->fn->ops->by_weight || is_set(spec->call);
    /* rows of one value come together then: which one was the first, or its time, is not known */
    return spec->kind != OV_ACC_EARLIEST && spec->kind != OV_ACC_LATEST && spec->kind != OV_ACC_ANY;
}

bool ov_acc_by_order(const ov_acc_spec *spec)
{
    if (spec->kind == OV_ACC_OBJECT)
        return spec->call->fn->ops->by_order && !is_set(spec->call);
    return spec->kind == OV_ACC_SUM_REAL || spec->kind == OV_ACC_VARIANCE || spec->kind == OV_ACC_ANY || spec->kind == OV_ACC_EARLIEST ||
           spec->kind == OV_ACC_LATEST;
}

bool ov_acc_merges_apart(const ov_acc_spec *spec)
{
    bool kept = spec->kind == OV_ACC_MIN || spec->kind == OV_ACC_MAX || spec->kind == OV_ACC_ANY || spec->kind == OV_ACC_EARLIEST ||
                spec->kind == OV_ACC_LATEST;
    if (kept) /* texts are copied to memory that all groups share */
        return ov_type_is_int(spec->type) || ov_type_is_real(spec->type);
    return spec->kind != OV_ACC_DISTINCT && spec->kind != OV_ACC_OBJECT;
}

bool ov_acc_in_turn(const ov_acc_spec *spec)
{
    return spec->kind == OV_ACC_OBJECT && spec->call->fn->ops->in_turn;
}

static size_t value_bytes(const ov_acc *a)
{
    switch ((ov_acc_kind)a->kind) {
    case OV_ACC_COUNT:
    case OV_ACC_DISTINCT:
    case OV_ACC_OBJECT:
        return 0;
    case OV_ACC_SUM_LONG:
    case OV_ACC_SUM_REAL:
    case OV_ACC_BIT_AND:
    case OV_ACC_BIT_OR:
    case OV_ACC_BIT_XOR:
    case OV_ACC_VARIANCE:
        return 8;
    case OV_ACC_MIN:
    case OV_ACC_MAX:
    case OV_ACC_ANY:
    case OV_ACC_EARLIEST:
    case OV_ACC_LATEST:
        break;
    }
    return ov_type_is_int(a->type) || ov_type_is_real(a->type) ? 8 : sizeof(ov_slice);
}

/* The first or last of its rows, by time or as they come. */
static bool keeps_place(const ov_acc *a)
{
    return ovi_acc_keeps_time(a) || a->kind == OV_ACC_ANY;
}

ov_status ov_acc_init(ov_acc *a, const ov_acc_spec *spec, bool general, ov_budget *budget, ov_error *err)
{
    *a = (ov_acc){.kind = spec->kind,
                  .general = general,
                  .type = spec->type,
                  .budget = budget,
                  .k = ov_agg_kernels_get(),
                  .packed_ways = 1};
    ov_arena_init(&a->bytes, "aggregate", budget);
    if (a->kind == OV_ACC_OBJECT)
        return ov_object_init(&a->object, spec->call, general, budget, err);
    return a->kind == OV_ACC_DISTINCT ? ov_distinct_init(&a->set, spec->type, budget, err) : OV_OK;
}

void ov_acc_share(ov_acc *a, ov_acc *with)
{
    if (a->kind == OV_ACC_DISTINCT)
        ov_distinct_share(&a->set, &with->set);
}

void ov_acc_fini(ov_acc *a)
{
    ov_array_free(a->budget, &a->n, a->cap * sizeof(*a->n));
    ov_array_free(a->budget, &a->v.any, a->cap * value_bytes(a));
    ov_array_free(a->budget, &a->t, ovi_acc_keeps_time(a) ? a->cap * sizeof(*a->t) : 0);
    ov_array_free(a->budget, &a->at, keeps_place(a) ? a->cap * sizeof(*a->at) : 0);
    ov_array_free(a->budget, &a->m2, a->kind == OV_ACC_VARIANCE ? a->cap * sizeof(*a->m2) : 0);
    ov_array_free(a->budget, &a->packed, a->packed_cap * sizeof(*a->packed));
    ov_array_free(a->budget, &a->narrow, a->narrow_cap * sizeof(*a->narrow));
    ov_array_free(a->budget, &a->tiny, a->tiny_cap);
    ov_array_free(a->budget, &a->ramp_sum, a->ramp_cap * sizeof(*a->ramp_sum));
    ov_array_free(a->budget, &a->ramp_step, a->ramp_cap * sizeof(*a->ramp_step));
    ov_array_free(a->budget, &a->totals, a->totals_cap * sizeof(*a->totals));
    if (a->kind == OV_ACC_DISTINCT)
        ov_distinct_fini(&a->set);
    if (a->kind == OV_ACC_OBJECT)
        ov_object_fini(&a->object);
    ov_arena_fini(&a->bytes);
    a->cap = a->groups = a->packed_cap = a->narrow_cap = a->tiny_cap = a->ramp_cap = a->totals_cap = 0;
}

/* The values that groups start from: what every kernel can replace. */
static void init_values(ov_acc *a, uint32_t from, uint32_t to)
{
    if (a->kind == OV_ACC_MIN && ov_type_is_int(a->type))
        for (uint32_t g = from; g < to; g++)
            a->v.i[g] = INT64_MAX;
    if (a->kind == OV_ACC_MAX && ov_type_is_int(a->type))
        for (uint32_t g = from; g < to; g++)
            a->v.i[g] = INT64_MIN;
    if (a->kind == OV_ACC_BIT_AND)
        for (uint32_t g = from; g < to; g++)
            a->v.i[g] = -1;
}

static ov_status grow_columns(ov_acc *a, uint32_t cap, ov_error *err)
{
    /* all or nothing: a->cap is what fini gives back */
    void *columns[] = {&a->n, &a->v.any, &a->t, &a->at, &a->m2};
    size_t bytes[] = {8, value_bytes(a), ovi_acc_keeps_time(a) ? 8 : 0, keeps_place(a) ? 8 : 0,
                      a->kind == OV_ACC_VARIANCE ? 8 : 0};
    size_t old = a->cap;
    for (size_t i = 0, more = 0; i < OV_COUNT_OF(columns); i++) {
        ov_status st = ov_array_grow(a->budget, columns[i], old * bytes[i], (size_t)cap * bytes[i], err);
        if (st != OV_OK) {
            if (a->budget)
                ov_budget_release(a->budget, more);
            return st;
        }
        more += (cap - old) * bytes[i];
    }
    a->cap = cap;
    return OV_OK;
}

ov_status ov_acc_reserve(ov_acc *a, uint32_t groups, ov_error *err)
{
    if (groups <= a->groups)
        return OV_OK;
    if (a->kind == OV_ACC_OBJECT) {
        OV_TRY(ov_object_reserve(&a->object, groups, err));
        a->groups = groups;
        return OV_OK;
    }
    if (groups > a->cap)
        OV_TRY(grow_columns(a, (uint32_t)OV_MIN((uint64_t)OV_MAX(groups, 8) + groups / 2, (uint64_t)UINT32_MAX), err));
    enum { STEP = 1 << 17 };
    for (uint32_t n; a->groups < groups; a->groups += n) {
        n = OV_MIN(groups - a->groups, (uint32_t)STEP);
        init_values(a, a->groups, a->groups + n);
        if (n == STEP)
            OV_TRY(ov_budget_alive(a->budget, err));
    }
    return OV_OK;
}

void ov_acc_reset(ov_acc *a)
{
    if (a->kind == OV_ACC_OBJECT) {
        ov_object_reset(&a->object);
        return;
    }
    if (!a->groups)
        return;
    memset(a->n, 0, a->groups * sizeof(*a->n));
    if (value_bytes(a))
        memset(a->v.any, 0, a->groups * value_bytes(a));
    if (a->m2)
        memset(a->m2, 0, a->groups * sizeof(*a->m2));
    init_values(a, 0, a->groups);
    if (a->packed_rows)
        memset(a->packed, 0, a->packed_cap * sizeof(*a->packed));
    a->packed_rows = 0;
    if (a->narrow_used)
        memset(a->narrow, a->kind == OV_ACC_MIN ? 0xff : 0, a->narrow_cap * sizeof(*a->narrow));
    a->narrow_used = false;
    if (a->tiny_used)
        memset(a->tiny, a->kind == OV_ACC_MIN ? 0xff : 0, a->tiny_cap);
    a->tiny_used = false;
    a->tiny_pieces = 0;
    if (a->ramp_pieces) {
        memset(a->ramp_sum, 0, a->ramp_cap * sizeof(*a->ramp_sum));
        memset(a->ramp_step, 0, a->ramp_cap * sizeof(*a->ramp_step));
    }
    a->ramp_pieces = 0;
    if (a->totals)
        memset(a->totals, 0, a->totals_cap * sizeof(*a->totals));
    if (a->kind == OV_ACC_DISTINCT)
        ov_distinct_reset(&a->set);
    ov_arena_reset(&a->bytes);
}

/* ---- merging ---- */

void ovi_acc_take_text(ov_acc *a, uint32_t g, ov_slice s)
{
    int c = a->n[g] ? ov_slice_cmp(s, a->v.s[g]) : 0;
    if (!a->n[g] || (a->kind == OV_ACC_MIN ? c < 0 : c > 0))
        a->v.s[g] = s;
    a->n[g]++;
}

static ov_status copy_str(ov_acc *a, uint32_t g, ov_slice s, ov_error *err)
{
    return ov_arena_copy(&a->bytes, s, &a->v.s[g], err);
}

static ov_status take_value(ov_acc *dst, uint32_t to, const ov_acc *src, uint32_t from, ov_error *err)
{
    if (ov_type_is_int(dst->type))
        dst->v.i[to] = src->v.i[from];
    else if (ov_type_is_real(dst->type))
        dst->v.f[to] = src->v.f[from];
    else if (src->n[from] != 2 || !keeps_place(src))
        return copy_str(dst, to, src->v.s[from], err);
    return OV_OK;
}

static bool is_better(const ov_acc *dst, uint32_t to, const ov_acc *src, uint32_t from)
{
    bool min = dst->kind == OV_ACC_MIN;
    if (ov_type_is_int(dst->type))
        return min ? src->v.i[from] < dst->v.i[to] : src->v.i[from] > dst->v.i[to];
    if (ov_type_is_real(dst->type))
        return min ? ovi_real_less(src->v.f[from], dst->v.f[to]) : ovi_real_more(src->v.f[from], dst->v.f[to]);
    int c = ov_slice_cmp(src->v.s[from], dst->v.s[to]);
    return min ? c < 0 : c > 0;
}

/* One group of MIN, MAX, ANY, EARLIEST or LATEST. */
static ov_status merge_kept(ov_acc *dst, uint32_t to, const ov_acc *src, uint32_t from, ov_error *err)
{
    if (!src->n[from])
        return OV_OK;
    bool take = !dst->n[to];
    if (keeps_place(dst)) {
        int64_t time = ovi_acc_keeps_time(dst) ? src->t[from] : 0;
        if (!take && !ovi_acc_prefers(dst, to, time, src->at[from]))
            return OV_OK;
        if (ovi_acc_keeps_time(dst))
            dst->t[to] = time;
        dst->at[to] = src->at[from];
        dst->n[to] = src->n[from];
        return take_value(dst, to, src, from, err);
    }
    if (take || is_better(dst, to, src, from))
        OV_TRY(take_value(dst, to, src, from, err));
    dst->n[to] += src->n[from];
    return OV_OK;
}

static ov_status merge_groups(ov_acc *dst, ov_acc *src, const uint32_t *from, const uint32_t *to, size_t n,
                              const uint32_t *map, ov_error *err)
{
    switch ((ov_acc_kind)dst->kind) {
    case OV_ACC_COUNT:
        for (size_t i = 0; i < n; i++)
            dst->n[to[i]] += src->n[from[i]];
        return OV_OK;
    case OV_ACC_SUM_LONG:
        for (size_t i = 0; i < n; i++) {
            dst->n[to[i]] += src->n[from[i]];
            dst->v.i[to[i]] = (int64_t)((uint64_t)dst->v.i[to[i]] + (uint64_t)src->v.i[from[i]]);
        }
        return OV_OK;
    case OV_ACC_SUM_REAL:
        for (size_t i = 0; i < n; i++) {
            dst->n[to[i]] += src->n[from[i]];
            dst->v.f[to[i]] += src->v.f[from[i]];
        }
        return OV_OK;
    case OV_ACC_DISTINCT:
        return ov_distinct_merge(&dst->set, &src->set, map, dst->n, err);
    case OV_ACC_BIT_AND:
    case OV_ACC_BIT_OR:
    case OV_ACC_BIT_XOR:
        for (size_t i = 0; i < n; i++)
            ovi_acc_take_bits(dst, to[i], src->v.i[from[i]], src->n[from[i]]);
        return OV_OK;
    case OV_ACC_VARIANCE:
        for (size_t i = 0; i < n; i++)
            ovi_acc_take_moments(dst, to[i], src->n[from[i]], src->v.f[from[i]], src->m2[from[i]]);
        return OV_OK;
    case OV_ACC_OBJECT:
        return dst->object.ops->merge(&dst->object, &src->object, from, to, n, err);
    case OV_ACC_MIN:
    case OV_ACC_MAX:
    case OV_ACC_ANY:
    case OV_ACC_EARLIEST:
    case OV_ACC_LATEST:
        break;
    }
    for (size_t i = 0; i < n; i++)
        OV_TRY(merge_kept(dst, to[i], src, from[i], err));
    return OV_OK;
}

ov_status ov_acc_merge(ov_acc *dst, ov_acc *src, const uint32_t *from, const uint32_t *to, size_t n,
                       const uint32_t *map, ov_error *err)
{
    enum { STEP = 1 << 13 }; /* groups between two questions whether to go on */
    OV_TRY(ov_budget_alive_by(dst->budget, 8, err)); /* many merges of one group */
    if (dst->kind == OV_ACC_DISTINCT || dst->kind == OV_ACC_OBJECT) /* they ask themselves */
        return merge_groups(dst, src, from, to, n, map, err);
    for (size_t at = 0; at < n; at += STEP) {
        if (at)
            OV_TRY(ov_budget_alive(dst->budget, err));
        OV_TRY(merge_groups(dst, src, from + at, to + at, OV_MIN(n - at, (size_t)STEP), map, err));
    }
    return OV_OK;
}
