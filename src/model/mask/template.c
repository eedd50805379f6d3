/* Template of a mask; the tests compile it and hold it to everything that a registered one must pass. As an example, a
 * query sees the last `width` keys, itself among them, and the first `n_first` ones: two ranges (Xiao et al. 2024,
 * arXiv 2309.17453, section 3.2).
 *
 * 1. Copy this file to NAME.c; add NAME to the list 'model/mask' in src/meson.build, and a row to README.md.
 * 2. A mask is one or two ranges of keys a query. What lies outside is skipped by blocks of keys, not multiplied by 0.
 */
#include "model/mask/mask.h"

/* 3. What prepare reads, constant afterwards. A mask without keys has neither this nor prepare. */
typedef struct {
    int width, n_first;
} Template;

/* 4. Keys below model.mask that are valid with this kind: key, type, default, range, choices, help, and the member that
 * holds the value. Choose defaults that show what the mask can do: tests run at them. */
static const SchemaRow params[] = {
    {"width", VALUE_INT, "8", 1, 16384, NULL, "keys that a query sees, counted back from itself",
     FIELD(Template, width)},
    {"n_first", VALUE_INT, "2", 0, 16384, NULL, "keys at the start that every later query sees",
     FIELD(Template, n_first)},
};

/* 5. Read them, and check what you need of the sizes (settings_error names the place; here any do). `parameters` is
 * NULL where nothing is trained: a mask learns nothing. */
static int prepare(Arena *arena, const ModelSettings *model, Parameters *parameters, void **ret_state, Error *err)
{
    (void)parameters, (void)err;
    *ret_state = settings_read_new(arena, model->settings, "model.mask", ROWS(params), sizeof(Template));
    return STATUS_OK;
}

/* 6. The ranges of query i in a sequence of `length`, in any order; they may touch, overlap or be empty, but not all.
 */
static void visible(const void *state, int i, int length, KeyRanges *ret_keys)
{
    const Template *template = state;
    const int n_first = template->n_first < i + 1 ? template->n_first : i + 1;
    (void)length;
    ret_keys->range[0] = (KeyRange){0, n_first};
    ret_keys->range[1] = (KeyRange){i + 1 > template->width ? i + 1 - template->width : 0, i + 1};
}

/* 7. The strategy itself: the list in meson.build finds it as mask_NAME. */
extern const Mask mask_template;
const Mask mask_template = {
    .variant = {.name = "template",
                .summary = "a window of keys before the query, and the first ones",
                .source = "Xiao et al. 2024, arXiv 2309.17453, section 3.2",
                PARAMS(params)},
    .prepare = prepare,
    .visible = visible,
};
