/* See support.h. */
#include "support.h"

#include <math.h>

#include "base/resolve.h"
#include "geometry/anchor.h"
#include "testing.h"

/* ---- masks ---- */

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

static void window(const void *state, int i, int length, KeyRanges *ret_keys)
{
    (void)state, (void)length;
    ret_keys->range[0] = (KeyRange){i < 8 ? 0 : i - 8, i + 1};
    ret_keys->range[1] = (KeyRange){0, i < 1 ? 1 : 2};
}

static void reversed(const void *state, int i, int length, KeyRanges *ret_keys)
{
    (void)state;
    ret_keys->range[0] = (KeyRange){i, length};
}

static void blocks(const void *state, int i, int length, KeyRanges *ret_keys)
{
    const int first = i / 7 * 7;
    (void)state;
    ret_keys->range[0] = (KeyRange){first, first + 7 < length ? first + 7 : length};
}

static void ahead(const void *state, int i, int length, KeyRanges *ret_keys)
{
    (void)state;
    ret_keys->range[0] = (KeyRange){0, 1};
    ret_keys->range[1] = (KeyRange){i, i + 5 < length ? i + 5 : length};
}

const MaskRule test_masks[N_MASKS] = {
    [MASK_FULL] = {"full", NULL, full},       [MASK_CAUSAL] = {"causal", NULL, causal},
    [MASK_WINDOW] = {"window", NULL, window}, [MASK_REVERSED] = {"reversed", NULL, reversed},
    [MASK_BLOCKS] = {"blocks", NULL, blocks}, [MASK_AHEAD] = {"ahead", NULL, ahead},
};

View shape_under(Arena *arena, TestMask mask, int n_layers, int n_heads, int length)
{
    Visible *visible = ARENA_ARRAY(arena, Visible, 1);
    *visible = visible_new(arena, &test_masks[mask], length);
    return view_shape(n_layers, n_heads, 1, 1, visible, kernels_best());
}

/* ---- views ---- */

Built *built_new(Arena *arena, int n_layers, int n_heads, int length, int d_head, int d_model, TestMask mask)
{
    const size_t L = (size_t)n_layers, H = (size_t)n_heads, T = (size_t)length, D = (size_t)d_head, C = (size_t)d_model;
    Built *built = ARENA_ARRAY(arena, Built, 1);
    built->maps = ARENA_ARRAY(arena, real, L * H * T * T);
    built->q = ARENA_ARRAY(arena, real, L * H * T * D);
    built->k = ARENA_ARRAY(arena, real, L * H * T * D);
    built->v = ARENA_ARRAY(arena, real, L * H * T * D);
    built->bias = ARENA_ARRAY(arena, real, L * H * (2 * T - 1));
    built->residual = ARENA_ARRAY(arena, real, (L + 1) * T * C);
    built->normed = ARENA_ARRAY(arena, real, T * C);
    built->weights = ARENA_ARRAY(arena, real, L * H * D * C);
    built->losses = ARENA_ARRAY(arena, real, T);
    built->ablated_losses = ARENA_ARRAY(arena, real, N_ABLATIONS * T);
    built->gradients = ARENA_ARRAY(arena, real, (2 * L + 1) * C);
    built->parts = ARENA_ARRAY(arena, GradientPart, 2 * L + 1);
    for (size_t p = 0; p < 2 * L + 1; p++) /* two groups a layer, and the embedding */
        built->parts[p] = (GradientPart){p == 2 * L ? GRADIENT_EMBEDDING
                                         : p % 2    ? GRADIENT_MLP
                                                    : GRADIENT_ATTENTION,
                                         p == 2 * L ? -1 : (int)p / 2, C, built->gradients + p * C};
    built->intervened = ARENA_ARRAY(arena, Intervened, N_INTERVENTIONS);
    built->sinks = ARENA_ARRAY(arena, double, 2 * N_INTERVENTIONS * L * H);
    for (size_t k = 0; k < 2 * N_INTERVENTIONS; k++)
        built->intervened[k / 2].sink[k % 2] = built->sinks + k * L * H;
    built->slots = ARENA_ARRAY(arena, real, L * H * T * TEST_SLOTS);
    built->tokens = ARENA_ARRAY(arena, int32_t, T);
    built->is_idle = ARENA_ARRAY(arena, uint8_t, T);
    const real **slices = ARENA_ARRAY(arena, const real *, L);
    for (size_t l = 0; l < L; l++)
        slices[l] = built->weights + l * H * D * C;
    View *view = &built->view;
    *view = shape_under(arena, mask, n_layers, n_heads, length);
    view->d_model = d_model, view->d_head = d_head;
    view->logit.divisor = sqrt((double)d_head);
    view->maps = built->maps, view->q = built->q, view->k = built->k, view->v = built->v, view->bias = built->bias;
    view->residual = built->residual, view->normed = built->normed;
    view->losses = built->losses, view->ablated_losses = built->ablated_losses;
    view->gradients = built->parts, view->n_gradients = 2 * n_layers + 1;
    view->intervened = built->intervened;
    view->slots = built->slots, view->n_slots = TEST_SLOTS;
    view->output_weight = slices, view->tokens = built->tokens;
    return built;
}

