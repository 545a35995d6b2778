/* The loader: splits meet again in input order, are counted, and go to the builders; see ingest/load/load.h. */
#include <stdlib.h>
#include "base/cpu.h"
#include "base/fault.h"
#include "base/file.h"
#include "ingest/load/loader_int.h"
#include "ingest/upkeep/disk_guard.h"

enum { WIDE_COLUMNS = 4096 };

void ovi_loader_set_failed(ov_loader *l, const ov_error *err)
{
    ov_mutex_lock(&l->mutex);
    if (!l->failed) {
        l->failed = true;
        l->err = *err;
    }
    ov_cond_broadcast(&l->changed);
    ov_mutex_unlock(&l->mutex);
}

/* The first failure of the load, if any. Under the mutex. */
static ov_status check_failed(ov_loader *l, ov_error *err)
{
    if (!l->failed && ovi_loader_cancelled(l)) {
        l->failed = true;
        (void)ov_fail(&l->err, OV_CANCELLED, "the load was cancelled");
        ov_cond_broadcast(&l->changed);
    }
    if (!l->failed)
        return OV_OK;
    *err = l->err;
    return err->code;
}

static void set_defaults(ov_loader *l)
{
    if (l->env.workers == 0)
        l->env.workers = ov_cpu_count();
    if (l->env.memory_bytes == 0)
        l->env.memory_bytes = OV_LOAD_MEMORY_BYTES;
    if (l->schema.max_rows_per_segment == 0)
        l->schema.max_rows_per_segment = OV_LOAD_SEGMENT_ROWS;
}

ov_status ov_loader_create(const ov_load_schema *schema, const ov_load_env *env, ov_loader **out,
                           ov_error *err)
{
    ov_loader *l = ov_calloc(1, sizeof *l);
    if (!l)
        return ov_fail_nomem(err, sizeof *l);
    l->schema = *schema;
    l->env = *env;
    set_defaults(l);
    l->arrived = env->arrival_from;
    ov_mutex_init(&l->mutex);
    ov_cond_init(&l->changed);
    ov_budget_init(&l->budget, "load", SIZE_MAX, env->budget);
    ov_arena_init(&l->arena, "load", NULL);
    ov_arena_init(&l->reject_arena, "rejects", NULL);
    ov_arena_init(&l->keys, "range keys", &l->budget);
    /* Splits of very many columns are large whatever is in them. */
    l->ring_size = schema->column_count > WIDE_COLUMNS ? l->env.workers + 1 : l->env.workers * 2 + 2;
    l->ring = ov_calloc(l->ring_size, sizeof *l->ring);
    l->spare = ov_calloc(l->ring_size, sizeof *l->spare);
    l->types = ov_calloc(schema->column_count, sizeof *l->types);
    l->rejects = ov_calloc((size_t)schema->max_saved_rejects + 1, sizeof *l->rejects);
    if (!l->ring || !l->spare || !l->types || !l->rejects) {
        ov_loader_destroy(l);
        return ov_fail_nomem(err, schema->column_count * sizeof *l->types);
    }
    for (uint32_t i = 0; i < schema->column_count; i++)
        l->types[i] = schema->columns[i].type;
    *out = l;
    return OV_OK;
}

void ov_loader_destroy(ov_loader *l)
{
    ov_error ignored = OV_ERROR_INIT;
    if (!l)
        return;
    for (uint32_t i = 0; i < l->chunk_count; i++)
        ov_segment_builder_destroy(l->chunks[i].builder);
    for (uint32_t i = 0; i < l->sealed_count; i++) {
        ov_segment_builder_destroy(l->sealed[i].builder);
        if (!l->finished && l->sealed[i].done)
            (void)!ov_file_remove(l->sealed[i].path, &ignored);
        ov_free(l->sealed[i].path);
        ov_map_close(&l->sealed[i].arrival);
    }
    for (uint32_t i = 0; l->ring && i < l->ring_size; i++)
        ovi_rows_destroy(l->ring[i]);
    for (uint32_t i = 0; i < l->spare_count; i++)
        ovi_rows_destroy(l->spare[i]);
    ov_free(l->chunks);
    ov_free(l->sealed);
    ov_free(l->ring);
    ov_free(l->spare);
    ov_free(l->types);
    ov_free(l->rejects);
    ov_arena_fini(&l->reject_arena);
    ov_arena_fini(&l->keys);
    ov_arena_fini(&l->arena);
    ov_cond_fini(&l->changed);
    ov_mutex_fini(&l->mutex);
    ov_free(l);
}

