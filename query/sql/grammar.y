/*
 * Druid SQL for Lemon: what Apache Calcite's parser accepts of it, a little more lenient about reserved words.
 *
 * Three levels of expressions keep the grammar free of conflicts without tricks: `expr` (OR, AND, NOT, IS,
 * comparisons), `pred` (IN, BETWEEN, LIKE) and `term` (arithmetic and everything tighter). BETWEEN takes terms,
 * so its AND is not the logical one; POSITION(a IN b) takes terms, so its IN is not the operator. Parenthesised
 * queries follow PostgreSQL's grammar: `subquery` is a query in one or more parentheses, `bare` is one without,
 * and only precedence decides that ((SELECT 1)) is a query twice in parentheses rather than a value once.
 *
 * Actions only build nodes (ast.c); after a failure the builders do nothing.
 */
%name ovi_sql_yy
%token_prefix OVI_TK_
%token_type {ovi_sql_token}
%default_type {ov_ast *}
%extra_context {ovi_sql_parser *p}
/* Open parentheses are limited by parse.c to OV_SQL_MAX_DEPTH; each takes at most some ten entries. */
%stack_size 12000

%include {
#include "query/sql/sql_int.h"
#include "query/sql/grammar.h"

#define T(token) (&(token))
}

%code {
/* Would the parser, as it stands, accept this token? Runs the table over a copy of the states; words that
 * would only be taken for a name do not count. */
static bool would_accept(yyParser *yy, int token, YYACTIONTYPE *states)
{
    int top = (int)(yy->yytos - yy->yystack);
    for (int i = 0; i <= top; i++)
        states[i] = yy->yystack[i].stateno;
    for (;;) {
        YYACTIONTYPE action = states[top];
        if (action <= YY_MAX_SHIFT) {
            int at = yy_shift_ofst[action] + token;
            action = at >= 0 && at < YY_NLOOKAHEAD && yy_lookahead[at] == token ? yy_action[at]
                                                                                : yy_default[action];
        }
        if (action >= YY_MIN_REDUCE) {
            int rule = action - YY_MIN_REDUCE;
            top += yyRuleInfoNRhs[rule];
            action = yy_find_reduce_action(states[top], yyRuleInfoLhs[rule]);
            if (action > YY_MAX_SHIFT && action <= YY_MAX_SHIFTREDUCE)
                action += YY_MIN_REDUCE - YY_MIN_SHIFTREDUCE;
            if (top + 1 >= YYSTACKDEPTH || action == YY_ACCEPT_ACTION)
                return token == 0;
            states[++top] = action;
            continue;
        }
        return action <= YY_MAX_SHIFTREDUCE || action == YY_ACCEPT_ACTION;
    }
}

uint32_t ovi_sql_acceptable(void *parser, ov_arena *scratch, int *tokens, uint32_t capacity);
uint32_t ovi_sql_acceptable(void *parser, ov_arena *scratch, int *tokens, uint32_t capacity)
{
    ov_error ignored = OV_ERROR_INIT;
    YYACTIONTYPE *states = ov_arena_try(scratch, YYSTACKDEPTH * sizeof *states, sizeof *states, &ignored);
    uint32_t count = 0;
    for (int token = 0; states && token < YYNTOKEN && count < capacity; token++)
        if (would_accept(parser, token, states))
            tokens[count++] = token;
    return count;
}
}

%syntax_error {
    (void)yymajor;
    (void)yyminor;
    p->syntax_error = true;
}
%parse_failure {
    p->syntax_error = true;
}
%stack_overflow {
    ovi_sql_parse_fail(p, OV_LIMIT, 0, 0, "The statement is nested too deeply for the parser; simplify it");
}

/* Never in a rule; the lexer knows it so that "==" can be named in an error. */
%token EQEQ.

%fallback ID ANALYZE ANY ASC ASYMMETRIC BOTH CURRENT DESC ESCAPE EXCLUDE EXPLAIN FIRST FOLLOWING GROUPS IGNORE INCLUDE KEY LAST LATERAL
             LEADING NEXT NULLS ONLY ORDINALITY OVER OVERWRITE PARTITION PLAN PRECEDING RANGE RESPECT RETURNING ROW
             ROWS SET SETS SOME SYMMETRIC TRAILING UESCAPE UNBOUNDED UNKNOWN UNPIVOT VALUE WITHIN.

%left UNION EXCEPT MINUS.
%left INTERSECT.
%left JOIN CROSS INNER LEFT RIGHT FULL NATURAL.
%left ON USING.
%nonassoc BARE_SUBQUERY.
%left OR.
%left AND.
%right NOT.
%left IS.
%left EQ NE LT LE GT GE.
%nonassoc BETWEEN IN LIKE ESCAPE.
%left PLUS DASH.
%left STAR SLASH PERCENT.
%left CONCAT.
%right SIGN.
%left LB.
%nonassoc SHORT_INTERVAL.
%nonassoc TO.
%nonassoc BARE_NAME.
%nonassoc RP LP.

/* ---- statements ---- */

%start_symbol input
input ::= script(A). { p->script = A; }
input ::= script(A) SEMI. { p->script = A; }
input ::= settings(A). { p->script = ovi_sql_node(p, OV_AST_SCRIPT, 2, A, NULL); }
input ::= settings(A) SEMI. { p->script = ovi_sql_node(p, OV_AST_SCRIPT, 2, A, NULL); }
script(A) ::= statement(B). { A = ovi_sql_node(p, OV_AST_SCRIPT, 2, NULL, B); }
script(A) ::= settings(B) SEMI statement(C). { A = ovi_sql_node(p, OV_AST_SCRIPT, 2, B, C); }

settings(A) ::= setting(B). { A = ovi_sql_list(p, OV_AST_LIST, B); }
settings(A) ::= settings(B) SEMI setting(C). { A = ovi_sql_append(p, B, C); }
setting(A) ::= SET(S) name(B) EQ setvalue(C). { A = ovi_sql_span(ovi_sql_node(p, OV_AST_SET, 2, B, C), T(S), NULL); }
setvalue(A) ::= literal(B). { A = B; }
setvalue(A) ::= DASH(S) number(B).
    { A = ovi_sql_span(ovi_sql_op(ovi_sql_node(p, OV_AST_UNARY, 1, B), '-'), T(S), NULL); }

statement(A) ::= explainable(B). { A = B; }
statement(A) ::= EXPLAIN(S) PLAN FOR explainable(B).
    { A = ovi_sql_span(ovi_sql_node(p, OV_AST_EXPLAIN, 1, B), T(S), NULL); }
