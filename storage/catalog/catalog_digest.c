/*
 * Table datasources: which commit changed each datasource last, and digests that tell when rows vanished.
 *
 * A page of the database that lost a cell still looks like a page. So every datasource keeps count and exclusive or
 * of its rows' checksums, its own row is checksummed, and table meta holds the exclusive or of those. Changing a row
 * costs the same whatever the number of rows.
 */
#include "storage/catalog/keys_int.h"

#include "base/hash.h"

static ov_status known_sum(const ovi_known *k, int64_t *out, ov_error *err)
{
    ov_buf b;
    int64_t numbers[] = {k->change, k->digest.all_count, k->digest.all_sum, k->digest.used_count,
                         k->digest.used_sum};
    ov_buf_init(&b);
    ov_buf_add(&b, numbers, sizeof(numbers));
    ov_buf_add_slice(&b, k->name);
    ov_status st = ov_buf_check(&b, err);
    if (st == OV_OK)
        *out = (int64_t)ov_checksum(b.p, b.n);
    ov_buf_fini(&b);
    return st;
}

#define KNOWN_COLUMNS "name, change, all_count, all_sum, used_count, used_sum, sum"

/* *sum as stored; the name lives until the next step. */
static ov_status known_read(ov_catalog *cat, sqlite3_stmt *s, ovi_known *k, int64_t *sum, ov_error *err)
{
    int64_t want;
    *k = (ovi_known){
        .name = ovi_column(s, 0),
        .change = sqlite3_column_int64(s, 1),
        .digest = {sqlite3_column_int64(s, 2), sqlite3_column_int64(s, 3), sqlite3_column_int64(s, 4),
                   sqlite3_column_int64(s, 5)},
    };
    *sum = sqlite3_column_int64(s, 6);
    OV_TRY(known_sum(k, &want, err));
    if (want != *sum)
        return ovi_db_damaged(cat, err, "the row of datasource '" OV_SLICE_FMT "' does not match its checksum",
                              OV_SLICE_ARG(k->name));
    return OV_OK;
}

/* Digest and stored checksum of one datasource; zeros when it is new. */
static ov_status known_get(ov_catalog *cat, ov_slice name, ovi_known *k, int64_t *sum, ov_error *err)
{
    sqlite3_stmt *s;
    bool row;
    *k = (ovi_known){0};
    *sum = 0;
    OV_TRY(ovi_db_prepare(cat, "SELECT " KNOWN_COLUMNS " FROM datasources WHERE name = ?", &s, err));
    ovi_bind_str(s, 1, name);
    ov_status st = ovi_db_step(cat, s, &row, err);
    if (st == OV_OK && row)
        st = known_read(cat, s, k, sum, err);
    k->name = name;
    ovi_db_done(cat, s);
    return st;
}

static ov_status known_put(ov_catalog *cat, const ovi_known *k, int64_t sum, ov_error *err)
{
    sqlite3_stmt *s;
    OV_TRY(ovi_db_prepare(
        cat, "INSERT OR REPLACE INTO datasources(" KNOWN_COLUMNS ") VALUES(?,?,?,?,?,?,?)", &s, err));
    ovi_bind_str(s, 1, k->name);
    sqlite3_bind_int64(s, 2, k->change);
    sqlite3_bind_int64(s, 3, k->digest.all_count);
    sqlite3_bind_int64(s, 4, k->digest.all_sum);
    sqlite3_bind_int64(s, 5, k->digest.used_count);
    sqlite3_bind_int64(s, 6, k->digest.used_sum);
    sqlite3_bind_int64(s, 7, sum);
    ov_status st = ovi_db_run(cat, s, err);
    ovi_db_done(cat, s);
    return st;
}

ov_status ovi_datasource_touch(ov_catalog *cat, ov_slice name, ov_error *err)
{
    ovi_known k;
    const ovi_digest *d = &cat->delta;
    int64_t change, digest, old_sum, new_sum;
    OV_TRY(ovi_meta_get(cat, "change", &change, err));
    OV_TRY(ovi_meta_set(cat, "change", ++change, err));
    OV_TRY(known_get(cat, name, &k, &old_sum, err));
    k.change = change;
    k.digest.all_count += d->all_count;
    k.digest.all_sum ^= d->all_sum;
    k.digest.used_count += d->used_count;
    k.digest.used_sum ^= d->used_sum;
    OV_TRY(known_sum(&k, &new_sum, err));
    OV_TRY(known_put(cat, &k, new_sum, err));
    cat->delta = (ovi_digest){0};
    OV_TRY(ovi_meta_get(cat, "datasources", &digest, err));
    return ovi_meta_set(cat, "datasources", digest ^ old_sum ^ new_sum, err);
}

