/*
 * Keys in the catalog: what is declared, and which rows of published segments are superseded.
 *
 * A declaration is the cursor "keys/<datasource>". Superseded rows are rows of table marks: each adds layers (dead.h) to those
 * of its file before it; when there are many they are written anew as one. Checksums of all rows meet in meta 'marks', so
 * that one that vanished is noticed at the next start.
 */
#include "storage/keys_int.h"

#include <stdlib.h>
#include "base/hash.h"
#include "base/json.h"
#include "base/jsonw.h"
#include "base/os.h"

enum { MOST_MARKS = 8 };

/* ---- table marks ---- */

static ov_status mark_sum(ov_slice file, ov_slice body, int64_t *out, ov_error *err)
{
    ov_buf b;
    ov_buf_init(&b);
    ov_buf_add_slice(&b, file);
    ov_buf_add_char(&b, 0);
    ov_buf_add_slice(&b, body);
    ov_status st = ov_buf_check(&b, err);
    *out = st == OV_OK ? (int64_t)ov_checksum(b.p, b.n) : 0;
    ov_buf_fini(&b);
    return st;
}

static ov_status change_sum(ov_catalog *cat, int64_t sum, ov_error *err)
{
    int64_t all;
    OV_TRY(ovi_meta_get(cat, "marks", &all, err));
    return ovi_meta_set(cat, "marks", all ^ sum, err);
}

static ov_status insert_mark(ov_catalog *cat, ov_slice file, ov_slice body, ov_error *err)
{
    sqlite3_stmt *s;
    int64_t sum;
    OV_TRY(mark_sum(file, body, &sum, err));
    OV_TRY(ovi_db_prepare(cat, "INSERT INTO marks(file, body, sum) VALUES(?, ?, ?)", &s, err));
    ovi_bind_str(s, 1, file);
    ovi_bind_blob(s, 2, body);
    sqlite3_bind_int64(s, 3, sum);
    ov_status st = ovi_db_run(cat, s, err);
    ovi_db_done(cat, s);
    return st == OV_OK ? change_sum(cat, sum, err) : st;
}

/* Number and sum of the rows of one file. */
static ov_status count_marks(ov_catalog *cat, ov_slice file, uint32_t *count, int64_t *sum, ov_error *err)
{
    sqlite3_stmt *s;
    bool row;
    *count = 0;
    *sum = 0;
    OV_TRY(ovi_db_prepare(cat, "SELECT sum FROM marks WHERE file = ?", &s, err));
    ovi_bind_str(s, 1, file);
    ov_status st = ovi_db_step(cat, s, &row, err);
    while (st == OV_OK && row) {
        ++*count;
        *sum ^= sqlite3_column_int64(s, 0);
        st = ovi_db_step(cat, s, &row, err);
    }
    ovi_db_done(cat, s);
    return st;
}

ov_status ovi_marks_delete(ov_catalog *cat, ov_slice file, ov_error *err)
{
    sqlite3_stmt *s;
    uint32_t count;
    int64_t sum;
    OV_TRY(count_marks(cat, file, &count, &sum, err));
    if (count == 0)
        return OV_OK;
    OV_TRY(ovi_db_prepare(cat, "DELETE FROM marks WHERE file = ?", &s, err));
    ovi_bind_str(s, 1, file);
    ov_status st = ovi_db_run(cat, s, err);
    ovi_db_done(cat, s);
    return st == OV_OK ? change_sum(cat, sum, err) : st;
}

static ov_status read_marks(ov_catalog *cat, sqlite3_stmt *s, ov_slice file, uint32_t rows, ov_dead **out, ov_error *err)
{
    bool row;
    OV_TRY(ovi_db_step(cat, s, &row, err));
    while (row) {
        ov_dead *next;
        int64_t sum;
        OV_TRY(mark_sum(file, ovi_column(s, 0), &sum, err));
        if (sum != sqlite3_column_int64(s, 1))
            return ovi_db_damaged(cat, err, "the superseded rows of " OV_SLICE_FMT " do not match their checksum",
                                  OV_SLICE_ARG(file));
        OV_TRY(ov_dead_read(*out, rows, ovi_column(s, 0), &next, err));
        ov_dead_release(*out);
        *out = next;
        OV_TRY(ovi_db_step(cat, s, &row, err));
    }
    return OV_OK;
}

