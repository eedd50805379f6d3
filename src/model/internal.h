/* What the files of model/ share and nobody else includes: where tensors lie, what a workspace holds, the layers.
 *
 * Rows of the linear layers are the positions of all n sequences of a call, stacked: N = n T, or fewer where some are
 * shorter. Attention alone knows where one sequence ends and the next begins. Layers come in forward/backward pairs;
 * gradients accumulate.
 */
#ifndef REFFRAME_MODEL_INTERNAL_H
#define REFFRAME_MODEL_INTERNAL_H

#include "base/order.h"
#include "model/gate/gate.h"
#include "model/mask/mask.h"
#include "model/model.h"
#include "model/position/position.h"
#include "model/score/score.h"
#include "model/slot/slot.h"

/* ---- where the tensors of a layer lie in the parameter block, in reals ------------------------------------------- */

#define ABSENT SIZE_MAX

typedef struct {
    int in, out;
    size_t weight, bias; /* (in,out), (out,) or ABSENT */
    size_t panels[2];    /* where the weight lies packed, for forward and for backward, among the model's panels */
} Linear;

typedef struct {
    size_t gain, shift; /* (C,) or ABSENT: no norm at all; (C,) or ABSENT */
} Norm;

typedef struct {
    Norm attention_norm, mlp_norm;           /* before the branches; ABSENT in post-norm */
    Norm attention_post_norm, mlp_post_norm; /* after them; ABSENT in pre-norm */
    Linear q, k, v, out;                     /* (C,C'), (C,K') twice, (C',C) with C' = H D, K' = H_kv D */
    size_t q_gain, k_gain;                   /* (D,) with qk_norm, or ABSENT */
    Linear head_gate;                        /* (C,G) of a gate with G factors a position */
    Linear gate;                             /* (C,F) with swiglu */
    Linear up, down;                         /* (C,F), (F,C); neither without an MLP */
} Block;

struct Model {
    ModelSettings settings; /* its `visible` is the model's own */
    const Kernels *kernels;
    Parameters parameters;
    Visible visible; /* for sequences of the context length */
    MaskRule mask;
    void *position_state, *score_state, *slot_state, *gate_state; /* the latter two NULL: none */
    size_t embedding;                                             /* (V,C); ABSENT of vectors */
    Linear input;                                                 /* (C_in,C) a learned map of vectors, or none */
    size_t token_type;                                            /* (token_types,C) or ABSENT */
    Norm embedding_norm;                                          /* or ABSENT */
    Block *blocks;                                                /* (L) */
    Norm final_norm;     /* ABSENT in post-norm, whose last block ends with one, and with OUTPUT_IDENTITY */
    Linear *head_hidden; /* (head_layers - 1) before the head, (C,C) */
    Linear head; /* (C,O); tied: weight is ABSENT and the embedding serves, transposed; with OUTPUT_IDENTITY none */
    Linear **linears; /* (n_linears) all of them that there are */
    int n_linears;
    size_t n_panels[2]; /* reals of all panels for forward, and for backward behind them */
};

/* Lists the linear layers and gives their packed weights places, those for backward behind those for forward (pack.c).
 */
void model_lay_panels(Arena *arena, Model *model);

/* ---- activations ------------------------------------------------------------------------------------------------- */

/* What a norm keeps of each row: (N) each; RMSNorm leaves the mean alone. */
typedef struct {
    real *mean, *rstd;
} NormActs;

/* What the norm that follows a branch keeps; nothing in pre-norm. */
typedef struct {
    real *x; /* (N,C) its input: in post-norm stream and branch, in sandwich norm the branch alone */
    NormActs norm;
} JoinActs;

/* What one block keeps for its backward. What a pass over near memory makes again, normalised rows and the MLP's
 * activations, is not kept: to fetch it from far costs more. */
typedef struct {
    real *x; /* (N,C) its input */
    NormActs attention_norm;
    real *q_raw, *k_raw;   /* (N,C'), (N,K') before their norm; without one q and k themselves */
    real *q_rstd, *k_rstd; /* (N,H), (N,H_kv) with qk_norm */
    real *v_raw;           /* (N,K') before a gate on it; without one v itself */
    real *q, *k, *v;       /* (N,C'), (N,K') twice; q and k after rotation */
    real *maps;   /* (n,H) attention maps, (T, map_ld) each, written for the slots and keys of their query blocks */
    real *scores; /* the scores that they were made of, where the score function or a cap keeps them */
    real *score_state; /* (n,H,T) what the score function keeps of each row */
    real *heads_raw;   /* (N,C') head outputs side by side, before a gate on them */
    real *heads;       /* (N,C') head outputs as W_out reads them */
    real *factors;     /* (N,G) of a gate */
    JoinActs attention_join;
    real *x_mid; /* (N,C) after attention */
    NormActs mlp_norm;
    real *gate; /* (N,F) with swiglu */
    real *up;   /* (N,F) before the activation; with ReLU after it, of which its backward asks no more than the sign */
    JoinActs mlp_join;
} BlockActs;

