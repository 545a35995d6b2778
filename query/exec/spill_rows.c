#include "query/exec/spill_rows.h"

#include "base/bits.h"
#include "base/hash.h"

/* ---- when ---- */

enum { LEAST_BYTES = 64 << 10 };

/* The smallest budget of the query and of what is around it, as far as there is one. */
static size_t tightest(const ovi_exec *x)
{
    size_t limit = SIZE_MAX;
    for (const ov_budget *b = &x->cx->budget; b; b = b->parent)
        limit = OV_MIN(limit, b->limit);
    return limit;
}

size_t ovi_memory_left(const ovi_exec *x)
{
    size_t left = SIZE_MAX;
    for (const ov_budget *b = &x->cx->budget; b; b = b->parent) {
        size_t used = atomic_load_explicit(&b->used, memory_order_relaxed);
        left = OV_MIN(left, b->limit > used ? b->limit - used : 0);
    }
    return left;
}

bool ovi_spill_due(const ovi_exec *x, size_t own, uint64_t rows, size_t need)
{
    if (!x->cx->spill || rows == 0)
        return false;
    if (x->cx->options.spill_rows)
        return rows >= x->cx->options.spill_rows;
    size_t sharers = (size_t)x->worker_count * OV_MAX(x->rivals, 1);
    size_t all = need < SIZE_MAX / 2 / sharers ? need * sharers : SIZE_MAX / 2;
    if (own < LEAST_BYTES || own < tightest(x) / 64 / sharers)
        return false;
    for (const ov_budget *b = &x->cx->budget; b; b = b->parent) {
        size_t used = atomic_load_explicit(&b->used, memory_order_relaxed);
        if (b->limit != SIZE_MAX && used + all > b->limit - b->limit / 4)
            return true;
    }
    return false;
}

size_t ovi_block_bytes(const ovi_exec *x)
{
    size_t limit = tightest(x);
    return OV_MIN(OV_MAX(limit / 512, (size_t)32 << 10), (size_t)512 << 10);
}

/* ---- life ---- */

void ovi_spill_init(ovi_spill *f, ovi_exec *x)
{
    *f = (ovi_spill){.exec = x};
    ov_mutex_init(&f->lock);
}

void ovi_spill_fini(ovi_spill *f)
{
    if (!f->exec)
        return;
    ov_array_free(&f->exec->cx->budget, &f->domains, f->domain_cap * sizeof(*f->domains));
    if (f->open)
        ov_spill_close(&f->file);
    ov_mutex_fini(&f->lock);
    f->exec = NULL;
}

void ovi_blocks_free(ovi_blocks *list, ov_budget *budget)
{
    ov_array_free(budget, &list->at, list->cap * sizeof(*list->at));
    *list = (ovi_blocks){0};
}

static ov_status open_once(ovi_spill *f, ov_error *err)
{
    ov_status st = OV_OK;
    ov_mutex_lock(&f->lock);
    if (!f->open) {
        st = ov_spill_open(f->exec->cx->spill, &f->file, err);
        f->open = st == OV_OK;
    }
    ov_mutex_unlock(&f->lock);
    return st;
}

/* ---- layout ---- */

/* One vector: this, then its parts in the order data, valid, offsets, text, each padded to 64 bytes; then the child
 * of a list. */
typedef struct vec_head {
    ov_type type;
    uint8_t enc, lane, raw, is_null;
    uint8_t has_valid, has_bounds, has_child, unused;
    uint32_t rows;
    uint32_t domain; /* number + 1 */
    int64_t base;
    double divisor;
    int64_t min, max;
    uint64_t value;      /* CONST: the number's bits */
    uint64_t text_bytes; /* CONST and FLAT texts */
} vec_head;

typedef struct block_head {
    uint64_t checksum; /* of all that follows it */
    uint32_t rows, cols;
    uint32_t has_weight, unused;
} block_head;

static size_t pad(size_t n)
{
    return (n + 63) & ~(size_t)63;
}

static bool holds_slices(ov_type t)
{
    return (t.id == OV_TYPE_STRING && !t.multi) || t.id == OV_TYPE_COMPLEX;
}

static bool is_text_lanes(const ov_vec *v)
{
    return v->enc == OV_ENC_FLAT && holds_slices(v->type);
}

