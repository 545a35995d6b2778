/*
 * ovate ingest: run a Druid ingestion spec, or read git clones, into a data folder.
 *
 * Both are tasks. When no server holds the folder the task runs right here; when one does, the task is posted to it and
 * followed, so the same command works either way.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/httpc.h"
#include "base/json.h"
#include "base/jsonw.h"
#include "base/log.h"
#include "base/os.h"
#include "ingest/stream.h"
#include "ingest/task.h"
#include "server/cli.h"
#include "server/host.h"
#include "server/cmd_pull.h"
#include "server/cmd_schedule.h"
#include "server/cmd_tail.h"
#include "server/progress.h"
#include "server/pull_query.h"
#include "server/task_transform.h"

typedef struct ingest_options {
    const char *dir;
    const char *progress;
    int64_t max_rejects, threads;
    uint64_t memory;
    bool verbose, dry_run;
    const char *from, *to, *step; /* backfill */
    const char *datasource, *format, *name; /* tail */
    bool once;
    ov_progress_mode mode;
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

/* ---- the outcome ---- */

static uint64_t member(const ov_json *obj, const char *key)
{
    const ov_json *v = ov_json_find(obj, key);
    return v && v->kind == OV_JSON_INT && v->i > 0 ? (uint64_t)v->i : 0;
}

static void print_rejects(const ov_json *events)
{
    enum { SHOWN = 5 };
    uint32_t n = 0;
    for (const ov_json *e = events ? events->first : NULL; e && n < SHOWN; e = e->next, n++) {
        const ov_json *details = ov_json_find(e, "details");
        const ov_json *why = details && details->kind == OV_JSON_ARRAY ? details->first : details;
        const ov_json *input = ov_json_find(e, "input");
        if (why && why->kind == OV_JSON_STRING)
            fprintf(stderr, "  %.*s\n", (int)OV_MIN(why->s.n, (size_t)400), why->s.p);
        if (input && input->kind == OV_JSON_STRING)
            fprintf(stderr, "    %.*s\n", (int)OV_MIN(input->s.n, (size_t)160), input->s.p);
    }
    if (events && events->count > n)
        fprintf(stderr, "  ... and %u more in the task's report\n", events->count - n);
}

static void print_counts(bool success, uint64_t loaded, uint64_t rejected, uint64_t filtered, double seconds)
{
    char a1[32], a2[32], a3[32], a4[32], a5[32];
    ov_thousands(loaded + rejected + filtered, a1);
    ov_thousands(rejected, a3);
    ov_thousands(filtered, a4);
    if (!success) { /* the counters tell how far it came, but all or nothing is published */
        printf("%s rows read in %.2f s (%s rejected, %s filtered), none loaded: the task failed\n", a1, seconds, a3, a4);
        return;
    }
    printf("%s rows read: %s loaded, %s rejected, %s filtered, in %.2f s (%s rows/s)\n", a1, ov_thousands(loaded, a2), a3,
           a4, seconds, ov_thousands((uint64_t)(seconds > 0 ? (double)loaded / seconds : 0), a5));
}

/* Counters and rejects out of Druid's report document. Returns the number of rejects. */
static uint64_t print_report(ov_slice report, bool success, double seconds)
{
    ov_arena a;
    ov_error err = OV_ERROR_INIT;
    ov_json *doc;
    uint64_t rejected = 0;
    ov_arena_init(&a, "report", NULL);
    if (ov_json_parse(report, NULL, &a, &doc, &err) == OV_OK) {
        const ov_json *payload =
            ov_json_find(ov_json_find(doc, "ingestionStatsAndErrors"), "payload");
        const ov_json *stats = ov_json_find(ov_json_find(payload, "rowStats"), "buildSegments");
        uint64_t loaded = member(stats, "processed") + member(stats, "processedWithError");
        uint64_t filtered = member(stats, "thrownAway");
        rejected = member(stats, "unparseable");
        print_counts(success, loaded, rejected, filtered, seconds);
        const ov_json *events =
            ov_json_find(ov_json_find(payload, "unparseableEvents"), "buildSegments");
        if (rejected || (events && events->count))
            print_rejects(events);
    }
    ov_arena_fini(&a);
    return rejected;
}

