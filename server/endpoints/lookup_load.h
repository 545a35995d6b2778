/*
 * What a lookup's specification says becomes a map: given in the specification, read from a file or URL, or the answer of
 * a SQL query. The last two go through the query engine (EXTERN reads files), so every format of ingestion is there.
 *
 * Specifications are Druid's lookupExtractorFactory: map; cachedNamespace with staticMap or uri; and Ovate's own
 * {"type":"sql","query":"SELECT key, value ...","pollPeriod":"PT1H"}.
 *
 * Values with a history (LOOKUP_AT): in a map {"key": {"2020-01-01": "value", ...}}; in a query a third column, a TIMESTAMP, since when
 * the value holds; in files the column that "sinceColumn" of the namespaceParseSpec names, ISO times.
 */
#pragma once

#include "base/json.h"
#include "query/expr/lookup.h"
#include "query/query.h"

/* Checks the specification and reads the map. Errors name the JSON path, the file, or what the query said. */
OV_CHECKED ov_status ov_lookup_load(const ov_query_env *env, ov_slice name, ov_slice version,
                                    const ov_json *factory, ov_lookup **out, ov_error *err);
/* Milliseconds between readings; 0: it is read once. */
OV_CHECKED ov_status ov_lookup_poll_ms(const ov_json *factory, int64_t *out, ov_error *err);
