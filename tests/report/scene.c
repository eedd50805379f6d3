/* See scene.h. */
#include "scene.h"

#include "base/json.h"
#include "store/manifest.h"
#include "store/npz.h"

enum { L = SCENE_LAYERS, H = SCENE_HEADS, T = SCENE_LENGTH, N = SCENE_SEQUENCES, S = SCENE_SNAPSHOTS };

const int64_t scene_steps[S] = {0, 1, 2, 5, 10, 20, 50, 100};

double scene_flat(int arm, int seed, int snapshot)
{
    (void)arm, (void)seed, (void)snapshot;
    return 0.05;
}

double scene_jump(int arm, int seed, int snapshot)
{
    (void)arm;
    return snapshot >= 2 + seed % 3 ? 0.8 : 0.05;
}

double scene_by_seed(int arm, int seed, int snapshot)
{
    return snapshot > 2 && (arm == 0 || (arm == 1 && seed % 2 == 1)) ? 0.8 : 0.05;
}

RunStatus scene_one_absent(int arm, int seed)
{
    return arm == 0 && seed == 4 ? RUN_ABSENT : RUN_FINISHED;
}

char *scene_read(Arena *arena, const char *folder, const char *name, size_t *ret_n)
{
    char *bytes = NULL;
    size_t n = 0;
    Error err;
    assert_ok(file_read(arena, file_join(arena, folder, name), &bytes, &n, &err), &err);
    if (ret_n)
        *ret_n = n;
    return arena_strndup(arena, bytes, n); /* a copy, or gcc 12 takes `bytes` itself for what is returned */
}

int scene_count(const char *text, const char *what)
{
    int n = 0;
    for (const char *at = text; (at = strstr(at, what)); at += strlen(what))
        n++;
    return n;
}

static void write_text(const char *folder, const char *name, const Text *text)
{
    Error err;
    char path[4200];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    assert_ok(file_write(path, text->data, text->size, &err), &err);
}

static void run_name(char *name, int arm, int seed)
{
    sprintf(name, "%c-s%d-%012x", 'a' + arm, seed, 16 * arm + seed);
}

static void write_plan(const Scene *scene, const char *folder)
{
    Text text = {0};
    char name[64];
    text_addf(
        &text,
        "{\"name\":\"scene\",\"title\":\"%s\",\"claim\":\"\",\"source\":\"\",\"axes\":[{\"name\":\"kind\",\"values\":[",
        scene->title ? scene->title : "");
    const int others = scene->n_others ? scene->n_others : 1;
    for (int k = 0; k < scene->n_arms / others; k++)
        text_addf(&text, "%s\"%c\"", k ? "," : "", 'a' + k);
    text_add(&text, "]}");
    for (int o = 0; o < scene->n_others; o++)
        text_addf(&text, "%s\"%c\"%s", o ? "," : ",{\"name\":\"other\",\"values\":[", 'x' + o,
                  o == others - 1 ? "]}" : "");
    text_add(&text, "],\"arms\":[");
    for (int a = 0; a < scene->n_arms; a++) {
        text_addf(&text, "%s{\"name\":\"%c\",\"values\":{\"kind\":\"%c\"", a ? "," : "", 'a' + a, 'a' + a / others);
        if (scene->n_others)
            text_addf(&text, ",\"other\":\"%c\"", 'x' + a % others);
        text_add(&text, "}}");
    }
    text_add(&text, "],\"seeds\":[");
    for (int s = 1; s <= scene->n_seeds; s++)
        text_addf(&text, "%s%d", s > 1 ? "," : "", s);
    text_add(&text, "],\"runs\":[");
    for (int a = 0; a < scene->n_arms; a++)
        for (int s = 1; s <= scene->n_seeds; s++) {
            run_name(name, a, s);
            text_addf(&text, "%s{\"folder\":\"%s\",\"id\":\"%s\",\"arm\":%d,\"seed\":%d}", a || s > 1 ? "," : "", name,
                      strrchr(name, '-') + 1, a, s);
        }
    text_addf(&text, "],\"claims\":%s,\"notes\":[]}\n", scene->claims ? scene->claims : "[]");
    write_text(folder, "plan.json", &text);
    text_free(&text);
}

