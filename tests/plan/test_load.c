/* Experiment files into settings: spellings of one key, layers of extends and --set, and what is refused. Without this
 * file a key could be read from the wrong layer, or a misspelt one train the wrong model in silence. */
#include "program.h"

/* ---- what is read ---- */

static void test_nested_dotted_and_mixed_mean_the_same(void **state)
{
    (void)state;
    static const char *const spellings[] = {
        "model: {n_layers: 3, position: {kind: alibi}}\ndata: {source: {files: [a, b]}}\n",
        "model.n_layers: 3\nmodel.position.kind: alibi\ndata.source.files: [a, b]\n",
        "model:\n  position.kind: alibi\n  n_layers: 3\ndata.source:\n  files:\n    - a\n    - b\n",
        "model.position:\n  kind: alibi\nmodel: {n_layers: 3}\ndata: {source.files: [a, b]}\n",
    };
    Arena *arena = arena_new();
    char first[13] = "";
    for (size_t i = 0; i < N_TESTS(spellings); i++) {
        const Plan plan = load(arena, spellings[i]);
        assert_string_equal(setting(&plan, 0, "model.n_layers"), "3");
        assert_string_equal(setting(&plan, 0, "model.position.slopes"), "geometric");
        assert_int_equal(settings_find(&plan.runs[0].settings, "data.source.files")->n_items, 2);
        if (i == 0)
            strcpy(first, plan.runs[0].id);
        assert_string_equal(plan.runs[0].id, first);
    }
    arena_free(arena);
}

static void test_words_and_defaults(void **state)
{
    (void)state;
    Arena *arena = arena_new();
    Plan plan = load(arena, "");
    assert_string_equal(plan.title, "");
    assert_int_equal(plan.n_runs, 1);
    assert_string_equal(plan.arms[0].name, "all");
    assert_int_equal((int)plan.runs[0].seed, 1);
    assert_string_equal(setting(&plan, 0, "seed"), "1");
    assert_null(strchr(plan.name, '/'));
    assert_non_null(strstr(*state, plan.name)); /* the folder of experiment.yaml */
    plan = load(arena, "name: mine\ntitle: T\nclaim: |\n  C\nsource: S\n");
    assert_string_equal(plan.name, "mine");
    assert_string_equal(plan.claim, "C\n");
    assert_string_equal(plan.source, "S");
    write_file("other.v2.yaml", "train.steps: 7\n");
    Error err;
    assert_ok(plan_load(arena, "other.v2.yaml", NULL, 0, &test_program, &plan, &err), &err);
    assert_string_equal(plan.name, "other.v2");
    arena_free(arena);
}

/* ---- layers ---- */

static void test_later_files_win_key_by_key(void **state)
{
    (void)state;
    assert_int_equal(system("mkdir -p base"), 0);
    write_file("base/deep.yaml", "name: deep\ntitle: deep\nmodel: {n_layers: 5, d_model: 64}\ntrain.steps: 9\n"
                                 "sweep: {model.position.kind: [rope, none], train.lr: [1e-3, 1e-4]}\nseeds: 2\n");
    write_file("base/small.yaml", "extends: deep.yaml\nmodel.n_layers: 4\nsweep: {train.lr: [0.5]}\n");
    write_file("tiny.yaml", "model: {d_model: 32}\n");
    Arena *arena = arena_new();
    Plan plan = load(arena, "extends: [base/small.yaml, tiny.yaml]\nclaim: c\n");
    assert_string_equal(plan.title, "deep");
    assert_string_not_equal(plan.name, "deep"); /* a folder of results is never inherited */
    assert_string_equal(setting(&plan, 0, "model.n_layers"), "4");
    assert_string_equal(setting(&plan, 0, "model.d_model"), "32");
    assert_string_equal(setting(&plan, 0, "train.steps"), "9");
    assert_int_equal(plan.n_axes, 2);
    assert_int_equal(plan.n_runs, 2 * 1 * 2);
    assert_string_equal(setting(&plan, 0, "train.lr"), "0.5");
    /* a setting of a later file fixes an inherited axis */
    plan = load(arena, "extends: base/deep.yaml\nmodel.position.kind: alibi\nseeds: [4]\n");
    assert_int_equal(plan.n_runs, 2);
    assert_string_equal(setting(&plan, 0, "model.position.kind"), "alibi");
    assert_string_equal(plan.arms[1].name, "alibi-1e_4");
    arena_free(arena);
}

