/* See seed_maps.h. */
#include "report/seed_maps.h"

#include "report/maps.h"

/* The run of an arm with the i-th seed, where it finished and is not shown already. */
static const ReportRun *other_run(const Report *report, const int *representative, int arm, int i)
{
    const ReportRun *run = report_finished_at(report, arm, i);
    return run && representative[arm] >= 0 && run != &report->runs[representative[arm]] ? run : NULL;
}

/* What the maps of each arm's runs need at least, the most of all arms; 0 where there are none. */
static int most_needed(const Report *report, const int *representative, size_t *ret_bytes, Error *err)
{
    size_t most = 0;
    for (int a = 0; a < report->n_arms; a++) {
        size_t least;
        if (representative[a] < 0)
            continue;
        const int status = maps_least(report, &report->runs[representative[a]], &least, err);
        if (status != STATUS_OK)
            return status;
        most = least > most ? least : most;
    }
    *ret_bytes = most;
    return STATUS_OK;
}

/* How many seeds fit, and how many runs these are. */
static int count_seeds(const Report *report, const int *representative, size_t budget, size_t least, int *ret_runs)
{
    int n_runs = 0, i = 0;
    for (; i < report->n_seeds; i++) {
        int n = n_runs;
        for (int a = 0; a < report->n_arms; a++)
            n += other_run(report, representative, a, i) != NULL;
        if ((size_t)n * least > budget)
            break;
        n_runs = n;
    }
    *ret_runs = n_runs;
    return i;
}

int seed_maps_json(const Report *report, const int *representative, size_t budget, JsonWriter *json, Error *err)
{
    size_t least = 0;
    int n_runs = 0, status = most_needed(report, representative, &least, err);
    const int n_seeds =
        status == STATUS_OK && least > 0 ? count_seeds(report, representative, budget, least, &n_runs) : 0;
    json_open_array(json);
    for (int i = 0; i < n_seeds && status == STATUS_OK; i++)
        for (int a = 0; a < report->n_arms && status == STATUS_OK; a++) {
            const ReportRun *run = other_run(report, representative, a, i);
            if (!run)
                continue;
            json_open_object(json);
            json_put_number(json, "arm", a);
            json_key(json, "maps");
            status = maps_json(report, run, budget / (size_t)n_runs, json, err);
            json_close_object(json);
        }
    json_close_array(json);
    return status;
}
