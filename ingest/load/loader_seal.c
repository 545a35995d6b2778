/* Full builders to segment files, on whatever thread of the load is free. */
#include <stdio.h>
#include "base/fault.h"
#include "base/file.h"
#include "ingest/load/loader_int.h"

ov_status ovi_seal_queue(ov_loader *l, ovi_chunk *c, ov_error *err)
{
    char path[4096];
    ov_mutex_lock(&l->mutex);
    ov_status st = ov_list_room(NULL, &l->sealed, l->sealed_count, &l->sealed_cap, 1, sizeof *l->sealed, err);
    int n = snprintf(path, sizeof path, "%s/%s-%llu.ovs", l->env.tmp_dir, l->env.file_stem,
                     (unsigned long long)l->file_no++);
    char *copy = n > 0 && (size_t)n < sizeof path ? ov_strdup(path) : NULL;
    if (st == OV_OK && !copy)
        st = ov_fail_nomem(err, sizeof path);
    if (st != OV_OK) {
        ov_free(copy);
    } else {
        l->sealed[l->sealed_count++] = (ovi_sealed){
            .start = c->start,
            .end = c->end,
            .bucket = c->bucket,
            .partition = c->partition,
            .bytes = c->bytes,
            .builder = c->builder,
            .path = copy,
            .first_key = c->first_key,
            .torn = c->torn,
        };
        l->open_bytes -= c->bytes;
        l->waiting_bytes += c->bytes;
        c->builder = NULL;
        c->bytes = 0;
        c->first_key = NULL;
        c->partition++;
        ov_cond_broadcast(&l->changed);
    }
    ov_mutex_unlock(&l->mutex);
    return st;
}

/* The columns as the file has them: multi-value columns without a second value are plain ones. */
static ov_status settle_columns(ov_loader *l, ov_segment_builder *b, ov_build_column **out, ov_error *err)
{
    uint32_t n = l->schema.column_count;
    OV_TRY(ov_arena_alloc(&l->arena, n * sizeof **out, out, err));
    memcpy(*out, l->schema.columns, n * sizeof **out);
    for (uint32_t i = 0; i < n; i++)
        if ((*out)[i].type.multi && !ov_segment_builder_is_multi(b, i))
            (*out)[i].type.multi = 0;
    return OV_OK;
}

static ov_status copy_info(ov_loader *l, ov_segment_info *info, ov_error *err)
{
    OV_TRY(ov_arena_copy(&l->arena, info->datasource, &info->datasource, err));
    return ov_arena_copy(&l->arena, info->version, &info->version, err);
}

static ov_status seal(const ov_loader *l, ov_segment_builder *b, const char *path, ov_arena *names, ov_segment_info *info,
                      ov_map *arrival, ov_error *err)
{
    ov_error ignored = OV_ERROR_INIT;
    if (ovi_loader_cancelled(l))
        return ov_fail(err, OV_CANCELLED, "cancelled");
    OV_TRY(ov_segment_builder_seal(b, path, names, info, err));
    OV_FAULT(OV_FAULT_LOAD_SEALED, err);
    ov_status st = ovi_arrival_keep(b, path, info->rows, arrival, err);
    if (st != OV_OK)
        (void)!ov_file_remove(path, &ignored);
    return st;
}

bool ovi_seal_one(ov_loader *l)
{
    ov_error err = OV_ERROR_INIT;
    ov_segment_info info = {0};
    ov_map arrival = {0};
    ov_arena names;
    ov_mutex_lock(&l->mutex);
    if (l->failed || l->sealed_next == l->sealed_count) {
        ov_mutex_unlock(&l->mutex);
        return false;
    }
    size_t bytes = l->sealed[l->sealed_next].bytes;
    if (l->sealing_bytes && l->sealing_bytes + bytes > l->env.memory_bytes) { /* whoever seals will be done soon */
        ov_mutex_unlock(&l->mutex);
        return false;
    }
    l->sealing_bytes += bytes;
    uint32_t job = l->sealed_next++;
    ov_segment_builder *b = l->sealed[job].builder;
    const char *path = l->sealed[job].path;
    ov_mutex_unlock(&l->mutex);

    ov_arena_init(&names, "sealed", NULL);
    ov_status st = seal(l, b, path, &names, &info, &arrival, &err);
    ov_mutex_lock(&l->mutex);
    if (st == OV_OK) {
        l->sealed[job].done = true;
        l->sealed[job].arrival = arrival;
        st = settle_columns(l, b, &l->sealed[job].columns, &err);
    }
    if (st == OV_OK)
        st = copy_info(l, &info, &err);
    if (st == OV_OK)
        l->sealed[job].info = info;
    l->sealed[job].builder = NULL;
    l->sealed_done++;
    if (l->env.progress)
        atomic_fetch_add(&l->env.progress->segments, 1);
    ov_mutex_unlock(&l->mutex);
    ov_segment_builder_destroy(b);
    ov_mutex_lock(&l->mutex);
    l->sealing_bytes -= bytes;
    l->waiting_bytes -= bytes;
    ov_cond_broadcast(&l->changed);
    ov_mutex_unlock(&l->mutex);
    ov_arena_fini(&names);
    if (st != OV_OK)
        ovi_loader_set_failed(l, &err);
    return true;
}
