/* Cursors: where incremental sources stand, one checksummed value per key. */
#include "storage/catalog/catalog_int.h"

#include "base/hash.h"

/* Key and value together, so that a value cannot move to another key. */
static ov_status cursor_sum(ov_slice key, ov_slice value, int64_t *out, ov_error *err)
{
    ov_buf b;
    ov_buf_init(&b);
    ov_buf_add_u64(&b, key.n);
    ov_buf_add_char(&b, ':');
    ov_buf_add_slice(&b, key);
    ov_buf_add_slice(&b, value);
    ov_status st = ov_buf_check(&b, err);
    if (st == OV_OK)
        *out = (int64_t)ov_checksum(b.p, b.n);
    ov_buf_fini(&b);
    return st;
}

/* The digest of all cursors in table meta: a cursor that vanished would make its source start over. */
static ov_status digest_change(ov_catalog *cat, ov_slice key, int64_t sum, ov_error *err)
{
    sqlite3_stmt *s;
    bool row;
    int64_t digest;
    OV_TRY(ovi_meta_get(cat, "cursors", &digest, err));
    OV_TRY(ovi_db_prepare(cat, "SELECT sum FROM cursors WHERE key = ?", &s, err));
    ovi_bind_str(s, 1, key);
    ov_status st = ovi_db_step(cat, s, &row, err);
    if (st == OV_OK && row)
        digest ^= sqlite3_column_int64(s, 0);
    ovi_db_done(cat, s);
    OV_TRY(st);
    return ovi_meta_set(cat, "cursors", digest ^ sum, err);
}

ov_status ovi_cursors_check(ov_catalog *cat, ov_error *err)
{
    sqlite3_stmt *s;
    bool row = true;
    int64_t digest, sum;
    OV_TRY(ovi_meta_get(cat, "cursors", &digest, err));
    OV_TRY(ovi_db_prepare(cat, "SELECT key, value, sum FROM cursors", &s, err));
    ov_status st = ovi_db_step(cat, s, &row, err);
    while (st == OV_OK && row) {
        st = cursor_sum(ovi_column(s, 0), ovi_column(s, 1), &sum, err);
        if (st == OV_OK && sum != sqlite3_column_int64(s, 2))
            st = ovi_db_damaged(cat, err, "the cursor '" OV_SLICE_FMT "' does not match its checksum",
                                OV_SLICE_ARG(ovi_column(s, 0)));
        digest ^= sqlite3_column_int64(s, 2);
        if (st == OV_OK)
            st = ovi_db_step(cat, s, &row, err);
    }
    ovi_db_done(cat, s);
    if (st == OV_OK && digest != 0)
        st = ovi_db_damaged(cat, err, "a cursor is missing");
    return st;
}

ov_status ovi_cursor_set(ov_catalog *cat, ov_slice key, ov_slice value, ov_error *err)
{
    int64_t sum;
    OV_TRY(cursor_sum(key, value, &sum, err));
    OV_TRY(digest_change(cat, key, sum, err));
    return ovi_put_summed(cat, "INSERT OR REPLACE INTO cursors(key, value, sum) VALUES(?, ?, ?)", key, value, sum, err);
}

static ov_status cursor_read(ov_catalog *cat, ov_slice key, ov_arena *out, ov_slice *value, ov_error *err)
{
    sqlite3_stmt *s;
    bool row;
    int64_t sum;
    OV_TRY(ovi_db_prepare(cat, "SELECT value, sum FROM cursors WHERE key = ?", &s, err));
    ovi_bind_str(s, 1, key);
    ov_status st = ovi_db_step(cat, s, &row, err);
    if (st == OV_OK && row) {
        st = cursor_sum(key, ovi_column(s, 0), &sum, err);
        if (st == OV_OK && sum != sqlite3_column_int64(s, 1))
            st = ovi_db_damaged(cat, err, "the cursor '" OV_SLICE_FMT "' does not match its checksum",
                                OV_SLICE_ARG(key));
        if (st == OV_OK)
            st = ov_arena_copy(out, ovi_column(s, 0), value, err);
    }
    ovi_db_done(cat, s);
    return st;
}

ov_status ov_catalog_cursor_get(ov_catalog *cat, ov_slice key, ov_arena *out, ov_slice *value,
                                ov_error *err)
{
    *value = (ov_slice){0};
    ov_mutex_lock(&cat->write);
    ov_status st = cursor_read(cat, key, out, value, err);
    ov_mutex_unlock(&cat->write);
    return st;
}

static ov_status add_cursor(ov_catalog *cat, sqlite3_stmt *s, ov_arena *out, ov_cursor_row **rows, uint32_t *count,
                            uint32_t *cap, ov_error *err)
{
    int64_t sum;
    OV_TRY(ov_arena_room(out, rows, *count, cap, 1, sizeof **rows, err));
    ov_cursor_row *to = &(*rows)[(*count)++];
    OV_TRY(cursor_sum(ovi_column(s, 0), ovi_column(s, 1), &sum, err));
    if (sum != sqlite3_column_int64(s, 2))
        return ovi_db_damaged(cat, err, "the cursor '" OV_SLICE_FMT "' does not match its checksum",
                              OV_SLICE_ARG(ovi_column(s, 0)));
    OV_TRY(ov_arena_copy(out, ovi_column(s, 0), &to->key, err));
    return ov_arena_copy(out, ovi_column(s, 1), &to->value, err);
}

