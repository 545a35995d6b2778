/*
 * Fragments of plans as bytes. Every variable part is counted, so that no two fragments have the same bytes; functions are
 * named by the address of their row in the tables, which lasts as long as the process.
 */
#include "query/exec/fragment_key.h"

#include "base/blob_cache.h"
#include "base/sha256.h"
#include "query/plan/plan_tables.h"

enum { MOST_CELLS = 100000 }; /* of VALUES: more take longer to say than they save */

static void add_type(ov_buf *out, ov_type t)
{
    const uint8_t bytes[] = {t.id, t.elem, t.multi, t.complex};
    ov_buf_add(out, bytes, sizeof bytes);
}

/* False: a list, which no key says. */
static bool add_constant(ov_buf *out, const ov_expr *e)
{
    ov_buf_add_char(out, (char)e->constant.is_null);
    if (e->constant.is_null || e->type.id == OV_TYPE_NULL)
        return true;
    if (ov_type_is_int(e->type) || ov_type_is_real(e->type)) {
        uint64_t bits;
        memcpy(&bits, &e->constant.i, sizeof bits);
        ov_buf_add_raw64(out, bits);
        return true;
    }
    if (ov_type_is_list(e->type))
        return false;
    ov_key_add(out, e->constant.s);
    return true;
}

static void add_set(ov_buf *out, const ov_inset *set)
{
    add_type(out, set->type);
    ov_buf_add_raw64(out, set->count);
    ov_buf_add_char(out, (char)set->has_null);
    if (set->i64)
        ov_buf_add(out, set->i64, set->count * sizeof *set->i64);
    else if (set->f64)
        ov_buf_add(out, set->f64, set->count * sizeof *set->f64);
    for (uint32_t i = 0; !set->i64 && !set->f64 && i < set->count; i++)
        ov_key_add(out, set->str[i]);
}

static bool add_expr(ov_buf *out, const ov_expr *e)
{
    const uint8_t head[] = {e->kind, e->sql, e->elem_sql, e->nullable};
    ov_buf_add(out, head, sizeof head);
    add_type(out, e->type);
    if (!e->deterministic)
        return false;
    switch ((ov_expr_kind)e->kind) {
    case OV_EXPR_CONST:
        if (!add_constant(out, e))
            return false;
        break;
    case OV_EXPR_COLUMN:
        ov_buf_add_raw64(out, e->column);
        break;
    case OV_EXPR_CALL:
        ov_buf_add_raw64(out, (uint64_t)(uintptr_t)e->fn);
        if (ov_expr_function(e)[0] == '$' && e->prepared) /* hidden ones: what they hold is more than their arguments */
            return false;
        break;
    case OV_EXPR_IN:
        add_set(out, e->set);
        break;
    }
    ov_buf_add_raw64(out, e->argc);
    for (uint32_t i = 0; i < e->argc; i++)
        if (!add_expr(out, e->args[i]))
            return false;
    return true;
}

static bool add_optional(ov_buf *out, const ov_expr *e)
{
    ov_buf_add_char(out, e ? 1 : 0);
    return !e || add_expr(out, e);
}

static bool add_list(ov_buf *out, const ov_expr *const *list, uint32_t count)
{
    ov_buf_add_raw64(out, count);
    for (uint32_t i = 0; i < count; i++)
        if (!add_expr(out, list[i]))
            return false;
    return true;
}

static bool add_call(ov_buf *out, const ov_agg_call *c)
{
    const uint8_t flags[] = {c->distinct, c->packed, c->sql, c->nullable};
    ov_buf_add_raw64(out, (uint64_t)(uintptr_t)c->fn);
    ov_buf_add(out, flags, sizeof flags);
    add_type(out, c->type);
    ov_buf_add_raw64(out, c->most_bytes);
    return add_list(out, c->args, c->argc) && add_list(out, c->params, c->param_count) && add_optional(out, c->filter);
}

static bool add_aggregate(ov_buf *out, const ov_plan *node)
{
    if (!add_list(out, node->aggregate.keys, node->aggregate.key_count))
        return false;
    ov_buf_add_raw64(out, node->aggregate.agg_count);
    for (uint32_t i = 0; i < node->aggregate.agg_count; i++)
        if (!add_call(out, &node->aggregate.aggs[i]))
            return false;
    return true;
}

static bool add_path(ov_buf *out, const ov_scan_path *p)
{
    ov_buf_add_char(out, p ? 1 : 0);
    if (!p)
        return true;
    ov_key_add(out, p->name);
    return add_optional(out, p->from_text) && add_optional(out, p->from_long) && add_optional(out, p->from_double) &&
           add_optional(out, p->from_string) && add_optional(out, p->from_json);
}

