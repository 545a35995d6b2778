#include "ingest/parse/parquet/encoding.h"

#include <string.h>

/* A number with seven bits a byte; false at the end. */
static bool varint(const uint8_t **at, const uint8_t *end, uint64_t *out)
{
    *out = 0;
    for (unsigned shift = 0; shift < 64 && *at < end; shift += 7) {
        uint8_t b = *(*at)++;
        *out |= (uint64_t)(b & 0x7F) << shift;
        if (!(b & 0x80))
            return true;
    }
    return false;
}

/* `width` bits (0 .. 64) from bit number `bit`; they are all there. */
static uint64_t bits_at(const uint8_t *p, const uint8_t *end, uint64_t bit, uint32_t width)
{
    uint8_t window[16] = {0};
    const uint8_t *from = p + bit / 8;
    unsigned shift = bit % 8, bytes = (shift + width + 7) / 8;
    if (width == 0)
        return 0;
    if (end - from >= (ptrdiff_t)sizeof window)
        memcpy(window, from, sizeof window);
    else
        memcpy(window, from, bytes);
    uint64_t low, high;
    memcpy(&low, window, 8);
    memcpy(&high, window + 8, 8);
    uint64_t v = shift ? low >> shift | high << (64 - shift) : low;
    return width == 64 ? v : v & (((uint64_t)1 << width) - 1);
}

/* ---- runs and packed bits ---- */

void ovi_pq_rle_init(ovi_pq_rle *d, ov_slice bytes, uint32_t width)
{
    *d = (ovi_pq_rle){.at = (const uint8_t *)bytes.p, .end = (const uint8_t *)bytes.p + bytes.n, .width = width};
}

static bool next_stretch(ovi_pq_rle *d)
{
    uint64_t head;
    if (d->packed)
        d->at += d->bit / 8;
    d->packed = false;
    if (!varint(&d->at, d->end, &head))
        return false;
    size_t rest = (size_t)(d->end - d->at);
    if (head & 1) {
        uint64_t bytes = (head >> 1) * d->width;
        if (head >> 1 > UINT32_MAX)
            return false;
        d->packed = true;
        d->bit = 0;
        d->left = (head >> 1) * 8;
        if (bytes > rest) /* the last stretch may be cut behind the last number */
            d->left = d->width ? rest * 8 / d->width : d->left;
        return d->left > 0;
    }
    unsigned bytes = (d->width + 7) / 8;
    if (bytes > rest)
        return false;
    d->value = 0;
    memcpy(&d->value, d->at, bytes);
    d->at += bytes;
    d->left = head >> 1;
    return d->left > 0;
}

bool ovi_pq_rle_get(ovi_pq_rle *d, uint32_t n, uint32_t *out)
{
    while (n) {
        if (d->left == 0 && !next_stretch(d))
            return false;
        uint32_t take = d->left < n ? (uint32_t)d->left : n;
        if (d->packed) {
            for (uint32_t i = 0; i < take; i++, d->bit += d->width)
                out[i] = (uint32_t)bits_at(d->at, d->end, d->bit, d->width);
        } else {
            for (uint32_t i = 0; i < take; i++)
                out[i] = d->value;
        }
        d->left -= take;
        if (d->packed && d->left == 0)
            d->bit = (d->bit + 7) / 8 * 8;
        out += take;
        n -= take;
    }
    return true;
}

/* ---- differences ---- */

static int64_t zigzag(uint64_t v)
{
    return (int64_t)(v >> 1) ^ -(int64_t)(v & 1);
}

bool ovi_pq_delta_init(ovi_pq_delta *d, ov_slice bytes)
{
    uint64_t minis, first;
    memset(d, 0, sizeof *d);
    d->at = (const uint8_t *)bytes.p;
    d->end = d->at + bytes.n;
    if (!varint(&d->at, d->end, &d->block) || !varint(&d->at, d->end, &minis) || !varint(&d->at, d->end, &d->total) ||
        !varint(&d->at, d->end, &first))
        return false;
    if (minis == 0 || minis > OVI_PQ_DELTA_MINIBLOCKS || d->block % minis || d->block > 1 << 24 || d->block / minis % 8 ||
        d->block == 0)
        return false;
    d->minis = (uint32_t)minis;
    d->mini = d->block / minis;
    d->mini_at = d->minis;
    d->left = d->total;
    d->value = zigzag(first);
    d->first = true;
    return true;
}

static bool next_block(ovi_pq_delta *d)
{
    uint64_t least;
    if (!varint(&d->at, d->end, &least) || (size_t)(d->end - d->at) < d->minis)
        return false;
    d->least = zigzag(least);
    memcpy(d->widths, d->at, d->minis);
    d->at += d->minis;
    d->mini_at = 0;
    return true;
}

/* Miniblocks behind the last number may be missing, or shorter than they should be. */
static bool next_mini(ovi_pq_delta *d)
{
    if (d->mini_at == d->minis && !next_block(d))
        return false;
    uint32_t width = d->widths[d->mini_at];
    uint64_t wanted = d->left < d->mini ? d->left : d->mini;
    if (width > 64 || (wanted * width + 7) / 8 > (uint64_t)(d->end - d->at))
        return false;
    d->in_mini = d->mini;
    d->bit = 0;
    return true;
}

static void end_mini(ovi_pq_delta *d)
{
    uint64_t bytes = d->mini * d->widths[d->mini_at] / 8;
    d->at += bytes < (uint64_t)(d->end - d->at) ? bytes : (uint64_t)(d->end - d->at);
    d->mini_at++;
}

bool ovi_pq_delta_get(ovi_pq_delta *d, uint32_t n, int64_t *out)
{
    if (n > d->left)
        return false;
    for (uint32_t i = 0; i < n; i++) {
        if (d->first) {
            d->first = false;
        } else {
            if (d->in_mini == 0 && !next_mini(d))
                return false;
            uint32_t width = d->widths[d->mini_at];
            uint64_t step = bits_at(d->at, d->end, d->bit, width);
            d->value = (int64_t)((uint64_t)d->value + (uint64_t)d->least + step);
            d->bit += width;
            if (--d->in_mini == 0)
                end_mini(d);
        }
        out[i] = d->value;
        d->left--;
    }
    return true;
}

bool ovi_pq_delta_end(ovi_pq_delta *d, ov_slice *rest)
{
    int64_t ignored[64];
    while (d->left)
        if (!ovi_pq_delta_get(d, d->left < 64 ? (uint32_t)d->left : 64, ignored))
            return false;
    if (d->in_mini) {
        d->in_mini = 0;
        end_mini(d);
    }
    *rest = ov_slice_make((const char *)d->at, (size_t)(d->end - d->at));
    return true;
}
