/* `pull` tasks: fetch a group of series, load their files, commit, and so on; the last commit ends the task. */
#include "ingest/task/task_int.h"

#include <fcntl.h>
#include <stdio.h>
#include "base/fault.h"
#include "base/file.h"
#include "base/os.h"
#include "ingest/pull/pull_answer.h"

static ov_status pull_check(ovi_task *t, const ov_json *doc, ov_error *err)
{
    ovi_pull_spec *spec;
    OV_TRY(ov_arena_zalloc(&t->arena, sizeof(*spec), &spec, err));
    OV_TRY(ovi_pull_spec_read(doc, &t->arena, spec, err));
    if (spec->for_each_sql.n && !ovi_tasks_config(t->runner)->pull)
        return ov_fail(err, OV_UNSUPPORTED, "forEach: there is no query engine here; run the spec through a server");
    t->row.datasource = spec->datasource;
    t->plan = spec;
    return OV_OK;
}

static void log_line(void *arg, const char *level, const char *text)
{
    ovi_task *t = arg;
    ovi_task_log_line(&t->log, level, "%s", text);
}

/* ---- one group ---- */

static ov_status list_files(ovi_run *run, uint32_t from, uint32_t to, ov_slice **files, uint32_t *count, ov_error *err)
{
    *count = 0;
    OV_TRY(ov_arena_alloc(&run->group, (to - from + 1) * sizeof(**files), files, err));
    for (uint32_t i = from; i < to; i++)
        if (run->series[i].spool.n)
            (*files)[(*count)++] = run->series[i].spool;
    return OV_OK;
}

/* Lines of many series become one file: to the loader each file is a piece of work of its own, too much for a few rows. */
static ov_status join_files(ovi_run *run, ov_slice **files, uint32_t *count, ov_error *err)
{
    ov_slice joined;
    int fd;
    if (*count < 2 || run->spec->source.kind == OVI_PULL_FILES)
        return OV_OK;
    OV_TRY(ovi_spool_path(run, &joined, err));
    OV_TRY(ov_file_open(joined.p, O_WRONLY | O_CREAT | O_TRUNC, 0600, &fd, err));
    ov_status st = OV_OK;
    for (uint32_t i = 0; i < *count && st == OV_OK; i++)
        st = ovi_append_file(fd, joined.p, (*files)[i].p, err);
    ov_error late = OV_ERROR_INIT;
    if (ov_file_close(fd, joined.p, &late) != OV_OK && st == OV_OK) {
        *err = late;
        st = late.code;
    }
    run->joined = joined;
    (*files)[0] = joined;
    *count = 1;
    return st;
}

/* Files of our own below the temporary folder; those of a listed folder stay. */
static void remove_files(ovi_run *run, uint32_t from, uint32_t to)
{
    ov_error ignored = OV_ERROR_INIT;
    if (run->joined.n)
        (void)!ov_file_remove(run->joined.p, &ignored);
    run->joined = (ov_slice){0};
    for (uint32_t i = from; i < to; i++) {
        ovi_series *s = &run->series[i];
        if (s->spool.n && ov_slice_starts(s->spool, ov_slice_cstr(run->tmp_dir)))
            (void)!ov_file_remove(s->spool.p, &ignored);
        s->spool = (ov_slice){0};
    }
}

/* A first answer of which no row can be stored says that the spec is wrong: it must not count as read. Later ones are bad rows
 * like any others, counted and sampled. */
static ov_status check_first(const ovi_run *run, uint32_t from, uint32_t to, const ov_load_result *result, ov_error *err)
{
    const ov_load_counters *c = &result->counters;
    bool known = c->read == 0 || c->rejected < c->read;
    for (uint32_t i = from; i < to && !known; i++)
        known = run->series[i].before.n > 0;
    if (known)
        return OV_OK;
    ov_slice why = result->reject_count ? result->rejects[0].reason : (ov_slice){"", 0};
    return ov_fail(err, OV_INVALID, "all %llu rows were rejected, so they do not count as read; the first: " OV_SLICE_FMT,
                   (unsigned long long)c->read, OV_SLICE_ARG(why));
}

static ov_status load_group(ovi_task *t, ovi_run *run, uint32_t from, uint32_t to, ov_load_result *result, ov_error *err)
{
    ov_slice *files;
    uint32_t count;
    ov_spec *load;
    ov_load_env env;
    char when[OV_ISO_BYTES];
    OV_TRY(list_files(run, from, to, &files, &count, err));
    if (count == 0)
        return OV_OK;
    OV_TRY(join_files(run, &files, &count, err));
    OV_FAULT(OV_FAULT_PULL_SPOOLED, err);
    OV_TRY(ovi_pull_load_spec(run->spec, files, count, &run->group, &load, err));
    OV_TRY(ovi_task_declare_keys(t, load, err));
    OV_TRY(ovi_task_load_env(t, 1, &env, err));
    env.progress = NULL; /* its bytes were counted when they came */
    OV_TRY(ov_arena_copy(&t->arena, ov_slice_make(when, ov_iso_format(run->collected_ms, NULL, when)), &env.version, err));
    OV_TRY(ovi_task_turn_take(t, err));
    ov_status st = ov_load_run(load, &env, &t->arena, result, err);
    ovi_task_turn_give(t);
    ovi_task_add_result(t, result);
    atomic_store(&t->progress.rows, t->loaded.counters.read);
    atomic_store(&t->progress.rejected, t->loaded.counters.rejected);
    atomic_fetch_add(&t->progress.segments, result->segment_count);
    return st == OV_OK ? check_first(run, from, to, result, err) : st;
}

