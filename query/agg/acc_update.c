/*
 * Adding a batch to an accumulator by kernels: which kernel fits the encoding of the argument and the shape
 * of each piece. What fits none goes row by row (acc_rows.c).
 */
#include "query/agg/acc.h"

#include "base/bits.h"
#include "query/expr/open.h"
#include "storage/segment/segment.h"

/* Scaled reals up to here add up as integers without overflow: 2^38 times 2^24 rows. */
#define SCALED_MAX (INT64_C(1) << 38)

enum { FEW_GROUPS = 512 }; /* up to here four interleaved tables fit L1 beside the batch */

uint64_t ovi_rows_in(const ov_agg_piece *p, const uint64_t *mask)
{
    if (!mask)
        return p->to - p->from;
    if (p->from >= p->to)
        return 0;
    /* whole words from the first one on, less what lies before and behind */
    size_t first = p->from / 64, last = (p->to - 1) / 64;
    uint64_t edges[2] = {mask[first] & ov_low_bits(p->from % 64), p->to % 64 ? mask[last] & ~ov_low_bits(p->to % 64) : 0};
    return ov_words_count(mask + first, last - first + 1) - ov_words_count(edges, 2);
}

const ov_block_stats *ovi_whole_block(const ov_agg_rows *rows, const uint64_t *mask, const ov_vec *x)
{
    bool whole = x && x->stats && !mask && rows->piece_count == 1 && rows->pieces[0].kind == OV_PIECE_ONE &&
                 rows->pieces[0].to - rows->pieces[0].from == x->stats->rows;
    return whole ? x->stats : NULL;
}

/* ---- packed words ---- */

/* Distance of the interleaved tables; kernels always step through four, so one table is four at distance 0. */
static size_t packed_stride(const ov_acc *a)
{
    return a->packed_ways > 1 ? a->packed_cap / a->packed_ways : 0;
}

static ov_status packed_room(ov_acc *a, ov_error *err)
{
    if (a->packed && a->packed_cap / a->packed_ways >= a->groups)
        return OV_OK;
    if (a->packed_rows)
        ov_acc_settle(a);
    uint32_t ways = a->cap <= FEW_GROUPS ? 4 : 1, words = a->cap * ways;
    if (words > a->packed_cap) {
        OV_TRY(ov_array_grow(a->budget, &a->packed, (size_t)a->packed_cap * 8, (size_t)words * 8, err));
        a->packed_cap = words;
    }
    a->packed_ways = ways;
    return OV_OK;
}

/* Settles when this batch could overflow a word, or stands on another base. */
static ov_status packed_fit(ov_acc *a, int64_t base, uint64_t max, double divisor, uint32_t rows, bool *fits,
                            ov_error *err)
{
    *fits = max <= OV_PACKED_MAX_VALUE;
    if (!*fits)
        return OV_OK;
    OV_TRY(packed_room(a, err));
    bool same = (a->packed_rows || a->ramp_pieces) && base >= a->packed_base && divisor == a->packed_divisor &&
                (uint64_t)base - (uint64_t)a->packed_base + max <= OV_PACKED_MAX_VALUE &&
                a->packed_rows + rows <= OV_PACKED_MAX_ROWS;
    if (!same) {
        ov_acc_settle(a);
        /* small numbers stand on zero, so that the next blocks share the base */
        a->packed_base = base >= 0 && (uint64_t)base + max <= OV_PACKED_MAX_VALUE ? 0 : base;
        a->packed_divisor = divisor;
    }
    a->packed_rows += rows;
    return OV_OK;
}

/* ---- ramps ---- */

enum { RAMP_MOST_PIECES = 1 << 16 }; /* times PACKED_MAX_VALUE still fits 32 bits */

