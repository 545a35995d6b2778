#include "sketch/hyperunique.h"

enum { HEADER = 7, OLD_HEADER = 3, VERSION = 1, MOST_NIBBLE = 15, SPARSE_BELOW = 128, MOST_RUN = 64 };

/* ---- adding ---- */

static ov_status begin(ov_hyper *s, const ov_sketch_mem *mem, ov_error *err)
{
    if (s->regs)
        return OV_OK;
    OV_TRY(mem->grow(mem->owner, &s->regs, &s->cap, OV_HYPER_BYTES, err));
    memset(s->regs, 0, OV_HYPER_BYTES);
    return OV_OK;
}

static unsigned shift_of(uint32_t reg)
{
    return reg & 1 ? 0 : 4;
}

static unsigned nibble(const ov_hyper *s, uint32_t reg)
{
    return s->regs[reg >> 1] >> shift_of(reg) & 15u;
}

static void raise_to(ov_hyper *s, uint32_t reg, unsigned v)
{
    unsigned old = nibble(s, reg), shift = shift_of(reg);
    if (v <= old)
        return;
    s->used = (uint16_t)(s->used + (old == 0));
    s->regs[reg >> 1] = (uint8_t)((s->regs[reg >> 1] & ~(15u << shift)) | v << shift);
}

static void count_used(ov_hyper *s)
{
    uint32_t used = 0;
    for (uint32_t i = 0; i < OV_HYPER_BYTES; i++)
        used += (s->regs[i] >> 4 != 0) + ((s->regs[i] & 15) != 0);
    s->used = (uint16_t)used;
}

/* Every register is past the offset: it rises by one. */
static void rise(ov_hyper *s)
{
    if (s->used < OV_HYPER_REGISTERS)
        return;
    s->offset++;
    for (uint32_t i = 0; i < OV_HYPER_BYTES; i++)
        s->regs[i] = (uint8_t)(s->regs[i] - 0x11);
    count_used(s);
}

static void add_run(ov_hyper *s, uint32_t reg, unsigned run)
{
    if (run <= s->offset)
        return;
    if (run <= s->offset + (unsigned)MOST_NIBBLE) {
        raise_to(s, reg, run - s->offset);
        rise(s);
        return;
    }
    if (run <= s->longest)
        return;
    unsigned old = s->longest, limit = s->offset + (unsigned)MOST_NIBBLE;
    if (old > s->offset && old <= limit) { /* fits by now */
        raise_to(s, s->longest_at, old - s->offset);
        rise(s);
    }
    s->longest = (uint8_t)run;
    s->longest_at = (uint16_t)reg;
}

ov_status ov_hyper_add(ov_hyper *s, ov_slice text, const ov_sketch_mem *mem, ov_error *err)
{
    OV_TRY(begin(s, mem, err));
    ov_hash128 h = ov_murmur3(text, 0);
    uint32_t reg = ((uint32_t)(h.hi >> 48 & 0xff) << 8 | (uint32_t)(h.hi >> 56)) & (OV_HYPER_REGISTERS - 1);
    add_run(s, reg, h.lo ? (unsigned)__builtin_ctzll(h.lo) + 1 : MOST_RUN);
    return OV_OK;
}

/* ---- merging ---- */

ov_status ov_hyper_merge(ov_hyper *s, const ov_hyper *from, const ov_sketch_mem *mem, ov_error *err)
{
    ov_hyper low = *from;
    uint8_t own[OV_HYPER_BYTES];
    if (!from->regs)
        return OV_OK;
    OV_TRY(begin(s, mem, err));
    if (s->offset < from->offset) { /* into the one with the higher offset */
        uint8_t *regs = s->regs;
        size_t cap = s->cap;
        low = *s;
        memcpy(own, s->regs, sizeof(own));
        memcpy(regs, from->regs, OV_HYPER_BYTES);
        low.regs = own;
        *s = *from;
        s->regs = regs;
        s->cap = cap;
    }
    unsigned apart = (unsigned)s->offset - low.offset;
    for (uint32_t reg = 0; reg < OV_HYPER_REGISTERS; reg++) {
        unsigned v = nibble(&low, reg);
        if (v > apart)
            raise_to(s, reg, v - apart);
    }
    rise(s);
    add_run(s, low.longest_at, low.longest);
    return OV_OK;
}

/* ---- the estimate ---- */

