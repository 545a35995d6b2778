/* What tz.c, tz_load.c and tz_rule.c share: a zone as spans of constant offset and a rule for the
 * time after. */
#pragma once

#include "base/tz.h"

enum { OVI_TZ_ABBREVIATION_BYTES = 16 };

typedef struct ovi_tz_span {
    int64_t start; /* UTC ms; OV_TIME_MIN for the first */
    int32_t offset_ms;
    char abbreviation[OVI_TZ_ABBREVIATION_BYTES];
} ovi_tz_span;

/* One end of daylight saving, as in "M3.2.0/2". */
typedef struct ovi_tz_date {
    enum {
        OVI_TZ_MONTH,
        OVI_TZ_JULIAN,
        OVI_TZ_DAY
    } form; /* Mm.w.d, Jn without Feb 29, n with it */
    int32_t month, week, day;
    int32_t second; /* local seconds from midnight; may be negative or past the day */
} ovi_tz_date;

typedef struct ovi_tz_rule {
    bool has_dst; /* else the last span lasts for ever */
    ovi_tz_span standard, daylight;
    ovi_tz_date to_daylight, to_standard;
} ovi_tz_rule;

struct ov_tz {
    char *name;
    ovi_tz_span *spans; /* ascending; [0].start is OV_TIME_MIN */
    size_t count;
    ovi_tz_rule rule; /* from spans[count - 1].start on, when it has_dst */
    struct ov_tz *next;
};

/* The footer of a TZif file, a POSIX TZ string with the extensions of RFC 8536. false when
 * malformed. */
bool ovi_tz_rule_parse(ov_slice text, ovi_tz_rule *out);
/* The span of the rule that holds utc_ms: its ends (not before the table's last change) and what is
 * in force. */
const ovi_tz_span *ovi_tz_rule_span(const ov_tz *zone, int64_t utc_ms, int64_t *from, int64_t *to);

/* tz_names.c: names in place of numbers, where Java has them. */
void ovi_tz_name_spans(ov_tz *zone);
