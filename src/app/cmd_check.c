/* refframe check: what an experiment would do and take, without doing it. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "app/experiment.h"
#include "base/text.h"
#include "report/family.h"
#include "report/style.h"

static const char arm_heading[] = "arm (first seed's run)";

static void print_plan(Arena *arena, const Plan *plan)
{
    Text rows = {0};
    text_add(&rows, terminal_text(arena, plan->name));
    if (*plan->claim)
        text_addf(&rows, ": %s", terminal_text(arena, plan->claim));
    if (*plan->source)
        text_addf(&rows, " (%s)", terminal_text(arena, plan->source));
    text_add(&rows, "\n\n");
    for (int a = 0; a < plan->n_axes; a++) {
        text_addf(&rows, "  %-27s ", terminal_text(arena, plan->axes[a].name));
        for (int v = 0; v < plan->axes[a].n_values; v++)
            text_addf(&rows, " %s", terminal_text(arena, plan->axes[a].values[v].label));
        text_add(&rows, "\n");
    }
    text_addf(&rows, "  %-27s ", "seeds");
    for (int s = 0; s < plan->n_seeds; s++)
        text_addf(&rows, " %llu", (unsigned long long)plan->seeds[s]);
    text_add(&rows, "\n\n");
    terminal_rows(&rows);
}

/* What all runs take. */
typedef struct {
    double flops, tokens;
    size_t disk_bytes;
} Needs;

enum { NAME = 60, NUMBERS = 34 }; /* columns of a row */

/* The columns of an arm's name: as many as the terminal has beside the numbers; 0 where a name is longer. */
static int name_columns(const Plan *plan)
{
    const int room = terminal_row_width() - NUMBERS - 2;
    int longest = style_width(arm_heading);
    for (int r = 0; r < plan->n_runs; r += plan->n_seeds)
        longest = style_width(plan->runs[r].folder) > longest ? style_width(plan->runs[r].folder) : longest;
    return longest > room ? 0 : room < NAME ? room : NAME;
}

/* A row an arm, or, where such a row is wider than the terminal, its numbers below its name. */
static void print_arms(const Experiment *experiment, Needs *needs)
{
    const Plan *plan = &experiment->plan;
    const CheckedArm *arm = program_checked_arms(&experiment->program);
    const int columns = name_columns(plan);
    if (columns > 0)
        printf("  %-*s %12s %10s %9s\n", columns, arm_heading, "parameters", "snapshots", "oracle");
    else
        terminal_rowf("  %s\n", arm_heading);
    for (int r = 0; r < plan->n_runs; r += plan->n_seeds, arm = arm->next) {
        const TrainEstimate *estimate = &arm->estimate;
        const char *name = terminal_text(experiment->arena, plan->runs[r].folder);
        const long long parameters = estimate->n_parameters, snapshots = estimate->n_snapshots;
        char oracle[32];
        snprintf(oracle, sizeof oracle, isnan(estimate->oracle_loss) ? "unknown" : "%.4f", estimate->oracle_loss);
        if (columns > 0)
            printf("  %-*s %12lld %10lld %9s\n", columns, name, parameters, snapshots, oracle);
        else
            terminal_rowf("  %s\n    %lld parameters, %lld snapshot%s, oracle %s\n", name, parameters, snapshots,
                          snapshots == 1 ? "" : "s", oracle);
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
        terminal_rowf("  text      %lld tokens in %lld document%s to train on, %lld in %lld held out\n",
                      (long long)text->tokens_of[0], (long long)text->documents_of[0],
                      text->documents_of[0] == 1 ? "" : "s", (long long)text->tokens_of[1],
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
    terminal_rowf("  claims    %d, all well-formed\n", plan->n_claims);
    if (n > 0)
        terminal_rowf("  seeds     %s\n", seeds_line(arena, plan->n_seeds));
    for (int f = 0; f < n; f++)
        if (families[f].n_claims > 1)
            terminal_rowf("  family    %s;\n            %s\n", family_line(arena, &families[f]),
                          family_power_line(arena, &families[f]));
    arena_free(arena);
}

static void print_needs(const Experiment *experiment, const Needs *needs)
{
    const Plan *plan = &experiment->plan;
    const double memory = (double)experiment_memory(experiment, experiment->threads);
    char one[32], all[32], disk[32], seconds[32];
    terminal_rowf("\n  %d run%s, %d at a time with %d thread%s each -> %s\n", plan->n_runs,
                  plan->n_runs == 1 ? "" : "s", experiment->jobs, experiment->threads,
                  experiment->threads == 1 ? "" : "s", terminal_text(experiment->arena, experiment->folder));
    print_texts(experiment);
    terminal_rowf("  memory    %s at most for a run, %s for %d at a time\n", text_bytes(memory, one),
                  text_bytes(experiment->jobs * memory, all), experiment->jobs);
    terminal_rowf("  disk      %s at most, before compression\n", text_bytes((double)needs->disk_bytes, disk));
    terminal_rowf("  compute   %.3g TFLOP over %.3g million tokens; about %s when nothing else runs here\n",
                  needs->flops / 1e12, needs->tokens / 1e6, text_seconds(experiment_seconds(experiment), seconds));
    print_claims(plan);
    experiment_print_notes(experiment, "  note      ");
}

static int run(const Arguments *arguments, Error *err)
{
    Experiment experiment;
    Needs needs = {0};
    Reuse reuse;
    int status = experiment_open(arguments, &experiment, err);
    if (status != STATUS_OK)
        return status;
    status = experiment_find_reuse(&experiment, &reuse, err);
    if (status == STATUS_OK) {
        experiment_note_others(&experiment);
        print_plan(experiment.arena, &experiment.plan);
        print_arms(&experiment, &needs);
        print_needs(&experiment, &needs);
    }
    experiment_close(&experiment);
    return status;
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
    .details = "Checks every key, every run's whole settings and every claim. Then prints runs, parameters, bytes of "
               "memory and disk, FLOPs and the time that the runs are likely to take. Says which claims the seeds can "
               "decide. Writes nothing.",
    .min_words = 1,
    .max_words = 1,
    .options = options,
    .n_options = sizeof options / sizeof *options,
    .run = run,
};
