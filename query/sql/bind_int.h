/*
 * Shared by the binder's files: relations, scopes, and what names mean while one expression is
 * bound.
 *
 * SELECT is bound over its input's columns $0..$n-1. Aggregate calls become columns behind them
 * ($n, $n+1, ...); when the query turns out to group, every expression is rewritten onto the
 * AGGREGATE node's output: sub-trees equal to a key become that key's column, aggregates theirs,
 * and an input column that remains is "not being grouped".
 */
#pragma once

#include "query/plan/plan_build.h"
#include "query/sql/sql.h"

/* A column that names can mean. */
typedef struct ovi_sql_column {
    ov_slice table; /* alias or table name; empty for none */
    ov_slice name;
    uint32_t column; /* of the relation's plan */
    bool only_by_table; /* USING or NATURAL made one column of it and its partner: t.c still means it */
    bool unlisted; /* not part of *; gives way to another column of its name */
} ovi_sql_column;

typedef struct ovi_sql_rel {
    const ov_plan *plan;
    const ovi_sql_column *columns;
    uint32_t column_count;
    ov_places by_name; /* of columns, see ovi_sql_index_names; empty: they are walked */
} ovi_sql_rel;

typedef struct ovi_sql_scope ovi_sql_scope;

typedef struct ovi_sql_cte {
    const ov_ast *ast; /* CTE */
    const struct ovi_sql_cte *outer;
    ovi_sql_scope *scope; /* what stands around its WITH */
} ovi_sql_cte;

/* The query around a sub-query: names it does not know itself are looked for there. */
struct ovi_sql_scope {
    const struct ovi_sql_names *names;
    ovi_sql_scope *outer;
    bool is_read; /* something inside means a column of `names`, or of a query further out */
};

/* Columns of queries around the one that is bound have numbers from OVI_SQL_OUTER_BASE on, places in the
 * binder's list. */
typedef struct ovi_sql_outer {
    const ovi_sql_scope *scope;
    const ov_expr *expr; /* over the input there */
} ovi_sql_outer;

/* A sub-query that becomes a join with the rows it is asked for; until then it is a column from OVI_SQL_SUB_BASE on. */
typedef struct ovi_sql_sub {
    const ov_ast *ast;
    uint32_t number;
    bool tests;                 /* there are rows, instead of the value of the one row */
    bool inner;                 /* wanted below the grouping: by an aggregate or a key */
    const ovi_sql_scope *scope; /* what it reads of the query around it */
    const ov_plan *plan;
    const ov_expr *const *left; /* that its columns must be equal to, over the query around it */
    uint32_t left_count;
    bool unknown;               /* ... must not be unequal to: some side is NULL, the others are equal */
    const ov_expr *value;       /* once it is joined */
} ovi_sql_sub;

/* The sub-queries of one clause, or of SELECT, GROUP BY, HAVING and ORDER BY together. */
typedef struct ovi_sql_subs {
    ovi_sql_sub **list;
    uint32_t count, capacity;
} ovi_sql_subs;

enum {
    OVI_SQL_SUB_BASE = OV_EXPR_UNBOUND + (1 << 29),
    OVI_SQL_OUTER_BASE = OV_EXPR_UNBOUND + (1 << 29) + (1 << 28),
};

typedef struct ovi_sql_binder {
    const ov_sql_env *env;
    ov_expr_ctx *cx;
    ov_arena *arena;
    ov_slice text;
    const ovi_sql_cte *ctes; /* innermost first */
    uint32_t cte_depth;      /* of the tree, with the CTEs that are open in the place of their names */
    uint32_t cte_uses;       /* CTEs put in the place of a name so far */
    ovi_sql_scope *scope; /* innermost first; NULL: no query is around this one */
    ovi_sql_outer *outer;
    uint32_t outer_count, outer_capacity;
    ov_places outer_places;
    ovi_sql_subs *subs; /* of the clause that is bound; NULL: sub-queries must not read what is around them */
    uint32_t sub_count;
    bool explains; /* the plan is printed and not run: grouping sets stay one node */
    const ovi_sql_rel *given; /* what the AST's GIVEN stands for, while PIVOT and UNPIVOT are bound */
} ovi_sql_binder;

