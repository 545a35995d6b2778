#include "server/cli/tail_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
#include "base/compress.h"
#include "base/file.h"
#include "base/hash.h"
#include "base/os.h"
#include "server/cli/tail_place.h"

enum { MAX_LINE = 32 << 20, MAX_OLDER = 64, READ_BYTES = 1 << 18 };

typedef struct older {
    char path[4096];
    int64_t modified_ns;
} older;

struct ov_tail {
    char *path;
    bool is_stdin, with_header, at_end;
    bool waiting;     /* for the file to be made; that was said */
    int fd; /* -1: not there yet */
    ov_tail_place at;
    uint64_t got;     /* bytes of the file in `bytes`, from at.offset on */
    ov_buf bytes;     /* read, not handed out; */
    size_t handed;    /* of them handed out by the last call */
    char last[OV_TAIL_HEAD]; /* the bytes before at.offset */
    size_t last_bytes;
    bool passing_over; /* the line at hand is too long */
    uint64_t passed_over;
    ov_buf header;
    ov_buf place_text;
    older *older;     /* files to read before the one of the name; the first is open */
    uint32_t older_count;
    const char *news;
};

/* ---- files ---- */

static void begin_file(ov_tail *t, int fd, const struct stat *st, uint64_t offset)
{
    if (t->fd >= 0)
        close(t->fd);
    t->fd = fd;
    t->at = (ov_tail_place){.dev = st->st_dev, .ino = st->st_ino, .offset = offset, .known = true};
    t->at.head_hash = ov_tail_head(fd, 0, &t->at.head_bytes);
    t->last_bytes = ov_tail_last(fd, offset, t->last);
    t->at.last_hash = t->last_bytes ? ov_checksum(t->last, t->last_bytes) : 0;
    t->passed_over += t->passing_over; /* nobody will end it */
    t->passing_over = false;
    t->got = 0;
    ov_buf_clear(&t->bytes);
    ov_buf_clear(&t->header);
    t->handed = 0;
}

static int by_time(const void *a, const void *b)
{
    const older *x = a, *y = b;
    return (x->modified_ns > y->modified_ns) - (x->modified_ns < y->modified_ns);
}

static bool is_packed(int fd)
{
    char head[8];
    ssize_t got = pread(fd, head, sizeof head, 0);
    return got > 0 && ov_compression_detect(ov_slice_make(head, (size_t)got)) != OV_COMPRESSION_NONE;
}

/* What rotation puts behind a name: .1, -20240501, .2024-05-01T00:00:00Z, .old. Not .errors, .gz or another log's name. */
static bool is_rotated_name(ov_slice name, ov_slice base)
{
    static const char marks[] = "0123456789.-_:+TZ";
    if (name.n <= base.n + 1 || !ov_slice_starts(name, base) || !memchr(".-_", name.p[base.n], 3))
        return false;
    ov_slice rest = ov_slice_make(name.p + base.n + 1, name.n - base.n - 1);
    if (ov_slice_eq(rest, OV_SLICE_LIT("old")))
        return true;
    for (size_t i = 0; i < rest.n; i++)
        if (!memchr(marks, rest.p[i], sizeof marks - 1))
            return false;
    return true;
}

/* Files beside ours that rotation made of it, oldest change first. */
static ov_status list_older(ov_tail *t, ov_error *err)
{
    ov_arena a;
    ov_dir_entry *list;
    size_t n = 0;
    ov_arena_init(&a, "tail", NULL);
    ov_slice dir = ov_path_dir(ov_slice_cstr(t->path)), base = ov_path_base(ov_slice_cstr(t->path)), path;
    ov_status st = ov_arena_copy(&a, dir, &dir, err);
    if (st == OV_OK)
        st = ov_dir_list(dir.p, &a, &list, &n, err);
    if (!t->older)
        t->older = ov_calloc(MAX_OLDER, sizeof *t->older);
    t->older_count = 0;
    if (st == OV_OK && !t->older)
        st = ov_fail_nomem(err, MAX_OLDER * sizeof *t->older);
    for (size_t i = 0; i < n && st == OV_OK && t->older_count < MAX_OLDER; i++) {
        struct stat info;
        if (list[i].is_dir || !is_rotated_name(list[i].name, base))
            continue;
        st = ov_path_join(&a, dir, list[i].name, &path, err);
        if (st != OV_OK || path.n >= sizeof t->older->path || stat(path.p, &info) != 0)
            continue;
        older *o = &t->older[t->older_count++];
        memcpy(o->path, path.p, path.n + 1);
        o->modified_ns = (int64_t)info.st_mtim.tv_sec * 1000000000 + info.st_mtim.tv_nsec;
    }
    if (t->older_count)
        qsort(t->older, t->older_count, sizeof *t->older, by_time);
    ov_arena_fini(&a);
    return st;
}

