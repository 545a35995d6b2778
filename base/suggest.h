/*
 * "Did you mean": the nearest of some names to a word nobody knows.
 *
 * Distance counts insertions, deletions, replacements and swaps of neighbours; case costs
 * nothing. Only names within a third of the word's length (at most 4 edits) are offered. Where
 * none is that near, a name that begins or ends with the word (or the other way round) is:
 * `country` means `countryName`. Of several the shortest counts, beginnings before ends.
 */
#pragma once

#include "base/slice.h"

typedef struct ov_suggest {
    ov_slice word;
    ov_slice best; /* n == 0: nothing near; borrows from the names offered */
    unsigned distance;
    size_t apart; /* best is near by its beginning or end only: how far; SIZE_MAX: none yet */
} ov_suggest;

/* Offer every name there is; the nearest to `word` is kept. Borrows word and names. */
void ov_suggest_init(ov_suggest *s, ov_slice word);
void ov_suggest_offer(ov_suggest *s, ov_slice name);

/* Over a fixed list; n == 0 when nothing is near. */
ov_slice ov_suggest_of(ov_slice word, const char *const *names, size_t n);

/* For a sentence: "; did you mean 'x'?" or "". Text needs OV_SUGGEST_BYTES; returns text. */
enum { OV_SUGGEST_BYTES = 128 };
const char *ov_suggest_text(const ov_suggest *s, char text[OV_SUGGEST_BYTES]);

/* Edit distance, stopping at limit + 1. Words longer than 64 bytes are as far as can be. */
unsigned ov_edit_distance(ov_slice a, ov_slice b, unsigned limit);