/* A select item, star expanded. */
typedef struct ovi_sql_item {
    const ov_ast *ast; /* the expression; of an expanded star the STAR */
    ov_slice name;
    bool has_alias;
    const ov_expr *expr;
} ovi_sql_item;

/* The keys of GROUP BY, and with GROUPING SETS, ROLLUP or CUBE which of them each set groups by
 * (bit i: keys[i]). */
typedef struct ovi_sql_grouping {
    const ov_expr **keys;
    uint32_t key_count, key_capacity;
    const ov_ast **asts; /* what each key was first written as */
    bool in_sets;        /* GROUPING SETS, ROLLUP or CUBE stand in the GROUP BY */
    ov_places places;    /* of keys */
    ov_places aliases;   /* of the select list's items, as they are written */
    const uint64_t *sets;
    uint32_t set_count; /* 0: one ordinary grouping by all keys */
} ovi_sql_grouping;

enum { OVI_SQL_MOST_GROUPING_CALLS = 64 };

typedef struct ovi_sql_aggs {
    ov_agg_call *calls;
    uint32_t count, capacity;
    ov_places places; /* of calls */
    const ovi_sql_grouping *grouping;
    ov_grouping_call groupings[OVI_SQL_MOST_GROUPING_CALLS];
    uint32_t grouping_count;
    const ov_ast *order_list; /* SORT_KEYs of the aggregates that have ORDER BY, or NULL */
    const ov_expr **order;    /* one a key, over the input */
} ovi_sql_aggs;

/* Columns of GROUPING calls, while a SELECT is bound, start here behind those of the input. */
enum { OVI_SQL_GROUPING_BASE = 1 << 30 };

/* f(...) OVER (...), over the input and its aggregates, later over the groups. */
typedef struct ovi_sql_window {
    const ov_ast *ast;
    ov_window_call call;
    const ov_expr **partition;
    uint32_t partition_count;
    const ov_expr **order;
    ov_sort_key *keys; /* of order; the columns are settled last */
    uint32_t order_count;
} ovi_sql_window;

typedef struct ovi_sql_windows {
    ovi_sql_window *list;
    uint32_t count, capacity;
    ov_places places; /* of list */
    const ov_ast *named; /* the WINDOW clause, or NULL */
    uint32_t *columns;   /* of each call, once the nodes are there */
} ovi_sql_windows;

/* What is written like a key of grouping sets is this column and the key's number behind those of the input: NULL in the
 * sets without it, so nothing above may be simplified by what the key is made of. */
enum { OVI_SQL_KEY_BASE = OVI_SQL_GROUPING_BASE + (1 << 27) };

/* Window call i is this column and i, while a SELECT is bound. */
enum { OVI_SQL_WINDOW_BASE = OVI_SQL_GROUPING_BASE + (1 << 28) };

typedef enum ovi_sql_alias_use {
    OVI_SQL_NO_ALIASES,
    OVI_SQL_COLUMNS_FIRST, /* GROUP BY, HAVING */
    OVI_SQL_ALIASES_FIRST, /* ORDER BY */
} ovi_sql_alias_use;

/* What names and calls mean in one clause. */
typedef struct ovi_sql_names ovi_sql_names;
struct ovi_sql_names {
    ovi_sql_binder *b;
    const ovi_sql_rel *rel;
    const char *clause;         /* for sentences: "WHERE" */
    ovi_sql_aggs *aggs;         /* collects aggregates; NULL where they are illegal */
    const ov_ast *in_aggregate; /* the call whose arguments these are: no nesting, no aliases */
    const ov_ast *whole_case;   /* the CASE that is decided once a row, as a FILTER is */
    ovi_sql_windows *windows;   /* collects window calls; NULL where they are illegal */
    const ov_ast *in_window;    /* the window call whose parts these are: no nesting */
    ovi_sql_alias_use alias_use;
    const ovi_sql_item *items; /* aliases */
    uint32_t item_count;
    const ov_places *by_name;  /* of items; NULL: none are known yet */
    const ov_ast *select; /* the SELECT around, for sentences; may be NULL */
};

