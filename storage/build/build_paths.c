/*
 * Sub-columns of a JSON column (docs/segment-format.md, section 3): one for each path that leads to scalars or to arrays
 * of scalars, made when the segment is sealed.
 *
 * The texts of the column's dictionary are walked twice. The first walk finds the paths and what kinds of values they
 * lead to; then the most frequent paths are chosen and typed; the second walk appends the values, a place per text.
 * In the end each sub-column is brought from the order of texts into that of rows. So work is done once per distinct
 * text, and memory is that of encoded blocks.
 *
 * What is found is a tree of names. A name that occurs twice within one object would need a rule for what lies below
 * it; such paths get no sub-column, and readers use the text.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "base/bits.h"
#include "base/bytes.h"
#include "base/hash.h"
#include "base/jsonr.h"
#include "base/numparse.h"
#include "base/utf8.h"
#include "storage/build/build_int.h"
#include "storage/segment/path_name.h"
#include "storage/segment/path_scan.h"

enum {
    MAX_NODES = 1 << 14,  /* names looked at */
    SLOTS = 1 << 15,      /* of the table of names, at most half full */
    MAX_PATHS = 1000,     /* sub-columns */
    CELLS_PER_VALUE = 16, /* places of all sub-columns for each value found: rare paths are not worth theirs */
    FREE_CELLS = 1 << 20,
    PENDING = 256,
};

/* What the values of a path are. */
enum { KIND_LONG = 1, KIND_REAL = 2, KIND_TEXT = 4, KIND_OTHER = 8 };

typedef struct node {
    struct node *parent, *next; /* the name that was met behind this one */
    ov_slice name;
    uint64_t hash;
    uint32_t depth, path_bytes;
    uint32_t seen;  /* the last text that has it */
    uint32_t texts; /* that have a value here */
    uint8_t kinds;
    bool twice; /* some object had the name twice */
    struct output *to;
} node;

/* A sub-column and values not yet pushed. */
typedef struct output {
    ovi_column column;
    ov_slice name;
    uint32_t rows; /* handed over, pending ones included */
    uint32_t pending;
    int64_t values[PENDING];
    uint64_t valid[PENDING / 64];
} output;

typedef struct walk {
    const ovi_column *json;
    ov_arena mem;
    node *root;
    node **slots;
    uint32_t node_count, text, first_text;
    uint64_t values;
    bool complete, filling;
    uint64_t *good; /* texts that are JSON */
    ov_buf name;
} walk;

/* ---- the tree of names ---- */

static ov_status new_node(walk *w, node *parent, ov_slice name, uint64_t hash, node **out, ov_error *err)
{
    node *n;
    OV_TRY(ov_arena_zalloc(&w->mem, sizeof *n, &n, err));
    OV_TRY(ov_arena_copy(&w->mem, name, &n->name, err));
    n->parent = parent;
    n->hash = hash;
    n->depth = parent ? parent->depth + 1 : 0;
    n->path_bytes = parent ? parent->path_bytes + (uint32_t)(2 * name.n) + 4 : 1;
    w->node_count++;
    *out = n;
    return OV_OK;
}

/* The child of that name; *out NULL when it is unknown and may not be added. */
static ov_status child_of(walk *w, node *parent, ov_slice name, node **out, ov_error *err)
{
    uint64_t hash = ov_hash_combine(parent->hash, ov_hash_slice(name));
    uint32_t at = (uint32_t)(hash & (SLOTS - 1));
    for (; w->slots[at]; at = (at + 1) & (SLOTS - 1)) {
        *out = w->slots[at];
        if ((*out)->hash == hash && (*out)->parent == parent && ov_slice_eq((*out)->name, name))
            return OV_OK;
    }
    *out = NULL;
    if (w->filling || w->node_count == MAX_NODES || parent->depth == OV_PATH_DEPTH ||
        name.n > OV_PATH_NAME_BYTES || parent->path_bytes + 2 * name.n + 4 > OV_PATH_NAME_BYTES)
        return OV_OK;
    OV_TRY(new_node(w, parent, name, hash, out, err));
    w->slots[at] = *out;
    return OV_OK;
}

