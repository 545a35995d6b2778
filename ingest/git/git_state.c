/* Cursors of repositories, and the shas that are loaded. */
#include "ingest/git/git_state.h"

#include "base/json.h"
#include "base/jsonw.h"

enum { MAX_HEADS = 1000 };

static ov_status fail_cursor(const ov_git_state *s, ov_error *err)
{
    return ov_fail(err, OV_CORRUPT, "the cursor '" OV_SLICE_FMT "' cannot be read; run the task with \"reset\": true",
                   OV_SLICE_ARG(s->key));
}

static ov_status read_heads(ov_git_state *s, ov_arena *out, ov_error *err)
{
    ov_json *doc;
    const ov_json *list;
    ov_error why = OV_ERROR_INIT;
    if (ov_json_parse(s->before, NULL, out, &doc, &why) != OV_OK ||
        ov_json_need_arr(doc, "heads", &list, &why) != OV_OK ||
        ov_json_bool(doc, "shallow", false, &s->shallow, &why) != OV_OK || list->count > MAX_HEADS)
        return fail_cursor(s, err);
    OV_TRY(ov_arena_alloc(out, list->count * sizeof(*s->heads), &s->heads, err));
    for (const ov_json *v = list->first; v; v = v->next)
        if (ov_json_as_str(v, &s->heads[s->head_count++], &why) != OV_OK)
            return fail_cursor(s, err);
    return OV_OK;
}

ov_status ov_git_state_read(ov_catalog *catalog, ov_slice commits_name, ov_slice repo, ov_arena *out,
                            ov_git_state *state, ov_error *err)
{
    *state = (ov_git_state){0};
    OV_TRY(ov_arena_printf(out, &state->key, err, "git:" OV_SLICE_FMT ":" OV_SLICE_FMT, OV_SLICE_ARG(commits_name),
                           OV_SLICE_ARG(repo)));
    OV_TRY(ov_catalog_cursor_get(catalog, state->key, out, &state->before, err));
    return state->before.n ? read_heads(state, out, err) : OV_OK;
}

ov_status ov_git_state_next(const ov_git_state *s, const ov_git_repo *repo, ov_arena *out, ov_slice *cursor,
                            ov_error *err)
{
    ov_jsonw w;
    ov_buf b;
    uint32_t n = 0;
    ov_buf_init(&b);
    ov_jsonw_init(&w, &b);
    ov_jsonw_open_object(&w, NULL);
    ov_jsonw_open_array(&w, "heads");
    if (repo->head.n) {
        ov_jsonw_str(&w, NULL, repo->head);
        n++;
    }
    for (uint32_t i = 0; i < s->head_count && n < MAX_HEADS; i++) {
        if (repo->head.n && ov_git_is_ancestor(repo, s->heads[i], repo->head))
            continue;
        ov_jsonw_str(&w, NULL, s->heads[i]);
        n++;
    }
    ov_jsonw_close_array(&w);
    ov_jsonw_bool(&w, "shallow", repo->shallow);
    ov_jsonw_close_object(&w);
    ov_status st = ov_buf_check(&b, err);
    if (st == OV_OK)
        st = ov_arena_copy(out, ov_buf_slice(&b), cursor, err);
    ov_buf_fini(&b);
    return st;
}

/* ---- loaded shas ---- */

typedef struct reading {
    ov_git_seen *seen;
    ov_slice repo;
    ov_arena scratch;
} reading;

static ov_status read_block(reading *r, const ov_column *repo, const ov_column *sha, uint32_t b, ov_error *err)
{
    ov_vec repos, shas;
    ov_arena_mark mark = ov_arena_mark_get(&r->scratch);
    OV_TRY(ov_column_read(repo, b, &r->scratch, &repos, err));
    OV_TRY(ov_column_read(sha, b, &r->scratch, &shas, err));
    for (uint32_t i = 0; i < repos.rows; i++) {
        if (ov_vec_is_null(&repos, i) || ov_vec_is_null(&shas, i) || !ov_slice_eq(ov_vec_str(&repos, i), r->repo))
            continue;
        OV_TRY(ov_git_seen_add(r->seen, ov_vec_str(&shas, i), err));
    }
    ov_arena_rewind(&r->scratch, mark);
    return OV_OK;
}

static ov_status read_segment(reading *r, const ov_segment *seg, ov_error *err)
{
    const ov_column *repo = ov_segment_find(seg, OV_SLICE_LIT("repo"));
    const ov_column *sha = ov_segment_find(seg, OV_SLICE_LIT("sha"));
    if (!repo || !sha)
        return OV_OK; /* all of its repo or sha is NULL: rows of somebody else */
    const ov_column_info *info = ov_column_get_info(repo);
    if (info->type.id != OV_TYPE_STRING || ov_column_get_info(sha)->type.id != OV_TYPE_STRING)
        return OV_OK;
    for (uint32_t b = 0; b < info->blocks; b++)
        OV_TRY(read_block(r, repo, sha, b, err));
    return OV_OK;
}

ov_status ov_git_seen_load(ov_git_seen *seen, ov_catalog *catalog, ov_slice commits_name, ov_slice repo,
                           ov_error *err)
{
    reading r = {.seen = seen, .repo = repo};
    ov_snapshot *snap = ov_catalog_snapshot(catalog);
    const ov_datasource *ds = ov_snapshot_find(snap, commits_name);
    ov_status st = OV_OK;
    ov_arena_init(&r.scratch, "loaded commits", NULL);
    for (uint32_t i = 0; ds && i < ds->segment_count && st == OV_OK; i++) {
        ov_segment *seg;
        st = ov_snapshot_open(snap, ds->segments[i], &seg, err);
        if (st != OV_OK)
            break;
        st = read_segment(&r, seg, err);
        ov_segment_release(seg);
    }
    ov_arena_fini(&r.scratch);
    ov_snapshot_release(snap);
    return st;
}
