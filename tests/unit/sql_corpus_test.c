/*
 * Every statement of Druid's QA corpus that Druid answers parses, and its printed form parses to
 * the same tree. The corpus lies outside the tree: OVATE_SHARED, or a folder `shared` beside this
 * one. Skips when it is absent.
 */
#include "tests/unit/harness.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

#include "query/sql/ast.h"

static char folder[1024];
static unsigned statements, failures;

/* Whether the statement goes through; what is wrong goes to `complaint`. */
static bool goes_through(const char *file, unsigned line, ov_slice sql, ov_buf *complaint)
{
    ov_arena arena;
    ov_buf buf;
    ov_error err = OV_ERROR_INIT;
    ov_sql_parsed first, second;
    ov_arena_init(&arena, "test", NULL);
    ov_buf_init(&buf);
    statements++;
    ov_status st = ov_sql_parse(sql, &arena, &first, &err);
    if (st == OV_OK) {
        ov_ast_print(first.script, &buf);
        st = ov_sql_parse(ov_buf_slice(&buf), &arena, &second, &err);
        if (st == OV_OK && !ov_ast_equal(first.script, second.script))
            st = ov_fail(&err, OV_INTERNAL, "the printed form is another statement");
    }
    ov_buf_clear(complaint);
    if (st != OV_OK)
        ov_buf_addf(complaint, "%s:%u: %s\n%.*s\n%s\n", file, line, err.text, OV_SLICE_ARG(sql),
                    ov_buf_cstr(&buf));
    ov_buf_fini(&buf);
    ov_arena_fini(&arena);
    return st == OV_OK;
}

static bool starts_statement(const char *line)
{
    static const char *const words[] = {"SELECT", "WITH",    "EXPLAIN", "VALUES",
                                        "INSERT", "REPLACE", "SET"};
    for (size_t i = 0; i < OV_COUNT_OF(words); i++) {
        size_t n = strlen(words[i]);
        if (strncasecmp(line, words[i], n) == 0 && strchr(" \t\r\n(", line[n]))
            return true;
    }
    return false;
}

/* Statements start at a line with one of those words and end in ";"; the rest is tables and
 * directives. */
static int check_file(const char *path, const struct stat *info, int type, struct FTW *ftw)
{
    (void)info;
    (void)ftw;
    size_t length = strlen(path);
    if (type != FTW_F || length < 4 || strcmp(path + length - 3, ".iq") != 0)
        return 0;
    FILE *in = fopen(path, "r");
    assert_non_null(in);
    char *text = NULL;
    size_t capacity = 0;
    ssize_t n;
    unsigned line = 0, start = 0;
    bool good = true;
    ov_buf sql, complaint;
    ov_buf_init(&sql);
    ov_buf_init(&complaint);
    while ((n = getline(&text, &capacity, in)) > 0) {
        line++;
        if (!good && strncmp(text, "!ok", 3) == 0 &&
            ++failures <= 20) /* !error: Druid refused it too */
            printf("%s", ov_buf_cstr(&complaint));
        if (sql.n == 0 && !starts_statement(text))
            continue;
        if (sql.n == 0)
            start = line;
        ov_buf_add(&sql, text, (size_t)n);
        while (n > 0 && (text[n - 1] == '\n' || text[n - 1] == ' ' || text[n - 1] == '\r'))
            n--;
        if (n > 0 && text[n - 1] == ';') {
            good = goes_through(path, start, ov_buf_slice(&sql), &complaint);
            ov_buf_clear(&sql);
        }
    }
    free(text);
    ov_buf_fini(&sql);
    ov_buf_fini(&complaint);
    fclose(in);
    return 0;
}

static void qa_corpus(void **state)
{
    (void)state;
    const char *shared = getenv("OVATE_SHARED");
    snprintf(folder, sizeof folder, "%s/data/druid-qa/queries", shared ? shared : "../shared");
    if (nftw(folder, check_file, 16, FTW_PHYS) != 0 || statements == 0) {
        printf("skipped: no corpus in %s; set OVATE_SHARED\n", folder);
        skip();
    }
    printf("%u statements, %u do not parse\n", statements, failures);
    assert_int_equal(failures, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(qa_corpus)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
