/* Files: whole, open and mapped. Folders are in dir.c, patterns in glob.c. */
#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>
#include "base/file_int.h"
#include "base/mem.h"
#include "base/os.h"

ov_status ovi_file_fail(ov_error *err, int sys_errno, const char *doing, const char *path)
{
    ov_fail_errno(err, sys_errno, "%s %s", doing, path);
    if (sys_errno == ENOENT || sys_errno == ENOTDIR)
        err->code = OV_NOT_FOUND;
    else if (sys_errno == EACCES || sys_errno == EPERM)
        err->code = OV_DENIED;
    return err->code;
}

ov_status ov_file_open(const char *path, int flags, unsigned mode, int *fd, ov_error *err)
{
    int got;
    do
        got = ov_os_now->open(path, flags, (mode_t)mode);
    while (got < 0 && errno == EINTR);
    if (got < 0)
        return ovi_file_fail(err, errno, "cannot open", path);
    *fd = got;
    return OV_OK;
}

ov_status ov_file_close(int fd, const char *path, ov_error *err)
{
    /* EINTR: the descriptor is gone on Linux, closing again could close another's */
    if (fd >= 0 && ov_os_now->close(fd) != 0 && errno != EINTR)
        return ovi_file_fail(err, errno, "cannot close", path);
    return OV_OK;
}

static void close_quietly(int fd)
{
    if (fd >= 0)
        (void)ov_os_now->close(fd);
}

ov_status ov_file_write_all(int fd, const char *path, ov_slice bytes, ov_error *err)
{
    while (bytes.n) {
        ssize_t n = ov_os_now->write(fd, bytes.p, bytes.n);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return ovi_file_fail(err, n < 0 ? errno : ENOSPC, "cannot write", path);
        bytes.p += n;
        bytes.n -= (size_t)n;
    }
    return OV_OK;
}

ov_status ov_file_pread(int fd, const char *path, void *to, size_t n, uint64_t offset,
                        ov_error *err)
{
    char *at = to;
    while (n) {
        ssize_t got = ov_os_now->pread(fd, at, n, (off_t)offset);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return ovi_file_fail(err, errno, "cannot read", path);
        OV_CHECK_DATA(got > 0, err, "%s ends after %" PRIu64 " bytes, %zu more are expected", path,
                      offset, n);
        at += got;
        n -= (size_t)got;
        offset += (uint64_t)got;
    }
    return OV_OK;
}

ov_status ov_file_sync(int fd, const char *path, ov_error *err)
{
    /* never retried: after a failed fsync the kernel may have dropped the pages */
    if (ov_os_now->fsync(fd) != 0)
        return ovi_file_fail(err, errno, "cannot sync", path);
    return OV_OK;
}

static ov_status read_open(int fd, const char *path, size_t max_bytes, ov_buf *out, ov_error *err)
{
    struct stat st;
    size_t start = out->n;
    if (ov_os_now->fstat(fd, &st) != 0)
        return ovi_file_fail(err, errno, "cannot read", path);
    if (S_ISDIR(st.st_mode))
        return ovi_file_fail(err, EISDIR, "cannot read", path);
    size_t step = st.st_size > 0 ? (size_t)st.st_size + 1 : 65536; /* + 1 to see the end */
    for (;;) {
        if (max_bytes && step > max_bytes + 1)
            step = max_bytes + 1;
        if (!ov_buf_reserve(out, step))
            return ov_buf_check(out, err);
        ssize_t n = ov_os_now->read(fd, out->p + out->n, step);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return ovi_file_fail(err, errno, "cannot read", path);
        if (n == 0)
            return OV_OK;
        out->n += (size_t)n;
        if (max_bytes && out->n - start > max_bytes)
            return ov_fail(err, OV_LIMIT, "%s is larger than the limit of %zu bytes", path,
                           max_bytes);
        step = 65536;
    }
}

ov_status ov_file_read(const char *path, size_t max_bytes, ov_buf *out, ov_error *err)
{
    int fd;
    OV_TRY(ov_file_open(path, O_RDONLY, 0, &fd, err));
    ov_status st = read_open(fd, path, max_bytes, out, err);
    close_quietly(fd);
    return st;
}

