/* See page.h. Numbers have six digits: the csv has them all. */
#include "maps/page.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "base/page.h"
#include "maps/carried.h"
#include "maps/headline.h"

int maps_page_check(const char *name, int n_layers, int n_heads, Error *err)
{
    const long long n = (long long)n_layers * n_heads;
    if (n <= CARRIED_MOST_HEADS)
        return STATUS_OK;
    return error_set(err, STATUS_INPUT, "%s: a page has room for %d heads, in all layers; here are %lld", name,
                     CARRIED_MOST_HEADS, n);
}

double maps_page_bytes(void)
{
    const double text = 4.0 / 3 * CARRIED_BYTES; /* in Base64 */
    return CARRIED_BYTES + 2 * 2 * text;
}

/* ---- settings ---- */

static const char *visible_text(Arena *arena, const char *string)
{
    Text text = {0};
    text_add_visible(&text, string, strlen(string));
    const char *shown = arena_strdup(arena, text_string(&text));
    text_free(&text);
    return shown;
}

static const char *counted(Arena *arena, int n, const char *what)
{
    return arena_format(arena, n == 1 ? "%d %s" : "%d %ss", n, what);
}

static const char *shape_text(Arena *arena, const MapsSet *set)
{
    const char *length = set->shortest < set->longest ? arena_format(arena, "%d to %d", set->shortest, set->longest)
                                                      : arena_format(arena, "%d", set->longest);
    return arena_format(arena, "%s of %s tokens, %s of %s", counted(arena, set->n, "sequence"), length,
                        counted(arena, set->n_layers, "layer"), counted(arena, set->n_heads, "head"));
}

static const char *carried_text(Arena *arena, const MapsSet *set, const Carried *carried)
{
    const char *pooled =
        carried->cells.pool == 1
            ? "positions are not pooled"
            : arena_format(arena,
                           "positions are pooled by %d: a cell is what a mean query of %d gives to all of its %d keys",
                           carried->cells.pool, carried->cells.pool, carried->cells.pool);
    const char *which =
        set->n == 1
            ? "the one sequence"
            : arena_format(arena, "the mean over all %d sequences, and %s of them alone", set->n,
                           carried->n_sequences == set->n ? "each"
                                                          : arena_format(arena, "the first %d", carried->n_sequences));
    return arena_format(arena, "%s; %s; weights in 256 steps of their square root", which, pooled);
}

static void put_setting(JsonWriter *json, const char *term, const char *value)
{
    json_open_array(json);
    json_string(json, term);
    json_string(json, value);
    json_close_array(json);
}

static void put_settings(Arena *arena, const MapsSet *set, const Carried *carried, JsonWriter *json)
{
    const char *type = maps_type_name(set), *reason = maps_mask_reason(set);
    const int is_float = strcmp(type, npy_type_name(NPY_FLOAT32)) == 0;
    json_key(json, "settings");
    json_open_array(json);
    put_setting(json, "Measured", visible_text(arena, set->path));
    for (int f = 0; f < set->n_facts; f++)
        put_setting(json, set->facts[f].term, visible_text(arena, set->facts[f].value));
    if (set->n_files > 1)
        put_setting(json, "Files", arena_format(arena, "%d", set->n_files));
    put_setting(json, "Shape", shape_text(arena, set));
    put_setting(json, "Type", is_float ? type : arena_format(arena, "%s, measured in float32", type));
    put_setting(json, "Mask",
                reason ? arena_format(arena, "%s (assumed: %s)", set->masks[set->mask].name, reason)
                       : set->masks[set->mask].name);
    put_setting(json, "Token ids", !set->has_tokens ? "not given" : set->words ? "given, with their words" : "given");
    put_setting(json, "Maps in this page", carried_text(arena, set, carried));
    put_setting(json, "Labels", arena_format(arena, "frame rules, version %d", FRAME_RULES));
    put_setting(json, "Written by", "refframe " REFFRAME_VERSION);
    json_close_array(json);
}

static void put_notes(Arena *arena, const MapsSet *set, JsonWriter *json)
{
    const char *notes[MAPS_MOST_NOTES];
    json_put_strings(json, "notes", maps_notes(set, arena, notes), notes);
}

/* ---- numbers and labels ---- */

static double rounded(double value)
{
    char digits[32];
    double back;
    snprintf(digits, sizeof digits, "%.6g", value);
    return isfinite(value) && text_parse_double(digits, &back) == 0 ? back : value;
}

static void put_metric(const MapsResult *result, const MapsColumn *column, const Place *place, JsonWriter *json)
{
    json_open_object(json);
    json_put_string(json, "name", column->name);
    json_put_string(json, "heading", column->heading);
    json_put_number(json, "decimals", column->decimals);
    json_put_string(json, "summary", place->column->summary);
    json_put_string(json, "source", place->column->source);
    json_put_string(json, "weakness", place->column->weakness);
    json_put_number(json, "floor", rounded(result->pooled_baseline[place->offset]));
    json_key(json, "values");
    json_open_array(json);
    for (int h = 0; h < place->size; h++)
        json_number(json, rounded(result->pooled[place->offset + h].value));
    json_close_array(json);
    json_close_object(json);
}

