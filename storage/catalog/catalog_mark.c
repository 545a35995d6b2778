/*
 * Used and unused: dropping data without deleting files, bringing it back, and deleting for good.
 */
#include <stdlib.h>
#include "storage/catalog/keys_int.h"

typedef struct id_set {
    ov_slice *ids; /* sorted */
    uint32_t count;
} id_set;

static int cmp_slice(const void *a, const void *b)
{
    return ov_slice_cmp(*(const ov_slice *)a, *(const ov_slice *)b);
}

static ov_status id_set_make(const ov_slice *ids, uint32_t count, ov_arena *a, id_set *out, ov_error *err)
{
    out->count = count;
    OV_TRY(ov_arena_alloc(a, count * sizeof(*out->ids), &out->ids, err));
    if (count) {
        memcpy(out->ids, ids, count * sizeof(*ids));
        qsort(out->ids, count, sizeof(*ids), cmp_slice);
    }
    return OV_OK;
}

/* Drop rows whose id is not in the set. */
static ov_status keep_named(ovi_row *rows, uint32_t *count, const id_set *set, ov_error *err)
{
    uint32_t kept = 0;
    ov_buf b;
    ov_buf_init(&b);
    for (uint32_t i = 0; i < *count; i++) {
        ov_buf_clear(&b);
        ov_segment_id_add(&b, &rows[i].id);
        ov_slice id = ov_buf_slice(&b);
        if (b.failed || bsearch(&id, set->ids, set->count, sizeof(id), cmp_slice))
            rows[kept++] = rows[i];
    }
    ov_status st = ov_buf_check(&b, err);
    ov_buf_fini(&b);
    *count = kept;
    return st;
}

static ov_timeline_item item_of(const ovi_row *r)
{
    return (ov_timeline_item){r->id.span, r->id.version, r->id.partition, r->core};
}

/* Drop rows that would be overshadowed if they came back: marking used never brings old versions back to life, and
 * like Druid leaves hidden segments alone. */
static ov_status keep_answering(ov_catalog *cat, ov_slice datasource, ovi_row *rows, uint32_t *count,
                                ov_arena *a, ov_error *err)
{
    ovi_row *live;
    uint32_t n_live, kept = 0, n = *count;
    ov_timeline_item *items;
    ov_timeline tl;
    bool *answers;
    OV_TRY(ovi_rows_select(cat, datasource, true, (ov_interval){INT64_MIN, INT64_MAX}, a, &live, &n_live, err));
    OV_TRY(ov_arena_alloc(a, ((size_t)n + n_live) * sizeof(*items), &items, err));
    OV_TRY(ov_arena_zalloc(a, n, &answers, err));
    for (uint32_t i = 0; i < n; i++)
        items[i] = item_of(&rows[i]);
    for (uint32_t i = 0; i < n_live; i++)
        items[n + i] = item_of(&live[i]);
    OV_TRY(ov_timeline_build(items, n + n_live, a, &tl, err));
    for (uint32_t c = 0; c < tl.chunk_count; c++)
        for (uint32_t i = 0; i < tl.chunks[c].item_count; i++)
            if (tl.chunks[c].items[i] < n)
                answers[tl.chunks[c].items[i]] = tl.chunks[c].part_count > 0 || !tl.chunks[c].complete;
    for (uint32_t i = 0; i < n; i++)
        if (answers[i])
            rows[kept++] = rows[i];
    *count = kept;
    return OV_OK;
}

/* Drop rows of other versions. */
static void keep_versions(ovi_row *rows, uint32_t *count, const ov_segment_choice *which)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < *count; i++) {
        bool named = false;
        for (uint32_t k = 0; k < which->version_count && !named; k++)
            named = ov_slice_eq(rows[i].id.version, which->versions[k]);
        if (named)
            rows[kept++] = rows[i];
    }
    *count = kept;
}

static ov_status keep_old(ov_catalog *cat, ovi_row *rows, uint32_t *count, int64_t until, ov_error *err)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < *count; i++) {
        bool known;
        int64_t since;
        OV_TRY(ovi_row_unused_since(cat, &rows[i], &known, &since, err));
        if (known && since <= until)
            rows[kept++] = rows[i];
    }
    *count = kept;
    return OV_OK;
}