/* The file of the saved place under another name, or a copy of it: that and what was changed after it come first. */
static ov_status find_rotated(ov_tail *t, const ov_tail_place *saved, bool *found, ov_error *err)
{
    *found = false;
    OV_TRY(list_older(t, err));
    for (uint32_t i = 0; i < t->older_count; i++) {
        struct stat st;
        int fd = open(t->older[i].path, O_RDONLY | O_CLOEXEC);
        if (fd < 0)
            continue;
        if (fstat(fd, &st) == 0 && (ov_tail_is_same(fd, &st, saved) || ov_tail_is_copy(fd, &st, saved))) {
            begin_file(t, fd, &st, saved->offset);
            t->older_count -= i;
            memmove(t->older, t->older + i, t->older_count * sizeof *t->older);
            *found = true;
            return OV_OK;
        }
        close(fd);
    }
    t->older_count = 0;
    return OV_OK;
}

/* *there false: no file of the name yet. */
static ov_status open_named(ov_tail *t, const char *path, const ov_tail_place *saved, bool *there, ov_error *err)
{
    struct stat st;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    *there = false;
    if (fd < 0)
        return errno == ENOENT ? OV_OK : ov_fail(err, OV_IO, "cannot read %s: %s", path, strerror(errno));
    if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode)) {
        close(fd);
        return ov_fail(err, OV_INVALID, "%s is no regular file; use - for standard input", path);
    }
    if (is_packed(fd)) {
        close(fd);
        return ov_fail(err, OV_INVALID, "%s is compressed, and lines are read as they are; unpack it into `ovate ingest tail -`, or "
                       "load it with `ovate ingest run`", path);
    }
    bool same = saved && saved->known && ov_tail_is_same(fd, &st, saved);
    if (saved && saved->known && !same) {
        bool found;
        ov_status rotated = find_rotated(t, saved, &found, err);
        if (rotated != OV_OK || found) {
            close(fd);
            *there = found;
            t->news = "the file was rotated meanwhile; the rest of the old one is read first";
            return rotated;
        }
        t->news = "the file is another one than before, and the old one is not beside it: it is read from its beginning; "
                  "rows at the end of the old one may be missing";
    }
    begin_file(t, fd, &st, same ? saved->offset : 0);
    *there = true;
    return OV_OK;
}

ov_status ov_tail_open(const char *path, bool with_header, ov_slice from, ov_tail **out, ov_error *err)
{
    ov_tail *t = ov_calloc(1, sizeof *t);
    bool there;
    ov_tail_place saved;
    if (!t)
        return ov_fail_nomem(err, sizeof *t);
    t->fd = -1;
    t->is_stdin = strcmp(path, "-") == 0;
    t->with_header = with_header;
    ov_buf_init(&t->bytes);
    ov_buf_init(&t->header);
    ov_buf_init(&t->place_text);
    t->path = ov_strdup(path);
    ov_status st = t->path ? ov_tail_place_read(from, t->is_stdin, &saved, err) : ov_fail_nomem(err, strlen(path));
    if (st == OV_OK && t->is_stdin) {
        t->fd = dup(STDIN_FILENO);
        t->at = saved; /* what came before is passed over */
    } else if (st == OV_OK) {
        st = open_named(t, t->path, &saved, &there, err);
        if (st == OV_OK && !there)
            t->at = saved;
    }
    if (st != OV_OK) {
        ov_tail_close(t);
        return st;
    }
    *out = t;
    return OV_OK;
}

void ov_tail_close(ov_tail *t)
{
    if (!t)
        return;
    if (t->fd >= 0)
        close(t->fd);
    ov_free(t->path);
    ov_free(t->older);
    ov_buf_fini(&t->bytes);
    ov_buf_fini(&t->header);
    ov_buf_fini(&t->place_text);
    ov_free(t);
}

bool ov_tail_is_there(const ov_tail *t)
{
    return t->fd >= 0;
}

uint64_t ov_tail_passed_over(const ov_tail *t)
{
    return t->passed_over;
}

const char *ov_tail_news(ov_tail *t)
{
    const char *news = t->news;
    t->news = NULL;
    return news;
}

