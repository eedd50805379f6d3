/* Without these, metrics of somebody's maps could be another sequence's, be held against another length's floor, or
 * depend on how many threads there were. */
#include "maps/support.h"

#include <math.h>

#include "base/json.h"
#include "base/text.h"
#include "maps/export.h"

enum { L = 2, H = 3 };

static MapsResult measure(Arena *arena, const MapsSet *set, int threads)
{
    MapsResult result;
    Error err;
    assert_ok(maps_measure(arena, set, threads, &result, &err), &err);
    return result;
}

static int same(double a, double b)
{
    return a == b || (isnan(a) && isnan(b));
}

/* One sequence's row by hand: a View of maps (and their means over heads), each family of maps alone. */
static double *row_of(Arena *arena, const Layout *layout, View view)
{
    double *row = ARENA_ARRAY(arena, double, layout->n_values);
    double *layer_maps = ARENA_ARRAY(arena, double, (size_t)L *view.length *view.length);
    double **columns = ARENA_ARRAY(arena, double *, layout_most_columns());
    for (int i = 0; i < layout->n_values; i++)
        row[i] = NAN;
    view_average_heads(&view, layer_maps);
    view.layer_maps = layer_maps;
    const void *const *states;
    Error err;
    assert_ok(families_prepare(arena, NULL, &states, &err), &err);
    for (int f = 0; family_registry[f]; f++)
        if (family_sees_maps_only(family_registry[f]))
            layout_measure(layout, family_registry[f], states[f], &view, columns,
                           arena_within(arena, layout_scratch_bytes(states, &view)), row);
    return row;
}

/* Files of 2, 1 and 3 sequences of 20, 9 and 14 tokens, with tokens where asked for. */
static MapsSet ragged_set(const Scratch *s, int is_causal, int has_tokens)
{
    static const int n[] = {2, 1, 3}, T[] = {20, 9, 14};
    char *folder = scratch_path(s, "maps"), *tokens = scratch_path(s, "tokens");
    double ids[64];
    Error err;
    assert_ok(file_make_folder(folder, &err), &err);
    assert_ok(file_make_folder(tokens, &err), &err);
    for (int i = 0; i < 64; i++)
        ids[i] = i * i % 13;
    for (int f = 0; f < 3; f++) {
        const char *name = arena_format(s->arena, "%d.npy", f);
        write_planted(s->arena, folder, name, n[f], L, H, T[f], is_causal, f);
        write_array(s->arena, tokens, name, NPY_INT32, 0, 2, (int64_t[]){n[f], T[f]}, ids);
    }
    return load(folder, has_tokens ? tokens : NULL, assumed);
}

/* Values, baselines and what is made of them for the set, against the families called by hand. */
static void test_values_are_the_families(void **state)
{
    const Scratch *s = *state;
    for (int variant = 0; variant < 4; variant++) {
        MapsSet set = ragged_set(s, variant & 1, variant >> 1);
        const MapsResult result = measure(s->arena, &set, 1);
        const Layout *layout = &result.layout;
        double *rows[6], *floors[6];
        for (int q = 0; q < set.n; q++) {
            View view = maps_view(&set, q);
            assert_string_equal(set.masks[set.mask].name, variant & 1 ? "causal" : "full");
            assert_true(!!view.tokens == variant >> 1);
            rows[q] = row_of(s->arena, layout, view);
            real *uniform = ARENA_ARRAY(s->arena, real, (size_t)L * H * view.length * view.length);
            view_uniform_maps(&view, uniform);
            view.maps = uniform;
            floors[q] = row_of(s->arena, layout, view);
        }
        int n_seen = 0, n_floors = 0;
        for (int p = 0; p < layout->n_places; p++)
            for (int i = layout->places[p].offset; i < layout->places[p].offset + layout->places[p].size; i++) {
                double values[6], baselines[6];
                for (int q = 0; q < set.n; q++) {
                    values[q] = rows[q][i], baselines[q] = floors[q][i];
                    assert_true(same(result.values[(size_t)q * layout->n_values + i], values[q]));
                    assert_true(same(result.baselines[q][i], baselines[q]));
                }
                const MetricPool pool = layout->places[p].column->pool;
                const Pooled pooled = pool_values(pool, set.n, values, 1, 0, 1);
                assert_true(same(result.pooled[i].value, pooled.value) && same(result.pooled[i].sd, pooled.sd));
                assert_int_equal(result.pooled[i].n, pooled.n);
                const double floor = pool_values(pool, set.n, baselines, 1, 0, 1).value;
                assert_true(same(result.pooled_baseline[i], layout->places[p].is_attention_only ? floor : NAN));
                n_seen += pooled.n > 0, n_floors += !isnan(result.pooled_baseline[i]);
            }
        assert_true(n_seen > 50 && n_floors > 50);
        maps_free(&set);
    }
}

