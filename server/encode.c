/*
 * The encoder: one loop over rows, one cell writer per column and batch.
 *
 * Per batch each column is classified once (cell_kind). Columns with few distinct values get a table of
 * ready texts, filled on first use and kept while the domain stays the same, so that a repeated string is escaped and
 * quoted once per query.
 */
#include "server/encode_int.h"

#include "base/bits.h"
#include "base/json.h"
#include "query/agg/strtab.h"

typedef enum cell_kind {
    CELL_CONST, /* text[0] */
    CELL_DICT,  /* text per code */
    CELL_RUN,   /* text per run */
    CELL_INT,   /* FLAT LONG printed as digits */
    CELL_ANY,   /* one value at a time */
} cell_kind;

typedef struct cell_text {
    uint32_t at,
        n; /* into column.bytes; n = 0: not made yet (no JSON text is empty; csv: see made) */
    bool made;
} cell_text;

typedef struct out_column {
    ov_field field;
    ov_slice prefix; /* what stands before the value: `{"name":` or `,` */
    cell_kind kind;
    const ov_vec *vec;
    uint32_t run;    /* RUN: the run the last row was in */
    cell_text *text; /* per code, run or one */
    uint32_t text_cap;
    uint64_t domain_id; /* whose texts are kept; 0 = none */
    uint32_t last;   /* slot of the row before */
    ov_buf *bytes;   /* of the texts; made at first use: wide results seldom keep texts of all columns */
    size_t paid;     /* bytes of it that are charged */
} out_column;

struct ov_encoder {
    ov_encode_options opt;
    ov_arena arena; /* columns and prefixes */
    uint32_t count;
    out_column *col;
    bool any; /* a record was written already */
    bool by_slot;      /* of this batch: every column has slots, so rows with the same ones have the same text */
    size_t row_at, row_n; /* the text of the row before in the output; n = 0: there is none */
};

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

/* The row before once more, when all columns show the same texts. Rows of one place, of one sensor, of one customer come by
 * the thousand. */
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

static void put_char(cursor *out, char c)
{
    if (cursor_room(out, 1))
        *out->at++ = c;
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
    for (uint32_t w = 0; w * 64 < batch->rows && !out->failed; w++) {
        uint32_t left = batch->rows - w * 64;
        uint64_t bits = left < 64 ? (UINT64_C(1) << left) - 1 : UINT64_MAX;
        if (batch->sel)
            bits &= batch->sel[w];
        for (; bits; bits &= bits - 1)
            put_row(e, w * 64 + (uint32_t)__builtin_ctzll(bits), &at);
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

typedef enum header_row { HEADER_NAMES, HEADER_TYPES, HEADER_SQL_TYPES } header_row;

static ov_slice header_word(const ov_field *f, header_row what, char *buf)
{
    if (what == HEADER_NAMES)
        return f->name;
    if (what == HEADER_SQL_TYPES)
        return ov_slice_cstr(ov_sqltype_name(f->sql));
    return ov_slice_cstr(f->type.id == OV_TYPE_NULL ? "STRING" : ov_type_name(f->type, buf));
}

/* One header record of the array and csv formats. */
static void add_header_row(ov_encoder *e, header_row what, ov_buf *out)
{
    char buf[48];
    bool csv = ovi_is_csv(&e->opt);
    if (e->any && !ovi_is_lines(&e->opt) && !csv)
        ov_buf_add_char(out, ',');
    e->any = true;
    size_t start = out->n;
    if (!csv)
        ov_buf_add_char(out, '[');
    for (uint32_t i = 0; i < e->count; i++) {
        if (i)
            ov_buf_add_char(out, ',');
        ov_slice word = header_word(&e->col[i].field, what, buf);
        if (csv)
            ovi_add_csv_text(out, word);
        else if (what == HEADER_TYPES && word.n == 0)
            ov_buf_add_str(out, "null");
        else
            ov_json_quote(out, word);
    }
    if (csv && e->count == 1 && out->n == start)
        ov_buf_add_str(out, "\"\"");
    if (!csv)
        ov_buf_add_char(out, ']');
    if (csv || ovi_is_lines(&e->opt))
        ov_buf_add_char(out, '\n');
}

/* The one header record of the object formats. */
static void add_header_object(ov_encoder *e, ov_buf *out)
{
    const ov_encode_options *o = &e->opt;
    char buf[48];
    e->any = true;
    ov_buf_add_char(out, '{');
    for (uint32_t i = 0; i < e->count; i++) {
        const ov_field *f = &e->col[i].field;
        if (i)
            ov_buf_add_char(out, ',');
        ov_json_quote(out, f->name);
        ov_buf_add_char(out, ':');
        if (!o->types_header && !o->sql_types_header) {
            ov_buf_add_str(out, "null");
            continue;
        }
        ov_buf_add_char(out, '{');
        if (o->types_header) {
            ov_slice word = header_word(f, HEADER_TYPES, buf);
            ov_buf_add_str(out, "\"type\":");
            if (word.n)
                ov_json_quote(out, word);
            else
                ov_buf_add_str(out, "null");
        }
        if (o->sql_types_header) {
            ov_buf_add_str(out, o->types_header ? ",\"sqlType\":" : "\"sqlType\":");
            ov_json_quote(out, header_word(f, HEADER_SQL_TYPES, buf));
        }
        ov_buf_add_char(out, '}');
    }
    ov_buf_add_char(out, '}');
    if (ovi_is_lines(o))
        ov_buf_add_char(out, '\n');
}

void ov_encode_begin(ov_encoder *e, ov_buf *out)
{
    const ov_encode_options *o = &e->opt;
    if (!ovi_is_lines(o) && !ovi_is_csv(o))
        ov_buf_add_char(out, '[');
    if (!o->header)
        return;
    if (ovi_is_object(o)) {
        add_header_object(e, out);
        return;
    }
    add_header_row(e, HEADER_NAMES, out);
    if (o->types_header)
        add_header_row(e, HEADER_TYPES, out);
    if (o->sql_types_header)
        add_header_row(e, HEADER_SQL_TYPES, out);
}

void ov_encode_end(ov_encoder *e, ov_buf *out)
{
    const ov_encode_options *o = &e->opt;
    if (ovi_is_csv(o))
        ov_buf_add_char(out, '\n');
    else if (ovi_is_lines(o))
        ov_buf_add_str(out, e->any ? "\n" : "\n\n");
    else
        ov_buf_add_str(out, "]\n");
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