static int outcome(const ingest_options *o, bool success, const char *error, ov_slice report,
                   int64_t duration_ms)
{
    uint64_t rejected = print_report(report, success, (double)duration_ms / 1000);
    if (!success) {
        fprintf(stderr, "ovate: %s\n", error);
        return atomic_load(&interrupted) ? OV_EXIT_INTERRUPTED : OV_EXIT_REFUSED;
    }
    return o->max_rejects >= 0 && rejected > (uint64_t)o->max_rejects ? OV_EXIT_REJECTS
                                                                      : OV_EXIT_OK;
}

/* ---- here ---- */

static ov_status follow_here(ov_tasks *tasks, ov_slice id, const ingest_options *o,
                             ov_task_view *view, ov_error *err)
{
    ov_progress p;
    ov_progress_init(&p, o->mode);
    ov_status st;
    bool told = false;
    do {
        st = ov_tasks_wait(tasks, id, 100, view, err);
        if (st == OV_TIMEOUT)
            st = OV_OK;
        if (atomic_load(&interrupted) && !told) {
            told = true;
            ov_error ignored = OV_ERROR_INIT;
            if (ov_tasks_shutdown(tasks, id, &ignored) != OV_OK)
                break;
        }
        ov_progress_show(&p, view->rows, view->bytes, view->total_bytes, view->rejected);
    } while (st == OV_OK && (view->phase == OV_TASK_PENDING || view->phase == OV_TASK_RUNNING));
    ov_progress_end(&p);
    return st;
}

static int run_here(const ingest_options *o, ov_app *app, ov_slice json)
{
    ov_error err = OV_ERROR_INIT;
    ov_arena a;
    ov_buf report;
    ov_slice id;
    ov_task_view view = {0};
    int code;
    ov_arena_init(&a, "ingest", NULL);
    ov_buf_init(&report);
    ov_pull_ops pull = ov_pull_ops_of(&app->env);
    ov_tasks_config config = {.catalog = app->catalog,
                              .pull = &pull,
                              .transforms = &ov_transforms,
                              .threads = 1,
                              .workers = (uint32_t)o->threads,
                              .task_memory_bytes = (size_t)o->memory};
    ov_streams_config pushed = {.catalog = app->catalog, .transforms = &ov_transforms, .paused = true};
    ov_status st = ov_streams_create(&pushed, &app->streams, &err);
    config.streams = app->streams;
    if (st == OV_OK)
        st = ov_tasks_create(&config, &app->tasks, &err);
    if (st == OV_OK)
        st = ov_tasks_submit(app->tasks, json, &a, &id, &err);
    if (st == OV_OK)
        st = follow_here(app->tasks, id, o, &view, &err);
    if (st == OV_OK)
        st = ov_tasks_report(app->tasks, id, &report, &err);
    if (st == OV_OK)
        code = outcome(o, view.phase == OV_TASK_SUCCESS, view.error, ov_buf_slice(&report),
                       view.duration_ms);
    else
        code = ov_cli_fail(&err);
    ov_tasks_destroy(app->tasks);
    ov_streams_destroy(app->streams);
    ov_buf_fini(&report);
    ov_arena_fini(&a);
    return code;
}

/* ---- through the server that holds the folder ---- */

typedef struct remote {
    const char *address;
    ov_arena arena;
} remote;

