/*
 * INSERT and REPLACE: a query whose rows are written.
 *
 * The plan is the query's, with its columns in the order in which they are stored: __time, the columns of CLUSTERED BY,
 * the others. With CLUSTERED BY the rows come chunk by chunk, each chunk in the order of the keys, so that the writer only
 * has to cut. What is written where is said by ov_query_write; writing is the caller's business.
 *
 * Source: Druid's docs/multi-stage-query/reference.md; sentences of refusals as in its IngestHandler.
 */
#include "query/sql/bind_int.h"
#include "storage/segment/segment_id.h"

static const ov_slice TIME_NAME = {"__time", 6};

typedef struct insert {
    ovi_sql_binder *b;
    const ov_ast *ast;
    const char *verb; /* "INSERT" */
    ov_query_write *w;
    ovi_sql_rel rel; /* what the query makes */
} insert;

enum { TARGET, COLUMNS, OVERWRITE, QUERY, PARTITIONED, CLUSTERED };

/* ---- what is written to ---- */

static OV_CHECKED ov_status take_name(insert *in, const ov_ast *name, ov_error *err)
{
    ov_error why = OV_ERROR_INIT;
    if (ov_datasource_name_check(name->text, &why) != OV_OK)
        return ovi_sql_fail_node(in->b, name, OV_INVALID, err, NULL, "%s", why.text);
    in->w->datasource = name->text;
    return OV_OK;
}

static OV_CHECKED ov_status bind_target(insert *in, ov_error *err)
{
    const ov_ast *target = in->ast->kids[TARGET];
    if (in->ast->text.n)
        return ovi_sql_fail_node(in->b, target, OV_INVALID, err, NULL,
                                 "The AS <format> clause should only be specified while exporting rows into an EXTERN "
                                 "destination.");
    if (target->kind == OV_AST_NAME)
        return take_name(in, target, err);
    const ov_ast *last = target->kids[target->kid_count - 1];
    if (target->kid_count == 2 && ov_slice_eq(target->kids[0]->text, OV_SLICE_LIT("druid")))
        return take_name(in, last, err);
    return ovi_sql_fail_node(in->b, target, OV_INVALID, err, NULL,
                             "Table [" OV_SLICE_FMT "." OV_SLICE_FMT
                             "] does not support operation [%s] because it is not a Druid datasource",
                             OV_SLICE_ARG(target->kids[0]->text), OV_SLICE_ARG(last->text), in->verb);
}

/* ---- PARTITIONED BY ---- */

static OV_CHECKED ov_status bad_granularity(insert *in, ov_error *err)
{
    return ovi_sql_fail_node(in->b, in->ast->kids[PARTITIONED], OV_INVALID, err, NULL,
                             "Invalid granularity after PARTITIONED BY. Expected HOUR, DAY, MONTH, YEAR, ALL TIME, "
                             "a period such as 'P1D', FLOOR(__time TO DAY) or TIME_FLOOR(__time, 'P1D')");
}

/* The word of HOUR and FLOOR(__time TO HOUR), the period of 'PT1H' and TIME_FLOOR(__time, 'PT1H'). */
static bool granularity_text(const ov_ast *by, ov_slice *text)
{
    if (by->kind == OV_AST_NAME || by->kind == OV_AST_STRING) {
        *text = by->text;
        return true;
    }
    if (by->kind != OV_AST_CALL || !by->kids[OV_CALL_ARGS] || by->kids[OV_CALL_ARGS]->kid_count != 2)
        return false;
    ov_ast *const *args = by->kids[OV_CALL_ARGS]->kids;
    bool floor_to = by->op == OV_FORM_ROUND_TO && ov_slice_ieq(by->text, OV_SLICE_LIT("FLOOR"));
    bool time_floor = ov_slice_ieq(by->text, OV_SLICE_LIT("TIME_FLOOR")) && args[1]->kind == OV_AST_STRING;
    if (args[0]->kind != OV_AST_NAME || !ov_slice_eq(args[0]->text, TIME_NAME))
        return false;
    *text = args[1]->text;
    return floor_to || time_floor;
}

