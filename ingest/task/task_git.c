/* `git` tasks: histories of some repositories into git_commits and git_changes, in one commit of ours. */
#include "ingest/task/task_int.h"

#include "base/cpu.h"
#include "base/file.h"
#include "ingest/git/git_state.h"
#include "storage/segment/segment_id.h"

typedef struct git_plan {
    const char **paths;
    uint32_t path_count;
    ov_slice repo; /* empty: found out */
    ov_slice commits_name, changes_name;
    ov_gran segment_gran;
    bool reset;
} git_plan;

typedef struct git_run {
    ovi_task *task;
    const git_plan *plan;
    ov_catalog *catalog;
    ov_git_rows *rows;
    ov_publish publish;
    uint64_t commits, changes, known;
} git_run;

/* ---- the document ---- */

static ov_status read_path(ovi_task *t, const ov_json *v, const char **out, ov_error *err)
{
    const char *base = ovi_tasks_config(t->runner)->base_dir;
    ov_slice path;
    OV_TRY(ov_json_as_str(v, &path, err));
    if (path.n == 0)
        return ov_json_fail(v, err, OV_INVALID, "a path is empty");
    if (base && path.p[0] != '/')
        OV_TRY(ov_path_join(&t->arena, ov_slice_cstr(base), path, &path, err));
    *out = path.p; /* strings of documents and arenas end with a NUL */
    return OV_OK;
}

static ov_status read_paths(ovi_task *t, const ov_json *doc, git_plan *plan, ov_error *err)
{
    const ov_json *list;
    OV_TRY(ov_json_need_arr(doc, "paths", &list, err));
    if (list->count == 0)
        return ov_json_fail(list, err, OV_INVALID, "name at least one repository");
    OV_TRY(ov_arena_alloc(&t->arena, list->count * sizeof(*plan->paths), &plan->paths, err));
    for (const ov_json *v = list->first; v; v = v->next)
        OV_TRY(read_path(t, v, &plan->paths[plan->path_count++], err));
    OV_TRY(ov_json_str(doc, "repo", (ov_slice){0}, &plan->repo, err));
    if (plan->repo.n && plan->path_count != 1)
        return ov_json_fail(ov_json_get(doc, "repo"), err, OV_INVALID, "a name for the repository needs exactly one path");
    return OV_OK;
}

static ov_status git_check(ovi_task *t, const ov_json *doc, ov_error *err)
{
    static const char *const keys[] = {"type",    "id",   "groupId", "context", "paths", "repo", "segmentGranularity",
                                       "reset", "commitsDataSource", "changesDataSource"};
    git_plan *plan;
    ov_slice gran;
    OV_TRY(ov_arena_zalloc(&t->arena, sizeof(*plan), &plan, err));
    OV_TRY(ov_json_only(doc, keys, OV_COUNT_OF(keys), err));
    OV_TRY(read_paths(t, doc, plan, err));
    OV_TRY(ov_json_bool(doc, "reset", false, &plan->reset, err));
    OV_TRY(ov_json_str(doc, "commitsDataSource", OV_SLICE_LIT("git_commits"), &plan->commits_name, err));
    OV_TRY(ov_json_str(doc, "changesDataSource", OV_SLICE_LIT("git_changes"), &plan->changes_name, err));
    OV_TRY(ov_datasource_name_check(plan->commits_name, err));
    OV_TRY(ov_datasource_name_check(plan->changes_name, err));
    if (ov_slice_eq(plan->commits_name, plan->changes_name))
        return ov_fail(err, OV_INVALID, "changesDataSource: commits and changes need two datasources");
    OV_TRY(ov_json_str(doc, "segmentGranularity", OV_SLICE_LIT("year"), &gran, err));
    OV_TRY(ov_gran_init_name(&plan->segment_gran, gran, err));
    t->row.datasource = plan->commits_name;
    t->plan = plan;
    return OV_OK;
}

/* ---- one repository ---- */

static ov_status on_commit(void *arg, const ov_git_commit *c, ov_error *err)
{
    git_run *g = arg;
    return ov_git_rows_commit(g->rows, c, err);
}

static ov_status on_change(void *arg, const ov_git_change *c, ov_error *err)
{
    git_run *g = arg;
    return ov_git_rows_change(g->rows, c, err);
}

