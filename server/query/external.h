/*
 * External data of SQL's EXTERN through ingestion's readers; see ov_extern_ops in query/query.h.
 *
 * Threads: the table is constant; what it opens belongs to its query.
 */
#pragma once

#include "query/query.h"

/* catalog: where transfers are kept while they are read; outlives the table. */
ov_extern_ops ov_extern_ops_of(ov_catalog *catalog);
