/*
 * transformSpec for ingestion: Druid's expressions and filters (query/native) over the raw fields of a row.
 *
 * Fields have no declared types, and Druid decides per row what a value is. So each expression is bound once per
 * combination of the kinds its inputs really have (a LONG here, a STRING there), the first time a row has it; the
 * bound forms are kept, and a row costs a look-up and a walk over one-row vectors.
 *
 * Threads: the table is constant; a compiled program may be run by any number of threads.
 */
#pragma once

struct ov_transform_ops; /* ingest/parse/transform.h */

extern const struct ov_transform_ops ov_transforms;
