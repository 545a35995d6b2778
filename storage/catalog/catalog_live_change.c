/*
 * Changes of rows in memory that are no part of a commit: pushed pieces that come, merged ones that stand for others. Datasources with
 * keys collapse them first, under their own lock.
 */
#include "storage/catalog/keys_int.h"

/* *keyed: whether the datasources have keys; when one has got them since, nothing is done and it is set. */
static ov_status change_live(ov_catalog *cat, const ov_live_change *changes, uint32_t count, bool *keyed, ov_error *err)
{
    ovi_live_next next;
    ov_mutex_lock(&cat->live);
    for (uint32_t i = 0; i < count && !*keyed; i++)
        if (ovi_keys_find(cat, changes[i].datasource)) {
            *keyed = true;
            ov_mutex_unlock(&cat->live);
            return OV_OK;
        }
    ov_status st = ovi_live_prepare(cat, cat->published, changes, count, &next, err);
    if (st == OV_OK)
        ovi_live_install(cat, &next);
    ov_mutex_unlock(&cat->live);
    return st;
}

/* ---- pieces of a datasource with keys ---- */

static ov_status take_pieces(ovi_key_run *r, const ov_live_change *c, ov_error *err)
{
    ovi_key_source src = {0};
    for (uint32_t i = 0; i < c->add_count; i++) {
        const ov_segment_entry *e = ov_live_entry(c->add[i]);
        src = (ovi_key_source){.seg = e->live, .live = e->live, .arrival = c->arrival, .born = e->born_ms};
        if (!c->moved)
            OV_TRY(ovi_key_run_take(r, &src, src.born, err));
    }
    /* Also when no row is left: the table forgets the pieces that go, whose addresses others may get. */
    return c->moved ? ovi_key_run_move(r, c->moved, &src, OV_MIN(c->add_count, 1u), err) : OV_OK;
}

/* Under `lock`, which it lets go of. */
static ov_status change_keyed(ov_catalog *cat, ovi_keys *k, const ov_live_change *change, ov_error *err)
{
    bool keyed = true;
    ovi_key_run r;
    ovi_key_marks marks;
    ov_arena a;
    ov_live_change c = *change;
    ov_status st = ovi_key_run_open(&r, cat, k, err);
    if (st != OV_OK) {
        ov_mutex_unlock(&k->lock);
        return st;
    }
    r.at = 0; /* pieces bring their own instants */
    ov_arena_init(&a, "keys", NULL);
    st = take_pieces(&r, &c, err);
    if (st == OV_OK)
        st = ovi_keys_marks(&r, &a, &marks, err);
    if (st == OV_OK) {
        c.marks = &marks;
        for (uint32_t i = 0; i < c.add_count; i++)
            r.at = OV_MAX(r.at, ov_live_entry(c.add[i])->born_ms);
        st = change_live(cat, &c, 1, &keyed, err);
    }
    ovi_key_run_close(&r, st == OV_OK, NULL);
    ov_mutex_unlock(&k->lock);
    ov_arena_fini(&a);
    return st;
}

ov_status ov_catalog_live_change(ov_catalog *cat, const ov_live_change *changes, uint32_t count, ov_error *err)
{
    for (;;) {
        ovi_keys *k = NULL;
        bool some = false;
        for (uint32_t i = 0; i < count; i++)
            if (changes[i].add_count || changes[i].remove_count) {
                some = true;
                k = k ? k : ovi_keys_find(cat, changes[i].datasource);
            }
        if (k && count > 1)
            return ov_fail(err, OV_INTERNAL, "rows of a datasource with keys come in a change of their own");
        if (k && ovi_keys_lock(cat, k))
            return change_keyed(cat, k, changes, err);
        bool keyed = !some; /* where no piece comes or goes keys do not matter */
        ov_status st = change_live(cat, changes, count, &keyed, err);
        if (st != OV_OK || keyed == !some)
            return st;
    }
}
