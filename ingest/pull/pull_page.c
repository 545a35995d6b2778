/*
 * A page of JSON into lines of rows.
 *
 * Nothing is built as a tree: the body is checked once, the path to the rows is followed on its text, and each row's text is
 * copied with the added members behind its own (of two equal names the loader takes the last).
 */
#include "ingest/pull/pull_int.h"

#include <stdlib.h>
#include "base/hash.h"
#include "ingest/parse/byte_scan.h"
#include "ingest/parse/json_scan.h"

typedef struct page_reader {
    ovi_run *run;
    ovi_series *s;
    const ovi_pull_source *source;
    ov_arena *scratch;
    ov_buf *lines;
    ovi_page *page;
    ov_slice low;   /* cursor_unsorted: rows before it are known */
    ov_slice added; /* "name":"value",...} */
    uint64_t repaired;
    ovi_seen here;   /* keys of this answer, when its rows are numbered */
    uint32_t number; /* of the row at hand among those with its key */
} page_reader;

/* ---- looking into values ---- */

static ov_status eval(page_reader *r, const ovi_pull_path *path, const ov_field *from, ov_field *out, ov_error *err)
{
    return ov_jsonpath_eval(&path->path, 0, from, r->scratch, out, &r->repaired, err);
}

static bool is_scalar(const ov_field *f)
{
    return f->kind >= OV_FIELD_TEXT && f->kind <= OV_FIELD_FALSE;
}

static ov_slice scalar_text(const ov_field *f)
{
    return f->kind == OV_FIELD_TRUE ? OV_SLICE_LIT("true") : f->kind == OV_FIELD_FALSE ? OV_SLICE_LIT("false") : f->text;
}

static bool in_texts(const ovi_text_list *list, ov_slice text)
{
    for (uint32_t i = 0; i < list->n; i++)
        if (ov_slice_eq(list->at[i], text))
            return true;
    return false;
}

/* The whole body as one checked value. */
static ov_status root_of(ov_slice body, ov_field *root, ov_error *err)
{
    bool escaped;
    ovi_json_text t = {.at = body.p, .end = body.p + body.n, .multi_line = true};
    if (body.n >= 3 && memcmp(body.p, "\xEF\xBB\xBF", 3) == 0)
        t.at += 3;
    if (ovi_json_peek(&t) != '\0' && ovi_json_value(&t, root, &escaped, 0) && ovi_json_peek(&t) == '\0' && t.at == t.end)
        return OV_OK;
    size_t shown = OV_MIN(body.n, (size_t)60);
    return ov_fail(err, OV_INVALID, "the answer is no JSON at byte %zu (%s); it starts with '%.*s'", (size_t)(t.at - body.p) + 1,
                   t.what ? t.what : "its end was expected", (int)shown, body.p);
}

/* ---- one row ---- */

static ov_status hash_key(page_reader *r, const ov_field *row, uint64_t *hash, ov_error *err)
{
    ov_buf key;
    ov_status st = OV_OK;
    ov_buf_init(&key);
    for (uint32_t i = 0; i < r->source->key_count && st == OV_OK; i++) {
        ov_field f;
        st = eval(r, &r->source->key[i], row, &f, err);
        if (st != OV_OK)
            break;
        ov_buf_add_char(&key, (char)('0' + f.kind));
        ov_buf_add_slice(&key, f.text);
        ov_buf_add_char(&key, '\0');
    }
    if (r->source->key_count == 0)
        ov_buf_add_slice(&key, row->text);
    if (st == OV_OK)
        st = ov_buf_check(&key, err);
    *hash = st == OV_OK ? ov_checksum(key.p, key.n) : 0;
    ov_buf_fini(&key);
    return st;
}

/* Rows of one key in one answer are different rows where the description numbers them. */
static ov_status number_row(page_reader *r, uint64_t *hash, ov_error *err)
{
    if (r->source->number.n == 0)
        return OV_OK;
    OV_TRY(ovi_seen_add(&r->here, *hash, &r->number, err));
    uint64_t both[2] = {*hash, r->number};
    if (r->number)
        *hash = ov_checksum(both, sizeof both); /* the state that is kept has it: the same in every process */
    return OV_OK;
}

