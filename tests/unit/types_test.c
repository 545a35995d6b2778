#include "tests/unit/harness.h"

#include "storage/types.h"

static ov_type text(bool multi)
{
    ov_type t = OV_T(OV_TYPE_STRING);
    t.multi = multi;
    return t;
}

static ov_type array(ov_type_id elem)
{
    return (ov_type){.id = OV_TYPE_ARRAY, .elem = (uint8_t)elem};
}

static void check_wider(ov_type a, ov_type b, ov_type want)
{
    assert_true(ov_type_eq(ov_type_wider(a, b), want));
}

/* Where segments differ about a column, no value of either may get lost in the type it is read as. */
static void test_wider(void **state)
{
    (void)state;
    ov_type none = OV_T(OV_TYPE_NULL), l = OV_T(OV_TYPE_LONG), d = OV_T(OV_TYPE_DOUBLE), f = OV_T(OV_TYPE_FLOAT);
    ov_type json = {.id = OV_TYPE_COMPLEX, .complex = OV_COMPLEX_JSON};
    check_wider(none, l, l);
    check_wider(l, none, l);
    check_wider(l, l, l);
    check_wider(f, f, f);
    check_wider(l, d, d);
    check_wider(d, l, d);
    check_wider(l, f, d);
    check_wider(f, d, d);
    check_wider(text(false), l, text(false));
    check_wider(l, text(false), text(false));
    check_wider(text(true), text(false), text(true));
    check_wider(d, text(true), text(true));
    check_wider(text(false), json, json);
    check_wider(json, l, json);
    check_wider(json, array(OV_TYPE_LONG), json);
    check_wider(array(OV_TYPE_LONG), json, json);
    check_wider(array(OV_TYPE_LONG), array(OV_TYPE_DOUBLE), array(OV_TYPE_DOUBLE));
    check_wider(array(OV_TYPE_STRING), array(OV_TYPE_LONG), array(OV_TYPE_STRING));
    check_wider(array(OV_TYPE_LONG), text(false), array(OV_TYPE_STRING));
    check_wider(d, array(OV_TYPE_LONG), array(OV_TYPE_DOUBLE));
    check_wider(array(OV_TYPE_LONG), array(OV_TYPE_NULL), array(OV_TYPE_LONG));
    check_wider(array(OV_TYPE_LONG), text(true), array(OV_TYPE_STRING));
    check_wider(text(true), array(OV_TYPE_STRING), array(OV_TYPE_STRING));
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_wider)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
