/* Private to compact_config.c and compact_auto.c: a configuration as read. */
#pragma once

#include "ingest/upkeep/compact.h"
#include "ingest/upkeep/compact_auto.h"
#include "ingest/upkeep/settings.h"

typedef struct ovi_compaction_config {
    const ov_json *json;
    ov_slice datasource;
    int64_t priority, most_bytes;
    ov_period skip; /* what ends within it before the latest end is left alone */
    ovi_compact_plan plan;
} ovi_compaction_config;

/* transforms NULL: filters are taken unseen. */
OV_CHECKED ov_status ovi_compaction_read(const ov_json *json, const ov_transform_ops *transforms, ov_arena *out,
                                         ovi_compaction_config *c, ov_error *err);
/* The task for one interval; id may be empty. */
OV_CHECKED ov_status ovi_compaction_task(const ovi_compaction_config *c, ov_interval interval, ov_slice id, ov_buf *b, ov_error *err);
