#include "storage/rowset_portable.h"

#include "base/bytes.h"

/*
 * The form (RoaringFormatSpec): a cookie, per container a 16-bit key and its cardinality less one,
 * byte offsets of the containers, then the containers. With run containers the cookie carries the
 * container count, a bit per container tells runs, and offsets are left out below four containers.
 */
enum {
    COOKIE_PLAIN = 12346,
    COOKIE_RUNS = 12347,
    NO_OFFSETS_BELOW = 4,
    ARRAY_MAX = 4096,
    BITSET_BYTES = 8192,
    CONTAINER_ROWS = 1 << 16,
};

/* ---- writing ---- */

typedef struct container {
    uint32_t key, rows, runs;
    size_t first; /* index of its first row */
} container;

/* The container that starts at rows[first]. */
static container scan_container(const uint32_t *rows, size_t n, size_t first)
{
    container c = {.key = rows[first] >> 16, .first = first, .runs = 1, .rows = 1};
    for (size_t i = first + 1; i < n && rows[i] >> 16 == c.key; i++) {
        c.rows++;
        c.runs += rows[i] != rows[i - 1] + 1;
    }
    return c;
}

static bool is_run(const container *c)
{
    size_t plain = c->rows > ARRAY_MAX ? BITSET_BYTES : 2 * (size_t)c->rows;
    return 2 + 4 * (size_t)c->runs < plain;
}

static size_t container_bytes(const container *c)
{
    if (is_run(c))
        return 2 + 4 * (size_t)c->runs;
    return c->rows > ARRAY_MAX ? BITSET_BYTES : 2 * (size_t)c->rows;
}

typedef struct shape {
    uint32_t containers;
    bool runs;
    size_t body;
} shape;

static shape shape_of(const uint32_t *rows, size_t n)
{
    shape s = {0};
    for (size_t at = 0; at < n;) {
        container c = scan_container(rows, n, at);
        s.containers++;
        s.runs |= is_run(&c);
        s.body += container_bytes(&c);
        at += c.rows;
    }
    return s;
}

static bool has_offsets(const shape *s)
{
    return !s->runs || s->containers >= NO_OFFSETS_BELOW;
}

static size_t head_bytes(const shape *s)
{
    size_t n = s->runs ? 4 + (s->containers + 7) / 8 : 8;
    return n + 4 * (size_t)s->containers + (has_offsets(s) ? 4 * (size_t)s->containers : 0);
}

size_t ovi_portable_size(const uint32_t *rows, size_t n)
{
    shape s = shape_of(rows, n);
    return head_bytes(&s) + s.body;
}

static void write_runs(const uint32_t *rows, const container *c, char *out)
{
    ov_store_u16(out, (uint16_t)c->runs);
    out += 2;
    for (size_t i = c->first, end = c->first + c->rows; i < end;) {
        size_t j = i + 1;
        while (j < end && rows[j] == rows[j - 1] + 1)
            j++;
        ov_store_u16(out, (uint16_t)rows[i]);
        ov_store_u16(out + 2, (uint16_t)(j - i - 1));
        out += 4;
        i = j;
    }
}

static void write_container(const uint32_t *rows, const container *c, char *out)
{
    if (is_run(c)) {
        write_runs(rows, c, out);
    } else if (c->rows <= ARRAY_MAX) {
        for (size_t i = 0; i < c->rows; i++)
            ov_store_u16(out + 2 * i, (uint16_t)rows[c->first + i]);
    } else {
        memset(out, 0, BITSET_BYTES);
        for (size_t i = 0; i < c->rows; i++) {
            uint16_t low = (uint16_t)rows[c->first + i];
            out[low / 8] = (char)(out[low / 8] | 1 << (low % 8));
        }
    }
}

void ovi_portable_write(const uint32_t *rows, size_t n, void *to)
{
    shape s = shape_of(rows, n);
    char *out = to, *flags = out + 4, *at = out + head_bytes(&s);
    char *heads = s.runs ? flags + (s.containers + 7) / 8 : out + 8;
    char *offsets = heads + 4 * (size_t)s.containers;
    if (s.runs) {
        ov_store_u32(out, COOKIE_RUNS | (s.containers - 1) << 16);
        memset(flags, 0, (s.containers + 7) / 8);
    } else {
        ov_store_u32(out, COOKIE_PLAIN);
        ov_store_u32(out + 4, s.containers);
    }
    uint32_t i = 0;
    for (size_t first = 0; first < n; i++) {
        container c = scan_container(rows, n, first);
        ov_store_u16(heads + 4 * (size_t)i, (uint16_t)c.key);
        ov_store_u16(heads + 4 * (size_t)i + 2, (uint16_t)(c.rows - 1));
        if (s.runs && is_run(&c))
            flags[i / 8] = (char)(flags[i / 8] | 1 << (i % 8));
        if (has_offsets(&s))
            ov_store_u32(offsets + 4 * (size_t)i, (uint32_t)(at - out));
        write_container(rows, &c, at);
        at += container_bytes(&c);
        first += c.rows;
    }
}

/* ---- checking ---- */

typedef struct image {
    const char *start;
    size_t n;
    const char *flags, *heads, *offsets; /* flags, offsets: NULL when there are none */
    uint32_t containers;
    size_t body;
} image;