void ovi_make_room(ov_loader *l)
{
    for (bool full = true; full;) {
        ov_mutex_lock(&l->mutex);
        full = !l->failed && l->waiting_bytes > l->env.memory_bytes;
        ov_mutex_unlock(&l->mutex);
        if (!full || ovi_seal_one(l))
            continue;
        ov_mutex_lock(&l->mutex);
        if (!l->failed && l->waiting_bytes > l->env.memory_bytes)
            (void)ov_cond_wait_ms(&l->changed, &l->mutex, 50);
        ov_mutex_unlock(&l->mutex);
    }
}

/* Splits that wait for their turn take memory that nobody counts: each worker may have one, more only while they are small. Under
 * the mutex. */
static bool ring_is_full(const ov_loader *l)
{
    uint64_t out = l->next_begin - l->next_commit;
    return out >= l->ring_size || (out >= l->env.workers && l->ring_bytes > l->env.memory_bytes / 8);
}

ov_status ov_loader_begin(ov_loader *l, ov_rows **rows, ov_error *err)
{
    ov_rows *r = NULL;
    uint64_t seq;
    ovi_make_room(l);
    ov_mutex_lock(&l->mutex);
    ov_status st = check_failed(l, err);
    while (st == OV_OK && (ring_is_full(l) || ov_disk_paused(l->env.disk))) {
        (void)ov_cond_wait_ms(&l->changed, &l->mutex, 50);
        st = check_failed(l, err);
    }
    if (st != OV_OK) {
        ov_mutex_unlock(&l->mutex);
        return st;
    }
    if (l->spare_count)
        r = l->spare[--l->spare_count];
    seq = l->next_begin++;
    ov_mutex_unlock(&l->mutex);
    if (!r) {
        st = ovi_rows_create(l->types, l->schema.column_count, l->schema.max_saved_rejects, &r, err);
        if (st != OV_OK) {
            ovi_loader_set_failed(l, err); /* its number would be waited for */
            return st;
        }
    }
    r->budget = &l->budget;
    r->seq = seq;
    r->file_idx = 0;
    *rows = r;
    return OV_OK;
}

/* ---- books ---- */

static ov_status keep_reject(ov_loader *l, const ov_reject *from, ov_error *err)
{
    ov_reject *to = &l->rejects[l->reject_count];
    *to = *from;
    if (to->line)
        to->line += l->line_base;
    OV_TRY(ov_arena_copy(&l->reject_arena, from->file, &to->file, err));
    OV_TRY(ov_arena_copy(&l->reject_arena, from->field, &to->field, err));
    OV_TRY(ov_arena_copy(&l->reject_arena, from->reason, &to->reason, err));
    OV_TRY(ov_arena_copy(&l->reject_arena, from->value, &to->value, err));
    OV_TRY(ov_arena_copy(&l->reject_arena, from->hint, &to->hint, err));
    l->reject_count++;
    return OV_OK;
}

static ov_status check_limit(ov_loader *l, const ov_rows *rows, ov_error *err)
{
    uint64_t bad = l->counters.rejected + l->counters.with_errors;
    if (bad <= l->schema.max_parse_exceptions)
        return OV_OK;
    if (rows->reject_count == 0)
        return ov_fail(err, OV_LIMIT, "%llu rows could not be read, maxParseExceptions is %llu",
                       (unsigned long long)bad, (unsigned long long)l->schema.max_parse_exceptions);
    const ov_reject *r = &rows->rejects[rows->reject_count - 1];
    return ov_fail(err, OV_LIMIT,
                   "%llu rows could not be read, maxParseExceptions is %llu; the last one: " OV_SLICE_FMT
                   ":%llu:%u: " OV_SLICE_FMT,
                   (unsigned long long)bad, (unsigned long long)l->schema.max_parse_exceptions,
                   OV_SLICE_ARG(r->file), (unsigned long long)(r->line + l->line_base), r->column,
                   OV_SLICE_ARG(r->reason));
}