static void write_schema(const char *folder)
{
    static const char *const rows[][7] = {
        /* name, level, min, max, direction, threshold, attention_only */
        {"sink_mass", "head", "0", "1", "rises", "0.3", "true"},
        {"sink_mass_idle", "head", "0", "1", "rises", "0.3", "true"},
        {"value_drain", "head", "0", "null", "falls", "0.5", "false"},
        {"residual_peak", "layer", "0", "null", "rises", "null", "false"},
        {"max_inflow", "head", "0", "1", "rises", "0.3", "false"},
        {"ablation_cost", "model", "0", "null", "rises", "0.3", "false"},
        {"never_measured", "head", "0", "1", "rises", "0.3", "false"},
    };
    Text text = {0};
    text_add(&text, "{\"metrics\":[");
    for (size_t m = 0; m < sizeof rows / sizeof *rows; m++)
        text_addf(
            &text,
            "%s{\"name\":\"%s\",\"family\":\"f\",\"unit\":\"\",\"level\":\"%s\",\"range\":[%s,%s],\"direction\":\"%s\","
            "\"threshold\":%s,\"ratio\":2,\"attention_only\":%s,\"baselines\":[],\"summary\":\"what it is\",\"source\":"
            "\"-\",\"weakness\":\"blind </script> spot\"}",
            m ? "," : "", rows[m][0], rows[m][1], rows[m][2], rows[m][3], rows[m][4], rows[m][5], rows[m][6]);
    text_add(&text, "]}");
    write_text(folder, "metrics.json", &text);
    text_free(&text);
}

static void show(const void *state, int i, int length, KeyRanges *ret_keys)
{
    const Scene *scene = state;
    const int n = scene->window > 0 && scene->window < i + 1 ? scene->window : i + 1;
    ret_keys->range[0] = scene->is_full ? (KeyRange){0, length} : (KeyRange){i + 1 - n, i + 1};
    if (scene->window > 0)
        ret_keys->range[1] = (KeyRange){0, i > 0 ? 2 : 1};
}

Visible scene_visible(Arena *arena, const Scene *scene, int length)
{
    return visible_new(arena, &(MaskRule){"scene", scene, show}, length);
}

static void add_visible(Arena *arena, NpzWriter *npz, const Scene *scene, const char *name, int length)
{
    KeyRanges *keys = ARENA_ARRAY(arena, KeyRanges, length);
    memcpy(keys, scene_visible(arena, scene, length).keys, (size_t)length * sizeof *keys);
    if (scene->bad_member && strcmp(scene->bad_member, name) == 0)
        keys[3] = (KeyRanges){{{0, 0}, {0, 0}}};
    npz_add(npz, name, NPY_INT32, 3, (int64_t[]){length, KEY_RANGES, 2}, keys);
}

/* What row i of a head's map gives to key j: `sink` to position 0, the rest evenly over the n it sees. */
static double weight(double sink, int n, int j)
{
    return (j == 0 ? sink : 0) + (1 - sink) / n;
}

/* Mean over the queries that stand so many eighths of the sequence away; 0: over all others. */
static double importance_of(const Visible *visible, double sink, int k, int eighths)
{
    double sum = 0;
    int n = 0;
    for (int i = 0; i < visible->length; i++)
        if (i != k && 8 * abs(i - k) >= eighths * visible->length && keys_include(&visible->keys[i], k))
            sum += weight(sink, keys_count(&visible->keys[i]), k), n++;
    return n > 0 ? sum / n : (double)NAN;
}

static double sink_of(const Scene *scene, int arm, int seed, int s, int head)
{
    const double sink = head == 2 ? scene->sink(arm, seed, s) : 0;
    return isnan(sink) ? 0.5 : sink;
}

/* `name` and `name`_afar, each with `suffix` behind; n 0: of baselines, which are of no sequence. */
static void add_importance(Arena *arena, NpzWriter *npz, const Scene *scene, const char *name, const char *suffix,
                           const double *sinks, int n, int length)
{
    const Visible visible = scene_visible(arena, scene, length);
    const int rows = (n ? n : 1) * L * H, is_of_set = n > 0;
    float *values = ARENA_ARRAY(arena, float, rows *length), *afar = ARENA_ARRAY(arena, float, rows *DISTANCES *length);
    for (int i = 0; i < rows * length; i++)
        values[i] = (float)importance_of(&visible, sinks[i / length % (L * H)], i % length, 0);
    for (int i = 0; i < rows * DISTANCES * length; i++)
        afar[i] = (float)importance_of(&visible, sinks[i / length / DISTANCES % (L * H)], i % length,
                                       1 + i / length % DISTANCES);
    const int64_t shape[] = {n, L, H, length}, afar_shape[] = {n, L, H, DISTANCES, length};
    npz_add(npz, arena_format(arena, "%s%s", name, suffix), NPY_FLOAT32, 3 + is_of_set, shape + !is_of_set, values);
    if (!scene->is_of_0_1_0)
        npz_add(npz, arena_format(arena, "%s_afar%s", name, suffix), NPY_FLOAT32, 4 + is_of_set,
                afar_shape + !is_of_set, afar);
}