statement(A) ::= EXPLAIN(S) ANALYZE explainable(B).
    { A = ovi_sql_flag(ovi_sql_span(ovi_sql_node(p, OV_AST_EXPLAIN, 1, B), T(S), NULL), OV_AST_ANALYZE); }
explainable(A) ::= query(B). { A = B; }
explainable(A) ::= INSERT(S) INTO target(T1) query(Q) partitioned_opt(P) clustered_opt(K).
    { A = ovi_sql_span(ovi_sql_node(p, OV_AST_INSERT, 6, T1, NULL, NULL, Q, P, K), T(S), NULL); }
explainable(A) ::= INSERT(S) INTO target(T1) LP names(C) RP query(Q) partitioned_opt(P) clustered_opt(K).
    { A = ovi_sql_span(ovi_sql_node(p, OV_AST_INSERT, 6, T1, C, NULL, Q, P, K), T(S), NULL); }
explainable(A) ::= INSERT(S) INTO target(T1) AS name(F) query(Q) partitioned_opt(P) clustered_opt(K).
    { A = ovi_sql_span(ovi_sql_node(p, OV_AST_INSERT, 6, T1, NULL, NULL, Q, P, K), T(S), NULL);
      if (A && F) A->text = F->text; }
explainable(A) ::= REPLACE(S) INTO target(T1) AS name(F) overwrite_all_opt(O) query(Q) partitioned_opt(P) clustered_opt(K).
    { A = ovi_sql_flag(ovi_sql_span(ovi_sql_node(p, OV_AST_INSERT, 6, T1, NULL, NULL, Q, P, K), T(S), NULL),
                   OV_AST_REPLACE | O);
      if (A && F) A->text = F->text; }
explainable(A) ::= REPLACE(S) INTO target(T1) columns_opt(C) OVERWRITE ALL query(Q) partitioned_opt(P) clustered_opt(K).
    { A = ovi_sql_flag(ovi_sql_span(ovi_sql_node(p, OV_AST_INSERT, 6, T1, C, NULL, Q, P, K), T(S), NULL),
                   OV_AST_REPLACE | OV_AST_ALL); }
explainable(A) ::= REPLACE(S) INTO target(T1) columns_opt(C) OVERWRITE WHERE expr(W) query(Q) partitioned_opt(P) clustered_opt(K).
    { A = ovi_sql_flag(ovi_sql_span(ovi_sql_node(p, OV_AST_INSERT, 6, T1, C, W, Q, P, K), T(S), NULL), OV_AST_REPLACE); }

target(A) ::= path(B). { A = B; }
target(A) ::= extern(B). { A = B; }
columns_opt(A) ::= . { A = NULL; }
columns_opt(A) ::= LP names(B) RP. { A = B; }
%type overwrite_all_opt {uint16_t}
overwrite_all_opt(A) ::= . { A = 0; }
overwrite_all_opt(A) ::= OVERWRITE ALL. { A = OV_AST_ALL; }
partitioned_opt(A) ::= . { A = NULL; }
partitioned_opt(A) ::= PARTITIONED BY term(B). { A = B; }
partitioned_opt(A) ::= PARTITIONED BY ALL(B). { A = ovi_sql_name(p, T(B), false); }
partitioned_opt(A) ::= PARTITIONED BY ALL(B) name. { A = ovi_sql_name(p, T(B), false); }
clustered_opt(A) ::= . { A = NULL; }
clustered_opt(A) ::= CLUSTERED BY sort_keys(B). { A = B; }

/* ---- queries ---- */

query(A) ::= bare(B). { A = B; }
query(A) ::= subquery(B). [BARE_SUBQUERY] { A = B; }
subquery(A) ::= LP(S) bare(B) RP(E). { A = ovi_sql_span(B, T(S), T(E)); }
subquery(A) ::= LP(S) subquery(B) RP(E). { A = ovi_sql_span(B, T(S), T(E)); }

bare(A) ::= simple(B). { A = ovi_sql_node(p, OV_AST_QUERY, 5, NULL, B, NULL, NULL, NULL); }
bare(A) ::= operand(B) tail(C). { A = ovi_sql_set_kid(p, C, OV_QUERY_BODY, B); }
bare(A) ::= with(W) operand(B). { A = ovi_sql_node(p, OV_AST_QUERY, 5, W, B, NULL, NULL, NULL); }
bare(A) ::= with(W) operand(B) tail(C).
    { A = ovi_sql_set_kid(p, ovi_sql_set_kid(p, C, OV_QUERY_BODY, B), OV_QUERY_WITH, W); }
operand(A) ::= simple(B). { A = B; }
operand(A) ::= subquery(B). [BARE_SUBQUERY] { A = ovi_sql_unwrap(B); }
simple(A) ::= select(B). { A = B; }
simple(A) ::= VALUES(S) exprs(B). { A = ovi_sql_span(B, T(S), NULL); if (A) A->kind = OV_AST_VALUES; }
simple(A) ::= TABLE(S) path(B).
    { A = ovi_sql_select_all(p, T(S), ovi_sql_node(p, OV_AST_TABLE, 2, B, NULL)); }
simple(A) ::= operand(B) UNION all_opt(D) operand(C). { A = ovi_sql_set_op(p, OV_SET_UNION, D, B, C); }
simple(A) ::= operand(B) EXCEPT all_opt(D) operand(C). { A = ovi_sql_set_op(p, OV_SET_EXCEPT, D, B, C); }
simple(A) ::= operand(B) MINUS all_opt(D) operand(C). { A = ovi_sql_set_op(p, OV_SET_EXCEPT, D, B, C); }
simple(A) ::= operand(B) INTERSECT all_opt(D) operand(C). { A = ovi_sql_set_op(p, OV_SET_INTERSECT, D, B, C); }
%type all_opt {bool}
all_opt(A) ::= . { A = false; }
all_opt(A) ::= ALL. { A = true; }
all_opt(A) ::= DISTINCT. { A = false; }

with(A) ::= WITH(S) ctes(B). { A = ovi_sql_span(B, T(S), NULL); }
ctes(A) ::= cte(B). { A = ovi_sql_list(p, OV_AST_LIST, B); }
ctes(A) ::= ctes(B) COMMA cte(C). { A = ovi_sql_append(p, B, C); }
cte(A) ::= name(B) columns_opt(C) AS subquery(D). { A = ovi_sql_node(p, OV_AST_CTE, 3, B, C, D); }

