/* A sliding window: a query sees the keys near it, and the first ones where they are kept.
 *
 * To one side, query i sees i - width < j <= i, and j < first as far as j <= i: `width` keys, itself among them, as
 * Mistral 7B has it (Beltagy et al. 2020, arXiv 2004.05150, section 3.1; Jiang et al. 2023, arXiv 2310.06825, section
 * 2). Symmetric, for encoders, |i - j| < width, or j < first: `width` keys to each side, itself counted in both, so
 * 2 width - 1 in all.
 *
 * The first keys are StreamingLLM's attention sinks (Xiao et al. 2024, arXiv 2309.17453, section 3.2). A window as wide
 * as the sequence is the causal mask, a symmetric one the full mask, to the bit.
 */
#include "model/mask/mask.h"

typedef struct {
    int width, first, symmetric;
} Window;

static const SchemaRow params[] = {
    {"width", VALUE_INT, "8", 1, 16384, NULL, "keys that a query sees, counted from itself; symmetric: to each side",
     FIELD(Window, width)},
    {"first", VALUE_INT, "0", 0, 16384, NULL, "keys at the start that stay visible, however far away",
     FIELD(Window, first)},
    {"symmetric", VALUE_BOOL, "false", 0, 0, NULL, "keys behind the query, too", FIELD(Window, symmetric)},
};

static int prepare(Arena *arena, const ModelSettings *model, Parameters *parameters, void **ret_state, Error *err)
{
    (void)parameters, (void)err;
    *ret_state = settings_read_new(arena, model->settings, "model.mask", ROWS(params), sizeof(Window));
    return STATUS_OK;
}

static void visible(const void *state, int i, int length, KeyRanges *ret_keys)
{
    const Window *window = state;
    const int end = window->symmetric ? i + window->width : i + 1, last = window->symmetric ? length : i + 1;
    ret_keys->range[0] = (KeyRange){i + 1 > window->width ? i + 1 - window->width : 0, end < length ? end : length};
    ret_keys->range[1] = (KeyRange){0, window->first < last ? window->first : last};
}

const Mask mask_window = {
    .variant = {.name = "window",
                .summary = "the keys near a query, before it or on both sides, and the first ones",
                .source = "Jiang et al. 2023, arXiv 2310.06825; Xiao et al. 2024, arXiv 2309.17453",
                PARAMS(params)},
    .prepare = prepare,
    .visible = visible,
};
