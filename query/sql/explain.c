/*
 * EXPLAIN PLAN FOR: one row with Druid's three columns. PLAN keeps the outer shape that the console
 * reads; the query inside is Druid's native one where the plan has one, else our own plan, one line a node.
 */
#include "base/alive.h"
#include "query/native/native_print.h"
#include "query/sql/bind_int.h"

static OV_CHECKED ov_status add_lines(const ov_budget *budget, ov_slice text, ov_buf *out, ov_error *err)
{
    const char *at = text.p, *end = text.p + text.n;
    for (const char *stop; at < end && (stop = memchr(at, '\n', (size_t)(end - at))); at = stop + 1) {
        ov_buf_add_str(out, at > text.p ? "," : "");
        ov_json_quote(out, ov_slice_make(at, (size_t)(stop - at)));
        OV_TRY(ov_budget_alive_by(budget, (uint32_t)OV_MIN((size_t)(stop - at), OV_ALIVE_STEPS), err));
    }
    return OV_OK;
}

static OV_CHECKED ov_status write_plan(const ov_budget *budget, const ov_plan *plan, ov_buf *text, ov_buf *out,
                                       ov_error *err)
{
    char type[48];
    OV_TRY(ov_plan_print(plan, text, err));
    ov_buf_add_str(out, "[{\"query\":{\"queryType\":\"ovate\",\"plan\":[");
    OV_TRY(add_lines(budget, ov_buf_slice(text), out, err));
    ov_buf_add_str(out, "]},\"signature\":[");
    for (uint32_t i = 0; i < plan->field_count; i++) {
        ov_buf_add_str(out, i ? ",{\"name\":" : "{\"name\":");
        ov_json_quote(out, plan->fields[i].name);
        ov_buf_addf(out, ",\"type\":\"%s\"}", ov_type_name(plan->fields[i].type, type));
    }
    ov_buf_add_str(out, "],\"columnMappings\":[");
    for (uint32_t i = 0; i < plan->field_count; i++) {
        ov_buf_add_str(out, i ? ",{\"queryColumn\":" : "{\"queryColumn\":");
        ov_json_quote(out, plan->fields[i].name);
        ov_buf_add_str(out, ",\"outputColumn\":");
        ov_json_quote(out, plan->fields[i].name);
        ov_buf_add_char(out, '}');
    }
    ov_buf_add_str(out, "]}]");
    return ov_buf_check(out, err);
}

/* Each resource once. */
static void add_resource(ov_slice name, const char *type, ov_buf *out)
{
    ov_buf one;
    ov_buf_init(&one);
    ov_buf_add_str(&one, "{\"name\":");
    ov_json_quote(&one, name);
    ov_buf_addf(&one, ",\"type\":\"%s\"}", type);
    if (!one.failed && !memmem(out->p, out->n, one.p, one.n)) {
        ov_buf_add_str(out, out->n > 1 ? "," : "");
        ov_buf_add_slice(out, ov_buf_slice(&one));
    }
    ov_buf_fini(&one);
}

/* What the plan reads: datasources, and external data as one. */
static void write_resources(const ov_plan *plan, ov_buf *out)
{
    if (plan->kind == OV_PLAN_SCAN)
        add_resource(plan->scan.datasource->name, "DATASOURCE", out);
    if (plan->kind == OV_PLAN_SYSTEM && strcmp(plan->system.table->schema, "EXTERNAL") == 0)
        add_resource(OV_SLICE_LIT("EXTERNAL"), "EXTERNAL", out);
    for (uint32_t i = 0; i < plan->input_count; i++)
        write_resources(plan->inputs[i], out);
}

