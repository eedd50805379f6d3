/* The prefix mask (Raffel et al. 2020, arXiv 1910.10683, section 3.2.1: "causal with prefix"): the first `length`
 * tokens see each other fully, later ones what stands before them.
 *
 *   query i sees keys j < max(i + 1, length)
 *
 * Length 1 is the causal mask; one that reaches the end of a sequence is the full mask, to the bit.
 */
#include "model/mask/mask.h"

typedef struct {
    int length;
} Prefix;

static const SchemaRow params[] = {
    {"length", VALUE_INT, "4", 1, 16384, NULL, "tokens at the start that see each other", FIELD(Prefix, length)},
};

static int prepare(Arena *arena, const ModelSettings *model, Parameters *parameters, void **ret_state, Error *err)
{
    (void)parameters, (void)err;
    *ret_state = settings_read_new(arena, model->settings, "model.mask", ROWS(params), sizeof(Prefix));
    return STATUS_OK;
}

static void visible(const void *state, int i, int length, KeyRanges *ret_keys)
{
    const int prefix = ((const Prefix *)state)->length, end = prefix > i + 1 ? prefix : i + 1;
    ret_keys->range[0] = (KeyRange){0, end < length ? end : length};
}

const Mask mask_prefix = {
    .variant = {.name = "prefix",
                .summary = "the first tokens see each other, later ones everything before",
                .source = "Raffel et al. 2020, arXiv 1910.10683, section 3.2.1",
                PARAMS(params)},
    .prepare = prepare,
    .visible = visible,
};
