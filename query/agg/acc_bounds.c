/*
 * MIN and MAX: adding a batch by kernels, in the narrowest words that the values allow.
 */
#include "query/agg/acc.h"

#include "base/bits.h"
#include "storage/segment/segment.h"

static void take_long(ov_acc *a, uint32_t g, int64_t v, uint64_t n)
{
    if (a->kind == OV_ACC_MIN ? v < a->v.i[g] : v > a->v.i[g])
        a->v.i[g] = v;
    a->n[g] += n;
}

static void take_real(ov_acc *a, uint32_t g, double v, uint64_t n)
{
    if (!a->n[g] || (a->kind == OV_ACC_MIN ? ovi_real_less(v, a->v.f[g]) : ovi_real_more(v, a->v.f[g])))
        a->v.f[g] = v;
    a->n[g] += n;
}

static bool bounds_of_block(ov_acc *a, const ov_agg_rows *rows, const uint64_t *mask, const ov_vec *x)
{
    const ov_block_stats *stats = ovi_whole_block(rows, mask, x);
    bool min = a->kind == OV_ACC_MIN;
    if (!stats || !stats->has_bounds || stats->nulls == stats->rows)
        return false;
    uint32_t g = rows->pieces[0].group;
    uint64_t n = stats->rows - stats->nulls;
    if (ov_type_is_int(a->type))
        take_long(a, g, min ? stats->min : stats->max, n);
    else if (ov_type_is_real(a->type) && !stats->has_nan)
        take_real(a, g, min ? stats->fmin : stats->fmax, n);
    else
        return false;
    return true;
}

static ov_status narrow_room(ov_acc *a, ov_error *err)
{
    if (a->narrow_cap >= a->groups)
        return OV_OK;
    uint32_t old = a->narrow_cap;
    OV_TRY(ov_array_grow(a->budget, &a->narrow, (size_t)old * 4, (size_t)a->cap * 4, err));
    if (a->kind == OV_ACC_MIN)
        memset(a->narrow + old, 0xff, (size_t)(a->cap - old) * 4);
    a->narrow_cap = a->cap;
    return OV_OK;
}

/* Values base .. base + max as 32 bits: 0 and UINT32_MAX stand for "none" of MAX and MIN. */
static ov_status narrow_fit(ov_acc *a, int64_t base, uint64_t max, double divisor, const ov_domain *domain,
                            bool *fits, ov_error *err)
{
    *fits = max < UINT32_MAX - 1;
    if (!*fits)
        return OV_OK;
    OV_TRY(narrow_room(a, err));
    uint64_t delta = (uint64_t)base - (uint64_t)a->narrow_base;
    bool same = a->narrow_used && base >= a->narrow_base && divisor == a->narrow_divisor &&
                delta < UINT32_MAX && delta + max < UINT32_MAX - 1 &&
                (a->narrow_domain ? domain && domain->id == a->narrow_domain->id : !domain);
    if (!same) {
        ov_acc_settle(a);
        a->narrow_base = base >= 0 && (uint64_t)base + max < UINT32_MAX - 1 ? 0 : base;
        a->narrow_divisor = divisor;
        a->narrow_domain = domain;
        a->narrow_used = true;
    }
    return OV_OK;
}

/* Ramps of values 0 .. 253 in one-byte lanes. */
static ov_status tiny_fit(ov_acc *a, const ov_vec *x, bool *fits, ov_error *err)
{
    *fits = x->enc == OV_ENC_FLAT && x->lane == 1 && ov_type_is_int(x->type) && x->base >= 0 && x->base <= 253 &&
            (uint64_t)x->base + ovi_lane_max(x) <= 253;
    if (!*fits || a->tiny_cap >= a->groups)
        return OV_OK;
    uint32_t old = a->tiny_cap;
    OV_TRY(ov_array_grow(a->budget, &a->tiny, old, a->cap, err));
    memset(a->tiny + old, a->kind == OV_ACC_MIN ? 0xff : 0, a->cap - old);
    a->tiny_cap = a->cap;
    return OV_OK;
}

