/* Ingestion specs: what Druid's look like, what is refused and how the refusal reads; all specs of the shared folder. */
#include "harness.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/file.h"
#include "ingest/spec/spec.h"
#include "storage/build/segment_builder.h"

static ov_arena arena;

static int set_up(void **state)
{
    (void)state;
    ov_arena_init(&arena, "spec", NULL);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    ov_arena_fini(&arena);
    return 0;
}

#define SCHEMA(more) "\"dataSchema\":{\"dataSource\":\"t\"" more "}"
#define INLINE "\"ioConfig\":{\"inputSource\":{\"type\":\"inline\",\"data\":\"x\"},\"inputFormat\":{\"type\":\"json\"}}"
#define TASK(spec) "{\"type\":\"index_parallel\",\"spec\":{" spec "}}"

static const ov_spec *parse(const char *text)
{
    ov_error err = OV_ERROR_INIT;
    ov_spec *spec;
    check_ok(ov_spec_parse(ov_slice_cstr(text), &arena, &spec, &err), &err);
    return spec;
}

static void check_refused(const char *text, ov_status status, const char *part)
{
    ov_error err = OV_ERROR_INIT;
    ov_spec *spec;
    check_fails(ov_spec_parse(ov_slice_cstr(text), &arena, &spec, &err), &err, status, part);
}

static void defaults(void **state)
{
    (void)state;
    const ov_spec *s = parse(TASK(SCHEMA() "," INLINE));
    check_slice(s->task_type, "index_parallel");
    check_slice(s->datasource, "t");
    check_slice(s->id, "");
    check_slice(s->context_json, "{}");
    check_slice(s->timestamp.column, "timestamp");
    check_slice(s->timestamp.format, "auto");
    assert_false(s->timestamp.has_missing);
    assert_true(s->dimensions.include_all);
    assert_false(s->dimensions.schema_discovery);
    assert_true(s->dimensions.sort_by_time);
    assert_true(s->granularity.rollup);
    assert_string_equal(ov_gran_name(&s->granularity.segment), "DAY");
    assert_string_equal(ov_gran_name(&s->granularity.query), "NONE");
    assert_int_equal(s->granularity.interval_count, 0);
    assert_true(s->format.discover_fields);
    assert_int_equal(s->max_rows_per_segment, 5000000);
    assert_true(s->max_parse_exceptions == UINT64_MAX);
    assert_false(s->append);
}

