/*
 * Rows of the tables segments and schemas. Each carries an XXH3 checksum over everything in it, so that a flipped bit
 * in catalog.db is a named error and never a segment that silently moved.
 */
#include "storage/catalog/keys_int.h"

#include "base/bytes.h"
#include "base/hash.h"
#include "base/os.h"

static void sum_i64(ov_buf *b, int64_t v)
{
    ov_buf_add(b, &v, sizeof(v));
}

static void sum_text(ov_buf *b, ov_slice s)
{
    sum_i64(b, (int64_t)s.n);
    ov_buf_add_slice(b, s);
}

static ov_status row_sum(const ovi_row *r, int64_t *out, ov_error *err)
{
    ov_buf b;
    ov_buf_init(&b);
    sum_i64(&b, r->seq);
    sum_text(&b, r->id.datasource);
    sum_i64(&b, r->id.span.start);
    sum_i64(&b, r->id.span.end);
    sum_text(&b, r->id.version);
    sum_i64(&b, r->id.partition);
    sum_i64(&b, r->core);
    sum_i64(&b, r->tombstone);
    sum_i64(&b, r->used);
    sum_i64(&b, r->rows);
    sum_i64(&b, (int64_t)r->bytes);
    sum_i64(&b, r->min_time);
    sum_i64(&b, r->max_time);
    sum_text(&b, r->file);
    sum_text(&b, r->task_id);
    sum_i64(&b, r->schema);
    sum_i64(&b, r->created_ms);
    if (r->shard.n) /* rows of catalogs that had no such column keep their sums */
        sum_text(&b, r->shard);
    ov_status st = ov_buf_check(&b, err);
    if (st == OV_OK)
        *out = (int64_t)ov_checksum(b.p, b.n);
    ov_buf_fini(&b);
    return st;
}

ov_status ovi_row_read(ov_catalog *cat, sqlite3_stmt *s, ovi_row *r, ov_error *err)
{
    int64_t sum;
    *r = (ovi_row){
        .seq = sqlite3_column_int64(s, 0),
        .id = {.datasource = ovi_column(s, 1),
               .span = {sqlite3_column_int64(s, 2), sqlite3_column_int64(s, 3)},
               .version = ovi_column(s, 4),
               .partition = (uint32_t)sqlite3_column_int64(s, 5)},
        .core = (uint32_t)sqlite3_column_int64(s, 6),
        .tombstone = sqlite3_column_int64(s, 7) != 0,
        .used = sqlite3_column_int64(s, 8) != 0,
        .rows = (uint32_t)sqlite3_column_int64(s, 9),
        .bytes = (uint64_t)sqlite3_column_int64(s, 10),
        .min_time = sqlite3_column_int64(s, 11),
        .max_time = sqlite3_column_int64(s, 12),
        .file = ovi_column(s, 13),
        .task_id = ovi_column(s, 14),
        .schema = sqlite3_column_int64(s, 15),
        .created_ms = sqlite3_column_int64(s, 16),
        .shard = ovi_column(s, 18),
    };
    OV_TRY(row_sum(r, &sum, err));
    r->sum = sum;
    if (sum != sqlite3_column_int64(s, 17) || r->id.span.start >= r->id.span.end)
        return ovi_db_damaged(cat, err, "row %lld of table segments does not match its checksum",
                              (long long)r->seq);
    return OV_OK;
}

ov_status ovi_row_copy(ov_arena *a, ovi_row *r, ov_error *err)
{
    OV_TRY(ov_arena_copy(a, r->id.datasource, &r->id.datasource, err));
    OV_TRY(ov_arena_copy(a, r->id.version, &r->id.version, err));
    OV_TRY(ov_arena_copy(a, r->file, &r->file, err));
    OV_TRY(ov_arena_copy(a, r->shard, &r->shard, err));
    return ov_arena_copy(a, r->task_id, &r->task_id, err);
}

