/* The measuring driver: which families a snapshot holds, on which sequences, and what it hands to those that need more
 * than one forward pass. Were this file deleted, a costly metric could be measured on other sequences than its settings
 * say, or an ablation on another token than its name says.
 */
#include "testing.h"

#include <math.h>

#include "geometry/anchor.h"
#include "geometry/metric.h"
#include "base/file.h"
#include "model/mask/mask.h"
#include "model/position/position.h"
#include "store/manifest.h"
#include "store/npz.h"
#include "store/run.h"
#include "train/checkpoint.h"
#include "train/measurer.h"
#include "train/session.h"
#include "train/train.h"
#include "training.h"

/* Snapshots stand at 0, 1, 2, 4, 5, 10, 12. */
static void a_snapshot_holds_what_is_due(void **state)
{
    (void)state;
    static const char *const changes[] = {"measure.spectrum.every", "3", "measure.rips.every", "0", NULL};
    static const int64_t steps[] = {0, 1, 2, 4, 5, 10, 12};
    static const int is_due[] = {1, 0, 0, 1, 0, 0, 1};
    Trained trained = train_tiny(changes);
    for (size_t s = 0; s < N_TESTS(steps); s++) {
        const Npz npz = snapshot_of(&trained, steps[s]);
        static const char *const prefixes[] = {"", "sd/", "n/"};
        for (int p = 0; p < 3; p++) {
            const char *name = arena_format(trained.arena, "%sstable_rank", prefixes[p]);
            assert_int_equal(npz_get(&npz, name) != NULL, is_due[s]);
            assert_non_null(npz_get(&npz, arena_format(trained.arena, "%salpha", prefixes[p])));
        }
        assert_null(npz_get(&npz, "rips0_total"));
    }
    drop_trained(&trained);
}

/* With a softmax what keys do not get is the slots', each its own share; a model without slots has no such member. */
static void a_snapshot_says_what_each_slot_draws(void **state)
{
    (void)state;
    static const char *const changes[] = {"model.slot.kind", "key", "model.slot.n", "3", NULL};
    Trained with = train_tiny(changes), without = train_tiny(NULL);
    const Npz slots = snapshot_of(&with, 12), none = snapshot_of(&without, 12);
    static const char *const names[] = {"slot_mass@0", "slot_mass@1", "slot_mass@2", "slot_mass@3", "slot_mass_most"};
    const double *masses[N_TESTS(names)], *all = npz_get(&slots, "slot_mass")->data;
    for (size_t m = 0; m < N_TESTS(names); m++) {
        masses[m] = npz_get(&slots, names[m])->data;
        assert_null(npz_get(&none, names[m]));
    }
    assert_non_null(npz_get(&none, "slot_mass"));
    for (size_t i = 0; i < npz_get(&slots, "slot_mass")->n_items; i++) {
        assert_true(masses[0][i] > 0 && masses[0][i] != masses[1][i] && isnan(masses[3][i]));
        assert_true(fabs(masses[0][i] + masses[1][i] + masses[2][i] - all[i]) < 1e-6);
        /* a mean of each sequence's largest */
        assert_true(masses[4][i] >= fmax(masses[0][i], fmax(masses[1][i], masses[2][i])) - 1e-12);
    }
    drop_trained(&with);
    drop_trained(&without);
}

/* What the driver hands to families is what the model's queries see. */
static void check_views(Session *session, const Visible own[2])
{
    Error err;
    assert_ok(session_start(session, 1, 0, 1, &err), &err);
    const Measurer *measurer = session->measurer;
    const Capture nothing = {.maps = NULL};
    for (int half = 0; half < 2; half++) {
        const View view = measurer_sequence_view(measurer, half ? &measurer->half : &measurer->full, 0, &nothing, 0, 0);
        assert_int_equal(view.visible->length, own[half].length);
        assert_memory_equal(view.visible->keys, own[half].keys, (size_t)own[half].length * sizeof(KeyRanges));
    }
}

/* Under every mask: a reader of a snapshot needs no name of it, and no guess, to know what its queries see; families
 * are shown the same; and uniform attention within it has all the entropy that there can be. */