static void add_head_metric(NpzWriter *npz, const char *name, const double *values)
{
    double parts[3 * L * H], zeros[3 * L * H] = {0};
    char sd[64];
    for (int i = 0; i < 3 * L * H; i++)
        parts[i] = values[i % (L * H)];
    snprintf(sd, sizeof sd, "sd/%s", name);
    npz_add(npz, name, NPY_FLOAT64, 3, (int64_t[]){3, L, H}, parts);
    npz_add(npz, sd, NPY_FLOAT64, 3, (int64_t[]){3, L, H}, zeros);
}

static void add_sparse(NpzWriter *npz, const double *sinks)
{
    int32_t counts[3 * L * H];
    for (int i = 0; i < 3 * L * H; i++)
        counts[i] = i % (L * H) ? 3 : 4;
    add_head_metric(npz, "max_inflow", sinks);
    npz_add(npz, "n/max_inflow", NPY_INT32, 3, (int64_t[]){3, L, H}, counts);
    npz_add(npz, "ablation_cost", NPY_FLOAT64, 1, (int64_t[]){3}, (double[]){sinks[2], -1, -1});
    npz_add(npz, "sd/ablation_cost", NPY_FLOAT64, 1, (int64_t[]){3}, (double[]){0.5, 0, 0});
    npz_add(npz, "n/ablation_cost", NPY_INT32, 1, (int64_t[]){3}, (int32_t[]){2, 1, 1});
}

static void add_maps(Arena *arena, NpzWriter *npz, const Scene *scene, const double *sinks)
{
    const Visible visible = scene_visible(arena, scene, T);
    float *map = ARENA_ARRAY(arena, float, L *H *T *T);
    for (int h = 0; h < L * H; h++)
        for (int i = 0; i < T; i++)
            for (int j = 0; j < T; j++)
                if (keys_include(&visible.keys[i], j))
                    map[(h * T + i) * T + j] = (float)weight(sinks[h], keys_count(&visible.keys[i]), j);
    npz_add(npz, "map_mean", NPY_FLOAT32, 4, (int64_t[]){L, H, T, T}, map);
    npz_add(npz, "map", NPY_FLOAT32, 5, (int64_t[]){1, L, H, T, T}, map);
}

static void write_snapshot(const Scene *scene, const char *run, int arm, int seed, int s)
{
    const int64_t step = s == S - 1 && scene->last_step ? scene->last_step : scene_steps[s];
    static const char *const strings[] = {"<bos>", "<eos>", "<mask>", "a", "\xC3\xA9", "</script>"};
    Arena *arena = arena_new();
    NpzWriter *npz = npz_new(arena);
    double sinks[L * H], values[L * H], loss[4] = {2 + 2 / (1 + (double)step), 3, 4 / (1 + (double)s), (double)NAN};
    int64_t when[3] = {step, 10 * step, 9 * step};
    int32_t tokens[N * T];
    Error err;
    for (int h = 0; h < L * H; h++)
        sinks[h] = sink_of(scene, arm, seed, s, h);
    for (int i = 0; i < N * T; i++)
        tokens[i] = i % T                                                                        ? 3 + i % 3
                    : scene->has_random_first == 1 || (scene->has_random_first == 2 && arm == 0) ? 3 + i / T % 3
                                                                                                 : 0;
    npz_add(npz, "step", NPY_INT64, 1, (int64_t[]){1}, &when[0]);
    npz_add(npz, "tokens_seen", NPY_INT64, 1, (int64_t[]){1}, &when[1]);
    npz_add(npz, "targets_seen", NPY_INT64, 1, (int64_t[]){1}, &when[2]);
    npz_add(npz, "held_out_loss", NPY_FLOAT64, 1, (int64_t[]){4}, loss);
    npz_add_strings(npz, "loss_groups", 3, (const char *const[]){"drawn", "copy", "absent"});
    for (int h = 0; h < L * H; h++)
        values[h] = h == 2 ? sinks[h] : 0.04;
    add_head_metric(npz, "sink_mass", values);
    values[2] = scene->sink(arm, seed, s);
    for (int h = 0; h < L * H && isnan(values[2]); h++)
        values[h] = (double)NAN;
    add_head_metric(npz, "sink_mass_idle", values);
    for (int h = 0; h < L * H; h++)
        values[h] = 1 - sinks[h];
    add_head_metric(npz, "value_drain", values);
    npz_add(npz, "residual_peak", NPY_FLOAT64, 2, (int64_t[]){3, L},
            (double[]){1, 1 + sinks[2], 1, 1 + sinks[2], 1, 1 + sinks[2]});
    npz_add(npz, "sd/residual_peak", NPY_FLOAT64, 2, (int64_t[]){3, L}, (double[]){0, 0, 0, 0, 0, 0});
    if (s % 2 == 0 || s == S - 1)
        add_sparse(npz, sinks);
    add_importance(arena, npz, scene, "importance", "", sinks, N, T);
    add_importance(arena, npz, scene, "importance", "_half", sinks, N, T / 2);
    npz_add(npz, "tokens", NPY_INT32, 2, (int64_t[]){N, T}, tokens);
    npz_add(npz, "tokens_half", NPY_INT32, 2, (int64_t[]){N, T / 2}, tokens);
    npz_add_strings(npz, "token_strings", 6, strings);
    if (!scene->is_of_0_1_0) {
        add_visible(arena, npz, scene, "visible", T);
        add_visible(arena, npz, scene, "visible_half", T / 2);
        npz_add(npz, "rows_sum_to_one", NPY_INT32, 1, (int64_t[]){1}, (int32_t[]){!scene->rows_sum_to_less});
    }
    add_maps(arena, npz, scene, sinks);
    assert_ok(npz_write(npz, run_snapshot_path(arena, run, step), &err), &err);
    arena_free(arena);
}

