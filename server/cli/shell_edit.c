/*
 * The interactive loop of `ovate sql`: libedit with history and completion. The door to libedit.
 */
#include "server/cli/shell.h"

#include <errno.h>
#include <fcntl.h>
#include <histedit.h>
#include <locale.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "server/cli/cli.h"

enum { HISTORY_LINES = 2000 };

static const char *const keywords[] = {
#define OV_SQL_KEYWORD(word, use) #word,
#include "query/sql/keywords.def"
#undef OV_SQL_KEYWORD
};

typedef struct editor {
    ov_shell *shell;
    EditLine *el;
    History *history;
    HistEvent ev;
    char history_file[600];
    ov_buf text; /* the statement so far */
    ov_arena words_arena;
    ov_slice *words; /* tables, columns, functions, keywords; sorted */
    uint32_t word_count;
} editor;

static char *prompt(EditLine *el)
{
    static char first[] = "ovate> ", more[] = "  ...> ";
    editor *e;
    el_get(el, EL_CLIENTDATA, &e);
    return e->text.n ? more : first;
}

/* ---- completion ---- */

static bool is_word_char(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' ||
           ((unsigned char)c & 0x80);
}

static bool starts_icase(ov_slice s, ov_slice prefix)
{
    return s.n >= prefix.n && ov_slice_ieq(ov_slice_make(s.p, prefix.n), prefix);
}

/* Insert what all matches share; ring and list them when nothing more is shared. */
static unsigned char complete(EditLine *el, int ch)
{
    (void)ch;
    editor *e;
    el_get(el, EL_CLIENTDATA, &e);
    const LineInfo *li = el_line(el);
    const char *from = li->cursor;
    while (from > li->buffer && is_word_char(from[-1]))
        from--;
    ov_slice typed = ov_slice_make(from, (size_t)(li->cursor - from));
    if (typed.n == 0)
        return CC_ERROR;
    ov_slice common = {NULL, 0};
    uint32_t matches = 0;
    for (uint32_t i = 0; i < e->word_count; i++) {
        if (!starts_icase(e->words[i], typed))
            continue;
        if (matches++ == 0)
            common = e->words[i];
        while (!starts_icase(e->words[i], common))
            common.n--;
    }
    if (matches == 0)
        return CC_ERROR;
    if (common.n > typed.n || matches == 1) {
        char word[512];
        snprintf(word, sizeof word, "%.*s%s", (int)OV_MIN(common.n, (size_t)500), common.p,
                 matches == 1 ? " " : "");
        el_deletestr(el, (int)typed.n);
        return el_insertstr(el, word) == 0 ? CC_REFRESH : CC_ERROR;
    }
    fputc('\n', stdout);
    for (uint32_t i = 0, shown = 0; i < e->word_count && shown < 60; i++)
        if (starts_icase(e->words[i], typed)) {
            printf("%.*s  ", (int)e->words[i].n, e->words[i].p);
            shown++;
        }
    fputc('\n', stdout);
    return CC_REDISPLAY;
}

static int by_text(const void *a, const void *b)
{
    return ov_slice_cmp(*(const ov_slice *)a, *(const ov_slice *)b);
}

/* Names from the source; a source that cannot be asked leaves keywords only. */
static void load_words(editor *e)
{
    static const char *const questions[] = {
        "SELECT TABLE_NAME FROM INFORMATION_SCHEMA.TABLES",
        "SELECT DISTINCT COLUMN_NAME FROM INFORMATION_SCHEMA.COLUMNS",
        "SELECT ROUTINE_NAME FROM INFORMATION_SCHEMA.ROUTINES",
    };
    ov_error err = OV_ERROR_INIT;
    ov_slice *lists[OV_COUNT_OF(questions)] = {0};
    uint32_t counts[OV_COUNT_OF(questions)] = {0}, total = OV_COUNT_OF(keywords);
    for (size_t i = 0; i < OV_COUNT_OF(questions); i++)
        if (ov_source_words(e->shell->source, questions[i], &e->words_arena, &lists[i], &counts[i],
                            &err) == OV_OK)
            total += counts[i];
        else
            counts[i] = 0;
    if (ov_arena_alloc(&e->words_arena, total * sizeof *e->words, &e->words, &err) != OV_OK)
        return;
    for (size_t i = 0; i < OV_COUNT_OF(questions); i++)
        for (uint32_t k = 0; k < counts[i]; k++)
            e->words[e->word_count++] = lists[i][k];
    for (size_t i = 0; i < OV_COUNT_OF(keywords); i++)
        e->words[e->word_count++] = ov_slice_cstr(keywords[i]);
    qsort(e->words, e->word_count, sizeof *e->words, by_text);
}

/* ---- history ---- */

