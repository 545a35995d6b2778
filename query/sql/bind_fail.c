/* Sentences about names, types and clauses: what is wrong, where, and what would be right. */
#include "query/sql/bind_int.h"

#include <stdio.h>

#include "base/datetime.h"
#include "base/suggest.h"

ov_status ovi_sql_fail_node(const ovi_sql_binder *b, const ov_ast *node, ov_status code,
                            ov_error *err, const char *hint, const char *fmt, ...)
{
    char sentence[OV_ERROR_TEXT_BYTES - OV_SUGGEST_BYTES - 64];
    uint32_t line, column;
    va_list args;
    va_start(args, fmt);
    vsnprintf(sentence, sizeof sentence, fmt, args);
    va_end(args);
    ov_sql_line_column(b->text, node->pos, &line, &column);
    return ov_fail_at(err, code, node->pos, node->end_pos, "%s (line [%u], column [%u])%s",
                      sentence, line, column, hint ? hint : "");
}

ov_status ovi_sql_fail_ordinal(const ovi_sql_binder *b, const ov_ast *number, uint32_t items, ov_error *err)
{
    char hint[96];
    snprintf(hint, sizeof hint, items == 1 ? "; the select list has one item" : "; the select list has %u items", items);
    return ovi_sql_fail_node(b, number, OV_INVALID, err, hint, "Ordinal out of range");
}

ov_status ovi_sql_fail_unit(const ovi_sql_binder *b, const ov_ast *unit, ov_error *err)
{
    static const char *const units[] = {"SECOND", "MINUTE", "HOUR", "DAY", "WEEK", "MONTH", "QUARTER", "YEAR"};
    ov_slice near = ov_suggest_of(unit->text, units, OV_COUNT_OF(units));
    char hint[OV_SUGGEST_BYTES];
    if (near.n)
        snprintf(hint, sizeof hint, "; did you mean '" OV_SLICE_FMT "'?", OV_SLICE_ARG(near));
    else
        snprintf(hint, sizeof hint, "; units are SECOND, MINUTE, HOUR, DAY, WEEK, MONTH, QUARTER and YEAR, of EXTRACT also EPOCH, DOW and DOY");
    return ovi_sql_fail_node(b, unit, OV_INVALID, err, hint, "'" OV_SLICE_FMT "' is not a valid time frame",
                             OV_SLICE_ARG(unit->text));
}

ov_status ovi_sql_fail_type(const ovi_sql_binder *b, const ov_ast *type, ov_error *err)
{
    static const struct {
        const char *word, *ours;
    } others[] = {{"BOOL", "BOOLEAN"},     {"BYTEA", "VARCHAR"},      {"DATETIME", "TIMESTAMP"}, {"FLOAT4", "FLOAT"},
                  {"FLOAT64", "DOUBLE"},   {"FLOAT8", "DOUBLE"},      {"INT2", "SMALLINT"},      {"INT4", "INTEGER"},
                  {"INT64", "BIGINT"},     {"INT8", "BIGINT"},        {"JSON", "VARCHAR"},       {"JSONB", "VARCHAR"},
                  {"NUMBER", "DECIMAL"},   {"NVARCHAR", "VARCHAR"},   {"SIGNED", "BIGINT"},      {"TEXT", "VARCHAR"},
                  {"TIMESTAMPTZ", "TIMESTAMP"}, {"UNSIGNED", "BIGINT"}, {"UUID", "VARCHAR"},     {"VARCHAR2", "VARCHAR"}};
    static const char *const ours[] = {"VARCHAR", "CHAR",    "BIGINT",  "INTEGER",   "SMALLINT", "TINYINT", "DOUBLE",
                                       "FLOAT",   "REAL",    "DECIMAL", "BOOLEAN",   "TIMESTAMP", "DATE"};
    char hint[OV_SUGGEST_BYTES] = "; types are VARCHAR, BIGINT, INTEGER, DOUBLE, FLOAT, DECIMAL, BOOLEAN, TIMESTAMP, DATE and arrays of them";
    ov_slice near = ov_suggest_of(type->text, ours, OV_COUNT_OF(ours));
    for (size_t i = 0; i < OV_COUNT_OF(others); i++)
        if (ov_slice_ieq(type->text, ov_slice_cstr(others[i].word)))
            near = ov_slice_cstr(others[i].ours);
    if (near.n)
        snprintf(hint, sizeof hint, "; did you mean '" OV_SLICE_FMT "'?", OV_SLICE_ARG(near));
    return ovi_sql_fail_node(b, type, OV_INVALID, err, hint, "Unknown identifier '" OV_SLICE_FMT "'",
                             OV_SLICE_ARG(type->text));
}

ov_status ovi_sql_fail_condition(const ovi_sql_names *n, const ov_ast *ast, const ov_expr *e, ov_error *err)
{
    char hint[128];
    bool number = ov_sqltype_is_number((ov_sqltype)e->sql);
    snprintf(hint, sizeof hint, "; this is %s: compare it, as in x = %s", ov_sqltype_name((ov_sqltype)e->sql),
             number ? "1" : "'...'");
    return ovi_sql_fail_node(n->b, ast, OV_INVALID, err, hint, "%s clause must be a condition", n->clause);
}