/* ORDER BY, LIMIT and OFFSET in the orders Druid takes; a QUERY without its body yet. */
tail(A) ::= order_by(B). { A = ovi_sql_node(p, OV_AST_QUERY, 5, NULL, NULL, B, NULL, NULL); }
tail(A) ::= order_by(B) bounds(C). { A = ovi_sql_set_kid(p, C, OV_QUERY_ORDER, B); }
tail(A) ::= bounds(B). { A = B; }
order_by(A) ::= ORDER(S) BY sort_keys(B). { A = ovi_sql_span(B, T(S), NULL); }
bounds(A) ::= LIMIT(S) limit(B). { A = ovi_sql_span(ovi_sql_node(p, OV_AST_QUERY, 5, NULL, NULL, NULL, NULL, B), T(S), NULL); }
bounds(A) ::= LIMIT(S) limit(B) offset(C). { A = ovi_sql_span(ovi_sql_node(p, OV_AST_QUERY, 5, NULL, NULL, NULL, C, B), T(S), NULL); }
bounds(A) ::= offset(C). { A = ovi_sql_node(p, OV_AST_QUERY, 5, NULL, NULL, NULL, C, NULL); }
bounds(A) ::= offset(C) fetch(B). { A = ovi_sql_node(p, OV_AST_QUERY, 5, NULL, NULL, NULL, C, B); }
bounds(A) ::= fetch(B). { A = ovi_sql_node(p, OV_AST_QUERY, 5, NULL, NULL, NULL, NULL, B); }
bounds(A) ::= offset(C) LIMIT(S) limit.
    { A = NULL; (void)C; ovi_sql_parse_fail(p, OV_INVALID, S.pos, S.end_pos, "'OFFSET start LIMIT count' is not allowed; write LIMIT count OFFSET start"); }
bounds(A) ::= LIMIT(S) limit COMMA limit.
    { A = NULL; ovi_sql_parse_fail(p, OV_INVALID, S.pos, S.end_pos, "'LIMIT start, count' is not allowed; write LIMIT count OFFSET start"); }
limit(A) ::= count(B). { A = B; }
limit(A) ::= ALL. { A = NULL; }
offset(A) ::= OFFSET(S) count(B). { A = ovi_sql_span(B, T(S), NULL); }
offset(A) ::= OFFSET(S) count(B) rows(E). { A = ovi_sql_span(B, T(S), T(E)); }
fetch(A) ::= FETCH(S) first_next count(B) rows ONLY(E). { A = ovi_sql_span(B, T(S), T(E)); }
fetch(A) ::= FETCH(S) first_next rows ONLY(E). { A = ovi_sql_one(p, T(S), T(E)); }
first_next ::= FIRST.
first_next ::= NEXT.
%type rows {ovi_sql_token}
rows(A) ::= ROW(B). { A = B; }
rows(A) ::= ROWS(B). { A = B; }
count(A) ::= INTEGER(B). { A = ovi_sql_leaf(p, OV_AST_INTEGER, T(B)); }
count(A) ::= DECIMAL(B). { A = ovi_sql_leaf(p, OV_AST_DECIMAL, T(B)); }
count(A) ::= PARAM(B). { A = ovi_sql_leaf(p, OV_AST_PARAM, T(B)); }

sort_keys(A) ::= sort_key(B). { A = ovi_sql_list(p, OV_AST_LIST, B); }
sort_keys(A) ::= sort_keys(B) COMMA sort_key(C). { A = ovi_sql_append(p, B, C); }
sort_key(A) ::= expr(B) direction(D) nulls(N).
    { A = ovi_sql_flag(ovi_sql_node(p, OV_AST_SORT_KEY, 1, B), (uint16_t)(D | N)); }
%type direction {uint16_t}
%type nulls {uint16_t}
direction(A) ::= . { A = 0; }
direction(A) ::= ASC. { A = 0; }
direction(A) ::= DESC. { A = OV_AST_DESC; }
nulls(A) ::= . { A = 0; }
nulls(A) ::= NULLS FIRST. { A = OV_AST_NULLS_FIRST; }
nulls(A) ::= NULLS LAST. { A = OV_AST_NULLS_LAST; }

/* ---- SELECT ---- */

select(A) ::= SELECT(S) quantifier(Q) items(I) from_opt(F) where(W) group_by(G) having(H) windows(D) qualify(Y).
    { A = ovi_sql_flag(ovi_sql_span(ovi_sql_node(p, OV_AST_SELECT, 7, I, F, W, G, H, D, Y), T(S), NULL), Q); }
from_opt(A) ::= . { A = NULL; }
from_opt(A) ::= FROM from(B). { A = B; }
%type quantifier {uint16_t}
quantifier(A) ::= . { A = 0; }
quantifier(A) ::= ALL. { A = 0; }
quantifier(A) ::= DISTINCT. { A = OV_AST_DISTINCT; }
items(A) ::= item(B). { A = ovi_sql_list(p, OV_AST_LIST, B); }
items(A) ::= items(B) COMMA item(C). { A = ovi_sql_append(p, B, C); }
item(A) ::= expr(B). { A = B; }
item(A) ::= expr(B) name(C). { A = ovi_sql_node(p, OV_AST_ALIAS, 2, B, C); }
item(A) ::= expr(B) AS name(C). { A = ovi_sql_node(p, OV_AST_ALIAS, 2, B, C); }
item(A) ::= expr AS STRING(S). { A = NULL; ovi_sql_parse_fail(p, OV_INVALID, S.pos, S.end_pos, "Expecting alias, found character literal; a name is written in double quotes"); }
item(A) ::= STAR(S). { A = ovi_sql_span(ovi_sql_node(p, OV_AST_STAR, 1, NULL), T(S), T(S)); }
item(A) ::= path(B) DOT STAR(S). { A = ovi_sql_span(ovi_sql_node(p, OV_AST_STAR, 1, B), NULL, T(S)); }

where(A) ::= . { A = NULL; }
where(A) ::= WHERE expr(B). { A = B; }
group_by(A) ::= . { A = NULL; }
group_by(A) ::= GROUP(S) BY groups(B). { A = ovi_sql_span(B, T(S), NULL); }
having(A) ::= . { A = NULL; }
having(A) ::= HAVING expr(B). { A = B; }
windows(A) ::= . { A = NULL; }
windows(A) ::= WINDOW window_defs(B). { A = B; }
qualify(A) ::= . { A = NULL; }
qualify(A) ::= QUALIFY expr(B). { A = B; }
window_defs(A) ::= window_def(B). { A = ovi_sql_list(p, OV_AST_LIST, B); }
window_defs(A) ::= window_defs(B) COMMA window_def(C). { A = ovi_sql_append(p, B, C); }
window_def(A) ::= name(B) AS window(C). { A = ovi_sql_node(p, OV_AST_WINDOW_DEF, 2, B, C); }