Built *built_map(Arena *arena, int length, TestMask mask)
{
    Built *built = ARENA_ARRAY(arena, Built, 1);
    built->view = shape_under(arena, mask, 1, 1, length);
    built->view.maps = built->maps = ARENA_ARRAY(arena, real, (size_t)length * length);
    return built;
}

static void draw(Pcg *pcg, size_t n, double scale, real *ret)
{
    for (size_t i = 0; i < n; i++)
        ret[i] = (real)(scale * pcg_normal(pcg));
}

static void normalise(int n, const double *weights, real *ret_row)
{
    double sum = 0;
    for (int j = 0; j < n; j++)
        sum += weights[j];
    for (int j = 0; j < n; j++)
        ret_row[j] = (real)(weights[j] / sum);
}

void built_randomise(Built *built, Pcg *pcg)
{
    const View *view = &built->view;
    const size_t L = (size_t)view->n_layers, H = (size_t)view->n_heads, T = (size_t)view->length;
    const size_t D = (size_t)view->d_head, C = (size_t)view->d_model;
    for (size_t k = 0; k < 2 * N_INTERVENTIONS; k++)
        built->intervened[k / 2].cost[k % 2] = pcg_normal(pcg);
    for (size_t i = 0; i < 2 * N_INTERVENTIONS * L * H; i++)
        built->sinks[i] = pcg_uniform(pcg);
    draw(pcg, L * H * T * D, 1, built->q);
    draw(pcg, L * H * T * D, 1, built->k);
    draw(pcg, L * H * T * D, 1, built->v);
    draw(pcg, L * H * (2 * T - 1), 0.5, built->bias);
    draw(pcg, (L + 1) * T * C, 1, built->residual);
    draw(pcg, L * H * D * C, 0.3, built->weights);
    draw(pcg, T * C, 1, built->normed);
    draw(pcg, T, 1, built->losses);
    draw(pcg, N_ABLATIONS * T, 1, built->ablated_losses);
    draw(pcg, (2 * L + 1) * C, 1, built->gradients);
    for (size_t i = 0; i < T; i += 5)
        built->losses[i] = (real)NAN;
    for (int a = 0; a < N_ABLATIONS; a++)
        built->view.ablated[a] = (int)pcg_below(pcg, (uint32_t)T);
    for (size_t i = 0; i < T; i++) {
        built->tokens[i] = (int32_t)pcg_below(pcg, 50);
        built->is_idle[i] = i % 3 == 0;
    }
    built->view.is_idle = built->is_idle;
    double weights[1024];
    for (size_t m = 0; m < L * H; m++) {
        const int anchor = (int)pcg_below(pcg, (uint32_t)T); /* so that some heads have one */
        for (int i = 0; i < (int)T; i++) {
            for (int j = 0; j < (int)T; j++)
                weights[j] = view_sees(view, i, j) ? exp(pcg_normal(pcg) + (j == anchor ? 3 : 0)) : 0;
            normalise((int)T, weights, built->maps + (m * T + (size_t)i) * T);
        }
    }
    for (size_t i = 0; i < L * H * T * TEST_SLOTS; i++) /* last: tests know what the other draws are */
        built->slots[i] = (real)(pcg_uniform(pcg) / TEST_SLOTS);
}

