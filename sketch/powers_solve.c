/*
 * From sums of powers to a distribution (powers.h).
 *
 * The means m of Chebyshev polynomials T over [-1, 1] are known; sought are coefficients c so that the weights w = exp(sum of c[j] T[j]) on the grid have
 * these means. They minimise sum(w) - c.m, which is convex: its gradient is (means of w) - m, and its Hessian are means again, for
 * T[i] T[j] = (T[i + j] + T[|i - j|]) / 2. Newton's steps are halved twice until they go down far enough.
 */
#include "sketch/powers.h"

enum {
    GRID = OV_POWERS_GRID,
    MOST_STEPS = 15,
    MOST_SUMS = 20, /* more are noise in doubles */
};

#define TOLERANCE 1e-6
#define EPSILON 0x1p-52

typedef struct solver {
    unsigned k;
    double mean[MOST_SUMS];    /* sought */
    double *poly;              /* 2k polynomials on the grid */
    double *weight;            /* of the grid's points */
    double moment[2 * MOST_SUMS]; /* what the weights have */
} solver;

/* ---- sums to means ---- */

/* Sums of ((x - center) / radius)^i, divided by how many there are. */
static void shift(const double *sum, unsigned k, double center, double radius, double *out)
{
    for (unsigned m = 0; m < k; m++) {
        double total = 0, binomial = 1, scale = 1;
        double powers[MOST_SUMS];
        powers[0] = 1;
        for (unsigned i = 1; i <= m; i++) {
            powers[i] = powers[i - 1] * -center;
            scale /= radius;
        }
        for (unsigned j = 0; j <= m; j++) {
            total += binomial * powers[m - j] * sum[j];
            binomial = binomial * (m - j) / (j + 1);
        }
        out[m] = scale * total / sum[0];
    }
}

static void chebyshev_means(const double *power, unsigned k, double *out)
{
    double before[MOST_SUMS] = {1}, now[MOST_SUMS] = {0, 1}, next[MOST_SUMS];
    out[0] = power[0];
    for (unsigned i = 1; i < k; i++) {
        out[i] = 0;
        for (unsigned j = 0; j <= i; j++)
            out[i] += now[j] * power[j];
        for (unsigned j = 0; j < MOST_SUMS; j++)
            next[j] = (j ? 2 * now[j - 1] : 0) - before[j];
        memcpy(before, now, sizeof(before));
        memcpy(now, next, sizeof(now));
    }
}

/* ---- the function and its derivatives ---- */

static double grid_point(unsigned i)
{
    return i * 2.0 / (GRID - 1) - 1.0;
}

static void fill_polynomials(solver *s)
{
    for (unsigned i = 0; i < GRID; i++) {
        double x = grid_point(i);
        s->poly[i] = 1;
        s->poly[GRID + i] = x;
        for (unsigned j = 2; j < 2 * s->k; j++)
            s->poly[j * GRID + i] = 2 * x * s->poly[(j - 1) * GRID + i] - s->poly[(j - 2) * GRID + i];
    }
}

/* Weights and moments at coefficients c; the function's value. */
static double evaluate(solver *s, const double *c)
{
    double value = 0;
    memset(s->weight, 0, GRID * sizeof(double));
    for (unsigned j = 0; j < s->k; j++)
        for (unsigned i = 0; i < GRID; i++)
            s->weight[i] += c[j] * s->poly[j * GRID + i];
    for (unsigned i = 0; i < GRID; i++)
        s->weight[i] = exp(s->weight[i]);
    for (unsigned j = 0; j < 2 * s->k; j++) {
        double sum = 0;
        for (unsigned i = 0; i < GRID; i++)
            sum += s->poly[j * GRID + i] * s->weight[i];
        s->moment[j] = sum;
    }
    for (unsigned j = 0; j < s->k; j++)
        value += c[j] * s->mean[j];
    return s->moment[0] - value;
}

/* ---- linear equations ---- */

typedef double matrix[MOST_SUMS][MOST_SUMS];

/* Solves a x = b by Cholesky's decomposition; false: a is not positive. */
static bool solve_positive(const matrix a, unsigned k, const double *b, double *x)
{
    matrix l = {{0}};
    for (unsigned i = 0; i < k; i++)
        for (unsigned j = 0; j <= i; j++) {
            double sum = a[i][j];
            for (unsigned m = 0; m < j; m++)
                sum -= l[i][m] * l[j][m];
            if (i == j && !(sum > 0))
                return false;
            l[i][j] = i == j ? sqrt(sum) : sum / l[j][j];
        }
    for (unsigned i = 0; i < k; i++) {
        x[i] = b[i];
        for (unsigned m = 0; m < i; m++)
            x[i] -= l[i][m] * x[m];
        x[i] /= l[i][i];
    }
    for (unsigned i = k; i-- > 0;) {
        for (unsigned m = i + 1; m < k; m++)
            x[i] -= l[m][i] * x[m];
        x[i] /= l[i][i];
    }
    return true;
}

/* One of Jacobi's rotations: a[p][q] becomes 0, v takes part. */
static void rotate(matrix a, matrix v, unsigned k, unsigned p, unsigned q)
{
    double theta = (a[q][q] - a[p][p]) / (2 * a[p][q]);
    double t = (theta < 0 ? -1 : 1) / (fabs(theta) + sqrt(theta * theta + 1)), c = 1 / sqrt(t * t + 1), s = t * c;
    for (unsigned i = 0; i < k; i++) {
        double x = a[i][p], y = a[i][q];
        a[i][p] = c * x - s * y;
        a[i][q] = s * x + c * y;
    }
    for (unsigned i = 0; i < k; i++) {
        double x = a[p][i], y = a[q][i], vx = v[i][p], vy = v[i][q];
        a[p][i] = c * x - s * y;
        a[q][i] = s * x + c * y;
        v[i][p] = c * vx - s * vy;
        v[i][q] = s * vx + c * vy;
    }
}

