/* Finding time zones by name and reading TZif files (RFC 8536). */
#include "base/tz.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include "base/bytes.h"
#include "base/cursor.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/os.h"
#include "base/suggest.h"
#include "base/thread.h"
#include "base/tz_int.h"

enum {
    MAX_NAME_BYTES = 64,
    MAX_FILE_BYTES = 1 << 20,
    MAX_CHANGES = 20000,
    RULE_YEARS_UNTIL = 2100
};

static ov_mutex lock = OV_MUTEX_INIT;
static ov_tz *zones; /* under lock; entries live for ever */

/* Names of UTC beside those whose zone file says so. */
static const char *const utc_names[] = {"UTC",     "Z",       "GMT", "UT",   "Etc/UTC",
                                        "Etc/GMT", "Etc/UCT", "UCT", "Zulu", "Universal"};

/* Short names that Java and Joda know and tzdata does not, or means differently. */
static const struct {
    const char *name, *zone;
} aliases[] = {
    {"ACT", "Australia/Darwin"},
    {"AET", "Australia/Sydney"},
    {"AGT", "America/Argentina/Buenos_Aires"},
    {"ART", "Africa/Cairo"},
    {"AST", "America/Anchorage"},
    {"BET", "America/Sao_Paulo"},
    {"BST", "Asia/Dhaka"},
    {"CAT", "Africa/Harare"},
    {"CNT", "America/St_Johns"},
    {"CST", "America/Chicago"},
    {"CTT", "Asia/Shanghai"},
    {"EAT", "Africa/Addis_Ababa"},
    {"ECT", "Europe/Paris"},
    {"IET", "America/Indiana/Indianapolis"},
    {"IST", "Asia/Kolkata"},
    {"JST", "Asia/Tokyo"},
    {"MIT", "Pacific/Apia"},
    {"NET", "Asia/Yerevan"},
    {"NST", "Pacific/Auckland"},
    {"PLT", "Asia/Karachi"},
    {"PNT", "America/Phoenix"},
    {"PRT", "America/Puerto_Rico"},
    {"PST", "America/Los_Angeles"},
    {"SST", "Pacific/Guadalcanal"},
    {"VST", "Asia/Ho_Chi_Minh"},
};

static const char *zone_folder(void)
{
    const char *dir = getenv("TZDIR");
    return dir && *dir ? dir : "/usr/share/zoneinfo";
}

static void free_zone(ov_tz *z)
{
    if (z) {
        ov_free(z->name);
        ov_free(z->spans);
        ov_free(z);
    }
}

static ov_tz *new_zone(ov_slice name, size_t spans)
{
    ov_tz *z = ov_calloc(1, sizeof *z);
    if (!z)
        return NULL;
    z->name = ov_strndup(name.p, name.n);
    z->spans = ov_calloc(spans, sizeof *z->spans);
    if (z->name && z->spans)
        return z;
    free_zone(z);
    return NULL;
}

/* ---- TZif ---- */

typedef struct counts {
    uint32_t isut, isstd, leap, time, type, chars;
} counts;

static ov_status read_header(ov_cursor *c, uint8_t *version, counts *n, ov_error *err)
{
    ov_slice magic;
    uint32_t *const fields[] = {&n->isut, &n->isstd, &n->leap, &n->time, &n->type, &n->chars};
    OV_TRY(ov_cursor_bytes(c, 4, &magic, err));
    OV_CHECK_DATA(ov_slice_eq(magic, OV_SLICE_LIT("TZif")), err, "%s: not a TZif file", c->what);
    OV_TRY(ov_cursor_u8(c, version, err));
    OV_TRY(ov_cursor_skip(c, 15, err));
    for (size_t i = 0; i < OV_COUNT_OF(fields); i++)
        OV_TRY(ov_cursor_be_u32(c, fields[i], err));
    OV_CHECK_DATA(n->time <= MAX_CHANGES && n->type >= 1 && n->type <= 256 && n->chars <= 65536 &&
                      n->isut <= 256 && n->isstd <= 256,
                  err, "%s: the counts in its header are not plausible", c->what);
    OV_CHECK_DATA(n->leap == 0, err, "%s: zones that count leap seconds cannot be used", c->what);
    return OV_OK;
}

typedef struct block {
    ov_slice times, indices, types, chars;
    size_t time_bytes; /* 4 in version 1, else 8 */
    counts n;
} block;

static ov_status read_block(ov_cursor *c, size_t time_bytes, const counts *n, block *out,
                            ov_error *err)
{
    *out = (block){.time_bytes = time_bytes, .n = *n};
    OV_TRY(ov_cursor_bytes(c, n->time * time_bytes, &out->times, err));
    OV_TRY(ov_cursor_bytes(c, n->time, &out->indices, err));
    OV_TRY(ov_cursor_bytes(c, (size_t)n->type * 6, &out->types, err));
    OV_TRY(ov_cursor_bytes(c, n->chars, &out->chars, err));
    return ov_cursor_skip(c, (size_t)n->isstd + n->isut, err);
}

