/*
 * Opening a log: which files there are, their records in order, and what to make of bytes that are no record; see
 * storage/wal/wal.h. Everything read here is untrusted.
 */
#include "storage/wal/wal_int.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include "base/file.h"
#include "base/hash.h"
#include "base/log.h"
#include "base/os.h"

typedef struct scan {
    ov_wal *w;
    char path[OVI_WAL_PATH_BYTES];
    int fd;
    uint64_t size, at;
    bool last_file;
    char *payload; /* reused */
    uint64_t payload_cap;
} scan;

typedef enum verdict { WHOLE, END, BROKEN } verdict;

static bool record_head_valid(const ovi_wal_head *h)
{
    return h->magic == OVI_WAL_RECORD_MAGIC && h->hash == ov_checksum(h, offsetof(ovi_wal_head, hash)) &&
           h->bytes <= OV_WAL_MAX_RECORD_BYTES;
}

static bool file_head_valid(const ovi_wal_file_head *h)
{
    return h->magic == OVI_WAL_FILE_MAGIC && h->hash == ov_checksum(h, offsetof(ovi_wal_file_head, hash));
}

static ov_status payload_room(scan *s, uint64_t n, ov_error *err)
{
    if (n <= s->payload_cap)
        return OV_OK;
    ov_free(s->payload);
    s->payload_cap = 0;
    s->payload = ov_aligned_malloc(OV_WAL_ALIGN, (size_t)n);
    if (!s->payload)
        return ov_fail_nomem(err, (size_t)n);
    s->payload_cap = n;
    return OV_OK;
}

/* The record at s->at; its payload lies in s->payload. */
static ov_status read_record(scan *s, ovi_wal_head *h, verdict *v, ov_error *err)
{
    *v = BROKEN;
    if (s->at == s->size)
        *v = END;
    if (s->size - s->at < sizeof *h)
        return OV_OK;
    OV_TRY(ov_file_pread(s->fd, s->path, h, sizeof *h, s->at, err));
    if (!record_head_valid(h) || h->seq != s->w->next_seq || h->bytes > s->size - s->at - sizeof *h)
        return OV_OK;
    uint64_t padded = (h->bytes + OV_WAL_ALIGN - 1) & ~(uint64_t)(OV_WAL_ALIGN - 1);
    if (padded > s->size - s->at - sizeof *h)
        return OV_OK;
    OV_TRY(payload_room(s, OV_MAX(padded, 1), err));
    OV_TRY(ov_file_pread(s->fd, s->path, s->payload, (size_t)padded, s->at + sizeof *h, err));
    if (ov_checksum(s->payload, (size_t)h->bytes) != h->payload_hash)
        return OV_OK;
    for (uint64_t i = h->bytes; i < padded; i++)
        if (s->payload[i])
            return OV_OK;
    *v = WHOLE;
    return OV_OK;
}

/* Does some record behind s->at say that the bytes there were durable when it was written? */
static ov_status was_durable(scan *s, bool *yes, ov_error *err)
{
    enum { STEP = 1 << 20 };
    *yes = false;
    for (uint64_t from = s->at & ~(uint64_t)(OV_WAL_ALIGN - 1); from < s->size && !*yes; from += STEP) {
        uint64_t n = OV_MIN((uint64_t)STEP, s->size - from);
        OV_TRY(payload_room(s, STEP, err));
        OV_TRY(ov_file_pread(s->fd, s->path, s->payload, (size_t)n, from, err));
        for (uint64_t i = 0; i + sizeof(ovi_wal_head) <= n && !*yes; i += OV_WAL_ALIGN) {
            ovi_wal_head h;
            memcpy(&h, s->payload + i, sizeof h);
            *yes = record_head_valid(&h) && h.seq >= s->w->next_seq && h.durable > s->at && h.durable <= from + i;
        }
    }
    return OV_OK;
}

static ov_status refuse(const scan *s, ov_error *err)
{
    return ov_fail(err, OV_CORRUPT,
                   "the log of new rows is damaged: %s, byte %llu, record %llu: it does not match its checksum, although "
                   "it was written whole; restore the file, or move the folder away to go on without rows that were "
                   "not published yet",
                   s->path, (unsigned long long)s->at, (unsigned long long)s->w->next_seq);
}

/* Appends that nobody was told of. */
static ov_status cut(scan *s, ov_error *err)
{
    s->w->cut_bytes += s->size - s->at;
    ov_log_warn("the end of the log of new rows was not written whole; it is cut off", ov_kv_str("file", s->path),
                ov_kv_i64("from", (int64_t)s->at), ov_kv_i64("bytes", (int64_t)(s->size - s->at)));
    if (ov_os_now->ftruncate(s->fd, (off_t)s->at) != 0)
        return ov_fail(err, OV_IO, "cannot cut %s to %llu bytes", s->path, (unsigned long long)s->at);
    s->size = s->at;
    return ov_file_sync(s->fd, s->path, err);
}

