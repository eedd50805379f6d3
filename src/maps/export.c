/* CSV and JSON of a set's results. Numbers have the shortest digits that round-trip; what is not available has no row
 * in the CSV and is null in the JSON. */
#include "maps/export.h"

#include <math.h>
#include <stdio.h>

/* ---- CSV ---- */

/* The first four cells: -1 leaves one empty. */
static void add_start(int sequence, int layer, int head, const char *metric, Text *text)
{
    const int cells[] = {sequence, layer, head};
    for (int c = 0; c < 3; c++)
        text_addf(text, cells[c] < 0 ? "," : "%d,", cells[c]);
    text_addf(text, "%s,", metric);
}

/* Whether value i of a level is of a layer that is written. */
static int shows(const MapsResult *result, MetricLevel level, int i)
{
    return level == LEVEL_MODEL || maps_shows(result->set, level == LEVEL_HEAD ? i / result->layout.n_heads : i);
}

/* One row per value of a place that there is; the sequence -1 is the set. */
static void add_place(const MapsResult *result, int sequence, const Place *place, Text *text)
{
    const int H = result->layout.n_heads;
    for (int i = 0; i < place->size; i++) {
        const size_t at = (size_t)place->offset + i;
        const int is_head = place->column->level == LEVEL_HEAD, is_layer = place->column->level == LEVEL_LAYER;
        double value, baseline;
        if (!shows(result, place->column->level, i))
            continue;
        if (sequence < 0) {
            value = result->pooled[at].value, baseline = result->pooled_baseline[at];
        } else {
            value = result->values[(size_t)sequence * result->layout.n_values + at];
            baseline = place->is_attention_only ? result->baselines[sequence][at] : (double)NAN;
        }
        if (isnan(value))
            continue;
        add_start(sequence, is_head ? i / H : is_layer ? i : -1, is_head ? i % H : -1, place->column->name, text);
        text_add_number(text, value);
        text_add(text, ",");
        if (!isnan(baseline))
            text_add_number(text, baseline);
        text_addf(text, ",%d,\n", sequence < 0 ? result->pooled[at].n : 1);
    }
}

int maps_label_rows(const Frame *frame, LabelRow ret_rows[LABEL_ROWS])
{
    const int has_token = frame->by_token != FRAME_COUNT;
    const LabelRow rows[LABEL_ROWS] = {
        {"frame", frame_name(frame->by_position), (double)NAN},
        {"frame_margin", NULL, frame->position_margin.least},
        {"frame_agreement", NULL, frame->position_margin.agreement},
        {"frame_by_token", has_token ? frame_name(frame->by_token) : NULL, (double)NAN},
        {"frame_by_token_margin", NULL, has_token ? frame->token_margin.least : (double)NAN},
        {"frame_by_token_agreement", NULL, has_token ? frame->token_margin.agreement : (double)NAN}};
    int n = 0;
    for (int r = 0; r < LABEL_ROWS; r++)
        if (rows[r].word || !isnan(rows[r].value))
            ret_rows[n++] = rows[r];
    return n;
}

void maps_add_label_row(const LabelRow *row, Text *text)
{
    if (!isnan(row->value))
        text_add_number(text, row->value);
    text_addf(text, ",,,%s\n", row->word ? row->word : "");
}

static void add_label(int layer, int head, const Frame *frame, Text *text)
{
    LabelRow rows[LABEL_ROWS];
    const int n = maps_label_rows(frame, rows);
    for (int r = 0; r < n; r++) {
        add_start(-1, layer, head, rows[r].metric, text);
        maps_add_label_row(&rows[r], text);
    }
}

/* Of a model that predicts something. */
static void add_loss(const MapsResult *result, Text *text)
{
    if (result->n_targets == 0 || !isfinite(result->loss))
        return;
    add_start(-1, -1, -1, "loss", text);
    text_add_number(text, result->loss);
    text_add(text, ",,,\n");
}

