/*
 * Groups as bytes that mean the same in another query: keys by value (a spill's blocks name dictionaries of the run), then the
 * states of each accumulator in the form that spills have. Lists of groups stand one behind the other.
 */
#include "query/exec/aggregate.h"

#include "base/bits.h"
#include "base/cursor.h"

enum { PART_ROWS = 2048 }; /* groups of a list at most */

static bool is_text(const agg_spec *spec, uint32_t k)
{
    ov_type t = spec->layout.fields[k].type;
    return !ov_type_is_int(t) && !ov_type_is_real(t);
}

static ov_status write_key(const agg_state *s, const agg_spec *spec, uint32_t k, const uint32_t *groups, uint32_t n,
                           ov_arena *scratch, ov_buf *out, ov_error *err)
{
    ov_vec v;
    OV_TRY(ovi_key_column(s, spec, k, groups, n, scratch, &v, err));
    for (uint32_t i = 0; i < n; i++) {
        bool null = v.valid && !ov_bits_test(v.valid, i);
        ov_buf_add_char(out, (char)null);
        if (null)
            continue;
        if (is_text(spec, k)) {
            ov_slice text = ((const ov_slice *)v.data)[i];
            ov_buf_add_raw64(out, text.n);
            ov_buf_add_slice(out, text);
        } else {
            ov_buf_add_raw64(out, ((const uint64_t *)v.data)[i]);
        }
    }
    return OV_OK;
}

static ov_status write_part(agg_state *s, const agg_spec *spec, uint32_t from, uint32_t n, uint64_t origin, ov_arena *scratch,
                            ov_buf *out, ov_error *err)
{
    uint32_t *groups;
    OV_TRY(ov_arena_alloc(scratch, ((size_t)n + 1) * 4, &groups, err));
    for (uint32_t i = 0; i < n; i++)
        groups[i] = from + i;
    ov_buf_add_raw64(out, n);
    for (uint32_t k = 0; k < spec->layout.count; k++)
        OV_TRY(write_key(s, spec, k, groups, n, scratch, out, err));
    for (uint32_t i = 0; i < spec->acc_count; i++)
        OV_TRY(ov_acc_save(&s->accs[i], groups, n, origin, out, err));
    return ov_buf_check(out, err);
}

ov_status ovi_agg_write(agg_state *s, const agg_spec *spec, uint64_t origin, ov_arena *scratch, ov_buf *out, ov_error *err)
{
    ov_status st = OV_OK;
    ov_accs_settle(s->accs, spec->acc_count);
    for (uint32_t from = 0; from < s->groups.count && st == OV_OK; from += PART_ROWS) {
        ov_arena_mark mark = ov_arena_mark_get(scratch);
        st = ov_query_alive(spec->exec->cx, err);
        if (st == OV_OK)
            st = write_part(s, spec, from, OV_MIN(s->groups.count - from, (uint32_t)PART_ROWS), origin, scratch, out, err);
        ov_arena_rewind(scratch, mark);
    }
    return st;
}

/* ---- back ---- */

static ov_status read_key(agg_state *s, const agg_spec *spec, uint32_t k, ov_cursor *in, uint32_t n, uint64_t *keys,
                          ov_arena *scratch, ov_error *err)
{
    bool text = is_text(spec, k);
    size_t width = text ? sizeof(ov_slice) : 8;
    char *data;
    uint64_t *valid;
    OV_TRY(ov_arena_lanes(scratch, ((size_t)n + 64) * width, &data, err));
    OV_TRY(ov_arena_lanes(scratch, (ov_words(n) + 1) * 8, &valid, err));
    memset(data, 0, (size_t)n * width);
    ov_bits_fill(valid, n, true);
    for (uint32_t i = 0; i < n; i++) {
        uint8_t null;
        uint64_t bits;
        ov_slice bytes;
        OV_TRY(ov_cursor_u8(in, &null, err));
        if (null) {
            ov_bits_clear(valid, i);
            continue;
        }
        OV_TRY(ov_cursor_u64(in, &bits, err));
        if (text) {
            OV_TRY(ov_cursor_bytes(in, (size_t)bits, &bytes, err));
            ((ov_slice *)(void *)data)[i] = bytes;
        } else {
            ((uint64_t *)(void *)data)[i] = bits;
        }
    }
    ov_vec v = ov_vec_flat(spec->layout.fields[k].type, data, valid, n);
    return ovi_key_words(s, spec, k, &v, keys, scratch, err);
}

static ov_status read_part(agg_state *s, const agg_spec *spec, ov_cursor *in, uint64_t origin, ov_arena *scratch, ov_error *err)
{
    uint64_t n, *keys;
    uint32_t *to;
    OV_TRY(ov_cursor_u64(in, &n, err));
    OV_CHECK_DATA(n <= PART_ROWS, err, "a kept list of groups is too long");
    OV_TRY(ov_arena_zalloc(scratch, (n + 1) * spec->layout.width * 8, &keys, err));
    OV_TRY(ov_arena_alloc(scratch, (n + 1) * 4, &to, err));
    for (uint32_t k = 0; k < spec->layout.count; k++)
        OV_TRY(read_key(s, spec, k, in, (uint32_t)n, keys, scratch, err));
    OV_TRY(ovi_groups_find(&s->groups, keys, n, to, err));
    for (uint32_t i = 0; i < spec->acc_count; i++) {
        ov_acc_settle(&s->accs[i]);
        OV_TRY(ov_acc_reserve(&s->accs[i], s->groups.count, err));
        OV_TRY(ov_acc_load(&s->accs[i], to, (uint32_t)n, origin, in, err));
    }
    return OV_OK;
}

ov_status ovi_agg_read(agg_state *s, const agg_spec *spec, ov_slice bytes, uint64_t origin, ov_arena *scratch, ov_error *err)
{
    ov_cursor in = ov_cursor_make(bytes, "kept groups");
    ov_status st = OV_OK;
    while (ov_cursor_left(&in) && st == OV_OK) {
        ov_arena_mark mark = ov_arena_mark_get(scratch);
        st = ov_query_alive(spec->exec->cx, err);
        if (st == OV_OK)
            st = read_part(s, spec, &in, origin, scratch, err);
        ov_arena_rewind(scratch, mark);
    }
    return st;
}
