/*
 * JSON_PATHS: the paths of all scalars and arrays of scalars of a value. Druid keeps them in a Java HashSet and prints
 * that set's order, which follows from the hashes of the paths; the same answers need the same order, so the set is
 * re-enacted: buckets by hash, within a bucket by insertion, which goes breadth first.
 */
#include "query/expr/json_int.h"

#include <stdlib.h>

typedef struct node {
    ov_jsonr_value value;
    struct node *parent;
    uint32_t hash; /* of the path, as java.util.List does it */
    int64_t index; /* -1: a name */
    ov_slice name;
    struct node *next;
} node;

typedef struct walk {
    ovi_call *c;
    node *tail; /* of the containers to open */
    node **leaves;
    uint32_t leaf_count, leaf_cap;
} walk;

/* String.hashCode: over UTF-16 units. */
static uint32_t name_hash(ov_slice s)
{
    uint32_t h = 0;
    for (size_t i = 0; i < s.n;) {
        unsigned char b = (unsigned char)s.p[i];
        size_t n = b < 0x80 ? 1 : b < 0xE0 ? 2 : b < 0xF0 ? 3 : 4;
        uint32_t code = n == 1 ? b : b & (0xFFu >> (n + 1));
        for (size_t k = 1; k < n && i + k < s.n; k++)
            code = code << 6 | ((unsigned char)s.p[i + k] & 63);
        if (code >= 0x10000) {
            h = 31 * h + (0xD800 + ((code - 0x10000) >> 10));
            code = 0xDC00 + ((code - 0x10000) & 0x3FF);
        }
        h = 31 * h + code;
        i += n;
    }
    return h;
}

static ov_status add_leaf(walk *w, node *n, ov_error *err)
{
    OV_TRY(ov_arena_room(w->c->mem, &w->leaves, w->leaf_count, &w->leaf_cap, 1, sizeof *w->leaves, err));
    w->leaves[w->leaf_count++] = n;
    return OV_OK;
}

/* Scalars, and arrays that hold nothing nested. */
static bool is_leaf(const ov_jsonr_value *v)
{
    ov_jsonr_value item;
    if (v->kind == OV_JSONR_ARRAY)
        for (ov_jsonr in = ov_jsonr_open(v); ov_jsonr_next(&in, &item);)
            if (item.kind >= OV_JSONR_ARRAY)
                return false;
    return v->kind != OV_JSONR_OBJECT;
}

static ov_status open_node(walk *w, node *parent, ov_error *err)
{
    ov_jsonr_value item;
    uint32_t i = 0;
    if (is_leaf(&parent->value)) /* arrays of scalars turn out to be leaves when it is their turn */
        return add_leaf(w, parent, err);
    for (ov_jsonr in = ov_jsonr_open(&parent->value); ov_jsonr_next(&in, &item); i++) {
        node *n;
        OV_TRY(ov_arena_zalloc(w->c->mem, sizeof *n, &n, err));
        n->value = item;
        n->parent = parent;
        n->index = parent->value.kind == OV_JSONR_ARRAY ? (int64_t)i : -1;
        if (n->index < 0) {
            ov_jsonr_value key = {.kind = OV_JSONR_STRING, .text = item.key, .escaped = item.key_escaped};
            OV_TRY(ovi_json_scalar_text(&key, w->c->mem, &n->name, err));
        }
        n->hash = 31 * parent->hash + 31 + (n->index < 0 ? name_hash(n->name) : i);
        if (item.kind < OV_JSONR_ARRAY) {
            OV_TRY(add_leaf(w, n, err));
        } else {
            w->tail->next = n;
            w->tail = n;
        }
    }
    return OV_OK; /* empty objects have no path of their own */
}

/* Depth is bounded by OV_JSONR_DEPTH. */
static void path_text(const node *n, ov_buf *out)
{
    if (!n->parent) {
        ov_buf_add_char(out, '$');
        return;
    }
    path_text(n->parent, out);
    if (n->index < 0) {
        ov_buf_add_char(out, '.');
        ov_buf_add_slice(out, n->name);
    } else {
        ov_buf_addf(out, "[%lld]", (long long)n->index);
    }
}

static int by_number(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

/* Bucket and insertion order of each leaf, as java.util.HashMap would walk them. */
static ov_status set_order(const walk *w, uint64_t **out, ov_error *err)
{
    uint32_t buckets = 16;
    while (w->leaf_count > buckets / 4 * 3)
        buckets *= 2;
    OV_TRY(ov_arena_alloc(w->c->mem, (w->leaf_count + (size_t)1) * sizeof **out, out, err));
    for (uint32_t i = 0; i < w->leaf_count; i++) {
        uint32_t h = w->leaves[i]->hash;
        (*out)[i] = (uint64_t)((h ^ h >> 16) & (buckets - 1)) << 32 | i;
    }
    qsort(*out, w->leaf_count, sizeof **out, by_number);
    return OV_OK;
}

static ov_status add_paths(walk *w, ovi_list *l, ov_error *err)
{
    ov_buf text;
    uint64_t *order;
    OV_TRY(set_order(w, &order, err));
    ov_buf_init(&text);
    ov_status st = OV_OK;
    for (uint32_t i = 0; st == OV_OK && i < w->leaf_count; i++) {
        uint32_t at;
        st = ovi_list_add(l, &at, err);
        ov_buf_clear(&text);
        path_text(w->leaves[(uint32_t)order[i]], &text);
        if (st == OV_OK)
            st = ovi_keep_text(w->c, &text, &l->lanes.s[at], err);
    }
    ov_buf_fini(&text);
    return st;
}

static ov_status one_row(ovi_call *c, const ov_jsonr_value *v, ovi_list *l, ov_error *err)
{
    walk w = {.c = c};
    node root = {.value = *v, .hash = 1};
    w.tail = &root;
    for (node *n = &root; n; n = n->next)
        OV_TRY(open_node(&w, n, err));
    return add_paths(&w, l, err);
}

ov_status ovi_eval_json_paths(ovi_call *c, ov_vec *out, ov_error *err)
{
    const uint32_t *rows;
    uint32_t n;
    ovi_list l;
    ov_jsonr_value v;
    OV_TRY(ovi_rows(c, &rows, &n, err));
    OV_TRY(ovi_list_init(&l, c, OV_T(OV_TYPE_STRING), err));
    for (uint32_t k = 0; k < n; k++) {
        if (ovi_arg_null(&c->arg[0], rows[k]) || !ov_jsonr_read(ovi_str(&c->arg[0], rows[k]), &v, NULL, NULL))
            v = (ov_jsonr_value){.kind = OV_JSONR_NULL}; /* whose only path is the root, as in Druid */
        ovi_list_row(&l, rows[k]);
        OV_TRY(one_row(c, &v, &l, err));
    }
    return ovi_list_finish(&l, out, err);
}
