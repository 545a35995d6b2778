/* Folders and paths. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include "base/file.h"
#include "base/file_int.h"
#include "base/mem.h"
#include "base/os.h"

ov_status ov_dir_make(const char *path, ov_error *err)
{
    char *copy = ov_strdup(path);
    if (!copy)
        return ov_fail_nomem(err, strlen(path));
    ov_status st = OV_OK;
    for (char *at = copy + 1; st == OV_OK && *copy; at++) {
        if (*at != '/' && *at != '\0')
            continue;
        char keep = *at;
        *at = '\0';
        if (ov_os_now->mkdir(copy, 0777) != 0 && !(errno == EEXIST && ov_dir_exists(copy)))
            st = ovi_file_fail(err, errno == EEXIST ? ENOTDIR : errno, "cannot make the folder",
                               copy);
        *at = keep;
        if (keep == '\0')
            break;
    }
    ov_free(copy);
    return st;
}

ov_status ov_dir_sync(const char *path, ov_error *err)
{
    int fd;
    OV_TRY(ov_file_open(path, O_RDONLY | O_DIRECTORY, 0, &fd, err));
    ov_status st = ov_file_sync(fd, path, err);
    ov_error late = OV_ERROR_INIT;
    ov_status closed = ov_file_close(fd, path, &late);
    if (st == OV_OK && closed != OV_OK)
        *err = late;
    return st != OV_OK ? st : closed;
}

static int by_name(const void *a, const void *b)
{
    return ov_slice_cmp(((const ov_dir_entry *)a)->name, ((const ov_dir_entry *)b)->name);
}

static bool is_dot(const char *name)
{
    return name[0] == '.' && (name[1] == '\0' || (name[1] == '.' && name[2] == '\0'));
}

/* Names in the arena; stat follows. */
static ov_status read_names(DIR *dir, const char *path, ov_arena *a, ov_dir_entry **out,
                            size_t *count, ov_error *err)
{
    size_t n = 0, cap = 0;
    ov_dir_entry *list = NULL;
    for (;;) {
        errno = 0;
        struct dirent *e = ov_os_now->readdir(dir);
        if (!e && errno)
            return ovi_file_fail(err, errno, "cannot list", path);
        if (!e)
            break;
        if (is_dot(e->d_name))
            continue;
        if (n == cap) {
            ov_dir_entry *more;
            cap = cap ? 2 * cap : 16;
            OV_TRY(ov_arena_zalloc(a, cap * sizeof *more, &more, err));
            if (n)
                memcpy(more, list, n * sizeof *list);
            list = more;
        }
        list[n] = (ov_dir_entry){0};
        OV_TRY(ov_arena_copy(a, ov_slice_cstr(e->d_name), &list[n].name, err));
        n++;
    }
    *out = list;
    *count = n;
    return OV_OK;
}

ov_status ov_dir_list(const char *path, ov_arena *out_arena, ov_dir_entry **out, size_t *count,
                      ov_error *err)
{
    DIR *dir = ov_os_now->opendir(path);
    if (!dir)
        return ovi_file_fail(err, errno, "cannot list", path);
    ov_dir_entry *list = NULL;
    size_t n = 0, kept = 0;
    ov_status st = read_names(dir, path, out_arena, &list, &n, err);
    (void)ov_os_now->closedir(dir);
    OV_TRY(st);
    for (size_t i = 0; i < n; i++) {
        ov_slice full;
        struct stat info;
        OV_TRY(ov_path_join(out_arena, ov_slice_cstr(path), list[i].name, &full, err));
        if (ov_os_now->stat(full.p, &info) != 0) {
            if (errno == ENOENT || errno == ELOOP)
                continue; /* removed meanwhile, or a link to nowhere */
            return ovi_file_fail(err, errno, "cannot look at", full.p);
        }
        list[i].is_dir = S_ISDIR(info.st_mode);
        list[i].bytes = S_ISREG(info.st_mode) ? (uint64_t)info.st_size : 0;
        list[i].modified_ms = (int64_t)info.st_mtim.tv_sec * 1000 + info.st_mtim.tv_nsec / 1000000;
        list[kept++] = list[i];
    }
    if (kept)
        qsort(list, kept, sizeof *list, by_name);
    *out = list;
    *count = kept;
    return OV_OK;
}

