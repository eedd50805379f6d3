/* Without this, fifty viewers could cost fifty reports, a folder that goes could end the server, and a link in a
 * results folder could hand out any file. No socket is opened here. */
#include "report/scene.h"

#include <pthread.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "report/report.h"
#include "serve/site.h"
#include "store/sums.h"

static RunStatus one_of_two(int arm, int seed)
{
    (void)arm;
    return seed == 1 ? RUN_FINISHED : RUN_RUNNING;
}

static const Scene half = {.n_arms = 1, .n_seeds = 2, .sink = scene_flat, .status = one_of_two, .title = "<T>"};

/* ---- asking ---- */

enum { PATIENCE = 60 }; /* seconds */

/* Progress is read again after a second, or more where reading is slow. */
static void wait_a_second(void)
{
    nanosleep(&(struct timespec){.tv_sec = 1, .tv_nsec = 100000000}, NULL);
}

static Answer ask(Site *site, const char *path, const char *etag)
{
    const Request request = request_parse(path);
    return site_answer(site, &request, etag);
}

/* The text of an answer, from arena. */
static const char *text_of(Arena *arena, Answer *answer)
{
    const char *text = answer->body ? arena_strdup(arena, text_string(&answer->body->text)) : "";
    answer->body = body_free(answer->body);
    return text;
}

static Json *state_of(Arena *arena, Site *site, const char *path)
{
    Json *json;
    Error err;
    Answer answer = ask(site, path, NULL);
    assert_int_equal(answer.code, 200);
    const char *text = text_of(arena, &answer);
    assert_ok(json_parse(arena, path, text, strlen(text), &json, &err), &err);
    return json;
}

static int code_of(Site *site, const char *path)
{
    Answer answer = ask(site, path, NULL);
    body_free(answer.body);
    if (answer.file >= 0)
        close(answer.file);
    return answer.code;
}

/* Asks for x's state until its page is to be built, and builds it. */
static void build_next(Site *site)
{
    for (int i = 0; i < PATIENCE; i++) {
        assert_int_equal(code_of(site, "/x/state.json"), 200);
        if (site_build(site, 0))
            return;
        wait_a_second();
    }
    fail_msg("no page is built");
}

/* Asks for x's state until it has a problem, or none. */
static const Json *wait_for_problem(Arena *arena, Site *site, int is_there)
{
    const Json *json;
    for (int i = 0; i < PATIENCE; i++) {
        json = state_of(arena, site, "/x/state.json");
        if ((json_get_string(json, "problem", "")[0] != '\0') == is_there)
            return json;
        wait_a_second();
    }
    fail_msg("the problem stays, or never comes");
    return json;
}

/* A scene as an experiment `x` in a folder of several; the site serves that folder, or the experiment alone. */
typedef struct {
    Arena *arena;
    char *root;
    const char *folder;
    Site *site;
} Served;

/* Another experiment of that name beside it. */
static const char *add_scene(Served *served, const Scene *scene, const char *name)
{
    char *written = scene_write(scene);
    const char *folder = file_join(served->arena, served->root, name);
    assert_int_equal(rename(written, folder), 0);
    free(written);
    return folder;
}

static Served serve(const Scene *scene, int is_list)
{
    Served served = {.arena = arena_new(), .root = scratch_folder()};
    served.folder = add_scene(&served, scene, "x");
    served.site = site_new(is_list ? served.root : served.folder, is_list);
    return served;
}

static void stop(Served *served)
{
    site_free(served->site);
    scratch_remove(served->root);
    arena_free(served->arena);
}

/* One snapshot more of the run that is not finished: number `next` of the scene's. */
static void grow(Arena *arena, const char *folder, int next)
{
    Report *report;
    Error err;
    assert_ok(report_outline(arena, folder, &report, &err), &err);
    const char *run = file_join(arena, folder, report->runs[1].folder);
    assert_ok(file_copy(run_snapshot_path(arena, run, scene_steps[2]), run_snapshot_path(arena, run, scene_steps[next]),
                        &err),
              &err);
}

