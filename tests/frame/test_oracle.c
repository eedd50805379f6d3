/* Labels, their numbers and onsets against what src/frame/README.md says in NumPy (fixtures/make_frames.py).
 *
 * The fixture was written from the README alone: frames planted in noisy maps, haphazard importances in which every
 * rule has cases near its edge, and series with holes. Were this file deleted, the program could drift from its own
 * declared rules, and the hand-made cases of test_rules.c would only show it where somebody thought of one.
 */
#include "frame/support.h"

#include <math.h>

#include "frame/onset.h"
#include "geometry/anchor.h"
#include "store/npz.h"
#include "testing.h"

/* Columns of `shape`, a row per set; parts begin at *_AT in the arrays that all sets share, -1 where a set has none. */
enum {
    S_N,
    S_LAYERS,
    S_HEADS,
    S_LENGTH,
    S_CAUSAL,
    S_HALF_N,
    S_HALF_LENGTH,
    S_FIRST,
    S_STRIDE,
    S_IMPORTANCE_AT,
    S_BASELINE_AT,
    S_TOKENS_AT,
    S_HALF_IMPORTANCE_AT,
    S_HALF_BASELINE_AT,
    S_WIDTH,
    S_N_FIRST,
    S_RULE, /* -1, or the RuleIndex of the one threshold that is the set's item of rule_value */
    S_COUNT
};

/* Columns of `expected`, a row per scope of a set (layer -1: the model, head -1: a layer); names of the numbers. */
enum { E_SET, E_LAYER, E_HEAD, E_NUMBERS, N_NUMBERS = 21, E_COUNT = E_NUMBERS + N_NUMBERS };
static const char *const numbers[N_NUMBERS] = {
    "by_position",  "by_token",      "n_anchors",      "effective_anchors", "start_share",      "end_share",
    "place_excess", "token_excess",  "n_places",       "n_tokens",          "place_share",      "token_share",
    "place",        "token",         "place_checked",  "position_margin",   "position_nearest", "position_agreement",
    "token_margin", "token_nearest", "token_agreement"};

/* Agreement is not asked for with a threshold moved. EITHER, of *_nearest: two thresholds are equally near. */
enum { POSITION_AGREEMENT = 17, TOKEN_AGREEMENT = 20, EITHER = -2 };

/* Rows of series are padded to this. */
enum { WIDTH = 14 };

typedef struct {
    Arena *arena;
    Npz npz;
} Fixture;

static int read_fixture(void **state)
{
    Error err;
    Fixture *fixture = malloc(sizeof *fixture);
    fixture->arena = arena_new();
    assert_ok(npz_read(fixture->arena, FIXTURES "/frames.npz", &fixture->npz, &err), &err);
    *state = fixture;
    return 0;
}

static int free_fixture(void **state)
{
    Fixture *fixture = *state;
    arena_free(fixture->arena);
    free(fixture);
    return 0;
}

/* A member's items; rows of n_columns each. */
static const void *rows(const Fixture *fixture, const char *name, NpyType type, int n_columns, int *ret_n)
{
    const NpyArray *array = npz_get(&fixture->npz, name);
    assert_non_null(array);
    assert_int_equal(array->type, type);
    assert_int_equal(array->n_items % (size_t)n_columns, 0);
    *ret_n = (int)(array->n_items / (size_t)n_columns);
    return array->data;
}

static const float *floats_at(const Fixture *fixture, const char *name, int at)
{
    int n;
    const float *data = rows(fixture, name, NPY_FLOAT32, 1, &n);
    return at < 0 ? NULL : data + at;
}

static FrameInput set_of(Arena *arena, const Fixture *fixture, const int32_t *shape)
{
    int n;
    const int32_t *tokens = rows(fixture, "tokens", NPY_INT32, 1, &n);
    return (FrameInput){
        .n = shape[S_N],
        .n_layers = shape[S_LAYERS],
        .n_heads = shape[S_HEADS],
        .length = shape[S_LENGTH],
        .visible = shape[S_WIDTH] ? window_of(arena, shape[S_LENGTH], shape[S_WIDTH], shape[S_N_FIRST])
                                  : mask_of(arena, shape[S_LENGTH], shape[S_CAUSAL]),
        .afar = floats_at(fixture, "importance", shape[S_IMPORTANCE_AT]),
        .baseline = floats_at(fixture, "baseline", shape[S_BASELINE_AT]),
        .tokens = shape[S_TOKENS_AT] < 0 ? NULL : tokens + shape[S_TOKENS_AT],
        .half_n = shape[S_HALF_N],
        .half_visible = shape[S_HALF_LENGTH] ? mask_of(arena, shape[S_HALF_LENGTH], shape[S_CAUSAL]) : NULL,
        .half_afar = floats_at(fixture, "importance", shape[S_HALF_IMPORTANCE_AT]),
        .half_baseline = floats_at(fixture, "baseline", shape[S_HALF_BASELINE_AT]),
        .first = shape[S_FIRST],
        .stride = shape[S_STRIDE],
    };
}

