/*
 * What WINDOW means, the slow and obvious way: for every row all rows of its partition are asked whether they are in the frame.
 */
#pragma once

#include "tests/unit/two_days.h"

/* ---- the input as cells ---- */

typedef struct cells {
    uint32_t rows;
    char **line;
    char *(*cell)[EXEC_COLUMNS]; /* NULL: is NULL */
} cells;

static cells cells_of(const ov_plan *plan)
{
    cells c = {0};
    exec_result got = exec_run(&table, plan, (ov_exec_options){.workers = 1, .general_only = true}, pool);
    char *text = strdup(ov_buf_cstr(&got.text)), *rest = text;
    c.cell = calloc(got.rows + 1, sizeof(*c.cell));
    c.line = calloc(got.rows + 1, sizeof(*c.line));
    for (char *line; (line = strsep(&rest, "\n")) && rest; c.rows++) {
        c.line[c.rows] = strdup(line);
        char *at = strdup(line), *first = at;
        for (uint32_t k = 0; k < EXEC_COLUMNS; k++) {
            char *value = strsep(&at, "|");
            c.cell[c.rows][k] = strcmp(value, "NULL") ? strdup(value) : NULL;
        }
        free(first);
    }
    free(text);
    ov_buf_fini(&got.text);
    return c;
}

static void free_cells(cells *c)
{
    for (uint32_t i = 0; i < c->rows; i++) {
        free(c->line[i]);
        for (uint32_t k = 0; k < EXEC_COLUMNS; k++)
            free(c->cell[i][k]);
    }
    free(c->line);
    free(c->cell);
}

static bool is_number(uint32_t column)
{
    return column == COL_TIME || column == COL_N || column == COL_M || column == COL_X;
}

static int compare(uint32_t column, const char *a, const char *b)
{
    if (!is_number(column))
        return strcmp(a, b);
    long double x = strtold(a, NULL), y = strtold(b, NULL);
    return (x > y) - (x < y);
}

/* ---- the definition ---- */

typedef struct definition {
    const cells *in;
    const ov_plan *plan;
    uint32_t *row; /* sorted */
} definition;

static const char *value(const definition *d, uint32_t at, uint32_t column)
{
    return d->in->cell[d->row[at]][column];
}

static int by_key(const ov_sort_key *key, const char *a, const char *b)
{
    if (!a || !b)
        return !a == !b ? 0 : (!a) == key->nulls_first ? -1 : 1;
    int c = compare(key->column, a, b);
    return key->descending ? -c : c;
}

static int by_order(const definition *d, uint32_t a, uint32_t b)
{
    for (uint32_t k = 0; k < d->plan->window.key_count; k++) {
        const ov_sort_key *key = &d->plan->window.keys[k];
        int c = by_key(key, value(d, a, key->column), value(d, b, key->column));
        if (c)
            return c;
    }
    return 0;
}

static bool same_partition(const definition *d, uint32_t a, uint32_t b)
{
    for (uint32_t k = 0; k < d->plan->window.partition_count; k++) {
        const char *x = value(d, a, d->plan->window.partition[k]), *y = value(d, b, d->plan->window.partition[k]);
        if (!x != !y || (x && strcmp(x, y)))
            return false;
    }
    return true;
}

static int sorted_order(const void *pa, const void *pb, void *self)
{
    const definition *d = self;
    uint32_t a = *(const uint32_t *)pa, b = *(const uint32_t *)pb;
    const definition raw = {d->in, d->plan, (uint32_t[]){a, b}};
    for (uint32_t k = 0; k < d->plan->window.partition_count; k++) {
        ov_sort_key key = {.column = d->plan->window.partition[k], .nulls_first = true};
        int c = by_key(&key, value(&raw, 0, key.column), value(&raw, 1, key.column));
        if (c)
            return c;
    }
    int c = by_order(&raw, 0, 1);
    return c ? c : (a > b) - (a < b);
}

