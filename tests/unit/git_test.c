/*
 * Git histories as rows: the log reader on hand-made bytes cut at every place, names of remotes, and whole tasks over
 * repositories made here: odd paths, binary files, merges, empty, bare, shallow and rewritten histories.
 */
#include "tests/unit/harness.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include "base/file.h"
#include "ingest/git/git.h"
#include "ingest/git/git_repo.h"
#include "ingest/task/task.h"

/* ---- the reader ---- */

#define SHA_A "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define SHA_B "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
static const char sample[] =
    "\x01" SHA_A "\0" SHA_B "\0Ann\0ann@x.org\0" "1700000000 +0900\0Bob\0bob@y.org\0" "1700000001 -0330\0second\0\0"
    "\n1\t2\ta\tb\nc\0-\t-\tbin\0"
    "\x01" SHA_B "\0\0Ann\0\0" "nonsense\0Bob\0\0" "0 +0000\0\0\0";

static ov_status note_commit(void *arg, const ov_git_commit *c, ov_error *err)
{
    (void)err;
    ov_buf_addf(arg, "[%.2s p=%.2s %s<%s> %lld%+d %s %d '%s']", c->sha.p, c->parents.p, c->author.name.p,
                c->author.email.p, (long long)c->author.time_s, c->author.offset_min, c->committer.name.p, c->time_ok,
                c->subject.p);
    return OV_OK;
}

static ov_status note_change(void *arg, const ov_git_change *c, ov_error *err)
{
    (void)err;
    ov_buf_addf(arg, "(%lld %lld %d " OV_SLICE_FMT ")", (long long)c->additions, (long long)c->deletions, c->binary,
                OV_SLICE_ARG(c->path));
    return OV_OK;
}

static void test_reader_cut_anywhere(void **state)
{
    (void)state;
    for (size_t cut = 0; cut < sizeof(sample); cut++) {
        ov_error err = OV_ERROR_INIT;
        ov_buf out;
        ov_git_parser p;
        ov_buf_init(&out);
        ov_git_parser_init(&p, (ov_git_sink){&out, note_commit, note_change});
        check_ok(ov_git_parser_feed(&p, ov_slice_make(sample, cut), &err), &err);
        check_ok(ov_git_parser_feed(&p, ov_slice_make(sample + cut, sizeof(sample) - 1 - cut), &err), &err);
        check_ok(ov_git_parser_end(&p, &err), &err);
        check_slice(ov_buf_slice(&out), "[aa p=bb Ann<ann@x.org> 1700000000+540 Bob 1 'second'](1 2 0 a\tb\nc)(0 0 1 bin)"
                                        "[bb p= Ann<> 0+0 Bob 0 '']");
        ov_git_parser_fini(&p);
        ov_buf_fini(&out);
    }
}

static void check_log_refused(const char *bytes, size_t n, const char *part)
{
    ov_error err = OV_ERROR_INIT;
    ov_buf out;
    ov_git_parser p;
    ov_buf_init(&out);
    ov_git_parser_init(&p, (ov_git_sink){&out, note_commit, note_change});
    ov_status st = ov_git_parser_feed(&p, ov_slice_make(bytes, n), &err);
    if (st == OV_OK)
        st = ov_git_parser_end(&p, &err);
    check_fails(st, &err, OV_CORRUPT, part);
    ov_git_parser_fini(&p);
    ov_buf_fini(&out);
}

static void test_reader_refuses(void **state)
{
    (void)state;
    check_log_refused("1\t2\tx\0", 6, "numstat");
    check_log_refused(sample, 60, "inside");
    check_log_refused(sample, 42, "head of a commit"); /* just behind the sha */
    check_log_refused("\x01zz\0\0\0\0\0\0\0\0\0\0", 12, "sha");
    char bad[sizeof(sample)];
    memcpy(bad, sample, sizeof(sample));
    char *change = memmem(bad, sizeof(bad), "\n1\t2", 4);
    assert_non_null(change);
    change[2] = 'x';
    check_log_refused(bad, sizeof(bad) - 1, "numstat");
}

