/*
 * Rows of git_commits and git_changes. A commit's row is written when its changes are known, because it carries their
 * sums; its head is kept until then.
 */
#include "ingest/git/git_rows.h"

#include "base/hash.h"
#include "base/utf8.h"

enum { SPLIT_BYTES = 4 << 20, MAX_PARENTS = 64 };

/* ---- columns ---- */

enum {
    C_TIME, C_REPO, C_SHA, C_AUTHOR, C_AUTHOR_HASH, C_AUTHOR_DOMAIN, C_AUTHOR_TIME, C_AUTHOR_OFFSET, C_COMMITTER,
    C_COMMITTER_HASH, C_COMMITTER_DOMAIN, C_COMMIT_OFFSET, C_PARENTS, C_IS_MERGE, C_SUBJECT, C_FILES, C_ADDITIONS,
    C_DELETIONS, C_COUNT,
};

enum {
    F_TIME, F_REPO, F_SHA, F_AUTHOR, F_AUTHOR_HASH, F_AUTHOR_DOMAIN, F_AUTHOR_TIME, F_AUTHOR_OFFSET, F_COMMIT_OFFSET,
    F_PATH, F_EXTENSION, F_TOP_FOLDER, F_ADDITIONS, F_DELETIONS, F_SUBJECT, F_COUNT,
};

#define TEXT(text) {.name = {text, sizeof(text) - 1}, .type = {.id = OV_TYPE_STRING}, .role = OV_ROLE_DIMENSION, .indexed = true}
#define TEXTS(text) {.name = {text, sizeof(text) - 1}, .type = {.id = OV_TYPE_STRING, .multi = 1}, .role = OV_ROLE_DIMENSION, .indexed = true}
#define NUMBER(text) {.name = {text, sizeof(text) - 1}, .type = {.id = OV_TYPE_LONG}, .role = OV_ROLE_DIMENSION}
#define METRIC(text) {.name = {text, sizeof(text) - 1}, .type = {.id = OV_TYPE_LONG}, .role = OV_ROLE_METRIC}
#define TIME {.name = {"__time", 6}, .type = {.id = OV_TYPE_LONG}, .role = OV_ROLE_TIME}

static const ov_build_column commit_columns[C_COUNT] = {
    [C_TIME] = TIME,
    [C_REPO] = TEXT("repo"),
    [C_SHA] = TEXT("sha"),
    [C_AUTHOR] = TEXT("author"),
    [C_AUTHOR_HASH] = TEXT("author_email_hash"),
    [C_AUTHOR_DOMAIN] = TEXT("author_email_domain"),
    [C_AUTHOR_TIME] = NUMBER("author_time"),
    [C_AUTHOR_OFFSET] = NUMBER("author_offset"),
    [C_COMMITTER] = TEXT("committer"),
    [C_COMMITTER_HASH] = TEXT("committer_email_hash"),
    [C_COMMITTER_DOMAIN] = TEXT("committer_email_domain"),
    [C_COMMIT_OFFSET] = NUMBER("commit_offset"),
    [C_PARENTS] = TEXTS("parents"),
    [C_IS_MERGE] = NUMBER("is_merge"),
    [C_SUBJECT] = TEXT("subject"),
    [C_FILES] = METRIC("files"),
    [C_ADDITIONS] = METRIC("additions"),
    [C_DELETIONS] = METRIC("deletions"),
};

static const ov_build_column change_columns[F_COUNT] = {
    [F_TIME] = TIME,
    [F_REPO] = TEXT("repo"),
    [F_SHA] = TEXT("sha"),
    [F_AUTHOR] = TEXT("author"),
    [F_AUTHOR_HASH] = TEXT("author_email_hash"),
    [F_AUTHOR_DOMAIN] = TEXT("author_email_domain"),
    [F_AUTHOR_TIME] = NUMBER("author_time"),
    [F_AUTHOR_OFFSET] = NUMBER("author_offset"),
    [F_COMMIT_OFFSET] = NUMBER("commit_offset"),
    [F_PATH] = TEXT("path"),
    [F_EXTENSION] = TEXT("extension"),
    [F_TOP_FOLDER] = TEXT("top_folder"),
    [F_ADDITIONS] = METRIC("additions"),
    [F_DELETIONS] = METRIC("deletions"),
    [F_SUBJECT] = TEXT("subject"),
};

/* ---- state ---- */

/* One of the two datasources: its load and the split being filled. */
typedef struct output {
    ov_loader *loader;
    ov_rows *rows;
} output;

