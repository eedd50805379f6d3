/* Views to measure, filled by hand or at random, and maps of known geometry. */
#ifndef REFFRAME_TESTS_GEOMETRY_SUPPORT_H
#define REFFRAME_TESTS_GEOMETRY_SUPPORT_H

#include "base/arena.h"
#include "base/pcg.h"
#include "geometry/metric.h"

/* Slots of each head of a View. */
enum { TEST_SLOTS = 6 };

/* A View whose arrays may be written; all of them are there, idle queries and an end marker not until set. */
typedef struct {
    View view;
    real *maps, *q, *k, *v, *residual, *normed, *weights; /* weights: (L,H*D,C) */
    real *slots;                                          /* (L,H,T,TEST_SLOTS) */
    real *bias;
    real *losses, *ablated_losses, *gradients; /* gradients: C of each part */
    GradientPart *parts;
    Intervened *intervened;
    double *sinks; /* (N_INTERVENTIONS,2,L,H) */
    int32_t *tokens;
    uint8_t *is_idle;
} Built;

/* Under what everything is tried: no model here knows the last four. */
typedef enum {
    MASK_FULL,
    MASK_CAUSAL,   /* the two that is_causal tells apart */
    MASK_WINDOW,   /* the last nine keys, and the first two */
    MASK_REVERSED, /* keys from its own on */
    MASK_BLOCKS,   /* keys of its own seven */
    MASK_AHEAD,    /* the first key, and five from its own on */
    N_MASKS
} TestMask;
extern const MaskRule test_masks[N_MASKS];

/* A View of sizes and mask, with nothing to measure. */
View shape_under(Arena *arena, TestMask mask, int n_layers, int n_heads, int length);

Built *built_new(Arena *arena, int n_layers, int n_heads, int length, int d_head, int d_model, TestMask mask);

/* Position-only attention of a softmax over the mask and a bias (L,H,2T-1), as a View's drivers hand it to geometry;
 * and what follows from it: maps, and importances (L,H,T) as a View's baseline. Memory from arena. */
typedef struct {
    const View *shape;
    const real *bias;
} SoftmaxRows;

PositionRows softmax_rows(const SoftmaxRows *rows);
void softmax_maps(Arena *arena, const View *shape, const real *bias, real *ret_maps);
double *softmax_baseline(Arena *arena, const View *shape, const real *bias);

/* Everything at random: maps from softmax of normal logits, bias among them; every third query idle. */
void built_randomise(Built *built, Pcg *pcg);

/* 0 in every map where the mask hides, as a View promises: for maps that a test wrote into anywhere. */
void built_hide(Built *built);

/* One layer and one head of T tokens around a map, nothing else: what a reader of anybody's maps has. */
Built *built_map(Arena *arena, int length, TestMask mask);

/* What the registry's family says of a column: (L,H) or (L,). Asserts that it takes the scratch that it says, and that
 * nothing beside it and the columns is written. */
double *measured(Arena *arena, const View *view, const char *column);
/* The only value of a view of one layer and one head. */
double measured_one(const View *view, const char *column);
/* A family's state with all keys at their defaults, or one at another value. */
const void *family_state(Arena *arena, const MetricFamily *family, const char *key, const char *value);

/* (L,H,T,D) A v: what a View's heads give. */
const real *mixed_values(Arena *arena, const View *view);

/* `measured` for a family that no registry holds; one that needs mean maps of layers, or what heads give, has it from
 * the view's maps. ret_columns[c]: (L,H) or (L,). */
void measure_family(Arena *arena, const MetricFamily *family, const void *state, const View *view,
                    double **ret_columns);

/* Maps (T,T). Anchors: w evenly on the visible ones and 1-w evenly on everything visible (all of it where no anchor
 * is). */
void map_uniform(int length, int is_causal, real *ret_map);
void map_anchors(int length, int is_causal, double w, int n, const int *places, real *ret_map);
void map_star(int length, double w, real *ret_map);     /* causal: w on 0, 1-w evenly on 1..i */
void map_previous(int length, double w, real *ret_map); /* causal: w on i-1 (0 on itself), 1-w evenly */
void map_self(int length, int is_causal, double w, real *ret_map);

#endif
