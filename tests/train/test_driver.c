/* A snapshot against the plainest driver there is: one sequence at a time, every View filled by hand, nothing shared.
 *
 * The measuring driver captures several sequences at once on several lanes, skips what is not due, reuses captures,
 * mean maps and workspaces, and writes baselines of its own. Were this file deleted, any of these could hand a family
 * another sequence's values, residuals, tokens, idle queries or targets, or measure both baselines alike, and every
 * number would still be one that looks right.
 */
#include "testing.h"

#include <math.h>

#include "geometry/anchor.h"
#include "model/mask/mask.h"
#include "store/npz.h"
#include "store/run.h"
#include "train/measurer.h"
#include "train/session.h"
#include "training.h"

enum { LAST = 12 }; /* the last step, at which everything is due */

/* A trained run opened again: its sets, its model, the weights of its last snapshot. */
typedef struct {
    Arena *arena;
    char *folder;
    Settings settings;
    Session session;
    Npz last, baselines;
    real *weights;
    Layout layout;
    double **columns;
    Arena *scratch;
} Again;

/* Three sequences a lane, all captured together. */
static Again train_and_open(const char *const *changes)
{
    Error err = {""};
    Again again = {.arena = arena_new()};
    again.settings = tiny_settings(again.arena, changes);
    again.folder = fresh_folder(again.arena);
    assert_ok(train_in(again.folder, &again.settings, 2, 0, &err), &err);
    assert_ok(session_open(&again.settings, kernels_best(), &again.session, &err), &err);
    assert_ok(session_start(&again.session, 1, 0, 1, &err), &err);
    assert_ok(npz_read(again.arena, run_snapshot_path(again.arena, again.folder, LAST), &again.last, &err), &err);
    assert_ok(npz_read(again.arena, file_join(again.arena, again.folder, RUN_BASELINES), &again.baselines, &err), &err);
    const Parameters *parameters = model_parameters(again.session.model);
    again.weights = ARENA_ARRAY(again.arena, real, parameters->n_values);
    for (int t = 0; t < parameters->n_tensors; t++) {
        const Tensor *tensor = &parameters->tensors[t];
        const NpyArray *array = npz_get(&again.last, arena_format(again.arena, "weights/%s", tensor->name));
        memcpy(again.weights + tensor->offset, array->data, (size_t)tensor->rows * tensor->cols * sizeof(real));
    }
    const Shape shape = measurer_shape(again.session.model);
    const View view = measurer_blank_view(again.session.model, model_visible(again.session.model), NULL);
    again.layout = layout_new(again.arena, shape.L, shape.H);
    again.columns = ARENA_ARRAY(again.arena, double *, layout_most_columns());
    again.scratch = arena_within(again.arena, layout_scratch_bytes(again.session.settings.measure.states, &view));
    return again;
}

static void drop(Again *again)
{
    session_close(&again->session);
    remove_tree(again->folder);
    arena_free(again->arena);
}

