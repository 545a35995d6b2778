/*
 * PIVOT and UNPIVOT in FROM, each as the SELECT it stands for: PIVOT groups by the columns it does not name, with one
 * filtered aggregate a value; UNPIVOT joins a list of numbered labels and picks a column by the number.
 */
#include "query/sql/bind_int.h"

enum { MOST_COLUMNS = 10000 };

/* ---- making trees ---- */

/* A node over `count` places for kids, standing where `at` stands. */
static OV_CHECKED ov_status make(ovi_sql_binder *b, ov_ast_kind kind, const ov_ast *at, uint32_t count, ov_ast **out,
                                 ov_error *err)
{
    OV_TRY(ov_arena_zalloc(b->arena, sizeof **out, out, err));
    OV_TRY(ov_arena_zalloc(b->arena, (count + (size_t)1) * sizeof *(*out)->kids, &(*out)->kids, err));
    (*out)->kind = (uint8_t)kind;
    (*out)->pos = at->pos;
    (*out)->end_pos = at->end_pos;
    (*out)->kid_count = count;
    return OV_OK;
}

static OV_CHECKED ov_status make_text(ovi_sql_binder *b, ov_ast_kind kind, const ov_ast *at, ov_slice text, ov_ast **out,
                                      ov_error *err)
{
    OV_TRY(make(b, kind, at, 0, out, err));
    (*out)->text = text;
    return OV_OK;
}

static OV_CHECKED ov_status make_pair(ovi_sql_binder *b, ov_ast_kind kind, const ov_ast *at, ov_ast *left,
                                      ov_ast *right, ov_ast **out, ov_error *err)
{
    OV_TRY(make(b, kind, at, 2, out, err));
    (*out)->kids[0] = left;
    (*out)->kids[1] = right;
    return OV_OK;
}

static OV_CHECKED ov_status make_alias(ovi_sql_binder *b, ov_ast *expr, ov_slice name, ov_ast **out, ov_error *err)
{
    ov_ast *as;
    OV_TRY(make_text(b, OV_AST_NAME, expr, name, &as, err));
    as->flags = OV_AST_QUOTED;
    return make_pair(b, OV_AST_ALIAS, expr, expr, as, out, err);
}

static OV_CHECKED ov_status make_number(ovi_sql_binder *b, const ov_ast *at, uint32_t n, ov_ast **out, ov_error *err)
{
    ov_slice text;
    OV_TRY(ov_arena_printf(b->arena, &text, err, "%u", n));
    return make_text(b, OV_AST_INTEGER, at, text, out, err);
}

/* SELECT items FROM from, everything else absent. */
static OV_CHECKED ov_status make_select(ovi_sql_binder *b, const ov_ast *at, ov_ast *items, ov_ast *from, ov_ast **out,
                                        ov_error *err)
{
    OV_TRY(make(b, OV_AST_SELECT, at, OV_SELECT_KIDS, out, err));
    (*out)->kids[OV_SELECT_ITEMS] = items;
    (*out)->kids[OV_SELECT_FROM] = from;
    return OV_OK;
}

static OV_CHECKED ov_status bind_over(ovi_sql_binder *b, const ovi_sql_rel *given, const ov_ast *select, ovi_sql_rel *out,
                                      ov_error *err)
{
    const ovi_sql_rel *before = b->given;
    b->given = given;
    ov_status st = ovi_sql_bind_select(b, select, NULL, out, err);
    b->given = before;
    return st;
}

/* Is a column of this name meant by any name below the node? */
static bool mentions(const ov_ast *node, ov_slice name)
{
    if (!node)
        return false;
    if (node->kind == OV_AST_NAME)
        return ov_slice_eq(node->text, name);
    if (node->kind == OV_AST_ALIAS)
        return mentions(node->kids[0], name);
    if (node->kind == OV_AST_PATH)
        return mentions(node->kids[node->kid_count - 1], name);
    for (uint32_t i = 0; i < node->kid_count; i++)
        if (mentions(node->kids[i], name))
            return true;
    return false;
}

static bool is_kept(const ovi_sql_column *c, const ov_ast *a, const ov_ast *b)
{
    return !c->unlisted && !c->only_by_table && !mentions(a, c->name) && !mentions(b, c->name);
}

