/* Columns of parsed rows; see ingest/parse/rows.h and rows_layout.h. */
#include "ingest/parse/rows_layout.h"

#include "base/utf8.h"

/* FREE_BYTES: of lanes; what goes beyond is charged. */
enum { FIRST_ROWS = 4096, FEWEST_ROWS = 64, FIRST_ELEMS = 1024, FIRST_BYTES = 8 << 20, FREE_BYTES = 16 << 20, MANY_COLUMNS = 1024 };

/* Tables with thousands of columns have few rows in a split: room for FIRST_BYTES of them. */
static uint32_t first_rows(uint32_t columns)
{
    uint32_t fits = FIRST_BYTES / (uint32_t)sizeof(int64_t) / OV_MAX(columns, 1u);
    return OV_MIN(OV_MAX(fits & ~63u, (uint32_t)FEWEST_ROWS), (uint32_t)FIRST_ROWS);
}

bool ovi_rows_nomem(ov_rows *r, size_t bytes)
{
    if (!r->failed) {
        r->failed = true;
        (void)ov_fail_nomem(&r->err, bytes);
    }
    return false;
}

/* ---- columns ---- */

static ovi_store store_of(ov_type t)
{
    switch ((ov_type_id)t.id) {
    case OV_TYPE_LONG:
        return OVI_STORE_I64;
    case OV_TYPE_DOUBLE:
    case OV_TYPE_FLOAT:
        return OVI_STORE_F64;
    case OV_TYPE_ARRAY:
        return OVI_STORE_LIST;
    case OV_TYPE_NULL:
    case OV_TYPE_STRING:
    case OV_TYPE_COMPLEX:
        break;
    }
    return OVI_STORE_STR;
}

static bool has_codes(const ovi_rows_col *c)
{
    return c->store == OVI_STORE_STR ||
           (c->store == OVI_STORE_LIST && c->type.elem == OV_TYPE_STRING);
}

static size_t elem_size(const ovi_rows_col *c)
{
    return has_codes(c) ? sizeof(uint32_t) : sizeof(int64_t);
}

/* Room for `cap` rows in every array of the column. New validity words are zero. */
static bool col_resize(ov_rows *r, ovi_rows_col *c, uint32_t cap)
{
    size_t lane = c->store == OVI_STORE_STR ? sizeof(uint32_t) : sizeof(int64_t);
    if (c->store != OVI_STORE_LIST) {
        void *data = ov_realloc(c->data, cap * lane);
        if (!data)
            return ovi_rows_nomem(r, cap * lane);
        c->data = data;
    }
    if (c->store != OVI_STORE_STR || c->valid) {
        uint64_t *valid = ov_realloc(c->valid, cap / 8);
        if (!valid)
            return ovi_rows_nomem(r, cap / 8);
        c->valid = valid;
        if (cap > r->cap)
            memset(valid + r->cap / 64, 0, (cap - r->cap) / 8);
    }
    if (c->list_end) {
        uint32_t *ends = ov_realloc(c->list_end - 1, ((size_t)cap + 1) * sizeof *ends);
        if (!ends) {
            return ovi_rows_nomem(r, ((size_t)cap + 1) * sizeof *ends);
        }
        c->list_end = ends + 1;
    }
    return true;
}

/* Lanes of so many rows, as far as they are charged. */
static size_t charged_bytes(const ov_rows *r, uint32_t cap)
{
    size_t bytes = (size_t)cap * r->lane_bytes;
    return bytes > FREE_BYTES ? bytes - FREE_BYTES : 0;
}

static bool charge(ov_rows *r, uint32_t cap)
{
    size_t bytes = charged_bytes(r, cap);
    if (!r->budget || bytes <= r->charged)
        return true;
    if (ov_budget_charge(r->budget, bytes - r->charged, &r->err) != OV_OK) {
        ov_error_context(&r->err, "%u rows of %u columns in a piece of the input", r->rows, r->col_count);
        r->failed = true;
        return false;
    }
    r->charged = bytes;
    return true;
}

static void discharge(ov_rows *r)
{
    if (r->charged)
        ov_budget_release(r->budget, r->charged);
    r->charged = 0;
}

bool ovi_rows_grow(ov_rows *r)
{
    if (r->cap > UINT32_MAX / 4)
        return ovi_rows_nomem(r, SIZE_MAX);
    uint32_t cap = r->cap * 2;
    if (!charge(r, cap))
        return false;
    for (uint32_t i = 0; i < r->col_count; i++)
        if (!col_resize(r, &r->col[i], cap))
            return false;
    r->cap = cap;
    return true;
}

