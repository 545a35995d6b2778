#include "sketch/sketch.h"

static ov_status grow_in_arena(void *owner, void *block, size_t *cap, size_t need, ov_error *err)
{
    void *old, *fresh;
    if (need <= *cap)
        return OV_OK;
    size_t bytes = OV_MAX(need, OV_MIN(*cap * 2, need * 2));
    memcpy(&old, block, sizeof(old));
    OV_TRY(ov_arena_alloc(owner, bytes, &fresh, err));
    if (old)
        memcpy(fresh, old, *cap);
    memcpy(block, &fresh, sizeof(fresh));
    *cap = bytes;
    return OV_OK;
}

static void give_to_arena(void *owner, void *block, size_t cap)
{
    static void *const none;
    (void)owner, (void)cap;
    memcpy(block, &none, sizeof(none));
}

ov_sketch_mem ov_sketch_mem_arena(ov_arena *a)
{
    return (ov_sketch_mem){a, grow_in_arena, give_to_arena};
}

/* ---- text ---- */

/* One code point of valid UTF-8 as one or two units of UTF-16; what is cut short counts as it stands. */
static size_t next_units(ov_slice s, size_t *at, uint16_t units[2])
{
    uint8_t first = (uint8_t)s.p[(*at)++];
    unsigned more = first >= 0xf0 ? 3 : first >= 0xe0 ? 2 : first >= 0xc0 ? 1 : 0;
    uint32_t point = more ? first & (0x3fu >> more) : first;
    for (; more && *at < s.n; more--)
        point = point << 6 | ((uint8_t)s.p[(*at)++] & 0x3f);
    if (point < 0x10000) {
        units[0] = (uint16_t)point;
        return 1;
    }
    units[0] = (uint16_t)(0xd7c0 + (point >> 10));
    units[1] = (uint16_t)(0xdc00 | (point & 0x3ff));
    return 2;
}

void ov_sketch_add_utf16(ov_slice utf8, ov_buf *out)
{
    for (size_t at = 0; at < utf8.n;) {
        uint16_t units[2];
        char bytes[2 * sizeof(uint16_t)];
        size_t n = next_units(utf8, &at, units);
        for (size_t i = 0; i < n; i++)
            ov_store_u16(bytes + 2 * i, units[i]);
        ov_buf_add(out, bytes, 2 * n);
    }
}

bool ov_sketch_hash_utf16(ov_slice utf8, ov_hash128 *out)
{
    enum { CHUNK = 512 };
    char stack[CHUNK * 2 + 8];
    ov_buf wide;
    char *to = stack;
    size_t n = 0;
    if (utf8.n == 0)
        return false;
    ov_buf_init(&wide);
    if (utf8.n > CHUNK) {
        if (!ov_buf_reserve(&wide, utf8.n * 2 + 8)) {
            ov_buf_fini(&wide);
            return false;
        }
        to = wide.p;
    }
    for (size_t at = 0; at < utf8.n;) {
        uint16_t units[2];
        size_t k = next_units(utf8, &at, units);
        for (size_t i = 0; i < k; i++, n += 2)
            ov_store_u16(to + n, units[i]);
    }
    *out = ov_murmur3(ov_slice_make(to, n), OV_SKETCH_SEED);
    ov_buf_fini(&wide);
    return true;
}