/* Loaded before, in this run or an earlier one? The row's cursor moves the series'. */
static ov_status is_known(page_reader *r, const ov_field *row, bool *known, ov_error *err)
{
    uint64_t hash;
    uint32_t before;
    ov_field at = {0};
    ovi_pull_state *now = &r->s->now;
    *known = false;
    if (r->source->cursor.text.n == 0 && r->source->key_count == 0)
        return OV_OK;
    OV_TRY(hash_key(r, row, &hash, err));
    OV_TRY(number_row(r, &hash, err));
    OV_TRY(ovi_seen_add(&r->s->seen, hash, &before, err));
    *known = before > 0;
    if (r->source->cursor.text.n == 0 || *known)
        return OV_OK;
    OV_TRY(eval(r, &r->source->cursor, row, &at, err));
    if (!is_scalar(&at))
        return OV_OK; /* a row that does not say: nothing to compare */
    if (now->high.n == 0 || ovi_cursor_cmp(at.text, now->high) > 0)
        OV_TRY(ov_arena_copy(r->run->arena, at.text, &now->high, err));
    if (r->s->was.cursor.n && r->source->cursor_descending && r->source->cursor_overlap_ms == 0 &&
        ovi_cursor_cmp(at.text, r->s->was.cursor) < 0) {
        *known = true;
        r->page->last = true; /* newest first: all that follows is older */
        return OV_OK;
    }
    if (r->source->cursor_unsorted && r->low.n && ovi_cursor_cmp(at.text, r->low) < 0) {
        *known = true;
        return OV_OK;
    }
    if (!r->source->cursor_descending && !r->source->cursor_unsorted && r->source->cursor_overlap_ms == 0 && ovi_cursor_cmp(at.text, now->high) < 0)
        return OV_OK; /* oldest first: it will not be asked for again */
    return ovi_state_add_edge(now, r->run->arena, hash, at.text, err);
}

/* The members that every row gets, behind `,` or not, and its end. */
static ov_status end_line(page_reader *r, bool comma, ov_error *err)
{
    ov_buf *b = r->lines;
    if (comma)
        ov_buf_add_char(b, ',');
    if (r->source->number.n) {
        ov_json_quote(b, r->source->number);
        ov_buf_addf(b, ":%u,", r->number);
    }
    ov_buf_add_slice(b, r->added);
    return ov_buf_check(b, err);
}

/* Members of a row's object, or a value as one. */
static ov_status add_line(page_reader *r, const ov_field *row, ov_error *err)
{
    ov_slice text;
    ov_buf *b = r->lines;
    if (row->kind != OV_FIELD_OBJECT) {
        ov_buf_add_str(b, "{\"value\":");
        if (row->kind == OV_FIELD_TEXT) {
            ov_json_quote(b, row->text);
        } else if (row->kind == OV_FIELD_ARRAY) {
            OV_TRY(ovi_json_compact(row->text, r->scratch, &text, err));
            ov_buf_add_slice(b, text);
        } else {
            ov_buf_add_slice(b, row->kind == OV_FIELD_NULL ? OV_SLICE_LIT("null") : scalar_text(row));
        }
        return end_line(r, true, err);
    }
    OV_TRY(ovi_json_compact(row->text, r->scratch, &text, err));
    ov_buf_add(b, text.p, text.n - 1);
    return end_line(r, text.n > 2, err); /* {} has no member before */
}

/* Text that the readers of JSON may walk over: NULs stand behind it. */
static ov_status padded(ov_buf *b, ov_slice *text, ov_error *err)
{
    if (ov_buf_reserve(b, OVI_SCAN_PAD))
        memset(b->p + b->n, 0, OVI_SCAN_PAD);
    *text = ov_buf_slice(b);
    return ov_buf_check(b, err);
}

static ov_status add_row(page_reader *r, const ov_field *row, ov_error *err)
{
    bool known;
    OV_TRY(is_known(r, row, &known, err));
    r->page->read++;
    r->page->repeated += known;
    return known ? OV_OK : add_line(r, row, err);
}

