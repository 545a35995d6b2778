/*
 * A segment as Druid's coordinator prints it (DataSegment).
 */
#pragma once

#include "base/jsonw.h"
#include "storage/catalog/catalog.h"

/* One object. `status` adds overshadowed, replicationFactor, numRows and realtime. */
void ovi_segment_json(ov_jsonw *w, const char *key, const ov_segment_entry *e, bool status);
/* "name", "properties" and "segments" of a datasource, as members of the object that is open. */
void ovi_datasource_json(ov_jsonw *w, const ov_datasource *ds);
