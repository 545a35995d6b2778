#include "ingest/upkeep/rules.h"

typedef struct rule_name {
    const char *type;
    ov_rule_kind kind;
    bool drops;
} rule_name;

static const rule_name names[] = {
    {"loadForever", OV_RULE_FOREVER, false},       {"loadByInterval", OV_RULE_INTERVAL, false},
    {"loadByPeriod", OV_RULE_PERIOD, false},       {"dropForever", OV_RULE_FOREVER, true},
    {"dropByInterval", OV_RULE_INTERVAL, true},    {"dropByPeriod", OV_RULE_PERIOD, true},
    {"dropBeforeByPeriod", OV_RULE_BEFORE, true},  {"broadcastForever", OV_RULE_FOREVER, false},
    {"broadcastByInterval", OV_RULE_INTERVAL, false}, {"broadcastByPeriod", OV_RULE_PERIOD, false},
};

static const rule_name *find_name(ov_slice type)
{
    for (size_t i = 0; i < OV_COUNT_OF(names); i++)
        if (ov_slice_eq(type, ov_slice_cstr(names[i].type)))
            return &names[i];
    return NULL;
}

/* ---- reading ---- */

static ov_status check_tiers(const ov_json *rule, ov_error *err)
{
    const ov_json *tiers;
    OV_TRY(ov_json_obj(rule, "tieredReplicants", &tiers, err));
    for (const ov_json *t = tiers ? tiers->first : NULL; t; t = t->next) {
        int64_t replicas;
        if (t->kind == OV_JSON_NULL)
            return ov_json_fail(t, err, OV_INVALID, "a number of replicas is expected");
        OV_TRY(ov_json_as_i64(t, &replicas, err));
        if (replicas < 0)
            return ov_json_fail(t, err, OV_INVALID, "a tier cannot have %lld replicas", (long long)replicas);
    }
    bool ignored;
    return ov_json_bool(rule, "useDefaultTierForNull", true, &ignored, err);
}

static ov_status read_rule(const ov_json *v, ov_rule *out, ov_error *err)
{
    ov_slice type, text;
    OV_TRY(ov_json_expect(v, OV_JSON_OBJECT, err));
    OV_TRY(ov_json_need_str(v, "type", &type, err));
    const rule_name *name = find_name(type);
    if (!name)
        return ov_json_fail(ov_json_get(v, "type"), err, OV_INVALID,
                            "'" OV_SLICE_FMT "' is no rule; known are loadForever, loadByPeriod, loadByInterval, dropForever, "
                            "dropByPeriod, dropBeforeByPeriod, dropByInterval and the broadcast... ones",
                            OV_SLICE_ARG(type));
    *out = (ov_rule){.kind = name->kind, .drops = name->drops};
    OV_TRY(check_tiers(v, err));
    if (name->kind == OV_RULE_FOREVER)
        return OV_OK;
    if (name->kind == OV_RULE_INTERVAL) {
        OV_TRY(ov_json_need_str(v, "interval", &text, err));
        return ov_interval_parse(text, &out->interval, err);
    }
    OV_TRY(ov_json_need_str(v, "period", &text, err));
    OV_TRY(ov_period_parse(text, &out->period, err));
    return ov_json_bool(v, "includeFuture", true, &out->include_future, err);
}

ov_status ov_rules_read(const ov_json *list, ov_arena *out, ov_rule **rules, uint32_t *count, ov_error *err)
{
    *count = 0;
    OV_TRY(ov_json_expect(list, OV_JSON_ARRAY, err));
    OV_TRY(ov_arena_zalloc(out, (list->count + 1) * sizeof(**rules), rules, err));
    for (const ov_json *v = list->first; v; v = v->next)
        OV_TRY(read_rule(v, &(*rules)[(*count)++], err));
    return OV_OK;
}

/* ---- applying ---- */

/* The start of the period that ends now; a period longer than time itself begins with time. */
static int64_t period_start(const ov_rule *r, int64_t now_ms)
{
    int64_t at;
    ov_error ignored = OV_ERROR_INIT;
    return ov_period_shift(now_ms, &r->period, -1, NULL, &at, &ignored) == OV_OK ? at : OV_TIME_MIN;
}

bool ov_rule_applies(const ov_rule *r, ov_interval segment, int64_t now_ms)
{
    ov_interval period = {0, now_ms};
    switch (r->kind) {
    case OV_RULE_FOREVER:
        return true;
    case OV_RULE_INTERVAL:
        return r->drops ? ov_interval_contains(r->interval, segment) : ov_interval_overlaps(r->interval, segment);
    case OV_RULE_BEFORE:
        return segment.end <= period_start(r, now_ms);
    case OV_RULE_PERIOD:
        break;
    }
    period.start = period_start(r, now_ms);
    if (r->include_future)
        return r->drops ? period.start <= segment.start : period.start < segment.end;
    return r->drops ? ov_interval_contains(period, segment) : ov_interval_overlaps(period, segment);
}

bool ov_rules_drop(const ov_rule *rules, uint32_t count, ov_interval segment, int64_t now_ms)
{
    for (uint32_t i = 0; i < count; i++)
        if (ov_rule_applies(&rules[i], segment, now_ms))
            return rules[i].drops;
    return false;
}

/* ---- rules that can never apply ---- */

/* All the time it may speak about. */
static ov_interval reach(const ov_rule *r, int64_t now_ms)
{
    switch (r->kind) {
    case OV_RULE_FOREVER:
        return OV_INTERVAL_ETERNITY;
    case OV_RULE_INTERVAL:
        return r->interval;
    case OV_RULE_BEFORE:
        return (ov_interval){OV_TIME_MIN, period_start(r, now_ms)};
    case OV_RULE_PERIOD:
        break;
    }
    return (ov_interval){period_start(r, now_ms), r->include_future ? OV_TIME_MAX : now_ms};
}

static bool covers(const ov_rule *first, const ov_rule *next, int64_t now_ms)
{
    return ov_interval_contains(reach(first, now_ms), reach(next, now_ms));
}

/* Also when it is asked at the bounds of what it covers now: otherwise the next rule has its time. */
static bool hides(const ov_rule *first, const ov_rule *next, int64_t now_ms)
{
    ov_interval now = reach(first, now_ms);
    if (!covers(first, next, now_ms))
        return false;
    if (now.start == OV_TIME_MIN && now.end == OV_TIME_MAX)
        return true;
    return covers(first, next, now.start) && covers(first, next, now.end);
}

ov_status ov_rules_check(const ov_json *list, const ov_rule *rules, uint32_t count, int64_t now_ms, ov_error *err)
{
    const ov_json *v = list->first;
    for (uint32_t i = 0; i + 1 < count; i++, v = v->next)
        if (hides(&rules[i], &rules[i + 1], now_ms))
            return ov_json_fail(v->next, err, OV_INVALID,
                                "this rule can never apply, the one before it has an interval that contains its own; put "
                                "the narrower rule first");
    return OV_OK;
}
