/* From a document to a task in the queue: new ones, and those that ask to run again after a stop. */
#include "ingest/task/task_int.h"

#include "base/log.h"
#include "base/os.h"

static ov_status make_id(ovi_task *t, int64_t now, ov_error *err)
{
    unsigned char random[8];
    char letters[9] = {0}, when[OV_ISO_BYTES];
    if (ov_os_now->random(random, sizeof(random)) != 0)
        return ov_fail(err, OV_IO, "the system gave no random bytes");
    for (size_t i = 0; i < sizeof(random); i++)
        letters[i] = (char)('a' + random[i] % 16); /* a to p, as Druid's ids */
    int n = (int)ov_iso_format(now, NULL, when);
    return ov_arena_printf(&t->arena, &t->row.id, err, OV_SLICE_FMT "_" OV_SLICE_FMT "_%s_%.*s",
                           OV_SLICE_ARG(t->row.type), OV_SLICE_ARG(t->row.datasource), letters, n, when);
}

/* An id becomes a file name and part of URLs. */
static ov_status check_id(ov_slice id, ov_error *err)
{
    enum { MAX_ID = 240 };
    bool ok = id.n > 0 && id.n <= MAX_ID && id.p[0] != '.';
    for (size_t i = 0; i < id.n && ok; i++)
        ok = (unsigned char)id.p[i] > 32 && id.p[i] != '/' && id.p[i] != 127;
    if (!ok)
        return ov_fail(err, OV_INVALID,
                       "id: '" OV_SLICE_FMT "' cannot be a task id: 1 to 240 bytes without blanks, control "
                       "characters and '/', not starting with '.'",
                       OV_SLICE_ARG(id));
    return OV_OK;
}

static ov_status print_json(ov_arena *a, const ov_json *v, ov_slice *out, ov_error *err)
{
    ov_buf b;
    ov_buf_init(&b);
    ov_json_print(v, &b);
    ov_status st = ov_buf_check(&b, err);
    if (st == OV_OK)
        st = ov_arena_copy(a, ov_buf_slice(&b), out, err);
    ov_buf_fini(&b);
    return st;
}

/* Druid's, where the context says nothing. */
static int64_t priority_of(ov_slice type)
{
    static const char *const low[] = {"kill", "noop"};
    for (size_t i = 0; i < OV_COUNT_OF(low); i++)
        if (ov_slice_eq(type, ov_slice_cstr(low[i])))
            return 0;
    return ov_slice_eq(type, OV_SLICE_LIT("compact")) ? 25 : 50;
}

static ov_status read_envelope(ovi_task *t, const ov_json *doc, ov_error *err)
{
    const ov_json *context;
    OV_TRY(ov_json_expect(doc, OV_JSON_OBJECT, err));
    OV_TRY(ovi_task_type_of(doc, &t->type, err));
    t->row.type = ov_slice_cstr(t->type->name);
    OV_TRY(ov_json_str(doc, "id", (ov_slice){0}, &t->row.id, err));
    OV_TRY(ov_json_str(doc, "groupId", (ov_slice){0}, &t->row.group_id, err));
    OV_TRY(ov_json_obj(doc, "context", &context, err));
    OV_TRY(ov_json_i64(context, "priority", priority_of(t->row.type), &t->priority, err));
    if (!context)
        return OV_OK;
    OV_TRY(ov_json_bool(context, "restart", false, &t->row.restart, err));
    return print_json(&t->arena, context, &t->context_json, err);
}

/* From text to a task that could run; nothing outside it has changed. kept: it will be read once more from what is kept of it. */
static ov_status read_document(ovi_task *t, ov_slice text, bool kept, ov_error *err)
{
    ov_json *doc, *id;
    int64_t now = ov_now_ms();
    char when[OV_ISO_BYTES];
    OV_TRY(ov_json_parse(text, NULL, &t->arena, &doc, err));
    OV_TRY(read_envelope(t, doc, err));
    if (t->row.id.n)
        OV_TRY(check_id(t->row.id, err));
    t->row.spec = text; /* check may want the text itself */
    OV_TRY(t->type->check(t, doc, err));
    if (ov_spec_hide_secrets(doc) && (kept || t->row.restart))
        return ov_fail(err, OV_INVALID, "the task holds a password or a header with a secret, and documents are kept without them: it could not "
                       "run later; name the password: {\"type\": \"environment\", \"variable\": \"NAME\"}");
    if (t->row.id.n == 0) {
        OV_TRY(make_id(t, now, err));
        OV_TRY(ov_json_new_str(&t->arena, t->row.id, &id, err));
        OV_TRY(ov_json_set(&t->arena, doc, "id", id, err));
    }
    if (t->row.group_id.n == 0)
        t->row.group_id = t->row.id;
    t->row.created_ms = now;
    t->row.duration_ms = -1;
    t->row.state = OV_SLICE_LIT("RUNNING");
    OV_TRY(ov_arena_copy(&t->arena, ov_slice_make(when, ov_iso_format(now, NULL, when)), &t->row.created, err));
    OV_TRY(ov_arena_printf(&t->arena, &t->row.status, err, "{\"host\":\"%s\",\"port\":%d,\"tlsPort\":-1}",
                           t->runner->config.host, t->runner->config.port));
    return print_json(&t->arena, doc, &t->row.spec, err);
}