/* The same for a member, first trying the name that followed `last` before: objects mostly look alike. */
static ov_status member_of(walk *w, node *parent, node *last, const ov_jsonr_value *item, node **out, ov_error *err)
{
    ov_slice name = item->key;
    if (item->key_escaped) {
        ov_buf_clear(&w->name);
        ov_jsonr_unescape(item->key, &w->name);
        OV_TRY(ov_buf_check(&w->name, err));
        name = ov_buf_slice(&w->name);
    }
    if (last && last->next && ov_slice_eq(last->next->name, name)) {
        *out = last->next;
        return OV_OK;
    }
    OV_TRY(child_of(w, parent, name, out, err));
    if (last && *out)
        last->next = *out;
    return OV_OK;
}

/* ---- values ---- */

static uint8_t kind_of_value(const ov_jsonr_value *v)
{
    int64_t i;
    double d;
    switch ((ov_jsonr_kind)v->kind) {
    case OV_JSONR_INT: /* "-0" prints as it stands */
        return ov_parse_i64(v->text, &i) && (i != 0 || v->text.p[0] != '-') ? KIND_LONG : KIND_OTHER;
    case OV_JSONR_REAL:
        return ov_parse_double(v->text, &d) && isfinite(d) ? KIND_REAL : KIND_OTHER;
    case OV_JSONR_STRING:
        return ov_utf8_valid(v->text) ? KIND_TEXT : KIND_OTHER;
    default:
        return KIND_OTHER;
    }
}

static ov_status flush(output *o, ov_error *err)
{
    uint32_t n = o->pending;
    o->pending = 0;
    if (n == 0)
        return OV_OK;
    bool codes = o->column.kind == OVI_CODE;
    OV_TRY(ovi_column_push(&o->column, o->values, codes || ov_bits_all(o->valid, n) ? NULL : o->valid, NULL, n, err));
    memset(o->valid, 0, sizeof o->valid);
    return OV_OK;
}

/* NULLs up to row `rows`. */
static ov_status fill_gap(output *o, uint32_t rows, ov_error *err)
{
    while (o->rows < rows) {
        uint32_t n = OV_MIN(rows - o->rows, (uint32_t)PENDING - o->pending);
        memset(o->values + o->pending, 0, n * sizeof *o->values);
        o->pending += n;
        o->rows += n;
        if (o->pending == PENDING)
            OV_TRY(flush(o, err));
    }
    return OV_OK;
}

static ov_status text_code(walk *w, output *o, const ov_jsonr_value *v, int64_t *bits, ov_error *err)
{
    ov_slice text = v->text;
    uint32_t code;
    if (v->kind == OV_JSONR_STRING && o->column.def.type.id == OV_TYPE_COMPLEX) {
        text = ov_slice_make(text.p - 1, text.n + 2); /* with its quotes */
    } else if (v->kind == OV_JSONR_STRING && v->escaped) {
        ov_buf_clear(&w->name);
        ov_jsonr_unescape(v->text, &w->name);
        OV_TRY(ov_buf_check(&w->name, err));
        text = ov_buf_slice(&w->name);
    }
    OV_TRY(ovi_dict_add(&o->column.dict, text, &code, err));
    *bits = code;
    return OV_OK;
}

static ov_status put_value(walk *w, output *o, const ov_jsonr_value *v, ov_error *err)
{
    int64_t bits = 0;
    double d = 0;
    OV_TRY(fill_gap(o, w->text - w->first_text, err));
    if (o->column.kind == OVI_CODE) {
        OV_TRY(text_code(w, o, v, &bits, err));
    } else if (o->column.kind == OVI_INT) {
        (void)ov_parse_i64(v->text, &bits); /* it was one in the first walk */
    } else {
        (void)ov_parse_double(v->text, &d);
        bits = (int64_t)ov_f64_bits(d);
    }
    o->values[o->pending] = bits;
    ov_bits_set(o->valid, o->pending++);
    o->rows++;
    return o->pending == PENDING ? flush(o, err) : OV_OK;
}

