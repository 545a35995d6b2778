/*
 * What the values of sets come to: COUNT, SUM, AVG, BIT_XOR and the variances of DISTINCT values. Sets that are cut into parts
 * without a common value have totals that add up, so only the part at hand need be in memory.
 */
#include "query/agg/acc.h"

#include "base/bytes.h"

void ovi_totals_add(ov_set_totals *t, bool real, uint64_t value)
{
    t->n++;
    if (!real) {
        t->sum = (int64_t)((uint64_t)t->sum + value);
        t->bits ^= (int64_t)value;
        return;
    }
    double x = ov_f64_from_bits(value), off = x - t->mean;
    t->real += x;
    t->mean += off / (double)t->n; /* Welford's rule */
    t->m2 += off * (x - t->mean);
}

/* The means and squares by the pairwise rule of ovi_acc_take_moments. */
static void take_totals(ov_set_totals *to, const ov_set_totals *t)
{
    if (t->n == 0)
        return;
    double all = (double)(to->n + t->n), off = t->mean - to->mean;
    to->m2 += t->m2 + off * off * ((double)to->n / all * (double)t->n);
    to->mean = to->n ? to->mean + off * ((double)t->n / all) : t->mean;
    to->n += t->n;
    to->sum = (int64_t)((uint64_t)to->sum + (uint64_t)t->sum);
    to->bits ^= t->bits;
    to->real += t->real;
}

static ov_status totals_room(ov_acc *a, ov_error *err)
{
    if (a->totals_cap >= a->groups)
        return OV_OK;
    OV_TRY(ov_array_grow(a->budget, &a->totals, a->totals_cap * sizeof(*a->totals), a->cap * sizeof(*a->totals), err));
    a->totals_cap = a->cap;
    return OV_OK;
}

ov_status ov_acc_total_sets(ov_acc *a, ov_error *err)
{
    ov_distinct_at at = {0};
    uint32_t group;
    uint64_t value;
    OV_TRY(totals_room(a, err));
    for (size_t step = 1; ov_distinct_next(&a->set, &at, &group, &value); step++) {
        OV_TRY(ov_budget_alive_at(a->budget, step, err));
        ovi_totals_add(&a->totals[group], ov_type_is_real(a->type), value);
    }
    ov_distinct_reset(&a->set);
    return OV_OK;
}

ov_status ov_acc_save_totals(const ov_acc *a, const uint32_t *group, uint32_t n, ov_buf *out, ov_error *err)
{
    static const ov_set_totals none;
    for (uint32_t i = 0; i < n; i++) {
        const ov_set_totals *t = group[i] < a->totals_cap ? &a->totals[group[i]] : &none;
        uint64_t words[] = {t->n, (uint64_t)t->sum, (uint64_t)t->bits, ov_f64_bits(t->real), ov_f64_bits(t->mean),
                            ov_f64_bits(t->m2)};
        char bytes[sizeof(words)];
        for (size_t k = 0; k < OV_COUNT_OF(words); k++)
            ov_store_u64(bytes + 8 * k, words[k]);
        ov_buf_add(out, bytes, t->n ? sizeof(bytes) : 8);
    }
    return ov_buf_check(out, err);
}

static ov_status read_totals(ov_cursor *in, ov_set_totals *t, ov_error *err)
{
    uint64_t real, mean, m2;
    *t = (ov_set_totals){0};
    OV_TRY(ov_cursor_u64(in, &t->n, err));
    if (t->n == 0)
        return OV_OK;
    OV_TRY(ov_cursor_i64(in, &t->sum, err));
    OV_TRY(ov_cursor_i64(in, &t->bits, err));
    OV_TRY(ov_cursor_u64(in, &real, err));
    OV_TRY(ov_cursor_u64(in, &mean, err));
    OV_TRY(ov_cursor_u64(in, &m2, err));
    t->real = ov_f64_from_bits(real);
    t->mean = ov_f64_from_bits(mean);
    t->m2 = ov_f64_from_bits(m2);
    return OV_OK;
}

ov_status ov_acc_load_totals(ov_acc *a, const uint32_t *to, uint32_t n, ov_cursor *in, ov_error *err)
{
    OV_TRY(totals_room(a, err));
    for (uint32_t i = 0; i < n; i++) {
        ov_set_totals t;
        OV_TRY(read_totals(in, &t, err));
        take_totals(&a->totals[to[i]], &t);
        a->n[to[i]] += t.n;
    }
    return OV_OK;
}
