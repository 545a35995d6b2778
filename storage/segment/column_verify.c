/*
 * One column against itself: every row is read through the public reader, then statistics, dictionary, counts and row
 * sets are computed anew and compared.
 */
#include <math.h>
#include "base/bits.h"
#include "base/utf8.h"
#include "storage/segment/segment_int.h"
#include "storage/segment/verify_int.h"

/* ---- statistics ---- */

typedef struct tally {
    uint64_t nulls, values;
    bool nan, sum_fits;
    int64_t min, max;
    double fmin, fmax;
    __int128 sum;
} tally;

static void tally_row(const ov_column *c, const ov_vec *v, uint32_t row, tally *t)
{
    if (ov_vec_is_null(v, row)) {
        t->nulls++;
        return;
    }
    if (ov_type_is_real(c->info.type)) {
        double x = ov_vec_f64(v, row);
        if (isnan(x)) {
            t->nan = true;
            return;
        }
        t->fmin = t->values == 0 || x < t->fmin ? x : t->fmin;
        t->fmax = t->values == 0 || x > t->fmax ? x : t->fmax;
    } else {
        bool number = ov_type_is_int(c->info.type);
        int64_t x = number ? ov_vec_i64(v, row) : ov_vec_code(v, row);
        t->min = t->values == 0 ? x : OV_MIN(t->min, x);
        t->max = t->values == 0 ? x : OV_MAX(t->max, x);
        t->sum += x;
    }
    t->values++;
}

static void tally_merge(tally *all, const tally *t)
{
    if (t->values > 0) {
        all->min = all->values == 0 ? t->min : OV_MIN(all->min, t->min);
        all->max = all->values == 0 ? t->max : OV_MAX(all->max, t->max);
        all->fmin = all->values == 0 || t->fmin < all->fmin ? t->fmin : all->fmin;
        all->fmax = all->values == 0 || t->fmax > all->fmax ? t->fmax : all->fmax;
    }
    all->nulls += t->nulls;
    all->values += t->values;
    all->nan |= t->nan;
    all->sum += t->sum;
}

/* b: block number, or -1 for the directory's statistics. */
static ov_status compare_stats(const ov_column *c, int64_t b, const ov_block_stats *s,
                               const tally *t, ov_error *err)
{
    bool real = ov_type_is_real(c->info.type);
    OV_CHECK_DATA(s->nulls == t->nulls, err, "block %lld says %u NULLs, but has %llu", (long long)b,
                  s->nulls, (unsigned long long)t->nulls);
    OV_CHECK_DATA(s->has_bounds == (t->values > 0) && s->has_nan == t->nan, err,
                  "block %lld has wrong flags of bounds or NaN", (long long)b);
    if (s->has_bounds && real)
        OV_CHECK_DATA(s->fmin == t->fmin && s->fmax == t->fmax, err,
                      "block %lld says %g to %g, but has %g to %g", (long long)b, s->fmin, s->fmax,
                      t->fmin, t->fmax);
    if (s->has_bounds && !real)
        OV_CHECK_DATA(s->min == t->min && s->max == t->max, err,
                      "block %lld says %lld to %lld, but has %lld to %lld", (long long)b,
                      (long long)s->min, (long long)s->max, (long long)t->min, (long long)t->max);
    if (s->has_sum)
        OV_CHECK_DATA(s->sum == t->sum, err, "block %lld says the sum %lld, which is wrong",
                      (long long)b, (long long)s->sum);
    return OV_OK;
}

/* Reads all blocks, checks their statistics and the column's, and keeps the codes of DICT columns. */
static ov_status check_blocks(const ov_column *c, ov_arena *a, uint32_t *codes, ov_error *err)
{
    tally all = {0};
    for (uint32_t b = 0; b < c->info.blocks; b++) {
        ov_arena_mark mark = ov_arena_mark_get(a);
        tally t = {0};
        ov_vec v;
        ov_block_stats s;
        OV_TRY(ov_column_read(c, b, a, &v, err));
        for (uint32_t i = 0; i < v.rows; i++) {
            tally_row(c, &v, i, &t);
            if (codes)
                codes[(size_t)b * OV_BATCH_ROWS + i] = ov_vec_code(&v, i);
        }
        OV_TRY(ov_column_block_stats(c, b, &s, err));
        OV_TRY(compare_stats(c, b, &s, &t, err));
        tally_merge(&all, &t);
        ov_arena_rewind(a, mark);
    }
    return compare_stats(c, -1, &c->info.stats, &all, err);
}

/* ---- dictionaries ---- */

static bool entry_below(const ov_domain *d, uint32_t a, uint32_t b)
{
    if (d->offsets)
        return ov_slice_cmp(ov_domain_str(d, a), ov_domain_str(d, b)) < 0;
    if (ov_type_is_int(d->type))
        return ov_domain_i64(d, a) < ov_domain_i64(d, b);
    double x = ov_domain_f64(d, a), y = ov_domain_f64(d, b);
    if (isnan(x) || isnan(y))
        return !isnan(x);
    return x < y || (x == y && signbit(x) && !signbit(y));
}

static bool list_below(const ov_domain *d, uint32_t a, uint32_t b)
{
    uint32_t first[2], end[2];
    const ov_vec *elems = ov_vec_list(d->values, a, &first[0], &end[0]);
    ov_vec_list(d->values, b, &first[1], &end[1]);
    for (; first[0] < end[0] && first[1] < end[1]; first[0]++, first[1]++) {
        uint32_t x = ov_vec_code(elems, first[0]), y = ov_vec_code(elems, first[1]);
        if (x != y)
            return x < y;
    }
    return first[0] == end[0] && first[1] < end[1];
}

