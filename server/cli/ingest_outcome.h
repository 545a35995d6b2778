/* What a task did, printed out of Druid's report document. */
#pragma once

#include "base/json.h"

/* Print the counters and the first rejects. Returns the number of rejects. */
uint64_t ov_ingest_outcome(ov_slice report, bool success, double seconds);
/* A count in a JSON object; 0 where there is none. */
uint64_t ov_ingest_count(const ov_json *obj, const char *key);