static void a_snapshot_says_what_its_queries_see(void **state)
{
    (void)state;
    for (int m = 0; mask_registry[m]; m++) {
        const char *const changes[] = {"model.mask.kind", mask_registry[m]->variant.name, "objective.kind", "masked",
                                       NULL};
        Trained trained = train_tiny(changes);
        Session session;
        Error err;
        const Settings settings = tiny_settings(trained.arena, changes);
        assert_ok(session_open(&settings, kernels_best(), &session, &err), &err);
        const Npz npz = snapshot_of(&trained, 12);
        const int T = session.model_settings.context_length;
        Visible own[2];
        for (int half = 0; half < 2; half++) {
            own[half] = visible_new(trained.arena, model_mask_rule(session.model), half ? T / 2 : T);
            const NpyArray *ranges = npz_get(&npz, half ? "visible_half" : "visible");
            assert_true(ranges && ranges->type == NPY_INT32 && ranges->n_dims == 3);
            assert_int_equal(ranges->shape[0], own[half].length);
            assert_memory_equal(ranges->data, own[half].keys, (size_t)own[half].length * sizeof(KeyRanges));
        }
        assert_int_equal(*(const int32_t *)npz_get(&npz, "rows_sum_to_one")->data, 1);
        check_views(&session, own);
        Npz baselines;
        assert_ok(npz_read(trained.arena, file_join(trained.arena, trained.folder, RUN_BASELINES), &baselines, &err),
                  &err);
        const NpyArray *entropy = npz_get(&baselines, "uniform/attention_entropy_normalised");
        for (size_t i = 0; i < entropy->n_items; i++)
            assert_true(fabs(((const double *)entropy->data)[i] - 1) < 1e-6);
        session_close(&session);
        drop_trained(&trained);
    }
}

/* Mean of A_i0 over queries i >= 8 of `only`, of map (T,T). */
static double sink_mass_of(const real *map, const int32_t *targets, int T)
{
    double sum = 0;
    int n = 0;
    for (int i = 8; i < T; i++)
        if (targets[i] >= 0)
            sum += (double)map[i * T], n++;
    return sum / n;
}

/* `measure.targets`: over the queries alone that have a target, and beside what there was before, which stays as it is.
 */
static void targets_are_measured_apart(void **state)
{
    (void)state;
    static const char *const off[] = {"snapshot.maps", "8", "measure.sequences", "8", NULL};
    static const char *const on[] = {"snapshot.maps", "8", "measure.sequences", "8", "measure.targets", "true", NULL};
    Trained without = train_tiny(off), with = train_tiny(on);
    const Npz bare = snapshot_of(&without, 12), both = snapshot_of(&with, 12);
    Session session;
    Error err;
    const Settings settings = tiny_settings(with.arena, on);
    assert_ok(session_open(&settings, kernels_best(), &session, &err), &err);
    assert_ok(session_start(&session, 1, 0, 1, &err), &err);
    const int T = session.model_settings.context_length, H = session.model_settings.n_heads, n = 8;
    const NpyArray *maps = npz_get(&both, "map"), *found = npz_get(&both, "targets/sink_mass");
    int n_targets = 0;
    assert_non_null(found);
    for (int h = 0; h < H; h++) {
        double sum = 0;
        for (int s = 0; s < n; s++)
            sum += sink_mass_of((const real *)maps->data + (size_t)(s * H + h) * T * T,
                                session.measurer->full.targets + s * T, T);
        assert_true(fabs(((const double *)found->data)[h] - sum / n) < 1e-6);
    }
    for (int i = 0; i < n * T; i++)
        n_targets += session.measurer->full.targets[i] >= 0;
    assert_in_range(n_targets, 1, n * T - 1); /* or this test says nothing */
    assert_null(npz_get(&bare, "targets/sink_mass"));
    assert_null(npz_get(&both, "targets/value_drain")); /* needs more than maps */
    assert_null(npz_get(&both, "targets/stable_rank")); /* no mean over queries */
    for (int m = 0; m < bare.n; m++) {
        const NpyArray *one = &bare.arrays[m], *other = npz_get(&both, one->name);
        assert_true(other && other->n_items == one->n_items);
        assert_memory_equal(one->data, other->data, one->n_items * (size_t)one->item_bytes);
    }
    session_close(&session);
    drop_trained(&without);
    drop_trained(&with);
}

