/* See headline.h. */
#include "maps/headline.h"

#include <math.h>
#include <string.h>

#include "base/text.h"

enum { MOST_OF_WORD = 24 }; /* bytes of a word that are shown */

const MapsColumn maps_columns[MAPS_COLUMNS] = {
    {"alpha", "alpha", 3},
    {"sink_mass", "sink", 3},
    {"max_inflow", "max inflow", 3},
    {"end_mass", "end", 3},
    {"n_anchors", "anchors", 1},
    {"attention_entropy_normalised", "entropy", 2},
    {"mean_distance", "distance", 2},
    {"value_drain", "drain", 2},
};

const char *maps_type_name(const MapsSet *set)
{
    for (int f = 1; f < set->n_files; f++)
        if (set->files[f].type != set->files[0].type)
            return "several types";
    return npy_type_name(set->n_files > 0 ? set->files[0].type : NPY_FLOAT32);
}

int maps_strongest(const MapsResult *result)
{
    const Place *sink = layout_find(&result->layout, "sink_mass");
    int strongest = -1;
    for (int h = 0; sink && maps_is_available(result, sink) && h < sink->size; h++) {
        const double value = result->pooled[sink->offset + h].value;
        if (!isnan(value) && (strongest < 0 || value > result->pooled[sink->offset + strongest].value))
            strongest = h;
    }
    return strongest;
}

const char *maps_modal_place(Arena *arena, const Frame *frame)
{
    return frame->place >= 0    ? arena_format(arena, "position %d", frame->place)
           : frame->place == -1 ? "the last position"
                                : arena_format(arena, "the position %d before the last", -1 - frame->place);
}

/* What stands for a character that nobody sees, as on the report's maps; NULL: it is seen. */
static const char *sign_of(char character)
{
    return character == ' ' ? "\u2423" : character == '\n' ? "\u23ce" : character == '\t' ? "\u21e5" : NULL;
}

const char *maps_token(Arena *arena, const MapsSet *set, int32_t id)
{
    const char *word = id >= 0 && id < set->n_words ? set->words[id] : NULL;
    if (!word)
        return arena_format(arena, "%d", id);
    Text text = {0};
    size_t n = strlen(word);
    const int is_cut = n > MOST_OF_WORD;
    if (is_cut) /* up to the last whole character that fits */
        for (n = MOST_OF_WORD; n > MOST_OF_WORD - 3 && ((unsigned char)word[n] & 0xc0) == 0x80;)
            n--;
    for (size_t i = 0, length; i < n; i += length) {
        const char *sign = sign_of(word[i]);
        length = sign ? 1 : 1 + strcspn(word + i + 1, " \n\t");
        length = length < n - i ? length : n - i;
        if (sign)
            text_add(&text, sign);
        else
            text_add_visible(&text, word + i, length);
    }
    if (is_cut)
        text_add(&text, "\u2026");
    const char *shown = arena_strdup(arena, text_string(&text));
    text_free(&text);
    return shown;
}

/* ---- the answer ---- */

/* As many decimals as a share needs to be seen to be below a bound. */
static int decimals_below(double share, double bound)
{
    enum { MOST = 9 };
    int decimals = 2;
    for (double unit = 0.01; decimals < MOST && share < bound && round(share / unit) * unit >= bound - unit / 2;
         unit /= 10)
        decimals++;
    return decimals;
}

static const char *frame_sentence(Arena *arena, const Frame *frame)
{
    const char *place = maps_modal_place(arena, frame), *name = frame_name(frame->by_position);
    switch (frame->by_position) {
    case FRAME_NONE:
        return "The model has no reference frame: no head turns to an anchor in half of its sequences.";
    case FRAME_CENTRALIZED:
        return arena_format(arena, "The model has a %s frame: %.2f of the excess lies on %s.", name,
                            frame->place_excess, place);
    case FRAME_DISTRIBUTED:
        return arena_format(
            arena, "The model has a %s frame: no position has %.2f of the excess. The most, %.*f, lies on %s.", name,
            frame_rules[RULE_ONE].value, decimals_below(frame->place_excess, frame_rules[RULE_ONE].value),
            frame->place_excess, place);
    case FRAME_BIDIRECTIONAL:
        return arena_format(
            arena, "The model has a %s frame: %.2f of the excess lies on the first position, %.2f on the last.", name,
            frame->start_share, frame->end_share);
    case FRAME_DUAL:
        return arena_format(arena,
                            "The model has a %s frame: two positions share the excess, and %.2f of it lies on %s.",
                            name, frame->place_excess, place);
    case FRAME_COUNT:
        return "No frame can be told from these maps: too few queries see a key from afar.";
    default:
        return arena_format(arena, "The model's frame is of no known type. %.2f of the excess lies on %s.",
                            frame->place_excess, place);
    }
}

static const char *token_sentence(Arena *arena, const MapsResult *result)
{
    const Frame *frame = &result->model;
    if (frame->by_token == FRAME_COUNT || frame->by_token == FRAME_NONE || isnan(frame->token_excess))
        return NULL;
    const int has_word = frame->token >= 0 && frame->token < result->set->n_words && result->set->words[frame->token];
    return arena_format(arena, "By token the frame is %s: %.2f of the excess lies on token %d%s%s%s.",
                        frame_name(frame->by_token), frame->token_excess, frame->token, has_word ? ", \u201c" : "",
                        has_word ? maps_token(arena, result->set, frame->token) : "", has_word ? "\u201d" : "");
}

static const char *sink_sentence(Arena *arena, const MapsResult *result)
{
    const int strongest = maps_strongest(result), H = result->layout.n_heads;
    const Place *sink = layout_find(&result->layout, "sink_mass");
    if (strongest < 0 || !sink)
        return NULL;
    const int at = sink->offset + strongest;
    return arena_format(
        arena,
        "The strongest sink is head %d of layer %d (%d.%d). It gives %.3f of its attention to the first key. "
        "Uniform attention gives %.3f.",
        strongest % H, strongest / H, strongest / H, strongest % H, result->pooled[at].value,
        result->pooled_baseline[at]);
}

MapsAnswer maps_answer(Arena *arena, const MapsResult *result)
{
    return (MapsAnswer){frame_sentence(arena, &result->model), token_sentence(arena, result),
                        sink_sentence(arena, result)};
}
