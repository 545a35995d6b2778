/*
 * INSERT INTO EXTERN(local(exportPath => '...')) AS CSV: a query whose rows go to files instead of a datasource. Its fields are
 * the query's, under any names and in their order; where the files may lie is for the caller to say.
 *
 * Source: Druid's docs/multi-stage-query/reference.md, "EXTERN to export to a destination".
 */
#include "query/sql/bind_int.h"

#define FORM "INSERT INTO EXTERN(local(exportPath => '/folder/for/files')) AS CSV SELECT ..."

static OV_CHECKED ov_status bad_destination(ovi_sql_binder *b, const ov_ast *at, ov_error *err)
{
    return ovi_sql_fail_node(b, at, OV_INVALID, err, NULL, "EXTERN takes one destination here; write " FORM);
}

/* exportPath of local(...), the one kind of destination. */
static OV_CHECKED ov_status bind_path(ovi_sql_binder *b, const ov_ast *target, ov_slice *out, ov_error *err)
{
    const ov_ast *args = target->kids[OV_CALL_ARGS];
    const ov_ast *to = args && args->kid_count == 1 ? args->kids[0] : NULL;
    if (!to || to->kind != OV_AST_CALL)
        return bad_destination(b, target, err);
    if (!ov_slice_ieq(to->text, OV_SLICE_LIT("local")))
        return ovi_sql_fail_node(b, to, OV_UNSUPPORTED, err, NULL,
                                 "Exporting to " OV_SLICE_FMT " is not supported; local(exportPath => '...') is",
                                 OV_SLICE_ARG(to->text));
    args = to->kids[OV_CALL_ARGS];
    const ov_ast *arg = args && args->kid_count == 1 ? args->kids[0] : NULL;
    if (!arg || arg->kind != OV_AST_NAMED_ARG || !ov_slice_ieq(arg->kids[0]->text, OV_SLICE_LIT("exportPath")) ||
        arg->kids[1]->kind != OV_AST_STRING || arg->kids[1]->text.n == 0)
        return ovi_sql_fail_node(b, to, OV_INVALID, err, NULL, "local takes one parameter, exportPath => '...'; write " FORM);
    return ov_arena_copy(b->arena, arg->kids[1]->text, out, err);
}

static OV_CHECKED ov_status check_clauses(ovi_sql_binder *b, const ov_ast *ast, ov_error *err)
{
    const ov_ast *target = ast->kids[OV_INSERT_TARGET];
    const ov_ast *order = ast->kids[OV_INSERT_PARTITIONED] ? ast->kids[OV_INSERT_PARTITIONED] : ast->kids[OV_INSERT_CLUSTERED];
    if (ast->flags & OV_AST_REPLACE)
        return ovi_sql_fail_node(b, target, OV_INVALID, err, NULL,
                                 "REPLACE operations do not support EXTERN destinations; write " FORM);
    if (!ast->text.n)
        return ovi_sql_fail_node(b, target, OV_INVALID, err, NULL,
                                 "Exporting needs the format of the files behind EXTERN; write " FORM);
    if (!ov_slice_ieq(ast->text, OV_SLICE_LIT("CSV")))
        return ovi_sql_fail_node(b, target, OV_INVALID, err, NULL, "Exporting as " OV_SLICE_FMT " is not supported; AS CSV is",
                                 OV_SLICE_ARG(ast->text));
    if (ast->kids[OV_INSERT_COLUMNS])
        return ovi_sql_fail_node(b, ast->kids[OV_INSERT_COLUMNS], OV_INVALID, err, NULL,
                                 "Exporting takes no list of columns; name them in the query");
    if (order)
        return ovi_sql_fail_node(b, order, OV_INVALID, err, NULL,
                                 "Export statements do not support a PARTITIONED BY or CLUSTERED BY clause.");
    return OV_OK;
}

ov_status ovi_sql_bind_export(ovi_sql_binder *b, const ov_ast *ast, const ov_plan **plan, const ov_query_write **out,
                              ov_error *err)
{
    ov_query_write *w;
    ovi_sql_rel rel;
    OV_TRY(check_clauses(b, ast, err));
    OV_TRY(ov_arena_zalloc(b->arena, sizeof *w, &w, err));
    OV_TRY(bind_path(b, ast->kids[OV_INSERT_TARGET], &w->export_path, err));
    w->datasource = OV_SLICE_LIT("__query_select");
    OV_TRY(ovi_sql_bind_query(b, ast->kids[OV_INSERT_QUERY], &rel, err));
    *plan = rel.plan;
    *out = w;
    return OV_OK;
}