static OV_CHECKED ov_status check_size(ovi_sql_binder *b, const ov_ast *at, uint64_t columns, ov_error *err)
{
    if (columns <= MOST_COLUMNS)
        return OV_OK;
    return ovi_sql_fail_node(b, at, OV_LIMIT, err, NULL, "This makes more than %d columns", MOST_COLUMNS);
}

/* The columns that stay, as items; of a table or a sub-query, by name. */
static OV_CHECKED ov_status add_kept(ovi_sql_binder *b, const ov_ast *at, const ovi_sql_rel *rel, const ov_ast *used,
                                     const ov_ast *used_too, ov_ast *list, ov_error *err)
{
    for (uint32_t i = 0; i < rel->column_count; i++) {
        const ovi_sql_column *c = &rel->columns[i];
        if (!is_kept(c, used, used_too))
            continue;
        ov_ast *name;
        OV_TRY(make_text(b, OV_AST_NAME, at, c->name, &name, err));
        name->flags = OV_AST_QUOTED;
        list->kids[list->kid_count++] = name;
    }
    return OV_OK;
}

/* ---- PIVOT ---- */

static ov_ast *value_of(ov_ast *item)
{
    return item->kind == OV_AST_ALIAS ? item->kids[0] : item;
}

/* What a value is called: its alias, or its text. */
static OV_CHECKED ov_status value_name(ovi_sql_binder *b, const ov_ast *item, ov_slice *out, ov_error *err)
{
    ov_buf text;
    if (item->kind == OV_AST_ALIAS) {
        *out = item->kids[1]->text;
        return OV_OK;
    }
    ov_buf_init(&text);
    uint32_t parts = item->kind == OV_AST_ROW ? item->kid_count : 1;
    for (uint32_t i = 0; i < parts; i++) {
        const ov_ast *part = item->kind == OV_AST_ROW ? item->kids[i] : item;
        ov_buf_add_str(&text, i ? "_" : "");
        if (part->kind == OV_AST_STRING || part->kind == OV_AST_NAME)
            ov_buf_add_slice(&text, part->text);
        else
            ov_ast_print(part, &text);
    }
    ov_status st = ov_buf_check(&text, err);
    if (st == OV_OK)
        st = ov_arena_copy(b->arena, ov_buf_slice(&text), out, err);
    ov_buf_fini(&text);
    return st;
}

/* axis = value, or axis IS NULL */
static OV_CHECKED ov_status one_equals(ovi_sql_binder *b, ov_ast *axis, ov_ast *value, ov_ast **out,
                                       ov_error *err)
{
    if (value->kind == OV_AST_NULL) {
        OV_TRY(make(b, OV_AST_IS, value, 1, out, err));
        (*out)->op = OV_IS_NULL;
        (*out)->kids[0] = axis;
        return OV_OK;
    }
    OV_TRY(make_pair(b, OV_AST_BINARY, value, axis, value, out, err));
    (*out)->op = OV_AST_OP_EQ;
    return OV_OK;
}

static OV_CHECKED ov_status condition_of(ovi_sql_binder *b, const ov_ast *axes, ov_ast *value, ov_ast **out,
                                         ov_error *err)
{
    uint32_t parts = value->kind == OV_AST_ROW ? value->kid_count : 1;
    if (parts != axes->kid_count)
        return ovi_sql_fail_node(b, value, OV_INVALID, err, NULL, "Value count in PIVOT (%u) must match number of FOR columns (%u)",
                                 parts, axes->kid_count);
    OV_TRY(make(b, OV_AST_AND, value, parts, out, err));
    for (uint32_t i = 0; i < parts; i++)
        OV_TRY(one_equals(b, axes->kids[i], value->kind == OV_AST_ROW ? value->kids[i] : value, &(*out)->kids[i], err));
    if (parts == 1)
        *out = (*out)->kids[0];
    return OV_OK;
}

