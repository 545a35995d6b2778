/*
 * The OS seam: every system call that touches files, time or randomness goes through this table.
 *
 * Tests replace it (a call that fails at the n-th time, a disk that forgets what was not synced);
 * nobody else does. The calls keep POSIX meaning: -1 and errno on failure. Helpers that turn errno
 * into a sentence are in base/file.h; most code wants those.
 *
 * Threads: any. ov_os_use only while nothing else runs.
 */
#pragma once

#include <dirent.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/types.h>
#include "base/compiler.h"

typedef struct ov_os {
    int (*open)(const char *path, int flags, mode_t mode); /* O_CLOEXEC is added */
    int (*close)(int fd);
    ssize_t (*read)(int fd, void *to, size_t n);
    ssize_t (*write)(int fd, const void *from, size_t n);
    ssize_t (*pread)(int fd, void *to, size_t n, off_t offset);
    ssize_t (*pwrite)(int fd, const void *from, size_t n, off_t offset);
    int (*fsync)(int fd);
    int (*fdatasync)(int fd);
    int (*ftruncate)(int fd, off_t size);
    int (*fstat)(int fd, struct stat *out);
    int (*stat)(const char *path, struct stat *out);
    int (*rename)(const char *from, const char *to);
    int (*link)(const char *from, const char *to);
    int (*unlink)(const char *path);
    int (*mkdir)(const char *path, mode_t mode);
    int (*rmdir)(const char *path);
    DIR *(*opendir)(const char *path);
    struct dirent *(*readdir)(DIR *dir);
    int (*closedir)(DIR *dir);
    void *(*mmap)(void *at, size_t n, int prot, int flags, int fd, off_t offset); /* MAP_FAILED */
    int (*munmap)(void *at, size_t n);
    int (*madvise)(void *at, size_t n, int advice);
    int (*flock)(int fd, int operation);
    int (*statvfs)(const char *path, struct statvfs *out);
    int64_t (*wall_ms)(void);      /* since 1970, UTC */
    int64_t (*monotonic_ns)(void); /* never goes back */
    int (*random)(void *to, size_t n);
} ov_os;

extern const ov_os ov_os_posix;
/* The one in use; ov_os_posix unless a test says otherwise. */
extern const ov_os *ov_os_now;
/* Returns the previous one. */
const ov_os *ov_os_use(const ov_os *os);

static inline int64_t ov_now_ms(void)
{
    return ov_os_now->wall_ms();
}

static inline int64_t ov_monotonic_ns(void)
{
    return ov_os_now->monotonic_ns();
}

static inline int64_t ov_monotonic_ms(void)
{
    return ov_monotonic_ns() / 1000000;
}

/* At least that long, interrupted or not. */
void ov_sleep_ms(int64_t ms);

/* Random UUID (version 4) in lower case with a NUL. */
enum { OV_UUID_BYTES = 37 };
void ov_uuid_make(char text[OV_UUID_BYTES]);
