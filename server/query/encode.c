/*
 * The encoder: one loop over rows, one cell writer per column and batch.
 *
 * Per batch each column is classified once (cell_kind). Columns with few distinct values get a table of
 * ready texts, filled on first use and kept while the domain stays the same, so that a repeated string is escaped and
 * quoted once per query.
 */
#include "server/query/encode_int.h"

#include "base/bits.h"
#include "base/json.h"

static const char *const format_names[] = {"object", "array", "objectLines", "arrayLines", "csv"};

const char *ov_result_format_name(ov_result_format format)
{
    return format_names[format];
}

bool ov_result_format_find(ov_slice name, ov_result_format *out)
{
    for (size_t i = 0; i < OV_COUNT_OF(format_names); i++)
        if (ov_slice_ieq(name, ov_slice_cstr(format_names[i]))) {
            *out = (ov_result_format)i;
            return true;
        }
    return false;
}

/* ---- columns ---- */

static bool is_plain_int(const ov_field *f)
{
    return ov_type_is_int(f->type) && f->sql != OV_SQL_BOOLEAN && f->sql != OV_SQL_TIMESTAMP &&
           f->sql != OV_SQL_DATE;
}

static ov_status need_texts(ov_encoder *e, out_column *c, uint32_t count, ov_error *err)
{
    if (!c->bytes) {
        OV_TRY(ov_arena_alloc(&e->arena, sizeof *c->bytes, &c->bytes, err));
        ov_buf_init(c->bytes);
        c->bytes->limit = UINT32_MAX;
    }
    if (count > c->text_cap) {
        OV_TRY(ov_array_grow(e->opt.budget, &c->text, c->text_cap * sizeof *c->text, count * sizeof *c->text, err));
        c->text_cap = count;
    }
    memset(c->text, 0, (size_t)count * sizeof *c->text);
    ov_buf_clear(c->bytes);
    return OV_OK;
}

/* Decide how the column of this batch is written. */
static ov_status classify(ov_encoder *e, out_column *c, const ov_vec *v, ov_error *err)
{
    c->vec = v;
    c->run = 0;
    if (v->enc == OV_ENC_DICT && v->dict->count <= OV_MAX(v->rows * 8u, 65536u)) {
        if (c->kind != CELL_DICT || c->domain_id != v->dict->id) {
            OV_TRY(need_texts(e, c, v->dict->count, err));
            c->domain_id = v->dict->id;
        }
        c->kind = CELL_DICT;
        return OV_OK;
    }
    c->domain_id = 0;
    if (v->enc == OV_ENC_CONST) {
        c->kind = CELL_CONST;
        return need_texts(e, c, 1, err);
    }
    if (v->enc == OV_ENC_RUN) {
        c->kind = CELL_RUN;
        return need_texts(e, c, v->runs, err);
    }
    c->kind = v->enc == OV_ENC_FLAT && v->raw && v->lane == 8 && is_plain_int(&c->field) ? CELL_INT
                                                                                         : CELL_ANY;
    return OV_OK;
}

/* ---- rows ---- */

enum {
    COPY_STEP = 16
}; /* texts are copied in steps of so many bytes; both ends have room for a whole step */

/* Where the next byte goes: out of the buffer while rows are written, so that the loop keeps it in registers. */
typedef struct cursor {
    ov_buf *b;
    char *at, *end;
} cursor;

static cursor cursor_open(ov_buf *b)
{
    return (cursor){b, b->p + b->n, b->p + b->cap};
}

static void cursor_close(cursor *c)
{
    if (c->at)
        c->b->n = (size_t)(c->at - c->b->p);
}

/* Room for n bytes and a copy step; false after a failure. */
static OV_NOINLINE bool cursor_grow(cursor *c, size_t n)
{
    cursor_close(c);
    bool good = ov_buf_reserve(c->b, n + COPY_STEP);
    *c = cursor_open(c->b);
    return good;
}

OV_INLINE bool cursor_room(cursor *c, size_t n)
{
    return OV_LIKELY((size_t)(c->end - c->at) >= n + COPY_STEP) || cursor_grow(c, n);
}

