/* Runs as child processes. Without this file a finished run could be trained twice, a failed one pass for finished, one
 * failure stop a sweep, or Ctrl-C leave processes behind.
 *
 * The children are this very program: with the word `train` it acts as `refframe train RUN`, as `behaviour` in the
 * run's run.yaml says, and counts its starts in a file beside it. */
#include "sched/sched.h"

#include <math.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/child.h"
#include "store/manifest.h"
#include "testing.h"

/* ---- the child ---- */

static void sleep_ms(long ms)
{
    nanosleep(&(struct timespec){ms / 1000, ms % 1000 * 1000000}, NULL);
}

static void write_manifest(const char *folder, RunStatus status, int64_t step, const char *reason)
{
    const size_t n = strlen(folder);
    const Manifest manifest = {.status = status,
                               .reason = reason,
                               .id = folder + n - 12,
                               .step = step,
                               .steps = 10,
                               .newline_share = NAN,
                               .oracle_loss = NAN,
                               .final_loss = NAN};
    Error err;
    if (manifest_write(folder, &manifest, &err) != STATUS_OK)
        fprintf(stderr, "%s\n", err.text);
}

static void tell(int64_t step)
{
    const Progress progress = {step, 10, 2.5, 1000, step < 5 ? NAN : 0.25};
    char line[160];
    progress_format(&progress, line);
    printf("a line of another kind\n%s\n", line);
    fflush(stdout);
}

static int act(const char *folder, const char *behaviour)
{
    Lock *lock;
    Error err;
    if (run_lock(folder, LOCK_TO_WRITE, &lock, &err) != STATUS_OK)
        return 1;
    if (strcmp(behaviour, "start") == 0) /* fails before it has a manifest */
        return fprintf(stderr, "first line\nno such corpus\n\n"), 2;
    write_manifest(folder, RUN_RUNNING, 0, "");
    tell(3);
    if (strcmp(behaviour, "diverge") == 0)
        return write_manifest(folder, RUN_FAILED, 3, "the loss is not finite at step 3"), 1;
    if (strcmp(behaviour, "crash") == 0)
        raise(SIGKILL);
    if (strcmp(behaviour, "lie") == 0)
        return 0;
    if (strcmp(behaviour, "wait") == 0) {
        kill(getppid(), SIGINT); /* as Ctrl-C in a terminal would, once the run is going */
        while (!child_interrupted())
            sleep_ms(5);
        return write_manifest(folder, RUN_INTERRUPTED, 4, ""), 130;
    }
    sleep_ms(30);
    tell(10);
    write_manifest(folder, RUN_FINISHED, 10, "");
    lock_free(lock);
    return 0;
}

static int child_main(int argc, char **argv)
{
    child_catch_interrupts();
    Arena *arena = arena_new();
    Error err;
    char *text = "";
    size_t n;
    const char *folder = argv[2];
    if (argc < 5 || strcmp(argv[3], "--threads") != 0 ||
        file_read(arena, file_join(arena, folder, RUN_CONFIG), &text, &n, &err))
        return 99;
    FILE *count = fopen(file_join(arena, folder, "starts"), "a");
    fputs(argv[4], count);
    fclose(count);
    char behaviour[16] = "";
    const char *at = strstr(text, "behaviour: ");
    if (at)
        sscanf(at, "behaviour: %15s", behaviour);
    const int code = act(folder, behaviour);
    arena_free(arena);
    return code;
}

/* ---- a plan ---- */

static const char *const behaviours[] = {"finish", "start", "diverge", "crash", "lie", "wait", NULL};
static const SchemaRow top_rows[] = {{"seed", VALUE_INT, "1", 0, 1e6, NULL, "", BY_HAND}};
static const SchemaRow train_rows[] = {
    {"behaviour", VALUE_CHOICE, "finish", 0, 0, behaviours, "", BY_HAND},
    {"steps", VALUE_INT, "10", 1, 1e9, NULL, "", BY_HAND},
};
static const SchemaRow checkpoint_rows[] = {{"every", VALUE_INT, "0", 0, 1e9, NULL, "", BY_HAND}};
static const SchemaPart parts[] = {
    {"", NULL, top_rows, 1}, {"train", NULL, train_rows, 2}, {"checkpoint", NULL, checkpoint_rows, 1}};

static int check_run(void *context, const Settings *settings, char *ret_input_hash, Error *err)
{
    (void)context, (void)settings, (void)err;
    ret_input_hash[0] = '\0';
    return STATUS_OK;
}

static const Program program = {.schema = {parts, 3}, .numerics_version = 1, .check_run = check_run};

