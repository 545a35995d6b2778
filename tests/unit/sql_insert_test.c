/*
 * INSERT and REPLACE: what is said to be written, in which columns and order; and the sentences of what is refused. And
 * what EXTERN and its kin hand to their reader, with a reader that only writes down what it was asked.
 */
#include "tests/unit/harness.h"

#include <stdio.h>

#include "query/sql/sql.h"
#include "tests/lib/sql_wiki.h"

typedef struct setup {
    ov_arena arena;
    ov_expr_ctx cx;
    ov_extern_ops externs;
    ov_sql_env env;
    ov_sql_statement statement;
    ov_extern_request asked;
    ov_systable table;
} setup;

static ov_status note_extern(void *ctx, const ov_extern_request *rq, ov_arena *arena, const ov_systable **out,
                             ov_error *err)
{
    setup *s = ctx;
    s->asked = *rq;
    OV_TRY(ov_arena_copy(arena, rq->source, &s->asked.source, err));
    OV_TRY(ov_arena_copy(arena, rq->format, &s->asked.format, err));
    s->table = (ov_systable){
        .schema = "EXTERNAL", .name = "EXTERN", .fields = rq->fields, .field_count = rq->field_count};
    *out = &s->table;
    return OV_OK;
}

static ov_status bind(setup *s, const char *sql, ov_error *err)
{
    ov_sql_parsed parsed;
    *s = (setup){.env = {.outer_limit = OV_NO_LIMIT,
                         .tables = {wiki_find, wiki_at, 1, NULL},
                         .systables = wiki_systables,
                         .systable_count = 1}};
    ov_arena_init(&s->arena, "test", NULL);
    s->cx.arena = &s->arena;
    s->cx.now_ms = 1577836800000; /* 2020-01-01 */
    s->env.cx = &s->cx;
    s->externs = (ov_extern_ops){s, note_extern};
    s->env.externs = &s->externs;
    OV_TRY(ov_sql_parse(ov_slice_cstr(sql), &s->arena, &parsed, err));
    return ov_sql_plan(&s->env, &parsed, &s->statement, err);
}

/* "wiki REPLACE all [2020-01-01T...] "DAY" (__time page*) + others": * marks the columns of CLUSTERED BY. */
static void writes(const char *sql, const char *expected)
{
    setup s;
    ov_error err = OV_ERROR_INIT;
    ov_buf b;
    ov_buf_init(&b);
    if (bind(&s, sql, &err) != OV_OK)
        fail_msg("%s\n%s", sql, err.text);
    const ov_query_write *w = s.statement.write;
    assert_non_null(w);
    ov_buf_addf(&b, OV_SLICE_FMT "%s%s", OV_SLICE_ARG(w->datasource), w->replace ? " REPLACE" : "",
                w->replace_all ? " all" : "");
    for (uint32_t i = 0; i < w->interval_count; i++) {
        ov_buf_add_char(&b, ' ');
        ov_interval_add(&b, w->intervals[i]);
    }
    ov_buf_addf(&b, " " OV_SLICE_FMT " (", OV_SLICE_ARG(w->segment_json));
    for (uint32_t i = 0; i < s.statement.plan->field_count; i++)
        ov_buf_addf(&b, "%s" OV_SLICE_FMT "%s", i ? " " : "", OV_SLICE_ARG(s.statement.plan->fields[i].name),
                    i && i <= w->cluster_count ? "**" : i && i <= w->sorted_count ? "*" : "");
    ov_buf_add_char(&b, ')');
    if (strcmp(ov_buf_cstr(&b), expected) != 0)
        fail_msg("%s\n--- expected:\n%s\n--- got:\n%s", sql, expected, ov_buf_cstr(&b));
    ov_buf_fini(&b);
    ov_arena_fini(&s.arena);
}

static void fails(const char *sql, const char *part)
{
    setup s;
    ov_error err = OV_ERROR_INIT;
    check_fails(bind(&s, sql, &err), &err, OV_INVALID, part);
    ov_arena_fini(&s.arena);
}

