/*
 * Aggregates that Druid's SQL makes of the native aggregator `expression`: lists and bits, folded row by row. Sizes that the statement
 * does not bound are not bounded here either, where Druid stops at 1,024 bytes.
 */
#include "query/native/print_int.h"

#include <limits.h>

/* How a value gets into the accumulator, and how two of these come together. */
typedef struct folding {
    const char *initial; /* NULL: an empty array of the value's type */
    const char *fold, *combine;
    bool nulls; /* NULLs are folded in, too */
} folding;

static bool is_plain_name(ov_slice s)
{
    for (size_t i = 0; i < s.n; i++)
        if (s.p[i] == '"' || s.p[i] == '\\' || (unsigned char)s.p[i] < 0x20)
            return false;
    return true;
}

static ov_status add_step(ovi_printer *p, const char *member, const char *fn, ov_slice with, ov_buf *out, ov_error *err)
{
    ov_slice step;
    OV_TRY(ov_arena_printf(p->arena, &step, err, "%s(\"__acc\", \"" OV_SLICE_FMT "\")", fn, OV_SLICE_WHOLE(with)));
    ov_buf_addf(out, ",\"%s\":", member);
    ov_json_quote(out, step);
    p->lost = p->lost || !is_plain_name(with);
    return OV_OK;
}

static uint64_t most_bytes(const ov_agg_call *call, uint32_t param)
{
    return param < call->param_count ? (uint64_t)OV_MIN(call->params[param]->constant.i, (int64_t)INT_MAX) : INT_MAX;
}

static ov_status add_fold(ovi_pcolumns *c, const ov_agg_call *call, const folding *f, ov_slice name, ov_slice final, uint64_t most,
                          ov_buf *out, ov_error *err)
{
    ov_slice column, initial;
    char type[48];
    const ov_expr *x = call->args[0];
    OV_TRY(ovi_pcolumn(c, x, &column, err));
    if (f->initial)
        initial = ov_slice_cstr(f->initial);
    else
        OV_TRY(ov_arena_printf(c->p->arena, &initial, err, "ARRAY<%s>[]", ovi_ptype(x, type)));
    ov_buf_add_str(out, "{\"type\":\"expression\",\"name\":");
    ov_json_quote(out, name);
    ov_buf_add_str(out, ",\"fields\":[");
    ov_json_quote(out, column);
    ov_buf_add_str(out, "],\"accumulatorIdentifier\":\"__acc\",\"initialValue\":");
    ov_json_quote(out, initial);
    ov_buf_add_str(out, ",\"initialCombineValue\":");
    ov_json_quote(out, initial);
    ov_buf_addf(out,
                ",\"isNullUnlessAggregated\":true,\"shouldAggregateNullInputs\":%s,\"shouldCombineAggregateNullInputs\":false",
                f->nulls ? "true" : "false");
    OV_TRY(add_step(c->p, "fold", f->fold, column, out, err));
    OV_TRY(add_step(c->p, "combine", f->combine, name, out, err));
    if (final.n) {
        ov_buf_add_str(out, ",\"finalize\":");
        ov_json_quote(out, final);
    }
    ov_buf_addf(out, ",\"maxSizeBytes\":%llu}", (unsigned long long)most);
    return OV_OK;
}

static ov_status list(ovi_pcolumns *c, const ov_agg_call *call, ov_slice name, ov_buf *out, ov_error *err)
{
    static const folding all = {NULL, "array_append", "array_concat", true};
    static const folding set = {NULL, "array_set_add", "array_set_add_all", true};
    return add_fold(c, call, call->distinct ? &set : &all, name, (ov_slice){0}, most_bytes(call, 0), out, err);
}

static ov_status text(ovi_pcolumns *c, const ov_agg_call *call, ov_slice name, ov_buf *out, ov_error *err)
{
    static const folding all = {"ARRAY<STRING>[]", "array_append", "array_concat", false};
    static const folding set = {"ARRAY<STRING>[]", "array_set_add", "array_set_add_all", false};
    const ov_expr *between = call->param_count ? call->params[0] : NULL;
    ov_slice final;
    c->p->lost = c->p->lost || !between || between->constant.is_null || between->type.id != OV_TYPE_STRING ||
                 !is_plain_name(between->constant.s) || memchr(between->constant.s.p, '\'', between->constant.s.n);
    if (c->p->lost)
        return OV_OK;
    OV_TRY(ov_arena_printf(c->p->arena, &final, err, "if(array_length(o) == 0, null, array_to_string(o, '" OV_SLICE_FMT "'))",
                           OV_SLICE_WHOLE(between->constant.s)));
    return add_fold(c, call, call->distinct ? &set : &all, name, final, most_bytes(call, 1), out, err);
}

ov_status ovi_pfold(ovi_pcolumns *c, const ov_agg_call *call, ov_slice name, ov_buf *out, ov_error *err)
{
    static const folding both = {"-1", "bitwiseAnd", "bitwiseAnd", false}, either = {"0", "bitwiseOr", "bitwiseOr", false},
                         one = {"0", "bitwiseXor", "bitwiseXor", false};
    const ov_expr *x = call->args[0];
    bool simple = x->type.id <= OV_TYPE_STRING && x->type.id != OV_TYPE_FLOAT && !ov_type_is_list(x->type) && !call->packed;
    const char *fn = call->fn->name;
    if (simple && strcmp(fn, "ARRAY_AGG") == 0)
        return list(c, call, name, out, err);
    if (simple && x->type.id == OV_TYPE_STRING && strcmp(fn, "STRING_AGG") == 0)
        return text(c, call, name, out, err);
    const folding *bits = strcmp(fn, "BIT_AND") == 0 ? &both : strcmp(fn, "BIT_OR") == 0 ? &either : strcmp(fn, "BIT_XOR") == 0 ? &one : NULL;
    if (bits && simple && ov_type_is_int(x->type) && !(call->distinct && bits == &one))
        return add_fold(c, call, bits, name, (ov_slice){0}, INT_MAX, out, err);
    c->p->lost = true;
    return OV_OK;
}
