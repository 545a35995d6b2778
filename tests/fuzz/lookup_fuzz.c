/*
 * Lookups from anywhere: a specification that brings its map along (map, staticMap), how often one is read again, and each entry found
 * again under its key. Maps out of files and queries pass through readers that have targets of their own. Seeds in tests/fuzz/lookup_corpus.
 */
#include <stdlib.h>

#include "server/endpoints/lookup_load.h"

static void find_all(const ov_lookup *l)
{
    for (uint32_t i = 0; i < ov_lookup_count(l); i++) {
        ov_slice key, value, found;
        ov_lookup_entry(l, i, &key, &value);
        if (!ov_lookup_get(l, key, &found) || !ov_slice_eq(found, value))
            abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const ov_query_env env;
    ov_slice text = ov_slice_make(data, size);
    ov_error err = OV_ERROR_INIT;
    ov_arena a;
    ov_json *doc;
    ov_lookup *l;
    int64_t ms;
    if (memmem(text.p, text.n, "uri", 3) || memmem(text.p, text.n, "sql", 3) || memchr(text.p, '\\', text.n))
        return 0; /* these ask a query engine */
    ov_arena_init(&a, "fuzz", NULL);
    if (ov_json_parse(text, NULL, &a, &doc, &err) == OV_OK) {
        if (ov_lookup_load(&env, OV_SLICE_LIT("l"), OV_SLICE_LIT("v1"), doc, &l, &err) == OV_OK) {
            find_all(l);
            ov_lookup_release(l);
        } else if (err.text[0] == 0) {
            abort();
        }
        err = (ov_error)OV_ERROR_INIT;
        (void)!ov_lookup_poll_ms(doc, &ms, &err);
    }
    ov_arena_fini(&a);
    return 0;
}
