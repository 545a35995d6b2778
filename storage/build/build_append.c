/*
 * Vectors into columns under construction. Numbers are opened to plain lanes; codes are translated
 * once per distinct value of a domain and otherwise only copied.
 */
#include <math.h>
#include "base/bits.h"
#include "base/bytes.h"
#include "storage/build/build_int.h"
#include "storage/segment/ramps.h"
#include "storage/vec_lanes.h"

/* ---- life ---- */

static ovi_kind kind_of(ov_type t)
{
    if (t.id == OV_TYPE_NULL)
        return OVI_NONE;
    return ov_type_is_int(t) ? OVI_INT : ov_type_is_real(t) ? OVI_REAL : OVI_CODE;
}

ov_status ovi_column_init(ovi_column *c, const ov_build_column *def, ov_budget *budget,
                          ov_error *err)
{
    *c = (ovi_column){.def = *def, .kind = kind_of(def->type), .budget = budget};
    ov_arena_init(&c->payload, "segment blocks", budget);
    if (c->kind != OVI_CODE)
        return OV_OK;
    bool list = ov_type_is_list(def->type);
    OV_TRY(ovi_dict_init(&c->dict, list ? 8 : 1, budget, err));
    if (list) {
        bool numbers = def->type.id == OV_TYPE_ARRAY && def->type.elem != OV_TYPE_STRING;
        OV_TRY(ovi_dict_init(&c->elems, numbers ? 8 : 1, budget, err));
    }
    return OV_OK;
}

void ovi_column_fini(ovi_column *c)
{
    ov_arena_fini(&c->payload);
    ovi_shrink(&c->active, &c->active_cap, sizeof *c->active, c->budget);
    ovi_shrink(&c->blocks, &c->blocks_cap, sizeof *c->blocks, c->budget);
    ovi_shrink(&c->list, &c->list_cap, sizeof *c->list, c->budget);
    if (c->dict.entries)
        ovi_dict_fini(&c->dict);
    if (c->elems.entries)
        ovi_dict_fini(&c->elems);
    ovi_remaps_fini(&c->remaps, c->budget);
    ovi_remaps_fini(&c->elem_remaps, c->budget);
}

/* ---- blocks ---- */

static ov_status push_block(ovi_column *c, const ovi_plan *p, ov_error *err)
{
    OV_TRY(ovi_grow(&c->blocks, &c->blocks_cap, (size_t)c->block_count + 1, sizeof *c->blocks,
                    c->budget, err));
    ovi_block b = {.entry = p->entry};
    if (p->entry.data_bytes) {
        b.data = ov_arena_try(&c->payload, p->entry.data_bytes, 64, err);
        if (!b.data)
            return err->code;
        ovi_plan_fill(p, b.data);
    }
    if (p->valid) {
        b.valid = ov_arena_try(&c->payload, ovi_plan_valid_bytes(p), 64, err);
        if (!b.valid)
            return err->code;
        ovi_plan_fill_valid(p, b.valid);
    }
    c->blocks[c->block_count++] = b;
    c->nulls += p->entry.nulls;
    return OV_OK;
}

ov_status ovi_column_flush(ovi_column *c, ov_error *err)
{
    ovi_plan p;
    uint32_t rows = c->active_rows;
    if (rows == 0)
        return OV_OK;
    if (c->kind == OVI_CODE)
        ovi_plan_codes(&p, c->active, true, rows);
    else if (c->kind == OVI_INT)
        ovi_plan_ints(&p, c->active, c->valid, c->active_nulls, rows);
    else
        ovi_plan_reals(&p, c->active, c->valid, c->active_nulls, rows,
                       c->def.type.id == OV_TYPE_FLOAT);
    OV_TRY(push_block(c, &p, err));
    c->active_rows = c->active_nulls = 0;
    memset(c->valid, 0, sizeof c->valid);
    return OV_OK;
}

/* Values of the lanes of a block, or of its runs. */
static void decode_lanes(const ov_block_entry *e, const void *lanes, uint32_t n, int64_t *values)
{
    const ovi_lane_kernels *k = ovi_lane_kernels_now();
    if (e->form == OV_FORM_RAW && e->lane == 8) {
        memcpy(values, lanes, (size_t)n * 8);
    } else if (e->form == OV_FORM_RAW) {
        for (uint32_t i = 0; i < n; i++)
            values[i] = (int64_t)ov_f64_bits((double)((const float *)lanes)[i]);
    } else {
        k->unpack(lanes, e->base, e->lane, n, values);
        if (e->form == OV_FORM_DECIMAL)
            for (uint32_t i = 0; i < n; i++)
                values[i] = (int64_t)ov_f64_bits((double)values[i] / ov_seg_power10[e->exponent]);
    }
}