/* {"name":..., "weeks":[a, b]} -> {..., "weeks":a}, {..., "weeks":b}: the element's member stands last and so counts. */
static ov_status explode_row(page_reader *r, const ov_field *row, ov_error *err)
{
    ov_field list, one = {.kind = OV_FIELD_OBJECT};
    ov_field *items;
    ov_slice compact, rest;
    uint32_t n;
    if (row->kind != OV_FIELD_OBJECT)
        return add_row(r, row, err);
    OV_TRY(ovi_json_member(row->text, r->source->explode, r->scratch, &list, &r->repaired, err));
    if (list.kind != OV_FIELD_ARRAY)
        return add_row(r, row, err);
    /* what the elements share is written once, with null in the list's place */
    ov_buf shared;
    ov_buf_init(&shared);
    size_t before = (size_t)(list.text.p - row->text.p), behind = before + list.text.n;
    ov_buf_add(&shared, row->text.p, before);
    ov_buf_add_str(&shared, "null");
    ov_buf_add(&shared, row->text.p + behind, row->text.n - behind);
    ov_status st = padded(&shared, &rest, err);
    if (st == OV_OK)
        st = ovi_json_compact(rest, r->scratch, &rest, err);
    rest.n -= st == OV_OK; /* its } */
    if (st == OV_OK)
        st = ovi_json_items(list.text, r->scratch, &items, &n, &r->repaired, err);
    for (uint32_t i = 0; st == OV_OK && i < n; i++) {
        ov_buf b;
        if (items[i].kind != OV_FIELD_OBJECT && items[i].kind != OV_FIELD_ARRAY)
            continue;
        st = ovi_json_compact(items[i].text, r->scratch, &compact, err);
        if (st != OV_OK)
            break;
        ov_buf_init(&b);
        ov_buf_add_slice(&b, rest);
        ov_buf_add_char(&b, ',');
        ov_json_quote(&b, r->source->explode);
        ov_buf_add_char(&b, ':');
        ov_buf_add_slice(&b, compact);
        ov_buf_add_char(&b, '}');
        st = padded(&b, &one.text, err);
        if (st == OV_OK)
            st = add_row(r, &one, err);
        ov_buf_fini(&b);
    }
    ov_buf_fini(&shared);
    return st;
}

/* Members of an object as rows {"key":...,"value":...}. */
static ov_status add_map(page_reader *r, const ov_field *map, ov_error *err)
{
    ovi_json_text t = {.at = map->text.p + 1, .end = map->text.p + map->text.n, .multi_line = true};
    ov_status st = OV_OK;
    ov_buf b;
    ov_buf_init(&b);
    while (st == OV_OK && ovi_json_peek(&t) == '"') {
        ov_field row = {.kind = OV_FIELD_OBJECT};
        ov_slice name;
        bool escaped;
        (void)!ovi_json_string(&t, &name, &escaped); /* it was checked with the answer */
        ovi_json_peek(&t);
        t.at++;
        ovi_json_peek(&t);
        const char *value = t.at;
        (void)!ovi_json_skip(&t, 0);
        ov_buf_clear(&b);
        ov_buf_add_str(&b, "{\"key\":\"");
        ov_buf_add_slice(&b, name); /* as it is written */
        ov_buf_add_str(&b, "\",\"value\":");
        ov_buf_add(&b, value, (size_t)(t.at - value));
        ov_buf_add_char(&b, '}');
        st = padded(&b, &row.text, err);
        if (st == OV_OK)
            st = add_row(r, &row, err);
        if (ovi_json_peek(&t) == ',')
            t.at++;
    }
    ov_buf_fini(&b);
    return st;
}

/* ---- the rows of a page ---- */

static ov_status wrong_shape(const ovi_pull_source *s, const ov_field *found, const char *want, ov_error *err)
{
    static const char *const names[] = {"nothing", "null",  "a text",   "a number", "a number",
                                        "true",    "false", "an array", "an object"};
    return ov_fail(err, OV_INVALID, "rows.path: at " OV_SLICE_FMT " of the answer %s was expected, there is %s",
                   OV_SLICE_ARG(s->rows.text), want, found->kind < OV_COUNT_OF(names) ? names[found->kind] : "something else");
}

