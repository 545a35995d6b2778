/* Inputs of a load; see ingest/parse/input.h. */
#include "ingest/parse/input.h"

#include <fcntl.h>
#include <stdio.h>
#include "base/compress.h"
#include "base/file.h"
#include "base/httpc.h"

enum { MAX_FILES = 1000000 };

/* A path of the spec, from base_dir when it is relative. */
static ov_status place(const ov_load_env *env, ov_arena *out, ov_slice path, ov_slice *full, ov_error *err)
{
    if (path.n && path.p[0] != '/' && env->base_dir)
        return ov_path_join(out, ov_slice_cstr(env->base_dir), path, full, err);
    return ov_arena_copy(out, path, full, err);
}

static ov_status open_files(ov_inputs *in, const ov_slice *paths, uint32_t n, ov_error *err)
{
    OV_TRY(ov_arena_zalloc(in->arena, ((size_t)n + 1) * sizeof *in->list, &in->list, err));
    for (uint32_t i = 0; i < n; i++) {
        ov_input *f = &in->list[i];
        f->name = paths[i];
        f->path = paths[i].p;
        if (ov_dir_exists(f->path))
            return ov_fail(err, OV_INVALID, "'%s' is a folder; use baseDir and filter to read its files",
                           f->path);
        if (ov_file_exists(f->path) && !ov_file_is_regular(f->path))
            return ov_fail(err, OV_INVALID, "'%s' is a device, a pipe or a socket; only regular files are read", f->path);
        OV_TRY(ov_file_size(f->path, &f->bytes, err));
        in->count++;
    }
    return OV_OK;
}

static ov_status open_local(ov_inputs *in, ov_error *err)
{
    const ov_input_spec *s = in->spec;
    ov_slice *paths;
    size_t n = s->name_count;
    if (s->base_dir.n) {
        ov_slice base;
        OV_TRY(place(in->env, in->arena, s->base_dir, &base, err));
        if (!ov_file_exists(base.p))
            return ov_fail(err, OV_NOT_FOUND, "inputSource.baseDir '%s' does not exist", base.p);
        OV_TRY(ov_glob_files(base.p, s->filter, MAX_FILES, in->arena, &paths, &n, err));
        if (n == 0)
            return ov_fail(err, OV_NOT_FOUND, "no file below '%s' matches the filter '" OV_SLICE_FMT "'",
                           base.p, OV_SLICE_ARG(s->filter));
    } else {
        OV_TRY(ov_arena_alloc(in->arena, n * sizeof *paths, &paths, err));
        for (size_t i = 0; i < n; i++)
            OV_TRY(place(in->env, in->arena, s->names[i], &paths[i], err));
    }
    return open_files(in, paths, (uint32_t)n, err);
}

ov_status ov_inputs_open(const ov_input_spec *spec, const ov_load_env *env, ov_arena *out,
                         ov_inputs *inputs, ov_error *err)
{
    *inputs = (ov_inputs){.spec = spec, .env = env, .arena = out};
    if (spec->kind == OV_INPUT_LOCAL)
        return open_local(inputs, err);
    inputs->count = spec->kind == OV_INPUT_INLINE ? 1 : spec->name_count;
    OV_TRY(ov_arena_zalloc(out, inputs->count * sizeof *inputs->list, &inputs->list, err));
    for (uint32_t i = 0; i < inputs->count; i++) {
        ov_input *in = &inputs->list[i];
        if (spec->kind == OV_INPUT_INLINE)
            *in = (ov_input){.name = OV_SLICE_LIT("inline"), .data = spec->data, .bytes = spec->data.n};
        else
            in->name = spec->names[i];
    }
    return OV_OK;
}

void ov_inputs_close(ov_inputs *inputs)
{
    ov_error ignored = OV_ERROR_INIT;
    for (uint32_t i = 0; i < inputs->count; i++)
        if (inputs->list[i].fetched)
            (void)!ov_file_remove(inputs->list[i].path, &ignored);
    inputs->count = 0;
}

/* ---- http ---- */

typedef struct fetch {
    int fd;
    const char *path;
} fetch;

static ov_status write_part(void *arg, ov_slice bytes, ov_error *err)
{
    fetch *f = arg;
    return ov_file_write_all(f->fd, f->path, bytes, err);
}

