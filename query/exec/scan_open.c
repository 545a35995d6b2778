/*
 * Opening one segment for a scan: its columns, the values they have to become, and one domain for equal dictionaries.
 */
#include "query/exec/scan.h"

static void release_segment(void *seg)
{
    ov_segment_release(seg);
}

static ov_status open_segment(ovi_scan *s, scan_segment *seg, ov_error *err)
{
    OV_TRY(ov_snapshot_open(s->exec->cx->snapshot, seg->entry, &seg->seg, err));
    seg->dead = ov_dead_count(seg->entry->dead) ? seg->entry->dead : NULL;
    ov_mutex_lock(&s->lock);
    ov_status st = ov_arena_on_exit(&s->exec->arena, release_segment, seg->seg, err);
    if (st == OV_OK)
        st = ov_arena_zalloc(&s->exec->arena, OV_MAX(s->node->field_count, 1) * sizeof(*seg->columns),
                             &seg->columns, err);
    if (st == OV_OK)
        st = ov_arena_zalloc(&s->exec->arena, (s->filter_count + s->residual_count + 1) * sizeof(*seg->rest),
                             &seg->rest, err);
    if (st == OV_OK)
        st = ov_arena_zalloc(&s->exec->arena, (s->filter_count + s->residual_count + 1) * sizeof(*seg->rest_truth),
                             &seg->rest_truth, err);
    if (st == OV_OK)
        st = ov_arena_zalloc(&s->exec->arena, (seg->time_count + 1) * sizeof(*seg->ranges), &seg->ranges, err);
    ov_mutex_unlock(&s->lock);
    return st;
}

static bool same_domain(const ov_domain *a, const ov_domain *b)
{
    if (!a->offsets || !b->offsets || a->count != b->count || a->has_null != b->has_null ||
        a->sorted != b->sorted || a->unique != b->unique || !ov_type_eq(a->type, b->type))
        return false;
    if (a->id == b->id) /* storage/segment/domain_share has compared them */
        return true;
    size_t bytes = a->offsets[a->count];
    return bytes == b->offsets[b->count] &&
           memcmp(a->offsets, b->offsets, ((size_t)a->count + 1) * sizeof(*a->offsets)) == 0 &&
           memcmp(a->bytes, b->bytes, bytes) == 0;
}

/* Segments of one table often have the same dictionary: one domain for all of them keeps truth tables, string
 * numbers and dense groups valid from segment to segment. */
static const ov_domain *canon_of(ovi_scan *s, uint32_t column, const ov_domain *d)
{
    const ov_domain **list = s->canon + (size_t)column * CANON_DOMAINS, *found = d;
    ov_mutex_lock(&s->lock);
    for (unsigned i = 0; i < CANON_DOMAINS && found == d; i++)
        if (list[i] && list[i] != d && same_domain(list[i], d))
            found = list[i];
    if (found == d)
        list[s->canon_next[column]++ % CANON_DOMAINS] = d;
    ov_mutex_unlock(&s->lock);
    return found;
}

/* Codes that are all zero, for columns with one value. */
static const uint8_t zeros[OV_BATCH_ROWS + 64] OV_ALIGNED(64);

ov_vec ovi_scan_fixed(const scan_column *col, uint32_t code, uint32_t rows)
{
    return (ov_vec){.type = col->info->type,
                    .enc = OV_ENC_DICT,
                    .lane = 1,
                    .rows = rows,
                    .base = code,
                    .divisor = 1,
                    .data = zeros,
                    .dict = col->canon,
                    .has_bounds = true,
                    .min = code,
                    .max = code};
}

ov_status ovi_scan_unify(const scan_column *col, ov_arena *scratch, ov_vec *v, ov_error *err)
{
    if (!col->canon)
        return OV_OK;
    if (v->enc == OV_ENC_DICT) {
        v->dict = col->canon;
        return OV_OK;
    }
    if (v->enc == OV_ENC_RUN && v->child->enc == OV_ENC_DICT) {
        ov_vec *child;
        OV_TRY(ov_arena_alloc(scratch, sizeof(*child), &child, err));
        *child = *v->child;
        child->dict = col->canon;
        v->child = child;
        return OV_OK;
    }
    if (v->enc != OV_ENC_CONST || v->type.id != OV_TYPE_STRING || v->type.multi)
        return OV_OK;
    if (v->is_null && !col->canon->has_null)
        return OV_OK;
    uint32_t code = 0;
    bool exact = true;
    if (!v->is_null) {
        if (!col->canon->sorted)
            return OV_OK;
        code = ov_domain_lower_bound(col->canon, v->c.s, &exact);
    }
    if (exact)
        *v = ovi_scan_fixed(col, code, v->rows);
    return OV_OK;
}

