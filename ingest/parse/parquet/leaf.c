#include "ingest/parse/parquet/leaf.h"

#include "base/bytes.h"
#include "base/mem.h"
#include "ingest/parse/parquet/thrift.h"

enum { MAX_PAGE_BYTES = 256 << 20, PAGE_DATA = 0, PAGE_DICTIONARY = 2, PAGE_DATA_2 = 3 };

typedef struct page_head {
    int64_t type, unpacked, packed;
    int64_t values, rows; /* rows: -1 when it is not said */
    int64_t encoding, rep_encoding, def_encoding;
    int64_t rep_bytes, def_bytes; /* second form */
    bool is_packed;
    ov_slice body;
} page_head;

void ovi_pq_column_init(ovi_pq_column *c, const ovi_pq_node *leaf, const ovi_pq_chunk *chunk)
{
    memset(c, 0, offsetof(ovi_pq_column, reps));
    c->node = leaf;
    c->chunk = chunk;
    c->at = chunk->bytes.p;
    c->end = c->at + chunk->bytes.n;
    c->left = chunk->values;
    ovi_pq_values_init(&c->values, leaf);
}

void ovi_pq_column_fini(ovi_pq_column *c)
{
    ov_free(c->page);
    ov_free(c->dictionary_page);
    ov_free(c->dictionary);
    ovi_pq_values_fini(&c->values);
}

static ov_status damaged(const char *what, ov_error *err)
{
    return ov_fail(err, OV_CORRUPT, "a page is damaged: %s", what);
}

/* ---- heads ---- */

/* {1: values, 2: encoding, 3: of definition levels, 4: of repetition levels}; of a dictionary the first two. */
static void read_data_head(ovi_thrift *t, bool dictionary, page_head *h)
{
    ovi_thrift_field f = {0};
    while (ovi_thrift_next(t, &f)) {
        if (f.id == 1)
            h->values = ovi_thrift_int(t, &f);
        else if (f.id == 2)
            h->encoding = ovi_thrift_int(t, &f);
        else if (f.id == 3 && !dictionary)
            h->def_encoding = ovi_thrift_int(t, &f);
        else if (f.id == 4 && !dictionary)
            h->rep_encoding = ovi_thrift_int(t, &f);
        else
            ovi_thrift_skip(t, f.type);
    }
}

/* {1: values, 2: NULLs, 3: rows, 4: encoding, 5, 6: bytes of levels, 7: are the values packed} */
static void read_data_head_2(ovi_thrift *t, page_head *h)
{
    ovi_thrift_field f = {0};
    while (ovi_thrift_next(t, &f)) {
        if (f.id == 1)
            h->values = ovi_thrift_int(t, &f);
        else if (f.id == 3)
            h->rows = ovi_thrift_int(t, &f);
        else if (f.id == 4)
            h->encoding = ovi_thrift_int(t, &f);
        else if (f.id == 5)
            h->def_bytes = ovi_thrift_int(t, &f);
        else if (f.id == 6)
            h->rep_bytes = ovi_thrift_int(t, &f);
        else if (f.id == 7)
            h->is_packed = ovi_thrift_bool(t, &f);
        else
            ovi_thrift_skip(t, f.type);
    }
}

static ov_status read_head(ovi_pq_column *c, page_head *h, ov_error *err)
{
    ovi_thrift t;
    ovi_thrift_field f = {0};
    *h = (page_head){.type = -1, .rows = -1, .is_packed = true, .rep_encoding = OVI_PQ_ENC_RLE, .def_encoding = OVI_PQ_ENC_RLE};
    ovi_thrift_init(&t, ov_slice_make(c->at, (size_t)(c->end - c->at)));
    while (ovi_thrift_next(&t, &f)) {
        if (f.id == 1)
            h->type = ovi_thrift_int(&t, &f);
        else if (f.id == 2)
            h->unpacked = ovi_thrift_int(&t, &f);
        else if (f.id == 3)
            h->packed = ovi_thrift_int(&t, &f);
        else if ((f.id == 5 || f.id == 7) && f.type == OVI_THRIFT_STRUCT)
            read_data_head(&t, f.id == 7, h);
        else if (f.id == 8 && f.type == OVI_THRIFT_STRUCT)
            read_data_head_2(&t, h);
        else
            ovi_thrift_skip(&t, f.type);
    }
    OV_TRY(ovi_thrift_status(&t, err));
    const char *body = (const char *)t.at;
    if (h->packed < 0 || h->packed > c->end - body || h->unpacked < 0 || h->values < 0)
        return damaged("it is said to lie outside of its column", err);
    if (h->unpacked > MAX_PAGE_BYTES)
        return ov_fail(err, OV_LIMIT, "a page of %lld bytes is larger than %d MiB", (long long)h->unpacked, MAX_PAGE_BYTES >> 20);
    h->body = ov_slice_make(body, (size_t)h->packed);
    c->at = body + h->packed;
    return OV_OK;
}