/* Copy n bytes in whole steps; what is written past n is overwritten later. A step of a short row may reach into where it
 * is copied to. */
OV_INLINE void put_text(cursor *c, const char *from, size_t n)
{
    for (size_t i = 0; i < n; i += COPY_STEP)
        memmove(c->at + i, from + i, COPY_STEP);
    c->at += n;
}

/* Make the kept text of a slot: what stands before the value, then the value. */
static OV_NOINLINE bool make_kept(const ov_encode_options *o, out_column *c, cell_text *t,
                                  uint32_t row)
{
    ov_buf *b = c->bytes;
    t->at = (uint32_t)b->n;
    ov_buf_add_slice(b, c->prefix);
    ovi_add_cell(o, &c->field, c->vec, row, false, b);
    t->n = (uint32_t)(b->n - t->at);
    t->made = true;
    if (!ov_buf_reserve(b, COPY_STEP)) /* the last text too is read in whole steps */
        return false;
    if (o->budget && b->cap > c->paid) {
        b->failed = ov_budget_charge(o->budget, b->cap - c->paid, &b->err) != OV_OK;
        if (!b->failed)
            c->paid = b->cap;
    }
    return !b->failed;
}

static void put_kept(const ov_encode_options *o, out_column *c, uint32_t slot, uint32_t row,
                     cursor *out)
{
    cell_text *t = &c->text[slot];
    if (OV_UNLIKELY(!t->made) && !make_kept(o, c, t, row)) {
        out->b->failed = true;
        out->b->err = c->bytes->err;
    }
    if (cursor_room(out, t->n) && !c->bytes->failed)
        put_text(out, c->bytes->p + t->at, t->n);
}

/* One value through the general writer. */
static OV_NOINLINE void put_any(const ov_encode_options *o, out_column *c, uint32_t row,
                                cursor *out)
{
    cursor_close(out);
    ov_buf_add_slice(out->b, c->prefix);
    const ov_vec *v = c->vec;
    if (c->kind == CELL_INT && (!v->valid || ov_bits_test(v->valid, row)))
        ov_buf_add_i64(out->b, ((const int64_t *)v->data)[row]);
    else
        ovi_add_cell(o, &c->field, v, row, false, out->b);
    *out = cursor_open(out->b);
}

OV_INLINE uint32_t code_at(const ov_vec *v, uint32_t row)
{
    switch (v->lane) {
    case 1:
        return (uint32_t)v->base + ((const uint8_t *)v->data)[row];
    case 2:
        return (uint32_t)v->base + ((const uint16_t *)v->data)[row];
    default:
        return (uint32_t)v->base + ((const uint32_t *)v->data)[row];
    }
}

/* Which of its kept texts a column shows in this row. */
OV_INLINE uint32_t slot_of(out_column *c, uint32_t row)
{
    if (c->kind == CELL_DICT)
        return code_at(c->vec, row);
    if (c->kind == CELL_CONST)
        return 0;
    while (c->vec->run_end[c->run] <= row)
        c->run++;
    return c->run;
}

static void put_cell(const ov_encode_options *o, out_column *c, uint32_t row, cursor *out)
{
    if (c->kind == CELL_INT || c->kind == CELL_ANY)
        put_any(o, c, row, out);
    else
        put_kept(o, c, c->last = slot_of(c, row), row, out);
}

static void put_char(cursor *out, char c)
{
    if (cursor_room(out, 1))
        *out->at++ = c;
}

/* The row before once more, when all columns show the same texts. */
OV_INLINE bool put_repeated(ov_encoder *e, uint32_t row, cursor *out)
{
    uint32_t differs = 0;
    for (uint32_t i = 0; i < e->count; i++)
        differs |= slot_of(&e->col[i], row) ^ e->col[i].last;
    if (differs || !cursor_room(out, e->row_n))
        return false;
    put_text(out, out->b->p + e->row_at, e->row_n);
    return true;
}