static void decode_runs(const ovi_block *b, uint32_t rows, int64_t *values, uint64_t *valid)
{
    int64_t heads[OV_BATCH_ROWS];
    const ov_block_entry *e = &b->entry;
    const uint16_t *ends = b->data;
    decode_lanes(e, (const char *)b->data + ov_seg_align(2 * (uint64_t)e->runs), e->runs, heads);
    for (uint32_t run = 0, row = 0; run < e->runs; run++) {
        if (b->valid && !ov_bits_test(b->valid, run))
            ov_bits_clear_range(valid, row, ends[run]);
        for (; row < ends[run]; row++)
            values[row] = heads[run];
    }
    OV_ASSERT(ends[e->runs - 1] == rows);
    (void)rows;
}

uint32_t ovi_column_decode(const ovi_column *c, uint32_t b, int64_t *values, uint64_t *valid)
{
    const ovi_block *block = &c->blocks[b];
    const ov_block_entry *e = &block->entry;
    uint32_t rows =
        (uint32_t)OV_MIN((uint64_t)OV_BATCH_ROWS, c->rows - (uint64_t)b * OV_BATCH_ROWS);
    bool all_null = c->kind != OVI_CODE && e->nulls == rows;
    if (valid)
        ov_bits_fill(valid, rows, !all_null);
    if (e->shape == OV_BLOCK_CONST) {
        for (uint32_t i = 0; i < rows; i++)
            values[i] = e->base;
    } else if (e->shape == OV_BLOCK_FLAT) {
        decode_lanes(e, block->data, rows, values);
        if (block->valid && valid)
            memcpy(valid, block->valid, ov_words(rows) * 8);
    } else if (e->shape == OV_BLOCK_RAMP) {
        uint64_t lanes[OV_BATCH_ROWS];
        ovi_ramps ramps = ovi_ramps_of(e, block->data);
        ovi_ramps_unfold(&ramps, rows, lanes);
        decode_lanes(e, lanes, rows, values);
    } else {
        decode_runs(block, rows, values, valid);
    }
    return rows;
}

/* ---- values ---- */

static ov_status room_for(ovi_column *c, uint32_t more, ov_error *err)
{
    size_t need = OV_MIN((size_t)OV_BATCH_ROWS, (size_t)c->active_rows + more);
    return ovi_grow(&c->active, &c->active_cap, need, sizeof *c->active, c->budget, err);
}

/* n values at `from` (rows[i], or in order), with validity bits by the same row numbers; NULL: all
 * present. */
ov_status ovi_column_push(ovi_column *c, const int64_t *from, const uint64_t *valid,
                          const uint32_t *rows, uint32_t n, ov_error *err)
{
    for (uint32_t at = 0; at < n;) {
        uint32_t take = OV_MIN(n - at, OV_BATCH_ROWS - c->active_rows), start = c->active_rows;
        OV_TRY(room_for(c, take, err));
        int64_t *to = c->active + start;
        if (rows)
            for (uint32_t i = 0; i < take; i++)
                to[i] = from[rows[at + i]];
        else
            memcpy(to, from + at, take * sizeof *to);
        if (!valid) {
            ov_bits_set_range(c->valid, start, start + take);
        } else {
            for (uint32_t i = 0; i < take; i++) {
                bool present = ov_bits_test(valid, rows ? rows[at + i] : at + i);
                ov_bits_put(c->valid, start + i, present);
                c->active_nulls += !present;
            }
        }
        c->active_rows += take;
        c->rows += take;
        at += take;
        if (c->active_rows == OV_BATCH_ROWS)
            OV_TRY(ovi_column_flush(c, err));
    }
    return OV_OK;
}

/* The same value n times. */
static ov_status push_repeat(ovi_column *c, int64_t bits, bool null, uint32_t n, ov_error *err)
{
    int64_t some[256];
    static const uint64_t absent[4] = {0};
    for (size_t i = 0; i < OV_COUNT_OF(some); i++)
        some[i] = bits;
    for (uint32_t at = 0; at < n; at += OV_COUNT_OF(some))
        OV_TRY(ovi_column_push(c, some, null ? absent : NULL, NULL,
                               OV_MIN(n - at, (uint32_t)OV_COUNT_OF(some)), err));
    return OV_OK;
}

/* ---- numbers ---- */

/* One NaN, so that equal rows have equal bits; FLOAT rounded once, here. */
static int64_t real_bits(double v, bool is_float)
{
    if (isnan(v))
        return INT64_C(0x7FF8000000000000);
    return (int64_t)ov_f64_bits(is_float ? (double)(float)v : v);
}

