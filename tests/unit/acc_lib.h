/*
 * For tests of accumulators: random arguments in every encoding, pieces of every shape and masks over one batch of rows.
 */
#pragma once

#include "tests/unit/harness.h"

#include "base/bits.h"
#include "query/agg/acc.h"

enum { ROWS = 700, GROUPS = 900 };

static uint64_t seed = 88172645463325252u;

static uint64_t rnd(void)
{
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return seed >> 11;
}

static ov_arena arena;
static ov_error err = OV_ERROR_INIT;

static void *lanes(size_t bytes)
{
    void *p;
    check_ok(ov_arena_lanes(&arena, bytes + 512, &p, &err), &err);
    memset(p, 0, bytes + 512);
    return p;
}

static uint64_t *some_bits(unsigned one_in)
{
    uint64_t *w = lanes(ROWS / 8 + 8);
    for (uint32_t i = 0; i < ROWS; i++)
        ov_bits_put(w, i, i / 64 % 3 == 0 || rnd() % one_in != 0); /* whole words too */
    return w;
}

static ov_vec narrow(ov_type type, unsigned lane, int64_t base, double divisor, bool bounds)
{
    void *data = lanes(ROWS * lane);
    uint64_t low = UINT64_MAX, high = 0;
    for (uint32_t i = 0; i < ROWS; i++) {
        uint64_t v = rnd() & (lane == 8 ? 0xFFFFFFFFF : (UINT64_C(1) << 8 * lane) - 1);
        memcpy((char *)data + i * lane, &v, lane);
        low = OV_MIN(low, v);
        high = OV_MAX(high, v);
    }
    ov_vec v = {.type = type, .enc = OV_ENC_FLAT, .lane = (uint8_t)lane, .rows = ROWS, .base = base, .divisor = divisor,
                .data = data};
    if (bounds && ov_type_is_int(type)) {
        v.has_bounds = true;
        v.min = base + (int64_t)low;
        v.max = base + (int64_t)high;
    }
    return v;
}

static ov_vec raw(ov_type type, bool odd)
{
    ov_slice *s = lanes(ROWS * sizeof(ov_slice));
    int64_t *i64 = (int64_t *)s;
    double *f64 = (double *)s;
    for (uint32_t i = 0; i < ROWS; i++) {
        if (ov_type_is_int(type))
            i64[i] = odd ? (rnd() % 2 ? INT64_MIN : INT64_MAX) : (int64_t)rnd() - (INT64_C(1) << 40);
        else if (ov_type_is_real(type))
            f64[i] = odd && rnd() % 3 == 0 ? __builtin_nan("") : (double)((int64_t)(rnd() & 0xFFFFF) - 400000) / 4;
        else
            s[i] = (ov_slice){"abcdefghijklmnopqrstuvwxyz" + rnd() % 20, rnd() % 6};
    }
    return ov_vec_flat(type, s, NULL, ROWS);
}

/* A domain of `count` values, sorted or not, perhaps with NULL in front. */
static ov_vec dict(ov_type type, unsigned lane, bool sorted, bool null)
{
    enum { COUNT = 200 };
    ov_domain *d = lanes(sizeof(*d));
    ov_vec *values = lanes(sizeof(*values));
    ov_slice *s = lanes(COUNT * sizeof(ov_slice));
    uint64_t *valid = lanes(COUNT / 8 + 8);
    for (uint32_t i = 0; i < COUNT; i++) {
        uint32_t v = sorted ? i : i * 7919 % COUNT;
        if (type.id == OV_TYPE_LONG) {
            ((int64_t *)s)[i] = (int64_t)v * 1000 - 50000;
        } else if (type.id == OV_TYPE_DOUBLE) {
            ((double *)s)[i] = (double)v / 4 - 10;
        } else {
            char *text = lanes(8);
            text[0] = (char)('a' + v / 26);
            text[1] = (char)('a' + v % 26);
            s[i] = ov_slice_make(text, 2);
        }
    }
    ov_bits_fill(valid, COUNT, true);
    ov_bits_put(valid, 0, !null);
    *values = ov_vec_flat(type, s, null ? valid : NULL, COUNT);
    *d = (ov_domain){.id = ov_domain_next_id(), .count = COUNT, .type = type, .sorted = sorted, .unique = true,
                     .has_null = null, .values = values};
    ov_vec v = {.type = type, .enc = OV_ENC_DICT, .lane = (uint8_t)lane, .rows = ROWS, .divisor = 1, .dict = d};
    void *codes = lanes(ROWS * lane);
    for (uint32_t i = 0; i < ROWS; i++) {
        uint64_t code = rnd() % COUNT;
        memcpy((char *)codes + i * lane, &code, lane);
    }
    v.data = codes;
    return v;
}