double ov_hyper_estimate(const ov_hyper *s)
{
    const double m = OV_HYPER_REGISTERS, two64 = 0x1p64;
    const double alpha = 0.7213 / (1 + 1.079 / m);
    double sum = 0;
    uint32_t zeros = 0;
    if (!s->regs)
        return 0;
    for (uint32_t reg = 0; reg < OV_HYPER_REGISTERS; reg++) {
        unsigned v = nibble(s, reg), run = v + s->offset;
        bool is_longest = s->longest && reg == s->longest_at && s->longest > run;
        zeros += v == 0 && !is_longest;
        sum += ldexp(1, -(int)(is_longest ? s->longest : run));
    }
    double e = alpha * m * m / sum;
    if (e <= 5 * m / 2)
        return zeros ? m * log(m / (double)zeros) : e;
    if (e <= two64 / 30)
        return e;
    return e < two64 ? -two64 * log(1 - e / two64) : INFINITY;
}

/* ---- images ---- */

void ov_hyper_write(const ov_hyper *s, ov_buf *out)
{
    uint8_t head[HEADER] = {VERSION, s->offset, 0, 0, s->longest, 0, 0};
    ov_store_be_u16(head + 2, s->used);
    ov_store_be_u16(head + 5, s->longest_at);
    ov_buf_add(out, head, sizeof(head));
    if (s->used >= SPARSE_BELOW) {
        ov_buf_add(out, s->regs, OV_HYPER_BYTES);
        return;
    }
    uint8_t entries[SPARSE_BELOW * 3] = {0}; /* one for each register, though two may share a byte */
    uint32_t n = 0;
    for (uint32_t i = 0; s->regs && i < OV_HYPER_BYTES; i++)
        if (s->regs[i]) {
            ov_store_be_u16(entries + n, (uint16_t)(HEADER + i));
            entries[n + 2] = s->regs[i];
            n += 3;
        }
    ov_buf_add(out, entries, (size_t)s->used * 3);
}

static ov_status read_entries(ov_slice payload, unsigned header, ov_hyper *s, ov_error *err)
{
    const uint8_t *p = (const uint8_t *)payload.p;
    if (payload.n == OV_HYPER_BYTES) {
        memcpy(s->regs, p, OV_HYPER_BYTES);
        return OV_OK;
    }
    if (payload.n % 3 || payload.n > 3 * OV_HYPER_REGISTERS)
        return ov_fail(err, OV_CORRUPT, "a hyperUnique sketch has %zu bytes behind its header, neither %d nor triples", payload.n,
                       OV_HYPER_BYTES);
    for (size_t i = 0; i < payload.n; i += 3) {
        unsigned at = ov_load_be_u16(p + i);
        if (p[i + 2] == 0)
            continue; /* room that was not used */
        if (at < header || at >= header + OV_HYPER_BYTES)
            return ov_fail(err, OV_CORRUPT, "a hyperUnique sketch has a register at byte %u of %u", at, header + OV_HYPER_BYTES);
        s->regs[at - header] = p[i + 2];
    }
    return OV_OK;
}

ov_status ov_hyper_read(ov_slice image, ov_hyper *s, const ov_sketch_mem *mem, ov_error *err)
{
    const uint8_t *p = (const uint8_t *)image.p;
    *s = (ov_hyper){0};
    if (image.n == 0)
        return OV_OK;
    bool old = image.n % 3 == 0 || image.n == OLD_HEADER + OV_HYPER_BYTES;
    unsigned header = old ? OLD_HEADER : HEADER;
    if (image.n < header || (!old && p[0] != VERSION))
        return ov_fail(err, OV_CORRUPT, "a hyperUnique sketch of %zu bytes has no header of version %d", image.n, VERSION);
    unsigned offset = old ? p[0] : p[1], longest = old ? 0 : p[4], at = old ? 0 : ov_load_be_u16(p + 5);
    if (offset > MOST_RUN || longest > MOST_RUN || at >= OV_HYPER_REGISTERS)
        return ov_fail(err, OV_CORRUPT, "a hyperUnique sketch says offset %u, run %u in register %u", offset, longest, at);
    OV_TRY(begin(s, mem, err));
    s->offset = (uint8_t)offset;
    s->longest = (uint8_t)longest;
    s->longest_at = (uint16_t)at;
    OV_TRY(read_entries(ov_slice_make(image.p + header, image.n - header), header, s, err));
    count_used(s);
    return OV_OK;
}