void maps_to_csv(const MapsResult *result, Text *ret_text)
{
    const Layout *layout = &result->layout;
    text_add(ret_text, "sequence,layer,head,metric,value,baseline,n,label\n");
    for (int s = -1; s < result->set->n; s++) {
        for (int p = 0; p < layout->n_places; p++)
            if (maps_has_place(result, &layout->places[p]))
                add_place(result, s, &layout->places[p], ret_text);
        if (s >= 0)
            continue;
        add_label(-1, -1, &result->model, ret_text);
        add_loss(result, ret_text);
        for (int l = 0; l < layout->n_layers; l++)
            if (maps_shows(result->set, l))
                add_label(l, -1, &result->layers[l], ret_text);
        for (int h = 0; h < layout->n_layers * layout->n_heads; h++)
            if (maps_shows(result->set, h / layout->n_heads))
                add_label(h / layout->n_heads, h % layout->n_heads, &result->heads[h], ret_text);
    }
}

/* ---- JSON ---- */

/* Which number of value i a nested list shows. */
typedef double Pick(const MapsResult *result, int at);

static double pick_value(const MapsResult *result, int at)
{
    return result->pooled[at].value;
}

static double pick_sd(const MapsResult *result, int at)
{
    return result->pooled[at].sd;
}

static double pick_n(const MapsResult *result, int at)
{
    return result->pooled[at].n;
}

static double pick_baseline(const MapsResult *result, int at)
{
    return result->pooled_baseline[at];
}

/* (L,H), (L,) or one number, as the place's level has it. */
static void put_nested(JsonWriter *json, const char *key, const MapsResult *result, const Place *place, Pick *pick)
{
    const int H = result->layout.n_heads, is_head = place->column->level == LEVEL_HEAD;
    json_key(json, key);
    if (place->column->level == LEVEL_MODEL) {
        json_number(json, pick(result, place->offset));
        return;
    }
    json_open_array(json);
    for (int i = 0; i < place->size; i++) {
        if (!shows(result, place->column->level, i))
            continue;
        if (is_head && i % H == 0)
            json_open_array(json);
        json_number(json, pick(result, place->offset + i));
        if (is_head && i % H == H - 1)
            json_close_array(json);
    }
    json_close_array(json);
}

static void put_metric(JsonWriter *json, const MapsResult *result, const Place *place)
{
    json_open_object(json);
    json_put_string(json, "name", place->column->name);
    json_put_string(json, "family", place->family->variant.name);
    json_put_string(json, "level", level_name(place->column->level));
    json_put_string(json, "unit", place->column->unit);
    json_put_string(json, "pool", place->column->pool == POOL_MEAN ? "mean" : "modal share");
    put_nested(json, "values", result, place, pick_value);
    put_nested(json, "sd", result, place, pick_sd);
    put_nested(json, "n", result, place, pick_n);
    if (place->is_attention_only)
        put_nested(json, "baseline", result, place, pick_baseline);
    else
        json_put_string(json, "baseline", NULL);
    json_close_object(json);
}

static void put_margin(JsonWriter *json, const char *key, const FrameMargin *margin)
{
    json_key(json, key);
    json_open_object(json);
    json_put_number(json, "least", margin->least);
    json_put_string(json, "nearest", margin->nearest < 0 ? NULL : frame_rules[margin->nearest].name);
    json_put_number(json, "agreement", margin->agreement);
    json_close_object(json);
}

static void put_label(JsonWriter *json, const Frame *frame)
{
    json_open_object(json);
    json_put_string(json, "by_position", frame->by_position == FRAME_COUNT ? NULL : frame_name(frame->by_position));
    json_put_string(json, "by_token", frame->by_token == FRAME_COUNT ? NULL : frame_name(frame->by_token));
    put_margin(json, "position_margin", &frame->position_margin);
    put_margin(json, "token_margin", &frame->token_margin);
    json_put_number(json, "n_anchors", frame->n_anchors);
    json_put_number(json, "effective_anchors", frame->effective_anchors);
    json_put_number(json, "start_share", frame->start_share);
    json_put_number(json, "end_share", frame->end_share);
    const int has_place = !isnan(frame->place_share), has_token = !isnan(frame->token_share);
    json_put_number(json, "place", has_place ? frame->place : (double)NAN);
    json_put_bool(json, "place_checked", frame->place_checked);
    json_put_number(json, "place_share", frame->place_share);
    json_put_number(json, "n_places", frame->n_places);
    json_put_number(json, "token", has_token ? frame->token : (double)NAN);
    json_put_number(json, "token_share", frame->token_share);
    json_put_number(json, "n_tokens", frame->n_tokens);
    json_close_object(json);
}

