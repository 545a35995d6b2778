/*
 * Inside of a load: what its workers share. Used by load.c, whose rows go to builders, and by extern.c, whose rows go to
 * whoever asks.
 */
#pragma once

#include "base/thread.h"
#include "ingest/load/loader_int.h"
#include "ingest/parse/rowparse.h"

enum { OVI_LOAD_WORKERS = 64 };

typedef struct ovi_load {
    const ov_spec *spec;
    const ov_load_env *env;
    uint32_t workers;
    ov_arena arena; /* inputs, headers, plans; under `turn` while workers run */
    ov_inputs inputs;
    const ovi_plan *plan;

    ov_mutex turn; /* taking the next block and its place in order */
    ovi_splitter splitter;
    uint64_t splits;     /* taken */
    uint64_t text_bytes; /* of the pass at hand */
    bool stop;
    ov_status status; /* first failure outside the loader */
    ov_error err;

    ov_loader *loader; /* NULL in discovery */
    ovi_partitioner partitioner;
    ov_arena found_arena;
    ovi_discovery found;
} ovi_load;

void ovi_load_init(ovi_load *l, const ov_spec *spec, const ov_load_env *env);
void ovi_load_fini(ovi_load *l);
/* One worker (an ovi_load *): take the next block, parse it, submit it, until there is none. */
void ovi_load_worker(void *load);