groups(A) ::= group(B). { A = ovi_sql_list(p, OV_AST_LIST, B); }
groups(A) ::= groups(B) COMMA group(C). { A = ovi_sql_append(p, B, C); }
group(A) ::= expr(B). { A = B; }
group(A) ::= LP(S) RP(E). { A = ovi_sql_span(ovi_sql_node(p, OV_AST_ROW, 0), T(S), T(E)); }
group(A) ::= GROUPING(S) SETS LP groups(B) RP(E). { A = ovi_sql_kind(ovi_sql_span(B, T(S), T(E)), OV_AST_GROUPING_SETS); }
group(A) ::= ROLLUP(S) LP exprs(B) RP(E). { A = ovi_sql_kind(ovi_sql_span(B, T(S), T(E)), OV_AST_ROLLUP); }
group(A) ::= CUBE(S) LP exprs(B) RP(E). { A = ovi_sql_kind(ovi_sql_span(B, T(S), T(E)), OV_AST_CUBE); }

/* ---- FROM ---- */

from(A) ::= joined(B). { A = B; }
from(A) ::= from(B) COMMA joined(C). { A = ovi_sql_op(ovi_sql_node(p, OV_AST_JOIN, 4, B, C, NULL, NULL), OV_JOIN_COMMA); }
joined(A) ::= table(B). { A = B; }
joined(A) ::= join(B). { A = B; }
join(A) ::= joined(B) natural(N) join_type(T1) JOIN table(C) join_condition(D).
    { A = ovi_sql_flag(ovi_sql_op(ovi_sql_node(p, OV_AST_JOIN, 4, B, C, D.on, D.columns), T1), N); }
join(A) ::= joined(B) CROSS JOIN table(C).
    { A = ovi_sql_op(ovi_sql_node(p, OV_AST_JOIN, 4, B, C, NULL, NULL), OV_JOIN_CROSS); }
%type natural {uint16_t}
natural(A) ::= . { A = 0; }
natural(A) ::= NATURAL. { A = OV_AST_NATURAL; }
%type join_type {uint8_t}
join_type(A) ::= . { A = OV_JOIN_INNER; }
join_type(A) ::= INNER. { A = OV_JOIN_INNER; }
join_type(A) ::= LEFT outer. { A = OV_JOIN_LEFT; }
join_type(A) ::= RIGHT outer. { A = OV_JOIN_RIGHT; }
join_type(A) ::= FULL outer. { A = OV_JOIN_FULL; }
outer ::= .
outer ::= OUTER.
%type join_condition {ovi_join_condition}
join_condition(A) ::= . { A = (ovi_join_condition){NULL, NULL}; }
join_condition(A) ::= ON expr(B). { A = (ovi_join_condition){B, NULL}; }
join_condition(A) ::= USING LP names(B) RP. { A = (ovi_join_condition){NULL, B}; }

table(A) ::= source(B). { A = B; }
table(A) ::= source(B) table_alias(C). { A = ovi_sql_alias_table(p, B, C); }
table(A) ::= LP(S) join(B) RP(E). { A = ovi_sql_span(B, T(S), T(E)); }
table_alias(A) ::= as name(B) columns_opt(C). { A = ovi_sql_node(p, OV_AST_TABLE_ALIAS, 3, NULL, B, C); }
as ::= .
as ::= AS.
source(A) ::= path(B). { A = ovi_sql_node(p, OV_AST_TABLE, 2, B, NULL); }
source(A) ::= path(B) FOR name(S) AS name(O) term(C). { A = ovi_sql_node(p, OV_AST_AS_OF, 4, B, S, O, C); }
source(A) ::= path(B) extend(C). { A = ovi_sql_node(p, OV_AST_TABLE, 2, B, C); }
source(A) ::= subquery(B). [BARE_SUBQUERY] { A = ovi_sql_node(p, OV_AST_DERIVED, 1, B); }
source(A) ::= LATERAL(S) subquery(B).
    { A = ovi_sql_flag(ovi_sql_span(ovi_sql_node(p, OV_AST_DERIVED, 1, B), T(S), NULL), OV_AST_LATERAL); }
source(A) ::= TABLE(S) LP call(B) RP(E). { A = ovi_sql_span(ovi_sql_node(p, OV_AST_TABLE_CALL, 2, B, NULL), T(S), T(E)); }
source(A) ::= TABLE(S) LP call(B) RP extend(C). { A = ovi_sql_span(ovi_sql_node(p, OV_AST_TABLE_CALL, 2, B, C), T(S), NULL); }
source(A) ::= TABLE(S) LP call(B) RP LP column_defs(C) RP(E).
    { A = ovi_sql_span(ovi_sql_node(p, OV_AST_TABLE_CALL, 2, B, C), T(S), T(E)); }
source(A) ::= UNNEST(S) LP exprs(B) RP(E). { A = ovi_sql_span(ovi_sql_node(p, OV_AST_UNNEST, 1, B), T(S), T(E)); }
source(A) ::= UNNEST(S) LP exprs(B) RP WITH ORDINALITY(E).
    { A = ovi_sql_flag(ovi_sql_span(ovi_sql_node(p, OV_AST_UNNEST, 1, B), T(S), T(E)), OV_AST_ORDINALITY); }
source(A) ::= source(B) pivot(C). { A = ovi_sql_set_kid(p, C, 0, B); }
source(A) ::= source(B) table_alias(D) pivot(C). { A = ovi_sql_set_kid(p, C, 0, ovi_sql_alias_table(p, B, D)); }
pivot(A) ::= PIVOT(S) LP items(C) FOR axes(D) IN LP items(V) RP RP(E).
    { A = ovi_sql_span(ovi_sql_node(p, OV_AST_PIVOT, 4, NULL, C, D, V), T(S), T(E)); }
pivot(A) ::= UNPIVOT(S) nulls_kept(N) LP axes(C) FOR axes(D) IN LP unpivots(V) RP RP(E).
    { A = ovi_sql_flag(ovi_sql_span(ovi_sql_node(p, OV_AST_UNPIVOT, 4, NULL, C, D, V), T(S), T(E)), N); }
axes(A) ::= name(B). { A = ovi_sql_list(p, OV_AST_LIST, B); }
axes(A) ::= LP names(B) RP. { A = B; }
%type nulls_kept {uint16_t}
nulls_kept(A) ::= . { A = 0; }
nulls_kept(A) ::= INCLUDE NULLS. { A = OV_AST_INCLUDE_NULLS; }
nulls_kept(A) ::= EXCLUDE NULLS. { A = 0; }
unpivots(A) ::= unpivot(B). { A = ovi_sql_list(p, OV_AST_LIST, B); }
unpivots(A) ::= unpivots(B) COMMA unpivot(C). { A = ovi_sql_append(p, B, C); }
unpivot(A) ::= axes(B). { A = ovi_sql_node(p, OV_AST_UNPIVOT_ITEM, 2, B, NULL); }
unpivot(A) ::= axes(B) AS term(C). { A = ovi_sql_node(p, OV_AST_UNPIVOT_ITEM, 2, B, C); }
extend(A) ::= EXTEND LP column_defs(B) RP(E). { A = ovi_sql_span(B, NULL, T(E)); }
column_defs(A) ::= column_def(B). { A = ovi_sql_list(p, OV_AST_LIST, B); }
column_defs(A) ::= column_defs(B) COMMA column_def(C). { A = ovi_sql_append(p, B, C); }
column_def(A) ::= name(B) type(C). { A = ovi_sql_node(p, OV_AST_COLUMN_DEF, 2, B, C); }
column_def(A) ::= name(B) type(C) NOT NULL. { A = ovi_sql_node(p, OV_AST_COLUMN_DEF, 2, B, C); }

