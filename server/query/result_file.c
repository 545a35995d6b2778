#include "server/query/result_file.h"

#include <fcntl.h>
#include <stdio.h>

#include "base/bits.h"
#include "base/bytes.h"
#include "base/cursor.h"
#include "base/hash.h"

static const char MAGIC[8] = "OVRESULT";
enum { VERSION = 1, FRAME_BYTES = 16, TYPE_BYTES = 7, MOST_COLUMNS = 1 << 20 };

struct ov_result_writer {
    char *path, *tmp;
    int fd;
    bool finished;
    uint64_t at, max_bytes, rows_per_page;
    uint32_t columns;
    ov_result_page *pages;
    uint32_t page_count, page_cap;
    ov_buf chunk;
    ov_arena scratch; /* of one batch */
};

/* ---- bytes ---- */

static void put_u32(ov_buf *b, uint32_t v)
{
    char bytes[4];
    ov_store_u32(bytes, v);
    ov_buf_add(b, bytes, sizeof bytes);
}

static void put_u64(ov_buf *b, uint64_t v)
{
    char bytes[8];
    ov_store_u64(bytes, v);
    ov_buf_add(b, bytes, sizeof bytes);
}

static void put_text(ov_buf *b, ov_slice s)
{
    put_u32(b, (uint32_t)s.n);
    ov_buf_add_slice(b, s);
}

/* ---- columns of a chunk ---- */

static void put_values(ov_buf *b, const ov_vec *v, ov_type type, const uint32_t *rows, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++) {
        if (ov_vec_is_null(v, rows[i]))
            continue;
        if (ov_type_is_int(type))
            put_u64(b, (uint64_t)ov_vec_i64(v, rows[i]));
        else if (ov_type_is_real(type))
            put_u64(b, ov_f64_bits(ov_vec_f64(v, rows[i])));
        else
            put_text(b, ov_vec_str(v, rows[i]));
    }
}

static void put_valid(ov_buf *b, const ov_vec *v, const uint32_t *rows, uint32_t n)
{
    for (uint32_t from = 0; from < n; from += 64) {
        uint64_t word = 0;
        for (uint32_t i = from; i < n && i < from + 64; i++)
            word |= (uint64_t)!ov_vec_is_null(v, rows[i]) << (i - from);
        put_u64(b, word);
    }
}

/* Elements are told with each list, since every row may have a vector of its own. */
static void put_lists(ov_buf *b, const ov_vec *v, ov_type elem, const uint32_t *rows, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++) {
        uint32_t first, end;
        if (ov_vec_is_null(v, rows[i]))
            continue;
        const ov_vec *items = ov_vec_list(v, rows[i], &first, &end);
        put_u32(b, end - first);
        for (uint32_t k = first; k < end; k++) {
            ov_buf_add_char(b, (char)!ov_vec_is_null(items, k));
            put_values(b, items, elem, &k, 1);
        }
    }
}

static ov_type element_type(ov_type t)
{
    return OV_T(t.id == OV_TYPE_STRING ? OV_TYPE_STRING : t.elem);
}

static void put_column(ov_buf *b, const ov_vec *v, const uint32_t *rows, uint32_t n)
{
    put_valid(b, v, rows, n);
    if (v->type.id == OV_TYPE_NULL)
        return;
    if (ov_type_is_list(v->type))
        put_lists(b, v, element_type(v->type), rows, n);
    else
        put_values(b, v, v->type, rows, n);
}

/* ---- writing ---- */

static ov_status write_bytes(ov_result_writer *w, ov_slice bytes, ov_error *err)
{
    if (bytes.n > w->max_bytes - OV_MIN(w->at, w->max_bytes))
        return ov_fail(err, OV_LIMIT,
                       "the result is larger than the %llu bytes that are kept of one statement; select less or "
                       "write it into a table with INSERT",
                       (unsigned long long)w->max_bytes);
    OV_TRY(ov_file_write_all(w->fd, w->tmp, bytes, err));
    w->at += bytes.n;
    return OV_OK;
}

static ov_status write_frame(ov_result_writer *w, const ov_buf *b, ov_error *err)
{
    char frame[FRAME_BYTES];
    OV_TRY(ov_buf_check(b, err));
    ov_store_u64(frame, b->n);
    ov_store_u64(frame + 8, ov_checksum(b->p, b->n));
    OV_TRY(write_bytes(w, ov_slice_make(frame, sizeof frame), err));
    return write_bytes(w, ov_buf_slice(b), err);
}

