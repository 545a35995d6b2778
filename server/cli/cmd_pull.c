/* plan, test and sources on the terminal: JSON in a pipe, words and a table for people. */
#include "server/cli/cmd_pull.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include "base/datetime.h"
#include "base/file.h"
#include "base/json.h"
#include "server/cli/cli.h"
#include "server/cli/progress.h"
#include "server/host.h"
#include "server/pull_query.h"
#include "server/task_transform.h"

typedef ov_status look_fn(const ov_pull_look *look, ov_slice spec, ov_buf *json, ov_error *err);

/* With the folder's states when there is one; another process may hold it. */
static ov_status look_at(const char *dir, ov_slice spec, look_fn *fn, ov_buf *json, ov_error *err)
{
    static ov_app app;
    char tmp[] = "/tmp/ovate-look-XXXXXX";
    ov_host_options host = {.dir = dir};
    ov_pull_ops ops;
    ov_pull_look look = {.transforms = &ov_transforms};
    ov_error ignored = OV_ERROR_INIT;
    ov_status opened = ov_host_open(&app, &host, &ignored);
    if (!mkdtemp(tmp)) {
        if (opened == OV_OK)
            ov_host_close(&app);
        return ov_fail(err, OV_IO, "cannot make a folder below /tmp");
    }
    look.tmp_dir = tmp;
    if (opened == OV_OK) {
        ops = ov_pull_ops_of(&app.env);
        look.catalog = app.catalog;
        look.ops = &ops;
    }
    ov_status st = fn(&look, spec, json, err);
    if (opened == OV_OK)
        ov_host_close(&app);
    (void)!ov_dir_remove_all(tmp, &ignored);
    return st;
}

static ov_slice text_at(const ov_json *doc, const char *key)
{
    const ov_json *v = ov_json_find(doc, key);
    return v && v->kind == OV_JSON_STRING ? v->s : (ov_slice){0};
}

static uint64_t number_at(const ov_json *doc, const char *key)
{
    const ov_json *v = ov_json_find(doc, key);
    return v && v->kind == OV_JSON_INT && v->i > 0 ? (uint64_t)v->i : 0;
}

static void say_plan(const ov_json *p)
{
    char a[32], b[32];
    const ov_json *seconds = ov_json_find(p, "seconds"), *first = ov_json_find(p, "first");
    double s = !seconds ? 0 : seconds->kind == OV_JSON_DOUBLE ? seconds->d : seconds->kind == OV_JSON_INT ? (double)seconds->i : 0;
    uint64_t series = number_at(p, "series"), done = number_at(p, "done"), requests = number_at(p, "requestsAtLeast"), tokens = number_at(p, "tokens");
    printf(OV_SLICE_FMT " into " OV_SLICE_FMT ": %s series", OV_SLICE_WHOLE(text_at(p, "source")), OV_SLICE_WHOLE(text_at(p, "dataSource")),
           ov_thousands(series, a));
    if (done)
        printf(", %s of them with nothing left to ask", ov_thousands(done, a));
    bool local = first && first->first && first->first->kind == OV_JSON_STRING && first->first->s.n && first->first->s.p[0] == '/';
    const char *verb = local ? "READ" : "GET";
    printf("\nat least %s %s%s", ov_thousands(requests, a), local ? "file" : "request", requests == 1 ? "" : "s");
    if (number_at(p, "conditional"))
        printf(", %s of them conditional (free where a 304 is)", ov_thousands(number_at(p, "conditional"), a));
    if (number_at(p, "listings"))
        printf(", and %s listings that tell how many files there are", ov_thousands(number_at(p, "listings"), a));
    if (s < 1)
        printf("\na second or more");
    else
        printf("\n%.0f s or more", s);
    printf(", bound by " OV_SLICE_FMT "; %s token%s, %s at once\n", OV_SLICE_WHOLE(text_at(p, "boundBy")), ov_thousands(tokens, a),
           tokens == 1 ? "" : "s", ov_thousands(number_at(p, "slots"), b));
    for (const ov_json *v = first ? first->first : NULL; v; v = v->next)
        printf("  %s " OV_SLICE_FMT "\n", verb, OV_SLICE_WHOLE(v->s));
}

