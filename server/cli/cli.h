/*
 * Command-line plumbing shared by all subcommands: options from a table, help text from the same table, exit codes.
 *
 * Output goes to stdout, words about it to stderr; nothing chatters when stdout is no terminal.
 */
#pragma once

#include "base/status.h"

/* One meaning per code, for all subcommands (docs/cli.md). */
typedef enum ov_exit {
    OV_EXIT_OK = 0,
    OV_EXIT_REFUSED = 1,     /* the SQL or the data was refused */
    OV_EXIT_USAGE = 2,       /* wrong use of the command line */
    OV_EXIT_UNREACHABLE = 3, /* server, file or disk */
    OV_EXIT_TIME = 4,        /* time limit, or cancelled by the server */
    OV_EXIT_REJECTS = 5,     /* ingest finished, but rejects went past --max-rejects */
    OV_EXIT_INTERRUPTED = 130,
} ov_exit;

typedef enum ov_opt_kind {
    OV_OPT_FLAG,   /* bool */
    OV_OPT_TEXT,   /* const char * */
    OV_OPT_NUMBER, /* int64_t */
    OV_OPT_COUNT,  /* uint64_t; 250, 10k, 2M */
    OV_OPT_SIZE,   /* uint64_t bytes; 512MiB, 2GiB, 1000000 */
} ov_opt_kind;

typedef struct ov_opt {
    char letter;      /* 0 for none */
    const char *name; /* without -- */
    ov_opt_kind kind;
    void *out;
    const char *what; /* "DIR", "N"; NULL for flags */
    const char *help;
} ov_opt;

typedef struct ov_command {
    const char *name;
    const char *usage;                 /* "[options] SPEC.json" */
    const char *about;                 /* one sentence */
    const char *more;                  /* examples, may be NULL */
    int (*run)(int argc, char **argv); /* argv[0] is the command's name */
} ov_command;

/* Options anywhere among the arguments, `--` ends them, `--name=value` and `--name value` alike. What is left moves to
 * the front of argv[1..] and is counted in *left. Returns -1 to go on; otherwise the exit code: 0 after
 * --help, OV_EXIT_USAGE after a complaint with a hint. */
int ov_cli_parse(const ov_command *cmd, const ov_opt *opts, size_t count, int argc, char **argv,
                 int *left);

/* "ovate: sentence" on stderr; returns the exit code that fits the status. */
int ov_cli_fail(const ov_error *err);
int ov_cli_usage(const ov_command *cmd, const char *fmt, ...) OV_PRINTF(2, 3);

extern const ov_command ov_cmd_server, ov_cmd_sql, ov_cmd_ingest, ov_cmd_segment, ov_cmd_bench,
    ov_cmd_demo, ov_cmd_lineage;
