/* Answers from anywhere: a page through a description that uses everything, a bucket's list, a Link header, a stored state, a spec. Seeds in
 * tests/fuzz/pull_corpus. */
#include <stdlib.h>

#include "ingest/parse/byte_scan.h"
#include "ingest/pull/pull_listing.h"

static const char SPEC[] =
    "{\"type\":\"pull\",\"dataSource\":\"x\",\"source\":{\"baseUrl\":\"http://h\",\"path\":\"/p\",\"paging\":{\"kind\":\"cursor\",\"param\":\"c\","
    "\"next\":\"$.next\",\"more\":\"$.more\"},\"rows\":{\"path\":\"$.items\",\"explode\":\"list\",\"add\":{\"a\":\"b\"}},\"answer\":{\"code\":\"$.code\","
    "\"ok\":[\"0\"],\"empty\":[\"1\"],\"retry\":[\"2\"],\"message\":\"$.message\",\"backoff\":\"$.backoff\",\"incomplete\":\"$.cut\"},"
    "\"cursor\":{\"path\":\"$.at\",\"order\":\"unsorted\",\"overlap\":\"PT1S\"},\"key\":[\"$.id\",\"$.list.id\"]}}";

static ovi_pull_spec spec;
static ov_arena spec_arena;

static void set_up(void)
{
    ov_error err = OV_ERROR_INIT;
    ov_json *doc;
    if (spec_arena.name)
        return;
    ov_arena_init(&spec_arena, "fuzz", NULL);
    if (ov_json_parse(ov_slice_cstr(SPEC), NULL, &spec_arena, &doc, &err) != OV_OK ||
        ovi_pull_spec_read(doc, &spec_arena, &spec, &err) != OV_OK)
        abort();
}

static void read_page(ov_slice body)
{
    ov_error err = OV_ERROR_INIT;
    ov_arena arena, scratch;
    ov_buf lines, text, message;
    ovi_page page;
    ov_arena_init(&arena, "run", NULL);
    ov_arena_init(&scratch, "page", NULL);
    ov_buf_init(&lines);
    ov_buf_init(&text);
    ov_buf_init(&message);
    ovi_run run = {.spec = &spec, .arena = &arena};
    ovi_series s = {.key = OV_SLICE_LIT("k"), .was = {.cursor = OV_SLICE_LIT("2020-01-01T00:00:00Z")}};
    ov_buf_add_slice(&text, body);
    if (!ov_buf_reserve(&text, OVI_SCAN_PAD))
        abort();
    memset(text.p + text.n, 0, OVI_SCAN_PAD);
    if (ovi_page_read(&run, &s, ov_buf_slice(&text), &scratch, &lines, &page, &err) != OV_OK && err.text[0] == 0)
        abort();
    ovi_page_message(&spec.source, ov_buf_slice(&text), &message);
    size_t breaks = 0;
    for (size_t i = 0; i < lines.n; i++)
        breaks += lines.p[i] == '\n';
    if (err.code == OV_OK && breaks != page.read - page.repeated) /* a row is a line, whatever was in it */
        abort();
    ovi_seen_fini(&s.seen);
    ov_buf_fini(&lines);
    ov_buf_fini(&text);
    ov_buf_fini(&message);
    ov_arena_fini(&scratch);
    ov_arena_fini(&arena);
}

static void read_others(ov_slice text)
{
    ov_error err = OV_ERROR_INIT;
    ov_arena a;
    ovi_listed *list = NULL;
    uint32_t count = 0, cap = 0;
    ov_slice token, copy;
    ovi_pull_state state;
    ovi_pull_spec other;
    ov_json *doc;
    ov_arena_init(&a, "others", NULL);
    (void)ovi_link_next(text);
    if (ov_arena_copy(&a, text, &copy, &err) != OV_OK)
        abort();
    (void)!ovi_s3_list_parse(copy, &a, &list, &count, &cap, &token, &err);
    (void)!ovi_state_read(copy, &a, &state, &err);
    if (ov_json_parse(copy, NULL, &a, &doc, &err) == OV_OK)
        (void)!ovi_pull_spec_read(doc, &a, &other, &err);
    ov_arena_fini(&a);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    set_up();
    read_page(ov_slice_make(data, size));
    read_others(ov_slice_make(data, size));
    return 0;
}