/* A scalar or an array of scalars. */
static ov_status leaf(walk *w, node *n, const ov_jsonr_value *v, ov_error *err)
{
    if (w->filling)
        return n->to ? put_value(w, n->to, v, err) : OV_OK;
    n->kinds |= kind_of_value(v);
    n->texts++;
    w->values++;
    return OV_OK;
}

/* ---- walking over a text ---- */

static ov_status visit(walk *w, node *n, ovi_path_scan *s, ov_error *err);

static ov_status visit_members(walk *w, node *n, ovi_path_scan *s, ov_error *err)
{
    node *last = NULL, *at;
    bool nested;
    for (s->at++, ovi_path_scan_blanks(s); s->at < s->end && *s->at != '}';) {
        ov_jsonr_value item = {0};
        item.key = ovi_path_scan_quoted(s, &item.key_escaped);
        ovi_path_scan_blanks(s);
        s->at++; /* the colon */
        ovi_path_scan_blanks(s);
        OV_TRY(member_of(w, n, last, &item, &at, err));
        if (at) {
            OV_TRY(visit(w, at, s, err));
            last = at;
        } else { /* what is below is passed over */
            w->complete = false;
            if (s->at < s->end && *s->at == '"')
                ovi_path_scan_quoted(s, &nested);
            else if (s->at < s->end && (*s->at == '{' || *s->at == '['))
                ovi_path_scan_container(s, &nested);
            else
                ovi_path_scan_bare(s, &item.text);
        }
        ovi_path_scan_blanks(s);
        if (s->at < s->end && *s->at == ',')
            s->at++;
        ovi_path_scan_blanks(s);
    }
    s->at++;
    return OV_OK;
}

/* The value at s, which is that of n. Not deeper than OV_PATH_DEPTH. */
static ov_status visit(walk *w, node *n, ovi_path_scan *s, ov_error *err)
{
    ov_jsonr_value v = {0};
    bool nested = false;
    if (!w->filling && n->seen == w->text)
        n->twice = true;
    n->seen = w->text;
    if (*s->at == '{' && !n->twice)
        return visit_members(w, n, s, err);
    if (*s->at == '{' || *s->at == '[') {
        v.kind = *s->at == '{' ? OV_JSONR_OBJECT : OV_JSONR_ARRAY;
        v.text = ovi_path_scan_container(s, &nested);
    } else if (*s->at == '"') {
        v.kind = OV_JSONR_STRING;
        v.text = ovi_path_scan_quoted(s, &v.escaped);
    } else {
        v.kind = ovi_path_scan_bare(s, &v.text);
    }
    if (v.kind == OV_JSONR_NULL || v.kind == OV_JSONR_OBJECT || nested || n->twice)
        return OV_OK;
    return leaf(w, n, &v, err);
}

static ov_status walk_texts(walk *w, bool filling, ov_error *err)
{
    ov_jsonr_value v;
    w->filling = filling;
    for (w->text = 1; w->text < w->json->dict.count; w->text++) {
        ov_slice text = w->json->dict.entries[w->text];
        if (!filling && ov_jsonr_read(text, &v, NULL, NULL))
            ov_bits_set(w->good, w->text);
        ovi_path_scan s = {.at = text.p, .end = text.p + text.n};
        ovi_path_scan_blanks(&s);
        if (ov_bits_test(w->good, w->text))
            OV_TRY(visit(w, w->root, &s, err));
    }
    return OV_OK;
}

/* ---- which paths ---- */

static int by_texts(const void *a, const void *b)
{
    const node *x = *(node *const *)a, *y = *(node *const *)b;
    if (x->texts != y->texts)
        return x->texts < y->texts ? 1 : -1;
    return 0;
}

