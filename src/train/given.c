/* See given.h. */
#include "train/given.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "geometry/anchor.h"
#include "train/measurer.h"

/* ---- settings ---- */

static const Setting *family_setting(const Settings *families, int f, const char *key)
{
    char path[96];
    snprintf(path, sizeof path, "measure.%s.%s", family_registry[f]->variant.name, key);
    return settings_find(families, path);
}

static int is_given(const Setting *setting)
{
    return setting->file != NULL;
}

static Cadence cadence_of(const Settings *families, int f, int n)
{
    const Setting *every = family_setting(families, f, "every"), *sequences = family_setting(families, f, "sequences");
    const int is_costly = (family_registry[f]->needs & NEEDS_GRADIENT) && !is_given(every);
    const int is_of_all = family_sees_maps_only(family_registry[f]) && !is_given(sequences);
    const int most = is_of_all || sequences->number == 0 || sequences->number > n ? n : (int)sequences->number;
    return (Cadence){is_costly ? 0 : (int)every->number, most};
}

/* Everything is due at the last step, which is the first. */
int given_settings(Arena *arena, const Settings *families, int n, TrainSettings *ret_settings, Error *err)
{
    TrainSettings settings = {.objective = objective_find("next")};
    settings.measure.enabled = 1, settings.measure.n_sequences = n;
    for (int f = 0; family_registry[f]; f++)
        settings.measure.families[f] = cadence_of(families, f, n);
    const int status = families_prepare(arena, families, &settings.measure.states, err);
    if (status == STATUS_OK)
        *ret_settings = settings;
    return status;
}

/* ---- memory ---- */

static void lay(Arena *arena, const TrainSettings *settings, const Model *model, Measurer *measurer)
{
    const Shape s = measurer_shape(model);
    const size_t n = (size_t)measurer->given->n, afar = (size_t)s.L * s.H * DISTANCES * s.T;
    measurer_lay(arena, settings, model, measurer);
    measurer->uniform = ARENA_ARRAY(arena, double, n * measurer->layout.n_values);
    measurer->position =
        measurer->given->with_position ? ARENA_ARRAY(arena, double, n * measurer->layout.n_values) : NULL;
    measurer->afar_baseline = ARENA_ARRAY(arena, float, (measurer->full.varies ? n : 1) * afar);
    measurer->bad_heads = ARENA_ARRAY(arena, int, n);
    measurer->bad_layers = ARENA_ARRAY(arena, int, n);
}

static int workers_of(const Model *model, const GivenSet *set, int threads)
{
    const int varies = set->shortest < measurer_shape(model).T;
    const Measurer measurer = {.model = model, .given = set, .full = {.n = set->n, .varies = varies}};
    const int n_lanes = measurer_n_lanes(&measurer);
    return threads < n_lanes ? threads : n_lanes;
}

static Measurer measurer_of(const Model *model, const GivenSet *set, int threads)
{
    return (Measurer){
        .model = model, .given = set, .least = set->shortest, .n_workers = workers_of(model, set, threads)};
}

double given_bytes(const TrainSettings *settings, const Model *model, const GivenSet *set, int threads)
{
    Arena *counting = arena_new_counting();
    Measurer measurer = measurer_of(model, set, threads);
    lay(counting, settings, model, &measurer);
    const size_t bytes = arena_used(counting);
    arena_free(counting);
    return (double)bytes;
}

/* ---- what position alone, and uniform attention, give from afar ---- */

static void put_afar(Measurer *measurer, int s, size_t n_rows, float *ret_wide)
{
    const Set *set = &measurer->full;
    const size_t T = (size_t)set->lengths[s], wide = (size_t)set->length;
    Arena *arena = arena_new();
    float *each[2];
    for (int is_position = 0; is_position < 2; is_position++) {
        const View view = measurer_lay_computed(measurer, set, s, is_position, &measurer->worker[0]);
        each[is_position] = ARENA_ARRAY(arena, float, n_rows *T);
        anchor_importance(&view, NULL, each[is_position]);
    }
    for (size_t i = 0; i < n_rows * T; i++)
        ret_wide[i] = each[1][i] > each[0][i] ? each[1][i] : each[0][i];
    widen_rows(n_rows, (int)T, (int)wide, ret_wide);
    arena_free(arena);
}

