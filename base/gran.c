/*
 * Granularities: which bucket a time falls into.
 *
 * Every kind answers one question, `floor_valid`: the start of the bucket that holds ms, and the
 * stretch around ms over which that answer stays the same. Batches look only at the stretch. The
 * stretch ends where the zone's offset changes: Joda decides floors by the offset in force, so two
 * sides of a DST change may well disagree about where "their" hour or day began.
 *
 * One thing Druid does is not repeated: its floors of multi-hour periods round towards the origin,
 * so times before 1970 land in the bucket after them.
 */
#include "base/period.h"

#include "base/tz.h"

static const struct {
    const char *name;
    const char *period; /* NULL for ALL and NONE */
} standard[] = {
    {"ALL", NULL},
    {"NONE", NULL},
    {"SECOND", "PT1S"},
    {"MINUTE", "PT1M"},
    {"FIVE_MINUTE", "PT5M"},
    {"TEN_MINUTE", "PT10M"},
    {"FIFTEEN_MINUTE", "PT15M"},
    {"THIRTY_MINUTE", "PT30M"},
    {"HOUR", "PT1H"},
    {"SIX_HOUR", "PT6H"},
    {"EIGHT_HOUR", "PT8H"},
    {"DAY", "P1D"},
    {"WEEK", "P1W"},
    {"MONTH", "P1M"},
    {"QUARTER", "P3M"},
    {"YEAR", "P1Y"},
};

typedef struct stretch {
    int64_t from, to;
} stretch;

/* How many of the period's fields are not zero, and whether one is negative. */
static int count_fields(const ov_period *p, bool *negative)
{
    const int32_t v[] = {p->years, p->months,  p->weeks,   p->days,
                         p->hours, p->minutes, p->seconds, p->millis};
    int n = 0;
    *negative = false;
    for (size_t i = 0; i < OV_COUNT_OF(v); i++) {
        n += v[i] != 0;
        *negative |= v[i] < 0;
    }
    return n;
}

static bool has_days(const ov_period *p)
{
    return p->weeks || p->days;
}

static bool has_months(const ov_period *p)
{
    return p->years || p->months;
}

/* A single hour or minute follows the local clock; so does nothing else below a day. */
static bool follows_clock(const ov_period *p, int fields, bool has_origin)
{
    return fields == 1 && !has_origin && (p->hours == 1 || p->minutes == 1);
}

ov_status ov_gran_init(ov_gran *g, const ov_period *p, const ov_tz *zone, const int64_t *origin,
                       ov_error *err)
{
    bool negative;
    int fields = count_fields(p, &negative);
    if (fields == 0 || negative)
        return ov_fail(err, OV_INVALID,
                       "a granularity needs a period longer than nothing, such as PT1H or P1D");
    *g = (ov_gran){.period = *p, .zone = zone, .has_origin = origin != NULL};
    g->origin = origin ? *origin : ov_tz_from_local(zone, 0);

    int64_t length;
    bool fixed = ov_period_fixed_ms(p, &length);
    if (fields > 1 && has_months(p) && !has_days(p) && !p->hours && !p->minutes && !p->seconds &&
        !p->millis) {
        /* years and months: Druid counts such a pair out step by step, which is the same from a
         * first of month */
        fields = origin ? fields : 1;
    }
    if (fields == 1 && has_months(p)) {
        g->kind = OV_GRAN_MONTHS;
        g->step = (int64_t)p->years * 12 + p->months;
        g->origin = ov_tz_to_local(zone, g->origin);
    } else if (fixed &&
               (ov_tz_is_fixed(zone) || (!has_days(p) && !follows_clock(p, fields, origin)))) {
        g->kind = OV_GRAN_FIXED;
        g->step = length;
        if (fields == 1 && p->weeks == 1 && !origin)
            g->origin -= 3 * OV_MS_PER_DAY; /* Monday, 1969-12-29 */
    } else if (follows_clock(p, fields, origin)) {
        g->kind = OV_GRAN_CLOCK;
        g->step = length;
    } else if (fields == 1) {
        g->kind = OV_GRAN_DAYS;
        g->step = (int64_t)p->weeks * 7 + p->days;
        g->origin = ov_tz_to_local(zone, g->origin);
        if (p->weeks == 1 && !origin)
            g->origin -= 3 * OV_MS_PER_DAY;
    } else {
        g->kind = OV_GRAN_COMPOUND;
    }
    return OV_OK;
}

ov_status ov_gran_init_duration(ov_gran *g, int64_t step_ms, int64_t origin, ov_error *err)
{
    if (step_ms < 1)
        return ov_fail(err, OV_INVALID, "a duration granularity needs at least 1 ms, not %lld",
                       (long long)step_ms);
    *g = (ov_gran){
        .kind = OV_GRAN_FIXED, .step = step_ms, .origin = origin, .has_origin = origin != 0};
    return OV_OK;
}

