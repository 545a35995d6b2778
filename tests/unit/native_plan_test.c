/*
 * Native JSON queries: JSON in (with ' for "), printed plan out; and the sentences of what is wrong. One datasource,
 * `wiki`, is known; nothing is executed.
 */
#include "tests/unit/harness.h"

#include "query/native/native_print.h"
#include "query/native/native_query.h"
#include "tests/lib/sql_wiki.h"

typedef struct setup {
    ov_arena arena;
    ov_expr_ctx cx;
    ov_native_env env;
} setup;

static void open_setup(setup *s)
{
    *s = (setup){.env = {.find = wiki_find}};
    ov_arena_init(&s->arena, "test", NULL);
    s->cx.arena = &s->arena;
    s->cx.now_ms = 1577836800000;
    s->env.cx = &s->cx;
}

static ov_status plan_json(setup *s, const char *json, ov_native_query *q, ov_error *err)
{
    ov_buf text;
    ov_json *doc;
    ov_slice kept;
    ov_buf_init(&text);
    for (const char *c = json; *c; c++)
        ov_buf_add_char(&text, *c == '\'' ? '"' : *c);
    ov_status st = ov_arena_copy(&s->arena, ov_buf_slice(&text), &kept, err);
    ov_buf_fini(&text);
    OV_TRY(st);
    OV_TRY(ov_json_parse(kept, NULL, &s->arena, &doc, err));
    return ov_native_plan(&s->env, doc, q, err);
}

static void plans(const char *json, const char *expected)
{
    setup s;
    ov_native_query q;
    ov_error err = OV_ERROR_INIT;
    ov_buf text;
    open_setup(&s);
    ov_buf_init(&text);
    if (plan_json(&s, json, &q, &err) != OV_OK)
        fail_msg("%s\n%s", json, err.text);
    check_ok(ov_plan_print(q.plan, &text, &err), &err);
    if (strcmp(ov_buf_cstr(&text), expected) != 0)
        fail_msg("%s\n--- expected:\n%s--- got:\n%s", json, expected, ov_buf_cstr(&text));
    ov_buf_fini(&text);
    ov_arena_fini(&s.arena);
}

static void fails(const char *json, const char *words)
{
    setup s;
    ov_native_query q;
    ov_error err = OV_ERROR_INIT;
    open_setup(&s);
    if (plan_json(&s, json, &q, &err) == OV_OK)
        fail_msg("%.300s\nshould not plan: %s", json, words);
    if (!strstr(err.text, words))
        fail_msg("%.300s\n    is     %s\n    wanted %s", json, err.text, words);
    ov_arena_fini(&s.arena);
}

#define DAY "'dataSource':'wiki','intervals':'2015-09-12/2015-09-13'"
#define ALL "'dataSource':'wiki','intervals':'-146136543-09-08T08:23:32.096Z/146140482-04-24T15:36:27.903Z'"
#define COUNT "'aggregations':[{'type':'count','name':'n'}]"

