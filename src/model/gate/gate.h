/* Gates: factors that head outputs, or the values that heads read, are multiplied by. One file each, with a const Gate
 * at its foot.
 *
 *   z = h W + b;   g = f(z);   y = g x,   with h the block's normed input, which q, k and v are made of, too
 *
 * The layer and the product are the model's (gating.c); a gate says how many factors a head has, and f. The derivative
 * of f must follow from g alone, which is what is kept.
 */
#ifndef REFFRAME_MODEL_GATE_H
#define REFFRAME_MODEL_GATE_H

#include "base/variant.h"
#include "model/parameters.h"
#include "model/settings.h"
#include "num/kernels.h"

typedef enum { GATE_OUTPUT, GATE_VALUE } GatePlace;
extern const char *const gate_places[];

/* What every gate is told; its state begins with it. */
typedef struct {
    GatePlace on;
    int bias;
    double initial;
} GateKeys;

/* Its rows, for a state that is a GateKeys or begins with one. */
/* clang-format off */
#define GATE_ROWS                                                                                                      \
    {"on", VALUE_CHOICE, "output", 0, 0, gate_places, "what is multiplied: head outputs, or the values that heads "    \
     "read", FIELD(GateKeys, on)},                                                                                     \
    {"bias", VALUE_BOOL, "false", 0, 0, NULL, "of the layer that makes the factors", FIELD(GateKeys, bias)},           \
    {"initial", VALUE_NUMBER, "0", -100, 100, NULL, "with bias: its value at step 0; at 40 a sigmoid is 1",            \
     FIELD(GateKeys, initial)}
/* clang-format on */

struct Gate {
    Variant variant;       /* keys below model.gate */
    ModelPrepare *prepare; /* NULL: no gate at all, and no forward */
    int by_channel;        /* a factor for each channel of a head; else one for all of them */

    /* In place, z (n,) to the factors g. */
    void (*forward)(const void *state, const Kernels *kernels, size_t n, real *z);
    /* In place, the gradient of the factors to that of z; g as forward left it. */
    void (*backward)(const void *state, size_t n, const real *g, real *dg);
};

REGISTRY(Gate, gate);

/* The sigmoid 1 / (1 + exp -z), dz = dg g (1 - g), for those whose f it is. */
void gate_sigmoid_forward(const void *state, const Kernels *kernels, size_t n, real *z);
void gate_sigmoid_backward(const void *state, size_t n, const real *g, real *dg);

#endif
