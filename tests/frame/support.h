/* Measuring sets for the classifier: importances written by hand, or taken from maps. */
#ifndef REFFRAME_TESTS_FRAME_SUPPORT_H
#define REFFRAME_TESTS_FRAME_SUPPORT_H

#include "frame/frame.h"
#include "num/real.h"

/* A FrameInput whose arrays may be written. Importances start at the uniform baseline, tokens at 10 + position. */
typedef struct {
    FrameInput input;
    float *afar, *baseline, *half_afar, *half_baseline;
    int32_t *tokens, *half_tokens;
} Measured;

/* What a causal or a full mask shows of `length` tokens; what a window of `width` keys and the first `n_first` do. */
Visible *mask_of(Arena *arena, int length, int is_causal);
Visible *window_of(Arena *arena, int length, int width, int n_first);

/* half_length 0: no second set. */
Measured *measured_new(Arena *arena, int n, int n_layers, int n_heads, int length, int half_length, int is_causal);

/* Puts importance `a`, from any distance, on a key of one head in every sequence, or in one (sequence >= 0); of the
 * second set; as a baseline of every head. */
void put(Measured *measured, int sequence, int layer, int head, int k, double a);
void put_half(Measured *measured, int sequence, int layer, int head, int k, double a);
void put_baseline(Measured *measured, int k, double a);
void put_token(Measured *measured, int sequence, int k, int32_t token);

/* Importances of one map (T,T) of a causal or full mask into (DISTANCES,T). */
void importance_of_map(int length, int is_causal, const real *map, float *ret_afar);

Frame classify(const Measured *measured, int layer, int head);

#endif
