/* GET /druid/v2/sql/statements/{id}/results: pages of a finished SELECT in any of the result formats. */
#include "base/numparse.h"
#include "base/tz.h"
#include "server/http/error_http.h"
#include "server/query/encode.h"
#include "server/query/result_file.h"
#include "server/query/sql_select.h"
#include "server/query/statement.h"

enum { PIECE_BYTES = 256 * 1024 };

typedef struct wanted {
    bool all; /* no page was named */
    uint32_t page;
    ov_result_format format;
} wanted;

static ov_status read_page(ov_request *rq, wanted *w, ov_error *err)
{
    bool found;
    int64_t page;
    ov_slice text = ov_request_param(rq, "page", &found);
    w->all = !found;
    if (!found)
        return OV_OK;
    if (!ov_parse_i64(text, &page))
        return ov_fail(err, OV_INVALID, "page must be a whole number, not '" OV_SLICE_FMT "'", OV_SLICE_ARG(text));
    if (page < 0)
        return ov_fail(err, OV_INVALID, "Page cannot be negative. Please pass a positive number.");
    w->page = (uint32_t)OV_MIN(page, (int64_t)UINT32_MAX);
    return OV_OK;
}

/* The request's, else the statement's own. */
static ov_status read_format(ov_request *rq, const ovi_statement *s, wanted *w, ov_error *err)
{
    bool found;
    ov_slice own, text = ov_request_param(rq, "resultFormat", &found);
    OV_TRY(ov_json_str(s->doc, "resultFormat", OV_SLICE_LIT("object"), &own, err));
    if (ov_result_format_find(found && text.n ? text : own, &w->format))
        return OV_OK;
    return ov_fail(err, OV_INVALID,
                   "'" OV_SLICE_FMT "' is no result format; object, array, objectLines, arrayLines and csv are",
                   OV_SLICE_ARG(text));
}

static ov_status check_state(const ovi_statement *s, ov_error *err)
{
    if (s->state[0] == 'S')
        return OV_OK;
    if (s->state[0] == 'F')
        return ov_fail(err, OV_INVALID, "Query[" OV_SLICE_FMT "] failed. Check the status api for more details.",
                       OV_SLICE_ARG(s->row.id));
    return ov_fail(err, OV_INVALID,
                   "Query[" OV_SLICE_FMT "] is currently in [%s] state. Please wait for it to complete.",
                   OV_SLICE_ARG(s->row.id), s->state);
}

/* ---- the rows ---- */

typedef struct answer {
    ov_request *rq;
    ov_encoder *encoder;
    ov_buf out;
} answer;

static ov_status add_rows(void *self, const ov_batch *batch, ov_error *err)
{
    answer *a = self;
    OV_TRY(ov_encode_rows(a->encoder, batch, &a->out, err));
    return a->out.n < PIECE_BYTES ? OV_OK : ov_respond_write(a->rq, &a->out, err);
}

static bool context_is_false(const ov_json *context, const char *key)
{
    const ov_json *v = ov_json_find(context, key);
    return v && ((v->kind == OV_JSON_BOOL && !v->boolean) ||
                 (v->kind == OV_JSON_STRING && ov_slice_ieq(v->s, OV_SLICE_LIT("false"))));
}

static bool is_asked(ov_request *rq, const char *name)
{
    bool found;
    return ov_slice_ieq(ov_request_param(rq, name, &found), OV_SLICE_LIT("true"));
}

