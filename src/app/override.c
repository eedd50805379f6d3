/* See experiment.h: the name of what --set makes of an experiment. */
#include <stdlib.h>
#include <string.h>

#include "app/experiment.h"
#include "base/sha256.h"

static int compare_sets(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

const char *override_suffix(Arena *arena, const char *const *sets, int n_sets)
{
    enum { MOST = 80, DIGITS = 8 };
    static const char fit[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-=,"; /* + parts one from the next */
    const char **sorted = ARENA_ARRAY(arena, const char *, n_sets + 1);
    Text name = {0};
    int is_faithful = 1;
    for (int i = 0; i < n_sets; i++)
        sorted[i] = sets[i];
    qsort(sorted, (size_t)n_sets, sizeof *sorted, compare_sets);
    for (int i = 0; i < n_sets; i++) {
        text_add(&name, "+");
        for (const char *c = sorted[i]; *c; c++) {
            const int is_fit = strchr(fit, *c) != NULL;
            text_add_bytes(&name, is_fit ? c : "_", 1);
            is_faithful &= is_fit;
        }
    }
    const char *whole = text_string(&name);
    char hex[65];
    Text all = {0};
    for (int i = 0; i < n_sets; i++)
        text_addf(&all, "%s\n", sorted[i]);
    sha256_hex(text_string(&all), all.size, hex);
    const char *suffix = is_faithful && name.size <= MOST ? arena_strdup(arena, whole)
                                                          : arena_format(arena, "%.*s-%.*s", MOST, whole, DIGITS, hex);
    text_free(&all);
    text_free(&name);
    return suffix;
}