/* Sentence, position of the node, then "; did you mean 'x'?" when hint is not NULL and found one.
 */
ov_status ovi_sql_fail_node(const ovi_sql_binder *b, const ov_ast *node, ov_status code,
                            ov_error *err, const char *hint, const char *fmt, ...) OV_PRINTF(6, 7);

/* ---- bind_fail.c: sentences that several files need ---- */
ov_status ovi_sql_fail_ordinal(const ovi_sql_binder *b, const ov_ast *number, uint32_t items, ov_error *err);
ov_status ovi_sql_fail_unit(const ovi_sql_binder *b, const ov_ast *unit, ov_error *err);
ov_status ovi_sql_fail_type(const ovi_sql_binder *b, const ov_ast *type, ov_error *err);
/* An expression that should be a condition, in this clause. */
ov_status ovi_sql_fail_condition(const ovi_sql_names *names, const ov_ast *ast, const ov_expr *e, ov_error *err);
/* A name that no column has. */
ov_status ovi_sql_fail_column(const ovi_sql_names *names, const ov_ast *name, ov_error *err);

/* ---- bind_query.c ---- */
/* Any query: QUERY, SELECT, VALUES, SET_OP. Columns of the result have no table name. */
OV_CHECKED ov_status ovi_sql_bind_query(ovi_sql_binder *b, const ov_ast *query, ovi_sql_rel *out,
                                        ov_error *err);
/* A relation whose columns are the plan's fields, under a table name. */
OV_CHECKED ov_status ovi_sql_rel_of(ovi_sql_binder *b, const ov_plan *plan, ov_slice table,
                                    ovi_sql_rel *out, ov_error *err);
OV_CHECKED ov_status ovi_sql_bounds(ovi_sql_binder *b, const ov_ast *query, uint64_t *limit,
                                    uint64_t *offset, ov_error *err);

/* UNION ALL of plans with equally many columns, cast to common types; sides[] is changed. `what` is its name in errors. */
OV_CHECKED ov_status ovi_sql_union(ovi_sql_binder *b, const ov_ast *at, const char *what, const ov_plan **sides,
                                   uint32_t count, const ov_plan **out, ov_error *err);

/* ---- bind_pivot.c ---- */
OV_CHECKED ov_status ovi_sql_bind_pivot(ovi_sql_binder *b, const ov_ast *pivot, ovi_sql_rel *out, ov_error *err);
OV_CHECKED ov_status ovi_sql_bind_unpivot(ovi_sql_binder *b, const ov_ast *unpivot, ovi_sql_rel *out, ov_error *err);

/* ---- bind_setop.c ---- */
OV_CHECKED ov_status ovi_sql_bind_set_op(ovi_sql_binder *b, const ov_ast *set_op, ovi_sql_rel *out, ov_error *err);

/* The plan's rows without repetitions, under the same names. */
OV_CHECKED ov_status ovi_sql_distinct(ovi_sql_binder *b, const ov_plan *in, const ov_plan **out,
                                      ov_error *err);

/* ---- bind_subquery.c ---- */
OV_CHECKED ov_status ovi_sql_bind_scalar(ovi_sql_names *names, const ov_ast *subquery,
                                         const ov_expr **out, ov_error *err);
OV_CHECKED ov_status ovi_sql_bind_exists(ovi_sql_names *names, const ov_ast *exists,
                                         const ov_expr **out, ov_error *err);
OV_CHECKED ov_status ovi_sql_bind_quantified(ovi_sql_names *names, const ov_ast *quantified,
                                             const ov_expr **out, ov_error *err);
OV_CHECKED ov_status ovi_sql_bind_in_query(ovi_sql_names *names, const ov_ast *in,
                                           const ov_expr **out, ov_error *err);

/* What EXISTS or IN asks: a known value, or what has to be looked for in joins. IN is true where `found` is, else unknown
 * where `unknown` is or where the value is NULL and there is `any` row, else false. */
typedef struct ovi_sql_membership {
    const ov_expr *known;
    ovi_sql_sub *found, *unknown, *any;
    const ov_expr *is_null; /* beside `any` */
} ovi_sql_membership;
OV_CHECKED ov_status ovi_sql_bind_membership(ovi_sql_names *names, const ov_ast *ast, ovi_sql_membership *out,
                                             ov_error *err);
