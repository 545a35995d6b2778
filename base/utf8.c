/* UTF-8: validation and repair, counting in UTF-16 units, case and width through utf8proc. */
#include "base/utf8.h"

#include <utf8proc.h>
#include "base/bytes.h"

enum { REPLACEMENT = 0xFFFD };

/*
 * Length of the well-formed sequence at p (1..4), or 0; then *bad is how many bytes one U+FFFD
 * stands for: the longest start of a well-formed sequence, at least 1 (Unicode 3.9, "maximal
 * subpart").
 */
static size_t sequence(const unsigned char *p, size_t n, size_t *bad)
{
    unsigned char c = p[0];
    if (c < 0x80)
        return 1;
    size_t need = c >= 0xC2 && c <= 0xDF   ? 2
                  : (c & 0xF0) == 0xE0     ? 3
                  : c >= 0xF0 && c <= 0xF4 ? 4
                                           : 0;
    *bad = 1;
    if (!need)
        return 0;
    unsigned char low = 0x80, high = 0xBF; /* of the second byte */
    if (c == 0xE0)
        low = 0xA0; /* over-long */
    else if (c == 0xED)
        high = 0x9F; /* surrogates */
    else if (c == 0xF0)
        low = 0x90; /* over-long */
    else if (c == 0xF4)
        high = 0x8F; /* past U+10FFFF */
    for (size_t i = 1; i < need; i++) {
        if (i >= n || p[i] < low || p[i] > high) {
            *bad = i;
            return 0;
        }
        low = 0x80;
        high = 0xBF;
    }
    return need;
}

size_t ov_utf8_valid_prefix(ov_slice s)
{
    const unsigned char *p = (const unsigned char *)s.p;
    size_t i = 0, bad;
    while (i < s.n) {
        while (i + 8 <= s.n && (ov_load_u64(p + i) & 0x8080808080808080ull) == 0)
            i += 8;
        if (i == s.n)
            break;
        size_t n = sequence(p + i, s.n - i, &bad);
        if (!n)
            return i;
        i += n;
    }
    return i;
}

bool ov_utf8_valid(ov_slice s)
{
    return ov_utf8_valid_prefix(s) == s.n;
}

void ov_utf8_repair(ov_slice s, ov_buf *out)
{
    for (;;) {
        size_t good = ov_utf8_valid_prefix(s), bad = 1;
        ov_buf_add(out, s.p, good);
        if (good == s.n)
            return;
        sequence((const unsigned char *)s.p + good, s.n - good, &bad);
        ov_buf_add_str(out, "\xEF\xBF\xBD");
        s.p += good + bad;
        s.n -= good + bad;
    }
}

uint32_t ov_utf8_next(const char **at, const char *end)
{
    const unsigned char *p = (const unsigned char *)*at;
    size_t bad, n = sequence(p, (size_t)(end - *at), &bad);
    *at += n ? n : 1;
    switch (n) {
    case 1:
        return p[0];
    case 2:
        return (p[0] & 0x1Fu) << 6 | (p[1] & 0x3Fu);
    case 3:
        return (p[0] & 0x0Fu) << 12 | (p[1] & 0x3Fu) << 6 | (p[2] & 0x3Fu);
    case 4:
        return (p[0] & 0x07u) << 18 | (p[1] & 0x3Fu) << 12 | (p[2] & 0x3Fu) << 6 | (p[3] & 0x3Fu);
    default:
        return REPLACEMENT;
    }
}

size_t ov_utf8_put(uint32_t c, char out[4])
{
    if (c > 0x10FFFF || (c >= 0xD800 && c <= 0xDFFF))
        c = REPLACEMENT;
    if (c < 0x80) {
        out[0] = (char)c;
        return 1;
    }
    if (c < 0x800) {
        out[0] = (char)(0xC0 | c >> 6);
        out[1] = (char)(0x80 | (c & 0x3F));
        return 2;
    }
    if (c < 0x10000) {
        out[0] = (char)(0xE0 | c >> 12);
        out[1] = (char)(0x80 | (c >> 6 & 0x3F));
        out[2] = (char)(0x80 | (c & 0x3F));
        return 3;
    }
    out[0] = (char)(0xF0 | c >> 18);
    out[1] = (char)(0x80 | (c >> 12 & 0x3F));
    out[2] = (char)(0x80 | (c >> 6 & 0x3F));
    out[3] = (char)(0x80 | (c & 0x3F));
    return 4;
}

/* UTF-16 units that start at this byte: 0 inside a character, 2 for four-byte ones. */
static size_t units_of(char byte)
{
    unsigned char c = (unsigned char)byte;
    return (size_t)((c & 0xC0) != 0x80) + (c >= 0xF0);
}

#define ONES UINT64_C(0x0101010101010101)

/* What eight bytes begin: characters, or UTF-16 units. */
OV_INLINE size_t begun(uint64_t bytes, bool units)
{
    uint64_t inside = bytes >> 7 & ~(bytes >> 6) & ONES;
    uint64_t four = units ? bytes >> 7 & bytes >> 6 & bytes >> 5 & bytes >> 4 & ONES : 0;
    return (ONES - inside + four) * ONES >> 56; /* the sum of all eight */
}

/* Eight bytes at a time; thirty-two where they are ASCII. `units` is a constant at the calls. */
OV_INLINE size_t count(ov_slice s, bool units)
{
    size_t n = 0, i = 0;
    uint64_t at[4];
    for (; i + 32 <= s.n; i += 32) {
        memcpy(at, s.p + i, 32);
        if (OV_LIKELY(!((at[0] | at[1] | at[2] | at[3]) & ONES << 7)))
            n += 32;
        else
            n += begun(at[0], units) + begun(at[1], units) + begun(at[2], units) + begun(at[3], units);
    }
    for (; i + 8 <= s.n; i += 8) {
        memcpy(at, s.p + i, 8);
        n += begun(at[0], units);
    }
    for (; i < s.n; i++)
        n += units ? units_of(s.p[i]) : (s.p[i] & 0xC0) != 0x80;
    return n;
}

