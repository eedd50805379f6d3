/* refframe measure MAPS.npy: options, the size check, and the three ways to print. */
#include "app/measure_maps.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/child.h"
#include "base/clock.h"
#include "maps/export.h"

static void add_table(const MapsResult *result, Text *text)
{
    maps_to_table(result, terminal_width(), terminal_has_colour(), text);
}

static const struct {
    const char *name;
    void (*add)(const MapsResult *result, Text *text);
} formats[] = {{"table", add_table}, {"csv", maps_to_csv}, {"json", maps_to_json}};

static const char *const masks[] = {[MAPS_MASK_ASSUMED] = "", [MAPS_MASK_CAUSAL] = "causal", [MAPS_MASK_FULL] = "full"};

enum { N_FORMATS = sizeof formats / sizeof *formats, N_MASKS = sizeof masks / sizeof *masks };

/* The index of an option's value among n words, `fallback` when it was not given. */
static int choice(const Arguments *arguments, const char *option, const char *const *words, int n, int fallback,
                  int *ret_index, Error *err)
{
    const char *value = argument(arguments, option);
    int index = value ? 0 : fallback;
    Text all = {0};
    while (value && index < n && (strcmp(words[index], value) != 0 || !*value))
        index++;
    if (index < n) {
        *ret_index = index;
        return STATUS_OK;
    }
    for (int w = 0; w < n; w++)
        if (*words[w])
            text_addf(&all, all.size ? ", %s" : "%s", words[w]);
    const char *nearest = text_nearest(value, words, n);
    if (nearest && *nearest)
        error_set(err, STATUS_INPUT, "refframe measure: %s: \"%s\" is not one of %s; did you mean \"%s\"?", option,
                  value, text_string(&all), nearest);
    else
        error_set(err, STATUS_INPUT, "refframe measure: %s: \"%s\" is not one of %s", option, value, text_string(&all));
    text_free(&all);
    return STATUS_INPUT;
}

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

int measure_maps(const Arguments *arguments, Error *err)
{
    const char *names[N_FORMATS];
    int format, mask, threads;
    MapsSet set = {0};
    MapsResult result;
    Text text = {0};
    for (int f = 0; f < N_FORMATS; f++)
        names[f] = formats[f].name;
    int status = choice(arguments, "--format", names, N_FORMATS, 0, &format, err);
    if (status == STATUS_OK)
        status = choice(arguments, "--mask", masks, N_MASKS, MAPS_MASK_ASSUMED, &mask, err);
    if (status == STATUS_OK)
        status = argument_int(arguments, "--threads", 1, 1024, clock_cores(), &threads, err);
    if (status != STATUS_OK)
        return status;
    const MapsRequest request = {arguments->words[0], argument(arguments, "--tokens"), (MapsMask)mask};
    status = maps_open(&request, &set, err);
    if (status != STATUS_OK)
        return status;
    Arena *arena = arena_new();
    status = check_memory(&set, threads, err);
    if (status == STATUS_OK)
        status = maps_load(&set, err);
    if (status == STATUS_OK)
        status = maps_measure(arena, &set, threads, child_interrupted, &result, err);
    if (status == STATUS_OK) {
        formats[format].add(&result, &text);
        fwrite(text_string(&text), 1, text.size, stdout);
    }
    text_free(&text);
    arena_free(arena);
    maps_free(&set);
    return status;
}