/* The column that stands for it. */
OV_CHECKED ov_status ovi_sql_sub_column(ovi_sql_binder *b, const ovi_sql_sub *sub, const ov_expr **out,
                                        ov_error *err);

/* A column of a query around this one, NULL when there is none of that name. */
OV_CHECKED ov_status ovi_sql_find_outer(ovi_sql_binder *b, const ov_ast *name, const ov_expr **out,
                                        ov_error *err);
/* A table of FROM that may read the one in front of it. */
OV_CHECKED ov_status ovi_sql_bind_lateral(ovi_sql_binder *b, const ovi_sql_rel *left, const ov_ast *from,
                                          ovi_sql_rel *out, const ovi_sql_scope **scope, ov_error *err);

/* ---- bind_attach.c ---- */
/* Moves an expression over the input of a query onto its groups, or leaves it. */
typedef ov_status (*ovi_sql_mover)(void *self, const ov_ast *at, const ov_expr *e, const ov_expr **out,
                                   ov_error *err);
/* The plan with those sub-queries joined to it that are `inner` or not, behind its columns, which stay. */
OV_CHECKED ov_status ovi_sql_attach(ovi_sql_binder *b, ovi_sql_subs *subs, bool inner, ovi_sql_mover mover,
                                    void *self, const ov_plan **plan, ov_error *err);
/* *e with the values of attached sub-queries in the place of their columns. */
OV_CHECKED ov_status ovi_sql_with_subs(ovi_sql_binder *b, const ovi_sql_subs *subs, const ov_expr **e,
                                       ov_error *err);
bool ovi_sql_has_subs(const ov_expr *e);
/* The rows of *plan for which the WHERE clause is true. */
OV_CHECKED ov_status ovi_sql_bind_where(ovi_sql_names *names, const ov_ast *where, const ov_plan **plan,
                                        ov_error *err);
/* kind: INNER or LEFT; condition over the columns of both sides, or NULL. */
OV_CHECKED ov_status ovi_sql_join_lateral(ovi_sql_binder *b, const ov_ast *at, const ovi_sql_scope *scope,
                                          ov_join_kind kind, const ov_plan *left, const ov_plan *right,
                                          const ov_expr *condition, const ov_plan **out, ov_error *err);
/* AND of these; *out NULL when there are none. */
OV_CHECKED ov_status ovi_sql_all_of(ovi_sql_binder *b, const ov_ast *at, const ov_expr **parts, uint32_t count,
                                    const ov_expr **out, ov_error *err);
/* *e, the call's column beside rows that may have no group, as it is for no rows at all. */
OV_CHECKED ov_status ovi_sql_empty_group(ovi_sql_binder *b, const ov_ast *at, const ov_agg_call *call,
                                         const ov_expr **e, ov_error *err);

/* ---- bind_from.c ---- */
OV_CHECKED ov_status ovi_sql_bind_from(ovi_sql_binder *b, const ov_ast *from, ovi_sql_rel *out,
                                       ov_error *err);

/* ---- bind_unnest.c ---- */
bool ovi_sql_is_unnest(const ov_ast *from); /* also under an alias */
/* in_front: what the list is computed from, NULL when UNNEST stands alone. outer: no element is a row with NULL. The
 * columns of both. */
OV_CHECKED ov_status ovi_sql_bind_unnest(ovi_sql_binder *b, const ov_ast *from, const ovi_sql_rel *in_front,
                                         bool outer, ovi_sql_rel *out, ov_error *err);

/* ---- bind_extern.c ---- */
/* TABLE(EXTERN(...)), TABLE(INLINE(...)), TABLE(LOCALFILES(...)), TABLE(HTTP(...)), with their columns. */
OV_CHECKED ov_status ovi_sql_bind_extern(ovi_sql_binder *b, const ov_ast *from, ovi_sql_rel *out,
                                         ov_error *err);

/* ---- bind_join.c ---- */
/* in_front: what stands before the join in a comma list, for an UNNEST that is its first table; NULL: nothing. */
OV_CHECKED ov_status ovi_sql_bind_join(ovi_sql_binder *b, const ov_ast *join, const ovi_sql_rel *in_front,
                                       ovi_sql_rel *out, ov_error *err);