/* Sketches become nothing else, and nothing becomes one. */
static ov_status no_cast(const scan_segment *seg, const scan_column *col, ov_type type, ov_error *err)
{
    char have[OV_EXPR_TYPE_NAME], want[OV_EXPR_TYPE_NAME];
    return ov_fail(err, OV_INVALID,
                   "column '" OV_SLICE_FMT "' is %s in segment " OV_SLICE_FMT " and %s in others, which it cannot be read as; leave that "
                   "segment out by a condition on __time, or load its time again",
                   OV_SLICE_ARG(col->info->name), ov_type_name(col->info->type, have), OV_SLICE_ARG(seg->entry->id), ov_type_name(type, want));
}

/* An expression over a one-column batch that turns the segment's type into the scan's. */
static ov_status make_cast(ovi_scan *s, const scan_segment *seg, ov_sqltype sql, ov_type type, scan_column *col, ov_error *err)
{
    ov_expr_ctx cx = {.arena = &s->exec->arena, .next_id = UINT32_MAX / 2};
    const ov_expr *x;
    ov_sqltype from = ov_sqltype_of_column(col->info->name, col->info->type);
    ov_mutex_lock(&s->lock);
    ov_status st = ov_expr_column(&cx, 0, col->info->type, from, true, &x, err);
    if (st == OV_OK)
        st = ovi_scan_cast(&cx, x, sql, type, &col->cast, err);
    ov_mutex_unlock(&s->lock);
    return st == OV_INVALID || st == OV_UNSUPPORTED ? no_cast(seg, col, type, err) : st;
}

/* A segment in which no row has several values gives plain strings where the scan has lists; everyone takes both. */
static bool serves_as(ov_type have, ov_type want)
{
    return ov_type_eq(have, want) || have.id == OV_TYPE_NULL ||
           (have.id == OV_TYPE_STRING && want.id == OV_TYPE_STRING && want.multi);
}

static const ov_expr *stored_path(const ov_scan_path *p, ov_type stored)
{
    switch ((ov_type_id)stored.id) {
    case OV_TYPE_LONG:
        return p->from_long;
    case OV_TYPE_DOUBLE:
        return p->from_double;
    case OV_TYPE_STRING:
        return p->from_string;
    default:
        return p->from_json;
    }
}

/* A path of a JSON column: its sub-column where there is one, nothing where the segment knows that there are no values,
 * else the text. */
static ov_status find_path(ovi_scan *s, const scan_segment *seg, uint32_t c, scan_column *col, ov_error *err)
{
    static const ov_type json = {.id = OV_TYPE_COMPLEX, .complex = OV_COMPLEX_JSON};
    const ov_scan_path *p = s->node->scan.paths[c];
    bool general = s->exec->cx->options.general_only, complete;
    const ov_column *sub = general ? NULL : ov_column_find_path(col->col, p->name);
    ov_column_paths(col->col, &complete);
    if (sub) {
        col->col = sub;
        col->info = ov_column_get_info(sub);
        col->path = stored_path(p, col->info->type);
    } else if (complete && !general) {
        col->col = NULL;
        return OV_OK;
    } else {
        col->path = p->from_text;
        if (!serves_as(col->info->type, json))
            return make_cast(s, seg, OV_SQL_OTHER, json, col, err);
    }
    if (!col->info->dict || general)
        return OV_OK;
    OV_TRY(ov_column_domain(col->col, &col->domain, err));
    col->canon = canon_of(s, c, col->domain);
    return OV_OK;
}

static ov_status find_columns(ovi_scan *s, scan_segment *seg, ov_error *err)
{
    const ov_plan *node = s->node;
    bool general = s->exec->cx->options.general_only;
    for (uint32_t c = 0; c < node->field_count; c++) {
        scan_column *col = &seg->columns[c];
        ov_slice name = node->scan.datasource->columns[node->scan.columns[c]].name;
        col->col = ov_segment_find(seg->seg, name);
        if (!col->col)
            continue;
        col->info = ov_column_get_info(col->col);
        if (node->scan.paths && node->scan.paths[c]) {
            OV_TRY(find_path(s, seg, c, col, err));
            continue;
        }
        if (!serves_as(col->info->type, node->fields[c].type)) {
            OV_TRY(make_cast(s, seg, (ov_sqltype)node->fields[c].sql, node->fields[c].type, col, err));
        } else if (col->info->dict && !general) {
            OV_TRY(ov_column_domain(col->col, &col->domain, err));
            col->canon = canon_of(s, c, col->domain);
            col->origin = (ov_vec_origin){.rows = seg, .column = col->col, .dict = col->canon};
        }
    }
    return OV_OK;
}

ov_status ovi_scan_open(ovi_scan *s, scan_segment *seg, ov_error *err)
{
    OV_TRY(open_segment(s, seg, err));
    return find_columns(s, seg, err);
}
