/* Rows of JSON, CSV and TSV through splitter and parsers up to columns: good ones, odd ones, broken ones. */
#include "harness.h"

#include <stdio.h>
#include <unistd.h>

#include "base/json.h"
#include "tests/lib/rowdump.h"

/* A file of this test process. */
static const char *scratch_path(void)
{
    static char path[64];
    snprintf(path, sizeof path, "/tmp/ov_rowparse_%d", (int)getpid());
    return path;
}

static void write_scratch(const void *bytes, size_t n)
{
    FILE *f = fopen(scratch_path(), "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(bytes, 1, n, f), n);
    fclose(f);
}

/* A spec that reads the scratch file. */
static void dump_scratch(const char *schema, const char *format, ov_buf *out)
{
    char spec[1024];
    ov_load_env env = {.tmp_dir = "/tmp", .file_stem = "rowparse"};
    ov_error err = OV_ERROR_INIT;
    snprintf(spec, sizeof spec,
             "{\"type\":\"index\",\"spec\":{\"dataSchema\":{\"dataSource\":\"t\",%s},\"ioConfig\":{\"inputSource\":"
             "{\"type\":\"local\",\"files\":[\"%s\"]},\"inputFormat\":{%s}}}}",
             schema, scratch_path(), format);
    check_ok(rowdump(ov_slice_cstr(spec), &env, false, out, &err), &err);
    unlink(scratch_path());
}

/* Dimensions and format as JSON, the data as it is. */
static void dump(const char *schema, const char *format, ov_slice data, bool names, ov_buf *out)
{
    ov_buf spec;
    ov_error err = OV_ERROR_INIT;
    ov_load_env env = {.tmp_dir = "/tmp", .file_stem = "rowparse"};
    ov_buf_init(&spec);
    ov_buf_addf(&spec,
                "{\"type\":\"index_parallel\",\"spec\":{\"dataSchema\":{\"dataSource\":\"t\",%s},"
                "\"ioConfig\":{\"inputSource\":{\"type\":\"inline\",\"data\":",
                schema);
    ov_json_quote(&spec, data);
    ov_buf_addf(&spec, "},\"inputFormat\":{%s}}}}", format);
    check_ok(rowdump(ov_buf_slice(&spec), &env, names, out, &err), &err);
    ov_buf_fini(&spec);
}

static void check_rows(const char *schema, const char *format, const char *data, const char *want)
{
    ov_buf out;
    ov_buf_init(&out);
    dump(schema, format, ov_slice_cstr(data), false, &out);
    assert_string_equal(ov_buf_cstr(&out), want);
    ov_buf_fini(&out);
}

static void check_columns(const char *schema, const char *format, const char *data, const char *want)
{
    ov_buf out;
    ov_buf_init(&out);
    dump(schema, format, ov_slice_cstr(data), true, &out);
    assert_string_equal(ov_buf_cstr(&out), want);
    ov_buf_fini(&out);
}

#define TIME "\"timestampSpec\":{\"column\":\"t\",\"format\":\"millis\"}"
#define DIMS(list) TIME ",\"dimensionsSpec\":{\"dimensions\":[" list "]}"
#define ABC                                                                                        \
    DIMS("\"a\",{\"type\":\"long\",\"name\":\"b\"},{\"type\":\"double\",\"name\":\"c\"}")
#define JSON "\"type\":\"json\""
#define CSV "\"type\":\"csv\",\"columns\":[\"t\",\"a\",\"b\",\"c\"]"
#define TSV "\"type\":\"tsv\",\"columns\":[\"t\",\"a\",\"b\",\"c\"]"

/* ---- JSON ---- */

static void json_values(void **state)
{
    (void)state;
    check_rows(ABC, JSON,
               "{\"t\":1,\"a\":\"x\",\"b\":2,\"c\":0.5}\n"
               "{\"c\":3,\"b\":\"4\",\"a\":null,\"t\":2}\n"
               "{\"t\":3}\n"
               "{\"t\":\"4\",\"a\":12,\"b\":true,\"c\":\"1e3\",\"d\":{\"x\":[1,{}]}}\n",
               "1|x|2|0.5\n2|NULL|4|3.0\n3|NULL|NULL|NULL\n4|12|1|1000.0\n"
               "counts read=4 loaded=4 rejected=0 filtered=0 errors=0 repaired=0\n");
    /* what becomes of other kinds in a string column */
    check_rows(DIMS("\"a\""), JSON,
               "{\"t\":1,\"a\":1.10}\n{\"t\":1,\"a\":1e3}\n{\"t\":1,\"a\":true}\n{\"t\":1,\"a\":false}\n"
               "{\"t\":1,\"a\":{\"x\" : [1, \"q \\\" r\"]}}\n{\"t\":1,\"a\":\"\"}\n"
               "{\"t\":1,\"a\":123456789012345678901234567890}\n{\"t\":1,\"a\":-0}\n",
               "1|1.1\n1|1000.0\n1|true\n1|false\n1|{\"x\":[1,\"q \\\" r\"]}\n1|\n"
               "1|123456789012345678901234567890\n1|0\n"
               "counts read=8 loaded=8 rejected=0 filtered=0 errors=0 repaired=0\n");
}

static void json_numbers_that_do_not_fit(void **state)
{
    (void)state;
    check_rows(ABC, JSON,
               "{\"t\":1,\"b\":9223372036854775807,\"c\":1e999}\n"
               "{\"t\":1,\"b\":9223372036854775808}\n"
               "{\"t\":1,\"b\":-9223372036854775808}\n"
               "{\"t\":1,\"b\":1.9,\"c\":\"x\"}\n"
               "{\"t\":1,\"b\":[1],\"c\":{}}\n"
               "{\"t\":1,\"b\":\"1.5\"}\n{\"t\":1,\"b\":\"2.0\"}\n{\"t\":1,\"b\":\"\"}\n",
               "1|NULL|9223372036854775807|Infinity\n1|NULL|NULL|NULL\n1|NULL|-9223372036854775808|NULL\n"
               "1|NULL|1|NULL\n1|NULL|NULL|NULL\n1|NULL|NULL|NULL\n1|NULL|2|NULL\n1|NULL|NULL|NULL\n"
               "counts read=8 loaded=8 rejected=0 filtered=0 errors=5 repaired=0\n"
               "note 2:12 b \"9223372036854775808\" expected a long for 'b'; the value is taken as NULL\n"
               "note 4:21 c \"x\" expected a double for 'c'; the value is taken as NULL\n"
               "note 5:12 b \"[1]\" expected a long for 'b', found several values; the value is taken as NULL\n"
               "note 5:20 c \"{}\" expected a double for 'c'; the value is taken as NULL\n"
               "note 6:13 b \"1.5\" expected a long for 'b'; the value is taken as NULL\n"
               "note 8:13 b \"\" expected a long for 'b'; the value is taken as NULL\n");
}

static void json_strings(void **state)
{
    (void)state;
    check_rows(DIMS("\"a\""), JSON,
               "{\"t\":1,\"a\":\"q\\\"b\\\\s\\/\\b\\f\\n\\r\\t\\u0041\\u00e9\\ud83d\\ude00\"}\n"
               "{\"t\":2,\"\\u0061\":\"escaped name\"}\n"
               "{\"t\":3,\"a\":\"\\ud800\"}\n{\"t\":4,\"a\":\"\\ude00x\\ud83d\"}\n"
               "{\"t\":5,\"a\":\"first\",\"a\":\"last wins\"}\n{\"t\":6,\"a\":\"x\",\"a\":null}\n",
               "1|q\"b\\s/\b\f\n\r\tA\xC3\xA9\xF0\x9F\x98\x80\n2|escaped name\n3|\xEF\xBF\xBD\n"
               "4|\xEF\xBF\xBDx\xEF\xBF\xBD\n5|last wins\n6|NULL\n"
               "counts read=6 loaded=6 rejected=0 filtered=0 errors=0 repaired=3\n");
}

static void json_broken_lines(void **state)
{
    (void)state;
    check_rows(DIMS("\"a\""), JSON,
               "{\"t\":1,\"a\":\"ok\"}\n"
               "{\"t\":2,\"a\":\"not closed}\n"
               "{\"t\":3,\"a\":1\n"
               "{\"t\":4 \"a\":1}\n"
               "\n"
               "  {\"t\" : 5 , \"a\" : \"ok\" }  \r\n"
               "{\"t\":6,\"a\":\"tab\there\"}\n"
               "{\"t\":7,\"a\":01}\n"
               "{\"t\":8,\"a\":NaN}\n"
               "nonsense\n"
               "{\"t\":9,\"a\":\"ok\"} trailing\n"
               "{\"t\":10,\"a\":\"\\x\"}\n"
               "{\"t\":11,}\n"
               "{\"a\":\"no time\"}\n"
               "{\"t\":\"yesterday\"}\n"
               "{\"t\":12,\"a\":\"ok\"}{\"t\":13,\"a\":\"ok\"}\n"
               "{\"t\":14,\"a\":[1,2}\n"
               "{\"t\":15,\"a\":\"last\"}",
               "1|ok\n5|ok\n9|ok\n12|ok\n13|ok\n15|last\n"
               "counts read=19 loaded=6 rejected=13 filtered=0 errors=0 repaired=0\n"
               "reject 2:24  \"{\"t\":2,\"a\":\"not closed}\" no JSON object: the string is not closed, found the line's end\n"
               "reject 3:13  \"{\"t\":3,\"a\":1\" no JSON object: expected ',' or '}', found the line's end\n"
               "reject 4:8  \"{\"t\":4 \"a\":1}\" no JSON object: expected ',' or '}', found '\"'\n"
               "reject 7:16  \"{\"t\":6,\"a\":\"tab\there\"}\" no JSON object: a control character in a string must be escaped, found '\t'\n"
               "reject 8:12  \"{\"t\":7,\"a\":01}\" no JSON object: a number must not start with 0, found '0'\n"
               "reject 9:12  \"{\"t\":8,\"a\":NaN}\" no JSON object: expected a value, found 'N'\n"
               "reject 10:1  \"nonsense\" no JSON object: expected '{', found 'n'\n"
               "reject 11:18  \"trailing\" no JSON object: expected '{', found 't'\n"
               "reject 12:14  \"{\"t\":10,\"a\":\"\\x\"}\" no JSON object: no JSON escape, found '\\'\n"
               "reject 13:9  \"{\"t\":11,}\" no JSON object: expected a name in quotes, found '}'\n"
               "reject 14:1  \"\" the row has no time: 't' is missing\n"
               "reject 15:7  \"yesterday\" 't' is no time of the format 'millis'\n"
               "reject 17:17  \"{\"t\":14,\"a\":[1,2}\" no JSON object: expected ',' or ']', found '}'\n");
}

static void what_a_pattern_expected(void **state)
{
    (void)state;
    check_rows("\"timestampSpec\":{\"column\":\"t\",\"format\":\"yyyy-MM-dd HH:mm\"},\"dimensionsSpec\":{\"dimensions\":[\"a\"]}", JSON,
               "{\"t\":\"1970-01-01 00:01\"}\n{\"t\":\"1970-13-01 00:01\"}\n{\"t\":\"1970-01-01T00:01\"}\n{\"t\":7}\n",
               "60000|NULL\ncounts read=4 loaded=1 rejected=3 filtered=0 errors=0 repaired=0\n"
               "reject 2:7  \"1970-13-01 00:01\" 't' is no time of the format 'yyyy-MM-dd HH:mm': a month, 1..12 is expected at character 6\n"
               "reject 3:7  \"1970-01-01T00:01\" 't' is no time of the format 'yyyy-MM-dd HH:mm': the fixed text of the format is expected at character 11\n"
               "reject 4:6  \"7\" 't' is no time of the format 'yyyy-MM-dd HH:mm': the fixed text of the format is expected at character 2\n");
}

static void json_bytes_that_are_not_text(void **state)
{
    (void)state;
    ov_buf out;
    static const char text[] = "{\"t\":1,\"a\":\"bad \xFF\xFE utf\"}\n"
                               "{\"t\":2,\"a\":\"nul \0 inside\"}\n"
                               "{\"t\":3,\"a\":\"nul \\u0000 escaped\"}\n";
    write_scratch(text, sizeof text - 1);
    ov_buf_init(&out);
    dump_scratch(DIMS("\"a\""), JSON, &out);
    static const char want[] = "1|bad \xEF\xBF\xBD\xEF\xBF\xBD utf\n3|nul \0 escaped\n"
                               "counts read=3 loaded=2 rejected=1 filtered=0 errors=0 repaired=1\n";
    assert_true(out.n > sizeof want - 1);
    assert_memory_equal(out.p, want, sizeof want - 1);
    ov_buf_fini(&out);
}

static void json_over_several_lines(void **state)
{
    (void)state;
    const char *want = "1|x\n2|y\n3|z\ncounts read=3 loaded=3 rejected=0 filtered=0 errors=0 repaired=0\n";
    check_rows(DIMS("\"a\""), JSON,
               "{\n  \"t\": 1,\n  \"a\": \"x\"\n}\n{\n  \"t\": 2,\n  \"a\": \"y\"\n}\n{\"t\":3,\"a\":\"z\"}", want);
    check_rows(DIMS("\"a\""), JSON, "[{\"t\":1,\"a\":\"x\"},{\"t\":2,\"a\":\"y\"},\n{\"t\":3,\"a\":\"z\"}]\n", want);
    check_rows(DIMS("\"a\""), JSON,
               "\xEF\xBB\xBF[\n  {\"t\":1,\"a\":\"x\"},\n  {\n\"t\":2,\"a\":\"y\"},\n  {\"t\":3,\"a\":\"z\"}\n]", want);
    check_rows(DIMS("\"a\""), JSON, "{\"t\":1,\"a\":\"x\"} {\"t\":2,\"a\":\"y\"}\n\n\n{\"t\":3,\"a\":\"z\"}\n", want);
    /* a broken one among good ones */
    check_rows(DIMS("\"a\""), JSON,
               "[\n  {\"t\":1,\"a\":\"x\"},\n  {\"t\":7,\"a\":09},\n  {\"t\":8,\"a\":\n  {\"t\":2,\"a\":\"y\"},\n"
               "  {\"t\":3,\"a\":\"z\"}\n]",
               "1|x\n2|y\n3|z\ncounts read=5 loaded=3 rejected=2 filtered=0 errors=0 repaired=0\n"
               "reject 3:14  \"{\"t\":7,\"a\":09}\" no JSON object: a number must not start with 0, found '0'\n"
               "reject 6:3  \"{\"t\":8,\"a\":\" no JSON object: expected a name in quotes, found '{'\n");
    check_rows(DIMS("\"a\""), JSON, "", "counts read=0 loaded=0 rejected=0 filtered=0 errors=0 repaired=0\n");
    check_rows(DIMS("\"a\""), JSON, "[]", "counts read=0 loaded=0 rejected=0 filtered=0 errors=0 repaired=0\n");
}

static void json_several_values(void **state)
{
    (void)state;
    check_rows(DIMS("{\"type\":\"string\",\"name\":\"s\"},"
                    "{\"type\":\"string\",\"name\":\"u\",\"multiValueHandling\":\"SORTED_SET\"},"
                    "{\"type\":\"string\",\"name\":\"l\",\"multiValueHandling\":\"array\"}"),
               JSON,
               "{\"t\":1,\"s\":\"one\",\"u\":\"one\",\"l\":null}\n"
               "{\"t\":2,\"s\":[\"b\",\"a\",\"b\"],\"u\":[\"b\",\"a\",\"b\"],\"l\":[\"b\",\"a\",\"b\"]}\n"
               "{\"t\":3,\"s\":[],\"u\":[null],\"l\":[null,\"\",1,2.50,true,[1,2],{\"k\" : 1}]}\n"
               "{\"t\":4,\"s\":[\"only\"]}\n"
               "{\"t\":5,\"s\":[\"x\",\"y\"],\"bad\":}\n"
               "{\"t\":6,\"s\":[\"x\",\"\\u0079\"],\"l\":[[\"3\",[\"4\",null]],[]]}\n",
               "1|[one]|[one]|NULL\n2|[a,b,b]|[a,b]|[b,a,b]\n3|NULL|NULL|[NULL,,1,2.5,true,[1, 2],{\"k\":1}]\n"
               "4|[only]|NULL|NULL\n6|[x,y]|NULL|[[3, [4, null]],[]]\n"
               "counts read=6 loaded=5 rejected=1 filtered=0 errors=0 repaired=0\n"
               "reject 5:28  \"{\"t\":5,\"s\":[\"x\",\"y\"],\"bad\":}\" no JSON object: expected a value, found '}'\n");
}

static void json_typed_columns(void **state)
{
    (void)state;
    check_rows(DIMS("{\"type\":\"json\",\"name\":\"j\"},{\"type\":\"auto\",\"name\":\"s\",\"castToType\":\"ARRAY<STRING>\"},"
                    "{\"type\":\"auto\",\"name\":\"l\",\"castToType\":\"ARRAY<LONG>\"},"
                    "{\"type\":\"auto\",\"name\":\"d\",\"castToType\":\"ARRAY<DOUBLE>\"},{\"type\":\"float\",\"name\":\"f\"}"),
               JSON,
               "{\"t\":1,\"j\":{\"a\" : 1},\"s\":[\"x\",null,1],\"l\":[1,null,\"3\"],\"d\":[1,2.5],\"f\":0.1}\n"
               "{\"t\":2,\"j\":\"te\\\"xt\",\"s\":\"one\",\"l\":7,\"d\":[],\"f\":\"0.5\"}\n"
               "{\"t\":3,\"j\":12,\"s\":[],\"l\":[\"x\"],\"d\":null}\n",
               "1|{\"a\":1}|[x,NULL,1]|[1,NULL,3]|[1.0,2.5]|0.10000000149011612\n"
               "2|\"te\\\"xt\"|[one]|[7]|[]|0.5\n3|12|[]|[NULL]|NULL|NULL\n"
               "counts read=3 loaded=3 rejected=0 filtered=0 errors=1 repaired=0\n"
               "note 3:26 l \"[\"x\"]\" expected an array for 'l', found several values; the value is taken as NULL\n");
}

static void json_flattening(void **state)
{
    (void)state;
    check_rows(DIMS("\"a\",\"b\",\"c\",\"d\",\"e\",\"f\",\"r\",\"x\""),
               JSON ",\"flattenSpec\":{\"fields\":[{\"type\":\"path\",\"name\":\"a\",\"expr\":\"$.o.p\"},"
                    "{\"type\":\"path\",\"name\":\"b\",\"expr\":\"$['o']['q'][1]\"},"
                    "{\"type\":\"path\",\"name\":\"c\",\"expr\":\"$.o.q[-1]\"},"
                    "{\"type\":\"path\",\"name\":\"d\",\"expr\":\"$.o.list[*].k\"},"
                    "{\"type\":\"path\",\"name\":\"e\",\"expr\":\"$.o.q[9]\"},"
                    "{\"type\":\"path\",\"name\":\"f\",\"expr\":\"$.o\"},"
                    "{\"type\":\"root\",\"name\":\"r\",\"expr\":\"x\"}]}",
               "{\"t\":1,\"o\":{\"p\":\"deep\",\"q\":[1, 2, 3],\"list\":[{\"k\":\"u\"},{},{\"k\":\"v\"}]},\"x\":\"root\"}\n"
               "{\"t\":2,\"o\":5}\n",
               "1|deep|2|3|[u,v]|NULL|{\"p\":\"deep\",\"q\":[1,2,3],\"list\":[{\"k\":\"u\"},{},{\"k\":\"v\"}]}|root|root\n"
               "2|NULL|NULL|NULL|NULL|NULL|5|NULL|NULL\n"
               "counts read=2 loaded=2 rejected=0 filtered=0 errors=0 repaired=0\n");
    /* without field discovery only what is named exists */
    check_rows(DIMS("\"a\",\"x\""),
               JSON ",\"flattenSpec\":{\"useFieldDiscovery\":false,\"fields\":[\"t\",{\"type\":\"path\",\"name\":\"a\","
                    "\"expr\":\"$.x\"}]}",
               "{\"t\":1,\"x\":\"v\"}\n", "1|v|NULL\ncounts read=1 loaded=1 rejected=0 filtered=0 errors=0 repaired=0\n");
}

static void json_discovery(void **state)
{
    (void)state;
    const char *rows = "{\"t\":1,\"s\":\"a\",\"n\":1,\"o\":{\"k\":1},\"m\":2,\"gone\":1}\n"
                       "{\"t\":2,\"late\":true,\"n\":2.5,\"arr\":[1,2],\"none\":null,\"m\":3}\n"
                       "{\"t\":\"bad\",\"never\":1}\n"
                       "{\"t\":3,\"n\":\"7\",\"mix\":[1,\"x\"]}\n";
    check_columns(TIME ",\"dimensionsSpec\":{\"dimensionExclusions\":[\"gone\"]},"
                       "\"metricsSpec\":[{\"type\":\"longSum\",\"name\":\"sum\",\"fieldName\":\"m\"},{\"type\":\"count\",\"name\":\"cnt\"}]",
                  JSON, rows,
                  "__time:LONG|s:STRING|n:STRING|late:STRING|arr:STRING|mix:STRING|sum:LONG|cnt:LONG\n"
                  "1|a|1|NULL|NULL|NULL|2|1\n2|NULL|2.5|true|[1,2]|NULL|3|1\n3|NULL|7|NULL|NULL|[1,x]|NULL|1\n"
                  "counts read=4 loaded=3 rejected=1 filtered=0 errors=0 repaired=0\n"
                  "reject 3:7  \"bad\" 't' is no time of the format 'millis'\n");
    check_columns(TIME ",\"dimensionsSpec\":{\"useSchemaDiscovery\":true,\"dimensions\":[\"n\"],\"includeAllDimensions\":true}",
                  JSON ",\"keepNullColumns\":true", rows,
                  "__time:LONG|n:STRING|s:STRING|o:COMPLEX<json>|m:LONG|gone:LONG|late:LONG|arr:ARRAY<LONG>|none:STRING|mix:ARRAY<STRING>\n"
                  "1|1|a|{\"k\":1}|2|1|NULL|NULL|NULL|NULL\n2|2.5|NULL|NULL|3|NULL|1|[1,2]|NULL|NULL\n"
                  "3|7|NULL|NULL|NULL|NULL|NULL|NULL|NULL|[1,x]\n"
                  "counts read=4 loaded=3 rejected=1 filtered=0 errors=0 repaired=0\n"
                  "reject 3:7  \"bad\" 't' is no time of the format 'millis'\n");
    check_columns(DIMS("{\"type\":\"auto\",\"name\":\"n\"},{\"type\":\"auto\",\"name\":\"m\"},{\"type\":\"auto\",\"name\":\"absent\"}"), JSON,
                  "{\"t\":1,\"n\":1,\"m\":5}\n{\"t\":2,\"n\":0.5}\n",
                  "__time:LONG|n:DOUBLE|m:LONG|absent:STRING\n1|1.0|5|NULL\n2|0.5|NULL|NULL\n"
                  "counts read=2 loaded=2 rejected=0 filtered=0 errors=0 repaired=0\n");
}

/* ---- CSV and TSV ---- */

static void csv_values(void **state)
{
    (void)state;
    const char *want = "1|x|2|0.5\n2|NULL|NULL|NULL\n3|NULL|NULL|NULL\n4|a|1|2.0\n"
                       "counts read=4 loaded=4 rejected=0 filtered=0 errors=0 repaired=0\n";
    check_rows(ABC, CSV, "1,x,2,0.5\n2,,,\n3\n4,a,1,2,surplus,cells\n", want);
    check_rows(ABC, CSV, "1,x,2,0.5\r\n2,,,\r\n\r\n3\r\n4,a,1,2", want);
    check_rows(ABC, "\"type\":\"csv\",\"columns\":[\"t\",\"a\",\"b\",\"c\"],\"skipHeaderRows\":2",
               "what\nthis is, \"\n1,x,2,0.5\n2,,,\n3\n4,a,1,2\n", want);
    check_rows(ABC, "\"type\":\"csv\",\"findColumnsFromHeader\":true",
               "\xEF\xBB\xBF" "c,\"b\",zzz,t,,a\r\n0.5,2,,1,,x\n,,,2,,\n,\n2,1,,4,,a\n",
               "1|x|2|0.5\n2|NULL|NULL|NULL\n4|a|1|2.0\ncounts read=4 loaded=3 rejected=1 filtered=0 errors=0 repaired=0\n"
               "reject 4:1  \"\" the row has no time: 't' is missing\n");
}

static void csv_quotes(void **state)
{
    (void)state;
    check_rows(ABC, CSV,
               "1,\"a,b\",2,\"0.5\"\n2,\"say \"\"hi\"\"\",\"3\",\n3,\"two\nlines\",4,1\n4,5\" disk,,\n5,\"x\"tail,,\n"
               "6,\"\",,\"\"\n\"7\",\"end\"\n8,\"\"\"\"",
               "1|a,b|2|0.5\n2|say \"hi\"|3|NULL\n3|two\nlines|4|1.0\n4|5\" disk|NULL|NULL\n5|xtail|NULL|NULL\n"
               "6||NULL|NULL\n7|end|NULL|NULL\n8|\"|NULL|NULL\n"
               "counts read=8 loaded=8 rejected=0 filtered=0 errors=0 repaired=0\n");
    check_rows(ABC, CSV, "1,\"open,2,3\n2,b,2,3\n3,c\n",
               "2|b|2|3.0\n3|c|NULL|NULL\ncounts read=3 loaded=2 rejected=1 filtered=0 errors=0 repaired=0\n"
               "reject 1:3  \"1,\"open,2,3\n\" the quote that opens this cell is never closed\n");
    check_rows(ABC, CSV, "x,a,1,1\n1,a,zz,1.5.5\n",
               "1|a|NULL|NULL\ncounts read=2 loaded=1 rejected=1 filtered=0 errors=1 repaired=0\n"
               "reject 1:1  \"x\" 't' is no time of the format 'millis'\n"
               "note 2:5 b \"zz\" expected a long for 'b'; the value is taken as NULL\n"
               "note 2:8 c \"1.5.5\" expected a double for 'c'; the value is taken as NULL\n");
}

static void tsv_and_lists(void **state)
{
    (void)state;
    check_rows(ABC, TSV, "1\t\"not a quote\t2\t0.5\n2\ta\\tb\t\t\r\n",
               "1|\"not a quote|2|0.5\n2|a\\tb|NULL|NULL\n"
               "counts read=2 loaded=2 rejected=0 filtered=0 errors=0 repaired=0\n");
    check_rows(ABC, TSV ",\"delimiter\":\"||\"", "1||x|y||2||\n2||a||||1.5||\n",
               "1|x|y|2|NULL\n2|a|NULL|1.5\ncounts read=2 loaded=2 rejected=0 filtered=0 errors=0 repaired=0\n");
    check_rows(ABC, CSV ",\"listDelimiter\":\"|\"", "1,b|a|,2,0.5\n2,one,3|4,1\n3,\"q|p\",,",
               "1|[,a,b]|2|0.5\n2|[one]|NULL|1.0\n3|[p,q]|NULL|NULL\n"
               "counts read=3 loaded=3 rejected=0 filtered=0 errors=1 repaired=0\n"
               "note 2:7 b \"3|4\" expected a long for 'b', found several values; the value is taken as NULL\n");
    check_rows(DIMS("\"a\",\"b\",\"c\""), TSV ",\"tryParseNumbers\":true", "1\t007\t1.50\tx1\n",
               "1|7|1.5|x1\ncounts read=1 loaded=1 rejected=0 filtered=0 errors=0 repaired=0\n");
    check_columns(TIME ",\"dimensionsSpec\":{\"useSchemaDiscovery\":true}", TSV ",\"tryParseNumbers\":true",
                  "1\tx\t2\t0.5\n2\ty\t3\t4\n",
                  "__time:LONG|a:STRING|b:LONG|c:DOUBLE\n1|x|2|0.5\n2|y|3|4.0\n"
                  "counts read=2 loaded=2 rejected=0 filtered=0 errors=0 repaired=0\n");
}

static void intervals_filter(void **state)
{
    (void)state;
    check_rows(ABC ",\"granularitySpec\":{\"intervals\":[\"1970-01-01T00:00:00.010Z/1970-01-01T00:00:00.020Z\","
                   "\"1970-01-01T00:00:00.030Z/1970-01-01T00:00:00.031Z\"]}",
               CSV, "9,a,1,1\n10,b,1,1\n19,c,1,1\n20,d,1,1\n30,e,1,1\n31,f,1,1\n",
               "10|b|1|1.0\n19|c|1|1.0\n30|e|1|1.0\ncounts read=6 loaded=3 rejected=0 filtered=3 errors=0 repaired=0\n");
}

/* ---- blocks ---- */

static void row_ends(void **state)
{
    (void)state;
    static const struct {
        ovi_split_mode mode;
        const char *text;
        size_t want;
    } cases[] = {
        {OVI_SPLIT_LINES, "", 0},
        {OVI_SPLIT_LINES, "ab\ncd", 3},
        {OVI_SPLIT_LINES, "abcd", 0},
        {OVI_SPLIT_CSV, "a,b\nc,\"d\ne", 4},
        {OVI_SPLIT_CSV, "a,b\nc,\"d\ne\"\nf", 12},
        {OVI_SPLIT_CSV, "a,b\nc,\"d\ne\"\"\nf", 4},
        {OVI_SPLIT_CSV, "a,5\"\nb", 5},
        {OVI_SPLIT_CSV, "\"x\"", 0},
        {OVI_SPLIT_CSV, "\"x\ny\",z\nq", 8},
        {OVI_SPLIT_CSV, "a\n\"x", 2},
        {OVI_SPLIT_OBJECTS, "{\"a\":\"}\"}\n{\"b\":[", 9},
        {OVI_SPLIT_OBJECTS, "[{\"a\":{}},{\"b\"", 9},
        {OVI_SPLIT_OBJECTS, "{\"a\":\"\\\"}", 0},
    };
    for (size_t i = 0; i < OV_COUNT_OF(cases); i++) {
        size_t got = ovi_last_row_end(cases[i].mode, ',', cases[i].text, strlen(cases[i].text));
        if (got != cases[i].want)
            fail_msg("case %zu: %zu, not %zu", i, got, cases[i].want);
    }
}

/* A file of many blocks: every row arrives once, in order, whatever lies on the borders. */
static void many_blocks(void **state)
{
    (void)state;
    ov_buf data, out;
    ov_buf_init(&data);
    ov_buf_init(&out);
    const uint32_t n = 200000;
    for (uint32_t i = 0; i < n; i++)
        ov_buf_addf(&data, "%u,\"row %u\n%s\",%u,1.5\n", i, i, i % 7 ? "second \"\"line\"\"" : "x", i);
    dump(ABC, CSV, ov_buf_slice(&data), false, &out);
    uint32_t seen = 0;
    for (const char *p = out.p; seen < n; seen++) {
        char want[64];
        snprintf(want, sizeof want, "%u|row %u\n", seen, seen);
        if (strncmp(p, want, strlen(want)) != 0)
            fail_msg("row %u is \"%.30s\"", seen, p);
        p = strchr(strchr(p, '\n') + 1, '\n') + 1;
    }
    assert_non_null(strstr(out.p + out.n - 100, "read=200000 loaded=200000 rejected=0"));
    ov_buf_fini(&data);
    ov_buf_fini(&out);
}

static void rows_too_long(void **state)
{
    (void)state;
    static const char *const formats[] = {JSON, CSV};
    for (int k = 0; k < 2; k++) {
        ov_buf data, out;
        ov_buf_init(&data);
        ov_buf_init(&out);
        ov_buf_add_str(&data, k ? "1,a,1,1\n2," : "{\"t\":1,\"a\":\"a\",\"b\":1,\"c\":1}\n{\"t\":2,\"a\":\"");
        assert_true(ov_buf_reserve(&data, 100 << 20));
        memset(data.p + data.n, 'x', 100 << 20);
        data.n += 100 << 20;
        ov_buf_add_str(&data, k ? "\n3,b,2,\nbad,,,\n" : "\"}\n{\"t\":3,\"a\":\"b\",\"b\":2}\n{bad\n");
        write_scratch(data.p, data.n);
        dump_scratch(ABC, formats[k], &out);
        const char *text = ov_buf_cstr(&out);
        assert_non_null(strstr(text, "1|a|1|1.0\n3|b|2|NULL\ncounts read=4 loaded=2 rejected=2"));
        assert_non_null(strstr(text, "reject 2:1 "));
        assert_non_null(strstr(text, "the row is longer than 32 MiB and was skipped"));
        assert_non_null(strstr(text, k ? "reject 4:1" : "reject 4:2"));
        ov_buf_fini(&data);
        ov_buf_fini(&out);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(json_values),
        cmocka_unit_test(json_numbers_that_do_not_fit),
        cmocka_unit_test(json_strings),
        cmocka_unit_test(json_broken_lines),
        cmocka_unit_test(what_a_pattern_expected),
        cmocka_unit_test(json_bytes_that_are_not_text),
        cmocka_unit_test(json_over_several_lines),
        cmocka_unit_test(json_several_values),
        cmocka_unit_test(json_typed_columns),
        cmocka_unit_test(json_flattening),
        cmocka_unit_test(json_discovery),
        cmocka_unit_test(csv_values),
        cmocka_unit_test(csv_quotes),
        cmocka_unit_test(tsv_and_lists),
        cmocka_unit_test(intervals_filter),
        cmocka_unit_test(row_ends),
        cmocka_unit_test(many_blocks),
        cmocka_unit_test(rows_too_long),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
