#include "sketch/histogram.h"

void ov_histogram_init(ov_histogram *s, uint32_t size, float lower, float upper)
{
    *s = (ov_histogram){.size = size, .min = INFINITY, .max = -INFINITY, .lower = lower, .upper = upper};
}

ov_status ovi_histogram_begin(ov_histogram *s, const ov_sketch_mem *mem, ov_error *err)
{
    size_t room = (size_t)s->size + 2; /* a bin more while one is put in; counts stay aligned */
    void *block = NULL;
    if (s->counts)
        return OV_OK;
    OV_TRY(mem->grow(mem->owner, &block, &s->cap, room * (sizeof(int64_t) + sizeof(float)), err));
    s->counts = block;
    s->positions = (float *)(s->counts + room);
    return OV_OK;
}

uint32_t ovi_histogram_find(const ov_histogram *s, float v)
{
    uint32_t low = 0, high = s->bins;
    while (low < high) {
        uint32_t mid = low + (high - low) / 2;
        if (s->positions[mid] < v)
            low = mid + 1;
        else
            high = mid;
    }
    return low;
}

/* ---- adding ---- */

static void insert_at(ov_histogram *s, uint32_t at, float v, int64_t count)
{
    memmove(s->positions + at + 1, s->positions + at, (s->bins - at) * sizeof(float));
    memmove(s->counts + at + 1, s->counts + at, (s->bins - at) * sizeof(int64_t));
    s->positions[at] = v;
    s->counts[at] = count;
    s->bins++;
}

/* Bin `at` takes in the next one. */
static void join_next(ov_histogram *s, uint32_t at)
{
    int64_t k0 = ov_histogram_count(s, at), k1 = ov_histogram_count(s, at + 1), sum = k0 + k1;
    s->positions[at] =
        (float)(((double)s->positions[at] * (double)k0 + (double)s->positions[at + 1] * (double)k1) / (double)sum);
    s->counts[at] = sum | OV_HISTOGRAM_SPREAD;
    s->bins--;
    memmove(s->positions + at + 1, s->positions + at + 2, (s->bins - at - 1) * sizeof(float));
    memmove(s->counts + at + 1, s->counts + at + 2, (s->bins - at - 1) * sizeof(int64_t));
}

static uint32_t closest_pair(const ov_histogram *s, float *apart)
{
    uint32_t best = 0;
    *apart = INFINITY;
    for (uint32_t i = 0; i + 1 < s->bins; i++) {
        float d = s->positions[i + 1] - s->positions[i];
        if (d < *apart) {
            *apart = d;
            best = i;
        }
    }
    return best;
}

/* All bins are taken: the value goes into the bin beside it, or two others become one. */
static void squeeze(ov_histogram *s, uint32_t at, float v)
{
    float apart, right = at < s->bins ? s->positions[at] - v : INFINITY, left = at > 0 ? v - s->positions[at - 1] : INFINITY;
    uint32_t pair = closest_pair(s, &apart), into = UINT32_MAX;
    if (right < apart) {
        apart = right;
        into = at;
    }
    if (left < apart)
        into = at - 1;
    if (into == UINT32_MAX && isfinite(apart)) {
        join_next(s, pair);
        insert_at(s, at > pair + 1 ? at - 1 : OV_MIN(at, pair + 1), v, 1);
        return;
    }
    if (into == UINT32_MAX) /* a single bin, infinitely far away */
        into = at < s->bins ? at : at - 1;
    int64_t k = ov_histogram_count(s, into);
    s->positions[into] = (s->positions[into] * (float)k + v) / (float)(k + 1);
    s->counts[into] = (k + 1) | OV_HISTOGRAM_SPREAD;
}

ov_status ov_histogram_add(ov_histogram *s, float v, const ov_sketch_mem *mem, ov_error *err)
{
    if (isnan(v))
        return OV_OK;
    OV_TRY(ovi_histogram_begin(s, mem, err));
    s->min = v < s->min ? v : s->min;
    s->max = v > s->max ? v : s->max;
    s->n++;
    uint32_t at = ovi_histogram_find(s, v);
    if (at < s->bins && s->positions[at] == v)
        s->counts[at]++;
    else if (s->bins < s->size)
        insert_at(s, at, v, 1);
    else
        squeeze(s, at, v);
    return OV_OK;
}

/* ---- merging ---- */

