/* The results on anybody's maps as a table for a terminal, after `refframe show`. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "app/measure_maps.h"
#include "maps/headline.h"
#include "report/style.h"

enum { SCOPE = 12, CELL = 11, NAME = 38, HANG = 2 }; /* columns of the tables by layer */
enum { SIGNIFICANT = -1 };                           /* decimals: four digits, wherever the point is */

#define NOTHING 1e-9 /* shown as 0: what rounding leaves of differences that cancel */

static const char *cell_of(Arena *arena, double value, int decimals)
{
    const double shown = fabs(value) < NOTHING ? 0 : value;
    return isnan(value)              ? "-"
           : decimals == SIGNIFICANT ? arena_format(arena, "%.4g", shown)
                                     : arena_format(arena, "%.*f", decimals, shown);
}

/* What others have written, as a terminal can show it. */
static void add_line(const char *term, const char *value, Text *lines)
{
    text_addf(lines, *term ? "  %s " : "  ", term);
    text_add_visible(lines, value, strlen(value));
    text_add(lines, "\n");
}

static void add_heading(const MapsSet *set, int width, int use_colour, Text *text)
{
    const char *type = maps_type_name(set);
    Arena *arena = arena_new();
    Text lines = {0};
    text_add(text, "\n  ");
    style_padded(text, set->path, 0, STYLE_BOLD, use_colour);
    text_addf(&lines, "\n  %d sequence%s of %d", set->n, set->n == 1 ? "" : "s", set->shortest);
    if (set->shortest < set->longest)
        text_addf(&lines, " to %d", set->longest);
    text_addf(&lines, " tokens, %d layer%s of %d head%s; %s%s\n", set->n_layers, set->n_layers == 1 ? "" : "s",
              set->n_heads, set->n_heads == 1 ? "" : "s", type,
              strcmp(type, npy_type_name(NPY_FLOAT32)) == 0 ? "" : ", measured in float32");
    const char *reason = maps_mask_reason(set);
    text_addf(&lines, "  mask %s%s%s%s\n", set->masks[set->mask].name, reason ? " (assumed: " : "",
              reason ? reason : "", reason ? ")" : "");
    for (int f = 0; f < set->n_facts; f++)
        add_line(set->facts[f].key, set->facts[f].value, &lines);
    const char *notes[MAPS_MOST_NOTES];
    const int n_notes = maps_notes(set, arena, notes);
    for (int n = 0; n < n_notes; n++)
        add_line("", notes[n], &lines);
    style_rows(text, text_string(&lines), HANG, width);
    text_add(text, "\n");
    text_free(&lines);
    arena_free(arena);
}

/* "centralized by position, 0.98 of the excess on position 0" */
static void add_label(FrameType type, double share, const char *what, const char *where, Text *text)
{
    text_addf(text, "%s%s", frame_name(type), what);
    if (type != FRAME_NONE && type != FRAME_COUNT && !isnan(share))
        text_addf(text, ", %.2f of %s", share, where);
}

/* What most come for, before all numbers. */
static void add_answer(const MapsResult *result, int width, int use_colour, Text *text)
{
    Arena *arena = arena_new();
    const Frame *model = &result->model;
    const Place *sink = layout_find(&result->layout, "sink_mass");
    const int H = result->layout.n_heads, strongest = maps_strongest(result);
    Text answer = {0};
    style_padded(text, "  model: ", 0, STYLE_BOLD, use_colour);
    add_label(model->by_position, model->place_excess, " by position",
              arena_format(arena, "the excess on %s", maps_modal_place(arena, model)), &answer);
    text_add(&answer, "; by token ");
    add_label(model->by_token, model->token_excess, "", arena_format(arena, "it on %d", model->token), &answer);
    style_going_on(text, text_string(&answer), 9, 2 + HANG, width, STYLE_PLAIN, use_colour);
    text_free(&answer);
    if (sink && strongest >= 0) {
        style_padded(text, "  strongest sink: ", 0, STYLE_BOLD, use_colour);
        style_going_on(text,
                       arena_format(arena, "head %d.%d, %.3f of its attention on the first key (uniform: %.3f)",
                                    strongest / H, strongest % H, result->pooled[sink->offset + strongest].value,
                                    result->pooled_baseline[sink->offset + strongest]),
                       18, 2 + HANG, width, STYLE_PLAIN, use_colour);
    }
    if (result->n_targets > 0) {
        style_padded(text, "  loss: ", 0, STYLE_BOLD, use_colour);
        style_going_on(
            text,
            arena_format(arena, "%.4f nats per predicted token, of %lld", result->loss, (long long)result->n_targets),
            8, 2 + HANG, width, STYLE_PLAIN, use_colour);
    }
    text_add(text, "\n");
    arena_free(arena);
}