static void put_row(ov_encoder *e, uint32_t row, cursor *out)
{
    const ov_encode_options *o = &e->opt;
    if (e->any && !ovi_is_lines(o) && !ovi_is_csv(o))
        put_char(out, ',');
    e->any = true;
    if (e->row_n && put_repeated(e, row, out))
        return;
    if (e->count == 0 && !ovi_is_csv(o))
        put_char(out, ovi_is_object(o) ? '{' : '[');
    size_t start = (size_t)(out->at - out->b->p);
    for (uint32_t i = 0; i < e->count; i++)
        put_cell(o, &e->col[i], row, out);
    if (ovi_is_csv(o) && e->count == 1 && (size_t)(out->at - out->b->p) == start) {
        put_char(out, '"'); /* one empty field must not look like the end of the answer */
        put_char(out, '"');
    }
    if (!ovi_is_csv(o))
        put_char(out, ovi_is_object(o) ? '}' : ']');
    if (ovi_is_lines(o) || ovi_is_csv(o))
        put_char(out, '\n');
    e->row_at = start;
    e->row_n = e->by_slot && out->at ? (size_t)(out->at - out->b->p) - start : 0;
}

/* ---- rows that repeat ----
 *
 * Rows of one place, of one sensor, of one customer come by the thousand. Where every column stays what it is, the text of a
 * row is copied again and again, each time twice as much.
 */

/* How many of the n lanes at `at` are the same as the first. */
static uint32_t same_lanes(const void *data, uint8_t lane, uint32_t from, uint32_t n)
{
    const char *at = (const char *)data + (size_t)from * lane;
    size_t bytes = (size_t)n * lane, i = lane;
    /* each is what the one before is: two stretches are compared, eight bytes a time */
    for (uint64_t a, b; i + 8 <= bytes; i += 8) {
        memcpy(&a, at + i, 8);
        memcpy(&b, at + i - lane, 8);
        if (a != b)
            break;
    }
    while (i < bytes && at[i] == at[i - lane])
        i++;
    return (uint32_t)(i / lane);
}

/* How many rows from `row` on, at most n, show what it shows. */
static uint32_t rows_alike(const ov_encoder *e, uint32_t row, uint32_t n)
{
    for (uint32_t i = 0; i < e->count && n > 1; i++) {
        const out_column *c = &e->col[i];
        if (c->kind == CELL_DICT)
            n = same_lanes(c->vec->data, c->vec->lane, row, n);
        else if (c->kind == CELL_RUN)
            n = OV_MIN(n, (uint32_t)c->vec->run_end[c->run] - row);
    }
    return n;
}

/* The row before `times` more, each behind `comma` when that is set. */
static void put_copies(ov_encoder *e, uint32_t times, char comma, cursor *out)
{
    size_t unit = e->row_n + (comma != 0), all = unit * times, done = unit;
    if (!cursor_room(out, all))
        return;
    char *to = out->at;
    const char *text = out->b->p + e->row_at; /* where it lies by now */
    if (comma)
        *to = comma;
    memcpy(to + (comma != 0), text, e->row_n);
    for (; done < all; done += OV_MIN(done, all - done))
        memcpy(to + done, to, OV_MIN(done, all - done));
    out->at += all;
}

/* Rows [row, end), all of them wanted, as far as they are alike; the row behind. */
static uint32_t put_alike(ov_encoder *e, uint32_t row, uint32_t end, cursor *out)
{
    enum { LEAST = 4, MOST_BYTES = 1 << 16 };
    size_t most = e->opt.full ? OV_MIN(e->opt.full_bytes, (size_t)MOST_BYTES) : MOST_BYTES; /* then it may be full */
    const ov_encode_options *o = &e->opt;
    put_row(e, row++, out);
    if (!e->row_n || row == end || out->b->failed)
        return row;
    uint32_t n = rows_alike(e, row - 1, end - row + 1) - 1;
    n = OV_MIN(n, (uint32_t)(most / e->row_n) + LEAST);
    if (n < LEAST)
        return row;
    put_copies(e, n, ovi_is_lines(o) || ovi_is_csv(o) ? 0 : ',', out);
    return row + n;
}

/* The first row at or after `row` that is not selected. */
static uint32_t selected_end(const ov_batch *b, uint32_t row)
{
    uint32_t w = row / 64;
    if (!b->sel)
        return b->rows;
    uint64_t gaps = ~b->sel[w] & ~ov_low_bits(row % 64);
    while (!gaps && ++w * 64 < b->rows)
        gaps = ~b->sel[w];
    return gaps ? OV_MIN(b->rows, w * 64 + (uint32_t)__builtin_ctzll(gaps)) : b->rows;
}

