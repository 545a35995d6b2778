/*
 * Aggregate calls as aggregators, with the post-aggregators that make AVG, STDDEV and quantiles of them.
 */
#include "query/agg/images.h"
#include "query/native/print_int.h"
#include "sketch/hll.h"

static const char *number_word(ov_type t)
{
    return ov_type_is_int(t) ? "long" : t.id == OV_TYPE_FLOAT ? "float" : ov_type_is_real(t) ? "double" : NULL;
}

static void open_named(ov_buf *out, const char *prefix, const char *type, ov_slice name)
{
    ov_buf_addf(out, "{\"type\":\"%s%s\",\"name\":", prefix, type);
    ov_json_quote(out, name);
}

/* longSum and its kin over one argument. */
static ov_status simple(ovi_pcolumns *c, const ov_expr *x, const char *word, const char *type, ov_slice name, ov_buf *out,
                        ov_error *err)
{
    ov_slice column;
    OV_TRY(ovi_pcolumn(c, x, &column, err));
    open_named(out, word ? word : "", type, name);
    ov_buf_add_str(out, ",\"fieldName\":");
    ov_json_quote(out, column);
    if (!word)
        c->p->lost = true;
    ov_buf_add_char(out, '}');
    return OV_OK;
}

static ov_status not_null(ovi_pcolumns *c, const ov_expr *x, ov_buf *out, ov_error *err)
{
    ov_slice column;
    OV_TRY(ovi_pcolumn(c, x, &column, err));
    ov_buf_add_str(out, "{\"type\":\"not\",\"field\":{\"type\":\"null\",\"column\":");
    ov_json_quote(out, column);
    ov_buf_add_str(out, "}}");
    return OV_OK;
}

static ov_status count(ovi_pcolumns *c, const ov_agg_call *call, ov_slice name, ov_buf *out, ov_error *err)
{
    if (call->argc) {
        ov_buf_add_str(out, "{\"type\":\"filtered\",\"aggregator\":");
        open_named(out, "", "count", name);
        ov_buf_add_str(out, "},\"filter\":");
        OV_TRY(not_null(c, call->args[0], out, err));
        ov_buf_add_str(out, ",\"name\":");
        ov_json_quote(out, name);
        ov_buf_add_char(out, '}');
        return OV_OK;
    }
    open_named(out, "", "count", name);
    ov_buf_add_char(out, '}');
    return OV_OK;
}

static ov_status distinct(ovi_pcolumns *c, const ov_expr *x, ov_slice name, ov_buf *out, ov_error *err)
{
    ov_slice column;
    char type[48];
    OV_TRY(ovi_pcolumn(c, x, &column, err));
    open_named(out, "", "cardinality", name);
    ov_buf_add_str(out, ",\"fields\":[{\"type\":\"default\",\"dimension\":");
    ov_json_quote(out, column);
    ov_buf_add_str(out, ",\"outputName\":");
    ov_json_quote(out, column);
    ov_buf_addf(out, ",\"outputType\":\"%s\"}],\"byRow\":false,\"round\":true}", ovi_ptype(x, type));
    c->p->lost = c->p->lost || ov_type_is_list(x->type) || x->type.id == OV_TYPE_COMPLEX;
    return OV_OK;
}

static ov_status timed(ovi_pcolumns *c, const ov_agg_call *call, const char *type, ov_slice name, ov_buf *out, ov_error *err)
{
    ov_slice column, time;
    const ov_expr *x = call->args[0];
    const char *word = x->type.id == OV_TYPE_STRING && !x->type.multi ? "string" : number_word(x->type);
    bool stored = call->argc > 1 && x->kind == OV_EXPR_CALL && strcmp(ov_expr_function(x), "$PAIR_VALUE") == 0;
    OV_TRY(ovi_pcolumn(c, stored ? x->args[0] : x, &column, err));
    open_named(out, word ? word : "", type, name);
    ov_buf_add_str(out, ",\"fieldName\":");
    ov_json_quote(out, column);
    if (stored) { /* the column of a first or last metric has its own times */
        ov_buf_add_str(out, ",\"timeColumn\":\"__time\"");
    } else if (call->argc > 1) {
        OV_TRY(ovi_pcolumn(c, call->args[1], &time, err));
        ov_buf_add_str(out, ",\"timeColumn\":");
        ov_json_quote(out, time);
    }
    if (word && word[0] == 's')
        ov_buf_addf(out, ",\"maxStringBytes\":%llu", (unsigned long long)(call->most_bytes ? call->most_bytes : 1024));
    ov_buf_add_char(out, '}');
    c->p->lost = c->p->lost || !word;
    return OV_OK;
}

