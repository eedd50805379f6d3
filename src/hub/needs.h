/* What architectures ask of a model: needs that more than one of them has. Each says of one key whether its value
 * is what the name says; one that is about a variant's own key holds of other variants.
 */
#ifndef REFFRAME_HUB_NEEDS_H
#define REFFRAME_HUB_NEEDS_H

#include "hub/architecture/architecture.h"

/* What every architecture asks. */
extern const Need common_needs[];
extern const int n_common_needs;

int is_softmax(const ModelSettings *model);
int is_sink_logit(const ModelSettings *model);
int is_rope(const ModelSettings *model);
int turns_whole_heads(const ModelSettings *model);
int turns_every_layer(const ModelSettings *model);
int is_absolute_or_none(const ModelSettings *model);
int is_causal(const ModelSettings *model);
int is_rmsnorm(const ModelSettings *model);
int is_layernorm(const ModelSettings *model);
int is_pre_norm(const ModelSettings *model);
int has_mlp(const ModelSettings *model);
int has_no_mlp(const ModelSettings *model);
int has_branches_in_turn(const ModelSettings *model); /* attention, then the MLP */
int is_swiglu(const ModelSettings *model);
int is_without_gate(const ModelSettings *model); /* of the MLP */
int has_no_embedding_norm(const ModelSettings *model);
int has_embedding_norm(const ModelSettings *model);
int has_no_types(const ModelSettings *model);
int has_no_type(const ModelSettings *model);
int has_qk_norm(const ModelSettings *model);
int has_no_qk_norm(const ModelSettings *model);
int has_no_head_bias(const ModelSettings *model);
int has_no_mlp_bias(const ModelSettings *model);
int heads_divide_width(const ModelSettings *model); /* d_model by n_heads */
int heads_fill_width(const ModelSettings *model);   /* d_head = d_model / n_heads */
int has_all_kv_heads(const ModelSettings *model);   /* one for each head */

/* Which tensors stand. */
int has_own_head(const ModelSettings *model);
int has_tied_head(const ModelSettings *model);
int has_attention_bias(const ModelSettings *model); /* of any of q, k, v and out */
int has_mlp_bias(const ModelSettings *model);

#endif
