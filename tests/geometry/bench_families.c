/* What measuring costs: milliseconds per snapshot of each family on all sequences, on as many threads as there are
 * cores, best of some rounds; then what its default cadence makes of it (share of snapshots, share of sequences).
 *
 * The sizes are the quickstart's and those of S in `refframe bench` with 16 sequences, which are 256 maps of 128 x 128.
 * Maps are softmax of normal logits with a sink in every other head. Not a test: it cannot fail.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/lanes.h"
#include "base/pcg.h"
#include "geometry/anchor.h"
#include "geometry/layout.h"
#include "geometry/norms.h"

enum { LANES = 4, ROUNDS = 5 };

typedef struct {
    const char *name;
    int L, H, T, D, C, N;
} Size;

typedef struct {
    View view;
    int n;
    const MetricFamily *family; /* NULL: what every snapshot takes beside families */
    const void *const *states;  /* of all families, by defaults */
    double **columns[LANES];
    double *values[LANES], *layer_maps[LANES];
    Arena *scratch[LANES];
    float *afar[LANES];
    double *norms[LANES];
} Bench;

static real *normals(Arena *arena, Pcg *pcg, size_t n)
{
    real *x = ARENA_ARRAY(arena, real, n);
    for (size_t i = 0; i < n; i++)
        x[i] = (real)pcg_normal(pcg);
    return x;
}

static void causal(const void *state, int i, int length, KeyRanges *ret_keys)
{
    (void)state, (void)length;
    ret_keys->range[0].end = i + 1;
}

static void fill_maps(const View *view, Pcg *pcg, real *maps)
{
    const int T = view->length;
    for (int m = 0; m < view->n_layers * view->n_heads; m++)
        for (int i = 0; i < T; i++) {
            real *row = maps + ((size_t)m * T + i) * T;
            double sum = 0;
            for (int j = 0; j <= i; j++)
                sum += row[j] = (real)exp(pcg_normal(pcg) + (j == 0 && m % 2 ? 4 : 0));
            for (int j = 0; j <= i; j++)
                row[j] = (real)(row[j] / sum);
        }
}

static void set_up(Arena *arena, const Size *s, Bench *bench)
{
    Pcg pcg = pcg_named(1, "bench/families");
    const size_t heads = (size_t)s->L * s->H;
    real *maps = ARENA_ARRAY(arena, real, heads * s->T * s->T);
    const real **slices = ARENA_ARRAY(arena, const real *, s->L);
    int32_t *tokens = ARENA_ARRAY(arena, int32_t, s->T);
    GradientPart *parts = ARENA_ARRAY(arena, GradientPart, s->L);
    View *view = &bench->view;
    for (int l = 0; l < s->L; l++) {
        slices[l] = normals(arena, &pcg, (size_t)s->H * s->D * s->C);
        parts[l] = (GradientPart){GRADIENT_MLP, l, (size_t)s->H * s->D * s->C, slices[l]};
    }
    Visible *visible = ARENA_ARRAY(arena, Visible, 1);
    *visible = visible_new(arena, &(MaskRule){.visible = causal}, s->T);
    *view = view_shape(s->L, s->H, s->C, s->D, visible, kernels_best());
    view->q = normals(arena, &pcg, heads * s->T * s->D), view->k = normals(arena, &pcg, heads * s->T * s->D);
    view->v = normals(arena, &pcg, heads * s->T * s->D), view->heads = normals(arena, &pcg, heads * s->T * s->D);
    view->residual = normals(arena, &pcg, (size_t)(s->L + 1) * s->T * s->C);
    view->normed = normals(arena, &pcg, (size_t)s->T * s->C);
    view->losses = normals(arena, &pcg, (size_t)s->T);
    view->ablated_losses = normals(arena, &pcg, (size_t)N_ABLATIONS * s->T);
    view->gradients = parts, view->n_gradients = s->L;
    view->output_weight = slices;
    view->tokens = tokens;
    view->maps = maps;
    fill_maps(view, &pcg, maps);
    Error err;
    if (families_prepare(arena, NULL, &bench->states, &err) != STATUS_OK)
        abort();
    bench->n = s->N;
    for (int lane = 0; lane < LANES; lane++) {
        bench->columns[lane] = ARENA_ARRAY(arena, double *, layout_most_columns());
        bench->scratch[lane] = arena_within(arena, layout_scratch_bytes(bench->states, view));
        bench->values[lane] = ARENA_ARRAY(arena, double, layout_most_columns() * s->L * s->H);
        bench->afar[lane] = ARENA_ARRAY(arena, float, heads *DISTANCES * s->T);
        bench->layer_maps[lane] = ARENA_ARRAY(arena, double, (size_t)s->L * s->T * s->T);
        bench->norms[lane] = ARENA_ARRAY(arena, double, (size_t)N_NORMS *heads * s->T);
        const NormDesk desk = norm_desk(view, bench->scratch[lane]);
        norms_take(view, &desk, bench->norms[lane]);
        view_average_heads(view, bench->layer_maps[lane]);
        anchor_importance(view, NULL, bench->afar[lane]);
    }
}

