/* What every metric family of the registry must do, the template included: describe itself, keep to its scratch and its
 * range, give the same for the same view, and say nothing (NaN) rather than something where a sequence is too short.
 *
 * Were this file deleted, a new family could write beside its memory, carry state from one sequence to the next, or
 * leave the report without a unit, and only a reader would notice.
 */
#include "support.h"

#include <math.h>
#include <stdlib.h>

#include "testing.h"

extern const MetricFamily family_template;

/* The i-th family of the registry, then the template, then NULL. */
static const MetricFamily *family_at(int index)
{
    int n = 0;
    while (family_registry[n])
        n++;
    return index < n ? family_registry[index] : index == n ? &family_template : NULL;
}

static int is_filled(const char *text)
{
    return text && *text;
}

static void test_descriptions(void **state)
{
    (void)state;
    for (int f = 0; family_at(f); f++) {
        const MetricFamily *family = family_at(f);
        assert_true(is_filled(family->variant.name) && is_filled(family->variant.summary) &&
                    is_filled(family->variant.source));
        assert_true(is_filled(family->cost) && family->needs != 0 && family->n_columns > 0);
        for (int c = 0; c < family->n_columns; c++) {
            const MetricColumn *column = &family->columns[c];
            assert_true(is_filled(column->name) && is_filled(column->unit) && is_filled(column->summary));
            assert_non_null(column->source);
            assert_non_null(column->weakness);
            assert_true(column->min < column->max);
            if (column_has_onset(column))
                assert_true(column->threshold > column->min && column->threshold < column->max &&
                            column->direction != DIRECTION_NONE && column->ratio >= 1);
            else
                assert_true(column->ratio == 0); /* of what? */
        }
    }
}

static void test_names_find_and_are_unique(void **state)
{
    (void)state;
    for (const MetricFamily *const *family = family_registry; *family; family++) {
        assert_ptr_equal(family_find((*family)->variant.name), *family);
        for (int c = 0; c < (*family)->n_columns; c++)
            assert_ptr_equal(metric_find((*family)->columns[c].name), &(*family)->columns[c]);
    }
    assert_null(family_find("no such family"));
    assert_null(metric_find("no such metric"));
}

/* Over all families: `measure` twice, the second time with the view of another sequence in between. */
static void test_same_view_same_bits(void **state)
{
    (void)state;
    Pcg pcg = pcg_named(3, "test/families");
    for (int f = 0; family_at(f); f++)
        for (TestMask mask = 0; mask < N_MASKS; mask++) {
            const MetricFamily *family = family_at(f);
            Arena *arena = arena_new();
            Built *one = built_new(arena, 2, 3, 37, 6, 18, mask), *two = built_new(arena, 2, 3, 37, 6, 18, mask);
            double **first = ARENA_ARRAY(arena, double *, family->n_columns);
            double **second = ARENA_ARRAY(arena, double *, family->n_columns);
            built_randomise(one, &pcg);
            built_randomise(two, &pcg);
            measure_family(arena, family, family_state(arena, family, NULL, NULL), &one->view, first);
            measure_family(arena, family, family_state(arena, family, NULL, NULL), &two->view, second);
            measure_family(arena, family, family_state(arena, family, NULL, NULL), &one->view, second);
            for (int c = 0; c < family->n_columns; c++) {
                const MetricColumn *column = &family->columns[c];
                const int n = level_size(column->level, 2, 3);
                assert_memory_equal(first[c], second[c], (size_t)n * sizeof(double));
                for (int i = 0; i < n; i++)
                    if (!isnan(first[c][i]) && column->pool == POOL_MEAN) /* an identity is no share yet */
                        assert_true(first[c][i] >= column->min - 1e-9 && first[c][i] <= column->max + 1e-9);
            }
            arena_free(arena);
        }
}

