/* FROM: names of tables, sub-queries and aliases to relations. */
#include "query/sql/bind_int.h"

#include <stdio.h>

#include "base/suggest.h"

static const ovi_sql_cte *find_cte(const ovi_sql_binder *b, ov_slice name)
{
    for (const ovi_sql_cte *c = b->ctes; c; c = c->outer)
        if (ov_slice_eq(c->ast->kids[0]->text, name))
            return c;
    return NULL;
}

/* Give the columns of rel this table name and, when there are any, these names. */
static OV_CHECKED ov_status rename_columns(ovi_sql_binder *b, const ov_ast *alias,
                                           const ov_ast *names, ovi_sql_rel *rel, ov_error *err)
{
    ovi_sql_column *columns;
    uint32_t visible = 0;
    for (uint32_t i = 0; i < rel->column_count; i++)
        visible += !rel->columns[i].only_by_table && !rel->columns[i].unlisted;
    if (names && names->kid_count != visible)
        return ovi_sql_fail_node(
            b, names, OV_INVALID, err, NULL,
            "List of column aliases must have same degree as table; table has %u columns, "
            "whereas alias list has %u columns",
            visible, names->kid_count);
    OV_TRY(ov_arena_alloc(b->arena, (rel->column_count + 1) * sizeof *columns, &columns, err));
    uint32_t n = 0;
    for (uint32_t i = 0; i < rel->column_count; i++) {
        if (rel->columns[i].only_by_table || (names && rel->columns[i].unlisted))
            continue;
        columns[n] = rel->columns[i];
        columns[n].table = alias->text;
        if (names)
            columns[n].name = names->kids[n]->text;
        n++;
    }
    rel->columns = columns;
    rel->column_count = n;
    return OV_OK;
}

/* A CTE stands in the place of each of its uses: a chain of them nests as deep as if it were written out, and
 * uses double with every CTE that names another twice. */
static OV_CHECKED ov_status bind_cte(ovi_sql_binder *b, const ovi_sql_cte *cte, const ov_ast *at, ovi_sql_rel *out,
                                     ov_error *err)
{
    enum { MOST_USES = 4000 };
    uint32_t depth = cte->ast->kids[2]->depth;
    if (b->cte_depth + depth > OV_SQL_MAX_DEPTH)
        return ovi_sql_fail_node(b, at, OV_LIMIT, err, "",
                                 "The statement is nested more than %d levels deep with its WITH queries in place",
                                 OV_SQL_MAX_DEPTH);
    if (++b->cte_uses > MOST_USES)
        return ovi_sql_fail_node(b, at, OV_LIMIT, err, "",
                                 "The statement uses its WITH queries more than %d times, those inside of them "
                                 "counted for each use", MOST_USES);
    const ovi_sql_cte *saved = b->ctes;
    ovi_sql_scope *scope = b->scope;
    b->ctes = cte->outer; /* a CTE sees those in front of it, and what is around its WITH */
    b->scope = cte->scope;
    b->cte_depth += depth;
    ov_status st = ovi_sql_bind_query(b, cte->ast->kids[2], out, err);
    b->cte_depth -= depth;
    b->ctes = saved;
    b->scope = scope;
    if (st != OV_OK)
        return st;
    OV_TRY(ovi_sql_unique_names(b, out, err));
    return rename_columns(b, cte->ast->kids[0], cte->ast->kids[1], out, err);
}

static const ov_systable *find_system(const ovi_sql_binder *b, ov_slice schema, ov_slice name)
{
    for (uint32_t i = 0; i < b->env->systable_count; i++) {
        const ov_systable *t = b->env->systables[i];
        if (ov_slice_ieq(schema, ov_slice_cstr(t->schema)) &&
            ov_slice_ieq(name, ov_slice_cstr(t->name)))
            return t;
    }
    return NULL;
}

static bool is_schema(const ovi_sql_binder *b, ov_slice schema)
{
    for (uint32_t i = 0; i < b->env->systable_count; i++)
        if (ov_slice_ieq(schema, ov_slice_cstr(b->env->systables[i]->schema)))
            return true;
    return ov_slice_eq(schema, OV_SLICE_LIT("druid")) || ov_slice_eq(schema, OV_SLICE_LIT("lookup"));
}