static bool has_rule(const node *n)
{
    for (; n; n = n->parent)
        if (n->twice)
            return false;
    return true;
}

static void add_names(const node *n, ov_buf *path)
{
    if (!n->parent) {
        ov_buf_add_char(path, '$');
        return;
    }
    add_names(n->parent, path);
    ov_path_name_add(path, n->name);
}

static ov_type type_of(uint8_t kinds)
{
    if (kinds == KIND_LONG)
        return OV_T(OV_TYPE_LONG);
    if (kinds == KIND_REAL)
        return OV_T(OV_TYPE_DOUBLE);
    if (kinds == KIND_TEXT)
        return OV_T(OV_TYPE_STRING);
    return (ov_type){.id = OV_TYPE_COMPLEX, .complex = OV_COMPLEX_JSON};
}

static ov_status open_output(walk *w, node *n, ov_arena *out, ov_error *err)
{
    output *o;
    OV_TRY(ov_arena_zalloc(&w->mem, sizeof *o, &o, err));
    ov_buf_clear(&w->name);
    add_names(n, &w->name);
    OV_TRY(ov_buf_check(&w->name, err));
    OV_TRY(ov_arena_copy(out, ov_buf_slice(&w->name), &o->name, err));
    ov_type t = type_of(n->kinds);
    ov_build_column def = {.name = o->name,
                           .type = t,
                           .role = OV_ROLE_DIMENSION,
                           .indexed = t.id == OV_TYPE_STRING || t.id == OV_TYPE_LONG};
    n->to = o; /* from here on it is freed with the others */
    return ovi_column_init(&o->column, &def, w->json->budget, err);
}

/* Nodes with values, the most frequent first. */
static ov_status choose(walk *w, node ***out, uint32_t *count, ov_arena *names, ov_error *err)
{
    uint32_t n = 0, chosen = 0;
    OV_TRY(ov_arena_alloc(&w->mem, ((size_t)w->node_count + 1) * sizeof **out, out, err));
    for (uint32_t i = 0; i < SLOTS; i++)
        if (w->slots[i]) {
            w->complete = w->complete && !w->slots[i]->twice;
            if (w->slots[i]->texts && has_rule(w->slots[i]))
                (*out)[n++] = w->slots[i];
        }
    if (w->root->texts)
        (*out)[n++] = w->root;
    qsort(*out, n, sizeof **out, by_texts);
    *count = 0;
    uint64_t cells = FREE_CELLS + w->values * CELLS_PER_VALUE;
    while (chosen < n && chosen < MAX_PATHS && (uint64_t)(chosen + 1) * w->json->dict.count <= cells) {
        *count = chosen + 1;
        OV_TRY(open_output(w, (*out)[chosen++], names, err));
    }
    w->complete = w->complete && chosen == n;
    return OV_OK;
}

/* ---- into the order of rows ---- */

/* The text of each row; perm[i] == i + 1 everywhere when *in_order. */
static ov_status texts_of_rows(const ovi_column *json, ovi_order *order, bool *in_order, ov_error *err)
{
    int64_t values[OV_BATCH_ROWS];
    *order = (ovi_order){.rows = (uint32_t)json->rows};
    OV_TRY(ovi_grow(&order->perm, &order->perm_cap, json->rows, sizeof *order->perm, json->budget, err));
    *in_order = json->rows + 1 == json->dict.count;
    for (uint32_t b = 0, row = 0; b < json->block_count; b++) {
        uint32_t rows = ovi_column_decode(json, b, values, NULL);
        for (uint32_t i = 0; i < rows; i++, row++) {
            order->perm[row] = (uint32_t)values[i];
            *in_order = *in_order && order->perm[row] == row + 1;
        }
    }
    return OV_OK;
}

