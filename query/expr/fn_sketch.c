/*
 * What all functions over sketches share, and COMPLEX_DECODE_BASE64, which makes sketches of text.
 */
#include "query/expr/sketch_int.h"

#include "base/base64.h"
#include "base/numfmt.h"
#include "storage/metric.h"

ov_status ovi_want_sketch(ovi_bind *b, uint32_t i, ov_complex_id kind, ov_error *err)
{
    const ov_expr *e = b->args[i];
    char want[48], have[48];
    if (ovi_is_null(e) || (e->type.id == OV_TYPE_COMPLEX && e->type.complex == kind))
        return OV_OK;
    return ov_fail_at(err, OV_INVALID, e->pos, e->end_pos, "Argument %u of %s must be a %s, a %s is given", i + 1,
                      b->fn->name, ov_type_name(OV_T_COMPLEX(kind), want), ov_type_name(e->type, have));
}

ov_status ovi_const_within(ovi_bind *b, uint32_t i, int64_t least, int64_t most, const char *what, int64_t *out,
                           ov_error *err)
{
    int64_t v;
    bool is_null;
    if (i >= b->argc)
        return OV_OK;
    OV_TRY(ovi_const_long(b, i, &v, &is_null, err));
    if (is_null || v < least || v > most)
        return ov_fail_at(err, OV_INVALID, b->args[i]->pos, b->args[i]->end_pos, "%s of %s must be from %lld to %lld", what,
                          b->fn->name, (long long)least, (long long)most);
    *out = v;
    return OV_OK;
}

ov_status ovi_want_sketches(ovi_bind *b, uint32_t first, ov_complex_id kind, ov_error *err)
{
    if (first >= b->argc)
        return ovi_wrong_types(b, b->fn->signatures, err);
    for (uint32_t i = first; i < b->argc; i++)
        OV_TRY(ovi_want_sketch(b, i, kind, err));
    return OV_OK;
}

ov_status ovi_bind_of_sketch(ovi_bind *b, ov_complex_id kind, ov_sqltype result, ov_error *err)
{
    OV_TRY(ovi_want_sketch(b, 0, kind, err));
    ovi_result(b, result);
    return OV_OK;
}

ov_status ovi_bind_bounds_of(ovi_bind *b, ov_complex_id kind, ov_error *err)
{
    int64_t *deviations;
    OV_TRY(ovi_want_sketch(b, 0, kind, err));
    OV_TRY(ovi_prepare(b, sizeof(*deviations), &deviations, err));
    *deviations = 1;
    OV_TRY(ovi_const_within(b, 1, 1, 3, "the number of standard deviations", deviations, err));
    ovi_json_text_result(b);
    return OV_OK;
}

void ovi_sketch_result(ovi_bind *b, ov_complex_id kind)
{
    b->sql = OV_SQL_OTHER;
    b->type = OV_T_COMPLEX(kind);
}

void ovi_json_text_result(ovi_bind *b)
{
    b->sql = OV_SQL_OTHER;
    b->type = OV_T_COMPLEX(OV_COMPLEX_JSON);
}

ov_status ovi_sketch_rows(ovi_call *c, ovi_sketch_row_fn fn, ov_vec *out, ov_error *err)
{
    const uint32_t *rows;
    uint32_t n;
    ovi_result_lanes l;
    ov_status st = OV_OK;
    ov_buf bytes;
    ov_arena scratch;
    OV_TRY(ovi_rows(c, &rows, &n, err));
    OV_TRY(ovi_lanes(c, &l, err));
    ov_buf_init(&bytes);
    ov_arena_init(&scratch, "sketch", c->mem->budget);
    for (uint32_t k = 0; k < n; k++) {
        ov_buf_clear(&bytes);
        ov_arena_reset(&scratch);
        OV_TRY_OUT(st, fn(c, rows[k], &scratch, &bytes, err));
        OV_TRY_OUT(st, ovi_keep_text(c, &bytes, &l.s[rows[k]], err));
    }
    ovi_finish(c, &l, out);
out:
    ov_buf_fini(&bytes);
    ov_arena_fini(&scratch);
    return st;
}

