/* Every metric against NumPy, SciPy and NetworkX, by people who had the definitions and not the program.
 *
 * A family's values by somebody else are fixtures/FAMILY.npz: oracle_a.py transcribes the corrected metrics,
 * oracle_b.py the published ones, each on views that its families share (families.py): random, of real runs, uniform,
 * one-hot and empty maps, sequences of one to three tokens and exact ties, under both masks. Were this file deleted, a
 * misreading shared by a family and its transcription in test_definitions.c would stay.
 *
 * A case holds view/NAME, what a View has, and expect/NAME; cases set_... hold several sequences, and metrics pooled
 * over them. Metrics that a case does not name are not compared, but each is somewhere in its family's file, drawn
 * nulls apart. A family without a file is held to its definition by a test of its own, test_FAMILY.c.
 */
#include "support.h"

#include <math.h>

#include "base/file.h"
#include "geometry/anchor.h"
#include "geometry/layout.h"
#include "geometry/pool.h"
#include "store/npz.h"
#include "testing.h"

typedef struct {
    Arena *arena;
    const MetricFamily *family;
    const Npz *npz, *views; /* the family's values; the views that they are of, in the same file or another */
    const char *name;
} Case;

static const NpyArray *input(const Case *c, const char *name)
{
    return npz_get(c->views, arena_format(c->arena, "%s/view/%s", c->name, name));
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
    const int is_causal = *(const int32_t *)data_of(c, "causal");
    View view = shape_under(c->arena, is_causal ? MASK_CAUSAL : MASK_FULL, (int)shape[0], (int)shape[1], T);
    view.end = end ? *end : -1;
    view.d_head = q ? (int)q->shape[3] : 0;
    view.logit.divisor = sqrt((double)view.d_head);
    view.d_model = residual ? (int)residual->shape[2] : 0;
    view.maps = (const real *)maps->data + (size_t)s * view.n_layers * view.n_heads * T * T;
    view.q = data_of(c, "q"), view.k = data_of(c, "k"), view.v = data_of(c, "v"), view.bias = data_of(c, "bias");
    if (view.bias) /* nothing has been learned */
        view.baseline = softmax_baseline(c->arena, &view, view.bias);
    if (view.v)
        view.heads = mixed_values(c->arena, &view);
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
    ablation_keys(view, c->arena, keys);
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
    const Place *place = layout_family(&layout, c->family);
    double **columns = ARENA_ARRAY(c->arena, double *, layout_most_columns());
    double *rows = ARENA_ARRAY(c->arena, double, n *layout.n_values);
    const void *const *states;
    Error err;
    assert_ok(families_prepare(c->arena, NULL, &states, &err), &err);
    Arena *scratch = arena_within(c->arena, layout_scratch_bytes(states, &view));
    for (int s = 0; s < n; s++) {
        view = view_of(c, s);
        layout_measure(&layout, c->family, states[variant_index(family_variants, c->family->variant.name)], &view,
                       columns, scratch, rows + s * layout.n_values);
    }
    int n_wrong = input(c, "ablated") ? keys_differ(c, &view) : 0;
    for (int p = 0; p < c->family->n_columns; p++, place++) {
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

/* The i-th string of an array, NUL added. */
static const char *string_of(Arena *arena, const NpyArray *strings, size_t i)
{
    const size_t width = (size_t)strings->item_bytes;
    return arena_strndup(arena, (const char *)strings->data + i * width, width);
}

static Npz read_fixture(Arena *arena, const char *name)
{
    Error err;
    Npz npz;
    assert_ok(npz_read(arena, arena_format(arena, FIXTURES "/%s.npz", name), &npz, &err), &err);
    return npz;
}

/* How many values disagree; columns that no case names are written out. */
static int compare_family(const MetricFamily *family)
{
    Arena *arena = arena_new();
    const Npz npz = read_fixture(arena, family->variant.name);
    const NpyArray *cases = npz_get(&npz, "cases"), *views = npz_get(&npz, "views");
    const Npz shared = views ? read_fixture(arena, arena_format(arena, "views_%s", string_of(arena, views, 0))) : npz;
    unsigned char *is_covered = ARENA_ARRAY(arena, unsigned char, family->n_columns);
    int n_wrong = 0;
    for (size_t i = 0; i < cases->n_items; i++) {
        const Case c = {arena_new(), family, &npz, &shared, string_of(arena, cases, i)};
        n_wrong += compare_case(&c, is_covered);
        arena_free(c.arena);
    }
    for (int p = 0; p < family->n_columns; p++)
        if (!is_covered[p] && !strstr(family->columns[p].name, "_null")) {
            printf("# %s.npz does not know %s\n", family->variant.name, family->columns[p].name);
            n_wrong++;
        }
    arena_free(arena);
    return n_wrong;
}

static void test_every_family_is_held_to_its_definition(void **state)
{
    (void)state;
    Arena *arena = arena_new();
    int n_wrong = 0;
    for (const MetricFamily *const *family = family_registry; *family; family++) {
        const char *name = (*family)->variant.name;
        if (file_exists(arena_format(arena, FIXTURES "/%s.npz", name)))
            n_wrong += compare_family(*family);
        else if (!file_exists(arena_format(arena, FIXTURES "/../test_%s.c", name)))
            fail_msg("nothing holds family %s to its definition: write tests/geometry/fixtures/%s.npz, by a %s.py of "
                     "somebody who has not seen the code, or transcribe the definition in tests/geometry/test_%s.c",
                     name, name, name, name);
    }
    assert_int_equal(n_wrong, 0);
    arena_free(arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_family_is_held_to_its_definition),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
