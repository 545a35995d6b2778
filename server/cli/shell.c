/*
 * The shell without its line editor: statements, dot commands, scripts.
 */
#include "server/cli/shell.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/os.h"
#include "base/suggest.h"
#include "server/cli/cli.h"
#include "server/query/sql_text.h"

static _Atomic(ov_source *) interruptible;
static volatile sig_atomic_t interrupted; /* the statement at hand was */

static void on_interrupt(int sig)
{
    (void)sig;
    interrupted = 1;
    ov_source *s = atomic_load(&interruptible);
    if (s)
        ov_source_cancel(s);
}

static int exit_code_of(ov_status st)
{
    switch (st) {
    case OV_OK:
        return OV_EXIT_OK;
    case OV_IO:
    case OV_NOMEM:
    case OV_CORRUPT:
        return OV_EXIT_UNREACHABLE;
    case OV_TIMEOUT:
        return OV_EXIT_TIME;
    case OV_CANCELLED:
        return interrupted ? OV_EXIT_INTERRUPTED : OV_EXIT_TIME;
    default:
        return OV_EXIT_REFUSED;
    }
}

/* The sentence, and the line of the statement with a mark under the trouble. */
static void print_error(const ov_error *err, ov_slice sql)
{
    fprintf(stderr, "error: %s\n", err->text);
    if (!err->has_pos || err->pos > sql.n)
        return;
    size_t from = err->pos, to = err->pos;
    while (from > 0 && sql.p[from - 1] != '\n')
        from--;
    while (to < sql.n && sql.p[to] != '\n')
        to++;
    if (to - from > 400)
        return;
    fprintf(stderr, "  %.*s\n  ", (int)(to - from), sql.p + from);
    for (size_t i = from; i < err->pos; i++)
        if (((unsigned char)sql.p[i] & 0xC0) != 0x80)
            fputc(sql.p[i] == '\t' ? '\t' : ' ', stderr);
    fputc('^', stderr);
    for (size_t i = err->pos + 1; i < err->end_pos && i < to; i++)
        if (((unsigned char)sql.p[i] & 0xC0) != 0x80)
            fputc('~', stderr);
    fputc('\n', stderr);
}

void ov_shell_tell_holder(ov_shell *sh)
{
    const char *holder = sh->told_holder ? NULL : ov_source_holder(sh->source);
    sh->told_holder = true;
    if (holder)
        fprintf(stderr, "note: a server holds %s; pushed rows that it has not published yet are seen with --url http://%s\n",
                ov_source_name(sh->source), holder);
}

int ov_shell_statement(ov_shell *sh, ov_slice sql)
{
    ov_error err = OV_ERROR_INIT;
    ov_printer *p = NULL;
    int64_t t0 = ov_monotonic_ns();
    struct sigaction stop = {.sa_handler = on_interrupt}, before;
    interrupted = 0;
    atomic_store(&interruptible, sh->source);
    sigaction(SIGINT, &stop, &before);
    ov_status st = ov_printer_create(sh->format, stdout, &p, &err);
    if (st == OV_OK)
        st = ov_source_run(sh->source, sql, sh->time_zone, sh->timeout_ms, p, &err);
    atomic_store(&interruptible, NULL);
    sigaction(SIGINT, &before, NULL);
    if (st != OV_OK) {
        fflush(stdout);
        if (err.sys_errno != EPIPE) {
            print_error(&err, sql);
            if (strstr(err.text, "' not found")) /* a table or a column, which may have come with pushed rows */
                ov_shell_tell_holder(sh);
        }
    } else {
        sh->rows = ov_printer_rows(p);
    }
    if (st == OV_OK && sh->timer)
        fprintf(stderr, "%llu row%s, %.1f ms\n", (unsigned long long)ov_printer_rows(p),
                ov_printer_rows(p) == 1 ? "" : "s", (double)(ov_monotonic_ns() - t0) / 1e6);
    ov_printer_destroy(p);
    return err.sys_errno == EPIPE ? OV_EXIT_OK : exit_code_of(st);
}

/* ---- dot commands ---- */

