/* See measure_reading.h. */
#include "app/measure_reading.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/memory.h"
#include "hub/words.h"
#include "maps/page.h"

/* ---- what is asked for ---- */

/* Of the first n sequences. */
static int shortest_of(const ModelInput *input, int64_t n)
{
    int shortest = input->longest;
    for (int s = 0; s < n; s++)
        shortest = input->lengths[s] < shortest ? input->lengths[s] : shortest;
    return shortest;
}

/* A place that some sequences lack would be compared with drawn ones of others. */
static int check_interventions(const Settings *families, const Reading *reading, Error *err)
{
    const int64_t place = settings_int(families, "measure.interventions.place");
    const int64_t layer = settings_int(families, "measure.interventions.layer");
    const int64_t asked = settings_int(families, "measure.interventions.sequences");
    const int64_t n = asked == 0 || asked > reading->input.n ? reading->input.n : asked;
    const int shortest = shortest_of(&reading->input, n), L = reading->file.settings.n_layers;
    if (settings_int(families, "measure.interventions.every") == 0)
        return STATUS_OK;
    if (place >= shortest || place < -shortest)
        return error_set(err, STATUS_INPUT,
                         "--set: measure.interventions.place: not every sequence that is changed has a place "
                         "%lld; the shortest has %d tokens",
                         (long long)place, shortest);
    if (layer >= L)
        return error_set(err, STATUS_INPUT, "--set: measure.interventions.layer: %lld is none of the model's %d layers",
                         (long long)layer, L);
    return STATUS_OK;
}

static int read_settings(Arena *arena, Reading *reading, Error *err)
{
    Assignment *sets = NULL;
    Settings families;
    int n = 0, status = argument_sets(arena, reading->arguments, &sets, &n, err);
    if (status == STATUS_OK)
        status = families_resolve(arena, sets, n, &families, err);
    if (status == STATUS_OK)
        status = check_interventions(&families, reading, err);
    return status == STATUS_OK ? given_settings(arena, &families, reading->input.n, &reading->settings, err) : status;
}

/* The end of a whole number below `limit` that stands at *at, which moves behind it; -1: there is none. */
static int layer_at(const char **at, int limit)
{
    int layer = 0;
    const char *start = *at;
    for (; **at >= '0' && **at <= '9' && layer < limit; (*at)++)
        layer = 10 * layer + (**at - '0');
    return *at == start || layer >= limit ? -1 : layer;
}

/* --layers A,B-C: numbers and ranges from 0. */
static int read_layers(Arena *arena, const Arguments *arguments, int n_layers, const unsigned char **ret_is_shown,
                       Error *err)
{
    const char *text = argument(arguments, "--layers"), *at = text;
    unsigned char *is_shown = text ? ARENA_ARRAY(arena, unsigned char, n_layers) : NULL;
    int is_right = 1;
    while (text && is_right) {
        const int first = layer_at(&at, n_layers);
        const int last = *at == '-' ? (at++, layer_at(&at, n_layers)) : first;
        is_right = first >= 0 && last >= first && (*at == ',' || *at == '\0');
        for (int l = first; is_right && l <= last; l++)
            is_shown[l] = 1;
        if (*at++ != ',')
            break;
    }
    if (!is_right)
        return error_set(err, STATUS_INPUT,
                         "refframe measure: --layers: \"%s\" is no list of layers such as 0,4-7; they are 0 to %d",
                         text, n_layers - 1);
    if (text && argument_given(arguments, "--html"))
        return error_set(err, STATUS_INPUT, "refframe measure: --layers is for --format; the page has all layers");
    *ret_is_shown = is_shown;
    return STATUS_OK;
}

