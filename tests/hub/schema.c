#include "schema.h"

#include "model/mask/mask.h"
#include "model/position/position.h"
#include "model/score/score.h"
#include "model/settings.h"
#include "../testing.h"

#define PARTS(what, group_)                                                                                            \
    for (int i = 0; what##_registry[i]; i++)                                                                           \
        parts[n++] = (SchemaPart)                                                                                      \
        {                                                                                                              \
            group_, what##_registry[i]->variant.name, what##_registry[i]->variant.params,                              \
                what##_registry[i]->variant.n_params                                                                   \
        }

Schema hub_schema(Arena *arena)
{
    enum { MOST = 64 };
    SchemaPart *parts = ARENA_ARRAY(arena, SchemaPart, MOST);
    static const char *const positions[] = {"rope", "absolute", "alibi", "none", NULL},
                             *const masks[] = {"causal", "full", "window", NULL},
                             *const scores[] = {"softmax", "sink_logit", NULL}, *const nones[] = {"none", NULL};
    static const SchemaRow kinds[] = {
        {"kind", VALUE_CHOICE, "rope", 0, 0, positions, "which", BY_HAND},
        {"kind", VALUE_CHOICE, "causal", 0, 0, masks, "which", BY_HAND},
        {"kind", VALUE_CHOICE, "softmax", 0, 0, scores, "which", BY_HAND},
        {"kind", VALUE_CHOICE, "none", 0, 0, nones, "which", BY_HAND},
    };
    static const char *const groups[] = {"model.position", "model.mask", "model.score", "model.slot", "model.gate"};
    int n = 0;
    parts[n++] = (SchemaPart){"model", NULL, model_rows, model_n_rows};
    parts[n++] = (SchemaPart){"model", NULL, model_vector_rows, model_n_vector_rows};
    parts[n++] = (SchemaPart){"model.score", NULL, model_score_rows, model_n_score_rows};
    for (int g = 0; g < 5; g++)
        parts[n++] = (SchemaPart){groups[g], NULL, &kinds[g < 3 ? g : 3], 1};
    PARTS(position, "model.position");
    PARTS(mask, "model.mask");
    PARTS(score, "model.score");
    assert_in_range(n, 1, MOST);
    return (Schema){.parts = parts, .n_parts = n};
}