static size_t lane_bytes(const ov_vec *v)
{
    return v->enc == OV_ENC_FLAT || v->enc == OV_ENC_DICT ? ov_words(v->rows) * 64 * v->lane : 0;
}

static const ov_vec *child_of(const ov_vec *v)
{
    if (v->enc == OV_ENC_LIST)
        return v->child;
    return v->enc == OV_ENC_CONST && ov_type_is_list(v->type) && !v->is_null ? v->c.list : NULL;
}

static uint64_t text_bytes(const ov_vec *v)
{
    uint64_t n = 0;
    if (v->enc == OV_ENC_CONST)
        return !v->is_null && holds_slices(v->type) ? v->c.s.n : 0;
    if (!is_text_lanes(v))
        return 0;
    for (uint32_t i = 0; i < v->rows; i++)
        if (!v->valid || ov_bits_test(v->valid, i))
            n += ((const ov_slice *)v->data)[i].n;
    return n;
}

static size_t vec_bytes(const ov_vec *v)
{
    size_t n = pad(sizeof(vec_head)) + pad(lane_bytes(v)) + pad(text_bytes(v));
    const ov_vec *child = child_of(v);
    if (v->valid && (v->enc == OV_ENC_FLAT || v->enc == OV_ENC_LIST))
        n += pad((ov_words(v->rows) + 1) * 8);
    if (v->enc == OV_ENC_LIST)
        n += pad(((size_t)v->rows + 1) * 4);
    return n + (child ? vec_bytes(child) : 0);
}

/* ---- writing ---- */

static ov_status domain_number(ovi_spill *f, const ov_domain *d, uint32_t *out, ov_error *err)
{
    ov_status st = OV_OK;
    ov_mutex_lock(&f->lock);
    uint32_t i = f->domain_count;
    while (i > 0 && f->domains[i - 1] != d)
        i--;
    if (i == 0)
        st = ov_list_room(&f->exec->cx->budget, &f->domains, f->domain_count, &f->domain_cap, 1, sizeof(*f->domains), err);
    if (i == 0 && st == OV_OK) {
        f->domains[f->domain_count] = d;
        i = ++f->domain_count;
    }
    ov_mutex_unlock(&f->lock);
    *out = i;
    return st;
}

static char *put_text(const ov_vec *v, char *at)
{
    const ov_slice *from = v->data;
    ov_slice *to = (ov_slice *)(void *)(at - pad(lane_bytes(v)) - (v->valid ? pad((ov_words(v->rows) + 1) * 8) : 0));
    char *text = at;
    for (uint32_t i = 0; i < v->rows; i++) {
        bool there = !v->valid || ov_bits_test(v->valid, i);
        to[i] = (ov_slice){NULL, there ? from[i].n : 0};
        if (there && from[i].n) {
            memcpy(text, from[i].p, from[i].n);
            text += from[i].n;
        }
    }
    return at + pad((size_t)(text - at));
}

static ov_status put_vec(ovi_spill *f, const ov_vec *v, char **to, ov_error *err)
{
    char *at = *to;
    const ov_vec *child = child_of(v);
    bool has_valid = v->valid && (v->enc == OV_ENC_FLAT || v->enc == OV_ENC_LIST);
    vec_head h = {.type = v->type,
                  .enc = v->enc,
                  .lane = v->lane,
                  .raw = v->raw,
                  .is_null = v->is_null,
                  .has_valid = has_valid,
                  .has_bounds = v->has_bounds,
                  .has_child = child != NULL,
                  .rows = v->rows,
                  .base = v->base,
                  .divisor = v->divisor,
                  .min = v->min,
                  .max = v->max,
                  .text_bytes = text_bytes(v)};
    if (v->dict && (v->enc == OV_ENC_DICT || v->enc == OV_ENC_CONST))
        OV_TRY(domain_number(f, v->dict, &h.domain, err));
    if (v->enc == OV_ENC_CONST && !holds_slices(v->type) && !ov_type_is_list(v->type))
        memcpy(&h.value, &v->c, 8);
    memcpy(at, &h, sizeof(h));
    at += pad(sizeof(h));
    if (lane_bytes(v)) {
        if (!is_text_lanes(v))
            memcpy(at, v->data, (size_t)v->rows * v->lane);
        at += pad(lane_bytes(v));
    }
    if (has_valid) {
        ov_bits_copy((uint64_t *)(void *)at, v->valid, v->rows);
        at += pad((ov_words(v->rows) + 1) * 8);
    }
    if (v->enc == OV_ENC_LIST) {
        memcpy(at, v->offsets, ((size_t)v->rows + 1) * 4);
        at += pad(((size_t)v->rows + 1) * 4);
    }
    if (is_text_lanes(v)) {
        at = put_text(v, at);
    } else if (h.text_bytes) {
        memcpy(at, v->c.s.p, v->c.s.n);
        at += pad(h.text_bytes);
    }
    *to = at;
    return child ? put_vec(f, child, to, err) : OV_OK;
}

