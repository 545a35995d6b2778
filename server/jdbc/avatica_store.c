#include "server/jdbc/avatica_store.h"

#include "base/hash.h"
#include "base/mem.h"
#include "base/os.h"

struct ov_av_connection {
    ov_arena arena;
    ov_slice id, info;
    ov_av_props props;
    char catalog[128], schema[128]; /* of props */
    ov_av_statement *statements;
    uint32_t count;
    int64_t used_ms; /* monotonic */
    ov_av_connection *next;
};

struct ov_av_store {
    ov_mutex lock;
    ov_av_connection *connections;
    uint32_t count, last_id; /* of a statement */
};

enum { MOST_ID = INT32_MAX }; /* Java's */

/* From where a server counts: from anywhere, so that it does not give what the one before it gave. */
static uint32_t first_id(void)
{
    char uuid[OV_UUID_BYTES];
    ov_uuid_make(uuid);
    return (uint32_t)(ov_hash_bytes(uuid, sizeof uuid) % (MOST_ID / 2));
}

ov_status ov_av_store_create(ov_av_store **out, ov_error *err)
{
    ov_av_store *s = ov_calloc(1, sizeof *s);
    if (!s)
        return ov_fail_nomem(err, sizeof *s);
    ov_mutex_init(&s->lock);
    s->last_id = first_id();
    *out = s;
    return OV_OK;
}

/* ---- ends: what is unlinked under the lock is freed without it, since cursors wait for their queries ---- */

static void free_statement(ov_av_statement *st)
{
    ov_cursor_close(st->cursor);
    ov_arena_fini(&st->arena);
    ov_mutex_fini(&st->lock);
    ov_free(st);
}

/* The connection has it no longer: its query ends. True when nobody else reads it. Under the lock. */
static bool forget(ov_av_statement *st)
{
    st->connection = NULL;
    atomic_store(&st->running.cancelled, true);
    return --st->refs == 0;
}

/* Drops the store's count of every statement; those that were the last go to *dead. Under the lock. */
static void unlink_statements(ov_av_connection *c, ov_av_statement **dead)
{
    while (c->statements) {
        ov_av_statement *st = c->statements;
        c->statements = st->next;
        if (forget(st)) {
            st->next = *dead;
            *dead = st;
        }
    }
}

static void free_statements(ov_av_statement *dead)
{
    while (dead) {
        ov_av_statement *next = dead->next;
        free_statement(dead);
        dead = next;
    }
}

static void free_connection(ov_av_connection *c)
{
    ov_arena_fini(&c->arena);
    ov_free(c);
}

static bool in_use(const ov_av_connection *c)
{
    for (const ov_av_statement *st = c->statements; st; st = st->next)
        if (st->refs > 1)
            return true;
    return false;
}

/* Takes connections out: the one of this id, or (id.p NULL) those idle since `before`. */
static void drop(ov_av_store *s, ov_slice id, int64_t before)
{
    ov_av_statement *dead = NULL;
    ov_av_connection *gone = NULL;
    ov_mutex_lock(&s->lock);
    for (ov_av_connection **at = &s->connections; *at;) {
        ov_av_connection *c = *at;
        bool out = id.p ? ov_slice_eq(c->id, id) : c->used_ms < before && !in_use(c);
        if (!out) {
            at = &c->next;
            continue;
        }
        *at = c->next;
        s->count--;
        unlink_statements(c, &dead);
        c->next = gone;
        gone = c;
    }
    ov_mutex_unlock(&s->lock);
    free_statements(dead);
    while (gone) {
        ov_av_connection *next = gone->next;
        free_connection(gone);
        gone = next;
    }
}

void ov_av_store_destroy(ov_av_store *s)
{
    if (!s)
        return;
    drop(s, (ov_slice){NULL, 0}, INT64_MAX);
    ov_mutex_fini(&s->lock);
    ov_free(s);
}

void ov_av_store_close(ov_av_store *s, ov_slice id)
{
    drop(s, id.p ? id : OV_SLICE_LIT(""), 0);
}

/* ---- connections ---- */

/* NULL when there is none, or nobody used it for too long; it counts as used. Under the lock. */
static ov_av_connection *find(ov_av_store *s, ov_slice id)
{
    for (ov_av_connection *c = s->connections; c; c = c->next)
        if (ov_slice_eq(c->id, id)) {
            if (c->used_ms < ov_monotonic_ms() - OV_AV_IDLE_MS && !in_use(c))
                return NULL;
            c->used_ms = ov_monotonic_ms();
            return c;
        }
    return NULL;
}

static ov_status no_connection(ov_slice id, ov_error *err)
{
    return ov_fail(err, OV_NOT_FOUND,
                   "Connection [" OV_SLICE_FMT
                   "] does not exist or was idle for more than %d minutes",
                   OV_SLICE_ARG(id), OV_AV_IDLE_MS / 60000);
}