static void test_set_wins(void **state)
{
    (void)state;
    static const char text[] =
        "model.n_layers: 2\nsweep:\n  model.position.kind: [rope, alibi]\n"
        "  ends: {both: {data.bos: always, data.eos: always}, bare: {data.bos: never}}\nseeds: 3\n"
        "expect:\n  - {text: r, that: \"frame(model.position.kind=rope) = none\"}\n"
        "  - {text: a, that: \"frame(model.position.kind=alibi) = none\"}\n";
    Arena *arena = arena_new();
    Plan plan;
    Error err;
    const char *const fix[] = {"model.position.kind=rope", "model.n_layers=6", "seeds=[7, 9]", "ends=bare"};
    assert_ok(load_with(arena, text, fix, 4, &plan, &err), &err);
    assert_int_equal(plan.n_runs, 2);
    assert_int_equal((int)plan.runs[1].seed, 9);
    assert_string_equal(plan.arms[0].name, "rope-bare");
    assert_string_equal(setting(&plan, 0, "model.n_layers"), "6");
    assert_string_equal(setting(&plan, 0, "data.bos"), "never");
    assert_int_equal(plan.n_claims, 1); /* the one that needs alibi can't be judged, and says so */
    assert_int_equal(plan.n_notes, 1);
    assert_string_equal(
        plan.notes[0],
        "the expectation \"a\" is left out: it needs model.position.kind=alibi, which is not in this plan");
    /* a key within bundles is taken out of all of them */
    const char *const eos[] = {"data.bos=document"};
    assert_ok(load_with(arena, text, eos, 1, &plan, &err), &err);
    assert_int_equal(plan.n_arms, 4);
    for (int i = 0; i < plan.n_runs; i++)
        assert_string_equal(setting(&plan, i, "data.bos"), "document");
    /* the same run has the same id, however it was asked for */
    const Plan full = load(arena, text);
    const char *const same[] = {"model.position.kind=alibi"};
    assert_ok(load_with(arena, text, same, 1, &plan, &err), &err);
    assert_string_equal(plan.runs[0].folder, full.runs[6].folder);
    arena_free(arena);
}

/* A key of a choice not taken: fine while some arm takes it, or when a later layer chose otherwise. */
static void test_unused_keys(void **state)
{
    (void)state;
    Arena *arena = arena_new();
    Plan plan = load(arena, "model.position.theta: 500\nsweep: {model.position.kind: [none, rope]}\n");
    assert_null(setting(&plan, 0, "model.position.theta"));
    assert_string_equal(setting(&plan, 1, "model.position.theta"), "500");
    write_file("base.yaml", "model.position: {kind: rope, theta: 500}\n");
    plan = load(arena, "extends: base.yaml\nmodel.position.kind: none\n");
    assert_null(setting(&plan, 0, "model.position.theta"));
    const char *const sets[] = {"model.position.kind=none"};
    Error err;
    assert_ok(load_with(arena, "model.position.theta: 500\n", sets, 1, &plan, &err), &err);
    arena_free(arena);
}

/* ---- what is refused ---- */

/* A key that counts beside some value of another may be set where one arm has that value, where it is the default that
 * is set, and where a later layer took the value away. */
static void test_keys_that_count_beside_others(void **state)
{
    (void)state;
    static const char *const accepted[] = {
        "beside.text: 1\n",
        "data.source.kind: recall\nbeside.text: 0\n",
        "sweep:\n  data.source.kind: [recall, text]\nbeside.text: 1\n",
        "train.steps: 2\nbeside.either: 0.1\n",
        "snapshot.weights: true\nbeside.either: 0.1\n",
        "beside.place: 2\n",
        "extends: base.yaml\ndata.source.kind: recall\n",
    };
    write_file("base.yaml", "beside.text: 1\n");
    for (size_t i = 0; i < N_TESTS(accepted); i++) {
        Arena *arena = arena_new();
        Plan plan = load(arena, accepted[i]);
        assert_true(plan.n_runs > 0);
        arena_free(arena);
    }
    Arena *arena = arena_new();
    Plan plan;
    Error err;
    const char *const sets[] = {"beside.text=1"};
    assert_refused(load_with(arena, "data.source.kind: recall\n", sets, 1, &plan, &err), STATUS_INPUT,
                   "--set: beside.text: counts only with data.source.kind: text, which no arm has", &err);
    arena_free(arena);
}

