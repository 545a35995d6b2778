/*
 * Declarations of keys: the cursor "keys/<datasource>", the list of what is declared, and changes that are about keys alone.
 */
#include "storage/catalog/keys_int.h"

#include "base/json.h"
#include "base/jsonw.h"
#include "base/os.h"

/* ---- declarations ---- */

static ov_status keys_key(ov_arena *a, ov_slice datasource, ov_slice *out, ov_error *err)
{
    return ov_arena_printf(a, out, err, "keys/" OV_SLICE_FMT, OV_SLICE_ARG(datasource));
}

static ov_status copy_spec(ov_arena *a, const ov_key_spec *from, ov_key_spec *to, ov_error *err)
{
    ov_slice *columns;
    OV_TRY(ov_arena_alloc(a, (from->count + 1u) * sizeof *columns, &columns, err));
    for (uint32_t i = 0; i < from->count; i++)
        OV_TRY(ov_arena_copy(a, from->columns[i], &columns[i], err));
    *to = (ov_key_spec){.columns = columns, .count = from->count, .retain_ms = from->retain_ms};
    return from->version.n ? ov_arena_copy(a, from->version, &to->version, err) : OV_OK;
}

static void print_keys(const ovi_keys *k, ov_buf *out)
{
    ov_jsonw w;
    ov_jsonw_init(&w, out);
    ov_jsonw_open_object(&w, NULL);
    ov_jsonw_open_array(&w, "columns");
    for (uint32_t i = 0; i < k->spec.count; i++)
        ov_jsonw_str(&w, NULL, k->spec.columns[i]);
    ov_jsonw_close_array(&w);
    ov_jsonw_str(&w, "version", k->spec.version);
    ov_jsonw_i64(&w, "retainMs", k->spec.retain_ms);
    ov_jsonw_i64(&w, "readableMs", k->readable_ms);
    ov_jsonw_close_object(&w);
}

ov_status ovi_keys_store(ov_catalog *cat, const ovi_keys *k, ov_error *err)
{
    ov_arena a;
    ov_slice key;
    ov_buf text;
    ov_arena_init(&a, "keys", NULL);
    ov_buf_init(&text);
    print_keys(k, &text);
    ov_status st = ov_buf_check(&text, err);
    if (st == OV_OK)
        st = keys_key(&a, k->name, &key, err);
    if (st == OV_OK)
        st = ovi_cursor_set(cat, key, ov_buf_slice(&text), err);
    ov_buf_fini(&text);
    ov_arena_fini(&a);
    return st;
}

static ov_status parse_keys(ov_slice text, ov_arena *a, ovi_keys *k, ov_error *err)
{
    ov_json *doc;
    const ov_json *columns;
    ov_slice *list;
    OV_TRY(ov_json_parse(text, NULL, a, &doc, err));
    OV_TRY(ov_json_need_arr(doc, "columns", &columns, err));
    OV_CHECK_DATA(columns->count >= 1 && columns->count <= OV_KEY_COLUMNS, err, "a declaration of keys names %u columns",
                  columns->count);
    OV_TRY(ov_arena_alloc(a, columns->count * sizeof *list, &list, err));
    for (const ov_json *c = columns->first; c; c = c->next) {
        OV_CHECK_DATA(c->kind == OV_JSON_STRING, err, "a declaration of keys is malformed");
        list[k->spec.count++] = c->s;
    }
    k->spec.columns = list;
    OV_TRY(ov_json_str(doc, "version", (ov_slice){0}, &k->spec.version, err));
    OV_TRY(ov_json_need_i64(doc, "retainMs", &k->spec.retain_ms, err));
    return ov_json_need_i64(doc, "readableMs", &k->readable_ms, err);
}

static void free_keys(ovi_keys *k)
{
    ovi_key_drop_index(k);
    ov_mutex_fini(&k->lock);
    ov_arena_fini(&k->arena);
    ov_free(k);
}

void ovi_keys_free(ov_catalog *cat)
{
    for (ovi_keys *k = cat->keys, *after; k; k = after) {
        after = k->after;
        free_keys(k);
    }
    cat->keys = NULL;
    ovi_pending_clear(cat);
    ov_free(cat->pending);
}

static ov_status make_keys(ov_slice name, ovi_keys **out, ov_error *err)
{
    ovi_keys *k = ov_calloc(1, sizeof *k);
    if (!k)
        return ov_fail_nomem(err, sizeof *k);
    ov_mutex_init(&k->lock);
    ov_arena_init(&k->arena, "keys", NULL);
    *out = k;
    return ov_arena_copy(&k->arena, name, &k->name, err);
}

static void list_keys(ov_catalog *cat, ovi_keys *k)
{
    ov_mutex_lock(&cat->keys_lock);
    k->after = cat->keys;
    cat->keys = k;
    ov_mutex_unlock(&cat->keys_lock);
}

