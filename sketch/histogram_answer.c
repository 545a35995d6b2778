/* What approximate histograms answer: sums, quantiles, buckets; see sketch/histogram.h. */
#include "sketch/histogram.h"

double ov_histogram_sum(const ov_histogram *s, float b)
{
    if (s->bins == 0 || b < s->min)
        return 0;
    if (b >= s->max)
        return (double)s->n;
    uint32_t next = ovi_histogram_find(s, b); /* bins below it are not above b */
    if (next < s->bins && s->positions[next] == b)
        next++;
    bool left = next > 0, right = next < s->bins;
    double m0 = left ? (double)ov_histogram_count(s, next - 1) : 0, m1 = right ? (double)ov_histogram_count(s, next) : 0;
    double p0 = left ? s->positions[next - 1] : s->min, p1 = right ? s->positions[next] : s->max;
    bool exact0 = left && ov_histogram_is_exact(s, next - 1), exact1 = right && ov_histogram_is_exact(s, next);
    double part = p1 == p0 ? 0 : ((double)b - p0) / (p1 - p0);
    /* a trapezoid between the bins; values of exact ones stand where they are */
    double t0 = exact0 ? 0 : m0, t1 = exact1 ? 0 : m1;
    double sum = 0.5 * (t0 + t0 + (t1 - t0) * part) * part;
    for (uint32_t i = 0; i + 1 < next; i++)
        sum += (double)ov_histogram_count(s, i);
    return sum + (exact0 ? m0 : 0.5 * m0);
}

float ov_histogram_quantile(const ov_histogram *s, double p)
{
    double want = p * (double)s->n;
    int64_t below = 0;
    uint32_t i = 0;
    if (s->bins == 0)
        return NAN;
    for (; i < s->bins && (double)(below + ov_histogram_count(s, i)) <= want; i++)
        below += ov_histogram_count(s, i);
    if (i == 0 || i == s->bins)
        return i == 0 ? s->min : s->max;
    /* where, from the last bin to this one, the trapezoid has the missing area */
    double d = want - (double)below, a = (double)(ov_histogram_count(s, i) - ov_histogram_count(s, i - 1));
    double b = 2 * (double)ov_histogram_count(s, i - 1), c = -2 * d;
    double z = a == 0 ? -c / b : (-b + sqrt(b * b - 4 * a * c)) / (2 * a);
    float at = (float)((double)s->positions[i - 1] + (double)(s->positions[i] - s->positions[i - 1]) * z);
    return at < s->max ? at : s->max;
}

ov_status ov_histogram_equal_breaks(const ov_histogram *s, uint32_t count, ov_arena *a, float **breaks, uint32_t *n,
                                    ov_error *err)
{
    float step = (s->max - s->min) / (float)((int)count - 1);
    *n = count + 1;
    OV_TRY(ov_arena_alloc(a, (size_t)*n * sizeof(float), breaks, err));
    (*breaks)[0] = s->min - step;
    for (uint32_t i = 1; i < count; i++)
        (*breaks)[i] = (*breaks)[i - 1] + step;
    (*breaks)[count] = s->max;
    return OV_OK;
}

static float floor_to(float v, float width, float offset)
{
    return (float)floor((double)((v - offset) / width)) * width + offset;
}

static float ceil_to(float v, float width, float offset)
{
    return (float)ceil((double)((v - offset) / width)) * width + offset;
}

enum { MOST_BREAKS = 1000000 };
static const float HOLDS_SOMETHING = 0.1f;

ov_status ov_histogram_width_breaks(const ov_histogram *s, float width, float offset, ov_arena *a, float **breaks, uint32_t *n,
                                    ov_error *err)
{
    float bottom = floor_to(s->min, width, offset), top = ceil_to(s->max, width, offset);
    float first = isfinite(s->lower) ? OV_MAX(bottom, floor_to(s->lower, width, offset)) : bottom;
    float last = isfinite(s->upper) ? OV_MIN(top, ceil_to(s->upper, width, offset)) : top;
    *n = 0;
    if (s->bins == 0)
        return OV_OK;
    double steps = ((double)last - (double)first) / (double)width;
    if (!(steps < MOST_BREAKS) || first + width == first || last - width == last)
        return ov_fail(err, OV_LIMIT, "values from %g to %g have too many buckets of %g", (double)s->min, (double)s->max,
                       (double)width);
    OV_TRY(ov_arena_alloc(a, ((size_t)OV_MAX(steps, 0) * 2 + 8) * sizeof(float), breaks, err));
    float *out = *breaks;
    if (bottom - width != first && ov_histogram_sum(s, first) - ov_histogram_sum(s, bottom - width) > HOLDS_SOMETHING)
        out[(*n)++] = bottom - width;
    bool open = false;
    for (float left = first; left + width <= last + width / 10; left += width) {
        float right = left + width;
        bool some = ov_histogram_sum(s, right) - ov_histogram_sum(s, left) > HOLDS_SOMETHING;
        if (some && !open)
            out[(*n)++] = left;
        if (some)
            out[(*n)++] = right;
        open = some;
    }
    if (*n && out[*n - 1] != top && ov_histogram_sum(s, top) - ov_histogram_sum(s, out[*n - 1]) > HOLDS_SOMETHING)
        out[(*n)++] = top;
    return OV_OK;
}