struct ov_git_rows {
    output commits, changes;
    ov_slice repo;
    ov_git_seen *seen;
    ov_git_counts counts;
    /* The commit whose changes are being read. */
    bool open, skip;
    ov_git_commit head; /* slices into `arena` */
    ov_arena arena;
    char author_hash[17], committer_hash[17];
    uint64_t files;
    int64_t additions, deletions;
    ov_buf scratch;
};

static ov_status output_open(output *o, ov_slice name, const ov_build_column *columns, uint32_t count,
                             const ov_gran *segment_gran, const ov_load_env *env, ov_error *err)
{
    static const uint32_t by_time[] = {0};
    ov_load_schema schema = {
        .datasource = name,
        .columns = columns,
        .column_count = count,
        .sort = by_time,
        .sort_count = 1,
        .segment_gran = *segment_gran,
        .query_gran = {.kind = OV_GRAN_NONE},
        .max_parse_exceptions = UINT64_MAX,
        .max_saved_rejects = 20,
    };
    return ov_loader_create(&schema, env, &o->loader, err);
}

ov_status ov_git_rows_create(ov_slice commits_name, ov_slice changes_name, const ov_gran *segment_gran,
                             const ov_load_env *commits_env, const ov_load_env *changes_env, ov_git_rows **out,
                             ov_error *err)
{
    ov_git_rows *r = ov_calloc(1, sizeof(*r));
    if (!r)
        return ov_fail_nomem(err, sizeof(*r));
    ov_arena_init(&r->arena, "git commit", NULL);
    ov_buf_init(&r->scratch);
    ov_status st =
        output_open(&r->commits, commits_name, commit_columns, C_COUNT, segment_gran, commits_env, err);
    if (st == OV_OK)
        st = output_open(&r->changes, changes_name, change_columns, F_COUNT, segment_gran, changes_env, err);
    if (st != OV_OK) {
        ov_git_rows_destroy(r);
        return st;
    }
    *out = r;
    return OV_OK;
}

/* A split belongs to whoever fills it; it goes back even when nothing will come of it. */
static void output_close(output *o)
{
    ov_error ignored = OV_ERROR_INIT;
    if (o->rows)
        (void)!ov_loader_submit(o->loader, o->rows, &ignored);
    ov_loader_destroy(o->loader);
}

void ov_git_rows_destroy(ov_git_rows *r)
{
    if (!r)
        return;
    output_close(&r->commits);
    output_close(&r->changes);
    ov_arena_fini(&r->arena);
    ov_buf_fini(&r->scratch);
    ov_free(r);
}

void ov_git_rows_repo(ov_git_rows *r, ov_slice name, ov_git_seen *seen)
{
    r->repo = name;
    r->seen = seen;
    r->counts = (ov_git_counts){0};
    r->open = r->skip = false;
}

/* A split with room for another row. */
static ov_status room(output *o, ov_error *err)
{
    if (o->rows && ov_rows_bytes(o->rows) >= SPLIT_BYTES) {
        ov_rows *full = o->rows;
        o->rows = NULL;
        OV_TRY(ov_loader_submit(o->loader, full, err));
    }
    return o->rows ? OV_OK : ov_loader_begin(o->loader, &o->rows, err);
}

/* ---- values ---- */

/* Text as rows want it: valid UTF-8, NULL when empty. */
static void put_text(ov_git_rows *r, ov_rows *rows, uint32_t col, ov_slice text)
{
    if (text.n == 0)
        return;
    if (!ov_utf8_valid(text)) {
        ov_buf_clear(&r->scratch);
        ov_utf8_repair(text, &r->scratch);
        text = ov_buf_slice(&r->scratch);
    }
    ov_rows_put_str(rows, col, text);
}

/* Without letter case; the hash of an empty address is empty too. */
static void hash_email(ov_git_rows *r, ov_slice email, char hash[17])
{
    hash[0] = 0;
    if (email.n == 0)
        return;
    ov_buf_clear(&r->scratch);
    for (size_t i = 0; i < email.n; i++)
        ov_buf_add_char(&r->scratch, ov_ascii_lower(email.p[i]));
    uint64_t h = ov_checksum(r->scratch.p, r->scratch.n);
    for (int i = 0; i < 16; i++)
        hash[i] = "0123456789abcdef"[h >> (60 - 4 * i) & 15];
    hash[16] = 0;
}