static ov_status ramp_room(ov_acc *a, ov_error *err)
{
    if (a->ramp_pieces >= RAMP_MOST_PIECES)
        ov_acc_settle(a);
    if (a->ramp_cap > a->groups)
        return OV_OK;
    uint32_t cap = a->cap + 1, old = a->ramp_cap;
    uint32_t *sums = NULL;
    /* both or neither: ramp_cap says how large they are */
    OV_TRY(ov_array_grow(a->budget, &sums, 0, (size_t)cap * 4, err));
    ov_status st = ov_array_grow(a->budget, &a->ramp_step, (size_t)old * 4, (size_t)cap * 4, err);
    if (st != OV_OK) {
        ov_array_free(a->budget, &sums, (size_t)cap * 4);
        return st;
    }
    if (old)
        memcpy(sums, a->ramp_sum, (size_t)old * 4);
    ov_array_free(a->budget, &a->ramp_sum, (size_t)old * 4);
    a->ramp_sum = sums;
    a->ramp_cap = cap;
    return OV_OK;
}

/* All rows of the piece count once in each of its groups. */
static void ramp_step(ov_acc *a, const ov_agg_piece *p)
{
    uint32_t g = p->group + p->first;
    a->ramp_step[g]++;
    a->ramp_step[g + p->to - p->from]--;
    a->ramp_pieces++;
}

/* ---- COUNT ---- */

enum {
    BYTE_GROUPS = 1 << 16, /* more take too long to empty */
    BYTES_BEHIND = 64,     /* that kernels write */
};

/* Rows of the mask in a ramp: in bytes, which are emptied before they can overflow. */
static ov_status count_ramp(ov_acc *a, const ov_agg_piece *p, const uint64_t *mask, ov_error *err)
{
    uint32_t first = p->group + p->first;
    if (a->groups > BYTE_GROUPS) {
        OV_TRY(ramp_room(a, err));
        a->k->count_ramp(a->ramp_sum + first, p->from, p->to, mask);
        a->ramp_pieces++;
        return OV_OK;
    }
    if (a->tiny_pieces == UINT8_MAX)
        ovi_acc_settle_tiny(a);
    if (a->tiny_cap < a->groups + BYTES_BEHIND) {
        OV_TRY(ov_array_grow(a->budget, &a->tiny, a->tiny_cap, (size_t)a->cap + BYTES_BEHIND, err));
        a->tiny_cap = a->cap + BYTES_BEHIND;
    }
    a->k->count_bytes(a->tiny + first, p->from, p->to, mask);
    a->tiny_used = true;
    a->tiny_pieces++;
    return OV_OK;
}

static ov_status update_count(ov_acc *a, const ov_agg_rows *rows, const uint64_t *mask, ov_error *err)
{
    for (uint32_t p = 0; p < rows->piece_count; p++) {
        const ov_agg_piece *piece = &rows->pieces[p];
        ov_count_code_fn *count = a->k->count_code[ov_lane_index(rows->code_lane)];
        switch ((ov_piece_kind)piece->kind) {
        case OV_PIECE_ONE:
            a->n[piece->group] += ovi_rows_in(piece, mask);
            break;
        case OV_PIECE_RAMP:
            if (mask) {
                OV_TRY(count_ramp(a, piece, mask, err));
                break;
            }
            OV_TRY(ramp_room(a, err));
            ramp_step(a, piece);
            break;
        case OV_PIECE_CODES:
            if (a->cap > FEW_GROUPS) {
                count(a->n + piece->group, 0, rows->codes, piece->from, piece->to, mask);
                break;
            }
            OV_TRY(packed_room(a, err)); /* plain counts here: nothing to overflow */
            a->packed_rows += piece->to - piece->from;
            count(a->packed + piece->group, packed_stride(a), rows->codes, piece->from, piece->to,
                  mask);
            break;
        }
    }
    return OV_OK;
}

/* ---- SUM ---- */

static void add_long(ov_acc *a, uint32_t g, uint64_t sum, uint64_t n)
{
    a->v.i[g] = (int64_t)((uint64_t)a->v.i[g] + sum);
    a->n[g] += n;
}

static bool sum_of_block(ov_acc *a, const ov_agg_rows *rows, const uint64_t *mask, const ov_vec *x)
{
    const ov_block_stats *stats = ovi_whole_block(rows, mask, x);
    if (!stats || !stats->has_sum)
        return false;
    add_long(a, rows->pieces[0].group, (uint64_t)stats->sum, stats->rows - stats->nulls);
    return true;
}

