#include "storage/build/segment_writer.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include "base/file.h"
#include "base/hash.h"

enum {
    PAGE_BYTES = 1 << OV_SEG_PAGE_SHIFT,
    BUFFER_BYTES =
        1 << 18, /* stays in the second-level cache: filled, hashed, handed to the system */
};
static_assert(BUFFER_BYTES >= OVI_WRITER_MAX_RESERVE + PAGE_BYTES, "a reserve fits after a flush");

static void fail_writer(ovi_writer *w)
{
    w->failed = true;
    w->n = 0;
}

static ov_status name_files(ovi_writer *w, const char *path, ov_error *err)
{
    size_t n = strlen(path);
    w->path = ov_strdup(path);
    w->tmp_path = ov_malloc(n + sizeof ".part");
    if (!w->path || !w->tmp_path)
        return ov_fail_nomem(err, 2 * n);
    memcpy(w->tmp_path, path, n);
    memcpy(w->tmp_path + n, ".part", sizeof ".part");
    return OV_OK;
}

static ov_status make_buffer(ovi_writer *w, ov_error *err)
{
    if (w->budget)
        OV_TRY(ov_budget_charge(w->budget, BUFFER_BYTES, err));
    w->charged = BUFFER_BYTES;
    w->buf = ov_aligned_malloc(64, BUFFER_BYTES);
    return w->buf ? OV_OK : ov_fail_nomem(err, BUFFER_BYTES);
}

static void put_head(ovi_writer *w)
{
    ov_seg_header head = {.major = OV_SEG_MAJOR,
                          .minor = w->minor,
                          .page_shift = OV_SEG_PAGE_SHIFT,
                          .block_shift = OV_SEG_BLOCK_SHIFT};
    memcpy(head.magic, OV_SEG_HEAD_MAGIC, sizeof head.magic);
    ovi_writer_put(w, &head, sizeof head);
}

ov_status ovi_writer_open(ovi_writer *w, const char *path, uint16_t minor, ov_budget *budget, ov_error *err)
{
    *w = (ovi_writer){.fd = -1, .minor = minor, .budget = budget};
    OV_TRY(name_files(w, path, err));
    OV_TRY(make_buffer(w, err));
    OV_TRY(ov_file_open(w->tmp_path, O_WRONLY | O_CREAT | O_TRUNC, 0666, &w->fd, err));
    put_head(w);
    return OV_OK;
}

ov_status ovi_writer_open_image(ovi_writer *w, uint16_t minor, ov_budget *budget, ov_error *err)
{
    *w = (ovi_writer){.fd = -1, .minor = minor, .budget = budget, .in_memory = true};
    OV_TRY(make_buffer(w, err));
    put_head(w);
    return OV_OK;
}

uint64_t ovi_writer_at(const ovi_writer *w)
{
    return w->flushed + w->n;
}

static bool grow_hashes(ovi_writer *w, size_t more)
{
    if (w->pages + more <= w->pages_cap)
        return true;
    size_t cap = OV_MAX(w->pages_cap * 2, w->pages + more + 64);
    size_t extra = (cap - w->pages_cap) * sizeof *w->hashes;
    if (w->budget && ov_budget_charge(w->budget, extra, &w->err) != OV_OK)
        return false;
    w->charged += extra;
    uint64_t *bigger = ov_realloc(w->hashes, cap * sizeof *bigger);
    if (!bigger) {
        ov_fail_nomem(&w->err, cap * sizeof *bigger);
        return false;
    }
    w->hashes = bigger;
    w->pages_cap = cap;
    return true;
}

static ov_status grow_image(ovi_writer *w, size_t more, ov_error *err)
{
    size_t cap = OV_MAX(w->image_cap + w->image_cap / 2, (w->image_n + more + 4095) & ~(size_t)4095);
    if (w->image_n + more <= w->image_cap)
        return OV_OK;
    if (w->budget)
        OV_TRY(ov_budget_charge(w->budget, cap - w->image_cap, err));
    w->charged += cap - w->image_cap;
    char *bigger = ov_aligned_malloc(64, cap);
    if (!bigger)
        return ov_fail_nomem(err, cap);
    if (w->image_n)
        memcpy(bigger, w->image, w->image_n);
    ov_free(w->image);
    w->image = bigger;
    w->image_cap = cap;
    return OV_OK;
}

static ov_status emit(ovi_writer *w, const void *bytes, size_t n, ov_error *err)
{
    if (!w->in_memory)
        return ov_file_write_all(w->fd, w->tmp_path, ov_slice_make(bytes, n), err);
    OV_TRY(grow_image(w, n, err));
    memcpy(w->image + w->image_n, bytes, n);
    w->image_n += n;
    return OV_OK;
}

