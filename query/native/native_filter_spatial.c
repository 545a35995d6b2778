/*
 * The filter `spatial`: texts "x,y,..." are points, and a bound says which of them pass: a rectangle (of any number of coordinates), the
 * surroundings of a point, or a polygon. A text that is no such point does not pass.
 */
#include "query/native/native_filter_int.h"

enum { MOST_COORDINATES = 16, MOST_CORNERS = 1000 };

static ov_status number(ovi_filter_binder *f, double v, const ov_expr **out)
{
    return ov_expr_f64(f->b.cx, OV_SQL_DOUBLE, v, out, f->err);
}

/* Coordinate i of the point. */
static ov_status coordinate(ovi_filter_binder *f, const ov_json *json, const ov_expr *parts, uint32_t i, const ov_expr **out)
{
    const ov_expr *args[2] = {parts, NULL};
    OV_TRY(ov_expr_i64(f->b.cx, OV_SQL_BIGINT, i, &args[1], f->err));
    OV_TRY(ovi_filter_apply(f, json, "ARRAY_OFFSET", args, 2, out));
    return ov_expr_cast(f->b.cx, *out, OV_SQL_DOUBLE, OV_T(OV_TYPE_DOUBLE), 0, 0, out, f->err);
}

/* The numbers of member `key`, `count` of them when it is not 0. */
static ov_status numbers(ovi_filter_binder *f, const ov_json *bound, const char *key, uint32_t most, uint32_t count, double *out, uint32_t *n)
{
    const ov_json *list;
    OV_TRY(ov_json_need_arr(bound, key, &list, f->err));
    if (list->count == 0 || list->count > most || (count && list->count != count))
        return ov_json_fail(list, f->err, OV_INVALID, "expected %u to %u numbers, found %u", count ? count : 1, count ? count : most,
                            list->count);
    *n = 0;
    for (const ov_json *v = list->first; v; v = v->next)
        OV_TRY(ov_json_as_f64(v, &out[(*n)++], f->err));
    return OV_OK;
}

static ov_status in_rectangle(ovi_filter_binder *f, const ov_json *bound, const ov_expr *parts, const ov_expr **out)
{
    double low[MOST_COORDINATES], high[MOST_COORDINATES];
    const ov_expr *all[2 * MOST_COORDINATES], *x, *limit;
    uint32_t n, same, count = 0;
    OV_TRY(numbers(f, bound, "minCoords", MOST_COORDINATES, 0, low, &n));
    OV_TRY(numbers(f, bound, "maxCoords", MOST_COORDINATES, n, high, &same));
    for (uint32_t i = 0; i < n; i++) {
        OV_TRY(coordinate(f, bound, parts, i, &x));
        OV_TRY(number(f, low[i], &limit));
        OV_TRY(ovi_filter_apply2(f, bound, ">=", x, limit, &all[count++]));
        OV_TRY(number(f, high[i], &limit));
        OV_TRY(ovi_filter_apply2(f, bound, "<=", x, limit, &all[count++]));
    }
    return ovi_filter_apply(f, bound, "AND", all, count, out);
}

/* The sum of squared distances is at most the radius squared. */
static ov_status in_radius(ovi_filter_binder *f, const ov_json *bound, const ov_expr *parts, const ov_expr **out)
{
    double center[MOST_COORDINATES], radius;
    const ov_json *v;
    const ov_expr *sum = NULL, *off, *c;
    uint32_t n;
    OV_TRY(numbers(f, bound, "coords", MOST_COORDINATES, 0, center, &n));
    OV_TRY(ov_json_need(bound, "radius", &v, f->err));
    OV_TRY(ov_json_as_f64(v, &radius, f->err));
    for (uint32_t i = 0; i < n; i++) {
        OV_TRY(coordinate(f, bound, parts, i, &off));
        OV_TRY(number(f, center[i], &c));
        OV_TRY(ovi_filter_apply2(f, bound, "-", off, c, &off));
        OV_TRY(ovi_filter_apply2(f, bound, "*", off, off, &off));
        if (sum)
            OV_TRY(ovi_filter_apply2(f, bound, "+", sum, off, &sum));
        else
            sum = off;
    }
    OV_TRY(number(f, radius * radius, &c));
    return ovi_filter_apply2(f, bound, "<=", sum, c, out);
}