/* ---- reading ---- */

/* More bytes behind those that are there; *n 0: the end for now. */
static ov_status read_more(ov_tail *t, size_t want, size_t *n, ov_error *err)
{
    if (!ov_buf_reserve(&t->bytes, want))
        return ov_buf_check(&t->bytes, err);
    ssize_t got = t->is_stdin ? read(t->fd, t->bytes.p + t->bytes.n, want)
                              : pread(t->fd, t->bytes.p + t->bytes.n, want, (off_t)(t->at.offset + t->bytes.n));
    *n = got > 0 ? (size_t)got : 0;
    if (got < 0 && errno != EINTR && errno != EAGAIN)
        return ov_fail(err, OV_IO, "cannot read %s: %s", t->path, strerror(errno));
    t->bytes.n += *n;
    t->at_end = got == 0;
    return OV_OK;
}

static void drop(ov_tail *t, size_t n)
{
    if (n) /* nothing was read yet: there are no bytes */
        memmove(t->bytes.p, t->bytes.p + n, t->bytes.n - n);
    t->bytes.n -= n;
}

/* Standard input that was read before comes again from its start: pass over what is done. */
static ov_status skip_done(ov_tail *t, ov_error *err)
{
    while (t->got < t->at.offset && !t->at_end) {
        size_t n;
        OV_TRY(read_more(t, (size_t)OV_MIN((uint64_t)READ_BYTES, t->at.offset - t->got), &n, err));
        t->got += n;
        if (t->with_header && t->header.n == 0) {
            char *end = memchr(t->bytes.p, '\n', t->bytes.n);
            if (!end)
                continue;
            ov_buf_add(&t->header, t->bytes.p, (size_t)(end - t->bytes.p) + 1);
        }
        t->bytes.n = 0;
    }
    if (t->got < t->at.offset)
        return ov_fail(err, OV_INVALID, "standard input has %llu bytes, %llu were taken before: it is another one; "
                       "give it another --name", (unsigned long long)t->got, (unsigned long long)t->at.offset);
    return OV_OK;
}

/* The header of a file that is entered in its middle. */
static ov_status read_header(ov_tail *t, ov_error *err)
{
    char *line = ov_malloc(1 << 20);
    if (!line)
        return ov_fail_nomem(err, 1 << 20);
    ssize_t got = pread(t->fd, line, 1 << 20, 0);
    char *end = got > 0 ? memchr(line, '\n', (size_t)got) : NULL;
    if (end)
        ov_buf_add(&t->header, line, (size_t)(end - line) + 1);
    ov_free(line);
    return end ? ov_buf_check(&t->header, err) : OV_OK;
}

/* Emptied, and perhaps written again: then its first bytes are others. Where somebody made a copy before, its rest comes first. */
static ov_status check_truncated(ov_tail *t, ov_error *err)
{
    struct stat mine;
    bool found;
    if (t->is_stdin || fstat(t->fd, &mine) != 0 || ov_tail_is_same(t->fd, &mine, &t->at))
        return OV_OK;
    const ov_tail_place was = t->at;
    OV_TRY(find_rotated(t, &was, &found, err));
    if (!found)
        begin_file(t, dup(t->fd), &mine, 0);
    t->news = found ? "the file was truncated; the rest of its copy is read first" : "the file was truncated; it is read from its beginning";
    return OV_OK;
}

/* At the end of a file: has it been replaced? *moved: there is another one to read. */
static ov_status next_file(ov_tail *t, bool *moved, ov_error *err)
{
    struct stat now;
    bool there;
    *moved = false;
    if (t->older_count > 1) { /* the first is done */
        t->older_count--;
        memmove(t->older, t->older + 1, t->older_count * sizeof *t->older);
        OV_TRY(open_named(t, t->older[0].path, NULL, &there, err));
        *moved = there;
        return OV_OK;
    }
    if (stat(t->path, &now) != 0 || (now.st_dev == t->at.dev && now.st_ino == t->at.ino))
        return OV_OK; /* not there, or ours */
    t->older_count = 0;
    OV_TRY(open_named(t, t->path, NULL, &there, err));
    *moved = there;
    if (there && !t->news)
        t->news = "the file was rotated; the new one is read";
    return OV_OK;
}

