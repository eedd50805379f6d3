/* Grids, names and ids. Without this file a sweep could lose or repeat an arm, and results could be taken for another
 * run's: an id must change with everything that decides results and with nothing else. */
#include "base/sha256.h"
#include "plan/draft.h"
#include "program.h"

/* ---- the grid ---- */

static void test_crosses_every_axis(void **state)
{
    (void)state;
    Arena *arena = arena_new();
    const Plan plan = load(arena, "sweep:\n  model.position.kind: [rope, alibi, none]\n"
                                  "  ends: {both: {data.bos: always, data.eos: always}, bare: {data.bos: never}}\n"
                                  "seeds: [5, 3]\n");
    assert_int_equal(plan.n_arms, 6);
    assert_int_equal(plan.n_runs, 12);
    for (int i = 0; i < plan.n_runs; i++) {
        const PlannedRun *run = &plan.runs[i];
        const Arm *arm = &plan.arms[run->arm];
        assert_int_equal(run->arm, i / 2);
        assert_int_equal((int)run->seed, i % 2 ? 3 : 5);
        assert_string_equal(setting(&plan, i, "seed"), i % 2 ? "3" : "5");
        assert_string_equal(setting(&plan, i, "model.position.kind"), plan.axes[0].values[arm->choice[0]].label);
        assert_string_equal(setting(&plan, i, "data.bos"), arm->choice[1] == 0 ? "always" : "never");
        assert_string_equal(setting(&plan, i, "data.eos"), arm->choice[1] == 0 ? "always" : "never");
        char folder[200];
        snprintf(folder, sizeof folder, "%s-s%d-%s", arm->name, (int)run->seed, run->id);
        assert_string_equal(run->folder, folder);
        for (int j = 0; j < i; j++)
            assert_string_not_equal(run->id, plan.runs[j].id);
    }
    assert_string_equal(plan.arms[0].name, "rope-both");
    assert_string_equal(plan.arms[1].name, "rope-bare"); /* the first axis turns slowest */
    arena_free(arena);
}

static void test_excludes(void **state)
{
    (void)state;
    Arena *arena = arena_new();
    static const char text[] = "sweep:\n  model.position.kind: [none, rope]\n  model.position.theta: [5, 6, 7]\n"
                               "exclude:\n  - {model.position.kind: none, model.position.theta: [6, 7]}\n";
    Plan plan = load(arena, text);
    assert_int_equal(plan.n_arms, 4);
    assert_string_equal(plan.arms[0].name, "none-5");
    for (int i = 1; i < 4; i++)
        assert_int_equal(plan.arms[i].choice[0], 1);
    /* an exclusion of values that --set took out no longer excludes; of those left, it does */
    Error err;
    const char *const fix[] = {"model.position.kind=rope"};
    assert_ok(load_with(arena, text, fix, 1, &plan, &err), &err);
    assert_int_equal(plan.n_arms, 3);
    arena_free(arena);
}

static void test_grid_too_large(void **state)
{
    (void)state;
    Arena *arena = arena_new();
    Plan plan;
    Error err;
    Text text = {0};
    text_add(&text, "sweep:\n");
    static const char *const keys[] = {"model.n_layers", "model.d_model", "train.steps"};
    for (int a = 0; a < 3; a++) {
        text_addf(&text, "  %s: [", keys[a]);
        for (int v = 1; v <= 60; v++)
            text_addf(&text, "%s%d", v > 1 ? ", " : "", v);
        text_add(&text, "]\n");
    }
    assert_refused(load_with(arena, text_string(&text), NULL, 0, &plan, &err), STATUS_INPUT,
                   "experiment.yaml:2: sweep: the axes cross to more than 100000 arms", &err);
    assert_refused(load_with(arena, "sweep:\n  model.n_layers: [1, 2]\nseeds: 6000\n", NULL, 0, &plan, &err),
                   STATUS_INPUT, "experiment.yaml:2: sweep: arms times seeds are more than 10000 runs", &err);
    text_free(&text);
    arena_free(arena);
}

