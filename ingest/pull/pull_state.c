/* What is kept of a series between runs: JSON under one cursor of the catalog. */
#include "ingest/pull/pull_int.h"

#include "base/jsonw.h"

enum { MAX_PAGES = 2000, MAX_EDGE = 20000 };

/* ---- reading and writing ---- */

static ov_status read_pages(const ov_json *list, ov_arena *out, ovi_pull_state *s, ov_error *err)
{
    for (const ov_json *v = list ? list->first : NULL; v; v = v->next) {
        ovi_known_page p;
        OV_TRY(ov_json_str(v, "url", (ov_slice){0}, &p.url, err));
        OV_TRY(ov_json_str(v, "etag", (ov_slice){0}, &p.etag, err));
        OV_TRY(ov_json_str(v, "modified", (ov_slice){0}, &p.modified, err));
        OV_TRY(ov_json_str(v, "next", (ov_slice){0}, &p.next, err));
        OV_TRY(ovi_state_add_page(s, out, &p, err));
    }
    return OV_OK;
}

/* "0123456789abcdef value" */
static ov_status read_edge(const ov_json *list, ov_arena *out, ovi_pull_state *s, ov_error *err)
{
    for (const ov_json *v = list ? list->first : NULL; v; v = v->next) {
        ov_slice text;
        uint64_t hash = 0;
        OV_TRY(ov_json_as_str(v, &text, err));
        if (text.n < 17)
            return ov_json_fail(v, err, OV_CORRUPT, "too short");
        for (int i = 0; i < 16; i++) {
            char c = text.p[i];
            hash = hash << 4 | (uint64_t)(c <= '9' ? c - '0' : c - 'a' + 10);
        }
        OV_TRY(ovi_state_add_edge(s, out, hash, ov_slice_make(text.p + 17, text.n - 17), err));
    }
    return OV_OK;
}

static ov_status read_members(const ov_json *doc, ov_arena *out, ovi_pull_state *s, ov_error *err)
{
    const ov_json *list;
    int64_t n;
    OV_TRY(ov_json_bool(doc, "done", false, &s->done, err));
    OV_TRY(ov_json_str(doc, "cursor", (ov_slice){0}, &s->cursor, err));
    OV_TRY(ov_json_str(doc, "high", (ov_slice){0}, &s->high, err));
    OV_TRY(ov_json_str(doc, "resume", (ov_slice){0}, &s->resume, err));
    OV_TRY(ov_json_i64(doc, "resumePage", 0, &n, err));
    s->resume_page = (uint64_t)n;
    OV_TRY(ov_json_str(doc, "token", (ov_slice){0}, &s->token, err));
    OV_TRY(ov_json_i64(doc, "rows", 0, &n, err));
    s->rows = (uint64_t)n;
    OV_TRY(ov_json_i64(doc, "requests", 0, &n, err));
    s->requests = (uint64_t)n;
    OV_TRY(ov_json_arr(doc, "pages", &list, err));
    OV_TRY(read_pages(list, out, s, err));
    OV_TRY(ov_json_arr(doc, "edge", &list, err));
    return read_edge(list, out, s, err);
}

ov_status ovi_state_read(ov_slice text, ov_arena *out, ovi_pull_state *s, ov_error *err)
{
    ov_json *doc;
    *s = (ovi_pull_state){0};
    if (text.n == 0)
        return OV_OK;
    ov_status st = ov_json_parse(text, NULL, out, &doc, err);
    if (st == OV_OK)
        st = read_members(doc, out, s, err);
    if (st != OV_OK && st != OV_NOMEM)
        return ov_fail(err, OV_CORRUPT, "the state of a series cannot be read; run the task with \"reset\": true");
    return st;
}

static void print_text(ov_jsonw *w, const char *key, ov_slice text)
{
    if (text.n)
        ov_jsonw_str(w, key, text);
}