ov_status ovi_marks_read(ov_catalog *cat, ov_slice file, uint32_t rows, ov_dead **out, ov_error *err)
{
    sqlite3_stmt *s;
    *out = NULL;
    if (!cat->has_marks)
        return OV_OK;
    OV_TRY(ovi_db_prepare(cat, "SELECT body, sum FROM marks WHERE file = ? ORDER BY seq", &s, err));
    ovi_bind_str(s, 1, file);
    ov_status st = read_marks(cat, s, file, rows, out, err);
    ovi_db_done(cat, s);
    if (st != OV_OK) {
        ov_dead_release(*out);
        *out = NULL;
    }
    return st;
}

int64_t ovi_keys_births_since(const ovi_keys *k, int64_t now)
{
    return now - OV_MAX(k->spec.retain_ms, OVI_BIRTHS_MS);
}

ov_status ovi_marks_write(ov_catalog *cat, const ovi_keys *k, ov_slice file, const ov_dead *d, const ov_dead *before,
                          ov_error *err)
{
    uint32_t count;
    int64_t sum, horizon = k->spec.retain_ms > 0 ? ov_now_ms() - k->spec.retain_ms : INT64_MAX;
    ov_buf body;
    OV_TRY(count_marks(cat, file, &count, &sum, err));
    ov_buf_init(&body);
    ov_status st = OV_OK;
    if (count >= MOST_MARKS)
        st = ovi_marks_delete(cat, file, err);
    if (st == OV_OK)
        st = count >= MOST_MARKS ? ov_dead_write_all(d, horizon, ovi_keys_births_since(k, ov_now_ms()), &body, err) : ov_dead_write(d, before, &body, err);
    if (st == OV_OK && body.n)
        st = insert_mark(cat, file, ov_buf_slice(&body), err);
    ov_buf_fini(&body);
    return st;
}

ov_status ovi_marks_check(ov_catalog *cat, ov_error *err)
{
    sqlite3_stmt *s;
    bool row;
    int64_t all;
    OV_TRY(ovi_meta_get(cat, "marks", &all, err));
    OV_TRY(ovi_db_prepare(cat, "SELECT sum FROM marks", &s, err));
    ov_status st = ovi_db_step(cat, s, &row, err);
    while (st == OV_OK && row) {
        all ^= sqlite3_column_int64(s, 0);
        st = ovi_db_step(cat, s, &row, err);
    }
    ovi_db_done(cat, s);
    if (st == OV_OK && all != 0)
        st = ovi_db_damaged(cat, err, "superseded rows of some segment are missing");
    return st;
}

/* ---- what a run found ---- */

const ovi_datasource *ovi_keys_published(const ovi_key_run *r)
{
    return ovi_snapshot_state(r->snap->published ? r->snap->published : r->snap, r->k->name);
}

/* Its number among the published visible ones. */
static bool find_published(const ovi_datasource *base, const ov_segment_entry *e, uint32_t *no)
{
    const ov_segment_entry *const *at =
        base ? bsearch(&e, base->pub.segments, base->pub.segment_count, sizeof e, ovi_entry_order) : NULL;
    if (at)
        *no = (uint32_t)(at - base->pub.segments);
    return at != NULL;
}

static ov_status pend(ov_catalog *cat, ov_slice file, const ov_dead *d, ov_error *err)
{
    if (cat->pending_count == cat->pending_cap) {
        uint32_t cap = cat->pending_cap ? cat->pending_cap * 2 : 32;
        ovi_pending *bigger = ov_realloc(cat->pending, cap * sizeof *bigger);
        if (!bigger)
            return ov_fail_nomem(err, cap * sizeof *bigger);
        cat->pending = bigger;
        cat->pending_cap = cap;
    }
    char *copy = ov_strndup(file.p, file.n);
    if (!copy)
        return ov_fail_nomem(err, file.n);
    cat->pending[cat->pending_count++] =
        (ovi_pending){ov_slice_make(copy, file.n), ov_dead_retain((ov_dead *)(uintptr_t)d)};
    return OV_OK;
}

static int cmp_pending(const void *a, const void *b)
{
    return ov_slice_cmp(((const ovi_pending *)a)->file, ((const ovi_pending *)b)->file);
}

