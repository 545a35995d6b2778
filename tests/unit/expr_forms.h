/*
 * For tests of expressions: random columns, and the same column in every encoding (narrow lanes, dictionaries sorted and not,
 * runs, constants).
 */
#pragma once

#include "tests/unit/expr_lib.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include "base/bits.h"

enum { MAX_ROWS = 8192, MAX_FORMS = 12 };

/* ---- rows ---- */

static uint64_t seed = 88172645463325252u;

static uint64_t next_random(void)
{
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return seed;
}

typedef struct plain {
    int64_t i[MAX_ROWS];
    double f[MAX_ROWS];
    ov_slice s[MAX_ROWS];
    bool null[MAX_ROWS];
} plain;

static void fill(plain *p, uint32_t column, uint32_t rows, bool constant)
{
    static const char *const few[] = {"", "a", "b", "bb", "ba", "c", "5", "é", "zz", "7.5", "d"};
    static const double odd[] = {NAN, INFINITY, -INFINITY, 0.0, -0.0, 1.5, -2.5, 1e300};
    static const int64_t far[] = {INT64_MIN, INT64_MAX, 0, -1, 1, 1000000007, -5, 99};
    static char many[MAX_ROWS][8];
    for (uint32_t r = 0; r < rows; r++) {
        uint64_t x = next_random();
        p->null[r] = column != 3 && column != 4 && x % 7 == 0;
        p->i[r] = column == 3   ? INT64_C(1442016000000) + r * 9000 / 700 * 700
                  : column == 4 ? far[x / 8 % OV_COUNT_OF(far)]
                                : (int64_t)(x / 8 % 140) - 3;
        p->f[r] = column == 5 ? odd[x / 8 % OV_COUNT_OF(odd)] : (double)((int64_t)(x / 8 % 1000) - 100) / 100;
        p->s[r] = ov_slice_cstr(few[x / 8 % OV_COUNT_OF(few)]);
        if (column == 6) {
            snprintf(many[r], sizeof many[r], "k%u", (unsigned)(x / 8 % 5000));
            p->s[r] = ov_slice_cstr(x % 5 ? many[r] : many[r] + 1);
        }
        if (column == 0 && r / 100 % 2 && r % 100) { /* stretches of one value */
            p->i[r] = p->i[r - 1];
            p->null[r] = p->null[r - 1];
        }
        if (constant && r) {
            p->i[r] = p->i[0];
            p->f[r] = p->f[0];
            p->s[r] = p->s[0];
            p->null[r] = p->null[0];
        }
    }
}

/* ---- forms ---- */

static ov_arena arena;
static ov_error err;

static void *lanes(size_t bytes)
{
    void *p;
    check_ok(ov_arena_lanes(&arena, bytes + 1024, &p, &err), &err);
    memset(p, 0xA5, bytes + 1024); /* what lies past the rows must not matter */
    return p;
}

static uint64_t *valid_of(const plain *p, uint32_t rows)
{
    uint64_t *v = lanes(ov_words(rows) * 8 + 8);
    bool any = false;
    memset(v, 0, ov_words(rows) * 8 + 8);
    for (uint32_t r = 0; r < rows; r++) {
        ov_bits_put(v, r, !p->null[r]);
        any = any || p->null[r];
    }
    return any ? v : NULL;
}

static ov_vec form_flat(const plain *p, ov_type t, uint32_t rows)
{
    size_t width = ov_type_is_int(t) || ov_type_is_real(t) ? 8 : sizeof(ov_slice);
    const void *from = ov_type_is_int(t) ? (const void *)p->i : ov_type_is_real(t) ? p->f : (const void *)p->s;
    char *data = lanes(rows * width);
    memcpy(data, from, rows * width);
    return ov_vec_flat(t, data, valid_of(p, rows), rows);
}

static void put_lane(void *data, uint8_t lane, size_t i, uint64_t v)
{
    if (lane == 1)
        ((uint8_t *)data)[i] = (uint8_t)v;
    else if (lane == 2)
        ((uint16_t *)data)[i] = (uint16_t)v;
    else if (lane == 4)
        ((uint32_t *)data)[i] = (uint32_t)v;
    else
        ((uint64_t *)data)[i] = v;
}

/* Integers (or decimals times 100) over a base; false when they do not fit the lane. */
static bool form_narrow(const plain *p, ov_type t, uint32_t rows, uint8_t lane, bool bounds, ov_vec *out)
{
    int64_t min = INT64_MAX, max = INT64_MIN;
    int64_t *v = lanes(rows * 8);
    bool real = ov_type_is_real(t);
    for (uint32_t r = 0; r < rows; r++) {
        double hundred = p->f[r] * 100;
        if (real && (!(fabs(hundred) < 1e9) || (signbit(hundred) && hundred == 0)))
            return false;
        v[r] = real ? (int64_t)(hundred + (hundred < 0 ? -0.5 : 0.5)) : p->i[r];
        if (p->null[r])
            v[r] = r ? v[r - 1] : 0;
        min = OV_MIN(min, v[r]);
        max = OV_MAX(max, v[r]);
    }
    uint64_t span = (uint64_t)max - (uint64_t)min;
    if (lane < 8 && span >> (8 * lane))
        return false;
    void *data = lanes(rows * (size_t)lane);
    for (uint32_t r = 0; r < rows; r++)
        put_lane(data, lane, r, (uint64_t)v[r] - (uint64_t)min);
    *out = (ov_vec){.type = t, .enc = OV_ENC_FLAT, .lane = lane, .rows = rows, .base = min,
                    .divisor = real ? 100 : 1, .data = data, .valid = valid_of(p, rows)};
    out->has_bounds = bounds && !real;
    out->min = min;
    out->max = max;
    return true;
}