/* Over n bytes of those that are there. */
static void move_on(ov_tail *t, size_t n)
{
    size_t keep = n < OV_TAIL_HEAD ? OV_MIN(t->last_bytes, OV_TAIL_HEAD - n) : 0, add = OV_MIN(n, (size_t)OV_TAIL_HEAD);
    memmove(t->last, t->last + t->last_bytes - keep, keep);
    if (add)
        memcpy(t->last + keep, t->bytes.p + n - add, add);
    t->last_bytes = keep + add;
    t->at.last_hash = ov_checksum(t->last, t->last_bytes);
    t->at.offset += n;
}

static ov_status take_header(ov_tail *t, ov_error *err)
{
    if (!t->with_header || t->header.n)
        return OV_OK;
    if (!t->is_stdin && t->at.offset > 0)
        return read_header(t, err);
    char *end = t->bytes.n ? memchr(t->bytes.p, '\n', t->bytes.n) : NULL;
    if (!end)
        return OV_OK;
    size_t n = (size_t)(end - t->bytes.p) + 1;
    ov_buf_add(&t->header, t->bytes.p, n);
    move_on(t, n);
    drop(t, n);
    return ov_buf_check(&t->header, err);
}

/* Bytes up to the last whole line among the first max_bytes, at least one line. */
static size_t whole_lines(const ov_tail *t, size_t max_bytes)
{
    size_t n = OV_MIN(t->bytes.n, max_bytes);
    const char *last = n ? memrchr(t->bytes.p, '\n', n) : NULL;
    if (!last && t->bytes.n)
        last = memchr(t->bytes.p, '\n', t->bytes.n);
    return last ? (size_t)(last - t->bytes.p) + 1 : 0;
}

/* What is there of a line that is too long goes. */
static void pass_over(ov_tail *t)
{
    const char *end = t->bytes.n ? memchr(t->bytes.p, '\n', t->bytes.n) : NULL;
    size_t n = end ? (size_t)(end - t->bytes.p) + 1 : t->bytes.n;
    move_on(t, n);
    drop(t, n);
    if (!end)
        return;
    t->passing_over = false;
    t->passed_over++;
    t->news = "a line of more than 32 MiB was passed over";
}

static ov_status give(ov_tail *t, size_t n, ov_tail_piece *piece, ov_error *err)
{
    move_on(t, n);
    t->handed = n;
    if (!t->is_stdin && t->at.head_bytes < OV_TAIL_HEAD)
        t->at.head_hash = ov_tail_head(t->fd, 0, &t->at.head_bytes);
    piece->text = ov_slice_make(t->bytes.p, n);
    piece->header = ov_buf_slice(&t->header);
    return ov_tail_place_print(&t->at, t->is_stdin, &t->place_text, &piece->place, err);
}

ov_status ov_tail_next(ov_tail *t, size_t max_bytes, bool flush, ov_tail_piece *piece, bool *ended, ov_error *err)
{
    size_t most = max_bytes;
    *piece = (ov_tail_piece){0};
    *ended = false;
    drop(t, t->handed);
    t->handed = 0;
    for (;;) {
        bool there = t->fd >= 0, moved = false;
        size_t n = 0;
        if (!there)
            OV_TRY(open_named(t, t->path, &t->at, &there, err));
        if (!there) {
            t->news = t->waiting || flush ? t->news : "it is not there yet and is waited for";
            t->waiting = true;
            return OV_OK;
        }
        OV_TRY(check_truncated(t, err));
        if (t->is_stdin && t->got < t->at.offset)
            OV_TRY(skip_done(t, err));
        if (t->bytes.n < most)
            OV_TRY(read_more(t, most - t->bytes.n, &n, err));
        t->got += n;
        OV_TRY(take_header(t, err));
        size_t lines = t->passing_over ? 0 : whole_lines(t, max_bytes);
        if (lines)
            return give(t, lines, piece, err);
        t->passing_over |= t->bytes.n > MAX_LINE;
        if (t->passing_over)
            pass_over(t);
        if (n > 0) {
            most = t->passing_over ? max_bytes : OV_MAX(most, 2 * t->bytes.n); /* a long line */
            continue;
        }
        if (t->is_stdin) {
            *ended = t->at_end;
            return t->at_end && t->bytes.n ? give(t, t->bytes.n, piece, err) : OV_OK;
        }
        struct stat now;
        bool replaced = t->older_count > 1 || (stat(t->path, &now) == 0 && (now.st_ino != t->at.ino || now.st_dev != t->at.dev));
        if (t->bytes.n && (flush || replaced)) /* nobody will end this line */
            return give(t, t->bytes.n, piece, err);
        OV_TRY(next_file(t, &moved, err));
        if (!moved)
            return OV_OK;
    }
}