/* A row comes or goes. */
static void note_row(ov_catalog *cat, const ovi_row *r, bool comes)
{
    ovi_digest *d = &cat->delta;
    d->all_count += comes ? 1 : -1;
    d->all_sum ^= r->sum;
    if (!r->used)
        return;
    d->used_count += comes ? 1 : -1;
    d->used_sum ^= r->sum;
}

static ov_status next_seq(ov_catalog *cat, int64_t *out, ov_error *err)
{
    sqlite3_stmt *s;
    bool found;
    OV_TRY(ovi_db_prepare(cat, "SELECT coalesce(max(seq), 0) + 1 FROM segments", &s, err));
    ov_status st = ovi_db_step(cat, s, &found, err);
    *out = st == OV_OK ? sqlite3_column_int64(s, 0) : 0;
    ovi_db_done(cat, s);
    return st;
}

ov_status ovi_row_insert(ov_catalog *cat, const ovi_row *row, ov_error *err)
{
    sqlite3_stmt *s;
    ovi_row r = *row;
    OV_TRY(next_seq(cat, &r.seq, err));
    OV_TRY(row_sum(&r, &r.sum, err));
    OV_TRY(ovi_db_prepare(cat,
                          "INSERT INTO segments(" OVI_ROW_COLUMNS
                          ") VALUES(?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)",
                          &s, err));
    sqlite3_bind_int64(s, 1, r.seq);
    ovi_bind_str(s, 2, r.id.datasource);
    sqlite3_bind_int64(s, 3, r.id.span.start);
    sqlite3_bind_int64(s, 4, r.id.span.end);
    ovi_bind_str(s, 5, r.id.version);
    sqlite3_bind_int64(s, 6, r.id.partition);
    sqlite3_bind_int64(s, 7, r.core);
    sqlite3_bind_int64(s, 8, r.tombstone);
    sqlite3_bind_int64(s, 9, r.used);
    sqlite3_bind_int64(s, 10, r.rows);
    sqlite3_bind_int64(s, 11, (int64_t)r.bytes);
    sqlite3_bind_int64(s, 12, r.min_time);
    sqlite3_bind_int64(s, 13, r.max_time);
    ovi_bind_str(s, 14, r.file);
    ovi_bind_str(s, 15, r.task_id);
    sqlite3_bind_int64(s, 16, r.schema);
    sqlite3_bind_int64(s, 17, r.created_ms);
    sqlite3_bind_int64(s, 18, r.sum);
    ovi_bind_str(s, 19, r.shard);
    ov_status st = ovi_db_run(cat, s, err);
    ovi_db_done(cat, s);
    note_row(cat, &r, true);
    return st;
}

/* When a row became unused stands in a table of its own, which only says what a kill may spare. */
static ov_status forget_unused(ov_catalog *cat, const ovi_row *row, ov_error *err)
{
    sqlite3_stmt *s;
    OV_TRY(ovi_db_prepare(cat, "DELETE FROM unused WHERE seq = ?", &s, err));
    sqlite3_bind_int64(s, 1, row->seq);
    ov_status st = ovi_db_run(cat, s, err);
    ovi_db_done(cat, s);
    return st;
}

static ov_status note_unused(ov_catalog *cat, const ovi_row *row, ov_error *err)
{
    sqlite3_stmt *s;
    OV_TRY(ovi_db_prepare(cat, "INSERT OR REPLACE INTO unused(seq, at_ms) VALUES(?, ?)", &s, err));
    sqlite3_bind_int64(s, 1, row->seq);
    sqlite3_bind_int64(s, 2, ov_now_ms());
    ov_status st = ovi_db_run(cat, s, err);
    ovi_db_done(cat, s);
    return st;
}

ov_status ovi_row_unused_since(ov_catalog *cat, const ovi_row *row, bool *known, int64_t *at_ms, ov_error *err)
{
    sqlite3_stmt *s;
    OV_TRY(ovi_db_prepare(cat, "SELECT at_ms FROM unused WHERE seq = ?", &s, err));
    sqlite3_bind_int64(s, 1, row->seq);
    ov_status st = ovi_db_step(cat, s, known, err);
    *at_ms = st == OV_OK && *known ? sqlite3_column_int64(s, 0) : 0;
    ovi_db_done(cat, s);
    return st;
}

