/* Fuzzes the members of one run's snapshots and baselines: types, shapes and contents; the other run is as it should
 * be. The input is records of changes (results.h). What is odd costs the report that run alone, and `show` says as
 * much. */
#include "results.h"

#include "base/file.h"
#include "report/report.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    static int has_other;
    if (!has_other) {
        results_write_run("s", NULL);
        has_other = 1;
    }
    Arena *arena = arena_new();
    FuzzParts parts = {(const char *)bytes, (const char *)bytes + n};
    Text text = {0};
    Error err;
    results_write_run("r", &parts);
    const char *folder = results_write_plan(RESULTS_PLAN, RESULTS_METRICS);
    results_report(folder, "s");
    const char *run = file_join(arena, folder, "r");
    if (!fuzz_is_read(report_show(arena, run, -1, 100, 0, &text, &err), &err))
        assert(text.size == 0);
    text_free(&text);
    arena_free(arena);
    return 0;
}
