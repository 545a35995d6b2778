/*
 * Which rows of published segments are superseded, as the catalog keeps it.
 *
 * Superseded rows are rows of table marks: each adds layers (dead.h) to those of its file before it; when there are many they
 * are written anew as one. Checksums of all rows meet in meta 'marks', so that one that vanished is noticed at the next start.
 */
#include "storage/catalog/keys_int.h"

#include <stdlib.h>
#include "base/hash.h"
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
    int64_t sum;
    OV_TRY(mark_sum(file, body, &sum, err));
    OV_TRY(ovi_put_summed(cat, "INSERT INTO marks(file, body, sum) VALUES(?, ?, ?)", file, body, sum, err));
    return change_sum(cat, sum, err);
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

static void sort_pending(ov_catalog *cat)
{
    if (cat->pending_count)
        qsort(cat->pending, cat->pending_count, sizeof *cat->pending, cmp_pending);
}

/* Of the first `sorted` ones that of the same file is replaced. */
static ov_status pend(ov_catalog *cat, ov_slice file, const ov_dead *d, uint32_t sorted, ov_error *err)
{
    ovi_pending key = {.file = file};
    ovi_pending *known = sorted ? bsearch(&key, cat->pending, sorted, sizeof key, cmp_pending) : NULL;
    ov_dead *state = (ov_dead *)(uintptr_t)d;
    if (known) {
        ov_dead_release(known->dead);
        known->dead = ov_dead_retain(state);
        return OV_OK;
    }
    OV_TRY(ov_list_room(NULL, &cat->pending, cat->pending_count, &cat->pending_cap, 1, sizeof *cat->pending, err));
    char *copy = ov_strndup(file.p, file.n);
    if (!copy)
        return ov_fail_nomem(err, file.n);
    cat->pending[cat->pending_count++] = (ovi_pending){ov_slice_make(copy, file.n), ov_dead_retain(state)};
    return OV_OK;
}

static ov_status write_known(ovi_key_run *r, const ovi_datasource *base, ov_error *err)
{
    uint32_t sorted = r->cat->pending_count;
    for (uint32_t i = 0; i < r->touched.count; i++) {
        const ovi_key_segment *s = &r->k->segs[r->touched.at[i]];
        uint32_t no;
        if (!s->next || !s->entry || s->live || !find_published(base, s->entry, &no))
            continue;
        OV_TRY(ovi_marks_write(r->cat, r->k, s->entry->file, s->next, base->pub.segments[no]->dead, err));
        OV_TRY(pend(r->cat, s->entry->file, s->next, sorted, err));
    }
    sort_pending(r->cat);
    return OV_OK;
}

ov_status ovi_keys_flush(ov_catalog *cat, const ovi_keys *k, const ov_snapshot *snap, bool look, ov_error *err)
{
    const ov_datasource *ds = ov_snapshot_find(snap, k->name);
    const ovi_datasource *base = ovi_snapshot_state(snap->published ? snap->published : snap, k->name);
    ov_status st = OV_OK;
    uint32_t sorted = cat->pending_count;
    for (uint32_t i = 0; st == OV_OK && ds && i < ds->segment_count; i++) {
        const ov_segment_entry *e = ds->segments[i];
        ovi_pending key = {.file = e->file};
        uint32_t no;
        if (e->live || !e->dead || !find_published(base, e, &no) || base->pub.segments[no]->dead == e->dead ||
            (sorted && bsearch(&key, cat->pending, sorted, sizeof key, cmp_pending)))
            continue;
        if (!look)
            st = ovi_marks_write(cat, k, e->file, e->dead, base->pub.segments[no]->dead, err);
        if (st == OV_OK)
            st = pend(cat, e->file, e->dead, 0, err);
    }
    sort_pending(cat);
    return st;
}

ov_status ovi_keys_write(ovi_key_run *r, const ov_slice *files, uint32_t file_count, ov_error *err)
{
    OV_TRY(write_known(r, ovi_keys_published(r), err));
    OV_TRY(ovi_keys_flush(r->cat, r->k, r->snap, false, err));
    for (uint32_t i = 0; i < file_count; i++) {
        const ovi_key_segment *s = &r->k->segs[r->first_fresh + i];
        if (!s->next)
            continue;
        OV_TRY(ovi_marks_write(r->cat, r->k, files[i], s->next, NULL, err));
        OV_TRY(pend(r->cat, files[i], s->next, 0, err));
    }
    sort_pending(r->cat);
    return OV_OK;
}

ov_status ovi_keys_marks(ovi_key_run *r, ov_arena *a, ovi_key_marks *out, ov_error *err)
{
    const ovi_datasource *base = ovi_keys_published(r);
    *out = (ovi_key_marks){0};
    OV_TRY(ov_arena_alloc(a, (r->touched.count + 1u) * sizeof *out->list, &out->list, err));
    for (uint32_t i = 0; i < r->touched.count; i++) {
        const ovi_key_segment *s = &r->k->segs[r->touched.at[i]];
        ovi_key_mark *m = &out->list[out->count];
        if (!s->next)
            continue;
        *m = (ovi_key_mark){.live = s->live, .dead = s->next};
        if (s->live || (s->entry && find_published(base, s->entry, &m->visible)))
            out->count++;
    }
    return OV_OK;
}
