/*
 * Filters of texts: like, regex, search queries; bloom, which asks a sketch for a value.
 */
#include "query/native/native_filter_int.h"

ov_status ovi_filter_text_column(ovi_filter_binder *f, const ov_json *json, const ov_expr **out)
{
    OV_TRY(ovi_filter_column(f, json, "dimension", out));
    return ovi_as_text(&f->b, *out, out, f->err);
}

ov_status ovi_filter_like(ovi_filter_binder *f, const ov_json *json, const ov_expr **out)
{
    const ov_expr *args[3];
    ov_slice s;
    OV_TRY(ovi_filter_text_column(f, json, &args[0]));
    OV_TRY(ov_json_need_str(json, "pattern", &s, f->err));
    OV_TRY(ovi_filter_text(f, s, &args[1]));
    OV_TRY(ov_json_str(json, "escape", (ov_slice){"", 0}, &s, f->err));
    OV_TRY(ovi_filter_text(f, s, &args[2]));
    return ovi_filter_apply(f, json, "LIKE", args, s.n ? 3 : 2, out);
}

/* Of the column's own type: numbers and their texts are different values. */
ov_status ovi_filter_bloom(ovi_filter_binder *f, const ov_json *json, const ov_expr **out)
{
    const ov_expr *args[2];
    ov_slice s;
    OV_TRY(ovi_filter_column(f, json, "dimension", &args[0]));
    OV_TRY(ov_json_need_str(json, "bloomKFilter", &s, f->err));
    OV_TRY(ovi_filter_text(f, s, &args[1]));
    return ovi_filter_apply(f, json, "BLOOM_FILTER_TEST", args, 2, out);
}

ov_status ovi_filter_regex(ovi_filter_binder *f, const ov_json *json, const ov_expr **out)
{
    const ov_expr *args[2];
    ov_slice s;
    OV_TRY(ovi_filter_text_column(f, json, &args[0]));
    OV_TRY(ov_json_need_str(json, "pattern", &s, f->err));
    OV_TRY(ovi_filter_text(f, s, &args[1]));
    return ovi_filter_apply(f, json, "REGEXP_LIKE", args, 2, out);
}

static ov_status contains(ovi_filter_binder *f, const ov_json *spec, const ov_expr *col, ov_slice value, bool cased,
                          const ov_expr **out)
{
    const ov_expr *part;
    OV_TRY(ovi_filter_text(f, value, &part));
    return ovi_filter_apply2(f, spec, cased ? "CONTAINS_STRING" : "ICONTAINS_STRING", col, part, out);
}

static ov_status search_fragments(ovi_filter_binder *f, const ov_json *spec, const ov_expr *col, bool cased,
                                  const ov_expr **out)
{
    const ov_json *values;
    const ov_expr *sides[2] = {NULL, NULL};
    ov_slice s;
    OV_TRY(ov_json_need_arr(spec, "values", &values, f->err));
    OV_TRY(ovi_filter_truth(f, true, &sides[0]));
    for (const ov_json *v = values->first; v; v = v->next) {
        OV_TRY(ov_json_as_str(v, &s, f->err));
        OV_TRY(contains(f, spec, col, s, cased, &sides[1]));
        OV_TRY(ovi_filter_apply(f, spec, "AND", sides, 2, &sides[0]));
    }
    *out = sides[0];
    return OV_OK;
}

static ov_status search_query(ovi_filter_binder *f, const ov_json *spec, const ov_expr *col, const ov_expr **out)
{
    const ov_expr *args[2];
    ov_slice type, s;
    bool cased;
    OV_TRY(ov_json_need_str(spec, "type", &type, f->err));
    OV_TRY(ov_json_bool(spec, "case_sensitive", false, &cased, f->err)); /* so the documentation of Druid writes it */
    OV_TRY(ov_json_bool(spec, "caseSensitive", cased, &cased, f->err));
    if (ov_slice_eq(type, OV_SLICE_LIT("all")))
        return ovi_filter_truth(f, true, out);
    if (ov_slice_eq(type, OV_SLICE_LIT("fragment")))
        return search_fragments(f, spec, col, cased, out);
    if (ov_slice_eq(type, OV_SLICE_LIT("regex"))) {
        OV_TRY(ov_json_need_str(spec, "pattern", &s, f->err));
        args[0] = col;
        OV_TRY(ovi_filter_text(f, s, &args[1]));
        return ovi_filter_apply(f, spec, "REGEXP_LIKE", args, 2, out);
    }
    bool plain = ov_slice_eq(type, OV_SLICE_LIT("insensitive_contains"));
    if (!plain && !ov_slice_eq(type, OV_SLICE_LIT("contains")))
        return ov_json_fail(ov_json_get(spec, "type"), f->err, OV_INVALID,
                            "unknown search query '" OV_SLICE_FMT
                            "'; there are contains, insensitive_contains, fragment, regex and all",
                            OV_SLICE_ARG(type));
    OV_TRY(ov_json_need_str(spec, "value", &s, f->err));
    return contains(f, spec, col, s, cased && !plain, out);
}

ov_status ovi_native_search(const ov_json *spec, ov_expr_ctx *cx, const ov_expr *x, const ov_expr **out, ov_error *err)
{
    ovi_filter_binder f = {.b = {.cx = cx}, .err = err};
    return search_query(&f, spec, x, out);
}

ov_status ovi_filter_search(ovi_filter_binder *f, const ov_json *json, const ov_expr **out)
{
    const ov_json *spec;
    const ov_expr *col;
    OV_TRY(ovi_filter_text_column(f, json, &col));
    OV_TRY(ov_json_need_obj(json, "query", &spec, f->err));
    return ovi_filter_each(f, spec, col, search_query, out);
}