static bool add_columns(ov_buf *out, const ov_plan *scan)
{
    ov_buf_add_raw64(out, scan->field_count);
    for (uint32_t c = 0; c < scan->field_count; c++) {
        ov_key_add(out, scan->scan.datasource->columns[scan->scan.columns[c]].name);
        add_type(out, scan->fields[c].type);
        ov_buf_add_char(out, (char)scan->fields[c].sql);
        if (!add_path(out, scan->scan.paths ? scan->scan.paths[c] : NULL))
            return false;
    }
    return true;
}

/* ---- a whole relation: its plan and the segments it reads ---- */

static bool in_ranges(const ov_plan *scan, const ov_segment_info *info)
{
    for (uint32_t i = 0; i < scan->scan.range_count; i++)
        if (info->max_time >= scan->scan.ranges[i].start_ms && info->min_time < scan->scan.ranges[i].end_ms)
            return true;
    return false;
}

/* A segment has none that lasts: its rows are in memory, or newer ones hide some of them. */
static bool changes(const ov_segment_entry *e)
{
    return e->live || e->past || e->partial;
}

static void add_segment(ov_buf *out, const ov_segment_entry *e)
{
    ov_key_add(out, e->id);
    ov_key_add(out, e->file);
    ov_buf_add_raw64(out, e->info.rows);
    ov_buf_add_raw64(out, ov_dead_serial(e->dead)); /* other rows are superseded: another state */
}

static bool add_whole_scan(ov_buf *out, const ov_plan *scan, const ov_snapshot *snapshot)
{
    const ov_datasource *ds = ov_plan_datasource(scan, snapshot);
    if (!add_columns(out, scan) || !add_optional(out, scan->scan.filter))
        return false;
    for (uint32_t i = 0; i < ds->segment_count; i++) {
        const ov_segment_entry *e = ds->segments[i];
        if (e->tombstone || e->info.rows == 0 || !in_ranges(scan, &e->info))
            continue;
        if (changes(e))
            return false;
        add_segment(out, e);
    }
    return true;
}

static bool add_cells(ov_buf *out, const ov_plan *node)
{
    uint64_t count = node->values.row_count * node->field_count;
    ov_buf_add_raw64(out, count);
    if (node->values.row_count > MOST_CELLS || count > MOST_CELLS)
        return false;
    for (uint64_t i = 0; i < count; i++)
        if (!add_expr(out, node->values.cells[i]))
            return false;
    return true;
}

static bool add_condition(ov_buf *out, const ov_plan *join)
{
    const uint8_t head[] = {join->join.kind, join->join.build_left};
    ov_buf_add(out, head, sizeof head);
    return add_list(out, join->join.left_keys, join->join.key_count) && add_list(out, join->join.right_keys, join->join.key_count) &&
           add_optional(out, join->join.residual);
}

static bool add_whole(ov_buf *out, const ov_plan *node, const ov_snapshot *snapshot)
{
    bool says;
    ov_buf_add_char(out, (char)node->kind);
    switch ((ov_plan_kind)node->kind) {
    case OV_PLAN_SCAN:
        return add_whole_scan(out, node, snapshot);
    case OV_PLAN_VALUES:
        return add_cells(out, node);
    case OV_PLAN_FILTER:
        says = add_expr(out, node->filter.predicate);
        break;
    case OV_PLAN_PROJECT:
        says = add_list(out, node->project.exprs, node->field_count);
        break;
    case OV_PLAN_AGGREGATE:
        says = add_aggregate(out, node);
        break;
    case OV_PLAN_JOIN:
        says = add_condition(out, node);
        break;
    default:
        return false;
    }
    for (uint32_t i = 0; says && i < node->input_count; i++)
        says = add_whole(out, node->inputs[i], snapshot);
    return says;
}

/* ---- stages ---- */

/* Where the rows of a stage come from, one after the other; NULL: it is no stage. */
static const ov_plan *streamed(const ov_plan *node)
{
    if (node->kind == OV_PLAN_JOIN)
        return node->inputs[node->join.build_left];
    return node->kind == OV_PLAN_FILTER || node->kind == OV_PLAN_PROJECT ? node->inputs[0] : NULL;
}

/* A row of the streaming side gives the same whatever other rows do: no kept row waits for a partner, none may have only one. */
static bool joins_by_row(const ov_plan *join)
{
    ov_join_kind kind = (ov_join_kind)join->join.kind;
    bool left = join->join.build_left;
    if (ov_join_tests(kind))
        return !left;
    return kind == OV_JOINS_INNER || kind == (left ? OV_JOINS_RIGHT : OV_JOINS_LEFT);
}