static ov_vec runs(ov_vec child)
{
    ov_vec *own = lanes(sizeof(*own));
    uint16_t *ends = lanes(ROWS * 2);
    uint32_t n = 0;
    for (uint32_t at = 0; at < ROWS;) {
        uint32_t more = 1 + (uint32_t)(rnd() % 40);
        at = OV_MIN(at + more, (uint32_t)ROWS);
        ends[n++] = (uint16_t)at;
    }
    *own = child;
    own->rows = n;
    own->has_bounds = false;
    return (ov_vec){.type = child.type, .enc = OV_ENC_RUN, .rows = ROWS, .divisor = 1, .run_end = ends, .runs = n,
                    .child = own};
}

/* Pieces of all kinds over the rows; codes hold rubbish where no code is looked at. */
static ov_agg_rows pieces(int shape, unsigned lane)
{
    ov_agg_piece *p = lanes(200 * sizeof(*p));
    uint8_t *codes = lanes(ROWS * lane);
    uint32_t n = 0;
    for (uint32_t i = 0; i < ROWS; i++) {
        uint32_t code = (uint32_t)(rnd() % (lane == 1 ? 100 : 200));
        memcpy(codes + i * lane, &code, lane);
    }
    for (uint32_t at = 0; at < ROWS;) {
        uint32_t more = shape < 3 ? ROWS : 1 + (uint32_t)(rnd() % 150), to = OV_MIN(at + more, (uint32_t)ROWS);
        uint8_t kind = (uint8_t)(shape < 3 ? (uint64_t)shape : rnd() % 3);
        uint32_t group = kind == OV_PIECE_ONE ? (uint32_t)(rnd() % GROUPS) : (uint32_t)(rnd() % 90);
        p[n++] = (ov_agg_piece){.from = at, .to = to, .group = group, .first = (uint32_t)(rnd() % 50), .kind = kind};
        at = to;
    }
    return (ov_agg_rows){.rows = ROWS, .pieces = p, .piece_count = n, .codes = codes, .code_lane = (uint8_t)lane};
}

static ov_vec random_arg(ov_type type)
{
    static const unsigned sizes[] = {1, 2, 4, 8};
    unsigned lane = sizes[rnd() % 4], small = sizes[rnd() % 3];
    switch (rnd() % 9) {
    case 0:
    case 1:
        if (ov_type_is_int(type))
            return narrow(type, lane, (int64_t)(rnd() % 3) * 100 - 100, 1, rnd() % 2);
        if (ov_type_is_real(type))
            return narrow(type, lane == 8 ? 4 : lane, (int64_t)(rnd() % 1000) - 500, 4, false);
        return raw(type, false);
    case 2:
        if (ov_type_is_int(type))
            return narrow(type, 1, (int64_t)(rnd() % 2), 1, true); /* fits a byte, or just not */
        return raw(type, true);
    case 3:
        return dict(type, small, rnd() % 2, rnd() % 2);
    case 4:
        return runs(raw(type, false));
    case 5:
        return rnd() % 2 ? ov_vec_null(type, ROWS)
               : ov_type_is_int(type)  ? ov_vec_const_i64(type, -7, ROWS)
               : ov_type_is_real(type) ? ov_vec_const_f64(type, 2.25, ROWS)
                                       : ov_vec_const_str(type, OV_SLICE_LIT("const"), ROWS);
    case 6: {
        ov_vec v = raw(type, ov_type_is_int(type));
        v.valid = some_bits(5);
        return v;
    }
    case 7: {
        ov_vec v = ov_type_is_int(type) ? narrow(type, small, 3, 1, false) : raw(type, false);
        v.valid = some_bits(3);
        return v;
    }
    default:
        return raw(type, false);
    }
}