/* x: FLAT lanes over base (raw: base 0, lane 8). */
static ov_status sum_pieces(ov_acc *a, const ov_agg_rows *rows, const uint64_t *mask, const ov_vec *x,
                            double divisor, ov_error *err)
{
    bool tried = false, packed = false;
    unsigned lane = ov_lane_index(x->lane), code = ov_lane_index(rows->code_lane);
    uint64_t base = x->raw ? 0 : (uint64_t)x->base;
    for (uint32_t p = 0; p < rows->piece_count; p++) {
        const ov_agg_piece *piece = &rows->pieces[p];
        if (piece->kind == OV_PIECE_ONE) {
            uint64_t n = ovi_rows_in(piece, mask);
            uint64_t sum = a->k->sum[lane](x->data, piece->from, piece->to, mask) + base * n;
            if (a->kind == OV_ACC_SUM_LONG) {
                add_long(a, piece->group, sum, n);
            } else if (n) {
                a->v.f[piece->group] += (double)(int64_t)sum / divisor;
                a->n[piece->group] += n;
            }
            continue;
        }
        if (!tried && x->lane <= 2 && !a->sparse) {
            OV_TRY(ramp_room(a, err));
            OV_TRY(packed_fit(a, (int64_t)base, ovi_lane_max(x), divisor, rows->rows, &packed, err));
        }
        tried = true;
        if (packed) {
            uint64_t *at = a->packed + piece->group;
            uint64_t delta = base - (uint64_t)a->packed_base;
            if (piece->kind == OV_PIECE_RAMP && !mask) {
                a->k->small_ramp[lane](a->ramp_sum + piece->group + piece->first, x->data, (uint32_t)delta,
                                       piece->from, piece->to);
                ramp_step(a, piece);
            } else if (piece->kind == OV_PIECE_RAMP)
                a->k->packed_ramp[lane](at + piece->first, x->data, delta, piece->from, piece->to, mask);
            else
                a->k->packed_code[code][lane](at, packed_stride(a), rows->codes, x->data, delta,
                                              piece->from, piece->to, mask);
        } else if (piece->kind == OV_PIECE_RAMP) {
            uint32_t g = piece->group + piece->first;
            a->k->sum_ramp[lane]((uint64_t *)a->v.any + g, a->n + g, x->data, base, piece->from, piece->to, mask);
        } else {
            a->k->sum_code[code][lane]((uint64_t *)a->v.any + piece->group, a->n + piece->group, rows->codes,
                                       x->data, base, piece->from, piece->to, mask);
        }
    }
    return OV_OK;
}

static ov_status update_sum_long(ov_acc *a, const ov_agg_rows *rows, const uint64_t *mask, const ov_vec *x,
                                 ov_arena *scratch, ov_error *err)
{
    if (sum_of_block(a, rows, mask, x) || ovi_acc_add_runs(a, rows, mask, x))
        return OV_OK;
    ov_vec flat = *x;
    OV_TRY(ovi_present(x, rows, mask, scratch, &mask, err));
    if (x->enc != OV_ENC_FLAT)
        OV_TRY(ov_vec_flatten(x, scratch, &flat, err));
    return sum_pieces(a, rows, mask, &flat, 1, err);
}

/* Eight partial sums: one would wait four cycles for each addition. */
static double sum_reals(const double *v, size_t from, size_t to)
{
    double part[8] = {0};
    size_t i = from;
    for (; i + 8 <= to; i += 8)
        for (unsigned k = 0; k < 8; k++)
            part[k] += v[i + k];
    for (; i < to; i++)
        part[0] += v[i];
    return ((part[0] + part[4]) + (part[1] + part[5])) + ((part[2] + part[6]) + (part[3] + part[7]));
}

static double sum_reals_masked(const double *v, size_t from, size_t to, const uint64_t *mask)
{
    double sum = 0;
    for (size_t i = ov_bits_next(mask, to, from); i < to; i = ov_bits_next(mask, to, i + 1))
        sum += v[i];
    return sum;
}

