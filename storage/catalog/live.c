/* One piece of rows in memory: an open segment with the entry that snapshots show; see storage/catalog/live.h. */
#include "storage/catalog/live.h"

#include <stdatomic.h>

#include "base/os.h"
#include "storage/segment/segment_id.h"

struct ov_live {
    _Atomic uint32_t refs;
    ov_arena arena;
    ov_segment_entry entry;
    ov_interval span;
};

static ov_status list_columns(ov_live *l, ov_error *err)
{
    ov_segment_entry *e = &l->entry;
    ov_schema_column *columns;
    e->column_count = ov_segment_columns(e->live);
    OV_TRY(ov_arena_alloc(&l->arena, (e->column_count + 1u) * sizeof *columns, &columns, err));
    for (uint32_t i = 0; i < e->column_count; i++) {
        const ov_column_info *c = ov_column_get_info(ov_segment_column(e->live, i));
        columns[i] = (ov_schema_column){c->name, c->type, c->role};
    }
    e->columns = columns;
    return OV_OK;
}

static ov_status describe(ov_live *l, ov_slice datasource, uint32_t serial, ov_error *err)
{
    ov_segment_entry *e = &l->entry;
    const ov_segment_info *has = ov_segment_get_info(e->live);
    ov_buf text;
    e->info = *has;
    l->span = (ov_interval){has->min_time, has->rows ? has->max_time + 1 : has->min_time + 1};
    OV_TRY(ov_arena_copy(&l->arena, datasource, &e->info.datasource, err));
    ov_buf_init(&text);
    ov_iso_add(&text, ov_now_ms(), NULL);
    ov_status st = ov_buf_check(&text, err);
    if (st == OV_OK)
        st = ov_arena_copy(&l->arena, ov_buf_slice(&text), &e->created, err);
    e->info.version = e->created;
    e->info.partition = serial;
    e->info.start_ms = l->span.start;
    e->info.end_ms = l->span.end;
    ov_buf_clear(&text);
    ov_segment_id_add(&text, &(ov_segment_id){e->info.datasource, l->span, e->info.version, serial});
    if (st == OV_OK)
        st = ov_buf_check(&text, err);
    if (st == OV_OK)
        st = ov_arena_copy(&l->arena, ov_buf_slice(&text), &e->id, err);
    ov_buf_fini(&text);
    OV_TRY(st);
    e->appended = e->visible = e->used = true;
    e->parts = &l->span;
    e->part_count = 1;
    OV_TRY(ov_arena_printf(&l->arena, &e->shard_spec, err,
                           "{\"type\":\"numbered\",\"partitionNum\":%u,\"partitions\":0}", serial));
    return list_columns(l, err);
}

ov_status ov_live_create(ov_slice datasource, ov_segment *seg, uint32_t serial, int64_t born_ms, ov_live **out,
                         ov_error *err)
{
    ov_live *l = ov_calloc(1, sizeof *l);
    if (!l) {
        ov_segment_release(seg);
        return ov_fail_nomem(err, sizeof *l);
    }
    atomic_init(&l->refs, 1);
    ov_arena_init(&l->arena, "rows in memory", NULL);
    l->entry.live = seg;
    l->entry.born_ms = born_ms;
    ov_status st = describe(l, datasource, serial, err);
    if (st != OV_OK) {
        ov_live_release(l);
        return st;
    }
    *out = l;
    return OV_OK;
}

void ov_live_set_place(ov_live *l, uint64_t place)
{
    l->entry.place = place;
}

ov_live *ov_live_retain(ov_live *l)
{
    atomic_fetch_add_explicit(&l->refs, 1, memory_order_relaxed);
    return l;
}

void ov_live_release(ov_live *l)
{
    if (!l || atomic_fetch_sub_explicit(&l->refs, 1, memory_order_acq_rel) != 1)
        return;
    ov_segment_release(l->entry.live);
    ov_arena_fini(&l->arena);
    ov_free(l);
}

const ov_segment_entry *ov_live_entry(const ov_live *l)
{
    return &l->entry;
}
