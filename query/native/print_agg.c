/*
 * Aggregate calls as aggregators.
 */
#include "query/native/print_int.h"

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
    OV_TRY(ovi_pcolumn(c, x, &column, err));
    open_named(out, word ? word : "", type, name);
    ov_buf_add_str(out, ",\"fieldName\":");
    ov_json_quote(out, column);
    if (call->argc > 1) {
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
    OV_TRY(ov_arena_printf(c->p->arena, &sum, err, OV_SLICE_FMT ":sum", OV_SLICE_ARG(name)));
    OV_TRY(ov_arena_printf(c->p->arena, &n, err, OV_SLICE_FMT ":count", OV_SLICE_ARG(name)));
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

static ov_status one(ovi_pcolumns *c, const ov_agg_call *call, ov_slice name, ov_buf *out, ov_buf *posts, ov_error *err)
{
    const ov_expr *x = call->argc ? call->args[0] : NULL;
    const char *word = x ? number_word(x->type) : NULL;
    bool folded = call->fn->kind == OV_AGG_OBJECT || call->fn->kind == OV_AGG_BIT_AND || call->fn->kind == OV_AGG_BIT_OR ||
                  call->fn->kind == OV_AGG_BIT_XOR;
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
    default:
        c->p->lost = true;
        return OV_OK;
    }
}

ov_status ovi_pagg(ovi_pcolumns *c, const ov_agg_call *call, ov_slice name, ov_buf *out, ov_buf *posts, ov_error *err)
{
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
