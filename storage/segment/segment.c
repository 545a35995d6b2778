#include "storage/segment/segment.h"

#include "base/bits.h"
#include "base/hash.h"
#include "storage/segment/segment_int.h"

/* ---- pages ---- */

ov_status ovi_segment_blame(const ov_segment *seg, const ov_column *col, ov_status st,
                            ov_error *err)
{
    if (st == OV_OK || strncmp(err->text, "segment file ", 13) == 0)
        return st; /* nothing to blame, or whoever saw the page has done it */
    if (col)
        ov_error_context(err, "segment file %s, column " OV_SLICE_FMT, seg->path,
                         OV_SLICE_ARG(col->info.name));
    else
        ov_error_context(err, "segment file %s", seg->path);
    return st;
}

static bool page_is_seen(const ov_segment *seg, uint64_t page)
{
    return atomic_load_explicit(&seg->page_seen[page / 64], memory_order_relaxed) >> (page % 64) &
           1;
}

/* Two threads may hash the same page at once; only the first to set the bit counts it. */
static void mark_seen(const ov_segment *seg, uint64_t page)
{
    ov_segment *s = (ov_segment *)(uintptr_t)seg;
    uint64_t bit = UINT64_C(1) << (page % 64);
    if (atomic_fetch_or_explicit(&s->page_seen[page / 64], bit, memory_order_relaxed) & bit)
        return;
    if (atomic_fetch_add_explicit(&s->pages_seen, 1, memory_order_relaxed) + 1 == seg->pages)
        atomic_store_explicit(&s->all_seen, true, memory_order_relaxed);
}

static ov_status check_page(const ov_segment *seg, const ov_column *col, uint64_t page,
                            ov_error *err)
{
    uint64_t from = page << seg->page_shift;
    uint64_t end = OV_MIN(from + (UINT64_C(1) << seg->page_shift), seg->paged_bytes);
    if (ov_checksum(seg->map.p + from, (size_t)(end - from)) == seg->page_hashes[page]) {
        mark_seen(seg, page);
        return OV_OK;
    }
    return ovi_segment_blame(
        seg, col,
        ov_fail(err, OV_CORRUPT,
                "bytes %llu to %llu do not match their checksum: the file is damaged; restore it "
                "or ingest its rows again",
                (unsigned long long)from, (unsigned long long)end - 1),
        err);
}

ov_status ovi_segment_touch(const ov_segment *seg, const ov_column *col, uint64_t offset,
                            uint64_t bytes, ov_error *err)
{
    if (OV_LIKELY(atomic_load_explicit(&seg->all_seen, memory_order_relaxed)) || bytes == 0)
        return OV_OK;
    OV_ASSERT(offset + bytes <= seg->paged_bytes);
    uint64_t last = (offset + bytes - 1) >> seg->page_shift;
    for (uint64_t page = offset >> seg->page_shift; page <= last; page++)
        if (!page_is_seen(seg, page))
            OV_TRY(check_page(seg, col, page, err));
    return OV_OK;
}

ov_status ovi_section_load(const ov_column *c, unsigned kind, void *out, ov_error *err)
{
    const ovi_span *s = &c->sections[kind];
    const void **to = out;
    *to = NULL;
    if (s->bytes == 0)
        return OV_OK;
    OV_TRY(ovi_segment_touch(c->seg, c, s->offset, s->bytes, err));
    *to = c->seg->map.p + s->offset;
    return OV_OK;
}

/* ---- open ---- */

static ov_status check_header(const ov_segment *seg, ov_error *err)
{
    const ov_seg_header *h = (const void *)seg->map.p;
    OV_CHECK_DATA(seg->map.n >= sizeof(ov_seg_header) + sizeof(ov_seg_footer), err,
                  "%zu bytes are too few for a segment: the file is truncated or no segment",
                  seg->map.n);
    OV_CHECK_DATA(memcmp(h->magic, OV_SEG_HEAD_MAGIC, sizeof h->magic) == 0, err,
                  "it does not start like a segment: damaged, or another kind of file");
    return OV_OK;
}

static ov_status check_version(uint16_t major, ov_error *err)
{
    if (major == OV_SEG_MAJOR)
        return OV_OK;
    return ov_fail(err, OV_UNSUPPORTED,
                   "it has format version %u, and this Ovate reads version %u: use the Ovate that "
                   "wrote it, or "
                   "ingest its rows again",
                   major, OV_SEG_MAJOR);
}

static ov_status check_footer(ov_segment *seg, const ov_seg_footer *f, ov_error *err)
{
    static const uint8_t zero[3];
    OV_CHECK_DATA(memcmp(f->magic, OV_SEG_FOOT_MAGIC, sizeof f->magic) == 0, err,
                  "it does not end like a segment: truncated or damaged");
    OV_CHECK_DATA(ov_checksum(f, offsetof(ov_seg_footer, footer_hash)) == f->footer_hash, err,
                  "the footer does not match its checksum: the file is damaged");
    OV_TRY(check_version(f->major, err));
    OV_CHECK_DATA(f->file_size == seg->map.n, err,
                  "it has %zu bytes, but was written with %llu: truncated or grown", seg->map.n,
                  (unsigned long long)f->file_size);
    OV_CHECK_DATA(f->page_shift >= OV_SEG_PAGE_SHIFT_MIN &&
                      f->page_shift <= OV_SEG_PAGE_SHIFT_MAX &&
                      memcmp(f->zero, zero, sizeof zero) == 0,
                  err, "the footer is malformed (page shift %u)", f->page_shift);
    return OV_OK;
}