/* ---- names, types ---- */

name(A) ::= ID(B). { A = ovi_sql_name(p, T(B), false); }
name(A) ::= QUOTED(B). { A = ovi_sql_name(p, T(B), true); }
names(A) ::= name(B). { A = ovi_sql_list(p, OV_AST_LIST, B); }
names(A) ::= names(B) COMMA name(C). { A = ovi_sql_append(p, B, C); }
path(A) ::= name(B). [BARE_NAME] { A = B; }
path(A) ::= path(B) DOT name(C). { A = ovi_sql_path(p, B, C); }

type(A) ::= type_words(B). { A = ovi_sql_type(p, B, NULL, NULL); }
type(A) ::= type_words(B) LP exprs(C) RP(E). { A = ovi_sql_span(ovi_sql_type(p, B, C, NULL), NULL, T(E)); }
type(A) ::= type_words(B) LP exprs(C) RP type_words(D). { A = ovi_sql_type(p, B, C, D); }
type_words(A) ::= type_word(B). { A = ovi_sql_list(p, OV_AST_LIST, B); }
type_words(A) ::= type_words(B) type_word(C). { A = ovi_sql_append(p, B, C); }
type_word(A) ::= ID(B). { A = ovi_sql_name(p, T(B), false); }
type_word(A) ::= WITH(B). { A = ovi_sql_name(p, T(B), false); }

/* ---- expressions ---- */

exprs(A) ::= expr(B). { A = ovi_sql_list(p, OV_AST_LIST, B); }
exprs(A) ::= exprs(B) COMMA expr(C). { A = ovi_sql_append(p, B, C); }

expr(A) ::= pred(B). { A = B; }
expr(A) ::= expr(B) OR expr(C). { A = ovi_sql_chain(p, OV_AST_OR, B, C); }
expr(A) ::= expr(B) AND expr(C). { A = ovi_sql_chain(p, OV_AST_AND, B, C); }
expr(A) ::= NOT(S) expr(B). { A = ovi_sql_span(ovi_sql_node(p, OV_AST_NOT, 1, B), T(S), NULL); }
expr(A) ::= expr(B) IS(S) not_opt(N) NULL(E).
    { A = ovi_sql_is(p, B, OV_IS_NULL, N, T(E)); (void)S; }
expr(A) ::= expr(B) IS not_opt(N) TRUE(E). { A = ovi_sql_is(p, B, OV_IS_TRUE, N, T(E)); }
expr(A) ::= expr(B) IS not_opt(N) FALSE(E). { A = ovi_sql_is(p, B, OV_IS_FALSE, N, T(E)); }
expr(A) ::= expr(B) IS not_opt(N) UNKNOWN(E). { A = ovi_sql_is(p, B, OV_IS_UNKNOWN, N, T(E)); }
expr(A) ::= expr(B) IS not_opt(N) DISTINCT FROM pred(C). [IS]
    { A = ovi_sql_flag(ovi_sql_node(p, OV_AST_DISTINCT_FROM, 2, B, C), N); }
expr(A) ::= expr(B) EQ pred(C). { A = ovi_sql_binary(p, OV_AST_OP_EQ, B, C); }
expr(A) ::= expr(B) NE pred(C). { A = ovi_sql_binary(p, OV_AST_OP_NE, B, C); }
expr(A) ::= expr(B) LT pred(C). { A = ovi_sql_binary(p, OV_AST_OP_LT, B, C); }
expr(A) ::= expr(B) LE pred(C). { A = ovi_sql_binary(p, OV_AST_OP_LE, B, C); }
expr(A) ::= expr(B) GT pred(C). { A = ovi_sql_binary(p, OV_AST_OP_GT, B, C); }
expr(A) ::= expr(B) GE pred(C). { A = ovi_sql_binary(p, OV_AST_OP_GE, B, C); }
expr(A) ::= expr(B) EQ quantified(Q) quantity(C). { A = ovi_sql_quantified(p, OV_AST_OP_EQ, Q, B, C); }
expr(A) ::= expr(B) NE quantified(Q) quantity(C). { A = ovi_sql_quantified(p, OV_AST_OP_NE, Q, B, C); }
expr(A) ::= expr(B) LT quantified(Q) quantity(C). { A = ovi_sql_quantified(p, OV_AST_OP_LT, Q, B, C); }
expr(A) ::= expr(B) LE quantified(Q) quantity(C). { A = ovi_sql_quantified(p, OV_AST_OP_LE, Q, B, C); }
expr(A) ::= expr(B) GT quantified(Q) quantity(C). { A = ovi_sql_quantified(p, OV_AST_OP_GT, Q, B, C); }
expr(A) ::= expr(B) GE quantified(Q) quantity(C). { A = ovi_sql_quantified(p, OV_AST_OP_GE, Q, B, C); }
quantity(A) ::= subquery(B). [BARE_SUBQUERY] { A = B; }
quantity(A) ::= LP(S) expr RP(E).
    { A = NULL; ovi_sql_parse_fail(p, OV_INVALID, S.pos, E.end_pos, "ANY, SOME and ALL take a query in parentheses; whether an array has a value says SCALAR_IN_ARRAY(x, array)"); }
%type quantified {uint16_t}
quantified(A) ::= ALL. { A = OV_AST_ALL; }
quantified(A) ::= ANY. { A = 0; }
quantified(A) ::= SOME. { A = 0; }
%type not_opt {uint16_t}
not_opt(A) ::= . { A = 0; }
not_opt(A) ::= NOT. { A = OV_AST_NEGATED; }

pred(A) ::= term(B). { A = B; }
pred(A) ::= pred(B) IN LP exprs(C) RP(E). { A = ovi_sql_span(ovi_sql_node(p, OV_AST_IN_LIST, 2, B, C), NULL, T(E)); }
pred(A) ::= pred(B) NOT IN LP exprs(C) RP(E).
    { A = ovi_sql_flag(ovi_sql_span(ovi_sql_node(p, OV_AST_IN_LIST, 2, B, C), NULL, T(E)), OV_AST_NEGATED); }
