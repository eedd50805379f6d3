/* refframe measure MAPS.npy: options, the size check, and the three ways to print. */
#include "app/measure_maps.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/memory.h"
#include "base/resolve.h"
#include "maps/export.h"
#include "maps/page.h"
#include "model/mask/mask.h"

static void add_table(const MapsResult *result, Text *text)
{
    maps_to_table(result, terminal_width(), terminal_row_width(), terminal_has_colour(), text);
}

static const struct {
    const char *name;
    void (*add)(const MapsResult *result, Text *text);
} formats[] = {{"table", add_table}, {"csv", maps_to_csv}, {"json", maps_to_json}};

enum { N_FORMATS = sizeof formats / sizeof *formats };

/* The index of an option's word among n. */
static int find_word(const char *option, const char *word, const char *const *words, int n, int *ret_index, Error *err)
{
    Text all = {0};
    for (int w = 0; w < n; w++)
        if (strcmp(word, words[w]) == 0) {
            *ret_index = w;
            return STATUS_OK;
        }
    for (int w = 0; w < n; w++)
        text_addf(&all, w ? ", %s" : "%s", words[w]);
    const char *nearest = text_nearest(word, words, n);
    error_set(err, STATUS_INPUT, "refframe measure: %s: \"%s\" is not one of %s%s%s%s", option, word, text_string(&all),
              nearest ? "; did you mean \"" : "", nearest ? nearest : "", nearest ? "\"?" : "");
    text_free(&all);
    return STATUS_INPUT;
}

int measure_read_format(const Arguments *arguments, int *ret_format, Error *err)
{
    const char *names[N_FORMATS], *word = argument(arguments, "--format");
    for (int f = 0; f < N_FORMATS; f++)
        names[f] = formats[f].name;
    return find_word("--format", word ? word : names[0], names, N_FORMATS, ret_format, err);
}

void measure_add(int format, const MapsResult *result, Text *text)
{
    formats[format].add(result, text);
}

/* ---- the mask ---- */

/* A mask of the registry, and what its keys are set to. */
typedef struct {
    const Mask *mask;
    Settings settings;
} Choice;

static int n_masks(void)
{
    int n = 0;
    while (mask_registry[n])
        n++;
    return n;
}

static int find_mask(Arena *arena, const char *name, const Mask **ret_mask, Error *err)
{
    const char **names = ARENA_ARRAY(arena, const char *, n_masks());
    int index;
    for (int m = 0; m < n_masks(); m++)
        names[m] = mask_registry[m]->variant.name;
    const int status = find_word("--mask", name, names, n_masks(), &index, err);
    if (status == STATUS_OK)
        *ret_mask = mask_registry[index];
    return status;
}

/* The key of a mask that stands in [key, end), as its full path. */
static int find_key(Arena *arena, const Variant *variant, const char *key, const char *end, const char **ret_key,
                    Error *err)
{
    const char **names = ARENA_ARRAY(arena, const char *, variant->n_params),
               *word = arena_strndup(arena, key, (size_t)(end - key));
    int index;
    if (variant->n_params == 0)
        return error_set(err, STATUS_INPUT, "refframe measure: --mask: %s has no keys, so no \"%s\"", variant->name,
                         word);
    for (int k = 0; k < variant->n_params; k++)
        names[k] = variant->params[k].key;
    const int status = find_word("--mask", word, names, variant->n_params, &index, err);
    if (status == STATUS_OK)
        *ret_key = arena_format(arena, "model.mask.%s", names[index]);
    return status;
}

/* NAME, or NAME:KEY=VALUE,KEY=VALUE; the keys are checked as an experiment's are. */
static int read_mask(Arena *arena, const char *text, Choice *ret_choice, Error *err)
{
    const char *at = text + strcspn(text, ":");
    Assignment *assignments = ARENA_ARRAY(arena, Assignment, strlen(at) + 1);
    int n = 0, status = find_mask(arena, arena_strndup(arena, text, (size_t)(at - text)), &ret_choice->mask, err);
    if (status != STATUS_OK)
        return status;
    const Variant *variant = &ret_choice->mask->variant;
    while (*at) {
        const char *key = at + 1, *end = key + strcspn(key, ","), *equals = memchr(key, '=', (size_t)(end - key));
        if (!equals)
            return error_set(err, STATUS_INPUT,
                             "refframe measure: --mask: \"%s\" should go on with KEY=VALUE behind \"%.*s\"", text,
                             (int)(key - text), text);
        Assignment *next = &assignments[n];
        *next = (Assignment){.text = arena_strndup(arena, equals + 1, (size_t)(end - equals - 1)), .file = "--mask"};
        status = find_key(arena, variant, key, equals, &next->key, err);
        if (status != STATUS_OK)
            return status;
        for (int a = 0; a < n; a++)
            if (strcmp(assignments[a].key, next->key) == 0)
                return error_set(err, STATUS_INPUT, "refframe measure: --mask: \"%s\" gives %.*s twice", text,
                                 (int)(equals - key), key);
        n++, at = end;
    }
    const SchemaPart part = {"model.mask", NULL, variant->params, variant->n_params};
    return settings_resolve(arena, &(Schema){.parts = &part, .n_parts = 1}, assignments, n, &ret_choice->settings, NULL,
                            err);
}

