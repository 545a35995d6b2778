/* `ovate ingest tail`: a log file or standard input into a stream, each line once. */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>

typedef struct ov_tail_options {
    const char *dir;        /* the data folder; a server that holds it is used */
    const char *path;       /* "-": standard input */
    const char *datasource;
    const char *format;     /* json, csv, tsv */
    const char *name;       /* of the place; NULL: the file's path, for standard input none */
    bool once;              /* end at the end of the file */
    const _Atomic bool *stop;
} ov_tail_options;

/* Until it is told to stop, or the input ends; the exit code. */
int ov_tail_run(const ov_tail_options *o);
