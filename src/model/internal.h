/* What the files of model/ share and nobody else includes: where tensors lie, what a workspace holds, the layers.
 *
 * Rows of the linear layers are the positions of all n sequences of a call, stacked: N = n T. Attention alone knows
 * where one sequence ends and the next begins. Layers come in forward/backward pairs; gradients accumulate.
 */
#ifndef REFFRAME_MODEL_INTERNAL_H
#define REFFRAME_MODEL_INTERNAL_H

#include "model/mask/mask.h"
#include "model/model.h"
#include "model/position/position.h"
#include "model/score/score.h"

/* ---- where the tensors of a layer lie in the parameter block, in reals ------------------------------------------- */

#define ABSENT SIZE_MAX

typedef struct {
    int in, out;
    size_t weight, bias; /* (in,out), (out,) or ABSENT */
} Linear;

typedef struct {
    size_t gain, shift; /* (C,) or ABSENT: no norm at all; (C,) or ABSENT */
} Norm;

typedef struct {
    Norm attention_norm, mlp_norm;           /* before the branches; ABSENT in post-norm */
    Norm attention_post_norm, mlp_post_norm; /* after them; ABSENT in pre-norm */
    Linear q, k, v, out;                     /* (C,C') three times, (C',C) with C' = H D */
    size_t q_gain, k_gain;                   /* (D,) with qk_norm, or ABSENT */
    Linear gate;                             /* (C,F) with swiglu */
    Linear up, down;                         /* (C,F), (F,C) */
} Block;

struct Model {
    ModelSettings settings;
    const Kernels *kernels;
    Parameters parameters;
    void *position_state;
    size_t embedding; /* (V,C) */
    Block *blocks;    /* (L) */
    Norm final_norm;  /* ABSENT in post-norm, whose last block ends with one */
    Linear head;      /* (C,V); tied: weight is ABSENT and the embedding serves, transposed */
};

/* ---- activations ------------------------------------------------------------------------------------------------- */

typedef struct {
    real *mean, *rstd; /* (N) each; RMSNorm leaves the mean alone */
    real *y;           /* (N,C); the norm's input itself where there is none */
} NormActs;

/* What the norm that follows a branch keeps; nothing in pre-norm. */
typedef struct {
    real *x;           /* (N,C) its input: in post-norm stream and branch, in sandwich norm the branch alone */
    real *mean, *rstd; /* (N) */
} JoinActs;

/* What one block keeps for its backward. */
typedef struct {
    real *x; /* (N,C) its input */
    NormActs attention_norm;
    real *q_raw, *k_raw;   /* (N,C') before their norm; without one q and k themselves */
    real *q_rstd, *k_rstd; /* (N,H) with qk_norm */
    real *q, *k, *v;       /* (N,C') q and k after rotation */
    real *maps;            /* (n,H) attention maps, each packed by query blocks */
    real *score_state;     /* (n,H,T) what the score function keeps of each row */
    real *heads;           /* (N,C') head outputs side by side */
    JoinActs attention_join;
    real *x_mid; /* (N,C) after attention */
    NormActs mlp_norm;
    real *gate;     /* (N,F) with swiglu */
    real *up, *act; /* (N,F) before and after the activation; the same memory for ReLU */
    JoinActs mlp_join;
} BlockActs;

/* Queries [row, row + n_rows) and the union of the keys that they see; their part of a packed map is
 * (n_rows, n_keys) with leading dimension ld, at offset. */
typedef struct {
    int row, n_rows, key, n_keys, ld;
    size_t offset;
} QueryBlock;

struct Workspace {
    int n, with_backward; /* sequences it has room for */
    size_t map_size;      /* reals of one packed map */

    int hidden_key; /* no query sees it that sees another; -1: none, as in training */

    /* The mask, laid out for the length of the call. */
    int length, n_query_blocks;
    int *first, *end; /* (T) visible keys of each query */
    QueryBlock *query_blocks;

    BlockActs *blocks; /* (L); without backward all share one set */
    real *x_last;      /* (N,C) output of the last block */

    real *bias;         /* (H,2T-1) position bias of a layer */
    real *bias_flipped; /* (H,2T-1) the same over j-i, so that a row of scores reads it forwards */
    real *scratch;      /* (MATMUL_SCRATCH) */

    /* Head, by blocks of head_rows rows that have a target. */
    int head_rows;
    int *target_rows;       /* (N) */
    real *head_x, *head_dx; /* (head_rows,C) */
    NormActs head_norm;
    real *head_dnorm; /* (head_rows,C) */
    real *logits;     /* (head_rows,V) */