/* The newest snapshot of the run that is not finished, as the state has it. */
static double newest(Arena *arena, Site *site, const char *path)
{
    return json_get_number(json_get(state_of(arena, site, path), "runs")->items[1], "snapshot", -1);
}

/* ---- tests ---- */

static void test_a_page_is_built_once_a_change(void **state)
{
    (void)state;
    Served served = serve(&half, 0);
    Site *site = served.site;
    Answer first = ask(site, "/x/", NULL);
    assert_string_equal(first.etag, "");
    assert_non_null(strstr(text_of(served.arena, &first), "The report is being built."));
    assert_int_equal(site_build(site, 0), 1);
    for (int viewer = 0; viewer < 50; viewer++) {
        assert_int_equal(code_of(site, "/x/"), 200);
        assert_int_equal(site_build(site, 0), 0);
    }
    Answer page = ask(site, "/x/", NULL), other = ask(site, "/x/", NULL);
    assert_ptr_equal(page.body, other.body);
    assert_non_null(strstr(text_string(&page.body->text), "id=\"data\""));
    Answer same = ask(site, "/x/", page.etag);
    assert_int_equal(same.code, 304);
    assert_null(same.body);

    wait_a_second(); /* and nothing has changed */
    assert_int_equal(code_of(site, "/x/state.json"), 200);
    assert_int_equal(site_build(site, 0), 0);

    grow(served.arena, served.folder, 3);
    build_next(site);
    Answer newer = ask(site, "/x/", page.etag);
    assert_int_equal(newer.code, 200);
    assert_string_not_equal(newer.etag, page.etag);
    assert_non_null(strstr(text_string(&page.body->text), "</html>")); /* whoever has the old one keeps it */
    body_free(page.body);
    body_free(other.body);
    body_free(newer.body);
    stop(&served);
}

static void test_the_state_counts_runs(void **state)
{
    (void)state;
    Served served = serve(&half, 0);
    const Json *json = state_of(served.arena, served.site, "/x/state.json"), *runs = json_get(json, "runs");
    assert_string_equal(json_get_string(json, "title", ""), "<T>");
    assert_true(json_get_number(json, "planned", -1) == 2 && json_get_number(json, "finished", -1) == 1);
    assert_true(json_get_number(json, "interrupted", -1) == 1); /* it says running, and nobody has its lock */
    assert_int_equal(runs->n_items, 2);
    assert_true(json_get_number(runs->items[0], "snapshot", -1) == scene_steps[SCENE_SNAPSHOTS - 1]);
    assert_true(json_get_number(runs->items[1], "snapshot", -1) == scene_steps[2]);
    assert_true(json_get_number(runs->items[1], "steps", -1) == 100);
    stop(&served);
}

/* It says so, keeps its wits, and goes on when the folder is back. */
static void test_a_folder_that_goes_and_comes(void **state)
{
    (void)state;
    Served served = serve(&half, 0);
    const char *aside = file_join(served.arena, served.root, "aside");
    code_of(served.site, "/x/");
    assert_int_equal(site_build(served.site, 0), 1);
    assert_int_equal(rename(served.folder, aside), 0);
    const Json *json = wait_for_problem(served.arena, served.site, 1);
    assert_non_null(strstr(json_get_string(json, "problem", ""), "plan.json"));
    assert_string_equal(json_get_string(json, "page", "?"), "");
    assert_int_equal(code_of(served.site, "/x/"), 404);
    assert_int_equal(rename(aside, served.folder), 0);
    wait_for_problem(served.arena, served.site, 0);
    assert_int_equal(code_of(served.site, "/x/"), 200);
    stop(&served);
}