static ov_status append_reals(ovi_column *c, const ov_vec *flat, const uint32_t *rows, uint32_t n,
                              ov_arena *scratch, ov_error *err)
{
    int64_t *bits;
    bool is_float = c->def.type.id == OV_TYPE_FLOAT;
    OV_TRY(ov_arena_alloc(scratch, (size_t)flat->rows * sizeof *bits, &bits, err));
    if (ov_type_is_int(flat->type))
        for (uint32_t i = 0; i < flat->rows; i++)
            bits[i] = real_bits((double)((const int64_t *)flat->data)[i], is_float);
    else
        for (uint32_t i = 0; i < flat->rows; i++)
            bits[i] = real_bits(((const double *)flat->data)[i], is_float);
    return ovi_column_push(c, bits, flat->valid, rows, n, err);
}

static ov_status append_numbers(ovi_column *c, const ov_vec *v, const uint32_t *rows, uint32_t n,
                                ov_arena *scratch, ov_error *err)
{
    bool real = c->kind == OVI_REAL;
    if (v->enc == OV_ENC_CONST) {
        int64_t bits = v->is_null ? 0
                       : !real    ? v->c.i
                                  : real_bits(ov_vec_f64(v, 0), c->def.type.id == OV_TYPE_FLOAT);
        return push_repeat(c, bits, v->is_null, n, err);
    }
    ov_vec flat;
    OV_TRY(ov_vec_flatten(v, scratch, &flat, err));
    if (real)
        return append_reals(c, &flat, rows, n, scratch, err);
    return ovi_column_push(c, flat.data, flat.valid, rows, n, err);
}

/* ---- codes ---- */

/* The bytes an element stands for in its dictionary. `bits` holds those of numbers. */
static ov_slice elem_bytes(const ovi_column *c, const ov_vec *v, uint32_t row, int64_t *bits)
{
    ov_type t = c->def.type;
    if (t.id == OV_TYPE_STRING || t.elem == OV_TYPE_STRING)
        return ov_vec_str(v, row);
    *bits = t.elem == OV_TYPE_LONG ? ov_vec_i64(v, row)
                                   : real_bits(ov_vec_f64(v, row), t.elem == OV_TYPE_FLOAT);
    return ov_slice_make(bits, sizeof *bits);
}

static ov_status intern_elem(ovi_column *c, const ov_vec *v, uint32_t row, uint32_t *map,
                             uint32_t *code, ov_error *err)
{
    uint32_t *known = map ? &map[ov_vec_code(v, row)] : NULL;
    int64_t bits;
    if (known && *known != OVI_UNMAPPED) {
        *code = *known;
        return OV_OK;
    }
    if (ov_vec_is_null(v, row))
        *code = 0;
    else
        OV_TRY(ovi_dict_add(&c->elems, elem_bytes(c, v, row, &bits), code, err));
    if (known)
        *known = *code;
    return OV_OK;
}

/* The list of rows [first, end) of v. */
static ov_status intern_list(ovi_column *c, const ov_vec *v, uint32_t first, uint32_t end,
                             uint32_t *code, ov_error *err)
{
    uint32_t *map = NULL;
    OV_TRY(ovi_grow(&c->list, &c->list_cap, end - first, sizeof *c->list, c->budget, err));
    if (v->enc == OV_ENC_DICT && end > first)
        OV_TRY(ovi_remaps_get(&c->elem_remaps, v->dict, c->budget, &map, err));
    for (uint32_t i = first; i < end; i++)
        OV_TRY(intern_elem(c, v, i, map, &c->list[i - first], err));
    return ovi_dict_add(&c->dict, ov_slice_make(c->list, (size_t)(end - first) * sizeof *c->list),
                        code, err);
}

/* Row `row` of v, whatever its encoding. A plain value in a list column is a list of one. */
static ov_status intern_row(ovi_column *c, const ov_vec *v, uint32_t row, uint32_t *code,
                            ov_error *err)
{
    uint32_t first, end;
    if (ov_vec_is_null(v, row)) {
        *code = 0;
        return OV_OK;
    }
    if (!ov_type_is_list(c->def.type))
        return ovi_dict_add(&c->dict, ov_vec_str(v, row), code, err);
    if (!ov_type_is_list(v->type))
        return intern_list(c, v, row, row + 1, code, err);
    const ov_vec *elems = ov_vec_list(v, row, &first, &end);
    return intern_list(c, elems, first, end, code, err);
}

