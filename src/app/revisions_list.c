/* Which folders of a folder are revisions of a training: see measure_revisions.h. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "app/measure_revisions.h"
#include "base/file.h"
#include "hub/hub.h"

/* Digits, and what stands for thousands behind them: "512", "4B". Returns what follows, NULL without a digit. */
static const char *read_count(const char *text, double *ret_count)
{
    static const struct {
        char letter;
        double factor;
    } units[] = {{'K', 1e3}, {'M', 1e6}, {'B', 1e9}, {'T', 1e12}};
    const char *end = text;
    double count = 0;
    for (; *end >= '0' && *end <= '9'; end++)
        count = 10 * count + (*end - '0');
    if (end == text)
        return NULL;
    *ret_count = count;
    for (size_t u = 0; u < sizeof units / sizeof *units; u++)
        if (*end == units[u].letter) {
            *ret_count *= units[u].factor;
            return end + 1;
        }
    return end;
}

static int ends_word(const char *at)
{
    return *at == '-' || *at == '\0';
}

/* The count behind `word`, which is one of those that dashes part; -1: there is none. */
static double count_behind(const char *name, const char *word)
{
    const size_t n = strlen(word);
    for (const char *at = name; at; at = strchr(at, '-') ? strchr(at, '-') + 1 : NULL) {
        double count;
        const char *end = strncmp(at, word, n) == 0 ? read_count(at + n, &count) : NULL;
        if (end && ends_word(end))
            return count;
    }
    return -1;
}

static int compare_revisions(const void *a, const void *b)
{
    const Revision *x = a, *y = b;
    return (x->step > y->step) - (x->step < y->step);
}

/* Whether a folder, whose name says its step, is a model's, and not what a killed export has left. */
static int is_revision(Arena *arena, const char *path, const char *name, double step)
{
    return step >= 0 && step < 9e15 && file_temporary_of(name) == 0 && hub_is_at(file_join(arena, path, name));
}

int revisions_list(Arena *arena, const char *path, Revision **ret_revisions, int *ret_n, Error *err)
{
    char **names;
    int n_names, n = 0;
    const int status = file_list(arena, path, &names, &n_names, err);
    if (status != STATUS_OK)
        return status;
    Revision *revisions = ARENA_ARRAY(arena, Revision, n_names + 1);
    for (int i = 0; i < n_names; i++) {
        const double step = count_behind(names[i], "step"), tokens = count_behind(names[i], "tokens");
        if (is_revision(arena, path, names[i], step))
            revisions[n++] = (Revision){names[i], (int64_t)step, tokens < 0 ? (double)NAN : tokens};
    }
    qsort(revisions, (size_t)n, sizeof *revisions, compare_revisions);
    for (int i = 1; i < n; i++)
        if (revisions[i].step == revisions[i - 1].step)
            return error_set(err, STATUS_INPUT, "%s: %s and %s are of one step", path, revisions[i - 1].name,
                             revisions[i].name);
    *ret_revisions = revisions, *ret_n = n;
    return STATUS_OK;
}

int revisions_are_at(const char *path)
{
    Arena *arena = arena_new();
    Revision *revisions = NULL;
    int n = 0;
    Error err;
    const int is_there = file_is_folder(path) && !hub_is_at(path);
    const int status = is_there ? revisions_list(arena, path, &revisions, &n, &err) : STATUS_OK;
    arena_free(arena);
    return n > 0 || status == STATUS_INPUT; /* which says why when it is measured */
}