/* What one git writes, to its end. */
static ov_status pump(git_run *g, ov_child *child, ov_git_parser *parser, char *chunk, size_t cap, ov_error *err)
{
    enum { LOOK_MS = 50 };
    size_t got = 1;
    while (got > 0) {
        if (ovi_task_cancelled(g->task)) /* git may be silent for long over a large commit */
            return ovi_task_fail_cancelled(g->task, err);
        if (!ov_child_ready(child, LOOK_MS))
            continue;
        OV_TRY(ov_child_read(child, chunk, cap, &got, err));
        atomic_fetch_add(&g->task->progress.bytes, got);
        OV_TRY(ov_git_parser_feed(parser, ov_slice_make(chunk, got), err));
    }
    return OV_OK;
}

/* Several gits at work on neighbouring stretches of the list; their outputs are taken in order, so the rows do not
 * depend on how many there are. Those whose turn has not come fill their pipes and wait. */
enum { MAX_GITS = 8, READ_BYTES = 256 << 10 };
typedef struct readers {
    ov_slice lines; /* of ov_git_list, not yet given out */
    ov_child *child[MAX_GITS];
    uint32_t commits[MAX_GITS]; /* given to each */
    uint32_t first, running, width;
} readers;

static ov_slice take_lines(ov_slice *lines, uint32_t *count)
{
    const char *at = lines->p, *end = lines->p + lines->n;
    for (*count = 0; *count < OV_GIT_LOG_COMMITS && at < end; ++*count) {
        const char *nl = memchr(at, '\n', (size_t)(end - at));
        at = nl ? nl + 1 : end;
    }
    ov_slice taken = ov_slice_make(lines->p, (size_t)(at - lines->p));
    *lines = ov_slice_make(at, (size_t)(end - at));
    return taken;
}

static ov_status start_gits(readers *r, const ov_git_repo *repo, ov_error *err)
{
    while (r->running < r->width && r->lines.n > 0) {
        uint32_t slot = (r->first + r->running) % r->width;
        ov_slice lines = take_lines(&r->lines, &r->commits[slot]);
        OV_TRY(ov_git_log_start(repo, lines, &r->child[slot], err));
        r->running++;
    }
    return OV_OK;
}

static ov_status read_next(git_run *g, readers *r, const ov_git_repo *repo, ov_git_parser *parser, char *chunk,
                           ov_error *err)
{
    uint64_t before = parser->commits;
    ov_child *child = r->child[r->first];
    uint32_t expected = r->commits[r->first];
    OV_TRY(pump(g, child, parser, chunk, READ_BYTES, err));
    r->first = (r->first + 1) % r->width;
    r->running--;
    OV_TRY(ov_git_explain(repo, ov_child_finish(child, err), err)); /* git's words before ours */
    OV_TRY(ov_git_parser_end(parser, err));
    if (parser->commits - before != expected)
        return ov_fail(err, OV_CORRUPT, "%s: git log gave %llu commits where %u were asked for", repo->path,
                       (unsigned long long)(parser->commits - before), expected);
    return OV_OK;
}

static ov_status read_lines(git_run *g, const ov_git_repo *repo, ov_slice lines, ov_error *err)
{
    uint32_t workers = ovi_tasks_config(g->task->runner)->workers;
    readers r = {.lines = lines, .width = OV_MIN(workers ? workers : ov_cpu_count(), (uint32_t)MAX_GITS)};
    ov_git_parser parser;
    char *chunk = ov_malloc(READ_BYTES);
    if (!chunk)
        return ov_fail_nomem(err, READ_BYTES);
    ov_git_parser_init(&parser, (ov_git_sink){g, on_commit, on_change});
    ov_status st = start_gits(&r, repo, err);
    while (st == OV_OK && r.running > 0) {
        st = read_next(g, &r, repo, &parser, chunk, err);
        if (st == OV_OK)
            st = start_gits(&r, repo, err);
    }
    for (; r.running > 0; r.running--, r.first = (r.first + 1) % r.width)
        ov_child_kill(r.child[r.first]);
    ov_git_parser_fini(&parser);
    ov_free(chunk);
    return st;
}