/* A split that needed much gives it back before it waits for the next. */
static void shrink(ov_rows *r)
{
    uint32_t cap = first_rows(r->col_count);
    for (uint32_t i = 0; i < r->col_count; i++)
        (void)!col_resize(r, &r->col[i], cap); /* smaller: nothing can be missing */
    r->cap = cap;
    discharge(r);
}

/* The arrays of a column that holds lists, for r->cap rows. */
static bool list_arrays(ov_rows *r, ovi_rows_col *c)
{
    if (!c->list_end) {
        uint32_t *ends = ov_calloc((size_t)r->cap + 1, sizeof *ends);
        if (!ends)
            return ovi_rows_nomem(r, r->cap * sizeof *ends);
        c->list_end = ends + 1;
    }
    if (!c->valid && !(c->valid = ov_calloc(r->cap / 64, 8)))
        return ovi_rows_nomem(r, r->cap / 8);
    if (!c->elem) {
        c->elem_cap = FIRST_ELEMS;
        c->elem = ov_malloc(c->elem_cap * elem_size(c));
        if (!has_codes(c))
            c->elem_valid = ov_calloc(c->elem_cap / 64, 8);
        if (!c->elem || (!has_codes(c) && !c->elem_valid))
            return ovi_rows_nomem(r, c->elem_cap * elem_size(c));
    }
    return true;
}

static bool elem_room(ov_rows *r, ovi_rows_col *c, uint32_t more)
{
    uint64_t need = (uint64_t)c->elem_n + more;
    if (need <= c->elem_cap)
        return true;
    uint64_t cap = OV_MAX((need + 63) & ~(uint64_t)63, (uint64_t)c->elem_cap * 2);
    if (cap > UINT32_MAX / 2)
        return ovi_rows_nomem(r, cap * elem_size(c));
    void *elem = ov_realloc(c->elem, cap * elem_size(c));
    if (!elem)
        return ovi_rows_nomem(r, cap * elem_size(c));
    c->elem = elem;
    if (c->elem_valid) {
        uint64_t *valid = ov_realloc(c->elem_valid, cap / 8);
        if (!valid)
            return ovi_rows_nomem(r, cap / 8);
        c->elem_valid = valid;
    }
    c->elem_cap = (uint32_t)cap;
    return true;
}

/* Plain codes of the rows so far become lists of one; NULL becomes an absent list. */
bool ovi_rows_list_mode(ov_rows *r, ovi_rows_col *c)
{
    if (c->listed)
        return true;
    c->listed = true;
    if (!list_arrays(r, c) || !elem_room(r, c, r->rows))
        return false;
    memset(c->valid, 0, r->cap / 8);
    uint32_t *elem = c->elem;
    for (uint32_t i = 0; i < r->rows; i++) {
        if (c->code[i]) {
            elem[c->elem_n++] = c->code[i];
            ov_bits_set(c->valid, i);
        }
        c->list_end[i] = c->elem_n;
    }
    return true;
}

ov_status ovi_rows_create(const ov_type *types, uint32_t count, uint32_t max_rejects, ov_rows **out,
                          ov_error *err)
{
    ov_rows *r = ov_calloc(1, sizeof *r);
    if (!r)
        return ov_fail_nomem(err, sizeof *r);
    ov_arena_init(&r->reject_arena, "rejects", NULL);
    r->reject_cap = max_rejects;
    r->col = ov_calloc(count, sizeof *r->col);
    if (!r->col)
        ovi_rows_nomem(r, count * sizeof *r->col);
    uint32_t cap = first_rows(count);
    for (uint32_t i = 0; !r->failed && i < count; i++) {
        ovi_rows_col *c = &r->col[i];
        r->col_count = i + 1;
        c->type = types[i];
        c->store = (uint8_t)store_of(types[i]);
        r->lane_bytes += c->store == OVI_STORE_STR ? sizeof(uint32_t) : sizeof(int64_t);
        if (has_codes(c) && !ovi_rows_dict_init(&c->dict, count > MANY_COLUMNS))
            ovi_rows_nomem(r, c->dict.bytes_cap);
        c->dict.raw = ov_type_is_sketch(c->type);
        if (!r->failed && col_resize(r, c, cap) && c->store == OVI_STORE_LIST) {
            r->cap = cap;
            list_arrays(r, c);
            r->cap = 0;
        }
    }
    r->cap = cap;
    if (r->failed) {
        *err = r->err;
        ov_status st = r->err.code;
        ovi_rows_destroy(r);
        return st;
    }
    *out = r;
    return OV_OK;
}