/* The floor of a loss is that of the same thing: a source that knows its labels says nothing of its content. */
static void the_ideal_is_of_what_is_asked(void **state)
{
    (void)state;
    static const char *const objectives[] = {"labelled", "next"};
    for (int o = 0; o < 2; o++) {
        const char *const changes[] = {"data.source.kind", "trigger", "objective.kind", objectives[o], NULL};
        Arena *arena = arena_new();
        const Settings settings = tiny_settings(arena, changes);
        Session session;
        Error err = {""};
        assert_ok(session_open(&settings, kernels_best(), &session, &err), &err);
        assert_ok(session_start(&session, 1, 0, 1, &err), &err);
        assert_true(o ? isnan(session_oracle_loss(&session)) : session_oracle_loss(&session) == 0);
        assert_true(o ? isnan(measurer_oracle_loss(session.measurer)) : measurer_oracle_loss(session.measurer) == 0);
        session_close(&session);
        arena_free(arena);
    }
}

/* ---- a bias by query --------------------------------------------------------------------------------------------- */

/* ALiBi's table, written out for every query. */
static void bias_of_every_query(const void *alibi, const real *parameters, int layer, int length, real *ret_table)
{
    const size_t width = position_table_size(position_find("alibi"), length);
    Arena *arena = arena_new();
    enum { HEADS = 2 };
    real *table = ARENA_ARRAY(arena, real, HEADS * width);
    position_find("alibi")->bias_forward(alibi, parameters, layer, length, table);
    for (int h = 0; h < HEADS; h++)
        for (int i = 0; i < length; i++, ret_table += width)
            memcpy(ret_table, table + h * width, width * sizeof *table);
    arena_free(arena);
}

/* Measures a session's model at step 0. */
static char *measure_in_folder(Session *session, Arena *arena)
{
    Error err = {""};
    MeasureSummary summary;
    char *folder = fresh_folder(arena);
    assert_ok(file_make_folder(file_join(arena, folder, RUN_SNAPSHOTS), &err), &err);
    assert_ok(session_start(session, 1, 0, 1, &err), &err);
    real *parameters = ARENA_ARRAY(arena, real, model_parameters(session->model)->n_values);
    parameters_initialise(model_parameters(session->model), 1, parameters);
    assert_ok(measure_snapshot(session->measurer, parameters, NULL, folder, 0, 0, 0, &summary, &err), &err);
    return folder;
}

static void check_same_bytes(Arena *arena, const char *one, const char *other)
{
    Error err = {""};
    char *bytes[2];
    size_t n[2];
    assert_ok(file_read(arena, one, &bytes[0], &n[0], &err), &err);
    assert_ok(file_read(arena, other, &bytes[1], &n[1], &err), &err);
    assert_true(n[0] == n[1] && memcmp(bytes[0], bytes[1], n[0]) == 0);
}

/* An encoding that gives every query biases of its own is measured by them: the same biases, the same snapshot and
 * baselines to the bit, with the memory that either takes. */
static void a_bias_by_query_is_measured(void **state)
{
    (void)state;
    const char *const changes[] = {"model.position.kind", "alibi", "model.n_heads", "2", NULL};
    Position by_query = *position_find("alibi");
    by_query.bias_by_query = 1, by_query.bias_forward = bias_of_every_query;
    Arena *arena = arena_new();
    char *folders[2];
    for (int own = 0; own < 2; own++) {
        Session session;
        Error err = {""};
        const Settings settings = tiny_settings(arena, changes);
        assert_ok(session_open(&settings, kernels_best(), &session, &err), &err);
        session.model_settings.position = own ? &by_query : position_find("alibi");
        assert_ok(model_new(session.setup, &session.model_settings, kernels_best(), &session.model, &err), &err);
        assert_int_equal(session.model_settings.n_heads, 2);
        folders[own] = measure_in_folder(&session, arena);
        session_close(&session);
    }
    check_same_bytes(arena, run_snapshot_path(arena, folders[0], 0), run_snapshot_path(arena, folders[1], 0));
    check_same_bytes(arena, file_join(arena, folders[0], RUN_BASELINES), file_join(arena, folders[1], RUN_BASELINES));
    for (int own = 0; own < 2; own++)
        remove_tree(folders[own]);
    arena_free(arena);
}

