/* What pulling asks of the query engine: rows of a SQL statement as text (ov_pull_ops of ingest/pull/pull.h). */
#pragma once

#include "ingest/pull/pull.h"
#include "query/query.h"

/* `env` outlives the table. */
ov_pull_ops ov_pull_ops_of(ov_query_env *env);