/* Another value than the default: the next number, or the other choice. */
static const char *other_value(Arena *arena, const SchemaRow *row)
{
    if (row->type == VALUE_BOOL)
        return strcmp(row->initial, "true") == 0 ? "false" : "true";
    if (row->type == VALUE_CHOICE)
        return row->choices[strcmp(row->choices[0], row->initial) == 0];
    const double initial = strtod(row->initial, NULL), step = row->type == VALUE_INT ? 1 : (row->max - row->min) / 16;
    return arena_format(arena, "%g", initial + step <= row->max ? initial + step : initial - step);
}

static int is_same_row(const MetricFamily *family, double *const *a, double *const *b)
{
    int n_differ = 0;
    for (int c = 0; c < family->n_columns; c++)
        n_differ += memcmp(a[c], b[c], (size_t)level_size(family->columns[c].level, 2, 3) * sizeof(double)) != 0;
    return n_differ == 0;
}

/* Every key of every family, at another value than its default; not those that the driver reads before the family is
 * called (tests/train/test_measure.c). */
static void test_every_key_changes_a_value(void **state)
{
    (void)state;
    Pcg pcg = pcg_named(5, "test/families");
    Arena *arena = arena_new();
    Built *built = built_new(arena, 2, 3, 37, 6, 18, 1);
    built_randomise(built, &pcg);
    for (int f = 0; family_at(f); f++)
        for (int p = 0; p < family_at(f)->variant.n_params && !(family_at(f)->needs & NEEDS_INTERVENED); p++) {
            const MetricFamily *family = family_at(f);
            const SchemaRow *row = &family->variant.params[p];
            double **first = ARENA_ARRAY(arena, double *, family->n_columns);
            double **second = ARENA_ARRAY(arena, double *, family->n_columns);
            measure_family(arena, family, family_state(arena, family, NULL, NULL), &built->view, first);
            measure_family(arena, family, family_state(arena, family, row->key, other_value(arena, row)), &built->view,
                           second);
            if (is_same_row(family, first, second))
                fail_msg("measure.%s.%s changes nothing", family->variant.name, row->key);
        }
    arena_free(arena);
}

/* Lengths down to one token: no family may fail, read elsewhere (sanitizers, scratch guard) or make up a number. */
static void test_short_sequences(void **state)
{
    (void)state;
    Pcg pcg = pcg_named(4, "test/families");
    for (int T = 1; T < 20; T++)
        for (TestMask mask = 0; mask < N_MASKS; mask++)
            for (int f = 0; family_at(f); f++) {
                const MetricFamily *family = family_at(f);
                Arena *arena = arena_new();
                Built *built = built_new(arena, 1, 2, T, 4, 8, mask);
                double **columns = ARENA_ARRAY(arena, double *, family->n_columns);
                built_randomise(built, &pcg);
                measure_family(arena, family, family_state(arena, family, NULL, NULL), &built->view, columns);
                for (int c = 0; c < family->n_columns; c++)
                    assert_false(isinf(columns[c][0]) && !isinf(family->columns[c].max));
                arena_free(arena);
            }
}

/* A family that sees maps only must work on a view that has nothing else: anybody's maps. */
static void test_maps_alone(void **state)
{
    (void)state;
    Arena *arena = arena_new();
    Built *built = built_map(arena, 48, 1);
    map_star(48, 0.8, built->maps);
    for (int f = 0; family_at(f); f++)
        if (family_sees_maps_only(family_at(f)) && !(family_at(f)->needs & NEEDS_TOKENS)) {
            double **columns = ARENA_ARRAY(arena, double *, family_at(f)->n_columns);
            measure_family(arena, family_at(f), family_state(arena, family_at(f), NULL, NULL), &built->view, columns);
        }
    assert_true(isnan(measured_one(&built->view, "sink_mass_idle")));
    assert_true(isnan(measured_one(&built->view, "end_mass")));
    arena_free(arena);
}

