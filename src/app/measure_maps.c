/* refframe measure MAPS.npy: options, the size check, and the three ways to print. */
#include "app/measure_maps.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/child.h"
#include "base/clock.h"
#include "maps/export.h"
#include "model/mask/mask.h"

static void add_table(const MapsResult *result, Text *text)
{
    maps_to_table(result, terminal_width(), terminal_has_colour(), text);
}

static const struct {
    const char *name;
    void (*add)(const MapsResult *result, Text *text);
} formats[] = {{"table", add_table}, {"csv", maps_to_csv}, {"json", maps_to_json}};

enum { N_FORMATS = sizeof formats / sizeof *formats };

static int refuse_word(const char *option, const char *word, const char *const *words, int n, Error *err)
{
    Text all = {0};
    for (int w = 0; w < n; w++)
        text_addf(&all, w ? ", %s" : "%s", words[w]);
    const char *nearest = text_nearest(word, words, n);
    error_set(err, STATUS_INPUT, "refframe measure: %s: \"%s\" is not one of %s%s%s%s", option, word, text_string(&all),
              nearest ? "; did you mean \"" : "", nearest ? nearest : "", nearest ? "\"?" : "");
    text_free(&all);
    return STATUS_INPUT;
}

/* The index of --format's value, 0 when it was not given. */
static int read_format(const Arguments *arguments, int *ret_format, Error *err)
{
    const char *names[N_FORMATS], *word = argument(arguments, "--format");
    for (int f = 0; f < N_FORMATS; f++)
        names[f] = formats[f].name;
    for (int f = 0; f < N_FORMATS; f++)
        if (!word || strcmp(word, names[f]) == 0) {
            *ret_format = f;
            return STATUS_OK;
        }
    return refuse_word("--format", word, names, N_FORMATS, err);
}

/* ---- the mask ---- */

/* A mask of the registry, and what its keys are set to. */
typedef struct {
    const Mask *mask;
    Settings settings;
} Choice;

/* Checks assignments to a mask's keys as an experiment's are, and gives the others their defaults. */
static int choose(Arena *arena, const Mask *mask, const Assignment *assignments, int n, Choice *ret_choice, Error *err)
{
    const SchemaPart part = {"model.mask", NULL, mask->variant.params, mask->variant.n_params};
    const Schema schema = {&part, 1};
    Choice choice = {.mask = mask};
    const int status = settings_resolve(arena, &schema, assignments, n, &choice.settings, NULL, err);
    if (status == STATUS_OK)
        *ret_choice = choice;
    return status;
}

static int refuse_mask(Arena *arena, const char *name, Error *err)
{
    int n = 0;
    while (mask_registry[n])
        n++;
    const char **names = ARENA_ARRAY(arena, const char *, n);
    for (int m = 0; m < n; m++)
        names[m] = mask_registry[m]->variant.name;
    return refuse_word("--mask", name, names, n, err);
}

/* NAME, or NAME:KEY=VALUE,KEY=VALUE with keys of model.mask. */
static int read_mask(Arena *arena, const char *text, Choice *ret_choice, Error *err)
{
    const char *at = text + strcspn(text, ":"), *name = arena_strndup(arena, text, (size_t)(at - text));
    const Mask *mask = mask_find(name);
    Assignment *assignments = ARENA_ARRAY(arena, Assignment, strlen(at) + 1);
    int n = 0;
    if (!mask)
        return refuse_mask(arena, name, err);
    while (*at) {
        const char *key = at + 1, *end = key + strcspn(key, ","), *equals = memchr(key, '=', (size_t)(end - key));
        if (!equals)
            return error_set(err, STATUS_INPUT,
                             "refframe measure: --mask: \"%s\" should go on with KEY=VALUE behind "
                             "\"%.*s\"",
                             text, (int)(key - text), text);
        assignments[n++] = (Assignment){.key = arena_format(arena, "model.mask.%.*s", (int)(equals - key), key),
                                        .text = arena_strndup(arena, equals + 1, (size_t)(end - equals - 1)),
                                        .file = "--mask"};
        at = end;
    }
    return choose(arena, mask, assignments, n, ret_choice, err);
}

