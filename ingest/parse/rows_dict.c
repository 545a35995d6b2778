/* Dictionaries of parsed rows: the distinct strings of one column of one split; see ingest/parse/rows_layout.h. */
#include "ingest/parse/rows_layout.h"

#include "base/utf8.h"

enum { FIRST_SLOTS = 256, FIRST_BYTES = 4096, SMALL_SLOTS = 16, SMALL_BYTES = 64 };

bool ovi_rows_dict_init(ovi_dict *d, bool small)
{
    uint32_t slots = small ? SMALL_SLOTS : FIRST_SLOTS;
    d->mask = slots - 1;
    d->cap = slots;
    d->bytes_cap = small ? SMALL_BYTES : FIRST_BYTES;
    d->slot = ov_calloc(slots, sizeof *d->slot);
    d->offsets = ov_calloc((size_t)d->cap + 2, sizeof *d->offsets);
    d->bytes = ov_malloc(d->bytes_cap);
    d->count = 1;
    d->domain_id = ov_domain_next_id();
    return d->slot && d->offsets && d->bytes;
}

void ovi_rows_dict_fini(ovi_dict *d)
{
    ov_free(d->slot);
    ov_free(d->offsets);
    ov_free(d->bytes);
}

void ovi_rows_dict_clear(ovi_dict *d)
{
    memset(d->slot, 0, ((size_t)d->mask + 1) * sizeof *d->slot);
    d->count = 1;
    d->bytes_n = 0;
    d->domain_id = ov_domain_next_id();
}

static bool dict_grow(ov_rows *r, ovi_dict *d)
{
    size_t slots = ((size_t)d->mask + 1) * 4;
    if (slots > (size_t)1 << 31)
        return ovi_rows_nomem(r, slots * sizeof *d->slot);
    uint64_t *slot = ov_calloc(slots, sizeof *slot);
    uint32_t *offsets = ov_realloc(d->offsets, (slots / 2 + 2) * sizeof *offsets);
    if (offsets)
        d->offsets = offsets;
    if (!slot || !offsets) {
        ov_free(slot);
        return ovi_rows_nomem(r, slots * sizeof *slot);
    }
    d->cap = (uint32_t)(slots / 2);
    uint32_t mask = (uint32_t)slots - 1;
    for (uint32_t code = 1; code < d->count; code++) {
        uint64_t h = ovi_hash(d->bytes + d->offsets[code], d->offsets[code + 1] - d->offsets[code]);
        uint32_t at = (uint32_t)h & mask;
        while ((uint32_t)slot[at] != 0)
            at = (at + 1) & mask;
        slot[at] = (h >> 32 << 32) | code;
    }
    ov_free(d->slot);
    d->slot = slot;
    d->mask = mask;
    return true;
}

static bool dict_room(ov_rows *r, ovi_dict *d, size_t more)
{
    uint64_t need = (uint64_t)d->bytes_n + more;
    if (need <= d->bytes_cap)
        return true;
    if (need > UINT32_MAX - 64)
        return ovi_rows_nomem(r, need);
    uint64_t cap = OV_MAX(need, (uint64_t)d->bytes_cap * 2);
    cap = OV_MIN(cap, (uint64_t)UINT32_MAX - 64);
    char *bytes = ov_realloc(d->bytes, cap);
    if (!bytes)
        return ovi_rows_nomem(r, cap);
    d->bytes = bytes;
    d->bytes_cap = (uint32_t)cap;
    return true;
}

static uint32_t dict_insert(ov_rows *r, ovi_dict *d, ov_slice s, uint64_t hash, uint32_t at)
{
    if (!dict_room(r, d, s.n))
        return 0;
    uint32_t code = d->count++;
    d->offsets[code] = d->bytes_n;
    if (s.n)
        memcpy(d->bytes + d->bytes_n, s.p, s.n);
    d->bytes_n += (uint32_t)s.n;
    d->offsets[code + 1] = d->bytes_n;
    d->slot[at] = (hash >> 32 << 32) | code;
    if (d->count > d->mask / 2 && !dict_grow(r, d))
        return 0;
    return code;
}

/* A value not seen in this split. Text is checked here and nowhere else: once per distinct value. */
uint32_t ovi_rows_dict_add_slow(ov_rows *r, ovi_dict *d, ov_slice s, uint64_t hash, uint32_t at)
{
    if (r->failed)
        return 0;
    if (d->raw || OV_LIKELY(ov_utf8_valid(s)))
        return dict_insert(r, d, s, hash, at);
    ov_buf fixed;
    ov_buf_init(&fixed);
    ov_utf8_repair(s, &fixed);
    uint32_t code = 0;
    if (fixed.failed)
        ovi_rows_nomem(r, s.n);
    else
        code = ovi_dict_code(r, d, ov_buf_slice(&fixed)); /* valid now: ends one level down */
    r->repaired++;
    ov_buf_fini(&fixed);
    return code;
}
