/* Retention rules: what applies to what, what is refused, and what a look over a catalog drops. */
#include "base/os.h"
#include "ingest/upkeep/rules.h"
#include "ingest/upkeep/settings.h"
#include "ingest/upkeep/upkeep.h"
#include "tests/unit/catalog_fixture.h"

static ov_error err;
static ov_arena arena;
static const int64_t NOW = INT64_C(1717200000000); /* 2024-06-01 */
static const int64_t DAY = 86400000;

static ov_json *doc_of(const char *text)
{
    ov_json *doc;
    check_ok(ov_json_parse(ov_slice_cstr(text), NULL, &arena, &doc, &err), &err);
    return doc;
}

static ov_interval span(const char *text)
{
    ov_interval i;
    check_ok(ov_interval_parse(ov_slice_cstr(text), &i, &err), &err);
    return i;
}

static void check_rule(const char *rule, const char *segment, bool want)
{
    ov_rule *rules;
    uint32_t n;
    char text[300];
    snprintf(text, sizeof text, "[%s]", rule);
    check_ok(ov_rules_read(doc_of(text), &arena, &rules, &n, &err), &err);
    assert_int_equal(n, 1);
    if (ov_rule_applies(&rules[0], span(segment), NOW) != want)
        fail_msg("%s %s to %s", rule, want ? "must apply" : "must not apply", segment);
}

static void test_applies(void **state)
{
    (void)state;
    ov_arena_init(&arena, "rules", NULL);
    check_rule("{\"type\":\"loadForever\"}", "1970/1971", true);
    check_rule("{\"type\":\"dropForever\"}", "3000/3001", true);
    /* the last month and what lies after it; overlapping is enough to load */
    const char *load = "{\"type\":\"loadByPeriod\",\"period\":\"P1M\"}", *drop = "{\"type\":\"dropByPeriod\",\"period\":\"P1M\"}";
    check_rule(load, "2024-04-30/2024-05-01", false);
    check_rule(load, "2024-04-30/2024-05-02", true);
    check_rule(load, "2024-07-01/2024-07-02", true);
    check_rule("{\"type\":\"loadByPeriod\",\"period\":\"P1M\",\"includeFuture\":false}", "2024-07-01/2024-07-02", false);
    check_rule("{\"type\":\"loadByPeriod\",\"period\":\"P1M\",\"includeFuture\":false}", "2024-05-31/2024-06-02", true);
    /* lying inside is needed to drop */
    check_rule(drop, "2024-04-30/2024-05-02", false);
    check_rule(drop, "2024-05-01/2024-05-02", true);
    check_rule(drop, "2024-07-01/2024-07-02", true);
    check_rule("{\"type\":\"dropByPeriod\",\"period\":\"P1M\",\"includeFuture\":false}", "2024-05-31/2024-06-02", false);
    check_rule("{\"type\":\"dropBeforeByPeriod\",\"period\":\"P1M\"}", "2024-04-30/2024-05-01", true);
    check_rule("{\"type\":\"dropBeforeByPeriod\",\"period\":\"P1M\"}", "2024-04-30/2024-05-02", false);
    check_rule("{\"type\":\"dropBeforeByPeriod\",\"period\":\"P900000000Y\"}", "1970/1971", false);
    check_rule("{\"type\":\"loadByInterval\",\"interval\":\"2024-01-01/2024-02-01\"}", "2024-01-31/2024-02-02", true);
    check_rule("{\"type\":\"dropByInterval\",\"interval\":\"2024-01-01/2024-02-01\"}", "2024-01-31/2024-02-02", false);
    check_rule("{\"type\":\"dropByInterval\",\"interval\":\"2024-01-01/2024-02-01\"}", "2024-01-31/2024-02-01", true);
    ov_arena_fini(&arena);
}

static void check_refused(const char *list, const char *word)
{
    ov_rule *rules;
    uint32_t n;
    const ov_json *doc = doc_of(list);
    ov_error why = OV_ERROR_INIT;
    ov_status st = ov_rules_read(doc, &arena, &rules, &n, &why);
    if (st == OV_OK)
        st = ov_rules_check(doc, rules, n, NOW, &why);
    assert_int_equal(st, OV_INVALID);
    if (!strstr(why.text, word))
        fail_msg("'%s' does not name %s", why.text, word);
}

static void test_refused(void **state)
{
    (void)state;
    ov_arena_init(&arena, "rules", NULL);
    check_refused("{}", "array");
    check_refused("[7]", "[0]");
    check_refused("[{\"type\":\"keepForever\"}]", "keepForever");
    check_refused("[{\"type\":\"dropByPeriod\"}]", "period");
    check_refused("[{\"type\":\"dropByPeriod\",\"period\":\"a month\"}]", "a month");
    check_refused("[{\"type\":\"loadByInterval\",\"interval\":\"soon\"}]", "soon");
    check_refused("[{\"type\":\"loadForever\",\"tieredReplicants\":{\"hot\":-1}}]", "hot");
    check_refused("[{\"type\":\"loadForever\"},{\"type\":\"dropForever\"}]", "[1]");
    check_refused("[{\"type\":\"loadByPeriod\",\"period\":\"P6M\"},{\"type\":\"loadByPeriod\",\"period\":\"P3M\"}]", "[1]");
    ov_rule *rules;
    uint32_t n;
    const ov_json *fine = doc_of("[{\"type\":\"loadByPeriod\",\"period\":\"P3M\"},{\"type\":\"loadByPeriod\",\"period\":\"P6M\"},"
                                 "{\"type\":\"dropForever\"}]");
    check_ok(ov_rules_read(fine, &arena, &rules, &n, &err), &err);
    check_ok(ov_rules_check(fine, rules, n, NOW, &err), &err);
    ov_arena_fini(&arena);
}

