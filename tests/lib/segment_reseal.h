/*
 * Make the checksums of damaged segment bytes right again, so that tests and fuzzing reach the
 * checks behind them.
 */
#pragma once

#include "base/hash.h"
#include "storage/segment/format.h"

/* Recomputes page hashes, the table's and the footer's; false when the bytes are too odd for that.
 */
static inline bool segment_reseal(char *p, size_t n)
{
    ov_seg_footer f;
    if (n < sizeof(ov_seg_header) + sizeof f)
        return false;
    memcpy(&f, p + n - sizeof f, sizeof f);
    f.file_size = n;
    uint64_t room = n - sizeof f, at = f.page_table_offset;
    if (f.page_shift < OV_SEG_PAGE_SHIFT_MIN || f.page_shift > OV_SEG_PAGE_SHIFT_MAX ||
        at % OV_SEG_ALIGN != 0 || at == 0 || at >= room)
        return false;
    uint64_t page = UINT64_C(1) << f.page_shift, pages = (at + page - 1) / page;
    if (pages * 8 != room - at)
        return false;
    for (uint64_t i = 0; i < pages; i++)
        ov_store_u64(p + at + 8 * i,
                     ov_checksum(p + i * page, (size_t)OV_MIN(page, at - i * page)));
    f.page_table_hash = ov_checksum(p + at, (size_t)(pages * 8));
    f.footer_hash = ov_checksum(&f, offsetof(ov_seg_footer, footer_hash));
    memcpy(p + n - sizeof f, &f, sizeof f);
    return true;
}