/* A View of one sequence of one set, everything in it made here; memory from `arena`. */
static View look_at(const Again *again, Arena *arena, const Set *set, int s, int is_corrupted)
{
    const Model *model = again->session.model;
    const Shape shape = measurer_shape(model);
    const int T = set->length;
    const size_t L = (size_t)shape.L, H = (size_t)shape.H, n = (size_t)T;
    Visible *visible = ARENA_ARRAY(arena, Visible, 1);
    *visible = visible_new(arena, model_mask_rule(model), T);
    View view = measurer_blank_view(model, visible, kernels_best());
    Capture capture = {.maps = ARENA_ARRAY(arena, real, L * H * n * n),
                       .q = ARENA_ARRAY(arena, real, L * H * n * shape.D),
                       .k = ARENA_ARRAY(arena, real, L * H * n * shape.D),
                       .v = ARENA_ARRAY(arena, real, L * H * n * shape.D),
                       .heads = ARENA_ARRAY(arena, real, L * H * n * shape.D),
                       .residual = ARENA_ARRAY(arena, real, (L + 1) * n * shape.C),
                       .normed = ARENA_ARRAY(arena, real, n * shape.C)};
    Workspace *workspace = workspace_new(arena, model, 1, 0, NULL);
    view.tokens = (is_corrupted ? set->corrupted : set->inputs) + s * T;
    model_capture(model, again->weights, view.tokens, NULL, 1, T, workspace, &capture);
    view.maps = capture.maps, view.q = capture.q, view.k = capture.k, view.v = capture.v;
    view.heads = capture.heads;
    view.residual = capture.residual, view.normed = capture.normed;
    real *bias = ARENA_ARRAY(arena, real, L * H * (2 * n - 1));
    model_position_bias(model, again->weights, T, bias);
    double *baseline = ARENA_ARRAY(arena, double, L *H *n);
    const ModelRows own = {model, again->weights, bias,
                           view.visible}; /* nothing here learns what position alone gives */
    const PositionRows rows = position_rows_of(&own);
    anchor_baseline(&view, &rows, arena, baseline);
    view.bias = bias, view.baseline = baseline;
    const real **weights = ARENA_ARRAY(arena, const real *, L);
    for (int l = 0; l < shape.L; l++)
        weights[l] = model_output_weight(model, again->weights, l);
    view.output_weight = weights;
    view.is_idle = (is_corrupted ? set->unmasked : set->idle) + s * T;
    view.end = set->ends[s];
    double *layer_maps = ARENA_ARRAY(arena, double, L *n *n);
    view_average_heads(&view, layer_maps);
    view.layer_maps = layer_maps;
    return view;
}

/* The gradient of the sequence's mean loss by layer and group, as the tensors are called; losses with keys hidden. */
static void add_losses(const Again *again, Arena *arena, const int32_t *targets, View *view)
{
    const Model *model = again->session.model;
    const Parameters *parameters = model_parameters(model);
    const int T = view->length;
    Batch batch = {
        .n = 1, .length = T, .inputs = (int32_t *)(uintptr_t)view->tokens, .targets = (int32_t *)(uintptr_t)targets};
    for (int i = 0; i < T; i++)
        batch.n_targets += targets[i] >= 0;
    real *gradient = ARENA_ARRAY(arena, real, parameters->n_values), *losses = ARENA_ARRAY(arena, real, T),
         *ablated = ARENA_ARRAY(arena, real, N_ABLATIONS * T);
    Workspace *workspace = workspace_new(arena, model, 1, 1, NULL);
    model_step(model, again->weights, &batch, 0, 1, workspace, gradient, losses);
    GradientPart *parts = ARENA_ARRAY(arena, GradientPart, parameters->n_tensors);
    for (int t = 0; t < parameters->n_tensors && batch.n_targets > 0; t++) {
        const Tensor *tensor = &parameters->tensors[t];
        const int is_embedding = strncmp(tensor->name, "embedding", 9) == 0;
        if (strstr(tensor->name, "norm") || strncmp(tensor->name, "head", 4) == 0)
            continue;
        parts[view->n_gradients++] = (GradientPart){is_embedding                    ? GRADIENT_EMBEDDING
                                                    : strstr(tensor->name, ".mlp.") ? GRADIENT_MLP
                                                                                    : GRADIENT_ATTENTION,
                                                    is_embedding ? -1 : tensor->name[7] - '0',
                                                    (size_t)tensor->rows * tensor->cols, gradient + tensor->offset};
        view->gradients = parts;
    }
    ablation_keys(view, again->scratch, view->ablated);
    for (int a = 0; a < N_ABLATIONS; a++)
        if (view->ablated[a] >= 0)
            model_ablated_losses(model, again->weights, view->tokens, targets, T, view->ablated[a], workspace,
                                 ablated + a * T);
    for (int i = 0; i < T; i++)
        if (targets[i] < 0)
            losses[i] = (real)NAN;
    view->losses = losses, view->ablated_losses = ablated;
}

/* Every family on a view of sequence s, if its settings have it on that sequence. */
static void measure(const Again *again, const View *view, int s, double *row)
{
    for (int i = 0; i < again->layout.n_values; i++)
        row[i] = (double)NAN;
    for (int f = 0; family_registry[f]; f++)
        if (s < again->session.settings.measure.families[f].n_sequences)
            layout_measure(&again->layout, family_registry[f], again->session.settings.measure.states[f], view,
                           again->columns, again->scratch, row);
}

