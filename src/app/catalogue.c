/* Everything that can be swapped in, read off the registries: for the schema, `refframe list` and the docs. */
#include "app/app.h"
#include "data/source/source.h"
#include "data/tokenizer/tokenizer.h"
#include "geometry/metric.h"
#include "model/mask/mask.h"
#include "model/objective/objective.h"
#include "model/position/position.h"
#include "model/score/score.h"
#include "report/export/export.h"
#include "train/optimizer/optimizer.h"
#include "train/schedule/schedule.h"

/* A getter over a NULL-terminated registry whose entries all have name, summary, source, params, n_params. */
#define GETTER(function, registry)                                                                                     \
    static int function(int index, const char **ret_name, const char **ret_summary, const char **ret_source,           \
                        const SchemaRow **ret_rows, int *ret_n_rows)                                                   \
    {                                                                                                                  \
        if (!(registry)[index])                                                                                        \
            return 0;                                                                                                  \
        *ret_name = (registry)[index]->name;                                                                           \
        *ret_summary = (registry)[index]->summary;                                                                     \
        *ret_source = (registry)[index]->source;                                                                       \
        *ret_rows = (registry)[index]->params;                                                                         \
        *ret_n_rows = (registry)[index]->n_params;                                                                     \
        return 1;                                                                                                      \
    }

GETTER(get_position, position_registry)
GETTER(get_mask, mask_registry)
GETTER(get_score, score_registry)
GETTER(get_objective, objective_registry)
GETTER(get_source, source_registry)
GETTER(get_tokenizer, tokenizer_registry)
GETTER(get_optimizer, optimizer_registry)
GETTER(get_schedule, schedule_registry)
GETTER(get_family, family_registry)

static int get_export(int index, const char **ret_name, const char **ret_summary, const char **ret_source,
                      const SchemaRow **ret_rows, int *ret_n_rows)
{
    if (!export_registry[index])
        return 0;
    *ret_name = export_registry[index]->name;
    *ret_summary = export_registry[index]->summary;
    *ret_source = "-";
    *ret_rows = NULL, *ret_n_rows = 0;
    return 1;
}

const Kind kinds[] = {
    {"position", "model.position", "position encodings", "rope", get_position},
    {"mask", "model.mask", "which keys a query sees", "causal", get_mask},
    {"score", "model.score", "score functions, from scores to attention", "softmax", get_score},
    {"objective", "objective", "what is predicted", "next", get_objective},
    {"source", "data.source", "where sequences come from", "bigram_backcopy", get_source},
    {"tokenizer", "data.tokenizer", "how a text becomes ids", "character", get_tokenizer},
    {"optimizer", "train.optimizer", "optimizers", "adamw", get_optimizer},
    {"schedule", "train.schedule", "learning-rate schedules behind the warm-up", "constant", get_schedule},
    {"metrics", NULL, "metric families and what they measure", NULL, get_family},
    {"export", NULL, "what a report writes", NULL, get_export},
};
const int n_kinds = sizeof kinds / sizeof *kinds;
