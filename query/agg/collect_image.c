/*
 * The bytes of a group's collected values, for disk and for what is kept of a segment:
 *
 *   u8 rows, u32 marks (0: one without a place), per mark u64 ordinal, u32 words; then the words: u8 null, u64 number or
 *   u32 length and text.
 */
#include "base/alive.h"
#include "base/bytes.h"
#include "query/agg/collect.h"

ov_status ov_collect_write(const ov_object *o, uint32_t group, ov_buf *out, ov_error *err)
{
    const ov_collect_shared *s = o->shared;
    const ov_collect *c = ov_object_at(o, group);
    uint32_t marks = OV_MAX(c->mark_count, 1);
    ov_buf_add_char(out, c->rows);
    ov_buf_add_raw32(out, marks);
    for (uint32_t m = 0; m < marks; m++) {
        uint32_t start = m < c->mark_count ? c->marks[m].start : 0;
        ov_buf_add_raw64(out, m < c->mark_count ? c->marks[m].ordinal : 0);
        ov_buf_add_raw32(out, (m + 1 < c->mark_count ? c->marks[m + 1].start : c->n) - start);
    }
    for (uint32_t w = 0; w < c->n; w++) {
        bool null = ov_collect_is_null(c, w);
        OV_TRY(ov_budget_alive_by(o->budget, OV_COLLECT_STEPS, err));
        ov_buf_add_char(out, null);
        if (null)
            continue;
        if (!ov_distinct_of_text(&s->set)) {
            ov_buf_add_raw64(out, c->words[w]);
            continue;
        }
        ov_slice text = s->set.strings->text[c->words[w]];
        ov_buf_add_raw32(out, (uint32_t)text.n);
        ov_buf_add_slice(out, text);
    }
    return ov_buf_check(out, err);
}

static ov_status read_value(ov_object *o, uint32_t group, uint64_t ordinal, ov_cursor *in, ov_error *err)
{
    ov_collect_shared *s = o->shared;
    uint8_t null;
    uint64_t word = 0;
    uint32_t n, number;
    ov_slice text;
    OV_TRY(ov_cursor_u8(in, &null, err));
    if (!null && !ov_distinct_of_text(&s->set)) {
        OV_TRY(ov_cursor_u64(in, &word, err));
    } else if (!null) {
        OV_TRY(ov_cursor_u32(in, &n, err));
        OV_TRY(ov_cursor_bytes(in, n, &text, err));
        OV_TRY(ov_strtab_add(s->set.strings, text, true, &number, err));
        word = number;
    }
    return ov_collect_put(o, group, word, null != 0, ordinal, err);
}

static ov_status read_group(ov_object *o, uint32_t group, ov_cursor *in, ov_error *err)
{
    uint8_t rows;
    uint32_t marks;
    ov_slice list;
    OV_TRY(ov_cursor_u8(in, &rows, err));
    OV_TRY(ov_cursor_u32(in, &marks, err));
    OV_TRY(ov_cursor_bytes(in, (size_t)marks * 12, &list, err));
    ((ov_collect *)ov_object_at(o, group))->rows |= rows != 0;
    for (uint32_t m = 0; m < marks; m++) {
        uint64_t ordinal = ov_load_u64(list.p + (size_t)m * 12);
        uint32_t words = ov_load_u32(list.p + (size_t)m * 12 + 8);
        for (uint32_t w = 0; w < words; w++)
            OV_TRY(read_value(o, group, ordinal, in, err));
    }
    return OV_OK;
}

ov_status ov_collect_read(ov_object *o, uint32_t group, ov_cursor *in, ov_error *err)
{
    return ov_collect_fits(o, read_group(o, group, in, err), err);
}