static void put_domain(ov_git_rows *r, ov_rows *rows, uint32_t col, ov_slice email)
{
    const char *at = email.n ? memrchr(email.p, '@', email.n) : NULL;
    if (!at)
        return;
    ov_buf lower;
    ov_buf_init(&lower);
    for (const char *c = at + 1; c < email.p + email.n; c++)
        ov_buf_add_char(&lower, ov_ascii_lower(*c));
    if (!lower.failed)
        put_text(r, rows, col, ov_buf_slice(&lower));
    ov_buf_fini(&lower);
}

/* Lower-case letters behind the last dot of the name; none for `.gitignore` and `Makefile`. */
static void put_extension(ov_git_rows *r, ov_rows *rows, ov_slice path)
{
    size_t base = path.n;
    while (base > 0 && path.p[base - 1] != '/')
        base--;
    size_t dot = path.n;
    while (dot > base && path.p[dot - 1] != '.')
        dot--;
    if (dot <= base + 1 || dot == path.n)
        return;
    ov_buf lower;
    ov_buf_init(&lower);
    for (size_t i = dot; i < path.n; i++)
        ov_buf_add_char(&lower, ov_ascii_lower(path.p[i]));
    if (!lower.failed)
        put_text(r, rows, F_EXTENSION, ov_buf_slice(&lower));
    ov_buf_fini(&lower);
}

static void put_top_folder(ov_git_rows *r, ov_rows *rows, ov_slice path)
{
    const char *slash = memchr(path.p, '/', path.n);
    if (slash)
        put_text(r, rows, F_TOP_FOLDER, ov_slice_make(path.p, (size_t)(slash - path.p)));
}

static uint32_t put_parents(ov_rows *rows, ov_slice parents)
{
    ov_slice list[MAX_PARENTS];
    uint32_t n = 0;
    for (size_t i = 0; i < parents.n && n < MAX_PARENTS;) {
        size_t end = i;
        while (end < parents.n && parents.p[end] != ' ')
            end++;
        if (end > i)
            list[n++] = ov_slice_make(parents.p + i, end - i);
        i = end + 1;
    }
    if (n)
        ov_rows_put_strs(rows, C_PARENTS, list, n);
    return n;
}

static bool times_usable(const ov_git_commit *c)
{
    const int64_t most = OV_TIME_MAX / 1000;
    return c->time_ok && c->committer.time_s > -most && c->committer.time_s < most && c->author.time_s > -most &&
           c->author.time_s < most;
}

static void reject(ov_git_rows *r, ov_rows *rows)
{
    ov_reject why = {
        .file = r->repo,
        .field = OV_SLICE_LIT("__time"),
        .reason = OV_SLICE_LIT("the commit's times cannot be read"),
        .value = r->head.sha,
    };
    ov_rows_reject(rows, &why);
}

/* ---- rows ---- */

static ov_status write_commit(ov_git_rows *r, ov_error *err)
{
    const ov_git_commit *c = &r->head;
    OV_TRY(room(&r->commits, err));
    ov_rows *rows = r->commits.rows;
    if (!times_usable(c)) {
        reject(r, rows);
        return OV_OK;
    }
    ov_rows_put_i64(rows, C_TIME, c->committer.time_s * 1000);
    ov_rows_put_str(rows, C_REPO, r->repo);
    ov_rows_put_str(rows, C_SHA, c->sha);
    put_text(r, rows, C_AUTHOR, c->author.name);
    put_text(r, rows, C_AUTHOR_HASH, ov_slice_cstr(r->author_hash));
    put_domain(r, rows, C_AUTHOR_DOMAIN, c->author.email);
    ov_rows_put_i64(rows, C_AUTHOR_TIME, c->author.time_s * 1000);
    ov_rows_put_i64(rows, C_AUTHOR_OFFSET, c->author.offset_min);
    put_text(r, rows, C_COMMITTER, c->committer.name);
    put_text(r, rows, C_COMMITTER_HASH, ov_slice_cstr(r->committer_hash));
    put_domain(r, rows, C_COMMITTER_DOMAIN, c->committer.email);
    ov_rows_put_i64(rows, C_COMMIT_OFFSET, c->committer.offset_min);
    ov_rows_put_i64(rows, C_IS_MERGE, put_parents(rows, c->parents) > 1);
    put_text(r, rows, C_SUBJECT, c->subject);
    ov_rows_put_i64(rows, C_FILES, (int64_t)r->files);
    ov_rows_put_i64(rows, C_ADDITIONS, r->additions);
    ov_rows_put_i64(rows, C_DELETIONS, r->deletions);
    ov_rows_end(rows);
    r->counts.commits++;
    return OV_OK;
}