/* Is row j at or behind (sign 1), at or before (sign -1) this edge of row i's frame? */
static bool inside(const definition *d, const ov_window_edge *e, bool range, uint32_t i, uint32_t j, int sign)
{
    if (e->kind == OV_EDGE_PARTITION)
        return true;
    int64_t n = e->kind == OV_EDGE_PRECEDING ? -e->n : e->kind == OV_EDGE_FOLLOWING ? e->n : 0;
    if (!range)
        return sign > 0 ? j >= (int64_t)i + n : j <= (int64_t)i + n;
    if (e->kind == OV_EDGE_CURRENT)
        return sign * by_order(d, j, i) >= 0;
    const ov_sort_key *key = &d->plan->window.keys[0];
    const char *x = value(d, i, key->column), *y = value(d, j, key->column);
    if (!x || !y)
        return sign * by_order(d, j, i) >= 0;
    long double by = (key->column == COL_X ? (long double)e->real : (long double)e->n);
    bool down = (e->kind == OV_EDGE_PRECEDING) != key->descending;
    long double target = strtold(x, NULL) + (down ? -by : by), got = strtold(y, NULL);
    return key->descending ? sign * (target - got) >= 0 : sign * (got - target) >= 0;
}

/* Rows of i's frame in order. */
static uint32_t frame_of(const definition *d, const ov_window_call *call, uint32_t i, uint32_t first, uint32_t end,
                         uint32_t *out)
{
    uint32_t n = 0;
    for (uint32_t j = first; j < end; j++)
        if (inside(d, &call->frame.from, call->frame.range, i, j, 1) &&
            inside(d, &call->frame.to, call->frame.range, i, j, -1))
            out[n++] = j;
    return n;
}

static void add_value(ov_buf *out, const char *text)
{
    ov_buf_add_str(out, text ? text : "NULL");
}

static void rank_value(const definition *d, const ov_window_call *call, uint32_t i, uint32_t first, uint32_t end,
                       ov_buf *out)
{
    int64_t before = 0, groups = 1, upto = 0, rows = end - first;
    for (uint32_t j = first; j < end; j++) {
        before += by_order(d, j, i) < 0;
        upto += by_order(d, j, i) <= 0;
        groups += j > first && j <= i && by_order(d, j - 1, j) != 0;
    }
    switch (call->fn) {
    case OV_WINDOW_ROW_NUMBER:
        ov_buf_add_i64(out, i - first + 1);
        return;
    case OV_WINDOW_RANK:
        ov_buf_add_i64(out, before + 1);
        return;
    case OV_WINDOW_DENSE_RANK:
        ov_buf_add_i64(out, groups);
        return;
    case OV_WINDOW_PERCENT_RANK:
        ov_buf_add_double(out, rows > 1 ? (double)before / (double)(rows - 1) : 0);
        return;
    case OV_WINDOW_CUME_DIST:
        ov_buf_add_double(out, (double)upto / (double)rows);
        return;
    default:
        break;
    }
    int64_t at = first, bucket = 0; /* NTILE: deal rows out, larger buckets first */
    for (; at <= i; bucket++)
        at += rows / call->n + (bucket < rows % call->n);
    ov_buf_add_i64(out, bucket);
}

/* Numbers of `rows` that count for IGNORE NULLS. */
static uint32_t counted(const definition *d, const ov_window_call *call, const uint32_t *rows, uint32_t n, uint32_t *out)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < n; i++)
        if (!call->ignore_nulls || value(d, rows[i], call->args[0]->column))
            out[count++] = rows[i];
    return count;
}

static void other_value(const definition *d, const ov_window_call *call, uint32_t i, uint32_t first, uint32_t end,
                        uint32_t *rows, ov_buf *out)
{
    uint32_t column = call->args[0]->column, n = 0;
    int64_t at = 0;
    if (call->fn == OV_WINDOW_LAG || call->fn == OV_WINDOW_LEAD) {
        bool lag = call->fn == OV_WINDOW_LAG;
        if (call->n == 0) {
            add_value(out, value(d, i, column));
            return;
        }
        for (uint32_t j = lag ? first : i + 1; j < (lag ? i : end); j++)
            rows[n++] = j;
        n = counted(d, call, rows, n, rows);
        at = lag ? (int64_t)n - call->n : call->n - 1;
    } else {
        n = counted(d, call, rows, frame_of(d, call, i, first, end, rows), rows);
        at = call->fn == OV_WINDOW_LAST_VALUE ? (int64_t)n - 1 : call->fn == OV_WINDOW_NTH_VALUE ? call->n - 1 : 0;
    }
    if (at >= 0 && at < n)
        add_value(out, value(d, rows[at], column));
    else
        add_value(out, call->argc > 1 ? value(d, i, call->args[1]->column) : NULL);
}

