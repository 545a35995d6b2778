/*
 * Parses text by a spec and prints what would reach the builders, one line a row:
 *
 *     1420070400000|a|1|0.5|NULL|[x,y]
 *     counts read=1 loaded=1 rejected=0 filtered=0 errors=0
 *     reject line:column field "value" reason
 *
 * Only dimensions, metrics, format and granularity of the spec matter; splits may be made as small as wanted.
 */
#pragma once

#include <inttypes.h>
#include <stdlib.h>
#include "base/numfmt.h"
#include "ingest/parse/rowparse.h"

enum { OVI_ROWDUMP_COLUMNS = 2000 };

static inline void rowdump_value(ov_buf *out, const ovi_rows_col *c, uint32_t at, bool elem)
{
    const ovi_dict *d = &c->dict;
    bool codes = c->store == OVI_STORE_STR || (c->store == OVI_STORE_LIST && !c->elem_valid);
    if (codes) {
        uint32_t code = elem ? ((const uint32_t *)c->elem)[at] : c->code[at];
        if (code == 0)
            ov_buf_add_str(out, "NULL");
        else
            ov_buf_add(out, d->bytes + d->offsets[code], d->offsets[code + 1] - d->offsets[code]);
    } else if (!ov_bits_test(elem ? c->elem_valid : c->valid, at)) {
        ov_buf_add_str(out, "NULL");
    } else if (elem ? c->type.elem == OV_TYPE_LONG : c->store == OVI_STORE_I64) {
        ov_buf_add_i64(out, elem ? ((const int64_t *)c->elem)[at] : c->i64[at]);
    } else {
        ov_buf_add_double(out, elem ? ((const double *)c->elem)[at] : c->f64[at]);
    }
}

static inline void rowdump_rows(ov_buf *out, const ov_rows *r)
{
    for (uint32_t i = 0; i < r->rows; i++) {
        for (uint32_t k = 0; k < r->col_count; k++) {
            const ovi_rows_col *c = &r->col[k];
            if (k)
                ov_buf_add_char(out, '|');
            if (!c->listed && c->store != OVI_STORE_LIST) {
                rowdump_value(out, c, i, false);
                continue;
            }
            if (!ov_bits_test(c->valid, i)) {
                ov_buf_add_str(out, "NULL");
                continue;
            }
            ov_buf_add_char(out, '[');
            for (uint32_t e = c->list_end[(int64_t)i - 1]; e < c->list_end[i]; e++) {
                if (e > c->list_end[(int64_t)i - 1])
                    ov_buf_add_char(out, ',');
                rowdump_value(out, c, e, true);
            }
            ov_buf_add_char(out, ']');
        }
        ov_buf_add_char(out, '\n');
    }
}

