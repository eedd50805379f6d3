/* What bars cost: milliseconds a graph, best of some rounds on one thread; and what components and cycles cost at six
 * thresholds, for all the maps of a snapshot. Not a test: it cannot fail.
 *
 * `attention` is the distances 1 - max(a_ij, a_ji) of a causal softmax map with a sink; `independent` weights leave
 * the most loops open at a time; `circle` has one for long.
 */
#include <math.h>
#include <stdio.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/pcg.h"
#include "geometry/layout.h"
#include "geometry/persistence.h"

enum { ROUNDS = 20 };

static void attention(int n, Pcg *pcg, double *ret_weights)
{
    for (int i = 0; i < n; i++) {
        double sum = 0;
        for (int j = 0; j <= i; j++) {
            ret_weights[j * n + i] = exp(1.5 * pcg_normal(pcg) - 0.05 * (i - j) + (j == 0 ? 3 : 0));
            sum += ret_weights[j * n + i];
        }
        for (int j = 0; j <= i; j++)
            ret_weights[j * n + i] = 1 - ret_weights[j * n + i] / sum;
    }
}

static void independent(int n, Pcg *pcg, double *ret_weights)
{
    for (int e = 0; e < n * n; e++)
        ret_weights[e] = fabs(pcg_normal(pcg));
}

static void circle(int n, Pcg *pcg, double *ret_weights)
{
    for (int i = 0; i < n; i++)
        for (int j = i + 1; j < n; j++)
            ret_weights[i * n + j] = fmin(j - i, n - (j - i)) + 1e-3 * fabs(pcg_normal(pcg));
}

static const struct {
    const char *name;
    void (*fill)(int n, Pcg *pcg, double *ret_weights);
} graphs[] = {{"attention", attention}, {"independent", independent}, {"circle", circle}};

static void full(const void *state, int i, int length, KeyRanges *ret_keys)
{
    (void)state, (void)i;
    ret_keys->range[0].end = length;
}

static void causal(const void *state, int i, int length, KeyRanges *ret_keys)
{
    (void)state, (void)length;
    ret_keys->range[0].end = i + 1;
}

/* Random maps under each mask, and the map with the most edges, uniform attention to 40 keys. */
static void topology(Arena *arena, Pcg *pcg)
{
    enum { MAPS = 256, T = 128, MOST = 40 };
    static const char *const names[] = {"full", "causal", "most edges"};
    const MetricFamily *family = family_find("topology");
    real *maps = ARENA_ARRAY(arena, real, (size_t)MAPS * T * T);
    double *columns[64];
    Visible visibles[2] = {visible_new(arena, &(MaskRule){.visible = full}, T),
                           visible_new(arena, &(MaskRule){.visible = causal}, T)};
    View view = view_shape(1, MAPS, 1, 1, &visibles[0], kernels_best());
    view.maps = maps;
    Arena *scratch = arena_within(arena, layout_scratch_bytes(NULL, &view));
    for (int c = 0; c < family->n_columns; c++)
        columns[c] = ARENA_ARRAY(arena, double, MAPS);
    for (int kind = 0; kind < 3; kind++) {
        double best = INFINITY;
        view.visible = &visibles[kind == 1];
        for (int row = 0; row < MAPS * T; row++) {
            const int i = row % T, end = kind == 1 ? i + 1 : T;
            double weights[T], sum = 0;
            for (int j = 0; j < T; j++) {
                weights[j] = j >= end ? 0 : kind == 2 ? (i + j) * 7 % T < MOST : exp(1.5 * pcg_normal(pcg));
                sum += weights[j];
            }
            for (int j = 0; j < T; j++)
                maps[(size_t)row * T + j] = (real)(weights[j] / sum);
        }
        for (int r = 0; r < ROUNDS; r++) {
            const double start = clock_seconds();
            arena_clear(scratch);
            family->measure(NULL, &view, columns, scratch);
            best = fmin(best, clock_seconds() - start);
        }
        printf("topology, %d maps of %d, %-10s %8.3f ms\n", MAPS, T, names[kind], best * 1e3);
    }
}

int main(void)
{
    static const int sizes[][2] = {{30, 1}, {64, 0}, {64, 1}, {128, 0}, {128, 1}, {256, 0}};
    Arena *arena = arena_new();
    Pcg pcg = pcg_named(1, "bench/persistence");
    for (size_t g = 0; g < sizeof graphs / sizeof *graphs; g++)
        for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++) {
            const int n = sizes[s][0], last_dimension = sizes[s][1];
            double *weights = ARENA_ARRAY(arena, double, n *n), best = INFINITY;
            const size_t before = arena_used(arena);
            PersistenceDesk *desk = persistence_desk(arena, n, last_dimension);
            const double mib = (double)(arena_used(arena) - before) / (1 << 20);
            Persistence found;
            graphs[g].fill(n, &pcg, weights);
            for (int r = 0; r < ROUNDS; r++) {
                const double start = clock_seconds();
                persistence_find(desk, weights, NULL, &found);
                best = fmin(best, clock_seconds() - start);
            }
            printf("%-12s n %3d, dimensions 0..%d %8.3f ms, %3d + %3d bars, %5.1f MiB\n", graphs[g].name, n,
                   last_dimension, best * 1e3, found.n_bars[0], found.n_bars[1], mib);
        }
    topology(arena, &pcg);
    arena_free(arena);
    return 0;
}
