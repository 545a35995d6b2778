/*
 * Facts about one repository, asked of git itself.
 *
 * git runs without the environment of a calling git (GIT_DIR and its like), without replace refs, and with what a hostile
 * repository's configuration could make it start switched off.
 */
#pragma once

#include "base/arena.h"
#include "base/buf.h"
#include "base/child.h"

typedef struct ov_git_repo {
    const char *path;  /* as given, absolute or relative to the working directory */
    ov_slice name;     /* "owner/name" from the remote, or the folder's name */
    ov_slice head;     /* sha; empty: there is no commit yet */
    bool shallow;
} ov_git_repo;

/* OV_NOT_FOUND: no such folder, or git is not installed; OV_INVALID: not a repository. */
OV_CHECKED ov_status ov_git_repo_look(const char *path, ov_arena *out, ov_git_repo *repo, ov_error *err);
/* owner/name of a remote's URL; empty when it has none (a plain path). */
ov_slice ov_git_url_name(ov_slice url);
bool ov_git_has_commit(const ov_git_repo *repo, ov_slice sha);
bool ov_git_is_ancestor(const ov_git_repo *repo, ov_slice sha, ov_slice of);
/* The shas of commits reachable from head and from none of `not_shas`, newest first, each with a line break. */
OV_CHECKED ov_status ov_git_list(const ov_git_repo *repo, const ov_slice *not_shas, uint32_t count, ov_buf *out,
                                 ov_error *err);
/* git's own words in err become ours where we know better; returns the status. */
ov_status ov_git_explain(const ov_git_repo *repo, ov_status st, ov_error *err);
/* Start `git log` over just these commits (lines of ov_git_list, at most OV_GIT_LOG_COMMITS) in the form ov_git_parser
 * reads. */
enum { OV_GIT_LOG_COMMITS = 1000 };
OV_CHECKED ov_status ov_git_log_start(const ov_git_repo *repo, ov_slice lines, ov_child **out, ov_error *err);