/* Baselines: of an attention-only metric they are what uniform and position-only maps give; both must be maps. */
static void test_baseline_maps(void **state)
{
    (void)state;
    enum { L = 2, H = 2, T = 20 };
    for (int is_causal = 0; is_causal < 2; is_causal++) {
        Arena *arena = arena_new();
        Built *built = built_new(arena, L, H, T, 1, 1, is_causal), *flat = built_new(arena, L, H, T, 1, 1, is_causal);
        for (int i = 0; i < L * H * (2 * T - 1); i++)
            built->bias[i] = (real)(-0.3 * (i / (2 * T - 1) + 1) * abs(i % (2 * T - 1) - (T - 1)));
        view_uniform_maps(&flat->view, flat->maps);
        softmax_maps(arena, &built->view, built->bias, built->maps);
        for (int m = 0; m < L * H; m++)
            for (int i = 0; i < T; i++) {
                const int end = is_causal ? i + 1 : T;
                double sum = 0, total = 0;
                for (int j = 0; j < end; j++)
                    total += exp(-0.3 * (m + 1) * abs(i - j));
                for (int j = 0; j < T; j++) {
                    const double a = built->maps[(m * T + i) * T + j];
                    assert_true(fabs(a - (j < end ? exp(-0.3 * (m + 1) * abs(i - j)) / total : 0)) < 1e-6);
                    assert_true(flat->maps[(m * T + i) * T + j] == (j < end ? 1.0f / (real)end : 0));
                    sum += a;
                }
                assert_true(fabs(sum - 1) < 1e-6);
            }
        memset(built->bias, 0, (size_t)(L * H * (2 * T - 1)) * sizeof(real));
        softmax_maps(arena, &built->view, built->bias, built->maps);
        assert_memory_equal(built->maps, flat->maps, (size_t)L * H * T * T * sizeof(real));
        arena_free(arena);
    }
}

/* metrics.json is what the report reads every metric's meaning from. */
static void test_metrics_json(void **state)
{
    (void)state;
    Error err;
    Arena *arena = arena_new();
    Text text = {0};
    JsonWriter json;
    Json *document;
    json_start(&json, &text, 2);
    metrics_json(&json);
    assert_ok(json_parse(arena, "metrics.json", text.data, text.size, &document, &err), &err);
    const Json *metrics = json_get(document, "metrics");
    int n = 0;
    for (const MetricFamily *const *family = family_registry; *family; family++)
        for (int c = 0; c < (*family)->n_columns; c++, n++) {
            const MetricColumn *column = &(*family)->columns[c];
            const Json *item = metrics->items[n], *baselines = json_get(item, "baselines");
            assert_string_equal(json_get_string(item, "name", ""), column->name);
            assert_string_equal(json_get_string(item, "family", ""), (*family)->variant.name);
            assert_string_equal(json_get_string(item, "level", ""), level_name(column->level));
            assert_true(json_get(item, "needs")->n_items > 0);
            assert_string_equal(json_get_string(item, "cost", ""), (*family)->cost);
            assert_int_equal(json_get(item, "range")->n_items, 2);
            if (column_has_onset(column))
                assert_true(json_get_number(item, "threshold", NAN) == column->threshold);
            else
                assert_int_equal(json_get(item, "threshold")->type, JSON_NULL);
            assert_true(json_get_number(item, "ratio", NAN) == (column_has_onset(column) ? column->ratio : 1));
            assert_int_equal(baselines->n_items, column->attention_only && family_sees_maps_only(*family) ? 3 : 1);
            assert_string_equal(baselines->items[baselines->n_items - 1]->string, "start");
        }
    assert_int_equal(metrics->n_items, n);
    text_free(&text);
    arena_free(arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_descriptions),        cmocka_unit_test(test_names_find_and_are_unique),
        cmocka_unit_test(test_same_view_same_bits), cmocka_unit_test(test_every_key_changes_a_value),
        cmocka_unit_test(test_short_sequences),     cmocka_unit_test(test_maps_alone),
        cmocka_unit_test(test_baseline_maps),       cmocka_unit_test(test_metrics_json),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