static ov_status end_commit(ov_git_rows *r, ov_error *err)
{
    if (!r->open || r->skip)
        return OV_OK;
    r->open = false;
    return write_commit(r, err);
}

static ov_status keep_head(ov_git_rows *r, const ov_git_commit *c, ov_error *err)
{
    ov_arena_reset(&r->arena);
    r->head = *c;
    OV_TRY(ov_arena_copy(&r->arena, c->sha, &r->head.sha, err));
    OV_TRY(ov_arena_copy(&r->arena, c->parents, &r->head.parents, err));
    OV_TRY(ov_arena_copy(&r->arena, c->subject, &r->head.subject, err));
    OV_TRY(ov_arena_copy(&r->arena, c->author.name, &r->head.author.name, err));
    OV_TRY(ov_arena_copy(&r->arena, c->author.email, &r->head.author.email, err));
    OV_TRY(ov_arena_copy(&r->arena, c->committer.name, &r->head.committer.name, err));
    return ov_arena_copy(&r->arena, c->committer.email, &r->head.committer.email, err);
}

ov_status ov_git_rows_commit(ov_git_rows *r, const ov_git_commit *c, ov_error *err)
{
    OV_TRY(end_commit(r, err));
    r->open = true;
    r->skip = ov_git_seen_has(r->seen, c->sha);
    if (r->skip) {
        r->counts.known++;
        return OV_OK;
    }
    OV_TRY(ov_git_seen_add(r->seen, c->sha, err));
    OV_TRY(keep_head(r, c, err));
    hash_email(r, c->author.email, r->author_hash);
    hash_email(r, c->committer.email, r->committer_hash);
    r->files = 0;
    r->additions = r->deletions = 0;
    return OV_OK;
}

ov_status ov_git_rows_change(ov_git_rows *r, const ov_git_change *f, ov_error *err)
{
    const ov_git_commit *c = &r->head;
    if (r->skip)
        return OV_OK;
    OV_TRY(room(&r->changes, err));
    ov_rows *rows = r->changes.rows;
    if (!times_usable(c)) {
        reject(r, rows);
        return OV_OK;
    }
    ov_rows_put_i64(rows, F_TIME, c->committer.time_s * 1000);
    ov_rows_put_str(rows, F_REPO, r->repo);
    ov_rows_put_str(rows, F_SHA, c->sha);
    put_text(r, rows, F_AUTHOR, c->author.name);
    put_text(r, rows, F_AUTHOR_HASH, ov_slice_cstr(r->author_hash));
    put_domain(r, rows, F_AUTHOR_DOMAIN, c->author.email);
    ov_rows_put_i64(rows, F_AUTHOR_TIME, c->author.time_s * 1000);
    ov_rows_put_i64(rows, F_AUTHOR_OFFSET, c->author.offset_min);
    ov_rows_put_i64(rows, F_COMMIT_OFFSET, c->committer.offset_min);
    put_text(r, rows, F_PATH, f->path);
    put_extension(r, rows, f->path);
    put_top_folder(r, rows, f->path);
    put_text(r, rows, F_SUBJECT, c->subject);
    if (!f->binary) {
        ov_rows_put_i64(rows, F_ADDITIONS, f->additions);
        ov_rows_put_i64(rows, F_DELETIONS, f->deletions);
        r->additions += f->additions;
        r->deletions += f->deletions;
    }
    ov_rows_end(rows);
    r->files++;
    r->counts.changes++;
    return OV_OK;
}

ov_status ov_git_rows_end_repo(ov_git_rows *r, ov_git_counts *counts, ov_error *err)
{
    OV_TRY(end_commit(r, err));
    r->open = r->skip = false;
    *counts = r->counts;
    return OV_OK;
}

static ov_status output_finish(output *o, ov_arena *out, ov_load_result *result, ov_error *err)
{
    if (o->rows) {
        ov_rows *last = o->rows;
        o->rows = NULL;
        OV_TRY(ov_loader_submit(o->loader, last, err));
    }
    return ov_loader_finish(o->loader, out, result, err);
}

ov_status ov_git_rows_finish(ov_git_rows *r, ov_arena *out, ov_load_result *commits, ov_load_result *changes,
                             ov_error *err)
{
    ov_status st = output_finish(&r->commits, out, commits, err);
    if (st == OV_OK)
        st = output_finish(&r->changes, out, changes, err);
    return st;
}
