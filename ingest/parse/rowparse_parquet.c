/*
 * Rows of Parquet files. Which column feeds which field is worked out once a file; columns nobody asks for are not read.
 * Places are told by the row's number in the file, as the line.
 */
#include "ingest/parse/parquet/records.h"
#include "ingest/parse/rowparse_int.h"

void ovi_parquet_parser_fini(ovi_parser *p)
{
    ovi_parquet_parser *q = &p->parquet;
    ov_free(q->field);
    ov_free(q->wanted);
    ov_free(q->values);
    ov_free(q->found);
    ov_arena_fini(&q->arena);
}

static ov_status room(ovi_parquet_parser *q, uint32_t columns, ov_error *err)
{
    q->columns = columns;
    if (columns <= q->cap)
        return OV_OK;
    ov_free(q->field);
    ov_free(q->wanted);
    ov_free(q->values);
    q->cap = 0;
    q->field = ov_calloc(columns, sizeof *q->field);
    q->wanted = ov_calloc(columns, sizeof *q->wanted);
    q->values = ov_calloc(columns, sizeof *q->values);
    if (!q->field || !q->wanted || !q->values)
        return ov_fail_nomem(err, columns * sizeof *q->values);
    q->cap = columns;
    return OV_OK;
}

/* Discovery: a name that the plan does not have, perhaps met in an earlier file. */
static ov_status find_new(ovi_parser *p, ov_slice name, uint32_t *field, ov_error *err)
{
    ovi_parquet_parser *q = &p->parquet;
    for (uint32_t i = 0; i < q->found_count; i++)
        if (ov_slice_eq(q->found[i], name)) {
            *field = q->first + i;
            return OV_OK;
        }
    ov_slice *found = ov_realloc(q->found, (q->found_count + (size_t)1) * sizeof *found);
    if (!found)
        return ov_fail_nomem(err, sizeof *found);
    q->found = found;
    OV_TRY(ov_arena_copy(&q->arena, name, &found[q->found_count], err));
    OV_TRY(ovi_emit_add_root(&p->emit, found[q->found_count], field, err));
    if (q->found_count++ == 0)
        q->first = *field;
    return OV_OK;
}

static ov_status find_field(ovi_parser *p, ov_slice name, uint32_t *field, ov_error *err)
{
    const ovi_plan *plan = p->emit.plan;
    for (uint32_t i = 0; i < plan->root_count; i++)
        if (ov_slice_eq(plan->roots[i], name)) {
            *field = i;
            return OV_OK;
        }
    *field = OVI_IGNORED;
    return p->emit.discovery ? find_new(p, name, field, err) : OV_OK;
}

static ov_status map_columns(ovi_parser *p, const ovi_block *b, ov_error *err)
{
    ovi_parquet_parser *q = &p->parquet;
    if (q->file == b->file + 1)
        return OV_OK;
    OV_TRY(room(q, ovi_pq_columns(b->parquet), err));
    for (uint32_t i = 0; i < q->columns; i++) {
        OV_TRY(find_field(p, ovi_pq_column_name(b->parquet, i), &q->field[i], err));
        q->wanted[i] = q->field[i] != OVI_IGNORED;
    }
    q->file = b->file + 1;
    return OV_OK;
}

static ov_status parse_rows(ovi_parser *p, const ovi_block *b, ovi_pq_rows *rows, ov_error *err)
{
    ovi_parquet_parser *q = &p->parquet;
    ovi_emit *e = &p->emit;
    bool more;
    for (e->lines_before = 0; !e->rows->failed; e->lines_before++) {
        OV_TRY(ovi_pq_rows_next(rows, &e->scratch, q->values, &more, err));
        if (!more)
            break;
        for (uint32_t i = 0; i < e->field_count; i++)
            e->fields[i].kind = OV_FIELD_MISSING;
        for (uint32_t i = 0; i < q->columns; i++)
            if (q->wanted[i])
                e->fields[q->field[i]] = q->values[i];
        ovi_emit_row(e, e->text);
    }
    if (ov_map_damaged(&b->parquet->map))
        return ov_fail(err, OV_CORRUPT, "the file was shortened, or could not be read, while it was loaded");
    return OV_OK;
}

void ovi_parquet_parse(ovi_parser *p, const ovi_block *b)
{
    ovi_pq_rows *rows = NULL;
    ov_error err = OV_ERROR_INIT;
    p->emit.text = p->emit.text_end = "";
    ov_status st = map_columns(p, b, &err);
    if (st == OV_OK)
        st = ovi_pq_rows_open(b->parquet, b->group, b->first, b->count, p->parquet.wanted, p->format->binary_as_string, &rows, &err);
    if (st == OV_OK)
        st = parse_rows(p, b, rows, &err);
    ovi_pq_rows_close(rows);
    if (st == OV_OK)
        return;
    ov_error_context(&err, OV_SLICE_FMT, OV_SLICE_ARG(p->emit.file));
    ovi_emit_fail(&p->emit, &err);
}
