/*
 * Patterns: codes that come again and again in the same order. See agg_pattern.
 */
#include "query/exec/aggregate.h"

enum {
    LEAST = 64,    /* shorter patterns do not pay */
    MOST_TRIES = 4, /* batches without one: then there is none */
};

uint32_t ovi_code_at(const agg_codes *c, uint32_t row)
{
    switch (c->lane) {
    case 1:
        return c->offset + ((const uint8_t *)c->data)[row];
    case 2:
        return c->offset + ((const uint16_t *)c->data)[row];
    default:
        return c->offset + ((const uint32_t *)c->data)[row];
    }
}

void ovi_pattern_free(agg_pattern *p, ov_budget *budget)
{
    ov_array_free(budget, &p->code_of, p->cap * sizeof(*p->code_of));
    ov_array_free(budget, &p->place, p->cap * sizeof(*p->place));
    ov_array_free(budget, &p->lanes, p->cap * (size_t)7);
    *p = (agg_pattern){0};
}

/* Codes at the start that are all different; 0 when some code is out of range. */
static uint32_t distinct_prefix(const agg_codes *c, uint32_t rows, uint32_t card, uint64_t *seen)
{
    for (uint32_t i = 0; i < rows; i++) {
        uint32_t code = ovi_code_at(c, i);
        if (code >= card)
            return 0;
        if (seen[code / 64] >> code % 64 & 1)
            return i;
        seen[code / 64] |= UINT64_C(1) << code % 64;
    }
    return rows;
}

/* Most rows behind the first period must repeat it. */
static bool repeats(const agg_codes *c, uint32_t rows, uint32_t period)
{
    uint32_t same = 0, n = OV_MIN(rows - period, period);
    for (uint32_t i = 0; i < n; i++)
        same += ovi_code_at(c, i) == ovi_code_at(c, period + i);
    return n >= LEAST && same >= n - n / 8;
}

static bool ascends(const agg_codes *c, uint32_t rows)
{
    uint32_t breaks = 0;
    for (uint32_t i = 1; i < rows; i++)
        breaks += ovi_code_at(c, i) != ovi_code_at(c, i - 1) + 1;
    return breaks <= 1 + rows / 128; /* a period may begin in the middle */
}

static ov_status make_room(agg_pattern *p, uint32_t card, ov_budget *budget, ov_error *err)
{
    if (card <= p->cap)
        return OV_OK;
    ovi_pattern_free(p, budget);
    ov_status st = ov_array_grow(budget, &p->code_of, 0, (size_t)card * sizeof(*p->code_of), err);
    if (st == OV_OK)
        st = ov_array_grow(budget, &p->place, 0, (size_t)card * sizeof(*p->place), err);
    if (st == OV_OK)
        st = ov_array_grow(budget, &p->lanes, 0, (size_t)card * 7, err);
    if (st == OV_OK) {
        p->cap = card;
        return OV_OK;
    }
    /* free with the sizes that were made */
    size_t first = p->code_of ? (size_t)card * 4 : 0, second = p->place ? (size_t)card * 4 : 0;
    ov_array_free(budget, &p->code_of, first);
    ov_array_free(budget, &p->place, second);
    return st;
}

static void fill_lanes(agg_pattern *p)
{
    uint8_t *one = p->lanes;
    uint8_t *two = one + p->cap, *four = two + 2 * (size_t)p->cap;
    for (uint32_t i = 0; i < p->card; i++) {
        uint16_t low = (uint16_t)p->code_of[i];
        one[i] = (uint8_t)low;
        memcpy(two + 2 * (size_t)i, &low, 2);
        memcpy(four + 4 * (size_t)i, &p->code_of[i], 4);
    }
}

ov_status ovi_pattern_learn(agg_dense *d, const agg_codes *c, const ov_batch *b, ov_budget *budget,
                            ov_arena *scratch, bool *found, ov_error *err)
{
    agg_pattern *p = &d->pattern;
    uint32_t card = d->fast_size, period, n = 0;
    uint64_t *seen;
    *found = false;
    if (p->on || p->tries >= MOST_TRIES || !c->direct || card < LEAST)
        return OV_OK;
    p->tries++;
    OV_TRY(ov_arena_zalloc(scratch, (size_t)card / 8 + 8, &seen, err));
    period = distinct_prefix(c, b->rows, card, seen);
    if (period < LEAST || !repeats(c, b->rows, period))
        return OV_OK;
    uint8_t tries = p->tries;
    OV_TRY(make_room(p, card, budget, err));
    p->tries = tries;
    p->card = card;
    p->identity = ascends(c, period);
    for (uint32_t i = 0; i < period && !p->identity; i++)
        p->code_of[n++] = ovi_code_at(c, i);
    for (uint32_t code = 0; code < card; code++) /* codes this period lacks come behind, in order */
        if (p->identity || !(seen[code / 64] >> code % 64 & 1))
            p->code_of[n++] = code;
    for (uint32_t i = 0; i < card; i++)
        p->place[p->code_of[i]] = i;
    fill_lanes(p);
    p->sure = p->sure_end = NULL;
    *found = true;
    return OV_OK;
}

/* The place that the lane at `at` has in the lanes looked at; false when it is none of them, nor the next. */
static bool place_of(const agg_pattern *p, const char *at, uint8_t lane, uint32_t *place)
{
    if (lane != p->sure_lane || at < p->sure || at > p->sure_end || (size_t)(at - p->sure) % lane)
        return false;
    *place = (uint32_t)((p->sure_place + (size_t)(at - p->sure) / lane) % p->card);
    return true;
}

/* How many of the n lanes at `at` are known to follow the pattern, and from which place; 0 when too few were looked at. */
static uint32_t known(const agg_pattern *p, const char *at, uint8_t lane, uint32_t n, uint32_t *place)
{
    if (!place_of(p, at, lane, place))
        return 0;
    n = OV_MIN(n, p->card - *place);
    return (size_t)(p->sure_end - at) / lane >= n ? n : 0;
}

/* n lanes at `at` follow it from `place` on. */
static void remember(agg_pattern *p, const char *at, uint8_t lane, uint32_t n, uint32_t place)
{
    const char *end = at + (size_t)n * lane;
    uint32_t there;
    if (place_of(p, at, lane, &there) && there == place) {
        p->sure_end = OV_MAX(p->sure_end, end);
        return;
    }
    p->sure = at;
    p->sure_end = end;
    p->sure_place = place;
    p->sure_lane = lane;
}

uint32_t ovi_pattern_follow(agg_pattern *p, const agg_codes *c, uint32_t from, uint32_t to, uint32_t *place)
{
    const ov_agg_kernels *k = ov_agg_kernels_get();
    const char *at = (const char *)c->data + (size_t)from * c->lane;
    uint32_t sure = c->stored && c->offset == 0 ? known(p, at, c->lane, to - from, place) : 0;
    if (sure)
        return sure;
    uint32_t code = ovi_code_at(c, from);
    /* lanes too narrow for every code would match codes that only look alike */
    if (c->offset != 0 || code >= p->card || (c->lane < 4 && p->card > UINT32_C(1) << 8 * c->lane))
        return 0;
    *place = p->place[code];
    size_t n = OV_MIN(to - from, p->card - *place), lane = c->lane;
    const uint8_t *lanes = p->lanes + (lane == 1 ? 0 : lane == 2 ? p->cap : 3 * (size_t)p->cap);
    uint32_t same = (uint32_t)(k->match(at, lanes + *place * lane, n * lane) / lane);
    if (c->stored && same)
        remember(p, at, c->lane, same, *place);
    return same;
}