void built_hide(Built *built)
{
    const View *view = &built->view;
    const int T = view->length, n_rows = view->n_layers * view->n_heads * T;
    for (int r = 0; r < n_rows; r++)
        for (int j = 0; j < T; j++)
            if (!view_sees(view, r % T, j))
                built->maps[(size_t)r * T + j] = 0;
}

const real *mixed_values(Arena *arena, const View *view)
{
    const int T = view->length, D = view->d_head, n_rows = view->n_layers * view->n_heads * T;
    real *heads = ARENA_ARRAY(arena, real, (size_t)n_rows * D);
    for (int r = 0; r < n_rows; r++)
        for (int d = 0; d < D; d++) {
            double sum = 0;
            for (int j = 0; j < T; j++)
                sum += (double)view->maps[(size_t)r * T + j] * (double)view->v[((size_t)(r / T) * T + j) * D + d];
            heads[(size_t)r * D + d] = (real)sum;
        }
    return heads;
}

static size_t scratch_bytes(const MetricFamily *family, const void *state, const View *view)
{
    Arena *counting = arena_new_counting();
    if (family->lay)
        family->lay(state, view, counting);
    const size_t bytes = arena_used(counting);
    arena_free(counting);
    return bytes;
}

const void *family_state(Arena *arena, const MetricFamily *family, const char *key, const char *value)
{
    Error err;
    Settings settings;
    void *state = NULL;
    SchemaPart part = {.group = arena_format(arena, "measure.%s", family->variant.name)};
    part.rows = family_rows(arena, family, &part.n_rows);
    const Assignment assignment = {.key = key ? arena_format(arena, "%s.%s", part.group, key) : NULL, .text = value};
    assert_ok(settings_resolve(arena, &(Schema){&part, 1}, &assignment, key != NULL, &settings, NULL, &err), &err);
    if (family->prepare)
        assert_ok(family->prepare(arena, &settings, &state, &err), &err);
    return state;
}

void measure_family(Arena *arena, const MetricFamily *family, const void *state, const View *view, double **ret_columns)
{
    enum { GUARD = 64 };
    const Visible visible = {.length = view->length}; /* all that a driver knows before it measures */
    View sizes = view_shape(view->n_layers, view->n_heads, view->d_model, view->d_head, &visible, NULL);
    sizes.bias_by_query = view->bias_by_query, sizes.n_slots = view->n_slots;
    const size_t bytes = scratch_bytes(family, state, &sizes);
    Arena *scratch = arena_within(arena, bytes + GUARD);
    unsigned char *guard = arena_alloc(scratch, bytes + GUARD);
    memset(guard, 0xa5, bytes + GUARD); /* a NaN-like filling: what is read before it is written shows */
    arena_clear(scratch);
    for (int c = 0; c < family->n_columns; c++) {
        const int n = level_size(family->columns[c].level, view->n_layers, view->n_heads);
        ret_columns[c] = ARENA_ARRAY(arena, double, n + 1);
        for (int i = 0; i < n; i++)
            ret_columns[c][i] = NAN;
        ret_columns[c][n] = 12345;
    }
    View whole = *view;
    if (family->needs & NEEDS_LAYER_MAPS) { /* taken now, since maps are written after a view is built */
        double *layer_maps = ARENA_ARRAY(arena, double, (size_t)view->n_layers * view->length * view->length);
        view_average_heads(view, layer_maps);
        whole.layer_maps = layer_maps;
    }
    if ((family->needs & NEEDS_QKV) && view->v)
        whole.heads = mixed_values(arena, view);
    family->measure(state, &whole, ret_columns, scratch);
    assert_int_equal(arena_used(scratch), bytes); /* the driver was told so */
    arena_clear(scratch);
    guard = (unsigned char *)arena_alloc(scratch, bytes + GUARD) + bytes;
    for (int i = 0; i < GUARD; i++)
        assert_int_equal(guard[i], 0xa5);
    for (int c = 0; c < family->n_columns; c++) {
        const int n = level_size(family->columns[c].level, view->n_layers, view->n_heads);
        assert_true(ret_columns[c][n] == 12345);
    }
}