static ov_status add_known(ov_catalog *cat, const ov_cursor_row *row, ov_error *err)
{
    ov_slice prefix = OV_SLICE_LIT("keys/");
    ov_slice name = ov_slice_make(row->key.p + prefix.n, row->key.n - prefix.n);
    ovi_keys *k = ovi_keys_find(cat, name);
    if (k && (cat->writer || ov_slice_eq(k->text, row->value)))
        return OV_OK;
    ov_status st = make_keys(name, &k, err); /* readers: a newer one stands before the older */
    if (st == OV_OK)
        st = ov_arena_copy(&k->arena, row->value, &k->text, err);
    if (st == OV_OK)
        st = parse_keys(k->text, &k->arena, k, err);
    if (st != OV_OK) {
        ov_error_context(err, "keys of '" OV_SLICE_FMT "'", OV_SLICE_ARG(name));
        if (k)
            free_keys(k);
        return st;
    }
    list_keys(cat, k);
    return OV_OK;
}

ov_status ovi_keys_load(ov_catalog *cat, ov_error *err)
{
    ov_arena a;
    ov_cursor_row *rows;
    uint32_t n;
    ov_arena_init(&a, "keys", NULL);
    ov_status st = ovi_cursor_rows(cat, OV_SLICE_LIT("keys/"), &a, &rows, &n, err);
    for (uint32_t i = 0; i < n && st == OV_OK; i++)
        st = add_known(cat, &rows[i], err);
    ov_arena_fini(&a);
    return st;
}

bool ovi_keys_some(ov_catalog *cat)
{
    ov_mutex_lock(&cat->keys_lock);
    bool some = cat->keys != NULL;
    ov_mutex_unlock(&cat->keys_lock);
    return some;
}

ovi_keys *ovi_keys_find(ov_catalog *cat, ov_slice datasource)
{
    ov_mutex_lock(&cat->keys_lock);
    ovi_keys *k = cat->keys;
    while (k && !(k->spec.count && ov_slice_eq(k->name, datasource)))
        k = k->after;
    ov_mutex_unlock(&cat->keys_lock);
    return k;
}

bool ovi_keys_lock(ov_catalog *cat, ovi_keys *k)
{
    ov_mutex_lock(&k->lock);
    ov_mutex_lock(&cat->keys_lock);
    bool declared = k->spec.count > 0;
    ov_mutex_unlock(&cat->keys_lock);
    if (!declared)
        ov_mutex_unlock(&k->lock);
    return declared;
}

ov_status ov_catalog_keys_get(ov_catalog *cat, ov_slice datasource, ov_arena *out, ov_key_spec *spec, ov_error *err)
{
    *spec = (ov_key_spec){0};
    const ovi_keys *k = ovi_keys_find(cat, datasource);
    if (!k)
        return OV_OK;
    ov_mutex_lock(&cat->keys_lock);
    ov_status st = copy_spec(out, &k->spec, spec, err);
    ov_mutex_unlock(&cat->keys_lock);
    return st;
}

int64_t ov_keys_instant(ov_catalog *cat, ov_slice datasource)
{
    ovi_keys *k = ovi_keys_find(cat, datasource);
    int64_t now = ov_now_ms();
    return k ? OV_MAX(now, atomic_load(&k->last_ms)) : now;
}

int64_t ov_keys_horizon(ov_catalog *cat, ov_slice datasource)
{
    const ovi_keys *k = ovi_keys_find(cat, datasource);
    if (!k)
        return OV_DEAD_LONG_AGO;
    ov_mutex_lock(&cat->keys_lock);
    int64_t since = k->spec.retain_ms > 0 ? ov_now_ms() - k->spec.retain_ms : INT64_MAX;
    ov_mutex_unlock(&cat->keys_lock);
    return since;
}

/* ---- changes that are about keys alone ---- */

/* The run as a transaction of its own. */
static ov_status commit_run(ovi_key_run *r, ov_error *err)
{
    ov_arena a;
    ov_snapshot *next = NULL;
    ov_catalog *cat = r->cat;
    ovi_key_marks marks;
    ov_arena_init(&a, "keys", NULL);
    ov_status st = ovi_keys_marks(r, &a, &marks, err);
    marks.flushed = true;
    ov_live_change change = {.datasource = r->k->name, .marks = &marks};
    if (st == OV_OK)
        st = ovi_change_begin(cat, err);
    if (st == OV_OK) {
        st = ovi_keys_store(cat, r->k, err);
        if (st == OV_OK)
            st = ovi_keys_write(r, NULL, 0, err);
        if (st == OV_OK && r->ds)
            st = ovi_datasource_touch(cat, r->k->name, err);
        if (st == OV_OK)
            st = ovi_snapshot_build(cat, &next, err);
        ovi_pending_clear(cat);
        st = ovi_change_end_live(cat, st, next, &change, 1, NULL, err);
    }
    ov_arena_fini(&a);
    return st;
}

/* Under `lock`. Rows in memory are collapsed with the others when the index is made. */
static ov_status run_alone(ov_catalog *cat, ovi_keys *k, ov_error *err)
{
    ovi_key_run r;
    OV_TRY(ovi_key_run_open(&r, cat, k, err));
    ov_status st = commit_run(&r, err);
    ovi_key_run_close(&r, st == OV_OK, NULL);
    return st;
}