static ov_status add_block(ovi_spill *f, ovi_blocks *list, ovi_block block, ov_error *err)
{
    OV_TRY(ov_list_room(&f->exec->cx->budget, &list->at, list->count, &list->cap, 1, sizeof *list->at, err));
    list->at[list->count++] = block;
    list->rows += block.rows;
    list->bytes += block.bytes;
    return OV_OK;
}

/* The rows without a selection, and without runs. */
static ov_status plain(const ov_batch *b, ov_arena *scratch, ov_batch *out, ov_error *err)
{
    bool copy = b->sel != NULL;
    for (uint32_t c = 0; c < b->cols && !copy; c++)
        copy = b->col[c].enc == OV_ENC_RUN;
    if (copy)
        return ovi_batch_copy(b, scratch, out, err);
    *out = *b;
    return OV_OK;
}

static ov_status write_block(ovi_spill *f, const ov_batch *b, ovi_blocks *list, ov_arena *scratch, ov_error *err)
{
    size_t bytes = pad(sizeof(block_head));
    ov_batch rows;
    char *block, *at;
    OV_TRY(plain(b, scratch, &rows, err));
    for (uint32_t c = 0; c < rows.cols; c++)
        bytes += vec_bytes(&rows.col[c]);
    bytes += rows.weight ? pad((size_t)rows.rows * 8) : 0;
    if (bytes > UINT32_MAX)
        return ov_fail(err, OV_LIMIT, "%u rows of intermediate results have %zu bytes, more than fit into one block",
                       rows.rows, bytes);
    OV_TRY(ov_arena_lanes(scratch, bytes, &block, err));
    memset(block, 0, bytes);
    block_head h = {.rows = rows.rows, .cols = rows.cols, .has_weight = rows.weight != NULL};
    at = block + pad(sizeof(h));
    for (uint32_t c = 0; c < rows.cols; c++)
        OV_TRY(put_vec(f, &rows.col[c], &at, err));
    if (rows.weight)
        memcpy(at, rows.weight, (size_t)rows.rows * 8);
    memcpy(block, &h, sizeof(h));
    h.checksum = ov_checksum(block + 8, bytes - 8);
    memcpy(block, &h, sizeof(h));
    ovi_block place = {.bytes = (uint32_t)bytes, .rows = rows.rows};
    OV_TRY(open_once(f, err));
    OV_TRY(ov_spill_append(&f->file, block, bytes, &place.offset, err));
    atomic_fetch_add_explicit(&f->exec->cx->stats.spilled_bytes, bytes, memory_order_relaxed);
    return add_block(f, list, place, err);
}

ov_status ovi_spill_write(ovi_spill *f, const ov_batch *b, ovi_blocks *list, ov_arena *scratch, ov_error *err)
{
    OV_TRY(ov_query_alive(f->exec->cx, err));
    ov_arena_mark mark = ov_arena_mark_get(scratch);
    ov_status st = write_block(f, b, list, scratch, err);
    ov_arena_rewind(scratch, mark);
    return st;
}

/* ---- reading ---- */

typedef struct reader {
    ovi_spill *f;
    ov_arena *out;
    char *at, *end;
} reader;

/* *out points at the next n bytes; NULL when there are fewer. */
static ov_status take(reader *r, size_t n, void *out, ov_error *err)
{
    char *p = n <= (size_t)(r->end - r->at) ? r->at : NULL;
    memcpy(out, &p, sizeof(p));
    OV_CHECK_DATA(p, err, "a block of intermediate rows ends early");
    r->at += OV_MIN(pad(n), (size_t)(r->end - r->at));
    return OV_OK;
}

