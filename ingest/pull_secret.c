/* Reading secrets and keeping them out of texts. */
#include "ingest/pull_secret.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
#include "base/file.h"
#include "base/httpc.h"

enum { SECRET_BYTES = 8192, SHORTEST = 4 };

ov_status ovi_secret_check(ov_slice where, ov_error *err)
{
    if ((ov_slice_starts(where, OV_SLICE_LIT("env:")) && where.n > 4) ||
        (ov_slice_starts(where, OV_SLICE_LIT("file:/")) && where.n > 6))
        return OV_OK;
    return ov_fail(err, OV_INVALID,
                   "a secret is named, not written down: \"env:NAME\" for a variable of the environment or "
                   "\"file:/PATH\" for a file of mode 0600");
}

/* Checked on the open file, so that nobody can swap it in between. */
static ov_status read_file(const char *path, char text[SECRET_BYTES], size_t *n, ov_error *err)
{
    struct stat info;
    int fd;
    OV_TRY(ov_file_open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK, 0, &fd, err));
    ov_status st = OV_OK;
    if (fstat(fd, &info) != 0)
        st = ov_fail_errno(err, errno, "cannot look at %s", path);
    else if (!S_ISREG(info.st_mode))
        st = ov_fail(err, OV_DENIED, "%s is no plain file", path);
    else if ((info.st_mode & 077) != 0)
        st = ov_fail(err, OV_DENIED, "others may read %s (mode %04o); say `chmod 600` first", path,
                     (unsigned)(info.st_mode & 07777));
    else if (info.st_uid != geteuid())
        st = ov_fail(err, OV_DENIED, "%s belongs to another user", path);
    if (st == OV_OK) {
        ssize_t got = read(fd, text, SECRET_BYTES);
        if (got < 0)
            st = ov_fail_errno(err, errno, "cannot read %s", path);
        *n = got > 0 ? (size_t)got : 0;
        const char *line = memchr(text, '\n', *n);
        if (line)
            *n = (size_t)(line - text);
        else if (*n == SECRET_BYTES)
            st = ov_fail(err, OV_LIMIT, "%s: its first line is longer than %d bytes", path, SECRET_BYTES - 1);
    }
    close(fd);
    return st;
}

static bool printable(ov_slice s)
{
    for (size_t i = 0; i < s.n; i++)
        if ((unsigned char)s.p[i] < 32 || s.p[i] == 127)
            return false;
    return s.n > 0;
}

ov_status ovi_secret_read(ovi_secrets *secrets, ov_slice where, ov_arena *out, ov_slice *value, ov_error *err)
{
    char text[SECRET_BYTES];
    ov_slice name, found = {0};
    OV_TRY(ovi_secret_check(where, err));
    bool env = where.p[0] == 'e';
    OV_TRY(ov_arena_copy(out, ov_slice_make(where.p + (env ? 4 : 5), where.n - (env ? 4 : 5)), &name, err));
    if (env) {
        const char *v = getenv(name.p);
        if (!v)
            return ov_fail(err, OV_NOT_FOUND, "the environment has no variable %s", name.p);
        found = ov_slice_cstr(v);
    } else {
        found.p = text;
        OV_TRY(read_file(name.p, text, &found.n, err));
    }
    while (found.n && (found.p[found.n - 1] == ' ' || found.p[found.n - 1] == '\r' || found.p[found.n - 1] == '\t'))
        found.n--;
    if (!printable(found))
        return ov_fail(err, OV_INVALID, "the secret " OV_SLICE_FMT " is empty or holds control characters",
                       OV_SLICE_ARG(where));
    OV_TRY(ov_arena_copy(out, found, value, err));
    ovi_secrets_add(secrets, *value);
    return OV_OK;
}

void ovi_secrets_add(ovi_secrets *s, ov_slice value)
{
    if (value.n < SHORTEST || s->n == OVI_SECRETS_MAX)
        return;
    for (uint32_t i = 0; i < s->n; i++)
        if (ov_slice_eq(s->at[i], value))
            return;
    s->at[s->n++] = value;
}

static bool here(ov_slice text, size_t at, ov_slice secret)
{
    return secret.n && text.n - at >= secret.n && memcmp(text.p + at, secret.p, secret.n) == 0;
}

void ovi_secrets_hide(const ovi_secrets *s, ov_slice text, ov_buf *out)
{
    ov_buf encoded[OVI_SECRETS_MAX];
    for (uint32_t k = 0; k < s->n; k++) {
        ov_buf_init(&encoded[k]);
        ov_url_encode(&encoded[k], s->at[k]);
    }
    for (size_t i = 0; i < text.n;) {
        size_t skip = 0;
        for (uint32_t k = 0; k < s->n; k++) {
            if (here(text, i, s->at[k]))
                skip = OV_MAX(skip, s->at[k].n);
            if (here(text, i, ov_buf_slice(&encoded[k])))
                skip = OV_MAX(skip, encoded[k].n);
        }
        if (skip)
            ov_buf_add_str(out, "***");
        else
            ov_buf_add_char(out, text.p[i]);
        i += skip ? skip : 1;
    }
    for (uint32_t k = 0; k < s->n; k++)
        ov_buf_fini(&encoded[k]);
}

void ovi_secrets_hide_error(const ovi_secrets *s, ov_error *err)
{
    ov_buf b;
    if (s->n == 0)
        return;
    ov_buf_init(&b);
    ovi_secrets_hide(s, ov_slice_cstr(err->text), &b);
    snprintf(err->text, sizeof err->text, OV_SLICE_FMT, OV_SLICE_ARG(ov_buf_slice(&b)));
    ov_buf_fini(&b);
}