void ovi_rows_destroy(ov_rows *r)
{
    if (!r)
        return;
    for (uint32_t i = 0; r->col && i < r->col_count; i++) {
        ovi_rows_col *c = &r->col[i];
        ov_free(c->data);
        ov_free(c->valid);
        if (c->list_end)
            ov_free(c->list_end - 1);
        ov_free(c->elem);
        ov_free(c->elem_valid);
        ovi_rows_dict_fini(&c->dict);
    }
    discharge(r);
    ov_free(r->col);
    ov_free(r->rejects);
    ov_arena_fini(&r->reject_arena);
    ov_free(r);
}

void ovi_rows_clear(ov_rows *r)
{
    for (uint32_t i = 0; i < r->col_count; i++) {
        ovi_rows_col *c = &r->col[i];
        if (has_codes(c))
            ovi_rows_dict_clear(&c->dict);
        if (c->store != OVI_STORE_STR)
            memset(c->valid, 0, r->cap / 8);
        c->listed = false;
        c->has_null = false;
        c->n = c->elem_n = 0;
    }
    if (r->charged)
        shrink(r);
    r->rows = r->put = 0;
    r->read = r->rejected = r->filtered = r->with_errors = r->repaired = 0;
    r->row_noted = r->failed = false;
    r->reject_count = r->row_reject_from = 0;
    r->newlines = r->raw_bytes = r->text_bytes = 0;
    ov_arena_reset(&r->reject_arena);
}

/* ---- values ---- */

void ov_rows_put_i64(ov_rows *r, uint32_t col, int64_t v)
{
    OV_ASSERT(r->col[col].store == OVI_STORE_I64);
    ovi_put_i64(r, &r->col[col], v);
}

void ov_rows_put_str(ov_rows *r, uint32_t col, ov_slice text)
{
    OV_ASSERT(r->col[col].store == OVI_STORE_STR);
    ovi_put_str(r, &r->col[col], text);
}

void ov_rows_put_strs(ov_rows *r, uint32_t col, const ov_slice *items, uint32_t n)
{
    ovi_rows_col *c = &r->col[col];
    bool array = c->store == OVI_STORE_LIST;
    OV_ASSERT(has_codes(c));
    if (!array && !c->listed && n <= 1) {
        if (n == 1 && items[0].p)
            ovi_put_str(r, c, items[0]);
        return; /* an empty list and a NULL are the same stored value */
    }
    if (r->failed || (!array && !ovi_rows_list_mode(r, c)) || !elem_room(r, c, n))
        return;
    uint32_t from = r->rows ? c->list_end[r->rows - 1] : 0;
    uint32_t *elem = c->elem;
    for (uint32_t i = 0; i < n; i++)
        elem[from + i] = items[i].p ? ovi_dict_code(r, &c->dict, items[i]) : 0;
    c->elem_n = from + n;
    c->list_end[r->rows] = c->elem_n;
    if (array || n > 1 || (n == 1 && items[0].p))
        ov_bits_set(c->valid, r->rows);
    else
        c->elem_n = c->list_end[r->rows] = from;
    c->n = r->rows + 1;
    r->put++;
}

static void put_numbers(ov_rows *r, ovi_rows_col *c, const void *items, const uint64_t *valid,
                        uint32_t n)
{
    if (r->failed || !elem_room(r, c, n))
        return;
    uint32_t from = r->rows ? c->list_end[r->rows - 1] : 0;
    if (n)
        memcpy((char *)c->elem + (size_t)from * 8, items, (size_t)n * 8);
    for (uint32_t i = 0; i < n; i++)
        ov_bits_put(c->elem_valid, from + i, !valid || ov_bits_test(valid, i));
    c->elem_n = from + n;
    c->list_end[r->rows] = c->elem_n;
    ov_bits_set(c->valid, r->rows);
    c->n = r->rows + 1;
    r->put++;
}

void ov_rows_put_i64s(ov_rows *r, uint32_t col, const int64_t *items, const uint64_t *valid, uint32_t n)
{
    OV_ASSERT(r->col[col].store == OVI_STORE_LIST && r->col[col].type.elem == OV_TYPE_LONG);
    put_numbers(r, &r->col[col], items, valid, n);
}

void ov_rows_put_f64s(ov_rows *r, uint32_t col, const double *items, const uint64_t *valid, uint32_t n)
{
    OV_ASSERT(r->col[col].store == OVI_STORE_LIST && r->col[col].type.elem != OV_TYPE_STRING);
    put_numbers(r, &r->col[col], items, valid, n);
}

/* ---- ends of rows ---- */

