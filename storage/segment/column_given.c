/*
 * What one column's code says of another's: tables that build_given.c wrote.
 */
#include "storage/segment/segment_int.h"
#include "storage/segment/verify_int.h"

/* Entry i of the section, held against the columns it names. */
static ov_status load_entry(const ov_column *c, uint32_t i, const ov_given_entry **out, ov_error *err)
{
    const ovi_span *s = &c->sections[OV_SECTION_GIVEN];
    uint64_t at = (uint64_t)i * sizeof **out;
    OV_CHECK_DATA(at + sizeof **out <= s->bytes, err, "the list of columns that give it has no end");
    OV_TRY(ovi_segment_touch(c->seg, c, s->offset + at, sizeof **out, err));
    const ov_given_entry *e = (const void *)(c->seg->map.p + s->offset + at);
    OV_CHECK_DATA(e->column < c->seg->column_count && e->more <= 1 && (e->lane == 1 || e->lane == 2 || e->lane == 4) &&
                      e->offset % OV_SEG_ALIGN == 0 && e->offset <= s->bytes && (uint64_t)e->codes * e->lane <= s->bytes - e->offset,
                  err, "the table of the column that gives it does not lie in the file");
    const ov_column *by = &c->seg->columns[e->column];
    OV_CHECK_DATA(by != c && by->info.dict && !ov_type_is_list(by->info.type) && by->dict_count == e->codes, err,
                  "column %u cannot give it", e->column);
    *out = e;
    return OV_OK;
}

static uint64_t place_of(const ov_column *c, const ov_given_entry *e, uint32_t code)
{
    return c->sections[OV_SECTION_GIVEN].offset + e->offset + (uint64_t)code * e->lane;
}

/* Its bytes were touched. */
static uint32_t load_code(const ov_column *c, const ov_given_entry *e, uint32_t code)
{
    const char *p = c->seg->map.p + place_of(c, e, code);
    return e->lane == 1 ? (uint8_t)*p : e->lane == 2 ? ov_load_u16(p) : ov_load_u32(p);
}

static ov_status code_at(const ov_column *c, const ov_given_entry *e, uint32_t code, uint32_t *out, ov_error *err)
{
    OV_TRY(ovi_segment_touch(c->seg, c, place_of(c, e, code), e->lane, err));
    *out = load_code(c, e, code);
    OV_CHECK_DATA(*out < c->dict_count, err, "column %u gives code %u of %u", e->column, *out, c->dict_count);
    return OV_OK;
}

/* The table of what `by` gives; NULL when the file has none. */
static ov_status find_entry(const ov_column *col, const ov_column *by, const ov_given_entry **out, ov_error *err)
{
    *out = NULL;
    if (!col->sections[OV_SECTION_GIVEN].bytes || col->seg != by->seg)
        return OV_OK;
    const ov_given_entry *e;
    bool more = true;
    for (uint32_t i = 0; more && !*out; i++) {
        OV_TRY(load_entry(col, i, &e, err));
        if (&col->seg->columns[e->column] == by)
            *out = e;
        more = e->more;
    }
    return OV_OK;
}

ov_status ov_column_given(const ov_column *col, const ov_column *by, uint32_t by_code, bool *known, uint32_t *code,
                          ov_error *err)
{
    const ov_given_entry *e;
    OV_TRY(find_entry(col, by, &e, err));
    *known = e != NULL;
    if (!e)
        return OV_OK;
    OV_CHECK_DATA(by_code < e->codes, err, "column %u has no code %u", e->column, by_code);
    return code_at(col, e, by_code, code, err);
}

ov_status ov_column_given_codes(const ov_column *col, const ov_column *by, uint32_t *codes, uint32_t n, bool *known, ov_error *err)
{
    const ov_given_entry *e;
    OV_TRY(find_entry(col, by, &e, err));
    *known = e && e->codes == n;
    if (!*known)
        return OV_OK;
    OV_TRY(ovi_segment_touch(col->seg, col, place_of(col, e, 0), (uint64_t)n * e->lane, err));
    uint32_t most = 0;
    for (uint32_t i = 0; i < n; i++) {
        codes[i] = load_code(col, e, i);
        most = OV_MAX(most, codes[i]);
    }
    OV_CHECK_DATA(most < col->dict_count, err, "column %u gives code %u of %u", e->column, most, col->dict_count);
    return OV_OK;
}

ov_status ovi_given_verify(const ov_column *c, const uint32_t *codes, ov_arena *a, ov_error *err)
{
    const ov_given_entry *e;
    bool more = c->sections[OV_SECTION_GIVEN].bytes > 0;
    for (uint32_t i = 0; more; i++) {
        OV_TRY(load_entry(c, i, &e, err));
        more = e->more;
        const ov_column *by = &c->seg->columns[e->column];
        for (uint32_t b = 0; b < by->info.blocks; b++) {
            ov_arena_mark mark = ov_arena_mark_get(a);
            ov_vec v;
            OV_TRY(ov_column_read(by, b, a, &v, err));
            for (uint32_t r = 0; r < v.rows; r++) {
                uint32_t want, row = b * (uint32_t)OV_BATCH_ROWS + r;
                OV_TRY(code_at(c, e, ov_vec_code(&v, r), &want, err));
                OV_CHECK_DATA(want == codes[row], err, "row %u has code %u, but its code in column %u gives %u", row, codes[row],
                              e->column, want);
            }
            ov_arena_rewind(a, mark);
        }
    }
    return OV_OK;
}
