/* Every metric against NumPy, SciPy and NetworkX, by people who had the definitions and not the program.
 *
 * oracle_a.py transcribes the corrected metrics, oracle_b.py the published ones: on random views, on attention of real
 * runs, on uniform, one-hot and empty maps, on sequences of one to three tokens and at exact ties, under both masks.
 * Were this file deleted, a misreading shared by a family and its transcription in test_definitions.c would stay.
 *
 * A case holds view/NAME, what a View has, and expect/NAME; cases set_... hold several sequences, and metrics pooled
 * over them. Metrics that a case does not name are not compared; test_all_are_covered sees to it that each is
 * somewhere.
 */
#include "support.h"

#include <math.h>

#include "geometry/anchor.h"
#include "geometry/layout.h"
#include "geometry/pool.h"
#include "store/npz.h"
#include "testing.h"

static const char *const files[] = {FIXTURES "/oracle_a.npz", FIXTURES "/oracle_b.npz"};
enum { N_FILES = sizeof files / sizeof *files };

typedef struct {
    Arena *arena;
    const Npz *npz;
    const char *name;
} Case;

static const NpyArray *input(const Case *c, const char *name)
{
    return npz_get(c->npz, arena_format(c->arena, "%s/view/%s", c->name, name));
}

static const NpyArray *expected(const Case *c, const char *name)
{
    return npz_get(c->npz, arena_format(c->arena, "%s/expect/%s", c->name, name));
}

static const void *data_of(const Case *c, const char *name)
{
    const NpyArray *array = input(c, name);
    return array ? array->data : NULL;
}

/* W_O's slices by layer. */
static const real *const *slices_of(const Case *c, int n_layers)
{
    const NpyArray *weights = input(c, "weights");
    if (!weights)
        return NULL;
    const real **slices = ARENA_ARRAY(c->arena, const real *, n_layers);
    for (int l = 0; l < n_layers; l++)
        slices[l] = (const real *)weights->data + (size_t)l * weights->shape[1] * weights->shape[2];
    return slices;
}

static const GradientPart *parts_of(const Case *c, int *ret_n)
{
    const NpyArray *parts = input(c, "gradient_parts");
    if (!parts)
        return NULL;
    const real *values = data_of(c, "gradient_values");
    const int32_t *rows = parts->data;
    *ret_n = (int)parts->shape[0];
    GradientPart *list = ARENA_ARRAY(c->arena, GradientPart, *ret_n);
    for (int p = 0; p < *ret_n; p++) {
        list[p] = (GradientPart){(GradientGroup)rows[3 * p], rows[3 * p + 1], (size_t)rows[3 * p + 2], values};
        values += rows[3 * p + 2];
    }
    return list;
}

/* The View of sequence s: the members of single cases have no axis for it. */
static View view_of(const Case *c, int s)
{
    const NpyArray *maps = input(c, "maps"), *q = input(c, "q"), *residual = input(c, "residual"),
                   *idle = input(c, "idle");
    const int64_t *shape = maps->shape + (maps->n_dims - 4);
    const int T = (int)shape[3];
    const int32_t *end = data_of(c, "end"), *ablated = data_of(c, "ablated"), *tokens = data_of(c, "tokens");
    View view = {.n_layers = (int)shape[0], .n_heads = (int)shape[1], .length = T, .end = end ? *end : -1};
    view.is_causal = *(const int32_t *)data_of(c, "causal");
    view.d_head = q ? (int)q->shape[3] : 0;
    view.d_model = residual ? (int)residual->shape[2] : 0;
    view.maps = (const real *)maps->data + (size_t)s * view.n_layers * view.n_heads * T * T;
    view.q = data_of(c, "q"), view.k = data_of(c, "k"), view.v = data_of(c, "v"), view.bias = data_of(c, "bias");
    view.start_bias = view.bias; /* nothing has been learned */
    view.residual = data_of(c, "residual");
    view.normed = input(c, "normed") ? data_of(c, "normed") : view.residual; /* no corrected metric looks at it */
    view.output_weight = slices_of(c, view.n_layers);
    view.tokens = tokens ? tokens + (size_t)s * T : NULL;
    view.losses = data_of(c, "losses"), view.ablated_losses = data_of(c, "ablated_losses");
    for (int a = 0; a < N_ABLATIONS; a++)
        view.ablated[a] = ablated ? ablated[a] : -1;
    view.gradients = parts_of(c, &view.n_gradients);
    if (idle) {
        uint8_t *flags = ARENA_ARRAY(c->arena, uint8_t, T);
        for (int i = 0; i < T; i++)
            flags[i] = ((const int32_t *)idle->data)[i] != 0;
        view.is_idle = flags;
    }
    double *layer_maps = ARENA_ARRAY(c->arena, double, view.n_layers *T *T);
    view_average_heads(&view, layer_maps);
    view.layer_maps = layer_maps;
    return view;
}