pred(A) ::= pred(B) IN subquery(C). [BARE_SUBQUERY] { A = ovi_sql_node(p, OV_AST_IN_QUERY, 2, B, C); }
pred(A) ::= pred(B) NOT IN subquery(C). [BARE_SUBQUERY]
    { A = ovi_sql_flag(ovi_sql_node(p, OV_AST_IN_QUERY, 2, B, C), OV_AST_NEGATED); }
pred(A) ::= pred(B) BETWEEN symmetric(S) term(C) AND term(D). [BETWEEN]
    { A = ovi_sql_flag(ovi_sql_node(p, OV_AST_BETWEEN, 3, B, C, D), S); }
pred(A) ::= pred(B) NOT BETWEEN symmetric(S) term(C) AND term(D). [BETWEEN]
    { A = ovi_sql_flag(ovi_sql_node(p, OV_AST_BETWEEN, 3, B, C, D), (uint16_t)(S | OV_AST_NEGATED)); }
pred(A) ::= pred(B) LIKE term(C) escape(D). [LIKE]
    { A = ovi_sql_node(p, OV_AST_LIKE, 3, B, C, D); }
pred(A) ::= pred(B) NOT LIKE term(C) escape(D). [LIKE]
    { A = ovi_sql_flag(ovi_sql_node(p, OV_AST_LIKE, 3, B, C, D), OV_AST_NEGATED); }
%type symmetric {uint16_t}
symmetric(A) ::= . { A = 0; }
symmetric(A) ::= ASYMMETRIC. { A = 0; }
symmetric(A) ::= SYMMETRIC. { A = OV_AST_SYMMETRIC; }
escape(A) ::= . { A = NULL; }
escape(A) ::= ESCAPE term(B). { A = B; }

term(A) ::= primary(B). { A = B; }
term(A) ::= term(B) PLUS term(C). { A = ovi_sql_binary(p, OV_AST_OP_ADD, B, C); }
term(A) ::= term(B) DASH term(C). { A = ovi_sql_binary(p, OV_AST_OP_SUB, B, C); }
term(A) ::= term(B) STAR term(C). { A = ovi_sql_binary(p, OV_AST_OP_MUL, B, C); }
term(A) ::= term(B) SLASH term(C). { A = ovi_sql_binary(p, OV_AST_OP_DIV, B, C); }
term(A) ::= term(B) PERCENT term(C). { A = ovi_sql_binary(p, OV_AST_OP_MOD, B, C); }
term(A) ::= term(B) CONCAT term(C). { A = ovi_sql_chain(p, OV_AST_CONCAT, B, C); }
term(A) ::= DASH(S) term(B). [SIGN] { A = ovi_sql_span(ovi_sql_op(ovi_sql_node(p, OV_AST_UNARY, 1, B), '-'), T(S), NULL); }
term(A) ::= PLUS(S) term(B). [SIGN] { A = ovi_sql_span(ovi_sql_op(ovi_sql_node(p, OV_AST_UNARY, 1, B), '+'), T(S), NULL); }

primary(A) ::= literal(B). { A = B; }
primary(A) ::= path(B). [BARE_NAME] { A = B; }
primary(A) ::= call(B). { A = B; }
primary(A) ::= PARAM(B). { A = ovi_sql_leaf(p, OV_AST_PARAM, T(B)); }
primary(A) ::= LP(S) expr(B) RP(E). { A = ovi_sql_span(B, T(S), T(E)); }
primary(A) ::= LP(S) expr(B) COMMA exprs(C) RP(E). { A = ovi_sql_span(ovi_sql_row(p, B, C), T(S), T(E)); }
primary(A) ::= subquery(B). [BARE_SUBQUERY] { A = ovi_sql_node(p, OV_AST_SUBQUERY, 1, B); }
primary(A) ::= EXISTS(S) subquery(B). [BARE_SUBQUERY] { A = ovi_sql_span(ovi_sql_node(p, OV_AST_EXISTS, 1, B), T(S), NULL); }
primary(A) ::= ARRAY(S) LB exprs(B) RB(E). { A = ovi_sql_kind(ovi_sql_span(B, T(S), T(E)), OV_AST_ARRAY); }
primary(A) ::= ARRAY(S) LB RB(E). { A = ovi_sql_span(ovi_sql_node(p, OV_AST_ARRAY, 0), T(S), T(E)); }
primary(A) ::= primary(B) LB expr(C) RB(E). { A = ovi_sql_span(ovi_sql_node(p, OV_AST_ITEM, 2, B, C), NULL, T(E)); }
primary(A) ::= CASE(S) whens(B) else_opt(C) END(E).
    { A = ovi_sql_span(ovi_sql_node(p, OV_AST_CASE, 3, NULL, B, C), T(S), T(E)); }
primary(A) ::= CASE(S) expr(O) whens(B) else_opt(C) END(E).
    { A = ovi_sql_span(ovi_sql_node(p, OV_AST_CASE, 3, O, B, C), T(S), T(E)); }
primary(A) ::= CAST(S) LP expr(B) AS type(C) RP(E). { A = ovi_sql_span(ovi_sql_node(p, OV_AST_CAST, 2, B, C), T(S), T(E)); }
primary(A) ::= LBRACE(S) name(N) STRING(B) RBRACE(E). { A = ovi_sql_jdbc_literal(p, N, T(B), T(S), T(E)); }
primary(A) ::= LBRACE(S) name(N) call(B) RBRACE(E). { A = ovi_sql_jdbc_call(p, N, B, T(S), T(E)); }

whens(A) ::= when(B). { A = ovi_sql_list(p, OV_AST_LIST, B); }
whens(A) ::= whens(B) when(C). { A = ovi_sql_append(p, B, C); }
when(A) ::= WHEN(S) expr(B) THEN expr(C). { A = ovi_sql_span(ovi_sql_node(p, OV_AST_WHEN, 2, B, C), T(S), NULL); }
else_opt(A) ::= . { A = NULL; }
else_opt(A) ::= ELSE expr(B). { A = B; }