/* Six sequences: all of them, or the first four of which two are even and two odd; a metric of the model has
 * no axis. */
static void members_count_their_sequences(void **state)
{
    (void)state;
    static const char *const changes[] = {"measure.sequences", "6", "measure.spectrum.sequences", "4", NULL};
    Trained trained = train_tiny(changes);
    const Npz npz = snapshot_of(&trained, 12);
    static const struct {
        const char *name;
        int32_t all, even, odd;
        int n_dims;
    } members[] = {{"n/alpha", 6, 3, 3, 3}, {"n/stable_rank", 4, 2, 2, 3}, {"n/ablation_cost", 6, 3, 3, 1}};
    for (size_t m = 0; m < N_TESTS(members); m++) {
        const NpyArray *array = npz_get(&npz, members[m].name);
        assert_non_null(array);
        assert_int_equal(array->type, NPY_INT32);
        assert_int_equal(array->n_dims, members[m].n_dims);
        assert_int_equal(array->shape[0], 3);
        const size_t stride = array->n_items / 3;
        const int32_t *counts = array->data;
        assert_int_equal(counts[0], members[m].all);
        assert_int_equal(counts[stride], members[m].even);
        assert_int_equal(counts[2 * stride], members[m].odd);
    }
    drop_trained(&trained);
}

/* The squares over the measuring set, from each sequence's gradient by the trainer's own pass over a batch of one. */
static void check_fisher(const char *activation)
{
    /* weights large enough that every matrix of the MLP has its share of the gradient */
    const char *changes[] = {"measure.sequences",
                             "4",
                             "model.n_layers",
                             "2",
                             "data.source.kind",
                             "bigram_backcopy",
                             "objective.kind",
                             "next",
                             "snapshot.weights",
                             "true",
                             "model.activation",
                             activation,
                             "model.init.weight",
                             "constant",
                             "model.init.weight_std",
                             "0.5",
                             "model.init.residual",
                             "plain",
                             NULL};
    Error err;
    Trained trained = train_tiny(changes);
    const Npz npz = snapshot_of(&trained, 12);
    Session session;
    Settings settings = tiny_settings(trained.arena, changes);
    assert_ok(session_open(&settings, kernels_best(), &session, &err), &err);
    const Parameters *parameters = model_parameters(session.model);
    real *weights = ARENA_ARRAY(trained.arena, real, parameters->n_values);
    real *gradient = ARENA_ARRAY(trained.arena, real, parameters->n_values);
    for (int t = 0; t < parameters->n_tensors; t++) {
        const Tensor *tensor = &parameters->tensors[t];
        const NpyArray *array = npz_get(&npz, arena_format(trained.arena, "weights/%s", tensor->name));
        memcpy(weights + tensor->offset, array->data, (size_t)tensor->rows * tensor->cols * sizeof *weights);
    }
    const NpyArray *tokens = npz_get(&npz, "tokens");
    const int n = (int)tokens->shape[0], T = (int)tokens->shape[1];
    Workspace *workspace = workspace_new(trained.arena, session.model, 1, 1, NULL);
    const int32_t *targets = npz_get(&npz, "targets")->data;
    double attention[2] = {0}, mlp[2] = {0}, embedding = 0;
    for (int s = 0; s < n; s++) {
        Batch batch = {.n = 1,
                       .length = T,
                       .targets = (int32_t *)(uintptr_t)(targets + s * T),
                       .inputs = (int32_t *)(uintptr_t)((const int32_t *)tokens->data + s * T)};
        for (int i = 0; i < T; i++)
            batch.n_targets += batch.targets[i] >= 0;
        memset(gradient, 0, parameters->n_values * sizeof *gradient);
        model_step(session.model, weights, &batch, 0, 1, workspace, gradient, NULL);
        for (int t = 0; t < parameters->n_tensors; t++) {
            const Tensor *tensor = &parameters->tensors[t];
            double squares = 0;
            for (size_t i = 0; i < (size_t)tensor->rows * tensor->cols; i++)
                squares += (double)gradient[tensor->offset + i] * (double)gradient[tensor->offset + i];
            const int layer = tensor->name[7] - '0', is_norm = strstr(tensor->name, "norm") != NULL;
            if (strncmp(tensor->name, "embedding", 9) == 0)
                embedding += squares / n;
            else if (strstr(tensor->name, "attention") && !is_norm)
                attention[layer] += squares / n;
            else if (strstr(tensor->name, "mlp") && !is_norm)
                mlp[layer] += squares / n;
        }
    }
    const double *stored[] = {npz_get(&npz, "pub_fisher_attention")->data, npz_get(&npz, "pub_fisher_mlp")->data,
                              npz_get(&npz, "pub_fisher_embedding")->data};
    for (int l = 0; l < 2; l++) {
        assert_true(fabs(stored[0][l] / attention[l] - 1) < 1e-4);
        assert_true(fabs(stored[1][l] / mlp[l] - 1) < 1e-4);
    }
    assert_true(fabs(stored[2][0] / embedding - 1) < 1e-4);
    session_close(&session);
    drop_trained(&trained);
}