/* The condition, and all of the kept side as a digest. */
static bool add_join(ov_buf *out, const ov_plan *join, const ov_snapshot *snapshot)
{
    uint8_t digest[OV_SHA256_BYTES];
    ov_buf kept;
    if (!joins_by_row(join) || !add_condition(out, join))
        return false;
    ov_buf_init(&kept);
    bool says = add_whole(&kept, join->inputs[!join->join.build_left], snapshot) && !kept.failed;
    if (says) {
        ov_sha256_of(ov_buf_slice(&kept), digest);
        ov_buf_add(out, digest, sizeof digest);
    }
    ov_buf_fini(&kept);
    return says;
}

static bool add_stage(ov_buf *out, const ov_plan *node, const ov_snapshot *snapshot, bool *joined)
{
    ov_buf_add_char(out, (char)node->kind);
    if (node->kind == OV_PLAN_FILTER)
        return add_expr(out, node->filter.predicate);
    if (node->kind == OV_PLAN_PROJECT)
        return add_list(out, node->project.exprs, node->field_count);
    *joined = true;
    return add_join(out, node, snapshot);
}

/* The stages down to the SCAN, which is left in *node; false: something else is there. */
static bool add_stages(ov_buf *out, const ov_plan **node, const ov_snapshot *snapshot, bool *joined)
{
    for (const ov_plan *below; (below = streamed(*node)); *node = below)
        if (!add_stage(out, *node, snapshot, joined))
            return false;
    ov_buf_add_char(out, (char)(*node)->kind);
    return (*node)->kind == OV_PLAN_SCAN;
}

const ov_plan *ovi_fragment_scan(const ov_plan *node)
{
    node = node->inputs[0];
    for (const ov_plan *below; (below = streamed(node)); node = below)
        continue;
    return node->kind == OV_PLAN_SCAN ? node : NULL;
}

/* What `buf` holds, in the arena; *is stays only when all of it could be said. */
static ov_status settle(ov_buf *buf, ov_arena *out, bool *is, ov_slice *s, ov_error *err)
{
    *is = *is && !buf->failed;
    OV_TRY(ov_arena_copy(out, *is ? ov_buf_slice(buf) : (ov_slice){0}, s, err));
    ov_buf_clear(buf);
    return OV_OK;
}

static ov_status describe(const ov_plan *node, ov_slice session, const ov_snapshot *snapshot, ov_buf *buf, ov_arena *out, ovi_fragment *f,
                          bool *is, ov_error *err)
{
    const ov_plan *scan = node->inputs[0];
    ov_key_add(buf, session);
    *is = add_aggregate(buf, node) && add_stages(buf, &scan, snapshot, &f->joined) && add_columns(buf, scan);
    OV_TRY(settle(buf, out, is, &f->key, err));
    if (!*is)
        return OV_OK;
    f->scan = scan;
    *is = add_optional(buf, scan->scan.filter);
    OV_TRY(settle(buf, out, is, &f->filter, err));
    f->has_residual = !scan->scan.filter || scan->scan.filter_is_ranges || scan->scan.residual;
    bool says = add_optional(buf, scan->scan.filter_is_ranges ? NULL : scan->scan.residual);
    *is = *is && says;
    return settle(buf, out, is, &f->residual, err);
}

ov_status ovi_fragment_of(const ov_plan *node, ov_slice session, const ov_snapshot *snapshot, ov_arena *out, ovi_fragment *f, bool *is,
                          ov_error *err)
{
    ov_buf buf;
    *f = (ovi_fragment){0};
    ov_buf_init(&buf);
    ov_status st = describe(node, session, snapshot, &buf, out, f, is, err);
    ov_buf_fini(&buf);
    return st;
}

/* The scan's ranges as far as rows of the segment lie in them: nothing when it lies in one of them. */
static bool add_times(const ov_plan *scan, const ov_segment_info *info, ov_buf *key)
{
    bool some = false;
    for (uint32_t i = 0; i < scan->scan.range_count; i++) {
        const ov_time_range *r = &scan->scan.ranges[i];
        if (info->min_time >= r->start_ms && info->max_time < r->end_ms)
            return true;
    }
    for (uint32_t i = 0; i < scan->scan.range_count; i++) {
        const ov_time_range *r = &scan->scan.ranges[i];
        if (info->max_time < r->start_ms || info->min_time >= r->end_ms)
            continue;
        some = true;
        ov_buf_add_raw64(key, (uint64_t)OV_MAX(r->start_ms, info->min_time));
        ov_buf_add_raw64(key, (uint64_t)(info->max_time < r->end_ms ? INT64_MAX : r->end_ms));
    }
    return some;
}

bool ovi_fragment_segment(const ovi_fragment *f, const ov_segment_entry *e, ov_buf *key)
{
    ov_buf_clear(key);
    if (changes(e) || e->tombstone || e->info.rows == 0 || !e->file.n)
        return false;
    ov_key_add(key, f->key);
    add_segment(key, e);
    ov_key_add(key, f->has_residual ? f->residual : f->filter);
    return add_times(f->scan, &e->info, key) && !key->failed;
}