static ov_status finish_output(const walk *w, output *o, const ovi_order *order, bool in_order, ov_error *err)
{
    OV_TRY(fill_gap(o, w->json->dict.count - w->first_text, err));
    OV_TRY(flush(o, err));
    OV_TRY(ovi_column_flush(&o->column, err));
    if (!in_order)
        OV_TRY(ovi_column_reorder(&o->column, order, err));
    ovi_shrink(&o->column.active, &o->column.active_cap, sizeof *o->column.active, w->json->budget);
    return OV_OK;
}

static int by_name(const void *a, const void *b)
{
    const ovi_column *x = a, *y = b;
    return ov_slice_cmp(x->def.name, y->def.name);
}

static ov_status make_columns(walk *w, node **nodes, uint32_t count, ov_arena *out, ovi_paths *p, ov_error *err)
{
    ovi_order order;
    bool in_order = false;
    ov_status st = texts_of_rows(w->json, &order, &in_order, err);
    w->first_text = in_order; /* NULL, text 0, is in no row then */
    if (st == OV_OK)
        st = walk_texts(w, true, err);
    for (uint32_t i = 0; st == OV_OK && i < count; i++)
        st = finish_output(w, nodes[i]->to, &order, in_order, err);
    ovi_order_fini(&order, w->json->budget);
    OV_TRY(st);
    OV_TRY(ov_arena_alloc(out, (size_t)count * sizeof *p->columns, &p->columns, err));
    OV_TRY(ov_arena_zalloc(out, (size_t)count * sizeof *p->files, &p->files, err));
    for (uint32_t i = 0; i < count; i++) {
        p->columns[i] = nodes[i]->to->column;
        nodes[i]->to = NULL;
    }
    qsort(p->columns, count, sizeof *p->columns, by_name);
    p->count = count;
    return OV_OK;
}

ov_status ovi_paths_build(const ovi_column *json, ov_arena *out, ovi_paths *p, ov_error *err)
{
    walk w = {.json = json, .complete = true};
    node **nodes = NULL;
    uint32_t count = 0;
    ov_status st;
    *p = (ovi_paths){0};
    ov_arena_init(&w.mem, "JSON paths", json->budget);
    ov_buf_init(&w.name);
    OV_TRY_OUT(st, ov_arena_zalloc(&w.mem, SLOTS * sizeof *w.slots, &w.slots, err));
    OV_TRY_OUT(st, ov_arena_zalloc(&w.mem, ov_words(json->dict.count) * 8, &w.good, err));
    OV_TRY_OUT(st, new_node(&w, NULL, (ov_slice){0}, 1, &w.root, err));
    OV_TRY_OUT(st, walk_texts(&w, false, err));
    OV_TRY_OUT(st, choose(&w, &nodes, &count, out, err));
    if (count)
        OV_TRY_OUT(st, make_columns(&w, nodes, count, out, p, err));
    p->complete = w.complete;
out:
    for (uint32_t i = 0; i < count; i++)
        if (nodes[i]->to)
            ovi_column_fini(&nodes[i]->to->column);
    ov_buf_fini(&w.name);
    ov_arena_fini(&w.mem);
    return st;
}

/* ---- into the file ---- */

static ov_status write_one(ovi_writer *w, ovi_column *c, ovi_file_column *f, ov_error *err)
{
    ovi_sorted sorted = {0}, none = {0};
    ov_status st = OV_OK;
    if (c->kind == OVI_CODE)
        st = ovi_sort_values(&c->dict, OVI_VALUE_BYTES, c->nulls > 0, c->budget, &sorted, err);
    if (st == OV_OK)
        st = ovi_write_column(w, c, &sorted, &none, NULL, f, err);
    ovi_sorted_fini(&sorted, c->budget);
    return st;
}

ov_status ovi_paths_write(ovi_writer *w, ovi_paths *p, ov_error *err)
{
    ov_status st = OV_OK;
    for (uint32_t i = 0; i < p->count; i++) {
        if (st == OV_OK)
            st = write_one(w, &p->columns[i], &p->files[i], err);
        ovi_column_fini(&p->columns[i]); /* definition and counts stay for the directory */
    }
    return st;
}
