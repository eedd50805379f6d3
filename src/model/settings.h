/* The shape of a model, resolved from settings: sizes, choices, initialisation. */
#ifndef REFFRAME_MODEL_SETTINGS_H
#define REFFRAME_MODEL_SETTINGS_H

#include "base/settings.h"
#include "base/visible.h"
#include "num/kernels.h"
#include "num/logit.h"

typedef struct Position Position;
typedef struct Mask Mask;
typedef struct Score Score;
typedef struct Slot Slot;
typedef struct Gate Gate;
typedef struct Objective Objective;
typedef struct Parameters Parameters;

typedef enum { NORM_LAYERNORM, NORM_RMSNORM, NORM_NONE } NormKind;
typedef enum { PLACEMENT_PRE, PLACEMENT_POST, PLACEMENT_SANDWICH } NormPlacement;
typedef enum { ACTIVATION_GELU, ACTIVATION_RELU, ACTIVATION_SWIGLU, ACTIVATION_GELU_EXACT } ActivationKind;
typedef enum { INPUT_EMBEDDING, INPUT_LINEAR, INPUT_IDENTITY } InputKind;
typedef enum { OUTPUT_LINEAR, OUTPUT_IDENTITY } OutputKind;
typedef enum { SCALE_HEAD, SCALE_NONE } ScaleKind;      /* q.k is divided by sqrt(D), or by nothing */
typedef enum { BIAS_AUTO, BIAS_ON, BIAS_OFF } BiasRule; /* auto: as `bias` says */
/* std = width^-1/2, weight_std, or fan-in^-1/2 of each; or uniform within +-fan-in^-1/2, the head too */
typedef enum { WEIGHT_FAN_IN, WEIGHT_CONSTANT, WEIGHT_OWN_FAN_IN, WEIGHT_UNIFORM } WeightRule;
typedef enum { BIAS_ZERO, BIAS_UNIFORM } BiasStart;            /* or uniform within +-fan-in^-1/2 */
typedef enum { RESIDUAL_SCALED, RESIDUAL_PLAIN } ResidualRule; /* out and down divided by sqrt(2L), or not */

typedef struct {
    int n_layers;       /* L */
    int n_heads;        /* H */
    int n_kv_heads;     /* H_kv, divides H; as many by default */
    int d_model;        /* C */
    int d_head;         /* D; C/H by default */
    int d_ff;           /* F; 4C by default, 8C/3 rounded up to a multiple of 8 for swiglu */
    int context_length; /* T */
    int vocab_size;     /* V, from the data */
    int vector_width;   /* C_in of the data's vectors, 0: it gives ids; by who opened the data */
    int goal_width;     /* C_out of its goals, 0: targets are ids; likewise */
    InputKind input;    /* how tokens, or else vectors, become the stream */
    OutputKind output;  /* what the stream ends with, normed and mapped or as it is */
    NormKind norm;
    NormPlacement norm_placement; /* pre where there is no norm */
    double norm_epsilon;
    ActivationKind activation;
    int mlp;                /* off: blocks of attention alone */
    int attention_residual; /* off: a block's attention replaces the stream instead of adding to it */
    int parallel_residual;  /* the MLP reads what attention reads, the block's input */
    int embedding_norm;     /* a norm behind the embeddings */
    int token_type;         /* one learned vector more at every place: one token type */
    int token_types;        /* learned vectors of which each place has its segment's; 1 with token_type, 0: none */
    int bias;               /* of linear layers; off by default: a key bias has no true gradient without rotation */
    BiasRule bias_q, bias_k, bias_v, bias_out, bias_mlp, bias_head; /* never auto once read */
    int qk_norm;     /* q and k pass an RMSNorm per head before rotation; off by default */
    int tied_head;   /* the head uses the token embedding; off by default */
    int head_layers; /* linear layers of the head, 1; before the last one ReLUs, each of d_model */
    const Position *position;
    const Mask *mask;
    const Score *score;
    ScaleKind scale;
    Logit logit; /* the scores that it is given: divisor from `scale`, temperature, softcap */
    const Slot *slot;
    const Gate *gate;
    struct {
        double embedding_std, position_std, weight_std, head_std;
        double q_std, k_std, v_std, out_std, up_std, down_std; /* of one kind of matrix; 0: by the rule */
        WeightRule weight;
        BiasStart bias;
        ResidualRule residual;
    } init;
    const Visible *visible;   /* the mask laid out for T; by model_new, before the other variants are prepared */
    const Kernels *kernels;   /* likewise: what the model computes with */
    const Settings *settings; /* for the variants' own keys */
} ModelSettings;

/* The one way in which a variant of model/ begins (base/variant.h): reads its keys, checks them against the sizes,
 * declares what it learns. *ret_state is its own, from arena. NULL: nothing to do, and the state is NULL. */
typedef int ModelPrepare(Arena *arena, const ModelSettings *model, Parameters *parameters, void **ret_state,
                         Error *err);

/* Schema rows of `model` and `model.init`; and those of `model` that a source of vectors is read by. */
extern const SchemaRow model_rows[];
extern const int model_n_rows;
extern const SchemaRow model_vector_rows[];
extern const int model_n_vector_rows;

/* O: columns of what the model gives of a position, logits or a vector. */
static inline int model_output_width(const ModelSettings *model)
{
    return model->goal_width > 0 ? model->goal_width : model->vocab_size;
}

/* Whether input, output and head suit ids or vectors, as the data gives them, and their widths; model_new asks. */
int model_check_vectors(const ModelSettings *model, Error *err);

/* Those of `model.score` that stand with every score function. */
extern const SchemaRow model_score_rows[];
extern const int model_n_score_rows;

/* Reads and cross-checks; resolves 0 = automatic. What a variant or the objective asks of the sizes they check. */
int model_settings_read(const Settings *settings, int vocab_size, ModelSettings *ret_model, Error *err);

#endif
