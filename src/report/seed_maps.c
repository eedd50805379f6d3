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

static int count_others(const Report *report, const int *representative)
{
    int n = 0;
    for (int a = 0; a < report->n_arms; a++)
        for (int i = 0; i < report->n_seeds; i++)
            n += other_run(report, representative, a, i) != NULL;
    return n;
}

int seed_maps_json(const Report *report, const int *representative, size_t budget, JsonWriter *json, Error *err)
{
    const int n_runs = count_others(report, representative);
    size_t least = 0;
    int status = most_needed(report, representative, &least, err);
    const int have_room = n_runs > 0 && least > 0 && least <= budget / (size_t)n_runs;
    json_open_array(json);
    for (int a = 0; a < report->n_arms && have_room; a++)
        for (int i = 0; i < report->n_seeds && status == STATUS_OK; i++) {
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
