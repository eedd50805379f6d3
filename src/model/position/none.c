/* No position encoding (Haviv et al. 2022; Kazemnejad et al. 2023): order is visible through the mask alone. Under a
 * full mask the model then sees a bag of tokens.
 */
#include "model/position/position.h"

const Position position_none = {
    .variant = {.name = "none",
                .summary = "no encoding; a causal mask still tells how many keys are visible",
                .source = "Haviv et al. 2022, arXiv 2203.16634"},
};
