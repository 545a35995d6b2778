/* The reader of `git log -z --numstat`: any bytes, cut anywhere, give rows or a named error; both cuts agree. */
#include <stdlib.h>
#include "base/buf.h"
#include "ingest/git/git.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static ov_status on_commit(void *arg, const ov_git_commit *c, ov_error *err)
{
    (void)err;
    ov_buf_add_slice(arg, c->sha);
    ov_buf_add_slice(arg, c->author.name);
    ov_buf_add_i64(arg, c->committer.time_s + c->author.offset_min);
    return OV_OK;
}

static ov_status on_change(void *arg, const ov_git_change *c, ov_error *err)
{
    (void)err;
    ov_buf_add_slice(arg, c->path);
    ov_buf_add_i64(arg, c->additions - c->deletions);
    return OV_OK;
}

static ov_status read_all(const uint8_t *data, size_t size, size_t step, ov_buf *out)
{
    ov_error err = OV_ERROR_INIT;
    ov_git_parser p;
    ov_status st = OV_OK;
    ov_git_parser_init(&p, (ov_git_sink){out, on_commit, on_change});
    for (size_t at = 0; at < size && st == OV_OK; at += step)
        st = ov_git_parser_feed(&p, ov_slice_make(data + at, OV_MIN(step, size - at)), &err);
    if (st == OV_OK)
        st = ov_git_parser_end(&p, &err);
    if (st != OV_OK && (st != OV_CORRUPT || err.text[0] == 0))
        abort();
    ov_git_parser_fini(&p);
    return st;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    ov_buf whole, pieces;
    ov_buf_init(&whole);
    ov_buf_init(&pieces);
    if (read_all(data, size, size ? size : 1, &whole) != read_all(data, size, size ? 1 + data[0] % 13u : 1, &pieces) ||
        !ov_slice_eq(ov_buf_slice(&whole), ov_buf_slice(&pieces)))
        abort();
    ov_buf_fini(&whole);
    ov_buf_fini(&pieces);
    return 0;
}