static const char *const dot_words[] = {".help",  ".quit",   ".exit",   ".format",
                                        ".timer", ".tables", ".schema", ".read"};

static void print_dot_help(void)
{
    printf(".format [WORD]   how rows are shown: %s\n"
           ".timer on|off    tell rows and time after each statement\n"
           ".tables          what can be queried\n"
           ".schema TABLE    columns of a table\n"
           ".read FILE       run a script\n"
           ".quit            leave (or Ctrl-D)\n"
           "Statements end with ';' and may span lines. Tab completes. Ctrl-C cancels.\n",
           ov_shell_format_words);
}

static int dot_schema(ov_shell *sh, const char *table)
{
    ov_buf sql;
    ov_buf_init(&sql);
    ov_buf_add_str(&sql, "SELECT COLUMN_NAME, DATA_TYPE, IS_NULLABLE FROM "
                         "INFORMATION_SCHEMA.COLUMNS WHERE TABLE_NAME = ");
    ov_sql_add_quoted(&sql, ov_slice_cstr(table), '\'');
    ov_buf_add_str(&sql, " ORDER BY ORDINAL_POSITION");
    int code = ov_shell_statement(sh, ov_buf_slice(&sql));
    ov_buf_fini(&sql);
    if (code == OV_EXIT_OK && sh->rows == 0)
        fprintf(stderr, "there is no table %s; .tables lists them\n", table);
    return code;
}

static int dot_read(ov_shell *sh, const char *path)
{
    FILE *f = fopen(path, "re");
    if (!f) {
        fprintf(stderr, "error: cannot read %s: %s\n", path, strerror(errno));
        return OV_EXIT_UNREACHABLE;
    }
    int code = ov_shell_script(sh, f);
    fclose(f);
    return code;
}

static int dot_wants(const char *usage)
{
    fprintf(stderr, "error: say %s\n", usage);
    return OV_EXIT_REFUSED;
}

static int dot_unknown(ov_slice word)
{
    ov_slice near = ov_suggest_of(word, dot_words, OV_COUNT_OF(dot_words));
    fprintf(stderr, "error: there is no command %.*s", (int)word.n, word.p);
    if (near.n)
        fprintf(stderr, "; did you mean %.*s?", (int)near.n, near.p);
    fprintf(stderr, " (.help lists them)\n");
    return OV_EXIT_REFUSED;
}

bool ov_shell_dot(ov_shell *sh, ov_slice line, int *code)
{
    while (line.n &&
           (line.p[line.n - 1] == '\n' || line.p[line.n - 1] == ' ' || line.p[line.n - 1] == ';'))
        line.n--;
    if (line.n == 0 || (line.p[0] != '.' && line.p[0] != '\\'))
        return false;
    char text[1024];
    snprintf(text, sizeof text, "%.*s", (int)OV_MIN(line.n, sizeof text - 1), line.p);
    char *arg = strchr(text, ' ');
    if (arg) {
        *arg++ = '\0';
        arg += strspn(arg, " ");
    }
    *code = OV_EXIT_OK;
    if (strcmp(text, ".quit") == 0 || strcmp(text, ".exit") == 0 || strcmp(text, "\\q") == 0)
        sh->quit = true;
    else if (strcmp(text, ".help") == 0 || strcmp(text, "\\?") == 0)
        print_dot_help();
    else if (strcmp(text, ".format") == 0 && arg && ov_shell_format_find(arg, &sh->format))
        ;
    else if (strcmp(text, ".format") == 0)
        printf("formats: %s\n", ov_shell_format_words);
    else if (strcmp(text, ".timer") == 0)
        sh->timer = !arg || strcmp(arg, "off") != 0;
    else if (strcmp(text, ".tables") == 0 || strcmp(text, "\\dt") == 0)
        *code = ov_shell_statement(
            sh,
            OV_SLICE_LIT(
                "SELECT TABLE_SCHEMA, TABLE_NAME FROM INFORMATION_SCHEMA.TABLES ORDER BY 1, 2"));
    else if (strcmp(text, ".schema") == 0 || strcmp(text, "\\d") == 0)
        *code = arg ? dot_schema(sh, arg) : dot_wants(".schema TABLE");
    else if (strcmp(text, ".read") == 0)
        *code = arg ? dot_read(sh, arg) : dot_wants(".read FILE");
    else
        *code = dot_unknown(ov_slice_cstr(text));
    return true;
}

