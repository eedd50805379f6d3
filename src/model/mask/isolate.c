/* The causal mask with one token that sees itself alone, as token 0 does under every causal mask (arXiv 2605.06611,
 * whose sink moves to the token that is so treated).
 *
 *   query k sees key k; query i != k sees keys 0..i, k among them
 *
 * Token 0, and a token behind the end of a sequence, leave the causal mask as it is, to the bit.
 */
#include "model/mask/mask.h"

typedef struct {
    int token;
} Isolate;

static const SchemaRow params[] = {
    {"token", VALUE_INT, "4", 0, 16383, NULL, "position of the query that sees itself alone, from 0",
     FIELD(Isolate, token)},
};

static int prepare(Arena *arena, const ModelSettings *model, Parameters *parameters, void **ret_state, Error *err)
{
    (void)parameters, (void)err;
    *ret_state = settings_read_new(arena, model->settings, "model.mask", ROWS(params), sizeof(Isolate));
    return STATUS_OK;
}

static void visible(const void *state, int i, int length, KeyRanges *ret_keys)
{
    (void)length;
    ret_keys->range[0] = (KeyRange){i == ((const Isolate *)state)->token ? i : 0, i + 1};
}

const Mask mask_isolate = {
    .variant = {.name = "isolate",
                .summary = "everything before, but for one token that sees itself alone",
                .source = "arXiv 2605.06611",
                PARAMS(params)},
    .prepare = prepare,
    .visible = visible,
};
