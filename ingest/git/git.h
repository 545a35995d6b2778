/*
 * Git history as rows: the embedded default source, which needs no network.
 *
 *   {"type": "git", "paths": ["/src/app", ...],
 *    "repo": "owner/name",             only with one path; default: from the remote `origin`, else the folder's name
 *    "segmentGranularity": "year", "reset": false,
 *    "commitsDataSource": "git_commits", "changesDataSource": "git_changes"}
 *
 * Two datasources: one row a commit, one row a commit and file. __time is the commit time; times with _time are
 * milliseconds since 1970, offsets are minutes east of UTC on the clock of who wrote the commit.
 *
 *   git_commits  repo sha author author_email_hash author_email_domain author_time author_offset committer
 *                committer_email_hash committer_email_domain commit_offset parents(multi-value) is_merge subject
 *                files additions deletions
 *   git_changes  repo sha author author_email_hash author_email_domain author_time author_offset commit_offset
 *                path extension top_folder additions deletions subject
 *
 * E-mail addresses are never stored: the hash is XXH3-64 (seed 0, 16 hex digits) of the address in lower case, the same
 * everywhere, beside the domain. additions and deletions are NULL for binary files. Renames are a deletion and an
 * addition; a merge has no changes of its own. See docs/decisions/ for why `git log` and not a library.
 *
 * Run again, only new commits are read: a cursor per repository keeps the heads read so far, and commits whose sha is in
 * git_commits already are left out whatever the history looks like now. "reset" forgets the cursor, not the rows; to load
 * a history again drop both datasources.
 */
#pragma once

#include "base/arena.h"
#include "base/buf.h"
#include "base/status.h"

typedef struct ov_git_person {
    ov_slice name, email;
    int64_t time_s; /* seconds since 1970 */
    int32_t offset_min;
} ov_git_person;

typedef struct ov_git_commit {
    ov_slice sha, parents, subject; /* parents: separated by one blank */
    ov_git_person author, committer;
    bool time_ok; /* both times could be read */
} ov_git_commit;

typedef struct ov_git_change {
    ov_slice path;
    int64_t additions, deletions;
    bool binary;
} ov_git_change;

/* The reader of `git log -z --numstat`: bytes in, commits and changes out. Slices live during the call. A callback's
 * failure ends the feed with its status. */
typedef struct ov_git_sink {
    void *arg;
    ov_status (*commit)(void *arg, const ov_git_commit *c, ov_error *err);
    ov_status (*change)(void *arg, const ov_git_change *c, ov_error *err); /* of the last commit */
} ov_git_sink;

typedef struct ov_git_parser {
    ov_git_sink sink;
    ov_buf token;        /* the unfinished one */
    ov_buf head;         /* fields of the commit being read, each with a NUL */
    uint32_t field;      /* next field of a commit's head; 0: between records */
    uint32_t starts[16]; /* of the fields in `head` */
    uint64_t commits, changes;
} ov_git_parser;

/* The --format the parser expects. */
extern const char ov_git_log_format[];

void ov_git_parser_init(ov_git_parser *p, ov_git_sink sink);
void ov_git_parser_fini(ov_git_parser *p);
/* OV_CORRUPT names the commit and what was expected. */
OV_CHECKED ov_status ov_git_parser_feed(ov_git_parser *p, ov_slice bytes, ov_error *err);
/* The output has ended; OV_CORRUPT inside a commit. */
OV_CHECKED ov_status ov_git_parser_end(ov_git_parser *p, ov_error *err);