/* ---- bind_select.c ---- */
/* query: the QUERY node around it, for ORDER BY and LIMIT, or NULL. */
OV_CHECKED ov_status ovi_sql_bind_select(ovi_sql_binder *b, const ov_ast *select,
                                         const ov_ast *query, ovi_sql_rel *out, ov_error *err);
/* Direction and place of NULLs of a SORT_KEY. */
ov_sort_key ovi_sql_sort_key(const ov_ast *key, uint32_t column);
/* The expression of an item without its alias. */
const ov_ast *ovi_sql_unaliased(const ov_ast *item);

/* ---- bind_group.c ---- */
/* Keys of GROUP BY over the input. */
OV_CHECKED ov_status ovi_sql_bind_group_by(ovi_sql_binder *b, const ov_ast *select,
                                           const ovi_sql_rel *rel, ovi_sql_grouping *out,
                                           ov_error *err);
/* Binds one element of GROUP BY: new keys are added, and their bits set in *mask. */
OV_CHECKED ov_status ovi_sql_bind_key(ovi_sql_binder *b, const ov_ast *select,
                                      const ovi_sql_rel *rel, const ov_ast *ast,
                                      ovi_sql_grouping *out, uint64_t *mask, ov_error *err);

/* The key of grouping sets that is written like `ast`, a name like any name of its column; what it stands for otherwise.
 * column: what a name is bound to, NULL for anything else. */
OV_CHECKED ov_status ovi_sql_match_key(const ovi_sql_names *names, const ov_ast *ast, const ov_expr *column,
                                       const ov_expr **out, ov_error *err);
/* The number of the key that such a column is; OV_NO_PLACE for everything else. */
uint32_t ovi_sql_matched_key(const ovi_sql_rel *rel, const ov_expr *e);

/* ---- bind_sets.c ---- */
/* The sets of all elements of GROUP BY multiplied with each other; none when no element is a
 * grouping set. */
OV_CHECKED ov_status ovi_sql_bind_sets(ovi_sql_binder *b, const ov_ast *select,
                                       const ovi_sql_rel *rel, ovi_sql_grouping *out,
                                       ov_error *err);
/* AGGREGATE over `in`: keys, aggregates, then the values of GROUPING calls. */
OV_CHECKED ov_status ovi_sql_aggregate(ovi_sql_binder *b, const ov_plan *in,
                                       const ovi_sql_grouping *grouping, const ovi_sql_aggs *aggs,
                                       const ov_plan **out, ov_error *err);

/* e, bound over input and aggregates, onto the output of the AGGREGATE node; `ast` is for the
 * sentence. */
OV_CHECKED ov_status ovi_sql_onto_groups(ovi_sql_binder *b, const ovi_sql_rel *rel,
                                         const ovi_sql_grouping *grouping, const ov_plan *aggregate,
                                         uint32_t agg_count, const ov_ast *ast, const ov_expr *e,
                                         const ov_expr **out, ov_error *err);

/* e over other arguments: types do not change, and nothing becomes constant. */
OV_CHECKED ov_status ovi_sql_with_args(ovi_sql_binder *b, const ov_expr *e, const ov_expr **args,
                                       const ov_expr **out, ov_error *err);

/* ---- bind_window.c ---- */
bool ovi_sql_is_window_function(ov_slice name);
bool ovi_sql_reads_window(const ov_expr *e); /* while a SELECT is bound: a call with OVER is in it */
/* A call with OVER, as a column from OVI_SQL_WINDOW_BASE on. */
OV_CHECKED ov_status ovi_sql_bind_over(ovi_sql_names *names, const ov_ast *call, const ov_expr **out,
                                       ov_error *err);
/* Same partition, same order. */
bool ovi_sql_same_over(const ovi_sql_window *a, const ovi_sql_window *b);