static ov_status read_head(image *im, ov_error *err)
{
    OV_CHECK_DATA(im->n >= 8, err, "a row set of %zu bytes has no room for its head", im->n);
    uint32_t cookie = ov_load_u32(im->start);
    size_t at = 8;
    if ((cookie & 0xffff) == COOKIE_RUNS) {
        im->containers = (cookie >> 16) + 1;
        im->flags = im->start + 4;
        at = 4 + (im->containers + 7) / 8;
    } else {
        OV_CHECK_DATA(cookie == COOKIE_PLAIN, err,
                      "a row set starts with %u, which is no known cookie", cookie);
        im->containers = ov_load_u32(im->start + 4);
        OV_CHECK_DATA(im->containers <= CONTAINER_ROWS, err, "a row set claims %u containers",
                      im->containers);
    }
    im->heads = im->start + at;
    at += 4 * (size_t)im->containers;
    if (!im->flags || im->containers >= NO_OFFSETS_BELOW) {
        im->offsets = im->start + at;
        at += 4 * (size_t)im->containers;
    }
    OV_CHECK_DATA(at <= im->n, err, "a row set of %zu bytes needs %zu for its head", im->n, at);
    im->body = at;
    return OV_OK;
}

static ov_status check_array(const char *p, uint32_t rows, uint32_t *last, ov_error *err)
{
    for (uint32_t i = 0; i < rows; i++) {
        uint32_t low = ov_load_u16(p + 2 * (size_t)i);
        OV_CHECK_DATA(i == 0 || low > *last, err, "rows of a row set do not ascend");
        *last = low;
    }
    return OV_OK;
}

static ov_status check_bitset(const char *p, uint32_t rows, uint32_t *last, ov_error *err)
{
    uint32_t found = 0;
    for (uint32_t w = 0; w < BITSET_BYTES / 8; w++) {
        uint64_t word = ov_load_u64(p + 8 * (size_t)w);
        found += (uint32_t)__builtin_popcountll(word);
        if (word)
            *last = w * 64 + 63 - (uint32_t)__builtin_clzll(word);
    }
    OV_CHECK_DATA(found == rows, err, "a container of a row set holds %u rows, but says %u", found,
                  rows);
    return OV_OK;
}

static ov_status check_runs(const char *p, uint32_t runs, uint32_t rows, uint32_t *last,
                            ov_error *err)
{
    uint32_t found = 0;
    for (uint32_t i = 0; i < runs; i++) {
        uint32_t first = ov_load_u16(p + 4 * (size_t)i), more = ov_load_u16(p + 4 * (size_t)i + 2);
        OV_CHECK_DATA(i == 0 || first > *last, err, "runs of a row set do not ascend");
        OV_CHECK_DATA(first + more < CONTAINER_ROWS, err,
                      "a run of a row set passes its container");
        *last = first + more;
        found += more + 1;
    }
    OV_CHECK_DATA(found == rows, err, "runs of a row set hold %u rows, but it says %u", found,
                  rows);
    return OV_OK;
}

/* Container i at im->body; moves body past it. */
static ov_status check_container(image *im, uint32_t i, uint32_t limit, ov_error *err)
{
    uint32_t key = ov_load_u16(im->heads + 4 * (size_t)i), last = 0;
    uint32_t rows = (uint32_t)ov_load_u16(im->heads + 4 * (size_t)i + 2) + 1;
    size_t left = im->n - im->body, need;
    const char *p = im->start + im->body;
    OV_CHECK_DATA(i == 0 || key > ov_load_u16(im->heads + 4 * (size_t)(i - 1)), err,
                  "containers of a row set do not ascend");
    OV_CHECK_DATA(!im->offsets || ov_load_u32(im->offsets + 4 * (size_t)i) == im->body, err,
                  "a container of a row set is not where its head says");
    if (im->flags && (im->flags[i / 8] >> (i % 8) & 1)) {
        OV_CHECK_DATA(left >= 2, err, "a row set ends within a container");
        uint32_t runs = ov_load_u16(p);
        need = 2 + 4 * (size_t)runs;
        OV_CHECK_DATA(left >= need && runs > 0, err, "a row set ends within a container");
        OV_TRY(check_runs(p + 2, runs, rows, &last, err));
    } else {
        need = rows > ARRAY_MAX ? BITSET_BYTES : 2 * (size_t)rows;
        OV_CHECK_DATA(left >= need, err, "a row set ends within a container");
        OV_TRY(rows > ARRAY_MAX ? check_bitset(p, rows, &last, err)
                                : check_array(p, rows, &last, err));
    }
    OV_CHECK_DATA((key << 16 | last) < limit, err, "a row set holds row %u of %u", key << 16 | last,
                  limit);
    im->body += need;
    return OV_OK;
}

ov_status ovi_portable_check(const void *bytes, size_t n, uint32_t limit, uint64_t *count,
                             ov_error *err)
{
    image im = {.start = bytes, .n = n};
    OV_TRY(read_head(&im, err));
    *count = 0;
    for (uint32_t i = 0; i < im.containers; i++) {
        OV_TRY(check_container(&im, i, limit, err));
        *count += (uint64_t)ov_load_u16(im.heads + 4 * (size_t)i + 2) + 1;
    }
    OV_CHECK_DATA(im.body == n, err, "a row set of %zu bytes has %zu left over", n, n - im.body);
    return OV_OK;
}
