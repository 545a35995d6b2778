/*
 * Columns that repeat themselves: the stations of a city report in the same order every minute, so their numbers,
 * names and places come round and round; sorted by station, their times do. One turn and a block behind it hold
 * every stretch of such a column that a block could ever need, so blocks need no lanes of their own (docs/segment-format.md,
 * section 4, "Shared lanes").
 *
 * The period is found where the first lanes of a block come again and bring all their neighbours along. A
 * block that is out of step (a row was missing) is looked for in the turn, so that steps may change now and then.
 */
#include "storage/build/build_int.h"

enum {
    MAX_PERIOD = 1 << 19, /* rows */
    NEEDLE = 32,          /* lanes that have to come again before all are compared */
    TRIES = 64,           /* of one start */
    STARTS = 4,           /* blocks spread over the column where a whole turn may begin */
    MISSES = 64,          /* blocks out of step that are looked for */
    GAIN = 4,             /* times the bytes of the turn that must be saved */
};

/* Where n lanes occur in `lanes`, from lane `from` on; `end` when nowhere. */
static size_t find_lanes(const char *lanes, size_t from, size_t end, const char *needle, size_t n,
                         uint8_t lane)
{
    while (from + n <= end) {
        const char *at = memmem(lanes + from * lane, (end - from) * lane, needle, n * lane);
        if (!at)
            return end;
        size_t bytes = (size_t)(at - lanes);
        if (bytes % lane == 0)
            return bytes / lane;
        from = bytes / lane + 1;
    }
    return end;
}

static uint32_t rows_of(const ovi_lanes *l, uint32_t b)
{
    return (uint32_t)OV_MIN((uint64_t)OV_BATCH_ROWS, l->rows - (uint64_t)b * OV_BATCH_ROWS);
}

/* Lanes of the blocks from `b` on side by side, as far as they reach or a turn may be long. */
static size_t copy_from(const ovi_lanes *l, uint32_t b, char *to)
{
    size_t n = 0;
    for (; b < l->count && l->blocks[b] && n < MAX_PERIOD; b++) {
        memcpy(to + n * l->lane, l->blocks[b], (size_t)rows_of(l, b) * l->lane);
        n += rows_of(l, b);
    }
    return n;
}

/* The distance at which the first block of `lanes` comes again; 0 when it does not. */
static uint32_t period_of(const char *lanes, size_t n, uint8_t lane)
{
    if (n < 2 * OV_BATCH_ROWS)
        return 0;
    size_t end = n - OV_BATCH_ROWS, at = 0;
    for (int i = 0; i < TRIES; i++) {
        at = find_lanes(lanes, at + 1, end + NEEDLE, lanes, NEEDLE, lane);
        if (at > end)
            return 0;
        if (memcmp(lanes, lanes + at * lane, (size_t)OV_BATCH_ROWS * lane) == 0)
            return (uint32_t)at;
    }
    return 0;
}

bool ovi_cycle_phase(ovi_cycle *c, const char *block, uint32_t rows, uint64_t first_row,
                     uint32_t *phase)
{
    if (c->period == 0 || !block)
        return false;
    uint32_t due = (uint32_t)((first_row + c->shift) % c->period);
    size_t bytes = (size_t)rows * c->lane;
    if (memcmp(c->turn + (size_t)due * c->lane, block, bytes) == 0) {
        *phase = due;
        return true;
    }
    if (c->misses >= MISSES || rows < NEEDLE)
        return false;
    c->misses++;
    size_t end = (size_t)c->period + NEEDLE, at = 0;
    for (int i = 0; i < TRIES; i++, at++) {
        at = find_lanes(c->turn, at, end, block, NEEDLE, c->lane);
        if (at >= c->period)
            return false;
        if (memcmp(c->turn + at * c->lane, block, bytes) == 0) {
            c->shift += at + c->period - due;
            *phase = (uint32_t)at;
            return true;
        }
    }
    return false;
}

/* Are there enough blocks in step with the turn? The shift is as before afterwards. */
static bool pays(ovi_cycle *c, const ovi_lanes *l)
{
    uint64_t shared = 0, shift = c->shift;
    for (uint32_t b = 0; b < l->count; b++) {
        uint32_t phase, rows = rows_of(l, b);
        if (ovi_cycle_phase(c, l->blocks[b], rows, (uint64_t)b * OV_BATCH_ROWS, &phase))
            shared += rows;
    }
    c->shift = shift;
    c->misses = 0;
    return shared > GAIN * ((uint64_t)c->period + OV_BATCH_ROWS);
}

ov_status ovi_cycle_find(const ovi_lanes *l, ov_budget *budget, ovi_cycle *c, ov_error *err)
{
    *c = (ovi_cycle){.lane = l->lane};
    if (l->rows < (uint64_t)GAIN * 2 * OV_BATCH_ROWS)
        return OV_OK;
    size_t room = OV_MIN(l->rows, (uint64_t)MAX_PERIOD + OV_BATCH_ROWS) * l->lane;
    OV_TRY(ovi_grow(&c->turn, &c->turn_cap, room, 1, budget, err));
    for (uint32_t s = 0; s < STARTS; s++) {
        uint32_t b = (uint32_t)((uint64_t)l->count * s / STARTS);
        c->period = period_of(c->turn, copy_from(l, b, c->turn), l->lane);
        if (c->period == 0)
            continue;
        c->shift = c->period - (uint64_t)b * OV_BATCH_ROWS % c->period;
        if (pays(c, l))
            return OV_OK;
    }
    ovi_cycle_fini(c, budget);
    return OV_OK;
}

void ovi_cycle_fini(ovi_cycle *c, ov_budget *budget)
{
    ovi_shrink(&c->turn, &c->turn_cap, 1, budget);
    c->period = 0;
}