typedef struct {
    Arena *arena;
    char *scratch;
    const char *results;
    Plan plan;
    SchedOptions options;
    SchedState state;
    Error err;
    int n_changes, n_ends;
    double first_share, last_share;
    RunStatus ended[16]; /* by index of the run */
    char reasons[16][200];
    char latest[200];
} Bench;

static void on_change(void *context, const SchedState *state)
{
    Bench *b = context;
    assert_true(state->share >= 0 && state->share <= 1);
    assert_true(state->n_running <= b->options.jobs);
    assert_true(state->n_finished + state->n_failed + state->n_skipped + state->n_running <= state->n_runs);
    b->n_changes++;
    b->first_share = isnan(b->first_share) ? state->share : b->first_share;
    b->last_share = state->share;
    if (state->latest_run)
        snprintf(b->latest, sizeof b->latest, "%s", state->latest_run);
}

static void on_end(void *context, const PlannedRun *run, RunStatus status, const char *reason)
{
    Bench *b = context;
    const int i = (int)(run - b->plan.runs);
    b->n_ends++;
    b->ended[i] = status;
    snprintf(b->reasons[i], sizeof b->reasons[i], "%s", reason);
}

static void load(Bench *b, const char *text)
{
    const char *path = file_join(b->arena, b->scratch, "e.yaml");
    assert_ok(file_write(path, text, strlen(text), &b->err), &b->err);
    assert_ok(plan_load(b->arena, path, NULL, 0, &program, &b->plan, &b->err), &b->err);
    b->n_ends = b->n_changes = 0;
    memset(b->ended, 0, sizeof b->ended);
}

static int run(Bench *b)
{
    b->err.text[0] = '\0';
    return sched_run(&b->plan, b->results, &b->options, &b->state, &b->err);
}

static const char *path_in(Bench *b, int index, const char *name)
{
    return file_join(b->arena, file_join(b->arena, b->results, b->plan.runs[index].folder), name);
}

/* How often the run was started, with 3 threads each. */
static int starts_of(Bench *b, int index)
{
    char *text;
    size_t n = 0;
    if (file_read(b->arena, path_in(b, index, "starts"), &text, &n, NULL) != STATUS_OK)
        return 0;
    assert_int_equal(strspn(text, "3"), n);
    return (int)n;
}

static int set_up(void **state)
{
    Bench *b = calloc(1, sizeof *b);
    b->arena = arena_new();
    b->scratch = scratch_folder();
    b->results = file_join(b->arena, b->scratch, "results/e");
    b->options = (SchedOptions){
        .jobs = 2, .threads = 3, .program = child_self(), .on_change = on_change, .on_end = on_end, .context = b};
    *state = b;
    return 0;
}

static int tear_down(void **state)
{
    Bench *b = *state;
    scratch_remove(b->scratch);
    arena_free(b->arena);
    free(b);
    return 0;
}

/* ---- tests ---- */

static void test_runs_all_then_skips_all(void **state)
{
    Bench *b = *state;
    load(b, "seeds: 5\n");
    assert_ok(run(b), &b->err);
    assert_int_equal(b->state.n_finished, 5);
    assert_int_equal(b->n_ends, 5);
    assert_true(b->state.share == 1 && b->last_share == 1 && b->state.seconds_left == 0);
    assert_int_equal(b->state.latest.step, 10);
    assert_true(b->state.latest.sink == 0.25);
    assert_true(strlen(b->latest) > 12);
    for (int i = 0; i < 5; i++) {
        assert_int_equal(starts_of(b, i), 1);
        assert_false(file_exists(path_in(b, i, "stderr.txt")));
        Settings settings;
        assert_ok(plan_load_run(b->arena, path_in(b, i, RUN_CONFIG), &program, &settings, &b->err), &b->err);
        assert_int_equal(settings_int(&settings, "seed"), i + 1);
    }
    load(b, "seeds: 6\n"); /* one more seed: only it is new */
    assert_ok(run(b), &b->err);
    assert_int_equal(b->state.n_skipped, 5);
    assert_int_equal(b->state.n_finished, 1);
    assert_int_equal(b->n_ends, 1);
    assert_int_equal(starts_of(b, 4), 1);
    assert_int_equal(starts_of(b, 5), 1);
}

static void test_a_failure_does_not_stop_the_others(void **state)
{
    Bench *b = *state;
    load(b, "sweep: {train.behaviour: [start, diverge, crash, lie, finish]}\n");
    assert_int_equal(run(b), STATUS_FAILED);
    assert_string_equal(b->err.text, "4 of 5 runs failed");
    assert_int_equal(b->state.n_failed, 4);
    assert_int_equal(b->state.n_finished, 1);
    assert_int_equal(b->ended[4], RUN_FINISHED);
    assert_string_equal(b->reasons[0], "no such corpus");
    assert_string_equal(b->reasons[1], "the loss is not finite at step 3");
    assert_string_equal(b->reasons[2], "its process was killed by signal 9 (Killed)");
    assert_string_equal(b->reasons[3], "its process ended with exit code 0 and without finishing");
    for (int i = 0; i < 4; i++)
        assert_int_equal(b->ended[i], RUN_FAILED);
    /* again: what failed is tried again, what is finished is not */
    assert_int_equal(run(b), STATUS_FAILED);
    assert_int_equal(starts_of(b, 2), 2);
    assert_int_equal(starts_of(b, 4), 1);
}

