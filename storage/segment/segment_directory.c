/*
 * The directory: bytes under a good checksum, but still only bytes. Every count, offset and size is
 * held against the others here, once, so that the rest of the reader can index without asking
 * again.
 */
#include "base/bits.h"
#include "base/cursor.h"
#include "storage/segment/segment_int.h"

/* ---- types and flags ---- */

static bool type_is_known(ov_type t)
{
    switch ((ov_type_id)t.id) {
    case OV_TYPE_NULL:
    case OV_TYPE_LONG:
    case OV_TYPE_DOUBLE:
    case OV_TYPE_FLOAT:
        return t.elem == 0 && t.multi == 0 && t.complex == 0;
    case OV_TYPE_STRING:
        return t.elem == 0 && t.multi <= 1 && t.complex == 0;
    case OV_TYPE_ARRAY:
        return t.elem >= OV_TYPE_LONG && t.elem <= OV_TYPE_STRING && t.multi == 0 && t.complex == 0;
    case OV_TYPE_COMPLEX:
        return t.elem == 0 && t.multi == 0 &&
               t.complex > OV_COMPLEX_NONE && t.complex < OV_COMPLEX_COUNT;
    }
    return false;
}

static ov_status check_shape(const ov_column *c, ov_error *err)
{
    ov_type t = c->info.type;
    bool list = ov_type_is_list(t), dict = c->flags & OV_COLUMN_DICT;
    bool number = t.id == OV_TYPE_LONG || t.id == OV_TYPE_DOUBLE;
    OV_CHECK_DATA(type_is_known(t), err, "type %u/%u/%u/%u is unknown", t.id, t.elem, t.multi,
                  t.complex);
    OV_CHECK_DATA(c->info.role <= OV_ROLE_METRIC && (c->flags & ~OV_COLUMN_FLAGS) == 0, err,
                  "role %u or flags %u are unknown", c->info.role, c->flags);
    bool coded = t.id == OV_TYPE_STRING || t.id == OV_TYPE_ARRAY || t.id == OV_TYPE_COMPLEX;
    OV_CHECK_DATA(dict ? coded || number : !coded, err, "a column of this type %s a dictionary",
                  dict ? "cannot have" : "needs");
    OV_CHECK_DATA(list ? c->list_lane == 1 || c->list_lane == 2 || c->list_lane == 4
                       : c->list_lane == 0,
                  err, "list lanes of %u bytes do not fit its type", c->list_lane);
    OV_CHECK_DATA(dict || !(c->flags & (OV_COLUMN_INDEXED | OV_COLUMN_HAS_NULL)), err,
                  "flags %u need a dictionary", c->flags);
    OV_CHECK_DATA(list || (c->elem_count == 0 && !(c->flags & OV_COLUMN_ELEM_HAS_NULL)), err,
                  "elements need a list type");
    return OV_OK;
}

static ov_status check_counts(const ov_column *c, ov_error *err)
{
    bool dict = c->flags & OV_COLUMN_DICT, has_null = c->flags & OV_COLUMN_HAS_NULL;
    uint32_t rows = c->info.rows;
    OV_CHECK_DATA(c->info.nulls <= rows, err, "%llu of %u rows are NULL",
                  (unsigned long long)c->info.nulls, rows);
    OV_CHECK_DATA(c->info.type.id != OV_TYPE_NULL || c->info.nulls == rows, err,
                  "a column without a type has values");
    if (!dict) {
        OV_CHECK_DATA(c->dict_count == 0, err, "%u dictionary entries, but no dictionary",
                      c->dict_count);
        return OV_OK;
    }
    OV_CHECK_DATA(c->dict_count <= rows && (rows == 0 || c->dict_count > 0), err,
                  "%u dictionary entries for %u rows", c->dict_count, rows);
    OV_CHECK_DATA(has_null == (c->info.nulls > 0), err,
                  "%llu NULL rows, but the dictionary has %s NULL",
                  (unsigned long long)c->info.nulls, has_null ? "a" : "no");
    bool elem_null = c->flags & OV_COLUMN_ELEM_HAS_NULL;
    OV_CHECK_DATA(!elem_null || c->elem_count > 0, err, "NULL elements, but no elements");
    return OV_OK;
}

