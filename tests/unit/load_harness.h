/* What tests of whole loads share: a folder, specs around rows, and the segments that come out as text. */
#pragma once

#include "harness.h"

#include <stdio.h>
#include <unistd.h>

#include "base/file.h"
#include "base/json.h"
#include "base/numfmt.h"
#include "ingest/load/load.h"
#include "storage/segment/segment.h"

static char folder[64]; /* of this process, made and removed around its tests */

static inline int make_folder(void **state)
{
    (void)state;
    ov_error err = OV_ERROR_INIT;
    snprintf(folder, sizeof folder, "/tmp/ov_load_%d", (int)getpid());
    return ov_dir_make(folder, &err) == OV_OK ? 0 : -1;
}

static inline int remove_folder(void **state)
{
    (void)state;
    ov_error err = OV_ERROR_INIT;
    return ov_dir_remove_all(folder, &err) == OV_OK ? 0 : -1;
}

static inline uint32_t files_left(void)
{
    ov_arena a;
    ov_dir_entry *list;
    size_t n = 0;
    ov_error err = OV_ERROR_INIT;
    ov_arena_init(&a, "files", NULL);
    check_ok(ov_dir_list(folder, &a, &list, &n, &err), &err);
    ov_arena_fini(&a);
    return (uint32_t)n;
}

/* ---- reading segments back ---- */

static inline void print_value(ov_buf *out, const ov_vec *v, uint32_t row)
{
    if (ov_vec_is_null(v, row))
        ov_buf_add_str(out, "NULL");
    else if (v->type.id == OV_TYPE_LONG)
        ov_buf_add_i64(out, ov_vec_i64(v, row));
    else if (ov_type_is_real(v->type))
        ov_buf_add_double(out, ov_vec_f64(v, row));
    else if (ov_type_is_list(v->type))
        ov_buf_add_str(out, "[...]");
    else
        ov_buf_add_slice(out, ov_vec_str(v, row));
}

static inline void print_segment(ov_buf *out, const ov_load_segment *s)
{
    ov_segment *seg;
    ov_arena a;
    ov_vec cols[64];
    ov_error err = OV_ERROR_INIT;
    ov_arena_init(&a, "read", NULL);
    check_ok(ov_segment_open(s->path, &seg, &err), &err);
    assert_int_equal(ov_segment_get_info(seg)->rows, s->info.rows);
    assert_int_equal(ov_segment_columns(seg), s->column_count);
    for (uint32_t i = 0; i < s->column_count; i++) {
        const ov_column_info *info = ov_column_get_info(ov_segment_column(seg, i));
        assert_true(ov_slice_eq(info->name, s->columns[i].name));
        assert_true(ov_type_eq(info->type, s->columns[i].type));
    }
    for (uint32_t block = 0; block * OV_BATCH_ROWS < s->info.rows; block++) {
        uint32_t rows = OV_MIN(s->info.rows - block * OV_BATCH_ROWS, (uint32_t)OV_BATCH_ROWS);
        for (uint32_t i = 0; i < s->column_count; i++)
            check_ok(ov_column_read(ov_segment_column(seg, i), block, &a, &cols[i], &err), &err);
        for (uint32_t r = 0; r < rows; r++) {
            for (uint32_t i = 0; i < s->column_count; i++) {
                if (i)
                    ov_buf_add_char(out, '|');
                print_value(out, &cols[i], r);
            }
            ov_buf_add_char(out, '\n');
        }
        ov_arena_reset(&a);
    }
    ov_segment_release(seg);
    ov_arena_fini(&a);
}

/* Segments as "start_partition rows" with their rows, then the books. */
static inline void print_result(ov_buf *out, const ov_load_result *r, bool rows)
{
    for (uint32_t i = 0; i < r->segment_count; i++) {
        ov_buf_add_str(out, "segment ");
        ov_iso_add(out, r->segments[i].info.start_ms, NULL);
        ov_buf_addf(out, " %u: %u rows\n", r->segments[i].info.partition, r->segments[i].info.rows);
        if (rows)
            print_segment(out, &r->segments[i]);
    }
    const ov_load_counters *c = &r->counters;
    assert_int_equal(c->read, c->loaded + c->rejected + c->filtered);
    ov_buf_addf(out, "read=%llu loaded=%llu rejected=%llu filtered=%llu errors=%llu\n",
                (unsigned long long)c->read, (unsigned long long)c->loaded, (unsigned long long)c->rejected,
                (unsigned long long)c->filtered, (unsigned long long)c->with_errors);
}

static inline ov_load_env test_env(void)
{
    static uint32_t loads;
    static char stem[8][32];
    char *s = stem[loads % 8];
    snprintf(s, 32, "load%u", loads++);
    return (ov_load_env){.tmp_dir = folder, .file_stem = s, .version = OV_SLICE_LIT("2020-01-01T00:00:00.000Z"),
                         .workers = 2};
}

static inline void make_spec(ov_buf *spec, const char *schema, const char *format, const char *tuning, ov_slice data)
{
    ov_buf_addf(spec,
                "{\"type\":\"index_parallel\",\"spec\":{\"dataSchema\":{\"dataSource\":\"t\","
                "\"timestampSpec\":{\"column\":\"t\"},%s},\"tuningConfig\":{%s},"
                "\"ioConfig\":{\"inputSource\":{\"type\":\"inline\",\"data\":",
                schema, tuning);
    ov_json_quote(spec, data);
    ov_buf_addf(spec, "},\"inputFormat\":{%s}}}}", format);
}

static inline ov_status load(const char *schema, const char *format, const char *tuning, ov_slice data,
                      const ov_load_env *env, ov_arena *arena, ov_load_result *result, ov_error *err)
{
    ov_buf text;
    ov_spec *spec;
    ov_buf_init(&text);
    make_spec(&text, schema, format, tuning, data);
    ov_status st = ov_spec_parse(ov_buf_slice(&text), arena, &spec, err);
    ov_buf_fini(&text);
    return st == OV_OK ? ov_load_run(spec, env, arena, result, err) : st;
}

static inline void remove_files(const ov_load_result *r)
{
    ov_error err = OV_ERROR_INIT;
    for (uint32_t i = 0; i < r->segment_count; i++)
        check_ok(ov_file_remove(r->segments[i].path, &err), &err);
}

static inline void check_load(const char *schema, const char *format, const char *tuning, const char *data,
                       const char *want)
{
    for (uint32_t workers = 1; workers <= 3; workers++) {
        ov_arena arena;
        ov_load_result r;
        ov_buf out;
        ov_error err = OV_ERROR_INIT;
        ov_load_env env = test_env();
        env.workers = workers;
        ov_arena_init(&arena, "test", NULL);
        ov_buf_init(&out);
        check_ok(load(schema, format, tuning, ov_slice_cstr(data), &env, &arena, &r, &err), &err);
        print_result(&out, &r, true);
        assert_string_equal(ov_buf_cstr(&out), want);
        remove_files(&r);
        ov_buf_fini(&out);
        ov_arena_fini(&arena);
        assert_int_equal(files_left(), 0);
    }
}

#define AB "\"dimensionsSpec\":{\"dimensions\":[\"a\",{\"type\":\"long\",\"name\":\"b\"}]}"
#define PLAIN(segment) ",\"granularitySpec\":{\"segmentGranularity\":\"" segment "\",\"rollup\":false}"
#define CSV "\"type\":\"csv\",\"columns\":[\"t\",\"a\",\"b\"]"