static ov_status list_rows(ov_catalog *cat, sqlite3_stmt *s, ov_arena *out, ovi_known **list, uint32_t *count,
                           int64_t *digest, ov_error *err)
{
    uint32_t cap = 0;
    for (;;) {
        bool row;
        int64_t sum;
        OV_TRY(ovi_db_step(cat, s, &row, err));
        if (!row)
            return OV_OK;
        OV_TRY(ov_arena_room(out, list, *count, &cap, 1, sizeof **list, err));
        ovi_known *k = &(*list)[(*count)++];
        OV_TRY(known_read(cat, s, k, &sum, err));
        OV_TRY(ov_arena_copy(out, k->name, &k->name, err));
        *digest ^= sum;
    }
}

ov_status ovi_known_list(ov_catalog *cat, ov_arena *out, ovi_known **list, uint32_t *count, ov_error *err)
{
    sqlite3_stmt *s;
    int64_t digest;
    *list = NULL;
    *count = 0;
    OV_TRY(ovi_meta_get(cat, "datasources", &digest, err));
    OV_TRY(ovi_db_prepare(cat, "SELECT " KNOWN_COLUMNS " FROM datasources ORDER BY name", &s, err));
    ov_status st = list_rows(cat, s, out, list, count, &digest, err);
    ovi_db_done(cat, s);
    if (st == OV_OK && digest != 0)
        st = ovi_db_damaged(cat, err, "a datasource is missing from its table");
    return st;
}

ov_status ovi_known_check_used(ov_catalog *cat, const ovi_known *k, const ovi_row *rows, uint32_t count,
                               ov_error *err)
{
    int64_t sum = 0;
    for (uint32_t i = 0; i < count; i++)
        sum ^= rows[i].sum;
    if (count != k->digest.used_count || sum != k->digest.used_sum)
        return ovi_db_damaged(cat, err, "datasource '" OV_SLICE_FMT "' has %u used segments, %lld were published",
                              OV_SLICE_ARG(k->name), count, (long long)k->digest.used_count);
    return OV_OK;
}

static ov_status check_rows(ov_catalog *cat, sqlite3_stmt *s, const ovi_known *k, ov_error *err)
{
    ovi_row r;
    bool row;
    int64_t count = 0, sum = 0;
    ovi_bind_str(s, 1, k->name);
    OV_TRY(ovi_db_step(cat, s, &row, err));
    while (row) {
        OV_TRY(ovi_row_read(cat, s, &r, err));
        count++;
        sum ^= r.sum;
        OV_TRY(ovi_db_step(cat, s, &row, err));
    }
    sqlite3_reset(s);
    if (count != k->digest.all_count || sum != k->digest.all_sum)
        return ovi_db_damaged(cat, err, "datasource '" OV_SLICE_FMT "' has %lld segments, %lld were published",
                              OV_SLICE_ARG(k->name), (long long)count, (long long)k->digest.all_count);
    return OV_OK;
}

ov_status ovi_digest_check_all(ov_catalog *cat, ov_error *err)
{
    ov_arena a;
    ovi_known *list;
    uint32_t n;
    sqlite3_stmt *s = NULL;
    ov_arena_init(&a, "catalog check", NULL);
    ov_status st = ovi_known_list(cat, &a, &list, &n, err);
    if (st == OV_OK)
        st = ovi_db_prepare(cat, "SELECT " OVI_ROW_COLUMNS " FROM segments WHERE datasource = ?", &s, err);
    for (uint32_t i = 0; st == OV_OK && i < n; i++)
        st = check_rows(cat, s, &list[i], err);
    ovi_db_done(cat, s);
    ov_arena_fini(&a);
    if (st == OV_OK)
        st = ovi_marks_check(cat, err);
    return st == OV_OK ? ovi_cursors_check(cat, err) : st;
}

ov_status ovi_put_summed(ov_catalog *cat, const char *sql, ov_slice name, ov_slice bytes, int64_t sum, ov_error *err)
{
    sqlite3_stmt *s;
    OV_TRY(ovi_db_prepare(cat, sql, &s, err));
    ovi_bind_str(s, 1, name);
    ovi_bind_blob(s, 2, bytes);
    sqlite3_bind_int64(s, 3, sum);
    ov_status st = ovi_db_run(cat, s, err);
    ovi_db_done(cat, s);
    return st;
}