static ov_status admit(ov_tasks *r, ovi_task *t, ov_slice text, ov_error *err)
{
    OV_TRY(read_document(t, text, false, err));
    OV_TRY(ov_catalog_task_insert(r->config.catalog, &t->row, err));
    ov_error log_err = OV_ERROR_INIT;
    if (ovi_task_log_open(&t->log, ov_catalog_dir(r->config.catalog), t->row.id, &log_err) != OV_OK)
        ov_log_warn("a task runs without its log", ov_kv_slice("task", t->row.id), ov_kv_err(&log_err));
    return OV_OK;
}

ov_status ov_tasks_submit(ov_tasks *r, ov_slice json, ov_arena *out, ov_slice *id, ov_error *err)
{
    ovi_task *t = ovi_task_create(r);
    if (!t)
        return ov_fail_nomem(err, sizeof(*t));
    ov_status st = admit(r, t, json, err);
    if (st == OV_OK)
        st = ov_arena_copy(out, t->row.id, id, err);
    if (st != OV_OK) {
        ovi_task_release(t);
        return st;
    }
    ovi_tasks_enqueue(r, t);
    return OV_OK;
}

ov_status ov_tasks_check(ov_tasks *r, ov_slice json, ov_error *err)
{
    ovi_task *t = ovi_task_create(r);
    if (!t)
        return ov_fail_nomem(err, sizeof(*t));
    ov_status st = read_document(t, json, true, err);
    ovi_task_release(t);
    return st;
}

/* ---- after a stop ---- */

/* A row that was RUNNING when the last process ended and wants another run. */
static ov_status take_up(ov_tasks *r, const ov_task_row *row, ov_error *err)
{
    ovi_task *t = ovi_task_create(r);
    ov_json *doc;
    ov_slice text;
    if (!t)
        return ov_fail_nomem(err, sizeof(*t));
    ov_status st = ov_arena_copy(&t->arena, row->spec, &text, err);
    if (st == OV_OK)
        st = ov_json_parse(text, NULL, &t->arena, &doc, err);
    if (st == OV_OK)
        st = read_envelope(t, doc, err);
    if (st == OV_OK) {
        t->row.spec = text;
        st = t->type->check(t, doc, err);
    }
    if (st == OV_OK)
        st = ov_arena_copy(&t->arena, row->group_id, &t->row.group_id, err);
    if (st == OV_OK)
        st = ov_arena_copy(&t->arena, row->created, &t->row.created, err);
    if (st == OV_OK)
        st = ov_arena_copy(&t->arena, row->status, &t->row.status, err);
    if (st != OV_OK) {
        ovi_task_release(t);
        return st;
    }
    t->row.state = OV_SLICE_LIT("RUNNING");
    t->row.created_ms = row->created_ms;
    t->row.duration_ms = -1;
    ov_error log_err = OV_ERROR_INIT;
    if (ovi_task_log_open(&t->log, ov_catalog_dir(r->config.catalog), t->row.id, &log_err) == OV_OK)
        ovi_task_log_line(&t->log, "INFO", "the server had stopped; the task runs again");
    ovi_tasks_enqueue(r, t);
    return OV_OK;
}

ov_status ovi_tasks_take_up(ov_tasks *r, ov_error *err)
{
    ov_arena a;
    ov_task_row *rows, row;
    uint32_t n;
    ov_arena_init(&a, "tasks", NULL);
    ov_status st =
        ov_catalog_task_list(r->config.catalog, (ov_slice){0}, OV_SLICE_LIT("RUNNING"), 0, &a, &rows, &n, err);
    for (uint32_t i = n; st == OV_OK && i > 0; i--) { /* oldest first */
        ov_error why = OV_ERROR_INIT;
        st = ov_catalog_task_get(r->config.catalog, rows[i - 1].id, &a, &row, err);
        if (st != OV_OK || take_up(r, &row, &why) == OV_OK)
            continue;
        row.state = OV_SLICE_LIT("FAILED");
        row.duration_ms = 0;
        row.error_msg = ov_slice_cstr(why.text);
        st = ov_catalog_task_update(r->config.catalog, &row, err);
    }
    ov_arena_fini(&a);
    return st;
}