/* One call; *doc is the parsed JSON answer. */
static ov_status call(remote *r, const char *method, const char *path, ov_slice body, ov_buf *raw,
                      ov_json **doc, ov_error *err)
{
    char url[1024];
    snprintf(url, sizeof url, "http://%s%s", r->address, path);
    static const char *const headers[] = {"Content-Type: application/json", NULL};
    ov_http_request rq = {.method = method, .url = url, .headers = headers, .body = body};
    ov_http_response answer;
    ov_buf_clear(raw);
    OV_TRY(ov_http_fetch(&rq, raw, &answer, err));
    OV_TRY(ov_json_parse(ov_buf_slice(raw), NULL, &r->arena, doc, err));
    if (answer.status == 200)
        return OV_OK;
    const ov_json *why = ov_json_find(*doc, "errorMessage");
    if (!why)
        why = ov_json_find(*doc, "error");
    if (why && why->kind == OV_JSON_STRING)
        return ov_fail(err, OV_INVALID, OV_SLICE_FMT, OV_SLICE_ARG(why->s));
    return ov_fail(err, OV_INVALID, "the server at %s answered %d", r->address, answer.status);
}

static ov_status follow_remote(remote *r, const char *id, const ingest_options *o, ov_buf *raw,
                               bool *success, ov_buf *error, int64_t *duration_ms, ov_error *err)
{
    char path[512];
    ov_progress p;
    ov_progress_init(&p, o->mode);
    ov_status st = OV_OK;
    for (bool told = false;;) {
        ov_json *doc;
        ov_arena_reset(&r->arena);
        if (atomic_load(&interrupted) && !told) {
            told = true;
            snprintf(path, sizeof path, "/druid/indexer/v1/task/%s/shutdown", id);
            OV_TRY_OUT(st, call(r, "POST", path, OV_SLICE_LIT("{}"), raw, &doc, err));
        }
        snprintf(path, sizeof path, "/druid/indexer/v1/task/%s/reports", id);
        if (call(r, "GET", path, (ov_slice){NULL, 0}, raw, &doc, err) == OV_OK) {
            const ov_json *payload =
                ov_json_find(ov_json_find(doc, "ingestionStatsAndErrors"), "payload");
            const ov_json *stats = ov_json_find(ov_json_find(payload, "rowStats"), "buildSegments");
            ov_progress_show(&p, member(stats, "processed"), member(stats, "processedBytes"), 0,
                             member(stats, "unparseable"));
        }
        snprintf(path, sizeof path, "/druid/indexer/v1/task/%s/status", id);
        OV_TRY_OUT(st, call(r, "GET", path, (ov_slice){NULL, 0}, raw, &doc, err));
        const ov_json *status = ov_json_find(doc, "status");
        const ov_json *word = ov_json_find(status, "status");
        if (!word || word->kind != OV_JSON_STRING ||
            !ov_slice_eq(word->s, OV_SLICE_LIT("RUNNING"))) {
            *success = word && word->kind == OV_JSON_STRING &&
                       ov_slice_eq(word->s, OV_SLICE_LIT("SUCCESS"));
            *duration_ms = (int64_t)member(status, "duration");
            const ov_json *why = ov_json_find(status, "errorMsg");
            if (why && why->kind == OV_JSON_STRING)
                ov_buf_add_slice(error, why->s);
            break;
        }
        ov_sleep_ms(200);
    }
out:
    ov_progress_end(&p);
    return st;
}

