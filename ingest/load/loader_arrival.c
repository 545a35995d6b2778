/*
 * The order in which the rows of a sealed segment arrived, until the commit that asks for it.
 *
 * Eight bytes a row: they lie in a file beside the segment, which has no name any more once it is mapped, so that a batch with
 * keys takes no more memory the more rows it has.
 */
#include "ingest/load/loader_int.h"

#include <fcntl.h>
#include <stdio.h>

static ov_status write_file(const char *path, ov_slice bytes, ov_error *err)
{
    int fd;
    ov_error ignored = OV_ERROR_INIT;
    OV_TRY(ov_file_open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600, &fd, err));
    ov_status st = ov_file_write_all(fd, path, bytes, err);
    ov_status closed = ov_file_close(fd, path, st == OV_OK ? err : &ignored);
    return st == OV_OK ? closed : st;
}

ov_status ovi_arrival_keep(ov_segment_builder *b, const char *segment_path, uint32_t rows, ov_map *out, ov_error *err)
{
    char path[4096];
    ov_error ignored = OV_ERROR_INIT;
    *out = (ov_map){0};
    uint64_t *arrival = ov_segment_builder_take_arrival(b);
    if (!arrival)
        return OV_OK;
    int n = snprintf(path, sizeof path, "%s.order", segment_path);
    ov_status st = n > 0 && (size_t)n < sizeof path ? OV_OK : ov_fail(err, OV_LIMIT, "%s: the path is too long", segment_path);
    if (st == OV_OK) {
        st = write_file(path, ov_slice_make((const char *)arrival, rows * sizeof *arrival), err);
        if (st == OV_OK)
            st = ov_map_open(path, out, err);
        (void)!ov_file_remove(path, &ignored);
    }
    ov_free(arrival);
    return st;
}

static void close_map(void *map)
{
    ov_map_close(map);
}

ov_status ovi_arrival_hand_out(ov_map *from, ov_arena *out, const uint64_t **arrival, ov_error *err)
{
    ov_map *map;
    *arrival = NULL;
    if (!from->p)
        return OV_OK;
    OV_TRY(ov_arena_zalloc(out, sizeof *map, &map, err));
    OV_TRY(ov_arena_on_exit(out, close_map, map, err));
    *map = *from;
    *from = (ov_map){0};
    *arrival = (const uint64_t *)(const void *)map->p;
    return OV_OK;
}