/* ---- bind_window_plan.c ---- */
/* What ovi_sql_onto_groups needs. */
typedef struct ovi_sql_regroup {
    const ovi_sql_rel *rel;
    const ovi_sql_grouping *grouping;
    const ov_plan *aggregate;
    uint32_t agg_count;
} ovi_sql_regroup;
OV_CHECKED ov_status ovi_sql_windows_onto_groups(ovi_sql_binder *b, const ovi_sql_regroup *g,
                                                 ovi_sql_windows *all, ov_error *err);
/* WINDOW nodes over *plan, whose columns stay where they are. */
OV_CHECKED ov_status ovi_sql_add_windows(ovi_sql_binder *b, ovi_sql_windows *all, const ov_plan **plan,
                                         ov_error *err);
/* e with its window calls as columns of that plan. */
OV_CHECKED ov_status ovi_sql_onto_windows(ovi_sql_binder *b, const ovi_sql_windows *all, const ov_plan *plan,
                                          const ov_expr *e, const ov_expr **out, ov_error *err);

/* ---- bind_arrays.c ---- */
/* A list as bytes that group and sort, and bytes as a list like `like` again. */
OV_CHECKED ov_status ovi_sql_packed(ovi_sql_binder *b, const ov_expr *list, const ov_expr **out, ov_error *err);
OV_CHECKED ov_status ovi_sql_unpacked(ovi_sql_binder *b, const ov_expr *bytes, const ov_expr *like,
                                      const ov_expr **out, ov_error *err);
/* AGGREGATE, also by arrays and by the values of multi-value strings; columns are keys, then calls. */
OV_CHECKED ov_status ovi_sql_group(ovi_sql_binder *b, const ov_plan *in, const ov_expr *const *keys,
                                   uint32_t key_count, const ov_agg_call *calls,
                                   uint32_t call_count, const ov_plan **out, ov_error *err);
/* NULL of the type of `like`, arrays and all. */
OV_CHECKED ov_status ovi_sql_null_like(ovi_sql_binder *b, const ov_expr *like, const ov_expr **out,
                                       ov_error *err);
/* SORT, also by arrays and multi-value strings. */
OV_CHECKED ov_status ovi_sql_sort(ovi_sql_binder *b, const ov_plan *in, const ov_sort_key *keys,
                                  uint32_t key_count, uint64_t limit, uint64_t offset,
                                  const ov_plan **out, ov_error *err);

/* ---- bind_expr.c ---- */
OV_CHECKED ov_status ovi_sql_bind_expr(ovi_sql_names *names, const ov_ast *ast, const ov_expr **out,
                                       ov_error *err);
/* The same, and it must be BOOLEAN: "WHERE clause must be a condition". */
OV_CHECKED ov_status ovi_sql_bind_condition(ovi_sql_names *names, const ov_ast *ast,
                                            const ov_expr **out, ov_error *err);
/* A function or operator of query/expr over bound arguments, at the node's position. */
OV_CHECKED ov_status ovi_sql_apply(ovi_sql_binder *b, const ov_ast *at, const char *name,
                                   const ov_expr **args, uint32_t argc, const ov_expr **out,
                                   ov_error *err);

OV_CHECKED ov_status ovi_sql_bind_all(ovi_sql_names *names, ov_ast *const *asts, uint32_t count,
                                      const ov_expr ***out, ov_error *err);
/* NOT around *e when `negate`. */
OV_CHECKED ov_status ovi_sql_negate_if(ovi_sql_names *names, const ov_ast *at, bool negate,
                                       const ov_expr **e, ov_error *err);

/* ---- bind_names.c ---- */
/* From now on names are looked up in rel, whose columns do not change any more, by hash. */
OV_CHECKED ov_status ovi_sql_index_names(ovi_sql_binder *b, ovi_sql_rel *rel, ov_error *err);
/* The column of rel that a NAME or PATH means, NULL when there is none; ambiguous names are an
 * error. */
OV_CHECKED ov_status ovi_sql_find_column(ovi_sql_binder *b, const ovi_sql_rel *rel,
                                         const ov_ast *name, const ovi_sql_column **out,
                                         ov_error *err);