static void test_arm_names(void **state)
{
    (void)state;
    Arena *arena = arena_new();
    char label[200];
    memset(label, 'x', 150);
    label[150] = '\0';
    AxisValue odd[] = {{"../a b-c\xc3\xa9", NULL, 0}}, lengthy[] = {{label, NULL, 0}};
    const Axis axes[] = {{"a", 0, odd, 1}, {"b", 0, lengthy, 1}};
    const int choice[] = {0, 0};
    assert_string_equal(arm_name(arena, axes, 1, choice), "_._a_b_c__");
    assert_int_equal(strlen(arm_name(arena, axes, 2, choice)), 80);
    const Axis flags[] = {
        {.name = "model.tied_head", .values = (AxisValue[]){{.label = "true"}, {.label = "false"}}, .n_values = 2},
        {.name = "norm/mlp", .values = (AxisValue[]){{.label = "false"}}, .n_values = 1}};
    assert_string_equal(arm_name(arena, flags, 1, (int[]){0}), "tied_head_true");
    assert_string_equal(arm_name(arena, flags, 2, (int[]){1, 0}), "tied_head_false-norm_mlp_false");
    const Axis ends[] = {
        {.name = "data.bos", .values = (AxisValue[]){{.label = "always"}, {.label = "never"}}, .n_values = 2},
        {.name = "eos", .values = (AxisValue[]){{.label = "never"}, {.label = "auto"}}, .n_values = 2}};
    assert_string_equal(arm_name(arena, ends, 2, (int[]){0, 0}), "always-eos_never"); /* whose never it is */
    assert_string_equal(arm_name(arena, ends, 2, (int[]){1, 1}), "bos_never-auto");
    const Axis kinds[] = {{.name = "model.position.kind", .values = (AxisValue[]){{.label = "none"}}, .n_values = 1},
                          {.name = "model.gate.kind", .values = (AxisValue[]){{.label = "none"}}, .n_values = 1}};
    assert_string_equal(arm_name(arena, kinds, 2, (int[]){0, 0}), "position_none-gate_none");
    assert_string_equal(arm_name(arena, axes, 0, choice), "all");
    arena_free(arena);
}

/* ---- ids ---- */

static const char *id_of(Arena *arena, const char *text)
{
    const Plan plan = load(arena, text);
    return arena_strdup(arena, plan.runs[0].id);
}

static void test_id_changes_with_what_counts_only(void **state)
{
    (void)state;
    Arena *arena = arena_new();
    const char *id = id_of(arena, "");
    static const char *const same[] = {
        "model.n_layers: 2\n",           "train.lr: 0.002\n",        "train.lr: 2.0e-3\n",
        "checkpoint.every: 7\n",         "data.source.files: [x]\n", "name: n\nclaim: c\ntitle: t\nseeds: [1]\n",
        "sweep: {train.steps: [500]}\n",
    };
    static const char *const other[] = {
        "model.n_layers: 3\n", "train.lr: 0.003\n",        "seeds: [2]\n",
        "data.bos: never\n",   "snapshot.weights: true\n", "model.position.kind: none\n",
    };
    for (size_t i = 0; i < N_TESTS(same); i++)
        assert_string_equal(id_of(arena, same[i]), id);
    for (size_t i = 0; i < N_TESTS(other); i++)
        assert_string_not_equal(id_of(arena, other[i]), id);
    assert_string_equal(id_of(arena, "train.lr: -0.0\n"), id_of(arena, "train.lr: 0\n"));

    const Plan plan = load(arena, "");
    char ids[2][13];
    plan_run_id(&plan.runs[0].settings, "other corpus", 7, ids[0]);
    plan_run_id(&plan.runs[0].settings, "abc", 8, ids[1]);
    assert_string_not_equal(ids[0], id);
    assert_string_not_equal(ids[1], id);
    arena_free(arena);
}

/* The id is a function of this text and nothing else. The hash comes from elsewhere:
 *   printf '%s' 'TEXT' | python3 -c 'import sys,hashlib;
 * print(hashlib.sha256(sys.stdin.buffer.read()).hexdigest()[:12])' */