static void fisher_is_the_mean_of_squared_gradients(void **state)
{
    (void)state;
    check_fisher("gelu");
    check_fisher("swiglu"); /* another matrix of the MLP */
}

/* Losses are those of what the objective makes: on clean sequences there is nothing to predict. */
static void losses_belong_to_corrupted_sequences(void **state)
{
    (void)state;
    static const char *const changes[] = {"objective.kind",
                                          "masked",
                                          "data.source.kind",
                                          "bigram_backcopy",
                                          "model.mask.kind",
                                          "full",
                                          "measure.sequences",
                                          "4",
                                          NULL};
    static const char *const names[] = {"ablation_cost", "pub_fisher_mlp"};
    Trained trained = train_tiny(changes);
    const Npz npz = snapshot_of(&trained, 12);
    for (size_t i = 0; i < N_TESTS(names); i++) {
        const double *corrupted = npz_get(&npz, arena_format(trained.arena, "corrupted/%s", names[i]))->data;
        assert_null(npz_get(&npz, names[i]));
        assert_true(isfinite(corrupted[0]));
    }
    drop_trained(&trained);
}

/* A bias that is drawn and learned fast, so that it is strong and moves. */
static const char *const learned_bias[] = {
    "model.position.kind",  "relative", "model.position.bias_std", "2",  "train.lr", "0.3",
    "model.context_length", "32",       "measure.sequences",       "16", NULL};

/* Baselines that are missing are written anew, from later parameters, as after a kill in between. */
static void baselines_are_those_of_step_0_whenever_written(void **state)
{
    (void)state;
    Error err = {""};
    char whole[65], again[65];
    Trained trained = train_tiny(learned_bias);
    const char *path = file_join(trained.arena, trained.folder, RUN_BASELINES);
    Settings settings = tiny_settings(trained.arena, learned_bias);
    results_hash(trained.folder, whole);

    char *folder = fresh_folder(trained.arena);
    assert_int_equal(train_in(folder, &settings, 2, 7, &err), STATUS_INTERRUPTED);
    assert_ok(file_remove(file_join(trained.arena, folder, RUN_BASELINES), &err), &err);
    assert_ok(train_in(folder, &settings, 1, 0, &err), &err);
    results_hash(folder, again);
    assert_string_equal(whole, again);
    remove_tree(folder);

    Remeasured *snapshots;
    int n = 0;
    TrainJob job = {.folder = trained.folder, .settings = &settings, .kernels = kernels_best(), .threads = 1};
    assert_ok(file_remove(path, &err), &err);
    assert_ok(train_measure_again(trained.arena, &job, &snapshots, &n, &err), &err);
    assert_true(n > 0);
    results_hash(trained.folder, again);
    assert_string_equal(whole, again);
    drop_trained(&trained);
}

