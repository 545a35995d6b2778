/* Conversions between UTC and the local clock; how zones are found and read is in tz_load.c. */
#include "base/tz.h"

#include "base/tz_int.h"

const char *ov_tz_name(const ov_tz *zone)
{
    return zone ? zone->name : "UTC";
}

bool ov_tz_is_fixed(const ov_tz *zone)
{
    return !zone || (zone->count == 1 && !zone->rule.has_dst);
}

/* Index of the last span that starts at or before utc_ms. */
static size_t find_span(const ov_tz *zone, int64_t utc_ms)
{
    size_t low = 0, high = zone->count; /* starts[low] <= utc_ms < starts[high] */
    while (high - low > 1) {
        size_t mid = low + (high - low) / 2;
        if (zone->spans[mid].start <= utc_ms)
            low = mid;
        else
            high = mid;
    }
    return low;
}

int32_t ov_tz_span(const ov_tz *zone, int64_t utc_ms, int64_t *from, int64_t *to)
{
    if (!zone) {
        *from = OV_TIME_MIN;
        *to = OV_TIME_MAX;
        return 0;
    }
    if (zone->rule.has_dst && utc_ms >= zone->spans[zone->count - 1].start)
        return ovi_tz_rule_span(zone, utc_ms, from, to)->offset_ms;
    size_t i = find_span(zone, utc_ms);
    *from = zone->spans[i].start;
    *to = i + 1 < zone->count ? zone->spans[i + 1].start : OV_TIME_MAX;
    return zone->spans[i].offset_ms;
}

int32_t ov_tz_offset(const ov_tz *zone, int64_t utc_ms)
{
    int64_t from, to;
    return ov_tz_span(zone, utc_ms, &from, &to);
}

const char *ov_tz_abbreviation(const ov_tz *zone, int64_t utc_ms)
{
    if (!zone)
        return "UTC";
    int64_t from, to;
    if (zone->rule.has_dst && utc_ms >= zone->spans[zone->count - 1].start)
        return ovi_tz_rule_span(zone, utc_ms, &from, &to)->abbreviation;
    return zone->spans[find_span(zone, utc_ms)].abbreviation;
}

/*
 * An offset `o` fits a local time when the zone has it at local - o. The offset in force at the
 * local time taken as UTC is at most a day off, so it or the one it leads to is a candidate; when
 * neither fits, the time is in a gap.
 */
static bool fits(const ov_tz *zone, int64_t local_ms, int32_t offset)
{
    return ov_tz_offset(zone, local_ms - offset) == offset;
}

static bool in_gap(const ov_tz *zone, int64_t local_ms, int64_t *utc_ms)
{
    int32_t first = ov_tz_offset(zone, local_ms);
    int32_t second = ov_tz_offset(zone, local_ms - first);
    if (first == second || fits(zone, local_ms, second)) {
        *utc_ms = local_ms - second;
        return false;
    }
    *utc_ms =
        local_ms - OV_MIN(first, second); /* the offset before the gap: forward by its length */
    return true;
}

/* When the span before the one of utc_ms shows the same local time, the earlier instant. */
static int64_t first_of_overlap(const ov_tz *zone, int64_t local_ms, int64_t utc_ms)
{
    int64_t from, to;
    ov_tz_span(zone, utc_ms, &from, &to);
    if (from <= OV_TIME_MIN)
        return utc_ms;
    int32_t before = ov_tz_offset(zone, from - 1);
    return fits(zone, local_ms, before) ? OV_MIN(utc_ms, local_ms - before) : utc_ms;
}

int64_t ov_tz_from_local(const ov_tz *zone, int64_t local_ms)
{
    if (!zone)
        return local_ms;
    int64_t utc_ms;
    return in_gap(zone, local_ms, &utc_ms) ? utc_ms : first_of_overlap(zone, local_ms, utc_ms);
}

int64_t ov_tz_from_local_near(const ov_tz *zone, int64_t local_ms, int64_t near_utc)
{
    if (!zone)
        return local_ms;
    int32_t offset = ov_tz_offset(zone, near_utc);
    if (fits(zone, local_ms, offset))
        return local_ms - offset;
    int64_t utc_ms;
    in_gap(zone, local_ms, &utc_ms);
    return utc_ms;
}

bool ov_tz_from_local_strict(const ov_tz *zone, int64_t local_ms, int64_t *utc_ms)
{
    if (!zone) {
        *utc_ms = local_ms;
        return true;
    }
    int64_t at;
    if (in_gap(zone, local_ms, &at))
        return false;
    *utc_ms = first_of_overlap(zone, local_ms, at);
    return true;
}