static ov_status send_pages(answer *a, const ov_result_file *f, const ovi_statement *s, const wanted *w,
                            ov_error *err)
{
    const ov_tz *zone = NULL;
    ov_result_sink sink = {.rows = add_rows, .self = a};
    if (f->zone.n)
        OV_TRY(ov_tz_get(f->zone, &zone, err));
    bool header = is_asked(a->rq, "header"); /* never by the statement's own: consoles set it and take the names from the schema */
    ov_encode_options options = {
        .format = w->format,
        .header = header,
        .types_header = header && is_asked(a->rq, "typesHeader"),
        .sql_types_header = header && is_asked(a->rq, "sqlTypesHeader"),
        .stringify_arrays = !context_is_false(ov_json_find(s->doc, "sqlQueryContext"), "sqlStringifyArrays"),
        .tz = zone,
    };
    OV_TRY(ov_encoder_create(&options, f->fields, f->field_count, &a->encoder, err));
    ov_encode_begin(a->encoder, &a->out);
    ov_respond_begin(a->rq, 200, "application/json");
    for (uint32_t i = w->all ? 0 : w->page; i < (w->all ? f->page_count : w->page + 1); i++)
        if (i < f->page_count)
            OV_TRY(ov_result_read(f, i, &sink, err));
    ov_encode_end(a->encoder, &a->out);
    return ov_respond_write(a->rq, &a->out, err);
}

static ov_status send_file(ov_app *app, ov_request *rq, const ovi_statement *s, const wanted *w, ov_error *err)
{
    ov_slice path;
    ov_result_file f;
    answer a = {.rq = rq};
    OV_TRY(ov_sql_result_path(ov_catalog_dir(app->catalog), s->row.id, ov_request_arena(rq), &path, err));
    ov_status st = ov_result_open(path.p, &f, err);
    if (st == OV_NOT_FOUND)
        st = ov_fail(err, OV_NOT_FOUND,
                     "The results of query [" OV_SLICE_FMT "] are no longer present: they are kept for a day, and less when "
                     "much is kept. Run the statement again.",
                     OV_SLICE_ARG(s->row.id));
    if (st == OV_OK && !w->all && w->page > 0 && w->page >= f.page_count)
        st = ov_fail(err, OV_INVALID, "Page number [%u] is out of the range of results", w->page);
    ov_buf_init(&a.out);
    if (st == OV_OK)
        st = send_pages(&a, &f, s, w, err);
    if (st == OV_OK)
        ov_respond_end(rq);
    ov_encoder_destroy(a.encoder);
    ov_buf_fini(&a.out);
    ov_result_close(&f);
    return st;
}

static ov_status answer_results(ov_app *app, ov_request *rq, ov_slice id, ov_error *err)
{
    ovi_statement s;
    wanted w;
    OV_TRY(read_page(rq, &w, err));
    OV_TRY(ovi_statement_find(app, id, ov_request_arena(rq), &s, err));
    OV_TRY(check_state(&s, err));
    if (s.writes) { /* nothing to return, as in Druid */
        ov_respond(rq, 200, "application/json", (ov_slice){NULL, 0});
        return OV_OK;
    }
    OV_TRY(read_format(rq, &s, &w, err));
    bool named;
    ov_slice name = ov_request_param(rq, "filename", &named), value;
    if (named) {
        if (name.n == 0 || name.n > 255 || memchr(name.p, '"', name.n) || memchr(name.p, '/', name.n))
            return ov_fail(err, OV_INVALID, "filename must be 1 to 255 bytes without quotes and slashes");
        OV_TRY(ov_arena_printf(ov_request_arena(rq), &value, err, "attachment; filename=\"" OV_SLICE_FMT "\"",
                               OV_SLICE_ARG(name)));
        ov_respond_header(rq, "Content-Disposition", value);
    }
    return send_file(app, rq, &s, &w, err);
}

void ov_h_statement_results(ov_app *app, ov_request *rq, const ov_captures *at)
{
    ov_error err = OV_ERROR_INIT;
    if (answer_results(app, rq, at->s[0], &err) == OV_OK)
        return;
    if (ov_request_status(rq) == 0 || ov_respond_retract(rq))
        ov_respond_error(rq, OV_ERROR_STATEMENT, (ov_slice){NULL, 0}, &err);
    else
        ov_respond_abort(rq);
}