/* ---- pages ---- */

static ov_status unpack(const ovi_pq_column *c, bool packed, ov_slice bytes, char *to, size_t n, ov_error *err)
{
    if (c->chunk->codec)
        return ov_fail(err, OV_UNSUPPORTED, "it is packed with %s, which is not supported; snappy, gzip, zstd, lz4_raw and none are",
                       c->chunk->codec);
    if (n == 0 && bytes.n == 0)
        return OV_OK;
    return ov_unpack(packed ? (ov_packing)c->chunk->packing : OV_PACKING_NONE, bytes, to, n, err);
}

static ov_status read_dictionary(ovi_pq_column *c, const page_head *h, ov_error *err)
{
    size_t n = (size_t)h->unpacked;
    if (c->dictionary)
        return damaged("its column has two dictionaries", err);
    size_t least = c->node->physical == OVI_PQ_FIXED ? (size_t)c->node->width : 4; /* bytes of a value */
    if (c->node->physical == OVI_PQ_BOOLEAN || (uint64_t)h->values > n / least)
        return damaged("its dictionary has more values than room", err);
    c->dictionary_page = ov_malloc(n + 1);
    c->dictionary = ov_malloc(((size_t)h->values + 1) * sizeof *c->dictionary);
    if (!c->dictionary_page || !c->dictionary)
        return ov_fail_nomem(err, n);
    OV_TRY(unpack(c, true, h->body, c->dictionary_page, n, err));
    OV_TRY(ovi_pq_values_start(&c->values, OVI_PQ_ENC_PLAIN, ov_slice_make(c->dictionary_page, n), (uint64_t)h->values, err));
    OV_TRY(ovi_pq_values_get(&c->values, (uint32_t)h->values, c->dictionary, err));
    c->values.dictionary = c->dictionary;
    c->values.dictionary_count = (uint32_t)h->values;
    return OV_OK;
}

static ov_status page_room(ovi_pq_column *c, size_t n, ov_error *err)
{
    if (c->page && n <= c->page_cap)
        return OV_OK;
    ov_free(c->page);
    c->page_cap = 0;
    c->page = ov_malloc(n + 1);
    if (!c->page)
        return ov_fail_nomem(err, n);
    c->page_cap = n;
    return OV_OK;
}

static uint32_t level_bits(uint8_t most)
{
    uint32_t bits = 0;
    while (most >> bits)
        bits++;
    return bits;
}

/* Levels of the first form: a length, then runs. */
static ov_status take_levels(ov_slice *body, uint8_t most, int64_t encoding, ovi_pq_rle *out, ov_error *err)
{
    if (most == 0)
        return OV_OK;
    if (encoding != OVI_PQ_ENC_RLE)
        return ov_fail(err, OV_UNSUPPORTED, "levels as packed bits, as very old writers wrote them, are not supported");
    if (body->n < 4 || ov_load_u32(body->p) > body->n - 4)
        return damaged("its levels end early", err);
    uint32_t n = ov_load_u32(body->p);
    ovi_pq_rle_init(out, ov_slice_make(body->p + 4, n), level_bits(most));
    body->p += 4 + n;
    body->n -= 4 + n;
    return OV_OK;
}

static ov_status begin_page(ovi_pq_column *c, const page_head *h, ov_error *err)
{
    ov_slice body;
    size_t n = (size_t)h->unpacked;
    OV_TRY(page_room(c, n, err));
    if (h->type == PAGE_DATA) {
        OV_TRY(unpack(c, true, h->body, c->page, n, err));
        body = ov_slice_make(c->page, n);
        OV_TRY(take_levels(&body, c->node->max_rep, h->rep_encoding, &c->rep, err));
        OV_TRY(take_levels(&body, c->node->max_def, h->def_encoding, &c->def, err));
    } else {
        uint64_t rep = (uint64_t)h->rep_bytes, def = (uint64_t)h->def_bytes;
        if (h->rep_bytes < 0 || h->def_bytes < 0 || rep > h->body.n || def > h->body.n - rep || rep + def > n)
            return damaged("its levels end early", err);
        ovi_pq_rle_init(&c->rep, ov_slice_make(h->body.p, rep), level_bits(c->node->max_rep));
        ovi_pq_rle_init(&c->def, ov_slice_make(h->body.p + rep, def), level_bits(c->node->max_def));
        size_t values = n - rep - def;
        OV_TRY(unpack(c, h->is_packed, ov_slice_make(h->body.p + rep + def, h->body.n - rep - def), c->page, values, err));
        body = ov_slice_make(c->page, values);
    }
    c->page_left = (uint64_t)h->values;
    return ovi_pq_values_start(&c->values, (uint32_t)h->encoding, body, (uint64_t)h->values, err);
}

