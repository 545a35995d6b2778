#include "base/spill.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

#include "base/file.h"
#include "base/file_int.h"
#include "base/later.h"
#include "base/mem.h"
#include "base/os.h"

ov_status ov_spill_area_open(ov_spill_area *a, const char *dir, uint64_t limit, ov_error *err)
{
    uint64_t free_bytes = 0, total;
    *a = (ov_spill_area){.limit = limit};
    OV_TRY(ov_dir_make(dir, err));
    if (limit == 0) {
        OV_TRY(ov_dir_space(dir, &free_bytes, &total, err));
        a->limit = free_bytes / 2;
    }
    a->dir = ov_strdup(dir);
    return a->dir ? OV_OK : ov_fail_nomem(err, strlen(dir));
}

void ov_spill_area_close(ov_spill_area *a)
{
    OV_ASSERT(atomic_load(&a->used) == 0);
    ov_free(a->dir);
    a->dir = NULL;
}

ov_status ov_spill_open(ov_spill_area *area, ov_spill_file *out, ov_error *err)
{
    char path[4096];
    uint64_t number = atomic_fetch_add_explicit(&area->files, 1, memory_order_relaxed);
    int n = snprintf(path, sizeof path, "%s/spill.%d.%" PRIu64, area->dir, (int)getpid(), number);
    int fd;
    if (n < 0 || (size_t)n >= sizeof path)
        return ovi_file_fail(err, ENAMETOOLONG, "cannot open", area->dir);
    OV_TRY(ov_file_open(path, O_RDWR | O_CREAT | O_EXCL, 0600, &fd, err));
    if (ov_os_now->unlink(path) != 0) {
        ovi_file_fail(err, errno, "cannot remove", path);
        (void)ov_os_now->close(fd);
        return err->code;
    }
    *out = (ov_spill_file){.area = area, .fd = fd};
    return OV_OK;
}

/* ---- closing ---- */

enum { LARGE = 4 << 20 }; /* bytes of a file that is not closed by the way */

typedef struct closing {
    ov_later_item item;
    ov_spill_area *area;
    int fd;
    uint64_t size;
} closing;

static void end_file(const closing *c)
{
    (void)ov_os_now->close(c->fd);
    atomic_fetch_sub_explicit(&c->area->used, c->size, memory_order_relaxed);
}

static void end_later(ov_later_item *item)
{
    end_file((closing *)item);
    ov_free(item);
}

void ov_spill_close(ov_spill_file *f)
{
    if (!f->area)
        return;
    closing c = {.area = f->area, .fd = f->fd, .size = atomic_load(&f->size)};
    f->area = NULL;
    closing *handed = c.area->later && c.size >= LARGE ? ov_malloc(sizeof(c)) : NULL;
    if (!handed) {
        end_file(&c);
        return;
    }
    *handed = c;
    handed->item.run = end_later;
    ov_later_put(c.area->later, &handed->item);
}

/* ---- the limit ---- */

/* Counts n more bytes of the area, or none. */
static bool charge_now(ov_spill_area *a, size_t n, ov_error *err)
{
    uint64_t now = atomic_fetch_add_explicit(&a->used, n, memory_order_relaxed) + n;
    uint64_t peak = atomic_load_explicit(&a->peak, memory_order_relaxed);
    if (now > a->limit) {
        atomic_fetch_sub_explicit(&a->used, n, memory_order_relaxed);
        ov_fail(err, OV_LIMIT,
                "intermediate rows need %zu more bytes in %s, but %" PRIu64 " of its limit of %" PRIu64
                " are in use",
                n, a->dir, now - n, a->limit);
        return false;
    }
    while (now > peak && !atomic_compare_exchange_weak_explicit(&a->peak, &peak, now, memory_order_relaxed,
                                                                memory_order_relaxed)) {
    }
    return true;
}

/* Files that are being closed make room. */
static bool charge(ov_spill_area *a, size_t n, ov_error *err)
{
    if (OV_LIKELY(charge_now(a, n, err)))
        return true;
    if (!a->later)
        return false;
    ov_later_wait(a->later);
    return charge_now(a, n, err);
}

static ov_status write_at(const ov_spill_file *f, const char *from, size_t n, uint64_t offset, ov_error *err)
{
    while (n) {
        ssize_t put = ov_os_now->pwrite(f->fd, from, n, (off_t)offset);
        if (put < 0 && errno == EINTR)
            continue;
        if (put <= 0) {
            int why = put < 0 ? errno : ENOSPC;
            ov_fail_errno(err, why, "cannot keep %zu bytes of intermediate rows in %s", n, f->area->dir);
            if (why == ENOSPC || why == EDQUOT || why == EFBIG)
                err->code = OV_LIMIT;
            return err->code;
        }
        from += put;
        n -= (size_t)put;
        offset += (uint64_t)put;
    }
    return OV_OK;
}

ov_status ov_spill_append(ov_spill_file *f, const void *from, size_t n, uint64_t *offset, ov_error *err)
{
    if (!charge(f->area, n, err))
        return err->code;
    *offset = atomic_fetch_add_explicit(&f->size, n, memory_order_relaxed);
    OV_TRY(write_at(f, from, n, *offset, err));
    atomic_fetch_add_explicit(&f->area->written, n, memory_order_relaxed);
    return OV_OK;
}

ov_status ov_spill_read(const ov_spill_file *f, void *to, size_t n, uint64_t offset, ov_error *err)
{
    return ov_file_pread(f->fd, f->area->dir, to, n, offset, err);
}
