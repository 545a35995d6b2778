#include "storage/segment/domain_share.h"

#include "base/hash.h"
#include "base/thread.h"

enum { BUCKETS = 4096 };

struct ovi_shared_domain {
    ovi_shared_domain *next;
    uint64_t key[4]; /* two hashes, length and count, type and flags */
    uint64_t id;
    uint32_t refs;
    uint32_t bucket;
};

static struct {
    ov_mutex lock;
    ovi_shared_domain *bucket[BUCKETS];
} table = {.lock = OV_MUTEX_INIT};

static void make_key(const ov_domain *d, const ov_slice *parts, uint32_t count, uint64_t key[4])
{
    uint64_t length = 0, plain = 0, seeded = 0;
    for (uint32_t i = 0; i < count; i++) {
        length += parts[i].n;
        plain = plain * 0x9E3779B97F4A7C15u + ov_checksum(parts[i].p, parts[i].n);
        seeded = ov_hash_combine(seeded, ov_hash_bytes(parts[i].p, parts[i].n));
    }
    key[0] = plain;
    key[1] = seeded;
    key[2] = length << 32 ^ d->count;
    key[3] = (uint64_t)d->type.id | (uint64_t)d->type.elem << 8 | (uint64_t)d->type.multi << 16 |
             (uint64_t)d->type.complex << 24 | (uint64_t)d->has_null << 32;
}

ovi_shared_domain *ovi_domain_share(const ov_domain *d, const ov_slice *parts, uint32_t count,
                                    uint64_t *id)
{
    uint64_t key[4];
    make_key(d, parts, count, key);
    uint32_t b = (uint32_t)(key[0] % BUCKETS);
    ov_mutex_lock(&table.lock);
    ovi_shared_domain *s = table.bucket[b];
    while (s && memcmp(s->key, key, sizeof key) != 0)
        s = s->next;
    if (!s && (s = ov_calloc(1, sizeof *s)) != NULL) {
        memcpy(s->key, key, sizeof key);
        s->id = ov_domain_next_id();
        s->bucket = b;
        s->next = table.bucket[b];
        table.bucket[b] = s;
    }
    if (s) {
        s->refs++;
        *id = s->id;
    }
    ov_mutex_unlock(&table.lock);
    return s;
}

void ovi_domain_unshare(ovi_shared_domain *s)
{
    if (!s)
        return;
    ov_mutex_lock(&table.lock);
    if (--s->refs == 0) {
        ovi_shared_domain **at = &table.bucket[s->bucket];
        while (*at != s)
            at = &(*at)->next;
        *at = s->next;
        ov_free(s);
    }
    ov_mutex_unlock(&table.lock);
}