/* All commits of the repository that no head in `not_shas` reaches. */
static ov_status read_log(git_run *g, const ov_git_repo *repo, const ov_slice *not_shas, uint32_t count,
                          ov_error *err)
{
    ov_buf list;
    ov_buf_init(&list);
    ov_status st = ov_git_list(repo, not_shas, count, &list, err);
    if (st == OV_OK && list.n > 0) {
        ovi_task_log_line(&g->task->log, "INFO", OV_SLICE_FMT ": reading %zu commits of %s", OV_SLICE_ARG(repo->name),
                          list.n / (repo->head.n + 1), repo->path);
        st = read_lines(g, repo, ov_buf_slice(&list), err);
    }
    ov_buf_fini(&list);
    return st;
}

/* Heads of the cursor that git still has; what the others reached is known by sha. */
static ov_status usable_heads(git_run *g, const ov_git_repo *repo, const ov_git_state *state, ov_slice **heads,
                              uint32_t *count, ov_error *err)
{
    ovi_task_log *log = &g->task->log;
    *count = 0;
    OV_TRY(ov_arena_alloc(&g->task->arena, state->head_count * sizeof(**heads), heads, err));
    for (uint32_t i = 0; i < state->head_count; i++) {
        ov_slice head = state->heads[i];
        if (!ov_git_has_commit(repo, head)) {
            ovi_task_log_line(log, "WARN", OV_SLICE_FMT ": history was rewritten, commit " OV_SLICE_FMT
                              " is gone; commits loaded already are left out by their sha",
                              OV_SLICE_ARG(repo->name), OV_SLICE_ARG(head));
            continue;
        }
        if (!ov_git_is_ancestor(repo, head, repo->head))
            ovi_task_log_line(log, "WARN", OV_SLICE_FMT ": history was rewritten since commit " OV_SLICE_FMT
                              "; everything it does not reach is read",
                              OV_SLICE_ARG(repo->name), OV_SLICE_ARG(head));
        (*heads)[(*count)++] = head;
    }
    return OV_OK;
}

/* Where to start reading: nothing to leave out when the rows, the depth or the user say so. */
static ov_status choose_heads(git_run *g, const ov_git_repo *repo, const ov_git_state *state, const ov_git_seen *seen,
                              ov_slice **heads, uint32_t *count, ov_error *err)
{
    ovi_task_log *log = &g->task->log;
    *heads = NULL;
    *count = 0;
    if (state->head_count == 0)
        return OV_OK;
    if (g->plan->reset) {
        ovi_task_log_line(log, "INFO", OV_SLICE_FMT ": reset: all of its history is read", OV_SLICE_ARG(repo->name));
        return OV_OK;
    }
    if (ov_git_seen_count(seen) == 0) {
        ovi_task_log_line(log, "INFO", OV_SLICE_FMT ": its rows are gone; all of its history is read",
                          OV_SLICE_ARG(repo->name));
        return OV_OK;
    }
    if (state->shallow && !repo->shallow) {
        ovi_task_log_line(log, "INFO", OV_SLICE_FMT ": the clone was shallow and is whole now; older history is read",
                          OV_SLICE_ARG(repo->name));
        return OV_OK;
    }
    return usable_heads(g, repo, state, heads, count, err);
}

static ov_status read_new(git_run *g, const ov_git_repo *repo, const ov_git_state *state, ov_git_seen *seen,
                          ov_error *err)
{
    ov_slice *heads;
    uint32_t count;
    ov_git_counts counts;
    OV_TRY(ov_git_seen_load(seen, g->catalog, g->plan->commits_name, repo->name, err));
    OV_TRY(choose_heads(g, repo, state, seen, &heads, &count, err));
    ov_git_rows_repo(g->rows, repo->name, seen);
    OV_TRY(read_log(g, repo, heads, count, err));
    OV_TRY(ov_git_rows_end_repo(g->rows, &counts, err));
    ovi_task_log_line(&g->task->log, "INFO", OV_SLICE_FMT ": %llu new commits, %llu file changes%s",
                      OV_SLICE_ARG(repo->name), (unsigned long long)counts.commits,
                      (unsigned long long)counts.changes, counts.commits ? "" : "; it is up to date");
    g->commits += counts.commits;
    g->changes += counts.changes;
    g->known += counts.known;
    return OV_OK;
}

