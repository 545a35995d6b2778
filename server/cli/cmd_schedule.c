/*
 * ovate ingest schedule [list | next FILE | apply FILE | remove NAME | pause NAME | resume NAME | trigger NAME]
 *
 * list and next only look. The others go to the server that holds the folder: it is the one that runs them.
 */
#include "server/cli/cmd_schedule.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include "base/file.h"
#include "base/httpc.h"
#include "base/json.h"
#include "ingest/schedule/schedule.h"
#include "server/cli/cli.h"
#include "server/host.h"

enum { SHOWN_RUNS = 5 };

static ov_slice text_at(const ov_json *doc, const char *key)
{
    const ov_json *v = ov_json_find(doc, key);
    return v && v->kind == OV_JSON_STRING ? v->s : OV_SLICE_LIT("");
}

static void say(const ov_json *s)
{
    const ov_json *next = ov_json_find(s, "next"), *runs = ov_json_find(s, "runs"), *paused = ov_json_find(s, "paused");
    int shown = 0;
    printf(OV_SLICE_FMT "%s\n", OV_SLICE_WHOLE(text_at(s, "name")), paused && paused->boolean ? " (paused)" : "");
    for (const ov_json *v = next ? next->first : NULL; v; v = v->next)
        printf("  next  " OV_SLICE_FMT "\n", OV_SLICE_WHOLE(v->s));
    for (const ov_json *v = runs ? runs->first : NULL; v && shown < SHOWN_RUNS; v = v->next, shown++)
        printf("  %-8.*s " OV_SLICE_FMT "/" OV_SLICE_FMT "  " OV_SLICE_FMT " " OV_SLICE_FMT "\n", (int)text_at(v, "state").n,
               text_at(v, "state").p, OV_SLICE_WHOLE(text_at(v, "start")), OV_SLICE_WHOLE(text_at(v, "end")),
               OV_SLICE_WHOLE(text_at(v, "task")), OV_SLICE_WHOLE(text_at(v, "why")));
}

/* A document or a list of them. */
static int show(const ov_buf *json)
{
    ov_arena a;
    ov_json *doc;
    ov_error err = OV_ERROR_INIT;
    if (!isatty(STDOUT_FILENO)) {
        fwrite(json->p, 1, json->n, stdout);
        putchar('\n');
        return OV_EXIT_OK;
    }
    ov_arena_init(&a, "schedules", NULL);
    ov_status st = ov_json_parse(ov_buf_slice(json), NULL, &a, &doc, &err);
    if (st == OV_OK && doc->kind == OV_JSON_ARRAY)
        for (const ov_json *v = doc->first; v; v = v->next)
            say(v);
    else if (st == OV_OK)
        say(doc);
    ov_arena_fini(&a);
    return st == OV_OK ? OV_EXIT_OK : ov_cli_fail(&err);
}

static ov_status list(const char *dir, ov_buf *json, ov_error *err)
{
    static ov_app app;
    ov_host_options host = {.dir = dir};
    OV_TRY(ov_host_open(&app, &host, err));
    ov_status st = ov_schedules_print(app.catalog, (ov_slice){0}, SHOWN_RUNS, json, err);
    ov_host_close(&app);
    return st;
}

static ov_status next(const char *path, ov_buf *json, ov_error *err)
{
    ov_buf text;
    ov_buf_init(&text);
    ov_status st = ov_file_read(path, 0, &text, err);
    if (st == OV_OK)
        st = ov_schedule_next(ov_buf_slice(&text), 2 * SHOWN_RUNS, json, err);
    ov_buf_fini(&text);
    return st;
}

static ov_status call(const char *dir, const char *method, const char *path, ov_slice body, ov_buf *json, ov_error *err)
{
    static const char *const headers[] = {"Content-Type: application/json", NULL};
    ov_buf url, address;
    ov_http_response got;
    ov_buf_init(&url);
    ov_buf_init(&address);
    ov_status st = ov_catalog_holder(dir, &address, err);
    if (st == OV_OK && address.n == 0)
        st = ov_fail(err, OV_IO, "no server holds %s; schedules are changed through the server that runs them", dir);
    ov_buf_addf(&url, "http://" OV_SLICE_FMT "%s", OV_SLICE_WHOLE(ov_buf_slice(&address)), path);
    ov_http_request rq = {.method = method, .url = ov_buf_cstr(&url), .headers = headers, .body = body};
    if (st == OV_OK)
        st = ov_http_fetch(&rq, json, &got, err);
    if (st == OV_OK && got.status != 200)
        st = ov_fail(err, OV_INVALID, OV_SLICE_FMT, OV_SLICE_WHOLE(ov_buf_slice(json)));
    ov_buf_fini(&url);
    ov_buf_fini(&address);
    return st;
}

static ov_status apply(const char *dir, const char *path, ov_buf *json, ov_error *err)
{
    ov_buf text;
    ov_buf_init(&text);
    ov_status st = ov_file_read(path, 0, &text, err);
    if (st == OV_OK)
        st = call(dir, "POST", "/ovate/v1/schedules", ov_buf_slice(&text), json, err);
    ov_buf_fini(&text);
    return st;
}

/* pause, resume, trigger and remove of one by name. */
static ov_status change(const char *dir, const char *word, const char *name, ov_buf *json, ov_error *err)
{
    ov_buf path;
    bool remove = strcmp(word, "remove") == 0;
    ov_buf_init(&path);
    ov_buf_add_str(&path, "/ovate/v1/schedules/");
    ov_url_encode(&path, ov_slice_cstr(name));
    if (!remove)
        ov_buf_addf(&path, "/%s", strcmp(word, "trigger") == 0 ? "run" : word);
    ov_status st = call(dir, remove ? "DELETE" : "POST", ov_buf_cstr(&path), OV_SLICE_LIT("{}"), json, err);
    ov_buf_fini(&path);
    return st;
}

int ov_schedule_cmd(const char *dir, int count, char **words)
{
    static const char *const changes[] = {"remove", "pause", "resume", "trigger"};
    ov_error err = OV_ERROR_INIT;
    ov_buf json;
    ov_status st = OV_INVALID;
    bool known = false;
    ov_buf_init(&json);
    if (count == 0 || (count == 1 && strcmp(words[0], "list") == 0)) {
        known = true;
        st = list(dir, &json, &err);
    } else if (count == 2 && strcmp(words[0], "next") == 0) {
        known = true;
        st = next(words[1], &json, &err);
    } else if (count == 2 && strcmp(words[0], "apply") == 0) {
        known = true;
        st = apply(dir, words[1], &json, &err);
    }
    for (size_t i = 0; i < OV_COUNT_OF(changes) && count == 2 && !known; i++)
        if (strcmp(words[0], changes[i]) == 0) {
            known = true;
            st = change(dir, words[0], words[1], &json, &err);
        }
    int code = !known ? ov_cli_usage(&ov_cmd_ingest, "say `schedule`, `schedule next FILE`, `schedule apply FILE`, or `schedule "
                                     "remove|pause|resume|trigger NAME`")
               : st == OV_OK ? show(&json)
                             : ov_cli_fail(&err);
    ov_buf_fini(&json);
    return code;
}
