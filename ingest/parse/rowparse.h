/*
 * Readers of row formats: a block of whole rows into the fields of one row after the other.
 *
 * Threads: a parser belongs to one worker. It reads blocks of any file in any order.
 */
#pragma once

#include "ingest/parse/emit.h"
#include "ingest/parse/split.h"

typedef struct ovi_parser ovi_parser;

OV_CHECKED ov_status ovi_parser_create(const ovi_plan *plan, ovi_discovery *discovery, ovi_parser **out,
                                       ov_error *err);
void ovi_parser_destroy(ovi_parser *p);
/* tap(self, emit) after every row; see ovi_emit. Pieces of input that are no rows only show in the books. */
void ovi_parser_tap(ovi_parser *p, void (*tap)(void *self, ovi_emit *e), void *self);
/* All rows of the block into `rows`, whose books are kept. file: its name for people. */
void ovi_parse_block(ovi_parser *p, const ovi_block *b, ov_slice file, ov_rows *rows);

/* The first row of a delimited file as column names, from the arena; *end is where the rows start. Empty names
 * become column_N as in Druid. */
OV_CHECKED ov_status ovi_read_header(const ov_format_spec *f, const char *text, size_t n, bool whole,
                                     ov_arena *arena, ovi_header *out, size_t *end, ov_error *err);