ov_status ovi_row_set_used(ov_catalog *cat, ovi_row *row, bool used, ov_error *err)
{
    sqlite3_stmt *s;
    OV_TRY(used ? forget_unused(cat, row, err) : note_unused(cat, row, err));
    note_row(cat, row, false);
    row->used = used;
    OV_TRY(row_sum(row, &row->sum, err));
    note_row(cat, row, true);
    OV_TRY(ovi_db_prepare(cat, "UPDATE segments SET used = ?, sum = ? WHERE seq = ?", &s, err));
    sqlite3_bind_int64(s, 1, used);
    sqlite3_bind_int64(s, 2, row->sum);
    sqlite3_bind_int64(s, 3, row->seq);
    ov_status st = ovi_db_run(cat, s, err);
    ovi_db_done(cat, s);
    return st;
}

ov_status ovi_row_delete(ov_catalog *cat, const ovi_row *row, ov_error *err)
{
    sqlite3_stmt *s;
    OV_TRY(forget_unused(cat, row, err)); /* its number may come again */
    OV_TRY(ovi_db_prepare(cat, "DELETE FROM segments WHERE seq = ?", &s, err));
    sqlite3_bind_int64(s, 1, row->seq);
    ov_status st = ovi_db_run(cat, s, err);
    ovi_db_done(cat, s);
    note_row(cat, row, false);
    return st;
}

static ov_status collect_rows(ov_catalog *cat, sqlite3_stmt *s, ov_arena *out, ovi_row **rows,
                              uint32_t *count, ov_error *err)
{
    uint32_t cap = 0;
    for (;;) {
        bool more;
        OV_TRY(ovi_db_step(cat, s, &more, err));
        if (!more)
            return OV_OK;
        OV_TRY(ov_arena_room(out, rows, *count, &cap, 1, sizeof **rows, err));
        ovi_row *r = &(*rows)[*count];
        OV_TRY(ovi_row_read(cat, s, r, err));
        OV_TRY(ovi_row_copy(out, r, err));
        ++*count;
    }
}

ov_status ovi_rows_select(ov_catalog *cat, ov_slice datasource, bool used, ov_interval span,
                          ov_arena *out, ovi_row **rows, uint32_t *count, ov_error *err)
{
    sqlite3_stmt *s;
    *rows = NULL;
    *count = 0;
    OV_TRY(ovi_db_prepare(cat,
                          "SELECT " OVI_ROW_COLUMNS
                          " FROM segments WHERE datasource = ? AND used = ? AND start_ms >= ? AND end_ms <= ?"
                          " ORDER BY seq",
                          &s, err));
    ovi_bind_str(s, 1, datasource);
    sqlite3_bind_int64(s, 2, used);
    sqlite3_bind_int64(s, 3, span.start);
    sqlite3_bind_int64(s, 4, span.end);
    ov_status st = collect_rows(cat, s, out, rows, count, err);
    ovi_db_done(cat, s);
    return st;
}

/* ---- schemas: u32 count, then per column u32 name bytes, name, four type bytes, role ---- */

static void schema_encode(ov_buf *b, const ov_schema_column *columns, uint32_t count)
{
    ov_buf_add(b, &count, sizeof(count));
    for (uint32_t i = 0; i < count; i++) {
        const ov_schema_column *c = &columns[i];
        uint32_t n = (uint32_t)c->name.n;
        uint8_t tail[5] = {c->type.id, c->type.elem, c->type.multi, c->type.complex, c->role};
        ov_buf_add(b, &n, sizeof(n));
        ov_buf_add_slice(b, c->name);
        ov_buf_add(b, tail, sizeof(tail));
    }
}

static bool take(ov_slice *in, void *to, size_t n)
{
    if (in->n < n)
        return false;
    memcpy(to, in->p, n);
    in->p += n;
    in->n -= n;
    return true;
}