literal(A) ::= number(B). { A = B; }
literal(A) ::= STRING(B). { A = ovi_sql_string(p, T(B)); }
literal(A) ::= USTRING(B). { A = ovi_sql_unicode_string(p, T(B), NULL); }
literal(A) ::= USTRING(B) UESCAPE STRING(C). { A = ovi_sql_unicode_string(p, T(B), T(C)); }
literal(A) ::= TRUE(B). { A = ovi_sql_op(ovi_sql_leaf(p, OV_AST_BOOLEAN, T(B)), 1); }
literal(A) ::= FALSE(B). { A = ovi_sql_op(ovi_sql_leaf(p, OV_AST_BOOLEAN, T(B)), 0); }
literal(A) ::= NULL(B). { A = ovi_sql_leaf(p, OV_AST_NULL, T(B)); }
literal(A) ::= TIMESTAMP(S) STRING(B). { A = ovi_sql_kind(ovi_sql_span(ovi_sql_string(p, T(B)), T(S), NULL), OV_AST_TIMESTAMP); }
literal(A) ::= DATE(S) STRING(B). { A = ovi_sql_kind(ovi_sql_span(ovi_sql_string(p, T(B)), T(S), NULL), OV_AST_DATE); }
literal(A) ::= TIME(S) STRING(B). { A = ovi_sql_kind(ovi_sql_span(ovi_sql_string(p, T(B)), T(S), NULL), OV_AST_TIME); }
literal(A) ::= interval(B). { A = B; }
number(A) ::= INTEGER(B). { A = ovi_sql_leaf(p, OV_AST_INTEGER, T(B)); }
number(A) ::= DECIMAL(B). { A = ovi_sql_leaf(p, OV_AST_DECIMAL, T(B)); }
number(A) ::= DOUBLE(B). { A = ovi_sql_leaf(p, OV_AST_DOUBLE, T(B)); }

interval(A) ::= INTERVAL(S) interval_sign(N) STRING(B) unit(C). [SHORT_INTERVAL]
    { A = ovi_sql_flag(ovi_sql_interval(p, T(S), T(B), C, NULL), N); }
interval(A) ::= INTERVAL(S) interval_sign(N) STRING(B) unit(C) TO unit(D).
    { A = ovi_sql_flag(ovi_sql_interval(p, T(S), T(B), C, D), N); }
%type interval_sign {uint16_t}
interval_sign(A) ::= . { A = 0; }
interval_sign(A) ::= PLUS. { A = 0; }
interval_sign(A) ::= DASH. { A = OV_AST_NEGATED; }
unit(A) ::= ID(B). [BARE_NAME] { A = ovi_sql_name(p, T(B), false); }
unit(A) ::= ID(B) LP INTEGER RP. { A = ovi_sql_name(p, T(B), false); }
unit(A) ::= ID(B) LP INTEGER COMMA INTEGER RP. { A = ovi_sql_name(p, T(B), false); }

/* ---- calls ---- */

call(A) ::= name(N) LP(S) args(B) RP(E) call_tail(C). { A = ovi_sql_call(p, N, T(S), B, T(E), C); }
call(A) ::= special(B) call_tail(C). { A = ovi_sql_call_tail(p, B, C); }

%type args {ovi_call_args}
args(A) ::= . { A = (ovi_call_args){0}; }
args(A) ::= STAR(S). { A = (ovi_call_args){.list = ovi_sql_list(p, OV_AST_LIST, ovi_sql_span(ovi_sql_node(p, OV_AST_STAR, 1, NULL), T(S), T(S)))}; }
args(A) ::= simple(B). { A = (ovi_call_args){.list = ovi_sql_list(p, OV_AST_LIST, ovi_sql_node(p, OV_AST_SUBQUERY, 1, ovi_sql_node(p, OV_AST_QUERY, 5, NULL, B, NULL, NULL, NULL)))}; }
args(A) ::= quantifier_set(Q) call_exprs(B) call_order(C). { A = (ovi_call_args){.list = B, .order = C, .flags = Q}; }
args(A) ::= call_exprs(B) call_order(C). { A = (ovi_call_args){.list = B, .order = C}; }
args(A) ::= call_exprs(B) RETURNING type(C).
    { A = (ovi_call_args){.list = ovi_sql_append(p, B, C), .form = OV_FORM_RETURNING}; }
%type quantifier_set {uint16_t}
quantifier_set(A) ::= DISTINCT. { A = OV_AST_DISTINCT; }
quantifier_set(A) ::= ALL. { A = OV_AST_ALL; }
call_order(A) ::= . { A = NULL; }
call_order(A) ::= order_by(B). { A = B; }
call_exprs(A) ::= call_expr(B). { A = ovi_sql_list(p, OV_AST_LIST, B); }
call_exprs(A) ::= call_exprs(B) COMMA call_expr(C). { A = ovi_sql_append(p, B, C); }
call_expr(A) ::= expr(B). { A = B; }
call_expr(A) ::= name(B) ARROW expr(C). { A = ovi_sql_node(p, OV_AST_NAMED_ARG, 2, B, C); }

%type call_tail {ovi_call_suffix}
call_tail(A) ::= nulls_treatment(N) within(W) filter(F) over(O). { A = (ovi_call_suffix){F, O, W, N}; }
%type nulls_treatment {uint16_t}
nulls_treatment(A) ::= . { A = 0; }
nulls_treatment(A) ::= IGNORE NULLS. { A = OV_AST_IGNORE_NULLS; }
nulls_treatment(A) ::= RESPECT NULLS. { A = 0; }
within(A) ::= . { A = NULL; }
within(A) ::= WITHIN GROUP LP order_by(B) RP. { A = B; }
filter(A) ::= . { A = NULL; }
filter(A) ::= FILTER LP WHERE expr(B) RP(E). { A = ovi_sql_span(B, NULL, T(E)); }
over(A) ::= . { A = NULL; }
over(A) ::= OVER name(B). { A = ovi_sql_node(p, OV_AST_WINDOW, 4, B, NULL, NULL, NULL); }
over(A) ::= OVER window(B). { A = B; }

window(A) ::= LP(S) RP(E). { A = ovi_sql_span(ovi_sql_node(p, OV_AST_WINDOW, 4, NULL, NULL, NULL, NULL), T(S), T(E)); }
window(A) ::= LP(S) name(N) RP(E). { A = ovi_sql_span(ovi_sql_node(p, OV_AST_WINDOW, 4, N, NULL, NULL, NULL), T(S), T(E)); }
window(A) ::= LP(S) window_parts(W) RP(E). { A = ovi_sql_span(W, T(S), T(E)); }
window(A) ::= LP(S) name(N) window_parts(W) RP(E).
    { A = ovi_sql_set_kid(p, ovi_sql_span(W, T(S), T(E)), OV_WINDOW_BASE, N); }