ov_status ovi_sketch_numbers(ovi_call *c, ovi_sketch_number_fn fn, ov_vec *out, ov_error *err)
{
    bool whole = ov_type_is_int(c->e->type);
    const uint32_t *rows;
    uint32_t n;
    ovi_result_lanes l;
    ov_status st = OV_OK;
    ov_arena scratch;
    OV_TRY(ovi_rows(c, &rows, &n, err));
    OV_TRY(ovi_lanes(c, &l, err));
    ov_arena_init(&scratch, "sketch", c->mem->budget);
    for (uint32_t k = 0; k < n; k++) {
        double v;
        ov_arena_reset(&scratch);
        OV_TRY_OUT(st, fn(c, rows[k], &scratch, &v, err));
        if (whole)
            l.i[rows[k]] = (int64_t)v;
        else
            l.f[rows[k]] = v;
    }
    ovi_finish(c, &l, out);
out:
    ov_arena_fini(&scratch);
    return st;
}

void ovi_add_number(double v, bool as_float, ov_buf *out)
{
    if (isfinite(v) && as_float)
        ov_buf_add_float(out, (float)v);
    else if (isfinite(v))
        ov_buf_add_double(out, v);
    else
        ov_buf_add_str(out, isnan(v) ? "\"NaN\"" : v > 0 ? "\"Infinity\"" : "\"-Infinity\"");
}

void ovi_add_numbers(const double *v, uint32_t n, bool as_floats, ov_buf *out)
{
    ov_buf_add_char(out, '[');
    for (uint32_t i = 0; i < n; i++) {
        ov_buf_add_str(out, i ? "," : "");
        ovi_add_number(v[i], as_floats, out);
    }
    ov_buf_add_char(out, ']');
}

/* ---- COMPLEX_DECODE_BASE64('type', text) ---- */

/* Do the bytes make a sketch of that kind? */
static ov_status check_image(ov_complex_id kind, ov_slice image, ov_arena *scratch, ov_error *err)
{
    const ov_sketch_ops *ops = ov_metric_ops(kind);
    ov_sketch_mem mem = ov_sketch_mem_arena(scratch);
    ov_sketch_args args;
    void *head;
    ov_sketch_defaults(ops, &args);
    OV_TRY(ov_arena_zalloc(scratch, ops->head_bytes, &head, err));
    return ops->put(head, &args, image, false, &mem, scratch, err);
}

ov_status ovi_bind_complex_decode(ovi_bind *b, ov_error *err)
{
    ov_slice name, full;
    bool is_null;
    ov_type type = {0};
    OV_TRY(ovi_const_text(b, 0, &name, &is_null, err));
    OV_TRY(ov_arena_printf(b->cx->arena, &full, err, "COMPLEX<" OV_SLICE_FMT ">", OV_SLICE_WHOLE(name)));
    if (is_null || !ov_type_parse(full, &type) || !ov_type_is_sketch(type))
        return ov_fail_at(err, OV_INVALID, b->args[0]->pos, b->args[0]->end_pos,
                          "'" OV_SLICE_FMT "' is no kind of sketch; there are HLLSketch, thetaSketch and others",
                          OV_SLICE_ARG(name));
    if (!ov_metric_ops((ov_complex_id)type.complex))
        return ov_fail_at(err, OV_UNSUPPORTED, b->args[0]->pos, b->args[0]->end_pos,
                          "sketches of kind '" OV_SLICE_FMT "' are not supported yet", OV_SLICE_ARG(name));
    OV_TRY(ovi_want_text(b, 1, err));
    ovi_sketch_result(b, (ov_complex_id)type.complex);
    return OV_OK;
}

static ov_status decode_row(ovi_call *c, uint32_t row, ov_arena *scratch, ov_buf *out, ov_error *err)
{
    if (!ov_base64_decode(ovi_str(&c->arg[1], row), out))
        return ov_fail(err, OV_INVALID, "COMPLEX_DECODE_BASE64: this is no Base64 text");
    ov_status st = check_image((ov_complex_id)c->e->type.complex, ov_buf_slice(out), scratch, err);
    if (st == OV_CORRUPT) /* the text is the caller's */
        st = err->code = OV_INVALID;
    if (st != OV_OK)
        ov_error_context(err, "COMPLEX_DECODE_BASE64");
    return st;
}

ov_status ovi_eval_complex_decode(ovi_call *c, ov_vec *out, ov_error *err)
{
    return ovi_sketch_rows(c, decode_row, out, err);
}