/* What stands at no position there has none here, either. */
static int check_padding(const Reading *reading, Error *err)
{
    const ModelInput *input = &reading->input;
    const char *ids = argument(reading->arguments, "--ids");
    const int32_t *tokens = input->tokens;
    const int padding = reading->file.padding;
    for (int s = 0; s < input->n && padding >= 0; tokens += input->lengths[s++])
        for (int i = 0; i < input->lengths[s]; i++)
            if (tokens[i] == padding)
                return error_set(err, STATUS_INPUT,
                                 "%s: sequence %d, position %d: %d is padding, which stands at no position in %s",
                                 ids ? ids : argument(reading->arguments, "--text"), s, i, padding,
                                 reading->file.architecture->variant.name);
    return STATUS_OK;
}

/* ---- memory ---- */

static size_t map_items(const Reading *reading, int sequence)
{
    const size_t T = (size_t)reading->input.lengths[sequence];
    return (size_t)reading->held.n_layers * (size_t)reading->held.n_heads * T * T;
}

static double all_items(const Reading *reading)
{
    double n = 0;
    for (int s = 0; s < reading->input.n; s++)
        n += (double)map_items(reading, s);
    return n;
}

/* Before anything large is read: the weights, what measuring works in, and the maps that a page needs. */
static int check_memory(const Reading *reading, Error *err)
{
    const int has_page = argument_given(reading->arguments, "--html");
    const double page = has_page ? all_items(reading) * sizeof(real) + maps_page_bytes() : 0;
    const double measuring = given_bytes(&reading->settings, reading->shape, &reading->given, reading->threads);
    const double weights = hub_read_bytes(&reading->file, reading->shape), needed = weights + measuring + page;
    char text[32], own[32], there[32];
    if (needed <= memory_there())
        return STATUS_OK;
    return error_set(
        err, STATUS_INPUT,
        "%s: to measure it on these sequences takes %s of memory, %s of that for its weights; this machine "
        "has %s (--limit takes fewer sequences, --threads fewer at a time)",
        reading->path, text_bytes(needed, text), text_bytes(weights, own), text_bytes(memory_there(), there));
}

static real *const *lay_maps(Arena *arena, const Reading *reading)
{
    real **maps = ARENA_ARRAY(arena, real *, reading->input.n);
    for (int s = 0; s < reading->input.n; s++)
        maps[s] = ARENA_ARRAY(arena, real, map_items(reading, s));
    return maps;
}

/* ---- measuring ---- */

static void show_progress(void *context, int n_done)
{
    const Reading *reading = context;
    char line[96];
    snprintf(line, sizeof line, "%.40s%smeasured %d of %d sequences", reading->name ? reading->name : "",
             reading->name ? ": " : "", n_done / given_passes(&reading->given), reading->input.n);
    terminal_progress(line);
}

/* What a reader of the page knows ids by, where the folder says. */
static int name_ids(Arena *arena, Reading *reading, Error *err)
{
    const char *const *words;
    const int vocab_size = reading->file.settings.vocab_size;
    const int status = hub_words(arena, reading->path, vocab_size, &words, err);
    if (status == STATUS_OK)
        reading->held.words = words, reading->held.n_words = words ? vocab_size : 0;
    return status;
}

static void hold(Arena *arena, const HubFile *file, Reading *reading)
{
    ModelInput *input = &reading->input;
    MapsFact *facts = ARENA_ARRAY(arena, MapsFact, input->n_facts + 1);
    facts[0] = (MapsFact){"architecture", "Architecture", file->architecture->variant.name};
    memcpy(facts + 1, input->facts, (size_t)input->n_facts * sizeof *facts);
    reading->held.n = input->n, reading->held.longest = input->longest, reading->held.lengths = input->lengths;
    reading->held.n_layers = file->settings.n_layers, reading->held.n_heads = file->settings.n_heads;
    reading->held.tokens = input->tokens, reading->held.rows_sum_to_one = model_rows_sum_to_one(reading->shape);
    reading->held.facts = facts, reading->held.n_facts = input->n_facts + 1;
    reading->held.remarks = input->remarks, reading->held.n_remarks = input->n_remarks;
}

/* A model that may look ahead, or has no head, predicts no next token. */
static int predicts(const HubFile *file, const Model *shape)
{
    return file->has_head && !model_visible(shape)->sees_later;
}