static ov_status count_split(ov_loader *l, const ov_rows *rows, ov_error *err)
{
    ov_load_counters *c = &l->counters;
    if (rows->file_idx != l->file_idx) {
        l->file_idx = rows->file_idx;
        l->line_base = 0;
    }
    c->read += rows->read;
    c->loaded += rows->rows;
    c->rejected += rows->rejected;
    c->filtered += rows->filtered;
    c->with_errors += rows->with_errors;
    c->repaired += rows->repaired;
    c->bytes += rows->raw_bytes;
    c->text_bytes += rows->text_bytes;
    for (uint32_t i = 0; i < rows->reject_count && l->reject_count < l->schema.max_saved_rejects; i++)
        OV_TRY(keep_reject(l, &rows->rejects[i], err));
    if (l->env.progress) {
        atomic_store(&l->env.progress->rows, c->read);
        atomic_store(&l->env.progress->rejected, c->rejected);
    }
    OV_TRY(check_limit(l, rows, err));
    l->line_base += rows->newlines;
    return OV_OK;
}

static ov_status commit(ov_loader *l, ov_rows *rows, ov_error *err)
{
    if (rows->failed) {
        *err = rows->err;
        return err->code;
    }
    OV_TRY(count_split(l, rows, err));
    if (!l->schema.survey)
        return ovi_route(l, rows, err);
    if (rows->rows)
        ov_gran_floor_n(&l->schema.query_gran, rows->col[0].i64, rows->col[0].i64, rows->rows);
    return ovi_partitioner_see(l->schema.partitioner, rows, err);
}

/* Everything that is next in order. Under the mutex, which is given up while rows are added. */
static void commit_ready(ov_loader *l)
{
    ov_error err = OV_ERROR_INIT;
    if (l->committing)
        return;
    l->committing = true;
    for (ov_rows *r; (r = l->ring[l->next_commit % l->ring_size]) != NULL;) {
        bool failed = l->failed;
        l->ring[l->next_commit % l->ring_size] = NULL;
        l->ring_bytes -= r->ring_bytes;
        ov_mutex_unlock(&l->mutex);
        if (!failed && commit(l, r, &err) != OV_OK)
            ovi_loader_set_failed(l, &err);
        ovi_rows_clear(r);
        ov_mutex_lock(&l->mutex);
        l->spare[l->spare_count++] = r;
        l->next_commit++;
        ov_cond_broadcast(&l->changed);
    }
    l->committing = false;
}

ov_status ov_loader_submit(ov_loader *l, ov_rows *rows, ov_error *err)
{
    rows->ring_bytes = ov_rows_bytes(rows);
    ov_mutex_lock(&l->mutex);
    OV_ASSERT(!l->ring[rows->seq % l->ring_size]);
    l->ring[rows->seq % l->ring_size] = rows;
    l->ring_bytes += rows->ring_bytes;
    if (l->schema.pulled)
        ov_cond_broadcast(&l->changed);
    else
        commit_ready(l);
    ov_mutex_unlock(&l->mutex);
    if (!l->schema.pulled)
        (void)ovi_seal_one(l);
    ov_mutex_lock(&l->mutex);
    ov_status st = check_failed(l, err);
    ov_mutex_unlock(&l->mutex);
    OV_TRY(st);
    OV_FAULT(OV_FAULT_LOAD_PARSED, err);
    return OV_OK;
}

