/*
 * Private to storage/: the keys of one datasource, and a run that finds what a change supersedes.
 *
 *   keys_run.c      rows against the index: who wins, who is superseded
 *   keys_open.c     a run from its beginning to its end; the index from nothing
 *   keys_known.c    segments that the index names
 *   keys_move.c     rows that a merge has written anew
 *   keys_mark.c     segments that are marked used or unused
 *   catalog_keys.c  what the catalog keeps of superseded rows
 *   catalog_declare.c  declarations, changes that are about keys alone
 *
 * A change of a datasource with keys takes its `lock` before all locks of the catalog and keeps it until the change is
 * visible: open -> (collapse | move)* -> the change -> close. The index follows within a run; when the change fails it is
 * thrown away and made anew from the segments when it is next needed. A run costs what the segments cost that it touches,
 * not what the datasource has: it lists them.
 */
#pragma once

#include "storage/catalog/catalog_int.h"
#include "storage/catalog/key_index.h"
#include "storage/catalog/key_rows.h"
#include "storage/catalog/keys.h"

/* Numbers of segments or rows; a list that grows. */
typedef struct ovi_key_list {
    uint32_t *at, count, cap;
} ovi_key_list;

/* A segment whose rows the index may name: rows [base, base + rows) of the index. */
typedef struct ovi_key_segment {
    char *file;             /* of a published one, owned; NULL for pieces */
    const ov_segment *live; /* a piece in memory; only its address counts */
    uint64_t base;
    uint32_t rows;
    /* of a run */
    bool looked, fresh, moved; /* moved: its rows are in others now */
    const ov_segment_entry *entry; /* NULL: no query sees it any more; fresh ones have none yet */
    ov_segment *seg;
    const uint64_t *arrival;
    int64_t born, *births; /* births: of each row, where they differ */
    ov_dead *next;         /* the state after the change; NULL: as it is */
    ovi_key_list lost; /* rows, since the last settling */
} ovi_key_segment;

/* Bytes of a list with an instant for each row; charged to the catalog's keys_budget. */
static inline size_t ovi_key_instants(uint32_t rows)
{
    return ((size_t)rows + 1) * sizeof(int64_t);
}

struct ovi_keys {
    struct ovi_keys *after; /* in the catalog's list */
    ov_slice name;
    ov_arena arena; /* of name and spec */
    ov_key_spec spec; /* changes under `lock` and the catalog's keys_lock */
    int64_t readable_ms; /* nothing before this can be asked for; likewise */
    ov_mutex lock;
    /* written under `lock` */
    ov_slice text; /* of the declaration as it was read */
    _Atomic int64_t last_ms; /* the latest instant given out; read by anybody */
    ovi_key_index index;
    bool ready; /* the index knows every visible row */
    ovi_key_segment *segs;
    uint32_t seg_count, seg_cap;
    uint64_t next_base;
    const ov_segment_entry **by_file; /* published ones of the state `by_state`, which is held by whoever looks */
    uint32_t by_count;
    const void *by_state;
    uint64_t by_change;
};

enum { OVI_KEY_OPEN = 64 };
typedef struct ovi_key_run {
    ov_catalog *cat;
    ovi_keys *k;
    ov_snapshot *snap;
    const ov_datasource *ds; /* NULL: it has no rows yet */
    int64_t at;              /* the instant of the change */
    const ov_interval *hidden; /* times that the change replaces */
    uint32_t hidden_count;
    bool moves_out;          /* some rows leave the view: the index is of no use afterwards */
    bool ahead;              /* snap is no state of the catalog, but what a change will make of it */
    ovi_key_list touched;    /* segments that were looked at or came */
    ovi_key_list losers;     /* of them those with rows in `lost` */
    uint32_t first_fresh;    /* segments of the change are the last ones of k->segs */
    const struct ov_moved *moved; /* the outputs are the fresh ones */
    struct ovi_moved_input *inputs; /* of moved, in their order */
    ovi_key_rows fresh, *old; /* OVI_KEY_OPEN of them */
    uint32_t old_seg[OVI_KEY_OPEN];
    uint64_t *hash;
} ovi_key_run;

/* Rows that come with a change. */
typedef struct ovi_key_source {
    ov_segment *seg;         /* borrowed until the run is closed */
    const ov_segment *live;  /* NULL: it will be published */
    const uint64_t *arrival; /* the order in which rows arrived; NULL: as they lie */
    int64_t born;
    const ov_dead *dead;
    const ov_segment_entry *entry; /* rebuilding: where it is visible */
} ovi_key_source;

/* ---- catalog_keys.c, catalog_declare.c ---- */
bool ovi_keys_some(ov_catalog *cat); /* some datasource has keys */
ovi_keys *ovi_keys_find(ov_catalog *cat, ov_slice datasource); /* NULL: no keys */
/* Takes `lock`; false: it was not declared after all, and the lock is free. */
bool ovi_keys_lock(ov_catalog *cat, ovi_keys *k);
OV_CHECKED ov_status ovi_keys_load(ov_catalog *cat, ov_error *err);
void ovi_keys_free(ov_catalog *cat);
/* What is published of the datasource in the run's snapshot; NULL: nothing. */
const ovi_datasource *ovi_keys_published(const ovi_key_run *r);
/* Tables of keys of other datasources that nobody works with are let go; false: there was none. */
bool ovi_keys_let_go(ov_catalog *cat, const ovi_keys *but);
/* Open dead state of a file's row in table segments, as the database has it; NULL when all rows are there. */
OV_CHECKED ov_status ovi_marks_read(ov_catalog *cat, ov_slice file, uint32_t rows, ov_dead **out, ov_error *err);
/* Inside a change: `d` is the state of the file from now on; `before` what the database has. */
OV_CHECKED ov_status ovi_marks_write(ov_catalog *cat, const ovi_keys *k, ov_slice file, const ov_dead *d,
                                     const ov_dead *before, ov_error *err);