static void write_baselines(const Scene *scene, const char *run)
{
    static const char *const kinds[] = {"uniform", "position"};
    Arena *arena = arena_new();
    NpzWriter *npz = npz_new(arena);
    const double even[L * H] = {0.04, 0.04, 0.04, 0.04}, none[L * H] = {0};
    Error err;
    for (int k = 0; k < 2; k++) {
        npz_add(npz, arena_format(arena, "%s/sink_mass", kinds[k]), NPY_FLOAT64, 2, (int64_t[]){L, H}, even);
        npz_add(npz, arena_format(arena, "%s/sink_mass_idle", kinds[k]), NPY_FLOAT64, 2, (int64_t[]){L, H}, even);
        add_importance(arena, npz, scene, arena_format(arena, "%s/importance", kinds[k]), "", none, 0, T);
        add_importance(arena, npz, scene, arena_format(arena, "%s/importance", kinds[k]), "_half", none, 0, T / 2);
    }
    assert_ok(npz_write(npz, file_join(arena, run, RUN_BASELINES), &err), &err);
    arena_free(arena);
}

static void write_run(const Scene *scene, const char *folder, int arm, int seed)
{
    const RunStatus status = scene->status ? scene->status(arm, seed) : RUN_FINISHED;
    if (status == RUN_ABSENT)
        return;
    char name[64], path[4200];
    Error err;
    run_name(name, arm, seed);
    snprintf(path, sizeof path, "%s/%s/snapshots", folder, name);
    assert_ok(file_make_folder(path, &err), &err);
    path[strlen(path) - strlen("/snapshots")] = '\0';
    if (status == RUN_PENDING)
        return;
    const Manifest manifest = {
        .status = status,
        .reason = status == RUN_FAILED ? "non-finite loss at step 7" : "",
        .id = strrchr(name, '-') + 1,
        .seed = (uint64_t)seed,
        .step = status == RUN_FINISHED ? 100 : 7,
        .steps = 100,
        .n_parameters = 12345,
        .newline_share = (double)NAN,
        .oracle_loss = (double)NAN,
        .oracle_loss_measured = 1.5,
        .final_loss = 2,
    };
    assert_ok(manifest_write(path, &manifest, &err), &err);
    write_baselines(scene, path);
    for (int s = 0; s < (status == RUN_FINISHED ? S : 3); s++)
        write_snapshot(scene, path, arm, seed, s);
}

char *scene_write(const Scene *scene)
{
    char *folder = scratch_folder();
    write_plan(scene, folder);
    write_schema(folder);
    for (int arm = 0; arm < scene->n_arms; arm++)
        for (int seed = 1; seed <= scene->n_seeds; seed++)
            write_run(scene, folder, arm, seed);
    return folder;
}

Report *scene_collect(Arena *arena, const Scene *scene, char **ret_folder)
{
    Report *report;
    Error err;
    *ret_folder = scene_write(scene);
    assert_ok(report_collect(arena, *ret_folder, &report, &err), &err);
    return report;
}
