/* Keys that would change a run's id and nothing else, unless another key has some value. What is idle so is refused
 * where it is set (plan/conditions.c), or the results of two runs that are one would stand beside each other as two. */
#include "app/app.h"
#include "base/text.h"
#include "data/source/source.h"

static const Condition of_models[] = {
    {"model.activation", "model.mlp", "true", 0},
    {"model.d_ff", "model.mlp", "true", 0},
    {"model.parallel_residual", "model.mlp", "true", 0},
    {"model.bias_mlp", "model.mlp", "true", 0},
    {"model.init.up_std", "model.mlp", "true", 0},
    {"model.init.down_std", "model.mlp", "true", 0},
    {"model.norm_placement", "model.norm", "none", 1},
    {"model.embedding_norm", "model.norm", "none", 1},
    {"model.norm_epsilon", "model.norm", "none", 1},
    {"model.norm_epsilon", "model.qk_norm", "true", 0},
    {"model.gate.initial", "model.gate.bias", "true", 0},
    {"model.init.weight_std", "model.init.weight", "constant", 0},
    {"data.lengths.least", "data.lengths.kind", "full", 1},
    {"measure.half_every", "data.lengths.kind", "full", 0},
    {"measure.interventions.place", "measure.interventions.every", "0", 1},
    {"measure.interventions.layer", "measure.interventions.every", "0", 1},
    {"measure.interventions.sequences", "measure.interventions.every", "0", 1},
};

/* What is said of a text counts for those sources that read one. */
static const char *const of_texts[] = {"data.held_out", "data.tokenizer.kind"};

const Condition *program_conditions(Arena *arena)
{
    enum { N_MODELS = sizeof of_models / sizeof *of_models, N_TEXTS = sizeof of_texts / sizeof *of_texts };
    Condition *conditions = ARENA_ARRAY(arena, Condition, N_MODELS + N_TEXTS + 1);
    const char *readers = "";
    for (const Source *const *source = source_registry; *source; source++)
        if ((*source)->needs_corpus)
            readers = arena_format(arena, "%s%s%s", readers, *readers ? " " : "", (*source)->variant.name);
    for (int i = 0; i < N_MODELS; i++)
        conditions[i] = of_models[i];
    for (int i = 0; i < N_TEXTS; i++)
        conditions[N_MODELS + i] = (Condition){of_texts[i], "data.source.kind", readers, 0};
    return conditions;
}