static const plain *sort_plain;
static ov_type sort_type;

static int order(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    if (sort_plain->null[x] || sort_plain->null[y])
        return (int)sort_plain->null[y] - (int)sort_plain->null[x];
    if (ov_type_is_int(sort_type))
        return (sort_plain->i[x] > sort_plain->i[y]) - (sort_plain->i[x] < sort_plain->i[y]);
    if (ov_type_is_real(sort_type))
        return memcmp(&sort_plain->f[x], &sort_plain->f[y], 8);
    return ov_slice_cmp(sort_plain->s[x], sort_plain->s[y]);
}

/* A segment's string dictionary, or a domain of values; `messy`: unsorted, every row's value its own code. */
static bool form_dict(const plain *p, ov_type t, uint32_t rows, uint8_t lane, uint32_t base, bool messy,
                      ov_vec *out)
{
    uint32_t *by_value = lanes(rows * 4), *code = lanes(rows * 4), count = 0;
    for (uint32_t r = 0; r < rows; r++)
        by_value[r] = r;
    sort_plain = p;
    sort_type = t;
    if (!messy)
        qsort(by_value, rows, sizeof *by_value, order);
    plain *values = lanes(sizeof *values);
    for (uint32_t k = 0; k < rows; k++) {
        uint32_t r = by_value[k];
        if (messy || k == 0 || order(&by_value[k - 1], &by_value[k]) != 0) {
            values->i[count] = p->i[r];
            values->f[count] = p->f[r];
            values->s[count] = p->s[r];
            values->null[count++] = p->null[r];
        }
        code[r] = count - 1;
    }
    if (lane < 4 && count >= 1u << (8 * lane))
        return false;
    bool text = t.id == OV_TYPE_STRING, has_null = count && values->null[0];
    ov_domain *d = lanes(sizeof *d);
    *d = (ov_domain){.id = ov_domain_next_id(), .count = count, .type = t, .unique = !messy};
    d->sorted = !messy && !ov_type_is_real(t);
    if (text && !messy) {
        uint32_t *offsets = lanes((count + 1) * 4);
        char *bytes = lanes(count * 8);
        offsets[0] = 0;
        for (uint32_t i = 0; i < count; i++) {
            size_t n = values->null[i] ? 0 : values->s[i].n;
            memcpy(bytes + offsets[i], values->s[i].p, n);
            offsets[i + 1] = offsets[i] + (uint32_t)n;
        }
        d->offsets = offsets;
        d->bytes = bytes;
        d->has_null = has_null;
    } else {
        ov_vec *v = lanes(sizeof *v);
        *v = form_flat(values, t, count);
        d->values = v;
    }
    base = OV_MIN(base, has_null ? 0 : *code);
    for (uint32_t r = 0; r < rows; r++)
        base = OV_MIN(base, code[r]);
    void *data = lanes(rows * (size_t)lane);
    for (uint32_t r = 0; r < rows; r++)
        put_lane(data, lane, r, code[r] - base);
    *out = (ov_vec){.type = t, .enc = OV_ENC_DICT, .lane = lane, .rows = rows, .base = base, .divisor = 1,
                    .data = data, .dict = d};
    return true;
}

static ov_vec form_run(const ov_vec *flat, const plain *p, ov_type t, uint32_t rows, bool dict_child)
{
    uint16_t *ends = lanes(rows * 2);
    uint32_t *first = lanes(rows * 4), runs = 0;
    sort_plain = p;
    sort_type = t;
    for (uint32_t r = 0; r < rows; r++) {
        uint32_t before = r ? r - 1 : 0;
        if (r == 0 || order(&before, &r) != 0)
            first[runs++] = r;
        ends[runs - 1] = (uint16_t)(r + 1);
    }
    ov_vec *child = lanes(sizeof *child), dict;
    const ov_vec *from = flat;
    if (dict_child && form_dict(p, t, rows, 4, 0, false, &dict))
        from = &dict;
    check_ok(ov_vec_gather(from, first, runs, &arena, child, &err), &err);
    return (ov_vec){.type = t, .enc = OV_ENC_RUN, .rows = rows, .divisor = 1, .run_end = ends, .runs = runs,
                    .child = child};
}

static uint32_t forms_of(const plain *p, ov_type t, uint32_t rows, bool constant, ov_vec *out)
{
    uint32_t n = 0;
    out[n++] = form_flat(p, t, rows);
    if (constant) {
        ov_vec c = p->null[0]            ? ov_vec_null(t, rows)
                   : ov_type_is_int(t)  ? ov_vec_const_i64(t, p->i[0], rows)
                   : ov_type_is_real(t) ? ov_vec_const_f64(t, p->f[0], rows)
                                        : ov_vec_const_str(t, p->s[0], rows);
        out[n++] = c;
    }
    for (uint8_t lane = 1; lane <= 8; lane = (uint8_t)(lane * 2))
        if (t.id != OV_TYPE_STRING && form_narrow(p, t, rows, lane, lane != 2, &out[n]))
            n++;
    for (uint8_t lane = 1; lane <= 4; lane = (uint8_t)(lane * 2))
        if (form_dict(p, t, rows, lane, lane == 2 ? 3 : 0, false, &out[n]))
            n++;
    if (form_dict(p, t, rows, 4, 0, true, &out[n]))
        n++;
    out[n] = form_run(&out[0], p, t, rows, false);
    n++;
    out[n] = form_run(&out[0], p, t, rows, true);
    n++;
    assert_true(n <= MAX_FORMS);
    return n;
}