static void give(Reading *reading)
{
    const ModelInput *input = &reading->input;
    reading->given = (GivenSet){.n = input->n,
                                .shortest = shortest_of(input, input->n),
                                .lengths = input->lengths,
                                .tokens = input->tokens,
                                .targets = predicts(&reading->file, reading->shape) ? input->targets : NULL,
                                .with_position = reading->with_position,
                                .on_sequence = show_progress,
                                .context = reading};
}

int reading_prepare(Arena *arena, Reading *reading, Error *err)
{
    const Arguments *arguments = reading->arguments;
    Schema *schema = ARENA_ARRAY(arena, Schema, 1); /* the file keeps it */
    *schema = program_schema(arena);
    reading->path = arguments->words[0];
    int status = measure_check_input(arguments, err);
    if (status == STATUS_OK && (argument_given(arguments, "--mask") || argument_given(arguments, "--tokens")))
        status = error_set(err, STATUS_INPUT, "refframe measure: --mask and --tokens are for maps; %s is a model",
                           reading->path);
    if (status == STATUS_OK)
        status = measure_read_format(arguments, &reading->format, err);
    if (status == STATUS_OK)
        status = argument_int(arguments, "--threads", 1, 1024, clock_cores(), &reading->threads, err);
    if (status == STATUS_OK)
        status = hub_open(arena, reading->path, schema, arguments->kernels, &reading->file, err);
    const HubFile *file = &reading->file;
    if (status == STATUS_OK)
        status = measure_check_page(arguments, file->settings.n_layers, file->settings.n_heads, err);
    if (status == STATUS_OK)
        status = read_layers(arena, arguments, file->settings.n_layers, &reading->held.is_shown, err);
    if (status == STATUS_OK)
        status = measure_read_input(arena, arguments, file, &reading->input, err);
    if (status == STATUS_OK)
        status = check_padding(reading, err);
    if (status == STATUS_OK)
        status = read_settings(arena, reading, err);
    if (status == STATUS_OK)
        status = hub_shape(arena, file, reading->input.longest, &reading->shape, err);
    if (status != STATUS_OK)
        return status;
    hold(arena, file, reading);
    give(reading);
    if (argument_given(arguments, "--html"))
        status = name_ids(arena, reading, err);
    if (status == STATUS_OK)
        status = check_memory(reading, err);
    if (status == STATUS_OK && argument_given(arguments, "--html"))
        reading->held.maps = reading->given.maps = lay_maps(arena, reading);
    return status;
}

/* Weights go at once: a table of all numbers may take as much. */
int reading_measure(const Reading *reading, Arena **ret_memory, Measured *ret_measured, Error *err)
{
    HubRead read;
    Arena *weights = arena_new();
    int status = hub_read(weights, &reading->file, reading->input.longest, &read, err);
    if (status == STATUS_OK) {
        status = given_measure(&reading->settings, read.model, read.parameters, reading->arguments->kernels,
                               &reading->given, reading->threads, ret_memory, ret_measured, err);
        terminal_progress("");
        if (status != STATUS_OK)
            error_prefix(err, status, "%s", reading->path);
    }
    arena_free(weights);
    return status;
}

int reading_conclude(Arena *arena, const Reading *reading, const Measured *measured, MapsSet *ret_set,
                     MapsResult *ret_result, Error *err)
{
    const int status = maps_hold(reading->arguments->kernels, reading->path, &reading->held, ret_set, err);
    if (status != STATUS_OK)
        return status;
    const MapsMeasured found = {.layout = measured->layout,
                                .values = measured->values,
                                .uniform = measured->uniform,
                                .afar = measured->afar,
                                .baseline = measured->baseline,
                                .loss = measured->loss,
                                .n_targets = measured->n_targets};
    maps_set_masks(ret_set, model_mask_rule(reading->shape), 1, 1);
    maps_conclude(arena, ret_set, &found, ret_result);
    return STATUS_OK;
}
