/* Fuzzes experiment files and --set: YAML -> plan -> run.yaml -> id. The input is the file and, behind a NUL each, the
 * words of --set. Every run of the plan is written and read as the same, with the same id, and the report reads the
 * plan that was written for it. */
#include "fuzz.h"

#include "base/file.h"
#include "program.h"
#include "report/plan.h"

enum { MOST_SETS = 4, MOST_RUNS = 6 };

static void check_run(Arena *arena, const PlannedRun *run)
{
    Text yaml = {0}, json = {0}, again_json = {0};
    Settings again;
    RunFile state;
    Error err;
    char id[13];
    plan_run_text(&run->settings, &yaml);
    settings_canonical_json(&run->settings, &json);
    const char *path = fuzz_file("run.yaml", text_string(&yaml), yaml.size);
    assert(plan_load_run(arena, path, fuzz_program(), &again, &err) == STATUS_OK);
    settings_canonical_json(&again, &again_json);
    assert(strcmp(text_string(&json), text_string(&again_json)) == 0);
    plan_run_id(&again, "", fuzz_program()->numerics_version, id);
    assert(strcmp(id, run->id) == 0 && strstr(run->folder, run->id));
    assert(plan_compare_run(path, &run->settings, &state, &err) == STATUS_OK && state == RUN_FILE_EQUAL);
    assert(!strchr(run->folder, '/') && text_is_visible(run->folder));
    text_free(&yaml);
    text_free(&json);
    text_free(&again_json);
}

/* plan.json, read as the report does. */
static void check_plan_json(Arena *arena, const Plan *plan)
{
    Text text = {0};
    JsonWriter json;
    Report report = {.arena = arena};
    Error err;
    json_start(&json, &text, 2);
    plan_json(plan, &json);
    report.folder = file_dirname(arena, fuzz_file("results/plan.json", text_string(&text), text.size));
    assert(plan_read(&report, &err) == STATUS_OK);
    assert(report.n_arms == plan->n_arms && report.n_runs == plan->n_runs && report.n_axes == plan->n_axes);
    assert(report.n_claims == plan->n_claims && report.n_seeds == plan->n_seeds);
    assert(strcmp(report.name, plan->name) == 0 && strcmp(report.title, plan->title) == 0);
    text_free(&text);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    Arena *arena = arena_new();
    FuzzParts parts = {(const char *)bytes, (const char *)bytes + n};
    const char *text = fuzz_part(arena, &parts), *sets[MOST_SETS];
    int n_sets = 0;
    Plan plan;
    Error err;
    while (parts.at < parts.end && n_sets < MOST_SETS)
        sets[n_sets++] = fuzz_part(arena, &parts);
    const char *path = fuzz_file("experiment.yaml", text, strlen(text));
    FUZZ_MARK(plan);
    if (fuzz_is_read(plan_load(arena, path, sets, n_sets, fuzz_program(), &plan, &err), &err)) {
        assert(plan.n_arms > 0 && plan.n_seeds > 0 && plan.n_runs == plan.n_arms * plan.n_seeds);
        for (int r = 0; r < plan.n_runs && r < MOST_RUNS; r++)
            check_run(arena, &plan.runs[r]);
        check_plan_json(arena, &plan);
    } else {
        FUZZ_UNTOUCHED(plan);
    }
    arena_free(arena);
    return 0;
}