/* Measuring again answers for the snapshots that it has written, and for nothing else: what was damaged or lost before
 * is so still. */
static void measuring_again_answers_for_what_it_wrote(void **state)
{
    (void)state;
    Error err = {""};
    Trained trained = train_tiny(NULL);
    Settings settings = tiny_settings(trained.arena, NULL);
    TrainJob job = {.folder = trained.folder, .settings = &settings, .kernels = kernels_best(), .threads = 1};
    const char *lost = run_snapshot_path(trained.arena, trained.folder, 1), *first = NULL;
    Remeasured *snapshots;
    Manifest manifest;
    int n = 0;
    assert_ok(file_remove(lost, &err), &err);
    assert_ok(file_write(file_join(trained.arena, trained.folder, RUN_SERIES), "x", 1, &err), &err);
    assert_ok(file_write(run_snapshot_path(trained.arena, trained.folder, 12), "x", 1, &err), &err);
    assert_ok(train_measure_again(trained.arena, &job, &snapshots, &n, &err), &err);
    assert_true(n > 0);
    assert_ok(manifest_read(trained.arena, trained.folder, &manifest, &err), &err);
    assert_int_equal(manifest_lost(&manifest, trained.folder, "snapshots/", &first), 1);
    assert_non_null(strstr(lost, first));
    for (int i = 0; i < manifest.n_files; i++) {
        char hex[65];
        const char *path = file_join(trained.arena, trained.folder, manifest.files[i]);
        if (strcmp(path, lost) == 0)
            continue;
        assert_ok(file_sha256(path, hex, &err), &err);
        assert_int_equal(strcmp(hex, manifest.files_sha256[i]) != 0, strcmp(manifest.files[i], RUN_SERIES) == 0);
    }
    drop_trained(&trained);
}

/* Number of anchors of head h by the stored importances from afar and baselines (2,H,DISTANCES,T), mean over
 * sequences. */
static double anchors_by(const Visible *visible, const NpyArray *afar, const float *baseline, int h)
{
    const int n = (int)afar->shape[0], H = (int)afar->shape[2], T = (int)afar->shape[4];
    const View shape = view_shape(1, H, 0, 0, visible, NULL);
    double sum = 0;
    for (int s = 0; s < n; s++)
        for (int k = 0; k < T; k++) {
            const int at = (h * DISTANCES + ANCHOR_AFAR) * T + k, width = H * DISTANCES * T;
            const float a = ((const float *)afar->data)[s * width + at];
            const double floor = fmax(baseline[at], baseline[width + at]);
            sum += anchor_is_eligible(&shape, k) && a > ANCHOR_LEAST && a > ANCHOR_RATIO * floor;
        }
    return sum / n;
}

/* However far a bias has been learned, anchors are held against the baselines that are on disk, and logits against the
 * bias as it is. */
