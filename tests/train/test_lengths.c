/* Measuring sequences of several lengths: each as if it were alone and all others had its length. Were this file
 * deleted, a short sequence could be held against another's mask, bias or baseline, padding could enter a metric, or a
 * mean map could be divided by sequences that do not reach a cell.
 */
#include "testing.h"

#include <math.h>

#include "base/file.h"
#include "geometry/anchor.h"
#include "geometry/metric.h"
#include "store/npz.h"
#include "store/run.h"
#include "train/measurer.h"
#include "train/session.h"
#include "training.h"

enum { T = 40, N = 6, MOST_CHANGES = 256 };

/* Settings with every family, or but one, in every snapshot, on every sequence, changed by key, value, ..., NULL. */
static Settings settings_of(Arena *arena, const char *length, const char *sequences, const char *only,
                            const char *const *changes)
{
    const char *all[MOST_CHANGES] = {"model.context_length", length,    "measure.sequences", sequences,
                                     "snapshot.maps",        sequences, "measure.targets",   "true"};
    int n = 8;
    for (int f = 0; family_registry[f]; f++) {
        const char *name = family_registry[f]->variant.name;
        all[n++] = arena_format(arena, "measure.%s.every", name);
        all[n++] = only && strcmp(only, name) != 0 ? "0" : "1";
        all[n++] = arena_format(arena, "measure.%s.sequences", name), all[n++] = "0";
    }
    while (*changes)
        all[n++] = *changes++;
    assert_true(n < MOST_CHANGES);
    all[n] = NULL;
    return tiny_settings(arena, all);
}

typedef struct {
    Arena *arena;
    char *folder;
    Settings settings;
    Session session;
} Bench;

static void open_bench(Bench *bench, const char *length, const char *sequences, const char *only,
                       const char *const *changes)
{
    Error err = {""};
    *bench = (Bench){.arena = arena_new()};
    bench->folder = fresh_folder(bench->arena);
    bench->settings = settings_of(bench->arena, length, sequences, only, changes);
    assert_ok(session_open(&bench->settings, kernels_best(), &bench->session, &err), &err);
    assert_ok(session_start(&bench->session, 1, 0, 1, &err), &err);
}

static void close_bench(Bench *bench)
{
    session_close(&bench->session);
    remove_tree(bench->folder);
    arena_free(bench->arena);
}

/* Initial weights, disturbed so that nothing is uniform. */
static real *weights_of(Bench *bench)
{
    const Parameters *parameters = model_parameters(bench->session.model);
    real *weights = ARENA_ARRAY(bench->arena, real, parameters->n_values);
    Pcg pcg = pcg_named(1, "test/lengths");
    parameters_initialise(parameters, 1, weights);
    for (size_t i = 0; i < parameters->n_values; i++)
        weights[i] += (real)(0.1 * pcg_normal(&pcg));
    return weights;
}

static void measure(Bench *bench, const real *weights)
{
    Error err = {""};
    MeasureSummary summary;
    assert_ok(file_make_folder(file_join(bench->arena, bench->folder, RUN_SNAPSHOTS), &err), &err);
    assert_ok(measure_snapshot(bench->session.measurer, weights, NULL, bench->folder, 0, 0, 0, &summary, &err), &err);
}

static Npz read_file(const Bench *bench, const char *path)
{
    Error err = {""};
    Npz npz;
    assert_ok(npz_read(bench->arena, path, &npz, &err), &err);
    return npz;
}