/* Entries ascend strictly, text is text. */
static ov_status check_entries(const ov_domain *d, bool lists, ov_error *err)
{
    for (uint32_t i = 0; i < d->count; i++) {
        if (d->has_null && i == 0)
            continue;
        if (i > 0 && !(d->has_null && i == 1))
            OV_CHECK_DATA(lists ? list_below(d, i - 1, i) : entry_below(d, i - 1, i), err,
                          "dictionary entry %u does not follow the one before", i);
        OV_CHECK_DATA(d->type.id != OV_TYPE_STRING || lists || ov_utf8_valid(ov_domain_str(d, i)),
                      err, "dictionary entry %u is not UTF-8", i);
    }
    return OV_OK;
}

/* ---- counts and row sets ---- */

static ov_status check_counts(const ov_domain *d, const uint32_t *counts, ov_error *err)
{
    for (uint32_t i = 0; i < d->count; i++)
        OV_CHECK_DATA(counts[i] == d->row_counts[i] && counts[i] > 0, err,
                      "code %u occurs in %u rows, but its count says %u", i, counts[i],
                      d->row_counts[i]);
    return OV_OK;
}

static ov_status count_values(const ov_column *c, const uint32_t *codes, const ov_domain *d,
                              ov_arena *a, ov_error *err)
{
    uint32_t *counts;
    OV_TRY(ov_arena_zalloc(a, d->count * sizeof *counts, &counts, err));
    for (uint32_t row = 0; row < c->info.rows; row++)
        counts[codes[row]]++;
    return check_counts(d, counts, err);
}

static bool list_has(const ov_domain *lists, uint32_t list, uint32_t elem)
{
    uint32_t first, end;
    const ov_vec *elems = ov_vec_list(lists->values, list, &first, &end);
    for (uint32_t i = first; i < end; i++)
        if (ov_vec_code(elems, i) == elem)
            return true;
    return false;
}

static ov_status count_elements(const ov_column *c, const uint32_t *codes, const ov_domain *lists,
                                const ov_domain *d, ov_arena *a, ov_error *err)
{
    uint32_t *counts, *seen;
    OV_TRY(ov_arena_zalloc(a, d->count * sizeof *counts, &counts, err));
    OV_TRY(ov_arena_zalloc(a, d->count * sizeof *seen, &seen, err));
    for (uint32_t row = 0; row < c->info.rows; row++) {
        uint32_t first, end;
        const ov_vec *elems = ov_vec_list(lists->values, codes[row], &first, &end);
        for (uint32_t i = first; i < end; i++) {
            uint32_t e = ov_vec_code(elems, i);
            counts[e] += seen[e] != row + 1;
            seen[e] = row + 1;
        }
    }
    return check_counts(d, counts, err);
}

/* Rows of a set ascend and are as many as the count says (the reader checks that), so it is enough that each of them
 * has the value. */
static ov_status check_row_set(const ov_column *c, const uint32_t *codes, const ov_domain *lists,
                               uint32_t code, ov_error *err)
{
    uint32_t rows[1024], total, skip = 0;
    do {
        OV_TRY(ov_column_row_list(c, code, skip, OV_COUNT_OF(rows), rows, &total, err));
        uint32_t n = OV_MIN(total - skip, (uint32_t)OV_COUNT_OF(rows));
        for (uint32_t i = 0; i < n; i++) {
            bool has = lists ? list_has(lists, codes[rows[i]], code) : codes[rows[i]] == code;
            OV_CHECK_DATA(has, err, "the row set of code %u has row %u, which has another value",
                          code, rows[i]);
        }
        skip += n;
    } while (skip < total);
    return OV_OK;
}

static ov_status check_row_sets(const ov_column *c, const uint32_t *codes, const ov_domain *lists,
                                uint32_t count, ov_error *err)
{
    if (!c->info.indexed)
        return OV_OK;
    for (uint32_t code = 0; code < count; code++)
        OV_TRY(check_row_set(c, codes, lists, code, err));
    return OV_OK;
}

ov_status ovi_column_verify(const ov_column *c, ov_arena *a, ov_error *err)
{
    const ov_domain *d, *elems;
    uint32_t *codes;
    if (c->info.type.id == OV_TYPE_NULL)
        return OV_OK;
    if (!c->info.dict)
        return check_blocks(c, a, NULL, err);
    OV_TRY(ov_arena_alloc(a, c->info.rows * sizeof *codes, &codes, err));
    OV_TRY(check_blocks(c, a, codes, err));
    OV_TRY(ov_column_domain(c, &d, err));
    OV_TRY(check_entries(d, ov_type_is_list(c->info.type), err));
    OV_TRY(count_values(c, codes, d, a, err));
    OV_TRY(ovi_given_verify(c, codes, a, err));
    if (!ov_type_is_list(c->info.type))
        return check_row_sets(c, codes, NULL, d->count, err);
    OV_TRY(ov_column_elements(c, &elems, err));
    OV_TRY(check_entries(elems, false, err));
    OV_TRY(count_elements(c, codes, d, elems, a, err));
    return check_row_sets(c, codes, d, elems->count, err);
}