static ov_status write_header(ov_result_writer *w, const ov_field *fields, uint32_t count, const char *zone,
                              ov_error *err)
{
    char start[12];
    memcpy(start, MAGIC, sizeof MAGIC);
    ov_store_u32(start + 8, VERSION);
    OV_TRY(write_bytes(w, ov_slice_make(start, sizeof start), err));
    ov_buf_clear(&w->chunk);
    put_text(&w->chunk, ov_slice_cstr(zone));
    put_u32(&w->chunk, count);
    for (uint32_t i = 0; i < count; i++) {
        const ov_field *f = &fields[i];
        put_text(&w->chunk, f->name);
        const char type[TYPE_BYTES] = {(char)f->type.id, (char)f->type.elem, (char)f->type.multi,
                                       (char)f->type.complex, (char)f->sql, (char)f->elem_sql, (char)f->nullable};
        ov_buf_add(&w->chunk, type, sizeof type);
    }
    return write_frame(w, &w->chunk, err);
}

ov_status ov_result_writer_open(const char *path, const ov_field *fields, uint32_t count, const char *zone,
                                uint64_t rows_per_page, uint64_t max_bytes, ov_result_writer **out, ov_error *err)
{
    ov_result_writer *w = ov_calloc(1, sizeof *w);
    ov_buf tmp;
    if (!w)
        return ov_fail_nomem(err, sizeof *w);
    w->fd = -1;
    w->rows_per_page = rows_per_page;
    w->max_bytes = max_bytes;
    w->columns = count;
    ov_buf_init(&w->chunk);
    ov_buf_init(&tmp);
    ov_arena_init(&w->scratch, "result", NULL);
    ov_buf_addf(&tmp, "%s.part", path);
    w->path = ov_strdup(path);
    w->tmp = ov_buf_cstr(&tmp) ? ov_strdup(tmp.p) : NULL;
    ov_buf_fini(&tmp);
    ov_status st = w->path && w->tmp ? OV_OK : ov_fail_nomem(err, strlen(path));
    if (st == OV_OK)
        st = ov_file_open(w->tmp, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666, &w->fd, err);
    if (st == OV_OK)
        st = write_header(w, fields, count, zone, err);
    if (st != OV_OK) {
        ov_result_writer_close(w);
        return st;
    }
    *out = w;
    return OV_OK;
}

static ov_status page_for_rows(ov_result_writer *w, ov_result_page **out, ov_error *err)
{
    if (w->page_count == 0 || w->pages[w->page_count - 1].rows == w->rows_per_page) {
        OV_TRY(ov_list_room(NULL, &w->pages, w->page_count, &w->page_cap, 1, sizeof *w->pages, err));
        w->pages[w->page_count++] = (ov_result_page){.at = w->at};
    }
    *out = &w->pages[w->page_count - 1];
    return OV_OK;
}

ov_status ov_result_writer_add(ov_result_writer *w, const ov_batch *batch, ov_error *err)
{
    uint32_t rows[OV_BATCH_ROWS], n = 0;
    for (uint32_t i = 0; i < batch->rows; i++)
        if (!batch->sel || ov_bits_test(batch->sel, i))
            rows[n++] = i;
    for (uint32_t from = 0, take; from < n; from += take) {
        ov_result_page *page = NULL;
        OV_TRY(page_for_rows(w, &page, err));
        take = (uint32_t)OV_MIN((uint64_t)(n - from), w->rows_per_page - page->rows);
        uint64_t before = w->at;
        ov_buf_clear(&w->chunk);
        put_u32(&w->chunk, take);
        for (uint32_t c = 0; c < w->columns; c++)
            put_column(&w->chunk, &batch->col[c], rows + from, take);
        OV_TRY(write_frame(w, &w->chunk, err));
        page->rows += take;
        page->bytes += w->at - before;
        page->chunks++;
    }
    return OV_OK;
}