ov_status ovi_loader_pull(ov_loader *l, int wait_ms, ov_rows **rows, bool *waiting, ov_error *err)
{
    ov_rows *r;
    *rows = NULL;
    *waiting = false;
    ov_mutex_lock(&l->mutex);
    ov_status st = check_failed(l, err);
    while (st == OV_OK && (r = l->ring[l->next_commit % l->ring_size]) == NULL) {
        if (l->ended && l->next_commit == l->next_begin)
            break;
        *waiting = !ov_cond_wait_ms(&l->changed, &l->mutex, wait_ms);
        st = check_failed(l, err);
        if (*waiting)
            break;
    }
    r = st == OV_OK && !*waiting ? l->ring[l->next_commit % l->ring_size] : NULL;
    if (r) {
        l->ring[l->next_commit % l->ring_size] = NULL;
        l->ring_bytes -= r->ring_bytes;
    }
    ov_mutex_unlock(&l->mutex);
    *rows = r;
    if (r && r->failed) {
        *err = r->err;
        st = err->code;
    } else if (r) {
        st = count_split(l, r, err);
    }
    if (st == OV_OK || !r)
        return st;
    ovi_loader_give_back(l, r);
    *rows = NULL;
    ovi_loader_set_failed(l, err);
    return st;
}

void ovi_loader_give_back(ov_loader *l, ov_rows *rows)
{
    ovi_rows_clear(rows);
    ov_mutex_lock(&l->mutex);
    l->spare[l->spare_count++] = rows;
    l->next_commit++;
    ov_cond_broadcast(&l->changed);
    ov_mutex_unlock(&l->mutex);
}

void ovi_loader_end(ov_loader *l)
{
    ov_mutex_lock(&l->mutex);
    l->ended = true;
    ov_cond_broadcast(&l->changed);
    ov_mutex_unlock(&l->mutex);
}

ov_status ov_loader_add(ov_loader *l, const ov_batch *batch, ov_error *err)
{
    ov_mutex_lock(&l->mutex);
    ov_status st = check_failed(l, err);
    while (st == OV_OK && ov_disk_paused(l->env.disk)) {
        (void)ov_cond_wait_ms(&l->changed, &l->mutex, 50);
        st = check_failed(l, err);
    }
    ov_mutex_unlock(&l->mutex);
    OV_TRY(st);
    l->counters.read += batch->sel_rows;
    l->counters.loaded += batch->sel_rows;
    if (l->env.progress)
        atomic_store(&l->env.progress->rows, l->counters.read);
    st = ovi_route_batch(l, batch, err);
    if (st != OV_OK)
        ovi_loader_set_failed(l, err);
    while (st == OV_OK && ovi_seal_one(l))
        continue;
    return st;
}

/* ---- the end ---- */

/* Until no builder waits for a thread. */
static void seal_all(void *arg)
{
    ov_loader *l = arg;
    for (bool left = true; left;) {
        if (ovi_seal_one(l))
            continue;
        ov_mutex_lock(&l->mutex);
        left = !l->failed && l->sealed_next < l->sealed_count;
        if (left)
            (void)ov_cond_wait_ms(&l->changed, &l->mutex, 50);
        ov_mutex_unlock(&l->mutex);
    }
}

/* Seal what is open, on all workers, and wait for what others still seal. */
static void seal_rest(ov_loader *l)
{
    ov_error err = OV_ERROR_INIT;
    uint32_t helpers = 0;
    ov_thread threads[64] = {0};
    for (uint32_t i = 0; i < l->chunk_count; i++)
        if (l->chunks[i].builder && ovi_seal_queue(l, &l->chunks[i], &err) != OV_OK)
            ovi_loader_set_failed(l, &err);
    uint32_t jobs = l->sealed_count - l->sealed_next;
    while (helpers + 1 < OV_MIN(l->env.workers, jobs) && helpers < OV_COUNT_OF(threads) &&
           ov_thread_start(&threads[helpers], "ov-seal", seal_all, l, &err) == OV_OK)
        helpers++;
    seal_all(l);
    for (uint32_t i = 0; i < helpers; i++)
        ov_thread_join(&threads[i]);
    ov_mutex_lock(&l->mutex);
    while (l->sealed_done < l->sealed_next)
        ov_cond_wait(&l->changed, &l->mutex);
    ov_mutex_unlock(&l->mutex);
}