static void run_lane(void *context, int lane, int thread)
{
    (void)thread;
    Bench *bench = context;
    View view = bench->view;
    const MetricFamily *family = bench->family;
    view.layer_maps = bench->layer_maps[lane];
    view.afar = bench->afar[lane];
    view.norms = bench->norms[lane];
    for (int c = 0; family && c < family->n_columns; c++)
        bench->columns[lane][c] = bench->values[lane] + (size_t)c * view.n_layers * view.n_heads;
    for (int n = lane * bench->n / LANES; n < (lane + 1) * bench->n / LANES; n++) {
        if (family) {
            arena_clear(bench->scratch[lane]);
            family->measure(bench->states[variant_index(family_variants, family->variant.name)], &view,
                            bench->columns[lane], bench->scratch[lane]);
            continue;
        }
        view_average_heads(&view, bench->layer_maps[lane]);
        arena_clear(bench->scratch[lane]);
        const NormDesk desk = norm_desk(&view, bench->scratch[lane]);
        norms_take(&view, &desk, bench->norms[lane]);
        anchor_importance(&view, NULL, bench->afar[lane]);
    }
}

static double best_seconds(Lanes *lanes, Bench *bench)
{
    double best = INFINITY;
    for (int r = 0; r < ROUNDS; r++) {
        const double start = clock_seconds();
        lanes_run(lanes, LANES, run_lane, bench);
        best = fmin(best, clock_seconds() - start);
    }
    return best;
}

/* What is added up together: spectra, what takes a pass of its own or is costly by nature, and all the rest. */
typedef enum { CLOSED, PUBLISHED, SPECTRAL, OTHER, N_GROUPS } Group;

static Group group_of(const MetricFamily *family)
{
    static const char *const spectral[] = {"spectrum", "graph", "rank", "pub_graph", "pub_spectrum"};
    static const char *const other[] = {"rips", "pub_betti", "pub_fisher", "ablation"};
    for (size_t i = 0; i < sizeof spectral / sizeof *spectral; i++)
        if (strcmp(family->variant.name, spectral[i]) == 0)
            return SPECTRAL;
    for (size_t i = 0; i < sizeof other / sizeof *other; i++)
        if (strcmp(family->variant.name, other[i]) == 0)
            return OTHER;
    return strncmp(family->variant.name, "pub_", 4) == 0 ? PUBLISHED : CLOSED;
}

static void run(Lanes *lanes, const Size *size)
{
    Arena *arena = arena_new();
    Bench bench = {0};
    double sums[N_GROUPS] = {0}, by_cadence = 0;
    set_up(arena, size, &bench);
    printf("%s: L %d, H %d, T %d, %d sequences, %d threads\n", size->name, size->L, size->H, size->T, size->N,
           lanes_threads(lanes));
    View whole = bench.view;
    whole.layer_maps = bench.layer_maps[0];
    for (const MetricFamily *const *it = family_registry; *it; it++) {
        if ((*it)->needs & ~view_has(&whole)) /* slots and interventions: adding up what passes of the model gave */
            continue;
        bench.family = *it;
        const double seconds = best_seconds(lanes, &bench);
        const int every = (*it)->every ? (*it)->every : 1;
        const double share = (*it)->sequences && (*it)->sequences < size->N ? (double)(*it)->sequences / size->N : 1;
        printf("  %-16s %8.2f ms; every %d, %3.0f %% of the sequences: %6.2f ms\n", (*it)->variant.name, seconds * 1e3,
               every, 100 * share, seconds * share / every * 1e3);
        sums[group_of(*it)] += seconds;
        by_cadence += seconds * share / every;
    }
    bench.family = NULL;
    const double shared = best_seconds(lanes, &bench);
    printf("  %-16s %8.2f ms\n", "(what is shared)", shared * 1e3);
    printf("  closed forms %.2f ms, published ones %.2f ms, eigen- and singular values %.2f ms, others %.2f ms (extra "
           "passes "
           "not counted)\n  by default cadence %.2f ms a snapshot\n\n",
           (sums[CLOSED] + shared) * 1e3, sums[PUBLISHED] * 1e3, sums[SPECTRAL] * 1e3, sums[OTHER] * 1e3,
           (by_cadence + shared) * 1e3);
    arena_free(arena);
}

int main(void)
{
    static const Size sizes[] = {{"quickstart", 2, 2, 64, 64, 128, 32}, {"S", 4, 4, 128, 32, 128, 16}};
    Error err;
    Lanes *lanes;
    if (lanes_new(clock_cores(), &lanes, &err) != 0)
        return 1;
    for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++)
        run(lanes, &sizes[s]);
    lanes_free(lanes);
    return 0;
}
