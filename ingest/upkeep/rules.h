/*
 * Retention rules: which segments of a datasource stay, which become unused.
 *
 * The first rule that applies to a segment decides. A datasource's own rules come before those of `_default`. As in Druid:
 *
 *   loadForever, dropForever                     every segment
 *   loadByInterval {interval}                    segments that overlap it
 *   dropByInterval {interval}                    segments inside it
 *   loadByPeriod {period, includeFuture: true}   segments that overlap the period before now, or with what lies after it
 *   dropByPeriod {period, includeFuture: true}   segments inside the period before now, or inside it and what lies after it
 *   dropBeforeByPeriod {period}                  segments that end before the period before now
 *   broadcast...                                 as load...: one process has all segments anyway
 *
 * Tiers and numbers of replicas are checked and mean nothing more here. Threads: pure.
 */
#pragma once

#include "base/json.h"
#include "base/period.h"

typedef enum ov_rule_kind {
    OV_RULE_FOREVER,
    OV_RULE_INTERVAL,
    OV_RULE_PERIOD,
    OV_RULE_BEFORE,
} ov_rule_kind;

typedef struct ov_rule {
    ov_rule_kind kind;
    bool drops;
    bool include_future;
    ov_interval interval;
    ov_period period;
} ov_rule;

#define OV_RULES_SUBJECT "rules"    /* of ingest/upkeep/settings.h */
#define OV_RULES_DEFAULT "_default" /* whose rules come after everybody's own */
/* What Druid starts with. */
#define OV_RULES_DEFAULT_JSON                                                                                                 \
    "[{\"tieredReplicants\":{\"_default_tier\":2},\"useDefaultTierForNull\":true,\"type\":\"loadForever\"}]"

/* list: an array of rules. Errors: OV_INVALID with the place and what would be right. */
OV_CHECKED ov_status ov_rules_read(const ov_json *list, ov_arena *out, ov_rule **rules, uint32_t *count, ov_error *err);
/* No rule may hide the next one for good, as Druid demands. */
OV_CHECKED ov_status ov_rules_check(const ov_json *list, const ov_rule *rules, uint32_t count, int64_t now_ms, ov_error *err);
bool ov_rule_applies(const ov_rule *rule, ov_interval segment, int64_t now_ms);
/* Does the first rule that applies drop it? False when none applies. */
bool ov_rules_drop(const ov_rule *rules, uint32_t count, ov_interval segment, int64_t now_ms);