static int agree(double a, double b)
{
    return a == b || (isnan(a) && isnan(b)) || fabs(a - b) <= 1e-12 * (1 + fabs(b));
}

/* The members of one prefix against rows (N, n_values); returns how many values were numbers. */
static int compare_members(const Again *again, const char *prefix, int n, const double *rows)
{
    static const int first[] = {0, 0, 1}, step[] = {1, 2, 2}; /* all, even, odd */
    const Layout *layout = &again->layout;
    int n_numbers = 0;
    for (int p = 0; p < layout->n_places; p++) {
        const Place *place = &layout->places[p];
        const NpyArray *array = npz_get(&again->last, arena_format(again->arena, "%s%s", prefix, place->column->name));
        const int needs_losses = (place->family->needs & (NEEDS_GRADIENT | NEEDS_INTERVENTION)) != 0;
        if (place->family->is_off || (place->family->needs & NEEDS_SLOTS)) { /* this model has no slots */
            assert_null(array);
            continue;
        }
        if (needs_losses && again->session.settings.objective->corrupts && *prefix == '\0') {
            assert_null(array); /* losses are those of corrupted sequences */
            continue;
        }
        assert_non_null(array);
        for (int part = 0; part < 3; part++)
            for (int i = 0; i < place->size; i++) {
                const double stored = ((const double *)array->data)[part * place->size + i];
                const double value = pool_values(place->column->pool, n, rows + place->offset + i,
                                                 (size_t)layout->n_values, first[part], step[part])
                                         .value;
                n_numbers += isfinite(value);
                if (!agree(stored, value))
                    fail_msg("%s%s, part %d, value %d: %.17g stored, %.17g one by one", prefix, place->column->name,
                             part, i, stored, value);
            }
    }
    return n_numbers;
}

/* `name` and `name`_afar. */
static void compare_importances(const Again *again, const char *prefix, const char *behind, int s, const View *view)
{
    const size_t n = (size_t)view->n_layers * view->n_heads * view->length, n_afar = n * DISTANCES;
    float *own = ARENA_ARRAY(again->arena, float, n), *afar = ARENA_ARRAY(again->arena, float, n_afar);
    const NpyArray *array = npz_get(&again->last, arena_format(again->arena, "%simportance%s", prefix, behind));
    const NpyArray *far = npz_get(&again->last, arena_format(again->arena, "%simportance_afar%s", prefix, behind));
    anchor_importance(view, own, afar);
    assert_true(array && far);
    assert_memory_equal((const float *)array->data + (size_t)s * n, own, n * sizeof *own);
    assert_memory_equal((const float *)far->data + (size_t)s * n_afar, afar, n_afar * sizeof *afar);
}

static void compare_snapshot(const Again *again, int is_corrupted)
{
    const Measurer *measurer = again->session.measurer;
    const Set *full = &measurer->full, *half = &measurer->half;
    const int has_losses = is_corrupted || !full->corrupted;
    const char *prefix = is_corrupted ? "corrupted/" : "";
    double *rows = ARENA_ARRAY(again->arena, double, full->n * again->layout.n_values);
    for (int s = 0; s < full->n; s++) {
        Arena *arena = arena_new();
        View view = look_at(again, arena, full, s, is_corrupted),
             short_view = look_at(again, arena, half, s, is_corrupted);
        const size_t n = (size_t)view.n_layers * view.n_heads * view.length * view.length;
        if (has_losses)
            add_losses(again, arena, full->targets + s * full->length, &view);
        measure(again, &view, s, rows + s * again->layout.n_values);
        compare_importances(again, prefix, "", s, &view);
        compare_importances(again, prefix, "_half", s, &short_view);
        if (!is_corrupted)
            assert_memory_equal((const real *)npz_get(&again->last, "map")->data + s * n, view.maps, n * sizeof(real));
        arena_free(arena);
    }
    assert_true(compare_members(again, prefix, full->n, rows) > again->layout.n_values);
}

/* Computed maps on every sequence that a family is measured on: where they differ by sequence (drawn positions, idle
 * queries, tokens) all of them count. */
