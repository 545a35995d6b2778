/*
 * Reading what `git log -z --numstat --no-renames` writes.
 *
 *   \x01 sha NUL parents NUL author NUL e-mail NUL time NUL committer NUL e-mail NUL time NUL subject NUL
 *   [NUL] [\n] additions TAB deletions TAB path NUL ...
 *
 * Every piece ends with a NUL, which cannot occur in names, subjects or paths, so tabs, line breaks and any bytes in
 * them are safe. After a head come changes (digits or '-') until the next \x01; empty pieces between are git's own
 * separators.
 */
#include "ingest/git/git.h"

enum {
    MAX_TOKEN = 64 << 20, /* a subject or path longer than this is no history */
    FIELD_SHA = 0,
    FIELD_PARENTS,
    FIELD_AUTHOR,
    FIELD_AUTHOR_EMAIL,
    FIELD_AUTHOR_TIME,
    FIELD_COMMITTER,
    FIELD_COMMITTER_EMAIL,
    FIELD_COMMITTER_TIME,
    FIELD_SUBJECT,
    FIELD_COUNT,
};

const char ov_git_log_format[] = "--format=%x01%H%x00%P%x00%an%x00%ae%x00%ad%x00%cn%x00%ce%x00%cd%x00%s%x00";

void ov_git_parser_init(ov_git_parser *p, ov_git_sink sink)
{
    *p = (ov_git_parser){.sink = sink};
    ov_buf_init(&p->token);
    ov_buf_init(&p->head);
    p->token.limit = MAX_TOKEN;
}

void ov_git_parser_fini(ov_git_parser *p)
{
    ov_buf_fini(&p->token);
    ov_buf_fini(&p->head);
}

static bool read_number(ov_slice *s, int64_t *out)
{
    bool minus = s->n > 0 && s->p[0] == '-';
    size_t i = minus;
    int64_t v = 0;
    while (i < s->n && s->p[i] >= '0' && s->p[i] <= '9') {
        if (__builtin_mul_overflow(v, 10, &v) || __builtin_add_overflow(v, s->p[i] - '0', &v))
            return false;
        i++;
    }
    if (i == (size_t)minus)
        return false;
    *s = ov_slice_make(s->p + i, s->n - i);
    *out = minus ? -v : v;
    return true;
}

/* `1700000000 +0900` (--date=raw). */
static bool read_time(ov_slice s, ov_git_person *who)
{
    if (!read_number(&s, &who->time_s) || s.n != 6 || s.p[0] != ' ' || (s.p[1] != '+' && s.p[1] != '-'))
        return false;
    int digits[4];
    for (int i = 0; i < 4; i++) {
        if (s.p[2 + i] < '0' || s.p[2 + i] > '9')
            return false;
        digits[i] = s.p[2 + i] - '0';
    }
    int32_t minutes = (digits[0] * 10 + digits[1]) * 60 + digits[2] * 10 + digits[3];
    who->offset_min = s.p[1] == '-' ? -minutes : minutes;
    return true;
}

static ov_slice field_of(const ov_git_parser *p, int field)
{
    return ov_slice_cstr(p->head.p + p->starts[field]);
}

static bool is_sha(ov_slice s)
{
    if (s.n != 40 && s.n != 64)
        return false;
    for (size_t i = 0; i < s.n; i++)
        if (!((s.p[i] >= '0' && s.p[i] <= '9') || (s.p[i] >= 'a' && s.p[i] <= 'f')))
            return false;
    return true;
}

static ov_status emit_commit(ov_git_parser *p, ov_error *err)
{
    ov_git_commit c = {
        .sha = field_of(p, FIELD_SHA),
        .parents = field_of(p, FIELD_PARENTS),
        .subject = field_of(p, FIELD_SUBJECT),
        .author = {.name = field_of(p, FIELD_AUTHOR), .email = field_of(p, FIELD_AUTHOR_EMAIL)},
        .committer = {.name = field_of(p, FIELD_COMMITTER), .email = field_of(p, FIELD_COMMITTER_EMAIL)},
    };
    OV_CHECK_DATA(is_sha(c.sha), err, "git log: '" OV_SLICE_FMT "' is not a commit's sha", OV_SLICE_ARG(c.sha));
    bool author_ok = read_time(field_of(p, FIELD_AUTHOR_TIME), &c.author);
    c.time_ok = read_time(field_of(p, FIELD_COMMITTER_TIME), &c.committer) && author_ok;
    p->commits++;
    return p->sink.commit(p->sink.arg, &c, err);
}