static void test_refusals(void **state)
{
    (void)state;
    static const struct {
        const char *text, *line;
    } cases[] = {
        /* keys */
        {"model:\n  n_layres: 3\n",
         "experiment.yaml:2: unknown key \"model.n_layres\"; did you mean \"model.n_layers\"?"},
        {"modle: {n_layers: 3}\n", "experiment.yaml:1: unknown key \"modle\"; did you mean \"model\"?"},
        {"sweeep: {model.n_layers: [3]}\n", "experiment.yaml:1: unknown key \"sweeep\"; did you mean \"sweep\"?"},
        {"seads: 3\n", "experiment.yaml:1: unknown key \"seads\"; did you mean \"seeds\"?"},
        {"n_layers: 3\n", "experiment.yaml:1: unknown key \"n_layers\"; did you mean \"model.n_layers\"?"},
        {"model.position: rope\n",
         "experiment.yaml:1: model.position: is a group of keys and takes no value itself; did you mean "
         "\"model.position.kind\"?"},
        {"train: 5\n", "experiment.yaml:1: train: is a group of keys and takes no value itself"},
        {"model.positon: {kind: rope}\n",
         "experiment.yaml:1: unknown key \"model.positon\"; did you mean \"model.position\"?"},
        {"model:\n  n_layers: 3\nmodel.n_layers: 4\n",
         "experiment.yaml:3: model.n_layers: stands twice (first on line 2)"},
        {"seed: 3\n", "experiment.yaml:1: seed: every run gets its own from seeds: (N for 1..N, or a list)"},
        {"# x\n- a\n", "experiment.yaml:2: the top of the file is a mapping: key: value"},
        /* values */
        {"model.n_layers: 99\n", "experiment.yaml:1: model.n_layers: 99 is not in 1..64"},
        {"model.n_layers: \"3\"\n", "experiment.yaml:1: model.n_layers: \"3\" in quotes is a text, not a whole number"},
        {"model.n_layers:\n", "experiment.yaml:1: model.n_layers: has no value"},
        {"model.n_layers: {a: 1}\n", "experiment.yaml:1: model.n_layers: a mapping is not a value"},
        {"model.position.kind: rop\n", "experiment.yaml:1: model.position.kind: \"rop\" is not one of rope, absolute, "
                                       "alibi, none; did you mean \"rope\"?"},
        {"data.source.files: [a, [b]]\n", "experiment.yaml:1: data.source.files: a list holds texts or numbers only"},
        {"model.position.kind: none\nmodel.position.theta: 5\n",
         "experiment.yaml:2: model.position.theta: counts only with model.position.kind: rope, which no arm has"},
        /* words */
        {"name: a/b\n",
         "experiment.yaml:1: name: \"a/b\" can't name a folder (1-100 characters, no slash, no . or - in "
         "front)"},
        {"title: [a]\n", "experiment.yaml:1: title: is a text"},
        {"seeds: 0\n", "experiment.yaml:1: seeds: \"0\" is not N >= 1 (seeds 1..N) or a list of whole numbers >= 0"},
        {"seeds: [1, 2,\n  1]\n", "experiment.yaml:2: seeds: 1 stands twice"},
        {"seeds: [-1]\n",
         "experiment.yaml:1: seeds: \"-1\" is not N >= 1 (seeds 1..N) or a list of whole numbers >= 0"},
        {"seeds: []\n", "experiment.yaml:1: seeds: 0 seeds are not in 1..10000"},
        {"seeds: [5000000000]\n", "experiment.yaml:1: seed: 5000000000 is not in 0..4294967295"},
        /* extends */
        {"extends: nowhere.yaml\n", "experiment.yaml:1: extends: there is no file ./nowhere.yaml"},
        {"extends: experiment.yaml\n", "experiment.yaml:1: extends: ./experiment.yaml extends itself"},
        {"extends: loop.yaml\n", "./loop.yaml:2: extends: ./experiment.yaml extends itself"},
        {"extends: {a: b}\n", "experiment.yaml:1: extends: is a path or a list of paths"},
        {"extends: bad.yaml\n", "./bad.yaml:2: train.steps: 0 is not in 1..1000000000"},
        /* sweep */
        {"sweep: 3\n", "experiment.yaml:1: sweep: is a mapping: KEY: [values], or NAME: {BUNDLE: {KEY: value}}"},
        {"sweep:\n  model.n_layres: [1]\n",
         "experiment.yaml:2: sweep: unknown key \"model.n_layres\"; did you mean \"model.n_layers\"?"},
        {"sweep:\n  model.n_layers: 1\n", "experiment.yaml:2: sweep: model.n_layers: needs a list of values: [a, b]"},
        {"sweep:\n  model.n_layers: []\n", "experiment.yaml:2: sweep: model.n_layers: has no values"},
        {"sweep:\n  model.n_layers:\n    - 1\n    - 70\n", "experiment.yaml:4: model.n_layers: 70 is not in 1..64"},
        {"sweep: {model.n_layers: [1, 1]}\n", "experiment.yaml:1: sweep: model.n_layers: the value \"1\" stands twice"},
        {"sweep:\n  model: {n_layers: [1]}\n",
         "experiment.yaml:2: sweep: model: a swept key is dotted and takes a list "
         "(GROUP.KEY: [a, b]); bundles need a name of their own"},
        {"sweep: {a: {b: 3}}\n", "experiment.yaml:1: sweep: a: the bundle \"b\" is a mapping of keys to values"},
        {"sweep:\n  a:\n    b: {data.boss: never}\n",
         "experiment.yaml:3: unknown key \"data.boss\"; did you mean \"data.bos\"?"},
        {"sweep: {a b: {b: {}}}\n",
         "experiment.yaml:1: sweep: \"a b\": an axis's name is of letters, digits, _ . - @ +"},
        {"sweep: {seed: [1, 2]}\n", "experiment.yaml:1: sweep: seeds are no axis; write seeds: at the top"},
        {"model.n_layers: 3\nsweep:\n  model.n_layers: [1, 2]\n",
         "experiment.yaml:3: sweep: model.n_layers: model.n_layers is also set on line 1"},
        {"sweep:\n  data.bos: [always]\n  ends: {a: {data.bos: never}}\n",
         "experiment.yaml:3: sweep: data.bos is on two axes, data.bos and ends"},
        /* the whole */
        {"model.d_model: 13\n", "experiment.yaml:1: model.d_model: 13 has bad luck"},
        {"sweep:\n  model.d_model: [12, 13]\n", "experiment.yaml:2: model.d_model: 13 has bad luck (arm 13)"},
        {"sweep:\n  model.position.kind: [none]\n  model.position.theta: [5, 6]\n",
         "experiment.yaml:3: model.position.theta: counts only with model.position.kind: rope, which no arm has"},
        {"model.position.slopes: geometric\n", "experiment.yaml:1: model.position.slopes: counts only with "
                                               "model.position.kind: alibi or absolute, which no arm has"},
        {"data.source.kind: recall\nbeside.text: 1\n",
         "experiment.yaml:2: beside.text: counts only with data.source.kind: text, which no arm has"},
        {"train.steps: 12\nbeside.either: 0.1\n", "experiment.yaml:2: beside.either: counts only with "
                                                  "snapshot.weights: true or train.steps: 1, 2 or 3, which no "
                                                  "arm has"},
        {"sweep:\n  model.position.kind: [none, alibi]\nbeside.place: 3\n",
         "experiment.yaml:3: beside.place: counts only with model.position.kind: other than none or alibi, which no "
         "arm "
         "has"},
        {"sweep:\n  model.position.kind: [none, rope]\n  model.position.theta: [5, 6]\n",
         "experiment.yaml:2: sweep: the arms none-5 and none-6 are the same run (what differs doesn't count there); "
         "exclude one"},
        {"sweep:\n  train.lr: [0.1, 1e-1]\n", "experiment.yaml:2: sweep: the arms 0.1 and 1e_1 are the same run (what "
                                              "differs doesn't count there); exclude one"},
        {"sweep:\n  a: {\"x y\": {}, x+y: {data.bos: never}}\n", "experiment.yaml:2: sweep: two arms are called x_y (a "
                                                                 "name keeps letters, digits, dots and 80 characters)"},
        /* exclude */
        {"sweep: {data.bos: [always, never]}\nexclude:\n  - {data.boss: never}\n",
         "experiment.yaml:3: exclude: no axis \"data.boss\"; did you mean \"data.bos\"?"},
        {"sweep: {data.bos: [always, never]}\nexclude:\n  - {data.bos: nevr}\n",
         "experiment.yaml:3: exclude: data.bos has no value \"nevr\"; did you mean \"never\"?"},
        {"sweep: {data.bos: [always, never]}\nexclude: [{data.bos: [always, never]}]\n",
         "experiment.yaml:2: exclude: leaves no arm"},
        {"exclude: {a: b}\n", "experiment.yaml:1: exclude: is a list of {AXIS: value or list}"},
        {"exclude: [a]\n", "experiment.yaml:1: exclude: an item is a mapping {AXIS: value or list}"},
    };
    write_file("loop.yaml", "# back again\nextends: experiment.yaml\n");
    write_file("bad.yaml", "train:\n  steps: 0\n");
    for (size_t i = 0; i < N_TESTS(cases); i++) {
        Arena *arena = arena_new();
        Plan plan = {.n_runs = -5};
        Error err;
        assert_refused(load_with(arena, cases[i].text, NULL, 0, &plan, &err), STATUS_INPUT, cases[i].line, &err);
        assert_int_equal(plan.n_runs, -5);
        arena_free(arena);
    }
}