ov_status ov_result_writer_finish(ov_result_writer *w, ov_arena *a, ov_result_page **pages, uint32_t *count,
                                  ov_error *err)
{
    uint64_t index = w->at;
    char place[8];
    ov_buf_clear(&w->chunk);
    put_u32(&w->chunk, w->page_count);
    for (uint32_t i = 0; i < w->page_count; i++) {
        const ov_result_page *p = &w->pages[i];
        put_u64(&w->chunk, p->rows);
        put_u64(&w->chunk, p->bytes);
        put_u64(&w->chunk, p->at);
        put_u32(&w->chunk, p->chunks);
    }
    OV_TRY(write_frame(w, &w->chunk, err));
    ov_store_u64(place, index);
    OV_TRY(write_bytes(w, ov_slice_make(place, sizeof place), err));
    OV_TRY(ov_file_sync(w->fd, w->tmp, err));
    int fd = w->fd;
    w->fd = -1;
    OV_TRY(ov_file_close(fd, w->tmp, err));
    OV_TRY(ov_file_rename(w->tmp, w->path, err));
    w->finished = true;
    *count = w->page_count;
    OV_TRY(ov_arena_alloc(a, (w->page_count + (size_t)1) * sizeof **pages, pages, err));
    if (w->page_count)
        memcpy(*pages, w->pages, w->page_count * sizeof **pages);
    return OV_OK;
}

void ov_result_writer_close(ov_result_writer *w)
{
    ov_error ignored = OV_ERROR_INIT;
    if (!w)
        return;
    (void)!ov_file_close(w->fd, w->tmp, &ignored);
    if (!w->finished && w->tmp)
        (void)!ov_file_remove(w->tmp, &ignored);
    ov_free(w->path);
    ov_free(w->tmp);
    ov_free(w->pages);
    ov_buf_fini(&w->chunk);
    ov_arena_fini(&w->scratch);
    ov_free(w);
}

/* ---- reading ---- */

static ov_status read_frame(ov_cursor *c, ov_slice *out, ov_error *err)
{
    uint64_t n, sum;
    OV_TRY(ov_cursor_u64(c, &n, err));
    OV_TRY(ov_cursor_u64(c, &sum, err));
    OV_CHECK_DATA(n <= ov_cursor_left(c), err, "a result file says %llu bytes follow, there are %zu",
                  (unsigned long long)n, ov_cursor_left(c));
    OV_TRY(ov_cursor_bytes(c, (size_t)n, out, err));
    OV_CHECK_DATA(ov_checksum(out->p, out->n) == sum, err, "a result file has a wrong checksum at byte %zu",
                  ov_cursor_offset(c));
    return OV_OK;
}

static ov_status get_text(ov_cursor *c, ov_slice *out, ov_error *err)
{
    uint32_t n;
    OV_TRY(ov_cursor_u32(c, &n, err));
    return ov_cursor_bytes(c, n, out, err);
}

static bool type_is_sound(ov_type t)
{
    return t.id <= OV_TYPE_COMPLEX && t.multi <= 1 && (!t.multi || t.id == OV_TYPE_STRING) &&
           (t.id == OV_TYPE_ARRAY ? t.elem <= OV_TYPE_STRING : t.elem == 0);
}

static ov_status read_header(ov_result_file *f, ov_slice bytes, ov_error *err)
{
    ov_cursor c = ov_cursor_make(bytes, "result header");
    ov_field *fields;
    OV_TRY(get_text(&c, &f->zone, err));
    OV_TRY(ov_cursor_u32(&c, &f->field_count, err));
    OV_CHECK_DATA(f->field_count <= MOST_COLUMNS, err, "a result file says it has %u columns", f->field_count);
    OV_TRY(ov_arena_zalloc(&f->arena, (f->field_count + (size_t)1) * sizeof *fields, &fields, err));
    for (uint32_t i = 0; i < f->field_count; i++) {
        ov_slice t;
        OV_TRY(get_text(&c, &fields[i].name, err));
        OV_TRY(ov_cursor_bytes(&c, TYPE_BYTES, &t, err));
        fields[i].type = (ov_type){(uint8_t)t.p[0], (uint8_t)t.p[1], (uint8_t)t.p[2], (uint8_t)t.p[3]};
        fields[i].sql = (uint8_t)t.p[4];
        fields[i].elem_sql = (uint8_t)t.p[5];
        fields[i].nullable = t.p[6] != 0;
        OV_CHECK_DATA(type_is_sound(fields[i].type) && fields[i].sql < OV_SQL_COUNT &&
                          fields[i].elem_sql < OV_SQL_COUNT,
                      err,
                      "column %u of a result file has an unknown type", i);
    }
    f->fields = fields;
    return OV_OK;
}

