/* Everything that can be swapped in, read off the registries: for the schema, `refframe list` and the docs. */
#include "app/app.h"
#include "data/source/source.h"
#include "data/tokenizer/tokenizer.h"
#include "geometry/metric.h"
#include "hub/architecture/architecture.h"
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
    {"architecture", NULL,
     "of Hugging Face's transformers: what `refframe export` makes of a run, and `refframe measure` reads", NULL,
     architecture_variants},
};
const int n_kinds = sizeof kinds / sizeof *kinds;

const SchemaWord other_words[] = {
    /* nanoGPT */
    {"block_size", "model.context_length"},
    {"n_embd", "model.d_model"},
    {"n_layer", "model.n_layers"},
    {"n_head", "model.n_heads"},
    {"learning_rate", "train.lr"},
    {"max_iters", "train.steps"},
    {"warmup_iters", "train.warmup_steps"},
    {"eval_interval", "snapshot.every"},
    /* Hugging Face's configurations and trainer */
    {"n_positions", "model.context_length"},
    {"max_position_embeddings", "model.context_length"},
    {"hidden_size", "model.d_model"},
    {"num_hidden_layers", "model.n_layers"},
    {"num_attention_heads", "model.n_heads"},
    {"head_dim", "model.d_head"},
    {"n_inner", "model.d_ff"},
    {"intermediate_size", "model.d_ff"},
    {"max_steps", "train.steps"},
};
const int n_other_words = sizeof other_words / sizeof *other_words;