static void set_rules(fixture *f, const char *object)
{
    ov_settings s;
    check_ok(ov_settings_read(f->cat, OV_RULES_SUBJECT, &f->arena, &s, &err), &err);
    check_ok(ov_json_parse(ov_slice_cstr(object), NULL, &f->arena, &s.object, &err), &err);
    ov_audit audit = {.key = OV_SLICE_LIT("test"), .payload = OV_SLICE_LIT("[]")};
    check_ok(ov_settings_write(f->cat, OV_RULES_SUBJECT, &s, &audit, &f->arena, &err), &err);
}

static void test_look(void **state)
{
    (void)state;
    fixture f;
    uint32_t n;
    fixture_init(&f);
    for (int i = 0; i < 4; i++) {
        fixture_put(&f, OV_PUBLISH_REPLACE, "own", NOW - (i + 1) * DAY, NOW - i * DAY, 10);
        fixture_put(&f, OV_PUBLISH_REPLACE, "other", NOW - (i + 1) * DAY, NOW - i * DAY, 10);
    }
    check_ok(ov_upkeep_apply_rules(f.cat, NOW, &n, &err), &err);
    assert_int_equal(n, 0); /* loadForever is there from the start */
    set_rules(&f, "{\"own\":[{\"type\":\"loadByPeriod\",\"period\":\"P2D\"},{\"type\":\"dropForever\"}],"
                  "\"_default\":[{\"type\":\"dropBeforeByPeriod\",\"period\":\"P3D\"}]}");
    check_ok(ov_upkeep_apply_rules(f.cat, NOW, &n, &err), &err);
    assert_int_equal(n, 3);
    assert_int_equal(fixture_rows(&f, "own"), 20);
    assert_int_equal(fixture_rows(&f, "other"), 30);
    check_ok(ov_upkeep_apply_rules(f.cat, NOW, &n, &err), &err);
    assert_int_equal(n, 0);
    /* as in Druid nothing comes back by itself */
    set_rules(&f, "{}");
    check_ok(ov_upkeep_apply_rules(f.cat, NOW, &n, &err), &err);
    assert_int_equal(fixture_rows(&f, "own"), 20);
    ov_segment_choice all = {.datasource = OV_SLICE_LIT("own"), .span = {INT64_MIN, INT64_MAX}};
    check_ok(ov_catalog_mark(f.cat, &all, true, &n, &err), &err);
    assert_int_equal(fixture_rows(&f, "own"), 40);
    fixture_fini(&f);
}

/* A newer hour inside an older day goes only with the day: its old rows must not come back. */
static void test_hidden(void **state)
{
    (void)state;
    fixture f;
    uint32_t n;
    fixture_init(&f);
    fixture_put(&f, OV_PUBLISH_REPLACE, "t", NOW - DAY, NOW, 24);
    fixture_put(&f, OV_PUBLISH_REPLACE, "t", NOW - DAY, NOW - DAY + 3600000, 1);
    set_rules(&f, "{\"t\":[{\"type\":\"dropBeforeByPeriod\",\"period\":\"PT1H\"}]}");
    check_ok(ov_upkeep_apply_rules(f.cat, NOW, &n, &err), &err);
    assert_int_equal(n, 0);
    check_ok(ov_upkeep_apply_rules(f.cat, NOW + 3600000, &n, &err), &err);
    assert_int_equal(n, 2);
    /* what a newer version hides wholly becomes unused */
    fixture_put(&f, OV_PUBLISH_REPLACE, "u", NOW - DAY, NOW, 24);
    fixture_put(&f, OV_PUBLISH_REPLACE, "u", NOW - DAY, NOW, 5);
    check_ok(ov_upkeep_mark_hidden(f.cat, &n, &err), &err);
    assert_int_equal(n, 1);
    assert_int_equal(fixture_rows(&f, "u"), 5);
    fixture_fini(&f);
}

static void test_settings(void **state)
{
    (void)state;
    ov_upkeep_settings s;
    ov_arena_init(&arena, "settings", NULL);
    check_ok(ov_upkeep_settings_read(doc_of("{\"period\":\"PT5S\",\"killOn\":true}"), &s, &err), &err);
    assert_true(s.period_ms == 5000 && s.kill_on && s.kill_most == 1000);
    static const char *const bad[] = {"{\"period\":\"PT0S\"}", "{\"period\":\"P1M\"}", "{\"killOnn\":true}", "{\"killMaxSegments\":0}",
                                      "{\"killBufferPeriod\":\"soon\"}"};
    for (size_t i = 0; i < OV_COUNT_OF(bad); i++) {
        ov_error why = OV_ERROR_INIT;
        assert_int_equal(ov_upkeep_settings_read(doc_of(bad[i]), &s, &why), OV_INVALID);
    }
    ov_arena_fini(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_applies), cmocka_unit_test(test_refused),  cmocka_unit_test(test_look),
        cmocka_unit_test(test_hidden),  cmocka_unit_test(test_settings),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
