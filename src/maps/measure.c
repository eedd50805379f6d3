/* Every family of maps alone on every sequence, then the set's values and its labels.
 *
 * Sequences of one length go together: they share one set of uniform maps, and without tokens one row of baselines (a
 * null position is drawn from the tokens, so that with them each sequence has its own). A sequence is one lane; it
 * writes its own rows, so threads change nothing.
 */
#include "maps/measure.h"

#include <math.h>
#include <string.h>

#include "base/lanes.h"
#include "geometry/anchor.h"

/* What one thread works in, made for the longest sequence. */
typedef struct {
    double *layer_maps; /* (L,T,T) */
    double **columns;
    Arena *scratch;
    float *afar; /* (L,H,DISTANCES,T) */
} Bench;

typedef struct {
    const MapsSet *set;
    MapsResult *result;
    double *values, **baselines; /* the result's */
    Bench *benches;
    float *afar;                /* (N,L,H,DISTANCES,T) of the longest T, NaN behind a sequence's own */
    float *baseline;            /* likewise, or (L,H,T) if all sequences are alike */
    int *members;               /* sequences of the length under way */
    real *uniform;              /* (L,H,T,T) of that length */
    double *uniform_layer_maps; /* (L,T,T) */
    float *uniform_afar;        /* (L,H,DISTANCES,T) */
} Work;

static int is_ragged(const MapsSet *set)
{
    return set->shortest < set->longest;
}

int maps_has_place(const MapsResult *result, const Place *place)
{
    return family_sees_maps_only(place->family) || (result->sees_more && maps_is_available(result, place));
}

int maps_is_available(const MapsResult *result, const Place *place)
{
    int n = 0;
    for (int i = 0; i < place->size; i++)
        n += result->pooled[place->offset + i].n;
    return n > 0;
}

/* ---- memory ---- */

static size_t head_values(const MapsSet *set, int length)
{
    return (size_t)set->n_layers * set->n_heads * length;
}

static int has_length(const MapsSet *set, int length)
{
    return maps_visible(set, 0, length)->length > 0;
}

/* The most that a family needs: perhaps for a shorter sequence, as one that gives up beyond some length does. */
static size_t scratch_bytes(const MapsSet *set)
{
    size_t most = 0;
    for (int length = set->shortest; length <= set->longest; length++) {
        const View shape = maps_shape(set, length);
        const size_t bytes = has_length(set, length) ? layout_scratch_bytes(set->states, &shape) : 0;
        most = bytes > most ? bytes : most;
    }
    return most;
}

static Bench bench_new(Arena *arena, const MapsSet *set, size_t n_scratch)
{
    return (Bench){
        .layer_maps = ARENA_ARRAY(arena, double, (size_t)set->n_layers * set->longest * set->longest),
        .columns = ARENA_ARRAY(arena, double *, layout_most_columns()),
        .scratch = arena_within(arena, n_scratch),
        .afar = ARENA_ARRAY(arena, float, head_values(set, set->longest) * DISTANCES),
    };
}

static void lay_pooled(Arena *arena, MapsResult *result)
{
    const MapsSet *set = result->set;
    result->pooled = ARENA_ARRAY(arena, Pooled, result->layout.n_values);
    result->pooled_baseline = ARENA_ARRAY(arena, double, result->layout.n_values);
    result->heads = ARENA_ARRAY(arena, Frame, set->n_layers * set->n_heads);
    result->layers = ARENA_ARRAY(arena, Frame, set->n_layers);
}

/* The memory of a result whose layout is known, and what measuring works in; or, from counting arenas, its bytes. */
static void take_memory(Arena *arena, Arena *scratch, int n_threads, Work *work)
{
    const MapsSet *set = work->set;
    MapsResult *result = work->result;
    const size_t wide = head_values(set, set->longest), n_values = (size_t)result->layout.n_values;
    const size_t n_scratch = scratch_bytes(set);
    result->values = work->values = ARENA_ARRAY(arena, double, set->n *n_values);
    work->baselines = ARENA_ARRAY(arena, double *, set->n);
    result->baselines = (const double **)work->baselines;
    lay_pooled(arena, result);
    work->benches = ARENA_ARRAY(scratch, Bench, n_threads);
    for (int t = 0; t < n_threads; t++) {
        const Bench bench = bench_new(scratch, set, n_scratch);
        if (work->benches)
            work->benches[t] = bench;
    }
    work->members = ARENA_ARRAY(scratch, int, set->n);
    work->uniform = ARENA_ARRAY(scratch, real, wide * set->longest);
    work->uniform_layer_maps = ARENA_ARRAY(scratch, double, (size_t)set->n_layers * set->longest * set->longest);
    work->uniform_afar = ARENA_ARRAY(scratch, float, wide *DISTANCES);
    work->afar = ARENA_ARRAY(scratch, float, set->n *wide *DISTANCES);
    work->baseline = ARENA_ARRAY(scratch, float, (is_ragged(set) ? set->n : 1) * wide * DISTANCES);
}

