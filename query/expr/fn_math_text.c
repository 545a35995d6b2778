/*
 * HUMAN_READABLE_*: sizes as people write them. Binary units divide by 1024, decimal ones cut by thousands first, as Druid
 * does (1,048,576 with three places is 1.048 M).
 */
#include "query/expr/decimal.h"
#include "query/expr/expr_int.h"

/* (number[, places 0 .. 3]) */
ov_status ovi_bind_human(ovi_bind *b, ov_error *err)
{
    int64_t places = 2;
    bool is_null = false;
    OV_TRY(ovi_want_long(b, 0, err));
    if (b->argc == 2)
        OV_TRY(ovi_const_long(b, 1, &places, &is_null, err));
    if (is_null || places < 0 || places > 3)
        return ov_fail_at(err, OV_INVALID, b->pos, b->end_pos,
                          "Given precision[%lld] of %s must be in the range of [0,3]", (long long)places,
                          b->fn->name);
    int *kept;
    OV_TRY(ovi_prepare(b, sizeof *kept, &kept, err));
    *kept = (int)places;
    ovi_result(b, OV_SQL_VARCHAR);
    return OV_OK;
}

static void binary(ov_buf *out, int64_t v, int places)
{
    uint64_t size = v < 0 ? 0 - (uint64_t)v : (uint64_t)v;
    if (size < 1024) {
        ov_buf_add_i64(out, v);
        ov_buf_add_str(out, " B");
        return;
    }
    int unit = (63 - __builtin_clzll(size)) / 10;
    if (v < 0)
        ov_buf_add_char(out, '-');
    ovi_add_fixed(out, (double)size / (double)(UINT64_C(1) << (10 * unit)), places);
    ov_buf_addf(out, " %ciB", " KMGTPE"[unit]);
}

static void decimal(ov_buf *out, int64_t v, int places, const char *suffix)
{
    if (v > -1000 && v < 1000) {
        ov_buf_add_i64(out, v);
        if (*suffix)
            ov_buf_addf(out, " %s", suffix);
        return;
    }
    const char *unit = "KMGTPE";
    for (; v <= -999950 || v >= 999950; unit++)
        v /= 1000;
    if (v < 0)
        ov_buf_add_char(out, '-');
    ovi_add_fixed(out, (double)v / 1000, places);
    ov_buf_addf(out, " %c%s", *unit, suffix);
}

ov_status ovi_eval_human(ovi_call *c, ov_vec *out, ov_error *err)
{
    const uint32_t *rows;
    uint32_t n;
    ovi_result_lanes l;
    OV_TRY(ovi_rows(c, &rows, &n, err));
    OV_TRY(ovi_lanes(c, &l, err));
    bool two = strstr(c->e->fn->name, "BINARY") != NULL, bytes = strstr(c->e->fn->name, "BYTE") != NULL;
    int places = *(const int *)c->e->prepared;
    ov_buf buf;
    ov_buf_init(&buf);
    ov_status st = OV_OK;
    for (uint32_t k = 0; k < n && st == OV_OK; k++) {
        uint32_t r = rows[k];
        ov_buf_clear(&buf);
        if (two)
            binary(&buf, ovi_i64(&c->arg[0], r), places);
        else
            decimal(&buf, ovi_i64(&c->arg[0], r), places, bytes ? "B" : "");
        st = ovi_keep_text(c, &buf, &l.s[r], err);
    }
    ov_buf_fini(&buf);
    ovi_finish(c, &l, out);
    return st;
}
