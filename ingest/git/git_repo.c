/* Asking git. */
#include "ingest/git/git_repo.h"

#include <stdlib.h>
#include "base/file.h"
#include "base/utf8.h"
#include "ingest/git/git.h"

/* In front of every call. `env -u` because a git that called us may have left its own repository in there. */
static const char *const git_words[] = {
    "env", "-u", "GIT_DIR", "-u", "GIT_WORK_TREE", "-u", "GIT_INDEX_FILE", "-u", "GIT_OBJECT_DIRECTORY", "-u",
    "GIT_EXTERNAL_DIFF", "LC_ALL=C", "GIT_TERMINAL_PROMPT=0", "git", "--no-pager", "--no-replace-objects", "-c",
    "protocol.allow=never", "-c", "core.fsmonitor=false", "-c", "core.hooksPath=/dev/null", "-c",
    "log.showSignature=false", "-c", "log.showRoot=true", "-c", "core.quotePath=false", "-C",
};

/* git_words, the path, then `args`, then NULL. */
static ov_status start(const ov_git_repo *repo, const char *const *args, size_t count, ov_arena *scratch,
                       ov_child **out, ov_error *err)
{
    const char **argv;
    size_t n = OV_COUNT_OF(git_words);
    OV_TRY(ov_arena_zalloc(scratch, (n + count + 2) * sizeof(*argv), &argv, err));
    memcpy(argv, git_words, sizeof(git_words));
    argv[n++] = repo->path;
    memcpy(argv + n, args, count * sizeof(*args));
    return ov_child_start(argv, NULL, out, err);
}

ov_status ov_git_explain(const ov_git_repo *repo, ov_status st, ov_error *err)
{
    if (st == OV_OK || st == OV_CANCELLED)
        return st;
    if (strstr(err->text, "env: "))
        return ov_fail(err, OV_NOT_FOUND, "git is not installed (Debian package git)");
    if (strstr(err->text, "not a git repository"))
        return ov_fail(err, OV_INVALID, "%s is not a git repository", repo->path);
    if (strstr(err->text, "unable to read ") || strstr(err->text, "bad object") ||
        strstr(err->text, "expected commit type"))
        ov_error_context(err, "%s lacks objects of its history (a partial or damaged clone; fetch them first)",
                         repo->path);
    else
        ov_error_context(err, "%s", repo->path);
    return st;
}

static ov_status read_all(const ov_git_repo *repo, const char *const *args, size_t count, ov_buf *out, ov_error *err)
{
    enum { STEP = 64 << 10 };
    ov_child *child;
    ov_arena scratch;
    size_t got = 1;
    ov_arena_init(&scratch, "git", NULL);
    ov_status st = start(repo, args, count, &scratch, &child, err);
    ov_arena_fini(&scratch);
    OV_TRY(st);
    while (st == OV_OK && got > 0) {
        if (!ov_buf_reserve(out, STEP)) {
            st = ov_buf_check(out, err);
            break;
        }
        st = ov_child_read(child, out->p + out->n, STEP, &got, err);
        if (st == OV_OK)
            out->n += got;
    }
    if (st == OV_OK)
        return ov_child_finish(child, err);
    ov_child_kill(child);
    return st;
}

/* The whole output, without the last line break. */
static ov_status ask(const ov_git_repo *repo, const char *const *args, size_t count, ov_arena *out, ov_slice *text,
                     ov_error *err)
{
    ov_buf b;
    ov_buf_init(&b);
    b.limit = 16 << 20;
    ov_status st = read_all(repo, args, count, &b, err);
    if (st == OV_OK && b.n > 0 && b.p[b.n - 1] == '\n')
        b.n--;
    if (st == OV_OK)
        st = ov_arena_copy(out, ov_buf_slice(&b), text, err);
    ov_buf_fini(&b);
    return st;
}

#define ASK(repo, out, text, err, ...)                                                             \
    ask(repo, (const char *const[]){__VA_ARGS__}, sizeof((const char *const[]){__VA_ARGS__}) / sizeof(char *), \
        out, text, err)

/* ---- names ---- */