static void anchors_rest_on_the_bias_of_step_0(void **state)
{
    (void)state;
    enum { H = 2, T = 32 };
    static const char *const prefixes[] = {"uniform", "position"};
    Error err;
    Npz baselines;
    Trained trained = train_tiny(learned_bias);
    assert_ok(npz_read(trained.arena, file_join(trained.arena, trained.folder, RUN_BASELINES), &baselines, &err), &err);
    float floor[2][H * DISTANCES * T], late[2][H * DISTANCES * T];
    for (int b = 0; b < 2; b++) {
        const NpyArray *array = npz_get(&baselines, arena_format(trained.arena, "%s/importance_afar", prefixes[b]));
        assert_int_equal(array->n_items, H * DISTANCES * T); /* one layer */
        memcpy(floor[b], array->data, sizeof floor[b]);
        memcpy(late[b], array->data, sizeof late[b]);
    }

    /* what the last parameters would give */
    Session session;
    Settings settings = tiny_settings(trained.arena, learned_bias);
    assert_ok(session_open(&settings, kernels_best(), &session, &err), &err);
    const Parameters *parameters = model_parameters(session.model);
    real *weights = ARENA_ARRAY(trained.arena, real, parameters->n_values);
    real *bias = ARENA_ARRAY(trained.arena, real, H * (2 * T - 1)), *maps = ARENA_ARRAY(trained.arena, real, H * T * T);
    int64_t progress[3];
    assert_ok(checkpoint_read_weights(parameters, run_checkpoint_path(trained.arena, trained.folder, 12), weights,
                                      progress, &err),
              &err);
    model_position_bias(session.model, weights, T, bias);
    const Visible *visible = model_visible(session.model);
    View view = view_shape(1, H, 0, 0, visible, kernels_best());
    view.maps = maps;
    const ModelRows own = {session.model, weights, bias, visible};
    const PositionRows rows = position_rows_of(&own);
    view_position_maps(&view, &rows, ARENA_ARRAY(trained.arena, double, T), maps);
    anchor_importance(&view, NULL, late[1]);

    const Npz npz = snapshot_of(&trained, 12);
    const double *n_anchors = npz_get(&npz, "n_anchors")->data;
    int n_moved = 0;
    for (int h = 0; h < H; h++) {
        const NpyArray *afar = npz_get(&npz, "importance_afar");
        assert_true(n_anchors[h] == anchors_by(visible, afar, floor[0], h));
        n_moved += n_anchors[h] != anchors_by(visible, afar, late[0], h);
    }
    assert_true(n_moved > 0); /* or this test says nothing */
    session_close(&session);
    drop_trained(&trained);
}

/* Whether its rows sum to one, what no key gets of them, and how its logits are made: a snapshot has all of it from the
 * model, whatever its score function. */
static void a_snapshot_says_what_its_rows_sum_to(void **state)
{
    (void)state;
    static const struct {
        const char *kind, *key, *value;
        int sums_to_one;
        double slot_mass; /* NaN: it depends on the row */
    } cases[] = {
        {"softmax", "model.score.temperature", "2", 1, 0},
        {"softmax_total", "model.score.total", "0.7", 0, 0.3},
        {"softmax_total", "model.score.total", "1", 1, 0},
        {"sink_logit", "model.score.initial", "20", 0, 1},
        {"softmax_one", "model.score.softcap", "5", 0, (double)NAN},
        {"sigmoid", "model.score.normalised", "true", 1, 0},
        {"entmax15", "model.score.scale", "none", 1, 0},
    };
    for (size_t c = 0; c < N_TESTS(cases); c++) {
        const char *const changes[] = {"model.score.kind", cases[c].kind, cases[c].key, cases[c].value, NULL};
        Trained trained = train_tiny(changes);
        Error err;
        const Npz npz = snapshot_of(&trained, 12);
        assert_int_equal(*(const int32_t *)npz_get(&npz, "rows_sum_to_one")->data, cases[c].sums_to_one);
        Npz baselines;
        assert_ok(npz_read(trained.arena, file_join(trained.arena, trained.folder, RUN_BASELINES), &baselines, &err),
                  &err);
        const NpyArray *const found[] = {npz_get(&npz, "slot_mass"), npz_get(&baselines, "position/slot_mass")};
        for (int of = 0; of < 2; of++)
            for (size_t i = 0; i < found[of]->n_items; i++) {
                const double mass = ((const double *)found[of]->data)[i];
                assert_true(isnan(cases[c].slot_mass) ? mass > 0 && mass < 0.5
                                                      : fabs(mass - cases[c].slot_mass) < 1e-5);
            }
        drop_trained(&trained);

        Arena *arena = arena_new();
        Session session;
        const Settings settings = tiny_settings(arena, changes);
        assert_ok(session_open(&settings, kernels_best(), &session, &err), &err);
        const View view = measurer_blank_view(session.model, model_visible(session.model), kernels_best());
        const Logit *logit = &model_settings(session.model)->logit;
        assert_true(view.logit.divisor == logit->divisor && view.logit.temperature == logit->temperature &&
                    view.logit.softcap == logit->softcap);
        session_close(&session);
        arena_free(arena);
    }
}

