/* Everything that can be swapped in, read off the registries: for the schema, `refframe list` and the docs. */
#include "app/app.h"
#include "data/source/source.h"
#include "data/tokenizer/tokenizer.h"
#include "geometry/metric.h"
#include "model/gate/gate.h"
#include "model/mask/mask.h"
#include "model/objective/objective.h"
#include "model/position/position.h"
#include "model/score/score.h"
#include "model/slot/slot.h"
#include "report/export/export.h"
#include "train/optimizer/optimizer.h"
#include "train/schedule/schedule.h"

const Kind kinds[] = {
    {"position", "model.position", "position encodings", "rope", position_variants},
    {"mask", "model.mask", "which keys a query sees", "causal", mask_variants},
    {"score", "model.score", "score functions, from scores to attention", "softmax", score_variants},
    {"slot", "model.slot", "keys and values of heads that belong to no position", "none", slot_variants},
    {"gate", "model.gate", "factors on what heads write or read", "none", gate_variants},
    {"objective", "objective", "what is predicted", "next", objective_variants},
    {"source", "data.source", "where sequences come from", "bigram_backcopy", source_variants},
    {"tokenizer", "data.tokenizer", "how a text becomes ids", "character", tokenizer_variants},
    {"optimizer", "train.optimizer", "optimizers", "adamw", optimizer_variants},
    {"schedule", "train.schedule", "learning-rate schedules behind the warm-up", "constant", schedule_variants},
    {"metrics", NULL, "metric families and what they measure", NULL, family_variants},
    {"export", NULL, "what a report writes", NULL, export_variants},
};
const int n_kinds = sizeof kinds / sizeof *kinds;