static ov_slice last_part(ov_slice *path)
{
    while (path->n > 0 && path->p[path->n - 1] == '/')
        path->n--;
    size_t i = path->n;
    while (i > 0 && path->p[i - 1] != '/' && path->p[i - 1] != ':')
        i--;
    ov_slice part = ov_slice_make(path->p + i, path->n - i);
    path->n = i > 0 ? i - 1 : 0;
    return part;
}

static void strip_git(ov_slice *name)
{
    if (name->n > 4 && ov_slice_ends(*name, OV_SLICE_LIT(".git")))
        name->n -= 4;
}

ov_slice ov_git_url_name(ov_slice url)
{
    const char *scheme = memmem(url.p, url.n, "://", 3);
    ov_slice rest = url;
    if (scheme && !ov_slice_starts(url, OV_SLICE_LIT("file:"))) {
        size_t skip = (size_t)(scheme - url.p) + 3;
        rest = ov_slice_make(url.p + skip, url.n - skip);
        const char *slash = memchr(rest.p, '/', rest.n); /* behind the host */
        if (!slash)
            return (ov_slice){0};
        rest = ov_slice_make(slash + 1, rest.n - (size_t)(slash + 1 - rest.p));
    } else {
        /* host:owner/name, but not a plain path that holds a colon */
        const char *colon = memchr(url.p, ':', url.n), *slash = memchr(url.p, '/', url.n);
        if (scheme || !colon || (slash && slash < colon))
            return (ov_slice){0};
        rest = ov_slice_make(colon + 1, url.n - (size_t)(colon + 1 - url.p));
    }
    while (rest.n > 0 && rest.p[rest.n - 1] == '/')
        rest.n--;
    strip_git(&rest);
    ov_slice whole = rest, name = last_part(&rest), owner = last_part(&rest);
    if (owner.n == 0)
        return name;
    return ov_slice_make(owner.p, (size_t)(whole.p + whole.n - owner.p));
}

static ov_status folder_name(const ov_git_repo *repo, ov_arena *out, ov_slice *name, ov_error *err)
{
    ov_slice dir;
    char *real;
    ov_error ignored = OV_ERROR_INIT;
    /* The top of the work tree, or the folder itself for a bare repository. */
    if (ASK(repo, out, &dir, &ignored, "rev-parse", "--show-toplevel") != OV_OK || dir.n == 0) {
        OV_TRY(ASK(repo, out, &dir, err, "rev-parse", "--absolute-git-dir"));
    }
    real = realpath(dir.p, NULL);
    if (real) {
        ov_status st = ov_arena_copy(out, ov_slice_cstr(real), &dir, err);
        free(real); /* realpath's own */
        OV_TRY(st);
    }
    *name = last_part(&dir);
    strip_git(name);
    if (name->n == 0)
        *name = OV_SLICE_LIT("repository");
    return OV_OK;
}

static ov_status find_name(const ov_git_repo *repo, ov_arena *out, ov_slice *name, ov_error *err)
{
    ov_slice url;
    ov_error ignored = OV_ERROR_INIT;
    ov_buf clean;
    *name = (ov_slice){0};
    if (ASK(repo, out, &url, &ignored, "config", "--get", "remote.origin.url") == OV_OK)
        *name = ov_git_url_name(url);
    if (name->n == 0)
        OV_TRY(folder_name(repo, out, name, err));
    ov_buf_init(&clean);
    ov_utf8_repair(*name, &clean);
    ov_status st = ov_buf_check(&clean, err);
    if (st == OV_OK)
        st = ov_arena_copy(out, ov_buf_slice(&clean), name, err);
    ov_buf_fini(&clean);
    return st;
}

/* ---- looking ---- */

ov_status ov_git_repo_look(const char *path, ov_arena *out, ov_git_repo *repo, ov_error *err)
{
    ov_slice text;
    ov_error ignored = OV_ERROR_INIT;
    *repo = (ov_git_repo){.path = path};
    if (!ov_dir_exists(path))
        return ov_fail(err, OV_NOT_FOUND, "%s: there is no such folder", path);
    OV_TRY(ov_git_explain(repo, ASK(repo, out, &text, err, "rev-parse", "--is-shallow-repository"), err));
    repo->shallow = ov_slice_eq(text, OV_SLICE_LIT("true"));
    /* A branch without commits has no HEAD; a HEAD whose commit cannot be read is damage, not emptiness. */
    if (ASK(repo, out, &text, &ignored, "rev-parse", "--verify", "--quiet", "HEAD") == OV_OK)
        OV_TRY(ov_git_explain(repo, ASK(repo, out, &repo->head, err, "rev-parse", "--verify", "HEAD^{commit}"), err));
    return find_name(repo, out, &repo->name, err);
}

