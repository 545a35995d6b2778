/* FIPS 180-4 and RFC 4231 examples, and all splits of one text. */
#include "base/sha256.h"
#include "tests/unit/harness.h"

static void check_hex(const uint8_t digest[OV_SHA256_BYTES], const char *want)
{
    char text[OV_SHA256_HEX + 1];
    ov_sha256_hex(digest, text);
    assert_string_equal(text, want);
}

static void test_digests(void **state)
{
    static const struct {
        const char *text, *digest;
    } known[] = {
        {"", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
        {"abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
        {"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
         "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"},
    };
    uint8_t d[OV_SHA256_BYTES];
    (void)state;
    for (size_t i = 0; i < OV_COUNT_OF(known); i++) {
        ov_sha256_of(ov_slice_cstr(known[i].text), d);
        check_hex(d, known[i].digest);
    }
    ov_sha256 s;
    ov_sha256_init(&s);
    for (int i = 0; i < 1000000; i++)
        ov_sha256_add(&s, "a", 1);
    ov_sha256_end(&s, d);
    check_hex(d, "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

static void test_splits(void **state)
{
    char text[200];
    uint8_t whole[OV_SHA256_BYTES], parts[OV_SHA256_BYTES];
    (void)state;
    for (size_t i = 0; i < sizeof text; i++)
        text[i] = (char)(i * 7);
    for (size_t n = 0; n <= sizeof text; n++) {
        ov_sha256_of(ov_slice_make(text, n), whole);
        for (size_t cut = 0; cut <= n; cut += 13) {
            ov_sha256 s;
            ov_sha256_init(&s);
            ov_sha256_add(&s, text, cut);
            ov_sha256_add(&s, text + cut, n - cut);
            ov_sha256_end(&s, parts);
            assert_memory_equal(whole, parts, sizeof whole);
        }
    }
}

static void test_hmac(void **state)
{
    uint8_t d[OV_SHA256_BYTES];
    char key[131];
    (void)state;
    ov_hmac_sha256(OV_SLICE_LIT("Jefe"), OV_SLICE_LIT("what do ya want for nothing?"), d);
    check_hex(d, "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
    memset(key, 0xaa, sizeof key);
    ov_hmac_sha256(ov_slice_make(key, sizeof key),
                   OV_SLICE_LIT("Test Using Larger Than Block-Size Key - Hash Key First"), d);
    check_hex(d, "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_digests), cmocka_unit_test(test_splits),
                                       cmocka_unit_test(test_hmac)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