static void print_lists(ov_jsonw *w, const ovi_pull_state *s)
{
    ov_jsonw_open_array(w, "pages");
    for (uint32_t i = 0; i < s->page_count; i++) {
        ov_jsonw_open_object(w, NULL);
        ov_jsonw_str(w, "url", s->pages[i].url);
        print_text(w, "etag", s->pages[i].etag);
        print_text(w, "modified", s->pages[i].modified);
        print_text(w, "next", s->pages[i].next);
        ov_jsonw_close_object(w);
    }
    ov_jsonw_close_array(w);
    ov_jsonw_open_array(w, "edge");
    for (uint32_t i = 0; i < s->edge_count; i++) {
        ov_buf b;
        ov_buf_init(&b);
        ov_buf_addf(&b, "%016llx ", (unsigned long long)s->edge[i].hash);
        ov_buf_add_slice(&b, s->edge[i].value);
        ov_jsonw_str(w, NULL, ov_buf_slice(&b));
        ov_buf_fini(&b);
    }
    ov_jsonw_close_array(w);
}

ov_status ovi_state_print(const ovi_pull_state *s, ov_arena *out, ov_slice *text, ov_error *err)
{
    ov_buf b;
    ov_jsonw w;
    ov_buf_init(&b);
    ov_jsonw_init(&w, &b);
    ov_jsonw_open_object(&w, NULL);
    if (s->done)
        ov_jsonw_bool(&w, "done", true);
    print_text(&w, "cursor", s->cursor);
    print_text(&w, "high", s->high);
    print_text(&w, "resume", s->resume);
    if (s->resume_page)
        ov_jsonw_u64(&w, "resumePage", s->resume_page);
    print_text(&w, "token", s->token);
    ov_jsonw_u64(&w, "rows", s->rows);
    ov_jsonw_u64(&w, "requests", s->requests);
    print_lists(&w, s);
    ov_jsonw_close_object(&w);
    ov_status st = ov_buf_check(&b, err);
    if (st == OV_OK)
        st = ov_arena_copy(out, ov_buf_slice(&b), text, err);
    ov_buf_fini(&b);
    return st;
}

/* ---- pages and edge ---- */

ov_status ovi_state_add_page(ovi_pull_state *s, ov_arena *out, const ovi_known_page *page, ov_error *err)
{
    if (s->page_count == MAX_PAGES) /* later pages are then simply asked in full */
        return OV_OK;
    OV_TRY(ov_arena_room(out, &s->pages, s->page_count, &s->page_cap, 1, sizeof *s->pages, err));
    ovi_known_page *p = &s->pages[s->page_count++];
    OV_TRY(ov_arena_copy(out, page->url, &p->url, err));
    OV_TRY(ov_arena_copy(out, page->etag, &p->etag, err));
    OV_TRY(ov_arena_copy(out, page->modified, &p->modified, err));
    return ov_arena_copy(out, page->next, &p->next, err);
}

ov_status ovi_state_add_edge(ovi_pull_state *s, ov_arena *out, uint64_t hash, ov_slice value, ov_error *err)
{
    if (s->edge_count == MAX_EDGE) { /* keep the newer half */
        memmove(s->edge, s->edge + MAX_EDGE / 2, (MAX_EDGE - MAX_EDGE / 2) * sizeof(*s->edge));
        s->edge_count = MAX_EDGE - MAX_EDGE / 2;
    }
    OV_TRY(ov_arena_room(out, &s->edge, s->edge_count, &s->edge_cap, 1, sizeof *s->edge, err));
    s->edge[s->edge_count].hash = hash;
    return ov_arena_copy(out, value, &s->edge[s->edge_count++].value, err);
}

const ovi_known_page *ovi_state_page(const ovi_pull_state *s, ov_slice url)
{
    for (uint32_t i = 0; i < s->page_count; i++)
        if (ov_slice_eq(s->pages[i].url, url))
            return &s->pages[i];
    return NULL;
}

/* ---- cursors ---- */

static bool whole_number(ov_slice s)
{
    for (size_t i = 0; i < s.n; i++)
        if (s.p[i] < '0' || s.p[i] > '9')
            return false;
    return s.n > 0 && s.n < 19;
}

static int64_t number_of(ov_slice s)
{
    int64_t v = 0;
    for (size_t i = 0; i < s.n; i++)
        v = v * 10 + (s.p[i] - '0');
    return v;
}