static ov_status add_field(ov_git_parser *p, ov_slice token, ov_error *err)
{
    if (p->field == 0)
        ov_buf_clear(&p->head);
    p->starts[p->field++] = (uint32_t)p->head.n;
    ov_buf_add_slice(&p->head, token);
    ov_buf_add_char(&p->head, 0);
    OV_TRY(ov_buf_check(&p->head, err));
    if (p->field < FIELD_COUNT)
        return OV_OK;
    p->field = 0;
    return emit_commit(p, err);
}

static bool read_count(ov_slice *s, int64_t *out, bool *binary)
{
    *out = 0;
    *binary = s->n > 1 && s->p[0] == '-' && s->p[1] == '\t';
    if (*binary)
        *s = ov_slice_make(s->p + 1, s->n - 1);
    else if (s->n == 0 || s->p[0] == '-' || !read_number(s, out))
        return false;
    if (s->n == 0 || s->p[0] != '\t')
        return false;
    *s = ov_slice_make(s->p + 1, s->n - 1);
    return true;
}

static ov_status emit_change(ov_git_parser *p, ov_slice token, ov_error *err)
{
    ov_git_change c;
    bool add_binary, delete_binary;
    ov_slice rest = token;
    bool ok = read_count(&rest, &c.additions, &add_binary) && read_count(&rest, &c.deletions, &delete_binary) &&
              rest.n > 0 && p->commits > 0;
    OV_CHECK_DATA(ok, err, "git log, after commit %s: '%.80s' is not a numstat line",
                  p->commits ? p->head.p : "(none)", token.p);
    c.binary = add_binary || delete_binary;
    c.path = rest;
    p->changes++;
    return p->sink.change(p->sink.arg, &c, err);
}

/* A whole piece, NUL-terminated. */
static ov_status take_token(ov_git_parser *p, ov_slice token, ov_error *err)
{
    if (p->field > 0)
        return add_field(p, token, err);
    if (token.n > 0 && token.p[0] == '\n')
        token = ov_slice_make(token.p + 1, token.n - 1);
    if (token.n == 0)
        return OV_OK;
    if (token.p[0] == 1)
        return add_field(p, ov_slice_make(token.p + 1, token.n - 1), err);
    return emit_change(p, token, err);
}

ov_status ov_git_parser_feed(ov_git_parser *p, ov_slice bytes, ov_error *err)
{
    while (bytes.n > 0) {
        const char *end = memchr(bytes.p, 0, bytes.n);
        size_t n = end ? (size_t)(end - bytes.p) : bytes.n;
        ov_slice token = ov_slice_make(bytes.p, n);
        if (!end || p->token.n > 0) {
            ov_buf_add(&p->token, bytes.p, n);
            if (end)
                ov_buf_cstr(&p->token);
            OV_TRY(ov_buf_check(&p->token, err));
            token = ov_buf_slice(&p->token);
        }
        if (!end)
            return OV_OK;
        bytes = ov_slice_make(end + 1, bytes.n - n - 1);
        OV_TRY(take_token(p, token, err));
        ov_buf_clear(&p->token);
    }
    return OV_OK;
}

ov_status ov_git_parser_end(ov_git_parser *p, ov_error *err)
{
    OV_CHECK_DATA(p->token.n == 0 || (p->token.n == 1 && p->token.p[0] == '\n'), err,
                  "git log ended inside a record");
    OV_CHECK_DATA(p->field == 0, err, "git log ended inside the head of a commit");
    return OV_OK;
}