static OV_CHECKED ov_status make_connection(ov_slice id, ov_slice info, ov_av_connection **out,
                                            ov_error *err)
{
    ov_av_connection *c = ov_calloc(1, sizeof *c);
    if (!c)
        return ov_fail_nomem(err, sizeof *c);
    ov_arena_init(&c->arena, "connection", NULL);
    c->used_ms = ov_monotonic_ms();
    ov_status st = ov_arena_copy(&c->arena, id, &c->id, err);
    if (st == OV_OK)
        st = ov_arena_copy(&c->arena, info, &c->info, err);
    if (st != OV_OK) {
        free_connection(c);
        return st;
    }
    *out = c;
    return OV_OK;
}

/* Takes out the connection without statements that was used longest ago; NULL: all have some. Under the lock. */
static ov_av_connection *take_idle(ov_av_store *s)
{
    ov_av_connection **oldest = NULL, *c;
    for (ov_av_connection **at = &s->connections; *at; at = &(*at)->next)
        if (!(*at)->statements && (!oldest || (*at)->used_ms < (*oldest)->used_ms))
            oldest = at;
    if (!oldest)
        return NULL;
    c = *oldest;
    *oldest = c->next;
    s->count--;
    return c;
}

ov_status ov_av_store_open(ov_av_store *s, ov_slice id, ov_slice info, ov_error *err)
{
    ov_av_connection *c = NULL, *gone = NULL;
    drop(s, (ov_slice){NULL, 0}, ov_monotonic_ms() - OV_AV_IDLE_MS);
    OV_TRY(make_connection(id, info, &c, err));
    ov_mutex_lock(&s->lock);
    ov_status st = OV_OK;
    if (find(s, id))
        st = ov_fail(err, OV_INVALID, "Connection [" OV_SLICE_FMT "] already open",
                     OV_SLICE_ARG(id));
    else if (s->count >= OV_AV_MOST_CONNECTIONS && !(gone = take_idle(s)))
        st = ov_fail(err, OV_LIMIT, "Too many connections: %d are open, close some first",
                     OV_AV_MOST_CONNECTIONS);
    if (st == OV_OK) {
        c->next = s->connections;
        s->connections = c;
        s->count++;
    }
    ov_mutex_unlock(&s->lock);
    if (gone)
        free_connection(gone);
    if (st != OV_OK)
        free_connection(c);
    return st;
}

static OV_CHECKED ov_status keep_name(ov_slice name, char *room, size_t size, ov_slice *out,
                                      ov_error *err)
{
    if (!name.p)
        return OV_OK;
    if (name.n > size)
        return ov_fail(err, OV_LIMIT, "names of catalogs and schemas have at most %zu bytes", size);
    memcpy(room, name.p, name.n);
    *out = ov_slice_make(room, name.n);
    return OV_OK;
}

static OV_CHECKED ov_status merge_props(ov_av_connection *c, const ov_av_props *in, ov_error *err)
{
    if (in->has_auto_commit) {
        c->props.auto_commit = in->auto_commit;
        c->props.has_auto_commit = true;
    }
    if (in->has_read_only) {
        c->props.read_only = in->read_only;
        c->props.has_read_only = true;
    }
    if (in->has_isolation) {
        c->props.isolation = in->isolation;
        c->props.has_isolation = true;
    }
    OV_TRY(keep_name(in->catalog, c->catalog, sizeof c->catalog, &c->props.catalog, err));
    return keep_name(in->schema, c->schema, sizeof c->schema, &c->props.schema, err);
}

static OV_CHECKED ov_status sync_locked(ov_av_store *s, ov_slice id, ov_av_props *props,
                                        ov_arena *a, ov_error *err)
{
    ov_av_connection *c = find(s, id);
    if (!c)
        return no_connection(id, err);
    OV_TRY(merge_props(c, props, err));
    bool dirty = props->dirty;
    *props = c->props;
    props->dirty = dirty;
    if (props->catalog.p)
        OV_TRY(ov_arena_copy(a, props->catalog, &props->catalog, err));
    if (props->schema.p)
        OV_TRY(ov_arena_copy(a, props->schema, &props->schema, err));
    return OV_OK;
}

ov_status ov_av_store_sync(ov_av_store *s, ov_slice id, ov_av_props *props, ov_arena *a,
                           ov_error *err)
{
    ov_mutex_lock(&s->lock);
    ov_status st = sync_locked(s, id, props, a, err);
    ov_mutex_unlock(&s->lock);
    return st;
}

ov_status ov_av_store_info(ov_av_store *s, ov_slice id, ov_arena *a, ov_slice *info, ov_error *err)
{
    ov_mutex_lock(&s->lock);
    ov_av_connection *c = find(s, id);
    ov_status st = c ? ov_arena_copy(a, c->info, info, err) : no_connection(id, err);
    ov_mutex_unlock(&s->lock);
    return st;
}