static void put_null(ov_rows *r, ovi_rows_col *c)
{
    c->has_null = true;
    if (c->list_end && (c->listed || c->store == OVI_STORE_LIST))
        c->list_end[r->rows] = r->rows ? c->list_end[r->rows - 1] : 0;
    else if (c->store == OVI_STORE_STR)
        c->code[r->rows] = 0;
    else
        c->i64[r->rows] = 0;
    c->n = r->rows + 1;
}

static void next_row(ov_rows *r)
{
    r->put = 0;
    r->row_noted = false;
    r->row_reject_from = r->reject_count;
}

void ov_rows_end(ov_rows *r)
{
    if (r->put < r->col_count)
        for (uint32_t i = 0; i < r->col_count; i++)
            if (r->col[i].n <= r->rows)
                put_null(r, &r->col[i]);
    r->read++;
    r->with_errors += r->row_noted;
    if (OV_LIKELY(!r->failed)) {
        r->rows++;
        if (OV_UNLIKELY(r->rows == r->cap))
            (void)ovi_rows_grow(r);
    }
    next_row(r);
}

/* Take back what the row put. */
static void forget_row(ov_rows *r)
{
    for (uint32_t i = 0; i < r->col_count; i++) {
        ovi_rows_col *c = &r->col[i];
        if (c->n <= r->rows)
            continue;
        c->n = r->rows;
        if (c->valid)
            ov_bits_clear(c->valid, r->rows);
        if (c->list_end)
            c->elem_n = r->rows ? c->list_end[r->rows - 1] : 0;
    }
    r->reject_count = r->row_reject_from; /* notes of a row that is not loaded */
}

/* Samples travel in JSON, which is read again by clients and with tasks; a NUL, which stands in logs that were cut
 * while they were written, is a blank there. */
static ov_slice keep(ov_rows *r, ov_slice s, size_t max)
{
    char *out;
    ov_error ignored = OV_ERROR_INIT;
    if (s.n > max) {
        s.n = max;
        s.n = ov_utf8_valid_prefix(s) > max - 4 ? ov_utf8_valid_prefix(s) : max;
    }
    if (s.n == 0 || ov_arena_alloc(&r->reject_arena, s.n, &out, &ignored) != OV_OK)
        return (ov_slice){"", 0};
    for (size_t i = 0; i < s.n; i++)
        out[i] = s.p[i] ? s.p[i] : ' ';
    return (ov_slice){out, s.n};
}

static bool sample_room(ov_rows *r)
{
    enum { FIRST = 16 };
    if (r->reject_count < r->reject_room)
        return true;
    uint32_t room = OV_MIN(r->reject_room ? r->reject_room * 2 : FIRST, r->reject_cap);
    ov_reject *more = ov_realloc(r->rejects, room * sizeof *more);
    if (!more)
        return ovi_rows_nomem(r, room * sizeof *more);
    r->rejects = more;
    r->reject_room = room;
    return true;
}

static void sample(ov_rows *r, const ov_reject *why, bool loaded)
{
    if (!ovi_rows_wants_reject(r) || (loaded && r->no_notes) || !sample_room(r))
        return;
    r->rejects[r->reject_count++] = (ov_reject){
        .file = keep(r, why->file, 4096),
        .line = why->line,
        .column = why->column,
        .field = keep(r, why->field, 256),
        .reason = keep(r, why->reason, OV_ERROR_TEXT_BYTES),
        .value = keep(r, why->value, OV_REJECT_VALUE_BYTES),
        .hint = keep(r, why->hint, 512),
        .loaded = loaded,
        .of_time = why->of_time,
    };
}

void ov_rows_reject(ov_rows *r, const ov_reject *why)
{
    forget_row(r);
    sample(r, why, false);
    r->read++;
    r->rejected++;
    next_row(r);
}

void ov_rows_filter(ov_rows *r)
{
    forget_row(r);
    r->read++;
    r->filtered++;
    next_row(r);
}

void ov_rows_note(ov_rows *r, const ov_reject *why)
{
    r->row_noted = true;
    sample(r, why, true);
}

uint32_t ov_rows_count(const ov_rows *r)
{
    return r->rows;
}

size_t ov_rows_bytes(const ov_rows *r)
{
    size_t bytes = 0;
    for (uint32_t i = 0; i < r->col_count; i++) {
        const ovi_rows_col *c = &r->col[i];
        bytes += (size_t)r->rows * (c->store == OVI_STORE_STR ? 4 : 8);
        bytes += (size_t)c->elem_n * elem_size(c) + c->dict.bytes_n + (size_t)c->dict.count * 20;
    }
    return bytes;
}