static void test_plans(void **state)
{
    (void)state;
    plans("{'queryType':'timeseries'," DAY ",'granularity':'all'," COUNT "}",
          "Aggregate keys=[] aggs=[COUNT(*)]\n"
          "  Scan wiki (__time) time=[2015-09-12T00:00:00.000Z/2015-09-13T00:00:00.000Z]\n");
    plans("{'queryType':'timeseries'," ALL ",'granularity':'hour','descending':true," COUNT "}",
          "Sort $0 DESC\n"
          "  Aggregate keys=[TIME_FLOOR($0, 'PT1H', NULL, 'UTC')] aggs=[COUNT(*)]\n"
          "    Scan wiki (__time)\n");
    plans("{'queryType':'topN'," ALL ",'granularity':'all','dimension':'channel','metric':'n','threshold':3," COUNT "}",
          "Sort $1 DESC, $0 limit=3\n"
          "  Aggregate keys=[$0] aggs=[COUNT(*)]\n"
          "    Scan wiki (channel)\n");
    plans("{'queryType':'groupBy'," ALL ",'granularity':'all','dimensions':['channel']," COUNT
          ",'having':{'type':'greaterThan','aggregation':'n','value':5},'filter':{'type':'selector','dimension':'page',"
          "'value':'x'},'limitSpec':{'type':'default','limit':2,'columns':[{'dimension':'n','direction':'descending'}]}}",
          "Sort $1 DESC, $0 limit=2\n"
          "  Filter ($1 > 5)\n"
          "    Aggregate keys=[$0] aggs=[COUNT(*)]\n"
          "      Scan wiki (channel, page) filter=($1 = 'x')\n");
    plans("{'queryType':'scan'," ALL ",'columns':['page','v'],'limit':7,'virtualColumns':[{'type':'expression','name':'v',"
          "'expression':'added + 1','outputType':'LONG'}]}",
          "Project $0 AS page, ($1 + 1) AS v\n"
          "  Limit limit=7\n"
          "    Scan wiki (page, added)\n");
    plans("{'queryType':'timeBoundary','dataSource':'wiki'}",
          "Aggregate keys=[] aggs=[MIN($0), MAX($0)]\n"
          "  Scan wiki (__time)\n");
    plans("{'queryType':'scan'," ALL ",'columns':['page'],'filter':{'type':'or','fields':[{'type':'selector','dimension':'page','value':'x'},"
          "{'type':'selector','dimension':'channel','value':'c'},{'type':'equals','column':'page','matchValueType':'STRING','matchValue':'y'}]}}",
          "Project $1 AS page\n"
          "  Scan wiki (channel, page) filter=(($1 IN ('x', 'y')) OR ($0 = 'c'))\n");
    plans("{'queryType':'timeseries'," ALL ",'granularity':'all','aggregations':[{'type':'filtered','name':'x','filter':"
          "{'type':'null','column':'page'},'aggregator':{'type':'doubleSum','fieldName':'delta'}}],'postAggregations':"
          "[{'type':'arithmetic','name':'y','fn':'*','fields':[{'type':'fieldAccess','fieldName':'x'},{'type':'constant',"
          "'value':2}]}]}",
          "Project $0 AS x, ($0 * 2.0) AS y\n"
          "  Aggregate keys=[] aggs=[SUM($1) FILTER ($0 IS NULL)]\n"
          "    Scan wiki (page, delta)\n");
    plans("{'queryType':'groupBy','dataSource':{'type':'query','query':{'queryType':'groupBy'," ALL
          ",'granularity':'all','dimensions':['channel','page']," COUNT "}},'intervals':'2000/2001','granularity':'all',"
          "'dimensions':['channel'],'aggregations':[{'type':'longSum','name':'s','fieldName':'n'}]}",
          "Sort $0\n"
          "  Aggregate keys=[$0] aggs=[SUM($1)]\n"
          "    Project $0 AS channel, $2 AS n\n"
          "      Aggregate keys=[$0, $1] aggs=[COUNT(*)]\n"
          "        Scan wiki (channel, page)\n");
}