/* ---- sections ---- */

static ov_status expect_bytes(const ov_column *c, unsigned kind, uint64_t bytes, ov_error *err)
{
    OV_CHECK_DATA(c->sections[kind].bytes == bytes, err,
                  "section %u has %llu bytes instead of %llu", kind,
                  (unsigned long long)c->sections[kind].bytes, (unsigned long long)bytes);
    return OV_OK;
}

/* A dictionary of text (kinds 3 and 4) or numbers (5), with its row counts and posting index. */
static ov_status check_values(const ov_column *c, bool text, bool list, uint32_t count, bool index,
                              unsigned shift, ov_error *err)
{
    uint64_t n = count;
    OV_TRY(expect_bytes(c, OV_SECTION_VALUE_OFFSETS + shift, (text || list) && n ? 4 * (n + 1) : 0,
                        err));
    OV_TRY(expect_bytes(c, OV_SECTION_VALUE_NUMBERS + shift, text || list ? 0 : 8 * ov_seg_pad64(n),
                        err));
    if (!text)
        OV_TRY(expect_bytes(c, OV_SECTION_VALUE_BYTES + shift, 0, err));
    OV_TRY(expect_bytes(c, OV_SECTION_ROW_COUNTS + shift, 4 * n, err));
    OV_TRY(expect_bytes(c, OV_SECTION_POSTING_INDEX + shift, index ? 8 * n : 0, err));
    if (!index)
        OV_TRY(expect_bytes(c, OV_SECTION_POSTING_DATA + shift, 0, err));
    return OV_OK;
}

static ov_status check_sections(const ov_column *c, ov_error *err)
{
    ov_type t = c->info.type;
    bool dict = c->flags & OV_COLUMN_DICT, list = ov_type_is_list(t),
         index = c->flags & OV_COLUMN_INDEXED;
    bool text = dict && !list && (t.id == OV_TYPE_STRING || t.id == OV_TYPE_COMPLEX);
    bool elem_text = list && (t.id == OV_TYPE_STRING || t.elem == OV_TYPE_STRING);
    bool none = t.id == OV_TYPE_NULL;
    OV_TRY(expect_bytes(c, OV_SECTION_BLOCK_INDEX,
                        none ? 0 : sizeof(ov_block_entry) * (uint64_t)c->info.blocks, err));
    OV_CHECK_DATA(!none || c->sections[OV_SECTION_BLOCK_DATA].bytes == 0, err,
                  "a column without a type has data");
    OV_TRY(check_values(c, text, list, c->dict_count, index && !list, 0, err));
    if (list) {
        OV_CHECK_DATA(c->sections[OV_SECTION_VALUE_CODES].bytes % (64 * (uint64_t)c->list_lane) ==
                          0,
                      err, "list elements are not padded");
        return check_values(c, elem_text, false, c->elem_count, index, OV_SECTION_ELEMENT, err);
    }
    OV_TRY(expect_bytes(c, OV_SECTION_VALUE_CODES, 0, err));
    for (unsigned kind = OV_SECTION_ELEMENT; kind < OV_SECTION_COUNT; kind++)
        OV_TRY(expect_bytes(c, kind, 0, err));
    return OV_OK;
}

static bool kind_is_known(uint16_t kind)
{
    if (kind >= OV_SECTION_BLOCK_INDEX && kind <= OV_SECTION_GIVEN)
        return true;
    uint16_t base = (uint16_t)(kind - OV_SECTION_ELEMENT);
    return kind > OV_SECTION_ELEMENT && kind < OV_SECTION_COUNT &&
           base >= OV_SECTION_VALUE_OFFSETS && base <= OV_SECTION_POSTING_DATA &&
           base != OV_SECTION_VALUE_CODES;
}