static ov_status fetch_into(ov_inputs *inputs, ov_input *in, const char *path, ov_error *err)
{
    const ov_input_spec *s = inputs->spec;
    const char **headers;
    ov_http_response res;
    fetch f = {.fd = -1, .path = path};
    OV_TRY(ov_arena_zalloc(inputs->arena, (s->header_count + 1) * sizeof *headers, &headers, err));
    for (uint32_t i = 0; i < s->header_count; i++) {
        ov_slice line;
        OV_TRY(ov_arena_printf(inputs->arena, &line, err, "%s: %s", s->header_names[i].p,
                               s->header_values[i].p));
        headers[i] = line.p;
    }
    ov_http_request req = {
        .url = in->name.p,
        .headers = headers,
        .user = s->user.n ? s->user.p : NULL,
        .password = s->user.n ? s->password.p : NULL,
        .cancel = inputs->env->cancel,
        .guard_redirects = true,
    };
    OV_TRY(ov_file_open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600, &f.fd, err));
    ov_status st = ov_http_send(&req, write_part, &f, &res, err);
    if (st == OV_OK && (res.status < 200 || res.status > 299))
        st = ov_fail(err, res.status == 404 ? OV_NOT_FOUND : OV_IO, "%s: the server answered %d", in->name.p,
                     res.status);
    ov_error second = OV_ERROR_INIT;
    if (ov_file_close(f.fd, path, &second) != OV_OK && st == OV_OK) {
        *err = second;
        st = second.code;
    }
    in->bytes = st == OV_OK ? res.bytes : 0;
    return st;
}

static ov_status fetch_once(ov_inputs *inputs, uint32_t i, ov_error *err)
{
    ov_input *in = &inputs->list[i];
    ov_slice path;
    ov_error ignored = OV_ERROR_INIT;
    if (in->path)
        return OV_OK;
    OV_TRY(ov_arena_printf(inputs->arena, &path, err, "%s/%s-in%u", inputs->env->tmp_dir,
                           inputs->env->file_stem, i));
    ov_status st = fetch_into(inputs, in, path.p, err);
    if (st != OV_OK) {
        (void)!ov_file_remove(path.p, &ignored);
        return st;
    }
    in->path = path.p;
    in->fetched = true;
    return OV_OK;
}

/* ---- compression ---- */

static bool has_suffix(ov_slice name, const char *suffix)
{
    size_t n = strlen(suffix);
    return name.n > n && ov_slice_ieq(ov_slice_make(name.p + name.n - n, n), ov_slice_cstr(suffix));
}

static bool starts(const char *head, size_t n, const char *magic, size_t magic_n)
{
    return n >= magic_n && memcmp(head, magic, magic_n) == 0;
}

static ov_status check_compression(ov_slice name, const char *head, size_t n, ov_error *err)
{
    ov_compression c = ov_compression_detect(ov_slice_make(head, n));
    if (n && ((has_suffix(name, ".gz") && c != OV_COMPRESSION_GZIP) ||
              (has_suffix(name, ".zst") && c != OV_COMPRESSION_ZSTD)))
        return ov_fail(err, OV_INVALID,
                       "'" OV_SLICE_FMT "' does not hold what its suffix says: it starts with other bytes",
                       OV_SLICE_ARG(name));
    const char *what = starts(head, n, "BZh", 3)                 ? "bzip2"
                       : starts(head, n, "\xFD" "7zXZ", 5)       ? "xz"
                       : starts(head, n, "PK\x03\x04", 4)        ? "zip"
                       : starts(head, n, "\x04\x22\x4D\x18", 4)  ? "lz4"
                       : starts(head, n, "\xFF\x06\x00\x00sNaP", 8) ? "snappy"
                       : starts(head, n, "Obj\x01", 4)           ? "Avro"
                       : starts(head, n, "ORC", 3) && n > 3 && (uint8_t)head[3] < ' ' ? "ORC"
                                                                 : NULL;
    if (starts(head, n, "PAR1", 4))
        return ov_fail(err, OV_INVALID, "'" OV_SLICE_FMT "' is Parquet: read it with the inputFormat {\"type\": \"parquet\"}",
                       OV_SLICE_ARG(name));
    if (what)
        return ov_fail(err, OV_UNSUPPORTED, "'" OV_SLICE_FMT "' is %s, which is not read yet; gzip and zstd are",
                       OV_SLICE_ARG(name), what);
    return OV_OK;
}

ov_status ov_input_read(ov_inputs *inputs, uint32_t i, ov_reader **out, ov_error *err)
{
    ov_input *in = &inputs->list[i];
    ov_reader *file;
    char head[16];
    size_t n;
    if (inputs->spec->kind == OV_INPUT_INLINE)
        return ov_reader_open_mem(in->data, out, err);
    OV_TRY(fetch_once(inputs, i, err));
    OV_TRY(ov_reader_open_file(in->path, &file, err));
    ov_status st = ov_reader_fill(file, head, sizeof head, &n, err);
    ov_reader_close(file);
    if (st == OV_OK)
        st = check_compression(in->name, head, n, err);
    return st == OV_OK ? ov_reader_open_path(in->path, out, err) : st;
}

ov_status ov_input_file(ov_inputs *inputs, uint32_t i, const char **path, ov_error *err)
{
    *path = NULL;
    if (inputs->spec->kind == OV_INPUT_INLINE)
        return OV_OK;
    OV_TRY(fetch_once(inputs, i, err));
    *path = inputs->list[i].path;
    return OV_OK;
}