/* A set that holds sequence s alone, twice. */
static void put_alone(const Bench *from, int s, Bench *to)
{
    const Set *set = &from->session.measurer->full;
    Set *own = &to->session.measurer->full;
    const size_t C_in = (size_t)from->session.model_settings.vector_width;
    const size_t C_out = (size_t)from->session.model_settings.goal_width;
    const size_t at = (size_t)s * (size_t)set->length, length = (size_t)set->lengths[s];
    assert_true(!own->varies && own->length == set->lengths[s] && own->n == 2);
    for (size_t to_at = 0; to_at <= length; to_at += length) {
        memcpy(own->inputs + to_at, set->inputs + at, length * sizeof *own->inputs);
        memcpy(own->targets + to_at, set->targets + at, length * sizeof *own->targets);
        memcpy(own->idle + to_at, set->idle + at, length);
        memcpy(own->groups + to_at, set->groups + at, length);
        if (set->corrupted) {
            memcpy(own->corrupted + to_at, set->corrupted + at, length * sizeof *own->corrupted);
            memcpy(own->unmasked + to_at, set->unmasked + at, length);
        }
        if (set->vectors)
            memcpy(own->vectors + to_at * C_in, set->vectors + at * C_in, length * C_in * sizeof(real));
        if (set->goals)
            memcpy(own->goals + to_at * C_out, set->goals + at * C_out, length * C_out * sizeof(real));
    }
    own->ends[0] = own->ends[1] = set->ends[s];
    to->session.measurer->has_idle = from->session.measurer->has_idle;
}

/* Equal bits, or both not a number. */
static void assert_same_doubles(const Bench *bench, const double *x, const double *y, int n, const char *what)
{
    const Layout *layout = &bench->session.measurer->layout;
    for (int i = 0; i < n; i++) {
        if (x[i] == y[i] || (isnan(x[i]) && isnan(y[i])))
            continue;
        int p = 0;
        while (p + 1 < layout->n_places && layout->places[p + 1].offset <= i)
            p++;
        fail_msg("%s: %s: %.17g, alone %.17g", what, layout->places[p].column->name, x[i], y[i]);
    }
}

/* Rows (n,wide) of one, filled as far as rows (n,length) of the other go. */
static void assert_widened(const float *rows, int wide, const float *own, int length, int n)
{
    for (int r = 0; r < n; r++)
        for (int k = 0; k < wide; k++) {
            const float value = rows[r * wide + k], alone = k < length ? own[r * length + k] : (float)NAN;
            assert_true(value == alone || (isnan(value) && isnan(alone)));
        }
}

/* Baselines of metrics, over the sequences measured alone so far. */
typedef struct {
    double *sums[2]; /* (n_values) uniform, position */
    int *counts[2];
} Baselines;

static const char *const kinds[] = {"uniform", "position"};

static const double *baseline_of(const Layout *layout, const Npz *npz, Arena *arena, int kind, const Place *place)
{
    const int64_t shape[] = {layout->n_layers, layout->n_heads};
    const int n_dims = (place->column->level != LEVEL_MODEL) + (place->column->level == LEVEL_HEAD);
    return npz_data(npz, arena_format(arena, "%s/%s", kinds[kind], place->column->name), NPY_FLOAT64, n_dims, shape);
}

static void add_baselines(const Layout *layout, const Npz *npz, Arena *arena, Baselines *all)
{
    for (int p = 0; p < layout->n_places; p++) {
        const Place *place = &layout->places[p];
        for (int kind = 0; kind < 2 && place->is_attention_only; kind++) {
            const double *values = baseline_of(layout, npz, arena, kind, place);
            for (int i = 0; values && i < place->size; i++) /* not of slots where there are none */
                if (isfinite(values[i]))
                    all->sums[kind][place->offset + i] += values[i], all->counts[kind][place->offset + i]++;
        }
    }
}

/* A metric's baseline is the mean of those of the single sequences. */
static void check_baselines(const Bench *bench, const Baselines *alone)
{
    const Layout *layout = &bench->session.measurer->layout;
    const Npz npz = read_file(bench, file_join(bench->arena, bench->folder, RUN_BASELINES));
    int n_compared = 0;
    for (int p = 0; p < layout->n_places; p++) {
        const Place *place = &layout->places[p];
        for (int kind = 0; kind < 2 && place->is_attention_only && place->column->pool == POOL_MEAN; kind++) {
            const double *values = baseline_of(layout, &npz, bench->arena, kind, place);
            for (int i = 0; values && i < place->size; i++) {
                const int n = alone->counts[kind][place->offset + i];
                const double mean = alone->sums[kind][place->offset + i] / n;
                if (n == 0 ? !isnan(values[i]) : !(fabs(values[i] - mean) <= 1e-12 * (1 + fabs(mean))))
                    fail_msg("%s/%s: %.17g, alone %.17g", kinds[kind], place->column->name, values[i], mean);
                n_compared += n > 0;
            }
            for (int i = 0; !values && i < place->size; i++)
                assert_int_equal(alone->counts[kind][place->offset + i], 0);
        }
    }
    assert_true(n_compared > 50);
}

