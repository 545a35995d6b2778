/* Reading secrets and keeping them out of texts. */
#include "ingest/pull/pull_secret.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
#include "base/file.h"
#include "base/httpc.h"
#include "base/json.h"

enum { SECRET_BYTES = 8192, SHORTEST = 4, SHORTEST_IN_DATA = 8 };

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

/* ---- what is hidden ---- */

static ov_status know(ovi_secrets *s, ov_slice text, ov_arena *out, ov_error *err)
{
    for (uint32_t i = 0; i < s->n; i++)
        if (ov_slice_eq(s->at[i], text))
            return OV_OK;
    OV_TRY(ov_arena_room(out, &s->at, s->n, &s->cap, 1, sizeof *s->at, err));
    return ov_arena_copy(out, text, &s->at[s->n++], err);
}

/* Percent-encoded with digits of the other case, or quoted with slashes escaped, as some servers do. */
static void respell(ov_buf *b, bool encoded, ov_buf *out)
{
    ov_buf_clear(out);
    for (size_t i = 0; i < b->n; i++) {
        bool digit = encoded && ((i > 0 && b->p[i - 1] == '%') || (i > 1 && b->p[i - 2] == '%'));
        if (!encoded && b->p[i] == '/')
            ov_buf_add_char(out, '\\');
        ov_buf_add_char(out, digit && b->p[i] >= 'A' && b->p[i] <= 'F' ? (char)(b->p[i] + 'a' - 'A') : b->p[i]);
    }
}

static ov_status know_spellings(ovi_secrets *s, ov_slice value, ov_arena *out, ov_error *err)
{
    ov_buf b, other;
    ov_buf_init(&b);
    ov_buf_init(&other);
    ov_status st = know(s, value, out, err);
    for (int encoded = 1; encoded >= 0 && st == OV_OK; encoded--) {
        ov_buf_clear(&b);
        if (encoded)
            ov_url_encode(&b, value);
        else
            ov_json_quote(&b, value);
        respell(&b, encoded, &other);
        st = ov_buf_check(&b, err);
        if (st == OV_OK)
            st = ov_buf_check(&other, err);
        size_t quote = encoded ? 0 : 1;
        if (st == OV_OK)
            st = know(s, ov_slice_make(b.p + quote, b.n - 2 * quote), out, err);
        if (st == OV_OK)
            st = know(s, ov_slice_make(other.p + quote, other.n - 2 * quote), out, err);
    }
    ov_buf_fini(&b);
    ov_buf_fini(&other);
    return st;
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
    if (found.n < SHORTEST)
        return ov_fail(err, OV_INVALID, "the secret " OV_SLICE_FMT " has fewer than %d bytes: it could not be kept out of reports",
                       OV_SLICE_ARG(where), SHORTEST);
    OV_TRY(ov_arena_copy(out, found, value, err));
    return know_spellings(secrets, *value, out, err);
}

/* Length of the longest secret of at least `shortest` bytes that stands at `at`; 0: none does. */
static size_t found_at(const ovi_secrets *s, size_t shortest, ov_slice text, size_t at)
{
    size_t most = 0;
    for (uint32_t k = 0; k < s->n; k++)
        if (s->at[k].p[0] == text.p[at] && s->at[k].n >= shortest &&
            ov_slice_starts(ov_slice_make(text.p + at, text.n - at), s->at[k]))
            most = OV_MAX(most, s->at[k].n);
    return most;
}

static void hide(const ovi_secrets *s, size_t shortest, ov_slice text, ov_buf *out)
{
    for (size_t i = 0; i < text.n;) {
        size_t skip = found_at(s, shortest, text, i);
        if (skip)
            ov_buf_add_str(out, OVI_SECRET_HIDDEN);
        else
            ov_buf_add_char(out, text.p[i]);
        i += skip ? skip : 1;
    }
}

void ovi_secrets_hide(const ovi_secrets *s, ov_slice text, ov_buf *out)
{
    hide(s, 0, text, out);
}

bool ovi_secrets_scrub(const ovi_secrets *s, ov_buf *text)
{
    bool any = false;
    for (uint32_t k = 0; k < s->n && text->n && !any; k++)
        any = s->at[k].n >= SHORTEST_IN_DATA && memmem(text->p, text->n, s->at[k].p, s->at[k].n) != NULL;
    if (!any)
        return false;
    ov_buf hidden;
    ov_buf_init(&hidden);
    hidden.limit = text->limit;
    hide(s, SHORTEST_IN_DATA, ov_buf_slice(text), &hidden);
    ov_buf_fini(text);
    *text = hidden;
    return true;
}

/* Where the beginning of a secret starts that the end of the text cuts. */
static size_t cut_secret(const ovi_secrets *s, ov_slice text)
{
    size_t from = text.n;
    for (uint32_t k = 0; k < s->n; k++)
        for (size_t n = OV_MIN(s->at[k].n - 1, text.n); n >= SHORTEST; n--)
            if (text.n - n < from && memcmp(text.p + text.n - n, s->at[k].p, n) == 0)
                from = text.n - n;
    return from;
}

void ovi_secrets_hide_error(const ovi_secrets *s, ov_error *err)
{
    ov_buf b;
    if (s->n == 0)
        return;
    ov_buf_init(&b);
    bool whole = strlen(err->text) + 1 < sizeof err->text;
    ovi_secrets_hide(s, ov_slice_cstr(err->text), &b);
    ov_slice text = ov_buf_slice(&b);
    size_t cut = whole ? text.n : cut_secret(s, text);
    snprintf(err->text, sizeof err->text, "%.*s%s", (int)cut, text.n ? text.p : "", cut < text.n ? OVI_SECRET_HIDDEN : "");
    ov_buf_fini(&b);
}
