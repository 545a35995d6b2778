/* Errors of functions that do not know where their call stands in the statement. */
#pragma once

#include "base/status.h"

/* st; what is wrong with the statement gets this range of its text, unless it has one. */
static inline ov_status ov_placed(ov_status st, uint32_t pos, uint32_t end_pos, ov_error *err)
{
    bool ours = st == OV_INVALID || st == OV_UNSUPPORTED;
    if (OV_UNLIKELY(ours) && end_pos && !(err->has_pos && err->end_pos)) {
        err->has_pos = true;
        err->pos = pos;
        err->end_pos = end_pos;
    }
    return st;
}
