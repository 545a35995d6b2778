#include "base/cursor.h"

#include <inttypes.h>
#include "base/bytes.h"

static ov_status short_by(const ov_cursor *c, size_t n, ov_error *err)
{
    return ov_fail(err, OV_CORRUPT, "%s: %zu bytes are needed at offset %zu, but only %zu are left",
                   c->what, n, ov_cursor_offset(c), ov_cursor_left(c));
}

ov_status ov_cursor_bytes(ov_cursor *c, size_t n, ov_slice *out, ov_error *err)
{
    if (OV_UNLIKELY(n > ov_cursor_left(c)))
        return short_by(c, n, err);
    *out = ov_slice_make(c->at, n);
    c->at += n;
    return OV_OK;
}

ov_status ov_cursor_skip(ov_cursor *c, size_t n, ov_error *err)
{
    ov_slice skipped;
    return ov_cursor_bytes(c, n, &skipped, err);
}

ov_status ov_cursor_seek(ov_cursor *c, size_t offset, ov_error *err)
{
    size_t size = (size_t)(c->end - c->start);
    OV_CHECK_DATA(offset <= size, err, "%s: offset %zu lies past the end at %zu", c->what, offset,
                  size);
    c->at = c->start + offset;
    return OV_OK;
}

ov_status ov_cursor_u8(ov_cursor *c, uint8_t *out, ov_error *err)
{
    ov_slice s;
    OV_TRY(ov_cursor_bytes(c, 1, &s, err));
    *out = (uint8_t)s.p[0];
    return OV_OK;
}

ov_status ov_cursor_u16(ov_cursor *c, uint16_t *out, ov_error *err)
{
    ov_slice s;
    OV_TRY(ov_cursor_bytes(c, 2, &s, err));
    *out = ov_load_u16(s.p);
    return OV_OK;
}

ov_status ov_cursor_u32(ov_cursor *c, uint32_t *out, ov_error *err)
{
    ov_slice s;
    OV_TRY(ov_cursor_bytes(c, 4, &s, err));
    *out = ov_load_u32(s.p);
    return OV_OK;
}

ov_status ov_cursor_u64(ov_cursor *c, uint64_t *out, ov_error *err)
{
    ov_slice s;
    OV_TRY(ov_cursor_bytes(c, 8, &s, err));
    *out = ov_load_u64(s.p);
    return OV_OK;
}

ov_status ov_cursor_i64(ov_cursor *c, int64_t *out, ov_error *err)
{
    uint64_t v;
    OV_TRY(ov_cursor_u64(c, &v, err));
    *out = (int64_t)v;
    return OV_OK;
}

ov_status ov_cursor_be_u32(ov_cursor *c, uint32_t *out, ov_error *err)
{
    OV_TRY(ov_cursor_u32(c, out, err));
    *out = __builtin_bswap32(*out);
    return OV_OK;
}

ov_status ov_cursor_varint(ov_cursor *c, uint64_t *out, ov_error *err)
{
    uint64_t v = 0;
    size_t left = ov_cursor_left(c);
    for (size_t i = 0; i < 10; i++) {
        if (i >= left)
            return short_by(c, i + 1, err);
        uint8_t byte = (uint8_t)c->at[i];
        /* the tenth byte holds bit 63 alone; a last byte of 0 says nothing the one before did not
         */
        OV_CHECK_DATA((i < 9 || byte <= 1) && (i == 0 || byte != 0), err,
                      "%s: the variable-length number at offset %zu is malformed", c->what,
                      ov_cursor_offset(c));
        v |= (uint64_t)(byte & 0x7F) << (7 * i);
        if (byte < 0x80) {
            c->at += i + 1;
            *out = v;
            return OV_OK;
        }
    }
    return ov_fail(err, OV_INTERNAL, "%s: a varint without end", c->what);
}

ov_status ov_cursor_text(ov_cursor *c, ov_slice *out, ov_error *err)
{
    const char *at = c->at;
    uint64_t n;
    OV_TRY(ov_cursor_varint(c, &n, err));
    if (n > ov_cursor_left(c)) {
        ov_status st =
            ov_fail(err, OV_CORRUPT,
                    "%s: a text of %" PRIu64 " bytes starts at offset %zu, but only %zu are left",
                    c->what, n, ov_cursor_offset(c), ov_cursor_left(c));
        c->at = at;
        return st;
    }
    return ov_cursor_bytes(c, (size_t)n, out, err);
}
