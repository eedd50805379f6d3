/* A View: everything measuring may look at of one model on one sequence. Arrays are const and nullable; a family says
 * in `needs` which it requires. The driver in train/ (or a reader of anybody's maps) fills it; families never copy it.
 */
#ifndef REFFRAME_GEOMETRY_VIEW_H
#define REFFRAME_GEOMETRY_VIEW_H

#include <math.h>
#include <stddef.h>
#include <stdint.h>

#include "base/visible.h"
#include "num/kernels.h"
#include "num/logit.h"

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

/* What the family `interventions` does to a model. */
typedef enum {
    INTERVENE_HIDE,
    INTERVENE_ZERO_VALUE,
    INTERVENE_PUT_VALUE,
    INTERVENE_SPREAD,
    INTERVENE_QUERY_BIAS,
    INTERVENE_KEY_BIAS,
    INTERVENE_ZERO_POSITION,
    INTERVENE_SWAP_POSITIONS,
    INTERVENE_MLP,
    N_INTERVENTIONS
} Intervention;

/* What came of one: at the place that is asked for, and at a drawn one; NaN where there is no such thing to change. */
typedef struct {
    double cost[2];        /* rise of the mean loss over the sequence's targets */
    const double *sink[2]; /* (L,H) sink_mass_idle, or sink_mass where the source has no idle queries; NULL: none */
} Intervened;

/* Norms that several families start from (norms.h). */
typedef enum { NORMS_OF_Q, NORMS_OF_K, NORMS_OF_V, NORMS_OF_WRITTEN, N_NORMS } NormsOf;

typedef struct {
    int n_layers, n_heads, d_model, d_head, length; /* L H C D T */
    const Visible *visible;                         /* what the mask shows */
    const Kernels *kernels;
    const real *maps;         /* (L,H,T,T) attention, 0 where hidden */
    const real *q, *k, *v;    /* (L,H,T,D) q and k after rotation */
    const real *heads;        /* (L,H,T,D) what each head gives, as the model made it: before W_O, after all else */
    const float *afar;        /* (L,H,DISTANCES,T) importance from afar; NULL: taken anew where it is asked for */
    const double *norms;      /* (N_NORMS,L,H,T); NULL: taken anew where they are asked for */
    const double *layer_maps; /* (L,T,T) mean over each layer's heads */
    const real *bias;         /* (L,H,2T-1) position bias at T-1+(i-j), NULL for none */
    int bias_by_query;        /* it differs from query to query: (L,H,T,2T-1) */
    Logit logit;              /* how scores are made of q.k and bias: q.k/sqrt(D) + bias if nobody says otherwise */
    const double *baseline;   /* (L,H,T) importances from afar to hold them against; NULL: uniform attention's */
    const real *residual;     /* (L+1,T,C) input of each layer, then the last one's output */
    const real *normed;       /* (T,C) the last one's output after the final norm */
    const real *const *output_weight; /* L pointers to (H*D, C): a head's slice is D consecutive rows */
    const int32_t *tokens;            /* (T) input ids */
    const uint8_t *is_idle;           /* (T) queries with nothing to fetch, NULL where the source has no such notion */
    const GradientPart *gradients;
    int n_gradients;
    const real *losses;           /* (T) at each query, NaN where nothing is to be predicted */
    const real *ablated_losses;   /* (N_ABLATIONS,T) the same with a key hidden */
    int ablated[N_ABLATIONS];     /* which key; -1: there was none to hide */
    const Intervened *intervened; /* (N_INTERVENTIONS,) */
    const real *slots; /* (L,H,T,S) what each query gives to each of its head's slots; NULL: there are none */
    int n_slots;       /* S */
    int end;           /* position of the end marker; -1: none is marked, the last position stands in */
} View;

/* What a family needs of a View: without it the family is not called. Biases, tokens, idle flags and end marker are
 * used by a family of maps where they are. */
enum {
    NEEDS_MAPS = 1,
    NEEDS_QKV = 2,      /* and heads */
    NEEDS_RESIDUAL = 4, /* and normed */
    NEEDS_WEIGHTS = 8,
    NEEDS_TOKENS = 16,
    NEEDS_LAYER_MAPS = 32,
    NEEDS_GRADIENT = 64,
    NEEDS_INTERVENTION = 128, /* losses and ablated losses */
    NEEDS_INTERVENED = 256,
    NEEDS_SLOTS = 512,
};

/* A View that has sizes, mask and kernels, and nothing to measure yet. What only lays memory out needs no more, and of
 * the mask no more than its length. */
View view_shape(int n_layers, int n_heads, int d_model, int d_head, const Visible *visible, const Kernels *kernels);

/* Everything that a View has, as the sum of such needs. */
unsigned view_has(const View *view);

/* Fills (L,T,T) with the mean of each layer's heads, added in their order. */
void view_average_heads(const View *view, double *ret_layer_maps);

/* What query i sees: a loop over its keys is one over range[r], r < KEY_RANGES. */
static inline const KeyRange *view_keys(const View *view, int i)
{
    return view->visible->keys[i].range;
}

static inline int view_sees(const View *view, int i, int key)
{
    return keys_include(&view->visible->keys[i], key);
}

/* The map (T,T) of a head; its rows of q, k, v or heads (T,D). */
static inline const real *view_map(const View *view, int layer, int head)
{
    return view->maps + ((size_t)layer * view->n_heads + head) * view->length * view->length;
}

static inline const real *view_rows(const View *view, const real *qkv, int layer, int head)
{
    return qkv + ((size_t)layer * view->n_heads + head) * view->length * view->d_head;
}

/* The position bias of one query of a head: entry -j is that for key j. NULL for none. */
static inline const real *view_bias(const View *view, int layer, int head, int i)
{
    const size_t T = (size_t)view->length, width = 2 * T - 1, at = (size_t)layer * view->n_heads + head;
    const size_t row = view->bias_by_query ? at * T + (size_t)i : at;
    return view->bias ? view->bias + row * width + T - 1 + i : NULL;
}

/* Euclidean norms (n,) of the rows of x (n,width), in double. */
static inline void row_norms(const Kernels *kernels, int n, int width, const real *x, double *ret_norms)
{
    kernels->row_squares(n, width, x, ret_norms);
    for (int r = 0; r < n; r++)
        ret_norms[r] = sqrt(ret_norms[r]);
}

/* A row of zeros: a query that attends to nothing. Such rows leave every mean over queries. */
int view_row_is_empty(const View *view, const real *row);

/* Mean of A_ik over queries i >= first, i != skipped, that see k, of which is_counted (T,) is set (NULL: all); rows of
 * zeros are left out. NaN if no query is left. */
double view_mean_inflow(const View *view, const real *map, int k, int first, int skipped, const uint8_t *is_counted);

/* The same into the end marker, or the last position where nothing marks it, from all others; NaN where no query before
 * it sees it. */
double view_end_inflow(const View *view, const real *map);

/* What position alone gives, by whoever knows the model: the weights (T) of query i in a head with q.k = 0, 0 where a
 * key is hidden. */
typedef struct {
    const void *context;
    void (*weights)(const void *context, int layer, int head, int i, double *ret_weights);
} PositionRows;

/* Fills maps (L,H,T,T) with the two computed baselines: uniform attention under the mask, and position-only attention.
 * `row`: (T,) scratch. */
void view_uniform_maps(const View *shape, real *ret_maps);
void view_position_maps(const View *shape, const PositionRows *rows, double *row, real *ret_maps);

#endif