/* The aggregate over the rows of one value. */
static OV_CHECKED ov_status filtered(ovi_sql_binder *b, ov_ast *item, ov_ast *condition, ov_ast **out, ov_error *err)
{
    const ov_ast *call = value_of(item);
    if (call->kind != OV_AST_CALL || call->kids[OV_CALL_OVER])
        return ovi_sql_fail_node(b, call, OV_INVALID, err, NULL, "Measure expression in PIVOT must use aggregate function");
    OV_TRY(make(b, OV_AST_CALL, call, OV_CALL_KIDS, out, err));
    ov_ast **kids = (*out)->kids;
    **out = *call;
    (*out)->kids = kids;
    memcpy(kids, call->kids, OV_CALL_KIDS * sizeof *kids);
    if (!kids[OV_CALL_FILTER]) {
        kids[OV_CALL_FILTER] = condition;
        return OV_OK;
    }
    return make_pair(b, OV_AST_AND, condition, kids[OV_CALL_FILTER], condition, &kids[OV_CALL_FILTER], err);
}

static OV_CHECKED ov_status add_value(ovi_sql_binder *b, const ov_ast *pivot, ov_ast *value, ov_ast *items,
                                      ov_error *err)
{
    const ov_ast *aggs = pivot->kids[1];
    ov_slice name;
    ov_ast *condition, *call;
    OV_TRY(value_name(b, value, &name, err));
    OV_TRY(condition_of(b, pivot->kids[2], value_of(value), &condition, err));
    for (uint32_t i = 0; i < aggs->kid_count; i++) {
        ov_slice full = name;
        const ov_ast *as = aggs->kids[i]->kind == OV_AST_ALIAS ? aggs->kids[i]->kids[1] : NULL;
        if (as)
            OV_TRY(ov_arena_printf(b->arena, &full, err, OV_SLICE_FMT "_" OV_SLICE_FMT, OV_SLICE_WHOLE(name),
                                   OV_SLICE_WHOLE(as->text)));
        OV_TRY(filtered(b, aggs->kids[i], condition, &call, err));
        OV_TRY(make_alias(b, call, full, &items->kids[items->kid_count++], err));
    }
    return OV_OK;
}

ov_status ovi_sql_bind_pivot(ovi_sql_binder *b, const ov_ast *pivot, ovi_sql_rel *out, ov_error *err)
{
    const ov_ast *aggs = pivot->kids[1], *axes = pivot->kids[2], *values = pivot->kids[3];
    ovi_sql_rel rel;
    ov_ast *items, *groups, *given, *select;
    OV_TRY(ovi_sql_bind_from(b, pivot->kids[0], &rel, err));
    uint64_t most = rel.column_count + (uint64_t)values->kid_count * aggs->kid_count;
    OV_TRY(check_size(b, pivot, most, err));
    OV_TRY(make(b, OV_AST_LIST, pivot, (uint32_t)most, &items, err));
    OV_TRY(make(b, OV_AST_LIST, pivot, rel.column_count, &groups, err));
    items->kid_count = groups->kid_count = 0;
    OV_TRY(add_kept(b, pivot, &rel, aggs, axes, items, err));
    OV_TRY(add_kept(b, pivot, &rel, aggs, axes, groups, err));
    for (uint32_t i = 0; i < values->kid_count; i++)
        OV_TRY(add_value(b, pivot, values->kids[i], items, err));
    OV_TRY(make(b, OV_AST_GIVEN, pivot, 0, &given, err));
    OV_TRY(make_select(b, pivot, items, given, &select, err));
    if (groups->kid_count)
        select->kids[OV_SELECT_GROUP] = groups;
    return bind_over(b, &rel, select, out, err);
}

/* ---- UNPIVOT ---- */

/* The labels of one item: what is written behind AS, or the names of its columns. */
static OV_CHECKED ov_status add_labels(ovi_sql_binder *b, const ov_ast *unpivot, const ov_ast *item, ov_ast *row,
                                       ov_error *err)
{
    const ov_ast *names = item->kids[0];
    ov_ast *label = item->kids[1];
    uint32_t axes = unpivot->kids[2]->kid_count, labels = label && label->kind == OV_AST_ROW ? label->kid_count : 1;
    ov_buf text;
    ov_slice joined;
    if (label && labels != axes)
        return ovi_sql_fail_node(b, label, OV_INVALID, err, NULL,
                                 "Value count in UNPIVOT (%u) must match number of FOR columns (%u)", labels, axes);
    for (uint32_t i = 0; label && i < axes; i++)
        row->kids[row->kid_count++] = label->kind == OV_AST_ROW ? label->kids[i] : label;
    if (label)
        return OV_OK;
    ov_buf_init(&text);
    for (uint32_t i = 0; i < names->kid_count; i++) {
        ov_buf_add_str(&text, i ? "_" : "");
        ov_buf_add_slice(&text, names->kids[i]->text);
    }
    ov_status st = ov_buf_check(&text, err);
    if (st == OV_OK)
        st = ov_arena_copy(b->arena, ov_buf_slice(&text), &joined, err);
    ov_buf_fini(&text);
    for (uint32_t i = 0; i < axes && st == OV_OK; i++)
        st = make_text(b, OV_AST_STRING, names, joined, &row->kids[row->kid_count++], err);
    return st;
}

