/*
 * The parts of `ovate sql`: where rows come from, how they are printed.
 *
 * A source runs one statement and feeds a printer; it is a data folder (the engine right here) or a server (HTTP). Printers
 * know nothing of sources, so every output form works with both.
 *
 * Threads: one; a source's cancel flag may be set from a signal handler.
 */
#pragma once

#include <stdatomic.h>
#include <stdio.h>
#include "base/arena.h"
#include "base/buf.h"

typedef enum ov_cell_kind { OV_CELL_NULL, OV_CELL_TEXT, OV_CELL_NUMBER, OV_CELL_BOOL } ov_cell_kind;

typedef struct ov_shell_cell {
    ov_cell_kind kind;
    ov_slice text; /* as a person reads it, no quotes */
} ov_shell_cell;

typedef struct ov_shell_column {
    ov_slice name;
    bool number; /* right-aligned in tables */
} ov_shell_column;

/* ---- printers ---- */
typedef enum ov_shell_format {
    OV_SHELL_TABLE,
    OV_SHELL_CSV,
    OV_SHELL_TSV,
    OV_SHELL_JSON,
    OV_SHELL_JSONL,
    OV_SHELL_MARKDOWN,
    OV_SHELL_VERTICAL,
} ov_shell_format;

bool ov_shell_format_find(const char *word, ov_shell_format *out);
extern const char ov_shell_format_words[]; /* "table, csv, ..." for messages */

/* Prints one result: create, begin, row after row, end. */
typedef struct ov_printer ov_printer;
OV_CHECKED ov_status ov_printer_create(ov_shell_format format, FILE *to, ov_printer **out,
                                       ov_error *err);
OV_CHECKED ov_status ov_printer_begin(ov_printer *p, const ov_shell_column *columns, uint32_t count,
                                      ov_error *err);
OV_CHECKED ov_status ov_printer_row(ov_printer *p, const ov_shell_cell *cells, ov_error *err);
OV_CHECKED ov_status ov_printer_end(ov_printer *p, ov_error *err);
uint64_t ov_printer_rows(const ov_printer *p);
void ov_printer_destroy(ov_printer *p);

/* ---- sources ---- */
typedef struct ov_source ov_source;
OV_CHECKED ov_status ov_source_open_dir(const char *dir, ov_source **out, ov_error *err);
OV_CHECKED ov_status ov_source_open_url(const char *url, ov_source **out,
                                        ov_error *err); /* no request is made yet */
/* time_zone may be NULL. Statement errors carry a position into sql. */
OV_CHECKED ov_status ov_source_run(ov_source *s, ov_slice sql, const char *time_zone,
                                   int64_t timeout_ms, ov_printer *p, ov_error *err);
void ov_source_cancel(ov_source *s); /* async-signal-safe */
const char *ov_source_name(const ov_source *s);
/* Of a folder: the address of the server that held it when it was opened, and may have rows in memory that are not seen here; else NULL. */
const char *ov_source_holder(ov_source *s);
void ov_source_close(ov_source *s);

/* First column of a small result as strings, for completion. */
OV_CHECKED ov_status ov_source_words(ov_source *s, const char *sql, ov_arena *a, ov_slice **words,
                                     uint32_t *count, ov_error *err);

/* ---- the interactive loop ---- */
typedef struct ov_shell {
    ov_source *source;
    ov_shell_format format;
    bool timer;
    const char *time_zone;
    int64_t timeout_ms;
    bool keep_going;
    uint64_t rows; /* of the last statement that succeeded */
    bool quit;
    bool told_holder;
} ov_shell;

/* Run one statement, print result or error; returns an ov_exit code. */
int ov_shell_statement(ov_shell *sh, ov_slice sql);
/* Run `.word` lines; false when the line is none. */
bool ov_shell_dot(ov_shell *sh, ov_slice line, int *code);
/* Read a script: statements end with ';', dot lines stand alone. */
int ov_shell_script(ov_shell *sh, FILE *from);
int ov_shell_interactive(ov_shell *sh);
/* Once, on standard error: a server holds this folder and may have rows that are not seen here. */
void ov_shell_tell_holder(ov_shell *sh);
/* Nothing but white space and semicolons. */
bool ov_shell_is_blank(ov_slice s);
/* Where the first complete statement of text ends (behind its ';'), 0 when none is complete; knows quotes and comments. *from: where
 * to look from, 0 for a new text; what it is after a 0 is where to go on when there is more text behind. */
size_t ov_shell_statement_end(ov_slice text, size_t *from);
