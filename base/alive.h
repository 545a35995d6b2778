/*
 * Is the work still wanted? For short loops that are run often: what a thread did counts on from one to the next, so that a
 * million loops of ten steps ask as often as one of ten million.
 */
#pragma once

#include "base/mem.h"

extern _Thread_local uint32_t ov_alive_done;

/* steps: what this turn is worth beside one of a plain loop. */
static inline OV_CHECKED ov_status ov_budget_alive_by(const ov_budget *b, uint32_t steps, ov_error *err)
{
    ov_alive_done += steps;
    if (OV_LIKELY(ov_alive_done < OV_ALIVE_STEPS))
        return OV_OK;
    ov_alive_done = 0;
    return ov_budget_alive(b, err);
}
