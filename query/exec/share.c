/*
 * Pieces of work shared out among the workers of a run, outside of any scan.
 */
#include "query/exec/exec_int.h"

#include "base/pool.h"

typedef struct sharing {
    ovi_exec *exec;
    ovi_piece_fn fn;
    void *self;
    _Atomic bool failed;
    ov_mutex lock; /* of err and st */
    ov_status st;
    ov_error err;
} sharing;

static ov_status one_piece(const sharing *s, ovi_worker *w, size_t piece, ov_error *err)
{
    OV_TRY(ovi_next_batch(w, err));
    return s->fn(s->self, w, piece, err);
}

static void run_piece(void *arg, size_t piece, unsigned worker)
{
    sharing *s = arg;
    ov_error err = OV_ERROR_INIT;
    if (atomic_load_explicit(&s->failed, memory_order_relaxed))
        return;
    ov_status st = one_piece(s, &s->exec->workers[worker], piece, &err);
    if (st == OV_OK)
        return;
    ov_mutex_lock(&s->lock);
    if (!atomic_load(&s->failed)) {
        s->st = st;
        s->err = err;
        atomic_store(&s->failed, true);
    }
    ov_mutex_unlock(&s->lock);
}

ov_status ovi_share(ovi_exec *x, size_t pieces, bool alone, ovi_piece_fn fn, void *self, ov_error *err)
{
    sharing s = {.exec = x, .fn = fn, .self = self, .err = OV_ERROR_INIT};
    if (x->worker_count == 1 || alone || pieces < 2) {
        for (size_t i = 0; i < pieces; i++)
            OV_TRY(one_piece(&s, &x->workers[0], i, err));
        return OV_OK;
    }
    ov_mutex_init(&s.lock);
    ov_pool_each(x->cx->pool, x->worker_count, pieces, run_piece, &s);
    ov_mutex_fini(&s.lock);
    if (s.st != OV_OK)
        *err = s.err;
    return s.st;
}
