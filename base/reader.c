#include "base/reader.h"

#include <errno.h>
#include <fcntl.h>
#include "base/file.h"
#include "base/mem.h"
#include "base/os.h"

ov_status ov_reader_read(ov_reader *r, void *to, size_t cap, size_t *got, ov_error *err)
{
    *got = 0;
    if (cap == 0)
        return OV_OK;
    OV_TRY(r->ops->read(r, to, cap, got, err));
    r->offset += *got;
    return OV_OK;
}

ov_status ov_reader_fill(ov_reader *r, void *to, size_t cap, size_t *got, ov_error *err)
{
    size_t n = 0;
    while (n < cap) {
        size_t more;
        OV_TRY(ov_reader_read(r, (char *)to + n, cap - n, &more, err));
        if (!more)
            break;
        n += more;
    }
    *got = n;
    return OV_OK;
}

void ov_reader_close(ov_reader *r)
{
    if (r)
        r->ops->close(r);
}

/* ---- files ---- */

typedef struct file_reader {
    ov_reader base;
    int fd;
    char *path;
} file_reader;

static ov_status file_read(ov_reader *r, void *to, size_t cap, size_t *got, ov_error *err)
{
    file_reader *f = (file_reader *)r;
    ssize_t n;
    do
        n = ov_os_now->read(f->fd, to, cap);
    while (n < 0 && errno == EINTR);
    if (n < 0)
        return ov_fail_errno(err, errno, "cannot read %s", f->path);
    *got = (size_t)n;
    r->raw_offset += (size_t)n;
    return OV_OK;
}

static void file_close(ov_reader *r)
{
    file_reader *f = (file_reader *)r;
    (void)ov_os_now->close(f->fd);
    ov_free(f->path);
    ov_free(f);
}

static const ov_reader_ops file_ops = {file_read, file_close};

ov_status ov_reader_open_file(const char *path, ov_reader **out, ov_error *err)
{
    file_reader *f = ov_calloc(1, sizeof *f);
    char *copy = ov_strdup(path);
    ov_status st =
        f && copy ? ov_file_open(path, O_RDONLY, 0, &f->fd, err) : ov_fail_nomem(err, sizeof *f);
    if (st != OV_OK) {
        ov_free(f);
        ov_free(copy);
        return st;
    }
    f->base.ops = &file_ops;
    f->path = copy;
    *out = &f->base;
    return OV_OK;
}

/* ---- memory ---- */

typedef struct mem_reader {
    ov_reader base;
    ov_slice left;
} mem_reader;

static ov_status mem_read(ov_reader *r, void *to, size_t cap, size_t *got, ov_error *err)
{
    (void)err;
    mem_reader *m = (mem_reader *)r;
    size_t n = OV_MIN(cap, m->left.n);
    if (n)
        memcpy(to, m->left.p, n);
    m->left.p += n;
    m->left.n -= n;
    r->raw_offset += n;
    *got = n;
    return OV_OK;
}

static void mem_close(ov_reader *r)
{
    ov_free(r);
}

static const ov_reader_ops mem_ops = {mem_read, mem_close};

ov_status ov_reader_open_mem(ov_slice bytes, ov_reader **out, ov_error *err)
{
    mem_reader *m = ov_calloc(1, sizeof *m);
    if (!m)
        return ov_fail_nomem(err, sizeof *m);
    m->base.ops = &mem_ops;
    m->left = bytes;
    *out = &m->base;
    return OV_OK;
}
