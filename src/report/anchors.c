/* See anchors.h. */
#include "report/anchors.h"

#include <string.h>

#include "report/series.h"

enum { TOKENS_ON_PAGE = 3 };

static int is_name(const char *text)
{
    const size_t n = strlen(text);
    return n > 2 && text[0] == '<' && text[n - 1] == '>';
}

const char *token_shown(Arena *arena, const char *text)
{
    if (is_name(text))
        return text;
    Text shown = {0};
    text_add(&shown, "\"");
    for (const char *c = text; *c; c++)
        if (*c == '"' || *c == '\\')
            text_addf(&shown, "\\%c", *c);
        else if (*c == '\n')
            text_add(&shown, "\\n");
        else if ((unsigned char)*c < 0x20 || *c == 0x7f)
            text_addf(&shown, "\\x%02x", (unsigned)*c);
        else
            text_add_bytes(&shown, c, 1);
    text_add(&shown, "\"");
    const char *copy = arena_strdup(arena, text_string(&shown));
    text_free(&shown);
    return copy;
}

const char *place_shown(Arena *arena, const Frame *frame)
{
    if (frame->place == 0)
        return "first";
    if (frame->place == -1)
        return "last";
    if (frame->place < 0)
        return arena_format(arena, "last-%d", -1 - frame->place);
    return arena_format(arena, frame->place_checked ? "%d" : "%d?", frame->place);
}

/* null where there are no anchors. */
static void put_scope(const Frame *frame, const ScopeTokens *tokens, JsonWriter *json)
{
    if (tokens->n == 0) {
        json_null(json);
        return;
    }
    json_open_object(json);
    json_put_number(json, "place", frame->place);
    json_put_bool(json, "place_checked", frame->place_checked);
    json_put_number(json, "place_share", series_rounded(frame->place_share));
    json_key(json, "tokens");
    json_open_array(json);
    for (int i = 0; i < tokens->n && i < TOKENS_ON_PAGE; i++) {
        json_open_array(json);
        json_number(json, tokens->anchors[i].identity);
        json_string(json, tokens->texts[i]);
        json_number(json, series_rounded(tokens->anchors[i].share));
        json_number(json, tokens->anchors[i].n_anchors);
        json_number(json, series_rounded(tokens->anchors[i].top_share));
        json_close_array(json);
    }
    json_close_array(json);
    json_close_object(json);
}

void anchors_json(const ReportRun *run, JsonWriter *json)
{
    const SnapshotFrames *last = &run->frames[run->n_snapshots - 1];
    json_open_object(json);
    json_key(json, "model");
    put_scope(&last->model, &run->anchors.model, json);
    json_key(json, "layers");
    json_open_array(json);
    for (int l = 0; l < run->n_layers; l++)
        put_scope(&last->layers[l], &run->anchors.layers[l], json);
    json_close_array(json);
    json_key(json, "heads");
    json_open_array(json);
    for (int h = 0; h < run->n_layers * run->n_heads; h++)
        put_scope(&last->heads[h], &run->anchors.heads[h], json);
    json_close_array(json);
    json_close_object(json);
}