static OV_CHECKED ov_status no_such_table(ovi_sql_binder *b, const ov_ast *at, ov_slice schema,
                                          ov_slice name, ov_error *err)
{
    const ov_sql_tables *tables = &b->env->tables;
    char hint[OV_SUGGEST_BYTES];
    ov_suggest near;
    bool druid = ov_slice_eq(schema, OV_SLICE_LIT("druid"));
    ov_suggest_init(&near, name);
    for (uint32_t i = 0; druid && i < tables->count; i++)
        ov_suggest_offer(&near, tables->at(tables->self, i)->name);
    for (const ovi_sql_cte *c = b->ctes; druid && c; c = c->outer)
        ov_suggest_offer(&near, c->ast->kids[0]->text);
    for (uint32_t i = 0; !druid && i < b->env->systable_count; i++)
        if (ov_slice_ieq(schema, ov_slice_cstr(b->env->systables[i]->schema)))
            ov_suggest_offer(&near, ov_slice_cstr(b->env->systables[i]->name));
    ov_suggest_text(&near, hint);
    if (!druid && !hint[0] && !is_schema(b, schema))
        snprintf(hint, sizeof hint, "; schemas are druid, lookup, sys and INFORMATION_SCHEMA");
    if (at->kind == OV_AST_NAME)
        return ovi_sql_fail_node(b, at, OV_INVALID, err, hint,
                                 "Object '" OV_SLICE_FMT "' not found", OV_SLICE_ARG(name));
    return ovi_sql_fail_node(b, at, OV_INVALID, err, hint,
                             "Object '" OV_SLICE_FMT "' not found within '" OV_SLICE_FMT "'",
                             OV_SLICE_ARG(name), OV_SLICE_ARG(schema));
}

static OV_CHECKED ov_status system_rel(ovi_sql_binder *b, const ov_systable *system, const ov_plan *plan, ov_slice name,
                                       ovi_sql_rel *out, ov_error *err)
{
    ovi_sql_column *columns;
    OV_TRY(ovi_sql_rel_of(b, plan, name, out, err));
    OV_TRY(ov_arena_alloc(b->arena, (out->column_count + 1) * sizeof *columns, &columns, err));
    for (uint32_t i = 0; i < out->column_count; i++) {
        columns[i] = out->columns[i];
        columns[i].unlisted = i >= out->column_count - system->unlisted;
    }
    out->columns = columns;
    return OV_OK;
}

/* A table as it was: `at` is SYSTEM_TIME AS OF ..., NULL for now. */
static OV_CHECKED ov_status turn_back(ovi_sql_binder *b, const ov_ast *at, const ov_datasource **table, ov_error *err)
{
    ov_plan nothing = {.kind = OV_PLAN_VALUES};
    ovi_sql_rel rel = {.plan = &nothing};
    ovi_sql_names names = {.b = b, .rel = &rel, .clause = "FOR SYSTEM_TIME AS OF"};
    const ov_expr *e;
    int64_t t;
    if (!at)
        return OV_OK;
    if (!ov_slice_ieq(at->kids[1]->text, OV_SLICE_LIT("SYSTEM_TIME")) || !ov_slice_ieq(at->kids[2]->text, OV_SLICE_LIT("OF")))
        return ovi_sql_fail_node(b, at->kids[1], OV_INVALID, err, NULL, "expected FOR SYSTEM_TIME AS OF and an instant");
    OV_TRY(ovi_sql_bind_expr(&names, at->kids[3], &e, err));
    b->cx->asked_now = true; /* what can be asked for depends on the time; the plan serves this once */
    if (e->kind != OV_EXPR_CONST || e->constant.is_null)
        return ovi_sql_fail_node(b, at->kids[3], OV_INVALID, err, NULL, "AS OF takes an instant that does not depend on rows");
    if (e->sql == OV_SQL_TIMESTAMP || e->sql == OV_SQL_DATE || ov_type_is_int(e->type))
        t = e->constant.i;
    else if (e->type.id != OV_TYPE_STRING || ov_iso_parse(e->constant.s, b->cx->tz, &t, err) != OV_OK)
        return ovi_sql_fail_node(b, at->kids[3], OV_INVALID, err, NULL,
                                 "AS OF takes a TIMESTAMP, such as TIMESTAMP '2024-05-01 12:00:00', or milliseconds");
    if (b->env->tables.as_of(b->env->tables.self, *table, t, b->arena, table, err) == OV_OK)
        return OV_OK;
    ov_error why = *err;
    return ovi_sql_fail_node(b, at->kids[3], why.code, err, NULL, "%s", why.text);
}

