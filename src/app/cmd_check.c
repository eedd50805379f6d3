/* refframe check: what an experiment would do and take, without doing it. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "app/experiment.h"
#include "base/text.h"
#include "report/family.h"

static void print_plan(Arena *arena, const Plan *plan)
{
    printf("%s", terminal_text(arena, plan->name));
    if (*plan->claim)
        printf(": %s", terminal_text(arena, plan->claim));
    if (*plan->source)
        printf(" (%s)", terminal_text(arena, plan->source));
    printf("\n\n");
    for (int a = 0; a < plan->n_axes; a++) {
        printf("  %-28s", terminal_text(arena, plan->axes[a].name));
        for (int v = 0; v < plan->axes[a].n_values; v++)
            printf(" %s", terminal_text(arena, plan->axes[a].values[v].label));
        printf("\n");
    }
    printf("  %-28s", "seeds");
    for (int s = 0; s < plan->n_seeds; s++)
        printf(" %llu", (unsigned long long)plan->seeds[s]);
    printf("\n\n  %-60s %12s %10s %9s\n", "arm (first seed's run)", "parameters", "snapshots", "oracle");
}

/* What all runs take. */
typedef struct {
    double flops, tokens;
    size_t disk_bytes;
} Needs;

static void print_arms(const Experiment *experiment, Needs *needs)
{
    const Plan *plan = &experiment->plan;
    const CheckedArm *arm = program_checked_arms(&experiment->program);
    for (int r = 0; r < plan->n_runs; r += plan->n_seeds, arm = arm->next) {
        const TrainEstimate *estimate = &arm->estimate;
        char oracle[32];
        snprintf(oracle, sizeof oracle, isnan(estimate->oracle_loss) ? "unknown" : "%.4f", estimate->oracle_loss);
        printf("  %-60s %12lld %10lld %9s\n", terminal_text(experiment->arena, plan->runs[r].folder),
               (long long)estimate->n_parameters, (long long)estimate->n_snapshots, oracle);
        needs->flops += estimate->flops * plan->n_seeds;
        needs->tokens += (double)estimate->tokens * plan->n_seeds;
        needs->disk_bytes += estimate->disk_bytes * (size_t)plan->n_seeds;
    }
}

/* What is read, of each arm that reads something else than the one before it. */
static void print_texts(const Experiment *experiment)
{
    const TrainEstimate *last = NULL;
    for (const CheckedArm *arm = program_checked_arms(&experiment->program); arm; arm = arm->next) {
        const TrainEstimate *text = &arm->estimate;
        if (text->tokens_of[0] == 0 || (last && memcmp(last->tokens_of, text->tokens_of, sizeof text->tokens_of) == 0))
            continue;
        printf("  text      %lld tokens in %lld documents to train on, %lld in %lld held out\n",
               (long long)text->tokens_of[0], (long long)text->documents_of[0], (long long)text->tokens_of[1],
               (long long)text->documents_of[1]);
        last = text;
    }
}

/* What the plan's seeds can say of its claims, before any is trained. */
static void print_claims(const Plan *plan)
{
    Arena *arena = arena_new();
    Family *families;
    const int n = families_of(arena, plan->claims, NULL, plan->n_claims, plan->n_seeds, &families);
    printf("  claims    %d, all well-formed\n", plan->n_claims);
    if (n > 0)
        printf("  seeds     %s\n", seeds_line(arena, plan->n_seeds));
    for (int f = 0; f < n; f++)
        if (families[f].n_claims > 1)
            printf("  family    %s;\n            %s\n", family_line(arena, &families[f]),
                   family_power_line(arena, &families[f]));
    arena_free(arena);
}

static void print_needs(const Experiment *experiment, const Needs *needs)
{
    const Plan *plan = &experiment->plan;
    const int cores = experiment->jobs * experiment->threads;
    const double memory = (double)experiment_memory(experiment, experiment->threads);
    char one[32], all[32], disk[32], seconds[32];
    printf("\n  %d runs, %d at a time with %d thread%s each -> %s\n", plan->n_runs, experiment->jobs,
           experiment->threads, experiment->threads == 1 ? "" : "s",
           terminal_text(experiment->arena, experiment->folder));
    print_texts(experiment);
    printf("  memory    %s at most for a run, %s for %d at a time\n", text_bytes(memory, one),
           text_bytes(experiment->jobs * memory, all), experiment->jobs);
    printf("  disk      %s at most, before compression\n", text_bytes((double)needs->disk_bytes, disk));
    printf("  compute   %.3g TFLOP over %.3g million tokens; about %s when nothing else runs here\n",
           needs->flops / 1e12, needs->tokens / 1e6,
           text_seconds(needs->flops / experiment_speed(experiment, cores), seconds));
    print_claims(plan);
    experiment_print_notes(experiment, "  note      ");
}

static int run(const Arguments *arguments, Error *err)
{
    Experiment experiment;
    Needs needs = {0};
    Reuse reuse;
    const int status = experiment_open(arguments, &experiment, err);
    if (status != STATUS_OK)
        return status;
    experiment_find_reuse(&experiment, &reuse);
    experiment_note_others(&experiment);
    print_plan(experiment.arena, &experiment.plan);
    print_arms(&experiment, &needs);
    print_needs(&experiment, &needs);
    experiment_close(&experiment);
    return STATUS_OK;
}

static const Option options[] = {
    {"--set", "KEY=VALUE", "override a key of the file; may be given often", 1},
    {"--jobs", "N", "runs at a time (default: cores, at most the number of runs)", 0},
    {"--threads", "N", "threads for each run (default: cores / jobs)", 0},
    {"--results", "DIR", "the folder that `run` would write to", 0},
};

const Verb verb_check = {
    .name = "check",
    .usage = "check EXPERIMENT.yaml [--set KEY=VALUE ...] [--jobs N] [--threads N] [--results DIR]",
    .summary = "validate an experiment and print what it will take",
    .details = "Checks every key, every run's whole settings and every claim, then prints runs, parameters, bytes of "
               "memory and\n"
               "disk, FLOPs and the time they are likely to take, and what the seeds can decide. Writes nothing.",
    .min_words = 1,
    .max_words = 1,
    .options = options,
    .n_options = sizeof options / sizeof *options,
    .run = run,
};