static void check_alone(Bench *bench, const real *weights, int s, const char *const *changes, Baselines *baselines)
{
    const Measurer *measurer = bench->session.measurer;
    const int length = measurer->full.lengths[s], heads = measurer->layout.n_layers * measurer->layout.n_heads;
    Bench alone;
    open_bench(&alone, arena_format(bench->arena, "%d", length), "2", NULL, changes);
    assert_int_equal(model_parameters(alone.session.model)->n_values, model_parameters(bench->session.model)->n_values);
    put_alone(bench, s, &alone);
    measure(&alone, weights);
    const Measurer *own = alone.session.measurer;
    const int n_values = measurer->layout.n_values;
    const size_t row = (size_t)s * (size_t)n_values;
    const char *what = arena_format(bench->arena, "sequence %d of %d tokens", s, length);
    assert_same_doubles(bench, measurer->pass.values + row, own->pass.values, n_values, what);
    assert_same_doubles(bench, measurer->pass.target_values + row, own->pass.target_values, n_values, what);
    const size_t groups = (size_t)s * MAX_LOSS_GROUPS, changed = groups * 2 * N_INTERVENTIONS;
    for (int g = 0; g < MAX_LOSS_GROUPS; g++) {
        assert_true(measurer->pass.losses[groups + g] == own->pass.losses[g]);
        assert_true(measurer->pass.counts[groups + g] == own->pass.counts[g]);
    }
    for (int k = 0; k < 2 * N_INTERVENTIONS * MAX_LOSS_GROUPS && !measurer->settings->objective->corrupts; k++)
        assert_true(measurer->pass.intervened[changed + k] == own->pass.intervened[k] ||
                    isnan(own->pass.intervened[k]));
    assert_widened(measurer->pass.importance + (size_t)(s * heads * T), T, own->pass.importance, length, heads);
    assert_widened(measurer->pass.afar + (size_t)(s * heads * DISTANCES * T), T, own->pass.afar, length,
                   heads * DISTANCES);

    static const char *const names[] = {"uniform/importance", "position/importance"};
    const Npz all = read_file(bench, file_join(bench->arena, bench->folder, RUN_BASELINES));
    const Npz one = read_file(&alone, file_join(alone.arena, alone.folder, RUN_BASELINES));
    const int64_t L = measurer->layout.n_layers, H = measurer->layout.n_heads;
    add_baselines(&measurer->layout, &one, bench->arena, baselines);
    for (int b = 0; b < 2; b++) {
        const char *afar = arena_format(bench->arena, "%s_afar", names[b]);
        const float *near_all = npz_data(&all, names[b], NPY_FLOAT32, 4, (int64_t[]){N, L, H, T});
        const float *near_one = npz_data(&one, names[b], NPY_FLOAT32, 3, (int64_t[]){L, H, length});
        const float *afar_all = npz_data(&all, afar, NPY_FLOAT32, 5, (int64_t[]){N, L, H, DISTANCES, T});
        const float *afar_one = npz_data(&one, afar, NPY_FLOAT32, 4, (int64_t[]){L, H, DISTANCES, length});
        assert_true(near_all && near_one && afar_all && afar_one);
        assert_widened(near_all + (size_t)(s * heads * T), T, near_one, length, heads);
        assert_widened(afar_all + (size_t)(s * heads * DISTANCES * T), T, afar_one, length, heads * DISTANCES);
    }
    close_bench(&alone);
}