double *measured(Arena *arena, const View *view, const char *column)
{
    for (const MetricFamily *const *family = family_registry; *family; family++)
        for (int c = 0; c < (*family)->n_columns; c++)
            if (strcmp((*family)->columns[c].name, column) == 0) {
                double **columns = ARENA_ARRAY(arena, double *, (*family)->n_columns);
                measure_family(arena, *family, family_state(arena, *family, NULL, NULL), view, columns);
                return columns[c];
            }
    fail_msg("no metric %s", column);
    return NULL;
}

double measured_one(const View *view, const char *column)
{
    Arena *arena = arena_new();
    assert_int_equal(view->n_layers * view->n_heads, 1);
    const double value = measured(arena, view, column)[0];
    arena_free(arena);
    return value;
}

/* ---- maps ---- */

void map_anchors(int length, int is_causal, double w, int n, const int *places, real *ret_map)
{
    for (int i = 0; i < length; i++) {
        const int end = is_causal ? i + 1 : length;
        int n_visible = 0;
        for (int a = 0; a < n; a++)
            n_visible += places[a] < end;
        const double rest = n_visible ? 1 - w : 1;
        for (int j = 0; j < length; j++)
            ret_map[i * length + j] = (real)(j < end ? rest / end : 0);
        for (int a = 0; a < n; a++)
            if (places[a] < end)
                ret_map[i * length + places[a]] += (real)(w / n_visible);
    }
}

void map_uniform(int length, int is_causal, real *ret_map)
{
    map_anchors(length, is_causal, 0, 0, NULL, ret_map);
}

void map_star(int length, double w, real *ret_map)
{
    for (int i = 0; i < length; i++)
        for (int j = 0; j < length; j++)
            ret_map[i * length + j] = (real)(j > i ? 0 : i == 0 ? 1 : j == 0 ? w : (1 - w) / i);
}

void map_previous(int length, double w, real *ret_map)
{
    for (int i = 0; i < length; i++)
        for (int j = 0; j < length; j++)
            ret_map[i * length + j] = (real)(j > i ? 0 : (1 - w) / (i + 1) + (j == (i ? i - 1 : 0) ? w : 0));
}

void map_self(int length, int is_causal, double w, real *ret_map)
{
    for (int i = 0; i < length; i++)
        for (int j = 0; j < length; j++)
            ret_map[i * length + j] =
                (real)((is_causal && j > i ? 0 : (1 - w) / (is_causal ? i + 1 : length)) + (j == i ? w : 0));
}

static void softmax_weights(const void *context, int layer, int head, int i, double *ret_weights)
{
    const SoftmaxRows *rows = context;
    const int T = rows->shape->length;
    const real *bias = rows->bias + ((size_t)layer * rows->shape->n_heads + head) * (2 * T - 1) + T - 1 + i;
    double sum = 0, most = -INFINITY;
    for (int j = 0; j < T; j++)
        most = view_sees(rows->shape, i, j) ? fmax(most, (double)bias[-j]) : most;
    for (int j = 0; j < T; j++)
        sum += ret_weights[j] = view_sees(rows->shape, i, j) ? exp((double)bias[-j] - most) : 0;
    for (int j = 0; j < T; j++)
        ret_weights[j] /= sum;
}

PositionRows softmax_rows(const SoftmaxRows *rows)
{
    return (PositionRows){rows, softmax_weights};
}

void softmax_maps(Arena *arena, const View *shape, const real *bias, real *ret_maps)
{
    const SoftmaxRows own = {shape, bias};
    const PositionRows rows = softmax_rows(&own);
    view_position_maps(shape, &rows, ARENA_ARRAY(arena, double, shape->length), ret_maps);
}

double *softmax_baseline(Arena *arena, const View *shape, const real *bias)
{
    const SoftmaxRows own = {shape, bias};
    const PositionRows rows = softmax_rows(&own);
    double *baseline = ARENA_ARRAY(arena, double, shape->n_layers * shape->n_heads * shape->length);
    anchor_baseline(shape, &rows, arena, baseline);
    return baseline;
}