/* NAME:KEY=VALUE,KEY=VALUE with every key that the mask has, however it was asked for. */
static const char *full_name(Arena *arena, const Choice *choice)
{
    const char *name = choice->mask->variant.name;
    for (int k = 0; k < choice->settings.n_items; k++)
        name = arena_format(arena, "%s%s%s=%s", name, k ? "," : ":", choice->settings.items[k].row->key,
                            choice->settings.items[k].text);
    return name;
}

/* The rule of a mask for maps of these sizes. */
static int make_rule(Arena *arena, const MapsSet *set, const Choice *choice, MaskRule *ret_rule, Error *err)
{
    const ModelSettings model = {.n_layers = set->n_layers,
                                 .n_heads = set->n_heads,
                                 .context_length = set->longest,
                                 .mask = choice->mask,
                                 .settings = &choice->settings};
    void *state = NULL;
    if (choice->mask->prepare) {
        const int status = choice->mask->prepare(arena, &model, NULL, &state, err);
        if (status != STATUS_OK)
            return status;
    }
    const MaskRule rule = {full_name(arena, choice), state, choice->mask->visible};
    for (int f = 0; f < set->n_files; f++) {
        const int status = visible_check(&rule, set->files[f].length, err);
        if (status != STATUS_OK)
            return status;
    }
    *ret_rule = rule;
    return STATUS_OK;
}

/* The mask that was asked for (NULL: none), or those that may be assumed: all that have no keys. */
static int set_masks(Arena *arena, const Choice *asked, MapsSet *set, Error *err)
{
    MaskRule *rules = ARENA_ARRAY(arena, MaskRule, n_masks());
    int n = 0;
    for (const Mask *const *mask = mask_registry; *mask; mask++) {
        const Choice without_keys = {.mask = *mask};
        if (asked ? asked->mask != *mask : (*mask)->variant.n_params > 0)
            continue;
        const int status = make_rule(arena, set, asked ? asked : &without_keys, &rules[n++], err);
        if (status != STATUS_OK)
            return status;
    }
    maps_set_masks(set, rules, n, asked != NULL);
    return STATUS_OK;
}

/* ---- the verb ---- */

/* Before anything large is taken. */
static int check_memory(const MapsSet *set, int threads, int has_page, Error *err)
{
    const double machine = memory_there();
    const double measuring = maps_held_bytes(set) + maps_measure_bytes(set, threads), loading = maps_load_bytes(set);
    const double needed = (measuring > loading ? measuring : loading) + (has_page ? maps_page_bytes() : 0);
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
    int status = measure_read_format(arguments, &format, err);
    if (status != STATUS_OK)
        return status;
    if (mask && (status = read_mask(arena, mask, &asked, err)) != STATUS_OK)
        return status;
    if ((status = argument_int(arguments, "--threads", 1, 1024, clock_cores(), &threads, err)) != STATUS_OK)
        return status;
    if ((status = maps_open(arguments->kernels, arguments->words[0], argument(arguments, "--tokens"), set, err)) !=
        STATUS_OK)
        return status;
    if ((status = measure_check_page(arguments, set->n_layers, set->n_heads, err)) != STATUS_OK)
        return status;
    if ((status = set_masks(arena, mask ? &asked : NULL, set, err)) != STATUS_OK)
        return status;
    if ((status = check_memory(set, threads, argument_given(arguments, "--html"), err)) != STATUS_OK)
        return status;
    if ((status = maps_load(set, err)) != STATUS_OK)
        return status;
    if ((status = maps_measure(arena, set, threads, &result, err)) != STATUS_OK)
        return status;
    measure_add(format, &result, ret_text);
    return measure_write_page(arguments, &result, ret_text, err);
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
