/* What gates have in common. */
#include "model/gate/gate.h"

const char *const gate_places[] = {[GATE_OUTPUT] = "output", [GATE_VALUE] = "value", NULL};

void gate_sigmoid_forward(const void *state, const Kernels *kernels, size_t n, real *z)
{
    (void)state;
    for (size_t i = 0; i < n; i++)
        z[i] = -z[i];
    kernels->exponential(n, z, z);
    for (size_t i = 0; i < n; i++)
        z[i] = 1 / (1 + z[i]);
}

void gate_sigmoid_backward(const void *state, size_t n, const real *g, real *dg)
{
    (void)state;
    for (size_t i = 0; i < n; i++)
        dg[i] *= g[i] * (1 - g[i]);
}