/* ---- scripts ---- */

/* Where the quote or comment that begins at i ends, its last byte; i where none begins there; t.n: it goes on behind t. */
static size_t closed_at(ov_slice t, size_t i)
{
    char c = t.p[i], next = i + 1 < t.n ? t.p[i + 1] : '\0';
    const char *end;
    if (c == '\'' || c == '"') /* doubled quotes end and begin again */
        end = memchr(t.p + i + 1, c, t.n - i - 1);
    else if (c == '-' && next == '-')
        end = memchr(t.p + i, '\n', t.n - i);
    else if (c == '/' && next == '*')
        end = memmem(t.p + i + 2, t.n - i - 2, "*/", 2);
    else
        return (c == '-' || c == '/') && i + 1 == t.n ? t.n : i;
    return end ? (size_t)(end - t.p) + (c == '/') : t.n;
}

size_t ov_shell_statement_end(ov_slice t, size_t *from)
{
    for (size_t i = *from; i < t.n; i++) {
        size_t end = closed_at(t, i);
        *from = i;
        if (end == t.n)
            return 0;
        i = end;
        if (t.p[i] == ';' && end == *from)
            return i + 1;
    }
    *from = t.n;
    return 0;
}

bool ov_shell_is_blank(ov_slice s)
{
    for (size_t i = 0; i < s.n; i++)
        if (!strchr(" \t\r\n;", s.p[i]))
            return false;
    return true;
}

/* Run every complete statement at the front of `text` and drop it; the rest stays, of which `*seen` bytes hold no end of a
 * statement. Returns the first failure. */
static int run_complete(ov_shell *sh, ov_buf *text, size_t *seen)
{
    int code = OV_EXIT_OK;
    size_t end, done = 0;
    while (!sh->quit && (code == OV_EXIT_OK || sh->keep_going) &&
           (end = ov_shell_statement_end(ov_slice_make(text->p + done, text->n - done), seen)) > 0) {
        ov_slice sql = ov_slice_make(text->p + done, end - 1);
        int one = ov_shell_is_blank(sql) ? OV_EXIT_OK : ov_shell_statement(sh, sql);
        done += end;
        *seen = 0;
        if (code == OV_EXIT_OK)
            code = one;
    }
    if (done) {
        memmove(text->p, text->p + done, text->n - done);
        text->n -= done;
    }
    return code;
}

int ov_shell_script(ov_shell *sh, FILE *from)
{
    ov_buf text;
    char *line = NULL;
    size_t cap = 0, seen = 0;
    ssize_t n;
    int code = OV_EXIT_OK, one;
    ov_buf_init(&text);
    while (!sh->quit && (code == OV_EXIT_OK || sh->keep_going) &&
           (n = getline(&line, &cap, from)) >= 0) {
        ov_slice s = ov_slice_make(line, (size_t)n);
        if (ov_shell_is_blank(ov_buf_slice(&text)) && ov_shell_dot(sh, s, &one)) {
            ov_buf_clear(&text);
            seen = 0;
        } else {
            ov_buf_add_slice(&text, s);
            one = run_complete(sh, &text, &seen);
        }
        if (code == OV_EXIT_OK)
            code = one;
    }
    if (!sh->quit && (code == OV_EXIT_OK || sh->keep_going) &&
        !ov_shell_is_blank(ov_buf_slice(&text))) {
        one = ov_shell_statement(sh, ov_buf_slice(&text)); /* the last one may go without ';' */
        if (code == OV_EXIT_OK)
            code = one;
    }
    if (ferror(from) && code == OV_EXIT_OK) { /* a folder, for example */
        fprintf(stderr, "error: the script cannot be read: %s\n", strerror(errno));
        code = OV_EXIT_UNREACHABLE;
    }
    free(line);
    ov_buf_fini(&text);
    return code;
}
