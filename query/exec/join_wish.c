/*
 * What a join says to those below it about rows it has no use for (sideways information passing). Once the kept side is
 * there, numbers that are not among its keys have no partner, so scans of the other side drop such rows before they
 * read the other columns. What joins above say of columns that pass through goes down on both sides, the kept one
 * included: in a chain of joins a condition on the smallest table reaches the largest scan.
 */
#include "query/exec/join.h"

static void add(ovi_key_wish *list, uint32_t *count, uint32_t column, const ovi_keyset *set)
{
    if (*count < OVI_MOST_WISHES)
        list[(*count)++] = (ovi_key_wish){column, set};
}

/* Wishes of what is above about columns [first, first + columns) of this join's output. A row that is dropped on one side may leave
 * its partner without one; such rows have NULL in the column at issue, and are not wanted above either. */
static uint32_t from_above(const ovi_join *j, uint32_t first, uint32_t columns, ovi_key_wish *list)
{
    ovi_key_wish above[OVI_MOST_WISHES];
    uint32_t n = 0, count;
    if (j->general || j->node->join.kind == OV_JOINS_SINGLE || (j->tests && first != 0))
        return 0; /* SINGLE counts partners; tests give out the left side only */
    count = ovi_wishes(j->next, above);
    for (uint32_t i = 0; i < count; i++)
        if (above[i].column >= first && above[i].column < first + columns)
            add(list, &n, above[i].column - first, above[i].set);
    return n;
}

uint32_t ovi_join_kept_wishes(const ovi_join *j, ovi_key_wish *list)
{
    return from_above(j, j->their_first, j->their_cols, list);
}

uint32_t ovi_join_wishes(const ovi_sink *s, ovi_key_wish *list)
{
    const ovi_join *j = (const ovi_join *)s;
    uint32_t n = from_above(j, j->our_first, j->our_cols, list);
    if (j->keep_ours || j->general)
        return n;
    for (uint32_t k = 0; k < j->node->join.key_count; k++) {
        const ovi_keyset *set = ovi_join_table_keys(&j->table, k);
        if (set && j->keys[k]->kind == OV_EXPR_COLUMN)
            add(list, &n, j->keys[k]->column, set);
    }
    return n;
}