/* ---- statements ---- */

static ov_av_statement *statement_of(const ov_av_connection *c, uint32_t id)
{
    ov_av_statement *st = c->statements;
    while (st && st->id != id)
        st = st->next;
    return st;
}

static uint32_t next_id(ov_av_store *s, const ov_av_connection *c)
{
    do
        s->last_id = s->last_id < MOST_ID ? s->last_id + 1 : 1;
    while (statement_of(c, s->last_id));
    return s->last_id;
}

ov_status ov_av_statement_find(ov_av_store *s, ov_slice connection, uint32_t id,
                               ov_av_statement **out, ov_error *err)
{
    *out = NULL;
    ov_mutex_lock(&s->lock);
    ov_av_connection *c = find(s, connection);
    *out = c ? statement_of(c, id) : NULL;
    if (*out)
        (*out)->refs++;
    ov_mutex_unlock(&s->lock);
    return c ? OV_OK : no_connection(connection, err);
}

/* id 0: a new one; else none has it, but for what another thread of the same client does now. */
static OV_CHECKED ov_status add_statement(ov_av_store *s, ov_slice connection, uint32_t id, ov_av_statement *st,
                                          ov_error *err)
{
    ov_av_connection *c = find(s, connection);
    if (!c)
        return no_connection(connection, err);
    if (c->count >= OV_AV_MOST_STATEMENTS)
        return ov_fail(err, OV_LIMIT,
                       "Too many open statements, limit is %d: close those that are read",
                       OV_AV_MOST_STATEMENTS);
    st->id = id ? id : next_id(s, c);
    st->connection = c;
    st->refs = 2; /* the connection's and the caller's */
    st->next = c->statements;
    c->statements = st;
    c->count++;
    return OV_OK;
}

static OV_CHECKED ov_status make_statement(ov_slice sql, ov_av_statement **out, ov_error *err)
{
    ov_av_statement *made = ov_calloc(1, sizeof *made);
    if (!made)
        return ov_fail_nomem(err, sizeof *made);
    ov_mutex_init(&made->lock);
    ov_arena_init(&made->arena, "statement", NULL);
    ov_status st = sql.n ? ov_arena_copy(&made->arena, sql, &made->sql, err) : OV_OK;
    if (st != OV_OK)
        free_statement(made);
    else
        *out = made;
    return st;
}

static OV_CHECKED ov_status create(ov_av_store *s, ov_slice connection, uint32_t id, ov_slice sql, ov_av_statement **out,
                                   ov_error *err)
{
    ov_av_statement *made = NULL;
    OV_TRY(make_statement(sql, &made, err));
    ov_mutex_lock(&s->lock);
    ov_status st = add_statement(s, connection, id, made, err);
    ov_mutex_unlock(&s->lock);
    if (st != OV_OK)
        free_statement(made);
    else
        *out = made;
    return st;
}

ov_status ov_av_statement_create(ov_av_store *s, ov_slice connection, ov_slice sql, ov_av_statement **out, ov_error *err)
{
    return create(s, connection, 0, sql, out, err);
}

ov_status ov_av_statement_again(ov_av_store *s, ov_slice connection, uint32_t id, ov_slice sql, ov_av_statement **out,
                                ov_error *err)
{
    OV_TRY(ov_av_statement_find(s, connection, id, out, err));
    return *out ? OV_OK : create(s, connection, id, sql, out, err);
}

ov_status ov_av_statement_begin(ov_av_store *s, ov_av_statement *st, ov_error *err)
{
    ov_mutex_lock(&s->lock);
    bool open = st->connection;
    if (open)
        atomic_store(&st->running.cancelled, false);
    ov_mutex_unlock(&s->lock);
    return open ? OV_OK : ov_fail(err, OV_CANCELLED, "statement %u was closed", st->id);
}

void ov_av_statement_release(ov_av_store *s, ov_av_statement *st)
{
    if (!st)
        return;
    ov_mutex_lock(&s->lock);
    bool last = --st->refs == 0;
    ov_mutex_unlock(&s->lock);
    if (last)
        free_statement(st);
}

void ov_av_statement_close(ov_av_store *s, ov_slice connection, uint32_t id)
{
    ov_av_statement *dead = NULL;
    ov_mutex_lock(&s->lock);
    ov_av_connection *c = find(s, connection);
    for (ov_av_statement **at = c ? &c->statements : NULL; at && *at; at = &(*at)->next) {
        ov_av_statement *st = *at;
        if (st->id != id)
            continue;
        *at = st->next;
        st->next = NULL;
        c->count--;
        if (forget(st))
            dead = st;
        break;
    }
    ov_mutex_unlock(&s->lock);
    free_statements(dead);
}