double maps_measure_bytes(const MapsSet *set, int threads)
{
    Arena *arena = arena_new(), *counting = arena_new_counting();
    MapsResult result = {.set = set, .layout = layout_new(arena, set->n_layers, set->n_heads)};
    Work work = {.set = set, .result = &result};
    take_memory(counting, counting, threads < set->n ? threads : set->n, &work);
    const double rows = (double)set->n * result.layout.n_values * sizeof(double); /* of baselines, one each at most */
    const double bytes = (double)arena_used(arena) + (double)arena_used(counting) + rows;
    arena_free(counting);
    arena_free(arena);
    return bytes;
}

/* ---- one sequence ---- */

static void run_families(const Work *work, const View *view, Bench *bench, double *row)
{
    const Layout *layout = &work->result->layout;
    for (int i = 0; i < layout->n_values; i++)
        row[i] = (double)NAN;
    for (int f = 0; family_registry[f]; f++)
        if (family_sees_maps_only(family_registry[f]))
            layout_measure(layout, family_registry[f], work->set->states[f], view, bench->columns, bench->scratch, row);
}

/* (L,H,DISTANCES,T) into the first T places of each row of (L,H,DISTANCES,longest). */
static void spread(const MapsSet *set, int length, const float *afar, float *ret_wide)
{
    for (int row = 0; row < set->n_layers * set->n_heads * DISTANCES; row++)
        for (int k = 0; k < set->longest; k++)
            ret_wide[(size_t)row * set->longest + k] = k < length ? afar[(size_t)row * length + k] : (float)NAN;
}

static void measure_sequence(void *context, int lane, int thread)
{
    const Work *work = context;
    Bench *bench = &work->benches[thread];
    const int s = work->members[lane];
    const Layout *layout = &work->result->layout;
    View view = maps_view(work->set, s);
    view_average_heads(&view, bench->layer_maps);
    view.layer_maps = bench->layer_maps;
    anchor_importance(&view, NULL, bench->afar);
    view.afar = bench->afar;
    run_families(work, &view, bench, work->values + (size_t)s * layout->n_values);
    spread(work->set, view.length, bench->afar,
           work->afar + (size_t)s * head_values(work->set, work->set->longest) * DISTANCES);
    if (lane > 0 && !work->set->has_tokens)
        return;
    view.maps = work->uniform, view.layer_maps = work->uniform_layer_maps, view.afar = NULL;
    run_families(work, &view, bench, work->baselines[s]);
}

/* ---- the set ---- */

static void pool(Arena *arena, MapsResult *result)
{
    const int n = result->set->n, n_values = result->layout.n_values;
    double *baseline = ARENA_ARRAY(arena, double, n);
    for (int p = 0; p < result->layout.n_places; p++) {
        const Place *place = &result->layout.places[p];
        for (int i = place->offset; i < place->offset + place->size; i++) {
            result->pooled[i] = pool_values(place->column->pool, n, result->values + i, (size_t)n_values, 0, 1);
            for (int s = 0; s < n; s++)
                baseline[s] = result->baselines[s][i];
            result->pooled_baseline[i] =
                place->is_attention_only ? pool_values(place->column->pool, n, baseline, 1, 0, 1).value : (double)NAN;
        }
    }
}

/* All tokens in rows of the longest length. */
static const int32_t *wide_tokens(Arena *arena, const MapsSet *set)
{
    int32_t *tokens = ARENA_ARRAY(arena, int32_t, (size_t)set->n * set->longest);
    for (int s = 0; s < set->n; s++)
        memcpy(tokens + (size_t)s * set->longest, set->sequences[s].tokens,
               (size_t)set->sequences[s].length * sizeof *tokens);
    return tokens;
}