static void open_history(editor *e)
{
    const char *state = getenv("XDG_STATE_HOME"), *home = getenv("HOME");
    char dir[520];
    if (state && *state)
        snprintf(dir, sizeof dir, "%s/ovate", state);
    else if (home && *home)
        snprintf(dir, sizeof dir, "%s/.local/state/ovate", home);
    else
        return;
    ov_error err = OV_ERROR_INIT;
    if (ov_dir_make(dir, &err) != OV_OK)
        return;
    snprintf(e->history_file, sizeof e->history_file, "%s/sql_history", dir);
    /* Private from its first byte: statements can hold secrets. */
    int fd = open(e->history_file, O_CREAT | O_RDWR | O_CLOEXEC, 0600);
    if (fd >= 0) {
        fchmod(fd, 0600);
        close(fd);
    }
    history(e->history, &e->ev, H_LOAD, e->history_file);
}

static void remember(editor *e, ov_slice statement)
{
    char *text = ov_strndup(statement.p, statement.n);
    if (!text)
        return;
    history(e->history, &e->ev, H_ENTER, text);
    if (e->history_file[0])
        history(e->history, &e->ev, H_SAVE, e->history_file);
    ov_free(text);
}

/* ---- the loop ---- */

/* libedit takes what the locale can hold. Statements are UTF-8 whatever the user's locale says. */
static void read_utf8(void)
{
    if (!setlocale(LC_CTYPE, "") || MB_CUR_MAX < 4)
        (void)!setlocale(LC_CTYPE, "C.UTF-8");
}

static ov_status editor_open(editor *e, ov_shell *sh, ov_error *err)
{
    read_utf8();
    *e = (editor){.shell = sh};
    ov_buf_init(&e->text);
    ov_arena_init(&e->words_arena, "completion", NULL);
    e->history = history_init();
    e->el = el_init("ovate", stdin, stdout, stderr);
    if (!e->history || !e->el)
        return ov_fail_nomem(err, sizeof *e);
    el_set(e->el, EL_CLIENTDATA, e);
    el_set(e->el, EL_PROMPT, prompt);
    el_set(e->el, EL_EDITOR, "emacs");
    el_set(e->el, EL_SIGNAL, 1);
    history(e->history, &e->ev, H_SETSIZE, HISTORY_LINES);
    history(e->history, &e->ev, H_SETUNIQUE, 1);
    el_set(e->el, EL_HIST, history, e->history);
    el_set(e->el, EL_ADDFN, "ov-complete", "complete the word", complete);
    el_set(e->el, EL_BIND, "^I", "ov-complete", NULL);
    el_set(e->el, EL_BIND, "^R", "em-inc-search-prev", NULL);
    el_source(e->el, NULL);
    open_history(e);
    load_words(e);
    return OV_OK;
}

static void editor_close(editor *e)
{
    if (e->el)
        el_end(e->el);
    if (e->history)
        history_end(e->history);
    ov_buf_fini(&e->text);
    ov_arena_fini(&e->words_arena);
}

static void take_line(editor *e, ov_slice line)
{
    int code;
    if (e->text.n == 0 && ov_shell_dot(e->shell, line, &code)) {
        remember(e, ov_slice_make(line.p, line.n - (line.p[line.n - 1] == '\n')));
        return;
    }
    ov_buf_add_slice(&e->text, line);
    size_t end, from = 0;
    while ((end = ov_shell_statement_end(ov_buf_slice(&e->text), &from)) > 0) {
        remember(e, ov_slice_make(e->text.p, end));
        ov_shell_statement(e->shell, ov_slice_make(e->text.p, end - 1));
        memmove(e->text.p, e->text.p + end, e->text.n - end);
        e->text.n -= end;
        from = 0;
    }
    if (ov_shell_is_blank(ov_buf_slice(&e->text)))
        ov_buf_clear(&e->text);
}

int ov_shell_interactive(ov_shell *sh)
{
    editor e;
    ov_error err = OV_ERROR_INIT;
    if (editor_open(&e, sh, &err) != OV_OK) {
        editor_close(&e);
        return ov_cli_fail(&err);
    }
    printf("Ovate %s on %s. Statements end with ';', .help tells more, Ctrl-D leaves.\n",
           OV_VERSION, ov_source_name(sh->source));
    while (!sh->quit) {
        int n = 0;
        errno = 0;
        const char *line = el_gets(e.el, &n);
        if (!line || n <= 0) {
            if (errno == EINTR) {
                ov_buf_clear(&e.text); /* Ctrl-C at the prompt drops the statement */
                fputc('\n', stdout);
                continue;
            }
            fputc('\n', stdout);
            break;
        }
        take_line(&e, ov_slice_make(line, (size_t)n));
    }
    editor_close(&e);
    return OV_EXIT_OK;
}