static ov_status schema_decode(ov_catalog *cat, ov_slice in, ov_arena *out,
                               const ov_schema_column **columns, uint32_t *count, ov_error *err)
{
    uint32_t n;
    ov_schema_column *c;
    if (!take(&in, &n, sizeof(n)) || n > in.n)
        return ovi_db_damaged(cat, err, "a column list is cut");
    OV_TRY(ov_arena_zalloc(out, n * sizeof(*c), &c, err));
    for (uint32_t i = 0; i < n; i++) {
        uint32_t name_bytes;
        uint8_t tail[5];
        if (!take(&in, &name_bytes, sizeof(name_bytes)) || name_bytes > in.n)
            return ovi_db_damaged(cat, err, "a column list is cut");
        OV_TRY(ov_arena_copy(out, ov_slice_make(in.p, name_bytes), &c[i].name, err));
        in = ov_slice_make(in.p + name_bytes, in.n - name_bytes);
        if (!take(&in, tail, sizeof(tail)))
            return ovi_db_damaged(cat, err, "a column list is cut");
        c[i].type = (ov_type){.id = tail[0], .elem = tail[1], .multi = tail[2], .complex = tail[3]};
        c[i].role = tail[4];
    }
    *columns = c;
    *count = n;
    return OV_OK;
}

static ov_status schema_find(ov_catalog *cat, ov_slice bytes, int64_t *out, ov_error *err)
{
    sqlite3_stmt *s;
    bool row;
    OV_TRY(ovi_db_prepare(cat, "SELECT id FROM schemas WHERE columns = ?", &s, err));
    ovi_bind_blob(s, 1, bytes);
    ov_status st = ovi_db_step(cat, s, &row, err);
    *out = st == OV_OK && row ? sqlite3_column_int64(s, 0) : 0;
    ovi_db_done(cat, s);
    return st;
}

static ov_status schema_add(ov_catalog *cat, ov_slice bytes, int64_t *out, ov_error *err)
{
    sqlite3_stmt *s;
    OV_TRY(ovi_db_prepare(cat, "INSERT INTO schemas(columns, sum) VALUES(?, ?)", &s, err));
    ovi_bind_blob(s, 1, bytes);
    sqlite3_bind_int64(s, 2, (int64_t)ov_checksum(bytes.p, bytes.n));
    ov_status st = ovi_db_run(cat, s, err);
    ovi_db_done(cat, s);
    *out = sqlite3_last_insert_rowid(cat->db);
    return st;
}

ov_status ovi_schema_intern(ov_catalog *cat, const ov_schema_column *columns, uint32_t count,
                            int64_t *out, ov_error *err)
{
    ov_buf b;
    ov_buf_init(&b);
    schema_encode(&b, columns, count);
    ov_status st = ov_buf_check(&b, err);
    if (st == OV_OK)
        st = schema_find(cat, ov_buf_slice(&b), out, err);
    if (st == OV_OK && *out == 0)
        st = schema_add(cat, ov_buf_slice(&b), out, err);
    ov_buf_fini(&b);
    return st;
}

ov_status ovi_schema_read(ov_catalog *cat, int64_t schema, ov_arena *out,
                          const ov_schema_column **columns, uint32_t *count, ov_error *err)
{
    sqlite3_stmt *s;
    bool row;
    OV_TRY(ovi_db_prepare(cat, "SELECT columns, sum FROM schemas WHERE id = ?", &s, err));
    sqlite3_bind_int64(s, 1, schema);
    ov_status st = ovi_db_step(cat, s, &row, err);
    if (st == OV_OK && !row)
        st = ovi_db_damaged(cat, err, "column list %lld is missing", (long long)schema);
    if (st == OV_OK) {
        ov_slice bytes = ovi_column(s, 0);
        if ((int64_t)ov_checksum(bytes.p, bytes.n) != sqlite3_column_int64(s, 1))
            st = ovi_db_damaged(cat, err, "column list %lld does not match its checksum",
                                (long long)schema);
        else
            st = schema_decode(cat, bytes, out, columns, count, err);
    }
    ovi_db_done(cat, s);
    return st;
}