static ov_status append_dict(ovi_column *c, const ov_vec *v, const uint32_t *rows, uint32_t n,
                             ov_arena *scratch, ov_error *err)
{
    const uint32_t *codes;
    uint32_t *map;
    int64_t *to;
    OV_TRY(ov_vec_codes32(v, scratch, &codes, err));
    OV_TRY(ovi_remaps_get(&c->remaps, v->enc == OV_ENC_RUN ? v->child->dict : v->dict, c->budget,
                          &map, err));
    OV_TRY(ov_arena_alloc(scratch, (size_t)n * sizeof *to, &to, err));
    for (uint32_t i = 0; i < n; i++) {
        uint32_t row = rows ? rows[i] : i, code = map[codes[row]];
        if (OV_UNLIKELY(code == OVI_UNMAPPED)) {
            OV_TRY(intern_row(c, v, row, &code, err));
            map[codes[row]] = code;
        }
        to[i] = code;
    }
    return ovi_column_push(c, to, NULL, NULL, n, err);
}

static ov_status append_rows(ovi_column *c, const ov_vec *v, const uint32_t *rows, uint32_t n,
                             ov_arena *scratch, ov_error *err)
{
    int64_t *to;
    ov_slice last = {0};
    uint32_t code = 0;
    bool text = v->enc == OV_ENC_FLAT && !ov_type_is_list(c->def.type);
    OV_TRY(ov_arena_alloc(scratch, (size_t)n * sizeof *to, &to, err));
    for (uint32_t i = 0; i < n; i++) {
        uint32_t row = rows ? rows[i] : i;
        ov_slice s = text ? ((const ov_slice *)v->data)[row] : (ov_slice){0};
        bool again =
            text && i > 0 && code != 0 && s.n == last.n && s.p == last.p && !ov_vec_is_null(v, row);
        if (!again)
            OV_TRY(intern_row(c, v, row, &code, err));
        last = s;
        to[i] = code;
    }
    return ovi_column_push(c, to, NULL, NULL, n, err);
}

static ov_status append_codes(ovi_column *c, const ov_vec *v, const uint32_t *rows, uint32_t n,
                              ov_arena *scratch, ov_error *err)
{
    if (v->enc == OV_ENC_CONST) {
        uint32_t code;
        OV_TRY(intern_row(c, v, 0, &code, err));
        return push_repeat(c, code, false, n, err);
    }
    if (v->enc == OV_ENC_DICT || (v->enc == OV_ENC_RUN && v->child->enc == OV_ENC_DICT))
        return append_dict(c, v, rows, n, scratch, err);
    if (v->enc == OV_ENC_RUN) {
        ov_vec flat;
        OV_TRY(ov_vec_flatten(v, scratch, &flat, err));
        return append_rows(c, &flat, rows, n, scratch, err);
    }
    return append_rows(c, v, rows, n, scratch, err);
}

/* ---- the entry ---- */

static bool accepts(ov_type to, ov_type from)
{
    if (from.id == OV_TYPE_NULL || ov_type_eq(to, from))
        return true;
    if (ov_type_is_real(to))
        return ov_type_is_int(from) || ov_type_is_real(from);
    if (to.id == OV_TYPE_STRING)
        return from.id == OV_TYPE_STRING && (to.multi || !from.multi);
    if (to.id == OV_TYPE_ARRAY)
        return from.id == to.elem && !from.multi;
    return false;
}

ov_status ovi_column_append(ovi_column *c, const ov_vec *v, const uint32_t *rows, uint32_t n,
                            ov_arena *scratch, ov_error *err)
{
    char want[48], got[48];
    if (n == 0)
        return OV_OK;
    if (!accepts(c->def.type, v->type))
        return ov_fail(
            err, OV_INTERNAL, "column " OV_SLICE_FMT " holds %s, but the batch brings %s",
            OV_SLICE_ARG(c->def.name), ov_type_name(c->def.type, want), ov_type_name(v->type, got));
    ov_vec none = ov_vec_null(c->def.type, v->rows);
    if (v->type.id == OV_TYPE_NULL)
        v = &none;
    if (c->kind == OVI_NONE) {
        c->rows += n;
        c->nulls += n;
        return OV_OK;
    }
    if (c->kind == OVI_CODE)
        return append_codes(c, v, rows, n, scratch, err);
    return append_numbers(c, v, rows, n, scratch, err);
}

size_t ovi_column_bytes(const ovi_column *c)
{
    size_t n = c->active_cap * sizeof *c->active + c->blocks_cap * sizeof *c->blocks +
               c->payload.total_bytes + c->list_cap * sizeof *c->list;
    const ovi_dict *dicts[] = {&c->dict, &c->elems};
    for (size_t i = 0; i < OV_COUNT_OF(dicts); i++)
        n += dicts[i]->entries_cap * sizeof(ov_slice) + dicts[i]->slots_cap * 8 +
             dicts[i]->bytes.total_bytes;
    for (size_t i = 0; i < OVI_REMAPS; i++)
        n += (c->remaps.at[i].cap + c->elem_remaps.at[i].cap) * sizeof(uint32_t);
    return n;
}
