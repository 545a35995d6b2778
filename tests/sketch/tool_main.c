#include "tests/sketch/tool.h"

#include <time.h>

static char line[64 << 20];

char *tool_word(void)
{
    return strtok(NULL, " ");
}

int64_t tool_i64(void)
{
    char *word = tool_word();
    return word ? strtoll(word, NULL, 10) : 0;
}

ov_slice tool_image(ov_arena *a)
{
    ov_error err = OV_ERROR_INIT;
    const char *text = tool_word();
    size_t n = text ? strlen(text) / 2 : 0;
    char *out;
    if (ov_arena_alloc(a, n + 1, &out, &err) != OV_OK)
        abort();
    for (size_t i = 0; i < n; i++) {
        char pair[3] = {text[2 * i], text[2 * i + 1], 0};
        out[i] = (char)strtoul(pair, NULL, 16);
    }
    return ov_slice_make(out, n);
}

void tool_print_hex(const ov_buf *b)
{
    for (size_t i = 0; i < b->n; i++)
        printf("%02x", (unsigned char)b->p[i]);
}

double tool_value(uint64_t i, uint64_t seed)
{
    return (double)(((i + seed) * UINT64_C(2654435761) + seed) % UINT64_C(1048573));
}

double tool_seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

int main(void)
{
    while (fgets(line, sizeof(line), stdin)) {
        ov_arena a;
        ov_error err = OV_ERROR_INIT;
        ov_arena_init(&a, "tool", NULL);
        ov_sketch_mem mem = ov_sketch_mem_arena(&a);
        line[strcspn(line, "\n")] = 0;
        const char *verb = strtok(line, " ");
        if (tool_run(verb ? verb : "", &mem, &a, &err) != OV_OK)
            printf(" error: %s", err.text);
        printf("\n");
        fflush(stdout);
        ov_arena_fini(&a);
    }
    return 0;
}