static ov_status remove_tree(const char *path, int depth, ov_error *err)
{
    if (ov_os_now->unlink(path) == 0 || errno == ENOENT)
        return OV_OK;
    if (errno != EISDIR && errno != EPERM)
        return ovi_file_fail(err, errno, "cannot remove", path);
    if (depth > 200)
        return ov_fail(err, OV_LIMIT, "cannot remove %s: folders nest too deeply", path);
    /* names are read before anything is removed: what readdir shows after a removal is unspecified
     */
    ov_arena a;
    ov_arena_init(&a, "remove folder", NULL);
    ov_dir_entry *list = NULL;
    size_t n = 0;
    DIR *dir = ov_os_now->opendir(path);
    ov_status st = dir ? read_names(dir, path, &a, &list, &n, err)
                       : ovi_file_fail(err, errno, "cannot remove", path);
    if (dir)
        (void)ov_os_now->closedir(dir);
    for (size_t i = 0; st == OV_OK && i < n; i++) {
        ov_slice full;
        st = ov_path_join(&a, ov_slice_cstr(path), list[i].name, &full, err);
        if (st == OV_OK)
            st = remove_tree(full.p, depth + 1, err);
    }
    ov_arena_fini(&a);
    if (st == OV_OK && ov_os_now->rmdir(path) != 0 && errno != ENOENT)
        st = ovi_file_fail(err, errno, "cannot remove", path);
    return st;
}

ov_status ov_dir_remove_all(const char *path, ov_error *err)
{
    return remove_tree(path, 0, err);
}

ov_status ov_dir_space(const char *path, uint64_t *free_bytes, uint64_t *total_bytes, ov_error *err)
{
    struct statvfs v;
    if (ov_os_now->statvfs(path, &v) != 0)
        return ovi_file_fail(err, errno, "cannot ask for the free space of", path);
    *free_bytes = (uint64_t)v.f_bavail * v.f_frsize;
    *total_bytes = (uint64_t)v.f_blocks * v.f_frsize;
    return OV_OK;
}

ov_status ov_path_join(ov_arena *a, ov_slice dir, ov_slice name, ov_slice *out, ov_error *err)
{
    while (dir.n > 1 && dir.p[dir.n - 1] == '/')
        dir.n--;
    while (name.n && name.p[0] == '/') {
        name.p++;
        name.n--;
    }
    bool slash = dir.n && dir.p[dir.n - 1] != '/';
    char *p = ov_arena_try(a, dir.n + slash + name.n + 1, 1, err);
    if (!p)
        return err->code;
    if (dir.n)
        memcpy(p, dir.p, dir.n);
    if (slash)
        p[dir.n] = '/';
    if (name.n)
        memcpy(p + dir.n + slash, name.p, name.n);
    p[dir.n + slash + name.n] = '\0';
    *out = ov_slice_make(p, dir.n + slash + name.n);
    return OV_OK;
}

ov_slice ov_path_base(ov_slice path)
{
    const char *slash = path.n ? memrchr(path.p, '/', path.n) : NULL;
    if (!slash)
        return path;
    return ov_slice_make(slash + 1, path.n - (size_t)(slash + 1 - path.p));
}

ov_slice ov_path_dir(ov_slice path)
{
    const char *slash = path.n ? memrchr(path.p, '/', path.n) : NULL;
    if (!slash)
        return OV_SLICE_LIT(".");
    return slash == path.p ? OV_SLICE_LIT("/") : ov_slice_make(path.p, (size_t)(slash - path.p));
}
