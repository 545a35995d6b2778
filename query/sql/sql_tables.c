/* Names of datasources as a snapshot of the catalog knows them. */
#include "query/sql/sql.h"

static const ov_datasource *snapshot_find(const void *self, ov_slice name)
{
    return ov_snapshot_find(self, name);
}

static const ov_datasource *snapshot_at(const void *self, uint32_t i)
{
    return ov_snapshot_datasource(self, i);
}

ov_sql_tables ov_sql_tables_of(const ov_snapshot *snapshot)
{
    return (ov_sql_tables){snapshot_find, snapshot_at, ov_snapshot_datasources(snapshot), snapshot, snapshot};
}