/* x: unsigned lanes of at most 4 bytes over base. */
static ov_status narrow_pieces(ov_acc *a, const ov_agg_rows *rows, const uint64_t *mask, const ov_vec *x,
                               ov_error *err)
{
    unsigned lane = ov_lane_index(x->lane), code = ov_lane_index(rows->code_lane);
    bool min = a->kind == OV_ACC_MIN;
    uint32_t delta = (uint32_t)((uint64_t)x->base - (uint64_t)a->narrow_base + (min ? 0 : 1));
    bool tiny;
    OV_TRY(tiny_fit(a, x, &tiny, err));
    for (uint32_t p = 0; p < rows->piece_count; p++) {
        const ov_agg_piece *piece = &rows->pieces[p];
        uint32_t *at = a->narrow + piece->group;
        if (piece->kind == OV_PIECE_ONE) {
            uint64_t low, high;
            a->k->bounds[lane](x->data, piece->from, piece->to, mask, &low, &high);
            if (low > high)
                continue;
            uint32_t v = delta + (uint32_t)(min ? low : high);
            if (min ? v < *at : v > *at)
                *at = v;
        } else if (piece->kind == OV_PIECE_RAMP && tiny) {
            a->tiny_used = true;
            (min ? a->k->tiny_min_ramp : a->k->tiny_max_ramp)(a->tiny + piece->group + piece->first, x->data,
                                                              (uint8_t)(x->base + (min ? 0 : 1)), piece->from,
                                                              piece->to, mask);
        } else if (piece->kind == OV_PIECE_RAMP) {
            (min ? a->k->narrow_min_ramp : a->k->narrow_max_ramp)[lane](at + piece->first, x->data, delta,
                                                                       piece->from, piece->to, mask);
        } else {
            (min ? a->k->narrow_min_code : a->k->narrow_max_code)[code][lane](
                at, rows->codes, x->data, delta, piece->from, piece->to, mask);
        }
    }
    return OV_OK;
}

static void wide_pieces(ov_acc *a, const ov_agg_rows *rows, const uint64_t *mask, const int64_t *v)
{
    unsigned code = ov_lane_index(rows->code_lane);
    bool min = a->kind == OV_ACC_MIN;
    for (uint32_t p = 0; p < rows->piece_count; p++) {
        const ov_agg_piece *piece = &rows->pieces[p];
        uint32_t g = piece->group;
        if (piece->kind == OV_PIECE_RAMP) {
            g += piece->first;
            (min ? a->k->wide_min_ramp : a->k->wide_max_ramp)[OV_LANE_8](a->v.i + g, a->n + g, v, 0, piece->from,
                                                                        piece->to, mask);
            continue;
        }
        if (piece->kind == OV_PIECE_CODES) {
            (min ? a->k->wide_min_code : a->k->wide_max_code)[code][OV_LANE_8](
                a->v.i + g, a->n + g, rows->codes, v, 0, piece->from, piece->to, mask);
            continue;
        }
        for (uint32_t i = piece->from; i < piece->to; i++)
            if (!mask || ov_bits_test(mask, i))
                take_long(a, g, v[i], 1);
    }
}

