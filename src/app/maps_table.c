/* The results on anybody's maps as a table for a terminal, after `refframe show`. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "app/measure_maps.h"
#include "report/style.h"

/* Shown per head when they are available, in this order. */
static const struct {
    const char *name, *heading;
    int decimals;
} columns[] = {
    {"alpha", "alpha", 3},
    {"sink_mass", "sink", 3},
    {"max_inflow", "max inflow", 3},
    {"end_mass", "end", 3},
    {"n_anchors", "anchors", 1},
    {"attention_entropy_normalised", "entropy", 2},
    {"mean_distance", "distance", 2},
};
enum { N_SHOWN = sizeof columns / sizeof *columns, CELL = 11, NAME = 38 };
enum { SIGNIFICANT = -1 }; /* decimals: four digits, wherever the point is */

#define NOTHING 1e-9 /* shown as 0: what rounding leaves of differences that cancel */

static void add_cell(double value, int decimals, Style style, int use_colour, Text *text)
{
    char cell[32];
    const double shown = fabs(value) < NOTHING ? 0 : value;
    if (decimals == SIGNIFICANT)
        snprintf(cell, sizeof cell, "%.4g", shown);
    else
        snprintf(cell, sizeof cell, "%.*f", decimals, shown);
    style_padded(text, isnan(value) ? "-" : cell, CELL, style, use_colour);
}

static void add_heading(const MapsSet *set, int use_colour, Text *text)
{
    const char *type = npy_type_name(set->files[0].type);
    for (int f = 1; f < set->n_files; f++)
        if (set->files[f].type != set->files[0].type)
            type = "several types";
    text_add(text, "\n  ");
    style_padded(text, set->path, 0, STYLE_BOLD, use_colour);
    text_addf(text, "\n  %d sequence%s of %d", set->n, set->n == 1 ? "" : "s", set->shortest);
    if (set->shortest < set->longest)
        text_addf(text, " to %d", set->longest);
    text_addf(text, " tokens, %d layer%s of %d head%s; %s%s\n", set->n_layers, set->n_layers == 1 ? "" : "s",
              set->n_heads, set->n_heads == 1 ? "" : "s", type,
              strcmp(type, npy_type_name(NPY_FLOAT32)) == 0 ? "" : ", measured in float32");
    const char *reason = maps_mask_reason(set);
    text_addf(text, "  mask %s%s%s%s\n", set->masks[set->mask].name, reason ? " (assumed: " : "", reason ? reason : "",
              reason ? ")" : "");
    Arena *arena = arena_new();
    const char *notes[MAPS_MOST_NOTES];
    const int n_notes = maps_notes(set, arena, notes);
    for (int n = 0; n < n_notes; n++)
        text_addf(text, "  %s\n", notes[n]);
    arena_free(arena);
    text_add(text, "\n");
}

/* "centralized by position, 0.98 of what is gathered on position 0" */
static void add_label(FrameType type, double share, const char *what, const char *where, Text *text)
{
    text_addf(text, "%s%s", frame_name(type), what);
    if (type != FRAME_NONE && type != FRAME_COUNT && !isnan(share))
        text_addf(text, ", %.2f of %s", share, where);
}

/* What most come for, before all numbers. */
static void add_answer(const MapsResult *result, int use_colour, Text *text)
{
    Arena *arena = arena_new();
    const Frame *model = &result->model;
    const Place *sink = layout_find(&result->layout, "sink_mass");
    const int H = result->layout.n_heads, n = result->layout.n_layers * H;
    const int place = model->place;
    int strongest = -1;
    style_padded(text, "  model: ", 0, STYLE_BOLD, use_colour);
    add_label(model->by_position, model->place_excess, " by position",
              place >= 0    ? arena_format(arena, "what is gathered on position %d", place)
              : place == -1 ? "what is gathered on the last position"
                            : arena_format(arena, "what is gathered %d before the last position", -1 - place),
              text);
    text_add(text, "; by token ");
    add_label(model->by_token, model->token_excess, "", arena_format(arena, "it on %d", model->token), text);
    text_add(text, "\n");
    for (int h = 0; sink && maps_is_available(result, sink) && h < n; h++) {
        const double value = result->pooled[sink->offset + h].value;
        if (!isnan(value) && (strongest < 0 || value > result->pooled[sink->offset + strongest].value))
            strongest = h;
    }
    if (strongest >= 0) {
        style_padded(text, "  strongest sink: ", 0, STYLE_BOLD, use_colour);
        text_addf(text, "head %d.%d, %.3f of its attention on the first key (uniform: %.3f)\n", strongest / H,
                  strongest % H, result->pooled[sink->offset + strongest].value,
                  result->pooled_baseline[sink->offset + strongest]);
    }
    text_add(text, "\n");
    arena_free(arena);
}

