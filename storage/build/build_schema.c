/* What a segment can be built of, and what is refused with a sentence; see storage/build/segment_builder.h. */
#include "base/bits.h"
#include "storage/build/build_int.h"

static bool type_is_known(ov_type t)
{
    if (t.id == OV_TYPE_ARRAY)
        return t.elem >= OV_TYPE_LONG && t.elem <= OV_TYPE_STRING && !t.multi;
    if (t.id == OV_TYPE_COMPLEX)
        return t.complex > OV_COMPLEX_NONE && t.complex < OV_COMPLEX_COUNT;
    return t.id <= OV_TYPE_STRING && t.elem == 0 && t.complex == 0 &&
           (t.id == OV_TYPE_STRING || !t.multi);
}

static bool folds(const ov_build_column *c)
{
    if (c->fold == OV_FOLD_SKETCH)
        return c->metric && c->type.id == OV_TYPE_COMPLEX && c->type.complex == c->metric->complex;
    if (c->fold == OV_FOLD_ANY && c->type.id == OV_TYPE_STRING)
        return !c->type.multi;
    return c->fold >= OV_FOLD_SUM && c->fold <= OV_FOLD_ANY &&
           (ov_type_is_int(c->type) || ov_type_is_real(c->type));
}

static ov_status check_column(const ov_build_schema *s, const ov_build_column *c, ov_error *err)
{
    char name[48];
    if (c->name.n == 0 || c->name.n > INT32_MAX)
        return ov_fail(err, OV_INVALID, "a column of datasource " OV_SLICE_FMT " has no name",
                       OV_SLICE_ARG(s->datasource));
    if (!type_is_known(c->type))
        return ov_fail(err, OV_UNSUPPORTED,
                       "column " OV_SLICE_FMT " has type %s, which segments cannot hold",
                       OV_SLICE_ARG(c->name), ov_type_name(c->type, name));
    if (s->rollup && c->role == OV_ROLE_METRIC && !folds(c))
        return ov_fail(err, OV_INVALID,
                       "metric " OV_SLICE_FMT
                       " of type %s says no way to fold rows, which roll-up needs: use sum, "
                       "min or max of a number, any value, or a sketch",
                       OV_SLICE_ARG(c->name), ov_type_name(c->type, name));
    return OV_OK;
}

static ov_status check_names(const ov_build_schema *s, ov_error *err)
{
    ovi_dict names;
    ov_status st = ovi_dict_init(&names, 1, NULL, err);
    for (uint32_t i = 0; st == OV_OK && i < s->column_count; i++) {
        uint32_t code;
        st = ovi_dict_add(&names, s->columns[i].name, &code, err);
        if (st == OV_OK && code != i + 1)
            st = ov_fail(err, OV_INVALID,
                         "datasource " OV_SLICE_FMT " has two columns named " OV_SLICE_FMT,
                         OV_SLICE_ARG(s->datasource), OV_SLICE_ARG(s->columns[i].name));
    }
    ovi_dict_fini(&names);
    return st;
}

static ov_status check_sort(const ov_build_schema *s, ov_error *err)
{
    uint64_t named[OV_SEG_MAX_COLUMNS / 64 + 1] = {0};
    for (uint32_t i = 0; i < s->sort_count; i++) {
        bool there = s->sort[i] < s->column_count, twice = there && ov_bits_test(named, s->sort[i]);
        if (there)
            ov_bits_set(named, s->sort[i]);
        if (!there || twice)
            return ov_fail(err, OV_INVALID, "place %u of the sort order names column %u of %u%s",
                           i + 1, s->sort[i], s->column_count, twice ? " again" : "");
    }
    return OV_OK;
}

ov_status ovi_schema_check(const ov_build_schema *s, uint32_t *time_column, ov_error *err)
{
    uint32_t times = 0;
    if (s->column_count > OV_SEG_MAX_COLUMNS)
        return ov_fail(err, OV_LIMIT,
                       "datasource " OV_SLICE_FMT " has %u columns; a segment holds at most %u",
                       OV_SLICE_ARG(s->datasource), s->column_count, OV_SEG_MAX_COLUMNS);
    if (s->start_ms >= s->end_ms)
        return ov_fail(err, OV_INVALID, "the time chunk ends (%lld) before it starts (%lld)",
                       (long long)s->end_ms, (long long)s->start_ms);
    for (uint32_t i = 0; i < s->column_count; i++) {
        const ov_build_column *c = &s->columns[i];
        OV_TRY(check_column(s, c, err));
        if (c->role != OV_ROLE_TIME)
            continue;
        *time_column = i;
        times++;
        if (c->type.id != OV_TYPE_LONG || !ov_slice_eq(c->name, OV_SLICE_LIT("__time")))
            return ov_fail(err, OV_INVALID,
                           "the time column is " OV_SLICE_FMT "; it must be __time, a LONG",
                           OV_SLICE_ARG(c->name));
    }
    if (times != 1)
        return ov_fail(err, OV_INVALID, "a segment needs one time column, not %u", times);
    OV_TRY(check_names(s, err));
    return check_sort(s, err);
}

static ov_status copy_metric(const ov_metric *m, ov_arena *arena, const ov_metric **out, ov_error *err)
{
    ov_metric *own;
    OV_TRY(ov_arena_alloc(arena, sizeof *own, &own, err));
    *own = *m;
    *out = own;
    return OV_OK;
}

ov_status ovi_schema_copy(const ov_build_schema *s, ov_arena *arena, ov_build_schema *out, ov_error *err)
{
    ov_build_column *columns;
    uint32_t *sort;
    *out = *s;
    OV_TRY(ov_arena_copy(arena, s->datasource, &out->datasource, err));
    OV_TRY(ov_arena_copy(arena, s->version, &out->version, err));
    OV_TRY(ov_arena_copy(arena, s->extra_json, &out->extra_json, err));
    OV_TRY(ov_arena_alloc(arena, s->column_count * sizeof *columns, &columns, err));
    OV_TRY(ov_arena_alloc(arena, s->sort_count * sizeof *sort, &sort, err));
    for (uint32_t i = 0; i < s->column_count; i++) {
        columns[i] = s->columns[i];
        OV_TRY(ov_arena_copy(arena, s->columns[i].name, &columns[i].name, err));
        if (s->columns[i].metric)
            OV_TRY(copy_metric(s->columns[i].metric, arena, &columns[i].metric, err));
    }
    for (uint32_t i = 0; i < s->sort_count; i++)
        sort[i] = s->sort[i];
    out->columns = columns;
    out->sort = sort;
    return OV_OK;
}