const char *ov_utf8_past_ascii(const char *at, const char *end)
{
    uint64_t word[8];
    for (; end - at >= 64; at += 64) {
        memcpy(word, at, 64);
        uint64_t any = word[0] | word[1] | word[2] | word[3] | word[4] | word[5] | word[6] | word[7];
        if (any & ONES << 7)
            break;
    }
    while (at < end && (unsigned char)*at < 0x80)
        at++;
    return at;
}

size_t ov_utf8_count(ov_slice s)
{
    return count(s, false);
}

size_t ov_utf16_count(ov_slice s)
{
    return count(s, true);
}

/* Byte where unit `index` starts. Inside a pair: `before` its character, or behind it. */
static size_t find_unit(ov_slice s, size_t index, bool before)
{
    size_t unit = 0, i = 0;
    while (i < s.n) {
        size_t here = units_of(s.p[i]);
        if (here && (unit >= index || (before && unit + here > index)))
            break;
        unit += here;
        i++;
    }
    return i;
}

ov_slice ov_utf16_sub(ov_slice s, size_t start, size_t count)
{
    size_t from = find_unit(s, start, false);
    size_t to = count > SIZE_MAX - start ? s.n : find_unit(s, start + count, true);
    return ov_slice_make(s.p + from, to > from ? to - from : 0);
}

size_t ov_utf16_index(ov_slice s, size_t at)
{
    return ov_utf16_count((ov_slice){s.p, OV_MIN(at, s.n)});
}

size_t ov_utf16_offset(ov_slice s, size_t index)
{
    return find_unit(s, index, true);
}

static void add_code_point(ov_buf *out, uint32_t c)
{
    if (ov_buf_reserve(out, 4))
        out->n += ov_utf8_put(c, out->p + out->n);
}

/* Characters whose upper case is more than one: unconditional rows of Unicode's SpecialCasing. */
static const struct {
    uint16_t from;
    const char *upper;
} special[] = {
    {0x00DF, "SS"},
    {0x0149, "\u02BCN"},
    {0x01F0, "J\u030C"},
    {0x0390, "\u0399\u0308\u0301"},
    {0x03B0, "\u03A5\u0308\u0301"},
    {0x0587, "\u0535\u0552"},
    {0x1E96, "H\u0331"},
    {0x1E97, "T\u0308"},
    {0x1E98, "W\u030A"},
    {0x1E99, "Y\u030A"},
    {0x1E9A, "A\u02BE"},
    {0x1F50, "\u03A5\u0313"},
    {0x1FB6, "\u0391\u0342"},
    {0x1FC6, "\u0397\u0342"},
    {0x1FD6, "\u0399\u0342"},
    {0x1FE6, "\u03A5\u0342"},
    {0x1FF6, "\u03A9\u0342"},
    {0xFB00, "FF"},
    {0xFB01, "FI"},
    {0xFB02, "FL"},
    {0xFB03, "FFI"},
    {0xFB04, "FFL"},
    {0xFB05, "ST"},
    {0xFB06, "ST"},
};

static const char *special_upper(uint32_t c)
{
    for (size_t i = 0; i < OV_COUNT_OF(special); i++)
        if (special[i].from == c)
            return special[i].upper;
    return NULL;
}

void ov_utf8_upper(ov_slice s, ov_buf *out)
{
    const char *at = s.p, *end = s.p + s.n;
    if (!ov_buf_reserve(out, s.n))
        return;
    while (at < end) {
        if ((unsigned char)*at < 0x80) {
            char c = *at++;
            ov_buf_add_char(out, (char)(c >= 'a' && c <= 'z' ? c - 32 : c));
            continue;
        }
        uint32_t c = ov_utf8_next(&at, end);
        const char *more = special_upper(c);
        if (more)
            ov_buf_add_str(out, more);
        else
            add_code_point(out, (uint32_t)utf8proc_toupper((utf8proc_int32_t)c));
    }
}

void ov_utf8_lower(ov_slice s, ov_buf *out)
{
    const char *at = s.p, *end = s.p + s.n;
    if (!ov_buf_reserve(out, s.n))
        return;
    while (at < end) {
        if ((unsigned char)*at < 0x80) {
            ov_buf_add_char(out, ov_ascii_lower(*at++));
            continue;
        }
        uint32_t c = ov_utf8_next(&at, end);
        if (c == 0x0130) /* capital I with dot: i and a combining dot, as Java's root locale */
            ov_buf_add_str(out, "i\u0307");
        else
            add_code_point(out, (uint32_t)utf8proc_tolower((utf8proc_int32_t)c));
    }
}

void ov_utf8_reverse(ov_slice s, ov_buf *out)
{
    if (!ov_buf_reserve(out, s.n))
        return;
    size_t end = s.n;
    while (end) {
        size_t start = end - 1;
        while (start && (s.p[start] & 0xC0) == 0x80)
            start--;
        ov_buf_add(out, s.p + start, end - start);
        end = start;
    }
}

size_t ov_utf8_width(ov_slice s)
{
    const char *at = s.p, *end = s.p + s.n;
    size_t width = 0;
    while (at < end) {
        uint32_t c = ov_utf8_next(&at, end);
        int w = c < 0x80 ? c >= 0x20 && c != 0x7F : utf8proc_charwidth((utf8proc_int32_t)c);
        width += w > 0 ? (size_t)w : 0;
    }
    return width;
}
