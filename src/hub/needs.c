/* Needs: one line each. */
#include "hub/needs.h"

#include <string.h>

#include "model/gate/gate.h"
#include "model/mask/mask.h"
#include "model/position/position.h"
#include "model/score/score.h"
#include "model/slot/slot.h"

static int is_named(const Variant *variant, const char *name)
{
    return strcmp(variant->name, name) == 0;
}

/* ---- of every architecture --------------------------------------------------------------------------------------- */

static int reads_ids(const ModelSettings *model)
{
    return model->input == INPUT_EMBEDDING;
}

static int has_no_goals(const ModelSettings *model)
{
    return model->goal_width == 0;
}

static int has_one_head_layer(const ModelSettings *model)
{
    return model->head_layers == 1;
}

static int has_a_norm(const ModelSettings *model)
{
    return model->norm != NORM_NONE;
}

static int is_not_sandwich(const ModelSettings *model)
{
    return model->norm_placement != PLACEMENT_SANDWICH;
}

static int adds_attention(const ModelSettings *model)
{
    return model->attention_residual;
}

static int is_known_position(const ModelSettings *model)
{
    return is_rope(model) || is_absolute_or_none(model) || is_named(&model->position->variant, "alibi");
}

static int is_known_mask(const ModelSettings *model)
{
    return is_causal(model) || is_named(&model->mask->variant, "full");
}

static int is_known_score(const ModelSettings *model)
{
    return is_softmax(model) || is_sink_logit(model);
}

static int is_scaled(const ModelSettings *model)
{
    return model->scale == SCALE_HEAD;
}

static int is_at_temperature_1(const ModelSettings *model)
{
    return model->logit.temperature == 1;
}

static int has_no_cap(const ModelSettings *model)
{
    return model->logit.softcap == 0;
}

static int has_no_slots(const ModelSettings *model)
{
    return is_named(&model->slot->variant, "none");
}

static int has_no_gate(const ModelSettings *model)
{
    return is_named(&model->gate->variant, "none");
}

/* Theirs are told the segments by who calls them. */
static int has_one_type_at_most(const ModelSettings *model)
{
    return model->token_types <= 1;
}

const Need common_needs[] = {
    {"model.input", reads_ids},
    {"data.source.kind", has_no_goals},
    {"model.score.kind", is_known_score},
    {"model.score.scale", is_scaled},
    {"model.score.temperature", is_at_temperature_1},
    {"model.score.softcap", has_no_cap},
    {"model.slot.kind", has_no_slots},
    {"model.gate.kind", has_no_gate},
    {"model.position.kind", is_known_position},
    {"model.mask.kind", is_known_mask},
    {"model.norm", has_a_norm},
    {"model.norm_placement", is_not_sandwich},
    {"model.attention_residual", adds_attention},
    {"model.head_layers", has_one_head_layer},
    {"model.token_types", has_one_type_at_most},
};
const int n_common_needs = sizeof common_needs / sizeof *common_needs;

/* ---- of some ----------------------------------------------------------------------------------------------------- */

int is_softmax(const ModelSettings *model)
{
    return is_named(&model->score->variant, "softmax");
}

int is_sink_logit(const ModelSettings *model)
{
    return is_named(&model->score->variant, "sink_logit");
}

int is_rope(const ModelSettings *model)
{
    return is_named(&model->position->variant, "rope");
}

int turns_whole_heads(const ModelSettings *model)
{
    return !is_rope(model) || settings_number(model->settings, "model.position.fraction") == 1;
}

int turns_every_layer(const ModelSettings *model)
{
    return !is_rope(model) || settings_int(model->settings, "model.position.skip_every") == 0;
}

int is_absolute_or_none(const ModelSettings *model)
{
    return is_named(&model->position->variant, "absolute") || is_named(&model->position->variant, "none");
}

int is_causal(const ModelSettings *model)
{
    return is_named(&model->mask->variant, "causal");
}

int is_rmsnorm(const ModelSettings *model)
{
    return model->norm == NORM_RMSNORM;
}

int is_layernorm(const ModelSettings *model)
{
    return model->norm == NORM_LAYERNORM;
}

int is_pre_norm(const ModelSettings *model)
{
    return model->norm_placement == PLACEMENT_PRE;
}

int has_mlp(const ModelSettings *model)
{
    return model->mlp;
}

int has_no_mlp(const ModelSettings *model)
{
    return !model->mlp;
}

int has_branches_in_turn(const ModelSettings *model)
{
    return !model->parallel_residual;
}

int is_swiglu(const ModelSettings *model)
{
    return model->activation == ACTIVATION_SWIGLU;
}

int is_without_gate(const ModelSettings *model)
{
    return model->activation != ACTIVATION_SWIGLU;
}

int has_no_embedding_norm(const ModelSettings *model)
{
    return !model->embedding_norm;
}

int has_embedding_norm(const ModelSettings *model)
{
    return model->embedding_norm;
}

int has_no_types(const ModelSettings *model)
{
    return model->token_types == 0 || model->token_type;
}

int has_no_type(const ModelSettings *model)
{
    return !model->token_type;
}

int has_qk_norm(const ModelSettings *model)
{
    return model->qk_norm;
}

int has_no_qk_norm(const ModelSettings *model)
{
    return !model->qk_norm;
}

int has_no_head_bias(const ModelSettings *model)
{
    return model->bias_head != BIAS_ON;
}

int has_no_mlp_bias(const ModelSettings *model)
{
    return model->bias_mlp != BIAS_ON;
}

int heads_divide_width(const ModelSettings *model)
{
    return model->d_model % model->n_heads == 0;
}

int heads_fill_width(const ModelSettings *model)
{
    return model->d_head * model->n_heads == model->d_model;
}

int has_all_kv_heads(const ModelSettings *model)
{
    return model->n_kv_heads == model->n_heads;
}

int has_own_head(const ModelSettings *model)
{
    return !model->tied_head;
}

int has_tied_head(const ModelSettings *model)
{
    return model->tied_head;
}

int has_attention_bias(const ModelSettings *model)
{
    return model->bias_q == BIAS_ON || model->bias_k == BIAS_ON || model->bias_v == BIAS_ON ||
           model->bias_out == BIAS_ON;
}

int has_mlp_bias(const ModelSettings *model)
{
    return model->bias_mlp == BIAS_ON;
}