window_parts(A) ::= PARTITION BY exprs(B). { A = ovi_sql_node(p, OV_AST_WINDOW, 4, NULL, B, NULL, NULL); }
window_parts(A) ::= PARTITION BY exprs(B) order_by(C). { A = ovi_sql_node(p, OV_AST_WINDOW, 4, NULL, B, C, NULL); }
window_parts(A) ::= PARTITION BY exprs(B) frame(D). { A = ovi_sql_node(p, OV_AST_WINDOW, 4, NULL, B, NULL, D); }
window_parts(A) ::= PARTITION BY exprs(B) order_by(C) frame(D). { A = ovi_sql_node(p, OV_AST_WINDOW, 4, NULL, B, C, D); }
window_parts(A) ::= order_by(C). { A = ovi_sql_node(p, OV_AST_WINDOW, 4, NULL, NULL, C, NULL); }
window_parts(A) ::= order_by(C) frame(D). { A = ovi_sql_node(p, OV_AST_WINDOW, 4, NULL, NULL, C, D); }
window_parts(A) ::= frame(D). { A = ovi_sql_node(p, OV_AST_WINDOW, 4, NULL, NULL, NULL, D); }
frame(A) ::= frame_unit(U) bound(B). { A = ovi_sql_op(ovi_sql_node(p, OV_AST_FRAME, 2, B, NULL), U); }
frame(A) ::= frame_unit(U) BETWEEN bound(B) AND bound(C). { A = ovi_sql_op(ovi_sql_node(p, OV_AST_FRAME, 2, B, C), U); }
%type frame_unit {uint8_t}
frame_unit(A) ::= ROWS. { A = OV_FRAME_ROWS; }
frame_unit(A) ::= RANGE. { A = OV_FRAME_RANGE; }
frame_unit(A) ::= GROUPS. { A = OV_FRAME_GROUPS; }
bound(A) ::= UNBOUNDED(S) PRECEDING(E). { A = ovi_sql_bound(p, OV_BOUND_UNBOUNDED_PRECEDING, NULL, T(S), T(E)); }
bound(A) ::= UNBOUNDED(S) FOLLOWING(E). { A = ovi_sql_bound(p, OV_BOUND_UNBOUNDED_FOLLOWING, NULL, T(S), T(E)); }
bound(A) ::= CURRENT(S) ROW(E). { A = ovi_sql_bound(p, OV_BOUND_CURRENT_ROW, NULL, T(S), T(E)); }
bound(A) ::= term(B) PRECEDING(E). { A = ovi_sql_bound(p, OV_BOUND_PRECEDING, B, NULL, T(E)); }
bound(A) ::= term(B) FOLLOWING(E). { A = ovi_sql_bound(p, OV_BOUND_FOLLOWING, B, NULL, T(E)); }

/* Functions with words between their arguments, and EXTERN, which may also stand after INSERT INTO. */
special(A) ::= extern(B). { A = B; }
extern(A) ::= EXTERN(N) LP(S) args(B) RP(E).
    { A = ovi_sql_call(p, ovi_sql_name(p, T(N), false), T(S), B, T(E), (ovi_call_suffix){0}); }
special(A) ::= EXTRACT(S) LP ID(U) FROM expr(B) RP(E).
    { A = ovi_sql_special(p, T(S), OV_FORM_EXTRACT, T(E), ovi_sql_name(p, T(U), false), B, NULL); }
special(A) ::= round(S) LP exprs(B) RP(E). { A = ovi_sql_plain_call(p, T(S), B, T(E)); }
special(A) ::= round(S) LP expr(B) TO ID(U) RP(E).
    { A = ovi_sql_special(p, T(S), OV_FORM_ROUND_TO, T(E), B, ovi_sql_name(p, T(U), false), NULL); }
%type round {ovi_sql_token}
round(A) ::= FLOOR(B). { A = B; }
round(A) ::= CEIL(B). { A = B; }
round(A) ::= CEILING(B). { A = B; }
special(A) ::= POSITION(S) LP term(B) IN term(C) RP(E).
    { A = ovi_sql_special(p, T(S), OV_FORM_POSITION, T(E), B, C, NULL); }
special(A) ::= POSITION(S) LP term(B) IN term(C) FROM term(D) RP(E).
    { A = ovi_sql_special(p, T(S), OV_FORM_POSITION, T(E), B, C, D); }
special(A) ::= SUBSTRING(S) LP exprs(B) RP(E). { A = ovi_sql_plain_call(p, T(S), B, T(E)); }
special(A) ::= SUBSTRING(S) LP expr(B) FROM expr(C) RP(E).
    { A = ovi_sql_special(p, T(S), OV_FORM_SUBSTRING, T(E), B, C, NULL); }
special(A) ::= SUBSTRING(S) LP expr(B) FROM expr(C) FOR expr(D) RP(E).
    { A = ovi_sql_special(p, T(S), OV_FORM_SUBSTRING, T(E), B, C, D); }
special(A) ::= TRIM(S) LP exprs(B) RP(E). { A = ovi_sql_plain_call(p, T(S), B, T(E)); }
special(A) ::= TRIM(S) LP expr(B) FROM expr(C) RP(E).
    { A = ovi_sql_special(p, T(S), OV_FORM_TRIM, T(E), ovi_sql_word(p, "BOTH"), B, C); }
special(A) ::= TRIM(S) LP trim_side(D) FROM expr(C) RP(E).
    { A = ovi_sql_special(p, T(S), OV_FORM_TRIM, T(E), ovi_sql_name(p, T(D), false), C, NULL); }
special(A) ::= TRIM(S) LP trim_side(D) expr(B) FROM expr(C) RP(E).
    { A = ovi_sql_special(p, T(S), OV_FORM_TRIM, T(E), ovi_sql_name(p, T(D), false), B, C); }
%type trim_side {ovi_sql_token}
trim_side(A) ::= BOTH(B). { A = B; }
trim_side(A) ::= LEADING(B). { A = B; }
trim_side(A) ::= TRAILING(B). { A = B; }
special(A) ::= JSON_OBJECT(S) LP RP(E). { A = ovi_sql_plain_call(p, T(S), NULL, T(E)); }
special(A) ::= JSON_OBJECT(S) LP key_values(B) RP(E).
    { A = ovi_sql_plain_call(p, T(S), B, T(E)); if (A) A->op = OV_FORM_KEY_VALUE; }
key_values(A) ::= expr(B) value_of expr(C). { A = ovi_sql_append(p, ovi_sql_list(p, OV_AST_LIST, B), C); }
key_values(A) ::= KEY expr(B) value_of expr(C). { A = ovi_sql_append(p, ovi_sql_list(p, OV_AST_LIST, B), C); }
key_values(A) ::= key_values(D) COMMA expr(B) value_of expr(C). { A = ovi_sql_append(p, ovi_sql_append(p, D, B), C); }
key_values(A) ::= key_values(D) COMMA KEY expr(B) value_of expr(C). { A = ovi_sql_append(p, ovi_sql_append(p, D, B), C); }
value_of ::= VALUE.
value_of ::= COLON.