/* Of maps that a model made: which, and of what. */
static void put_facts(JsonWriter *json, const MapsSet *set)
{
    json_key(json, "model");
    json_open_object(json);
    for (int f = 0; f < set->n_facts; f++)
        json_put_string(json, set->facts[f].key, set->facts[f].value);
    json_close_object(json);
}

/* The layers that stand in every list of layers. */
static void put_layers(JsonWriter *json, const MapsSet *set)
{
    json_key(json, "layers");
    json_open_array(json);
    for (int l = 0; l < set->n_layers; l++)
        if (maps_shows(set, l))
            json_number(json, l);
    json_close_array(json);
}

/* Null of maps that a model made: nobody counts their rows. */
static void put_row_count(JsonWriter *json, const MapsSet *set, const char *key, int64_t n)
{
    json_put_number(json, key, set->n_files > 0 ? (double)n : (double)NAN);
}

static void put_set(JsonWriter *json, const MapsSet *set)
{
    json_put_string(json, "maps", set->path);
    if (set->n_facts > 0)
        put_facts(json, set);
    json_key(json, "files");
    json_open_array(json);
    for (int f = 0; f < set->n_files; f++) {
        json_open_object(json);
        json_put_string(json, "path", set->files[f].path);
        json_put_string(json, "type", npy_type_name(set->files[f].type));
        json_put_number(json, "first_sequence", set->files[f].first);
        json_put_number(json, "n_sequences", set->files[f].n);
        json_put_number(json, "length", set->files[f].length);
        json_close_object(json);
    }
    json_close_array(json);
    json_key(json, "lengths");
    json_open_array(json);
    for (int s = 0; s < set->n; s++)
        json_number(json, set->sequences[s].length);
    json_close_array(json);
    json_put_string(json, "mask", set->masks[set->mask].name);
    json_put_bool(json, "mask_given", set->mask_is_given);
    json_put_bool(json, "tokens_given", set->has_tokens);
    json_put_number(json, "n_sequences", set->n);
    json_put_number(json, "n_layers", set->n_layers);
    json_put_number(json, "n_heads", set->n_heads);
    put_layers(json, set);
    json_put_number(json, "n_rows", (double)set->n_rows);
    json_put_bool(json, "rows_sum_to_one", set->rows_sum_to_one);
    put_row_count(json, set, "rows_of_zeros", set->n_empty);
    put_row_count(json, set, "rows_below_one", set->n_below);
    put_row_count(json, set, "rows_above_one", set->n_above);
    Arena *arena = arena_new();
    const char *notes[MAPS_MOST_NOTES];
    const int n_notes = maps_notes(set, arena, notes);
    json_key(json, "notes");
    json_open_array(json);
    for (int n = 0; n < n_notes; n++)
        json_string(json, notes[n]);
    json_close_array(json);
    arena_free(arena);
}

static void put_labels(JsonWriter *json, const MapsResult *result)
{
    const int H = result->layout.n_heads;
    json_key(json, "frames");
    json_open_object(json);
    json_put_number(json, "rules", FRAME_RULES);
    json_key(json, "model");
    put_label(json, &result->model);
    json_key(json, "layers");
    json_open_array(json);
    for (int l = 0; l < result->layout.n_layers; l++)
        if (maps_shows(result->set, l))
            put_label(json, &result->layers[l]);
    json_close_array(json);
    json_key(json, "heads");
    json_open_array(json);
    for (int h = 0; h < result->layout.n_layers * H; h++) {
        if (!maps_shows(result->set, h / H))
            continue;
        if (h % H == 0)
            json_open_array(json);
        put_label(json, &result->heads[h]);
        if (h % H == H - 1)
            json_close_array(json);
    }
    json_close_array(json);
    json_close_object(json);
}

void maps_to_json(const MapsResult *result, Text *ret_text)
{
    JsonWriter json;
    json_start(&json, ret_text, 1);
    json_open_object(&json);
    put_set(&json, result->set);
    if (result->n_targets > 0) {
        json_put_number(&json, "loss", result->loss);
        json_put_number(&json, "n_targets", (double)result->n_targets);
    }
    json_key(&json, "metrics");
    json_open_array(&json);
    for (int p = 0; p < result->layout.n_places; p++)
        if (maps_has_place(result, &result->layout.places[p]))
            put_metric(&json, result, &result->layout.places[p]);
    json_close_array(&json);
    put_labels(&json, result);
    json_close_object(&json);
    text_add(ret_text, "\n");
}
