/* config.json: what all architectures write, and what more than one of them writes in the same words. */
#ifndef REFFRAME_HUB_CONFIG_H
#define REFFRAME_HUB_CONFIG_H

#include "hub/hub.h"

/* The whole file. */
void config_add(Text *text, const Architecture *architecture, const HubModel *model);

/* hidden_size, num_hidden_layers, num_attention_heads, intermediate_size, max_position_embeddings. */
void config_put_sizes(JsonWriter *json, const ModelSettings *model);

/* Llama and what came of it: silu, rms_norm_eps, num_key_value_heads, head_dim, attention_bias. */
void config_put_llama(JsonWriter *json, const ModelSettings *model);

/* The angles of rope, in the words of transformers 5 (rope_parameters) and of those before (rope_theta, rope_scaling).
 * Those before say angles as they are by silence, unless an architecture's own are others. Returns what some name
 * otherwise: theta, and the share of the channels that are turned. */
typedef struct {
    double theta, share;
} Rope;

typedef enum { ROPE_SCALED_IF_SO, ROPE_ALWAYS_SCALED } RopeScaling;

Rope config_put_rope(JsonWriter *json, const ModelSettings *model, RopeScaling scaling);

/* Their name of the MLP's activation, of one without a gate. */
const char *config_activation(const ModelSettings *model);

/* 0 under each of n names: a run has no dropout. */
void config_put_zeros(JsonWriter *json, const char *const *names, int n);

#endif