static const char labels_name[] = "$unpivot";

static OV_CHECKED ov_status label_column(ovi_sql_binder *b, const ov_ast *at, uint32_t i, ov_ast **out, ov_error *err)
{
    ov_slice text;
    OV_TRY(ov_arena_printf(b->arena, &text, err, "$%u", i));
    return make_text(b, OV_AST_NAME, at, text, out, err);
}

/* "$unpivot"."$i" */
static OV_CHECKED ov_status label_path(ovi_sql_binder *b, const ov_ast *at, uint32_t i, ov_ast **out, ov_error *err)
{
    ov_ast *table, *column;
    OV_TRY(make_text(b, OV_AST_NAME, at, ov_slice_cstr(labels_name), &table, err));
    OV_TRY(label_column(b, at, i, &column, err));
    return make_pair(b, OV_AST_PATH, at, table, column, out, err);
}

/* GIVEN CROSS JOIN (VALUES (0, labels ...), (1, labels ...)) AS "$unpivot" ("$0", "$1", ...) */
static OV_CHECKED ov_status make_source(ovi_sql_binder *b, const ov_ast *unpivot, ov_ast **out, ov_error *err)
{
    const ov_ast *list = unpivot->kids[3];
    uint32_t width = 1 + unpivot->kids[2]->kid_count;
    ov_ast *values, *derived, *alias, *names, *given;
    OV_TRY(make(b, OV_AST_VALUES, unpivot, list->kid_count, &values, err));
    for (uint32_t i = 0; i < list->kid_count; i++) {
        ov_ast *row;
        OV_TRY(make(b, OV_AST_ROW, list->kids[i], width, &row, err));
        row->kid_count = 0;
        OV_TRY(make_number(b, list->kids[i], i, &row->kids[row->kid_count++], err));
        OV_TRY(add_labels(b, unpivot, list->kids[i], row, err));
        values->kids[i] = row;
    }
    OV_TRY(make(b, OV_AST_DERIVED, unpivot, 1, &derived, err));
    derived->kids[0] = values;
    OV_TRY(make(b, OV_AST_LIST, unpivot, width, &names, err));
    for (uint32_t i = 0; i < width; i++)
        OV_TRY(label_column(b, unpivot, i, &names->kids[i], err));
    OV_TRY(make(b, OV_AST_TABLE_ALIAS, unpivot, 3, &alias, err));
    alias->kids[0] = derived;
    OV_TRY(make_text(b, OV_AST_NAME, unpivot, ov_slice_cstr(labels_name), &alias->kids[1], err));
    alias->kids[2] = names;
    OV_TRY(make(b, OV_AST_GIVEN, unpivot, 0, &given, err));
    OV_TRY(make(b, OV_AST_JOIN, unpivot, OV_JOIN_KIDS, out, err));
    (*out)->op = OV_JOIN_CROSS;
    (*out)->kids[OV_JOIN_LEFT_KID] = given;
    (*out)->kids[OV_JOIN_RIGHT_KID] = alias;
    return OV_OK;
}

/* Labels that are texts are VARCHAR, however long each is. */
static OV_CHECKED ov_status make_axis(ovi_sql_binder *b, const ov_ast *unpivot, uint32_t i, ov_ast **out, ov_error *err)
{
    const ov_ast *list = unpivot->kids[3];
    ov_ast *path, *type;
    bool texts = true;
    OV_TRY(label_path(b, unpivot->kids[2]->kids[i], 1 + i, &path, err));
    for (uint32_t k = 0; k < list->kid_count; k++) {
        const ov_ast *label = list->kids[k]->kids[1];
        texts = texts && (!label || (label->kind == OV_AST_ROW ? label->kids[i] : label)->kind == OV_AST_STRING);
    }
    *out = path;
    if (!texts)
        return OV_OK;
    OV_TRY(make_text(b, OV_AST_TYPE, path, OV_SLICE_LIT("VARCHAR"), &type, err));
    return make_pair(b, OV_AST_CAST, path, path, type, out, err);
}

