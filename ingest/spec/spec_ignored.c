/*
 * Members of a batch spec that mean nothing to anyone. Druid passes over them, and its clients send some of their own, so they are no
 * error; but a misspelled one changes what a task does without a word. The task's report names them.
 *
 * The lists hold what Druid knows, also where it is of no use here. Parts whose members depend on their type (inputSource, inputFormat,
 * metrics, transforms) are read by those who know the types.
 */
#include "ingest/spec/spec_int.h"

#include <stdio.h>

typedef struct part {
    const char *key;           /* in the part above; NULL: the task itself */
    const char *const *known;  /* ends with NULL */
    const struct part *parts;  /* ends with a NULL key */
} part;

static const char *const task_keys[] = {"type", "id", "groupId", "dataSource", "resource", "spec", "context", "samplerConfig", NULL};
static const char *const spec_keys[] = {"type", "dataSchema", "ioConfig", "tuningConfig", "context", NULL};
static const char *const schema_keys[] = {"dataSource", "timestampSpec", "dimensionsSpec", "metricsSpec", "granularitySpec", "transformSpec", "parser",
                                          "projections", "keySpec", NULL};
static const char *const time_keys[] = {"column", "format", "missingValue", NULL};
static const char *const dimension_keys[] = {"dimensions", "dimensionExclusions", "spatialDimensions", "includeAllDimensions", "useSchemaDiscovery",
                                             "forceSegmentSortByTime", NULL};
static const char *const granularity_keys[] = {"type", "segmentGranularity", "queryGranularity", "rollup", "intervals", "inputIntervals", "timezone", NULL};
static const char *const transform_keys[] = {"filter", "transforms", NULL};
static const char *const io_keys[] = {"type", "inputSource", "inputFormat", "appendToExisting", "dropExisting", "firehose", NULL};
static const char *const tuning_keys[] = {
    "type", "maxRowsPerSegment", "maxRowsInMemory", "maxBytesInMemory", "skipBytesInMemoryOverheadCheck", "maxTotalRows", "numShards",
    "partitionDimensions", "partitionsSpec", "splitHintSpec", "indexSpec", "indexSpecForIntermediatePersists", "maxPendingPersists",
    "forceGuaranteedRollup", "reportParseExceptions", "pushTimeout", "segmentWriteOutMediumFactory", "maxNumConcurrentSubTasks", "maxNumSubTasks",
    "maxRetry", "taskStatusCheckPeriodMs", "chatHandlerTimeout", "chatHandlerNumRetries", "maxNumSegmentsToMerge", "totalNumMergeTasks",
    "logParseExceptions", "maxParseExceptions", "maxSavedParseExceptions", "maxColumnsToMerge", "awaitSegmentAvailabilityTimeoutMillis",
    "maxAllowedLockCount", "numPersistThreads", "appendableIndexSpec", "targetPartitionSize", "ignoreInvalidRows", NULL};

static const part schema_parts[] = {{"timestampSpec", time_keys, NULL},           {"dimensionsSpec", dimension_keys, NULL},
                                    {"granularitySpec", granularity_keys, NULL}, {"transformSpec", transform_keys, NULL},
                                    {NULL, NULL, NULL}};
static const part spec_parts[] = {{"dataSchema", schema_keys, schema_parts}, {"ioConfig", io_keys, NULL}, {"tuningConfig", tuning_keys, NULL},
                                  {NULL, NULL, NULL}};
static const part task_parts[] = {{"spec", spec_keys, spec_parts}, {NULL, NULL, NULL}};
static const part whole = {NULL, task_keys, task_parts};

static bool is_known(ov_slice key, const char *const *known)
{
    for (; *known; known++)
        if (ov_slice_eq(key, ov_slice_cstr(*known)))
            return true;
    return false;
}

static void look(const ov_json *doc, const part *p, const char *path, ov_buf *out)
{
    char below[128];
    if (!doc || doc->kind != OV_JSON_OBJECT)
        return;
    for (const ov_json *v = doc->first; v; v = v->next)
        if (!is_known(v->key, p->known))
            ov_buf_addf(out, "%s%s" OV_SLICE_FMT, out->n ? ", " : "", path, OV_SLICE_ARG(v->key));
    for (const part *c = p->parts; c && c->key; c++) {
        snprintf(below, sizeof below, "%s%s.", path, c->key);
        look(ov_json_find(doc, c->key), c, below, out);
    }
}

ov_status ov_spec_ignored(const ov_json *task, ov_arena *out, ov_slice *names, ov_error *err)
{
    ov_buf b;
    ov_buf_init(&b);
    look(task, &whole, "", &b);
    ov_status st = ov_buf_check(&b, err);
    if (st == OV_OK)
        st = ov_arena_copy(out, ov_buf_slice(&b), names, err);
    ov_buf_fini(&b);
    return st;
}