static ov_status read_section(ov_column *c, ov_cursor *in, ov_error *err)
{
    uint16_t kind, flags;
    uint32_t zero;
    ovi_span s;
    OV_TRY(ov_cursor_u16(in, &kind, err));
    OV_TRY(ov_cursor_u16(in, &flags, err));
    OV_TRY(ov_cursor_u32(in, &zero, err));
    OV_TRY(ov_cursor_u64(in, &s.offset, err));
    OV_TRY(ov_cursor_u64(in, &s.bytes, err));
    uint64_t end = c->seg->directory_offset;
    OV_CHECK_DATA(s.offset % OV_SEG_ALIGN == 0 && s.offset >= sizeof(ov_seg_header) &&
                      s.offset <= end && s.bytes <= end - s.offset && s.bytes > 0,
                  err, "section %u of %llu bytes at %llu does not lie in the file", kind,
                  (unsigned long long)s.bytes, (unsigned long long)s.offset);
    if (!kind_is_known(kind)) {
        if (flags & OV_SECTION_OPTIONAL)
            return OV_OK;
        return ov_fail(err, OV_UNSUPPORTED,
                       "section kind %u is needed but unknown: a newer Ovate wrote it", kind);
    }
    OV_CHECK_DATA(c->sections[kind].bytes == 0, err, "section %u occurs twice", kind);
    c->sections[kind] = s;
    c->info.bytes += s.bytes;
    return OV_OK;
}

/* ---- statistics ---- */

static ov_status set_stats(ov_column *c, int64_t sum, ov_error *err)
{
    ov_block_stats *s = &c->info.stats;
    *s = (ov_block_stats){.rows = c->info.rows,
                          .nulls = (uint32_t)c->info.nulls,
                          .has_bounds = c->flags & OV_COLUMN_BOUNDS,
                          .has_nan = c->flags & OV_COLUMN_NAN,
                          .has_sum = c->flags & OV_COLUMN_SUM,
                          .sum = sum};
    if (!s->has_bounds)
        return OV_OK;
    if (ov_type_is_real(c->info.type)) {
        s->fmin = ov_f64_from_bits((uint64_t)c->min);
        s->fmax = ov_f64_from_bits((uint64_t)c->max);
        OV_CHECK_DATA(s->fmin <= s->fmax, err, "its bounds are no range");
        return OV_OK;
    }
    s->min = c->min;
    s->max = c->max;
    OV_CHECK_DATA(s->min <= s->max, err, "its bounds are no range");
    bool codes = (c->flags & OV_COLUMN_DICT) && !ov_type_is_int(c->info.type);
    OV_CHECK_DATA(!codes || (s->min >= 0 && s->max < c->dict_count), err,
                  "its codes reach %lld, but the dictionary has %u", (long long)s->max,
                  c->dict_count);
    return OV_OK;
}

/* ---- columns ---- */

static ov_status read_fields(ov_column *c, ov_cursor *in, ov_error *err)
{
    uint8_t zero;
    uint64_t nulls;
    int64_t sum;
    uint32_t sections;
    OV_TRY(ov_cursor_u8(in, &c->info.type.id, err));
    OV_TRY(ov_cursor_u8(in, &c->info.type.elem, err));
    OV_TRY(ov_cursor_u8(in, &c->info.type.multi, err));
    OV_TRY(ov_cursor_u8(in, &c->info.type.complex, err));
    OV_TRY(ov_cursor_u8(in, &c->info.role, err));
    OV_TRY(ov_cursor_u8(in, &c->flags, err));
    OV_TRY(ov_cursor_u8(in, &c->list_lane, err));
    OV_TRY(ov_cursor_u8(in, &zero, err));
    OV_TRY(ov_cursor_u32(in, &c->dict_count, err));
    OV_TRY(ov_cursor_u32(in, &c->elem_count, err));
    OV_TRY(ov_cursor_u64(in, &nulls, err));
    OV_TRY(ov_cursor_i64(in, &c->min, err));
    OV_TRY(ov_cursor_i64(in, &c->max, err));
    OV_TRY(ov_cursor_i64(in, &sum, err));
    c->info.nulls = nulls;
    c->info.dict = c->flags & OV_COLUMN_DICT;
    c->info.indexed = c->flags & OV_COLUMN_INDEXED;
    OV_TRY(check_shape(c, err));
    OV_TRY(check_counts(c, err));
    OV_TRY(ov_cursor_u32(in, &sections, err));
    for (uint32_t i = 0; i < sections; i++)
        OV_TRY(read_section(c, in, err));
    OV_TRY(check_sections(c, err));
    return set_stats(c, sum, err);
}