/* Queries [row, row + n_rows) and the keys that their scores are computed for: spans of whole key blocks, which hold
 * all that one of them sees. Between two spans nothing is multiplied; rows of scores run from the first span's begin
 * to the last one's end, [key, key + n_keys), hidden in between. Slots stand right in front of them: in columns of keys
 * that the block does not meet, if its first key is not key 0. */
typedef struct {
    int row, n_rows, key, n_keys;
    KeyRange spans[KEY_RANGES];
    int n_spans;
} QueryBlock;

struct Workspace {
    int n, with_backward;      /* sequences it has room for */
    int n_slots, slot_columns; /* columns in front of key 0 in a row of a map: whole lines, at least n_slots */
    int map_ld;                /* of maps, at least slot_columns + T */
    size_t map_size;           /* reals of one */

    Change change; /* of this call; nothing in training */

    int *starts; /* (n+1) first row of each sequence of the call, and behind the last */
    /* The mask, laid out for the length of the sequences under way. */
    int length, n_query_blocks;
    KeyRanges *keys; /* (T) what each query sees */
    QueryBlock *query_blocks;

    real *embedded; /* (N,C) with embedding_norm, its input */
    NormActs embedding_norm;
    BlockActs *blocks; /* (L); without backward all share one set */
    real *x_last;      /* (N,C) output of the last block */

    real *bias;           /* (H,2T-1) position bias of a layer; (H,T,2T-1) where it differs from query to query */
    real *bias_flipped;   /* the same over j-i, so that a row of scores reads it forwards */
    real *scratch;        /* (MATMUL_SCRATCH) */
    real *head_panels[4]; /* keys, values, queries and gradients of one head, packed; the latter two for backward */
    real *slot_keys, *slot_values;   /* (S,D) of one head of keys */
    real *dslot_keys, *dslot_values; /* (S,D) their gradients */
    real *slot_panels[2];            /* the former, packed */
    real *h;                         /* (N,C) the norm before a branch */
    real *act;                       /* (N,F) activations; not with ReLU */
    real *gated;                     /* (N,C') or (N,K') what a gate leaves, of one block after the other */
    const real *panels; /* packed weights: lent, or made anew from the parameters of each call in own_panels */
    real *own_panels;

    /* Head, by blocks of head_rows rows that have a target. */
    int head_rows;
    int *target_rows;                             /* (N) */
    real *head_x, *head_y, *head_dx, *head_dnorm; /* (head_rows,C) the stream, after the norm, and their gradients */
    NormActs head_norm;
    real *head_hidden, *head_dhidden; /* (head_layers-1,head_rows,C) behind each ReLU, and its gradient */
    real *outputs;                    /* (head_rows,O) */

    /* Gradients of activations. */
    real *dx, *dnorm;            /* (N,C) */
    real *dparallel;             /* (N,C) with parallel_residual: what the MLP's norm gives back to the block's input */
    real *dq, *dk, *dv, *dheads; /* (N,C'), (N,K') twice, (N,C') */
    real *dgate, *dup;           /* (N,F) the former with swiglu */
    real *dfactors;              /* (N,G) */
    real *dscores;               /* (T,map_ld) */
    real *dbias;                 /* as bias */
};

/* ---- a call ------------------------------------------------------------------------------------------------------ */

/* What every pass of one forward, or forward and backward, works on. */
typedef struct {
    const Model *model;
    const real *parameters;
    real *gradient; /* a parameter block; NULL: forward alone */
    int is_first;   /* the gradients of weights are written, not added to */
    int n, rows;    /* sequences; rows of the linear layers, N, or those of a block of the head */
    Workspace *w;
} Call;

/* ---- layers (layers.c) ------------------------------------------------------------------------------------------- */

/* y (N,out) = plus + x (N,in) W + b; plus may be y or NULL. */
void linear_forward(const Call *call, const Linear *linear, const real *x, const real *plus, real *y);
/* dx = dy W', or dx += when accumulate. */
void linear_backward_input(const Call *call, const Linear *linear, const real *dy, int accumulate, real *dx);
/* dW += x' dy, or dW = in a first step; db += sum of rows of dy. */
void linear_backward_weight(const Call *call, const Linear *linear, const real *x, const real *dy);
/* Both. */
void linear_backward(const Call *call, const Linear *linear, const real *x, const real *dy, int accumulate, real *dx);