static void everything(void **state)
{
    (void)state;
    const ov_spec *s = parse(
        "{\"type\":\"index\",\"id\":\"my-id\",\"groupId\":\"g\",\"context\":{\"priority\":60},\"resource\":{},\"spec\":{"
        "\"dataSchema\":{\"dataSource\":\"a b.c\",\"unknownField\":1,"
        "\"timestampSpec\":{\"column\":\"ts\",\"format\":\"dd/MM/yyyy\",\"missingValue\":\"2010-01-01\"},"
        "\"dimensionsSpec\":{\"dimensions\":[\"a\",{\"type\":\"long\",\"name\":\"b\",\"createBitmapIndex\":false},"
        "{\"name\":\"c\",\"multiValueHandling\":\"sorted_set\"},{\"type\":\"auto\",\"name\":\"d\",\"castToType\":\"ARRAY<LONG>\"},"
        "{\"type\":\"auto\",\"name\":\"e\"},{\"type\":\"json\",\"name\":\"f\"},{\"type\":\"FLOAT\",\"name\":\"g\"}],"
        "\"dimensionExclusions\":[\"x\"],\"includeAllDimensions\":true,\"useSchemaDiscovery\":\"true\"},"
        "\"metricsSpec\":[{\"type\":\"count\",\"name\":\"n\"},{\"type\":\"floatMax\",\"name\":\"m\",\"fieldName\":\"z\"}],"
        "\"granularitySpec\":{\"segmentGranularity\":{\"type\":\"period\",\"period\":\"P1D\",\"timeZone\":\"Asia/Seoul\"},"
        "\"queryGranularity\":\"MINUTE\",\"rollup\":false,\"intervals\":[\"2020-01-02/2020-01-03\",\"2020-01-01/P1D\"]},"
        "\"transformSpec\":{\"transforms\":[],\"filter\":null}},"
        "\"ioConfig\":{\"type\":\"index\",\"inputSource\":{\"type\":\"local\",\"baseDir\":\"d\",\"filter\":\"*.gz\"},"
        "\"inputFormat\":{\"type\":\"tsv\",\"columns\":[\"ts\",\"a\"],\"delimiter\":\"|\",\"skipHeaderRows\":1,\"listDelimiter\":\";\"},"
        "\"dropExisting\":true},"
        "\"tuningConfig\":{\"type\":\"index\",\"partitionsSpec\":{\"type\":\"range\",\"partitionDimensions\":[\"a\"],"
        "\"targetRowsPerSegment\":1000},\"maxParseExceptions\":5,\"maxSavedParseExceptions\":7,\"logParseExceptions\":true,"
        "\"indexSpec\":{\"bitmap\":{\"type\":\"roaring\"}},\"maxRowsInMemory\":1}}}");
    check_slice(s->id, "my-id");
    check_slice(s->group_id, "g");
    check_slice(s->context_json, "{\"priority\":60}");
    assert_true(s->timestamp.has_missing);
    assert_int_equal(s->timestamp.missing_ms, 1262304000000);
    assert_int_equal(s->dimensions.count, 7);
    assert_int_equal(s->dimensions.list[1].type.id, OV_TYPE_LONG);
    assert_false(s->dimensions.list[1].bitmap);
    assert_int_equal(s->dimensions.list[2].multi_order, OV_MULTI_SORTED_SET);
    assert_true(ov_type_eq(s->dimensions.list[3].type, (ov_type){.id = OV_TYPE_ARRAY, .elem = OV_TYPE_LONG}));
    assert_int_equal(s->dimensions.list[4].type.id, OV_TYPE_NULL);
    assert_int_equal(s->dimensions.list[5].type.complex, OV_COMPLEX_JSON);
    assert_int_equal(s->dimensions.list[6].type.id, OV_TYPE_FLOAT);
    assert_true(s->dimensions.include_all && s->dimensions.schema_discovery);
    assert_int_equal(s->metric_count, 2);
    assert_true(s->metrics[0].is_count);
    assert_int_equal(s->metrics[1].fold, OV_FOLD_MAX);
    assert_non_null(s->granularity.segment.zone);
    assert_int_equal(s->granularity.interval_count, 1); /* two days that touch */
    assert_int_equal(s->granularity.intervals[0].end - s->granularity.intervals[0].start, 2 * OV_MS_PER_DAY);
    assert_int_equal(s->transform_json.n, 0);
    check_slice(s->format.delimiter, "|");
    assert_int_equal(s->format.skip_rows, 1);
    assert_true(s->drop);
    assert_int_equal(s->max_rows_per_segment, 1000);
    assert_int_equal(s->max_parse_exceptions, 5);
    assert_int_equal(s->max_saved_parse_exceptions, 7);
}

static void granularities(void **state)
{
    (void)state;
    static const char *const names[] = {"\"all\"",        "\"none\"",  "\"second\"", "\"minute\"",     "\"five_minute\"",
                                        "\"ten_minute\"", "\"hour\"",  "\"SIX_HOUR\"", "\"eight_hour\"", "\"day\"",
                                        "\"week\"",       "\"MONTH\"", "\"quarter\"", "\"year\"",       "\"P3D\"",
                                        "{\"type\":\"all\"}", "{\"type\":\"duration\",\"duration\":3600000}", "null"};
    char text[512];
    for (size_t i = 0; i < OV_COUNT_OF(names); i++) {
        snprintf(text, sizeof text,
                 "{\"type\":\"index\",\"spec\":{\"dataSchema\":{\"dataSource\":\"t\",\"granularitySpec\":{\"type\":\"uniform\","
                 "\"segmentGranularity\":%s,\"queryGranularity\":%s}}," INLINE "}}",
                 names[i], names[i]);
        parse(text);
    }
}