ov_status ov_file_write_atomic(const char *path, ov_slice bytes, ov_error *err)
{
    static _Atomic unsigned counter; /* two writers of one path must not share a temporary file */
    char temporary[4096];
    int n = snprintf(temporary, sizeof temporary, "%s.tmp.%d.%u", path, (int)getpid(),
                     atomic_fetch_add(&counter, 1));
    if (n < 0 || (size_t)n >= sizeof temporary)
        return ovi_file_fail(err, ENAMETOOLONG, "cannot write", path);
    int fd;
    OV_TRY(ov_file_open(temporary, O_WRONLY | O_CREAT | O_EXCL, 0666, &fd, err));
    ov_status st = ov_file_write_all(fd, temporary, bytes, err);
    if (st == OV_OK)
        st = ov_file_sync(fd, temporary, err);
    if (st == OV_OK)
        st = ov_file_close(fd, temporary, err);
    else
        close_quietly(fd);
    if (st == OV_OK)
        st = ov_file_rename(temporary, path, err);
    if (st != OV_OK)
        (void)ov_os_now->unlink(temporary); /* gone already when only the last sync failed */
    return st;
}

ov_status ov_file_size(const char *path, uint64_t *out, ov_error *err)
{
    struct stat st;
    if (ov_os_now->stat(path, &st) != 0)
        return ovi_file_fail(err, errno, "cannot look at", path);
    *out = (uint64_t)st.st_size;
    return OV_OK;
}

bool ov_file_exists(const char *path)
{
    struct stat st;
    return ov_os_now->stat(path, &st) == 0;
}

bool ov_file_is_regular(const char *path)
{
    struct stat st;
    return ov_os_now->stat(path, &st) == 0 && S_ISREG(st.st_mode);
}

bool ov_dir_exists(const char *path)
{
    struct stat st;
    return ov_os_now->stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

ov_status ov_file_remove(const char *path, ov_error *err)
{
    if (ov_os_now->unlink(path) != 0 && errno != ENOENT)
        return ovi_file_fail(err, errno, "cannot remove", path);
    return OV_OK;
}

ov_status ov_file_rename(const char *from, const char *to, ov_error *err)
{
    if (ov_os_now->rename(from, to) != 0) {
        int reason = errno;
        ovi_file_fail(err, reason, "cannot rename to", to);
        ov_error_context(err, "%s", from);
        return err->code;
    }
    ov_slice dir = ov_path_dir(ov_slice_cstr(to));
    char path[4096];
    if (dir.n >= sizeof path)
        return ovi_file_fail(err, ENAMETOOLONG, "cannot sync the folder of", to);
    memcpy(path, dir.p, dir.n);
    path[dir.n] = '\0';
    return ov_dir_sync(path, err);
}

ov_status ov_map_open(const char *path, ov_map *out, ov_error *err)
{
    int fd;
    struct stat st;
    *out = (ov_map){0};
    OV_TRY(ov_file_open(path, O_RDONLY, 0, &fd, err));
    if (ov_os_now->fstat(fd, &st) != 0) {
        int reason = errno;
        close_quietly(fd);
        return ovi_file_fail(err, reason, "cannot map", path);
    }
    if (!S_ISREG(st.st_mode)) {
        close_quietly(fd);
        return ov_fail(err, OV_IO, "cannot map %s: it is no regular file", path);
    }
    if (st.st_size > 0) {
        void *p = ov_os_now->mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_SHARED, fd, 0);
        if (p == MAP_FAILED) {
            int reason = errno;
            close_quietly(fd);
            return ovi_file_fail(err, reason, "cannot map", path);
        }
        *out = (ov_map){p, (size_t)st.st_size, ovi_map_guard_add(p, (size_t)st.st_size)};
    }
    close_quietly(fd);
    return OV_OK;
}

void ov_map_close(ov_map *m)
{
    ovi_map_guard_remove(m->guard);
    if (m->p)
        (void)ov_os_now->munmap((void *)(uintptr_t)m->p, m->n);
    *m = (ov_map){0};
}

bool ov_map_damaged(const ov_map *m)
{
    return ovi_map_guard_damaged(m->guard);
}