/* Every value of every family, importances, losses, baselines: to the bit, under masks, encodings and objectives. */
static void each_sequence_is_measured_as_if_alone(void **state)
{
    (void)state;
    static const char *const runs[][14] = {
        {"data.source.kind", "bigram_backcopy", "objective.kind", "next", "data.bos", "always"},
        {"data.source.kind", "text", "objective.kind", "next", "model.position.kind", "alibi_learned", "data.eos",
         "always", "model.mask.kind", "window", "model.mask.width", "7"},
        {"data.source.kind", "bigram_backcopy", "objective.kind", "masked", "model.mask.kind", "full",
         "model.position.kind", "fire", "model.position.threshold", "5", "model.slot.kind", "key_value"},
        {"data.source.kind", "recall", "data.source.task", "ends", "model.mask.kind", "full", "model.score.kind",
         "softmax_one", "model.position.kind", "kerple"},
        {"data.source.kind", "trigger_mean", "objective.kind", "regression", "model.input", "linear",
         "model.position.kind", "none", "data.eos", "always"},
    };
    for (size_t r = 0; r < N_TESTS(runs); r++) {
        const char *varied[20] = {"data.lengths.kind", "uniform", "data.lengths.least", "9"};
        memcpy(varied + 4, runs[r], sizeof runs[r]);
        Bench bench;
        open_bench(&bench, "40", "6", NULL, varied);
        const real *weights = weights_of(&bench);
        measure(&bench, weights);
        Baselines baselines;
        for (int kind = 0; kind < 2; kind++) {
            baselines.sums[kind] = ARENA_ARRAY(bench.arena, double, bench.session.measurer->layout.n_values);
            baselines.counts[kind] = ARENA_ARRAY(bench.arena, int, bench.session.measurer->layout.n_values);
        }
        for (int s = 0; s < N; s++)
            check_alone(&bench, weights, s, runs[r], &baselines);
        check_baselines(&bench, &baselines);
        close_bench(&bench);
    }
}

/* Lengths, what each sequence's queries see, ids and targets as far as it goes, and mean maps over those that reach. */
static void a_snapshot_says_how_long_its_sequences_are(void **state)
{
    (void)state;
    static const char *const changes[] = {
        "data.lengths.kind", "uniform", "data.source.kind", "text", "objective.kind", "next", "seed", "2", NULL};
    Bench bench;
    open_bench(&bench, "40", "6", NULL, changes);
    measure(&bench, weights_of(&bench));
    const Npz npz = read_file(&bench, run_snapshot_path(bench.arena, bench.folder, 0));
    const Set *set = &bench.session.measurer->full;
    const int64_t L = bench.session.measurer->layout.n_layers, H = bench.session.measurer->layout.n_heads;
    const int32_t *lengths = npz_data(&npz, "lengths", NPY_INT32, 1, (int64_t[]){N});
    const int32_t *tokens = npz_data(&npz, "tokens", NPY_INT32, 2, (int64_t[]){N, T});
    const int32_t *targets = npz_data(&npz, "targets", NPY_INT32, 2, (int64_t[]){N, T});
    const int32_t *groups = npz_data(&npz, "target_groups", NPY_INT32, 2, (int64_t[]){N, T});
    const KeyRanges *visible = npz_data(&npz, "visible_each", NPY_INT32, 4, (int64_t[]){N, T, KEY_RANGES, 2});
    const float *maps = npz_data(&npz, "map", NPY_FLOAT32, 5, (int64_t[]){N, L, H, T, T});
    const float *mean = npz_data(&npz, "map_mean", NPY_FLOAT32, 4, (int64_t[]){L, H, T, T});
    assert_true(lengths && tokens && targets && groups && visible && maps && mean);
    assert_null(npz_get(&npz, "tokens_half"));
    assert_null(npz_get(&npz, "visible_half"));
    assert_null(npz_get(&npz, "importance_half"));
    int least = T, most = 0;
    for (int s = 0; s < N; s++) {
        const Visible own = visible_new(bench.arena, model_mask_rule(bench.session.model), lengths[s]);
        assert_int_equal(lengths[s], set->lengths[s]);
        assert_memory_equal(visible + s * T, own.keys, (size_t)lengths[s] * sizeof *visible);
        for (int i = 0; i < T; i++) {
            assert_int_equal(tokens[s * T + i] == -1, i >= lengths[s]);
            if (i >= lengths[s])
                assert_true(targets[s * T + i] == -1 && groups[s * T + i] == -1);
        }
        least = lengths[s] < least ? lengths[s] : least, most = lengths[s] > most ? lengths[s] : most;
    }
    assert_true(least < most && most < T); /* cells that all, some and none have */
    for (int h = 0; h < L * H; h++)
        for (int i = 0; i < T; i++)
            for (int j = 0; j < T; j++) {
                double sum = 0;
                int n = 0;
                for (int s = 0; s < N; s++) {
                    const float value = maps[((size_t)(s * L * H + h) * T + i) * T + j];
                    const int is_there = i < lengths[s] && j < lengths[s];
                    assert_int_equal(isnan(value), !is_there);
                    sum += is_there ? (double)value : 0, n += is_there;
                }
                const double found = (double)mean[(h * T + i) * T + j];
                assert_true(n > 0 ? fabs(found - sum / n) < 1e-6 : isnan(found));
            }
    close_bench(&bench);
}