static int run_remote(const ingest_options *o, const char *address, ov_slice json)
{
    remote r = {.address = address};
    ov_error err = OV_ERROR_INIT;
    ov_buf raw, error;
    ov_json *doc;
    char id[400] = "", path[512];
    bool success = false;
    int64_t duration_ms = 0;
    int code;
    ov_arena_init(&r.arena, "remote", NULL);
    ov_buf_init(&raw);
    ov_buf_init(&error);
    ov_status st = call(&r, "POST", "/druid/indexer/v1/task", json, &raw, &doc, &err);
    if (st == OV_OK) {
        ov_slice text;
        st = ov_json_need_str(doc, "task", &text, &err);
        if (st == OV_OK)
            snprintf(id, sizeof id, OV_SLICE_FMT, OV_SLICE_ARG(text));
    }
    if (st == OV_OK) {
        if (o->verbose)
            fprintf(stderr, "task %s runs in the server at %s\n", id, address);
        st = follow_remote(&r, id, o, &raw, &success, &error, &duration_ms, &err);
    }
    if (st == OV_OK) {
        snprintf(path, sizeof path, "/druid/indexer/v1/task/%s/reports", id);
        st = call(&r, "GET", path, (ov_slice){NULL, 0}, &raw, &doc, &err);
    }
    const char *why = ov_buf_cstr(&error);
    if (st == OV_OK)
        code = outcome(o, success, why ? why : "", ov_buf_slice(&raw), duration_ms);
    else
        code = ov_cli_fail(&err);
    ov_buf_fini(&raw);
    ov_buf_fini(&error);
    ov_arena_fini(&r.arena);
    return code;
}

/* ---- command ---- */

static int submit(const ingest_options *o, ov_slice json)
{
    static ov_app app;
    ov_error err = OV_ERROR_INIT;
    ov_host_options host = {.dir = o->dir, .writer = true};
    ov_status st = ov_host_open(&app, &host, &err);
    if (st == OV_OK) {
        int code = run_here(o, &app, json);
        ov_host_close(&app);
        return code;
    }
    if (st != OV_BUSY)
        return ov_cli_fail(&err);
    ov_buf address;
    ov_error ignored = OV_ERROR_INIT;
    ov_buf_init(&address);
    const char *text = NULL;
    if (ov_catalog_holder(o->dir, &address, &ignored) == OV_OK && address.n)
        text = ov_buf_cstr(&address);
    int code = text ? run_remote(o, text, json) : ov_cli_fail(&err);
    ov_buf_fini(&address);
    return code;
}

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
        st = ov_gran_init_name(&step, ov_slice_cstr(o->step), &err);
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
        code = o->dry_run ? ov_pull_cmd_plan(o->dir, piece) : submit(o, piece);
        at = end;
    }
    return code;
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
        code = plan   ? ov_pull_cmd_plan(o->dir, ov_buf_slice(&json))
               : test ? ov_pull_cmd_test(o->dir, ov_buf_slice(&json))
                      : backfill(o, ov_buf_slice(&json), &a);
    ov_buf_fini(&json);
    ov_arena_fini(&a);
    return code;
}

static int tail(const ingest_options *o, const char *path)
{
    ov_tail_options t = {.dir = o->dir, .path = path, .datasource = o->datasource, .format = o->format, .name = o->name,
                         .once = o->once, .stop = &interrupted};
    if (!o->datasource)
        return ov_cli_usage(&ov_cmd_ingest, "tail wants --datasource");
    return ov_tail_run(&t);
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
        return ov_schedule_cmd(o->dir, left - 1, words + 1);
    if (strcmp(words[0], "tail") == 0 && left == 2)
        return tail(o, words[1]);
    code = left == 2 ? pull_word(o, words[0], words[1]) : -1;
    if (code >= 0)
        return code;
    ov_arena_init(&a, "spec", NULL);
    ov_buf_init(&json);
    if (strcmp(words[0], "git") == 0 && left >= 2) {
        git_task(left - 1, words + 1, &json);
        code = submit(o, ov_buf_slice(&json));
    } else if (strcmp(words[0], "run") == 0 && left == 2) {
        code = spec_task(words[1], &a, &json, &err) == OV_OK ? submit(o, ov_buf_slice(&json))
                                                             : ov_cli_fail(&err);
    } else {
        code = ov_cli_usage(&ov_cmd_ingest, "say `run SPEC.json`, `git PATH...`, `plan`, `test` or `backfill SPEC.json`, `tail FILE`, or "
                            "`sources`");
    }
    ov_buf_fini(&json);
    ov_arena_fini(&a);
    return code;
}