/* A page that can't be built leaves the one that is there, and says why. */
static void test_a_page_that_cannot_be_built(void **state)
{
    (void)state;
    Served served = serve(&half, 0);
    Error err;
    assert_ok(file_write(file_join(served.arena, served.folder, "metrics.json"), "{", 1, &err), &err);
    code_of(served.site, "/x/");
    assert_int_equal(site_build(served.site, 0), 1);
    const Json *json = state_of(served.arena, served.site, "/x/state.json");
    assert_non_null(strstr(json_get_string(json, "problem", ""), "metrics.json"));
    assert_int_equal(code_of(served.site, "/x/"), 200);
    stop(&served);
}

static void test_the_list(void **state)
{
    (void)state;
    Served served = serve(&half, 1);
    Error err;
    char *elsewhere = scene_write(&half);
    assert_ok(file_make_folder(file_join(served.arena, served.root, "tables"), &err), &err); /* it has no plan */
    assert_int_equal(symlink(elsewhere, file_join(served.arena, served.root, "linked")), 0);
    const Json *list = json_get(state_of(served.arena, served.site, "/state.json"), "experiments");
    assert_int_equal(list->n_items, 1);
    assert_string_equal(json_get_string(list->items[0], "folder", ""), "x");
    assert_int_equal(code_of(served.site, "/"), 200);
    assert_int_equal(code_of(served.site, "/x/"), 200);
    assert_int_equal(code_of(served.site, "/linked/"), 404);
    assert_int_equal(code_of(served.site, "/tables/"), 404);
    scratch_remove(elsewhere);
    stop(&served);
}

static void test_one_experiment_alone(void **state)
{
    (void)state;
    Served served = serve(&half, 0);
    Answer root = ask(served.site, "/", NULL);
    assert_int_equal(root.code, 302);
    assert_string_equal(root.location, "/x/");
    assert_int_equal(code_of(served.site, "/x"), 302);
    assert_int_equal(code_of(served.site, "/y/"), 404);
    assert_int_equal(code_of(served.site, "/state.json"), 404);
    stop(&served);
}

static void test_files_are_those_of_a_report(void **state)
{
    (void)state;
    Served served = serve(&half, 0);
    Error err;
    assert_int_equal(code_of(served.site, "/x/files/summary.csv"), 404); /* not yet */
    assert_ok(file_write(file_join(served.arena, served.folder, "summary.csv"), "a\n", 2, &err), &err);
    Answer answer = ask(served.site, "/x/files/summary.csv", NULL);
    assert_int_equal(answer.code, 200);
    assert_int_equal(answer.file_size, 2);
    close(answer.file);
    assert_int_equal(code_of(served.site, "/x/files/plan.json"), 404);
    assert_int_equal(code_of(served.site, "/x/files/SHA256SUMS"), 404);
    assert_int_equal(symlink("/etc/passwd", file_join(served.arena, served.folder, "runs.csv")), 0);
    assert_int_equal(code_of(served.site, "/x/files/runs.csv"), 404);
    assert_ok(file_make_folder(file_join(served.arena, served.folder, "curves.csv"), &err), &err);
    assert_int_equal(code_of(served.site, "/x/files/curves.csv"), 404);
    stop(&served);
}

static void test_files_are_listed_as_the_report_left_them(void **state)
{
    (void)state;
    Served served = serve(&half, 0);
    Sums sums = {.n = 0};
    Error err;
    assert_ok(file_write(file_join(served.arena, served.folder, "summary.csv"), "a\n", 2, &err), &err);
    assert_ok(file_write(file_join(served.arena, served.root, "other"), "b\n", 2, &err), &err);
    assert_int_equal(symlink("../other", file_join(served.arena, served.folder, "runs.csv")), 0);
    assert_int_equal(json_get(state_of(served.arena, served.site, "/x/state.json"), "files")->n_items, 0);
    assert_ok(sums_add_file(served.arena, &sums, served.folder, "summary.csv", &err), &err);
    assert_ok(sums_add_file(served.arena, &sums, served.folder, "runs.csv", &err), &err);
    assert_ok(sums_write(served.folder, &sums, &err), &err);
    const Json *files = json_get(state_of(served.arena, served.site, "/x/state.json"), "files");
    assert_int_equal(files->n_items, 1);
    assert_string_equal(files->items[0]->string, "summary.csv");
    stop(&served);
}

