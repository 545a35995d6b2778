#include "query/analyze.h"

#include "base/os.h"

uint32_t ov_explain_fields(const ov_field **out)
{
    static const ov_field fields[] = {
        {OV_SLICE_LIT("PLAN"), {.id = OV_TYPE_STRING}, OV_SQL_VARCHAR, false, 0}};
    *out = fields;
    return 1;
}

static ov_status ignore_fields(void *self, const ov_field *fields, uint32_t count, ov_error *err)
{
    (void)self, (void)fields, (void)count, (void)err;
    return OV_OK;
}

static ov_status count_rows(void *self, const ov_batch *batch, ov_error *err)
{
    (void)err;
    *(uint64_t *)self += batch->sel_rows;
    return OV_OK;
}

static void add_totals(const ov_exec_stats *s, uint64_t rows, int64_t ns, ov_buf *text)
{
    ov_buf_addf(text, "Rows: %llu\n", (unsigned long long)rows);
    ov_buf_addf(text, "Time: %.3f ms\n", (double)ns / 1e6);
    ov_buf_addf(text, "Segments: %llu, pruned %llu, answered from their indexes %llu\n",
                (unsigned long long)atomic_load(&s->segments_total),
                (unsigned long long)atomic_load(&s->segments_pruned),
                (unsigned long long)atomic_load(&s->segments_indexed));
    ov_buf_addf(text, "Blocks: scanned %llu, skipped %llu\n",
                (unsigned long long)atomic_load(&s->blocks_scanned),
                (unsigned long long)atomic_load(&s->blocks_skipped));
    ov_buf_addf(text, "Rows scanned: %llu\n", (unsigned long long)atomic_load(&s->rows_scanned));
    ov_buf_addf(text, "Bytes read: %llu\n", (unsigned long long)atomic_load(&s->bytes_read));
    ov_buf_addf(text, "Spilled: %llu bytes\n", (unsigned long long)atomic_load(&s->spilled_bytes));
}

static const char *kind_name(const ov_plan *node)
{
    switch ((ov_plan_kind)node->kind) {
    case OV_PLAN_SCAN:
        return "Scan";
    case OV_PLAN_SYSTEM:
        return "System";
    case OV_PLAN_VALUES:
        return "Values";
    case OV_PLAN_FILTER:
        return "Filter";
    case OV_PLAN_PROJECT:
        return "Project";
    case OV_PLAN_AGGREGATE:
        return "Aggregate";
    case OV_PLAN_SORT:
        return "Sort";
    case OV_PLAN_LIMIT:
        return "Limit";
    case OV_PLAN_UNION:
        return "Union";
    case OV_PLAN_JOIN:
        return "Join";
    case OV_PLAN_UNNEST:
        return "Unnest";
    case OV_PLAN_WINDOW:
        return "Window";
    }
    return "?";
}

static void add_counts(const ov_node_counts *list, uint32_t count, ov_buf *text)
{
    for (uint32_t i = 0; i < count; i++)
        ov_buf_addf(text, "%*s%s: %llu rows in %llu batches, %.3f ms\n", (int)list[i].depth * 2, "",
                    kind_name(list[i].node), (unsigned long long)list[i].rows,
                    (unsigned long long)list[i].batches, (double)list[i].ns / 1e6);
}

/* The lines of the text as one batch of strings. */
static OV_CHECKED ov_status send_lines(ov_slice text, ov_arena *arena, const ov_result_sink *sink,
                                       ov_error *err)
{
    uint32_t rows = 0;
    ov_slice *lines;
    size_t start = 0;
    OV_TRY(ov_arena_lanes(arena, OV_BATCH_ROWS * sizeof *lines, &lines, err));
    for (size_t i = 0; i < text.n && rows < OV_BATCH_ROWS; i++) {
        if (text.p[i] != '\n')
            continue;
        lines[rows++] = ov_slice_make(text.p + start, i - start);
        start = i + 1;
    }
    ov_vec column = ov_vec_flat(OV_T(OV_TYPE_STRING), lines, NULL, rows);
    ov_batch batch = {.rows = rows, .cols = 1, .col = &column, .sel_rows = rows};
    return sink->rows(sink->self, &batch, err);
}

static OV_CHECKED ov_status analyze(const ov_plan *plan, ov_query_ctx *cx,
                                    const ov_result_sink *sink, ov_buf *text, ov_error *err)
{
    uint64_t rows = 0;
    const ov_field *fields;
    ov_node_counts *nodes;
    uint32_t node_count;
    ov_result_sink counter = {ignore_fields, count_rows, &rows};
    OV_TRY(ov_plan_print(plan, text, err));
    int64_t started = ov_monotonic_ns();
    OV_TRY(ov_exec_run_counted(plan, cx, &counter, &cx->arena, &nodes, &node_count, err));
    add_counts(nodes, node_count, text);
    add_totals(&cx->stats, rows, ov_monotonic_ns() - started, text);
    OV_TRY(ov_buf_check(text, err));
    uint32_t count = ov_explain_fields(&fields);
    OV_TRY(sink->begin(sink->self, fields, count, err));
    return send_lines(ov_buf_slice(text), &cx->arena, sink, err);
}

ov_status ov_explain_analyze(const ov_plan *plan, ov_query_ctx *cx, const ov_result_sink *sink,
                             ov_error *err)
{
    ov_buf text;
    ov_buf_init(&text);
    ov_status st = analyze(plan, cx, sink, &text, err);
    ov_buf_fini(&text);
    return st;
}
