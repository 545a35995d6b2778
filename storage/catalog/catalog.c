/* Opening, refreshing and closing a data folder. */
#include "storage/catalog/keys_int.h"

#include "base/file.h"
#include "base/os.h"

static ov_status make_folders(ov_catalog *cat, ov_error *err)
{
    static const char *const names[] = {"", "/segments", "/tmp", "/tasks"};
    ov_buf path;
    ov_status st = OV_OK;
    ov_buf_init(&path);
    for (size_t i = 0; i < OV_COUNT_OF(names) && st == OV_OK; i++) {
        ov_buf_clear(&path);
        ov_buf_addf(&path, "%s%s", cat->dir, names[i]);
        const char *text = ov_buf_cstr(&path);
        st = text ? ov_dir_make(text, err) : ov_buf_check(&path, err);
    }
    ov_buf_fini(&path);
    return st == OV_OK ? ov_dir_sync(cat->dir, err) : st;
}

static ov_status load_current(ov_catalog *cat, ov_error *err)
{
    ov_snapshot *snap = NULL;
    OV_TRY(ovi_db_exec(cat, "BEGIN", err)); /* one state of the database, whatever others commit */
    ov_status st = ovi_keys_load(cat, err);
    if (st == OV_OK)
        st = ovi_snapshot_build(cat, &snap, err);
    ov_error ignored = OV_ERROR_INIT;
    ov_status ended = ovi_db_exec(cat, "COMMIT", st == OV_OK ? err : &ignored);
    if (st == OV_OK)
        st = ended;
    if (st == OV_OK)
        return ovi_snapshot_install(cat, snap, err);
    ov_snapshot_release(snap);
    return st;
}

static ov_status open_parts(ov_catalog *cat, ov_error *err)
{
    if (cat->writer) {
        OV_TRY(make_folders(cat, err));
        OV_TRY(ovi_lock_take(cat, err));
    }
    OV_TRY(ovi_db_open(cat, err));
    OV_TRY(ov_segcache_create(cat->dir, OV_SEGCACHE_DEFAULT_OPEN, ov_segment_open, &cat->cache, err));
    /* Recovery deletes files that no row names, so the rows must be known to be all there. */
    OV_TRY(load_current(cat, err));
    if (!cat->writer)
        return OV_OK;
    return ovi_recover(cat, err);
}

ov_status ov_catalog_open(const char *dir, bool writer, ov_catalog **out, ov_error *err)
{
    ov_catalog *cat = ov_calloc(1, sizeof(*cat));
    if (!cat)
        return ov_fail_nomem(err, sizeof(*cat));
    cat->writer = writer;
    cat->lock_fd = -1;
    cat->opened_ms = ov_now_ms();
    ov_mutex_init(&cat->write);
    ov_mutex_init(&cat->live);
    ov_mutex_init(&cat->snap);
    ov_mutex_init(&cat->declare);
    ov_mutex_init(&cat->keys_lock);
    ov_budget_init(&cat->keys_budget, "tables of keys", SIZE_MAX, NULL);
    cat->dir = ov_strdup(dir);
    ov_status st = cat->dir ? open_parts(cat, err) : ov_fail_nomem(err, strlen(dir));
    if (st != OV_OK) {
        ov_catalog_close(cat);
        return st;
    }
    *out = cat;
    return OV_OK;
}

void ov_catalog_close(ov_catalog *cat)
{
    if (!cat)
        return;
    ov_snapshot_release(cat->current);
    ov_snapshot_release(cat->published);
    for (uint32_t i = 0; i < cat->live_set_count; i++)
        ovi_live_set_release(cat->live_sets[i]);
    ov_free(cat->live_sets);
    ovi_keys_free(cat);
    ov_segcache_destroy(cat->cache);
    ovi_db_close(cat);
    if (cat->lock_fd >= 0)
        ov_os_now->close(cat->lock_fd);
    ov_mutex_fini(&cat->write);
    ov_mutex_fini(&cat->live);
    ov_mutex_fini(&cat->snap);
    ov_mutex_fini(&cat->declare);
    ov_mutex_fini(&cat->keys_lock);
    ov_free(cat->dir);
    ov_free(cat);
}

void ov_catalog_keys_memory(ov_catalog *cat, size_t most)
{
    cat->keys_budget.limit = most;
}

size_t ov_catalog_keys_used(const ov_catalog *cat)
{
    return atomic_load(&cat->keys_budget.used);
}

const char *ov_catalog_dir(const ov_catalog *cat)
{
    return cat->dir;
}

ov_status ov_catalog_refresh(ov_catalog *cat, ov_error *err)
{
    int64_t change;
    if (cat->writer)
        return OV_OK;
    ov_mutex_lock(&cat->write);
    ov_status st = ovi_meta_get(cat, "change", &change, err);
    if (st == OV_OK && (uint64_t)change != cat->published->change)
        st = load_current(cat, err);
    ov_mutex_unlock(&cat->write);
    return st;
}
