/* The entry of the folder: statements to plans, and the settings in front of them. */
#include "query/sql/sql.h"

#include <stdio.h>

#include "query/sql/bind_int.h"

/* Where the hint of a sentence starts; NULL for none. */
static char *hint_of(char *text)
{
    static const char *const starts[] = {"; did you mean ", "; write ", "; it is called as ", "; units are "};
    for (size_t i = 0; i < OV_COUNT_OF(starts); i++) {
        char *at = strstr(text, starts[i]);
        if (at)
            return at;
    }
    return NULL;
}

void ov_sql_place_error(ov_slice text, ov_error *err)
{
    char sentence[OV_ERROR_TEXT_BYTES];
    uint32_t line, column;
    if (!err->has_pos || strstr(err->text, "(line [") || strstr(err->text, "(position ["))
        return;
    ov_sql_line_column(text, err->pos, &line, &column);
    char *hint = hint_of(err->text);
    size_t head = hint ? (size_t)(hint - err->text) : strlen(err->text);
    snprintf(sentence, sizeof sentence, "%.*s (line [%u], column [%u])%s", (int)OV_MIN(head, 900u),
             err->text, line, column, hint ? hint : "");
    memcpy(err->text, sentence, sizeof sentence);
}

static OV_CHECKED ov_status plan_query(ovi_sql_binder *b, const ov_ast *query, const ov_plan **out,
                                       const ov_query_write **write, ov_error *err)
{
    ovi_sql_rel rel;
    *write = NULL;
    if (query->kind == OV_AST_INSERT)
        return ovi_sql_bind_insert(b, query, out, write, err);
    OV_TRY(ovi_sql_bind_query(b, query, &rel, err));
    *out = rel.plan;
    if (b->env->finalize_sketches)
        OV_TRY(ovi_sql_finalize(b, *out, out, err));
    if (b->env->outer_limit != OV_NO_LIMIT)
        return ov_plan_limit(b->arena, *out, b->env->outer_limit, 0, out, err);
    return OV_OK;
}

static OV_CHECKED ov_status plan_statement(ovi_sql_binder *b, const ov_ast *statement,
                                           ov_sql_statement *out, ov_error *err)
{
    if (statement->kind != OV_AST_EXPLAIN)
        return plan_query(b, statement, &out->plan, &out->write, err);
    const ov_query_write *write;
    b->explains = !(statement->flags & OV_AST_ANALYZE);
    OV_TRY(plan_query(b, statement->kids[0], &out->plan, &write, err));
    out->analyze = statement->flags & OV_AST_ANALYZE;
    out->explain = !out->analyze;
    return out->analyze ? OV_OK : ovi_sql_explain(b, out->plan, write, &out->plan, err);
}

ov_status ov_sql_plan(const ov_sql_env *env, const ov_sql_parsed *parsed, ov_sql_statement *out,
                      ov_error *err)
{
    ovi_sql_binder b = {.env = env, .cx = env->cx, .arena = env->cx->arena, .text = parsed->text};
    const ov_ast *statement = parsed->script->kids[1];
    *out = (ov_sql_statement){0};
    if (!statement)
        return ovi_sql_fail_node(&b, parsed->script, OV_INVALID, err, NULL,
                                 "SET statements must be followed by a query");
    if (env->param_count > 0 && parsed->param_count > env->param_count)
        return ov_fail(err, OV_INVALID, "No value bound for parameter (position [%u])",
                       env->param_count + 1);
    ov_status st = plan_statement(&b, statement, out, err);
    if (st != OV_OK)
        ov_sql_place_error(parsed->text, err);
    return st;
}

ov_status ov_sql_settings(const ov_sql_parsed *parsed, ov_arena *arena, const ov_sql_setting **out,
                          uint32_t *count, ov_error *err)
{
    const ov_ast *sets = parsed->script->kids[0];
    ov_sql_setting *settings;
    *count = sets ? sets->kid_count : 0;
    OV_TRY(ov_arena_zalloc(arena, (*count + 1) * sizeof *settings, &settings, err));
    for (uint32_t i = 0; i < *count; i++) {
        const ov_ast *set = sets->kids[i], *value = set->kids[1];
        ov_sql_setting *s = &settings[i];
        *s = (ov_sql_setting){.name = set->kids[0]->text,
                              .value = value->text,
                              .pos = set->pos,
                              .end_pos = set->end_pos};
        s->is_null = value->kind == OV_AST_NULL;
        if (value->kind == OV_AST_BOOLEAN)
            s->value = value->op ? OV_SLICE_LIT("true") : OV_SLICE_LIT("false");
        else if (value->kind == OV_AST_UNARY)
            OV_TRY(ov_arena_printf(arena, &s->value, err, "-%.*s",
                                   OV_SLICE_WHOLE(value->kids[0]->text)));
        else
            s->is_string = value->kind >= OV_AST_STRING && !s->is_null;
    }
    *out = settings;
    return OV_OK;
}