static ov_status read_index(ov_result_file *f, ov_slice bytes, ov_error *err)
{
    ov_cursor c = ov_cursor_make(bytes, "result index");
    ov_result_page *pages;
    OV_TRY(ov_cursor_u32(&c, &f->page_count, err));
    OV_CHECK_DATA(f->page_count <= bytes.n / 28, err, "a result file says it has %u pages", f->page_count);
    OV_TRY(ov_arena_zalloc(&f->arena, (f->page_count + (size_t)1) * sizeof *pages, &pages, err));
    for (uint32_t i = 0; i < f->page_count; i++) {
        OV_TRY(ov_cursor_u64(&c, &pages[i].rows, err));
        OV_TRY(ov_cursor_u64(&c, &pages[i].bytes, err));
        OV_TRY(ov_cursor_u64(&c, &pages[i].at, err));
        OV_TRY(ov_cursor_u32(&c, &pages[i].chunks, err));
    }
    f->pages = pages;
    return OV_OK;
}

ov_status ov_result_open(const char *path, ov_result_file *out, ov_error *err)
{
    ov_slice frame;
    uint32_t version;
    uint64_t index;
    *out = (ov_result_file){0};
    ov_arena_init(&out->arena, "result", NULL);
    OV_TRY(ov_map_open(path, &out->map, err));
    ov_cursor c = ov_cursor_make(ov_slice_make(out->map.p, out->map.n), "result file");
    OV_TRY(ov_cursor_bytes(&c, sizeof MAGIC, &frame, err));
    OV_TRY(ov_cursor_u32(&c, &version, err));
    OV_CHECK_DATA(memcmp(frame.p, MAGIC, sizeof MAGIC) == 0 && version == VERSION, err,
                  "%s is no result file of this version", path);
    OV_TRY(read_frame(&c, &frame, err));
    OV_TRY(read_header(out, frame, err));
    OV_CHECK_DATA(out->map.n >= 8, err, "%s ends early", path);
    index = ov_load_u64(out->map.p + out->map.n - 8);
    OV_CHECK_DATA(index <= out->map.n - 8, err, "%s has its index at byte %llu, past its end", path,
                  (unsigned long long)index);
    OV_TRY(ov_cursor_seek(&c, (size_t)index, err));
    OV_TRY(read_frame(&c, &frame, err));
    return read_index(out, frame, err);
}

void ov_result_close(ov_result_file *f)
{
    ov_map_close(&f->map);
    ov_arena_fini(&f->arena);
}

static ov_status get_value(ov_cursor *c, ov_type type, void *data, uint32_t i, ov_error *err)
{
    uint64_t bits;
    if (!ov_type_is_int(type) && !ov_type_is_real(type))
        return get_text(c, &((ov_slice *)data)[i], err);
    OV_TRY(ov_cursor_u64(c, &bits, err));
    ((uint64_t *)data)[i] = bits; /* doubles by their bits */
    return OV_OK;
}

static size_t width_of(ov_type type)
{
    return ov_type_is_int(type) || ov_type_is_real(type) ? 8 : sizeof(ov_slice);
}

static ov_status get_plain(ov_cursor *c, ov_type type, const uint64_t *valid, uint32_t n, ov_arena *a, ov_vec *out,
                           ov_error *err)
{
    void *data;
    size_t bytes = ov_words(n) * 64 * width_of(type);
    OV_TRY(ov_arena_lanes(a, bytes + 64, &data, err));
    memset(data, 0, bytes);
    for (uint32_t i = 0; i < n; i++)
        if (ov_bits_test(valid, i))
            OV_TRY(get_value(c, type, data, i, err));
    *out = ov_vec_flat(type, data, valid, n);
    return OV_OK;
}

typedef struct elements {
    void *data;
    uint64_t *valid;
    uint32_t count;
} elements;

