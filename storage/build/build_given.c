/*
 * Columns whose value follows from another column's: a station's name from its number, a nation from its city.
 *
 * Rows of denormalised tables say the same thing in several columns. While a dictionary column is written, each text column
 * before and behind it is asked whether equal values of it always stand beside equal values here; where they do, the file
 * keeps the table from codes to codes (docs/segment-format.md, section 5), and a scan that has fixed the one column
 * reads the other from the table instead of from its rows.
 *
 * Nearly all pairs fail within some hundred rows: what is paid for is the pairs that hold, a pass each, and `looks`
 * bounds that too.
 */
#include "storage/build/build_int.h"

enum {
    MOST_GIVERS = 4,         /* of one column */
    MOST_CODES = 1 << 16,    /* of a giver */
    LEAST_REPEATS = 16,      /* rows a value of a giver has on average: a column of unique values gives everything */
    LOOKS_PER_ROW = 32,      /* rows looked at while a segment is sealed, per row of it */
    NOT_SEEN = UINT32_MAX,
};

/* A giver that was found: to[code of the giver in the file] is a code in the file. */
typedef struct giver {
    uint32_t column, codes;
    uint32_t *to;
    size_t to_cap;
} giver;

typedef struct search {
    giver found[MOST_GIVERS];
    uint32_t count;
    uint32_t *seen; /* by arrival code of the column asked; NOT_SEEN between columns */
    size_t seen_cap;
    ov_budget *budget;
} search;

bool ovi_column_gives(const ovi_column *c, const ovi_sorted *s)
{
    return c->kind == OVI_CODE && c->def.type.id == OV_TYPE_STRING && !ov_type_is_list(c->def.type) && s->count > 1 &&
           s->count <= MOST_CODES && (uint64_t)s->count * LEAST_REPEATS <= c->rows;
}

void ovi_givers_init(ovi_givers *g, const ovi_column *columns, const ovi_sorted *sorted, uint32_t count, uint32_t rows)
{
    g->columns = columns;
    g->sorted = sorted;
    g->looks = (uint64_t)rows * LOOKS_PER_ROW;
    g->count = 0;
    for (uint32_t i = 0; i < count && g->count < OVI_MOST_GIVERS; i++)
        if (ovi_column_gives(&columns[i], &sorted[i]))
            g->may[g->count++] = i;
}

/* Rows of block b of x beside codes: how many of them agree with what was seen before; fewer than all: they do not. */
static uint32_t agree(const ovi_column *x, uint32_t b, const uint32_t *codes, uint32_t *seen, int64_t *values)
{
    uint32_t rows = ovi_column_decode(x, b, values, NULL), i;
    for (i = 0; i < rows; i++) {
        uint32_t *to = &seen[values[i]];
        if (*to == NOT_SEEN)
            *to = codes[i];
        else if (*to != codes[i])
            break;
    }
    return i;
}

/* Does x give the codes? Then s->seen has the table by arrival code. */
static bool gives_all(ovi_givers *g, const ovi_column *x, const uint32_t *codes, search *s)
{
    int64_t values[OV_BATCH_ROWS];
    uint64_t row = 0, end = 0;
    for (uint32_t b = 0; row == end && b < x->block_count; b++) {
        row += agree(x, b, codes + row, s->seen, values);
        end = OV_MIN(end + OV_BATCH_ROWS, x->rows);
    }
    g->looks -= OV_MIN(g->looks, row);
    return row == x->rows;
}

static ov_status keep(const ovi_sorted *sorted, uint32_t arrivals, uint32_t column, search *s, ov_error *err)
{
    giver *found = &s->found[s->count];
    OV_TRY(ovi_grow(&found->to, &found->to_cap, sorted->count, sizeof *found->to, s->budget, err));
    for (uint32_t a = 0; a < arrivals; a++)
        if (s->seen[a] != NOT_SEEN)
            found->to[sorted->rank[a]] = s->seen[a];
    found->column = column;
    found->codes = sorted->count;
    s->count++;
    return OV_OK;
}

static uint32_t seen_count(const search *s, uint32_t arrivals)
{
    uint32_t n = 0;
    for (uint32_t a = 0; a < arrivals; a++)
        n += s->seen[a] != NOT_SEEN;
    return n;
}

static ov_status look(ovi_givers *g, const uint32_t *codes, const ovi_file_column *f, search *s, ov_error *err)
{
    for (uint32_t c = 0; c < g->count && s->count < MOST_GIVERS && g->looks; c++) {
        uint32_t i = g->may[c];
        const ovi_column *x = &g->columns[i];
        if (x == f->column || g->sorted[i].count < f->dict_count)
            continue; /* fewer values cannot give more */
        OV_TRY(ovi_grow(&s->seen, &s->seen_cap, x->dict.count, sizeof *s->seen, s->budget, err));
        memset(s->seen, 0xff, x->dict.count * sizeof *s->seen);
        if (gives_all(g, x, codes, s) && seen_count(s, x->dict.count) == g->sorted[i].count)
            OV_TRY(keep(&g->sorted[i], x->dict.count, i, s, err));
    }
    return OV_OK;
}

static void put_table(ovi_writer *w, const giver *found, uint8_t lane)
{
    int64_t wide[1024];
    char lanes[sizeof wide];
    for (uint32_t at = 0; at < found->codes;) {
        uint32_t n = OV_MIN(found->codes - at, (uint32_t)OV_COUNT_OF(wide));
        for (uint32_t i = 0; i < n; i++)
            wide[i] = found->to[at + i];
        ovi_lane_kernels_now()->pack(wide, 0, lane, n, lanes);
        ovi_writer_put(w, lanes, (size_t)n * lane);
        at += n;
    }
    ovi_writer_align(w);
}

static void put(ovi_writer *w, const search *s, ovi_file_column *f)
{
    uint8_t lane = f->dict_count <= 1 << 8 ? 1 : f->dict_count <= 1 << 16 ? 2 : 4;
    ov_given_entry entries[MOST_GIVERS];
    uint64_t at = ov_seg_align(s->count * sizeof *entries);
    for (uint32_t i = 0; i < s->count; i++) {
        entries[i] = (ov_given_entry){.column = s->found[i].column, .codes = s->found[i].codes, .lane = lane,
                                      .more = i + 1 < s->count, .offset = (uint32_t)at};
        at += ov_seg_align((uint64_t)s->found[i].codes * lane);
    }
    ovi_section_begin(w, f, OV_SECTION_GIVEN);
    ovi_writer_put(w, entries, s->count * sizeof *entries);
    ovi_writer_align(w);
    for (uint32_t i = 0; i < s->count; i++)
        put_table(w, &s->found[i], lane);
    ovi_section_end(w, f);
}

ov_status ovi_write_given(ovi_writer *w, ovi_givers *g, const uint32_t *codes, ovi_file_column *f, ov_error *err)
{
    search s = {.budget = f->column->budget};
    if (!g || f->dict_count <= 1)
        return OV_OK;
    ov_status st = look(g, codes, f, &s, err);
    if (st == OV_OK && s.count)
        put(w, &s, f);
    for (uint32_t i = 0; i < MOST_GIVERS; i++)
        ovi_shrink(&s.found[i].to, &s.found[i].to_cap, sizeof *s.found[i].to, s.budget);
    ovi_shrink(&s.seen, &s.seen_cap, sizeof *s.seen, s.budget);
    return st;
}
