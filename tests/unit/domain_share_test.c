/* storage/segment/domain_share: equal dictionaries have one id, different ones never do, and identities go when unused. */
#include "tests/unit/harness.h"

#include "storage/segment/domain_share.h"

static uint64_t id_of(const ov_domain *d, const char *text, ovi_shared_domain **s)
{
    uint64_t id = 0;
    ov_slice part = ov_slice_cstr(text);
    *s = ovi_domain_share(d, &part, 1, &id);
    assert_non_null(*s);
    return id;
}

static void equal_contents_share_an_id(void **state)
{
    (void)state;
    ov_domain a = {.count = 2, .type = {.id = OV_TYPE_STRING}}, with_null = a, number = a;
    with_null.has_null = true;
    number.type.id = OV_TYPE_LONG;
    ovi_shared_domain *s[5];
    uint64_t first = id_of(&a, "ab", &s[0]);
    assert_true(id_of(&a, "ab", &s[1]) == first);
    assert_true(id_of(&a, "ac", &s[2]) != first);
    assert_true(id_of(&with_null, "ab", &s[3]) != first);
    assert_true(id_of(&number, "ab", &s[4]) != first);
    for (int i = 0; i < 5; i++)
        ovi_domain_unshare(s[i]);
}

static void an_unused_identity_is_forgotten(void **state)
{
    (void)state;
    ov_domain a = {.count = 1, .type = {.id = OV_TYPE_STRING}};
    ovi_shared_domain *s;
    uint64_t first = id_of(&a, "x", &s);
    ovi_domain_unshare(s);
    assert_true(id_of(&a, "x", &s) != first); /* ids are never given twice */
    ovi_domain_unshare(s);
    ovi_domain_unshare(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(equal_contents_share_an_id),
        cmocka_unit_test(an_unused_identity_is_forgotten),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