static void aggregate(const definition *d, const ov_window_call *call, const uint32_t *rows, uint32_t n, ov_buf *out)
{
    const ov_agg_call *agg = call->agg;
    uint32_t column = agg->argc ? agg->args[0]->column : 0;
    const char *best = NULL;
    int64_t count = 0, sum = 0, different = 0;
    double real = 0;
    ov_buf joined;
    ov_buf_init(&joined);
    for (uint32_t i = 0; i < n; i++) {
        const char *v = value(d, rows[i], column);
        const char *pass = value(d, rows[i], COL_N); /* the filter is n > 7 */
        if ((agg->argc && !v) || (agg->filter && atoll(pass) <= 7))
            continue;
        ov_buf_addf(&joined, "%s%s", count ? "," : "", v);
        count++;
        sum = (int64_t)((uint64_t)sum + (uint64_t)strtoll(v, NULL, 10));
        real += strtod(v, NULL);
        int c = best ? compare(column, v, best) : 0;
        if (!best || (!strcmp(agg->fn->name, "MAX") ? c > 0 : c < 0))
            best = v;
        bool seen = strcmp(agg->fn->name, "APPROX_COUNT_DISTINCT") != 0;
        for (uint32_t j = 0; j < i && !seen; j++) {
            const char *w = value(d, rows[j], column);
            seen = w && !strcmp(v, w) && (!agg->filter || atoll(value(d, rows[j], COL_N)) > 7);
        }
        different += !seen;
    }
    if (!strcmp(agg->fn->name, "COUNT"))
        ov_buf_add_i64(out, count);
    else if (!strcmp(agg->fn->name, "APPROX_COUNT_DISTINCT"))
        ov_buf_add_i64(out, different);
    else if (!count)
        ov_buf_add_str(out, "NULL");
    else if (!strcmp(agg->fn->name, "AVG"))
        ov_buf_add_double(out, (column == COL_X ? real : (double)sum) / (double)count);
    else if (!strcmp(agg->fn->name, "STRING_AGG"))
        ov_buf_add_str(out, ov_buf_cstr(&joined));
    else if (strcmp(agg->fn->name, "SUM"))
        add_value(out, best);
    else if (column == COL_X)
        ov_buf_add_double(out, real);
    else
        ov_buf_add_i64(out, sum);
    ov_buf_fini(&joined);
}

static int by_text(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static char **defined(const cells *in, const ov_plan *plan)
{
    definition d = {in, plan, malloc((in->rows + 1) * sizeof(uint32_t))};
    uint32_t *rows = malloc((in->rows + 1) * sizeof(*rows)), end = 0;
    char **lines = calloc(in->rows + 1, sizeof(*lines));
    for (uint32_t i = 0; i < in->rows; i++)
        d.row[i] = i;
    qsort_r(d.row, in->rows, sizeof(*d.row), sorted_order, &d);
    for (uint32_t i = 0, first = 0; i < in->rows; i++) {
        ov_buf out;
        if (i == end) {
            first = i;
            while (end < in->rows && same_partition(&d, first, end))
                end++;
        }
        ov_buf_init(&out);
        ov_buf_add_str(&out, in->line[d.row[i]]);
        for (uint32_t c = 0; c < plan->window.call_count; c++) {
            const ov_window_call *call = &plan->window.calls[c];
            ov_buf_add_char(&out, '|');
            if (call->fn == OV_WINDOW_AGGREGATE)
                aggregate(&d, call, rows, frame_of(&d, call, i, first, end, rows), &out);
            else if (call->fn < OV_WINDOW_LAG)
                rank_value(&d, call, i, first, end, &out);
            else
                other_value(&d, call, i, first, end, rows, &out);
        }
        lines[i] = strdup(ov_buf_cstr(&out));
        ov_buf_fini(&out);
    }
    free(rows);
    free(d.row);
    qsort(lines, in->rows, sizeof(*lines), by_text);
    return lines;
}