static int cmp_start(const void *a, const void *b)
{
    const ovi_row *x = a, *y = b;
    int64_t s = x->id.span.start, t = y->id.span.start;
    return s != t ? (s > t) - (s < t) : (x->seq > y->seq) - (x->seq < y->seq);
}

/* The rows of a choice that are used, or unused, now. */
static ov_status choose(ov_catalog *cat, const ov_segment_choice *which, bool used, ov_arena *a, ovi_row **rows,
                        uint32_t *count, ov_error *err)
{
    id_set ids;
    OV_TRY(ovi_rows_select(cat, which->datasource, used, which->span, a, rows, count, err));
    if (which->versions)
        keep_versions(*rows, count, which);
    if (which->ids) {
        OV_TRY(id_set_make(which->ids, which->id_count, a, &ids, err));
        OV_TRY(keep_named(*rows, count, &ids, err));
    }
    if (which->has_unused_until)
        OV_TRY(keep_old(cat, *rows, count, which->unused_until, err));
    if (which->most && *count > which->most) {
        qsort(*rows, *count, sizeof(**rows), cmp_start);
        *count = which->most;
    }
    return OV_OK;
}

ov_status ovi_mark_choose(ov_catalog *cat, const ov_segment_choice *which, bool used, ov_arena *a, ovi_row **rows,
                          uint32_t *count, ov_error *err)
{
    OV_TRY(choose(cat, which, !used, a, rows, count, err));
    return used && *count ? keep_answering(cat, which->datasource, *rows, count, a, err) : OV_OK;
}

ov_status ovi_mark_rows(ov_catalog *cat, ov_slice datasource, ovi_row *rows, uint32_t count, bool used, ov_snapshot **next,
                        ov_error *err)
{
    for (uint32_t i = 0; i < count; i++)
        OV_TRY(ovi_row_set_used(cat, &rows[i], used, err));
    OV_TRY(ovi_datasource_touch(cat, datasource, err));
    return ovi_snapshot_build(cat, next, err);
}

static ov_status mark(ov_catalog *cat, const ov_segment_choice *which, bool used, uint32_t *changed, ov_snapshot **next, ov_error *err)
{
    ov_arena a;
    ovi_row *rows;
    ov_arena_init(&a, "mark", NULL);
    ov_status st = ovi_mark_choose(cat, which, used, &a, &rows, changed, err);
    if (st == OV_OK && *changed)
        st = ovi_mark_rows(cat, which->datasource, rows, *changed, used, next, err);
    ov_arena_fini(&a);
    return st;
}

/* *came: the datasource has got keys since, and nothing is done. */
static ov_status mark_plain(ov_catalog *cat, const ov_segment_choice *which, bool used, bool *came, uint32_t *changed, ov_error *err)
{
    ov_snapshot *next = NULL;
    *changed = 0;
    OV_TRY(ovi_change_begin(cat, err));
    *came = ovi_keys_find(cat, which->datasource) != NULL;
    ov_status st = *came ? OV_OK : mark(cat, which, used, changed, &next, err);
    st = ovi_change_end(cat, st, next, NULL, err);
    if (st != OV_OK)
        *changed = 0;
    return st;
}

static ov_status mark_held(ov_catalog *cat, const ov_segment_choice *which, bool used, uint32_t *changed, ov_error *err)
{
    bool came = true;
    ov_status st = OV_OK;
    while (st == OV_OK && came) {
        ovi_keys *k = ovi_keys_find(cat, which->datasource);
        if (k && ovi_keys_lock(cat, k)) {
            st = ovi_keys_mark(cat, k, which, used, changed, err);
            ov_mutex_unlock(&k->lock);
            return st;
        }
        st = mark_plain(cat, which, used, &came, changed, err);
    }
    return st;
}

ov_status ov_catalog_mark(ov_catalog *cat, const ov_segment_choice *which, bool used, uint32_t *changed, ov_error *err)
{
    ovi_held held;
    ov_arena a;
    *changed = 0;
    ov_arena_init(&a, "mark", NULL);
    ov_status st = ovi_hold(cat, &which->datasource, 1, &a, &held, err);
    if (st == OV_OK)
        st = mark_held(cat, which, used, changed, err);
    ovi_let_go(cat, &held);
    ov_arena_fini(&a);
    return st;
}