ov_status ov_gran_init_name(ov_gran *g, ov_slice name, ov_error *err)
{
    ov_period p;
    for (size_t i = 0; i < OV_COUNT_OF(standard); i++) {
        if (!ov_slice_ieq(name, ov_slice_cstr(standard[i].name)))
            continue;
        if (!standard[i].period) {
            *g = (ov_gran){.kind = i == 0 ? OV_GRAN_ALL : OV_GRAN_NONE};
            return OV_OK;
        }
        OV_TRY(ov_period_parse(ov_slice_cstr(standard[i].period), &p, err));
        return ov_gran_init(g, &p, NULL, NULL, err);
    }
    if (name.n && ov_ascii_lower(name.p[0]) == 'p') {
        OV_TRY(ov_period_parse(name, &p, err));
        return ov_gran_init(g, &p, NULL, NULL, err);
    }
    return ov_fail(
        err, OV_INVALID,
        "'" OV_SLICE_FMT "' is not a granularity: expected all, none, second, minute, five_minute, "
        "ten_minute, fifteen_minute, thirty_minute, hour, six_hour, eight_hour, day, week, month, "
        "quarter, year or a period such as P1D",
        OV_SLICE_ARG(name));
}

const char *ov_gran_name(const ov_gran *g)
{
    if (g->kind == OV_GRAN_ALL || g->kind == OV_GRAN_NONE)
        return standard[g->kind == OV_GRAN_NONE].name;
    if (g->has_origin || g->zone)
        return NULL;
    ov_error err = OV_ERROR_INIT;
    for (size_t i = 2; i < OV_COUNT_OF(standard); i++) {
        ov_period p;
        if (ov_period_parse(ov_slice_cstr(standard[i].period), &p, &err) == OV_OK &&
            memcmp(&p, &g->period, sizeof p) == 0)
            return standard[i].name;
    }
    return NULL;
}

/* Local start of the calendar bucket `step` buckets after the one that holds `local`. */
static int64_t local_start(const ov_gran *g, int64_t local, int64_t step)
{
    if (g->kind == OV_GRAN_DAYS) {
        int64_t length = g->step * OV_MS_PER_DAY;
        return g->origin + (ov_floor_div(local - g->origin, length) + step) * length;
    }
    int64_t k = ov_floor_div(ov_time_months_between(g->origin, local, NULL), g->step);
    int64_t start = ov_time_add_months(g->origin, k * g->step, NULL);
    if (start > local && start > OV_TIME_MIN)
        k--; /* before the origin: months are counted towards zero */
    return ov_time_add_months(g->origin, (k + step) * g->step, NULL);
}

static int64_t calendar_floor(const ov_gran *g, int64_t ms, stretch *valid)
{
    int64_t from, to;
    int64_t local = ms + ov_tz_span(g->zone, ms, &from, &to);
    int64_t start_local = local_start(g, local, 0), end_local = local_start(g, local, 1);
    int64_t start = ov_tz_from_local_near(g->zone, start_local, ms);
    int64_t offset = local - ms;
    if (start > ms)
        start =
            from; /* midnight fell into a gap and was moved past ms: the day begins after the gap */
    valid->from = OV_MAX(from, start_local - offset);
    valid->to = OV_MIN(to, end_local - offset);
    return start;
}

/* Druid's loop: from the origin by whole periods, each from the end of the last. More than
 * MOST_STEPS away it would take too long; there the first jumps are of many periods at once, which
 * differs by days at most, in months of unlike length. */
static int64_t compound_floor(const ov_gran *g, int64_t ms, stretch *valid)
{
    enum { MOST_STEPS = 100000 };
    ov_error ignored = OV_ERROR_INIT;
    int64_t at = g->origin, other;
    int64_t about =
        OV_MAX(1, ((int64_t)g->period.years * 12 + g->period.months) * 30 * OV_MS_PER_DAY);
    ov_period rest = g->period;
    int64_t more;
    rest.years = rest.months = 0;
    if (ov_period_fixed_ms(&rest, &more))
        about += more;
    for (int64_t steps; (steps = (ms - at) / about) > MOST_STEPS || steps < -MOST_STEPS;) {
        /* a little short of the estimate, so as not to jump past ms */
        if (ov_period_shift(at, &g->period, steps - steps / 16, g->zone, &other, &ignored) != OV_OK)
            break;
        at = other;
    }
    if (ms < g->origin) {
        for (int64_t last = at;;) {
            if (at <= ms) {
                *valid = (stretch){at, last};
                return at;
            }
            if (ov_period_shift(at, &g->period, -1, g->zone, &other, &ignored) != OV_OK) {
                *valid = (stretch){OV_TIME_MIN, at};
                return OV_TIME_MIN;
            }
            last = at;
            at = other;
        }
    }
    while (ov_period_shift(at, &g->period, 1, g->zone, &other, &ignored) == OV_OK) {
        if (other > ms) {
            *valid = (stretch){at, other};
            return at;
        }
        at = other;
    }
    *valid = (stretch){at, OV_TIME_MAX};
    return at;
}

