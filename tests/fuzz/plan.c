/* Fuzzes plan.json and metrics.json beside two runs that are as they should be: what was meant, and what each metric
 * is. The input is both, with a NUL between them. */
#include "results.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    static int has_runs;
    if (!has_runs) {
        results_write_run("r", NULL);
        results_write_run("s", NULL);
        has_runs = 1;
    }
    Arena *arena = arena_new();
    FuzzParts parts = {(const char *)bytes, (const char *)bytes + n};
    const char *plan = fuzz_part(arena, &parts), *metrics = fuzz_part(arena, &parts);
    results_report(results_write_plan(plan, *metrics ? metrics : RESULTS_METRICS), NULL);
    arena_free(arena);
    return 0;
}
