/* Appending to the log: group commit, new files, files that go; see storage/wal/wal.h. */
#include "storage/wal/wal_int.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include "base/fault.h"
#include "base/file.h"
#include "base/hash.h"
#include "base/log.h"
#include "base/os.h"

enum { BUFFER_BYTES = 1 << 20, FIRST_GROUP = 64, MAX_GROUP = 1 << 16 };
#define DEFAULT_FILE_BYTES (UINT64_C(64) << 20)
/* A last file of only old records is left behind when it is so large; small ones would cost more than they free. */
#define STALE_FILE_BYTES (UINT64_C(1) << 20)

static const char zeros[OV_WAL_ALIGN];

static uint64_t aligned(uint64_t n)
{
    return (n + OV_WAL_ALIGN - 1) & ~(uint64_t)(OV_WAL_ALIGN - 1);
}

ov_status ovi_wal_path(const ov_wal *w, uint64_t first_seq, char path[OVI_WAL_PATH_BYTES], ov_error *err)
{
    int n = snprintf(path, OVI_WAL_PATH_BYTES, "%s/%020llu.wal", w->dir, (unsigned long long)first_seq);
    return n > 0 && n < OVI_WAL_PATH_BYTES ? OV_OK : ov_fail(err, OV_LIMIT, "the name of the log's folder is too long");
}

ov_status ovi_wal_add_file(ov_wal *w, uint64_t first_seq, uint64_t bytes, ov_error *err)
{
    OV_TRY(ov_list_room(NULL, &w->files, w->file_count, &w->file_cap, 1, sizeof *w->files, err));
    w->files[w->file_count++] = (ovi_wal_file){first_seq, bytes};
    return OV_OK;
}

/* ---- files ---- */

static ov_status write_at(int fd, uint64_t at, const void *bytes, size_t n, ov_error *err)
{
    for (size_t done = 0; done < n;) {
        ssize_t got = ov_os_now->pwrite(fd, (const char *)bytes + done, n - done, (off_t)(at + done));
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0) {
            int reason = got < 0 ? errno : ENOSPC;
            return ov_fail(err, reason == ENOSPC || reason == EDQUOT ? OV_LIMIT : OV_IO,
                           "the log of new rows cannot be written: %s", strerror(reason));
        }
        done += (size_t)got;
    }
    return OV_OK;
}

static ov_status begin_file(ov_wal *w, const char *path, int fd, ov_error *err)
{
    const ovi_wal_file *before = w->file_count ? &w->files[w->file_count - 1] : NULL;
    ovi_wal_file_head head = {.magic = OVI_WAL_FILE_MAGIC,
                              .first_seq = w->next_seq,
                              .prev_seq = before ? before->first_seq : 0,
                              .prev_bytes = before ? before->bytes : 0};
    head.hash = ov_checksum(&head, offsetof(ovi_wal_file_head, hash));
    OV_TRY(write_at(fd, 0, &head, sizeof head, err));
    OV_TRY(ov_file_sync(fd, path, err));
    OV_TRY(ov_dir_sync(w->dir, err));
    return ovi_wal_add_file(w, w->next_seq, sizeof head, err);
}

static void close_file(int fd, const char *path)
{
    ov_error ignored = OV_ERROR_INIT;
    if (ov_file_close(fd, path, &ignored) != OV_OK)
        ov_log_warn("closing a file of the log", ov_kv_err(&ignored)); /* what it held was synced before */
}

ov_status ovi_wal_next_file(ov_wal *w, ov_error *err)
{
    char path[OVI_WAL_PATH_BYTES];
    ov_error ignored = OV_ERROR_INIT;
    int fd;
    OV_TRY(ovi_wal_path(w, w->next_seq, path, err));
    OV_FAULT(OV_FAULT_WAL_FILE, err);
    OV_TRY(ov_file_open(path, O_RDWR | O_CREAT | O_TRUNC, 0666, &fd, err));
    ov_status st = begin_file(w, path, fd, err);
    if (st != OV_OK) {
        close_file(fd, path);
        if (ov_file_remove(path, &ignored) != OV_OK)
            ov_log_warn("an unused file of the log is left behind", ov_kv_err(&ignored));
        return st;
    }
    close_file(w->fd, path);
    w->fd = fd;
    return OV_OK;
}

/* ---- one group ---- */

typedef struct output {
    ov_wal *w;
    uint64_t at; /* in the file, of buffer[0] */
    size_t n;
} output;

static ov_status flush(output *o, ov_error *err)
{
    OV_TRY(write_at(o->w->fd, o->at, o->w->buffer, o->n, err));
    o->at += o->n;
    o->n = 0;
    return OV_OK;
}

static ov_status put(output *o, const void *bytes, size_t n, ov_error *err)
{
    if (o->n + n > BUFFER_BYTES)
        OV_TRY(flush(o, err));
    if (n > BUFFER_BYTES / 2) {
        OV_TRY(flush(o, err));
        OV_TRY(write_at(o->w->fd, o->at, bytes, n, err));
        o->at += n;
        return OV_OK;
    }
    if (n)
        memcpy(o->w->buffer + o->n, bytes, n);
    o->n += n;
    return OV_OK;
}

