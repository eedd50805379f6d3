/* Fuzzes run.yaml, the resolved settings of one run. What is read is written so that it is read as the same, with the
 * same id, and is the run's own in the eyes of a resume. */
#include "fuzz.h"

#include "program.h"

static void round_trip(Arena *arena, const char *path, const Settings *settings)
{
    Text yaml = {0}, json = {0}, yaml_again = {0}, json_again = {0};
    Settings again;
    RunFile state;
    Error err;
    char id[13], id_again[13];
    const char *key;
    assert(plan_compare_run(path, settings, &state, &err) != STATUS_FAILED);
    plan_run_text(settings, &yaml);
    settings_canonical_json(settings, &json);
    fuzz_file("run.yaml", text_string(&yaml), yaml.size);
    assert(plan_load_run(arena, path, fuzz_program(), &again, &err) == STATUS_OK);
    plan_run_text(&again, &yaml_again);
    settings_canonical_json(&again, &json_again);
    assert(strcmp(text_string(&yaml), text_string(&yaml_again)) == 0);
    assert(strcmp(text_string(&json), text_string(&json_again)) == 0);
    plan_run_id(settings, "", 2, id);
    plan_run_id(&again, "", 2, id_again);
    assert(strcmp(id, id_again) == 0);
    assert(plan_compare_run(path, &again, &state, &err) == STATUS_OK && state == RUN_FILE_EQUAL);
    assert(plan_run_difference(arena, path, settings, &key, &err) == STATUS_OK && !key);
    text_free(&yaml);
    text_free(&json);
    text_free(&yaml_again);
    text_free(&json_again);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    Arena *arena = arena_new();
    Settings settings;
    Error err;
    const char *path = fuzz_file("run.yaml", bytes, n);
    FUZZ_MARK(settings);
    if (fuzz_is_read(plan_load_run(arena, path, fuzz_program(), &settings, &err), &err))
        round_trip(arena, path, &settings);
    else
        FUZZ_UNTOUCHED(settings);
    arena_free(arena);
    return 0;
}