    /* Gradients of activations. */
    real *dx, *dnorm;            /* (N,C) */
    real *dq, *dk, *dv, *dheads; /* (N,C') */
    real *dgate, *dup;           /* (N,F) the former with swiglu */
    real *dscores;               /* one query block */
    real *dbias;                 /* (H,2T-1) */
};

/* ---- layers (layers.c) ------------------------------------------------------------------------------------------- */

/* y (n,out) = x (n,in) W + b, or y += when accumulate. */
void linear_forward(const Model *model, const Linear *linear, const real *parameters, int n, const real *x,
                    int accumulate, real *y, real *scratch);
/* dx = dy W', or dx += when accumulate; dW += x' dy; db += sum of rows of dy. */
void linear_backward(const Model *model, const Linear *linear, const real *parameters, int n, const real *x,
                     const real *dy, int accumulate, real *dx, real *gradient, real *scratch);

/* acts.y = norm(x) over n rows of width C; x where there is no norm. */
void norm_forward(const Model *model, const Norm *norm, const real *parameters, int n, const real *x, NormActs *acts);
/* dx += ... */
void norm_backward(const Model *model, const Norm *norm, const real *parameters, int n, const real *x,
                   const NormActs *acts, const real *dy, real *dx, real *gradient);

/* Where a branch f, of which `linear` is the last layer and `in` that layer's input, joins the stream:
 * y = x + f, in post-norm norm(x + f), in sandwich norm x + norm(f). x and y may be one array in pre-norm. */
void join_forward(const Model *model, const Linear *linear, const Norm *norm, const real *parameters, int n,
                  const real *x, const real *in, const JoinActs *acts, real *y, real *scratch);
/* dx, the gradient of y, becomes that of x beside the branch; din is written. dbranch (n,C) is room. */
void join_backward(const Model *model, const Linear *linear, const Norm *norm, const real *parameters, int n,
                   const real *in, const JoinActs *acts, real *dx, real *din, real *dbranch, real *gradient,
                   real *scratch);

/* x = RMSNorm(raw), rows (n,C'), head by head, with one gain (D,) for all heads; where it is ABSENT x is raw. */
void heads_norm_forward(const Model *model, size_t gain, const real *parameters, int n, const real *raw, real *rstd,
                        real *x);
/* Returns the gradient of raw: dx itself where the gain is ABSENT, else draw. */
const real *heads_norm_backward(const Model *model, size_t gain, const real *parameters, int n, const real *raw,
                                const real *rstd, const real *dx, real *draw, real *gradient);

/* act = f(up), with swiglu f(gate, up), over n values. */
void activation_forward(const Model *model, size_t n, const real *gate, const real *up, real *act);
/* dup = ... in place of d act; with swiglu dgate too. */
void activation_backward(const Model *model, size_t n, const real *gate, const real *up, real *dgate, real *dup);

/* ---- attention (attention.c) ------------------------------------------------------------------------------------- */

enum { QUERY_BLOCK = 32 };

/* Reals of one packed map at most, for sequences up to the context length; of one of its blocks; number of blocks. */
size_t attention_map_size(const ModelSettings *settings);
size_t attention_block_size(const ModelSettings *settings);
int attention_n_query_blocks(int length);

/* Lays the mask out for `length`: fills first, end, query_blocks. */
void attention_lay_mask(const Model *model, int length, Workspace *workspace);

/* heads = softmax(q k' / sqrt(D) + bias, masked) v of n sequences; rotates q and k in place first. */
void attention_forward(const Model *model, const real *parameters, int layer, int n, BlockActs *acts,
                       Workspace *workspace);
/* From workspace->dheads to dq, dk, dv, rotated back; the bias table's gradient goes on to the encoding. */
void attention_backward(const Model *model, int layer, int n, const BlockActs *acts, Workspace *workspace,
                        real *gradient);

/* ---- head and loss (head.c) -------------------------------------------------------------------------------------- */

/* Rows of logits that are in memory at a time, of at most n_rows. */
int head_block_rows(const ModelSettings *settings, int n_rows);

/* Sum over rows with a target of the cross-entropy of norm(x) W_head, in nats. With gradient: dx (N,C) is written with
 * scale * d loss, and the parameters' gradients are added. losses (N) may be NULL. */
double head_loss(const Model *model, const real *parameters, int n_rows, const real *x, const int32_t *targets,
                 real scale, Workspace *workspace, real *dx, real *gradient, real *ret_losses);

/* The final norm of n_rows rows: (n_rows, C). */
void head_norm(const Model *model, const real *parameters, int n_rows, const real *x, Workspace *workspace,
               real *ret_normed);

/* Logits of n_rows rows: (n_rows, V). */
void head_logits(const Model *model, const real *parameters, int n_rows, const real *x, Workspace *workspace,
                 real *ret_logits);

#endif