/* The shortest x that solves a x = b as well as can be: by eigenvalues, those that are nothing left out. a is destroyed. */
static void solve_any(matrix a, unsigned k, const double *b, double *x)
{
    enum { SWEEPS = 60 };
    matrix v = {{0}};
    double largest = 0;
    for (unsigned i = 0; i < k; i++)
        v[i][i] = 1;
    for (unsigned sweep = 0; sweep < SWEEPS; sweep++) {
        bool any = false;
        for (unsigned p = 0; p < k; p++)
            for (unsigned q = p + 1; q < k; q++)
                if (fabs(a[p][q]) > EPSILON * sqrt(fabs(a[p][p] * a[q][q]))) {
                    rotate(a, v, k, p, q);
                    any = true;
                }
        if (!any)
            break;
    }
    for (unsigned i = 0; i < k; i++) {
        largest = fmax(largest, fabs(a[i][i]));
        x[i] = 0;
    }
    double least = fmax(k * largest * EPSILON, 1e-154);
    for (unsigned e = 0; e < k; e++) {
        double part = 0;
        if (!(fabs(a[e][e]) > least))
            continue;
        for (unsigned i = 0; i < k; i++)
            part += v[i][e] * b[i];
        for (unsigned i = 0; i < k; i++)
            x[i] += v[i][e] * part / a[e][e];
    }
}

/* ---- Newton's method ---- */

static void find_step(const solver *s, const double *gradient, double *step)
{
    matrix hessian;
    for (unsigned i = 0; i < s->k; i++)
        for (unsigned j = 0; j < s->k; j++)
            hessian[i][j] = 0.5 * (s->moment[i + j] + s->moment[i > j ? i - j : j - i]);
    if (!solve_positive((const double(*)[MOST_SUMS])hessian, s->k, gradient, step))
        solve_any(hessian, s->k, gradient, step);
    for (unsigned i = 0; i < s->k; i++)
        step[i] = -step[i];
}

static double evaluate_at(solver *s, const double *c, double part, const double *step, double *out)
{
    for (unsigned i = 0; i < s->k; i++)
        out[i] = c[i] + part * step[i];
    return evaluate(s, out);
}

static void minimise(solver *s)
{
    double c[MOST_SUMS] = {log(1.0 / GRID)}, next[MOST_SUMS], gradient[MOST_SUMS], step[MOST_SUMS];
    double value = evaluate(s, c);
    for (unsigned turn = 0; turn < MOST_STEPS; turn++) {
        double error = 0, slope = 0, part = 1;
        for (unsigned i = 0; i < s->k; i++) {
            gradient[i] = s->moment[i] - s->mean[i];
            error += gradient[i] * gradient[i];
        }
        if (error / s->k < TOLERANCE * TOLERANCE)
            return;
        find_step(s, gradient, step);
        for (unsigned i = 0; i < s->k; i++)
            slope += step[i] * gradient[i];
        double found = evaluate_at(s, c, part, step, next);
        while (slope * slope > TOLERANCE * TOLERANCE && part >= 1e-3 && value + 0.3 * part * slope - found < -TOLERANCE) {
            part *= 0.25;
            found = evaluate_at(s, c, part, step, next);
        }
        memcpy(c, next, sizeof(c));
        value = found;
    }
}

ov_status ov_powers_solve(const ov_powers *s, ov_powers_solved *out, ov_arena *a, ov_error *err)
{
    solver v = {.k = OV_MIN(s->k, (uint32_t)MOST_SUMS)};
    double center = (s->max + s->min) / 2, radius = (s->max - s->min) / 2, means[MOST_SUMS] = {0}, sum = 0;
    *out = (ov_powers_solved){0};
    if (!s->sum)
        return OV_OK;
    OV_TRY(ov_arena_alloc(a, 2 * v.k * GRID * sizeof(double), &v.poly, err));
    OV_TRY(ov_arena_zalloc(a, GRID * sizeof(double), &v.weight, err));
    OV_TRY(ov_arena_alloc(a, GRID * sizeof(double), &out->number, err));
    OV_TRY(ov_arena_alloc(a, GRID * sizeof(double), &out->below, err));
    if (radius > 0) { /* else all numbers are the same */
        shift(s->sum, v.k, center, radius, means);
        chebyshev_means(means, v.k, v.mean);
        fill_polynomials(&v);
        minimise(&v);
    }
    for (unsigned i = 0; i < GRID; i++) {
        double x = grid_point(i) * radius + center;
        sum += i ? v.weight[i] : 0;
        out->number[i] = s->compressed ? sinh(x) : x;
        out->below[i] = sum;
    }
    return OV_OK;
}

double ov_powers_quantile(const ov_powers_solved *d, double rank)
{
    unsigned lo = 0, hi = GRID - 1;
    if (!d->number || isnan(rank))
        return NAN;
    if (rank <= d->below[0])
        return d->number[0];
    while (hi - lo > 1) {
        unsigned mid = (lo + hi) / 2;
        if (rank <= d->below[mid])
            hi = mid;
        else
            lo = mid;
    }
    return d->number[hi];
}
