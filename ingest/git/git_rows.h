/*
 * From commits and changes to rows of the two datasources.
 *
 * Threads: one at a time.
 */
#pragma once

#include "ingest/git/git.h"
#include "ingest/load/load.h"

typedef struct ov_git_rows ov_git_rows;

/* Shas that are loaded already. */
typedef struct ov_git_seen ov_git_seen;
OV_CHECKED ov_status ov_git_seen_create(ov_git_seen **out, ov_error *err);
void ov_git_seen_destroy(ov_git_seen *seen); /* NULL is fine */
OV_CHECKED ov_status ov_git_seen_add(ov_git_seen *seen, ov_slice sha, ov_error *err);
bool ov_git_seen_has(const ov_git_seen *seen, ov_slice sha);
uint64_t ov_git_seen_count(const ov_git_seen *seen);

typedef struct ov_git_counts {
    uint64_t commits, changes; /* rows made */
    uint64_t known;            /* commits left out because they are loaded already */
} ov_git_counts;

/* commits_env, changes_env: of two loads. */
OV_CHECKED ov_status ov_git_rows_create(ov_slice commits_name, ov_slice changes_name, const ov_gran *segment_gran,
                                        const ov_load_env *commits_env, const ov_load_env *changes_env,
                                        ov_git_rows **out, ov_error *err);
void ov_git_rows_destroy(ov_git_rows *r); /* NULL is fine; removes files unless finish succeeded */
/* Rows that follow are of this repository; commits in `seen` are left out, and new ones are added to it. */
void ov_git_rows_repo(ov_git_rows *r, ov_slice name, ov_git_seen *seen);
OV_CHECKED ov_status ov_git_rows_commit(ov_git_rows *r, const ov_git_commit *c, ov_error *err);
OV_CHECKED ov_status ov_git_rows_change(ov_git_rows *r, const ov_git_change *c, ov_error *err);
/* The last commit of a repository has all its changes. */
OV_CHECKED ov_status ov_git_rows_end_repo(ov_git_rows *r, ov_git_counts *counts, ov_error *err);
/* Seal everything. When this fails after *commits was filled, its files are the caller's to remove. */
OV_CHECKED ov_status ov_git_rows_finish(ov_git_rows *r, ov_arena *out, ov_load_result *commits,
                                        ov_load_result *changes, ov_error *err);