static void real_pieces(ov_acc *a, const ov_agg_rows *rows, const uint64_t *mask, const double *v)
{
    unsigned code = ov_lane_index(rows->code_lane);
    bool min = a->kind == OV_ACC_MIN;
    for (uint32_t p = 0; p < rows->piece_count; p++) {
        const ov_agg_piece *piece = &rows->pieces[p];
        uint32_t g = piece->group;
        if (piece->kind == OV_PIECE_RAMP) {
            g += piece->first;
            (min ? a->k->real_min_ramp : a->k->real_max_ramp)(a->v.f + g, a->n + g, v, piece->from, piece->to, mask);
            continue;
        }
        if (piece->kind == OV_PIECE_CODES) {
            (min ? a->k->real_min_code : a->k->real_max_code)[code](a->v.f + g, a->n + g, rows->codes, v,
                                                                  piece->from, piece->to, mask);
            continue;
        }
        double low, high;
        bool nan, any = a->k->real_bounds(v, piece->from, piece->to, mask, &low, &high, &nan);
        if (any && (min ? low <= high : !nan))
            take_real(a, g, min ? low : high, ovi_rows_in(piece, mask));
        else if (any) /* MIN of nothing but NaN, MAX of at least one */
            take_real(a, g, __builtin_nan(""), ovi_rows_in(piece, mask));
    }
}

/* MIN and MAX of a sorted dictionary are those of its codes. (Not of doubles: their order on disk need not be that
 * of NaN and of the two zeros here.) */
static bool codes_compare(const ov_vec *x)
{
    return x->enc == OV_ENC_DICT && x->dict->sorted && !ov_type_is_real(x->type) && x->lane <= 4;
}

bool ovi_acc_text_by_codes(const ov_acc *a, const ov_vec *x)
{
    return (a->kind == OV_ACC_MIN || a->kind == OV_ACC_MAX) && x && codes_compare(x) && !ov_type_is_int(a->type) && !ov_type_is_real(a->type);
}

ov_status ovi_acc_update_text_bounds(ov_acc *a, const ov_agg_rows *rows, const uint64_t *mask, const ov_vec *x, ov_arena *scratch,
                                     ov_error *err)
{
    const uint32_t *codes;
    uint32_t group = UINT32_MAX, best = 0;
    bool min = a->kind == OV_ACC_MIN;
    OV_TRY(ovi_present(x, rows, mask, scratch, &mask, err));
    OV_TRY(ov_vec_codes32(x, scratch, &codes, err));
    OV_AGG_EACH (rows, mask, p, i) {
        uint32_t g = ov_agg_group(rows, p, i);
        if (g == group) {
            best = min ? OV_MIN(best, codes[i]) : OV_MAX(best, codes[i]);
            continue;
        }
        if (group != UINT32_MAX)
            ovi_acc_take_text(a, group, ov_domain_str(x->dict, best));
        group = g;
        best = codes[i];
    }
    if (group != UINT32_MAX)
        ovi_acc_take_text(a, group, ov_domain_str(x->dict, best));
    return OV_OK;
}

ov_status ovi_acc_update_bounds(ov_acc *a, const ov_agg_rows *rows, const uint64_t *mask, const ov_vec *x,
                                ov_arena *scratch, ov_error *err)
{
    if (bounds_of_block(a, rows, mask, x) || ovi_acc_add_runs(a, rows, mask, x))
        return OV_OK;
    const uint64_t *all = mask;
    OV_TRY(ovi_present(x, rows, mask, scratch, &mask, err));
    bool lanes = x->enc == OV_ENC_FLAT && !x->raw && x->lane <= 4, fits = false;
    if (lanes || codes_compare(x)) {
        const ov_domain *domain = lanes ? NULL : x->dict;
        double divisor = lanes && ov_type_is_real(x->type) ? x->divisor : 1;
        OV_TRY(narrow_fit(a, x->base, ovi_lane_max(x), divisor, domain, &fits, err));
        if (fits)
            return narrow_pieces(a, rows, mask, x, err);
    }
    if (!ov_type_is_int(a->type) && !ov_type_is_real(a->type))
        return ovi_acc_update_rows(a, rows, all, x, NULL, scratch, err);
    ov_vec flat;
    OV_TRY(ov_vec_flatten(x, scratch, &flat, err));
    if (ov_type_is_int(a->type))
        wide_pieces(a, rows, mask, flat.data);
    else
        real_pieces(a, rows, mask, flat.data);
    return OV_OK;
}
