/*
 * ovate ingest: run a Druid ingestion spec, or read git clones, into a data folder.
 *
 * The words and their options; what they run is a task (server/cli/ingest_run.h), so the same command works with a server and without.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/datetime.h"
#include "base/file.h"
#include "base/json.h"
#include "base/jsonw.h"
#include "base/log.h"
#include "base/period.h"
#include "base/suggest.h"
#include "server/cli/cli.h"
#include "server/cli/cmd_pull.h"
#include "server/cli/cmd_schedule.h"
#include "server/cli/cmd_tail.h"
#include "server/cli/ingest_run.h"

typedef struct ingest_options {
    ov_ingest_run_options run;
    const char *progress;
    bool dry_run;
    const char *from, *to, *step; /* backfill */
    const char *datasource, *format, *name; /* tail */
    bool once;
} ingest_options;

static _Atomic bool interrupted;

static void on_interrupt(int sig)
{
    (void)sig;
    if (atomic_exchange(&interrupted, true))
        _Exit(OV_EXIT_INTERRUPTED);
}

/* ---- the task document ---- */

static void add_absolute(ov_jsonw *w, const char *path)
{
    char *real = realpath(path, NULL);
    ov_jsonw_cstr(w, NULL,
                  real ? real : path); /* what cannot be resolved is the task's to complain about */
    free(real);
}

static void git_task(int count, char **paths, ov_buf *json)
{
    ov_jsonw w;
    ov_jsonw_init(&w, json);
    ov_jsonw_open_object(&w, NULL);
    ov_jsonw_cstr(&w, "type", "git");
    ov_jsonw_open_array(&w, "paths");
    for (int i = 0; i < count; i++)
        add_absolute(&w, paths[i]);
    ov_jsonw_close_array(&w);
    ov_jsonw_close_object(&w);
}

/* Paths of a local input source are meant from where the person stands, also when a server does the reading. */
static ov_status absolute_member(ov_json *v, ov_arena *a, ov_error *err)
{
    if (!v || v->kind != OV_JSON_STRING || (v->s.n && v->s.p[0] == '/'))
        return OV_OK;
    char *real = realpath(v->s.p, NULL);
    if (!real)
        return OV_OK;
    ov_status st = ov_arena_copy(a, ov_slice_cstr(real), &v->s, err);
    free(real);
    return st;
}

static ov_status absolute_paths(ov_json *v, ov_arena *a, ov_error *err)
{
    for (ov_json *c = v->first; c; c = c->next) {
        bool base = ov_slice_eq(c->key, OV_SLICE_LIT("baseDir"));
        bool files = ov_slice_eq(c->key, OV_SLICE_LIT("files")) && c->kind == OV_JSON_ARRAY;
        if (base)
            OV_TRY(absolute_member(c, a, err));
        for (ov_json *f = files ? c->first : NULL; f; f = f->next)
            OV_TRY(absolute_member(f, a, err));
        OV_TRY(absolute_paths(c, a, err));
    }
    return OV_OK;
}

static ov_status spec_task(const char *path, ov_arena *a, ov_buf *json, ov_error *err)
{
    ov_buf text;
    ov_buf_init(&text);
    ov_json *doc;
    ov_status st = ov_file_read(path, 0, &text, err);
    if (st == OV_OK) {
        st = ov_json_parse(ov_buf_slice(&text), NULL, a, &doc, err);
        if (st != OV_OK)
            ov_error_context(err, "%s", path);
    }
    if (st == OV_OK)
        st = absolute_paths(doc, a, err);
    if (st == OV_OK) {
        ov_json_print(doc, json);
        st = ov_buf_check(json, err);
    }
    ov_buf_fini(&text);
    return st;
}

/* ---- command ---- */

/* The interval in pieces, a task each, until one fails; what is loaded is not asked again, so the same words go on. */
static int backfill(const ingest_options *o, ov_slice spec, ov_arena *a)
{
    ov_error err = OV_ERROR_INIT;
    int64_t from, to;
    ov_gran step;
    if (!o->from || !o->to)
        return ov_cli_usage(&ov_cmd_ingest, "backfill wants --from and --to");
    ov_status st = ov_iso_parse(ov_slice_cstr(o->from), NULL, &from, &err);
    if (st == OV_OK)
        st = ov_iso_parse(ov_slice_cstr(o->to), NULL, &to, &err);
    if (st == OV_OK)
        st = ov_gran_init_name(&step, ov_slice_cstr(o->step ? o->step : "P1D"), &err);
    if (st == OV_OK && from >= to)
        st = ov_fail(&err, OV_INVALID, "--to must be later than --from");
    int code = st == OV_OK ? OV_EXIT_OK : ov_cli_fail(&err);
    for (int64_t at = from; code == OV_EXIT_OK && at < to && !atomic_load(&interrupted);) {
        int64_t end = OV_MIN(ov_gran_next(&step, at), to);
        char text[OV_ISO_BYTES];
        ov_slice piece;
        if (ov_pull_with_interval(spec, at, end, a, &piece, &err) != OV_OK)
            return ov_cli_fail(&err);
        printf("%.*s: ", (int)ov_iso_format(at, NULL, text), text);
        fflush(stdout);
        code = o->dry_run ? ov_pull_cmd_plan(o->run.dir, piece) : ov_ingest_run(&o->run, piece);
        at = end;
    }
    return code == OV_EXIT_OK && atomic_load(&interrupted) ? OV_EXIT_INTERRUPTED : code;
}