/* What a metric is, once more without the families: alpha and its floor H_T/T over lengths 20, 20, 9, 14, 14, 14. */
static void test_alpha_by_hand(void **state)
{
    const Scratch *s = *state;
    MapsSet set = ragged_set(s, 1, 0);
    const MapsResult result = measure(s->arena, &set, 2);
    double floor = 0;
    for (int q = 0; q < set.n; q++)
        for (int k = 1; k <= set.sequences[q].length; k++)
            floor += 1.0 / k / set.sequences[q].length / set.n;
    for (int head = 0; head < L * H; head++) {
        double alpha = 0;
        for (int q = 0; q < set.n; q++) {
            const int T = set.sequences[q].length;
            for (int i = 0; i < T; i++)
                alpha += (double)set.sequences[q].maps[((size_t)head * T + i) * T] / T / set.n;
        }
        const int at = layout_find(&result.layout, "alpha")->offset + head;
        assert_true(fabs(result.pooled[at].value - alpha) < 1e-9);
        assert_true(fabs(result.pooled_baseline[at] - floor) < 1e-6);
    }
    maps_free(&set);
}

static void test_threads_change_nothing(void **state)
{
    static const int threads[] = {2, 3, 16};
    const Scratch *s = *state;
    MapsSet set = ragged_set(s, 0, 1);
    Text expected = {0};
    const MapsResult one = measure(s->arena, &set, 1);
    maps_to_csv(&one, &expected);
    maps_to_json(&one, &expected);
    for (size_t t = 0; t < N_TESTS(threads); t++) {
        Text text = {0};
        const MapsResult result = measure(s->arena, &set, threads[t]);
        maps_to_csv(&result, &text);
        maps_to_json(&result, &text);
        assert_string_equal(text_string(&text), text_string(&expected));
        text_free(&text);
    }
    text_free(&expected);
    maps_free(&set);
}

/* A place's share w of every row, the rest spread over what a query sees. */
static void star(int T, int place, double w, double *map)
{
    for (int i = 0; i < T; i++)
        for (int j = 0; j < T; j++)
            map[i * T + j] = (1 - w) / T + (j == place ? w : 0);
}

static void test_labels(void **state)
{
    enum { N = 4, T = 16 };
    const Scratch *s = *state;
    double maps[N * 2 * T * T], ids[N * T];
    for (int n = 0; n < N; n++)
        for (int h = 0; h < 2; h++) /* one head on the start, one on another place in each sequence, with one token */
            star(T, h ? 2 + 3 * n : 0, 0.6, maps + (n * 2 + h) * T * T);
    for (int i = 0; i < N * T; i++)
        ids[i] = i % T == 2 + 3 * (i / T) ? 99 : i;
    const char *path =
        write_array(s->arena, s->folder, "maps.npy", NPY_FLOAT64, 0, 5, (int64_t[]){N, 1, 2, T, T}, maps);
    const char *tokens = write_array(s->arena, s->folder, "tokens.npy", NPY_INT64, 0, 2, (int64_t[]){N, T}, ids);
    MapsSet set = load(path, tokens, assumed);
    MapsResult result = measure(s->arena, &set, 1);
    assert_int_equal(result.heads[0].by_position, FRAME_CENTRALIZED);
    assert_int_equal(result.heads[0].by_token, FRAME_DISTRIBUTED);
    assert_int_equal(result.heads[1].by_position, FRAME_DISTRIBUTED);
    assert_int_equal(result.heads[1].by_token, FRAME_CENTRALIZED);
    assert_int_equal(result.heads[1].token, 99);
    assert_int_equal(result.model.by_position, result.layers[0].by_position);
    maps_free(&set);
    set = load(path, NULL, assumed);
    result = measure(s->arena, &set, 1);
    assert_int_equal(result.heads[1].by_token, FRAME_COUNT);
    maps_free(&set);
}