static ov_status notes(ovi_task *t, const ovi_run *run, ov_error *err)
{
    OV_TRY(ovi_task_note_i64(t, "series", run->series_count, err));
    OV_TRY(ovi_task_note_i64(t, "requests", (int64_t)run->requests, err));
    OV_TRY(ovi_task_note_i64(t, "unchanged", (int64_t)run->unchanged, err));
    OV_TRY(ovi_task_note_i64(t, "repeatedRows", (int64_t)run->repeated, err));
    OV_TRY(ovi_task_note_i64(t, "fetchedBytes", (int64_t)run->bytes, err));
    OV_TRY(ovi_task_note_i64(t, "waitedMs", (int64_t)run->waits_ms, err));
    OV_TRY(ovi_task_note_i64(t, "gaps", run->gaps, err));
    OV_TRY(ovi_task_note_i64(t, "failures", run->failures, err));
    if (run->gaps)
        OV_TRY(ovi_task_note_text(t, "firstGap", ov_slice_cstr(run->first_gap), err));
    if (run->failures)
        OV_TRY(ovi_task_note_text(t, "firstFailure", ov_slice_cstr(run->first_failure), err));
    return OV_OK;
}

/* May the task end well? */
static ov_status verdict(const ovi_run *run, ov_error *err)
{
    const ovi_pull_spec *p = run->spec;
    if (run->failures > p->max_failures)
        return ov_fail(err, OV_IO, "%u of %u series failed%s%.600s", run->failures, run->series_count,
                       run->failures < run->series_count ? "; what the others gave is loaded. The first: "
                       : run->series_count > 1             ? "; the first: "
                                                           : ": ",
                       run->first_failure);
    if (run->gaps && !p->gaps_recorded)
        return ov_fail(err, OV_NOT_FOUND, "%u of %u series have nothing to give; the rest is loaded (\"onGap\": \"record\" makes "
                       "that a success). The first: %.500s", run->gaps, run->series_count, run->first_gap);
    return OV_OK;
}

/* How whole this run was, for sources without steps. */
static ov_status sum_up(ovi_run *run, ov_publish *p, ov_error *err)
{
    uint32_t bad = run->gaps + run->failures;
    ov_record r = {.kind = OV_SLICE_LIT("completeness"), .key = run->spec->name,
                   .at_ms = ov_floor_div(run->collected_ms, OV_MS_PER_HOUR) * OV_MS_PER_HOUR};
    if (run->spec->source.has_step || run->series_count == 0)
        return OV_OK;
    OV_TRY(ov_arena_printf(p->arena, &r.value, err,
                           "{\"datasource\":\"" OV_SLICE_FMT "\",\"end\":%lld,\"status\":\"%s\",\"expected\":%u,\"received\":%u}",
                           OV_SLICE_ARG(run->spec->datasource), (long long)(r.at_ms + OV_MS_PER_HOUR),
                           bad ? "partial" : "complete", run->series_count, run->series_count - bad));
    return ov_publish_record(p, &r, err);
}

static ov_status loaded(ov_error *err)
{
    OV_FAULT(OV_FAULT_PULL_LOADED, err);
    (void)err; /* without fault points */
    return OV_OK;
}

static ov_status publish_group(ovi_task *t, ovi_run *run, uint32_t from, uint32_t to, const ov_load_result *result, bool last,
                               ov_error *err)
{
    ov_publish p;
    ov_error why = OV_ERROR_INIT;
    ov_publish_init(&p, run->catalog, t->row.id, OV_PUBLISH_APPEND, &run->group);
    ov_status st = ov_publish_add(&p, result, err);
    if (st == OV_OK)
        st = loaded(err);
    if (st == OV_OK)
        st = ovi_run_settle(run, from, to, &p, err);
    if (st == OV_OK && last)
        st = sum_up(run, &p, err);
    if (st == OV_OK && run->archive && !run->replays)
        st = ovi_archive_sync(run->archive, err);
    if (st == OV_OK && last && verdict(run, &why) == OV_OK) {
        OV_TRY(notes(t, run, err));
        return ovi_task_publish(t, &p, err);
    }
    if (st == OV_OK && (p.segment_count || p.cursor_count || p.record_count)) {
        t->published += p.segment_count;
        return ov_publish_run(&p, NULL, err); /* removes the files itself when it fails */
    }
    if (st != OV_OK)
        ov_publish_abandon(&p);
    return st;
}

