/*
 * The directory: what the file says of itself and of its columns (docs/segment-format.md, section 3).
 */
#include "base/bytes.h"
#include "storage/build/build_int.h"

static void put_u8(ov_buf *d, uint8_t v)
{
    ov_buf_add(d, &v, sizeof v);
}

static void put_u16(ov_buf *d, uint16_t v)
{
    ov_buf_add(d, &v, sizeof v);
}

static void put_u32(ov_buf *d, uint32_t v)
{
    ov_buf_add(d, &v, sizeof v);
}

static void put_u64(ov_buf *d, uint64_t v)
{
    ov_buf_add(d, &v, sizeof v);
}

static void put_i64(ov_buf *d, int64_t v)
{
    ov_buf_add(d, &v, sizeof v);
}

static void put_text(ov_buf *d, ov_slice s)
{
    size_t n = s.n;
    for (; n >= 128; n >>= 7)
        put_u8(d, (uint8_t)(n | 128));
    put_u8(d, (uint8_t)n);
    ov_buf_add_slice(d, s);
}

static void put_column(ov_buf *d, const ovi_file_column *f)
{
    const ovi_column *c = f->column;
    size_t start = d->n;
    put_u32(d, 0);
    put_text(d, c->def.name);
    put_u8(d, c->def.type.id);
    put_u8(d, c->def.type.elem);
    put_u8(d, c->def.type.multi);
    put_u8(d, c->def.type.complex);
    put_u8(d, c->def.role);
    put_u8(d, f->flags);
    put_u8(d, f->list_lane);
    put_u8(d, 0);
    put_u32(d, f->dict_count);
    put_u32(d, f->elem_count);
    put_u64(d, c->nulls);
    put_i64(d, f->min);
    put_i64(d, f->max);
    put_i64(d, f->sum);
    put_u32(d, f->section_count);
    for (uint32_t i = 0; i < f->section_count; i++) {
        put_u16(d, f->sections[i].kind);
        put_u16(d, f->sections[i].kind == OV_SECTION_GIVEN ? OV_SECTION_OPTIONAL : 0);
        put_u32(d, 0);
        put_u64(d, f->sections[i].offset);
        put_u64(d, f->sections[i].bytes);
    }
    if (!d->failed)
        ov_store_u32(d->p + start, (uint32_t)(d->n - start - 4));
}

/* Behind everything a reader of version 1.0 looks for. */
static void put_paths(ov_buf *out, const ovi_directory *d)
{
    uint32_t columns = 0, total = 0;
    for (uint32_t i = 0; i < d->schema->column_count; i++) {
        columns += d->paths[i].present;
        total += d->paths[i].count;
    }
    if (columns == 0)
        return;
    put_u32(out, total);
    put_u32(out, columns);
    for (uint32_t i = 0; i < d->schema->column_count; i++) {
        const ovi_paths *p = &d->paths[i];
        if (!p->present)
            continue;
        put_u32(out, i);
        put_u32(out, p->count);
        put_u32(out, p->complete ? OV_PATHS_COMPLETE : 0);
        for (uint32_t k = 0; k < p->count; k++)
            put_column(out, &p->files[k]);
    }
}

void ovi_directory_put(ov_buf *out, const ovi_directory *d)
{
    const ov_build_schema *schema = d->schema;
    put_text(out, schema->datasource);
    put_i64(out, schema->start_ms);
    put_i64(out, schema->end_ms);
    put_text(out, schema->version);
    put_u32(out, schema->partition);
    put_u32(out, d->rows);
    put_i64(out, d->rows ? d->min_time : 0);
    put_i64(out, d->rows ? d->max_time : -1);
    put_u8(out, schema->rollup ? OV_DIRECTORY_ROLLUP : 0);
    put_text(out, schema->extra_json);
    put_u32(out, schema->sort_count);
    for (uint32_t i = 0; i < schema->sort_count; i++)
        put_u32(out, schema->sort[i]);
    put_u32(out, schema->column_count);
    for (uint32_t i = 0; i < schema->column_count; i++)
        put_column(out, &d->files[i]);
    put_paths(out, d);
}