/* Also when it was asked for before. */
static void test_a_folder_that_becomes_a_link(void **state)
{
    (void)state;
    Served served = serve(&half, 1);
    const char *aside = file_join(served.arena, served.root, "aside");
    Error err;
    assert_ok(file_write(file_join(served.arena, served.folder, "summary.csv"), "a\n", 2, &err), &err);
    assert_int_equal(code_of(served.site, "/x/"), 200);
    assert_int_equal(rename(served.folder, aside), 0);
    assert_int_equal(symlink(aside, served.folder), 0);
    assert_int_equal(site_build(served.site, 0), 1); /* it was wanted before */
    assert_int_equal(unlink(served.folder), 0);
    assert_int_equal(rename(aside, served.folder), 0);
    Answer page = ask(served.site, "/x/", NULL);
    assert_string_equal(page.etag, ""); /* nothing was built of what the link led to */
    body_free(page.body);
    assert_int_equal(rename(served.folder, aside), 0);
    assert_int_equal(symlink(aside, served.folder), 0);
    for (int i = 0; i < 3; i++)
        assert_int_equal(code_of(served.site, (const char *[]){"/x/", "/x/state.json", "/x/files/summary.csv"}[i]),
                         404);
    stop(&served);
}

/* One that has no name of its own, or a hidden one, has an address all the same. */
static void test_a_folder_without_a_name(void **state)
{
    (void)state;
    static const struct {
        const char *within, *called, *location;
    } cases[] = {{"x", ".", "/x/"}, {"x", "../x/.", "/x/"}, {"x", "../.hidden", "/experiment/"}, {"..", "x/", "/x/"}};
    Served served = serve(&half, 0);
    char *here = getcwd(NULL, 0);
    add_scene(&served, &half, ".hidden");
    assert_int_equal(chdir(served.folder), 0);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        if (cases[i].within[0] == '.')
            assert_int_equal(chdir(".."), 0);
        Site *site = site_new(cases[i].called, 0);
        Answer root = ask(site, "/", NULL);
        assert_string_equal(root.location, cases[i].location);
        assert_int_equal(code_of(site, root.location), 200);
        site_free(site);
    }
    assert_int_equal(chdir(here), 0);
    free(here);
    stop(&served);
}

static void test_a_folder_before_its_first_run(void **state)
{
    (void)state;
    Served served = serve(&half, 0);
    const char *aside = file_join(served.arena, served.root, "aside");
    Error err;
    assert_int_equal(rename(served.folder, aside), 0);
    assert_ok(file_make_folder(served.folder, &err), &err);
    Answer page = ask(served.site, "/x/", NULL);
    assert_int_equal(page.code, 200);
    assert_non_null(strstr(text_of(served.arena, &page), "Nothing was run into this folder yet."));
    const Json *json = state_of(served.arena, served.site, "/x/state.json");
    assert_string_equal(json_get_string(json, "problem", "?"), "");
    assert_true(json_get_number(json, "planned", -1) == 0);
    assert_int_equal(rename(aside, served.folder), 0);
    build_next(served.site);
    stop(&served);
}