ov_status ov_encode_rows(ov_encoder *e, const ov_batch *batch, ov_buf *out, ov_error *err)
{
    OV_ASSERT(batch->cols == e->count);
    e->row_n = 0;
    e->by_slot = e->count > 0;
    for (uint32_t i = 0; i < e->count; i++) {
        OV_TRY(classify(e, &e->col[i], &batch->col[i], err));
        e->by_slot &= e->col[i].kind != CELL_INT && e->col[i].kind != CELL_ANY;
    }
    if (!ov_buf_reserve(out, COPY_STEP))
        return ov_buf_check(out, err);
    cursor at = cursor_open(out);
    uint32_t row = 0, end = 0;
    while (row < batch->rows && !out->failed) {
        if (row >= end) {
            row = batch->sel ? (uint32_t)ov_bits_next(batch->sel, batch->rows, row) : row;
            end = row < batch->rows ? selected_end(batch, row) : row;
            continue;
        }
        row = put_alike(e, row, end, &at);
        if (OV_LIKELY(!e->opt.full || (size_t)(at.at - out->p) < e->opt.full_bytes))
            continue;
        cursor_close(&at);
        OV_TRY(ov_buf_check(out, err));
        OV_TRY(e->opt.full(e->opt.full_self, err));
        e->row_n = 0; /* the row before is no longer in the buffer */
        if (!ov_buf_reserve(out, COPY_STEP))
            return ov_buf_check(out, err);
        at = cursor_open(out);
    }
    cursor_close(&at);
    return ov_buf_check(out, err);
}

/* ---- begin, end ---- */

static ov_status init_column(ov_encoder *e, uint32_t i, const ov_field *f, ov_buf *scratch, ov_error *err)
{
    out_column *c = &e->col[i];
    c->field = *f;
    c->kind = CELL_ANY;
    if (!ovi_is_object(&e->opt)) {
        c->prefix = i ? OV_SLICE_LIT(",") : ovi_is_csv(&e->opt) ? (ov_slice){"", 0} : OV_SLICE_LIT("[");
        return OV_OK;
    }
    ov_buf_clear(scratch);
    ov_buf_add_char(scratch, i ? ',' : '{');
    ov_json_quote(scratch, f->name);
    ov_buf_add_char(scratch, ':');
    OV_TRY(ov_buf_check(scratch, err));
    return ov_arena_copy(&e->arena, ov_buf_slice(scratch), &c->prefix, err);
}

ov_status ov_encoder_create(const ov_encode_options *options, const ov_field *fields,
                            uint32_t count, ov_encoder **out, ov_error *err)
{
    ov_encoder *e = ov_calloc(1, sizeof *e);
    ov_buf scratch;
    if (!e)
        return ov_fail_nomem(err, sizeof *e);
    e->opt = *options;
    e->count = count;
    ov_arena_init(&e->arena, "result columns", options->budget);
    ov_buf_init(&scratch);
    ov_status st = ov_arena_zalloc(&e->arena, ((size_t)count + 1) * sizeof *e->col, &e->col, err);
    for (uint32_t i = 0; i < count && st == OV_OK; i++)
        st = init_column(e, i, &fields[i], &scratch, err);
    ov_buf_fini(&scratch);
    if (st != OV_OK) {
        ov_encoder_destroy(e);
        return st;
    }
    *out = e;
    return OV_OK;
}

void ov_encoder_destroy(ov_encoder *e)
{
    if (!e)
        return;
    for (uint32_t i = 0; e->col && i < e->count; i++) {
        out_column *c = &e->col[i];
        if (c->bytes)
            ov_buf_fini(c->bytes);
        if (e->opt.budget)
            ov_budget_release(e->opt.budget, c->paid);
        ov_array_free(e->opt.budget, &c->text, c->text_cap * sizeof *c->text);
    }
    ov_arena_fini(&e->arena);
    ov_free(e);
}