static OV_CHECKED ov_status bind_partitioned(insert *in, ov_error *err)
{
    const ov_ast *by = in->ast->kids[PARTITIONED];
    ov_slice text;
    ov_error ignored = OV_ERROR_INIT;
    if (!by)
        return ovi_sql_fail_node(in->b, in->ast, OV_INVALID, err, NULL,
                                 "Operation [%s] requires a PARTITIONED BY to be explicitly defined, but none was found.",
                                 in->verb);
    if (!granularity_text(by, &text) || ov_gran_init_name(&in->w->segment, text, &ignored) != OV_OK ||
        in->w->segment.kind == OV_GRAN_NONE)
        return bad_granularity(in, err);
    const char *name = ov_gran_name(&in->w->segment);
    if (in->w->segment.kind == OV_GRAN_ALL) {
        in->w->segment_json = OV_SLICE_LIT("{\"type\":\"all\"}");
        return OV_OK;
    }
    if (name)
        return ov_arena_printf(in->b->arena, &in->w->segment_json, err, "\"%s\"", name);
    ov_buf period;
    ov_buf_init(&period);
    ov_period_add(&period, &in->w->segment.period);
    ov_status st = ov_buf_check(&period, err);
    if (st == OV_OK)
        st = ov_arena_printf(in->b->arena, &in->w->segment_json, err, "{\"type\":\"period\",\"period\":\"%.*s\"}",
                             OV_SLICE_ARG(ov_buf_slice(&period)));
    ov_buf_fini(&period);
    return st;
}

/* ---- OVERWRITE ---- */

static OV_CHECKED ov_status check_aligned(insert *in, ov_interval span, ov_error *err)
{
    const ov_gran *g = &in->w->segment;
    bool start = span.start == OV_TIME_MIN || ov_gran_floor(g, span.start) == span.start;
    bool end = span.end == OV_TIME_MAX || ov_gran_floor(g, span.end) == span.end;
    if (start && end && (g->kind != OV_GRAN_ALL || (span.start == OV_TIME_MIN && span.end == OV_TIME_MAX)))
        return OV_OK;
    ov_buf text;
    ov_buf_init(&text);
    ov_interval_add(&text, span);
    (void)ovi_sql_fail_node(in->b, in->ast->kids[OVERWRITE], OV_INVALID, err, NULL,
                            "OVERWRITE WHERE clause identified interval [%.*s] which is not aligned with PARTITIONED BY "
                            "granularity [%.*s]",
                            OV_SLICE_ARG(ov_buf_slice(&text)), OV_SLICE_ARG(in->w->segment_json));
    ov_buf_fini(&text);
    return OV_INVALID;
}

static OV_CHECKED ov_status bind_overwrite(insert *in, ov_error *err)
{
    static const ov_field time = {{"__time", 6}, {.id = OV_TYPE_LONG}, OV_SQL_TIMESTAMP, false, 0};
    static const ov_plan rows = {.kind = OV_PLAN_VALUES, .fields = &time, .field_count = 1};
    const ov_ast *where = in->ast->kids[OVERWRITE];
    ovi_sql_rel rel;
    const ov_expr *condition;
    const ov_time_range *ranges;
    uint32_t count;
    bool exact;
    ov_interval *list;
    if (!where)
        return OV_OK;
    OV_TRY(ovi_sql_rel_of(in->b, &rows, ov_slice_make(NULL, 0), &rel, err));
    ovi_sql_names names = {.b = in->b, .rel = &rel, .clause = "OVERWRITE WHERE"};
    OV_TRY(ovi_sql_bind_condition(&names, where, &condition, err));
    OV_TRY(ov_plan_times_of(in->b->cx, condition, 0, &ranges, &count, &exact, err));
    if (!exact)
        return ovi_sql_fail_node(in->b, where, OV_INVALID, err, NULL,
                                 "OVERWRITE WHERE takes comparisons of __time with constants, and AND, OR and NOT "
                                 "between them");
    if (count == 0)
        return ovi_sql_fail_node(in->b, where, OV_INVALID, err, NULL,
                                 "The OVERWRITE WHERE clause identified no time intervals");
    OV_TRY(ov_arena_alloc(in->b->arena, count * sizeof *list, &list, err));
    for (uint32_t i = 0; i < count; i++) {
        list[i] = (ov_interval){OV_MAX(ranges[i].start_ms, OV_TIME_MIN), OV_MIN(ranges[i].end_ms, OV_TIME_MAX)};
        OV_TRY(check_aligned(in, list[i], err));
    }
    in->w->intervals = list;
    in->w->interval_count = count;
    return OV_OK;
}

/* ---- the query ---- */

static OV_CHECKED ov_status check_query(insert *in, ov_error *err)
{
    const ov_ast *query = in->ast->kids[QUERY];
    if (query->kind != OV_AST_QUERY)
        return OV_OK;
    bool bounded = query->kids[OV_QUERY_LIMIT] || query->kids[OV_QUERY_OFFSET];
    if (query->kids[OV_QUERY_ORDER] && !bounded)
        return ovi_sql_fail_node(in->b, query->kids[OV_QUERY_ORDER], OV_INVALID, err, NULL,
                                 "Cannot use an ORDER BY clause on a Query of type [%s], use CLUSTERED BY instead",
                                 in->verb);
    if (bounded && in->w->segment.kind != OV_GRAN_ALL)
        return ovi_sql_fail_node(in->b, query, OV_INVALID, err, NULL,
                                 "INSERT and REPLACE queries cannot have a LIMIT unless PARTITIONED BY \"ALL\".");
    return OV_OK;
}

