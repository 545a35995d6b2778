#include "server/cli/tail_place.h"

#include <stdio.h>
#include <unistd.h>
#include "base/hash.h"

/* ---- as text ---- */

ov_status ov_tail_place_read(ov_slice text, bool is_stdin, ov_tail_place *out, ov_error *err)
{
    unsigned long long dev = 0, ino = 0, offset = 0, n = 0, hash = 0, last = 0;
    char copy[160];
    *out = (ov_tail_place){0};
    if (text.n == 0)
        return OV_OK;
    bool good = text.n < sizeof copy;
    if (good) {
        memcpy(copy, text.p, text.n);
        copy[text.n] = 0;
        good = is_stdin ? sscanf(copy, "bytes %llu", &offset) == 1
                        : sscanf(copy, "%llx:%llx %llu %llu:%llx %llx", &dev, &ino, &offset, &n, &hash, &last) >= 5;
    }
    if (!good || n > OV_TAIL_HEAD)
        return ov_fail(err, OV_INVALID, "'" OV_SLICE_FMT "' is no place in %s", OV_SLICE_ARG(text),
                       is_stdin ? "standard input" : "a file");
    *out = (ov_tail_place){dev, ino, offset, n, hash, last, true};
    return OV_OK;
}

ov_status ov_tail_place_print(const ov_tail_place *at, bool is_stdin, ov_buf *text, ov_slice *out, ov_error *err)
{
    ov_buf_clear(text);
    if (is_stdin)
        ov_buf_addf(text, "bytes %llu", (unsigned long long)at->offset);
    else
        ov_buf_addf(text, "%llx:%llx %llu %llu:%llx %llx", (unsigned long long)at->dev, (unsigned long long)at->ino,
                    (unsigned long long)at->offset, (unsigned long long)at->head_bytes, (unsigned long long)at->head_hash,
                    (unsigned long long)at->last_hash);
    *out = ov_buf_slice(text);
    return ov_buf_check(text, err);
}

/* ---- which file ---- */

uint64_t ov_tail_head(int fd, uint64_t want, uint64_t *n)
{
    char head[OV_TAIL_HEAD];
    ssize_t got = pread(fd, head, want ? (size_t)want : sizeof head, 0);
    *n = got > 0 ? (uint64_t)got : 0;
    return ov_checksum(head, (size_t)*n);
}

size_t ov_tail_last(int fd, uint64_t offset, char last[OV_TAIL_HEAD])
{
    size_t n = (size_t)OV_MIN(offset, (uint64_t)OV_TAIL_HEAD);
    ssize_t got = pread(fd, last, n, (off_t)(offset - n));
    return got == (ssize_t)n ? n : 0;
}

static bool holds(int fd, const struct stat *st, const ov_tail_place *at)
{
    char last[OV_TAIL_HEAD];
    uint64_t n;
    if ((uint64_t)st->st_size < at->offset)
        return false;
    uint64_t hash = ov_tail_head(fd, at->head_bytes, &n);
    if (at->head_bytes && (n != at->head_bytes || hash != at->head_hash))
        return false;
    return !at->last_hash || ov_checksum(last, ov_tail_last(fd, at->offset, last)) == at->last_hash;
}

bool ov_tail_is_same(int fd, const struct stat *st, const ov_tail_place *at)
{
    return st->st_dev == at->dev && st->st_ino == at->ino && holds(fd, st, at);
}

bool ov_tail_is_copy(int fd, const struct stat *st, const ov_tail_place *at)
{
    return at->head_bytes && (at->last_hash || at->offset == 0) && holds(fd, st, at);
}