static void add_heads(const MapsResult *result, int use_colour, Text *text)
{
    const int H = result->layout.n_heads;
    const Place *places[N_SHOWN];
    style_padded(text, "  head", 10, STYLE_DIM, use_colour);
    for (int m = 0; m < N_SHOWN; m++) {
        const Place *place = layout_find(&result->layout, columns[m].name);
        places[m] = place && maps_is_available(result, place) ? place : NULL;
        if (places[m])
            style_padded(text, columns[m].heading, CELL, STYLE_DIM, use_colour);
    }
    style_padded(text, "by position", 15, STYLE_DIM, use_colour);
    style_padded(text, "by token", 15, STYLE_DIM, use_colour);
    style_padded(text, "margin, agree", 0, STYLE_DIM, use_colour);
    text_add(text, "\n");
    for (int h = 0; h < result->layout.n_layers * H; h++) {
        char cell[32];
        snprintf(cell, sizeof cell, "  %d.%d", h / H, h % H);
        style_padded(text, cell, 10, STYLE_BOLD, use_colour);
        for (int m = 0; m < N_SHOWN; m++)
            if (places[m])
                add_cell(result->pooled[places[m]->offset + h].value, columns[m].decimals, STYLE_PLAIN, use_colour,
                         text);
        style_frame(text, &result->heads[h], use_colour);
    }
    style_padded(text, "  uniform", 10, STYLE_DIM, use_colour); /* alike for every head, but for drawn positions */
    for (int m = 0; m < N_SHOWN; m++)
        if (places[m])
            add_cell(result->pooled_baseline[places[m]->offset], columns[m].decimals, STYLE_DIM, use_colour, text);
    text_add(text, "\n\n");
}

static void add_labels(const MapsResult *result, int use_colour, Text *text)
{
    for (int l = 0; l < result->layout.n_layers; l++) {
        char cell[32];
        snprintf(cell, sizeof cell, "  layer %d", l);
        style_padded(text, cell, 12, STYLE_PLAIN, use_colour);
        style_frame(text, &result->layers[l], use_colour);
    }
    style_padded(text, "  model", 12, STYLE_BOLD, use_colour);
    style_frame(text, &result->model, use_colour);
}

/* What is measured per layer and for the model, a line a metric; layers in blocks that fit. */
static void add_layers(const MapsResult *result, int width, int use_colour, Text *text)
{
    const int L = result->layout.n_layers, room = (width - NAME - CELL) / CELL, most = room > 0 ? room : 1;
    for (int first = 0; first < L; first += most) {
        const int end = first + most < L ? first + most : L;
        text_add(text, "\n");
        style_padded(text, "  per layer", NAME, STYLE_DIM, use_colour);
        for (int l = first; l < end; l++) {
            char cell[32];
            snprintf(cell, sizeof cell, "layer %d", l);
            style_padded(text, cell, CELL, STYLE_DIM, use_colour);
        }
        style_padded(text, "uniform", 0, STYLE_DIM, use_colour);
        text_add(text, "\n");
        for (int p = 0; p < result->layout.n_places; p++) {
            const Place *place = &result->layout.places[p];
            char name[128];
            if (place->column->level != LEVEL_LAYER || !maps_is_available(result, place))
                continue;
            snprintf(name, sizeof name, "  %s", place->column->name);
            style_padded(text, name, NAME, STYLE_PLAIN, use_colour);
            for (int l = first; l < end; l++)
                add_cell(result->pooled[place->offset + l].value, SIGNIFICANT, STYLE_PLAIN, use_colour, text);
            add_cell(result->pooled_baseline[place->offset], SIGNIFICANT, STYLE_DIM, use_colour, text);
            text_add(text, "\n");
        }
    }
}

void maps_to_table(const MapsResult *result, int width, int use_colour, Text *ret_text)
{
    add_heading(result->set, use_colour, ret_text);
    add_answer(result, use_colour, ret_text);
    add_heads(result, use_colour, ret_text);
    add_labels(result, use_colour, ret_text);
    add_layers(result, width, use_colour, ret_text);
    text_add(
        ret_text,
        "\n  pub_...: as published, weaknesses included (`refframe list metrics`). uniform: attention spread evenly "
        "under\n"
        "  the mask, at each sequence's length; the floor of the anchors too. A position bias that the model may have\n"
        "  (ALiBi) is not known here, and can pass for structure. --format csv has every number by sequence, layer "
        "and\n"
        "  head; --format json their spread over sequences, units and rules.\n\n");
}