/* Near-degenerate eigenvalues are worth less: their gap is a difference, and moduli of close pairs move by its root. */
static double tolerance_of(const char *name)
{
    static const char *const fragile[] = {"laplacian_gap", "pub_gap_ratio", "pub_kl_mp", "singular_ratio"};
    for (size_t f = 0; f < sizeof fragile / sizeof *fragile; f++)
        if (strstr(name, fragile[f]))
            return 1e-4;
    return 1e-6;
}

static int agree(double value, double expected_value, double tolerance)
{
    return value == expected_value || (isnan(value) && isnan(expected_value)) ||
           fabs(value - expected_value) <= tolerance * (1 + fabs(expected_value));
}

/* Which keys interventions hide: the start, and the anchor that the oracle found on its own; the third is drawn. */
static int keys_differ(const Case *c, const View *view)
{
    int keys[N_ABLATIONS], n_wrong = 0;
    ablation_keys(view, arena_alloc(c->arena, anchors_scratch_bytes(view)), keys);
    for (int a = ABLATE_START; a <= ABLATE_ANCHOR; a++) {
        if (keys[a] == view->ablated[a])
            continue;
        printf("# %s: key %d is hidden, the oracle says %d\n", c->name, keys[a], view->ablated[a]);
        n_wrong++;
    }
    return n_wrong;
}

/* Measures all sequences of a case, pools where there are several; returns how many values disagree. */
static int compare_case(const Case *c, unsigned char *is_covered)
{
    const NpyArray *maps = input(c, "maps");
    const int n = maps->n_dims == 5 ? (int)maps->shape[0] : 1;
    View view = view_of(c, 0);
    const Layout layout = layout_new(c->arena, view.n_layers, view.n_heads);
    double **columns = ARENA_ARRAY(c->arena, double *, layout_most_columns());
    double *rows = ARENA_ARRAY(c->arena, double, n *layout.n_values);
    void *scratch = arena_alloc(c->arena, layout_scratch_bytes(&view));
    for (int s = 0; s < n; s++) {
        view = view_of(c, s);
        for (const MetricFamily *const *family = family_registry; *family; family++)
            layout_measure(&layout, *family, &view, columns, scratch, rows + s * layout.n_values);
    }
    int n_wrong = input(c, "ablated") ? keys_differ(c, &view) : 0;
    for (int p = 0; p < layout.n_places; p++) {
        const Place *place = &layout.places[p];
        const NpyArray *array = expected(c, place->column->name);
        if (!array)
            continue;
        is_covered[p] = 1;
        assert_int_equal(array->n_items, place->size);
        for (int i = 0; i < place->size; i++) {
            const double *values = rows + place->offset + i, e = ((const double *)array->data)[i];
            const double value = maps->n_dims == 5
                                     ? pool_values(place->column->pool, n, values, (size_t)layout.n_values, 0, 1).value
                                     : *values;
            if (agree(value, e, tolerance_of(place->column->name)))
                continue;
            printf("# %s: %s[%d] is %.12g, the oracle says %.12g\n", c->name, place->column->name, i, value, e);
            n_wrong++;
        }
    }
    return n_wrong;
}

static void compare_file(Arena *arena, const char *path, unsigned char *is_covered)
{
    Error err;
    Npz npz;
    int n_wrong = 0;
    assert_ok(npz_read(arena, path, &npz, &err), &err);
    const NpyArray *cases = npz_get(&npz, "cases");
    for (size_t i = 0; i < cases->n_items; i++) {
        Case c = {arena_new(), &npz, NULL};
        c.name = arena_strndup(c.arena, (const char *)cases->data + i * (size_t)cases->item_bytes,
                               (size_t)cases->item_bytes);
        n_wrong += compare_case(&c, is_covered);
        arena_free(c.arena);
    }
    assert_int_equal(n_wrong, 0);
}

static void test_corrected(void **state)
{
    Arena *arena = arena_new();
    compare_file(arena, files[0], *state);
    arena_free(arena);
}

static void test_published(void **state)
{
    Arena *arena = arena_new();
    compare_file(arena, files[1], *state);
    arena_free(arena);
}

/* All but the drawn nulls, and Rips bars, which test_persistence.c holds to ripser. */
static void test_all_are_covered(void **state)
{
    const unsigned char *is_covered = *state;
    Arena *arena = arena_new();
    const Layout layout = layout_new(arena, 1, 1);
    for (int p = 0; p < layout.n_places; p++) {
        const char *name = layout.places[p].column->name;
        if (!is_covered[p] && !strstr(name, "_null") && strncmp(name, "rips", 4) != 0)
            fail_msg("no oracle knows %s", name);
    }
    arena_free(arena);
}

int main(void)
{
    static unsigned char is_covered[1024];
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_prestate(test_corrected, is_covered),
        cmocka_unit_test_prestate(test_published, is_covered),
        cmocka_unit_test_prestate(test_all_are_covered, is_covered),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