ov_status ovi_cursor_rows(ov_catalog *cat, ov_slice prefix, ov_arena *out, ov_cursor_row **rows, uint32_t *count,
                          ov_error *err)
{
    sqlite3_stmt *s = NULL;
    bool row = false;
    uint32_t cap = 0;
    *rows = NULL;
    *count = 0;
    ov_status st = ovi_db_prepare(cat, "SELECT key, value, sum FROM cursors WHERE substr(key, 1, length(?1)) = ?1"
                                  " ORDER BY key", &s, err);
    if (st == OV_OK) {
        ovi_bind_str(s, 1, prefix);
        st = ovi_db_step(cat, s, &row, err);
    }
    while (st == OV_OK && row) {
        st = add_cursor(cat, s, out, rows, count, &cap, err);
        if (st == OV_OK)
            st = ovi_db_step(cat, s, &row, err);
    }
    ovi_db_done(cat, s);
    return st;
}

ov_status ov_catalog_cursor_list(ov_catalog *cat, ov_slice prefix, ov_arena *out, ov_cursor_row **rows, uint32_t *count,
                                 ov_error *err)
{
    ov_mutex_lock(&cat->write);
    ov_status st = ovi_cursor_rows(cat, prefix, out, rows, count, err);
    ov_mutex_unlock(&cat->write);
    return st;
}

/* ---- cursors that are not needed any more ---- */

enum { PRUNED_AT_ONCE = 20000 };

typedef struct pruning {
    ov_slice prefix;
    ov_cursor_drop *drop;
    void *self;
    ov_arena arena;
    ov_slice *keys;
    uint32_t count;
    int64_t sums; /* of all of them */
} pruning;

static ov_status find_prunable(ov_catalog *cat, pruning *p, ov_error *err)
{
    sqlite3_stmt *s;
    bool row = false;
    OV_TRY(ov_arena_alloc(&p->arena, PRUNED_AT_ONCE * sizeof *p->keys, &p->keys, err));
    OV_TRY(ovi_db_prepare(cat, "SELECT key, value, sum FROM cursors WHERE substr(key, 1, length(?1)) = ?1", &s, err));
    ovi_bind_str(s, 1, p->prefix);
    ov_status st = ovi_db_step(cat, s, &row, err);
    while (st == OV_OK && row && p->count < PRUNED_AT_ONCE) {
        if (p->drop(p->self, ovi_column(s, 0), ovi_column(s, 1))) {
            p->sums ^= sqlite3_column_int64(s, 2);
            st = ov_arena_copy(&p->arena, ovi_column(s, 0), &p->keys[p->count++], err);
        }
        if (st == OV_OK)
            st = ovi_db_step(cat, s, &row, err);
    }
    ovi_db_done(cat, s);
    return st;
}

static ov_status remove_cursor(ov_catalog *cat, ov_slice key, ov_error *err)
{
    sqlite3_stmt *s;
    OV_TRY(ovi_db_prepare(cat, "DELETE FROM cursors WHERE key = ?", &s, err));
    ovi_bind_str(s, 1, key);
    ov_status st = ovi_db_run(cat, s, err);
    ovi_db_done(cat, s);
    return st;
}

static ov_status prune(ov_catalog *cat, pruning *p, ov_error *err)
{
    int64_t digest;
    OV_TRY(find_prunable(cat, p, err));
    for (uint32_t i = 0; i < p->count; i++)
        OV_TRY(remove_cursor(cat, p->keys[i], err));
    if (p->count == 0)
        return OV_OK;
    OV_TRY(ovi_meta_get(cat, "cursors", &digest, err));
    return ovi_meta_set(cat, "cursors", digest ^ p->sums, err);
}

ov_status ov_catalog_cursor_prune(ov_catalog *cat, ov_slice prefix, ov_cursor_drop *drop, void *self, bool *more, ov_error *err)
{
    pruning p = {.prefix = prefix, .drop = drop, .self = self};
    ov_arena_init(&p.arena, "cursors", NULL);
    ov_status st = ovi_change_begin(cat, err);
    if (st == OV_OK)
        st = ovi_change_end(cat, prune(cat, &p, err), NULL, NULL, err);
    *more = st == OV_OK && p.count == PRUNED_AT_ONCE;
    ov_arena_fini(&p.arena);
    return st;
}

ov_status ovi_cursor_expect(ov_catalog *cat, ov_slice key, ov_slice want, ov_error *err)
{
    ov_arena a;
    ov_slice has = {0};
    ov_arena_init(&a, "cursor", NULL);
    ov_status st = cursor_read(cat, key, &a, &has, err);
    if (st == OV_OK && !ov_slice_eq(has, want))
        st = ov_fail(err, OV_BUSY, "the source '" OV_SLICE_FMT "' was read by another task meanwhile; run again",
                     OV_SLICE_ARG(key));
    ov_arena_fini(&a);
    return st;
}