static ov_status read_span(const block *b, uint8_t type, const char *what, ovi_tz_span *out,
                           ov_error *err)
{
    OV_CHECK_DATA(type < b->n.type, err, "%s: type %d of %u", what, type, b->n.type);
    const char *p = b->types.p + (size_t)type * 6;
    int32_t seconds = (int32_t)ov_load_be_u32(p);
    uint8_t at = (uint8_t)p[5];
    OV_CHECK_DATA(seconds > -93600 && seconds < 93600, err, "%s: an offset of %d s", what, seconds);
    OV_CHECK_DATA(at < b->chars.n && memchr(b->chars.p + at, 0, b->chars.n - at), err,
                  "%s: a name outside of its table", what);
    out->offset_ms = seconds * 1000;
    snprintf(out->abbreviation, sizeof out->abbreviation, "%s", b->chars.p + at);
    return OV_OK;
}

static void add_span(ov_tz *z, const ovi_tz_span *span, int64_t start)
{
    ovi_tz_span *last = z->count ? &z->spans[z->count - 1] : NULL;
    if (last && last->offset_ms == span->offset_ms &&
        strcmp(last->abbreviation, span->abbreviation) == 0)
        return;
    z->spans[z->count] = *span;
    z->spans[z->count++].start = start;
}

static ov_status read_spans(const block *b, ov_tz *z, const char *what, ov_error *err)
{
    ovi_tz_span span;
    OV_TRY(read_span(b, 0, what, &span, err));
    add_span(z, &span, OV_TIME_MIN);
    int64_t before = INT64_MIN;
    for (uint32_t i = 0; i < b->n.time; i++) {
        const char *p = b->times.p + i * b->time_bytes;
        int64_t at = b->time_bytes == 8 ? (int64_t)ov_load_be_u64(p) : (int32_t)ov_load_be_u32(p);
        OV_CHECK_DATA(at > before, err, "%s: its changes are not in order", what);
        before = at;
        OV_TRY(read_span(b, (uint8_t)b->indices.p[i], what, &span, err));
        if (at <= OV_TIME_MIN / 1000) { /* "since ever": replaces the first */
            z->count = 0;
            add_span(z, &span, OV_TIME_MIN);
        } else if (at < OV_TIME_MAX / 1000) {
            add_span(z, &span, at * 1000);
        }
    }
    return OV_OK;
}

/* Changes by the rule for the years people ask about go into the table: a search is faster than a
 * calendar. */
static void extend_by_rule(ov_tz *z, size_t room)
{
    int64_t until = ov_days_from_civil(RULE_YEARS_UNTIL, 1, 1) * OV_MS_PER_DAY;
    int64_t at = OV_MAX(z->spans[z->count - 1].start, -INT64_C(2208988800000)); /* 1900 */
    while (z->rule.has_dst && at < until && room--) {
        int64_t from, to;
        ovi_tz_rule_span(z, at, &from, &to);
        if (to >= OV_TIME_MAX)
            return;
        ovi_tz_span next = *ovi_tz_rule_span(z, to, &from, &at);
        add_span(z, &next, to);
        at = to;
    }
}

static ov_status parse_zone(ov_slice bytes, ov_slice name, const char *what, ov_tz **out,
                            ov_error *err)
{
    ov_cursor c = ov_cursor_make(bytes, what);
    uint8_t version;
    counts n;
    block b;
    ov_slice footer = {0};
    OV_TRY(read_header(&c, &version, &n, err));
    OV_TRY(read_block(&c, 4, &n, &b, err));
    if (version >= '2') {
        OV_TRY(read_header(&c, &version, &n, err));
        OV_TRY(read_block(&c, 8, &n, &b, err));
        ov_slice rest = {c.at, ov_cursor_left(&c)};
        OV_CHECK_DATA(rest.n >= 2 && rest.p[0] == '\n' && memchr(rest.p + 1, '\n', rest.n - 1), err,
                      "%s: its footer is missing", what);
        footer.p = rest.p + 1;
        footer.n = (size_t)((const char *)memchr(footer.p, '\n', rest.n - 1) - footer.p);
    }
    enum { RULE_ROOM = 2 * (RULE_YEARS_UNTIL - 1900) + 4 };
    ov_tz *z = new_zone(name, (size_t)n.time + 1 + RULE_ROOM);
    if (!z)
        return ov_fail_nomem(err, sizeof *z);
    ov_status st = read_spans(&b, z, what, err);
    if (st == OV_OK && footer.n && !ovi_tz_rule_parse(footer, &z->rule))
        st = ov_fail(err, OV_CORRUPT, "%s: its rule '" OV_SLICE_FMT "' is malformed", what,
                     OV_SLICE_ARG(footer));
    if (st != OV_OK) {
        free_zone(z);
        return st;
    }
    extend_by_rule(z, RULE_ROOM);
    *out = z;
    return OV_OK;
}