static OV_CHECKED ov_status row_of(ovi_sql_binder *b, const ov_slice *texts, const ov_plan **out,
                                   ov_error *err)
{
    static const char *const names[] = {"PLAN", "RESOURCES", "ATTRIBUTES"};
    const ov_expr **cells;
    ov_field *fields;
    OV_TRY(ov_arena_alloc(b->arena, 3 * sizeof *cells, &cells, err));
    OV_TRY(ov_arena_alloc(b->arena, 3 * sizeof *fields, &fields, err));
    for (uint32_t i = 0; i < 3; i++) {
        OV_TRY(ov_expr_str(b->cx, OV_SQL_VARCHAR, texts[i], &cells[i], err));
        fields[i] =
            (ov_field){ov_slice_cstr(names[i]), OV_T(OV_TYPE_STRING), OV_SQL_VARCHAR, false, 0};
    }
    return ov_plan_values(b->arena, fields, 3, cells, 1, out, err);
}

static void write_attributes(const ov_plan *plan, const ov_query_write *w, ov_buf *out)
{
    if (!w) {
        ov_buf_add_str(out, "{\"statementType\":\"SELECT\"}");
        return;
    }
    if (w->export_path.n) {
        ov_buf_add_str(out, "{\"statementType\":\"INSERT\",\"targetDataSource\":\"EXTERNAL\"}");
        return;
    }
    ov_buf_addf(out, "{\"statementType\":\"%s\",\"targetDataSource\":", w->replace ? "REPLACE" : "INSERT");
    ov_json_quote(out, w->datasource);
    ov_buf_addf(out, ",\"partitionedBy\":" OV_SLICE_FMT, OV_SLICE_WHOLE(w->segment_json));
    for (uint32_t i = 0; i < w->sorted_count; i++) {
        ov_buf_add_str(out, i ? "," : ",\"clusteredBy\":[");
        ov_json_quote(out, plan->fields[1 + i].name);
    }
    ov_buf_add_str(out, w->sorted_count ? "]" : "");
    if (w->replace_all)
        ov_buf_add_str(out, ",\"replaceTimeChunks\":\"all\"");
    for (uint32_t i = 0; i < w->interval_count; i++) {
        ov_buf_add_str(out, i ? "," : ",\"replaceTimeChunks\":\"");
        ov_interval_add(out, w->intervals[i]);
    }
    ov_buf_add_str(out, w->interval_count ? "\"}" : "}");
}

ov_status ovi_sql_explain(ovi_sql_binder *b, const ov_plan *plan, const ov_query_write *write,
                          const ov_plan **out, ov_error *err)
{
    ov_buf text, json, resources, attributes;
    const ov_plan *optimised;
    OV_TRY(ov_plan_optimize(b->cx, plan, &optimised, err));
    ov_buf_init(&text);
    ov_buf_init(&json);
    ov_buf_init(&resources);
    ov_buf_init(&attributes);
    write_attributes(plan, write, &attributes);
    ov_buf_add_char(&resources, '[');
    if (write)
        add_resource(write->export_path.n ? OV_SLICE_LIT("local") : write->datasource,
                     write->export_path.n ? "EXTERNAL" : "DATASOURCE", &resources);
    write_resources(optimised, &resources);
    ov_buf_add_char(&resources, ']');
    ov_native_print native = {.cx = b->cx, .context = b->env->context, .id = b->env->query_id};
    const ov_json *form = ov_json_find(b->env->context, "useNativeQueryExplain");
    native.rel = form && form->kind == OV_JSON_BOOL && !form->boolean;
    bool printed = false;
    ov_status st = ov_native_print_plan(&native, optimised, &json, &printed, err);
    if (st == OV_OK && !printed)
        st = write_plan(b->arena->budget, optimised, &text, &json, err);
    if (st == OV_OK)
        st = ov_buf_check(&resources, err);
    if (st == OV_OK)
        st = ov_buf_check(&attributes, err);
    if (st == OV_OK) {
        ov_slice texts[3] = {ov_buf_slice(&json), ov_buf_slice(&resources), ov_buf_slice(&attributes)};
        st = row_of(b, texts, out, err);
    }
    ov_buf_fini(&text);
    ov_buf_fini(&json);
    ov_buf_fini(&resources);
    ov_buf_fini(&attributes);
    return st;
}
