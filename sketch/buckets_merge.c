/*
 * Fixed buckets histograms put together. With the same buckets counts add up; with others the values of each of their buckets are taken as
 * evenly spread over it, and what falls into one of ours is rounded: Druid's rules.
 */
#include "sketch/buckets.h"

/* Counts of `from` below a point of its range, or from there on. */
static int64_t part_of(const ov_buckets *from, double cut, bool below)
{
    double width = ov_buckets_width(from), sum = 0;
    uint32_t at = (uint32_t)OV_MIN((cut - from->lower) / width, (double)from->count - 1);
    for (uint32_t i = below ? 0 : at + 1; i < (below ? at : from->count); i++)
        sum += (double)from->counts[i];
    double start = at * width + from->lower;
    double share = below ? (cut - start) / width : (start + width - cut) / width;
    return (int64_t)floor(sum + share * (double)from->counts[at] + 0.5);
}

/* Values outside of our range, so many below and above. */
static void take_outliers(ov_buckets *s, int64_t below, int64_t above)
{
    if (s->outliers == OV_BUCKETS_OVERFLOW) {
        s->below += below;
        s->above += above;
    }
    if (s->outliers != OV_BUCKETS_CLIP)
        return;
    s->counts[0] += below;
    s->counts[s->count - 1] += above;
    s->n += below + above;
    if (below > 0)
        s->min = OV_MIN(s->min, s->lower);
    if (above > 0)
        s->max = OV_MAX(s->max, s->upper);
}

static void same_buckets(ov_buckets *s, const ov_buckets *from)
{
    for (uint32_t i = 0; i < s->count; i++)
        s->counts[i] += from->counts[i];
    s->n += from->n;
    s->max = OV_MAX(s->max, from->max);
    s->min = OV_MIN(s->min, from->min);
    take_outliers(s, from->below, from->above);
}

/* The smallest and largest of the values in their bucket, one every `stride` from its start, that lie between two points. */
static void see_between(ov_buckets *s, double start, double stride, double low, double high)
{
    double first = ceil((low - start) / stride) * stride + start, last = floor((high - start) / stride) * stride + start;
    if (first >= low) {
        s->min = OV_MIN(s->min, first);
        s->max = OV_MAX(s->max, first);
    }
    if (last < high) {
        s->min = OV_MIN(s->min, last);
        s->max = OV_MAX(s->max, last);
    }
}

static void spread(ov_buckets *s, const ov_buckets *from, double low, double high)
{
    double ours = ov_buckets_width(s), theirs = ov_buckets_width(from), at = low;
    uint32_t i = (uint32_t)((low - s->lower) / ours), k = (uint32_t)((low - from->lower) / theirs);
    while (at < high && i < s->count && k < from->count) {
        double our_end = OV_MIN((i + 1) * ours + s->lower, high), their_end = OV_MIN((k + 1) * theirs + from->lower, high);
        double to = OV_MIN(our_end, their_end);
        int64_t count = (int64_t)floor((double)from->counts[k] * ((to - at) / theirs) + 0.5);
        if (count > 0 && to > at) {
            see_between(s, k * theirs + from->lower, theirs / (double)from->counts[k], at, to);
            s->counts[i] += count;
            s->n += count;
        }
        at = to;
        i += to >= our_end;
        k += to >= their_end;
    }
}

void ov_buckets_merge(ov_buckets *s, const ov_buckets *from)
{
    s->missing += from->missing;
    if (s->lower == from->lower && s->upper == from->upper && s->count == from->count) {
        same_buckets(s, from);
    } else if (from->lower >= s->upper) {
        take_outliers(s, 0, from->n + from->above); /* where theirs below lie nobody knows */
    } else if (from->upper <= s->lower) {
        take_outliers(s, from->n + from->below, 0);
    } else {
        double low = OV_MAX(s->lower, from->lower), high = OV_MIN(s->upper, from->upper);
        take_outliers(s, from->below + (from->lower < low ? part_of(from, low, true) : 0),
                      from->above + (from->upper > high ? part_of(from, high, false) : 0));
        spread(s, from, low, high);
    }
}