/* A family that gives up beyond some length (rips at 64) gives up on the sequences that are longer, not on the set. */
static void a_family_may_give_up_on_long_sequences(void **state)
{
    (void)state;
    static const char *const changes[] = {"data.lengths.kind",
                                          "uniform",
                                          "data.lengths.least",
                                          "60",
                                          "data.source.kind",
                                          "text",
                                          "objective.kind",
                                          "next",
                                          NULL};
    Bench bench;
    open_bench(&bench, "66", "6", "rips", changes);
    measure(&bench, weights_of(&bench));
    const Npz npz = read_file(&bench, run_snapshot_path(bench.arena, bench.folder, 0));
    const NpyArray *counts = npz_get(&npz, "n/rips1_bars");
    int n_short = 0;
    for (int s = 0; s < N; s++)
        n_short += bench.session.measurer->full.lengths[s] <= 64;
    assert_in_range(n_short, 1, N - 1);
    assert_int_equal(*(const int32_t *)counts->data, n_short);
    close_bench(&bench);
}

/* Inputs and targets are counted as far as sequences go. */
static void inputs_seen_are_those_of_sequences(void **state)
{
    (void)state;
    static const char *const changes[] = {
        "data.lengths.kind", "uniform", "objective.kind", "next", "data.source.kind", "text", NULL};
    Bench bench;
    Error err = {""};
    bench.arena = arena_new();
    bench.settings = settings_of(bench.arena, "40", "6", NULL, changes);
    assert_ok(session_open(&bench.settings, kernels_best(), &bench.session, &err), &err);
    assert_ok(session_start(&bench.session, 1, 1, 0, &err), &err);
    Trainer *trainer = &bench.session.trainer;
    int64_t n_inputs = 0, n_targets = 0;
    for (int step = 0; step < 3; step++) {
        StepResult result;
        assert_ok(trainer_step(trainer, &result, &err), &err);
        const Batch *batch = &trainer->batch;
        int n = 0;
        for (int b = 0; b < batch->n; b++) {
            assert_in_range(batch->starts[b + 1] - batch->starts[b], 8, T);
            for (int i = batch->starts[b]; i < batch->starts[b + 1]; i++)
                n += batch->targets[i] >= 0;
        }
        assert_true(batch->starts[0] == 0 && batch->starts[batch->n] < batch->n * T);
        assert_int_equal(result.n_targets, n);
        n_inputs += batch->starts[batch->n], n_targets += n;
        assert_true(trainer->tokens == n_inputs && trainer->targets == n_targets);
    }
    session_close(&bench.session);
    arena_free(bench.arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_sequence_is_measured_as_if_alone),
        cmocka_unit_test(a_snapshot_says_how_long_its_sequences_are),
        cmocka_unit_test(a_family_may_give_up_on_long_sequences),
        cmocka_unit_test(inputs_seen_are_those_of_sequences),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