static ov_status read_records(scan *s, ov_error *err)
{
    for (;;) {
        ovi_wal_head h;
        verdict v;
        bool durable = true;
        OV_TRY(read_record(s, &h, &v, err));
        if (v == END)
            return OV_OK;
        if (v == BROKEN) {
            if (s->last_file)
                OV_TRY(was_durable(s, &durable, err));
            return durable ? refuse(s, err) : cut(s, err);
        }
        ov_wal_record r = {.seq = h.seq, .kind = h.kind, .payload = {s->payload, (size_t)h.bytes}};
        if (s->w->options.replay)
            OV_TRY(s->w->options.replay(s->w->options.self, &r, err));
        s->w->next_seq = h.seq + 1;
        s->w->replayed++;
        s->at += sizeof h + ((h.bytes + OV_WAL_ALIGN - 1) & ~(uint64_t)(OV_WAL_ALIGN - 1));
    }
}

/* The header of a file, against the file before it. *begun false: the process died while it made the file. */
static ov_status read_head(scan *s, uint64_t first_seq, bool *begun, ov_error *err)
{
    const ov_wal *w = s->w;
    const ovi_wal_file *before = w->file_count ? &w->files[w->file_count - 1] : NULL;
    ovi_wal_file_head h = {0};
    if (s->size >= sizeof h)
        OV_TRY(ov_file_pread(s->fd, s->path, &h, sizeof h, 0, err));
    *begun = file_head_valid(&h);
    if (!*begun) {
        /* Records come only after the header was synced. */
        if (s->last_file && s->size <= sizeof h)
            return OV_OK;
        return ov_fail(err, OV_CORRUPT, "%s is no file of the log of new rows: its header is damaged; restore it", s->path);
    }
    OV_CHECK_DATA(h.first_seq == first_seq && first_seq > 0, err, "%s begins with record %llu by its header; it was renamed",
                  s->path, (unsigned long long)h.first_seq);
    if (before)
        OV_CHECK_DATA(h.prev_seq == before->first_seq && h.prev_bytes == before->bytes && first_seq >= w->next_seq, err,
                      "the log of new rows is damaged: a file before %s is missing, or the one there is not as long as it was",
                      s->path);
    return OV_OK;
}

static ov_status scan_file(scan *s, uint64_t first_seq, ov_error *err)
{
    ov_wal *w = s->w;
    bool begun;
    OV_TRY(ov_file_size(s->path, &s->size, err));
    OV_TRY(read_head(s, first_seq, &begun, err));
    if (!begun)
        return ov_file_remove(s->path, err);
    s->at = sizeof(ovi_wal_file_head);
    w->next_seq = first_seq;
    OV_TRY(read_records(s, err));
    return ovi_wal_add_file(w, first_seq, s->size, err);
}

static ov_status open_file(scan *s, uint64_t first_seq, ov_error *err)
{
    uint32_t files = s->w->file_count;
    OV_TRY(ovi_wal_path(s->w, first_seq, s->path, err));
    OV_TRY(ov_file_open(s->path, O_RDWR, 0, &s->fd, err));
    ov_status st = scan_file(s, first_seq, err);
    if (st == OV_OK && s->last_file && s->w->file_count > files) {
        s->w->fd = s->fd;
        return OV_OK;
    }
    ov_error ignored = OV_ERROR_INIT;
    if (ov_file_close(s->fd, s->path, &ignored) != OV_OK)
        ov_log_warn("closing a file of the log", ov_kv_err(&ignored));
    return st;
}

/* Numbers of the files in the folder, ascending (as their names are). */
static ov_status list_files(const ov_wal *w, ov_arena *a, uint64_t **out, uint32_t *count, ov_error *err)
{
    ov_dir_entry *list;
    size_t n;
    OV_TRY(ov_dir_list(w->dir, a, &list, &n, err));
    OV_TRY(ov_arena_alloc(a, (n + 1) * sizeof **out, out, err));
    *count = 0;
    for (size_t i = 0; i < n; i++) {
        char *end;
        if (list[i].name.n != 24 || memcmp(list[i].name.p + 20, ".wal", 4) != 0)
            continue;
        uint64_t seq = strtoull(list[i].name.p, &end, 10);
        if (end == list[i].name.p + 20)
            (*out)[(*count)++] = seq;
    }
    return OV_OK;
}

static ov_status scan_all(ov_wal *w, const uint64_t *list, uint32_t n, ov_error *err)
{
    scan s = {.w = w};
    ov_status st = OV_OK;
    for (uint32_t i = 0; i < n && st == OV_OK; i++) {
        s.last_file = i + 1 == n;
        st = open_file(&s, list[i], err);
    }
    ov_free(s.payload);
    return st;
}

ov_status ovi_wal_recover(ov_wal *w, ov_error *err)
{
    ov_arena a;
    uint64_t *list;
    uint32_t n = 0;
    ov_arena_init(&a, "log", NULL);
    ov_status st = list_files(w, &a, &list, &n, err);
    if (st == OV_OK)
        st = scan_all(w, list, n, err);
    ov_arena_fini(&a);
    OV_TRY(st);
    /* Whole records may lie in the page cache alone: the process was killed before its sync. From here on they count, and a
     * push that comes again is told it is a duplicate. */
    char path[OVI_WAL_PATH_BYTES];
    if (w->fd >= 0) {
        OV_TRY(ovi_wal_path(w, w->files[w->file_count - 1].first_seq, path, err));
        OV_TRY(ov_file_sync(w->fd, path, err));
    }
    bool behind = w->next_seq <= w->options.least_seq;
    if (behind)
        w->next_seq = w->options.least_seq + 1;
    return w->fd < 0 || behind ? ovi_wal_next_file(w, err) : OV_OK;
}