/* Words that take a pull spec; -1: not one of them. */
static int pull_word(const ingest_options *o, const char *word, const char *path)
{
    ov_error err = OV_ERROR_INIT;
    ov_arena a;
    ov_buf json;
    bool plan = strcmp(word, "plan") == 0, test = strcmp(word, "test") == 0, fill = strcmp(word, "backfill") == 0;
    if (!plan && !test && !fill)
        return -1;
    ov_arena_init(&a, "spec", NULL);
    ov_buf_init(&json);
    int code;
    if (spec_task(path, &a, &json, &err) != OV_OK)
        code = ov_cli_fail(&err);
    else
        code = plan   ? ov_pull_cmd_plan(o->run.dir, ov_buf_slice(&json))
               : test ? ov_pull_cmd_test(o->run.dir, ov_buf_slice(&json))
                      : backfill(o, ov_buf_slice(&json), &a);
    ov_buf_fini(&json);
    ov_arena_fini(&a);
    return code;
}

static int tail(const ingest_options *o, const char *path)
{
    ov_tail_options t = {.dir = o->run.dir, .path = path, .datasource = o->datasource, .format = o->format ? o->format : "json", .name = o->name,
                         .once = o->once, .stop = &interrupted};
    if (!o->datasource)
        return ov_cli_usage(&ov_cmd_ingest, "`tail` wants --datasource NAME, where the lines go");
    return ov_tail_run(&t);
}

static int unknown_word(const char *word)
{
    static const char *const known[] = {"run", "git", "tail", "plan", "test", "backfill", "schedule", "sources"};
    static const char *const wanted[] = {"one SPEC.json", "one PATH or more", "one FILE (or - for standard input)", "one SPEC.json",
                                         "one SPEC.json", "one SPEC.json, --from and --to", "", "nothing"};
    ov_slice near = ov_suggest_of(ov_slice_cstr(word), known, OV_COUNT_OF(known));
    for (size_t i = 0; i < OV_COUNT_OF(known); i++)
        if (strcmp(word, known[i]) == 0)
            return ov_cli_usage(&ov_cmd_ingest, "`%s` wants %s behind it", word, wanted[i]);
    if (near.n)
        return ov_cli_usage(&ov_cmd_ingest, "'%s' is no word of it; did you mean `%.*s`?", word, (int)near.n, near.p);
    return ov_cli_usage(&ov_cmd_ingest, "'%s' is no word of it; run, git, tail, plan, test, backfill, schedule and sources are",
                        word);
}

/* An option that says something to another word only; NULL: none was given. */
static const char *stray_option(const ingest_options *o, const char *word, const char **belongs)
{
    bool tail_only = o->datasource || o->format || o->name || o->once, fill_only = o->from || o->to || o->step || o->dry_run;
    *belongs = tail_only && strcmp(word, "tail") != 0 ? "tail" : "backfill";
    if (tail_only && strcmp(word, "tail") != 0)
        return o->datasource ? "--datasource" : o->format ? "--format" : o->name ? "--name" : "--once";
    if (fill_only && strcmp(word, "backfill") != 0)
        return o->from ? "--from" : o->to ? "--to" : o->step ? "--step" : "--dry-run";
    return NULL;
}

static int dispatch(const ingest_options *o, int left, char **words)
{
    ov_error err = OV_ERROR_INIT;
    ov_arena a;
    ov_buf json;
    int code;
    if (strcmp(words[0], "sources") == 0 && left == 1)
        return ov_pull_cmd_sources();
    if (strcmp(words[0], "schedule") == 0)
        return ov_schedule_cmd(o->run.dir, left - 1, words + 1);
    if (strcmp(words[0], "tail") == 0 && left == 2)
        return tail(o, words[1]);
    code = left == 2 ? pull_word(o, words[0], words[1]) : -1;
    if (code >= 0)
        return code;
    ov_arena_init(&a, "spec", NULL);
    ov_buf_init(&json);
    if (strcmp(words[0], "git") == 0 && left >= 2) {
        git_task(left - 1, words + 1, &json);
        code = ov_ingest_run(&o->run, ov_buf_slice(&json));
    } else if (strcmp(words[0], "run") == 0 && left == 2) {
        code = spec_task(words[1], &a, &json, &err) == OV_OK ? ov_ingest_run(&o->run, ov_buf_slice(&json))
                                                             : ov_cli_fail(&err);
    } else {
        code = unknown_word(words[0]);
    }
    ov_buf_fini(&json);
    ov_arena_fini(&a);
    return code;
}