int ovi_cursor_cmp(ov_slice a, ov_slice b)
{
    int64_t x, y;
    if (whole_number(a) && whole_number(b)) {
        x = number_of(a);
        y = number_of(b);
    } else if (!ov_iso_try(a, NULL, &x) || !ov_iso_try(b, NULL, &y)) {
        return ov_slice_cmp(a, b);
    }
    return (x > y) - (x < y);
}

/* Milliseconds of a cursor; false for plain texts. Whole numbers are seconds. */
static bool cursor_ms(ov_slice cursor, int64_t *ms)
{
    if (!whole_number(cursor))
        return ov_iso_try(cursor, NULL, ms);
    *ms = OV_MIN(number_of(cursor), INT64_C(1) << 40) * 1000;
    return true;
}

void ovi_state_trim(ovi_pull_state *s, ov_slice cursor, int64_t overlap_ms)
{
    int64_t low, at;
    uint32_t kept = 0;
    bool timed = cursor_ms(cursor, &low);
    low -= timed ? overlap_ms : 0;
    for (uint32_t i = 0; i < s->edge_count; i++) {
        bool keep = timed && cursor_ms(s->edge[i].value, &at) ? at >= low : ovi_cursor_cmp(s->edge[i].value, cursor) >= 0;
        if (keep)
            s->edge[kept++] = s->edge[i];
    }
    s->edge_count = kept;
}

ov_status ovi_cursor_shift(ov_slice cursor, int64_t overlap_ms, ov_slice format, ov_arena *out, ov_slice *text, ov_error *err)
{
    int64_t ms;
    *text = cursor;
    bool posix = ov_slice_eq(format, OV_SLICE_LIT("posix"));
    if (!cursor_ms(cursor, &ms) || (overlap_ms == 0 && posix == whole_number(cursor)))
        return OV_OK;
    ms -= overlap_ms;
    if (posix)
        return ov_arena_printf(out, text, err, "%lld", (long long)ov_floor_div(ms, 1000));
    char iso[OV_ISO_BYTES];
    size_t n = ov_iso_format(ms, NULL, iso);
    if (n > 5 && ms % 1000 == 0) { /* no ".000": not every API reads it */
        iso[n - 5] = 'Z';
        n -= 4;
    }
    return ov_arena_copy(out, ov_slice_make(iso, n), text, err);
}

/* ---- hashes that were seen ---- */

static size_t find_slot(const ovi_seen *s, uint64_t hash)
{
    size_t slot = hash & (s->cap - 1);
    while (s->at[slot] && s->at[slot] != hash)
        slot = (slot + 1) & (s->cap - 1);
    return slot;
}

static ov_status rehash(ovi_seen *s, ov_error *err)
{
    ovi_seen to = {.cap = s->cap ? s->cap * 2 : 64, .count = s->count};
    to.at = ov_calloc(to.cap, sizeof(*to.at));
    to.times = ov_calloc(to.cap, sizeof(*to.times));
    if (!to.at || !to.times) {
        ovi_seen_fini(&to);
        return ov_fail_nomem(err, to.cap * sizeof(*to.at));
    }
    for (size_t i = 0; i < s->cap; i++) {
        if (!s->at[i])
            continue;
        size_t slot = find_slot(&to, s->at[i]);
        to.at[slot] = s->at[i];
        to.times[slot] = s->times[i];
    }
    ovi_seen_fini(s);
    *s = to;
    return OV_OK;
}

ov_status ovi_seen_add(ovi_seen *s, uint64_t hash, uint32_t *before, ov_error *err)
{
    hash += hash == 0; /* 0 marks a free slot */
    if (s->count * 4 >= s->cap * 3)
        OV_TRY(rehash(s, err));
    size_t slot = find_slot(s, hash);
    *before = s->times[slot]++;
    s->count += *before == 0;
    s->at[slot] = hash;
    return OV_OK;
}

void ovi_seen_fini(ovi_seen *s)
{
    ov_free(s->at);
    ov_free(s->times);
    *s = (ovi_seen){0};
}