static void test_errors(void **state)
{
    (void)state;
    fails("{'queryType':'zzz'}", "queryType: unknown query type 'zzz'");
    fails("{'queryType':'select'}", "scan does its work");
    fails("{'queryType':'timeseries','dataSource':'wiki','granularity':'all'}", "'intervals' is missing");
    fails("{'queryType':'timeseries'," DAY ",'granularity':'fortnight'}", "granularity");
    fails("{'queryType':'timeseries'," DAY ",'granularity':'all','aggregations':[{'type':'longSum','name':'x'}]}",
          "aggregations[0]: 'fieldName' is missing");
    fails("{'queryType':'timeseries'," DAY ",'granularity':'all','aggregations':[{'type':'nope','name':'x'}]}",
          "aggregations[0].type: unknown aggregator 'nope'");
    fails("{'queryType':'timeseries'," DAY ",'granularity':'all','aggregations':[{'type':'momentSketch','name':'x',"
          "'fieldName':'page','k':1}]}",
          "aggregations[0].k: expected a number from 2 to 64, found 1");
    fails("{'queryType':'timeseries'," DAY ",'granularity':'all','filter':{'type':'and','fields':[{'type':'nope'}]}}",
          "filter.fields[0].type: unknown filter 'nope'");
    fails("{'queryType':'timeseries'," DAY ",'granularity':'all'," COUNT
          ",'postAggregations':[{'type':'fieldAccess','name':'p','fieldName':'q'},{'type':'fieldAccess','name':'q','fieldName':'p'}]}",
          "postAggregations[0].fieldName: there is no aggregator or earlier post-aggregator 'q'");
    fails("{'queryType':'timeseries'," DAY ",'granularity':'all','virtualColumns':[{'type':'expression','name':'a','expression':'b'},"
          "{'type':'expression','name':'b','expression':'a'}]}",
          "needs itself");
    fails("{'queryType':'groupBy'," DAY ",'granularity':'all','dimensions':['page'],'aggregations':[{'type':'count','name':'page'}]}",
          "given twice");
    fails("{'queryType':'topN'," DAY ",'granularity':'all','dimension':'page','metric':'x','threshold':0," COUNT "}",
          "threshold: expected a whole number from 1");
    fails("{'queryType':'topN'," DAY ",'granularity':'all','dimension':'page','metric':'x','threshold':2," COUNT "}",
          "there is no aggregator or post-aggregator 'x'");
    fails("{'queryType':'scan'," DAY ",'resultFormat':'valueVector'}", "valueVector is not supported");
    fails("{'queryType':'timeseries','dataSource':{'type':'join','left':'wiki','right':'wiki','joinType':'INNER',"
          "'condition':'1'},'intervals':'2000/2001','granularity':'all'}",
          "rightPrefix");
}

/* Names that stand for each other must not grow without bound. */
static void test_growth(void **state)
{
    (void)state;
    ov_buf json;
    ov_buf_init(&json);
    ov_buf_add_str(&json, "{'queryType':'timeseries'," DAY ",'granularity':'all','virtualColumns':[{'type':'expression','name':'v0',"
                          "'expression':'added'}");
    for (int i = 1; i < 64; i++)
        ov_buf_addf(&json, ",{'type':'expression','name':'v%d','expression':'v%d + v%d'}", i, i - 1, i - 1);
    ov_buf_add_str(&json, "]}");
    fails(ov_buf_cstr(&json), "grow beyond");
    ov_buf_clear(&json);
    ov_buf_add_str(&json, "{'queryType':'timeseries'," DAY ",'granularity':'all'," COUNT ",'postAggregations':[{'type':'constant','name':'v0',"
                          "'value':1}");
    for (int i = 1; i < 64; i++)
        ov_buf_addf(&json, ",{'type':'expression','name':'v%d','expression':'v%d + v%d'}", i, i - 1, i - 1);
    ov_buf_add_str(&json, "]}");
    fails(ov_buf_cstr(&json), "grow beyond");
    ov_buf_clear(&json); /* a chain, each one naming the next */
    ov_buf_add_str(&json, "{'queryType':'timeseries'," DAY ",'granularity':'all','virtualColumns':[");
    for (int i = 0; i < 5000; i++)
        ov_buf_addf(&json, "%s{'type':'expression','name':'v%d','expression':'v%d + 1'}", i ? "," : "", i, i + 1);
    ov_buf_add_str(&json, "]}");
    fails(ov_buf_cstr(&json), "more than 400");
    ov_buf_clear(&json); /* and the last */
    ov_buf_add_str(&json, "{'queryType':'timeseries'," DAY ",'granularity':'all'," COUNT ",'postAggregations':[");
    for (int i = 1; i < 5000; i++)
        ov_buf_addf(&json, "%s{'type':'expression','name':'v%d','expression':'%s%d + 1'}", i > 1 ? "," : "", i, i > 1 ? "v" : "",
                    i - 1);
    ov_buf_add_str(&json, "]}");
    fails(ov_buf_cstr(&json), "more than 400 levels high");
    ov_buf_fini(&json);
}