static ov_status read_column(ov_segment *seg, ov_column *c, ov_cursor *in, ov_error *err)
{
    uint32_t bytes;
    ov_slice entry;
    OV_TRY(ov_cursor_u32(in, &bytes, err));
    OV_TRY(ov_cursor_bytes(in, bytes, &entry, err));
    ov_cursor fields = ov_cursor_make(entry, "column entry");
    OV_TRY(ov_cursor_text(&fields, &c->info.name, err));
    c->seg = seg;
    c->info.rows = seg->info.rows;
    c->info.blocks = (uint32_t)(((uint64_t)seg->info.rows + OV_BATCH_ROWS - 1) / OV_BATCH_ROWS);
    ov_status st = read_fields(c, &fields, err);
    if (st != OV_OK) {
        ov_error_context(err, "column " OV_SLICE_FMT, OV_SLICE_ARG(c->info.name));
        return st;
    }
    return ov_arena_zalloc(&seg->arena, ov_words(c->info.blocks) * 8, (void *)&c->checked, err);
}

static ov_status read_columns(ov_segment *seg, ov_cursor *in, ov_error *err)
{
    uint32_t times = 0;
    OV_TRY(ov_cursor_u32(in, &seg->column_count, err));
    OV_CHECK_DATA(seg->column_count <= OV_SEG_MAX_COLUMNS &&
                      seg->column_count <= ov_cursor_left(in),
                  err, "the directory claims %u columns", seg->column_count);
    OV_TRY(
        ov_arena_zalloc(&seg->arena, seg->column_count * sizeof *seg->columns, &seg->columns, err));
    for (uint32_t i = 0; i < seg->column_count; i++) {
        ov_column *c = &seg->columns[i];
        OV_TRY(read_column(seg, c, in, err));
        if (c->info.role != OV_ROLE_TIME)
            continue;
        times++;
        OV_CHECK_DATA(c->info.type.id == OV_TYPE_LONG && !c->info.dict && c->info.nulls == 0, err,
                      "the time column is no plain LONG without NULL");
    }
    OV_CHECK_DATA(times == 1, err, "the segment has %u time columns", times);
    return OV_OK;
}

/* ---- sub-columns ---- */

static ov_status read_paths_of(ov_segment *seg, ov_cursor *in, uint32_t *used, ov_error *err)
{
    uint32_t column, count, flags;
    OV_TRY(ov_cursor_u32(in, &column, err));
    OV_TRY(ov_cursor_u32(in, &count, err));
    OV_TRY(ov_cursor_u32(in, &flags, err));
    OV_CHECK_DATA(column < seg->column_count && count <= seg->path_count - *used, err,
                  "the directory claims %u sub-columns of column %u", count, column);
    ov_column *c = &seg->columns[column];
    OV_CHECK_DATA(c->info.type.id == OV_TYPE_COMPLEX && c->info.type.complex == OV_COMPLEX_JSON && !c->has_paths, err,
                  "column %u has sub-columns %s", column, c->has_paths ? "twice" : "but is not JSON");
    c->has_paths = true;
    c->all_paths = flags & OV_PATHS_COMPLETE;
    c->paths = seg->paths + *used;
    c->path_count = count;
    *used += count;
    for (uint32_t i = 0; i < count; i++) {
        ov_column *path = &c->paths[i];
        OV_TRY(read_column(seg, path, in, err));
        ov_type t = path->info.type;
        OV_CHECK_DATA(path->info.role == OV_ROLE_DIMENSION && !ov_type_is_list(t) && t.id != OV_TYPE_NULL &&
                          t.id != OV_TYPE_FLOAT && (t.id != OV_TYPE_COMPLEX || t.complex == OV_COMPLEX_JSON),
                      err, "sub-column " OV_SLICE_FMT " has a type no path has", OV_SLICE_ARG(path->info.name));
        OV_CHECK_DATA(i == 0 || ov_slice_cmp(c->paths[i - 1].info.name, path->info.name) < 0, err,
                      "sub-column " OV_SLICE_FMT " is out of order", OV_SLICE_ARG(path->info.name));
    }
    return OV_OK;
}