void ovi_pending_clear(ov_catalog *cat)
{
    for (uint32_t i = 0; i < cat->pending_count; i++) {
        ov_free((void *)(uintptr_t)cat->pending[i].file.p);
        ov_dead_release(cat->pending[i].dead);
    }
    cat->pending_count = 0;
}

const ovi_pending *ovi_pending_find(const ov_catalog *cat, ov_slice file)
{
    ovi_pending key = {.file = file};
    return cat->pending_count
               ? bsearch(&key, cat->pending, cat->pending_count, sizeof key, cmp_pending)
               : NULL;
}

static ov_status write_state(ovi_key_run *r, ov_slice file, const ov_dead *d, const ov_dead *before, ov_error *err)
{
    OV_TRY(ovi_marks_write(r->cat, r->k, file, d, before, err));
    return pend(r->cat, file, d, err);
}

static ov_status write_known(ovi_key_run *r, const ovi_datasource *base, ov_error *err)
{
    for (uint32_t i = 0; i < r->first_fresh; i++) {
        const ovi_key_segment *s = &r->k->segs[i];
        uint32_t no;
        if (!s->next || !s->entry || s->live || !find_published(base, s->entry, &no))
            continue;
        OV_TRY(write_state(r, s->entry->file, s->next, base->pub.segments[no]->dead, err));
    }
    if (r->cat->pending_count)
        qsort(r->cat->pending, r->cat->pending_count, sizeof *r->cat->pending, cmp_pending);
    return OV_OK;
}

/* What rows in memory superseded before this change, of segments that it does not touch. */
static ov_status write_earlier(ovi_key_run *r, const ovi_datasource *base, ov_error *err)
{
    uint32_t touched = r->cat->pending_count;
    for (uint32_t i = 0; r->ds && i < r->ds->segment_count; i++) {
        const ov_segment_entry *e = r->ds->segments[i];
        uint32_t no;
        if (e->live || !e->dead || !find_published(base, e, &no) || base->pub.segments[no]->dead == e->dead)
            continue;
        ovi_pending key = {.file = e->file};
        if (touched && bsearch(&key, r->cat->pending, touched, sizeof key, cmp_pending))
            continue;
        OV_TRY(write_state(r, e->file, e->dead, base->pub.segments[no]->dead, err));
    }
    return OV_OK;
}

ov_status ovi_keys_write(ovi_key_run *r, const ov_slice *files, uint32_t file_count, ov_error *err)
{
    const ovi_datasource *base = ovi_keys_published(r);
    OV_TRY(write_known(r, base, err));
    OV_TRY(write_earlier(r, base, err));
    for (uint32_t i = 0; i < file_count; i++) {
        const ovi_key_segment *s = &r->k->segs[r->first_fresh + i];
        if (s->next)
            OV_TRY(write_state(r, files[i], s->next, NULL, err));
    }
    if (r->cat->pending_count)
        qsort(r->cat->pending, r->cat->pending_count, sizeof *r->cat->pending, cmp_pending);
    return OV_OK;
}

ov_status ovi_keys_marks(ovi_key_run *r, ov_arena *a, ovi_key_marks *out, ov_error *err)
{
    const ovi_datasource *base = ovi_keys_published(r);
    *out = (ovi_key_marks){0};
    OV_TRY(ov_arena_alloc(a, (r->k->seg_count + 1u) * sizeof *out->list, &out->list, err));
    for (uint32_t i = 0; i < r->k->seg_count; i++) {
        const ovi_key_segment *s = &r->k->segs[i];
        ovi_key_mark *m = &out->list[out->count];
        if (!s->next)
            continue;
        *m = (ovi_key_mark){.live = s->live, .dead = s->next};
        if (s->live || (s->entry && find_published(base, s->entry, &m->visible)))
            out->count++;
    }
    return OV_OK;
}

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
    for (uint32_t i = 0; i < k->seg_count; i++)
        ov_free(k->segs[i].file);
    ov_free(k->segs);
    ov_free(k->by_file);
    ovi_key_index_fini(&k->index);
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

ov_status ovi_keys_settle(ov_catalog *cat, ovi_keys *k, ov_error *err)
{
    k->ready = false;
    ov_mutex_lock(&cat->keys_lock);
    k->readable_ms = OV_MAX(k->readable_ms, ov_now_ms());
    ov_mutex_unlock(&cat->keys_lock);
    return run_alone(cat, k, err);
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
