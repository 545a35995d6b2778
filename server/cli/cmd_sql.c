/*
 * ovate sql: one statement, a script, or a shell; on a data folder or against a server.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "query/reference/reference.h"
#include "server/cli/cli.h"
#include "server/cli/shell.h"

typedef struct sql_options {
    const char *dir, *url, *format, *file, *command, *zone;
    int64_t timeout_s;
    bool timer, keep_going, functions;
} sql_options;

static int run_all(const sql_options *o, ov_shell *sh, int words, char **word)
{
    int code = OV_EXIT_OK;
    if (o->command)
        code = ov_shell_statement(sh, ov_slice_cstr(o->command));
    for (int i = 0; i < words && (code == OV_EXIT_OK || sh->keep_going); i++) {
        int one = ov_shell_statement(sh, ov_slice_cstr(word[i]));
        code = code == OV_EXIT_OK ? one : code;
    }
    if (o->file && (code == OV_EXIT_OK || sh->keep_going)) {
        FILE *f = strcmp(o->file, "-") == 0 ? stdin : fopen(o->file, "re");
        if (!f) {
            fprintf(stderr, "ovate: cannot read %s: %s\n", o->file, strerror(errno));
            return OV_EXIT_UNREACHABLE;
        }
        int one = ov_shell_script(sh, f);
        code = code == OV_EXIT_OK ? one : code;
        if (f != stdin)
            fclose(f);
    }
    return code;
}

/* The reference of functions; it needs no data. */
static int print_functions(const char *format)
{
    ov_buf text;
    ov_error err = OV_ERROR_INIT;
    ov_buf_init(&text);
    if (format && strcmp(format, "jsonl") == 0)
        ov_reference_json(&text);
    else
        ov_reference_markdown(&text);
    bool written = ov_buf_check(&text, &err) == OV_OK && fwrite(text.p, 1, text.n, stdout) == text.n;
    ov_buf_fini(&text);
    return written ? OV_EXIT_OK : OV_EXIT_UNREACHABLE;
}

static int run(int argc, char **argv)
{
    sql_options o = {.dir = "./ovate-data"};
    const ov_opt opts[] = {
        {'d', "data", OV_OPT_TEXT, &o.dir, "DIR", "query this data folder (./ovate-data)"},
        {'u', "url", OV_OPT_TEXT, &o.url, "URL",
         "query this server instead, e.g. http://127.0.0.1:8888"},
        {'c', "command", OV_OPT_TEXT, &o.command, "SQL", "run this statement"},
        {'f', "file", OV_OPT_TEXT, &o.file, "FILE",
         "run the statements of this file (- is standard input)"},
        {0, "format", OV_OPT_TEXT, &o.format, "WORD",
         "table on a terminal, tsv in a pipe; also csv, json, jsonl, markdown, vertical"},
        {0, "time-zone", OV_OPT_TEXT, &o.zone, "ZONE", "sqlTimeZone (UTC)"},
        {0, "timeout", OV_OPT_NUMBER, &o.timeout_s, "SECONDS", "give up after so long (never)"},
        {0, "timer", OV_OPT_FLAG, &o.timer, NULL, "tell rows and time after each statement"},
        {0, "keep-going", OV_OPT_FLAG, &o.keep_going, NULL, "go on after a failed statement"},
        {0, "functions", OV_OPT_FLAG, &o.functions, NULL,
         "print what each function does, as Markdown, or with --format jsonl as JSON, and end"},
    };
    int left;
    int done = ov_cli_parse(&ov_cmd_sql, opts, OV_COUNT_OF(opts), argc, argv, &left);
    if (done >= 0)
        return done;
    if (o.functions)
        return print_functions(o.format);
    bool terminal = isatty(STDOUT_FILENO);
    bool interactive = left == 0 && !o.command && !o.file && isatty(STDIN_FILENO) && terminal;
    if (left == 0 && !o.command && !o.file && !interactive)
        o.file = "-";
    ov_shell sh = {.format = terminal ? OV_SHELL_TABLE : OV_SHELL_TSV,
                   .timer = o.timer || interactive,
                   .time_zone = o.zone,
                   .keep_going = o.keep_going};
    if (o.format && !ov_shell_format_find(o.format, &sh.format))
        return ov_cli_usage(&ov_cmd_sql, "'%s' is no format; %s are", o.format,
                            ov_shell_format_words);
    if (o.timeout_s < 0 || o.timeout_s > INT32_MAX)
        return ov_cli_usage(&ov_cmd_sql, "--timeout takes a number of seconds, 0 for none");
    sh.timeout_ms = o.timeout_s * 1000;
    ov_log_set_level(OV_LOG_ERROR);
    ov_error err = OV_ERROR_INIT;
    ov_status st = o.url ? ov_source_open_url(o.url, &sh.source, &err)
                         : ov_source_open_dir(o.dir, &sh.source, &err);
    if (st != OV_OK) {
        int code = ov_cli_fail(&err);
        return st == OV_NOT_FOUND ? OV_EXIT_UNREACHABLE : code; /* there is no such folder */
    }
    if (terminal)
        ov_shell_tell_holder(&sh);
    int code = interactive ? ov_shell_interactive(&sh) : run_all(&o, &sh, left, argv + 1);
    ov_source_close(sh.source);
    return code;
}

const ov_command ov_cmd_sql = {
    .name = "sql",
    .usage = "[--data DIR | --url URL] [SQL]",
    .about = "Ask in SQL: a shell, or one statement",
    .more =
        "ovate sql \"SELECT COUNT(*) FROM git_commits\"     one statement; output pipes\n"
        "ovate sql < script.sql                           statements that end with ';'\n"
        "ovate sql                                        the shell: history, completion, timer",
    .run = run,
};