static int is_near(double x, double expected)
{
    return (isnan(x) && isnan(expected)) || x == expected || fabs(x - expected) <= 1e-9 * (1 + fabs(expected));
}

/* One line for each number that differs, so that a change of a rule shows its reach; 1 if it does. */
static int differs(const char *where, double x, double expected)
{
    if (is_near(x, expected))
        return 0;
    printf("# %s: %.12g, NumPy says %.12g\n", where, x, expected);
    return 1;
}

static void test_frames(void **state)
{
    const Fixture *fixture = *state;
    Arena *arena = arena_new();
    int n_sets, n_scopes, n_different = 0, seen[2][FRAME_LABELS] = {{0}};
    const int32_t *shapes = rows(fixture, "shape", NPY_INT32, S_COUNT, &n_sets);
    const double *rule_values = rows(fixture, "rule_value", NPY_FLOAT64, 1, &n_sets);
    const double *expected = rows(fixture, "expected", NPY_FLOAT64, E_COUNT, &n_scopes);
    for (int i = 0; i < n_scopes; i++, expected += E_COUNT) {
        const int set = (int)expected[E_SET], layer = (int)expected[E_LAYER], head = (int)expected[E_HEAD];
        const FrameInput input = set_of(arena, fixture, shapes + set * S_COUNT);
        const int rule = shapes[set * S_COUNT + S_RULE];
        double values[RULE_COUNT];
        for (int r = 0; r < RULE_COUNT; r++)
            values[r] = r == rule ? rule_values[set] : frame_rules[r].value;
        Frame frame;
        frame_classify_by(arena, &input, layer, head, values, &frame);
        if (rule < 0)
            frame_agree(&input, layer, head, &frame);
        const double got[N_NUMBERS] = {
            frame.by_position,
            frame.by_token,
            frame.n_anchors,
            frame.effective_anchors,
            frame.start_share,
            frame.end_share,
            frame.place_excess,
            frame.token_excess,
            frame.n_places,
            frame.n_tokens,
            frame.place_share,
            frame.token_share,
            frame.place,
            frame.token,
            frame.place_checked,
            frame.position_margin.least,
            frame.position_margin.nearest,
            frame.position_margin.agreement,
            frame.token_margin.least,
            frame.token_margin.nearest,
            frame.token_margin.agreement,
        };
        for (int k = 0; k < N_NUMBERS; k++)
            if (expected[E_NUMBERS + k] != EITHER && (rule < 0 || (k != POSITION_AGREEMENT && k != TOKEN_AGREEMENT)))
                n_different += differs(arena_format(arena, "set %d layer %d head %d %s", set, layer, head, numbers[k]),
                                       got[k], expected[E_NUMBERS + k]);
        for (int by = 0; by < 2; by++)
            seen[by][(int)expected[E_NUMBERS + by]]++;
    }
    assert_int_equal(n_different, 0);
    assert_true(n_sets >= 200);
    for (int type = 0; type < FRAME_LABELS; type++) /* the fixture is not lopsided */
        assert_true(seen[0][type] >= 20 && seen[1][type] >= 20);
    arena_free(arena);
}

/* Importances from afar of one map (T,T) against (DISTANCES,T): float32's rounding apart. */
static int differs_from_afar(Arena *arena, View *view, const real *map, const char *where, const float *expected)
{
    const int n = DISTANCES * view->visible->length;
    float *afar = ARENA_ARRAY(arena, float, n);
    int n_different = 0;
    view->maps = map;
    anchor_importance(view, NULL, afar);
    for (int i = 0; i < n; i++)
        if (fabsf(afar[i] - expected[i]) > 1e-6f)
            n_different += differs(arena_format(arena, "%s, item %d", where, i), afar[i], expected[i]);
        else
            n_different += differs(where, isnan(afar[i]), isnan(expected[i]));
    return n_different;
}