static ov_status read_rows(page_reader *r, const ov_field *root, ov_error *err)
{
    ov_field rows, *items;
    uint32_t n;
    OV_TRY(eval(r, &r->source->rows, root, &rows, err));
    if (ov_field_absent(&rows) && r->source->allow_missing_rows) {
        r->page->empty = true;
        return OV_OK;
    }
    if (r->source->shape == OVI_SHAPE_ARRAY) {
        if (rows.kind != OV_FIELD_ARRAY)
            return wrong_shape(r->source, &rows, "an array", err);
        OV_TRY(ovi_json_items(rows.text, r->scratch, &items, &n, &r->repaired, err));
        for (uint32_t i = 0; i < n; i++)
            OV_TRY(r->source->explode.n ? explode_row(r, &items[i], err) : add_row(r, &items[i], err));
        return OV_OK;
    }
    if (rows.kind != OV_FIELD_OBJECT)
        return wrong_shape(r->source, &rows, "an object", err);
    if (r->source->shape == OVI_SHAPE_MAP)
        return add_map(r, &rows, err);
    return r->source->explode.n ? explode_row(r, &rows, err) : add_row(r, &rows, err);
}

/* ---- what else a page says ---- */

/* The body's own word: does it hold rows? */
static ov_status read_code(page_reader *r, const ov_field *root, bool *rows, ov_error *err)
{
    const ovi_pull_source *s = r->source;
    ov_field code, text;
    *rows = true;
    if (s->code.text.n == 0)
        return OV_OK;
    OV_TRY(eval(r, &s->code, root, &code, err));
    if (!is_scalar(&code) || in_texts(&s->code_ok, scalar_text(&code)))
        return OV_OK;
    *rows = false;
    if (in_texts(&s->code_empty, scalar_text(&code))) {
        r->page->empty = true;
        return OV_OK;
    }
    if (in_texts(&s->code_retry, scalar_text(&code))) {
        r->page->retry = true;
        return OV_OK;
    }
    text = (ov_field){0};
    if (s->message.text.n)
        OV_TRY(eval(r, &s->message, root, &text, err));
    return ov_fail(err, OV_INVALID, "the source says " OV_SLICE_FMT "%s" OV_SLICE_FMT, OV_SLICE_ARG(scalar_text(&code)),
                   is_scalar(&text) ? ": " : "", OV_SLICE_ARG(is_scalar(&text) ? scalar_text(&text) : (ov_slice){0}));
}

static ov_status read_paging(page_reader *r, const ov_field *root, ov_error *err)
{
    const ovi_pull_source *s = r->source;
    ov_field f;
    if (s->backoff.text.n) {
        OV_TRY(eval(r, &s->backoff, root, &f, err));
        if (f.kind == OV_FIELD_INT && f.text.n < 9)
            r->page->backoff_ms = strtol(f.text.p, NULL, 10) * 1000;
    }
    if (s->paging == OVI_PAGING_NONE)
        r->page->last = true;
    if (s->more.text.n) {
        OV_TRY(eval(r, &s->more, root, &f, err));
        r->page->last |= f.kind != OV_FIELD_TRUE;
    }
    if (s->next.text.n) {
        OV_TRY(eval(r, &s->next, root, &f, err));
        r->page->last |= !is_scalar(&f) || f.text.n == 0;
        if (is_scalar(&f))
            OV_TRY(ov_arena_copy(r->run->arena, scalar_text(&f), &r->page->cursor, err));
    }
    if (s->page_size && s->paging != OVI_PAGING_LINK)
        r->page->last |= r->page->read < (uint64_t)s->page_size;
    r->page->last |= r->page->read == 0 && s->paging != OVI_PAGING_LINK;
    return OV_OK;
}

/* An answer that says that it is not whole is asked for again; its rows would count as seen then. */
static ov_status read_incomplete(page_reader *r, const ov_field *root, ov_error *err)
{
    ov_field f;
    if (r->source->incomplete.text.n == 0)
        return OV_OK;
    OV_TRY(eval(r, &r->source->incomplete, root, &f, err));
    r->page->retry |= f.kind == OV_FIELD_TRUE;
    return OV_OK;
}