/* ---- columns ---- */

static bool has_table(const ovi_sql_rel *rel, ov_slice table)
{
    for (uint32_t i = 0; i < rel->column_count; i++)
        if (ov_slice_eq(rel->columns[i].table, table))
            return true;
    return false;
}

/* JSON, of which name.part is a habit of other databases. */
static bool is_json(const ovi_sql_rel *rel, ov_slice name)
{
    for (uint32_t i = 0; i < rel->column_count; i++) {
        const ov_field *f = &rel->plan->fields[rel->columns[i].column];
        if (ov_slice_eq(rel->columns[i].name, name) && f->type.id == OV_TYPE_COMPLEX && !ov_type_is_list(f->type))
            return true;
    }
    return false;
}

/* Is it the alias of a select item, in a clause that does not see aliases? */
static bool is_unseen_alias(const ovi_sql_names *n, ov_slice name)
{
    const ov_ast *items = n->select ? n->select->kids[OV_SELECT_ITEMS] : NULL;
    for (uint32_t i = 0; items && i < items->kid_count; i++)
        if (items->kids[i]->kind == OV_AST_ALIAS && ov_slice_eq(items->kids[i]->kids[1]->text, name))
            return true;
    return false;
}

/* What may be meant by a name without a table that no column has. */
static const char *name_hint(const ovi_sql_names *n, const ov_ast *name, char hint[OV_SUGGEST_BYTES])
{
    ov_suggest near;
    ov_time_unit unit;
    if (n->clause && strcmp(n->clause, "OVERWRITE WHERE") == 0)
        return strcpy(hint, "; OVERWRITE WHERE names a time interval: it sees __time alone");
    if (is_unseen_alias(n, name->text)) {
        snprintf(hint, OV_SUGGEST_BYTES, "; %s sees no alias of the select list: write the expression%s", n->clause,
                 strcmp(n->clause, "WHERE") == 0 ? ", or HAVING for an aggregate" : "");
        return hint;
    }
    ov_suggest_init(&near, name->text);
    for (uint32_t i = 0; i < n->rel->column_count; i++)
        ov_suggest_offer(&near, n->rel->columns[i].name);
    for (uint32_t i = 0; n->alias_use && i < n->item_count; i++)
        ov_suggest_offer(&near, n->items[i].name);
    ov_suggest_text(&near, hint);
    if (!hint[0] && (name->flags & OV_AST_QUOTED))
        snprintf(hint, OV_SUGGEST_BYTES, "; double quotes are for names, text is written '...'");
    else if (!hint[0] && ov_time_unit_find(name->text, &unit))
        snprintf(hint, OV_SUGGEST_BYTES, "; as an argument a unit of time is quoted: '" OV_SLICE_FMT "'", OV_SLICE_ARG(name->text));
    else if (!hint[0] && n->rel->column_count == 0)
        snprintf(hint, OV_SUGGEST_BYTES, "; there is no FROM");
    return hint;
}

ov_status ovi_sql_fail_column(const ovi_sql_names *n, const ov_ast *name, ov_error *err)
{
    const ov_ast *last = name, *table = NULL;
    char hint[OV_SUGGEST_BYTES];
    ov_suggest near;
    if (name->kind == OV_AST_PATH) {
        last = name->kids[name->kid_count - 1];
        table = name->kids[name->kid_count - 2];
    }
    if (table && !has_table(n->rel, table->text)) {
        ov_suggest_init(&near, table->text);
        if (is_json(n->rel, table->text))
            snprintf(hint, sizeof hint, "; " OV_SLICE_FMT " is a column of JSON: write JSON_VALUE(" OV_SLICE_FMT ", '$." OV_SLICE_FMT "')",
                     OV_SLICE_ARG(table->text), OV_SLICE_ARG(table->text), OV_SLICE_ARG(last->text));
        for (uint32_t i = 0; i < n->rel->column_count; i++)
            ov_suggest_offer(&near, n->rel->columns[i].table);
        if (!is_json(n->rel, table->text))
            ov_suggest_text(&near, hint);
        return ovi_sql_fail_node(n->b, table, OV_INVALID, err, hint,
                                 "Table '" OV_SLICE_FMT "' not found", OV_SLICE_ARG(table->text));
    }
    ov_suggest_init(&near, last->text);
    for (uint32_t i = 0; i < n->rel->column_count; i++)
        ov_suggest_offer(&near, n->rel->columns[i].name);
    if (table)
        return ovi_sql_fail_node(n->b, last, OV_INVALID, err, ov_suggest_text(&near, hint),
                                 "Column '" OV_SLICE_FMT "' not found in table '" OV_SLICE_FMT "'",
                                 OV_SLICE_ARG(last->text), OV_SLICE_ARG(table->text));
    return ovi_sql_fail_node(n->b, name, OV_INVALID, err, name_hint(n, name, hint),
                             "Column '" OV_SLICE_FMT "' not found in any table",
                             OV_SLICE_ARG(last->text));
}
