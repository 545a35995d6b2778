/* What tests of sketches share: an arena that their memory comes from, made anew for each test. Included behind what it tests. */
#pragma once

#include "tests/unit/harness.h"

#include "sketch/sketch.h"

static ov_arena arena;
static ov_sketch_mem mem;
static ov_error err;

static int set_up(void **state)
{
    (void)state;
    ov_arena_init(&arena, "test", NULL);
    mem = ov_sketch_mem_arena(&arena);
    err = (ov_error)OV_ERROR_INIT;
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    ov_arena_fini(&arena);
    return 0;
}
