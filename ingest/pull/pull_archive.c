/* The raw archive; see pull_archive.h. */
#include "ingest/pull/pull_archive.h"

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>
#include "base/file.h"
#include "base/jsonw.h"
#include "base/reader.h"

struct ovi_archive {
    int index_fd, data_fd;
    const char *index_path, *data_path;
    ov_slice name;
    int64_t offset;
    /* replay */
    ovi_archived *answers;
    bool *used;
    uint32_t count, from;
};

/* Names out of specs become folders. */
static ov_status safe_name(ov_slice text, ov_arena *out, ov_slice *name, ov_error *err)
{
    char *p = ov_arena_try(out, text.n + 1, 1, err);
    if (!p)
        return err->code;
    for (size_t i = 0; i < text.n; i++) {
        char c = text.p[i];
        bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_' ||
                     (c == '.' && i > 0) || c == ':';
        p[i] = plain ? c : '_';
    }
    p[text.n] = '\0';
    *name = ov_slice_make(p, text.n);
    return OV_OK;
}

ov_status ovi_archive_create(const char *dir, ov_slice source, ov_slice task, int64_t at_ms, ov_arena *out,
                             ovi_archive **archive, ov_error *err)
{
    ovi_archive *a;
    ov_civil day;
    ov_slice api, id, folder, path;
    OV_TRY(ov_arena_zalloc(out, sizeof(*a), &a, err));
    a->index_fd = a->data_fd = -1;
    ov_civil_from_ms(at_ms, &day);
    OV_TRY(safe_name(source, out, &api, err));
    OV_TRY(safe_name(task, out, &id, err));
    OV_TRY(ov_arena_printf(out, &folder, err, "raw/" OV_SLICE_FMT "/%04d/%02d/%02d", OV_SLICE_ARG(api), day.year, day.month, day.day));
    OV_TRY(ov_arena_printf(out, &a->name, err, OV_SLICE_FMT "/" OV_SLICE_FMT ".bin", OV_SLICE_ARG(folder), OV_SLICE_ARG(id)));
    OV_TRY(ov_arena_printf(out, &path, err, "%s/" OV_SLICE_FMT, dir, OV_SLICE_ARG(folder)));
    OV_TRY(ov_dir_make(path.p, err));
    OV_TRY(ov_arena_printf(out, &path, err, "%s/" OV_SLICE_FMT, dir, OV_SLICE_ARG(a->name)));
    a->data_path = path.p;
    OV_TRY(ov_arena_printf(out, &path, err, "%s/" OV_SLICE_FMT "/" OV_SLICE_FMT ".ndjson", dir, OV_SLICE_ARG(folder), OV_SLICE_ARG(id)));
    a->index_path = path.p;
    OV_TRY(ov_file_open(a->data_path, O_WRONLY | O_CREAT | O_TRUNC, 0600, &a->data_fd, err));
    ov_status st = ov_file_open(a->index_path, O_WRONLY | O_CREAT | O_TRUNC, 0600, &a->index_fd, err);
    if (st == OV_OK) {
        char line[80];
        int n = snprintf(line, sizeof line, "{\"collected\":%lld}\n", (long long)at_ms);
        st = ov_file_write_all(a->index_fd, a->index_path, ov_slice_make(line, (size_t)n), err);
    }
    if (st != OV_OK)
        ovi_archive_close(a);
    else
        *archive = a;
    return st;
}

ov_status ovi_append_file(int fd, const char *path, const char *from, ov_error *err)
{
    enum { CHUNK = 64 << 10 };
    ov_reader *r;
    char chunk[CHUNK];
    size_t got = 1;
    OV_TRY(ov_reader_open_file(from, &r, err));
    ov_status st = OV_OK;
    while (st == OV_OK && got > 0) {
        st = ov_reader_read(r, chunk, CHUNK, &got, err);
        if (st == OV_OK)
            st = ov_file_write_all(fd, path, ov_slice_make(chunk, got), err);
    }
    ov_reader_close(r);
    return st;
}

ov_status ovi_archive_add(ovi_archive *a, ovi_archived *x, const char *body, ov_slice bytes, ov_error *err)
{
    ov_buf b;
    ov_jsonw w;
    x->offset = a->offset;
    OV_TRY(body ? ovi_append_file(a->data_fd, a->data_path, body, err) : ov_file_write_all(a->data_fd, a->data_path, bytes, err));
    a->offset += (int64_t)x->bytes;
    ov_buf_init(&b);
    ov_jsonw_init(&w, &b);
    ov_jsonw_open_object(&w, NULL);
    ov_jsonw_str(&w, "url", x->url);
    ov_jsonw_i64(&w, "status", x->status);
    ov_jsonw_i64(&w, "at", x->at_ms);
    ov_jsonw_i64(&w, "offset", x->offset);
    ov_jsonw_u64(&w, "bytes", x->bytes);
    ov_jsonw_cstr(&w, "sha256", x->sha256);
    ov_jsonw_str(&w, "etag", x->etag);
    ov_jsonw_str(&w, "modified", x->modified);
    ov_jsonw_str(&w, "link", x->link);
    ov_jsonw_close_object(&w);
    ov_buf_add_char(&b, '\n');
    ov_status st = ov_buf_check(&b, err);
    if (st == OV_OK)
        st = ov_file_write_all(a->index_fd, a->index_path, ov_buf_slice(&b), err);
    ov_buf_fini(&b);
    return st;
}

ov_status ovi_archive_sync(ovi_archive *a, ov_error *err)
{
    OV_TRY(ov_file_sync(a->data_fd, a->data_path, err));
    return ov_file_sync(a->index_fd, a->index_path, err);
}

ov_slice ovi_archive_name(const ovi_archive *a)
{
    return a->name;
}