bool ov_git_has_commit(const ov_git_repo *repo, ov_slice sha)
{
    ov_arena a;
    ov_error ignored = OV_ERROR_INIT;
    ov_slice spec, text;
    ov_arena_init(&a, "git", NULL);
    bool ok = ov_arena_printf(&a, &spec, &ignored, OV_SLICE_FMT "^{commit}", OV_SLICE_ARG(sha)) == OV_OK &&
              ASK(repo, &a, &text, &ignored, "cat-file", "-e", spec.p) == OV_OK;
    ov_arena_fini(&a);
    return ok;
}

bool ov_git_is_ancestor(const ov_git_repo *repo, ov_slice sha, ov_slice of)
{
    ov_arena a;
    ov_error ignored = OV_ERROR_INIT;
    ov_slice left, right, text;
    ov_arena_init(&a, "git", NULL);
    bool ok = ov_arena_copy(&a, sha, &left, &ignored) == OV_OK &&
              ov_arena_copy(&a, of, &right, &ignored) == OV_OK &&
              ASK(repo, &a, &text, &ignored, "merge-base", "--is-ancestor", left.p, right.p) == OV_OK;
    ov_arena_fini(&a);
    return ok;
}

ov_status ov_git_list(const ov_git_repo *repo, const ov_slice *not_shas, uint32_t count, ov_buf *out, ov_error *err)
{
    const char **args;
    ov_arena a;
    ov_slice text;
    size_t n = 0;
    ov_arena_init(&a, "git", NULL);
    ov_status st;
    OV_TRY_OUT(st, ov_arena_alloc(&a, (count + 3u) * sizeof(*args), &args, err));
    args[n++] = "rev-list";
    OV_TRY_OUT(st, ov_arena_copy(&a, repo->head, &text, err));
    args[n++] = text.p;
    for (uint32_t i = 0; i < count; i++) {
        OV_TRY_OUT(st, ov_arena_printf(&a, &text, err, "^" OV_SLICE_FMT, OV_SLICE_ARG(not_shas[i])));
        args[n++] = text.p;
    }
    args[n++] = "--";
    st = ov_git_explain(repo, read_all(repo, args, n, out, err), err);
out:
    ov_arena_fini(&a);
    return st;
}

ov_status ov_git_log_start(const ov_git_repo *repo, ov_slice lines, ov_child **out, ov_error *err)
{
    static const char *const words[] = {
        "log",         "--no-walk=unsorted", "-z",         "--numstat",         "--no-renames",     "--no-color",
        "--no-ext-diff", "--date=raw",       "--no-textconv", "--no-notes",     "--encoding=UTF-8", "--no-use-mailmap",
        "--no-relative", "--no-diff-merges", "--diff-algorithm=myers", ov_git_log_format,
    };
    const char *args[OV_COUNT_OF(words) + OV_GIT_LOG_COMMITS + 1];
    size_t n = OV_COUNT_OF(words);
    ov_arena a;
    ov_slice text;
    memcpy(args, words, sizeof(words));
    ov_arena_init(&a, "git", NULL);
    ov_status st = ov_arena_copy(&a, lines, &text, err);
    char *at = st == OV_OK ? (char *)(uintptr_t)text.p : NULL, *save = NULL; /* our own copy */
    for (char *sha = at ? strtok_r(at, "\n", &save) : NULL; sha; sha = strtok_r(NULL, "\n", &save)) {
        OV_ASSERT(n < OV_COUNT_OF(args) - 1);
        args[n++] = sha;
    }
    args[n++] = "--";
    if (st == OV_OK)
        st = start(repo, args, n, &a, out, err);
    ov_arena_fini(&a);
    return st;
}
