/* The transformer: embedding, L blocks of attention and MLP, final norm, head; forward and backward by hand.
 *
 *   x_0 = E[token] (+ P)            h = norm(x);  x += attention(h) W_o;  h = norm(x);  x += f(h W_up) W_down
 *   loss = mean over targets of cross-entropy(norm(x_L) W_head);   other norm placements in model.c
 *
 * Of vectors u instead of tokens x_0 = u W (+ P), or u itself; with vectors y as goals the loss is the mean over
 * targets of |z - y|^2 / C_out, z = norm(x_L) W_head, or x_L itself.
 *
 * A Model is constant after it is built: sizes, tables, where its tensors lie. Values live in blocks that the caller
 * owns (parameters, gradients), activations in a Workspace per thread. Any number of threads may run forward and
 * backward on one Model, each with its own workspace and gradient block.
 */
#ifndef REFFRAME_MODEL_MODEL_H
#define REFFRAME_MODEL_MODEL_H

#include "data/sequence.h"
#include "model/parameters.h"
#include "model/settings.h"
#include "num/kernels.h"

typedef struct Model Model;
typedef struct Workspace Workspace;

/* Builds the tensor table and constant tables. Memory from arena. */
int model_new(Arena *arena, const ModelSettings *settings, const Kernels *kernels, Model **ret_model, Error *err);
const ModelSettings *model_settings(const Model *model);
const Parameters *model_parameters(const Model *model);

/* Slots of a head; whether the weights of every query on the keys that it sees sum to one, always: not with slots. */
int model_n_slots(const Model *model);
int model_rows_sum_to_one(const Model *model);

/* The mask's rule, and its layout for sequences of the context length. */
const MaskRule *model_mask_rule(const Model *model);
const Visible *model_visible(const Model *model);

/* Multiply-adds count twice. FLOPs of one training step per token: 6(L(2(C'+K')C+GC+2CF)+CV*share) + 12LC' * keys and
 * slots that a query sees in the mean (T keys under a full mask, (T+1)/2 under a causal one), C' = H*D, K' = H_kv*D, G
 * factors of a gate; 3CF with swiglu; share = targets per token. Goals: C_out for V, or nothing
 * for the head; vectors: 4 C_in C more for a learned map. */
double model_flops_per_token(const Model *model, double target_share);

/* Weights packed for products, for whoever runs many calls on one set of parameters: model_panels() reals, 64-byte
 * aligned, filled by model_pack for every index below model_n_packs, in any order and on any threads. */
size_t model_panels(const Model *model, int with_backward);
int model_n_packs(const Model *model, int with_backward);
void model_pack(const Model *model, const real *parameters, int index, real *ret_panels);

/* A workspace for up to n sequences of the model's context length; with_backward = 0 is smaller (measuring). It packs
 * weights for itself in every call, unless `lent` holds panels of just those parameters that the calls will be given.
 */
size_t workspace_bytes(const Model *model, int n, int with_backward, int is_lent);
Workspace *workspace_new(Arena *arena, const Model *model, int n, int with_backward, const real *lent);

/* Loss of sequences [first, first+n) of a batch: the sum over their targets (double; nats, or the mean over a goal's
 * components of the squared error; the caller divides by the batch's n_targets); ret_losses, if not NULL, gets each
 * position's loss, as their rows lie in the batch, 0 where there is no target. With `gradient` (a parameter block),
 * d(loss / batch->n_targets) is added to it. */
double model_step(const Model *model, const real *parameters, const Batch *batch, int first, int n,
                  Workspace *workspace, real *gradient, real *ret_losses);

/* The same into a gradient block that holds nothing yet: what it held is lost. Cheaper than to zero it and to add. */
double model_first_step(const Model *model, const real *parameters, const Batch *batch, int first, int n,
                        Workspace *workspace, real *gradient, real *ret_losses);

/* What a model is given of n sequences of T positions each; of a batch's, whose rows follow one another, as many as
 * each has. */
typedef struct {
    const int32_t *tokens;  /* (n,T) */
    const int32_t *targets; /* (n,T), -1: none; NULL: none at all */
    const real *vectors;    /* (n,T,C_in), which a model of vectors reads in the tokens' place */
    const real *goals;      /* (n,T,C_out), which stand for targets where the model gives vectors */
} Given;

/* What stands from sequence `first` of a batch on. */
Given model_given(const Model *model, const Batch *batch, int first);

/* What the model gives of one sequence of `length` <= context_length tokens or vectors: logits (length, V), or vectors
 * (length, C_out). */
void model_outputs(const Model *model, const real *parameters, const Given *given, int length, Workspace *workspace,
                   real *ret_outputs);