/* Every element takes a byte at least, so the bytes that are left bound the number. */
static ov_status get_elements(ov_cursor *c, ov_type elem, const uint64_t *valid, uint32_t n, uint32_t *offsets,
                              elements *e, ov_arena *a, ov_error *err)
{
    size_t most = ov_cursor_left(c) + 64;
    OV_TRY(ov_arena_lanes(a, most * width_of(elem), &e->data, err));
    OV_TRY(ov_arena_zalloc(a, (ov_words(most) + 1) * 8, &e->valid, err));
    memset(e->data, 0, most * width_of(elem));
    for (uint32_t i = 0; i < n; i++) {
        uint32_t items = 0;
        offsets[i] = e->count;
        if (ov_bits_test(valid, i))
            OV_TRY(ov_cursor_u32(c, &items, err));
        OV_CHECK_DATA(items <= ov_cursor_left(c), err, "a list of a result file says it has %u elements", items);
        for (uint32_t k = 0; k < items; k++, e->count++) {
            uint8_t there;
            OV_TRY(ov_cursor_u8(c, &there, err));
            if (!there)
                continue;
            ov_bits_set(e->valid, e->count);
            OV_TRY(get_value(c, elem, e->data, e->count, err));
        }
    }
    offsets[n] = e->count;
    return OV_OK;
}

static ov_status get_lists(ov_cursor *c, ov_type type, const uint64_t *valid, uint32_t n, ov_arena *a, ov_vec *out,
                           ov_error *err)
{
    uint32_t *offsets;
    ov_vec *child;
    elements e = {0};
    ov_type elem = element_type(type);
    OV_TRY(ov_arena_alloc(a, (n + (size_t)1) * sizeof *offsets, &offsets, err));
    OV_TRY(ov_arena_alloc(a, sizeof *child, &child, err));
    OV_TRY(get_elements(c, elem, valid, n, offsets, &e, a, err));
    *child = elem.id == OV_TYPE_NULL ? ov_vec_null(elem, e.count) : ov_vec_flat(elem, e.data, e.valid, e.count);
    *out = (ov_vec){.type = type, .enc = OV_ENC_LIST, .rows = n, .valid = valid, .offsets = offsets, .child = child};
    return OV_OK;
}

static ov_status get_column(ov_cursor *c, ov_type type, uint32_t n, ov_arena *a, ov_vec *out, ov_error *err)
{
    uint64_t *valid;
    OV_TRY(ov_arena_zalloc(a, (ov_words(n) + 1) * 8, &valid, err));
    for (uint32_t i = 0; i < ov_words(n); i++)
        OV_TRY(ov_cursor_u64(c, &valid[i], err));
    if (type.id == OV_TYPE_NULL) {
        *out = ov_vec_null(type, n);
        return OV_OK;
    }
    return ov_type_is_list(type) ? get_lists(c, type, valid, n, a, out, err)
                                 : get_plain(c, type, valid, n, a, out, err);
}

static ov_status read_chunk(const ov_result_file *f, ov_cursor *file, ov_arena *a, const ov_result_sink *sink,
                            ov_error *err)
{
    ov_slice bytes;
    uint32_t n;
    OV_TRY(read_frame(file, &bytes, err));
    ov_cursor c = ov_cursor_make(bytes, "result chunk");
    OV_TRY(ov_cursor_u32(&c, &n, err));
    OV_CHECK_DATA(n <= OV_BATCH_ROWS, err, "a result file has a chunk of %u rows", n);
    ov_batch b = {.rows = n, .cols = f->field_count, .sel_rows = n};
    OV_TRY(ov_arena_alloc(a, (b.cols + (size_t)1) * sizeof *b.col, &b.col, err));
    for (uint32_t i = 0; i < b.cols; i++)
        OV_TRY(get_column(&c, f->fields[i].type, n, a, &b.col[i], err));
    return sink->rows(sink->self, &b, err);
}

ov_status ov_result_read(const ov_result_file *f, uint32_t page, const ov_result_sink *sink, ov_error *err)
{
    ov_arena a;
    ov_status st = OV_OK;
    ov_cursor c = ov_cursor_make(ov_slice_make(f->map.p, f->map.n), "result file");
    OV_TRY(ov_cursor_seek(&c, (size_t)f->pages[page].at, err));
    ov_arena_init(&a, "result page", NULL);
    for (uint32_t i = 0; i < f->pages[page].chunks && st == OV_OK; i++) {
        st = read_chunk(f, &c, &a, sink, err);
        ov_arena_reset(&a);
    }
    ov_arena_fini(&a);
    return st;
}
