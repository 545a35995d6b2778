/* The list of tables, and the writer they share. */
#include "query/system/system_int.h"

#include "base/bits.h"
#include "base/datetime.h"

ov_status ov_system_tables(const ov_query_env *env, const ov_lookup_set *lookups, ov_arena *arena,
                           const ov_systable *const **out, uint32_t *count, ov_error *err)
{
    static const ov_systable *const templates[] = {
        &ovi_schemata,        &ovi_tables,  &ovi_columns, &ovi_routines,    &ovi_segments,
        &ovi_server_segments, &ovi_servers, &ovi_tasks,   &ovi_supervisors, &ovi_server_properties,
        &ovi_lineage,         &ovi_completeness, &ovi_rejects};
    enum { OURS = OV_COUNT_OF(templates) };
    const ov_systable **list;
    ov_systable *own;
    ovi_system *system;
    uint32_t maps = ov_lookup_set_count(lookups), own_count = OURS + maps;
    *count = own_count + env->systable_count;
    OV_TRY(ov_arena_alloc(arena, *count * sizeof *list, &list, err));
    OV_TRY(ov_arena_alloc(arena, own_count * sizeof *own, &own, err));
    OV_TRY(ov_arena_alloc(arena, sizeof *system, &system, err));
    for (uint32_t i = 0; i < env->systable_count; i++)
        list[i] = env->systables[i];
    for (uint32_t i = 0; i < OURS; i++) {
        own[i] = *templates[i];
        own[i].self = system;
        list[env->systable_count + i] = &own[i];
    }
    for (uint32_t i = 0; i < maps; i++) {
        ovi_lookup_table(ov_lookup_set_at(lookups, i), &own[OURS + i]);
        list[env->systable_count + OURS + i] = &own[OURS + i];
    }
    *system = (ovi_system){env, list, *count};
    *out = list;
    return OV_OK;
}

/* ---- the writer ---- */

enum { WRITER_ROWS = 1024 };

/* Fresh columns for the next batch. */
static void start_batch(ovi_table_writer *w)
{
    w->rows = w->column = 0;
    if (w->st != OV_OK)
        return;
    w->st =
        ov_arena_zalloc(&w->arena, w->table->field_count * sizeof *w->columns, &w->columns, w->err);
    for (uint32_t c = 0; w->st == OV_OK && c < w->table->field_count; c++) {
        size_t width =
            ov_type_is_int(w->table->fields[c].type) ? sizeof(int64_t) : sizeof(ov_slice);
        void *data;
        uint64_t *valid;
        w->st = ov_arena_lanes(&w->arena, WRITER_ROWS * width, &data, w->err);
        if (w->st == OV_OK)
            w->st =
                ov_arena_zalloc(&w->arena, ov_words(WRITER_ROWS) * sizeof *valid, &valid, w->err);
        if (w->st == OV_OK) {
            memset(data, 0, WRITER_ROWS * width);
            w->columns[c] = ov_vec_flat(w->table->fields[c].type, data, valid, 0);
        }
    }
}

void ovi_syswriter_open(ovi_table_writer *w, const ov_systable *table, ov_query_ctx *cx,
                     const ov_result_sink *emit, ov_error *err)
{
    *w = (ovi_table_writer){.table = table, .emit = emit, .err = err};
    ov_arena_init(&w->arena, "system table", &cx->budget);
    w->st = ov_query_alive(cx, err);
    start_batch(w);
}

static void send(ovi_table_writer *w)
{
    ov_batch batch = {
        .rows = w->rows, .cols = w->table->field_count, .col = w->columns, .sel_rows = w->rows};
    for (uint32_t c = 0; w->st == OV_OK && c < batch.cols; c++)
        w->columns[c].rows = w->rows;
    if (w->st == OV_OK && w->rows)
        w->st = w->emit->rows(w->emit->self, &batch, w->err);
}

/* The cell is written: go on to the next. */
static void next_cell(ovi_table_writer *w)
{
    if (++w->column < w->table->field_count)
        return;
    w->column = 0;
    if (++w->rows < WRITER_ROWS)
        return;
    send(w);
    ov_arena_reset(&w->arena);
    start_batch(w);
}

/* The lane of the current cell, marked as present; NULL after a failure. */
static void *present(ovi_table_writer *w, bool is_number)
{
    if (w->st != OV_OK)
        return NULL;
    const ov_vec *v = &w->columns[w->column];
    OV_ASSERT((ov_type_is_int(v->type) || ov_type_is_real(v->type)) == is_number);
    ov_bits_set((uint64_t *)(uintptr_t)v->valid, w->rows);
    char *lanes = (char *)(uintptr_t)v->data;
    return lanes + w->rows * (is_number ? sizeof(int64_t) : sizeof(ov_slice));
}

void ovi_cell_text(ovi_table_writer *w, ov_slice text)
{
    ov_slice *at = present(w, false);
    if (at)
        *at = text;
    next_cell(w);
}

void ovi_cell_str(ovi_table_writer *w, const char *text)
{
    if (text)
        ovi_cell_text(w, ov_slice_cstr(text));
    else
        ovi_cell_null(w);
}

void ovi_cell_i64(ovi_table_writer *w, int64_t v)
{
    int64_t *at = present(w, true);
    if (at)
        *at = v;
    next_cell(w);
}

void ovi_cell_f64(ovi_table_writer *w, double v)
{
    double *at = present(w, true);
    if (at)
        *at = v;
    next_cell(w);
}

void ovi_cell_null(ovi_table_writer *w)
{
    next_cell(w);
}

void ovi_cell_time(ovi_table_writer *w, int64_t ms)
{
    char text[OV_ISO_BYTES];
    ov_slice copy = {NULL, 0};
    if (w->st == OV_OK)
        w->st = ov_arena_copy(&w->arena, ov_slice_make(text, ov_iso_format(ms, NULL, text)), &copy,
                              w->err);
    ovi_cell_text(w, copy);
}

void ovi_cell_buf(ovi_table_writer *w, ov_buf *text)
{
    ov_slice copy = {NULL, 0};
    if (w->st == OV_OK)
        w->st = ov_buf_check(text, w->err);
    if (w->st == OV_OK)
        w->st = ov_arena_copy(&w->arena, ov_buf_slice(text), &copy, w->err);
    ov_buf_clear(text);
    ovi_cell_text(w, copy);
}

ov_status ovi_syswriter_close(ovi_table_writer *w)
{
    send(w);
    ov_arena_fini(&w->arena);
    return w->st;
}

void ovi_json_text(ov_buf *out, ov_slice text)
{
    ov_buf_add_char(out, '"');
    for (size_t i = 0; i < text.n; i++) {
        unsigned char c = (unsigned char)text.p[i];
        if (c == '"' || c == '\\')
            ov_buf_addf(out, "\\%c", c);
        else if (c < 0x20)
            ov_buf_addf(out, "\\u%04x", c);
        else
            ov_buf_add_char(out, (char)c);
    }
    ov_buf_add_char(out, '"');
}