/* y = norm(x) over rows of width C; acts keeps what backward wants of them. Returns y, or x itself, with y left alone,
 * where there is no norm. */
const real *norm_forward(const Call *call, const Norm *norm, const real *x, const NormActs *acts, real *y);
/* dx += ... */
void norm_backward(const Call *call, const Norm *norm, const real *x, const NormActs *acts, const real *dy, real *dx);

/* Where a branch f, of which `linear` is the last layer and `in` that layer's input, joins the stream:
 * y = x + f, in post-norm norm(x + f), in sandwich norm x + norm(f). x and y may be one array; x is NULL where the
 * branch replaces the stream. Uses w->h. */
void join_forward(const Call *call, const Linear *linear, const Norm *norm, const real *x, const real *in,
                  const JoinActs *acts, real *y);
/* dx, the gradient of y, becomes that of x beside the branch. Returns f's gradient (N,C): dx itself, or dbranch. */
const real *join_backward(const Call *call, const Norm *norm, int is_added, const JoinActs *acts, real *dx,
                          real *dbranch);

/* x = RMSNorm(raw), rows (N, n_heads D), head by head, with one gain (D,) for all; where it is ABSENT x is raw. */
void heads_norm_forward(const Call *call, size_t gain, int n_heads, const real *raw, real *rstd, real *x);
/* Returns the gradient of raw: dx itself where the gain is ABSENT, else draw. */
const real *heads_norm_backward(const Call *call, size_t gain, int n_heads, const real *raw, const real *rstd,
                                const real *dx, real *draw);

/* f(up), with swiglu f(gate, up), over (N,F): in act, or with ReLU in up itself. Returns which. */
const real *activation_forward(const Call *call, const real *gate, real *up, real *act);
/* dup = ... in place of d act; with swiglu dgate too. Returns f(up) as forward did. */
const real *activation_backward(const Call *call, const real *gate, real *up, real *act, real *dgate, real *dup);

/* ---- gates (gating.c) -------------------------------------------------------------------------------------------- */

/* g = f(h W + b); nothing without a gate. */
void gate_factors(const Call *call, const Block *block, const real *h, const BlockActs *acts);
/* Where the gate is on head outputs, or on values: acts->heads = g heads_raw, or acts->v = g v_raw. Backward takes dy,
 * of what forward left, to that of what it found, in place, and leaves the gradient of h W + b in workspace->dfactors.
 */
void gate_forward(const Call *call, GatePlace place, const BlockActs *acts);
void gate_backward(const Call *call, GatePlace place, const BlockActs *acts, real *dy);

/* ---- attention (query_blocks.c, attention.c, attention_backward.c) ----------------------------------------------- */

/* Queries and keys are taken by so many; keys therefore by whole panels of packed products. Part of the definition of
 * the result: a sum over keys or queries begins and ends with a block. */
enum { QUERY_BLOCK = 32, KEY_BLOCK = 32 };

/* Columns of a map in front of key 0; its leading dimension; reals of a head's packed keys or values; for sequences up
 * to the context length. */
int attention_slot_columns(int n_slots);
int attention_map_ld(const ModelSettings *settings, int n_slots);
size_t attention_panels(const ModelSettings *settings);
int attention_n_query_blocks(int length);

/* Lays the mask out for the length of sequence `first` of a call, if it isn't: fills length, keys, query_blocks.
 * Returns the next sequence of another length. */
int attention_lay_mask(const Call *call, int first);

/* heads_raw = score(logits of q k' and bias, masked) v, slots among k and v, of all sequences; rotates q and k in place
 * first. */
void attention_forward(const Call *call, int layer, BlockActs *acts);
/* From workspace->dheads to dq, dk, dv, rotated back; what score, encoding and slots learn gets its gradient. */
void attention_backward(const Call *call, int layer, const BlockActs *acts);

/* ---- head and loss (head.c) -------------------------------------------------------------------------------------- */

/* Rows of outputs that are in memory at a time, of at most n_rows. */
int head_block_rows(const ModelSettings *settings, int n_rows);

/* Sum over rows with a target of the loss of norm(x) W_head: cross-entropy in nats, or the mean squared error of a
 * goal. With a gradient: dx (N,C) is written with scale * d loss, and the parameters' gradients are added. losses (N)
 * may be NULL. */
double head_loss(const Call *call, const real *x, const Given *given, real scale, real *dx, real *ret_losses);

/* The final norm of all rows: (N, C). */
void head_norm(const Call *call, const real *x, real *ret_normed);

/* What the model gives of all rows: (N, O). */
void head_outputs(const Call *call, const real *x, real *ret_outputs);

#endif