static void test_a_program_that_cannot_start(void **state)
{
    Bench *b = *state;
    load(b, "seeds: 3\n");
    b->options.program = "/nowhere/refframe";
    assert_int_equal(run(b), STATUS_FAILED);
    assert_int_equal(b->state.n_failed, 3);
    assert_string_equal(b->reasons[2], "cannot start /nowhere/refframe: No such file or directory");
}

static void test_another_run_s_folder_is_never_touched(void **state)
{
    Bench *b = *state;
    load(b, "seeds: 2\n");
    assert_ok(file_make_folder(path_in(b, 1, ""), &b->err), &b->err);
    static const char foreign[] = "seed: 2\ntrain:\n  behaviour: finish\n  steps: 11\n";
    assert_ok(file_write(path_in(b, 1, RUN_CONFIG), foreign, strlen(foreign), &b->err), &b->err);
    assert_int_equal(run(b), STATUS_INPUT);
    assert_non_null(strstr(b->err.text, "run.yaml: train.steps: is not what this run's id stands for"));
    assert_false(file_exists(path_in(b, 0, ""))); /* nothing was created */
    char *text;
    size_t n;
    assert_ok(file_read(b->arena, path_in(b, 1, RUN_CONFIG), &text, &n, &b->err), &b->err);
    assert_string_equal(text, foreign);
}

/* Checkpoint settings have no say in the id: a finished run stays finished, an unfinished one goes on with the new
 * ones. */
static void test_stale_run_file_is_rewritten(void **state)
{
    Bench *b = *state;
    load(b, "sweep: {train.behaviour: [finish, lie]}\n");
    assert_int_equal(run(b), STATUS_FAILED);
    load(b, "checkpoint.every: 5\nsweep: {train.behaviour: [finish, lie]}\n");
    assert_int_equal(run(b), STATUS_FAILED);
    assert_int_equal(starts_of(b, 0), 1);
    Settings settings;
    assert_ok(plan_load_run(b->arena, path_in(b, 1, RUN_CONFIG), &program, &settings, &b->err), &b->err);
    assert_int_equal(settings_int(&settings, "checkpoint.every"), 5);
}

static void test_a_run_in_use_is_left_alone(void **state)
{
    Bench *b = *state;
    load(b, "seeds: 2\n");
    Lock *lock;
    assert_ok(file_make_folder(path_in(b, 1, ""), &b->err), &b->err);
    assert_ok(run_lock(file_join(b->arena, b->results, b->plan.runs[1].folder), LOCK_TO_WRITE, &lock, &b->err),
              &b->err);
    write_manifest(file_join(b->arena, b->results, b->plan.runs[1].folder), RUN_RUNNING, 0, "");
    assert_int_equal(run(b), STATUS_FAILED);
    assert_non_null(strstr(b->err.text, "another process is training it"));
    assert_false(file_exists(path_in(b, 0, "")));
    lock_free(lock);
    assert_ok(run(b), &b->err);
}

/* A run whose parent was killed, and which the system is still ending: the same command goes on with it. */
static void test_a_run_that_is_about_to_end_is_waited_for(void **state)
{
    Bench *b = *state;
    load(b, "seeds: 2\n");
    int ready[2];
    char byte;
    const char *folder = file_join(b->arena, b->results, b->plan.runs[1].folder);
    assert_ok(file_make_folder(folder, &b->err), &b->err);
    assert_int_equal(pipe(ready), 0);
    const pid_t holder = fork();
    if (holder == 0) {
        Lock *lock;
        if (run_lock(folder, LOCK_TO_WRITE, &lock, &b->err) != STATUS_OK)
            _exit(1);
        write_manifest(folder, RUN_RUNNING, 0, "");
        if (write(ready[1], "x", 1) == 1)
            sleep_ms(500);
        _exit(0);
    }
    assert_int_equal(read(ready[0], &byte, 1), 1);
    assert_ok(run(b), &b->err);
    assert_int_equal(b->state.n_finished, 2);
    assert_int_equal(waitpid(holder, NULL, 0), holder);
    close(ready[0]);
    close(ready[1]);
}