static ov_status put_entry(output *o, const ov_wal_entry *e, uint64_t durable, ov_error *err)
{
    ovi_wal_head head = {.magic = OVI_WAL_RECORD_MAGIC, .kind = e->kind, .seq = e->seq, .durable = durable};
    ov_checksum_stream *sum = ov_checksum_begin();
    if (!sum)
        return ov_fail_nomem(err, 0);
    for (uint32_t i = 0; i < e->part_count; i++) {
        ov_checksum_add(sum, e->parts[i].p, e->parts[i].n);
        head.bytes += e->parts[i].n;
    }
    head.payload_hash = ov_checksum_end(sum);
    head.hash = ov_checksum(&head, offsetof(ovi_wal_head, hash));
    OV_TRY(put(o, &head, sizeof head, err));
    for (uint32_t i = 0; i < e->part_count; i++)
        OV_TRY(put(o, e->parts[i].p, e->parts[i].n, err));
    return put(o, zeros, (size_t)(aligned(head.bytes) - head.bytes), err);
}

static ov_status write_group(ov_wal *w, uint32_t count, uint64_t *end, ov_error *err)
{
    output o = {.w = w, .at = w->files[w->file_count - 1].bytes};
    uint64_t durable = o.at;
    for (uint32_t i = 0; i < count; i++)
        OV_TRY(put_entry(&o, w->group[i], durable, err));
    OV_TRY(flush(&o, err));
    OV_FAULT(OV_FAULT_WAL_WRITTEN, err);
    *end = o.at;
    return OV_OK;
}

/* What was written of a group that failed must not be found by the next start. */
static ov_status take_back(ov_wal *w, ov_error *err)
{
    uint64_t end = w->files[w->file_count - 1].bytes;
    if (ov_os_now->ftruncate(w->fd, (off_t)end) != 0 || ov_os_now->fdatasync(w->fd) != 0)
        return ov_fail(err, OV_IO, "the log of new rows cannot be taken back to its last whole record: %s",
                       strerror(errno));
    return OV_OK;
}

static ov_status sync_group(ov_wal *w, ov_error *err)
{
    if (ov_os_now->fdatasync(w->fd) != 0)
        return ov_fail(err, OV_IO, "the log of new rows cannot be synced: %s", strerror(errno));
    OV_FAULT(OV_FAULT_WAL_SYNCED, err);
    return OV_OK;
}

static void stop(ov_wal *w, const ov_error *why)
{
    ov_mutex_lock(&w->lock);
    w->stopped = true;
    w->stop_reason = *why;
    ov_mutex_unlock(&w->lock);
    ov_log_error("the log of new rows takes nothing more until the next start", ov_kv_err(why));
}

static ov_status commit_group(ov_wal *w, uint32_t count, ov_error *err)
{
    uint64_t limit = w->options.file_bytes ? w->options.file_bytes : DEFAULT_FILE_BYTES, end = 0;
    ov_error more = OV_ERROR_INIT;
    if (w->files[w->file_count - 1].bytes >= limit) {
        ov_mutex_lock(&w->lock); /* trim reads the list of files */
        ov_status st = ovi_wal_next_file(w, err);
        ov_mutex_unlock(&w->lock);
        OV_TRY(st);
    }
    for (uint32_t i = 0; i < count; i++)
        w->group[i]->seq = w->next_seq + i;
    ov_status st = write_group(w, count, &end, err);
    if (st != OV_OK) {
        if (take_back(w, &more) != OV_OK)
            stop(w, &more);
        return st;
    }
    st = sync_group(w, err);
    if (st != OV_OK) {
        stop(w, err);
        return st;
    }
    ov_mutex_lock(&w->lock);
    w->files[w->file_count - 1].bytes = end;
    w->next_seq += count;
    w->records += count;
    w->groups++;
    ov_mutex_unlock(&w->lock);
    if (w->options.durable)
        w->options.durable(w->options.self, w->group, count);
    return OV_OK;
}

/* ---- many threads ---- */

/* Under the lock: everything that waits becomes the group. */
static uint32_t take_waiting(ov_wal *w)
{
    uint32_t n = 0;
    while (w->first && n < MAX_GROUP) {
        if (n == w->group_cap) {
            uint32_t cap = w->group_cap * 2;
            ov_wal_entry **bigger = ov_realloc(w->group, cap * sizeof *bigger);
            if (!bigger)
                break; /* the others go with the next group */
            w->group = bigger;
            w->group_cap = cap;
        }
        w->group[n++] = w->first;
        w->first = w->first->next;
    }
    if (!w->first)
        w->last = &w->first;
    return n;
}

