/* A set of shas: open addressing over fixed 32-byte binary keys (a sha-1 leaves the rest zero). */
#include "base/hash.h"
#include "ingest/git/git_rows.h"

enum { KEY_BYTES = 32, FIRST_SLOTS = 1024 };

typedef struct sha_key {
    uint8_t b[KEY_BYTES];
} sha_key;

struct ov_git_seen {
    sha_key *slots; /* all zero = free; no commit has that sha */
    uint64_t size, count;
};

static unsigned nibble(char c)
{
    return (unsigned)(c <= '9' ? c - '0' : c - 'a' + 10) & 15;
}

static sha_key key_of(ov_slice sha)
{
    sha_key k = {{0}};
    for (size_t i = 0; i + 1 < sha.n && i / 2 < KEY_BYTES; i += 2)
        k.b[i / 2] = (uint8_t)(nibble(sha.p[i]) << 4 | nibble(sha.p[i + 1]));
    return k;
}

ov_status ov_git_seen_create(ov_git_seen **out, ov_error *err)
{
    ov_git_seen *s = ov_calloc(1, sizeof(*s));
    if (s)
        s->slots = ov_calloc(FIRST_SLOTS, sizeof(*s->slots));
    if (!s || !s->slots) {
        ov_free(s);
        return ov_fail_nomem(err, FIRST_SLOTS * sizeof(sha_key));
    }
    s->size = FIRST_SLOTS;
    *out = s;
    return OV_OK;
}

void ov_git_seen_destroy(ov_git_seen *s)
{
    if (s)
        ov_free(s->slots);
    ov_free(s);
}

static sha_key *slot_of(sha_key *slots, uint64_t size, const sha_key *k)
{
    static const sha_key none;
    uint64_t i = ov_hash_bytes(k, sizeof(*k));
    for (;; i++) {
        sha_key *s = &slots[i & (size - 1)];
        if (memcmp(s, k, sizeof(*k)) == 0 || memcmp(s, &none, sizeof(none)) == 0)
            return s;
    }
}

static ov_status grow(ov_git_seen *s, ov_error *err)
{
    static const sha_key none;
    sha_key *slots = ov_calloc(s->size * 2, sizeof(*slots));
    if (!slots)
        return ov_fail_nomem(err, s->size * 2 * sizeof(*slots));
    for (uint64_t i = 0; i < s->size; i++)
        if (memcmp(&s->slots[i], &none, sizeof(none)) != 0)
            *slot_of(slots, s->size * 2, &s->slots[i]) = s->slots[i];
    ov_free(s->slots);
    s->slots = slots;
    s->size *= 2;
    return OV_OK;
}

ov_status ov_git_seen_add(ov_git_seen *s, ov_slice sha, ov_error *err)
{
    sha_key k = key_of(sha);
    if (s->count * 2 >= s->size)
        OV_TRY(grow(s, err));
    sha_key *slot = slot_of(s->slots, s->size, &k);
    s->count += memcmp(slot, &k, sizeof(k)) != 0;
    *slot = k;
    return OV_OK;
}

bool ov_git_seen_has(const ov_git_seen *s, ov_slice sha)
{
    sha_key k = key_of(sha);
    return memcmp(slot_of(s->slots, s->size, &k), &k, sizeof(k)) == 0;
}

uint64_t ov_git_seen_count(const ov_git_seen *s)
{
    return s->count;
}