static void test_golden_id(void **state)
{
    (void)state;
    static const char golden[] =
        "{\"inputs\":\"abc\",\"numerics_version\":7,\"settings\":{\"data.bos\":\"always\",\"data.eos\":\"never\","
        "\"data.source.kind\":\"text\",\"model.d_model\":128,\"model.n_layers\":2,\"model.position.kind\":\"rope\","
        "\"model.position.theta\":10000,\"seed\":1,\"snapshot.weights\":false,\"train.lr\":0.002,\"train.steps\":500}}";
    Arena *arena = arena_new();
    const Plan plan = load(arena, "");
    Text text = {0};
    id_json(&plan.runs[0].settings, "abc", 7, id_later_keys, &text);
    assert_string_equal(text_string(&text), golden);
    assert_string_equal(plan.runs[0].id, "b80a5e52989c");
    text_free(&text);
    arena_free(arena);
}

static void test_later_key_leaves_old_ids_alone(void **state)
{
    (void)state;
    static const LaterKey later[] = {{"model.d_model", "128"}, {NULL, NULL}};
    Arena *arena = arena_new();
    const Plan old = load(arena, ""), changed = load(arena, "model.d_model: 64\n");
    Text text = {0};
    id_json(&old.runs[0].settings, "", 1, later, &text);
    assert_null(strstr(text_string(&text), "d_model"));
    text_clear(&text);
    id_json(&changed.runs[0].settings, "", 1, later, &text);
    assert_non_null(strstr(text_string(&text), "\"model.d_model\":64"));
    text_free(&text);
    arena_free(arena);
}

/* ---- run.yaml and plan.json ---- */

static void test_run_file_reads_back(void **state)
{
    (void)state;
    Arena *arena = arena_new();
    const Plan plan = load(arena, "model.position.theta: 1.5\ndata.source.files: [\"a b\", \"1\"]\nseeds: [77]\n");
    Text text = {0};
    Settings again;
    Error err;
    RunFile file;
    assert_ok(plan_compare_run("run.yaml", &plan.runs[0].settings, &file, &err), &err);
    assert_int_equal(file, RUN_FILE_ABSENT);
    assert_false(plan_run_has_hash("run.yaml"));
    plan_run_text(&plan.runs[0].settings, &text);
    write_file("run.yaml", text_string(&text));
    assert_true(plan_run_has_hash("run.yaml"));
    assert_ok(plan_load_run(arena, "run.yaml", &test_program, &again, &err), &err);
    char id[13];
    plan_run_id(&again, "abc", 7, id);
    assert_string_equal(id, plan.runs[0].id);
    assert_ok(plan_compare_run("run.yaml", &plan.runs[0].settings, &file, &err), &err);
    assert_int_equal(file, RUN_FILE_EQUAL);

    const Plan stale = load(arena, "model.position.theta: 1.5\nseeds: [77]\ncheckpoint.every: 3\n");
    assert_ok(plan_compare_run("run.yaml", &stale.runs[0].settings, &file, &err), &err);
    assert_int_equal(file, RUN_FILE_STALE);
    static const char *const others[] = {"model.position.theta: 1.25\nseeds: [77]\n",
                                         "model.position.kind: none\nseeds: [77]\n"};
    static const char *const keys[] = {"model.position.theta", "model.position.kind"};
    for (int i = 0; i < 2; i++) {
        const Plan other = load(arena, others[i]);
        char line[200];
        snprintf(line, sizeof line,
                 "run.yaml: %s: is not what this run's id stands for; move the folder away, nothing else is reused",
                 keys[i]);
        assert_refused(plan_compare_run("run.yaml", &other.runs[0].settings, &file, &err), STATUS_INPUT, line, &err);
    }
    write_file("run.yaml", "model: {n_lay");
    assert_int_equal(plan_compare_run("run.yaml", &plan.runs[0].settings, &file, &err), STATUS_INPUT);
    write_file("run.yaml", "model.position: {kind: none, theta: 3}\n");
    assert_refused(plan_load_run(arena, "run.yaml", &test_program, &again, &err), STATUS_INPUT,
                   "run.yaml:1: model.position.theta counts only with model.position.kind: rope (it is none)", &err);
    text_free(&text);
    arena_free(arena);
}

