#include "base/os.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

static int posix_open(const char *path, int flags, mode_t mode)
{
    return open(path, flags | O_CLOEXEC, mode);
}

static int posix_stat(const char *path, struct stat *out)
{
    return stat(path, out);
}

static int posix_fstat(int fd, struct stat *out)
{
    return fstat(fd, out);
}

static int64_t posix_wall_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static int64_t posix_monotonic_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static int system_random(void *to, size_t n)
{
    char *at = to;
    while (n) {
        ssize_t got = getrandom(at, n, 0);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return -1;
        at += got;
        n -= (size_t)got;
    }
    return 0;
}

/* An id of a query is 16 bytes: a thread fetches a few of them at once. */
static int posix_random(void *to, size_t n)
{
    static _Thread_local struct {
        char bytes[256];
        size_t left;
    } stock;
    if (n > sizeof stock.bytes / 8)
        return system_random(to, n);
    if (stock.left < n) {
        if (system_random(stock.bytes, sizeof stock.bytes) != 0)
            return -1;
        stock.left = sizeof stock.bytes;
    }
    stock.left -= n;
    memcpy(to, stock.bytes + stock.left, n);
    memset(stock.bytes + stock.left, 0, n); /* never given out twice, nor found later */
    return 0;
}

const ov_os ov_os_posix = {
    .open = posix_open,
    .close = close,
    .read = read,
    .write = write,
    .pread = pread,
    .pwrite = pwrite,
    .fsync = fsync,
    .fdatasync = fdatasync,
    .ftruncate = ftruncate,
    .fstat = posix_fstat,
    .stat = posix_stat,
    .rename = rename,
    .link = link,
    .unlink = unlink,
    .mkdir = mkdir,
    .rmdir = rmdir,
    .opendir = opendir,
    .readdir = readdir,
    .closedir = closedir,
    .mmap = mmap,
    .munmap = munmap,
    .madvise = madvise,
    .flock = flock,
    .statvfs = statvfs,
    .wall_ms = posix_wall_ms,
    .monotonic_ns = posix_monotonic_ns,
    .random = posix_random,
};

const ov_os *ov_os_now = &ov_os_posix;

const ov_os *ov_os_use(const ov_os *os)
{
    const ov_os *before = ov_os_now;
    ov_os_now = os;
    return before;
}

void ov_sleep_ms(int64_t ms)
{
    if (ms <= 0)
        return;
    struct timespec left = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};
    while (nanosleep(&left, &left) != 0 && errno == EINTR) {
    }
}

void ov_uuid_make(char text[OV_UUID_BYTES])
{
    static const char hex[] = "0123456789abcdef";
    uint8_t b[16];
    if (ov_os_now->random(b, sizeof b) != 0) {
        /* no randomness: time and address still tell one process and moment from another */
        uint64_t t = (uint64_t)ov_os_now->monotonic_ns() * 0x9E3779B97F4A7C15ull;
        uint64_t a =
            ((uint64_t)getpid() << 32 ^ (uint64_t)ov_os_now->wall_ms()) * 0xBF58476D1CE4E5B9ull;
        for (int i = 0; i < 8; i++) {
            b[i] = (uint8_t)(t >> 8 * i);
            b[8 + i] = (uint8_t)(a >> 8 * i);
        }
    }
    b[6] = (uint8_t)((b[6] & 0x0F) | 0x40);
    b[8] = (uint8_t)((b[8] & 0x3F) | 0x80);
    size_t n = 0;
    for (int i = 0; i < 16; i++) {
        if (i == 4 || i == 6 || i == 8 || i == 10)
            text[n++] = '-';
        text[n++] = hex[b[i] >> 4];
        text[n++] = hex[b[i] & 15];
    }
    text[n] = '\0';
}