static int run(int argc, char **argv)
{
    ingest_options o = {.dir = "./ovate-data", .progress = "auto", .max_rejects = -1, .step = "P1D",
                        .format = "json"};
    const ov_opt opts[] = {
        {'d', "data", OV_OPT_TEXT, &o.dir, "DIR", "the data folder (./ovate-data)"},
        {0, "max-rejects", OV_OPT_NUMBER, &o.max_rejects, "N",
         "exit 5 when more rows were rejected"},
        {0, "progress", OV_OPT_TEXT, &o.progress, "HOW", "auto, tty, plain or off (auto)"},
        {0, "threads", OV_OPT_NUMBER, &o.threads, "N", "parsing threads (one per core)"},
        {0, "memory", OV_OPT_SIZE, &o.memory, "SIZE", "memory of open segments (512MiB)"},
        {0, "from", OV_OPT_TEXT, &o.from, "TIME", "backfill: the interval's start"},
        {0, "to", OV_OPT_TEXT, &o.to, "TIME", "backfill: its end"},
        {0, "step", OV_OPT_TEXT, &o.step, "PERIOD", "backfill: one task for each (P1D)"},
        {0, "dry-run", OV_OPT_FLAG, &o.dry_run, NULL, "backfill: only plan"},
        {0, "datasource", OV_OPT_TEXT, &o.datasource, "NAME", "tail: where the lines go"},
        {0, "format", OV_OPT_TEXT, &o.format, "WORD", "tail: json, csv or tsv (json)"},
        {0, "name", OV_OPT_TEXT, &o.name, "NAME", "tail: keep the place under this name (the file's path)"},
        {0, "once", OV_OPT_FLAG, &o.once, NULL, "tail: end at the end of the file"},
        {'v', "verbose", OV_OPT_FLAG, &o.verbose, NULL, "log what the task does"},
    };
    int left;
    int done = ov_cli_parse(&ov_cmd_ingest, opts, OV_COUNT_OF(opts), argc, argv, &left);
    if (done >= 0)
        return done;
    if (left < 1)
        return ov_cli_usage(&ov_cmd_ingest, "say `run SPEC.json` or `git PATH...`, or see --help");
    if (!ov_progress_mode_find(o.progress, &o.mode))
        return ov_cli_usage(&ov_cmd_ingest, "--progress takes auto, tty, plain or off, not '%s'",
                            o.progress);
    if (o.threads < 0 || o.threads > 1024)
        return ov_cli_usage(&ov_cmd_ingest, "--threads takes a number from 0 to 1024");
    ov_log_set_level(o.verbose ? OV_LOG_INFO : OV_LOG_ERROR);
    struct sigaction stop = {.sa_handler = on_interrupt};
    sigaction(SIGINT, &stop, NULL);
    sigaction(SIGTERM, &stop, NULL);
    return dispatch(&o, left, argv + 1);
}

const ov_command ov_cmd_ingest = {
    .name = "ingest",
    .usage = "run SPEC.json | git PATH... | plan SPEC.json | test SPEC.json | backfill SPEC.json --from T --to T | sources"
             " | schedule ... | tail FILE --datasource NAME"
             "   [--data DIR]",
    .about = "Load files by a Druid ingestion spec, pull from a source, or read the history of git clones",
    .more = "`plan` tells how many requests a pull spec would make and how long that takes, without making one.\n"
            "`test` asks for one page and shows its rows as they would be stored. `sources` lists what can be pulled.\n"
            "`backfill` runs a pull spec over an interval, a task for each step; run it again and it goes on.\n"
            "`schedule` lists the schedules and their next runs; `schedule next FILE` shows those of a file, `schedule apply FILE`\n"
            "gives it to the server, `schedule remove|pause|resume|trigger NAME` change one.\n"
            "`tail` follows a log file (- is standard input) into a datasource, each line once, also over restarts.\n"
            "`git` fills git_commits (one row a commit) and git_changes (one row a commit and "
            "file); run it again\n"
            "and only new commits are added.",
    .run = run,
};