/* Where things are, all of it inside the file. */
static ov_status place_parts(ov_segment *seg, const ov_seg_footer *f, ov_error *err)
{
    uint64_t room = f->file_size - sizeof *f, at = f->page_table_offset;
    OV_CHECK_DATA(at % OV_SEG_ALIGN == 0 && at >= sizeof(ov_seg_header) && at < room, err,
                  "the footer puts the page table at %llu", (unsigned long long)at);
    seg->page_shift = f->page_shift;
    seg->paged_bytes = at;
    seg->pages = (at + (UINT64_C(1) << f->page_shift) - 1) >> f->page_shift;
    OV_CHECK_DATA(seg->pages * 8 == room - at, err, "the page table has %llu bytes for %llu pages",
                  (unsigned long long)(room - at), (unsigned long long)seg->pages);
    OV_CHECK_DATA(f->directory_offset % OV_SEG_ALIGN == 0 &&
                      f->directory_offset >= sizeof(ov_seg_header) && f->directory_offset < at &&
                      f->directory_bytes <= at - f->directory_offset &&
                      ov_seg_align(f->directory_offset + f->directory_bytes) == at,
                  err, "the footer puts a directory of %llu bytes at %llu",
                  (unsigned long long)f->directory_bytes, (unsigned long long)f->directory_offset);
    seg->directory_offset = f->directory_offset;
    seg->page_hashes = (const uint64_t *)(const void *)(seg->map.p + at);
    OV_CHECK_DATA(ov_checksum(seg->page_hashes, seg->pages * 8) == f->page_table_hash, err,
                  "the page table does not match its checksum: the file is damaged");
    return OV_OK;
}

static ov_status read_parts(ov_segment *seg, ov_error *err)
{
    OV_TRY(check_header(seg, err));
    const ov_seg_footer *f = (const void *)(seg->map.p + seg->map.n - sizeof *f);
    ov_seg_footer foot;
    memcpy(&foot, f, sizeof foot); /* a damaged length may leave it unaligned */
    OV_TRY(check_footer(seg, &foot, err));
    OV_TRY(place_parts(seg, &foot, err));
    OV_TRY(ov_arena_zalloc(&seg->arena, ov_words(seg->pages) * 8, (void *)&seg->page_seen, err));
    const ov_seg_header *h = (const void *)seg->map.p;
    OV_TRY(ovi_segment_touch(seg, NULL, 0, sizeof *h, err));
    OV_CHECK_DATA(h->major == foot.major && h->minor == foot.minor &&
                      h->page_shift == foot.page_shift && h->block_shift == OV_SEG_BLOCK_SHIFT,
                  err, "header and footer do not agree");
    OV_TRY(ovi_segment_touch(seg, NULL, foot.directory_offset, foot.directory_bytes, err));
    seg->info.bytes = foot.file_size;
    return ovi_segment_parse(
        seg, ov_slice_make(seg->map.p + foot.directory_offset, foot.directory_bytes), foot.minor, err);
}

static void destroy(ov_segment *seg)
{
    for (uint32_t i = seg->columns ? 0 : seg->column_count; i < ovi_stored_columns(seg); i++) {
        if (i >= seg->column_count && !seg->paths)
            break; /* the directory was not read to its end */
        ovi_domain_unshare(ovi_stored_column(seg, i)->share);
        ovi_domain_unshare(ovi_stored_column(seg, i)->elem_share);
    }
    if (seg->image)
        ov_free(seg->image);
    else
        ov_map_close(&seg->map);
    ov_mutex_fini(&seg->lock);
    ov_arena_fini(&seg->arena);
    ov_free(seg->path);
    ov_free(seg);
}

static ov_status make(const char *path, ov_segment **out, ov_error *err)
{
    ov_segment *seg = ov_calloc(1, sizeof *seg);
    if (!seg)
        return ov_fail_nomem(err, sizeof *seg);
    atomic_init(&seg->refs, 1);
    ov_mutex_init(&seg->lock);
    ov_arena_init(&seg->arena, "segment", NULL);
    *out = seg;
    seg->path = ov_strdup(path);
    return seg->path ? OV_OK : ov_fail_nomem(err, strlen(path));
}

/* The bytes are in seg->map, unless st says why not. */
static ov_status read_segment(ov_segment *seg, ov_status st, ov_segment **out, ov_error *err)
{
    if (st == OV_OK)
        st = ovi_segment_blame(seg, NULL, read_parts(seg, err), err);
    if (st != OV_OK) {
        if (seg)
            destroy(seg);
        return st;
    }
    *out = seg;
    return OV_OK;
}

