/* Joins the registries with the entries and prints them; see reference.h. */
#include "query/reference/reference.h"

#include <string.h>

#include "base/jsonw.h"
#include "query/agg/agg.h"
#include "query/sql/sql.h"

typedef enum category {
    OPERATORS,
    NUMBERS,
    TEXT,
    TIME,
    VALUES,
    ARRAYS,
    MULTI,
    JSON,
    ADDRESSES,
    SKETCHES,
    AGGREGATES,
    WINDOWS,
    UNKNOWN,
    CATEGORIES
} category;

static const char *const titles[CATEGORIES] = {"Operators",
                                               "Numbers",
                                               "Text",
                                               "Time",
                                               "Choosing values",
                                               "Arrays",
                                               "Multi-value strings",
                                               "JSON",
                                               "Addresses",
                                               "Sketches",
                                               "Aggregates",
                                               "Window functions",
                                               "Others"};

typedef struct entry {
    category group;
    const char *name, *about, *example, *answer;
} entry;

static const entry entries[] = {
#define ENTRY(group, name, about, example, answer) {group, name, about, example, answer},
#include "query/reference/entries.def"
#undef ENTRY
};

/* Functions without a row in entries.def end in the last section, where the test finds them. */
static const entry *entry_of(const char *name, bool operator)
{
    static const entry none = {UNKNOWN, "", "", "", ""};
    for (size_t i = 0; i < OV_COUNT_OF(entries); i++)
        if (strcmp(entries[i].name, name) == 0 && (entries[i].group == OPERATORS) == operator)
            return &entries[i];
    return &none;
}

typedef struct registry {
    const ov_function_doc *docs;
    uint32_t count;
    bool operators;
} registry;

enum { REGISTRIES = 4 };

static void registries(registry out[REGISTRIES])
{
    out[0] = (registry){.operators = true};
    out[0].count = ov_operator_docs(&out[0].docs);
    out[1] = (registry){.operators = false};
    out[1].count = ov_function_docs(&out[1].docs);
    out[2] = (registry){.operators = false};
    out[2].count = ov_agg_docs(&out[2].docs);
    out[3] = (registry){.operators = false};
    out[3].count = ov_sql_window_docs(&out[3].docs);
}

/* ---- Markdown ---- */

/* Text of a table's cell: | has a meaning there. */
static void add_cell(ov_buf *out, const char *text)
{
    for (; *text; text++)
        ov_buf_addf(out, *text == '|' ? "\\%c" : "%c", *text);
}

/* Signatures as `A` or `B`, without the quotes that ROUTINES has around them. */
static void add_forms(ov_buf *out, const char *signatures)
{
    ov_buf_add_char(out, '`');
    for (const char *p = signatures; *p; p++) {
        if (*p == '\n')
            ov_buf_add_str(out, "`, `");
        else if (*p == '|')
            ov_buf_add_str(out, "\\|");
        else if (*p != '\'')
            ov_buf_add_char(out, *p);
    }
    ov_buf_add_char(out, '`');
}

static void add_row(ov_buf *out, const ov_function_doc *doc, const entry *e)
{
    ov_buf_add_str(out, "| ");
    add_forms(out, doc->signatures && doc->signatures[0] ? doc->signatures : doc->name);
    ov_buf_add_str(out, " | ");
    add_cell(out, e->about);
    if (e->example[0]) {
        ov_buf_add_str(out, " | `");
        add_cell(out, e->example);
        ov_buf_add_str(out, "` is `");
        add_cell(out, e->answer);
        ov_buf_add_str(out, "` |\n");
    } else {
        ov_buf_add_str(out, " | |\n");
    }
}

static void add_section(ov_buf *out, category group)
{
    registry all[REGISTRIES];
    bool empty = true;
    registries(all);
    for (int r = 0; r < REGISTRIES; r++)
        for (uint32_t i = 0; i < all[r].count; i++) {
            const entry *e = entry_of(all[r].docs[i].name, all[r].operators);
            if (e->group != group)
                continue;
            if (empty)
                ov_buf_addf(out, "\n### %s\n\n| form | meaning | example |\n|---|---|---|\n", titles[group]);
            empty = false;
            add_row(out, &all[r].docs[i], e);
        }
}

void ov_reference_markdown(ov_buf *out)
{
    for (int group = 0; group < CATEGORIES; group++)
        add_section(out, (category)group);
}

/* ---- JSON ---- */

static void add_line(ov_buf *out, const ov_function_doc *doc, const entry *e)
{
    ov_jsonw w;
    ov_jsonw_init(&w, out);
    ov_jsonw_open_object(&w, NULL);
    ov_jsonw_cstr(&w, "name", doc->name);
    ov_jsonw_cstr(&w, "category", titles[e->group]);
    ov_jsonw_cstr(&w, "signatures", doc->signatures);
    ov_jsonw_cstr(&w, "about", e->about);
    ov_jsonw_cstr(&w, "example", e->example);
    ov_jsonw_cstr(&w, "answer", e->answer);
    ov_jsonw_bool(&w, "aggregate", doc->aggregate);
    ov_jsonw_close_object(&w);
    ov_buf_add_char(out, '\n');
}

void ov_reference_json(ov_buf *out)
{
    registry all[REGISTRIES];
    registries(all);
    for (int r = 0; r < REGISTRIES; r++)
        for (uint32_t i = 0; i < all[r].count; i++)
            add_line(out, &all[r].docs[i], entry_of(all[r].docs[i].name, all[r].operators));
}