/* Of a run.yaml with its hash every bit counts, also where the id does not look; one of an earlier version has none. */
static void test_a_run_file_with_a_flipped_bit(void **state)
{
    (void)state;
    Arena *arena = arena_new();
    const Plan plan = load(arena, "seeds: [77]\n");
    Text text = {0};
    Settings again;
    Error err;
    RunFile file;
    plan_run_text(&plan.runs[0].settings, &text);
    for (size_t i = 0; i < text.size; i++) {
        char *byte = &text.data[i], whole = *byte;
        *byte = (char)(whole ^ 1 << i % 7); /* no NUL, which would end what write_file writes */
        if (*byte == '\0')
            *byte = (char)(whole ^ 0x40);
        write_file("run.yaml", text.data);
        *byte = whole;
        static const char line[] =
            "run.yaml: is not what was written (the SHA-256 at its end is of another text); remove "
            "it, and `refframe run` writes it again";
        assert_refused(plan_compare_run("run.yaml", &plan.runs[0].settings, &file, &err), STATUS_INPUT, line, &err);
        assert_refused(plan_load_run(arena, "run.yaml", &test_program, &again, &err), STATUS_INPUT, line, &err);
    }
    text_clear(&text);
    settings_yaml(&plan.runs[0].settings, &text);
    write_file("run.yaml", text.data);
    assert_ok(plan_load_run(arena, "run.yaml", &test_program, &again, &err), &err);
    assert_ok(plan_compare_run("run.yaml", &plan.runs[0].settings, &file, &err), &err);
    assert_int_equal(file, RUN_FILE_STALE);
    assert_false(plan_run_has_hash("run.yaml"));
    text_free(&text);
    arena_free(arena);
}

static void test_plan_json(void **state)
{
    (void)state;
    Arena *arena = arena_new();
    const Plan plan = load(arena, "name: n\ntitle: t\nsweep: {data.bos: [always, never]}\nseeds: 2\nexpect:\n"
                                  "  - {text: x, that: \"frame(data.bos=never) = none\", source: s}\n");
    Text text = {0};
    JsonWriter writer;
    Json *json;
    Error err;
    json_start(&writer, &text, 2);
    plan_json(&plan, &writer);
    assert_ok(json_parse(arena, "plan.json", text_string(&text), text.size, &json, &err), &err);
    assert_string_equal(json_get_string(json, "name", ""), "n");
    assert_string_equal(json_get_string(json_get(json, "axes")->items[0], "name", ""), "data.bos");
    assert_string_equal(json_get_string(json_get(json_get(json, "arms")->items[1], "values"), "data.bos", ""), "never");
    assert_int_equal(json_get(json, "runs")->n_items, 4);
    const Json *run = json_get(json, "runs")->items[2];
    assert_int_equal((int)json_get_number(run, "arm", -1), 1);
    assert_int_equal((int)json_get_number(run, "seed", -1), 1);
    assert_string_equal(json_get_string(run, "folder", ""), plan.runs[2].folder);
    assert_string_equal(json_get_string(json_get(json, "claims")->items[0], "that", ""),
                        "frame(data.bos=never) = none");
    assert_int_equal((int)json_get(json, "seeds")->items[1]->number, 2);
    text_free(&text);
    arena_free(arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_crosses_every_axis),
        cmocka_unit_test(test_excludes),
        cmocka_unit_test(test_grid_too_large),
        cmocka_unit_test(test_arm_names),
        cmocka_unit_test(test_id_changes_with_what_counts_only),
        cmocka_unit_test(test_golden_id),
        cmocka_unit_test(test_later_key_leaves_old_ids_alone),
        cmocka_unit_test(test_run_file_reads_back),
        cmocka_unit_test(test_a_run_file_with_a_flipped_bit),
        cmocka_unit_test(test_plan_json),
    };
    return cmocka_run_group_tests_name("expand", tests, enter_scratch, leave_scratch);
}