/* 1 where a ray from (x, y) to the right meets the edge from corner a to corner b. */
static ov_status meets(ovi_filter_binder *f, const ov_json *bound, const ov_expr *const point[2], const double a[2], const double b[2],
                       const ov_expr **out)
{
    const ov_expr *limit, *parts[3], *tests[2];
    double low = a[1] < b[1] ? a[1] : b[1], high = a[1] < b[1] ? b[1] : a[1];
    if (low == high)
        return ov_expr_i64(f->b.cx, OV_SQL_BIGINT, 0, out, f->err);
    OV_TRY(number(f, low, &limit));
    OV_TRY(ovi_filter_apply2(f, bound, ">=", point[1], limit, &tests[0]));
    OV_TRY(number(f, high, &limit));
    OV_TRY(ovi_filter_apply2(f, bound, "<", point[1], limit, &tests[1]));
    OV_TRY(ovi_filter_apply(f, bound, "AND", tests, 2, &tests[0]));
    /* x < a.x + (y - a.y) * slope */
    OV_TRY(number(f, a[1], &limit));
    OV_TRY(ovi_filter_apply2(f, bound, "-", point[1], limit, &parts[0]));
    OV_TRY(number(f, (b[0] - a[0]) / (b[1] - a[1]), &limit));
    OV_TRY(ovi_filter_apply2(f, bound, "*", parts[0], limit, &parts[0]));
    OV_TRY(number(f, a[0], &limit));
    OV_TRY(ovi_filter_apply2(f, bound, "+", parts[0], limit, &parts[0]));
    OV_TRY(ovi_filter_apply2(f, bound, "<", point[0], parts[0], &tests[1]));
    OV_TRY(ovi_filter_apply(f, bound, "AND", tests, 2, &parts[0]));
    OV_TRY(ov_expr_i64(f->b.cx, OV_SQL_BIGINT, 1, &parts[1], f->err));
    OV_TRY(ov_expr_i64(f->b.cx, OV_SQL_BIGINT, 0, &parts[2], f->err));
    return ovi_filter_apply(f, bound, "CASE", parts, 3, out);
}

/* An odd number of edges is met. */
static ov_status in_polygon(ovi_filter_binder *f, const ov_json *bound, const ov_expr *parts, const ov_expr **out)
{
    double x[MOST_CORNERS], y[MOST_CORNERS];
    const ov_expr *point[2], **sums, *two;
    uint32_t n, same;
    OV_TRY(numbers(f, bound, "abscissa", MOST_CORNERS, 0, x, &n));
    OV_TRY(numbers(f, bound, "ordinate", MOST_CORNERS, n, y, &same));
    for (uint32_t i = 0; i < 2; i++)
        OV_TRY(coordinate(f, bound, parts, i, &point[i]));
    OV_TRY(ov_arena_alloc(f->b.cx->arena, n * sizeof *sums, &sums, f->err));
    for (uint32_t i = 0; i < n; i++) {
        uint32_t next = i + 1 < n ? i + 1 : 0;
        OV_TRY(meets(f, bound, point, (double[]){x[i], y[i]}, (double[]){x[next], y[next]}, &sums[i]));
    }
    for (uint32_t width = 1; width < n; width *= 2) /* a tree that stays low */
        for (uint32_t i = 0; i + width < n; i += 2 * width)
            OV_TRY(ovi_filter_apply2(f, bound, "+", sums[i], sums[i + width], &sums[i]));
    OV_TRY(ov_expr_i64(f->b.cx, OV_SQL_BIGINT, 2, &two, f->err));
    OV_TRY(ovi_filter_apply2(f, bound, "%", sums[0], two, &point[0]));
    OV_TRY(ov_expr_i64(f->b.cx, OV_SQL_BIGINT, 1, &two, f->err));
    return ovi_filter_apply2(f, bound, "=", point[0], two, out);
}

/* Of one text. */
static ov_status inside(ovi_filter_binder *f, const ov_json *json, const ov_expr *point, const ov_expr **out)
{
    const ov_json *bound;
    const ov_expr *comma, *parts;
    ov_slice type;
    OV_TRY(ov_json_need_obj(json, "bound", &bound, f->err));
    OV_TRY(ov_json_need_str(bound, "type", &type, f->err));
    OV_TRY(ovi_filter_text(f, OV_SLICE_LIT(","), &comma));
    OV_TRY(ovi_filter_apply2(f, json, "STRING_TO_ARRAY", point, comma, &parts));
    if (ov_slice_eq(type, OV_SLICE_LIT("rectangular")))
        return in_rectangle(f, bound, parts, out);
    if (ov_slice_eq(type, OV_SLICE_LIT("radius")))
        return in_radius(f, bound, parts, out);
    if (ov_slice_eq(type, OV_SLICE_LIT("polygon")))
        return in_polygon(f, bound, parts, out);
    return ov_json_fail(ov_json_get(bound, "type"), f->err, OV_INVALID, "unknown bound '" OV_SLICE_FMT "'; there are rectangular, radius and polygon",
                        OV_SLICE_ARG(type));
}

ov_status ovi_filter_spatial(ovi_filter_binder *f, const ov_json *json, const ov_expr **out)
{
    const ov_expr *col;
    OV_TRY(ovi_filter_text_column(f, json, &col));
    return ovi_filter_each(f, json, col, inside, out);
}