ov_status ov_segment_open(const char *path, ov_segment **out, ov_error *err)
{
    ov_segment *seg = NULL;
    ov_status st = make(path, &seg, err);
    if (st == OV_OK)
        st = ov_map_open(path, &seg->map, err);
    return read_segment(seg, st, out, err);
}

ov_status ov_segment_open_image(const char *name, void *image, size_t bytes, ov_segment **out, ov_error *err)
{
    ov_segment *seg = NULL;
    ov_status st = make(name, &seg, err);
    if (seg) {
        seg->image = image;
        seg->map = (ov_map){.p = image, .n = bytes};
    } else {
        ov_free(image);
    }
    return read_segment(seg, st, out, err);
}

ov_segment *ov_segment_retain(ov_segment *seg)
{
    atomic_fetch_add_explicit(&seg->refs, 1, memory_order_relaxed);
    return seg;
}

void ov_segment_release(ov_segment *seg)
{
    if (seg && atomic_fetch_sub_explicit(&seg->refs, 1, memory_order_acq_rel) == 1)
        destroy(seg);
}

/* ---- what it says of itself ---- */

bool ov_segment_damaged(const ov_segment *seg)
{
    return ov_map_damaged(&seg->map);
}

const ov_segment_info *ov_segment_get_info(const ov_segment *seg)
{
    return &seg->info;
}

ov_slice ov_segment_extra_json(const ov_segment *seg)
{
    return seg->extra_json;
}

bool ov_segment_is_rolled_up(const ov_segment *seg)
{
    return seg->rollup;
}

const char *ov_segment_path(const ov_segment *seg)
{
    return seg->path;
}

uint32_t ov_segment_columns(const ov_segment *seg)
{
    return seg->column_count;
}

const ov_column *ov_segment_column(const ov_segment *seg, uint32_t i)
{
    OV_ASSERT(i < seg->column_count);
    return &seg->columns[i];
}

const ov_column *ov_segment_find(const ov_segment *seg, ov_slice name)
{
    for (uint32_t i = 0; i < seg->column_count; i++)
        if (ov_slice_eq(seg->columns[i].info.name, name))
            return &seg->columns[i];
    return NULL;
}

uint32_t ov_column_paths(const ov_column *col, bool *complete)
{
    *complete = col->all_paths;
    return col->path_count;
}

const ov_column *ov_column_path(const ov_column *col, uint32_t i)
{
    OV_ASSERT(i < col->path_count);
    return &col->paths[i];
}

const ov_column *ov_column_find_path(const ov_column *col, ov_slice name)
{
    uint32_t low = 0, high = col->path_count;
    while (low < high) {
        uint32_t mid = (low + high) / 2;
        int order = ov_slice_cmp(col->paths[mid].info.name, name);
        if (order == 0)
            return &col->paths[mid];
        if (order < 0)
            low = mid + 1;
        else
            high = mid;
    }
    return NULL;
}

const ov_column_info *ov_column_get_info(const ov_column *col)
{
    return &col->info;
}

/* ---- time ---- */

/* The first row of block b whose time is >= key; the block is sorted. */
static ov_status search_block(const ov_column *c, uint32_t b, int64_t key, uint32_t *row,
                              ov_error *err)
{
    ov_arena scratch;
    ov_vec v;
    ov_arena_init(&scratch, "time range", NULL);
    ov_status st = ov_column_read(c, b, &scratch, &v, err);
    uint32_t low = 0, high = st == OV_OK ? v.rows : 0;
    while (low < high) {
        uint32_t mid = (low + high) / 2;
        if (ov_vec_i64(&v, mid) < key)
            low = mid + 1;
        else
            high = mid;
    }
    ov_arena_fini(&scratch);
    *row = b * (uint32_t)OV_BATCH_ROWS + low;
    return st;
}

/* The first row whose time is >= key: which block by its bounds, then within it. */
static ov_status search_time(const ov_column *c, int64_t key, uint32_t *row, ov_error *err)
{
    uint32_t low = 0, high = c->info.blocks;
    while (low < high) {
        const ov_block_entry *e;
        uint32_t mid = (low + high) / 2;
        OV_TRY(ovi_block_peek(c, mid, &e, err));
        if (e->max < key)
            low = mid + 1;
        else
            high = mid;
    }
    *row = c->info.rows;
    return low < c->info.blocks ? search_block(c, low, key, row, err) : OV_OK;
}

ov_status ov_segment_time_range(const ov_segment *seg, int64_t start_ms, int64_t end_ms,
                                uint32_t *first, uint32_t *last, bool *sorted, ov_error *err)
{
    const ov_column *c = seg->sort_count ? &seg->columns[seg->sort[0]] : NULL;
    *first = 0;
    *last = seg->info.rows;
    *sorted = c && c->info.role == OV_ROLE_TIME;
    if (!*sorted)
        return OV_OK;
    if (start_ms >= end_ms) {
        *last = 0;
        return OV_OK;
    }
    if (start_ms > seg->info.min_time)
        OV_TRY(search_time(c, start_ms, first, err));
    if (end_ms <= seg->info.max_time)
        OV_TRY(search_time(c, end_ms, last, err));
    if (*last < *first)
        *last = *first;
    return OV_OK;
}
