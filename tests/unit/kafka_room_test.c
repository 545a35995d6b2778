/* Kafka supervisors whose streams have little memory: whoever waits for room gets it, and nothing waits for itself. */
#include "tests/unit/kafka_lib.h"

/* Batches larger than what is free, some rows in memory that nobody would publish for long: readers take turns until all is in. */
static void test_overload(void **state)
{
    (void)state;
    enum { N = 30000 };
    scene s;
    scene_make(&s, 1, "flood");
    s.w.memory_bytes = 256 << 10;
    start(&s.w);
    send_rows(s.p, "flood", 1, N);
    put(&s.w, spec_text(&s.w, &s.c, "flood", "\"inputFormat\":{\"type\":\"json\"},\"taskCount\":3", ""));
    totals t = wait_rows(&s.w, "t", N);
    assert_int_equal(t.rows, N);
    assert_int_equal(t.sum, sum_to(N));
    wait_shows(&s.w, OV_KAFKA_STATUS, "\"aggregateLag\":0");
    scene_fini(&s);
}

/* A message larger than all the memory, and no row: it goes in alone, and its dead letter with it. */
static void test_a_large_dead_letter(void **state)
{
    (void)state;
    enum { LARGE = 200 << 10 };
    scene s;
    char *text = malloc(LARGE + 1);
    scene_make(&s, 1, "large");
    s.w.memory_bytes = 128 << 10;
    start(&s.w);
    memset(text, 'x', LARGE);
    text[LARGE] = 0;
    send_rows(s.p, "large", 1, 30);
    send_text(s.p, "large", 1, text);
    send_rows(s.p, "large", 31, 60);
    put(&s.w, spec_text(&s.w, &s.c, "large", "\"inputFormat\":{\"type\":\"json\"},\"deadLetters\":{\"dataSource\":\"dead\"}", ""));
    totals t = wait_rows(&s.w, "t", 60);
    assert_int_equal(t.rows, 60);
    assert_int_equal(t.sum, sum_to(60));
    assert_int_equal(wait_rows(&s.w, "dead", 1).rows, 1);
    free(text);
    scene_fini(&s);
}

/* More rows in a message than are told of, some of them none: each message that has one is kept once, whatever else is in the batch. */
static void test_messages_of_many_rows(void **state)
{
    (void)state;
    enum { EACH = 100 };
    scene s;
    char bad[EACH * 3 + 8] = "[{}";
    scene_make(&s, 1, "many");
    start(&s.w);
    for (int i = 1; i < EACH; i++)
        strcat(bad, ",{}");
    strcat(bad, "]");
    for (int i = 0; i < 4; i++) {
        send_text(s.p, "many", 0, bad);
        send_text(s.p, "many", 0, "nothing");
        send_text(s.p, "many", 0, "{\"__time\":1704067200000,\"n\":1}");
    }
    rd_kafka_flush(s.p, WAIT_MS);
    put(&s.w, spec_text(&s.w, &s.c, "many", "\"inputFormat\":{\"type\":\"json\"},\"deadLetters\":{\"dataSource\":\"dead\"}", ""));
    assert_int_equal(wait_rows(&s.w, "t", 4).rows, 4);
    wait_shows(&s.w, OV_KAFKA_STATS, "\"deadLetters\":8");
    assert_int_equal(wait_rows(&s.w, "dead", 8).rows, 8);
    scene_fini(&s);
}

/* As after a crash: dead letters of a batch are kept, its rows are not, and the next batch ends before that one. Dead letters of another
 * partition in it must not take the mark back. */
static void test_dead_letters_are_kept_once(void **state)
{
    (void)state;
    scene s;
    ov_push_result r;
    ov_stream_mark mark = {OV_SLICE_LIT("kafka/t/shorter/0"), OV_SLICE_LIT("10")};
    ov_push kept = {.datasource = OV_SLICE_LIT("dead"), .body = {"", 0}, .marks = &mark, .mark_count = 1};
    scene_make(&s, 1, "shorter");
    start(&s.w);
    OK(ov_streams_push(s.w.streams, &kept, &s.w.arena, &r, &err));
    mark.value = OV_SLICE_LIT("0");
    kept.datasource = OV_SLICE_LIT("t");
    OK(ov_streams_push(s.w.streams, &kept, &s.w.arena, &r, &err));
    send_text(s.p, "shorter", 0, "kept before");
    send_text(s.p, "shorter", 1, "not kept yet");
    rd_kafka_flush(s.p, WAIT_MS);
    put(&s.w, spec_text(&s.w, &s.c, "shorter", "\"inputFormat\":{\"type\":\"json\"},\"deadLetters\":{\"dataSource\":\"dead\"}", ""));
    wait_shows(&s.w, OV_KAFKA_STATS, "\"unparseable\":2");
    send_text(s.p, "shorter", 0, "kept before too");
    rd_kafka_flush(s.p, WAIT_MS);
    wait_shows(&s.w, OV_KAFKA_STATS, "\"unparseable\":3");
    assert_int_equal(look(&s.w, "dead").rows, 1);
    scene_fini(&s);
}

/* A partition that no broker answers for keeps the others from nothing, also at the first look. */
static void test_partition_without_leader(void **state)
{
    (void)state;
    scene s;
    scene_make(&s, 2, "split");
    for (int32_t p = 0; p < PARTITIONS; p++)
        rd_kafka_mock_partition_set_leader(s.c.mock, "split", p, 1);
    send_rows(s.p, "split", 1, 30);
    rd_kafka_mock_partition_set_leader(s.c.mock, "split", 0, -1);
    start(&s.w);
    put(&s.w, spec_text(&s.w, &s.c, "split", json_format, ""));
    assert_int_equal(wait_rows(&s.w, "t", 20).rows, 20);
    wait_shows(&s.w, OV_KAFKA_STATUS, "no broker answers for it");
    rd_kafka_mock_partition_set_leader(s.c.mock, "split", 0, 1);
    assert_int_equal(wait_rows(&s.w, "t", 30).rows, 30);
    scene_fini(&s);
}

/* A broker that refuses an offset which is there, as one does that leads no longer or not quite yet, is asked again. */
static void test_a_refused_offset_that_is_there(void **state)
{
    (void)state;
    scene s;
    scene_make(&s, 1, "moved");
    send_rows(s.p, "moved", 1, 30);
    start(&s.w);
    put(&s.w, spec_text(&s.w, &s.c, "moved", json_format, ""));
    assert_int_equal(wait_rows(&s.w, "t", 30).rows, 30);
    rd_kafka_mock_push_request_errors(s.c.mock, 1, 2, RD_KAFKA_RESP_ERR_OFFSET_OUT_OF_RANGE, RD_KAFKA_RESP_ERR_OFFSET_OUT_OF_RANGE);
    send_rows(s.p, "moved", 31, 60);
    totals t = wait_rows(&s.w, "t", 60);
    assert_int_equal(t.rows, 60);
    assert_int_equal(t.sum, sum_to(60));
    assert_false(shows(&s.w, OV_KAFKA_STATUS, "is asked for"));
    assert_true(shows(&s.w, OV_KAFKA_STATUS, "\"gaps\":[]"));
    scene_fini(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_overload),
        cmocka_unit_test(test_a_large_dead_letter),
        cmocka_unit_test(test_messages_of_many_rows),
        cmocka_unit_test(test_dead_letters_are_kept_once),
        cmocka_unit_test(test_partition_without_leader),
        cmocka_unit_test(test_a_refused_offset_that_is_there),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
