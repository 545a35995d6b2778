/* What names mean: columns of a relation, aliases of select items; and names that must differ. Long lists are
 * looked into by hash, so that a statement of a hundred thousand columns is bound in one pass. */
#include "query/sql/bind_int.h"

#include "base/hash.h"

enum { FEW = 16 }; /* columns that are sooner compared than hashed */

ov_status ovi_sql_index_names(ovi_sql_binder *b, ovi_sql_rel *rel, ov_error *err)
{
    rel->by_name = (ov_places){0};
    for (uint32_t i = 0; rel->column_count > FEW && i < rel->column_count; i++)
        OV_TRY(ov_places_add(&rel->by_name, b->arena, ov_hash_slice(rel->columns[i].name), err));
    return OV_OK;
}

/* Column c may be what the name means: *out, unless another one was already. */
static OV_CHECKED ov_status consider(ovi_sql_binder *b, const ovi_sql_column *c, const ov_ast *name,
                                     const ov_ast *last, const ov_ast *table, const ovi_sql_column **out,
                                     ov_error *err)
{
    if (!ov_slice_eq(c->name, last->text) ||
        (table ? !ov_slice_eq(c->table, table->text) : c->only_by_table))
        return OV_OK;
    if (*out && !c->unlisted && !(*out)->unlisted)
        return ovi_sql_fail_node(b, name, OV_INVALID, err, NULL, "Column '" OV_SLICE_FMT "' is ambiguous",
                                 OV_SLICE_ARG(last->text));
    if (!*out || (*out)->unlisted)
        *out = c;
    return OV_OK;
}

ov_status ovi_sql_find_column(ovi_sql_binder *b, const ovi_sql_rel *rel, const ov_ast *name,
                              const ovi_sql_column **out, ov_error *err)
{
    const ov_ast *last = name, *table = NULL;
    if (name->kind == OV_AST_PATH) { /* only t.c counts; schemas in front change nothing */
        last = name->kids[name->kid_count - 1];
        table = name->kids[name->kid_count - 2];
    }
    *out = NULL;
    if (rel->by_name.count) {
        OV_EACH_PLACE(&rel->by_name, ov_hash_slice(last->text), i, slot)
            OV_TRY(consider(b, &rel->columns[i], name, last, table, out, err));
        return OV_OK;
    }
    for (uint32_t i = 0; i < rel->column_count; i++)
        OV_TRY(consider(b, &rel->columns[i], name, last, table, out, err));
    return OV_OK;
}

ov_status ovi_sql_find_alias(ovi_sql_names *n, const ov_ast *name, const ov_expr **out, ov_error *err)
{
    *out = NULL;
    if (name->kind != OV_AST_NAME || n->in_aggregate || !n->by_name)
        return OV_OK;
    OV_EACH_PLACE(n->by_name, ov_hash_slice(name->text), i, slot) {
        const ovi_sql_item *item = &n->items[i];
        if (!item->has_alias || !ov_slice_eq(item->name, name->text))
            continue;
        if (*out && !ov_expr_equal(*out, item->expr))
            return ovi_sql_fail_node(n->b, name, OV_INVALID, err, NULL,
                                     "Column '" OV_SLICE_FMT "' is ambiguous",
                                     OV_SLICE_ARG(name->text));
        *out = item->expr;
    }
    if (*out && !n->windows && ovi_sql_reads_window(*out))
        return ovi_sql_fail_node(n->b, name, OV_INVALID, err, "; QUALIFY keeps rows by what windows give",
                                 "Windowed aggregate expression is illegal in %s clause", n->clause);
    return OV_OK;
}

ov_status ovi_sql_name_items(ovi_sql_binder *b, ovi_sql_item *items, uint32_t count, ov_places *by_name, ov_error *err)
{
    uint32_t different = 0;
    for (uint32_t i = 0; i < count; i++) {
        bool taken = false;
        if (!items[i].name.p)
            OV_TRY(ov_arena_printf(b->arena, &items[i].name, err, "EXPR$%u", different));
        uint64_t hash = ov_hash_slice(items[i].name);
        OV_EACH_PLACE(by_name, hash, k, slot)
            if ((taken = ov_slice_eq(items[k].name, items[i].name)))
                break;
        different += !taken;
        OV_TRY(ov_places_add(by_name, b->arena, hash, err));
    }
    return OV_OK;
}

/* The first column in front of `at` with this name; OV_NO_PLACE: it is free. */
static uint32_t taken_by(const ov_places *by_name, const ovi_sql_column *columns, ov_slice name)
{
    OV_EACH_PLACE(by_name, ov_hash_slice(name), i, slot)
        if (ov_slice_eq(columns[i].name, name))
            return i;
    return OV_NO_PLACE;
}

ov_status ovi_sql_unique_names(ovi_sql_binder *b, ovi_sql_rel *rel, ov_error *err)
{
    ovi_sql_column *columns;
    ov_places by_name = {0};
    uint32_t n = rel->column_count, *tried; /* by the first column of a name: numbers that are taken for sure */
    OV_TRY(ov_arena_alloc(b->arena, (n + (size_t)1) * sizeof *columns, &columns, err));
    OV_TRY(ov_arena_zalloc(b->arena, (n + (size_t)1) * sizeof *tried, &tried, err));
    for (uint32_t i = 0; i < n; i++) {
        ov_slice name = rel->columns[i].name;
        uint32_t first = taken_by(&by_name, columns, name);
        columns[i] = rel->columns[i];
        while (first != OV_NO_PLACE && taken_by(&by_name, columns, columns[i].name) != OV_NO_PLACE)
            OV_TRY(ov_arena_printf(b->arena, &columns[i].name, err, OV_SLICE_FMT "%u", OV_SLICE_WHOLE(name),
                                   tried[first]++));
        OV_TRY(ov_places_add(&by_name, b->arena, ov_hash_slice(columns[i].name), err));
    }
    rel->columns = columns;
    return OV_OK;
}
