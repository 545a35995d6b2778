#include "query/plan/plan_tables.h"

enum { FEW_ROWS = 1 << 16 };

static ov_status copy_table(const ov_datasource *from, ov_arena *a, ov_plan_table **out, ov_error *err)
{
    ov_schema_column *columns;
    ov_plan_table *t;
    OV_TRY(ov_arena_zalloc(a, sizeof *t, &t, err));
    OV_TRY(ov_arena_alloc(a, sizeof *t->copy, &t->copy, err));
    OV_TRY(ov_arena_alloc(a, (from->column_count + (size_t)1) * sizeof *columns, &columns, err));
    *t->copy = *from;
    OV_TRY(ov_arena_copy(a, from->name, &t->copy->name, err));
    for (uint32_t i = 0; i < from->column_count; i++) {
        columns[i] = from->columns[i];
        OV_TRY(ov_arena_copy(a, from->columns[i].name, &columns[i].name, err));
    }
    t->copy->columns = columns;
    *out = t;
    return OV_OK;
}

const ov_datasource *ov_plan_tables_find(const void *tables, ov_slice name)
{
    ov_plan_tables *t = (ov_plan_tables *)(uintptr_t)tables;
    ov_error ignored = OV_ERROR_INIT;
    ov_plan_table *made;
    for (const ov_plan_table *known = t->list; known; known = known->next)
        if (ov_slice_eq(known->copy->name, name))
            return known->copy;
    const ov_datasource *found = ov_snapshot_find(t->snapshot, name);
    if (!found)
        return NULL;
    if (copy_table(found, t->arena, &made, &ignored) != OV_OK) {
        t->failed = true;
        return found;
    }
    made->next = t->list;
    t->list = made;
    return made->copy;
}

void ov_plan_tables_detach(ov_plan_tables *t)
{
    for (ov_plan_table *k = t->list; k; k = k->next) {
        k->copy->segments = NULL;
        k->copy->segment_count = 0;
    }
    t->snapshot = NULL;
}

static bool same_columns(const ov_datasource *a, const ov_datasource *b)
{
    if (a->column_count != b->column_count)
        return false;
    for (uint32_t i = 0; i < a->column_count; i++)
        if (!ov_type_eq(a->columns[i].type, b->columns[i].type) || a->columns[i].role != b->columns[i].role ||
            !ov_slice_eq(a->columns[i].name, b->columns[i].name))
            return false;
    return true;
}

static bool many_more(uint64_t a, uint64_t b)
{
    return a / 2 > b && a > FEW_ROWS;
}

bool ov_plan_tables_fit(const ov_plan_tables *t, const ov_snapshot *snapshot)
{
    for (const ov_plan_table *k = t->list; k; k = k->next) {
        const ov_datasource *now = ov_snapshot_find(snapshot, k->copy->name);
        if (!now || !same_columns(now, k->copy) || many_more(now->rows, k->copy->rows) || many_more(k->copy->rows, now->rows))
            return false;
    }
    return true;
}

const ov_datasource *ov_plan_datasource(const ov_plan *scan, const ov_snapshot *snapshot)
{
    const ov_datasource *ds = scan->scan.datasource;
    const ov_datasource *now = ds->segments ? NULL : ov_snapshot_find(snapshot, ds->name);
    return now ? now : ds;
}
