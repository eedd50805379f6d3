/* What measuring costs: milliseconds per snapshot of each family, N sequences on one thread, best of some rounds.
 *
 * `bench_families`. The sizes are the quickstart's (T 64, L 2, H 2, d_model 128, N 32). Not a test: it cannot fail.
 */
#include <math.h>
#include <stdio.h>

#include "base/clock.h"
#include "base/pcg.h"
#include "geometry/metric.h"

enum { L = 2, H = 2, T = 64, D = 64, C = 128, N = 32, ROUNDS = 5 };

static real *normals(Arena *arena, Pcg *pcg, size_t n)
{
    real *x = ARENA_ARRAY(arena, real, n);
    for (size_t i = 0; i < n; i++)
        x[i] = (real)pcg_normal(pcg);
    return x;
}

static void set_up(Arena *arena, View *ret_view)
{
    Pcg pcg = pcg_named(1, "bench/families");
    real *maps = ARENA_ARRAY(arena, real, L * H * T * T), *bias = ARENA_ARRAY(arena, real, L * H * (2 * T - 1));
    const real **slices = ARENA_ARRAY(arena, const real *, L);
    for (int l = 0; l < L; l++)
        slices[l] = normals(arena, &pcg, H * D * C);
    for (int d = 0; d < L * H * (2 * T - 1); d++)
        bias[d] = (real)(-0.1 * fabs(d % (2 * T - 1) - (T - 1.0)));
    *ret_view = (View){.n_layers = L, .n_heads = H, .d_model = C, .d_head = D, .length = T, .is_causal = 1, .end = -1};
    ret_view->q = normals(arena, &pcg, L * H * T * D);
    ret_view->k = normals(arena, &pcg, L * H * T * D);
    ret_view->v = normals(arena, &pcg, L * H * T * D);
    ret_view->residual = normals(arena, &pcg, (L + 1) * T * C);
    ret_view->output_weight = slices;
    ret_view->bias = bias;
    ret_view->maps = maps;
    view_position_maps(ret_view, bias, maps);
    double *layer_maps = ARENA_ARRAY(arena, double, L *T *T);
    view_average_heads(ret_view, layer_maps);
    ret_view->layer_maps = layer_maps;
}

int main(void)
{
    Arena *arena = arena_new();
    View view;
    set_up(arena, &view);
    double total = 0;
    float *importance = ARENA_ARRAY(arena, float, L *H *T);
    for (const MetricFamily *const *family = family_registry; *family; family++) {
        void *scratch = arena_alloc(arena, (*family)->scratch_bytes ? (*family)->scratch_bytes(&view) : 0);
        double **columns = ARENA_ARRAY(arena, double *, (*family)->n_columns), best = INFINITY;
        for (int c = 0; c < (*family)->n_columns; c++)
            columns[c] = ARENA_ARRAY(arena, double, L *H);
        for (int r = 0; r < ROUNDS; r++) {
            const double start = clock_seconds();
            for (int n = 0; n < N; n++)
                (*family)->measure(&view, columns, scratch);
            best = fmin(best, clock_seconds() - start);
        }
        printf("%-12s %8.2f ms\n", (*family)->name, best * 1e3);
        total += best;
    }
    double best = INFINITY;
    for (int r = 0; r < ROUNDS; r++) {
        const double start = clock_seconds();
        for (int n = 0; n < N; n++)
            anchor_importance(&view, importance);
        best = fmin(best, clock_seconds() - start);
    }
    printf("%-12s %8.2f ms\n%-12s %8.2f ms\n", "(importance)", best * 1e3, "total", (total + best) * 1e3);
    arena_free(arena);
    return 0;
}
