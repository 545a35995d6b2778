/* What a task did, for the person who ran it: counters and the first rejects out of its report. */
#include "server/cli/ingest_outcome.h"

#include <stdio.h>
#include "server/cli/progress.h"

uint64_t ov_ingest_count(const ov_json *obj, const char *key)
{
    const ov_json *v = ov_json_find(obj, key);
    return v && v->kind == OV_JSON_INT && v->i > 0 ? (uint64_t)v->i : 0;
}

static void print_rejects(const ov_json *events)
{
    enum { SHOWN = 5 };
    uint32_t n = 0;
    for (const ov_json *e = events ? events->first : NULL; e && n < SHOWN; e = e->next, n++) {
        const ov_json *details = ov_json_find(e, "details");
        const ov_json *why = details && details->kind == OV_JSON_ARRAY ? details->first : details;
        const ov_json *input = ov_json_find(e, "input");
        if (why && why->kind == OV_JSON_STRING)
            fprintf(stderr, "  %.*s\n", (int)OV_MIN(why->s.n, (size_t)400), why->s.p);
        if (input && input->kind == OV_JSON_STRING)
            fprintf(stderr, "    %.*s\n", (int)OV_MIN(input->s.n, (size_t)160), input->s.p);
    }
    if (events && events->count > n)
        fprintf(stderr, "  ... and %u more in the task's report\n", events->count - n);
}

/* What a pull asked for. */
static void print_requests(const ov_json *ours)
{
    char a1[32], a2[32];
    if (!ov_json_find(ours, "requests"))
        return;
    if (ov_ingest_count(ours, "requests"))
        printf("%s requests, %s of them unchanged", ov_thousands(ov_ingest_count(ours, "requests"), a1),
               ov_thousands(ov_ingest_count(ours, "unchanged"), a2));
    else
        printf("%s files or answers, none over the network", ov_thousands(ov_ingest_count(ours, "series"), a1));
    if (ov_ingest_count(ours, "gaps"))
        printf("; gaps: %llu", (unsigned long long)ov_ingest_count(ours, "gaps"));
    printf("\n");
}

/* The counters of a failed task tell how far it came; what it has published before (pulls do) is `kept`. */
static void print_counts(bool success, uint64_t kept, uint64_t loaded, uint64_t rejected, uint64_t filtered, double seconds)
{
    char a1[32], a2[32], a3[32], a4[32], a5[32];
    ov_thousands(loaded + rejected + filtered, a1);
    ov_thousands(rejected, a3);
    ov_thousands(filtered, a4);
    if (!success) {
        printf("%s rows read in %.2f s (%s rejected, %s filtered), %s loaded: the task failed\n", a1, seconds, a3, a4,
               kept ? ov_thousands(kept, a2) : "none");
        return;
    }
    printf("%s rows read: %s loaded, %s rejected, %s filtered, in %.2f s (%s rows/s)\n", a1, ov_thousands(loaded, a2), a3,
           a4, seconds, ov_thousands((uint64_t)(seconds > 0 ? (double)loaded / seconds : 0), a5));
}

uint64_t ov_ingest_outcome(ov_slice report, bool success, double seconds)
{
    ov_arena a;
    ov_error err = OV_ERROR_INIT;
    ov_json *doc;
    uint64_t rejected = 0;
    ov_arena_init(&a, "report", NULL);
    if (ov_json_parse(report, NULL, &a, &doc, &err) == OV_OK) {
        const ov_json *payload =
            ov_json_find(ov_json_find(doc, "ingestionStatsAndErrors"), "payload");
        const ov_json *ours = ov_json_find(payload, "ovate");
        const ov_json *stats = ov_json_find(ov_json_find(payload, "rowStats"), "buildSegments");
        uint64_t loaded = ov_ingest_count(stats, "processed") + ov_ingest_count(stats, "processedWithError");
        uint64_t filtered = ov_ingest_count(stats, "thrownAway");
        rejected = ov_ingest_count(stats, "unparseable");
        print_counts(success, ov_ingest_count(ours, "keptRows"), loaded, rejected, filtered, seconds);
        print_requests(ours);
        const ov_json *events =
            ov_json_find(ov_json_find(payload, "unparseableEvents"), "buildSegments");
        if (rejected || (events && events->count))
            print_rejects(events);
    }
    ov_arena_fini(&a);
    return rejected;
}