static void refusals(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        ov_status status;
        const char *part;
    } cases[] = {
        {"", OV_INVALID, ""},
        {"{\"type\":\"index\"", OV_INVALID, "line 1"},
        {"[]", OV_INVALID, "the document: expected an object"},
        {"{}", OV_INVALID, "'type' is missing"},
        {"{\"type\":\"index_hadoop\",\"spec\":{}}", OV_INVALID, "type: 'index_hadoop' is no batch task type"},
        {"{\"type\":\"index\"}", OV_INVALID, "'spec' is missing"},
        {TASK(INLINE), OV_INVALID, "spec: 'dataSchema' is missing"},
        {TASK(SCHEMA()), OV_INVALID, "spec: 'ioConfig' is missing"},
        {TASK("\"dataSchema\":{}," INLINE), OV_INVALID, "spec.dataSchema: 'dataSource' is missing"},
        {TASK("\"dataSchema\":{\"dataSource\":\"a/b\"}," INLINE), OV_INVALID, "spec.dataSchema.dataSource: a datasource must hold neither '/'"},
        {TASK("\"dataSchema\":{\"dataSource\":\"\"}," INLINE), OV_INVALID, "the name is empty"},
        {TASK("\"dataSchema\":{\"dataSource\":\".x\"}," INLINE), OV_INVALID, "must not start with a dot"},
        {TASK(SCHEMA(",\"parser\":{}") "," INLINE), OV_UNSUPPORTED, "spec.dataSchema.parser: "},
        {TASK(SCHEMA(",\"timestampSpec\":{\"format\":\"yyyy-QQ\"}") "," INLINE), OV_INVALID, "spec.dataSchema.timestampSpec.format: "},
        {TASK(SCHEMA(",\"timestampSpec\":{\"missingValue\":\"soon\"}") "," INLINE), OV_INVALID, "timestampSpec.missingValue: expected an ISO instant"},
        {TASK(SCHEMA(",\"timestampSpec\":[]") "," INLINE), OV_INVALID, "spec.dataSchema.timestampSpec: expected an object, found an array"},
        {TASK(SCHEMA(",\"dimensionsSpec\":{\"dimensions\":[\"a\",7]}") "," INLINE), OV_INVALID, "spec.dataSchema.dimensionsSpec.dimensions[1]: expected an object"},
        {TASK(SCHEMA(",\"dimensionsSpec\":{\"dimensions\":[{\"type\":\"lnog\",\"name\":\"x\"}]}") "," INLINE), OV_INVALID, "dimensions[0].type: 'lnog' is no dimension type; did you mean 'long'?"},
        {TASK(SCHEMA(",\"dimensionsSpec\":{\"dimensions\":[\"a\",\"a\"]}") "," INLINE), OV_INVALID, "the dimension 'a' is listed twice"},
        {TASK(SCHEMA(",\"dimensionsSpec\":{\"dimensions\":[\"a\",\"__time\"]}") "," INLINE), OV_INVALID, "forceSegmentSortByTime"},
        {TASK(SCHEMA(",\"dimensionsSpec\":{\"dimensions\":[{\"type\":\"spatial\",\"name\":\"x\"}]}") "," INLINE), OV_UNSUPPORTED, "spatial"},
        {TASK(SCHEMA(",\"dimensionsSpec\":{\"dimensions\":[{\"type\":\"auto\",\"name\":\"x\",\"castToType\":\"DATE\"}]}") "," INLINE), OV_INVALID, "castToType: expected STRING"},
        {TASK(SCHEMA(",\"dimensionsSpec\":{\"useSchemaDiscovery\":\"yes\"}") "," INLINE), OV_INVALID, "dimensionsSpec.useSchemaDiscovery: expected"},
        {TASK(SCHEMA(",\"metricsSpec\":[{\"type\":\"ddSketch\",\"name\":\"u\",\"fieldName\":\"x\"}]") "," INLINE), OV_UNSUPPORTED, "metricsSpec[0].type: the aggregator 'ddSketch' is not supported at ingestion"},
        {TASK(SCHEMA(",\"metricsSpec\":[{\"type\":\"HLLSketchBuild\",\"name\":\"u\",\"fieldName\":\"x\",\"lgK\":3}]") "," INLINE), OV_INVALID, "metricsSpec[0].lgK: expected a number from 4 to 21, found 3"},
        {TASK(SCHEMA(",\"metricsSpec\":[{\"type\":\"longSum\",\"name\":\"u\"}]") "," INLINE), OV_INVALID, "'fieldName' is missing"},
        {TASK(SCHEMA(",\"metricsSpec\":[{\"type\":\"count\",\"name\":\"u\"},{\"type\":\"count\",\"name\":\"u\"}]") "," INLINE), OV_INVALID, "the metric 'u' is listed twice"},
        {TASK(SCHEMA(",\"dimensionsSpec\":{\"dimensions\":[\"u\"]},\"metricsSpec\":[{\"type\":\"count\",\"name\":\"u\"}]") "," INLINE), OV_INVALID, "'u' is a dimension as well as a metric"},
        {TASK(SCHEMA(",\"granularitySpec\":{\"segmentGranularity\":\"dya\"}") "," INLINE), OV_INVALID, "granularitySpec.segmentGranularity: "},
        {TASK(SCHEMA(",\"granularitySpec\":{\"type\":\"arbitrary\"}") "," INLINE), OV_UNSUPPORTED, "arbitrary"},
        {TASK(SCHEMA(",\"granularitySpec\":{\"queryGranularity\":{\"type\":\"period\",\"period\":\"P1X\"}}") "," INLINE), OV_INVALID, "queryGranularity: "},
        {TASK(SCHEMA(",\"granularitySpec\":{\"segmentGranularity\":{\"type\":\"period\",\"period\":\"P1D\",\"timeZone\":\"Mars/X\"}}") "," INLINE), OV_INVALID, "Mars/X"},
        {TASK(SCHEMA(",\"granularitySpec\":{\"intervals\":[\"2020\"]}") "," INLINE), OV_INVALID, "granularitySpec.intervals[0]: "},
        {TASK(SCHEMA(",\"granularitySpec\":{\"intervals\":[\"2020/2020\"]}") "," INLINE), OV_INVALID, "the intervals are empty"},
        {TASK(SCHEMA(",\"projections\":[{}]") "," INLINE), OV_UNSUPPORTED, "projections"},
        {TASK(SCHEMA() ",\"ioConfig\":{}"), OV_INVALID, "spec.ioConfig: 'inputSource' is missing"},
        {TASK(SCHEMA() ",\"ioConfig\":{\"firehose\":{}}"), OV_UNSUPPORTED, "firehose"},
        {TASK(SCHEMA() ",\"ioConfig\":{\"inputSource\":{\"type\":\"s3\"}}"), OV_UNSUPPORTED, "inputSource.type: the input source 's3' is not supported yet"},
        {TASK(SCHEMA() ",\"ioConfig\":{\"inputSource\":{\"type\":\"locl\"}}"), OV_INVALID, "did you mean 'local'"},
        {TASK(SCHEMA() ",\"ioConfig\":{\"inputSource\":{\"type\":\"local\"}}"), OV_INVALID, "no input"},
        {TASK(SCHEMA() ",\"ioConfig\":{\"inputSource\":{\"type\":\"local\",\"baseDir\":\"x\"}}"), OV_INVALID, "'filter' is missing"},
        {TASK(SCHEMA() ",\"ioConfig\":{\"inputSource\":{\"type\":\"local\",\"files\":[1]}}"), OV_INVALID, "inputSource.files[0]: expected a string"},
        {TASK(SCHEMA() ",\"ioConfig\":{\"inputSource\":{\"type\":\"http\",\"uris\":[]}}"), OV_INVALID, "'uris' is missing or empty"},
        {TASK(SCHEMA() ",\"ioConfig\":{\"inputSource\":{\"type\":\"http\",\"uris\":[\"file:///etc/passwd\"]}}"), OV_INVALID, "uris[0]: expected an http or https address"},
        {TASK(SCHEMA() ",\"ioConfig\":{\"inputSource\":{\"type\":\"http\",\"uris\":[\"http://x/\"],\"requestHeaders\":{\"A\":\"b\\r\\nC: d\"}}}"), OV_INVALID, "this is no HTTP header"},
        {TASK(SCHEMA() ",\"ioConfig\":{\"appendToExisting\":true,\"dropExisting\":true}"), OV_INVALID, "exclude each other"},
        {TASK(SCHEMA() ",\"ioConfig\":{\"dropExisting\":true,\"inputSource\":{\"type\":\"inline\",\"data\":\"\"},\"inputFormat\":{\"type\":\"json\"}}"), OV_INVALID, "dropExisting needs granularitySpec.intervals"},
        {TASK(SCHEMA() ",\"ioConfig\":{\"inputSource\":{\"type\":\"inline\",\"data\":\"\"}}"), OV_INVALID, "'inputFormat' is missing"},
        {TASK(SCHEMA() ",\"ioConfig\":{\"inputSource\":{\"type\":\"inline\",\"data\":\"\"},\"inputFormat\":{\"type\":\"orc\"}}"), OV_UNSUPPORTED, "inputFormat.type: the input format 'orc' is not supported yet"},
        {TASK(SCHEMA() ",\"ioConfig\":{\"inputSource\":{\"type\":\"inline\",\"data\":\"\"},\"inputFormat\":{\"type\":\"csv\"}}"), OV_INVALID, "either 'columns' or 'findColumnsFromHeader'"},
        {TASK(SCHEMA() ",\"ioConfig\":{\"inputSource\":{\"type\":\"inline\",\"data\":\"\"},\"inputFormat\":{\"type\":\"csv\",\"columns\":[\"a\",\"a\"]}}"), OV_INVALID, "the column 'a' is listed twice"},
        {TASK(SCHEMA() ",\"ioConfig\":{\"inputSource\":{\"type\":\"inline\",\"data\":\"\"},\"inputFormat\":{\"type\":\"tsv\",\"columns\":[\"a\"],\"delimiter\":\"\"}}"), OV_INVALID, "inputFormat.delimiter: the delimiter is empty"},
        {TASK(SCHEMA() ",\"ioConfig\":{\"inputSource\":{\"type\":\"inline\",\"data\":\"\"},\"inputFormat\":{\"type\":\"json\",\"flattenSpec\":{\"fields\":[{\"type\":\"jq\",\"name\":\"a\",\"expr\":\".x | length\"}]}}}"), OV_UNSUPPORTED, "flattenSpec.fields[0].expr: "},
        {TASK(SCHEMA() ",\"ioConfig\":{\"inputSource\":{\"type\":\"inline\",\"data\":\"\"},\"inputFormat\":{\"type\":\"json\",\"flattenSpec\":{\"fields\":[{\"type\":\"path\",\"name\":\"a\",\"expr\":\"$..x\"}]}}}"), OV_INVALID, "fields[0].expr: '$..x' is no JSONPath that is read here, at character 3: '..' is not supported"},
        {TASK(SCHEMA() ",\"ioConfig\":{\"inputSource\":{\"type\":\"inline\",\"data\":\"\"},\"inputFormat\":{\"type\":\"json\",\"flattenSpec\":{\"fields\":[{\"type\":\"path\",\"name\":\"a\",\"expr\":\"$.x[?(@.y)]\"}]}}}"), OV_INVALID, "filters, slices and unions are not supported"},
        {TASK(SCHEMA() "," INLINE ",\"tuningConfig\":{\"maxRowsPerSegment\":0}"), OV_INVALID, "tuningConfig.maxRowsPerSegment: expected a number of rows"},
        {TASK(SCHEMA() "," INLINE ",\"tuningConfig\":{\"partitionsSpec\":{\"type\":\"dynamo\"}}"), OV_INVALID, "partitionsSpec.type: 'dynamo' is no partitionsSpec"},
        {TASK(SCHEMA() "," INLINE ",\"tuningConfig\":{\"maxParseExceptions\":\"many\"}"), OV_INVALID, "tuningConfig.maxParseExceptions: expected"},
    };
    for (size_t i = 0; i < OV_COUNT_OF(cases); i++)
        check_refused(cases[i].text, cases[i].status, cases[i].part);
}