static bool same_keys(const ov_key_spec *a, const ov_key_spec *b)
{
    bool same = a->count == b->count && ov_slice_eq(a->version, b->version);
    for (uint32_t i = 0; same && i < a->count; i++)
        same = ov_slice_eq(a->columns[i], b->columns[i]);
    return same;
}

static ov_status check_spec(const ov_key_spec *s, ov_error *err)
{
    if (s->count == 0 || s->count > OV_KEY_COLUMNS)
        return ov_fail(err, OV_INVALID, "keys have 1 to %d columns, %u are named", OV_KEY_COLUMNS, s->count);
    for (uint32_t i = 0; i < s->count; i++) {
        if (s->columns[i].n == 0)
            return ov_fail(err, OV_INVALID, "a key column has no name");
        for (uint32_t j = 0; j < i; j++)
            if (ov_slice_eq(s->columns[i], s->columns[j]))
                return ov_fail(err, OV_INVALID, "the key column '" OV_SLICE_FMT "' is named twice",
                               OV_SLICE_ARG(s->columns[i]));
    }
    if (s->retain_ms < 0)
        return ov_fail(err, OV_INVALID, "superseded rows cannot be retained for less than no time");
    return OV_OK;
}

static bool has_rows(ov_catalog *cat, ov_slice datasource)
{
    ov_snapshot *snap = ov_catalog_snapshot(cat);
    const ov_datasource *ds = ov_snapshot_find(snap, datasource);
    bool has = ds && ds->segment_count > 0;
    ov_snapshot_release(snap);
    return has;
}

/* Changes that began without keys are over, and visible, or will see the keys before they do anything. */
static void wait_for_changes(ov_catalog *cat)
{
    ov_mutex_lock(&cat->write);
    ov_mutex_unlock(&cat->write);
    ov_mutex_lock(&cat->live);
    ov_mutex_unlock(&cat->live);
}

/* Listed first, so that no row comes in between what is looked at here and the next change, which waits for the lock. When it
 * fails others may know of it already: it stays in the list, without columns, which nobody finds. */
static ov_status declare_new(ov_catalog *cat, ov_slice datasource, const ov_key_spec *spec, ov_error *err)
{
    ovi_keys *k = NULL;
    ov_status st = make_keys(datasource, &k, err);
    if (st == OV_OK)
        st = copy_spec(&k->arena, spec, &k->spec, err);
    if (st != OV_OK) {
        if (k)
            free_keys(k);
        return st;
    }
    k->readable_ms = ov_now_ms();
    ov_mutex_lock(&k->lock);
    list_keys(cat, k);
    wait_for_changes(cat);
    st = run_alone(cat, k, err);
    if (st != OV_OK) {
        ov_mutex_lock(&cat->keys_lock);
        k->spec.count = 0;
        ov_mutex_unlock(&cat->keys_lock);
    }
    ov_mutex_unlock(&k->lock);
    return st;
}

/* A longer time of retention does not bring back what the shorter one let go. */
static ov_status redeclare(ov_catalog *cat, ovi_keys *k, const ov_key_spec *spec, ov_error *err)
{
    ov_key_spec copied;
    bool same = same_keys(&k->spec, spec);
    if (same && k->spec.retain_ms == spec->retain_ms)
        return OV_OK;
    ov_mutex_lock(&k->lock);
    if (!same && has_rows(cat, k->name)) {
        ov_mutex_unlock(&k->lock);
        return ov_fail(err, OV_EXISTS,
                       "datasource '" OV_SLICE_FMT "' has other keys and rows that were collapsed by them; drop its rows first, "
                       "or load into another datasource",
                       OV_SLICE_ARG(k->name));
    }
    const ov_key_spec before = k->spec;
    ov_mutex_lock(&cat->keys_lock);
    ov_status st = copy_spec(&k->arena, spec, &copied, err);
    if (st == OV_OK) {
        int64_t held = ov_now_ms() - k->spec.retain_ms;
        k->readable_ms = OV_MAX(k->readable_ms, held);
        k->spec = copied;
        k->ready &= same;
    }
    ov_mutex_unlock(&cat->keys_lock);
    if (st == OV_OK)
        st = run_alone(cat, k, err);
    if (st != OV_OK) { /* what was declared before still holds */
        ov_mutex_lock(&cat->keys_lock);
        k->spec = before;
        ov_mutex_unlock(&cat->keys_lock);
        k->ready = false;
    }
    ov_mutex_unlock(&k->lock);
    return st;
}

ov_status ov_catalog_keys_declare(ov_catalog *cat, ov_slice datasource, const ov_key_spec *spec, ov_error *err)
{
    OV_TRY(ov_datasource_name_check(datasource, err));
    OV_TRY(check_spec(spec, err));
    ov_mutex_lock(&cat->declare);
    ovi_keys *k = ovi_keys_find(cat, datasource);
    ov_status st = k ? redeclare(cat, k, spec, err) : declare_new(cat, datasource, spec, err);
    ov_mutex_unlock(&cat->declare);
    return st;
}