/* Names in parentheses behind the table replace those of the query, by position. */
static OV_CHECKED ov_status rename_columns(insert *in, ov_error *err)
{
    const ov_ast *names = in->ast->kids[COLUMNS];
    ovi_sql_column *columns;
    if (!names)
        return OV_OK;
    if (names->kid_count != in->rel.column_count)
        return ovi_sql_fail_node(in->b, names, OV_INVALID, err, NULL,
                                 "%s names %u columns, but the query makes %u", in->verb, names->kid_count,
                                 in->rel.column_count);
    OV_TRY(ov_arena_alloc(in->b->arena, names->kid_count * sizeof *columns, &columns, err));
    for (uint32_t i = 0; i < names->kid_count; i++) {
        columns[i] = in->rel.columns[i];
        columns[i].name = names->kids[i]->text;
    }
    in->rel.columns = columns;
    return OV_OK;
}

static OV_CHECKED ov_status check_names(insert *in, ov_error *err)
{
    for (uint32_t i = 0; i < in->rel.column_count; i++) {
        ov_slice name = in->rel.columns[i].name;
        if (name.n == 0 || ov_slice_starts(name, OV_SLICE_LIT("EXPR$")))
            return ovi_sql_fail_node(in->b, in->ast->kids[QUERY], OV_INVALID, err, NULL,
                                     "Insertion requires columns to be named: column %u is an expression without a "
                                     "name; write it as expression AS name",
                                     i + 1);
        for (uint32_t before = 0; before < i; before++)
            if (ov_slice_eq(name, in->rel.columns[before].name))
                return ovi_sql_fail_node(in->b, in->ast->kids[QUERY], OV_INVALID, err, NULL,
                                         "Duplicate field in SELECT: [" OV_SLICE_FMT "]", OV_SLICE_ARG(name));
    }
    return OV_OK;
}

/* The __time column of the result: of the relation, or the epoch for all rows. */
static OV_CHECKED ov_status bind_time(insert *in, const ov_expr **out, uint32_t *column, ov_error *err)
{
    for (*column = 0; *column < in->rel.column_count; ++*column)
        if (ov_slice_eq(in->rel.columns[*column].name, TIME_NAME))
            break;
    if (*column == in->rel.column_count) {
        if (in->w->segment.kind != OV_GRAN_ALL)
            return ovi_sql_fail_node(in->b, in->ast->kids[QUERY], OV_INVALID, err, NULL,
                                     "The query has no column __time, which PARTITIONED BY needs; add one, as in "
                                     "TIME_PARSE(\"timestamp\") AS __time, or write PARTITIONED BY ALL TIME");
        return ov_expr_i64(in->b->cx, OV_SQL_TIMESTAMP, 0, out, err);
    }
    const ov_field *f = &in->rel.plan->fields[in->rel.columns[*column].column];
    if (f->type.id != OV_TYPE_LONG && f->type.id != OV_TYPE_NULL)
        return ovi_sql_fail_node(in->b, in->ast->kids[QUERY], OV_INVALID, err, NULL,
                                 "Field [__time] was the wrong type [%s], expected TIMESTAMP",
                                 ov_sqltype_name((ov_sqltype)f->sql));
    OV_TRY(ov_plan_column(in->b->cx, in->rel.plan, in->rel.columns[*column].column, out, err));
    return f->type.id == OV_TYPE_NULL
               ? ov_expr_null(in->b->cx, OV_SQL_TIMESTAMP, out, err)
               : ov_expr_retype(in->b->cx, *out, OV_SQL_TIMESTAMP, out, err);
}

/* ---- CLUSTERED BY ---- */

typedef struct clustering {
    const ov_expr **keys; /* over the relation's plan */
    uint32_t count;
} clustering;

/* The column of the select item that is written like this key, as CEIL(x) may be of an x that is no column of the result;
 * NULL when there is none. */