/* However many experiments want one: their first pages come at once, later ones with a rest between any two. */
static void test_building_rests_over_all_experiments(void **state)
{
    (void)state;
    static const char *const paths[] = {"/x/", "/y/", "/z/"};
    Served served = serve(&half, 1);
    const char *folders[] = {served.folder, add_scene(&served, &half, "y"), add_scene(&served, &half, "z")};
    for (int i = 0; i < 3; i++)
        assert_int_equal(code_of(served.site, paths[i]), 200);
    for (int i = 0; i < 3; i++)
        assert_int_equal(site_build(served.site, 0), 1);
    assert_int_equal(site_build(served.site, 0), 0);
    char before[ANSWER_ETAG];
    Answer first = ask(served.site, "/x/", NULL);
    memcpy(before, first.etag, sizeof before);
    body_free(first.body);
    for (int i = 0; i < 3; i++)
        grow(served.arena, folders[i], 3);
    for (int done = 0; done < 3;) { /* each is built once, and none twice before another */
        wait_a_second();
        assert_int_equal(code_of(served.site, "/state.json"), 200);
        done += site_build(served.site, 0);
        assert_int_equal(site_build(served.site, 0), 0);
    }
    for (int i = 0; i < 3; i++) {
        Answer page = ask(served.site, paths[i], NULL);
        assert_string_not_equal(page.etag, before);
        body_free(page.body);
    }
    stop(&served);
}

/* ---- one whose reading takes long ---- */

typedef struct {
    Site *site;
    double seconds; /* that it took */
} Asker;

static void *ask_slow(void *context)
{
    Asker *asker = context;
    const double started = clock_seconds();
    code_of(asker->site, "/slow/state.json");
    asker->seconds = clock_seconds() - started;
    return NULL;
}

/* Another thread goes on meanwhile, as that which builds must; then reading rests, also that of others. */
static void test_a_slow_reading_holds_nobody_up(void **state)
{
    (void)state;
    Served served = serve(&half, 1);
    const char *slow = file_join(served.arena, served.root, "slow");
    Error err;
    assert_ok(file_make_folder(slow, &err), &err);
    assert_ok(file_write(file_join(served.arena, slow, "plan.json"), "{", 1, &err), &err);
    assert_int_equal(truncate(file_join(served.arena, slow, "plan.json"), 32 << 20), 0); /* of which a hash is made */
    const double before = newest(served.arena, served.site, "/x/state.json");
    grow(served.arena, served.folder, 3);
    Asker asker = {.site = served.site};
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, ask_slow, &asker), 0);
    nanosleep(&(struct timespec){.tv_nsec = 30000000}, NULL); /* until it reads */
    const double started = clock_seconds();
    assert_true(newest(served.arena, served.site, "/x/state.json") == before);
    const double waited = clock_seconds() - started;
    pthread_join(thread, NULL);
    assert_true(waited < 0.75 * asker.seconds);
    const double rests_until = clock_seconds() + 8 * asker.seconds;
    nanosleep(&(struct timespec){.tv_sec = 1}, NULL);
    const double seen = newest(served.arena, served.site, "/x/state.json");
    assert_true(seen == before || clock_seconds() > rests_until);
    for (int i = 0; i < PATIENCE && newest(served.arena, served.site, "/x/state.json") == before; i++)
        wait_a_second();
    assert_true(newest(served.arena, served.site, "/x/state.json") > before);
    stop(&served);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_page_is_built_once_a_change),
        cmocka_unit_test(test_the_state_counts_runs),
        cmocka_unit_test(test_a_folder_that_goes_and_comes),
        cmocka_unit_test(test_a_page_that_cannot_be_built),
        cmocka_unit_test(test_the_list),
        cmocka_unit_test(test_one_experiment_alone),
        cmocka_unit_test(test_files_are_those_of_a_report),
        cmocka_unit_test(test_files_are_listed_as_the_report_left_them),
        cmocka_unit_test(test_a_folder_that_becomes_a_link),
        cmocka_unit_test(test_a_folder_without_a_name),
        cmocka_unit_test(test_a_folder_before_its_first_run),
        cmocka_unit_test(test_building_rests_over_all_experiments),
        cmocka_unit_test(test_a_slow_reading_holds_nobody_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