static inline ov_status rowdump_pass(const ov_spec *spec, const ovi_plan *plan, ovi_discovery *found, ov_arena *arena,
                                     ov_buf *out, ov_error *err)
{
    ov_load_env env = {.tmp_dir = "/tmp", .file_stem = "rowdump"};
    ov_inputs inputs;
    ovi_splitter splitter;
    ovi_parser *parser = NULL;
    ov_rows *rows = NULL;
    ovi_block block = {0};
    ov_type types[OVI_ROWDUMP_COLUMNS];
    uint64_t read = 0, loaded = 0, rejected = 0, filtered = 0, errors = 0, repaired = 0, line_base = 0;
    uint32_t file = 0;
    ov_buf tail;
    bool more;
    ov_buf_init(&tail);
    if (plan->schema.column_count > OVI_ROWDUMP_COLUMNS)
        return ov_fail(err, OV_LIMIT, "too many columns for a test");
    for (uint32_t i = 0; i < plan->schema.column_count; i++)
        types[i] = plan->schema.columns[i].type;
    ov_status st = ov_inputs_open(&spec->input, &env, arena, &inputs, err);
    ovi_splitter_init(&splitter, &inputs, &spec->format, arena);
    if (st == OV_OK)
        st = ovi_rows_create(types, plan->schema.column_count, 20, &rows, err);
    if (st == OV_OK)
        st = ovi_parser_create(plan, found, &parser, err);
    while (st == OV_OK) {
        st = ovi_splitter_next(&splitter, &block, &more, err);
        if (st != OV_OK || !more)
            break;
        ovi_rows_clear(rows);
        ovi_parse_block(parser, &block, inputs.list[block.file].name, rows);
        if (rows->failed) {
            *err = rows->err;
            st = err->code;
            break;
        }
        if (rows->file_idx != file)
            line_base = 0;
        file = rows->file_idx;
        rowdump_rows(out, rows);
        read += rows->read;
        loaded += rows->rows;
        rejected += rows->rejected;
        filtered += rows->filtered;
        errors += rows->with_errors;
        repaired += rows->repaired;
        for (uint32_t i = 0; i < rows->reject_count; i++) {
            const ov_reject *r = &rows->rejects[i];
            ov_buf_addf(&tail, "%s %" PRIu64 ":%u " OV_SLICE_FMT " \"" OV_SLICE_FMT "\" " OV_SLICE_FMT "\n",
                        r->loaded ? "note" : "reject", r->line + line_base, r->column, OV_SLICE_ARG(r->field),
                        OV_SLICE_ARG(r->value), OV_SLICE_ARG(r->reason));
        }
        line_base += rows->newlines;
    }
    if (read != loaded + rejected + filtered && !found)
        abort();
    if (!found) {
        ov_buf_addf(out, "counts read=%" PRIu64 " loaded=%" PRIu64 " rejected=%" PRIu64 " filtered=%" PRIu64
                    " errors=%" PRIu64 " repaired=%" PRIu64 "\n",
                    read, loaded, rejected, filtered, errors, repaired);
        ov_buf_add_slice(out, ov_buf_slice(&tail));
    }
    ov_buf_fini(&tail);
    ovi_block_fini(&block);
    ovi_parser_destroy(parser);
    ovi_rows_destroy(rows);
    ovi_splitter_fini(&splitter);
    ov_inputs_close(&inputs);
    return st;
}

/* A parsed spec. Names and types of the columns come first when `names` is set. */
static inline ov_status rowdump_spec(const ov_spec *spec, const ov_load_env *env, bool names, ov_buf *out, ov_error *err)
{
    ov_arena arena;
    ovi_plan *plan;
    ovi_discovery found;
    ov_status st = OV_OK;
    ov_arena_init(&arena, "rowdump", NULL);
    ovi_discovery_init(&found, &arena);
    if (ovi_plan_needs_discovery(spec)) {
        st = ovi_plan_discovery(spec, env, &arena, &plan, err);
        if (st == OV_OK)
            st = rowdump_pass(spec, plan, &found, &arena, out, err);
        ovi_discovery_sort(&found);
    }
    if (st == OV_OK)
        st = ovi_plan_build(spec, env, found.list, found.count, &arena, &plan, err);
    for (uint32_t i = 0; st == OV_OK && names && i < plan->schema.column_count; i++) {
        char type[48];
        ov_buf_addf(out, "%s" OV_SLICE_FMT ":%s", i ? "|" : "", OV_SLICE_ARG(plan->schema.columns[i].name),
                    ov_type_name(plan->schema.columns[i].type, type));
    }
    if (st == OV_OK && names)
        ov_buf_add_char(out, '\n');
    if (st == OV_OK)
        st = rowdump_pass(spec, plan, NULL, &arena, out, err);
    ov_arena_fini(&arena);
    return st;
}

/* A whole task document. */
static inline ov_status rowdump(ov_slice spec_text, const ov_load_env *env, bool names, ov_buf *out, ov_error *err)
{
    ov_arena arena;
    ov_spec *spec;
    ov_arena_init(&arena, "rowdump", NULL);
    ov_status st = ov_spec_parse(spec_text, &arena, &spec, err);
    if (st == OV_OK)
        st = rowdump_spec(spec, env, names, out, err);
    ov_arena_fini(&arena);
    return st;
}
