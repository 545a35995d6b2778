/*
 * Names below DIR and the lock that makes one process the writer.
 *
 * DIR/lock holds two lines, "pid <n>" and "address <host:port>"; its content only helps people and `ovate sql`, what
 * counts is the flock on it, which the kernel drops with the process.
 */
#include "storage/catalog/catalog_int.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <unistd.h>
#include "base/file.h"
#include "base/log.h"
#include "base/os.h"

enum {
    LOCK_TRIES = 10, /* a look by ov_catalog_holder takes the lock for a moment */
    LOCK_WAIT_MS = 20,
};

/* ---- names ---- */

void ovi_datasource_dir(ov_buf *out, ov_slice datasource)
{
    ov_buf_add_str(out, "segments/");
    for (size_t i = 0; i < datasource.n; i++) {
        char c = datasource.p[i];
        if (ov_datasource_char_plain(c) && !(c == '.' && i == 0))
            ov_buf_add_char(out, c);
        else
            ov_buf_addf(out, "%%%02X", (unsigned)(unsigned char)c);
    }
}

void ovi_segment_file(ov_buf *out, const ov_segment_id *id)
{
    ovi_datasource_dir(out, id->datasource);
    ov_buf_add_char(out, '/');
    ov_iso_add(out, id->span.start, NULL);
    ov_buf_add_char(out, '_');
    ov_iso_add(out, id->span.end, NULL);
    ov_buf_add_char(out, '_');
    ov_buf_add_slice(out, id->version);
    ov_buf_addf(out, "_%u.ovs", id->partition);
}

ov_status ov_catalog_tmp_path(ov_catalog *cat, ov_arena *out, ov_slice *path, ov_error *err)
{
    uint64_t n = atomic_fetch_add(&cat->tmp_names, 1);
    return ov_arena_printf(out, path, err, "%s/tmp/%llx-%llu.ovs", cat->dir,
                           (unsigned long long)cat->opened_ms, (unsigned long long)n);
}

/* ---- the lock ---- */

static ov_status lock_path(const char *dir, ov_buf *out, ov_error *err)
{
    ov_buf_addf(out, "%s/lock", dir);
    ov_buf_cstr(out);
    return ov_buf_check(out, err);
}

/* The rest of the line that starts with `word`; empty when there is none. */
static ov_slice lock_line(ov_slice text, const char *word)
{
    size_t n = strlen(word);
    while (text.n > 0) {
        const char *nl = memchr(text.p, '\n', text.n);
        size_t line = nl ? (size_t)(nl - text.p) : text.n;
        if (line > n && memcmp(text.p, word, n) == 0 && text.p[n] == ' ')
            return ov_slice_make(text.p + n + 1, line - n - 1);
        if (!nl)
            break;
        text = ov_slice_make(nl + 1, text.n - line - 1);
    }
    return (ov_slice){0};
}

static ov_status lock_write(ov_catalog *cat, const char *address, ov_error *err)
{
    char text[300];
    int n = snprintf(text, sizeof(text), "pid %ld\naddress %s\n", (long)getpid(), address);
    if (n < 0 || (size_t)n >= sizeof(text))
        return ov_fail(err, OV_INVALID, "the server address is too long");
    if (ov_os_now->ftruncate(cat->lock_fd, 0) != 0 ||
        ov_os_now->pwrite(cat->lock_fd, text, (size_t)n, 0) != n)
        return ov_fail_errno(err, errno, "cannot write %s/lock", cat->dir);
    return OV_OK;
}

static ov_status fail_held(ov_catalog *cat, const char *path, ov_error *err)
{
    ov_buf text;
    ov_error ignored = OV_ERROR_INIT;
    ov_buf_init(&text);
    ov_slice all = {0};
    if (ov_file_read(path, 4096, &text, &ignored) == OV_OK)
        all = ov_buf_slice(&text);
    ov_slice pid = lock_line(all, "pid"), address = lock_line(all, "address");
    if (address.n)
        ov_fail(err, OV_BUSY, "%s is in use by the server at " OV_SLICE_FMT " (process " OV_SLICE_FMT ")",
                cat->dir, OV_SLICE_ARG(address), OV_SLICE_ARG(pid));
    else
        ov_fail(err, OV_BUSY, "%s is in use by process " OV_SLICE_FMT, cat->dir, OV_SLICE_ARG(pid));
    ov_buf_fini(&text);
    return OV_BUSY;
}

ov_status ovi_lock_take(ov_catalog *cat, ov_error *err)
{
    ov_buf path;
    ov_buf_init(&path);
    ov_status st;
    OV_TRY_OUT(st, lock_path(cat->dir, &path, err));
    OV_TRY_OUT(st, ov_file_open(path.p, O_RDWR | O_CREAT, 0666, &cat->lock_fd, err));
    for (int i = 0; ov_os_now->flock(cat->lock_fd, LOCK_EX | LOCK_NB) != 0; i++) {
        if (errno != EWOULDBLOCK && errno != EINTR) {
            st = ov_fail_errno(err, errno, "cannot lock %s", path.p);
            goto out;
        }
        if (i == LOCK_TRIES) {
            st = fail_held(cat, path.p, err);
            goto out;
        }
        ov_sleep_ms(LOCK_WAIT_MS);
    }
    st = lock_write(cat, "", err);
out:
    ov_buf_fini(&path);
    return st;
}

ov_status ov_catalog_set_address(ov_catalog *cat, const char *address, ov_error *err)
{
    if (!cat->writer)
        return ov_fail(err, OV_DENIED, "%s is open for reading only", cat->dir);
    return lock_write(cat, address, err);
}

ov_status ov_catalog_holder(const char *dir, ov_buf *address, ov_error *err)
{
    ov_buf path, text;
    ov_buf_init(&path);
    ov_buf_init(&text);
    int fd = -1;
    ov_status st;
    OV_TRY_OUT(st, lock_path(dir, &path, err));
    if (!ov_file_exists(path.p))
        goto out;
    OV_TRY_OUT(st, ov_file_open(path.p, O_RDONLY, 0, &fd, err));
    if (ov_os_now->flock(fd, LOCK_SH | LOCK_NB) == 0)
        goto out; /* nobody holds it; closing lets go again */
    OV_TRY_OUT(st, ov_file_read(path.p, 4096, &text, err));
    ov_buf_add_slice(address, lock_line(ov_buf_slice(&text), "address"));
    st = ov_buf_check(address, err);
out:
    if (fd >= 0)
        ov_os_now->close(fd);
    ov_buf_fini(&path);
    ov_buf_fini(&text);
    return st;
}