/* CASE "$0" WHEN 0 THEN a WHEN 1 THEN b END: measure m of every item */
static OV_CHECKED ov_status make_measure(ovi_sql_binder *b, const ov_ast *unpivot, uint32_t m, ov_ast **out, ov_error *err)
{
    const ov_ast *list = unpivot->kids[3];
    ov_ast *whens, *number;
    OV_TRY(make(b, OV_AST_LIST, unpivot, list->kid_count, &whens, err));
    for (uint32_t i = 0; i < list->kid_count; i++) {
        const ov_ast *names = list->kids[i]->kids[0];
        if (names->kid_count != unpivot->kids[1]->kid_count)
            return ovi_sql_fail_node(b, names, OV_INVALID, err, NULL,
                                     "Column count in UNPIVOT (%u) must match number of measures (%u)",
                                     names->kid_count, unpivot->kids[1]->kid_count);
        OV_TRY(make_number(b, names, i, &number, err));
        OV_TRY(make_pair(b, OV_AST_WHEN, names, number, names->kids[m], &whens->kids[i], err));
    }
    OV_TRY(make(b, OV_AST_CASE, unpivot, 3, out, err));
    OV_TRY(label_path(b, unpivot, 0, &(*out)->kids[0], err));
    (*out)->kids[1] = whens;
    return OV_OK;
}

ov_status ovi_sql_bind_unpivot(ovi_sql_binder *b, const ov_ast *unpivot, ovi_sql_rel *out, ov_error *err)
{
    const ov_ast *measures = unpivot->kids[1], *axes = unpivot->kids[2], *list = unpivot->kids[3];
    ovi_sql_rel rel;
    ov_ast *items, *source, *select, *known, *e, *columns;
    OV_TRY(ovi_sql_bind_from(b, unpivot->kids[0], &rel, err));
    uint64_t most = (uint64_t)rel.column_count + measures->kid_count + axes->kid_count;
    OV_TRY(check_size(b, unpivot, OV_MAX(most, (uint64_t)list->kid_count), err));
    OV_TRY(make(b, OV_AST_LIST, unpivot, list->kid_count, &columns, err));
    for (uint32_t i = 0; i < list->kid_count; i++)
        columns->kids[i] = list->kids[i]->kids[0];
    OV_TRY(make(b, OV_AST_LIST, unpivot, (uint32_t)most, &items, err));
    items->kid_count = 0;
    OV_TRY(add_kept(b, unpivot, &rel, columns, NULL, items, err));
    for (uint32_t i = 0; i < axes->kid_count; i++) {
        OV_TRY(make_axis(b, unpivot, i, &e, err));
        OV_TRY(make_alias(b, e, axes->kids[i]->text, &items->kids[items->kid_count++], err));
    }
    OV_TRY(make(b, OV_AST_OR, unpivot, measures->kid_count, &known, err));
    for (uint32_t i = 0; i < measures->kid_count; i++) {
        OV_TRY(make_measure(b, unpivot, i, &e, err));
        OV_TRY(make_alias(b, e, measures->kids[i]->text, &items->kids[items->kid_count++], err));
        OV_TRY(make(b, OV_AST_IS, unpivot, 1, &known->kids[i], err));
        known->kids[i]->op = OV_IS_NULL;
        known->kids[i]->flags = OV_AST_NEGATED;
        known->kids[i]->kids[0] = e;
    }
    OV_TRY(make_source(b, unpivot, &source, err));
    OV_TRY(make_select(b, unpivot, items, source, &select, err));
    if (!(unpivot->flags & OV_AST_INCLUDE_NULLS))
        select->kids[OV_SELECT_WHERE] = measures->kid_count == 1 ? known->kids[0] : known;
    return bind_over(b, &rel, select, out, err);
}
