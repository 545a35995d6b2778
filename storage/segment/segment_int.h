/*
 * Private to the segment reader: the open file and its columns.
 *
 *   segment.c            open, pages, life             segment_directory.c   bytes of the directory
 * to columns column_check.c       first touch of a block        column.c              statistics
 * and vectors of blocks column_gather.c      values at row numbers         column_dict.c
 * dictionaries column_rows.c        row sets
 *
 * Everything here is written once: at open, or at first touch under `lock` and then published by an
 * atomic flag or bit. Readers take no lock once a thing has been touched.
 */
#pragma once

#include <stdatomic.h>
#include "base/file.h"
#include "base/thread.h"
#include "storage/segment/format.h"
#include "storage/segment/domain_share.h"
#include "storage/segment/segment.h"

typedef struct ovi_span {
    uint64_t offset, bytes; /* in the file; bytes 0 = absent */
} ovi_span;

struct ov_column {
    ov_column_info info;
    const ov_segment *seg;
    uint8_t flags, list_lane;
    uint32_t dict_count, elem_count;
    int64_t min, max; /* as in the directory */
    ovi_span sections[OV_SECTION_COUNT];
    _Atomic uint64_t *checked; /* a bit per block that passed its first touch */
    _Atomic bool has_domain;   /* domain, and elements for lists, are loaded */
    ov_domain domain, elements;
    ovi_shared_domain *share,
        *elem_share; /* identities counted for the domains; NULL when their own */
    ov_vec values, elem_values, list_child; /* behind the domains */
    ov_column *paths; /* COMPLEX<json>: its sub-columns, by name */
    uint32_t path_count;
    bool has_paths, all_paths; /* the file tells of them; every path with values is among them */
};

struct ov_segment {
    _Atomic uint32_t refs;
    char *path;
    ov_map map;
    void *image; /* the bytes, when they lie in memory of ours instead of a mapped file */
    uint8_t page_shift;
    uint64_t pages, paged_bytes; /* bytes under the page table */
    uint64_t directory_offset;
    const uint64_t *page_hashes;
    _Atomic uint64_t *page_seen; /* a bit per page that matched its checksum */
    _Atomic uint64_t pages_seen;
    _Atomic bool all_seen;
    ov_segment_info info;
    ov_slice extra_json;
    bool rollup;
    ov_column *columns;
    uint32_t column_count;
    ov_column *paths; /* sub-columns of all JSON columns */
    uint32_t path_count;
    uint32_t *sort;
    uint32_t sort_count;
    ov_mutex lock; /* first loads of domains */
    ov_arena arena;
};

/* [offset, offset + bytes) lies in the file and matches its checksums. col: for the sentence, may
 * be NULL. */
OV_CHECKED ov_status ovi_segment_touch(const ov_segment *seg, const ov_column *col, uint64_t offset,
                                       uint64_t bytes, ov_error *err);
OV_CHECKED ov_status ovi_segment_parse(ov_segment *seg, ov_slice directory, uint16_t minor, ov_error *err);

/* Columns as they lie in the file: those of the schema, then sub-columns. */
static inline uint32_t ovi_stored_columns(const ov_segment *seg)
{
    return seg->column_count + seg->path_count;
}

static inline ov_column *ovi_stored_column(const ov_segment *seg, uint32_t i)
{
    return i < seg->column_count ? &seg->columns[i] : &seg->paths[i - seg->column_count];
}

static inline const void *ovi_section(const ov_column *c, unsigned kind)
{
    return c->seg->map.p + c->sections[kind].offset;
}

/* Touch a whole section and lend it; NULL when it is absent. */
OV_CHECKED ov_status ovi_section_load(const ov_column *c, unsigned kind, void *out, ov_error *err);

static inline uint32_t ovi_block_rows(const ov_column *c, uint32_t b)
{
    uint32_t first = b * (uint32_t)OV_BATCH_ROWS;
    return OV_MIN((uint32_t)OV_BATCH_ROWS, c->info.rows - first);
}

/* The entry of block b, its bytes checked; not yet judged. */
OV_CHECKED ov_status ovi_block_peek(const ov_column *c, uint32_t b, const ov_block_entry **out,
                                    ov_error *err);
/* The same for a block whose data will be read: everything about it has passed column_check.c. */
OV_CHECKED ov_status ovi_block_open(const ov_column *c, uint32_t b, const ov_block_entry **out,
                                    ov_error *err);
/* Every check of one block, whether seen before or not. */
OV_CHECKED ov_status ovi_block_check(const ov_column *c, uint32_t b, const ov_block_entry *e,
                                     ov_error *err);

/* Lanes of an opened block (behind the run ends when RUN), its run ends, its validity words or
 * NULL. */
static inline const char *ovi_block_data(const ov_column *c, const ov_block_entry *e)
{
    return (const char *)ovi_section(c, OV_SECTION_BLOCK_DATA) + e->data;
}

static inline const void *ovi_block_lanes(const ov_column *c, const ov_block_entry *e)
{
    return ovi_block_data(c, e) +
           (e->shape == OV_BLOCK_RUN ? ov_seg_align(2 * (uint64_t)e->runs) : 0);
}

static inline const uint64_t *ovi_block_valid(const ov_column *c, const ov_block_entry *e)
{
    if (!(e->flags & OV_BLOCK_VALID))
        return NULL;
    return (const uint64_t *)(const void *)((const char *)ovi_section(c, OV_SECTION_BLOCK_DATA) +
                                            e->valid);
}

/* Puts file and column in front of a sentence that does not name them yet. Returns st. */
ov_status ovi_segment_blame(const ov_segment *seg, const ov_column *col, ov_status st,
                            ov_error *err);

/* One posting, decoded and bounded. */
typedef struct ovi_posting {
    ov_posting_kind kind;
    uint32_t count, first, step;
    const uint32_t *list;           /* LIST */
    const ov_posting_piece *pieces; /* PIECES */
    uint32_t piece_count;
    const void *image; /* ROARING */
    uint32_t image_bytes;
} ovi_posting;
OV_CHECKED ov_status ovi_posting_get(const ov_column *c, uint32_t code, ovi_posting *out,
                                     ov_error *err);