/* [druid.][schema.]name */
static OV_CHECKED ov_status bind_table(ovi_sql_binder *b, const ov_ast *path, const ov_ast *at, ovi_sql_rel *out,
                                       ov_error *err)
{
    ov_slice schema = OV_SLICE_LIT("druid"), name = path->text;
    const ov_plan *plan;
    if (path->kind == OV_AST_PATH) {
        name = path->kids[path->kid_count - 1]->text;
        schema = path->kids[path->kid_count - 2]->text;
        if (path->kid_count > 3 ||
            (path->kid_count == 3 && !ov_slice_eq(path->kids[0]->text, OV_SLICE_LIT("druid"))))
            return no_such_table(b, path, path->kids[0]->text, path->kids[1]->text, err);
    } else {
        const ovi_sql_cte *cte = find_cte(b, name);
        if (cte && !at)
            return bind_cte(b, cte, path, out, err);
    }
    const ov_systable *system = find_system(b, schema, name);
    if (system && path->kind == OV_AST_PATH && !at) {
        OV_TRY(ov_plan_system(b->arena, system, &plan, err));
        return system_rel(b, system, plan, name, out, err);
    }
    const ov_datasource *datasource = NULL;
    if (ov_slice_eq(schema, OV_SLICE_LIT("druid")))
        datasource = b->env->tables.find(b->env->tables.find_self, name);
    if (!datasource)
        return no_such_table(b, path, schema, name, err);
    OV_TRY(turn_back(b, at, &datasource, err));
    OV_TRY(ov_plan_scan(b->arena, datasource, &plan, err));
    return ovi_sql_rel_of(b, plan, name, out, err);
}

/* ---- TABLE(APPEND('a', 'b')) ---- */

/* The column of this name, UINT32_MAX when the plan has none. */
static uint32_t column_named(const ov_plan *plan, ov_slice name)
{
    for (uint32_t i = 0; i < plan->field_count; i++)
        if (ov_slice_eq(plan->fields[i].name, name))
            return i;
    return UINT32_MAX;
}

/* All columns of all tables in the order of first sight, each with the type that holds every table's values. */
static OV_CHECKED ov_status all_fields(ovi_sql_binder *b, const ov_plan **tables, uint32_t count, ov_field **out, uint32_t *field_count,
                                       ov_error *err)
{
    uint32_t most = 0, n = 0;
    for (uint32_t i = 0; i < count; i++)
        most += tables[i]->field_count;
    OV_TRY(ov_arena_alloc(b->arena, (most + (size_t)1) * sizeof **out, out, err));
    for (uint32_t i = 0; i < count; i++)
        for (uint32_t c = 0; c < tables[i]->field_count; c++) {
            const ov_field *f = &tables[i]->fields[c];
            uint32_t k = 0;
            while (k < n && !ov_slice_eq((*out)[k].name, f->name))
                k++;
            if (k == n)
                (*out)[n++] = *f;
            else
                (*out)[k].type = ov_type_wider((*out)[k].type, f->type);
        }
    *field_count = n;
    return OV_OK;
}

/* Beside lists and documents of other tables a column is what it would be beside other segments; UNION ALL has the rules of the rest, and
 * the words when nothing holds both. */
static OV_CHECKED ov_status widen(ovi_sql_binder *b, ov_type type, const ov_expr **e, ov_error *err)
{
    bool stored = (*e)->sql == ov_sqltype_of_native((ov_type_id)(*e)->type.id) || ov_type_is_list((*e)->type);
    if (ov_type_eq((*e)->type, type) || !stored || !(ov_type_is_list(type) || type.id == OV_TYPE_COMPLEX))
        return OV_OK;
    const ov_expr *wide;
    ov_status st = ov_expr_widen(b->cx, *e, ov_sqltype_of_column(OV_SLICE_LIT(""), type), type, &wide, err);
    if (st == OV_OK)
        *e = wide;
    return st == OV_INVALID || st == OV_UNSUPPORTED ? OV_OK : st;
}

