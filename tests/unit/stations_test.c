/*
 * The sample rows: the same bytes everywhere, as many as asked for, in time order, never more bikes
 * than fit.
 */
#include "tests/unit/harness.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "server/cli/stations.h"

/* All bytes the generator writes for these options, NUL-terminated; the caller frees. */
static char *generate(uint64_t rows, uint32_t stations, size_t *n)
{
    ov_error err = OV_ERROR_INIT;
    FILE *file = tmpfile();
    assert_non_null(file);
    ov_stations_options options = {.rows = rows, .stations = stations};
    check_ok(ov_stations_write(&options, fileno(file), &err), &err);
    long end = (fseek(file, 0, SEEK_END), ftell(file));
    rewind(file);
    char *text = malloc((size_t)end + 1);
    *n = fread(text, 1, (size_t)end, file);
    assert_int_equal(*n, end);
    text[*n] = '\0';
    fclose(file);
    return text;
}

static void test_shape(void **state)
{
    (void)state;
    size_t n, lines = 0;
    char *text = generate(10007, 100, &n);
    char last[32] = "";
    char *line = strchr(text, '\n') + 1; /* after the header */
    for (char *end; (end = strchr(line, '\n')); line = end + 1, lines++) {
        *end = '\0';
        unsigned station, racks, bikes, shared;
        double latitude, longitude;
        char when[32];
        assert_int_equal(sscanf(line, "%20[^,],ST-%u,%*[^,],%lf,%lf,%u,%u,%u", when, &station,
                                &latitude, &longitude, &racks, &bikes, &shared),
                         7);
        assert_int_equal(station, lines % 100 + 1);
        assert_true(strcmp(last, when) <= 0);
        strcpy(last, when);
        assert_true(latitude > 37.4 && latitude < 37.8 && longitude > 126.7 && longitude < 127.3);
        assert_true(racks >= 5 && bikes <= 2 * racks);
        assert_int_equal(shared, (bikes * 200 + racks) / (racks * 2));
    }
    assert_int_equal(lines, 10007);
    assert_true(line == text + n);
    free(text);
}

/* A change of these bytes makes every benchmark number incomparable with older ones. */
static void test_same_bytes(void **state)
{
    (void)state;
    size_t n;
    char *text = generate(5, 2, &n);
    assert_string_equal(
        text, "__time,stationId,stationName,stationLatitude,stationLongitude,rackTotCnt,"
              "parkingBikeTotCnt,shared\n"
              "2023-03-08T00:00:00Z,ST-1,101. 한별아파트 1번출구,37.468950,126.920433,22,10,45\n"
              "2023-03-08T00:00:00Z,ST-2,102. 아름사거리 2번출구,37.508227,126.933199,24,4,17\n"
              "2023-03-08T00:01:00Z,ST-1,101. 한별아파트 1번출구,37.468950,126.920433,22,10,45\n"
              "2023-03-08T00:01:00Z,ST-2,102. 아름사거리 2번출구,37.508227,126.933199,24,4,17\n"
              "2023-03-08T00:02:00Z,ST-1,101. 한별아파트 1번출구,37.468950,126.920433,22,10,45\n");
    free(text);
}

static void test_small_and_wrong(void **state)
{
    (void)state;
    size_t n;
    free(generate(1, 1, &n));
    ov_error err = OV_ERROR_INIT;
    ov_stations_options none = {.rows = 1, .stations = 0};
    check_fails(ov_stations_write(&none, STDOUT_FILENO, &err), &err, OV_INVALID,
                "stations must be");
    ov_stations_options endless = {.rows = UINT64_MAX, .stations = 1};
    check_fails(ov_stations_write(&endless, STDOUT_FILENO, &err), &err, OV_INVALID,
                "too many rows");
    ov_stations_options closed = {.rows = 10, .stations = 1};
    check_fails(ov_stations_write(&closed, -1, &err), &err, OV_IO, "cannot write");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_shape),
        cmocka_unit_test(test_same_bytes),
        cmocka_unit_test(test_small_and_wrong),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
