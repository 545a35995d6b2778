/* Parsers by format; see ingest/parse/rowparse.h. */
#include "ingest/parse/rowparse_int.h"

#include "ingest/parse/byte_scan.h"

ov_status ovi_parser_create(const ovi_plan *plan, ovi_discovery *discovery, ovi_parser **out, ov_error *err)
{
    ovi_parser *p = ov_calloc(1, sizeof *p);
    if (!p)
        return ov_fail_nomem(err, sizeof *p);
    p->format = &plan->spec->format;
    ov_status st = ovi_emit_init(&p->emit, plan, discovery, err);
    if (st == OV_OK && p->format->kind == OV_INPUT_FORMAT_JSON)
        st = ovi_json_parser_init(p, err);
    if (p->format->kind == OV_INPUT_FORMAT_PARQUET)
        ov_arena_init(&p->parquet.arena, "names", NULL);
    if (st != OV_OK) {
        ovi_parser_destroy(p);
        return st;
    }
    *out = p;
    return OV_OK;
}

void ovi_parser_destroy(ovi_parser *p)
{
    if (!p)
        return;
    if (p->format->kind == OV_INPUT_FORMAT_JSON)
        ovi_json_parser_fini(p);
    else if (p->format->kind == OV_INPUT_FORMAT_PARQUET)
        ovi_parquet_parser_fini(p);
    else
        ov_free(p->delimited.field);
    ovi_emit_fini(&p->emit);
    ov_free(p);
}

void ovi_parser_tap(ovi_parser *p, void (*tap)(void *self, ovi_emit *e), void *self)
{
    p->emit.tap = tap;
    p->emit.tap_self = self;
}

void ovi_parse_block(ovi_parser *p, const ovi_block *b, ov_slice file, ov_rows *rows)
{
    ovi_emit *e = &p->emit;
    e->rows = rows;
    e->file = file;
    if (b->parquet) {
        rows->file_idx = b->file;
        rows->raw_bytes = b->raw_bytes;
        rows->text_bytes = b->text_bytes;
        rows->newlines = b->count;
        ovi_parquet_parse(p, b);
        return;
    }
    e->text = b->text;
    e->text_end = b->text + b->n;
    e->lines_before = b->lines_before;
    e->counted = NULL;
    rows->file_idx = b->file;
    rows->raw_bytes = b->raw_bytes;
    rows->text_bytes = b->text_bytes;
    rows->newlines = b->lines_before + ovi_scan_count(b->text, b->n, '\n');
    if (b->overlong)
        ovi_emit_reject(e, b->text, ov_slice_make(b->text, b->n),
                        "is it one row? look for a quote or brace that is never closed",
                        "the row is longer than %d MiB and was skipped", OVI_ROW_MAX_BYTES >> 20);
    else if (p->format->kind == OV_INPUT_FORMAT_JSON)
        ovi_json_parse(p, b);
    else
        ovi_delimited_parse(p, b);
}