static int64_t fixed_floor(const ov_gran *g, int64_t ms)
{
    /* origin may lie anywhere in the range: the difference of two instants fits by OV_TIME_MIN and
     * _MAX */
    return g->origin + ov_floor_div(ms - g->origin, g->step) * g->step;
}

/* Any number may come as a time; beyond OV_TIME_MIN and _MAX it counts as those. */
static int64_t in_range(int64_t ms)
{
    return OV_MIN(OV_MAX(ms, OV_TIME_MIN), OV_TIME_MAX);
}

static int64_t floor_valid(const ov_gran *g, int64_t ms, stretch *valid)
{
    ms = in_range(ms);
    switch (g->kind) {
    case OV_GRAN_ALL:
        *valid = (stretch){INT64_MIN, INT64_MAX};
        return OV_TIME_MIN;
    case OV_GRAN_NONE:
        *valid = (stretch){ms, ms + 1};
        return ms;
    case OV_GRAN_FIXED: {
        int64_t start = fixed_floor(g, ms);
        *valid = (stretch){start, start + g->step};
        return start;
    }
    case OV_GRAN_CLOCK: {
        int64_t from, to;
        int64_t offset = ov_tz_span(g->zone, ms, &from, &to);
        int64_t start = ov_floor_div(ms + offset, g->step) * g->step - offset;
        *valid = (stretch){OV_MAX(from, start), OV_MIN(to, start + g->step)};
        return start;
    }
    case OV_GRAN_DAYS:
    case OV_GRAN_MONTHS:
        return calendar_floor(g, ms, valid);
    case OV_GRAN_COMPOUND:
        break;
    }
    return compound_floor(g, ms, valid);
}

int64_t ov_gran_floor(const ov_gran *g, int64_t ms)
{
    stretch valid;
    return floor_valid(g, ms, &valid);
}

int64_t ov_gran_floor_in(const ov_gran *g, int64_t ms, ov_interval *within)
{
    stretch valid;
    int64_t start = floor_valid(g, ms, &valid);
    *within = (ov_interval){valid.from, valid.to};
    return start;
}

int64_t ov_gran_next(const ov_gran *g, int64_t ms)
{
    stretch valid;
    int64_t from, to;
    ms = in_range(ms);
    switch (g->kind) {
    case OV_GRAN_ALL:
        return OV_TIME_MAX;
    case OV_GRAN_NONE:
        return ms + 1;
    case OV_GRAN_FIXED:
        return fixed_floor(g, ms) + g->step;
    case OV_GRAN_CLOCK: {
        int64_t offset = ov_tz_span(g->zone, ms, &from, &to);
        return ov_floor_div(ms + offset, g->step) * g->step - offset + g->step;
    }
    case OV_GRAN_DAYS:
    case OV_GRAN_MONTHS: {
        int64_t local = ms + ov_tz_span(g->zone, ms, &from, &to);
        int64_t next = ov_tz_from_local(g->zone, local_start(g, local, 1));
        return next > ms ? next : ov_tz_from_local(g->zone, local_start(g, local, 2));
    }
    case OV_GRAN_COMPOUND:
        break;
    }
    compound_floor(g, ms, &valid);
    return valid.to;
}

int64_t ov_gran_ceil(const ov_gran *g, int64_t ms)
{
    return ov_gran_floor(g, ms) == ms ? ms : ov_gran_next(g, ms);
}

ov_interval ov_gran_bucket(const ov_gran *g, int64_t ms)
{
    return (ov_interval){ov_gran_floor(g, ms), ov_gran_next(g, ms)};
}

void ov_gran_floor_n(const ov_gran *g, const int64_t *in, int64_t *out, size_t n)
{
    if (g->kind == OV_GRAN_NONE) {
        if (n && in != out)
            memmove(out, in, n * sizeof *in);
        return;
    }
    stretch valid = {0, 0};
    int64_t start = 0;
    for (size_t i = 0; i < n; i++) {
        int64_t ms = in[i];
        if (OV_UNLIKELY(ms < valid.from || ms >= valid.to))
            start = floor_valid(g, ms, &valid);
        out[i] = start;
    }
}

void ov_gran_ceil_n(const ov_gran *g, const int64_t *in, int64_t *out, size_t n)
{
    stretch valid = {0, 0};
    int64_t start = 0, next = 0;
    for (size_t i = 0; i < n; i++) {
        int64_t ms = in[i];
        if (OV_UNLIKELY(ms < valid.from || ms >= valid.to)) {
            start = floor_valid(g, ms, &valid);
            next = ov_gran_next(g, ms);
        }
        out[i] = ms == start ? ms : next;
    }
}