static void test_unwritable_results(void **state)
{
    Bench *b = *state;
    load(b, "seeds: 2\n");
    assert_ok(file_write(file_join(b->arena, b->scratch, "results"), "a file", 6, &b->err), &b->err);
    assert_int_equal(run(b), STATUS_INPUT);
    assert_non_null(strstr(b->err.text, b->results));
    assert_non_null(strstr(b->err.text, "Not a directory"));
    assert_int_equal(b->n_ends, 0);
    assert_int_equal(sched_check(&b->plan, b->results, &b->err), STATUS_INPUT);
    assert_ok(file_remove(file_join(b->arena, b->scratch, "results"), &b->err), &b->err);
    if (geteuid() == 0)
        return; /* root may write anywhere */
    assert_ok(file_make_folder(b->results, &b->err), &b->err);
    assert_int_equal(chmod(b->results, 0500), 0);
    assert_int_equal(run(b), STATUS_INPUT);
    assert_non_null(strstr(b->err.text, "Permission denied"));
    assert_int_equal(chmod(b->results, 0700), 0);
}

static void test_progress_lines(void **state)
{
    (void)state;
    const Progress sent[] = {{7, 500, 1.25, 1e5 / 3, NAN}, {0, 1, INFINITY, 0, 0.1}};
    for (int i = 0; i < 2; i++) {
        char line[160];
        Progress got;
        progress_format(&sent[i], line);
        assert_int_equal(progress_parse(line, &got), 0);
        assert_int_equal(got.step, sent[i].step);
        assert_int_equal(got.steps, sent[i].steps);
        assert_true(got.loss == sent[i].loss && got.tokens_per_second == sent[i].tokens_per_second);
        assert_true(got.sink == sent[i].sink || (isnan(got.sink) && isnan(sent[i].sink)));
    }
    static const char *const others[] = {
        "",
        "progress",
        "progress 1 2 3 4",
        "progress 1 2 3 4 5 6",
        "progress x 2 3 4 5",
        "progress -1 2 3 4 5",
        "loss 1 2 3 4 5",
    };
    for (size_t i = 0; i < N_TESTS(others); i++) {
        Progress got = {.step = -5};
        assert_int_equal(progress_parse(others[i], &got), -1);
        assert_int_equal(got.step, -5);
    }
}

/* What was done before counts in the share as in the numbers: four of five runs, and of the fifth nothing yet. */
static void test_share_counts_what_was_done_before(void **state)
{
    Bench *b = *state;
    load(b, "seeds: 4\n");
    assert_ok(run(b), &b->err);
    load(b, "seeds: 5\n");
    b->first_share = NAN;
    assert_ok(run(b), &b->err);
    assert_true(b->first_share == 0.8 && b->last_share == 1);
    assert_true(b->state.seconds_left == 0);
    b->first_share = NAN;
    assert_ok(run(b), &b->err); /* nothing is left */
    assert_true(b->state.share == 1);
}

/* In a process of its own, as the flag of Ctrl-C is never taken back. */
static void test_interrupt_stops_children_and_resumes(void **state)
{
    Bench *b = *state;
    load(b, "sweep: {train.behaviour: [wait, finish]}\nseeds: 2\n");
    b->options.jobs = 1;
    const pid_t pid = fork();
    if (pid == 0) {
        child_catch_interrupts();
        const int status = run(b);
        const int is_right =
            status == STATUS_INTERRUPTED && b->n_ends == 1 && b->ended[0] == RUN_INTERRUPTED &&
            b->state.n_failed == 0 && b->state.n_running == 0 && b->state.share > 0 && b->state.share < 1 &&
            strcmp(b->err.text, "interrupted with 0 of 4 runs finished; the same command goes on") == 0;
        _exit(is_right ? 0 : 1);
    }
    int status = -1;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
    assert_int_equal(run_status(file_join(b->arena, b->results, b->plan.runs[0].folder)), RUN_INTERRUPTED);
    assert_int_equal(starts_of(b, 0), 1);
    assert_int_equal(starts_of(b, 1), 0); /* nothing new was started */
}

int main(int argc, char **argv)
{
    if (argc > 2 && strcmp(argv[1], "train") == 0)
        return child_main(argc, argv);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_runs_all_then_skips_all, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_share_counts_what_was_done_before, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_failure_does_not_stop_the_others, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_program_that_cannot_start, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_another_run_s_folder_is_never_touched, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_stale_run_file_is_rewritten, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_run_in_use_is_left_alone, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_run_that_is_about_to_end_is_waited_for, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_unwritable_results, set_up, tear_down),
        cmocka_unit_test(test_progress_lines),
        cmocka_unit_test_setup_teardown(test_interrupt_stops_children_and_resumes, set_up, tear_down),
    };
    return cmocka_run_group_tests_name("sched", tests, NULL, NULL);
}
