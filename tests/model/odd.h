/* Variants for what the extension points allow and no registered variant or template does: a mask with keys that nobody
 * sees and three spans a block, an encoding that learns in embed, rotate and bias and biases by query, a score function
 * that keeps its scores and asks how many keys there are; and a mask that is wrong. build() knows them by the names
 * `odd` and `broken`; the loops over registries do not.
 */
#ifndef REFFRAME_TESTS_MODEL_ODD_H
#define REFFRAME_TESTS_MODEL_ODD_H

#include "model/mask/mask.h"
#include "model/position/position.h"
#include "model/score/score.h"

extern const Mask mask_odd, mask_broken;
extern const Position position_odd;
extern const Score score_odd;

#endif
