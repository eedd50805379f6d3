/* A View: everything measuring may look at of one model on one sequence. Arrays are const and nullable; a family says
 * in `needs` which it requires. The driver in train/ (or a reader of anybody's maps) fills it; families never copy it.
 */
#ifndef REFFRAME_GEOMETRY_VIEW_H
#define REFFRAME_GEOMETRY_VIEW_H

#include <math.h>
#include <stddef.h>
#include <stdint.h>

#include "num/kernels.h"

/* The gradient of one sequence's mean loss for some tensor: which layer it belongs to (-1: none) and which group. */
typedef enum { GRADIENT_ATTENTION, GRADIENT_MLP, GRADIENT_EMBEDDING } GradientGroup;

typedef struct {
    GradientGroup group;
    int layer;
    size_t n;
    const real *values; /* (n,) */
} GradientPart;

/* Keys that an intervention hides from every query of every head: position 0, the top anchor, a drawn position. */
enum { ABLATE_START, ABLATE_ANCHOR, ABLATE_NULL, N_ABLATIONS };

typedef struct {
    int n_layers, n_heads, d_model, d_head, length; /* L H C D T */
    int is_causal;
    const real *maps;         /* (L,H,T,T) attention, 0 where hidden */
    const real *q, *k, *v;    /* (L,H,T,D) q and k after rotation; scores are q.k/sqrt(D) + bias */
    const float *importance;  /* (L,H,T) anchor importance of the maps; NULL: taken anew where it is asked for */
    const double *layer_maps; /* (L,T,T) mean over each layer's heads */
    const real *bias;         /* (L,H,2T-1) position bias at T-1+(i-j), NULL for none */
    const real *start_bias;   /* (L,H,2T-1) the same at step 0: what position alone gives, NULL for none */
    const real *residual;     /* (L+1,T,C) input of each layer, then the last one's output */
    const real *normed;       /* (T,C) the last one's output after the final norm */
    const real *const *output_weight; /* L pointers to (H*D, C): a head's slice is D consecutive rows */
    const int32_t *tokens;            /* (T) input ids */
    const uint8_t *is_idle;           /* (T) queries with nothing to fetch, NULL where the source has no such notion */
    const GradientPart *gradients;
    int n_gradients;
    const real *losses;         /* (T) nats at each query, NaN where nothing is to be predicted */
    const real *ablated_losses; /* (N_ABLATIONS,T) the same with a key hidden */
    int ablated[N_ABLATIONS];   /* which key; -1: there was none to hide */
    int end;                    /* position of the end marker; -1: none is marked, the last position stands in */
} View;

/* What a family needs of a View: without it the family is not called. Biases, tokens, idle flags and end marker are
 * used by a family of maps where they are. */
enum {
    NEEDS_MAPS = 1,
    NEEDS_QKV = 2,
    NEEDS_RESIDUAL = 4, /* and normed */
    NEEDS_WEIGHTS = 8,
    NEEDS_TOKENS = 16,
    NEEDS_LAYER_MAPS = 32,
    NEEDS_GRADIENT = 64,
    NEEDS_INTERVENTION = 128, /* losses and ablated losses */
};

/* Everything that a View has, as the sum of such needs. */
unsigned view_has(const View *view);

/* Fills (L,T,T) with the mean of each layer's heads, added in their order. */
void view_average_heads(const View *view, double *ret_layer_maps);

/* Which keys query i sees under the view's mask: [*ret_first, *ret_end). */
void view_visible(const View *view, int i, int *ret_first, int *ret_end);

/* The map (T,T) of a head; its rows of q, k or v (T,D). */
static inline const real *view_map(const View *view, int layer, int head)
{
    return view->maps + ((size_t)layer * view->n_heads + head) * view->length * view->length;
}

static inline const real *view_rows(const View *view, const real *qkv, int layer, int head)
{
    return qkv + ((size_t)layer * view->n_heads + head) * view->length * view->d_head;
}

/* Euclidean norms (n,) of the rows of x (n,width), in double. */
static inline void row_norms(const Kernels *kernels, int n, int width, const real *x, double *ret_norms)
{
    kernels->row_squares(n, width, x, ret_norms);
    for (int r = 0; r < n; r++)
        ret_norms[r] = sqrt(ret_norms[r]);
}

/* x (n,) in double. */
static inline void widen(int n, const real *x, double *ret_wide)
{
    for (int i = 0; i < n; i++)
        ret_wide[i] = x[i];
}

/* A row of zeros: a query that attends to nothing. Such rows leave every mean over queries. */
int view_row_is_empty(const View *view, const real *row);

/* Mean of A_ik over queries i >= first, i != skipped, of which is_counted (T,) is set (NULL: all); rows of zeros are
 * left out. NaN if no query is left. */
double view_mean_inflow(const View *view, const real *map, int k, int first, int skipped, const uint8_t *is_counted);

/* A position other than 0, drawn from the tokens (from the length alone without them), layer and head: where anchor
 * statistics are taken again as their null. Eligible as an anchor (anchor.h), the same for the same sequence; -1 if
 * there is none. `salt` tells several draws for one head apart. */
int view_null_position(const View *view, int layer, int head, int salt);

/* Fills maps (L,H,T,T) with the two computed baselines: uniform attention under the mask, and the softmax of mask and
 * position bias alone (q.k = 0; bias NULL gives uniform). */
void view_uniform_maps(const View *shape, real *ret_maps);
void view_position_maps(const View *shape, const real *bias, real *ret_maps);

#endif
