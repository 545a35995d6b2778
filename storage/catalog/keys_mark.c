/*
 * Segments of a datasource with keys that are marked used or unused.
 *
 * Rows that come into view meet the others in the transaction that marks, so that nobody sees two rows of one key. Who wins is
 * found before it, over what the marking will make of the catalog: a change that is begun, looked at and given up says
 * what that is. The datasource's lock keeps it true meanwhile, but for unused segments, which may be killed: then all begins anew.
 */
#include "storage/catalog/keys_int.h"

#include "base/fault.h"
#include "base/os.h"

typedef struct marking {
    ov_catalog *cat;
    ovi_keys *k;
    const ov_segment_choice *which;
    bool used;
    ov_arena arena;
    ov_snapshot *now;
    ovi_row *rows;
    uint32_t count;
} marking;

/* ---- what the marking will make of the catalog ---- */

/* `published` with the rows in memory on top, and nothing over it: the marking publishes what lies there. */
static ov_status put_rows_on_top(marking *m, ov_snapshot *published, ov_snapshot **out, ov_error *err)
{
    ovi_live_next next;
    ovi_key_marks none = {.flushed = true};
    ov_live_change change = {.datasource = m->k->name, .marks = &none};
    ov_mutex_lock(&m->cat->live);
    ov_status st = ovi_live_prepare(m->cat, published, &change, 1, &next, err);
    if (st == OV_OK) {
        *out = ovi_snapshot_retain(next.current);
        ovi_live_next_drop(&next);
    }
    ov_mutex_unlock(&m->cat->live);
    return st;
}

/* *then NULL: nothing is to be marked. */
static ov_status look(marking *m, ov_snapshot **then, ov_error *err)
{
    ov_snapshot *published = NULL;
    OV_TRY(ovi_mark_choose(m->cat, m->which, m->used, &m->arena, &m->rows, &m->count, err));
    if (m->count == 0)
        return OV_OK;
    OV_TRY(ovi_keys_flush(m->cat, m->k, m->now, true, err));
    OV_TRY(ovi_mark_rows(m->cat, m->which->datasource, m->rows, m->count, m->used, &published, err));
    ov_status st = put_rows_on_top(m, published, then, err);
    ov_snapshot_release(published);
    return st;
}

static ov_status look_ahead(marking *m, ov_snapshot **then, ov_error *err)
{
    *then = NULL;
    OV_TRY(ovi_change_begin(m->cat, err));
    ov_status st = look(m, then, err);
    ovi_pending_clear(m->cat);
    if (st != OV_OK)
        return ovi_change_end(m->cat, st, NULL, NULL, err);
    if (ovi_change_end(m->cat, OV_BUSY, NULL, NULL, err) == OV_BUSY)
        return OV_OK;
    ov_snapshot_release(*then);
    return ov_fail(err, OV_INTERNAL, "a change that was given up went on");
}

/* ---- the change ---- */

static bool same_rows(const marking *m, const ovi_row *rows, uint32_t count)
{
    bool same = count == m->count;
    for (uint32_t i = 0; same && i < count; i++)
        same = rows[i].seq == m->rows[i].seq;
    return same;
}

static void set_readable(marking *m, int64_t ms)
{
    ov_mutex_lock(&m->cat->keys_lock);
    m->k->readable_ms = ms;
    ov_mutex_unlock(&m->cat->keys_lock);
}

static ov_status write_all(marking *m, ovi_key_run *r, ovi_row *rows, ov_snapshot **next, ov_error *err)
{
    OV_TRY(ovi_keys_flush(m->cat, m->k, m->now, false, err));
    OV_TRY(ovi_keys_write(r, NULL, 0, err));
    OV_TRY(ovi_keys_store(m->cat, m->k, err));
    OV_FAULT(OV_FAULT_KEYS_MARKED, err);
    return ovi_mark_rows(m->cat, m->which->datasource, rows, m->count, m->used, next, err);
}

/* *again: other rows are to be marked than those that were looked at, and nothing is done. */
static ov_status commit(marking *m, ovi_key_run *r, bool *again, ov_error *err)
{
    ovi_row *rows;
    uint32_t count;
    ovi_key_marks marks;
    ov_snapshot *next = NULL;
    int64_t readable = m->k->readable_ms;
    OV_TRY(ovi_keys_marks(r, &m->arena, &marks, err));
    marks.flushed = true;
    ov_live_change change = {.datasource = m->k->name, .marks = &marks};
    OV_TRY(ovi_change_begin(m->cat, err));
    ov_status st = ovi_mark_choose(m->cat, m->which, m->used, &m->arena, &rows, &count, err);
    *again = st == OV_OK && !same_rows(m, rows, count);
    if (*again)
        return ovi_change_end(m->cat, OV_BUSY, NULL, NULL, err) == OV_BUSY ? OV_OK : err->code;
    set_readable(m, OV_MAX(readable, ov_now_ms()));
    if (st == OV_OK)
        st = write_all(m, r, rows, &next, err);
    ovi_pending_clear(m->cat);
    st = ovi_change_end_live(m->cat, st, next, &change, 1, NULL, err);
    if (st != OV_OK)
        set_readable(m, readable);
    return st;
}

static ov_status mark_once(marking *m, uint32_t *changed, bool *again, ov_error *err)
{
    ov_snapshot *then;
    ovi_key_run r;
    *again = false;
    OV_TRY(look_ahead(m, &then, err));
    if (!then)
        return OV_OK;
    OV_TRY(ovi_key_run_ahead(&r, m->cat, m->k, then, err));
    ov_status st = commit(m, &r, again, err);
    bool done = st == OV_OK && !*again;
    ovi_key_run_close(&r, done, NULL);
    *changed = done ? m->count : 0;
    return st;
}

ov_status ovi_keys_mark(ov_catalog *cat, ovi_keys *k, const ov_segment_choice *which, bool used, uint32_t *changed, ov_error *err)
{
    ov_status st = OV_OK;
    bool again = true;
    *changed = 0;
    while (st == OV_OK && again) {
        marking m = {.cat = cat, .k = k, .which = which, .used = used, .now = ov_catalog_snapshot(cat)};
        ov_arena_init(&m.arena, "mark", NULL);
        st = mark_once(&m, changed, &again, err);
        ov_arena_fini(&m.arena);
        ov_snapshot_release(m.now);
    }
    return st;
}
