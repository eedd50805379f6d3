/* Template of a mask; the tests compile it and hold it to everything that a registered one must pass. As an example,
 * each query sees its own window of eight positions, and within it itself and what came before.
 *
 * 1. Copy this file to NAME.c; add NAME to the list 'model/mask' in src/meson.build.
 * 2. A mask is one range of keys per query, never empty. What lies outside is skipped by blocks, not multiplied by 0.
 */
#include "model/mask/mask.h"

enum { WINDOW = 8 };

/* 3. The range of query i in a sequence of `length`; under is_causal no end may exceed i + 1. */
static void visible(int i, int length, int *ret_first, int *ret_end)
{
    (void)length;
    *ret_first = i - i % WINDOW;
    *ret_end = i + 1;
}

/* 4. The strategy itself: the list in meson.build finds it as mask_NAME. */
extern const Mask mask_template;
const Mask mask_template = {
    .variant = {.name = "template",
                .summary = "causal within windows of eight",
                .source = "Child et al. 2019, arXiv 1904.10509, section 4.2"},
    .is_causal = 1,
    .visible = visible,
};