static void test_remote_names(void **state)
{
    (void)state;
    static const struct {
        const char *url, *name;
    } cases[] = {
        {"https://github.com/apache/druid.git", "apache/druid"},
        {"https://user@host:8443/apache/druid/", "apache/druid"},
        {"git@github.com:apache/druid.git", "apache/druid"},
        {"ssh://git@host/a/b/c.git", "b/c"},
        {"host:only", "only"},
        {"https://host/only.git", "only"},
        {"/srv/git/app.git", ""},
        {"file:///srv/git/app.git", ""},
        {"../app", ""},
        {"https://host", ""},
        {"", ""},
    };
    for (size_t i = 0; i < OV_COUNT_OF(cases); i++)
        check_slice(ov_git_url_name(ov_slice_cstr(cases[i].url)), cases[i].name);
}

/* ---- tasks ---- */

typedef struct fixture {
    char dir[64];
    ov_catalog *cat;
    ov_tasks *tasks;
    ov_arena arena;
} fixture;

static void sh(fixture *f, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static void sh(fixture *f, const char *fmt, ...)
{
    char body[1500], command[2000];
    va_list args;
    va_start(args, fmt);
    vsnprintf(body, sizeof(body), fmt, args);
    va_end(args);
    snprintf(command, sizeof(command),
             "cd %s/repos && unset GIT_DIR && export HOME=%s GIT_AUTHOR_NAME=Ann GIT_AUTHOR_EMAIL=Ann@X.org "
             "GIT_COMMITTER_NAME=Bob GIT_COMMITTER_EMAIL=bob@y.org GIT_CONFIG_NOSYSTEM=1 && { %s; } >/dev/null 2>&1",
             f->dir, f->dir, body);
    if (system(command) != 0)
        fail_msg("failed: %s", body);
}

static void fixture_init(fixture *f)
{
    ov_error err = OV_ERROR_INIT;
    memset(f, 0, sizeof(*f));
    strcpy(f->dir, "/tmp/ovate-git-XXXXXX");
    assert_non_null(mkdtemp(f->dir));
    char data[80], repos[80];
    snprintf(data, sizeof(data), "%s/data", f->dir);
    snprintf(repos, sizeof(repos), "%s/repos", f->dir);
    ov_arena_init(&f->arena, "test", NULL);
    check_ok(ov_dir_make(repos, &err), &err);
    check_ok(ov_catalog_open(data, true, &f->cat, &err), &err);
    ov_slice base;
    check_ok(ov_arena_copy(&f->arena, ov_slice_cstr(repos), &base, &err), &err);
    ov_tasks_config config = {.catalog = f->cat, .workers = 2, .base_dir = base.p};
    check_ok(ov_tasks_create(&config, &f->tasks, &err), &err);
}

static void fixture_fini(fixture *f)
{
    ov_error err = OV_ERROR_INIT;
    ov_tasks_destroy(f->tasks);
    ov_catalog_close(f->cat);
    check_ok(ov_dir_remove_all(f->dir, &err), &err);
    ov_arena_fini(&f->arena);
}

static ov_task_view ingest(fixture *f, const char *fields)
{
    ov_error err = OV_ERROR_INIT;
    ov_slice id;
    ov_task_view v;
    char json[500];
    snprintf(json, sizeof(json), "{\"type\":\"git\",%s}", fields);
    check_ok(ov_tasks_submit(f->tasks, ov_slice_cstr(json), &f->arena, &id, &err), &err);
    check_ok(ov_tasks_wait(f->tasks, id, 60000, &v, &err), &err);
    return v;
}

static void ingest_ok(fixture *f, const char *fields)
{
    ov_task_view v = ingest(f, fields);
    if (v.phase != OV_TASK_SUCCESS)
        fail_msg("%s: %s", fields, v.error);
}

static uint64_t rows_of(fixture *f, const char *datasource)
{
    ov_snapshot *snap = ov_catalog_snapshot(f->cat);
    const ov_datasource *ds = ov_snapshot_find(snap, ov_slice_cstr(datasource));
    uint64_t rows = ds ? ds->rows : 0;
    ov_snapshot_release(snap);
    return rows;
}

/* Column `want` as text in the first row whose column `key` is `value`; "NULL". */
static ov_slice cell(fixture *f, const char *datasource, const char *key, const char *value, const char *want)
{
    ov_error err = OV_ERROR_INIT;
    ov_slice found = OV_SLICE_LIT("(no row)");
    ov_snapshot *snap = ov_catalog_snapshot(f->cat);
    const ov_datasource *ds = ov_snapshot_find(snap, ov_slice_cstr(datasource));
    for (uint32_t i = 0; ds && i < ds->segment_count; i++) {
        ov_segment *seg;
        ov_vec keys, wants;
        check_ok(ov_snapshot_open(snap, ds->segments[i], &seg, &err), &err);
        const ov_column *kc = ov_segment_find(seg, ov_slice_cstr(key)), *wc = ov_segment_find(seg, ov_slice_cstr(want));
        if (kc) {
            check_ok(ov_column_read(kc, 0, &f->arena, &keys, &err), &err);
            if (wc)
                check_ok(ov_column_read(wc, 0, &f->arena, &wants, &err), &err);
            for (uint32_t r = 0; r < keys.rows; r++) {
                if (ov_vec_is_null(&keys, r) || !ov_slice_eq(ov_vec_str(&keys, r), ov_slice_cstr(value)))
                    continue;
                if (!wc || ov_vec_is_null(&wants, r))
                    found = OV_SLICE_LIT("NULL");
                else if (ov_type_is_int(wants.type))
                    check_ok(ov_arena_printf(&f->arena, &found, &err, "%lld", (long long)ov_vec_i64(&wants, r)), &err);
                else
                    check_ok(ov_arena_copy(&f->arena, ov_vec_str(&wants, r), &found, &err), &err);
            }
        }
        ov_segment_release(seg);
    }
    ov_snapshot_release(snap);
    return found;
}

static void test_history(void **state)
{
    (void)state;
    fixture f;
    fixture_init(&f);
    sh(&f, "git init -q -b main app && cd app && git remote add origin https://github.com/own/app.git && "
           "printf 'a\\nb\\n' > 'one two.TXT' && mkdir 'd\tir' && printf x > \"d\tir/n\newline.c\" && "
           "printf 'a\\000b' > .bin && printf y > \"$(printf 'caf\\351')\" && git add . && "
           "GIT_AUTHOR_DATE='1500000000 +0900' GIT_COMMITTER_DATE='1500000001 -0330' git commit -qm 'first: ünï\tcode'");
    sh(&f, "cd app && git checkout -qb side && echo s > s && git add . && git commit -qm side && git checkout -q main && "
           "echo m > m && git add . && git commit -qm m && git merge -q --no-edit side && "
           "git commit -q --allow-empty --allow-empty-message -m ''");
    ingest_ok(&f, "\"paths\":[\"app\"]");
    assert_int_equal(rows_of(&f, "git_commits"), 5);
    assert_int_equal(rows_of(&f, "git_changes"), 6);
    check_slice(cell(&f, "git_commits", "subject", "first: ünï\tcode", "repo"), "own/app");
    check_slice(cell(&f, "git_commits", "subject", "first: ünï\tcode", "__time"), "1500000001000");
    check_slice(cell(&f, "git_commits", "subject", "first: ünï\tcode", "author_time"), "1500000000000");
    check_slice(cell(&f, "git_commits", "subject", "first: ünï\tcode", "author_offset"), "540");
    check_slice(cell(&f, "git_commits", "subject", "first: ünï\tcode", "commit_offset"), "-210");
    check_slice(cell(&f, "git_commits", "subject", "first: ünï\tcode", "author_email_domain"), "x.org");
    check_slice(cell(&f, "git_commits", "subject", "first: ünï\tcode", "committer"), "Bob");
    check_slice(cell(&f, "git_commits", "subject", "first: ünï\tcode", "files"), "4");
    check_slice(cell(&f, "git_commits", "subject", "Merge branch 'side'", "is_merge"), "1");
    check_slice(cell(&f, "git_changes", "path", "one two.TXT", "additions"), "2");
    check_slice(cell(&f, "git_changes", "path", "one two.TXT", "extension"), "txt");
    check_slice(cell(&f, "git_changes", "path", "one two.TXT", "top_folder"), "NULL");
    check_slice(cell(&f, "git_changes", "path", "d\tir/n\newline.c", "top_folder"), "d\tir");
    check_slice(cell(&f, "git_changes", "path", ".bin", "additions"), "NULL");
    check_slice(cell(&f, "git_changes", "path", ".bin", "extension"), "NULL");
    check_slice(cell(&f, "git_changes", "path", "caf\xEF\xBF\xBD", "additions"), "1");

    ingest_ok(&f, "\"paths\":[\"app\"]"); /* nothing new */
    assert_int_equal(rows_of(&f, "git_commits"), 5);
    sh(&f, "cd app && echo z > z && git add . && git commit -qm z");
    ingest_ok(&f, "\"paths\":[\"app\"]");
    assert_int_equal(rows_of(&f, "git_commits"), 6);
    assert_int_equal(rows_of(&f, "git_changes"), 7);
    ingest_ok(&f, "\"paths\":[\"app\"],\"reset\":true"); /* rows are known by their sha */
    assert_int_equal(rows_of(&f, "git_commits"), 6);
    fixture_fini(&f);
}

static void test_rewritten_history(void **state)
{
    (void)state;
    fixture f;
    fixture_init(&f);
    sh(&f, "git init -q -b main app && cd app && for i in 1 2 3 4; do echo $i > f; git add .; git commit -qm c$i; done");
    ingest_ok(&f, "\"paths\":[\"app\"]");
    assert_int_equal(rows_of(&f, "git_commits"), 4);
    sh(&f, "cd app && git branch old && git reset -q --hard HEAD~2 && echo 5 > f && git commit -qam c5");
    ingest_ok(&f, "\"paths\":[\"app\"]");
    assert_int_equal(rows_of(&f, "git_commits"), 5);
    sh(&f, "cd app && git reset -q --hard old && echo 6 > f && git commit -qam c6"); /* and back again */
    ingest_ok(&f, "\"paths\":[\"app\"]");
    assert_int_equal(rows_of(&f, "git_commits"), 6);
    /* The last head is lost for good: shas decide. */
    sh(&f, "cd app && git reset -q --hard old~1 && echo 7 > f && git commit -qam c7 && git branch -D old && "
           "git reflog expire --expire=now --all && git gc -q --prune=now");
    ingest_ok(&f, "\"paths\":[\"app\"]");
    assert_int_equal(rows_of(&f, "git_commits"), 7);
    fixture_fini(&f);
}

static void test_kinds_of_repositories(void **state)
{
    (void)state;
    fixture f;
    fixture_init(&f);
    sh(&f, "git init -q -b main src && cd src && for i in 1 2 3; do echo $i > f; git add .; git commit -qm c$i; done");
    sh(&f, "git init -q empty && mkdir plain && git clone -q --bare src bare.git && "
           "git clone -q --depth 1 \"file://$PWD/src\" shallow");
    ingest_ok(&f, "\"paths\":[\"empty\"]");
    assert_int_equal(rows_of(&f, "git_commits"), 0);
    ingest_ok(&f, "\"paths\":[\"bare.git\"]");
    assert_int_equal(rows_of(&f, "git_commits"), 3);
    check_slice(cell(&f, "git_commits", "subject", "c3", "repo"), "bare");
    ingest_ok(&f, "\"paths\":[\"shallow\"]");
    assert_int_equal(rows_of(&f, "git_commits"), 4);
    sh(&f, "cd shallow && git fetch -q --unshallow");
    ingest_ok(&f, "\"paths\":[\"shallow\"]"); /* the older two come later */
    assert_int_equal(rows_of(&f, "git_commits"), 6);
    ingest_ok(&f, "\"paths\":[\"src\",\"empty\"],\"commitsDataSource\":\"c\",\"changesDataSource\":\"d\"");
    assert_int_equal(rows_of(&f, "c"), 3);
    ov_task_view v = ingest(&f, "\"paths\":[\"plain\"]");
    assert_int_equal(v.phase, OV_TASK_FAILED);
    assert_non_null(strstr(v.error, "not a git repository"));
    v = ingest(&f, "\"paths\":[\"src\",\"nowhere\"],\"commitsDataSource\":\"e\",\"changesDataSource\":\"g\"");
    assert_int_equal(v.phase, OV_TASK_FAILED);
    assert_non_null(strstr(v.error, "no such folder"));
    assert_int_equal(rows_of(&f, "e"), 0);
    v = ingest(&f, "\"paths\":[\"src\",\"src\"]");
    assert_non_null(strstr(v.error, "in the list already"));
    fixture_fini(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_reader_cut_anywhere),
        cmocka_unit_test(test_reader_refuses),
        cmocka_unit_test(test_remote_names),
        cmocka_unit_test(test_history),
        cmocka_unit_test(test_rewritten_history),
        cmocka_unit_test(test_kinds_of_repositories),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