/* The bins of two histograms in order. */
typedef struct both {
    const ov_histogram *x, *y;
    uint32_t i, j;
} both;

static bool next_is_x(const both *b)
{
    return b->i < b->x->bins && (b->j == b->y->bins || b->x->positions[b->i] < b->y->positions[b->j]);
}

static bool take(both *b, float *position, int64_t *count)
{
    if (b->i == b->x->bins && b->j == b->y->bins)
        return false;
    bool x = next_is_x(b);
    const ov_histogram *s = x ? b->x : b->y;
    uint32_t at = x ? b->i++ : b->j++;
    *position = s->positions[at];
    *count = s->counts[at];
    return true;
}

/* Everything fits: bins of the same position become one. */
static void combine(both *b, ov_histogram *out)
{
    float position;
    int64_t count;
    while (take(b, &position, &count)) {
        uint32_t last = out->bins - 1;
        if (out->bins && out->positions[last] == position) {
            int64_t spread = (out->counts[last] | count) & OV_HISTOGRAM_SPREAD;
            out->counts[last] = ((out->counts[last] & INT64_MAX) + (count & INT64_MAX)) | spread;
            continue;
        }
        out->positions[out->bins] = position;
        out->counts[out->bins++] = count;
    }
}

/* A bin at `to` takes in another; in single floats, as Druid does. */
static void absorb(float *to, int64_t *count, float position, int64_t more)
{
    int64_t k0 = *count & INT64_MAX, sum = k0 + (more & INT64_MAX);
    float delta = position - *to, w = (float)k0 / (float)sum;
    *to = -delta * w + position;
    *count = sum | OV_HISTOGRAM_SPREAD;
}

/* Bins closer than this are put together. */
static float cutoff_of(const ov_histogram *s)
{
    bool low = isfinite(s->lower), high = isfinite(s->upper);
    if (low && high)
        return (s->upper - s->lower) / (float)((int)s->size - 3);
    if (high)
        return (s->upper - s->min) / (float)((int)s->size - 2);
    if (low)
        return (s->max - s->lower) / (float)((int)s->size - 2);
    return (s->max - s->min) / (float)((int)s->size - 1);
}

static void push(ov_histogram *out, float position, int64_t count)
{
    if (out->bins == out->size) { /* limits left fewer bins than the cut-off promised */
        absorb(&out->positions[out->bins - 1], &out->counts[out->bins - 1], position, count);
        return;
    }
    out->positions[out->bins] = position;
    out->counts[out->bins++] = count;
}

static void combine_close(both *b, ov_histogram *out)
{
    float cutoff = cutoff_of(out), position, low_at = 0, high_at = 0;
    int64_t count, low = 0, high = 0;
    uint32_t first = 0;
    for (const ov_histogram *s = b->x; s; s = s == b->x ? b->y : NULL)
        for (uint32_t *at = s == b->x ? &b->i : &b->j; *at < s->bins && s->positions[*at] < out->lower; ++*at)
            absorb(&low_at, &low, s->positions[*at], s->counts[*at]);
    if (low) {
        push(out, low_at, low);
        first = 1;
    }
    while (take(b, &position, &count)) {
        if (position > out->upper && out->bins > first)
            absorb(&high_at, &high, position, count);
        else if (out->bins > first && position - out->positions[out->bins - 1] <= cutoff)
            absorb(&out->positions[out->bins - 1], &out->counts[out->bins - 1], position, count);
        else
            push(out, position, out->bins > first ? count & INT64_MAX : count);
    }
    if (high)
        push(out, high_at, high);
}

ov_status ov_histogram_merge(ov_histogram *s, const ov_histogram *from, const ov_sketch_mem *mem, ov_error *err)
{
    if (from->bins == 0)
        return OV_OK;
    ov_histogram out = *s;
    out.positions = NULL;
    out.counts = NULL;
    out.cap = 0;
    out.bins = 0;
    out.n = s->n + from->n;
    out.min = OV_MIN(s->min, from->min);
    out.max = OV_MAX(s->max, from->max);
    OV_TRY(ovi_histogram_begin(&out, mem, err));
    both b = {.x = s, .y = from};
    if ((uint64_t)s->bins + from->bins <= s->size)
        combine(&b, &out);
    else
        combine_close(&b, &out);
    void *block = s->counts;
    if (block)
        mem->give(mem->owner, &block, s->cap);
    *s = out;
    return OV_OK;
}