static void test_refused_sets(void **state)
{
    (void)state;
    static const struct {
        const char *set, *line;
    } cases[] = {
        {"model.n_layers", "--set: \"model.n_layers\" is not KEY=VALUE"},
        {"=3", "--set: \"=3\" is not KEY=VALUE"},
        {"model.n_layers=", "--set: model.n_layers: has no value"},
        {"model.n_layers={a: 1}", "--set: model.n_layers: a mapping is not a value"},
        {"model.n_layers=[1, 2]", "--set: model.n_layers: a list is not a whole number"},
        {"model.n_layers=70", "--set: model.n_layers: 70 is not in 1..64"},
        {"model.n_layres=3", "--set: unknown key \"model.n_layres\"; did you mean \"model.n_layers\"?"},
        {"data.bos=[", "--set data.bos: not YAML: while parsing a flow node, did not find expected node content"},
        {"ends=bar", "--set: ends: no bundle \"bar\"; did you mean \"bare\"?"},
        {"seeds=x", "--set: seeds: \"x\" is not N >= 1 (seeds 1..N) or a list of whole numbers >= 0"},
        {"seed=3", "--set: seed: every run gets its own from seeds: (N for 1..N, or a list)"},
        {"data.eos=always", "--set: data.eos: is given twice"},
    };
    for (size_t i = 0; i < N_TESTS(cases); i++) {
        Arena *arena = arena_new();
        Plan plan;
        Error err;
        const char *const sets[] = {"data.eos=never", cases[i].set};
        assert_refused(load_with(arena, "sweep: {ends: {bare: {data.bos: never}, both: {}}}\n", sets, 2, &plan, &err),
                       STATUS_INPUT, cases[i].line, &err);
        arena_free(arena);
    }
}

static void test_missing_file(void **state)
{
    (void)state;
    Arena *arena = arena_new();
    Plan plan;
    Error err;
    assert_refused(plan_load(arena, "nowhere.yaml", NULL, 0, &test_program, &plan, &err), STATUS_INPUT,
                   "nowhere.yaml: there is no such file", &err);
    assert_int_equal(plan_load(arena, ".", NULL, 0, &test_program, &plan, &err), STATUS_INPUT);
    arena_free(arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_nested_dotted_and_mixed_mean_the_same),
        cmocka_unit_test(test_words_and_defaults),
        cmocka_unit_test(test_later_files_win_key_by_key),
        cmocka_unit_test(test_set_wins),
        cmocka_unit_test(test_unused_keys),
        cmocka_unit_test(test_keys_that_count_beside_others),
        cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_refused_sets),
        cmocka_unit_test(test_missing_file),
    };
    return cmocka_run_group_tests_name("load", tests, enter_scratch, leave_scratch);
}