static ov_status read_repo(git_run *g, const char *path, ov_error *err)
{
    ov_git_repo repo;
    ov_git_state state;
    ov_git_seen *seen;
    ov_slice cursor;
    ov_arena *a = &g->task->arena;
    OV_TRY(ov_git_repo_look(path, a, &repo, err));
    if (g->plan->repo.n)
        repo.name = g->plan->repo;
    if (repo.head.n == 0) {
        ovi_task_log_line(&g->task->log, "INFO", "%s has no commits yet", path);
        return OV_OK;
    }
    if (repo.shallow)
        ovi_task_log_line(&g->task->log, "WARN",
                          OV_SLICE_FMT " is a shallow clone: older history is not there, and its oldest commits "
                          "seem to add every file",
                          OV_SLICE_ARG(repo.name));
    OV_TRY(ov_git_state_read(g->catalog, g->plan->commits_name, repo.name, a, &state, err));
    for (uint32_t i = 0; i < g->publish.cursor_count; i++)
        if (ov_slice_eq(g->publish.keys[i], state.key))
            return ov_fail(err, OV_INVALID, "%s: a repository of the name '" OV_SLICE_FMT "' is in the list already",
                           path, OV_SLICE_ARG(repo.name));
    OV_TRY(ov_git_seen_create(&seen, err));
    ov_status st = read_new(g, &repo, &state, seen, err);
    ov_git_seen_destroy(seen);
    OV_TRY(st);
    OV_TRY(ov_git_state_next(&state, &repo, a, &cursor, err));
    return ov_publish_cursor(&g->publish, state.key, state.before, cursor, err);
}

/* ---- the task ---- */

static ov_status read_all(git_run *g, ov_error *err)
{
    for (uint32_t i = 0; i < g->plan->path_count; i++)
        OV_TRY(read_repo(g, g->plan->paths[i], err));
    return OV_OK;
}

static ov_status finish(git_run *g, ov_error *err)
{
    ovi_task *t = g->task;
    ov_load_result commits = {0}, changes = {0};
    ov_status st = ov_git_rows_finish(g->rows, &t->arena, &commits, &changes, err);
    ovi_task_add_result(t, &commits);
    ovi_task_add_result(t, &changes);
    t->loaded.counters.bytes = t->loaded.counters.text_bytes = atomic_load(&t->progress.bytes);
    if (st == OV_OK)
        st = ov_publish_add(&g->publish, &commits, err);
    else if (commits.segment_count && ov_publish_add(&g->publish, &commits, err) != OV_OK)
        return st;
    if (st == OV_OK)
        st = ov_publish_add(&g->publish, &changes, err);
    if (st == OV_OK)
        st = ovi_task_note_i64(t, "repositories", g->plan->path_count, err);
    if (st == OV_OK)
        st = ovi_task_note_i64(t, "newCommits", (int64_t)g->commits, err);
    if (st == OV_OK)
        st = ovi_task_note_i64(t, "newChanges", (int64_t)g->changes, err);
    if (st == OV_OK)
        st = ovi_task_note_i64(t, "commitsLoadedBefore", (int64_t)g->known, err);
    if (st == OV_OK)
        return ovi_task_publish(t, &g->publish, err);
    ov_publish_abandon(&g->publish);
    return st;
}

static ov_status git_run_task(ovi_task *t, ov_error *err)
{
    git_run g = {.task = t, .plan = t->plan, .catalog = ovi_tasks_config(t->runner)->catalog};
    ov_load_env commits_env, changes_env;
    OV_TRY(ovi_task_load_env(t, 2, &commits_env, err));
    OV_TRY(ovi_task_load_env(t, 2, &changes_env, err));
    ov_publish_init(&g.publish, g.catalog, t->row.id, OV_PUBLISH_APPEND, &t->arena);
    OV_TRY(ov_git_rows_create(g.plan->commits_name, g.plan->changes_name, &g.plan->segment_gran, &commits_env,
                              &changes_env, &g.rows, err));
    ov_status st = read_all(&g, err);
    if (st == OV_OK)
        st = finish(&g, err);
    ov_git_rows_destroy(g.rows);
    return st == OV_CANCELLED ? ovi_task_fail_cancelled(t, err) : st;
}

const ovi_task_type ovi_task_git = {"git", git_check, git_run_task, false, true};
