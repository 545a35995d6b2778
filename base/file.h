/*
 * Files and folders with sentences instead of errno, on top of base/os.h.
 *
 * Errors are OV_IO (OV_NOT_FOUND when the path does not exist, OV_DENIED for permission) with the
 * path in the sentence, unless a comment adds more.
 *
 * Threads: any.
 */
#pragma once

#include "base/map_guard.h"
#include "base/arena.h"
#include "base/buf.h"
#include "base/slice.h"

/* ---- whole files ---- */

/* Append the file to out. OV_LIMIT above max_bytes (0: no limit). */
OV_CHECKED ov_status ov_file_read(const char *path, size_t max_bytes, ov_buf *out, ov_error *err);
/* Old or new, never between, and durable: temporary name, write, fsync, rename, fsync of the
 * folder. */
OV_CHECKED ov_status ov_file_write_atomic(const char *path, ov_slice bytes, ov_error *err);
OV_CHECKED ov_status ov_file_size(const char *path, uint64_t *out, ov_error *err);
bool ov_file_exists(const char *path); /* a file or folder of that name */
bool ov_file_is_regular(const char *path); /* not a device, a pipe or a folder */
bool ov_dir_exists(const char *path);
/* Fine when it is not there. */
OV_CHECKED ov_status ov_file_remove(const char *path, ov_error *err);
/* Durable rename: fsync of the target's folder. The file itself must be synced before. */
OV_CHECKED ov_status ov_file_rename(const char *from, const char *to, ov_error *err);

/* ---- open files; loops over short reads and writes, retries EINTR ---- */

/* flags and mode of open(2); *fd on success. */
OV_CHECKED ov_status ov_file_open(const char *path, int flags, unsigned mode, int *fd,
                                  ov_error *err);
OV_CHECKED ov_status ov_file_write_all(int fd, const char *path, ov_slice bytes, ov_error *err);
/* Exactly n bytes, else OV_CORRUPT ("ends after ..."). */
OV_CHECKED ov_status ov_file_pread(int fd, const char *path, void *to, size_t n, uint64_t offset,
                                   ov_error *err);
OV_CHECKED ov_status ov_file_sync(int fd, const char *path, ov_error *err);
/* Close once; an error of close is reported. fd < 0 is fine. */
OV_CHECKED ov_status ov_file_close(int fd, const char *path, ov_error *err);

/* ---- read-only maps ---- */

typedef struct ov_map {
    const char *p; /* NULL for an empty file */
    size_t n;
    ovi_map_entry *guard; /* see map_guard.h */
} ov_map;

OV_CHECKED ov_status ov_map_open(const char *path, ov_map *out, ov_error *err);
void ov_map_close(ov_map *m); /* zeroed map: nothing */
/* Part of the file went away under the mapping; what was read from it since may be zeros. */
bool ov_map_damaged(const ov_map *m);

/* ---- folders ---- */

/* Like mkdir -p, mode 0777 less umask. */
OV_CHECKED ov_status ov_dir_make(const char *path, ov_error *err);
OV_CHECKED ov_status ov_dir_sync(const char *path, ov_error *err);
/* With everything in it; symbolic links are removed, not followed. Fine when it is not there. */
OV_CHECKED ov_status ov_dir_remove_all(const char *path, ov_error *err);

typedef struct ov_dir_entry {
    ov_slice name; /* without the folder; NUL-terminated */
    bool is_dir;   /* links followed */
    uint64_t bytes;
    int64_t modified_ms;
} ov_dir_entry;

/* Entries but . and .., sorted by name in byte order, in the arena. */
OV_CHECKED ov_status ov_dir_list(const char *path, ov_arena *out_arena, ov_dir_entry **out,
                                 size_t *count, ov_error *err);
/* Free bytes for us and total bytes of the file system that holds path. */
OV_CHECKED ov_status ov_dir_space(const char *path, uint64_t *free_bytes, uint64_t *total_bytes,
                                  ov_error *err);

/* `a/b`; no doubled slash; in the arena, NUL-terminated. */
OV_CHECKED ov_status ov_path_join(ov_arena *a, ov_slice dir, ov_slice name, ov_slice *out,
                                  ov_error *err);
ov_slice ov_path_base(ov_slice path); /* part behind the last slash */
ov_slice ov_path_dir(ov_slice path);  /* part before it; "." when there is none, "/" at the root */

/* ---- globs ---- */

/* `*` and `?` within one name, `**` any number of folders, [a-z] [!a], {json,csv}; backslash
 * quotes. Without a slash in the pattern the last name alone is compared, as Druid's `local` filter
 * does. */
bool ov_glob_match(ov_slice pattern, ov_slice path);

/*
 * Files below base (folders walked deep, symbolic links to files followed, to folders not) whose
 * path relative to base matches; full paths, sorted in byte order, NUL-terminated, in the arena. A
 * base that is itself a file matches by its name. `max_files` guards against a mistake such as `/`:
 * OV_LIMIT.
 */
OV_CHECKED ov_status ov_glob_files(const char *base, ov_slice pattern, size_t max_files,
                                   ov_arena *out_arena, ov_slice **out, size_t *count,
                                   ov_error *err);
