/*
 * States that are sketches with an image: what the aggregates over sketches of all kinds share.
 *
 * A kind tells how its states take in images and each other, how they are written and which number they answer with; adding columns of images,
 * merging, results and spilling are the same for all. Heads are zeroed until something comes, and a zeroed head is a sketch without values.
 *
 *        call->prepared  [ov_image_params][the kind's own: sizes, ranks]
 */
#pragma once

#include "query/agg/object.h"
#include "sketch/sketch.h"

typedef struct ov_image_kind {
    ov_complex_id type;
    /* Group `group` takes in an image; what is read of it may lie in scratch. several: the row stands for equal ones. */
    ov_status (*put)(ov_object *o, uint32_t group, ov_slice image, bool several, ov_arena *scratch, ov_error *err);
    /* Group `group` takes in the state `from`, which is not zeroed. */
    ov_status (*merge)(ov_object *o, uint32_t group, const void *from, ov_error *err);
    /* Appends the image of a state (never zeroed when it is to be kept): the result, or what keeps most when the query goes on with it. */
    ov_status (*write)(const ov_object *o, uint32_t group, bool result, ov_arena *scratch, ov_buf *out, ov_error *err);
    /* Group `group` takes in a number, not NaN. NULL: values come another way (hashed.h). */
    ov_status (*number)(ov_object *o, uint32_t group, double x, ov_error *err);
    /* The number an aggregate shows in the sketch's place; NaN or a fraction only when its type is DOUBLE. NULL: there is none. */
    ov_status (*answer)(const ov_object *o, const ov_agg_call *call, uint32_t group, ov_arena *scratch, double *out,
                        ov_error *err);
} ov_image_kind;

typedef struct ov_image_params {
    const ov_image_kind *kind;
    bool of_images; /* the argument is a column of such sketches */
    bool answer;    /* the result is the number */
} ov_image_params;

/* Functions of ov_object_ops; ov_image_add for kinds of numbers. */
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
 * Makes call->prepared, `bytes` long, zeroed behind the head: argument 0 may be a sketch of this kind, of no other. The result is the sketch,
 * or a number when `answer` is a type of numbers (OV_SQL_NULL: it is not); never NULL.
 */
OV_CHECKED ov_status ov_image_bind(ov_agg_binding *b, const ov_image_kind *kind, ov_sqltype answer, size_t bytes,
                                   void *prepared, ov_error *err);

/* The same for kinds of numbers: argument 0 is a sketch, a number, or text that may be one. */
OV_CHECKED ov_status ov_image_bind_numbers(ov_agg_binding *b, const ov_image_kind *kind, ov_sqltype answer, size_t bytes,
                                           void *prepared, ov_error *err);

/* An object as the owner of a sketch's memory. */
ov_sketch_mem ov_object_mem(ov_object *o);
