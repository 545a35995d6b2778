/*
 * BLOOM_FILTER_TEST(value, 'filter in Base64'): could this value be among those the filter was made of?
 *
 * Values are asked for as they are: whole numbers, doubles, floats and text are different values; NULL is one too.
 */
#include "base/base64.h"
#include "query/expr/sketch_int.h"
#include "sketch/bloom.h"
#include "sketch/ops.h"

static ov_status read_filter(ovi_bind *b, ov_bloom *s, ov_error *err)
{
    ov_sketch_mem mem = ov_sketch_mem_arena(b->cx->arena);
    const ov_expr *e = b->args[1];
    ov_slice text;
    bool is_null;
    ov_buf image;
    OV_TRY(ovi_const_text(b, 1, &text, &is_null, err));
    ov_buf_init(&image);
    ov_status st = OV_CORRUPT;
    if (is_null || !ov_base64_decode(text, &image))
        st = ov_fail(err, OV_CORRUPT, "this is no Base64 text");
    else
        st = ov_bloom_read(ov_buf_slice(&image), s, &mem, err);
    ov_buf_fini(&image);
    if (st != OV_CORRUPT)
        return st;
    ov_error why = *err;
    return ov_fail_at(err, OV_INVALID, e->pos, e->end_pos, "The filter of %s: %s", b->fn->name, why.text);
}

ov_status ovi_bind_bloom_test(ovi_bind *b, ov_error *err)
{
    ov_bloom *s;
    OV_TRY(ovi_prepare(b, sizeof(*s), &s, err));
    OV_TRY(read_filter(b, s, err));
    if (b->args[0]->type.id == OV_TYPE_COMPLEX || ov_type_is_list(b->args[0]->type))
        return ovi_wrong_types(b, b->fn->signatures, err);
    b->nullable = false;
    ovi_result(b, OV_SQL_BOOLEAN);
    return OV_OK;
}

static uint64_t hash_of(const ovi_call *c, uint32_t row)
{
    ov_type t = c->e->args[0]->type;
    ov_sketch_value v = {.kind = OV_SKETCH_TEXT};
    if (t.id == OV_TYPE_NULL || ovi_arg_null(&c->arg[0], row))
        return OV_BLOOM_HASH_NULL;
    if (ov_type_is_int(t)) {
        v.kind = OV_SKETCH_INT;
        v.i = ovi_i64(&c->arg[0], row);
    } else if (ov_type_is_real(t)) {
        v.kind = t.id == OV_TYPE_FLOAT ? OV_SKETCH_FLOAT : OV_SKETCH_REAL;
        v.f = ovi_f64(&c->arg[0], row);
    } else {
        v.s = ovi_str(&c->arg[0], row);
    }
    return ov_sketch_bloom_hash(&v);
}

ov_status ovi_test_bloom(ovi_call *c, uint64_t *is_true, ov_error *err)
{
    const ov_bloom *s = c->e->prepared;
    const uint32_t *rows;
    uint32_t n;
    OV_TRY(ovi_rows(c, &rows, &n, err));
    for (uint32_t k = 0; k < n; k++)
        if (ov_bloom_test(s, hash_of(c, rows[k])))
            ov_bits_set(is_true, rows[k]);
    return OV_OK;
}