static void add_heads(const MapsResult *result, int width, int use_colour, Text *text)
{
    Arena *arena = arena_new();
    const int H = result->layout.n_heads, n = result->layout.n_layers * H;
    const char *headings[MAPS_COLUMNS];
    const Place *places[MAPS_COLUMNS];
    int decimals[MAPS_COLUMNS];
    StyleHead *rows = ARENA_ARRAY(arena, StyleHead, n + 1);
    StyleHeads heads = {.headings = headings, .rows = rows};
    for (int m = 0; m < MAPS_COLUMNS; m++) {
        const Place *place = layout_find(&result->layout, maps_columns[m].name);
        if (!place || !maps_is_available(result, place))
            continue;
        headings[heads.n_columns] = maps_columns[m].heading;
        decimals[heads.n_columns] = maps_columns[m].decimals;
        places[heads.n_columns++] = place;
    }
    for (int h = 0; h <= n; h++) { /* the last row: uniform, alike for every head, but for drawn positions */
        const char **cells = ARENA_ARRAY(arena, const char *, MAPS_COLUMNS);
        if (h < n && !maps_shows(result->set, h / H))
            continue;
        for (int c = 0; c < heads.n_columns; c++)
            cells[c] = cell_of(
                arena, h < n ? result->pooled[places[c]->offset + h].value : result->pooled_baseline[places[c]->offset],
                decimals[c]);
        rows[heads.n_rows++] =
            h < n ? (StyleHead){.name = arena_format(arena, "  %d.%d", h / H, h % H),
                                .cells = cells,
                                .frame = &result->heads[h],
                                .name_style = STYLE_BOLD}
                  : (StyleHead){.name = "  uniform", .cells = cells, .name_style = STYLE_DIM, .style = STYLE_DIM};
    }
    style_heads(text, &heads, width, use_colour);
    text_add(text, "\n");
    arena_free(arena);
}

static void add_labels(const MapsResult *result, int width, int use_colour, Text *text)
{
    for (int l = 0; l < result->layout.n_layers; l++) {
        char cell[32];
        if (!maps_shows(result->set, l))
            continue;
        snprintf(cell, sizeof cell, "  layer %d", l);
        style_padded(text, cell, SCOPE, STYLE_PLAIN, use_colour);
        style_frame(text, &result->layers[l], SCOPE, width, use_colour);
    }
    style_padded(text, "  model", SCOPE, STYLE_BOLD, use_colour);
    style_frame(text, &result->model, SCOPE, width, use_colour);
}

/* The layers that are written, in order. */
static int list_layers(const MapsResult *result, int *ret_layers)
{
    int n = 0;
    for (int l = 0; l < result->layout.n_layers; l++)
        if (maps_shows(result->set, l))
            ret_layers[n++] = l;
    return n;
}