ov_status ov_catalog_unused(ov_catalog *cat, const ov_segment_choice *which, uint32_t *count, ov_interval *around,
                            ov_error *err)
{
    ov_arena a;
    ovi_row *rows;
    *count = 0;
    *around = (ov_interval){OV_TIME_MAX, OV_TIME_MIN};
    ov_arena_init(&a, "unused", NULL);
    ov_mutex_lock(&cat->write);
    ov_status st = choose(cat, which, false, &a, &rows, count, err);
    ov_mutex_unlock(&cat->write);
    for (uint32_t i = 0; st == OV_OK && i < *count; i++) {
        around->start = OV_MIN(around->start, rows[i].id.span.start);
        around->end = OV_MAX(around->end, rows[i].id.span.end);
    }
    ov_arena_fini(&a);
    return st;
}

/* ---- kill ---- */

static ov_status delete_rows(ov_catalog *cat, const ovi_row *rows, uint32_t count, ov_error *err)
{
    for (uint32_t i = 0; i < count; i++) {
        OV_TRY(ovi_row_delete(cat, &rows[i], err));
        OV_TRY(ovi_marks_delete(cat, rows[i].file, err));
    }
    if (count == 0)
        return OV_OK;
    OV_TRY(ovi_datasource_touch(cat, rows[0].id.datasource, err));
    /* Chunks without segments are over: their version is never joined again. */
    return ovi_db_exec(cat,
                       "DELETE FROM chunks WHERE NOT EXISTS(SELECT 1 FROM segments s WHERE"
                       " s.datasource = chunks.datasource AND s.start_ms = chunks.start_ms AND"
                       " s.end_ms = chunks.end_ms AND s.version = chunks.version)",
                       err);
}

ov_status ov_catalog_kill(ov_catalog *cat, const ov_segment_choice *which, uint32_t *removed, ov_error *err)
{
    ov_arena a;
    ovi_row *rows = NULL;
    uint32_t count = 0;
    ov_snapshot *next = NULL;
    ov_arena_init(&a, "kill", NULL);
    ov_status st = ovi_change_begin(cat, err);
    if (st == OV_OK) {
        st = choose(cat, which, false, &a, &rows, &count, err);
        if (st == OV_OK)
            st = delete_rows(cat, rows, count, err);
        if (st == OV_OK && count)
            st = ovi_snapshot_build(cat, &next, err); /* the same segments under a new change number */
        st = ovi_change_end(cat, st, next, NULL, err);
    }
    for (uint32_t i = 0; st == OV_OK && i < count; i++)
        if (!rows[i].tombstone)
            ov_segcache_doom(cat->cache, rows[i].file);
    *removed = st == OV_OK ? count : 0;
    ov_arena_fini(&a);
    return st;
}

/* ---- who has segments ---- */

static ov_status read_names(ov_catalog *cat, ov_arena *out, ov_slice **names, uint32_t *count, ov_error *err)
{
    sqlite3_stmt *s;
    bool row;
    uint32_t cap = 0;
    OV_TRY(ovi_db_prepare(cat, "SELECT name FROM datasources WHERE all_count > 0 ORDER BY name", &s, err));
    ov_status st = ovi_db_step(cat, s, &row, err);
    while (st == OV_OK && row) {
        st = ov_arena_room(out, names, *count, &cap, 1, sizeof **names, err);
        if (st != OV_OK)
            break;
        st = ov_arena_copy(out, ovi_column(s, 0), &(*names)[(*count)++], err);
        if (st == OV_OK)
            st = ovi_db_step(cat, s, &row, err);
    }
    ovi_db_done(cat, s);
    return st;
}

ov_status ov_catalog_datasource_names(ov_catalog *cat, ov_arena *out, ov_slice **names, uint32_t *count,
                                      ov_error *err)
{
    *names = NULL;
    *count = 0;
    ov_mutex_lock(&cat->write);
    ov_status st = read_names(cat, out, names, count, err);
    ov_mutex_unlock(&cat->write);
    return st;
}
