/* refframe export: a run's model as a folder for everybody's tools. */
#include <stdio.h>

#include "app/app.h"
#include "base/file.h"
#include "hub/hub.h"
#include "store/run.h"

static int read_settings(Arena *arena, const Arguments *arguments, Settings *ret_settings, Error *err)
{
    const char *run = arguments->words[0];
    const Program program = program_new(arena, arguments->kernels);
    if (!file_exists(file_join(arena, run, RUN_CONFIG)))
        return error_set(err, STATUS_INPUT, "%s: %s; export takes a run's folder, results/NAME/RUN", run,
                         file_exists(run) ? "has no " RUN_CONFIG : "there is no such folder");
    return plan_load_run(arena, file_join(arena, run, RUN_CONFIG), &program, ret_settings, err);
}

static void print_summary(Arena *arena, const char *folder, const HubSummary *summary)
{
    printf("%s: %s of step %lld as %s, %d tensors%s\n", terminal_text(arena, folder),
           summary->architecture->variant.name, (long long)summary->step, summary->architecture->class,
           summary->n_tensors, summary->has_tokenizer ? ", and its tokenizer" : "");
}

/* A line a folder, as it is written. */
static void print_revision(void *context, const char *name, const HubSummary *summary)
{
    Arena *arena = arena_new();
    print_summary(arena, file_join(arena, context, name), summary);
    fflush(stdout);
    arena_free(arena);
}

static int run(const Arguments *arguments, Error *err)
{
    const char *to = argument(arguments, "--to");
    Arena *arena = arena_new();
    Settings settings;
    HubSummary summary;
    int step, status = argument_int(arguments, "--step", 0, 2147483647, -1, &step, err);
    if (status == STATUS_OK && (!to || !*to))
        status = error_set(err, STATUS_INPUT, "refframe export: --to DIR is missing: where the folder is written");
    if (status == STATUS_OK)
        status = read_settings(arena, arguments, &settings, err);
    const int is_of_all = argument_given(arguments, "--revisions");
    if (status == STATUS_OK && is_of_all && argument_given(arguments, "--step"))
        status = error_set(err, STATUS_INPUT, "refframe export: --revisions writes every step, and --step one");
    if (status == STATUS_OK && is_of_all)
        status = hub_export_revisions(arguments->words[0], &settings, arguments->kernels, to, print_revision,
                                      (void *)(uintptr_t)to, err);
    else if (status == STATUS_OK)
        status = hub_export(arguments->words[0], &settings, step, arguments->kernels, to, &summary, err);
    if (status == STATUS_OK && !is_of_all)
        print_summary(arena, to, &summary);
    arena_free(arena);
    return status;
}

static const Option options[] = {
    {"--to", "DIR", "the folder to write; an earlier export there is replaced, anything else is not", 0},
    {"--step", "N", "the checkpoint of step N (default: the newest one)", 0},
    {"--revisions", NULL, "every step whose weights a snapshot or a checkpoint holds: DIR/stepN-tokensM, a folder each",
     0},
};

const Verb verb_export = {
    .name = "export",
    .usage = "export RUN --to DIR [--step N | --revisions]",
    .summary = "write a run's model as a folder that Hugging Face's transformers loads",
    .details = "Writes config.json and model.safetensors to DIR, whole or not at all. If tokens are characters or "
               "bytes, writes their tokenizer, too. The settings choose the nearest architecture (`refframe list "
               "architecture`), which gives the run's logits. A setting for which none has a place is refused by its "
               "key (exit 2), and nothing is written. Only bloom has ALiBi. It needs model.embedding_norm: true and "
               "model.activation: gelu.\n\n"
               "AutoModelForCausalLM.from_pretrained(DIR) loads the folder. AutoModelForTokenClassification loads a "
               "bert, whose classes are the tokens.\n\n"
               "With --revisions DIR is a time series, which `refframe measure DIR` reads as one. A run keeps the "
               "weights of every snapshot with `snapshot.weights: true`.",
    .min_words = 1,
    .max_words = 1,
    .options = options,
    .n_options = sizeof options / sizeof *options,
    .run = run,
};