/* Every spec of Druid's own corpora is read. */
static void shared_specs(void **state)
{
    (void)state;
    static const char *const folders[] = {"data/druid-golden/specs", "data/druid-qa/tables", "data/druid/qatests/ingest-specs"};
    const char *shared = getenv("OVATE_SHARED") ? getenv("OVATE_SHARED") : "../shared";
    uint32_t read = 0;
    for (size_t f = 0; f < OV_COUNT_OF(folders); f++) {
        char base[512];
        ov_slice *files;
        size_t n;
        ov_error err = OV_ERROR_INIT;
        snprintf(base, sizeof base, "%s/%s", shared, folders[f]);
        if (!ov_dir_exists(base)) {
            print_message("skipped: no real data in %s\n", shared);
            skip();
        }
        check_ok(ov_glob_files(base, OV_SLICE_LIT("*.json"), 10000, &arena, &files, &n, &err), &err);
        assert_true(n > 0);
        for (size_t i = 0; i < n; i++) {
            ov_buf text;
            ov_spec *spec;
            ov_buf_init(&text);
            check_ok(ov_file_read(files[i].p, 0, &text, &err), &err);
            ov_status st = ov_spec_parse(ov_buf_slice(&text), &arena, &spec, &err);
            if (st != OV_OK)
                fail_msg("%s: %s", files[i].p, err.text);
            read++;
            ov_buf_fini(&text);
        }
    }
    assert_true(read >= 60);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(defaults),   cmocka_unit_test(everything),   cmocka_unit_test(granularities),
        cmocka_unit_test(refusals),   cmocka_unit_test(shared_specs),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