static void count_repeated(ovi_task *t, ovi_run *run, uint64_t before)
{
    t->loaded.counters.read += run->repeated - before;
    t->loaded.counters.filtered += run->repeated - before;
}

/* Paused series go on after this commit. */
static bool wake_paused(ovi_run *run, uint32_t from, uint32_t to, bool really)
{
    bool any = false;
    for (uint32_t i = from; i < to; i++) {
        ovi_series *s = &run->series[i];
        if (s->phase != OVI_PAUSED)
            continue;
        any = true;
        if (!really)
            continue;
        s->phase = OVI_WAITS;
        s->pages_now = 0;
        s->changed = false;
    }
    return any;
}

static ov_status one_group(ovi_task *t, ovi_run *run, uint32_t from, uint32_t to, bool *again, ov_error *err)
{
    ov_load_result result = {0};
    uint64_t repeated = run->repeated;
    ov_status st = ovi_run_fetch(run, from, to, err);
    *again = wake_paused(run, from, to, false);
    count_repeated(t, run, repeated);
    if (st == OV_OK)
        st = load_group(t, run, from, to, &result, err);
    if (st == OV_OK)
        st = publish_group(t, run, from, to, &result, to == run->series_count && !*again, err);
    remove_files(run, from, to);
    run->fetched = NULL;
    run->fetched_tail = &run->fetched;
    run->group_bytes = 0;
    ov_arena_reset(&run->group);
    OV_TRY(st);
    run->kept += result.counters.loaded;
    OV_FAULT(OV_FAULT_PULL_COMMITTED, err);
    for (uint32_t i = from; i < to && !*again; i++)
        ovi_seen_fini(&run->series[i].seen);
    wake_paused(run, from, to, true);
    return OV_OK;
}

/* ---- the task ---- */

static ov_status open_archive(ovi_task *t, ovi_run *run, ov_error *err)
{
    const ovi_pull_spec *p = run->spec;
    run->replays = p->replay.n > 0;
    if (run->replays)
        return ovi_archive_open(p->replay.p, &t->arena, &run->archive, &run->collected_ms, err);
    if (!p->archive)
        return OV_OK;
    return ovi_archive_create(ov_catalog_dir(run->catalog), p->source.name, t->row.id, run->collected_ms, &t->arena,
                              &run->archive, err);
}

static ov_status pull_all(ovi_task *t, ovi_run *run, ov_error *err)
{
    bool again;
    OV_TRY(open_archive(t, run, err));
    OV_TRY(ovi_run_prepare(run, err));
    ovi_task_log_line(&t->log, "INFO", "%u series of " OV_SLICE_FMT, run->series_count, OV_SLICE_ARG(run->spec->source.name));
    uint32_t from = 0;
    do { /* also for no series at all: the task's end is a commit */
        uint32_t to = (uint32_t)OV_MIN((uint64_t)from + run->spec->commit_series, (uint64_t)run->series_count);
        do {
            OV_TRY(one_group(t, run, from, to, &again, err));
        } while (again);
        from = to;
    } while (from < run->series_count);
    return OV_OK;
}

static ov_status pull_run(ovi_task *t, ov_error *err)
{
    const ov_tasks_config *config = ovi_tasks_config(t->runner);
    ov_load_env env;
    OV_TRY(ovi_task_load_env(t, 1, &env, err));
    ovi_run run = {
        .spec = t->plan,
        .catalog = config->catalog,
        .ops = config->pull,
        .arena = &t->arena,
        .tmp_dir = env.tmp_dir,
        .stem = env.file_stem,
        .cancel = &t->cancel,
        .log = log_line,
        .log_arg = t,
        .collected_ms = ov_now_ms(),
        .progress = &t->progress,
    };
    ov_status st = pull_all(t, &run, err);
    ovi_archive_close(run.archive);
    ovi_run_fini(&run);
    ovi_secrets_hide_error(&run.secrets, err);
    if (st == OV_CANCELLED && t->published)
        return ov_fail(err, OV_CANCELLED, "a shutdown was requested; the %u segments committed before it stay, the next run goes on "
                       "behind them", t->published);
    if (st == OV_CANCELLED)
        return ovi_task_fail_cancelled(t, err);
    if (st == OV_OK && !t->committed)
        st = verdict(&run, err);
    if (!t->committed) {
        ov_error ignored = OV_ERROR_INIT;
        (void)!ovi_task_note_i64(t, "keptRows", (int64_t)run.kept, &ignored);
        (void)!notes(t, &run, &ignored);
    }
    return st;
}

const ovi_task_type ovi_task_pull = {"pull", pull_check, pull_run, true, true};