/* Births are kept since then, also when nobody can ask for the past: rows that come out of the log again after a crash meet
 * those of later commits, and must lose against them as before. */
#define OVI_BIRTHS_MS (INT64_C(7) * 24 * 3600 * 1000)
int64_t ovi_keys_births_since(const ovi_keys *k, int64_t now);
OV_CHECKED ov_status ovi_marks_delete(ov_catalog *cat, ov_slice file, ov_error *err);
OV_CHECKED ov_status ovi_marks_check(ov_catalog *cat, ov_error *err);
/* Inside a change: everything that the run found and that lies in memory so far, of published segments. files: of the
 * fresh segments, in order. Afterwards the datasource must be touched. */
OV_CHECKED ov_status ovi_keys_write(ovi_key_run *r, const ov_slice *files, uint32_t file_count, ov_error *err);
/* Inside a change: what rows in memory superseded of published segments, as `snap` shows it, pends, and is written unless the
 * change is only looked at. What pends already is passed over. */
OV_CHECKED ov_status ovi_keys_flush(ov_catalog *cat, const ovi_keys *k, const ov_snapshot *snap, bool look, ov_error *err);
/* Inside a change: the declaration as it is now. */
OV_CHECKED ov_status ovi_keys_store(ov_catalog *cat, const ovi_keys *k, ov_error *err);
/* What the run found, for rows in memory: states of pieces, and of published segments until the next commit. */
OV_CHECKED ov_status ovi_keys_marks(ovi_key_run *r, ov_arena *a, ovi_key_marks *out, ov_error *err);

/* ---- keys_open.c ---- */
/* Under `lock` until the run is closed; the index is ready afterwards. On failure it is closed. */
OV_CHECKED ov_status ovi_key_run_open(ovi_key_run *r, ov_catalog *cat, ovi_keys *k, ov_error *err);
/* The same over what a change will make of the catalog; takes over the snapshot. The index is made anew from it. */
OV_CHECKED ov_status ovi_key_run_ahead(ovi_key_run *r, ov_catalog *cat, ovi_keys *k, ov_snapshot *snap, ov_error *err);
/* The change is done, or failed; fresh segments that are published lie in `files`, in their order. */
void ovi_key_run_close(ovi_key_run *r, bool done, const ov_slice *files);

/* ---- keys_run.c ---- */
/* Rows that come, one source after the other; what they supersede goes at `at`. */
OV_CHECKED ov_status ovi_key_run_take(ovi_key_run *r, const ovi_key_source *src, int64_t at, ov_error *err);

/* ---- keys_known.c ---- */
OV_CHECKED ov_status ovi_key_list_add(ovi_key_list *l, uint32_t no, ov_error *err);
/* Segment number of row `row` of the index. */
uint32_t ovi_key_segment_of(const ovi_keys *k, uint64_t row);
/* State, entry and open segment of a known one. */
OV_CHECKED ov_status ovi_key_look(ovi_key_run *r, uint32_t no, ov_error *err);
const ov_dead *ovi_key_state(const ovi_key_segment *s);
OV_CHECKED ov_status ovi_key_add_segment(ovi_key_run *r, const ovi_key_source *src, uint32_t *no, ov_error *err);
OV_CHECKED ov_status ovi_key_name_segment(ovi_key_segment *s, ov_slice file, ov_error *err);
/* At the end of a run: what it knows of the segments it touched. */
void ovi_key_forget(ovi_key_run *r);
/* Those whose rows are in others now. */
void ovi_key_remove_moved(ovi_key_run *r);
void ovi_key_drop_index(ovi_keys *k);
void ovi_key_forget_files(ovi_keys *k);

/* ---- keys_move.c ---- */
/* Rows that moved: the states of outputs (fresh), whose rows came from places of the inputs as `arrival` says. */
OV_CHECKED ov_status ovi_key_run_move(ovi_key_run *r, const ov_moved *from, const ovi_key_source *to, uint32_t count,
                                      ov_error *err);
typedef struct ovi_moved_input {
    uint64_t first; /* the number of its first row among all rows of the inputs */
    uint64_t base;  /* of its rows in the index */
    uint32_t rows, no;
    int64_t born, *births, *deaths; /* while states are made; the lists where they say more */
} ovi_moved_input;
/* After the change: what the index says of the inputs it says of the outputs. */
OV_CHECKED ov_status ovi_key_run_follow(ovi_key_run *r, ov_error *err);

/* ---- keys_mark.c ---- */
/* ov_catalog_mark for a datasource with keys; under `lock`. */
OV_CHECKED ov_status ovi_keys_mark(ov_catalog *cat, ovi_keys *k, const ov_segment_choice *which, bool used, uint32_t *changed,
                                   ov_error *err);
/* ---- catalog_mark.c; inside a change ---- */
/* Rows of the choice that would become used, or unused. */
OV_CHECKED ov_status ovi_mark_choose(ov_catalog *cat, const ov_segment_choice *which, bool used, ov_arena *a, ovi_row **rows,
                                     uint32_t *count, ov_error *err);
/* Marks them, and the next snapshot. */
OV_CHECKED ov_status ovi_mark_rows(ov_catalog *cat, ov_slice datasource, ovi_row *rows, uint32_t count, bool used,
                                   ov_snapshot **next, ov_error *err);