/* T, causal, width, n_first; where the map begins, where its numbers of a key do. Rows of zeros are in every other. */
static void test_maps(void **state)
{
    enum { N_COLUMNS = 6 };
    int n_maps, n, n_different = 0;
    Arena *arena = arena_new();
    const int32_t *shape = rows(*state, "map_shape", NPY_INT32, N_COLUMNS, &n_maps);
    const int32_t *may = rows(*state, "map_eligible", NPY_INT32, 1, &n);
    for (int i = 0; i < n_maps; i++, shape += N_COLUMNS) {
        const int T = shape[0], at = shape[5];
        const Visible *visible = shape[2] ? window_of(arena, T, shape[2], shape[3]) : mask_of(arena, T, shape[1]);
        View view = view_shape(1, 1, 1, 1, visible, kernels_best());
        real *map = ARENA_ARRAY(arena, real, T * T);
        const float *given = floats_at(*state, "map", shape[4]);
        for (int k = 0; k < T * T; k++)
            map[k] = given[k];
        n_different += differs_from_afar(arena, &view, map, arena_format(arena, "map %d", i),
                                         floats_at(*state, "map_importance", DISTANCES * at));
        view_uniform_maps(&view, map);
        n_different += differs_from_afar(arena, &view, map, arena_format(arena, "uniform %d", i),
                                         floats_at(*state, "map_uniform", DISTANCES * at));
        for (int k = 0; k < T; k++)
            n_different +=
                differs(arena_format(arena, "map %d eligible %d", i, k), anchor_is_eligible(&view, k), may[at + k]);
    }
    assert_int_equal(n_different, 0);
    assert_true(n_maps >= 10);
    arena_free(arena);
}

/* n, baseline, direction, threshold, ratio; kind, index, after, by, final, half-rise; steps and values. */
static void test_onset_of_metrics(void **state)
{
    enum { N_COLUMNS = 11 + 2 * WIDTH };
    int n_series, n_different = 0, seen[3] = {0};
    const double *s = rows(*state, "series", NPY_FLOAT64, N_COLUMNS, &n_series);
    Arena *arena = arena_new();
    for (int i = 0; i < n_series; i++, s += N_COLUMNS) {
        const int n = (int)s[0], direction = (int)s[2];
        const double *steps = s + 11, *values = steps + WIDTH;
        Onset onset;
        onset_of_metric(n, steps, values, s[1], direction, s[3], s[4], &onset);
        const double got[] = {onset.kind,
                              onset.index,
                              onset.after,
                              onset.by,
                              series_final(n, values),
                              half_rise_step(n, steps, values, s[1], direction)};
        static const char *const names[] = {"kind", "index", "after", "by", "final", "half-rise"};
        for (int k = 0; k < 6; k++)
            n_different += differs(arena_format(arena, "series %d %s", i, names[k]), got[k], s[5 + k]);
        seen[(int)s[5]]++;
    }
    assert_int_equal(n_different, 0);
    for (int kind = 0; kind < 3; kind++)
        assert_true(seen[kind] >= 5);
    arena_free(arena);
}

/* n, the label; kind, index, after, by, final label; steps and labels. */
static void test_onset_of_labels(void **state)
{
    enum { N_COLUMNS = 7 + 2 * WIDTH };
    int n_series, n_different = 0, seen[3] = {0};
    const double *s = rows(*state, "label_series", NPY_FLOAT64, N_COLUMNS, &n_series);
    Arena *arena = arena_new();
    for (int i = 0; i < n_series; i++, s += N_COLUMNS) {
        const int n = (int)s[0];
        const double *steps = s + 7;
        unsigned char is_type[WIDTH];
        int labels[WIDTH];
        for (int k = 0; k < n; k++) {
            labels[k] = (int)steps[WIDTH + k];
            is_type[k] = labels[k] == (int)s[1];
        }
        Onset onset;
        onset_of_label(n, steps, is_type, &onset);
        const double got[] = {onset.kind, onset.index, onset.after, onset.by, label_final(n, labels)};
        static const char *const names[] = {"kind", "index", "after", "by", "final"};
        for (int k = 0; k < 5; k++)
            n_different += differs(arena_format(arena, "label series %d %s", i, names[k]), got[k], s[2 + k]);
        seen[(int)s[2]]++;
    }
    assert_int_equal(n_different, 0);
    for (int kind = 0; kind < 3; kind++)
        assert_true(seen[kind] >= 5);
    arena_free(arena);
}

/* n, floor, step; the share; steps and losses. */
static void test_share_of_the_fall(void **state)
{
    enum { N_COLUMNS = 4 + 2 * WIDTH };
    int n_series, n_different = 0;
    const double *s = rows(*state, "falls", NPY_FLOAT64, N_COLUMNS, &n_series);
    Arena *arena = arena_new();
    for (int i = 0; i < n_series; i++, s += N_COLUMNS)
        n_different +=
            differs(arena_format(arena, "fall %d", i), fall_share((int)s[0], s + 4, s + 4 + WIDTH, s[1], s[2]), s[3]);
    assert_int_equal(n_different, 0);
    assert_true(n_series >= 10);
    arena_free(arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_frames),
        cmocka_unit_test(test_maps),
        cmocka_unit_test(test_onset_of_metrics),
        cmocka_unit_test(test_onset_of_labels),
        cmocka_unit_test(test_share_of_the_fall),
    };
    return cmocka_run_group_tests(tests, read_fixture, free_fixture);
}