static void one_range(const void *state, int i, int length, KeyRanges *ret_keys)
{
    const Mask *mask = state;
    mask->visible(i, length, &ret_keys->range[0].first, &ret_keys->range[0].end);
}

/* The rule of a mask for maps of these sizes. */
static int make_rule(Arena *arena, const MapsSet *set, const Choice *choice, MaskRule *ret_rule, Error *err)
{
    ModelSettings *model = ARENA_ARRAY(arena, ModelSettings, 1);
    Settings *settings = ARENA_ARRAY(arena, Settings, 1);
    void *state = NULL;
    *settings = choice->settings;
    *model = (ModelSettings){.n_layers = set->n_layers,
                             .n_heads = set->n_heads,
                             .context_length = set->longest,
                             .mask = choice->mask,
                             .settings = settings};
    (void)err, (void)model, state = (void *)choice->mask;
    *ret_rule = (MaskRule){choice->mask->variant.name, state, one_range};
    return STATUS_OK;
}

/* The mask that was asked for (NULL: none), or those that may be assumed: all that have no keys. */
static int set_masks(Arena *arena, const Choice *asked, MapsSet *set, Error *err)
{
    MaskRule rule;
    if (asked) {
        const int status = make_rule(arena, set, asked, &rule, err);
        if (status == STATUS_OK)
            maps_set_masks(set, &rule, 1, 1);
        return status;
    }
    int n = 0, n_rules = 0;
    while (mask_registry[n])
        n++;
    MaskRule *rules = ARENA_ARRAY(arena, MaskRule, n);
    for (int m = 0; m < n; m++) {
        const Choice choice = {.mask = mask_registry[m]};
        if (choice.mask->variant.n_params > 0)
            continue;
        const int status = make_rule(arena, set, &choice, &rules[n_rules++], err);
        if (status != STATUS_OK)
            return status;
    }
    maps_set_masks(set, rules, n_rules, 0);
    return STATUS_OK;
}

/* ---- the verb ---- */

/* Before anything large is taken. */
static int check_memory(const MapsSet *set, int threads, Error *err)
{
    const double machine = (double)sysconf(_SC_PHYS_PAGES) * (double)sysconf(_SC_PAGESIZE);
    const double measuring = maps_held_bytes(set) + maps_measure_bytes(set, threads), loading = maps_load_bytes(set);
    const double needed = measuring > loading ? measuring : loading;
    char text[32], there[32];
    if (needed <= machine)
        return STATUS_OK;
    return error_set(err, STATUS_INPUT, "%s: to measure these maps takes %s of memory; this machine has %s", set->path,
                     text_bytes(needed, text), text_bytes(machine, there));
}

/* Everything between the arguments and what is printed; on failure the set is to be freed all the same. */
static int measure(Arena *arena, const Arguments *arguments, MapsSet *set, Text *ret_text, Error *err)
{
    const char *mask = argument(arguments, "--mask");
    Choice asked;
    int format, threads;
    MapsResult result;
    int status = read_format(arguments, &format, err);
    if (status != STATUS_OK)
        return status;
    if (mask && (status = read_mask(arena, mask, &asked, err)) != STATUS_OK)
        return status;
    if ((status = argument_int(arguments, "--threads", 1, 1024, clock_cores(), &threads, err)) != STATUS_OK)
        return status;
    if ((status = maps_open(arguments->words[0], argument(arguments, "--tokens"), set, err)) != STATUS_OK)
        return status;
    if ((status = set_masks(arena, mask ? &asked : NULL, set, err)) != STATUS_OK)
        return status;
    if ((status = check_memory(set, threads, err)) != STATUS_OK)
        return status;
    if ((status = maps_load(set, err)) != STATUS_OK)
        return status;
    if ((status = maps_measure(arena, set, threads, child_interrupted, &result, err)) != STATUS_OK)
        return status;
    formats[format].add(&result, ret_text);
    return STATUS_OK;
}

int measure_maps(const Arguments *arguments, Error *err)
{
    Arena *arena = arena_new();
    MapsSet set = {0};
    Text text = {0};
    const int status = measure(arena, arguments, &set, &text, err);
    if (status == STATUS_OK)
        fwrite(text_string(&text), 1, text.size, stdout);
    text_free(&text);
    maps_free(&set);
    arena_free(arena);
    return status;
}