/* The members every row of this series gets. */
static ov_status write_added(page_reader *r, ov_error *err)
{
    ovi_own_names own;
    ovi_names names;
    ov_buf b, value;
    ov_status st = OV_OK;
    ov_buf_init(&b);
    ov_buf_init(&value);
    ovi_series_names(r->run, r->s, &own, &names);
    ov_buf_addf(&b, "\"_collected_at\":%lld", (long long)r->run->collected_ms);
    for (uint32_t i = 0; i < r->source->add.n && st == OV_OK; i++) {
        bool missing;
        ov_buf_clear(&value);
        st = ovi_template_expand(r->source->add.at[i].value, &names, false, &value, &missing, err);
        if (st != OV_OK || missing)
            continue;
        ov_buf_add_char(&b, ',');
        ov_json_quote(&b, r->source->add.at[i].name);
        ov_buf_add_char(&b, ':');
        ov_json_quote(&b, ov_buf_slice(&value));
    }
    ov_buf_add_str(&b, "}\n");
    if (st == OV_OK)
        st = ov_buf_check(&b, err);
    if (st == OV_OK)
        st = ov_arena_copy(r->scratch, ov_buf_slice(&b), &r->added, err);
    ov_buf_fini(&b);
    ov_buf_fini(&value);
    return st;
}

ov_status ovi_page_read(ovi_run *run, ovi_series *s, ov_slice body, ov_arena *scratch, ov_buf *lines, ovi_page *page,
                        ov_error *err)
{
    page_reader r = {.run = run, .s = s, .source = &run->spec->source, .scratch = scratch, .lines = lines, .page = page};
    ov_field root;
    bool rows;
    *page = (ovi_page){0};
    OV_TRY(root_of(body, &root, err));
    OV_TRY(read_code(&r, &root, &rows, err));
    if (rows)
        OV_TRY(read_incomplete(&r, &root, err));
    if (!rows || page->retry)
        return OV_OK;
    OV_TRY(write_added(&r, err));
    if (r.source->cursor_unsorted)
        OV_TRY(ovi_cursor_shift(s->was.cursor, r.source->cursor_overlap_ms, r.source->cursor_format, scratch, &r.low, err));
    ov_status st = read_rows(&r, &root, err);
    ovi_seen_fini(&r.here);
    return st == OV_OK ? read_paging(&r, &root, err) : st;
}

void ovi_page_message(const ovi_pull_source *s, ov_slice body, ov_buf *out)
{
    enum { SHOWN = 200 };
    ov_error ignored = OV_ERROR_INIT;
    ov_field root, text;
    uint64_t repaired = 0;
    ov_arena a;
    if (s->message.text.n == 0 || root_of(body, &root, &ignored) != OV_OK)
        return;
    ov_arena_init(&a, "message", NULL);
    if (ov_jsonpath_eval(&s->message.path, 0, &root, &a, &text, &repaired, &ignored) == OV_OK && is_scalar(&text)) {
        ov_slice shown = scalar_text(&text);
        ov_buf_add(out, shown.p, OV_MIN(shown.n, (size_t)SHOWN));
    }
    ov_arena_fini(&a);
}

ov_slice ovi_link_next(ov_slice link)
{
    for (size_t i = 0; i < link.n;) {
        const char *open = memchr(link.p + i, '<', link.n - i);
        const char *close = open ? memchr(open, '>', link.n - (size_t)(open - link.p)) : NULL;
        if (!close)
            break;
        size_t end = (size_t)(close - link.p) + 1;
        const char *next_open = memchr(link.p + end, '<', link.n - end);
        size_t until = next_open ? (size_t)(next_open - link.p) : link.n;
        ov_slice words = ov_slice_make(link.p + end, until - end);
        if (memmem(words.p, words.n, "rel=\"next\"", 10) || memmem(words.p, words.n, "rel=next", 8))
            return ov_slice_make(open + 1, (size_t)(close - open) - 1);
        i = until;
    }
    return (ov_slice){0};
}