/* The table with exactly these columns; those it lacks are NULL. */
static OV_CHECKED ov_status with_columns(ovi_sql_binder *b, const ov_plan *table, const ov_field *fields, uint32_t count,
                                         const ov_plan **out, ov_error *err)
{
    const ov_expr **exprs;
    ov_slice *names;
    OV_TRY(ov_arena_alloc(b->arena, (count + (size_t)1) * sizeof *exprs, &exprs, err));
    OV_TRY(ov_arena_alloc(b->arena, (count + (size_t)1) * sizeof *names, &names, err));
    for (uint32_t i = 0; i < count; i++) {
        uint32_t c = column_named(table, fields[i].name);
        names[i] = fields[i].name;
        if (c == UINT32_MAX) {
            OV_TRY(ov_expr_null(b->cx, OV_SQL_NULL, &exprs[i], err));
            continue;
        }
        OV_TRY(ov_plan_column(b->cx, table, c, &exprs[i], err));
        OV_TRY(widen(b, fields[i].type, &exprs[i], err));
    }
    return ov_plan_project(b->arena, table, exprs, names, count, out, err);
}

static OV_CHECKED ov_status bind_append(ovi_sql_binder *b, const ov_ast *call, ovi_sql_rel *out,
                                        ov_error *err)
{
    const ov_ast *args = call->kids[OV_CALL_ARGS];
    const ov_plan **tables, *plan;
    ov_field *fields;
    uint32_t field_count;
    OV_TRY(ov_arena_alloc(b->arena, (args->kid_count + 1) * sizeof *tables, &tables, err));
    if (!args->kid_count)
        return ovi_sql_fail_node(b, call, OV_INVALID, err, NULL,
                                 "No tables found in the APPEND operator");
    for (uint32_t i = 0; i < args->kid_count; i++) {
        ov_ast name = *args->kids[i];
        ovi_sql_rel rel;
        if (name.kind != OV_AST_STRING)
            return ovi_sql_fail_node(b, args->kids[i], OV_INVALID, err, NULL,
                                     "APPEND takes names of tables as strings");
        name.kind = OV_AST_NAME;
        OV_TRY(bind_table(b, &name, NULL, &rel, err));
        tables[i] = rel.plan;
    }
    OV_TRY(all_fields(b, tables, args->kid_count, &fields, &field_count, err));
    for (uint32_t i = 0; i < args->kid_count; i++)
        OV_TRY(with_columns(b, tables[i], fields, field_count, &tables[i], err));
    OV_TRY(ovi_sql_union(b, call, "APPEND", tables, args->kid_count, &plan, err));
    return ovi_sql_rel_of(b, plan, ov_slice_make(NULL, 0), out, err);
}

static OV_CHECKED ov_status bind_table_call(ovi_sql_binder *b, const ov_ast *from, ovi_sql_rel *out,
                                            ov_error *err)
{
    const ov_ast *call = from->kids[0];
    if (ov_slice_ieq(call->text, OV_SLICE_LIT("APPEND")) && !from->kids[1])
        return bind_append(b, call, out, err);
    return ovi_sql_bind_extern(b, from, out, err);
}

/* ---- the rest ---- */

ov_status ovi_sql_bind_from(ovi_sql_binder *b, const ov_ast *from, ovi_sql_rel *out, ov_error *err)
{
    switch ((ov_ast_kind)from->kind) {
    case OV_AST_TABLE:
        if (from->kids[1])
            return ovi_sql_fail_node(b, from->kids[1], OV_UNSUPPORTED, err, NULL,
                                     "EXTEND is not supported yet");
        return bind_table(b, from->kids[0], NULL, out, err);
    case OV_AST_AS_OF:
        return bind_table(b, from->kids[0], from, out, err);
    case OV_AST_TABLE_ALIAS:
        if (ovi_sql_is_unnest(from))
            return ovi_sql_bind_unnest(b, from, NULL, false, out, err);
        OV_TRY(ovi_sql_bind_from(b, from->kids[0], out, err));
        return rename_columns(b, from->kids[1], from->kids[2], out, err);
    case OV_AST_DERIVED:
        OV_TRY(ovi_sql_bind_query(b, from->kids[0], out, err));
        return ovi_sql_unique_names(b, out, err);
    case OV_AST_JOIN:
        return ovi_sql_bind_join(b, from, NULL, out, err);
    case OV_AST_UNNEST:
        return ovi_sql_bind_unnest(b, from, NULL, false, out, err);
    case OV_AST_TABLE_CALL:
        return bind_table_call(b, from, out, err);
    case OV_AST_PIVOT:
        return ovi_sql_bind_pivot(b, from, out, err);
    case OV_AST_UNPIVOT:
        return ovi_sql_bind_unpivot(b, from, out, err);
    case OV_AST_GIVEN:
        *out = *b->given;
        return OV_OK;
    default:
        return ovi_sql_fail_node(b, from, OV_INVALID, err, NULL, "%s is no table",
                                 ov_ast_kind_name(from->kind));
    }
}
