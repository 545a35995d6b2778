/*
 * SQL with `skipEmptyBuckets: false` in its context: a query that Druid would run as a timeseries shows the buckets without rows too. The
 * plan is written as that timeseries and planned again, inside a scan that names its columns.
 */
#include "query/native/native_query.h"

#include "query/native/native_print.h"
#include "query/plan/plan_build.h"

/* {"queryType":"scan","dataSource":{"type":"query","query":...},"columns":[...]} */
static void write_scan(const ov_json *entry, ov_buf *out)
{
    const ov_json *mappings = ov_json_find(entry, "columnMappings");
    ov_buf_add_str(out, "{\"queryType\":\"scan\",\"resultFormat\":\"compactedList\",\"intervals\":[\"");
    ov_interval_add(out, OV_INTERVAL_ETERNITY);
    ov_buf_add_str(out, "\"],\"dataSource\":{\"type\":\"query\",\"query\":");
    ov_json_print(ov_json_find(entry, "query"), out);
    ov_buf_add_str(out, "},\"columns\":[");
    for (const ov_json *m = mappings ? mappings->first : NULL; m; m = m->next) {
        ov_buf_add_str(out, m == mappings->first ? "" : ",");
        ov_json_print(ov_json_find(m, "queryColumn"), out);
    }
    ov_buf_add_str(out, "]}");
}

/* Is it a timeseries over buckets? */
static bool has_buckets(const ov_json *entry)
{
    const ov_json *query = ov_json_find(entry, "query");
    const ov_json *type = ov_json_find(query, "queryType");
    return type && ov_slice_eq(type->s, OV_SLICE_LIT("timeseries")) &&
           ov_json_find(ov_json_find(query, "context"), "timestampResultField");
}

/* The filled rows with the names and types that the plan had. */
static ov_status as_before(ov_expr_ctx *cx, const ov_plan *before, const ov_plan *filled, const ov_plan **out, ov_error *err)
{
    const ov_expr **exprs;
    ov_slice *names;
    uint32_t n = before->field_count;
    OV_TRY(ov_arena_alloc(cx->arena, (n + (size_t)1) * sizeof *exprs, &exprs, err));
    OV_TRY(ov_arena_alloc(cx->arena, (n + (size_t)1) * sizeof *names, &names, err));
    for (uint32_t i = 0; i < n; i++) {
        const ov_field *f = &before->fields[i];
        names[i] = f->name;
        OV_TRY(ov_plan_column(cx, filled, i, &exprs[i], err));
        if (exprs[i]->sql != f->sql && ov_type_eq(exprs[i]->type, f->type))
            OV_TRY(ov_expr_retype(cx, exprs[i], (ov_sqltype)f->sql, &exprs[i], err));
        else if (exprs[i]->sql != f->sql)
            OV_TRY(ov_expr_cast(cx, exprs[i], (ov_sqltype)f->sql, f->type, 0, 0, &exprs[i], err));
    }
    return ov_plan_project(cx->arena, filled, exprs, names, n, out, err);
}

bool ov_native_wants_buckets(const ov_json *context)
{
    const ov_json *skip = ov_json_find(context, "skipEmptyBuckets");
    return skip && ((skip->kind == OV_JSON_BOOL && !skip->boolean) ||
                    (skip->kind == OV_JSON_STRING && ov_slice_ieq(skip->s, OV_SLICE_LIT("false"))));
}

ov_status ov_native_fill_buckets(const ov_native_env *env, const ov_json *context, const ov_plan *plan, const ov_plan **out,
                                 ov_error *err)
{
    ov_native_print how = {.cx = env->cx, .context = context, .id = OV_SLICE_LIT("")};
    ov_native_query query;
    ov_json *printed_as, *scan;
    ov_buf text;
    bool printed;
    *out = plan;
    ov_buf_init(&text);
    ov_status st = ov_native_print_plan(&how, plan, &text, &printed, err);
    if (st == OV_OK && printed && text.n && text.p[0] == '[')
        st = ov_json_parse(ov_buf_slice(&text), NULL, env->cx->arena, &printed_as, err);
    else
        printed = false;
    if (st == OV_OK && printed && printed_as->count == 1 && has_buckets(printed_as->first)) {
        ov_buf_clear(&text);
        write_scan(printed_as->first, &text);
        st = ov_buf_check(&text, err);
        if (st == OV_OK)
            st = ov_json_parse(ov_buf_slice(&text), NULL, env->cx->arena, &scan, err);
        if (st == OV_OK)
            st = ov_native_plan(env, scan, &query, err);
        if (st == OV_OK)
            st = as_before(env->cx, plan, query.plan, out, err);
    }
    ov_buf_fini(&text);
    return st;
}