static void fill_afar_baseline(Measurer *measurer)
{
    const Set *set = &measurer->full;
    const Shape shape = measurer_shape(measurer->model);
    const size_t n_rows = (size_t)shape.L * (size_t)shape.H * DISTANCES, n = n_rows * (size_t)set->length;
    for (int s = 0; s < (set->varies ? set->n : 1); s++) {
        float *own = measurer->afar_baseline + (size_t)s * n;
        int before = 0;
        while (before < s && set->lengths[before] != set->lengths[s])
            before++;
        if (before < s)
            memcpy(own, measurer->afar_baseline + (size_t)before * n, n * sizeof *own);
        else
            put_afar(measurer, s, n_rows, own);
    }
}

/* ---- measuring ---- */

/* What a model computed, and behind that its loss, where there are targets. */
static int check_finite(const Measurer *measurer, Error *err)
{
    const int H = measurer->layout.n_heads;
    for (int s = 0; s < measurer->given->n; s++) {
        const int head = measurer->bad_heads[s] - 1, layer = measurer->bad_layers[s] - 1;
        char what[64] = "";
        if (head >= 0)
            snprintf(what, sizeof what, "the attention of head %d.%d in", head / H, head % H);
        else if (layer == measurer->layout.n_layers)
            snprintf(what, sizeof what, "what the final norm gives in");
        else if (layer >= 0)
            snprintf(what, sizeof what, "what layer %d gives in", layer);
        else if (measurer->given->targets && !isfinite(measurer->pass.losses[(size_t)s * MAX_LOSS_GROUPS]))
            snprintf(what, sizeof what, "the loss of");
        if (*what)
            return error_set(err, STATUS_INPUT, "%s sequence %d is not finite: %s weights are too large for float32",
                             what, s, head >= 0 ? "its" : "the model's");
    }
    return STATUS_OK;
}

static Measured measured_of(const Measurer *measurer)
{
    const Pass *pass = &measurer->pass;
    double sum = 0, n = 0;
    for (int s = 0; s < pass->n; s++)
        sum += pass->losses[(size_t)s * MAX_LOSS_GROUPS], n += pass->counts[(size_t)s * MAX_LOSS_GROUPS];
    return (Measured){.layout = measurer->layout,
                      .values = pass->values,
                      .uniform = measurer->uniform,
                      .position = measurer->position,
                      .afar = pass->afar,
                      .baseline = measurer->afar_baseline,
                      .loss = n > 0 ? sum / n : (double)NAN,
                      .n_targets = (int64_t)n};
}

static void keep_values(const Measurer *measurer, double *ret_values)
{
    const size_t n = (size_t)measurer->given->n * (size_t)measurer->layout.n_values;
    memcpy(ret_values, measurer->pass.values, n * sizeof *ret_values);
}

static int measure(Arena *arena, Measurer *measurer, const TrainSettings *settings, const real *parameters, Error *err)
{
    lay(arena, settings, measurer->model, measurer);
    measurer->settings = settings, measurer->start = parameters;
    put_given_set(measurer, &measurer->full);
    measurer_begin(measurer);
    measurer_prepare(measurer, parameters, 0);
    fill_afar_baseline(measurer);
    measurer_measure_uniform(measurer);
    keep_values(measurer, measurer->uniform);
    if (measurer->position) {
        measurer_measure_computed(measurer, 1, 0);
        keep_values(measurer, measurer->position);
    }
    measurer_run_passes(measurer, 0);
    return check_finite(measurer, err);
}

int given_measure(const TrainSettings *settings, const Model *model, const real *parameters, const Kernels *kernels,
                  const GivenSet *set, int threads, Arena **ret_memory, Measured *ret_measured, Error *err)
{
    Measurer measurer = measurer_of(model, set, threads);
    Arena *memory;
    int status = arena_new_fixed((size_t)given_bytes(settings, model, set, threads), &memory, err);
    if (status != STATUS_OK)
        return status;
    measurer.kernels = kernels;
    status = lanes_new(measurer.n_workers, &measurer.lanes, err);
    if (status == STATUS_OK) {
        status = measure(memory, &measurer, settings, parameters, err);
        lanes_free(measurer.lanes);
    }
    if (status != STATUS_OK) {
        arena_free(memory);
        return status;
    }
    *ret_memory = memory, *ret_measured = measured_of(&measurer);
    return STATUS_OK;
}
