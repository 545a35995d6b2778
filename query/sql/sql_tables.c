/* Names of datasources as a snapshot of the catalog knows them. */
#include "query/sql/sql.h"

#include "storage/catalog/keys.h"

static const ov_datasource *snapshot_find(const void *self, ov_slice name)
{
    return ov_snapshot_find(self, name);
}

static const ov_datasource *snapshot_at(const void *self, uint32_t i)
{
    return ov_snapshot_datasource(self, i);
}

static ov_status snapshot_as_of(const void *self, const ov_datasource *table, int64_t t, ov_arena *out,
                                const ov_datasource **then, ov_error *err)
{
    return ov_snapshot_as_of(self, ov_snapshot_find(self, table->name), t, out, then, err);
}

ov_sql_tables ov_sql_tables_of(const ov_snapshot *snapshot)
{
    return (ov_sql_tables){snapshot_find, snapshot_at, ov_snapshot_datasources(snapshot), snapshot, snapshot, snapshot_as_of};
}

/* ---- as they were ---- */

static const ov_datasource *past_find(const void *self, ov_slice name)
{
    ov_sql_past *p = (ov_sql_past *)(uintptr_t)self;
    ov_error err = OV_ERROR_INIT;
    const ov_datasource *ds = ov_snapshot_find(p->snapshot, name), *then;
    if (!ds || ov_snapshot_as_of(p->snapshot, ds, p->at, p->arena, &then, &err) == OV_OK)
        return ds ? then : NULL;
    if (p->err.code == OV_OK)
        p->err = err;
    return NULL;
}

static const ov_datasource *past_at(const void *self, uint32_t i)
{
    return ov_snapshot_datasource(((const ov_sql_past *)self)->snapshot, i);
}

/* A table that says its own instant is read as of that one. */
static ov_status past_as_of(const void *self, const ov_datasource *table, int64_t t, ov_arena *out,
                            const ov_datasource **then, ov_error *err)
{
    const ov_snapshot *snapshot = ((const ov_sql_past *)self)->snapshot;
    return ov_snapshot_as_of(snapshot, ov_snapshot_find(snapshot, table->name), t, out, then, err);
}

ov_sql_tables ov_sql_tables_past(ov_sql_past *past)
{
    return (ov_sql_tables){past_find, past_at, ov_snapshot_datasources(past->snapshot), past, past, past_as_of};
}