/* Behind the columns since version 1.1; nothing there: the file has none. */
static ov_status read_paths(ov_segment *seg, ov_cursor *in, ov_error *err)
{
    uint32_t columns, used = 0;
    if (ov_cursor_left(in) == 0)
        return OV_OK;
    OV_TRY(ov_cursor_u32(in, &seg->path_count, err));
    OV_TRY(ov_cursor_u32(in, &columns, err));
    uint32_t claimed = seg->path_count;
    if (claimed > ov_cursor_left(in) || columns > seg->column_count)
        seg->path_count = 0; /* nobody may look for them */
    OV_CHECK_DATA(claimed == seg->path_count, err, "the directory claims %u sub-columns of %u columns", claimed,
                  columns);
    OV_TRY(ov_arena_zalloc(&seg->arena, ((size_t)claimed + 1) * sizeof *seg->paths, &seg->paths, err));
    for (uint32_t i = 0; i < columns; i++)
        OV_TRY(read_paths_of(seg, in, &used, err));
    OV_CHECK_DATA(used == seg->path_count, err, "%u of %u sub-columns are missing", seg->path_count - used,
                  seg->path_count);
    return OV_OK;
}

static ov_status read_sort(ov_segment *seg, ov_cursor *in, ov_error *err)
{
    OV_TRY(ov_cursor_u32(in, &seg->sort_count, err));
    OV_CHECK_DATA(seg->sort_count <= ov_cursor_left(in) / 4, err,
                  "the directory claims %u sort columns", seg->sort_count);
    OV_TRY(ov_arena_alloc(&seg->arena, seg->sort_count * sizeof *seg->sort, &seg->sort, err));
    for (uint32_t i = 0; i < seg->sort_count; i++)
        OV_TRY(ov_cursor_u32(in, &seg->sort[i], err));
    return OV_OK;
}

static ov_status place_sort(ov_segment *seg, ov_error *err)
{
    for (uint32_t i = 0; i < seg->sort_count; i++) {
        OV_CHECK_DATA(seg->sort[i] < seg->column_count &&
                          seg->columns[seg->sort[i]].info.sort_place == 0,
                      err, "place %u of the sort order names column %u", i + 1, seg->sort[i]);
        seg->columns[seg->sort[i]].info.sort_place = i + 1;
    }
    return OV_OK;
}

ov_status ovi_segment_parse(ov_segment *seg, ov_slice directory, uint16_t minor, ov_error *err)
{
    ov_cursor in = ov_cursor_make(directory, "segment directory");
    ov_segment_info *info = &seg->info;
    uint8_t flags;
    OV_TRY(ov_cursor_text(&in, &info->datasource, err));
    OV_TRY(ov_cursor_i64(&in, &info->start_ms, err));
    OV_TRY(ov_cursor_i64(&in, &info->end_ms, err));
    OV_TRY(ov_cursor_text(&in, &info->version, err));
    OV_TRY(ov_cursor_u32(&in, &info->partition, err));
    OV_TRY(ov_cursor_u32(&in, &info->rows, err));
    OV_TRY(ov_cursor_i64(&in, &info->min_time, err));
    OV_TRY(ov_cursor_i64(&in, &info->max_time, err));
    OV_TRY(ov_cursor_u8(&in, &flags, err));
    OV_TRY(ov_cursor_text(&in, &seg->extra_json, err));
    OV_CHECK_DATA(info->rows <= OV_SEG_MAX_ROWS &&
                      (info->rows == 0 || info->min_time <= info->max_time),
                  err, "%u rows from %lld to %lld", info->rows, (long long)info->min_time,
                  (long long)info->max_time);
    seg->rollup = flags & OV_DIRECTORY_ROLLUP;
    OV_TRY(read_sort(seg, &in, err));
    OV_TRY(read_columns(seg, &in, err));
    if (minor >= OV_SEG_MINOR_PATHS)
        OV_TRY(read_paths(seg, &in, err));
    return place_sort(seg, err);
}
