/* Parquet files as stretches of rows, a few MiB each; see ingest/parse/split.h. */
#include "base/mem.h"
#include "ingest/parse/split.h"

enum {
    LEAST_ROWS = 256,
    MOST_ROWS = 1 << 17,
    NESTED_BYTES = 32 << 20, /* where rows are not entries, what lies before a stretch is decoded to pass over it */
};

static ov_status open_file(ovi_splitter *s, ov_error *err)
{
    const ov_input *in = &s->inputs->list[s->file];
    const char *path;
    OV_TRY(ov_input_file(s->inputs, s->file, &path, err));
    s->group = 0;
    s->row = 0;
    return path ? ovi_pq_open(path, in->name, &s->parquet, err) : ovi_pq_open_bytes(in->data, in->name, &s->parquet, err);
}

static void close_file(ovi_splitter *s)
{
    ovi_pq_release(s->parquet);
    s->parquet = NULL;
    s->file++;
}

static bool has_lists(const ovi_pq_file *f)
{
    for (uint32_t i = 0; i < f->leaf_count; i++)
        if (f->leaves[i]->max_rep)
            return true;
    return false;
}

static uint64_t stretch_rows(const ovi_pq_file *f, const ovi_pq_group *g)
{
    double bytes = has_lists(f) ? NESTED_BYTES : OVI_BLOCK_BYTES, all = (double)g->bytes + 1;
    double rows = bytes / all * (double)g->rows;
    return rows < LEAST_ROWS ? LEAST_ROWS : rows > MOST_ROWS ? MOST_ROWS : (uint64_t)rows;
}

/* Bytes of the file that `rows` of its rows stand for. */
static uint64_t share(const ovi_pq_file *f, uint64_t rows)
{
    return f->rows ? (uint64_t)((double)f->map.n * ((double)rows / (double)f->rows)) : 0;
}

static void take_stretch(ovi_splitter *s, ovi_block *b)
{
    const ovi_pq_group *g = &s->parquet->groups[s->group];
    ovi_pq_retain(s->parquet);
    b->parquet = s->parquet;
    b->group = s->group;
    b->first = s->row;
    b->count = OV_MIN(stretch_rows(s->parquet, g), g->rows - s->row);
    b->file = s->file;
    b->raw_bytes = b->text_bytes = share(s->parquet, b->count);
    s->row += b->count;
    if (s->row == g->rows) {
        s->group++;
        s->row = 0;
    }
}

ov_status ovi_split_parquet(ovi_splitter *s, ovi_block *b, bool *more, ov_error *err)
{
    ovi_pq_release(b->parquet);
    b->parquet = NULL;
    for (;;) {
        *more = s->file < s->inputs->count;
        if (!*more)
            return OV_OK;
        if (!s->parquet)
            OV_TRY(open_file(s, err));
        while (s->group < s->parquet->group_count && s->parquet->groups[s->group].rows == 0)
            s->group++;
        if (s->group < s->parquet->group_count) {
            take_stretch(s, b);
            return OV_OK;
        }
        close_file(s);
    }
}