static inline void model_logits(const Model *model, const real *parameters, const int32_t *tokens, int length,
                                Workspace *workspace, real *ret_logits)
{
    model_outputs(model, parameters, &(Given){.tokens = tokens}, length, workspace, ret_logits);
}

/* What measuring wants to see of n sequences of `length` tokens. Every pointer may be NULL; T is `length`. */
typedef struct {
    real *maps;      /* (n,L,H,T,T) attention after the score function; 0 where hidden */
    real *slots;     /* (n,L,H,T,S) what each query gives to S slots */
    real *q, *k, *v; /* (n,L,H,T,D) q and k after rotation; k and v as each head of queries reads them,
                      * v as it leaves the gate; what scores are made of them says num/logit.h */
    real *heads;     /* (n,L,H,T,D) what each head gives: P v as it leaves the gate */
    real *residual;  /* (n,L+1,T,C) input of each block, then the last block's output (before the final norm) */
    real *normed;    /* (n,T,C) the last block's output after the final norm; in post-norm that output itself */
    real *losses;    /* (n,T) given targets */
} Capture;

/* Forward of n sequences with capture. Never touches training's state. Bits equal those of model_step's forward, and
 * those of each sequence alone. */
void model_capture_given(const Model *model, const real *parameters, const Given *given, int n, int length,
                         Workspace *workspace, const Capture *capture);

/* What a forward pass changes in every head of every layer. CHANGE_HIDE: no query sees the key at `place` that sees
 * another; CHANGE_ZERO_VALUE: its value is zero; CHANGE_PUT_VALUE: it is that of the place `other`; CHANGE_SPREAD: what
 * a query would give to it, it gives evenly to the other keys that it sees, if there are any. */
typedef enum { CHANGE_NOTHING, CHANGE_HIDE, CHANGE_ZERO_VALUE, CHANGE_PUT_VALUE, CHANGE_SPREAD } ChangeKind;

typedef struct {
    ChangeKind kind;
    int place, other;
} Change;

/* A capture of one sequence from a pass that is changed. */
void model_capture_changed(const Model *model, const real *parameters, const Given *given, int length,
                           const Change *change, Workspace *workspace, const Capture *capture);

/* Losses (T) as in a capture, with one key hidden (CHANGE_HIDE; -1: none). */
void model_ablated_losses_given(const Model *model, const real *parameters, const Given *given, int length,
                                int hidden_key, Workspace *workspace, real *ret_losses);

/* Both of ids alone. */
static inline void model_capture(const Model *model, const real *parameters, const int32_t *tokens,
                                 const int32_t *targets, int n, int length, Workspace *workspace,
                                 const Capture *capture)
{
    model_capture_given(model, parameters, &(Given){.tokens = tokens, .targets = targets}, n, length, workspace,
                        capture);
}

static inline void model_ablated_losses(const Model *model, const real *parameters, const int32_t *tokens,
                                        const int32_t *targets, int length, int hidden_key, Workspace *workspace,
                                        real *ret_losses)
{
    model_ablated_losses_given(model, parameters, &(Given){.tokens = tokens, .targets = targets}, length, hidden_key,
                               workspace, ret_losses);
}

/* The position bias of each layer and head for sequences of `length`, as position/position.h lays its table out: of
 * L H (2*length-1) reals, entry length-1+(i-j) is that of distance i-j, or so many for each of `length` queries. Zeros
 * when the encoding has none. */
size_t model_bias_size(const Model *model, int length);
void model_position_bias(const Model *model, const real *parameters, int length, real *ret_bias);

/* The weights of query i by the definition of the model's score function: n scores, of the slots and then of the keys
 * that it sees. ret_weights may be scores. */
void model_weights(const Model *model, const real *parameters, int layer, int head, int i, int n, const double *scores,
                   double *ret_weights);

/* What the encoding adds to the stream at positions below `length`, at most the context: (length, C). Zeros where it
 * adds nothing. */
void model_positions(const Model *model, const real *parameters, int length, real *ret_table);

/* What position alone gives: the weights (length) that the model's score function makes of query i's bias, with q.k =
 * 0 and its temperature and cap, slots among what it sees; 0 where a key is hidden. `bias` as model_position_bias makes
 * it of the same parameters; `work`: (S + length) scratch, for S slots. */
void model_position_weights(const Model *model, const real *parameters, const real *bias, const Visible *visible,
                            int layer, int head, int i, double *work, double *ret_weights);

/* The output projection of a layer, (H*D, C), inside the parameter block: for head output and value drain. */
const real *model_output_weight(const Model *model, const real *parameters, int layer);

#endif
