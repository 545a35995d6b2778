/*
 * Emptying an accumulator's caches into n and v: each is an array with a slot for each group, added up in place. Work that is no longer
 * wanted is left where it is; whoever has told it to stop does not look at what is there.
 */
#include "query/agg/acc.h"

enum { STRETCH = 1 << 16 }; /* groups between two questions whether to go on */

static bool stopped_at(const ov_acc *a, uint32_t group)
{
    ov_error ignored = OV_ERROR_INIT;
    return group % STRETCH == STRETCH - 1 && ov_budget_alive(a->budget, &ignored) != OV_OK;
}

static void settle_packed(ov_acc *a)
{
    uint32_t stride = a->packed_cap / a->packed_ways;
    uint32_t groups = OV_MIN(a->groups, stride);
    for (uint32_t way = 0; way < a->packed_ways; way++) {
        uint64_t *restrict p = a->packed + (size_t)way * stride;
        for (uint32_t g = 0; g < groups; g++) {
            uint64_t word = p[g], n = OV_PACKED_COUNT(word);
            if (OV_UNLIKELY(stopped_at(a, g)))
                return;
            if (!word)
                continue;
            if (a->kind == OV_ACC_COUNT) { /* plain counts, see update_count */
                a->n[g] += word;
                p[g] = 0;
                continue;
            }
            uint64_t sum = OV_PACKED_SUM(word) + (uint64_t)a->packed_base * n;
            if (a->kind == OV_ACC_SUM_REAL)
                a->v.f[g] += (double)(int64_t)sum / a->packed_divisor;
            else if (a->kind == OV_ACC_SUM_LONG)
                a->v.i[g] = (int64_t)((uint64_t)a->v.i[g] + sum);
            a->n[g] += n;
            p[g] = 0;
        }
    }
    a->packed_rows = 0;
}

static void settle_narrow(ov_acc *a)
{
    bool min = a->kind == OV_ACC_MIN;
    uint32_t none = min ? UINT32_MAX : 0;
    uint32_t groups = OV_MIN(a->groups, a->narrow_cap);
    for (uint32_t g = 0; g < groups; g++) {
        uint32_t x = a->narrow[g];
        if (OV_UNLIKELY(stopped_at(a, g)))
            return;
        if (x == none)
            continue;
        a->narrow[g] = none;
        int64_t value = (int64_t)((uint64_t)a->narrow_base + x - (min ? 0 : 1));
        if (a->narrow_domain && ov_type_is_int(a->type))
            value = ov_domain_i64(a->narrow_domain, (uint32_t)value);
        if (a->narrow_domain && !ov_type_is_int(a->type)) {
            ovi_acc_take_text(a, g, ov_domain_str(a->narrow_domain, (uint32_t)value));
        } else if (ov_type_is_int(a->type)) {
            if (!a->n[g] || (min ? value < a->v.i[g] : value > a->v.i[g]))
                a->v.i[g] = value;
            a->n[g]++;
        } else {
            double real = (double)value / a->narrow_divisor;
            if (!a->n[g] || (min ? ovi_real_less(real, a->v.f[g]) : ovi_real_more(real, a->v.f[g])))
                a->v.f[g] = real;
            a->n[g]++;
        }
    }
    a->narrow_used = false;
}

static void settle_ramps(ov_acc *a)
{
    uint32_t groups = OV_MIN(a->groups, a->ramp_cap - 1), n = 0;
    for (uint32_t g = 0; g < groups; g++) {
        if (OV_UNLIKELY(stopped_at(a, g)))
            return;
        n += a->ramp_step[g];
        uint64_t sum = a->ramp_sum[g] + (uint64_t)a->packed_base * n;
        if (a->kind == OV_ACC_COUNT)
            a->n[g] += a->ramp_sum[g];
        else if (a->kind == OV_ACC_SUM_LONG)
            a->v.i[g] = (int64_t)((uint64_t)a->v.i[g] + sum);
        else if (n)
            a->v.f[g] += (double)(int64_t)sum / a->packed_divisor;
        a->n[g] += n;
    }
    memset(a->ramp_sum, 0, a->ramp_cap * sizeof(*a->ramp_sum));
    memset(a->ramp_step, 0, a->ramp_cap * sizeof(*a->ramp_step));
    a->ramp_pieces = 0;
}

void ovi_acc_settle_tiny(ov_acc *a)
{
    bool min = a->kind == OV_ACC_MIN;
    uint8_t none = min ? UINT8_MAX : 0;
    uint32_t groups = OV_MIN(a->groups, a->tiny_cap);
    a->tiny_used = false;
    a->tiny_pieces = 0;
    if (a->kind == OV_ACC_COUNT) {
        for (uint32_t g = 0; g < groups; g++)
            a->n[g] += a->tiny[g];
        memset(a->tiny, 0, a->tiny_cap);
        return;
    }
    for (uint32_t g = 0; g < groups; g++) {
        if (a->tiny[g] == none)
            continue;
        int64_t value = (int64_t)a->tiny[g] - (min ? 0 : 1);
        if (!a->n[g] || (min ? value < a->v.i[g] : value > a->v.i[g]))
            a->v.i[g] = value;
        a->n[g]++;
    }
    memset(a->tiny, none, a->tiny_cap);
}

void ov_acc_settle(ov_acc *a)
{
    if (a->packed_rows)
        settle_packed(a);
    if (a->ramp_pieces)
        settle_ramps(a);
    if (a->tiny_used)
        ovi_acc_settle_tiny(a);
    if (a->narrow_used)
        settle_narrow(a);
}

void ov_accs_settle(ov_acc *list, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        ov_acc_settle(&list[i]);
}