static int run(int argc, char **argv)
{
    ingest_options o = {.run = {.dir = "./ovate-data", .max_rejects = -1, .stop = &interrupted}, .progress = "auto"};
    const ov_opt opts[] = {
        {'d', "data", OV_OPT_TEXT, &o.run.dir, "DIR", "the data folder (./ovate-data)"},
        {0, "max-rejects", OV_OPT_NUMBER, &o.run.max_rejects, "N",
         "exit 5 when more rows were rejected"},
        {0, "progress", OV_OPT_TEXT, &o.progress, "HOW", "auto, tty, plain or off (auto)"},
        {0, "threads", OV_OPT_NUMBER, &o.run.threads, "N", "parsing threads (one per core)"},
        {0, "memory", OV_OPT_SIZE, &o.run.memory, "SIZE", "memory of the task (256MiB)"},
        {0, "from", OV_OPT_TEXT, &o.from, "TIME", "backfill: the interval's start"},
        {0, "to", OV_OPT_TEXT, &o.to, "TIME", "backfill: its end"},
        {0, "step", OV_OPT_TEXT, &o.step, "PERIOD", "backfill: one task for each (P1D)"},
        {0, "dry-run", OV_OPT_FLAG, &o.dry_run, NULL, "backfill: only plan"},
        {0, "datasource", OV_OPT_TEXT, &o.datasource, "NAME", "tail: where the lines go"},
        {0, "format", OV_OPT_TEXT, &o.format, "WORD", "tail: json, csv or tsv (json)"},
        {0, "name", OV_OPT_TEXT, &o.name, "NAME", "tail: keep the place under this name (the file's path)"},
        {0, "once", OV_OPT_FLAG, &o.once, NULL, "tail: end at the end of the file"},
        {'v', "verbose", OV_OPT_FLAG, &o.run.verbose, NULL, "log what the task does"},
    };
    int left;
    int done = ov_cli_parse(&ov_cmd_ingest, opts, OV_COUNT_OF(opts), argc, argv, &left);
    if (done >= 0)
        return done;
    if (left < 1)
        return ov_cli_usage(&ov_cmd_ingest, "say `run SPEC.json`, `git PATH...` or another word");
    if (!ov_progress_mode_find(o.progress, &o.run.mode))
        return ov_cli_usage(&ov_cmd_ingest, "--progress takes auto, tty, plain or off, not '%s'",
                            o.progress);
    if (o.run.threads < 0 || o.run.threads > 1024)
        return ov_cli_usage(&ov_cmd_ingest, "--threads takes a number from 0 to 1024");
    const char *belongs, *stray = stray_option(&o, argv[1], &belongs);
    if (stray)
        return ov_cli_usage(&ov_cmd_ingest, "%s belongs to `%s`; `%s` would not look at it", stray, belongs, argv[1]);
    ov_log_set_level(o.run.verbose ? OV_LOG_INFO : OV_LOG_ERROR);
    struct sigaction stop = {.sa_handler = on_interrupt};
    sigaction(SIGINT, &stop, NULL);
    sigaction(SIGTERM, &stop, NULL);
    return dispatch(&o, left, argv + 1);
}

const ov_command ov_cmd_ingest = {
    .name = "ingest",
    .usage = "WORD ... [--data DIR]",
    .about = "Load files by a Druid ingestion spec, follow logs, pull from a source, or read the history of git clones",
    .more = "run SPEC.json                one task: files, pulls, compaction; here, or in the server that holds the folder\n"
            "git PATH...                  commits and changed files of clones; run it again and only new ones are added\n"
            "tail FILE --datasource NAME  follow a log file (- is standard input), each line once, also over restarts\n"
            "plan SPEC.json               how many requests a pull would make and how long that takes; none is made\n"
            "test SPEC.json               one page of a pull, its rows as they would be stored\n"
            "backfill SPEC.json --from T --to T\n"
            "                             a pull over an interval, a task for each step; run it again and it goes on\n"
            "schedule                     the schedules and their next runs; `schedule next FILE` shows those of a file,\n"
            "                             `apply FILE` gives it to the server, `remove|pause|resume|trigger NAME` change one\n"
            "sources                      what can be pulled",
    .run = run,
};