static int by_place(const void *a, const void *b)
{
    const ovi_sealed *x = a, *y = b;
    if (x->start != y->start)
        return x->start < y->start ? -1 : 1;
    if (x->bucket != y->bucket)
        return x->bucket < y->bucket ? -1 : 1;
    return (x->partition > y->partition) - (x->partition < y->partition);
}

static ov_status copy_text(ov_arena *out, ov_slice *s, ov_error *err)
{
    return ov_arena_copy(out, *s, s, err);
}

static ov_status copy_segments(ov_loader *l, ov_arena *out, ov_load_result *res, ov_error *err)
{
    uint32_t cols = l->schema.column_count;
    if (l->sealed_count)
        qsort(l->sealed, l->sealed_count, sizeof *l->sealed, by_place);
    OV_TRY(ov_arena_zalloc(out, ((size_t)l->sealed_count + 1) * sizeof *res->segments, &res->segments, err));
    for (uint32_t i = 0; i < l->sealed_count; i++) {
        ov_load_segment *s = &res->segments[i];
        ov_slice path = ov_slice_cstr(l->sealed[i].path);
        ov_build_column *columns;
        OV_TRY(copy_text(out, &path, err));
        *s = (ov_load_segment){.path = path.p, .info = l->sealed[i].info, .column_count = cols};
        OV_TRY(copy_text(out, &s->info.datasource, err));
        OV_TRY(copy_text(out, &s->info.version, err));
        OV_TRY(ov_arena_alloc(out, cols * sizeof *columns, &columns, err));
        memcpy(columns, l->sealed[i].columns, cols * sizeof *columns);
        for (uint32_t c = 0; c < cols; c++)
            OV_TRY(copy_text(out, &columns[c].name, err));
        s->columns = columns;
        OV_TRY(ovi_arrival_hand_out(&l->sealed[i].arrival, out, &s->arrival, err));
    }
    res->segment_count = l->sealed_count;
    if (l->schema.partitioner)
        OV_TRY(ovi_bucket_shards(l, out, res, err));
    return l->schema.range_columns ? ovi_range_shards(l, out, res, err) : OV_OK;
}

static ov_status copy_books(ov_loader *l, ov_arena *out, ov_load_result *res, ov_error *err)
{
    res->counters = l->counters;
    OV_TRY(ov_arena_alloc(out, ((size_t)l->reject_count + 1) * sizeof *res->rejects, &res->rejects, err));
    if (l->reject_count)
        memcpy(res->rejects, l->rejects, l->reject_count * sizeof *res->rejects);
    for (uint32_t i = 0; i < l->reject_count; i++) {
        ov_reject *r = &res->rejects[i];
        OV_TRY(copy_text(out, &r->file, err));
        OV_TRY(copy_text(out, &r->field, err));
        OV_TRY(copy_text(out, &r->reason, err));
        OV_TRY(copy_text(out, &r->value, err));
        OV_TRY(copy_text(out, &r->hint, err));
    }
    res->reject_count = l->reject_count;
    return OV_OK;
}

ov_status ov_loader_finish(ov_loader *l, ov_arena *out, ov_load_result *result, ov_error *err)
{
    *result = (ov_load_result){0};
    ov_mutex_lock(&l->mutex);
    ov_status st = check_failed(l, err);
    bool pending = l->next_commit != l->next_begin;
    ov_mutex_unlock(&l->mutex);
    if (st == OV_OK && pending)
        st = ov_fail(err, OV_INTERNAL, "a split of the load was begun and never submitted");
    if (st == OV_OK) {
        seal_rest(l);
        ov_mutex_lock(&l->mutex);
        st = check_failed(l, err);
        ov_mutex_unlock(&l->mutex);
    }
    OV_TRY(copy_books(l, out, result, err));
    if (st != OV_OK)
        return st;
    OV_TRY(copy_segments(l, out, result, err));
    l->finished = true;
    return OV_OK;
}