/* The head of the next page of data, dictionaries read on the way. *more false: there is none. */
static ov_status next_page(ovi_pq_column *c, page_head *h, bool *more, ov_error *err)
{
    for (;;) {
        *more = c->left > 0;
        if (!*more)
            return OV_OK;
        if (c->at >= c->end)
            return damaged("its column ends early", err);
        OV_TRY(read_head(c, h, err));
        if (h->type == PAGE_DICTIONARY) {
            OV_TRY(read_dictionary(c, h, err));
        } else if (h->type == PAGE_DATA || h->type == PAGE_DATA_2) {
            if ((uint64_t)h->values > c->left)
                return damaged("it has more values than its column", err);
            c->left -= (uint64_t)h->values;
            return OV_OK;
        }
    }
}

/* ---- entries ---- */

static ov_status read_level(ovi_pq_rle *d, uint32_t n, uint8_t most, uint8_t *out, ov_error *err)
{
    uint32_t levels[OVI_PQ_WINDOW];
    if (most == 0) {
        memset(out, 0, n);
        return OV_OK;
    }
    if (!ovi_pq_rle_get(d, n, levels))
        return damaged("its levels end early", err);
    for (uint32_t i = 0; i < n; i++) {
        if (levels[i] > most)
            return damaged("a level is larger than the schema allows", err);
        out[i] = (uint8_t)levels[i];
    }
    return OV_OK;
}

/* Values stand close together; each goes to the entry that has one, from the back so that none is overwritten. */
static void spread(ovi_pq_column *c, uint32_t values)
{
    if (values == c->n)
        return;
    for (uint32_t i = c->n; i-- > 0 && values > 0;)
        if (c->defs[i] == c->node->max_def)
            c->value[i] = c->value[--values];
}

static ov_status decode(ovi_pq_column *c, ov_error *err)
{
    uint32_t n = (uint32_t)OV_MIN(c->page_left, (uint64_t)OVI_PQ_WINDOW), values = 0;
    c->i = c->n = 0;
    OV_TRY(read_level(&c->rep, n, c->node->max_rep, c->reps, err));
    OV_TRY(read_level(&c->def, n, c->node->max_def, c->defs, err));
    for (uint32_t i = 0; i < n; i++)
        values += c->defs[i] == c->node->max_def;
    OV_TRY(ovi_pq_values_get(&c->values, values, c->value, err));
    c->n = n;
    c->page_left -= n;
    spread(c, values);
    return OV_OK;
}

ov_status ovi_pq_column_fill(ovi_pq_column *c, ov_error *err)
{
    page_head h;
    bool more;
    c->i = c->n = 0;
    while (c->page_left == 0) {
        OV_TRY(next_page(c, &h, &more, err));
        if (!more)
            return OV_OK;
        OV_TRY(begin_page(c, &h, err));
    }
    return decode(c, err);
}

/* Rows are entries: whole pages are passed over by their heads. */
static ov_status skip_flat(ovi_pq_column *c, uint64_t rows, ov_error *err)
{
    page_head h;
    bool more;
    while (rows) {
        OV_TRY(next_page(c, &h, &more, err));
        if (!more)
            return damaged("its column has fewer values than rows", err);
        if ((uint64_t)h.values <= rows) {
            rows -= (uint64_t)h.values;
            continue;
        }
        OV_TRY(begin_page(c, &h, err));
        for (uint64_t n; rows; rows -= n) {
            OV_TRY(decode(c, err));
            n = OV_MIN(rows, (uint64_t)c->n);
            c->i = (uint32_t)n;
        }
    }
    return OV_OK;
}

ov_status ovi_pq_column_skip(ovi_pq_column *c, uint64_t rows, ov_error *err)
{
    bool there;
    if (c->node->max_rep == 0)
        return skip_flat(c, rows, err);
    for (uint64_t begun = 0;;) { /* a row begins where the repetition level is 0 */
        OV_TRY(ovi_pq_column_peek(c, &there, err));
        if (!there)
            return begun < rows ? damaged("its column has fewer rows than its row group", err) : OV_OK;
        if (c->reps[c->i] == 0 && begun++ == rows)
            return OV_OK;
        c->i++;
    }
}