/* What is measured per layer, a line a metric, or two in a narrow terminal; layers in blocks that fit. */
static void add_layers(const MapsResult *result, int width, int use_colour, Text *text)
{
    Arena *arena = arena_new();
    const int is_narrow = width < NAME + 2 * CELL, column = is_narrow ? SCOPE : NAME;
    const int room = (width - column - CELL) / CELL, most = room > 0 ? room : 1;
    int *layers = ARENA_ARRAY(arena, int, result->layout.n_layers);
    const int n = list_layers(result, layers);
    for (int first = 0; first < n; first += most) {
        const int end = first + most < n ? first + most : n;
        text_add(text, "\n");
        style_padded(text, "  per layer", column, STYLE_DIM, use_colour);
        for (int l = first; l < end; l++)
            style_padded(text, arena_format(arena, "layer %d", layers[l]), CELL, STYLE_DIM, use_colour);
        style_padded(text, "uniform", 0, STYLE_DIM, use_colour);
        text_add(text, "\n");
        for (int p = 0; p < result->layout.n_places; p++) {
            const Place *place = &result->layout.places[p];
            if (place->column->level != LEVEL_LAYER || !maps_is_available(result, place))
                continue;
            style_padded(text, arena_format(arena, "  %s", place->column->name), is_narrow ? 0 : column, STYLE_PLAIN,
                         use_colour);
            if (is_narrow)
                text_addf(text, "\n%*s", column, "");
            for (int l = first; l < end; l++)
                style_padded(text, cell_of(arena, result->pooled[place->offset + layers[l]].value, SIGNIFICANT), CELL,
                             STYLE_PLAIN, use_colour);
            style_padded(text, cell_of(arena, result->pooled_baseline[place->offset], SIGNIFICANT), 0, STYLE_DIM,
                         use_colour);
            text_add(text, "\n");
        }
    }
    arena_free(arena);
}

/* What is measured of a model as a whole, losses without a token and the like: a line each. */
static void add_model(const MapsResult *result, int use_colour, Text *text)
{
    Arena *arena = arena_new();
    int n = 0;
    for (int p = 0; p < result->layout.n_places; p++) {
        const Place *place = &result->layout.places[p];
        const Pooled *pooled = &result->pooled[place->offset];
        if (place->column->level != LEVEL_MODEL || !maps_is_available(result, place))
            continue;
        if (n++ == 0) {
            text_add(text, "\n");
            style_padded(text, "  of the model", NAME, STYLE_DIM, use_colour);
            style_padded(text, "value", CELL, STYLE_DIM, use_colour);
            style_padded(text, "sequences", 0, STYLE_DIM, use_colour);
            text_add(text, "\n");
        }
        style_padded(text, arena_format(arena, "  %s", place->column->name), NAME, STYLE_PLAIN, use_colour);
        style_padded(text, cell_of(arena, pooled->value, SIGNIFICANT), CELL, STYLE_PLAIN, use_colour);
        text_addf(text, "%d\n", pooled->n);
    }
    arena_free(arena);
}

static const char about_maps[] =
    "Anchors are keys that draw attention from afar, and the excess is what they draw beyond uniform attention. "
    "pub_... are metrics as published, weaknesses included (`refframe list metrics`). uniform is attention "
    "spread evenly under the mask, at each sequence's length. A position bias that the model may have (ALiBi) is "
    "not known here, and can pass for structure. --format csv has every number by sequence, layer and head. "
    "--format json has their spread over sequences, units and rules.";

static const char about_models[] =
    "Anchors are keys that draw attention from afar. The excess is what they draw beyond uniform attention, and "
    "beyond what the model's positions alone give. pub_... are metrics as published, weaknesses included "
    "(`refframe list metrics`). uniform is attention spread evenly under the mask, at each sequence's length. "
    "Families that need more than maps are measured on the first sequences (`--set measure.FAMILY.sequences=0`: "
    "on all). --format csv has every number by sequence, layer and head. --format json has their spread over "
    "sequences, units and rules.";

void maps_to_table(const MapsResult *result, int width, int row_width, int use_colour, Text *ret_text)
{
    add_heading(result->set, row_width, use_colour, ret_text);
    add_answer(result, row_width, use_colour, ret_text);
    add_heads(result, row_width, use_colour, ret_text);
    add_labels(result, row_width, use_colour, ret_text);
    add_layers(result, width, use_colour, ret_text);
    if (result->sees_more)
        add_model(result, use_colour, ret_text);
    text_add(ret_text, "\n");
    style_wrapped(ret_text, result->sees_more ? about_models : about_maps, 2, width, STYLE_PLAIN, use_colour);
    text_add(ret_text, "\n");
}