void ovi_archive_close(ovi_archive *a)
{
    ov_error ignored = OV_ERROR_INIT;
    if (!a)
        return;
    (void)!ov_file_close(a->index_fd, a->index_path, &ignored);
    (void)!ov_file_close(a->data_fd, a->data_path, &ignored);
    a->index_fd = a->data_fd = -1;
}

/* ---- replay ---- */

static ov_status read_answer(const ov_json *doc, ovi_archived *x, ov_error *err)
{
    int64_t status, bytes;
    ov_slice sum;
    OV_TRY(ov_json_need_str(doc, "url", &x->url, err));
    OV_TRY(ov_json_need_i64(doc, "status", &status, err));
    OV_TRY(ov_json_need_i64(doc, "at", &x->at_ms, err));
    OV_TRY(ov_json_i64_in(doc, "offset", 0, 0, INT64_MAX / 2, &x->offset, err));
    OV_TRY(ov_json_i64_in(doc, "bytes", 0, 0, INT64_MAX / 2, &bytes, err));
    OV_TRY(ov_json_need_str(doc, "sha256", &sum, err));
    OV_TRY(ov_json_str(doc, "etag", (ov_slice){0}, &x->etag, err));
    OV_TRY(ov_json_str(doc, "modified", (ov_slice){0}, &x->modified, err));
    OV_TRY(ov_json_str(doc, "link", (ov_slice){0}, &x->link, err));
    if (sum.n != OV_SHA256_HEX)
        return ov_fail(err, OV_CORRUPT, "sha256 has %zu digits", sum.n);
    memcpy(x->sha256, sum.p, sum.n);
    x->status = (int)status;
    x->bytes = (uint64_t)bytes;
    return OV_OK;
}

static ov_status read_index(ovi_archive *a, ov_slice text, ov_arena *out, int64_t *collected_ms, ov_error *err)
{
    uint32_t lines = 0, number = 0;
    for (size_t i = 0; i < text.n; i++)
        lines += text.p[i] == '\n';
    OV_TRY(ov_arena_zalloc(out, (lines + 1) * sizeof(*a->answers), &a->answers, err));
    OV_TRY(ov_arena_zalloc(out, (lines + 1) * sizeof(*a->used), &a->used, err));
    while (text.n) {
        const char *end = memchr(text.p, '\n', text.n);
        if (!end) /* cut by a crash: what no commit names */
            break;
        ov_slice line = ov_slice_make(text.p, (size_t)(end - text.p));
        ov_json *doc;
        text = ov_slice_make(end + 1, text.n - line.n - 1);
        ov_status st = ov_json_parse(line, NULL, out, &doc, err);
        if (st == OV_OK)
            st = number == 0 ? ov_json_need_i64(doc, "collected", collected_ms, err)
                             : read_answer(doc, &a->answers[a->count++], err);
        number++;
        if (st != OV_OK) {
            ov_error_context(err, "%s line %u", a->index_path, number);
            return st;
        }
    }
    return number ? OV_OK : ov_fail(err, OV_INVALID, "%s is empty", a->index_path);
}

ov_status ovi_archive_open(const char *index, ov_arena *out, ovi_archive **archive, int64_t *collected_ms, ov_error *err)
{
    enum { MOST_INDEX_BYTES = 1 << 30 };
    ovi_archive *a;
    ov_buf text;
    ov_slice path = ov_slice_cstr(index), copy;
    if (!ov_slice_ends(path, OV_SLICE_LIT(".ndjson")))
        return ov_fail(err, OV_INVALID, "replay: '%s' is no index of an archive: its name ends in .ndjson", index);
    OV_TRY(ov_arena_zalloc(out, sizeof(*a), &a, err));
    a->index_fd = a->data_fd = -1;
    a->index_path = index;
    OV_TRY(ov_arena_printf(out, &copy, err, "%.*s.bin", (int)(path.n - 7), path.p));
    a->data_path = copy.p;
    ov_buf_init(&text);
    ov_status st = ov_file_read(index, MOST_INDEX_BYTES, &text, err);
    if (st == OV_OK)
        st = ov_arena_copy(out, ov_buf_slice(&text), &copy, err);
    ov_buf_fini(&text);
    if (st == OV_OK)
        st = read_index(a, copy, out, collected_ms, err);
    if (st == OV_OK)
        st = ov_file_open(a->data_path, O_RDONLY, 0, &a->data_fd, err);
    *archive = a;
    return st;
}

const ovi_archived *ovi_archive_next(ovi_archive *a, ov_slice url)
{
    for (uint32_t i = a->from; i < a->count; i++) {
        if (a->used[i] || !ov_slice_eq(a->answers[i].url, url))
            continue;
        a->used[i] = true;
        while (a->from < a->count && a->used[a->from])
            a->from++;
        return &a->answers[i];
    }
    return NULL;
}

ov_status ovi_archive_read(ovi_archive *a, const ovi_archived *x, ov_buf *out, ov_error *err)
{
    uint8_t digest[OV_SHA256_BYTES];
    char hex[OV_SHA256_HEX + 1];
    if (!ov_buf_reserve(out, x->bytes))
        return ov_buf_check(out, err);
    OV_TRY(ov_file_pread(a->data_fd, a->data_path, out->p + out->n, x->bytes, (uint64_t)x->offset, err));
    ov_sha256_of(ov_slice_make(out->p + out->n, x->bytes), digest);
    ov_sha256_hex(digest, hex);
    if (memcmp(hex, x->sha256, OV_SHA256_HEX) != 0)
        return ov_fail(err, OV_CORRUPT, "%s: the answer at byte %lld is not what was archived: its SHA-256 differs", a->data_path,
                       (long long)x->offset);
    out->n += x->bytes;
    return OV_OK;
}