static const ovi_sql_column *item_like(const insert *in, const ov_ast *key)
{
    const ov_ast *body = in->ast->kids[QUERY]->kids[OV_QUERY_BODY];
    const ov_ast *items = body->kind == OV_AST_SELECT ? body->kids[OV_SELECT_ITEMS] : NULL;
    uint32_t stars = 0, extra = 0;
    for (uint32_t i = 0; items && i < items->kid_count; i++)
        stars += items->kids[i]->kind == OV_AST_STAR;
    for (uint32_t i = 0; items && stars < 2 && i < items->kid_count; i++) {
        if (items->kids[i]->kind == OV_AST_STAR)
            extra = in->rel.column_count - items->kid_count; /* by how many columns the others move */
        else if (ov_ast_equal(ovi_sql_unaliased(items->kids[i]), key))
            return &in->rel.columns[i + extra];
    }
    return NULL;
}

static OV_CHECKED ov_status bind_cluster_key(insert *in, const ov_ast *key, const ov_expr **out, ov_error *err)
{
    const ov_ast *e = key->kids[0];
    if (key->flags & OV_AST_DESC)
        return ovi_sql_fail_node(in->b, key, OV_INVALID, err, NULL,
                                 "Invalid CLUSTERED BY clause: cannot sort in descending order.");
    if (e->kind == OV_AST_INTEGER) {
        const ov_expr *number;
        OV_TRY(ovi_sql_bind_literal(in->b, e, false, &number, err));
        if (number->constant.i < 1 || number->constant.i > in->rel.column_count)
            return ovi_sql_fail_node(in->b, e, OV_INVALID, err, NULL, "Ordinal out of range");
        return ov_plan_column(in->b->cx, in->rel.plan, in->rel.columns[number->constant.i - 1].column, out, err);
    }
    const ovi_sql_column *item = e->kind == OV_AST_NAME ? NULL : item_like(in, e);
    if (item)
        return ov_plan_column(in->b->cx, in->rel.plan, item->column, out, err);
    ovi_sql_names names = {.b = in->b, .rel = &in->rel, .clause = "CLUSTERED BY"};
    return ovi_sql_bind_expr(&names, e, out, err);
}

static OV_CHECKED ov_status bind_clustered(insert *in, clustering *out, ov_error *err)
{
    const ov_ast *by = in->ast->kids[CLUSTERED];
    *out = (clustering){0};
    if (!by)
        return OV_OK;
    OV_TRY(ov_arena_alloc(in->b->arena, by->kid_count * sizeof *out->keys, &out->keys, err));
    for (; out->count < by->kid_count; out->count++)
        OV_TRY(bind_cluster_key(in, by->kids[out->count], &out->keys[out->count], err));
    return OV_OK;
}

/* ---- the plan ---- */

typedef struct columns {
    const ov_expr **exprs;
    ov_slice *names;
    uint32_t count;
} columns;

static bool has_column(const columns *c, const ov_expr *e)
{
    for (uint32_t i = 1; i < c->count; i++)
        if (c->exprs[i]->kind == OV_EXPR_COLUMN && c->exprs[i]->column == e->column)
            return true;
    return false;
}

static ov_slice name_of(const insert *in, uint32_t column)
{
    for (uint32_t i = 0; i < in->rel.column_count; i++)
        if (in->rel.columns[i].column == column)
            return in->rel.columns[i].name;
    return ov_slice_make(NULL, 0);
}

/* Stored columns: __time, plain columns of CLUSTERED BY, the rest. */
static OV_CHECKED ov_status order_columns(insert *in, const clustering *by, columns *out, ov_error *err)
{
    uint32_t time_column, most = in->rel.column_count + by->count + 2;
    OV_TRY(ov_arena_zalloc(in->b->arena, most * sizeof *out->exprs, &out->exprs, err));
    OV_TRY(ov_arena_zalloc(in->b->arena, most * sizeof *out->names, &out->names, err));
    OV_TRY(bind_time(in, &out->exprs[0], &time_column, err));
    out->names[0] = TIME_NAME;
    out->count = 1;
    bool only_columns = by->count > 0;
    for (uint32_t i = 0; i < by->count; i++) {
        const ov_expr *key = by->keys[i];
        bool plain = key->kind == OV_EXPR_COLUMN;
        ov_slice name = plain ? name_of(in, key->column) : ov_slice_make(NULL, 0);
        only_columns = only_columns && name.n && !ov_slice_eq(name, TIME_NAME);
        if (!name.n || ov_slice_eq(name, TIME_NAME) || has_column(out, key))
            continue;
        out->exprs[out->count] = key;
        out->names[out->count++] = name;
    }
    in->w->cluster_count = only_columns ? out->count - 1 : 0;
    in->w->sorted_count = out->count - 1;
    for (uint32_t i = 0; i < in->rel.column_count; i++) {
        const ov_expr *e;
        OV_TRY(ov_plan_column(in->b->cx, in->rel.plan, in->rel.columns[i].column, &e, err));
        if (i == time_column || has_column(out, e))
            continue;
        out->exprs[out->count] = e;
        out->names[out->count++] = in->rel.columns[i].name;
    }
    return OV_OK;
}