/* The select item with this alias; NULL when there is none. Two that differ are ambiguous. */
OV_CHECKED ov_status ovi_sql_find_alias(ovi_sql_names *names, const ov_ast *name, const ov_expr **out, ov_error *err);
/* An item without a name is EXPR$n, n being how many different names stand in front of it. */
OV_CHECKED ov_status ovi_sql_name_items(ovi_sql_binder *b, ovi_sql_item *items, uint32_t count, ov_places *by_name,
                                        ov_error *err);
/* A query in FROM has no two columns of one name: the next of that name is called name0, then name1, as in Calcite. */
OV_CHECKED ov_status ovi_sql_unique_names(ovi_sql_binder *b, ovi_sql_rel *rel, ov_error *err);

/* ---- bind_in.c ---- */
OV_CHECKED ov_status ovi_sql_bind_in(ovi_sql_names *names, const ov_ast *in, const ov_expr **out,
                                     ov_error *err);
/* parts: the kids of the OR, bound; the array is used up. */
OV_CHECKED ov_status ovi_sql_bind_or(ovi_sql_names *names, const ov_ast *or_node, const ov_expr **parts, const ov_expr **out,
                                     ov_error *err);
/* left = right, column by column, where both are ROWs. */
OV_CHECKED ov_status ovi_sql_bind_rows(ovi_sql_names *names, const ov_ast *at, const ov_ast *left,
                                       const ov_ast *right, const ov_expr **out, ov_error *err);

/* ROWs by <, <=, > or >=: the node's kids. */
OV_CHECKED ov_status ovi_sql_bind_row_order(ovi_sql_names *names, const ov_ast *at, const char *op, const ov_expr **out,
                                            ov_error *err);

/* ---- bind_call.c ---- */
OV_CHECKED ov_status ovi_sql_bind_call(ovi_sql_names *names, const ov_ast *call,
                                       const ov_expr **out, ov_error *err);

/* An aggregate's arguments and filter, and the function that takes them; names are those of its arguments. */
OV_CHECKED ov_status ovi_sql_bind_agg_call(ovi_sql_names *names, const ov_ast *call, ov_agg_call *out,
                                           ov_error *err);

/* ---- bind_agg_order.c ---- */
/* ORDER BY of an aggregate, whose arguments mean what `names` say, is noted for the grouping. */
OV_CHECKED ov_status ovi_sql_bind_agg_order(ovi_sql_names *names, const ov_ast *call, ov_error *err);
/* The input of the grouping in that order; further columns may stand behind its own. */
OV_CHECKED ov_status ovi_sql_order_input(ovi_sql_binder *b, const ovi_sql_aggs *aggs, const ovi_sql_subs *subs, const ov_plan **input,
                                         ov_error *err);

/* ---- bind_literal.c ---- */
bool ovi_sql_is_literal(const ov_ast *ast);
OV_CHECKED ov_status ovi_sql_bind_literal(ovi_sql_binder *b, const ov_ast *ast, bool negative,
                                          const ov_expr **out, ov_error *err);
/* A TYPE node. */
OV_CHECKED ov_status ovi_sql_bind_type(const ovi_sql_binder *b, const ov_ast *type, ov_sqltype *sql,
                                       ov_type *native, ov_error *err);

/* ---- bind_export.c ---- */

/* INSERT INTO EXTERN(...). */
OV_CHECKED ov_status ovi_sql_bind_export(ovi_sql_binder *b, const ov_ast *insert, const ov_plan **plan,
                                         const ov_query_write **out, ov_error *err);

/* ---- bind_insert.c ---- */
/* INSERT or REPLACE: the plan makes the rows in the order and the columns in which they are stored. */
OV_CHECKED ov_status ovi_sql_bind_insert(ovi_sql_binder *b, const ov_ast *insert, const ov_plan **plan,
                                         const ov_query_write **out, ov_error *err);

/* ---- finalize.c ---- */
/* The plan of a whole query, its sketches as numbers. */
OV_CHECKED ov_status ovi_sql_finalize(ovi_sql_binder *b, const ov_plan *plan, const ov_plan **out, ov_error *err);

/* ---- explain.c ---- */
/* write: what the statement would write, NULL for a query. */
OV_CHECKED ov_status ovi_sql_explain(ovi_sql_binder *b, const ov_plan *plan, const ov_query_write *write,
                                     const ov_plan **out, ov_error *err);