static void test_writes(void **state)
{
    (void)state;
    writes("INSERT INTO t SELECT page, __time FROM wiki PARTITIONED BY DAY", "t \"DAY\" (__time page)");
    writes("INSERT INTO druid.t SELECT 1 AS a PARTITIONED BY ALL", "t {\"type\":\"all\"} (__time a)");
    writes("INSERT INTO \"druid\".\"t\" SELECT 1 AS a PARTITIONED BY ALL TIME", "t {\"type\":\"all\"} (__time a)");
    writes("INSERT INTO t (a, __time) SELECT page, __time FROM wiki PARTITIONED BY 'PT1H'", "t \"HOUR\" (__time a)");
    writes("INSERT INTO t SELECT * FROM wiki PARTITIONED BY FLOOR(__time TO MONTH)",
           "t \"MONTH\" (__time channel page added delta)");
    writes("INSERT INTO t SELECT * FROM wiki PARTITIONED BY TIME_FLOOR(__time, 'PT2H')",
           "t {\"type\":\"period\",\"period\":\"PT2H\"} (__time channel page added delta)");
    writes("REPLACE INTO t OVERWRITE ALL SELECT * FROM wiki PARTITIONED BY YEAR CLUSTERED BY page, channel",
           "t REPLACE all \"YEAR\" (__time page** channel** added delta)");
    writes("REPLACE INTO t OVERWRITE ALL SELECT * FROM wiki PARTITIONED BY DAY CLUSTERED BY 3, UPPER(channel)",
           "t REPLACE all \"DAY\" (__time page* channel added delta)");
    writes("REPLACE INTO t OVERWRITE WHERE __time >= TIMESTAMP '2020-01-01' AND __time < TIMESTAMP '2020-02-01' "
           "SELECT * FROM wiki PARTITIONED BY MONTH",
           "t REPLACE 2020-01-01T00:00:00.000Z/2020-02-01T00:00:00.000Z \"MONTH\" (__time channel page added delta)");
    writes("REPLACE INTO t OVERWRITE WHERE __time < TIMESTAMP '2020-01-01' OR (__time >= TIMESTAMP '2021-01-01' AND NOT "
           "__time >= TIMESTAMP '2022-01-01') SELECT __time FROM wiki PARTITIONED BY DAY",
           "t REPLACE -146136543-09-08T08:23:32.096Z/2020-01-01T00:00:00.000Z "
           "2021-01-01T00:00:00.000Z/2022-01-01T00:00:00.000Z \"DAY\" (__time)");
    writes("INSERT INTO t SELECT page, COUNT(*) AS n FROM wiki GROUP BY 1 ORDER BY 2 LIMIT 3 PARTITIONED BY ALL",
           "t {\"type\":\"all\"} (__time page n)");
}

static void test_refusals(void **state)
{
    (void)state;
    fails("INSERT INTO t SELECT 1 AS a", "Operation [INSERT] requires a PARTITIONED BY");
    fails("REPLACE INTO t OVERWRITE ALL SELECT 1 AS a", "Operation [REPLACE] requires a PARTITIONED BY");
    fails("INSERT INTO t SELECT page FROM wiki PARTITIONED BY DAY", "no column __time");
    fails("INSERT INTO t SELECT page AS __time FROM wiki PARTITIONED BY DAY",
          "Field [__time] was the wrong type [VARCHAR], expected TIMESTAMP");
    fails("INSERT INTO t SELECT 1 PARTITIONED BY ALL", "columns to be named");
    fails("INSERT INTO t SELECT 1 AS a, 2 AS a PARTITIONED BY ALL", "Duplicate field in SELECT: [a]");
    fails("INSERT INTO t (a) SELECT 1 AS a, 2 AS b PARTITIONED BY ALL", "INSERT names 1 columns, but the query makes 2");
    fails("INSERT INTO sys.t SELECT 1 AS a PARTITIONED BY ALL", "[sys.t] does not support operation [INSERT]");
    fails("INSERT INTO t SELECT 1 AS a PARTITIONED BY FORTNIGHT", "Invalid granularity after PARTITIONED BY");
    fails("INSERT INTO t SELECT * FROM wiki PARTITIONED BY TIME_FLOOR(added, 'P1D')", "Invalid granularity");
    fails("INSERT INTO t SELECT * FROM wiki ORDER BY page PARTITIONED BY ALL", "use CLUSTERED BY instead");
    fails("INSERT INTO t SELECT * FROM wiki LIMIT 3 PARTITIONED BY DAY", "cannot have a LIMIT unless PARTITIONED BY");
    fails("INSERT INTO t SELECT * FROM wiki PARTITIONED BY DAY CLUSTERED BY page DESC", "descending");
    fails("INSERT INTO t SELECT * FROM wiki PARTITIONED BY DAY CLUSTERED BY nope", "nope");
    fails("INSERT INTO t SELECT * FROM wiki PARTITIONED BY DAY CLUSTERED BY 9", "Ordinal out of range");
    fails("REPLACE INTO t OVERWRITE WHERE __time > TIMESTAMP '2020-01-01' SELECT * FROM wiki PARTITIONED BY DAY",
          "not aligned with PARTITIONED BY granularity [\"DAY\"]");
    fails("REPLACE INTO t OVERWRITE WHERE EXTRACT(DAY FROM __time) = 1 SELECT * FROM wiki PARTITIONED BY DAY",
          "OVERWRITE WHERE takes comparisons of __time");
    fails("REPLACE INTO t OVERWRITE WHERE page = 'a' SELECT * FROM wiki PARTITIONED BY DAY", "page");
    fails("REPLACE INTO t OVERWRITE WHERE __time < TIMESTAMP '2020-01-01' AND __time > TIMESTAMP '2021-01-01' SELECT * FROM "
          "wiki PARTITIONED BY DAY",
          "no time intervals");
}