static OV_CHECKED ov_status chunk_key(insert *in, const ov_expr *time, const ov_expr **out, ov_error *err)
{
    ov_buf period;
    ov_slice text;
    const ov_expr *args[2] = {time};
    ov_buf_init(&period);
    ov_period_add(&period, &in->w->segment.period);
    ov_status st = ov_buf_check(&period, err);
    if (st == OV_OK)
        st = ov_arena_copy(in->b->arena, ov_buf_slice(&period), &text, err);
    ov_buf_fini(&period);
    OV_TRY(st);
    OV_TRY(ov_expr_str(in->b->cx, OV_SQL_CHAR, text, &args[1], err));
    return ovi_sql_apply(in->b, in->ast->kids[PARTITIONED], "TIME_FLOOR", args, 2, out, err);
}

/* Rows by time chunk, then by the keys; then only what is stored. */
static OV_CHECKED ov_status sort_rows(insert *in, const clustering *by, const columns *stored, const ov_plan **out,
                                      ov_error *err)
{
    uint32_t extra = 0, width = stored->count;
    const ov_expr **exprs;
    ov_slice *names;
    ov_sort_key *keys;
    OV_TRY(ov_arena_zalloc(in->b->arena, (width + by->count + 1) * sizeof *exprs, &exprs, err));
    OV_TRY(ov_arena_zalloc(in->b->arena, (width + by->count + 1) * sizeof *names, &names, err));
    OV_TRY(ov_arena_zalloc(in->b->arena, (by->count + 1) * sizeof *keys, &keys, err));
    memcpy(exprs, stored->exprs, width * sizeof *exprs);
    memcpy(names, stored->names, width * sizeof *names);
    if (in->w->segment.kind != OV_GRAN_ALL)
        OV_TRY(chunk_key(in, stored->exprs[0], &exprs[width + extra++], err));
    for (uint32_t i = 0; i < by->count; i++)
        exprs[width + extra++] = by->keys[i];
    OV_TRY(ov_plan_project(in->b->arena, in->rel.plan, exprs, names, width + extra, out, err));
    for (uint32_t i = 0; i < extra; i++)
        keys[i] = (ov_sort_key){.column = width + i, .nulls_first = true};
    OV_TRY(ovi_sql_sort(in->b, *out, keys, extra, OV_NO_LIMIT, 0, out, err));
    const ov_plan *sorted = *out;
    OV_TRY(ov_arena_alloc(in->b->arena, width * sizeof *exprs, &exprs, err));
    for (uint32_t i = 0; i < width; i++)
        OV_TRY(ov_plan_column(in->b->cx, sorted, i, &exprs[i], err));
    return ov_plan_project(in->b->arena, sorted, exprs, stored->names, width, out, err);
}

static OV_CHECKED ov_status make_plan(insert *in, const ov_plan **out, ov_error *err)
{
    clustering by;
    columns stored;
    OV_TRY(bind_clustered(in, &by, err));
    OV_TRY(order_columns(in, &by, &stored, err));
    if (by.count)
        return sort_rows(in, &by, &stored, out, err);
    return ov_plan_project(in->b->arena, in->rel.plan, stored.exprs, stored.names, stored.count, out, err);
}

ov_status ovi_sql_bind_insert(ovi_sql_binder *b, const ov_ast *ast, const ov_plan **plan, const ov_query_write **out,
                              ov_error *err)
{
    bool replace = ast->flags & OV_AST_REPLACE;
    if (ast->kids[TARGET]->kind == OV_AST_CALL)
        return ovi_sql_bind_export(b, ast, plan, out, err);
    insert in = {.b = b, .ast = ast, .verb = replace ? "REPLACE" : "INSERT"};
    OV_TRY(ov_arena_zalloc(b->arena, sizeof *in.w, &in.w, err));
    in.w->replace = replace;
    in.w->replace_all = ast->flags & OV_AST_ALL;
    OV_TRY(bind_target(&in, err));
    OV_TRY(bind_partitioned(&in, err));
    OV_TRY(bind_overwrite(&in, err));
    OV_TRY(check_query(&in, err));
    OV_TRY(ovi_sql_bind_query(b, ast->kids[QUERY], &in.rel, err));
    OV_TRY(rename_columns(&in, err));
    OV_TRY(check_names(&in, err));
    *out = in.w;
    return make_plan(&in, plan, err);
}
