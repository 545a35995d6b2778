#include "base/suggest.h"

#include <stdio.h>

enum {
    MAX_WORD_BYTES = 64,
    LEAST_SHARED = 4, /* bytes of a beginning or end that say something: `id` is the end of half the names there are */
};

/* Optimal string alignment distance over lower-cased ASCII, three rows at a time. */
unsigned ov_edit_distance(ov_slice a, ov_slice b, unsigned limit)
{
    if (a.n > MAX_WORD_BYTES || b.n > MAX_WORD_BYTES)
        return limit + 1;
    size_t apart = a.n > b.n ? a.n - b.n : b.n - a.n;
    if (apart > limit)
        return limit + 1;
    unsigned rows[3][MAX_WORD_BYTES + 1];
    unsigned *older = rows[0], *last = rows[1], *now = rows[2];
    for (size_t j = 0; j <= b.n; j++)
        last[j] = (unsigned)j;
    for (size_t i = 1; i <= a.n; i++) {
        char x = ov_ascii_lower(a.p[i - 1]);
        unsigned best = now[0] = (unsigned)i;
        for (size_t j = 1; j <= b.n; j++) {
            char y = ov_ascii_lower(b.p[j - 1]);
            unsigned v = OV_MIN(last[j], now[j - 1]) + 1;
            v = OV_MIN(v, last[j - 1] + (x != y));
            if (i > 1 && j > 1 && x == ov_ascii_lower(b.p[j - 2]) &&
                y == ov_ascii_lower(a.p[i - 2]))
                v = OV_MIN(v, older[j - 2] + 1);
            now[j] = v;
            best = OV_MIN(best, v);
        }
        if (best > limit)
            return limit + 1;
        unsigned *spare = older;
        older = last;
        last = now;
        now = spare;
    }
    return OV_MIN(last[b.n], limit + 1);
}

void ov_suggest_init(ov_suggest *s, ov_slice word)
{
    *s = (ov_suggest){.word = word, .distance = (unsigned)OV_MIN(word.n / 3, (size_t)4) + 1, .apart = SIZE_MAX};
}

/* How far apart a word and a longer one are that begins or ends with it; SIZE_MAX when it does neither. */
static size_t parts_apart(ov_slice a, ov_slice b)
{
    ov_slice part = a.n < b.n ? a : b, whole = a.n < b.n ? b : a;
    size_t more = whole.n - part.n;
    if (part.n < LEAST_SHARED || whole.n > MAX_WORD_BYTES)
        return SIZE_MAX;
    if (ov_slice_ieq(part, ov_slice_make(whole.p, part.n)))
        return 2 * more;
    return ov_slice_ieq(part, ov_slice_make(whole.p + more, part.n)) ? 2 * more + 1 : SIZE_MAX;
}

void ov_suggest_offer(ov_suggest *s, ov_slice name)
{
    unsigned d = ov_edit_distance(s->word, name, s->distance - (s->distance > 0));
    size_t apart = parts_apart(s->word, name);
    if (d < s->distance) {
        s->distance = d;
        s->best = name;
        s->apart = 0; /* nearer than any that only shares a part */
    } else if (apart < s->apart) {
        s->apart = apart;
        s->best = name;
    }
}

ov_slice ov_suggest_of(ov_slice word, const char *const *names, size_t n)
{
    ov_suggest s;
    ov_suggest_init(&s, word);
    for (size_t i = 0; i < n; i++)
        ov_suggest_offer(&s, ov_slice_cstr(names[i]));
    return s.best;
}

const char *ov_suggest_text(const ov_suggest *s, char text[OV_SUGGEST_BYTES])
{
    if (s->best.n)
        snprintf(text, OV_SUGGEST_BYTES, "; did you mean '" OV_SLICE_FMT "'?",
                 OV_SLICE_ARG(s->best));
    else
        text[0] = '\0';
    return text;
}
