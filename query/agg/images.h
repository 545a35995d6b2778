/*
 * States that are sketches: what the aggregates over all kinds of them share.
 *
 * What a sketch does is a row of functions in sketch/ops.h. Here columns of values and of images are added to states, states merge, become results and
 * are spilled. Heads are zeroed until something comes, and a zeroed head is a sketch without values.
 *
 *        call->prepared  [ov_image_params][the kind's own: a rank]
 */
#pragma once

#include "query/agg/object.h"
#include "sketch/ops.h"

typedef struct ov_image_params ov_image_params;

typedef struct ov_image_kind {
    ov_complex_id type;
    const ov_sketch_ops *sketch;
    /* Before anything comes to a head, which may be begun already. NULL: nothing. */
    void (*begin)(void *head, const ov_image_params *p);
    /* The number an aggregate shows in the sketch's place; a whole one when the call's type is LONG. NULL: there is none. */
    ov_status (*answer)(const void *head, const ov_agg_call *call, ov_arena *scratch, double *out, ov_error *err);
} ov_image_kind;

struct ov_image_params {
    const ov_image_kind *kind;
    ov_sketch_args args;
    bool of_images; /* the argument is a column of such sketches */
    bool answer;    /* the result is the number */
};

/* The state of a group, begun. */
void *ov_image_state(ov_object *o, uint32_t group);

/* Functions of ov_object_ops; ov_image_add for sketches of numbers. */
OV_CHECKED ov_status ov_image_add(ov_object *o, const ov_agg_rows *rows, const uint64_t *mask, const ov_vec *const *args,
                                  ov_arena *scratch, ov_error *err);
OV_CHECKED ov_status ov_image_merge(ov_object *dst, ov_object *src, const uint32_t *from, const uint32_t *to, size_t n,
                                    ov_error *err);
OV_CHECKED ov_status ov_image_emit(const ov_object *o, const ov_agg_call *call, const uint32_t *order, uint32_t n,
                                   ov_arena *out, ov_vec *vec, ov_error *err);
OV_CHECKED ov_status ov_image_write(const ov_object *o, uint32_t group, ov_buf *out, ov_error *err);
OV_CHECKED ov_status ov_image_read(ov_object *o, uint32_t group, ov_cursor *in, ov_error *err);

/* Puts every row of a column of images that has bytes. */
OV_CHECKED ov_status ov_images_add(ov_object *o, const ov_agg_rows *rows, const uint64_t *mask, const ov_vec *x,
                                   ov_arena *scratch, ov_error *err);

/*
 * Makes call->prepared, `bytes` long, zeroed behind the head: argument 0 may be a sketch of this kind, of no other; constants from `first` on are the
 * sketch's params. The result is the sketch, or a number when `answer` is a type of numbers (OV_SQL_NULL: it is not); never NULL.
 */
OV_CHECKED ov_status ov_image_bind(ov_agg_binding *b, const ov_image_kind *kind, ov_sqltype answer, uint32_t first,
                                   size_t bytes, void *prepared, ov_error *err);
/* The same for sketches of numbers: argument 0 is a sketch, a number, or text that may be one. */
OV_CHECKED ov_status ov_image_bind_numbers(ov_agg_binding *b, const ov_image_kind *kind, ov_sqltype answer, uint32_t first,
                                           size_t bytes, void *prepared, ov_error *err);

/* An object as the owner of a sketch's memory. */
ov_sketch_mem ov_object_mem(ov_object *o);