static int report(ov_status st, const ov_error *err, ov_buf *json, void (*say)(const ov_json *doc))
{
    ov_arena a;
    ov_json *doc;
    ov_error why = OV_ERROR_INIT;
    if (st != OV_OK)
        return ov_cli_fail(err);
    ov_arena_init(&a, "answer", NULL);
    if (say && isatty(STDOUT_FILENO) && ov_json_parse(ov_buf_slice(json), NULL, &a, &doc, &why) == OV_OK) {
        say(doc);
    } else {
        fwrite(json->p, 1, json->n, stdout);
        putchar('\n');
    }
    ov_arena_fini(&a);
    return OV_EXIT_OK;
}

int ov_pull_cmd_plan(const char *dir, ov_slice spec)
{
    ov_buf json;
    ov_error err = OV_ERROR_INIT;
    ov_buf_init(&json);
    int code = report(look_at(dir, spec, ov_pull_plan, &json, &err), &err, &json, say_plan);
    ov_buf_fini(&json);
    return code;
}

/* Each row as it would be stored, one a line; why not, for those that would not. */
static void say_rows(const ov_json *doc)
{
    const ov_json *data = ov_json_find(doc, "data");
    for (const ov_json *v = data ? data->first : NULL; v; v = v->next) {
        const ov_json *parsed = ov_json_find(v, "parsed"), *why = ov_json_find(v, "error");
        ov_buf b;
        ov_buf_init(&b);
        if (parsed)
            ov_json_print(parsed, &b);
        printf("%s" OV_SLICE_FMT "%s" OV_SLICE_FMT "\n", parsed ? "" : "rejected", OV_SLICE_WHOLE(ov_buf_slice(&b)), why ? ": " : "",
               OV_SLICE_WHOLE(why && why->kind == OV_JSON_STRING ? why->s : (ov_slice){0}));
        ov_buf_fini(&b);
    }
}

int ov_pull_cmd_test(const char *dir, ov_slice spec)
{
    ov_buf json;
    ov_error err = OV_ERROR_INIT;
    ov_buf_init(&json);
    int code = report(look_at(dir, spec, ov_pull_test, &json, &err), &err, &json, say_rows);
    ov_buf_fini(&json);
    return code;
}

static void say_sources(const ov_json *doc)
{
    for (const ov_json *v = doc->first; v; v = v->next)
        printf("%-28.*s " OV_SLICE_FMT "\n", (int)text_at(v, "name").n, text_at(v, "name").p, OV_SLICE_WHOLE(text_at(v, "about")));
}

int ov_pull_cmd_sources(void)
{
    ov_buf json;
    ov_error err = OV_ERROR_INIT;
    ov_buf_init(&json);
    int code = report(ov_pull_sources(&json, &err), &err, &json, say_sources);
    ov_buf_fini(&json);
    return code;
}

ov_status ov_pull_with_interval(ov_slice spec, int64_t start_ms, int64_t end_ms, ov_arena *out, ov_slice *text, ov_error *err)
{
    ov_json *doc, *interval;
    ov_buf b;
    OV_TRY(ov_json_parse(spec, NULL, out, &doc, err));
    OV_TRY(ov_json_expect(doc, OV_JSON_OBJECT, err));
    ov_buf_init(&b);
    ov_interval_add(&b, (ov_interval){start_ms, end_ms});
    ov_status st = ov_json_new_str(out, ov_buf_slice(&b), &interval, err);
    if (st == OV_OK)
        st = ov_json_set(out, doc, "interval", interval, err);
    ov_buf_clear(&b);
    if (st == OV_OK) {
        ov_json_print(doc, &b);
        st = ov_buf_check(&b, err);
    }
    if (st == OV_OK)
        st = ov_arena_copy(out, ov_buf_slice(&b), text, err);
    ov_buf_fini(&b);
    return st;
}