static uint64_t bytes_below(Arena *arena, const char *folder)
{
    Error err;
    char **names;
    int n;
    uint64_t sum = 0;
    assert_ok(file_list(arena, folder, &names, &n, &err), &err);
    for (int i = 0; i < n; i++) {
        const char *path = file_join(arena, folder, names[i]);
        uint64_t bytes = 0;
        if (file_is_folder(path))
            sum += bytes_below(arena, path);
        else if (file_size(path, &bytes) == 0)
            sum += bytes;
    }
    return sum;
}

/* What `check` says a run takes at most, where small members and their headers are most of it. */
static void disk_is_known_before(void **state)
{
    (void)state;
    const char *changes[4 + 2 * 64] = {"snapshot.maps", "0", "measure.sequences", "2"};
    Error err;
    Arena *arena = arena_new();
    for (int f = 0; family_registry[f]; f++) {
        changes[4 + 2 * f] = arena_format(arena, "measure.%s.every", family_registry[f]->variant.name);
        changes[5 + 2 * f] = "1";
    }
    Trained trained = train_tiny(changes);
    const Settings settings = tiny_settings(arena, changes);
    TrainEstimate estimate;
    assert_ok(train_estimate(&settings, kernels_best(), NULL, &estimate, &err), &err);
    const uint64_t taken = bytes_below(arena, trained.folder);
    assert_in_range(taken, estimate.disk_bytes / 2, estimate.disk_bytes);
    drop_trained(&trained);
    arena_free(arena);
}

static double beside_of(Arena *arena, const char *const *changes, double *ret_flops)
{
    const Settings settings = tiny_settings(arena, changes);
    TrainEstimate estimate;
    Error err;
    assert_ok(train_estimate(&settings, kernels_best(), NULL, &estimate, &err), &err);
    if (ret_flops)
        *ret_flops = estimate.flops;
    return estimate.beside;
}

/* Runs of a few parameters take as long as what stands beside their products, and `check` promised a tenth of it. */
static void time_has_more_than_products(void **state)
{
    (void)state;
    Arena *arena = arena_new();
    static const char *const few[] = {"train.steps", "1000", "snapshot.every", "1000", NULL};
    static const char *const many[] = {"train.steps", "1000", "snapshot.every", "10", NULL};
    static const char *const hidden[] = {
        "train.steps", "1000", "snapshot.every", "1000", "objective.kind", "masked", "data.source.kind", "text", NULL};
    static const char *const large[] = {
        "train.steps", "1000", "snapshot.every", "1000", "model.d_model", "512", "model.n_layers", "4", NULL};
    double flops;
    const double tiny = beside_of(arena, few, &flops);
    assert_true(tiny > flops);
    assert_true(beside_of(arena, many, NULL) > 2 * tiny);
    assert_true(beside_of(arena, hidden, NULL) > tiny); /* measured twice, clean and corrupted */
    const double beside = beside_of(arena, large, &flops);
    assert_true(beside > tiny && beside < flops / 10);
    arena_free(arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_snapshot_holds_what_is_due),
        cmocka_unit_test(a_snapshot_says_what_its_queries_see),
        cmocka_unit_test(a_snapshot_says_what_each_slot_draws),
        cmocka_unit_test(a_snapshot_says_what_its_rows_sum_to),
        cmocka_unit_test(the_ideal_is_of_what_is_asked),
        cmocka_unit_test(targets_are_measured_apart),
        cmocka_unit_test(a_bias_by_query_is_measured),
        cmocka_unit_test(members_count_their_sequences),
        cmocka_unit_test(fisher_is_the_mean_of_squared_gradients),
        cmocka_unit_test(losses_belong_to_corrupted_sequences),
        cmocka_unit_test(baselines_are_those_of_step_0_whenever_written),
        cmocka_unit_test(measuring_again_answers_for_what_it_wrote),
        cmocka_unit_test(anchors_rest_on_the_bias_of_step_0),
        cmocka_unit_test(disk_is_known_before),
        cmocka_unit_test(time_has_more_than_products),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