/* Hash and write the first `bytes` of the buffer: whole pages, or everything at the end. */
static void flush_bytes(ovi_writer *w, size_t bytes)
{
    if (w->failed || bytes == 0)
        return;
    if (!grow_hashes(w, (bytes + PAGE_BYTES - 1) / PAGE_BYTES)) {
        fail_writer(w);
        return;
    }
    for (size_t at = 0; at < bytes; at += PAGE_BYTES)
        w->hashes[w->pages++] = ov_checksum(w->buf + at, OV_MIN((size_t)PAGE_BYTES, bytes - at));
    if (emit(w, w->buf, bytes, &w->err) != OV_OK) {
        fail_writer(w);
        return;
    }
    memmove(w->buf, w->buf + bytes, w->n - bytes);
    w->n -= bytes;
    w->flushed += bytes;
}

void *ovi_writer_reserve(ovi_writer *w, size_t n)
{
    OV_ASSERT(n <= OVI_WRITER_MAX_RESERVE);
    if (w->n + n > BUFFER_BYTES)
        flush_bytes(w, w->n & ~(size_t)(PAGE_BYTES - 1));
    return w->buf + w->n;
}

void ovi_writer_took(ovi_writer *w, size_t n)
{
    if (!w->failed)
        w->n += n;
}

void ovi_writer_put(ovi_writer *w, const void *bytes, size_t n)
{
    const char *from = bytes;
    while (n > 0 && !w->failed) {
        size_t some = OV_MIN(n, (size_t)OVI_WRITER_MAX_RESERVE);
        memcpy(ovi_writer_reserve(w, some), from, some);
        ovi_writer_took(w, some);
        from += some;
        n -= some;
    }
}

void ovi_writer_align(ovi_writer *w)
{
    size_t pad = (size_t)(-ovi_writer_at(w)) & (OV_SEG_ALIGN - 1);
    memset(ovi_writer_reserve(w, pad), 0, pad);
    ovi_writer_took(w, pad);
}

/* Page table and footer lie outside the pages and are not hashed page by page. */
static ov_status write_tail(ovi_writer *w, uint64_t directory_offset, uint64_t directory_bytes,
                            uint64_t *bytes, ov_error *err)
{
    uint64_t table_offset = w->flushed;
    size_t table_bytes = w->pages * sizeof *w->hashes;
    ov_seg_footer foot = {.file_size = table_offset + table_bytes + sizeof foot,
                          .directory_offset = directory_offset,
                          .directory_bytes = directory_bytes,
                          .page_table_offset = table_offset,
                          .page_table_hash = ov_checksum(w->hashes, table_bytes),
                          .major = OV_SEG_MAJOR,
                          .minor = w->minor,
                          .page_shift = OV_SEG_PAGE_SHIFT};
    memcpy(foot.magic, OV_SEG_FOOT_MAGIC, sizeof foot.magic);
    foot.footer_hash = ov_checksum(&foot, offsetof(ov_seg_footer, footer_hash));
    OV_TRY(emit(w, w->hashes, table_bytes, err));
    OV_TRY(emit(w, &foot, sizeof foot, err));
    *bytes = foot.file_size;
    return OV_OK;
}

ov_status ovi_writer_finish(ovi_writer *w, ov_slice directory, uint64_t *bytes, ov_error *err)
{
    ovi_writer_align(w);
    uint64_t directory_offset = ovi_writer_at(w);
    ovi_writer_put(w, directory.p, directory.n);
    ovi_writer_align(w);
    flush_bytes(w, w->n);
    if (w->failed) {
        *err = w->err;
        return err->code;
    }
    OV_TRY(write_tail(w, directory_offset, directory.n, bytes, err));
    if (w->in_memory)
        return OV_OK;
    OV_TRY(ov_file_sync(w->fd, w->tmp_path, err));
    int fd = w->fd;
    w->fd = -1;
    OV_TRY(ov_file_close(fd, w->tmp_path, err));
    ov_status st = ov_file_rename(w->tmp_path, w->path, err);
    if (st != OV_OK) { /* renamed, perhaps, but not durably: then it must not stay either */
        ov_error ignored = OV_ERROR_INIT;
        if (ov_file_remove(w->path, &ignored) != OV_OK)
            ov_error_context(err, "%s may be left behind", w->path);
        return st;
    }
    ov_free(w->tmp_path);
    w->tmp_path = NULL; /* nothing left to remove */
    return OV_OK;
}

void ovi_writer_fini(ovi_writer *w)
{
    ov_error ignored = OV_ERROR_INIT;
    if (w->fd >= 0 && w->tmp_path) {
        if (ov_file_close(w->fd, w->tmp_path, &ignored) != OV_OK)
            ignored.code = OV_OK; /* the failure that led here is the one to report */
    }
    if (w->tmp_path && w->buf && ov_file_remove(w->tmp_path, &ignored) != OV_OK)
        ignored.code = OV_OK; /* the next start of the writer empties the folder */
    if (w->budget)
        ov_budget_release(w->budget, w->charged);
    ov_free(w->tmp_path);
    ov_free(w->path);
    ov_free(w->buf);
    ov_free(w->image);
    ov_free(w->hashes);
    *w = (ovi_writer){.fd = -1};
}