static void put_metrics(const MapsResult *result, JsonWriter *json)
{
    json_key(json, "metrics");
    json_open_array(json);
    for (int m = 0; m < MAPS_COLUMNS; m++) {
        const Place *place = layout_find(&result->layout, maps_columns[m].name);
        if (place && maps_is_available(result, place))
            put_metric(result, &maps_columns[m], place, json);
    }
    json_close_array(json);
}

/* A digit a head, as in `frames`. */
static void put_labels(Arena *arena, const MapsResult *result, JsonWriter *json)
{
    const size_t n = (size_t)result->layout.n_layers * (size_t)result->layout.n_heads;
    char *position = arena_alloc(arena, n + 1), *token = arena_alloc(arena, n + 1);
    for (size_t h = 0; h < n; h++) {
        position[h] = (char)('0' + (int)result->heads[h].by_position);
        token[h] = (char)('0' + (int)result->heads[h].by_token);
    }
    position[n] = token[n] = '\0';
    const char *frames[FRAME_LABELS];
    for (int type = 0; type < FRAME_LABELS; type++)
        frames[type] = frame_name((FrameType)type);
    json_put_strings(json, "frames", FRAME_LABELS, frames);
    json_put_string(json, "labels", position);
    json_put_string(json, "labels_by_token", result->set->has_tokens ? token : NULL);
}

/* ---- maps ---- */

static void put_tokens(Arena *arena, const MapsSet *set, int sequence, JsonWriter *json)
{
    const MapsSequence *own = &set->sequences[sequence];
    json_key(json, "tokens");
    json_open_array(json);
    for (int t = 0; own->tokens && t < own->length; t++)
        json_string(json, maps_token(arena, set, own->tokens[t]));
    json_close_array(json);
}

static void put_sequence(Arena *arena, const MapsSet *set, const Carried *carried, int s, JsonWriter *json)
{
    const Cells *cells = &carried->sequences[s].cells;
    json_open_object(json);
    json_put_number(json, "length", set->sequences[s].length);
    json_put_number(json, "side", cells->side);
    cells_put_visible(cells, json);
    put_tokens(arena, set, s, json);
    if (carried->sequences[s].maps)
        cells_put_bytes(json, "maps", carried->sequences[s].maps,
                        (size_t)set->n_layers * (size_t)set->n_heads * cells->n);
    json_close_object(json);
}

static void put_maps(Arena *arena, const MapsSet *set, const Carried *carried, JsonWriter *json)
{
    json_key(json, "maps");
    json_open_object(json);
    json_put_number(json, "n_layers", set->n_layers);
    json_put_number(json, "n_heads", set->n_heads);
    json_put_number(json, "n_sequences", set->n);
    json_put_number(json, "length", set->longest);
    json_put_number(json, "pool", carried->cells.pool);
    json_put_number(json, "side", carried->cells.side);
    json_put_bool(json, "rows_sum_to_one", set->rows_sum_to_one);
    json_put_bool(json, "has_words", set->words != NULL);
    cells_put_visible(&carried->cells, json);
    cells_put_bytes(json, "mean", carried->mean, (size_t)set->n_layers * (size_t)set->n_heads * carried->cells.n);
    json_close_object(json);
    json_key(json, "sequences");
    json_open_array(json);
    for (int s = 0; s < carried->n_sequences; s++)
        put_sequence(arena, set, carried, s, json);
    json_close_array(json);
}

/* ---- the whole ---- */

static void put_answer(Arena *arena, const MapsResult *result, JsonWriter *json)
{
    const MapsAnswer answer = maps_answer(arena, result);
    const int strongest = maps_strongest(result);
    json_key(json, "answer");
    json_open_object(json);
    json_put_string(json, "frame", answer.frame);
    json_put_string(json, "token", answer.token);
    json_put_string(json, "sink", answer.sink);
    json_put_number(json, "strongest", strongest < 0 ? (double)NAN : strongest);
    json_close_object(json);
}

void maps_page_json(const MapsResult *result, JsonWriter *json)
{
    Arena *arena = arena_new();
    const MapsSet *set = result->set;
    const Carried carried = carried_new(arena, set);
    int n_measured = 0;
    for (int p = 0; p < result->layout.n_places; p++)
        n_measured += maps_is_available(result, &result->layout.places[p]);
    json_open_object(json);
    json_put_string(json, "name", visible_text(arena, set->title));
    put_answer(arena, result, json);
    put_settings(arena, set, &carried, json);
    put_notes(arena, set, json);
    put_labels(arena, result, json);
    put_metrics(result, json);
    json_put_number(json, "measured", n_measured);
    put_maps(arena, set, &carried, json);
    json_put_strings(json, "arms", 0, NULL); /* of a sweep, which this is not: the tools that reports share read them */
    json_close_object(json);
    arena_free(arena);
}

void maps_to_page(const MapsResult *result, Text *ret_html)
{
    Arena *arena = arena_new();
    Text data = {0};
    JsonWriter json;
    json_start(&json, &data, 0);
    maps_page_json(result, &json);
    const char *title = result->set->title;
    const PageWord words[] = {{"title", text_add_escaped, title, strlen(title)},
                              {"data", page_add_json, data.data, data.size}};
    page_fill("maps/page.html", words, 2, ret_html);
    text_free(&data);
    arena_free(arena);
}