/* Anchors on the last token of sentences of each length are one place, as anchor_place@end has it. */
static void test_labels_over_lengths(void **state)
{
    const Scratch *s = *state;
    char *folder = scratch_path(s, "maps");
    Error err;
    assert_ok(file_make_folder(folder, &err), &err);
    for (int T = 6; T <= 50; T += 11) {
        double *map = ARENA_ARRAY(s->arena, double, T *T);
        star(T, T - 1, 0.6, map);
        write_array(s->arena, folder, arena_format(s->arena, "%d.npy", T), NPY_FLOAT32, 0, 2, (int64_t[]){T, T}, map);
    }
    MapsSet set = load(folder, NULL, assumed);
    const MapsResult result = measure(s->arena, &set, 2);
    assert_int_equal(result.model.by_position, FRAME_CENTRALIZED);
    assert_int_equal(result.model.place, -1);
    assert_true(result.model.place_checked);
    maps_free(&set);
}

/* What is uniform within its mask has the entropy of uniform attention and no anchors, whatever the mask hides. */
static void test_uniform_under_any_mask(void **state)
{
    enum { N = 2, LONG = 40 };
    static const Masks *masks[] = {&causal, &full, &window};
    const Scratch *s = *state;
    for (size_t m = 0; m < N_TESTS(masks); m++) {
        const MaskRule *rule = **masks[m];
        const double *maps = uniform(s->arena, N, L, H, LONG, rule);
        MapsSet set = load(
            write_array(s->arena, s->folder, "maps.npy", NPY_FLOAT64, 0, 5, (int64_t[]){N, L, H, LONG, LONG}, maps),
            NULL, *masks[m]);
        const MapsResult result = measure(s->arena, &set, 1);
        const Place *entropy = layout_find(&result.layout, "attention_entropy_normalised");
        const Place *anchors = layout_find(&result.layout, "n_anchors");
        for (int head = 0; head < L * H; head++) {
            assert_true(fabs(result.pooled[entropy->offset + head].value - 1) < 1e-6);
            assert_true(fabs(result.pooled_baseline[entropy->offset + head] - 1) < 1e-6);
            assert_true(!(result.pooled[anchors->offset + head].value > 0));
            assert_int_equal(result.heads[head].by_position, m < 2 ? FRAME_NONE : FRAME_COUNT);
        }
        maps_free(&set);
    }
}

static void test_memory(void **state)
{
    const Scratch *s = *state;
    const char *path = write_array(s->arena, s->folder, "maps.npy", NPY_FLOAT32, 0, 5, (int64_t[]){2, L, H, 30, 30},
                                   uniform(s->arena, 2, L, H, 30, &rule_window));
    for (int is_window = 0; is_window < 2; is_window++) {
        MapsSet set = is_window ? load(path, NULL, window) : ragged_set(s, 1, 1);
        Arena *arena = arena_new();
        measure(arena, &set, 1);
        assert_true((double)arena_used(arena) < maps_measure_bytes(&set, 1));
        arena_free(arena);
        maps_free(&set);
    }
}

static int count_lines(const char *text, const char *start)
{
    int n = 0;
    for (const char *line = text; line; line = strchr(line, '\n'), line += line != NULL)
        n += strncmp(line, start, strlen(start)) == 0;
    return n;
}