/* The two documents, then the columns. */
static void reads(const char *from, const char *expected)
{
    setup s;
    char sql[1000], type[48];
    ov_error err = OV_ERROR_INIT;
    ov_buf b;
    ov_buf_init(&b);
    snprintf(sql, sizeof sql, "SELECT * FROM %s", from);
    if (bind(&s, sql, &err) != OV_OK)
        fail_msg("%s\n%s", sql, err.text);
    ov_buf_addf(&b, OV_SLICE_FMT " " OV_SLICE_FMT, OV_SLICE_ARG(s.asked.source), OV_SLICE_ARG(s.asked.format));
    for (uint32_t i = 0; i < s.asked.field_count; i++)
        ov_buf_addf(&b, " " OV_SLICE_FMT ":%s", OV_SLICE_ARG(s.asked.fields[i].name),
                    ov_type_name(s.asked.fields[i].type, type));
    if (strcmp(ov_buf_cstr(&b), expected) != 0)
        fail_msg("%s\n--- expected:\n%s\n--- got:\n%s", sql, expected, ov_buf_cstr(&b));
    ov_buf_fini(&b);
    ov_arena_fini(&s.arena);
}

static void test_extern(void **state)
{
    (void)state;
    reads("TABLE(EXTERN('S', 'F', '[{\"name\":\"a\",\"type\":\"string\"},{\"name\":\"b\",\"type\":\"ARRAY<long>\"}]'))",
          "S F a:STRING b:ARRAY<LONG>");
    reads("TABLE(EXTERN(inputFormat => 'F', inputSource => 'S')) EXTEND (a VARCHAR, b DOUBLE, c TYPE('COMPLEX<json>'))",
          "S F a:STRING b:DOUBLE c:COMPLEX<json>");
    reads("TABLE(INLINE(data => ARRAY['1,2', '3,4'], format => 'csv', skipRows => 1)) (x VARCHAR, y BIGINT ARRAY)",
          "{\"type\":\"inline\",\"data\":\"1,2\\n3,4\\n\"} {\"type\":\"csv\",\"columns\":[\"x\",\"y\"],\"skipHeaderRows\":1} "
          "x:STRING y:ARRAY<LONG>");
    reads("TABLE(LOCALFILES(baseDir => '/d', filter => '*.json', format => 'json')) (x FLOAT)",
          "{\"type\":\"local\",\"baseDir\":\"/d\",\"filter\":\"*.json\"} {\"type\":\"json\"} x:FLOAT");
    reads("TABLE(HTTP(uris => ARRAY['http://h/f'], userName => 'u', passwordEnvVar => 'P', format => 'tsv', delimiter => '|')) "
          "(x VARCHAR)",
          "{\"type\":\"http\",\"uris\":[\"http://h/f\"],\"httpAuthenticationUsername\":\"u\",\"httpAuthenticationPassword\":{"
          "\"type\":\"environment\",\"variable\":\"P\"}} {\"type\":\"tsv\",\"columns\":[\"x\"],\"delimiter\":\"|\"} x:STRING");
}

static void test_extern_refusals(void **state)
{
    (void)state;
    fails("SELECT 1 FROM TABLE(EXTERN('S', 'F'))", "needs columns");
    fails("SELECT 1 FROM TABLE(EXTERN('S')) EXTEND (a VARCHAR)", "needs its parameter inputFormat");
    fails("SELECT 1 FROM TABLE(EXTERN('S', 'F', 'not json'))", "signature");
    fails("SELECT 1 FROM TABLE(EXTERN('S', 'F', '[{\"name\":\"a\",\"type\":\"blob\"}]'))", "Column 'a' must be");
    fails("SELECT 1 FROM TABLE(EXTERN('S', 'F')) EXTEND (a VARCHAR, a BIGINT)", "declared twice");
    fails("SELECT 1 FROM TABLE(EXTERN(1, 'F')) EXTEND (a VARCHAR)", "inputSource must be a string");
    fails("SELECT 1 FROM TABLE(INLINE(dota => 'x', format => 'csv')) (a VARCHAR)", "no parameter 'dota'");
    fails("SELECT 1 FROM TABLE(INLINE(data => ARRAY[1], format => 'csv')) (a VARCHAR)", "data must be an ARRAY of strings");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_writes),
        cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_extern),
        cmocka_unit_test(test_extern_refusals),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
