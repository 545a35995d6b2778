/*
 * What is known of a repository from earlier runs: its cursor and the commits that are loaded.
 *
 * The cursor is JSON under the key "git:<commits datasource>:<repo>": {"heads":[sha, ...], "shallow":bool}. `heads` are
 * commits whose whole history was read; a head that is no ancestor of a newer one stays listed, so that history
 * which was rewritten and comes back is not read twice.
 */
#pragma once

#include "ingest/git/git_repo.h"
#include "ingest/git/git_rows.h"
#include "storage/catalog/catalog.h"

typedef struct ov_git_state {
    ov_slice key, before; /* the cursor as it was; empty when there was none */
    ov_slice *heads;
    uint32_t head_count;
    bool shallow;
} ov_git_state;

OV_CHECKED ov_status ov_git_state_read(ov_catalog *catalog, ov_slice commits_name, ov_slice repo, ov_arena *out,
                                       ov_git_state *state, ov_error *err);
/* The cursor after all of `repo` was read. */
OV_CHECKED ov_status ov_git_state_next(const ov_git_state *state, const ov_git_repo *repo, ov_arena *out,
                                       ov_slice *cursor, ov_error *err);
/* Add the shas of a repository that the catalog's snapshot holds. */
OV_CHECKED ov_status ov_git_seen_load(ov_git_seen *seen, ov_catalog *catalog, ov_slice commits_name, ov_slice repo,
                                      ov_error *err);