static ov_status update_sum_real(ov_acc *a, const ov_agg_rows *rows, const uint64_t *mask, const ov_vec *x,
                                 ov_arena *scratch, ov_error *err)
{
    ov_vec flat = *x;
    OV_TRY(ovi_present(x, rows, mask, scratch, &mask, err));
    if (x->enc == OV_ENC_FLAT && !x->raw && x->lane <= 2 && x->base < SCALED_MAX && x->base > -SCALED_MAX)
        return sum_pieces(a, rows, mask, x, x->divisor, err); /* integers: exact */
    OV_TRY(ov_vec_open(x, scratch, &flat, err));
    const double *v = flat.data;
    for (uint32_t p = 0; p < rows->piece_count; p++) {
        const ov_agg_piece *piece = &rows->pieces[p];
        uint32_t g = piece->group;
        if (piece->kind == OV_PIECE_ONE) {
            uint64_t n = ovi_rows_in(piece, mask);
            if (n)
                a->v.f[g] += mask ? sum_reals_masked(v, piece->from, piece->to, mask)
                                  : sum_reals(v, piece->from, piece->to);
            a->n[g] += n;
        } else if (piece->kind == OV_PIECE_RAMP) {
            g += piece->first;
            a->k->real_sum_ramp(a->v.f + g, a->n + g, v, piece->from, piece->to, mask);
        } else {
            a->k->real_sum_code[ov_lane_index(rows->code_lane)](a->v.f + g, a->n + g, rows->codes, v,
                                                                piece->from, piece->to, mask);
        }
    }
    return OV_OK;
}

ov_status ov_acc_update(ov_acc *a, const ov_agg_rows *rows, const uint64_t *mask, const ov_vec *const *args,
                        ov_arena *scratch, ov_error *err)
{
    if (a->kind == OV_ACC_OBJECT)
        return a->object.ops->add(&a->object, rows, mask, args, scratch, err);
    const ov_vec *x = args ? args[0] : NULL;
    if (x && ov_type_is_list(x->type)) /* only sets take lists */
        return ovi_acc_update_distinct(a, rows, mask, x, scratch, err);
    if (rows->weight && !a->general && a->kind == OV_ACC_DISTINCT && x->type.id != OV_TYPE_NULL) /* however often: once */
        return ovi_acc_update_distinct(a, rows, mask, x, scratch, err);
    if (rows->weight && !a->general && ovi_acc_text_by_codes(a, x))
        return ovi_acc_update_text_bounds(a, rows, mask, x, scratch, err);
    if (a->general || rows->weight || (x && x->type.id == OV_TYPE_NULL))
        return ovi_acc_update_rows(a, rows, mask, x, ovi_acc_keeps_time(a) ? args[1] : NULL, scratch, err);
    switch ((ov_acc_kind)a->kind) {
    case OV_ACC_COUNT:
        if (x)
            OV_TRY(ovi_present(x, rows, mask, scratch, &mask, err));
        return update_count(a, rows, mask, err);
    case OV_ACC_SUM_LONG:
        return update_sum_long(a, rows, mask, x, scratch, err);
    case OV_ACC_SUM_REAL:
        return update_sum_real(a, rows, mask, x, scratch, err);
    case OV_ACC_MIN:
    case OV_ACC_MAX:
        return ovi_acc_update_bounds(a, rows, mask, x, scratch, err);
    case OV_ACC_DISTINCT:
        return ovi_acc_update_distinct(a, rows, mask, x, scratch, err);
    case OV_ACC_BIT_AND:
    case OV_ACC_BIT_OR:
    case OV_ACC_BIT_XOR:
        return ovi_acc_update_bits(a, rows, mask, x, scratch, err);
    case OV_ACC_VARIANCE:
        return ovi_acc_update_variance(a, rows, mask, x, scratch, err);
    case OV_ACC_ANY:
    case OV_ACC_EARLIEST:
    case OV_ACC_LATEST:
    case OV_ACC_OBJECT:
        break;
    }
    return ovi_acc_update_placed(a, rows, mask, x, ovi_acc_keeps_time(a) ? args[1] : NULL, scratch, err);
}
