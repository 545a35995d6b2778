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

static ov_status human(ovi_call *c, uint32_t row, ovi_text *t, ov_error *err)
{
    const char *name = c->e->fn->name;
    int places = *(const int *)c->e->prepared;
    (void)err;
    if (strstr(name, "BINARY"))
        binary(&t->made, ovi_i64(&c->arg[0], row), places);
    else
        decimal(&t->made, ovi_i64(&c->arg[0], row), places, strstr(name, "BYTE") ? "B" : "");
    return OV_OK;
}

ov_status ovi_eval_human(ovi_call *c, ov_vec *out, ov_error *err)
{
    return ovi_map_text(c, human, out, err);
}
