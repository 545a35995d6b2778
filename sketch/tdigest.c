#include "sketch/tdigest.h"

#define SORT_ITEM ov_tdigest_cell
#define SORT_KEY(c) ((c).mean)
#define SORT_NAME(verb) verb##_cells
#include "sketch/sort_tmpl.h"

void ov_tdigest_init(ov_tdigest *s, double compression)
{
    *s = (ov_tdigest){.compression = compression, .min = INFINITY, .max = -INFINITY};
}

ov_status ovi_tdigest_reserve(ov_tdigest *s, size_t cells, const ov_sketch_mem *mem, ov_error *err)
{
    return mem->grow(mem->owner, &s->cell, &s->cap, cells * sizeof(*s->cell), err);
}

/* How far a part of all may go: the square of a cell's weight, as part of all and in units of pi / compression, stays below this at both ends. */
static double slack(double part)
{
    return part * (1 - part);
}

void ov_tdigest_compress(ov_tdigest *s)
{
    uint32_t count = s->cells + s->waiting, at = 0;
    if (s->waiting == 0)
        return;
    sort_cells(s->cell, count);
    s->total += s->fresh;
    double unit = s->compression / (M_PI * s->total), before = 0, low = 0;
    for (uint32_t i = 1; i < count; i++) {
        ov_tdigest_cell *into = &s->cell[at], next = s->cell[i];
        double weight = into->weight + next.weight, z = weight * unit;
        if (z * z <= low && z * z <= slack((before + weight) / s->total)) {
            into->weight = weight;
            into->mean += (next.mean - into->mean) * next.weight / weight;
        } else {
            before += into->weight;
            low = slack(before / s->total);
            s->cell[++at] = next;
        }
    }
    s->cells = at + 1;
    s->waiting = 0;
    s->fresh = 0;
    s->min = fmin(s->min, s->cell[0].mean);
    s->max = fmax(s->max, s->cell[at].mean);
}

static ov_status add_cell(ov_tdigest *s, ov_tdigest_cell c, const ov_sketch_mem *mem, ov_error *err)
{
    size_t room = 5 * (size_t)ceil(s->compression);
    if ((size_t)s->cells + s->waiting + 1 >= room)
        ov_tdigest_compress(s);
    size_t used = (size_t)s->cells + s->waiting;
    if ((used + 1) * sizeof(c) > s->cap)
        OV_TRY(ovi_tdigest_reserve(s, OV_MAX(2 * used, 2), mem, err));
    s->cell[used] = c;
    s->waiting++;
    s->fresh += c.weight;
    return OV_OK;
}

ov_status ov_tdigest_add(ov_tdigest *s, double x, const ov_sketch_mem *mem, ov_error *err)
{
    if (isnan(x))
        return OV_OK;
    if (!(fabs(x) <= OV_TDIGEST_MOST_VALUE))
        return ov_fail(err, OV_INVALID, "a t-digest takes numbers up to 1e290, found %g", x);
    return add_cell(s, (ov_tdigest_cell){x, 1}, mem, err);
}

ov_status ov_tdigest_merge(ov_tdigest *s, const ov_tdigest *from, const ov_sketch_mem *mem, ov_error *err)
{
    if (ov_tdigest_count(s) + ov_tdigest_count(from) > 0x1p53)
        return ov_fail(err, OV_LIMIT, "a t-digest of more than 2^53 values");
    for (uint32_t i = 0; i < from->cells + from->waiting; i++)
        OV_TRY(add_cell(s, from->cell[i], mem, err));
    s->min = fmin(s->min, from->min);
    s->max = fmax(s->max, from->max);
    return OV_OK;
}

ov_status ov_tdigest_settled(const ov_tdigest *s, ov_arena *a, ov_tdigest *out, ov_error *err)
{
    size_t bytes = ((size_t)s->cells + s->waiting) * sizeof(*s->cell);
    *out = *s;
    if (s->waiting == 0)
        return OV_OK;
    OV_TRY(ov_arena_alloc(a, bytes, &out->cell, err));
    memcpy(out->cell, s->cell, bytes);
    out->cap = bytes;
    ov_tdigest_compress(out);
    return OV_OK;
}

/* ---- answers ---- */

static double clamp(double x, double a, double b)
{
    return fmax(fmin(a, b), fmin(x, fmax(a, b)));
}

/* Half of a cell's weight lies on either side of its mean. Behind the middle of the last one 3.2 answers the greatest, and so do we. */
double ov_tdigest_quantile(const ov_tdigest *s, double rank)
{
    double index = rank * s->total, so_far;
    const ov_tdigest_cell *c = s->cell;
    if (s->cells == 0 || isnan(rank))
        return NAN;
    so_far = c[0].weight / 2;
    if (index < so_far)
        return clamp(s->min + 2 * index / c[0].weight * (c[0].mean - s->min), s->min, s->max);
    for (uint32_t i = 0; i + 1 < s->cells; i++) {
        double step = (c[i].weight + c[i + 1].weight) / 2;
        if (so_far + step > index) {
            double left = so_far + step - index, right = index - so_far;
            double x = (c[i].mean * left + c[i + 1].mean * right) / (left + right);
            return clamp(clamp(x, c[i].mean, c[i + 1].mean), s->min, s->max);
        }
        so_far += step;
    }
    return s->max;
}

double ov_tdigest_error(unsigned compression, bool of_difference)
{
    return (of_difference ? 2 : 1) * M_PI / 2 / compression;
}
