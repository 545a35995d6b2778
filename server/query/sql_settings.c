#include "server/query/sql_settings.h"

#include <stdio.h>

#include "base/buf.h"
#include "base/numparse.h"

typedef enum setting_kind { WHOLE, TRUTH, WORD, OBJECT, NAMES } setting_kind;

enum { MOST_WORDS = 4, ROWS_PER_SEGMENT = 3000000, ROWS_PER_PAGE = 100000 };

typedef struct setting {
    const char *key;
    setting_kind kind;
    int64_t least, most;
    const char *words[MOST_WORDS];
} setting;

/* Those that change nothing here are about Druid's workers and storage; a wrong value is refused all the same. */
static const setting settings[] = {
    {.key = "arrayIngestMode", .kind = WORD, .words = {"array", "mvd", "none"}},
    {.key = "clusterStatisticsMergeMode", .kind = WORD, .words = {"PARALLEL", "SEQUENTIAL", "AUTO"}},
    {.key = "durableShuffleStorage", .kind = TRUTH},
    {.key = "failOnEmptyInsert", .kind = TRUTH},
    {.key = "faultTolerance", .kind = TRUTH},
    {.key = "finalizeAggregations", .kind = TRUTH},
    {.key = "forceSegmentSortByTime", .kind = TRUTH},
    {.key = "includeAllCounters", .kind = TRUTH},
    {.key = "indexSpec", .kind = OBJECT},
    {.key = "maxNumTasks", .kind = WHOLE, .least = 1, .most = INT32_MAX},
    {.key = "removeNullBytes", .kind = TRUTH},
    {.key = "rowsInMemory", .kind = WHOLE, .least = 1, .most = INT32_MAX},
    {.key = "rowsPerPage", .kind = WHOLE, .least = 1, .most = INT64_MAX},
    {.key = "rowsPerSegment", .kind = WHOLE, .least = 1, .most = 1000000000},
    {.key = "segmentSortOrder", .kind = NAMES},
    {.key = "selectDestination", .kind = WORD, .words = {"taskReport", "durableStorage"}},
    {.key = "sqlJoinAlgorithm", .kind = WORD, .words = {"broadcast", "sortMerge"}},
    {.key = "taskAssignment", .kind = WORD, .words = {"max", "auto"}},
    {.key = "useAutoColumnSchemas", .kind = TRUTH},
    {.key = "waitUntilSegmentsLoad", .kind = TRUTH},
};

ov_status ov_sql_setting_text(const ov_query *q, const ov_json *context, const char *key, ov_arena *a, bool *found, ov_slice *text,
                              ov_error *err)
{
    *found = ov_query_setting(q, key, text);
    const ov_json *v = ov_json_find(context, key);
    if (*found || !v || v->kind == OV_JSON_NULL)
        return OV_OK;
    *found = true;
    if (v->kind == OV_JSON_BOOL)
        *text = v->boolean ? OV_SLICE_LIT("true") : OV_SLICE_LIT("false");
    else if (v->kind == OV_JSON_STRING)
        *text = v->s;
    else if (v->kind == OV_JSON_INT || v->kind == OV_JSON_DOUBLE)
        *text = v->raw;
    else {
        ov_buf b;
        ov_buf_init(&b);
        ov_json_print(v, &b);
        ov_status st = ov_buf_check(&b, err);
        if (st == OV_OK)
            st = ov_arena_copy(a, ov_buf_slice(&b), text, err);
        ov_buf_fini(&b);
        return st;
    }
    return OV_OK;
}

static int word_of(const setting *s, ov_slice text)
{
    for (int i = 0; i < MOST_WORDS && s->words[i]; i++)
        if (ov_slice_ieq(text, ov_slice_cstr(s->words[i])))
            return i;
    return -1;
}

static bool is_right(const setting *s, ov_slice text)
{
    int64_t n;
    switch (s->kind) {
    case WHOLE:
        return ov_parse_i64(text, &n) && n >= s->least && n <= s->most;
    case TRUTH:
        return ov_slice_ieq(text, OV_SLICE_LIT("true")) || ov_slice_ieq(text, OV_SLICE_LIT("false"));
    case WORD:
        return word_of(s, text) >= 0;
    case OBJECT:
        return text.n > 0 && text.p[0] == '{';
    case NAMES: /* which columns there are is known when it runs */
        return text.n == 0 || text.p[0] != '{';
    }
    return false;
}

static ov_status fail_value(const setting *s, ov_slice text, ov_error *err)
{
    char want[160] = "true or false";
    if (s->kind == WHOLE && s->most == INT64_MAX)
        snprintf(want, sizeof want, "a whole number, %lld or more", (long long)s->least);
    else if (s->kind == WHOLE)
        snprintf(want, sizeof want, "a whole number from %lld to %lld", (long long)s->least, (long long)s->most);
    else if (s->kind == OBJECT)
        snprintf(want, sizeof want, "an object");
    else if (s->kind == NAMES)
        snprintf(want, sizeof want, "names of columns between commas, or an array of them");
    for (int i = 0, n = 0; s->kind == WORD && i < MOST_WORDS && s->words[i]; i++)
        n += snprintf(want + n, sizeof want - (size_t)n, "%s%s",
                      i == 0 ? "" : i + 1 < MOST_WORDS && s->words[i + 1] ? ", " : " or ", s->words[i]);
    return ov_fail(err, OV_INVALID, "%s must be %s, not '%.*s'", s->key, want, (int)OV_MIN(text.n, (size_t)100), text.p);
}

static void take(const setting *s, ov_slice text, ov_sql_settings *out)
{
    int64_t n = 0;
    bool yes = ov_slice_ieq(text, OV_SLICE_LIT("true"));
    if (s->kind == WHOLE)
        (void)ov_parse_i64(text, &n); /* it did before */
    if (!strcmp(s->key, "rowsPerSegment"))
        out->rows_per_segment = (uint32_t)n;
    else if (!strcmp(s->key, "rowsPerPage"))
        out->rows_per_page = (uint64_t)n;
    else if (!strcmp(s->key, "arrayIngestMode"))
        out->arrays = (ov_sql_arrays)word_of(s, text); /* the words stand in the order of the kinds */
    else if (!strcmp(s->key, "forceSegmentSortByTime"))
        out->sort_by_time = yes;
    else if (!strcmp(s->key, "failOnEmptyInsert"))
        out->fail_on_empty = yes;
    else if (!strcmp(s->key, "segmentSortOrder"))
        out->sort_order = text;
}

ov_status ov_sql_settings_read(const ov_query *q, const ov_json *context, ov_arena *a, ov_sql_settings *out, ov_error *err)
{
    ov_sql_settings unread;
    out = out ? out : &unread;
    *out = (ov_sql_settings){.rows_per_segment = ROWS_PER_SEGMENT, .rows_per_page = ROWS_PER_PAGE, .sort_by_time = true};
    for (size_t i = 0; i < OV_COUNT_OF(settings); i++) {
        bool found;
        ov_slice text;
        OV_TRY(ov_sql_setting_text(q, context, settings[i].key, a, &found, &text, err));
        if (found && !is_right(&settings[i], text))
            return fail_value(&settings[i], text, err);
        if (found)
            take(&settings[i], text, out);
    }
    return OV_OK;
}
