/*
 * t-digests, with the bytes and the rule of com.tdunning's MergingDigest 3.2, which is Druid's.
 *
 * Cells of a mean and a weight, ascending. New numbers wait behind them; when the place is full all are sorted and, from the least on, each joins the
 * cell before it while the joint weight stays below (pi / compression)^-1 * n * sqrt(q (1 - q)) at both ends of the cell. So cells at the ends hold
 * single numbers, and quantiles there are as good as exact.
 *
 *        cell    [cells: merged][waiting, in any order]        never more than 5 * compression
 *
 * Which numbers share a cell depends on their order, and on when cells were merged: the bytes are MergingDigest's when numbers differ and come in the
 * same order.
 *
 * Sources: Dunning, Ertl, "Computing Extremely Accurate Quantiles Using t-Digests" (2019); the format, and how the place is used, as 3.2 has it.
 */
#pragma once

#include "sketch/sketch.h"

enum {
    OV_TDIGEST_LEAST_COMPRESSION = 1,
    OV_TDIGEST_MOST_COMPRESSION = 10000,
    OV_TDIGEST_DEFAULT_COMPRESSION = 100,
};

#define OV_TDIGEST_MOST_VALUE 1e290 /* products of weights and differences stay finite */

typedef struct ov_tdigest_cell {
    double mean, weight;
} ov_tdigest_cell;

typedef struct ov_tdigest {
    double compression; /* 0: never initialised (a zeroed head) */
    double min, max;    /* of what was merged; infinite when nothing was */
    double total;       /* weight of the merged cells */
    double fresh;       /* of those that wait */
    uint32_t cells, waiting;
    ov_tdigest_cell *cell;
    size_t cap; /* bytes */
} ov_tdigest;

void ov_tdigest_init(ov_tdigest *s, double compression);
/* One number; NaN is none, and what cannot be averaged is refused: infinity, or more than 1e290. */
OV_CHECKED ov_status ov_tdigest_add(ov_tdigest *s, double x, const ov_sketch_mem *mem, ov_error *err);
/* s takes in all cells of `from`. */
OV_CHECKED ov_status ov_tdigest_merge(ov_tdigest *s, const ov_tdigest *from, const ov_sketch_mem *mem, ov_error *err);
/* Nothing waits any more. */
void ov_tdigest_compress(ov_tdigest *s);
/* A digest of the same cells in memory of the arena, compressed. */
OV_CHECKED ov_status ov_tdigest_settled(const ov_tdigest *s, ov_arena *a, ov_tdigest *out, ov_error *err);

static inline double ov_tdigest_count(const ov_tdigest *s)
{
    return s->total + s->fresh;
}

/* Between cells by their weights; NaN when nothing is there. Compressed ones only; rank from 0 to 1. */
double ov_tdigest_quantile(const ov_tdigest *s, double rank);
/* How well a rank in the middle is known, as part of all: the weight of a cell there. For tests. */
double ov_tdigest_error(unsigned compression, bool of_difference);

/* tdigest_image.c: a compressed digest, as MergingDigest.asBytes writes it. */
OV_CHECKED ov_status ov_tdigest_write(const ov_tdigest *s, ov_buf *out, ov_error *err);
/* Reads that, or what asSmallBytes writes, trusting nothing; no bytes are an empty digest. */
OV_CHECKED ov_status ov_tdigest_read(ov_slice image, ov_tdigest *s, const ov_sketch_mem *mem, ov_error *err);

/* ---- within sketch ---- */

OV_CHECKED ov_status ovi_tdigest_reserve(ov_tdigest *s, size_t cells, const ov_sketch_mem *mem, ov_error *err);