/* A sum and a count, divided by a post-aggregator of the aggregate's name. */
static ov_status average(ovi_pcolumns *c, const ov_agg_call *call, ov_slice name, ov_buf *out, ov_buf *posts, ov_error *err)
{
    ov_slice sum, n;
    const ov_expr *x = call->args[0];
    OV_TRY(ov_arena_printf(c->p->arena, &sum, err, OV_SLICE_FMT ":sum", OV_SLICE_WHOLE(name)));
    OV_TRY(ov_arena_printf(c->p->arena, &n, err, OV_SLICE_FMT ":count", OV_SLICE_WHOLE(name)));
    ov_agg_call rows = {.args = call->args, .argc = x->nullable || x->kind == OV_EXPR_COLUMN};
    OV_TRY(simple(c, x, number_word(x->type) ? "double" : NULL, "Sum", sum, out, err));
    ov_buf_add_char(out, ',');
    OV_TRY(count(c, &rows, n, out, err));
    ov_buf_add_str(posts, posts->n ? "," : "");
    ov_buf_add_str(posts, "{\"type\":\"arithmetic\",\"name\":");
    ov_json_quote(posts, name);
    ov_buf_add_str(posts, ",\"fn\":\"quotient\",\"fields\":[{\"type\":\"fieldAccess\",\"fieldName\":");
    ov_json_quote(posts, sum);
    ov_buf_add_str(posts, "},{\"type\":\"fieldAccess\",\"fieldName\":");
    ov_json_quote(posts, n);
    ov_buf_add_str(posts, "}]}");
    return OV_OK;
}

/* The name of what a post-aggregator called `name` reads. */
static ov_status name_behind(ovi_pcolumns *c, ov_slice name, ov_slice *out, ov_error *err)
{
    return ov_arena_printf(c->p->arena, out, err, OV_SLICE_FMT ":agg", OV_SLICE_WHOLE(name));
}

static bool is_quantile(const ov_agg_call *call)
{
    return strcmp(call->fn->name, "APPROX_QUANTILE_DS") == 0;
}

/* Does a post-aggregator bear the result's name? */
static bool stands_behind(const ov_agg_call *call)
{
    return call->fn->kind == OV_AGG_STDDEV_POP || call->fn->kind == OV_AGG_STDDEV_SAMP || is_quantile(call);
}

/* Of whole numbers as they are: that they are added as doubles is the aggregator's own doing. */
static ov_status variance(ovi_pcolumns *c, const ov_agg_call *call, ov_slice name, ov_buf *out, ov_error *err)
{
    const ov_expr *x = call->args[0];
    if (x->kind == OV_EXPR_CALL && strcmp(ov_expr_function(x), "CAST") == 0 && x->sql == OV_SQL_DOUBLE && ov_type_is_int(x->args[0]->type))
        x = x->args[0];
    const char *word = number_word(x->type);
    bool population = call->fn->kind == OV_AGG_VAR_POP || call->fn->kind == OV_AGG_STDDEV_POP;
    ov_slice column;
    OV_TRY(ovi_pcolumn(c, x, &column, err));
    open_named(out, "", "variance", name);
    ov_buf_add_str(out, ",\"fieldName\":");
    ov_json_quote(out, column);
    ov_buf_addf(out, ",\"estimator\":\"%s\",\"inputType\":\"%s\"}", population ? "population" : "sample", word ? word : "");
    c->p->lost = c->p->lost || !word;
    return OV_OK;
}

/* Sketches of values, or of the sketches in a column. */
static ov_status sketch(ovi_pcolumns *c, const ov_agg_call *call, ov_slice name, ov_buf *out, ov_error *err)
{
    static const char *const types[] = {[OV_HLL_4] = "HLL_4", [OV_HLL_6] = "HLL_6", [OV_HLL_8] = "HLL_8"};
    const ov_image_params *p = call->prepared;
    const char *final = p->answer ? "true" : "false";
    ov_complex_id type = p->kind->type;
    ov_slice column;
    OV_TRY(ovi_pcolumn(c, call->args[0], &column, err));
    open_named(out, type == OV_COMPLEX_HLL ? p->of_images ? "HLLSketchMerge" : "HLLSketchBuild" : "",
               type == OV_COMPLEX_HLL ? "" : type == OV_COMPLEX_THETA ? "thetaSketch" : "quantilesDoublesSketch", name);
    ov_buf_add_str(out, ",\"fieldName\":");
    ov_json_quote(out, column);
    if (type == OV_COMPLEX_HLL)
        ov_buf_addf(out, ",\"lgK\":%u,\"tgtHllType\":\"%s\"%s,\"shouldFinalize\":%s,\"round\":true}", (unsigned)p->args.at[0],
                    types[(unsigned)p->args.at[1]], p->args.at[OV_HLL_TEXT_PARAM] != 0 ? ",\"stringEncoding\":\"utf8\"" : "", final);
    else if (type == OV_COMPLEX_THETA)
        ov_buf_addf(out, ",\"size\":%u,\"shouldFinalize\":%s,\"isInputThetaSketch\":false}", (unsigned)p->args.at[0], final);
    else
        ov_buf_addf(out, ",\"k\":%u,\"maxStreamLength\":1000000000,\"shouldFinalize\":%s}", (unsigned)p->args.at[0], final);
    c->p->lost = c->p->lost || ov_type_is_list(call->args[0]->type);
    return OV_OK;
}