/* ---- names ---- */

static bool plausible_name(ov_slice name)
{
    if (name.n == 0 || name.n >= MAX_NAME_BYTES || name.p[0] == '/' || name.p[name.n - 1] == '/')
        return false;
    for (size_t i = 0; i < name.n; i++) {
        char c = name.p[i];
        bool fine = (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
                    c == '_' || c == '+' || c == '-' || (c == '/' && name.p[i - 1] != '/');
        if (!fine) /* no dots: neither .. nor zone.tab */
            return false;
    }
    return true;
}

/* Walks the folder of zones: finds a name without regard to case, and collects a suggestion. */
typedef struct walk {
    ov_slice wanted;
    char found[MAX_NAME_BYTES];
    ov_suggest near;
    char nearest[MAX_NAME_BYTES];
} walk;

static void visit_name(walk *w, const char *name)
{
    ov_slice s = ov_slice_cstr(name);
    if (ov_slice_ieq(s, w->wanted))
        memcpy(w->found, s.p, s.n + 1);
    ov_suggest_offer(&w->near, s);
    if (w->near.best.p == s.p) { /* the name itself does not last */
        memcpy(w->nearest, s.p, s.n + 1);
        w->near.best.p = w->nearest;
    }
}

static void walk_folder(walk *w, const char *relative, int depth)
{
    char path[512];
    snprintf(path, sizeof path, "%s/%s", zone_folder(), relative);
    DIR *dir = depth < 4 ? ov_os_now->opendir(path) : NULL;
    if (!dir)
        return;
    struct dirent *e;
    while ((e = ov_os_now->readdir(dir)) != NULL) {
        char name[MAX_NAME_BYTES];
        int n = snprintf(name, sizeof name, "%s%s%s", relative, *relative ? "/" : "", e->d_name);
        if (n < 0 || (size_t)n >= sizeof name || !plausible_name(ov_slice_cstr(name)))
            continue;
        if (!*relative && (strcmp(name, "right") == 0 || strcmp(name, "posix") == 0))
            continue;
        char full[1024];
        struct stat st;
        snprintf(full, sizeof full, "%s/%s", zone_folder(), name);
        if (ov_os_now->stat(full, &st) != 0)
            continue;
        if (S_ISDIR(st.st_mode))
            walk_folder(w, name, depth + 1);
        else
            visit_name(w, name);
    }
    ov_os_now->closedir(dir);
}

static ov_status load_file(ov_slice name, ov_tz **out, ov_error *err)
{
    char path[512];
    ov_buf bytes;
    ov_buf_init(&bytes);
    snprintf(path, sizeof path, "%s/" OV_SLICE_FMT, zone_folder(), OV_SLICE_ARG(name));
    ov_status st = ov_file_read(path, MAX_FILE_BYTES, &bytes, err);
    if (st == OV_OK && !ov_slice_starts(ov_buf_slice(&bytes), OV_SLICE_LIT("TZif")))
        st = ov_fail(err, OV_NOT_FOUND, "%s is no time zone", path);
    if (st == OV_OK)
        st = parse_zone(ov_buf_slice(&bytes), name, path, out, err);
    ov_buf_fini(&bytes);
    return st;
}

/* Exact name first, then without case. */
static ov_status load_named(ov_slice name, ov_tz **out, ov_error *err)
{
    bool other_tree = ov_slice_starts(name, OV_SLICE_LIT("right/")) ||
                      ov_slice_starts(name, OV_SLICE_LIT("posix/"));
    if (plausible_name(name) && !other_tree) {
        ov_status st = load_file(name, out, err);
        if (st == OV_OK || st == OV_CORRUPT || st == OV_NOMEM)
            return st;
    }
    walk w = {.wanted = name};
    ov_suggest_init(&w.near, name);
    walk_folder(&w, "", 0);
    if (w.found[0] && !ov_slice_eq(ov_slice_cstr(w.found), name))
        return load_file(ov_slice_cstr(w.found), out, err);
    char hint[OV_SUGGEST_BYTES];
    return ov_fail(err, OV_INVALID,
                   "'" OV_SLICE_FMT
                   "' is no time zone: expected a name such as America/Los_Angeles, an offset such "
                   "as +07:00, or UTC%s",
                   OV_SLICE_ARG(name), ov_suggest_text(&w.near, hint));
}

/* [UTC|GMT|UT][+-]h[h][[:]mm[[:]ss]] */
static bool parse_offset(ov_slice name, int32_t *offset_ms)
{
    static const char *const prefixes[] = {"UTC", "GMT", "UT"};
    for (size_t i = 0; i < OV_COUNT_OF(prefixes); i++) {
        ov_slice p = ov_slice_cstr(prefixes[i]);
        if (name.n > p.n && ov_slice_ieq((ov_slice){name.p, p.n}, p)) {
            name.p += p.n;
            name.n -= p.n;
            break;
        }
    }
    if (name.n < 2 || (name.p[0] != '+' && name.p[0] != '-'))
        return false;
    int32_t part[3] = {0, 0, 0};
    static const int32_t most[3] = {23, 59, 59};
    size_t at = 1;
    for (int i = 0; i < 3 && at < name.n; i++) {
        if (i > 0 && name.p[at] == ':')
            at++;
        size_t digits = 0;
        while (digits < 2 && at < name.n && (unsigned char)(name.p[at] - '0') < 10) {
            part[i] = part[i] * 10 + (name.p[at++] - '0');
            digits++;
        }
        if (digits == 0 || (i > 0 && digits != 2) || part[i] > most[i])
            return false;
    }
    *offset_ms = ((part[0] * 60 + part[1]) * 60 + part[2]) * 1000;
    if (name.p[0] == '-')
        *offset_ms = -*offset_ms;
    return at == name.n;
}

static const ov_tz *find_cached(ov_slice name)
{
    for (const ov_tz *z = zones; z; z = z->next)
        if (ov_slice_eq(ov_slice_cstr(z->name), name))
            return z;
    return NULL;
}

/* Under the lock. A zone of that name may be there by now (another case of the same name). */
static const ov_tz *keep(ov_tz *z)
{
    const ov_tz *known = find_cached(ov_slice_cstr(z->name));
    if (known) {
        free_zone(z);
        return known;
    }
    z->next = zones;
    zones = z;
    return z;
}

ov_status ov_tz_fixed(int32_t offset_ms, const ov_tz **out, ov_error *err)
{
    if (offset_ms <= -OV_MS_PER_DAY || offset_ms >= OV_MS_PER_DAY)
        return ov_fail(err, OV_INVALID, "an offset of %d ms is a day or more", offset_ms);
    if (offset_ms == 0) {
        *out = NULL;
        return OV_OK;
    }
    char name[OVI_TZ_ABBREVIATION_BYTES + 8];
    int32_t seconds = (offset_ms < 0 ? -offset_ms : offset_ms) / 1000;
    snprintf(name, sizeof name, "%c%02d:%02d", offset_ms < 0 ? '-' : '+', seconds / 3600,
             seconds / 60 % 60);
    if (seconds % 60)
        snprintf(name + 6, sizeof name - 6, ":%02d", seconds % 60);
    ov_status st = OV_OK;
    ov_mutex_lock(&lock);
    const ov_tz *known = find_cached(ov_slice_cstr(name));
    if (!known) {
        ov_tz *z = new_zone(ov_slice_cstr(name), 1);
        if (z) {
            z->count = 1;
            z->spans[0] = (ovi_tz_span){.start = OV_TIME_MIN, .offset_ms = offset_ms};
            snprintf(z->spans[0].abbreviation, sizeof z->spans[0].abbreviation, "%.15s", name);
            known = keep(z);
        } else {
            st = ov_fail_nomem(err, sizeof *z);
        }
    }
    ov_mutex_unlock(&lock);
    *out = known;
    return st;
}

ov_status ov_tz_get(ov_slice name, const ov_tz **out, ov_error *err)
{
    int32_t offset_ms;
    for (size_t i = 0; i < OV_COUNT_OF(utc_names); i++)
        if (ov_slice_ieq(name, ov_slice_cstr(utc_names[i]))) {
            *out = NULL;
            return OV_OK;
        }
    if (parse_offset(name, &offset_ms))
        return ov_tz_fixed(offset_ms, out, err);
    for (size_t i = 0; i < OV_COUNT_OF(aliases); i++)
        if (ov_slice_eq(name, ov_slice_cstr(aliases[i].name)))
            name = ov_slice_cstr(aliases[i].zone);
    ov_status st = OV_OK;
    ov_mutex_lock(&lock);
    const ov_tz *known = find_cached(name);
    if (!known) {
        ov_tz *loaded = NULL;
        st = load_named(name, &loaded, err);
        if (st == OV_OK && loaded->count == 1 && !loaded->rule.has_dst &&
            loaded->spans[0].offset_ms == 0)
            free_zone(loaded); /* another name of UTC */
        else if (st == OV_OK) {
            ovi_tz_name_spans(loaded);
            known = keep(loaded);
        }
    }
    ov_mutex_unlock(&lock);
    if (st == OV_OK)
        *out = known;
    return st;
}