static void prints(const char *sql, const char *expected)
{
    setup s;
    ov_sql_parsed parsed;
    ov_sql_statement statement;
    ov_error err = OV_ERROR_INIT;
    const ov_plan *plan;
    ov_buf text;
    bool printed;
    open_setup(&s);
    ov_buf_init(&text);
    ov_sql_env env = {.cx = &s.cx, .outer_limit = OV_NO_LIMIT, .tables = {wiki_find, wiki_at, 1, NULL}};
    ov_native_print how = {.cx = &s.cx, .id = OV_SLICE_LIT("q")};
    check_ok(ov_sql_parse(ov_slice_cstr(sql), &s.arena, &parsed, &err), &err);
    check_ok(ov_sql_plan(&env, &parsed, &statement, &err), &err);
    check_ok(ov_plan_optimize(&s.cx, statement.plan, &plan, &err), &err);
    check_ok(ov_native_print_plan(&how, plan, &text, &printed, &err), &err);
    const char *is = printed ? ov_buf_cstr(&text) : "none";
    if (!strstr(is, expected))
        fail_msg("%s\n    is     %s\n    wanted %s", sql, is, expected);
    if (printed) { /* what was printed must be a query */
        ov_json *doc;
        ov_native_query q;
        check_ok(ov_json_parse(ov_buf_slice(&text), NULL, &s.arena, &doc, &err), &err);
        ov_status st = ov_native_plan(&s.env, ov_json_get(doc->first, "query"), &q, &err);
        if (st != OV_OK)
            fail_msg("%s\n%s\n%s", sql, is, err.text);
    }
    ov_buf_fini(&text);
    ov_arena_fini(&s.arena);
}

static void test_prints(void **state)
{
    (void)state;
    prints("SELECT COUNT(*) FROM wiki", "\"queryType\":\"timeseries\"");
    prints("SELECT channel, COUNT(*) FROM wiki GROUP BY 1 ORDER BY 2 DESC LIMIT 3",
           "\"metric\":{\"type\":\"numeric\",\"metric\":\"a0\"},\"threshold\":3");
    prints("SELECT channel, page, SUM(added) FROM wiki GROUP BY 1, 2 HAVING SUM(added) > 5",
           "\"having\":{\"type\":\"filter\",\"filter\":{\"type\":\"range\",\"column\":\"a0\",\"matchValueType\":\"LONG\",\"lower\":5,"
           "\"lowerOpen\":true},\"finalize\":true}");
    prints("SELECT TIME_FLOOR(__time, 'PT1H'), SUM(added) FROM wiki GROUP BY 1", "\"granularity\":\"HOUR\"");
    prints("SELECT UPPER(page) FROM wiki WHERE LOWER(channel) LIKE '%ko%' AND added IN (1, 2)",
           "\"virtualColumns\":[{\"type\":\"expression\",\"name\":\"v0\",\"expression\":\"lower(\\\"channel\\\")\"");
    prints("SELECT w.page FROM wiki w JOIN wiki v ON w.page = v.channel", "\"condition\":\"(\\\"page\\\" == \\\"j0.channel\\\")\"");
    prints("SELECT AVG(c) FROM (SELECT channel, COUNT(*) c FROM wiki GROUP BY 1)", "\"dataSource\":{\"type\":\"query\"");
    prints("SELECT UPPER(a.u) FROM (SELECT LOWER(page) AS u, channel AS c FROM wiki) a JOIN wiki b ON a.c = b.channel", /* a has its own v0 */
           "\"virtualColumns\":[{\"type\":\"expression\",\"name\":\"_v0\",\"expression\":\"upper(\\\"v0\\\")\"");
    prints("SELECT ROW_NUMBER() OVER (ORDER BY page) FROM wiki", "\"processor\":{\"type\":\"rowNumber\",\"outputColumn\":\"w0\"}");
    prints("SELECT NTH_VALUE(page, 2) OVER (ORDER BY page) FROM wiki", "none");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_plans),
        cmocka_unit_test(test_errors),
        cmocka_unit_test(test_growth),
        cmocka_unit_test(test_prints),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