static void lead(ov_wal *w)
{
    ov_error err = OV_ERROR_INIT;
    w->leading = true;
    uint32_t n = take_waiting(w);
    ov_status st = OV_OK;
    if (w->stopped) {
        err = w->stop_reason;
        st = err.code;
    }
    ov_mutex_unlock(&w->lock);
    if (st == OV_OK)
        st = commit_group(w, n, &err);
    ov_mutex_lock(&w->lock);
    for (uint32_t i = 0; i < n; i++) {
        w->group[i]->status = st;
        if (st != OV_OK)
            *w->group[i]->err = err;
        w->group[i]->done = true;
    }
    w->leading = false;
    ov_cond_broadcast(&w->changed);
}

static ov_status check_size(const ov_wal_entry *e, ov_error *err)
{
    uint64_t bytes = 0;
    for (uint32_t i = 0; i < e->part_count; i++)
        bytes += e->parts[i].n;
    if (bytes > OV_WAL_MAX_RECORD_BYTES)
        return ov_fail(err, OV_LIMIT, "a record of %llu bytes is more than the log of new rows takes (%llu)",
                       (unsigned long long)bytes, (unsigned long long)OV_WAL_MAX_RECORD_BYTES);
    return OV_OK;
}

ov_status ov_wal_append(ov_wal *w, ov_wal_entry *e, ov_error *err)
{
    OV_TRY(check_size(e, err));
    e->next = NULL;
    e->done = false;
    e->err = err;
    ov_mutex_lock(&w->lock);
    *w->last = e;
    w->last = &e->next;
    while (!e->done) {
        if (w->leading)
            ov_cond_wait(&w->changed, &w->lock);
        else
            lead(w);
    }
    ov_mutex_unlock(&w->lock);
    return e->status;
}

/* ---- files that go ---- */

static bool remove_first(ov_wal *w)
{
    char path[OVI_WAL_PATH_BYTES];
    ov_error err = OV_ERROR_INIT;
    ov_status st = ovi_wal_path(w, w->files[0].first_seq, path, &err);
    if (st == OV_OK)
        st = ov_file_remove(path, &err);
    if (st == OV_OK)
        st = ov_dir_sync(w->dir, &err); /* in order: a gap between files means damage */
    if (st != OV_OK) {
        ov_log_warn("an old file of the log cannot be removed", ov_kv_err(&err));
        return false;
    }
    w->file_count--;
    memmove(w->files, w->files + 1, w->file_count * sizeof *w->files);
    return true;
}

void ov_wal_trim(ov_wal *w, uint64_t seq)
{
    ov_error err = OV_ERROR_INIT;
    ov_mutex_lock(&w->lock);
    while (w->leading)
        ov_cond_wait(&w->changed, &w->lock);
    if (!w->stopped && seq >= w->next_seq && w->files[w->file_count - 1].bytes > STALE_FILE_BYTES &&
        ovi_wal_next_file(w, &err) != OV_OK)
        ov_log_warn("no new file of the log can be begun", ov_kv_err(&err));
    while (w->file_count > 1 && w->files[1].first_seq <= seq && remove_first(w))
        continue;
    ov_mutex_unlock(&w->lock);
}

void ov_wal_look(ov_wal *w, ov_wal_view *out)
{
    *out = (ov_wal_view){0};
    ov_mutex_lock(&w->lock);
    for (uint32_t i = 0; i < w->file_count; i++)
        out->bytes += w->files[i].bytes;
    out->files = w->file_count;
    out->next_seq = w->next_seq;
    out->records = w->records;
    out->groups = w->groups;
    out->replayed = w->replayed;
    out->cut_bytes = w->cut_bytes;
    out->stopped = w->stopped;
    ov_mutex_unlock(&w->lock);
}

/* ---- life ---- */

ov_status ov_wal_open(const ov_wal_options *options, ov_wal **out, ov_error *err)
{
    ov_wal *w = ov_calloc(1, sizeof *w);
    if (!w)
        return ov_fail_nomem(err, sizeof *w);
    w->options = *options;
    w->fd = -1;
    w->next_seq = 1;
    w->last = &w->first;
    ov_mutex_init(&w->lock);
    ov_cond_init(&w->changed);
    w->dir = ov_strdup(options->dir);
    w->buffer = ov_malloc(BUFFER_BYTES);
    w->group_cap = FIRST_GROUP;
    w->group = ov_calloc(FIRST_GROUP, sizeof(ov_wal_entry *));
    ov_status st = w->dir && w->buffer && w->group ? OV_OK : ov_fail_nomem(err, BUFFER_BYTES);
    if (st == OV_OK)
        st = ov_dir_make(w->dir, err);
    if (st == OV_OK)
        st = ovi_wal_recover(w, err);
    if (st != OV_OK) {
        ov_wal_close(w);
        return st;
    }
    *out = w;
    return OV_OK;
}

void ov_wal_close(ov_wal *w)
{
    if (!w)
        return;
    if (w->fd >= 0)
        close_file(w->fd, w->dir);
    ov_mutex_fini(&w->lock);
    ov_cond_fini(&w->changed);
    ov_free(w->files);
    ov_free(w->buffer);
    ov_free(w->group);
    ov_free(w->dir);
    ov_free(w);
}
