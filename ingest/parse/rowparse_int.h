/*
 * The parsers of ingest/parse/rowparse.h, one struct per format.
 */
#pragma once

#include "ingest/parse/json_scan.h"
#include "ingest/parse/rowparse.h"

enum { OVI_IGNORED = UINT32_MAX };

/* A name seen in objects, and the field it feeds. */
typedef struct ovi_json_key {
    ov_slice name;
    uint32_t field; /* OVI_IGNORED: nobody asks for it */
} ovi_json_key;

typedef struct ovi_json_parser {
    ov_arena arena; /* names */
    ovi_json_key **table; /* by hash of the name */
    uint32_t mask, count;
    ovi_json_key **order; /* names of the last row, in order */
    uint32_t order_cap;
} ovi_json_parser;

typedef struct ovi_delimited_parser {
    const ovi_header *header; /* the map below is for it */
    uint32_t *field;          /* per column of the file: field or OVI_IGNORED */
    uint32_t columns, columns_cap;
} ovi_delimited_parser;

/* The file of the last block: which of its columns feed which fields. */
typedef struct ovi_parquet_parser {
    ov_arena arena; /* names that discovery met */
    uint32_t file;  /* of the inputs, plus one */
    uint32_t columns, cap;
    uint32_t *field; /* by column, or OVI_IGNORED */
    bool *wanted;
    ov_field *values;
    ov_slice *found; /* fields of discovery that the plan does not have, from `first` on */
    uint32_t found_count, first;
} ovi_parquet_parser;

struct ovi_parser {
    ovi_emit emit;
    const ov_format_spec *format;
    union {
        ovi_json_parser json;
        ovi_delimited_parser delimited;
        ovi_parquet_parser parquet;
    };
};

OV_CHECKED ov_status ovi_json_parser_init(ovi_parser *p, ov_error *err);
void ovi_json_parser_fini(ovi_parser *p);
void ovi_json_parse(ovi_parser *p, const ovi_block *b);

void ovi_delimited_parse(ovi_parser *p, const ovi_block *b);

void ovi_parquet_parser_fini(ovi_parser *p);
void ovi_parquet_parse(ovi_parser *p, const ovi_block *b);