static void classify(Arena *scratch, const float *afar, const float *baseline, MapsResult *result)
{
    const MapsSet *set = result->set;
    Visible *visible = ARENA_ARRAY(scratch, Visible, set->n); /* (N,), or one for all */
    for (int s = 0; s < (is_ragged(set) ? set->n : 1); s++)
        visible[s] = *maps_visible(set, set->mask, set->sequences[s].length);
    const FrameInput input = {.n = set->n,
                              .n_layers = set->n_layers,
                              .n_heads = set->n_heads,
                              .length = set->longest,
                              .is_ragged = is_ragged(set),
                              .visible = visible,
                              .afar = afar,
                              .baseline = baseline,
                              .tokens = set->has_tokens ? wide_tokens(scratch, set) : NULL,
                              .stride = 1};
    for (int scope = -1; scope < set->n_layers; scope++) {
        Arena *arena = arena_new();
        Frame *own = scope < 0 ? &result->model : &result->layers[scope];
        frame_classify(arena, &input, scope, -1, own);
        frame_agree(&input, scope, -1, own);
        for (int h = 0; h < set->n_heads && scope >= 0; h++) {
            own = &result->heads[scope * set->n_heads + h];
            frame_classify(arena, &input, scope, h, own);
            frame_agree(&input, scope, h, own);
        }
        arena_free(arena);
    }
}

/* Where the sequences of a length have their baselines: one row for all, or with tokens one each. */
static void give_baselines(Arena *arena, const Work *work, int n_members)
{
    const int n_values = work->result->layout.n_values;
    double *shared = work->set->has_tokens ? NULL : ARENA_ARRAY(arena, double, n_values);
    for (int m = 0; m < n_members; m++)
        work->baselines[work->members[m]] = shared ? shared : ARENA_ARRAY(arena, double, n_values);
}

/* Sequences of one length: what they share of uniform attention, then each on its lane. */
static void measure_length(Arena *arena, Lanes *lanes, Work *work, int length)
{
    const MapsSet *set = work->set;
    const size_t wide = head_values(set, set->longest);
    View shape = maps_shape(set, length);
    int n = 0;
    for (int s = 0; s < set->n; s++)
        if (set->sequences[s].length == length)
            work->members[n++] = s;
    give_baselines(arena, work, n);
    view_uniform_maps(&shape, work->uniform);
    shape.maps = work->uniform;
    view_average_heads(&shape, work->uniform_layer_maps);
    anchor_importance(&shape, NULL, work->uniform_afar);
    for (int m = 0; m < (is_ragged(set) ? n : 1); m++)
        spread(set, length, work->uniform_afar,
               work->baseline + (is_ragged(set) ? (size_t)work->members[m] * wide * DISTANCES : 0));
    lanes_run(lanes, n, measure_sequence, work);
}

int maps_measure(Arena *arena, const MapsSet *set, int threads, MapsResult *ret_result, Error *err)
{
    const int n_threads = threads < set->n ? threads : set->n;
    Lanes *lanes;
    const int status = lanes_new(n_threads, &lanes, err);
    if (status != STATUS_OK)
        return status;
    Arena *scratch = arena_new();
    MapsResult result = {.set = set, .layout = layout_new(arena, set->n_layers, set->n_heads)};
    Work work = {.set = set, .result = &result};
    take_memory(arena, scratch, n_threads, &work);
    for (int length = set->shortest; length <= set->longest; length++)
        if (has_length(set, length))
            measure_length(arena, lanes, &work, length);
    lanes_free(lanes);
    pool(scratch, &result);
    classify(scratch, work.afar, work.baseline, &result);
    *ret_result = result;
    arena_free(scratch);
    return STATUS_OK;
}

/* ---- what was measured elsewhere ---- */

void maps_conclude(Arena *arena, const MapsSet *set, const MapsMeasured *measured, MapsResult *ret_result)
{
    MapsResult result = {.set = set,
                         .layout = measured->layout,
                         .sees_more = 1,
                         .values = measured->values,
                         .baselines = ARENA_ARRAY(arena, const double *, set->n),
                         .loss = measured->loss,
                         .n_targets = measured->n_targets};
    Arena *scratch = arena_new();
    for (int s = 0; s < set->n; s++)
        result.baselines[s] = measured->uniform + (size_t)s * (size_t)result.layout.n_values;
    lay_pooled(arena, &result);
    pool(scratch, &result);
    classify(scratch, measured->afar, measured->baseline, &result);
    *ret_result = result;
    arena_free(scratch);
}