/* No number that is none stands in the csv, whoever handed it over. */
static void test_a_loss_that_is_none_has_no_row(void **state)
{
    const Scratch *s = *state;
    static const double losses[] = {1.5, (double)NAN, (double)INFINITY};
    MapsSet set = ragged_set(s, 0, 1);
    MapsResult result = measure(s->arena, &set, 1);
    result.n_targets = 3;
    for (int l = 0; l < 3; l++) {
        Text csv = {0};
        result.loss = losses[l];
        maps_to_csv(&result, &csv);
        assert_int_equal(count_lines(csv.data, ",,,loss,"), l == 0);
        text_free(&csv);
    }
    maps_free(&set);
}

static void test_csv_and_json_say_the_same(void **state)
{
    const Scratch *s = *state;
    MapsSet set = ragged_set(s, 0, 1);
    const MapsResult result = measure(s->arena, &set, 1);
    Text csv = {0}, text = {0};
    Json *json;
    Error err;
    maps_to_csv(&result, &csv);
    maps_to_json(&result, &text);
    assert_ok(json_parse(s->arena, "x.json", text.data, text.size, &json, &err), &err);
    assert_int_equal(count_lines(csv.data, "sequence,layer,head,metric,value,baseline,n,label\n"), 1);
    assert_string_equal(json_get_string(json, "mask", ""), "full");
    assert_int_equal((int)json_get_number(json, "n_sequences", 0), 6);
    assert_int_equal(json_get(json, "files")->n_items, 3);
    const Json *metrics = json_get(json, "metrics");
    int n_found = 0;
    for (int m = 0; m < metrics->n_items; m++) {
        const Json *metric = metrics->items[m], *values = json_get(metric, "values"),
                   *floors = json_get(metric, "baseline");
        if (strcmp(json_get_string(metric, "level", ""), "head") != 0)
            continue;
        for (int l = 0; l < L; l++)
            for (int h = 0; h < H; h++) {
                const Json *value = values->items[l]->items[h];
                char number[32], floor[32] = "";
                const int has_floor = floors->type == JSON_ARRAY && floors->items[l]->items[h]->type == JSON_NUMBER;
                if (value->type != JSON_NUMBER)
                    continue;
                if (has_floor)
                    text_number(floors->items[l]->items[h]->number, floor);
                const char *line = arena_format(s->arena, ",%d,%d,%s,%s,%s,%d,\n", l, h,
                                                json_get_string(metric, "name", ""), text_number(value->number, number),
                                                floor, (int)json_get(metric, "n")->items[l]->items[h]->number);
                assert_int_equal(count_lines(csv.data, line), 1);
                n_found++;
            }
    }
    assert_true(n_found > 50);
    const Json *frames = json_get(json, "frames");
    for (int l = 0; l < L; l++) {
        const Json *layer = json_get(frames, "layers")->items[l];
        assert_int_equal(count_lines(csv.data, arena_format(s->arena, ",%d,,frame,,,,%s\n", l,
                                                            json_get_string(layer, "by_position", ""))),
                         1);
        assert_int_equal(count_lines(csv.data, arena_format(s->arena, ",%d,,frame_by_token,,,,%s\n", l,
                                                            json_get_string(layer, "by_token", ""))),
                         1);
    }
    for (int q = 0; q < 6; q++)
        assert_int_equal(count_lines(csv.data, arena_format(s->arena, "%d,0,0,alpha,", q)), 1);
    text_free(&csv);
    text_free(&text);
    maps_free(&set);
}

#define TEST(test) cmocka_unit_test_setup_teardown(test, scratch_set_up, scratch_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_values_are_the_families),
        TEST(test_alpha_by_hand),
        TEST(test_threads_change_nothing),
        TEST(test_labels),
        TEST(test_labels_over_lengths),
        TEST(test_uniform_under_any_mask),
        TEST(test_memory),
        TEST(test_csv_and_json_say_the_same),
        TEST(test_a_loss_that_is_none_has_no_row),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