static bool is_sketch(const ov_agg_call *call)
{
    static const char *const known[] = {"APPROX_COUNT_DISTINCT_DS_HLL", "APPROX_COUNT_DISTINCT_DS_HLL_UTF8",
                                        "APPROX_COUNT_DISTINCT_DS_THETA", "APPROX_QUANTILE_DS", "DS_HLL",
                                        "DS_QUANTILES_SKETCH", "DS_THETA"};
    for (size_t i = 0; i < OV_COUNT_OF(known); i++)
        if (strcmp(call->fn->name, known[i]) == 0)
            return call->argc == 1 && !call->distinct;
    return false;
}

/* The number that is made of the aggregator `from`. */
static void add_behind(const ov_agg_call *call, ov_slice name, ov_slice from, ov_buf *posts)
{
    ov_buf_add_str(posts, posts->n ? "," : "");
    open_named(posts, "", is_quantile(call) ? "quantilesDoublesSketchToQuantile" : "stddev", name);
    if (!is_quantile(call)) {
        ov_buf_add_str(posts, ",\"fieldName\":");
        ov_json_quote(posts, from);
        ov_buf_addf(posts, ",\"estimator\":\"%s\"}", call->fn->kind == OV_AGG_STDDEV_POP ? "population" : "sample");
        return;
    }
    ov_buf_add_str(posts, ",\"field\":{\"type\":\"fieldAccess\",\"name\":");
    ov_json_quote(posts, from);
    ov_buf_add_str(posts, ",\"fieldName\":");
    ov_json_quote(posts, from);
    ov_buf_add_str(posts, "},\"fraction\":");
    const ov_expr *rank = call->params[0];
    ov_json_add_double(posts, ov_type_is_int(rank->type) ? (double)rank->constant.i : rank->constant.f);
    ov_buf_add_char(posts, '}');
}

static ov_status one(ovi_pcolumns *c, const ov_agg_call *call, ov_slice name, ov_buf *out, ov_buf *posts, ov_error *err)
{
    const ov_expr *x = call->argc ? call->args[0] : NULL;
    const char *word = x ? number_word(x->type) : NULL;
    bool folded = call->fn->kind == OV_AGG_OBJECT || call->fn->kind == OV_AGG_BIT_AND || call->fn->kind == OV_AGG_BIT_OR ||
                  call->fn->kind == OV_AGG_BIT_XOR;
    if (is_sketch(call))
        return sketch(c, call, name, out, err);
    if (folded && call->argc == 1)
        return ovi_pfold(c, call, name, out, err);
    if (call->distinct && call->fn->kind != OV_AGG_DISTINCT)
        c->p->lost = true;
    switch ((ov_agg_kind)call->fn->kind) {
    case OV_AGG_COUNT:
        return count(c, call, name, out, err);
    case OV_AGG_SUM:
        return simple(c, x, word && word[0] == 'f' ? "double" : word, "Sum", name, out, err);
    case OV_AGG_MIN:
        return simple(c, x, word, "Min", name, out, err);
    case OV_AGG_MAX:
        return simple(c, x, word, "Max", name, out, err);
    case OV_AGG_AVG:
        return average(c, call, name, out, posts, err);
    case OV_AGG_DISTINCT:
        return distinct(c, x, name, out, err);
    case OV_AGG_ANY:
        return timed(c, &(ov_agg_call){.args = call->args, .argc = 1, .most_bytes = call->most_bytes}, "Any", name, out, err);
    case OV_AGG_EARLIEST:
        return timed(c, call, "First", name, out, err);
    case OV_AGG_LATEST:
        return timed(c, call, "Last", name, out, err);
    case OV_AGG_VAR_POP:
    case OV_AGG_VAR_SAMP:
    case OV_AGG_STDDEV_POP:
    case OV_AGG_STDDEV_SAMP:
        return variance(c, call, name, out, err);
    default:
        c->p->lost = true;
        return OV_OK;
    }
}

ov_status ovi_pagg(ovi_pcolumns *c, const ov_agg_call *call, ov_slice name, ov_buf *out, ov_buf *posts, ov_error *err)
{
    ov_slice result = name;
    if (stands_behind(call)) {
        OV_TRY(name_behind(c, result, &name, err));
        add_behind(call, result, name, posts);
    }
    if (!call->filter)
        return one(c, call, name, out, posts, err);
    if (call->fn->kind == OV_AGG_AVG)
        c->p->lost = true;
    ov_buf_add_str(out, "{\"type\":\"filtered\",\"aggregator\":");
    OV_TRY(one(c, call, name, out, posts, err));
    ov_buf_add_str(out, ",\"filter\":");
    OV_TRY(ovi_pfilter(c, call->filter, out, err));
    ov_buf_add_str(out, ",\"name\":");
    ov_json_quote(out, name);
    ov_buf_add_char(out, '}');
    return OV_OK;
}