static void compare_baselines(const Again *again, int is_corrupted)
{
    static const char *const names[] = {"uniform", "position"};
    const Set *set = &again->session.measurer->full;
    const Layout *layout = &again->layout;
    for (int b = 0; b < 2; b++) {
        double *rows = ARENA_ARRAY(again->arena, double, set->n * layout->n_values);
        for (int s = 0; s < set->n; s++) {
            Arena *arena = arena_new();
            View view = look_at(again, arena, set, s, is_corrupted);
            const ModelRows own = {again->session.model, again->weights, view.bias, view.visible};
            const PositionRows position = position_rows_of(&own);
            if (b)
                view_position_maps(&view, &position, ARENA_ARRAY(arena, double, set->length),
                                   (real *)(uintptr_t)view.maps);
            else
                view_uniform_maps(&view, (real *)(uintptr_t)view.maps);
            view_average_heads(&view, (double *)(uintptr_t)view.layer_maps);
            measure(again, &view, s, rows + s * layout->n_values);
            arena_free(arena);
        }
        for (int p = 0; p < layout->n_places; p++) {
            const Place *place = &layout->places[p];
            const char *name =
                arena_format(again->arena, "%s/%s%s", names[b], is_corrupted ? "corrupted/" : "", place->column->name);
            const NpyArray *array = npz_get(&again->baselines, name);
            assert_int_equal(array != NULL, place->is_attention_only);
            for (int i = 0; array && i < place->size; i++) {
                const double stored = ((const double *)array->data)[i];
                const double value =
                    pool_values(place->column->pool, set->n, rows + place->offset + i, (size_t)layout->n_values, 0, 1)
                        .value;
                if (!agree(stored, value))
                    fail_msg("%s, value %d: %.17g stored, %.17g one by one", name, i, stored, value);
            }
        }
    }
}

static void test_causal(void **state)
{
    (void)state;
    static const char *const changes[] = {"measure.sequences",
                                          "12",
                                          "snapshot.maps",
                                          "12",
                                          "snapshot.weights",
                                          "true",
                                          "model.n_layers",
                                          "2",
                                          "model.n_heads",
                                          "2",
                                          "model.context_length",
                                          "24",
                                          "model.position.kind",
                                          "alibi",
                                          "data.source.kind",
                                          "bigram_backcopy",
                                          "objective.kind",
                                          "next",
                                          "measure.ablation.sequences",
                                          "6",
                                          NULL};
    Again again = train_and_open(changes);
    compare_snapshot(&again, 0);
    compare_baselines(&again, 0);
    drop(&again);
}

/* Corrupted sequences have other tokens, fewer idle queries, and all the losses. */
static void test_masked(void **state)
{
    (void)state;
    static const char *const changes[] = {"measure.sequences",
                                          "12",
                                          "snapshot.maps",
                                          "12",
                                          "snapshot.weights",
                                          "true",
                                          "model.n_layers",
                                          "2",
                                          "model.n_heads",
                                          "2",
                                          "model.context_length",
                                          "24",
                                          "model.mask.kind",
                                          "full",
                                          "data.source.kind",
                                          "bigram_backcopy",
                                          "objective.kind",
                                          "masked",
                                          "data.eos",
                                          "always",
                                          NULL};
    Again again = train_and_open(changes);
    compare_snapshot(&again, 0);
    compare_snapshot(&again, 1);
    compare_baselines(&again, 0);
    compare_baselines(&again, 1);
    drop(&again);
}

/* Measured less often, a family that looks at tokens or idle queries still has its floor from all its sequences. */
static void test_baselines_do_not_depend_on_the_cadence(void **state)
{
    (void)state;
    static const char *const changes[] = {"measure.sequences",
                                          "12",
                                          "snapshot.weights",
                                          "true",
                                          "model.context_length",
                                          "24",
                                          "data.source.kind",
                                          "bigram_backcopy",
                                          "objective.kind",
                                          "next",
                                          "measure.sink.every",
                                          "3",
                                          "measure.pub_head.every",
                                          "2",
                                          "measure.importance.every",
                                          "4",
                                          NULL};
    Again again = train_and_open(changes);
    compare_baselines(&again, 0);
    drop(&again);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_causal),
        cmocka_unit_test(test_masked),
        cmocka_unit_test(test_baselines_do_not_depend_on_the_cadence),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