static ov_status take_domain(reader *r, uint32_t number, const ov_domain **out, ov_error *err)
{
    *out = NULL;
    if (!number)
        return OV_OK;
    ov_mutex_lock(&r->f->lock);
    if (number <= r->f->domain_count)
        *out = r->f->domains[number - 1];
    ov_mutex_unlock(&r->f->lock);
    OV_CHECK_DATA(*out, err, "a block of intermediate rows names a dictionary that is not there");
    return OV_OK;
}

static ov_status place_texts(const ov_vec *v, ov_slice *s, char *text, uint64_t bytes, ov_error *err)
{
    uint64_t at = 0;
    for (uint32_t i = 0; i < v->rows; i++) {
        OV_CHECK_DATA(s[i].n <= bytes - at, err, "texts of a block of intermediate rows end early");
        s[i].p = text + at;
        at += s[i].n;
    }
    return OV_OK;
}

static ov_status take_vec(reader *r, ov_vec *v, ov_error *err);

static ov_status take_child(reader *r, ov_vec *v, ov_error *err)
{
    ov_vec *child;
    OV_TRY(ov_arena_alloc(r->out, sizeof(*child), &child, err));
    OV_TRY(take_vec(r, child, err));
    if (v->enc == OV_ENC_CONST)
        v->c.list = child;
    else
        v->child = child;
    return OV_OK;
}

static ov_status take_vec(reader *r, ov_vec *v, ov_error *err)
{
    vec_head *h;
    ov_slice *lanes = NULL;
    char *text;
    OV_TRY(take(r, sizeof(*h), &h, err));
    *v = (ov_vec){.type = h->type,
                  .enc = h->enc,
                  .lane = h->lane,
                  .raw = h->raw,
                  .is_null = h->is_null,
                  .has_bounds = h->has_bounds,
                  .rows = h->rows,
                  .base = h->base,
                  .divisor = h->divisor,
                  .min = h->min,
                  .max = h->max};
    OV_TRY(take_domain(r, h->domain, &v->dict, err));
    if (lane_bytes(v)) {
        OV_TRY(take(r, lane_bytes(v), &lanes, err));
        v->data = lanes;
    }
    if (h->has_valid)
        OV_TRY(take(r, (ov_words(v->rows) + 1) * 8, &v->valid, err));
    if (v->enc == OV_ENC_LIST)
        OV_TRY(take(r, ((size_t)v->rows + 1) * 4, &v->offsets, err));
    if (is_text_lanes(v)) {
        OV_TRY(take(r, h->text_bytes, &text, err));
        OV_TRY(place_texts(v, lanes, text, h->text_bytes, err));
    } else if (v->enc == OV_ENC_CONST && holds_slices(v->type)) {
        OV_TRY(take(r, h->text_bytes, &text, err));
        v->c.s = ov_slice_make(text, h->text_bytes);
    } else if (v->enc == OV_ENC_CONST) {
        memcpy(&v->c, &h->value, 8);
    }
    return h->has_child ? take_child(r, v, err) : OV_OK;
}

ov_status ovi_spill_read(ovi_spill *f, const ovi_block *block, ov_arena *out, ov_batch *b, ov_error *err)
{
    reader r = {.f = f, .out = out};
    block_head h;
    OV_TRY(ov_query_alive(f->exec->cx, err));
    OV_TRY(ov_arena_lanes(out, block->bytes, &r.at, err));
    OV_TRY(ov_spill_read(&f->file, r.at, block->bytes, block->offset, err));
    r.end = r.at + block->bytes;
    memcpy(&h, r.at, sizeof(h));
    OV_CHECK_DATA(h.checksum == ov_checksum(r.at + 8, block->bytes - 8) && h.rows == block->rows, err,
                  "intermediate rows on disk were changed while the query ran");
    r.at += pad(sizeof(h));
    *b = (ov_batch){.rows = h.rows, .cols = h.cols, .sel_rows = h.rows};
    OV_TRY(ov_arena_alloc(out, OV_MAX(h.cols, 1) * sizeof(ov_vec), &b->col, err));
    for (uint32_t c = 0; c < h.cols; c++)
        OV_TRY(take_vec(&r, &b->col[c], err));
    return h.has_weight ? take(&r, (size_t)h.rows * 8, &b->weight, err) : OV_OK;
}
