/* refframe measure: metrics again from a run's saved weights, or of anybody's attention maps (measure_maps.c). */
#include <stdio.h>

#include "app/app.h"
#include "app/measure_maps.h"
#include "app/measure_revisions.h"
#include "base/clock.h"
#include "base/file.h"
#include "hub/hub.h"
#include "model/mask/mask.h"
#include "store/run.h"

static void print_steps(const char *what, int only_changed, const Remeasured *snapshots, int n)
{
    Text row = {0};
    text_addf(&row, "  %s", what);
    for (int i = 0; i < n; i++)
        if (snapshots[i].is_changed || !only_changed)
            text_addf(&row, " %lld", (long long)snapshots[i].step);
    text_add(&row, "\n");
    terminal_rows(&row);
}

static void print_snapshots(Arena *arena, const char *folder, const Remeasured *snapshots, int n)
{
    int n_changed = 0;
    for (int i = 0; i < n; i++)
        n_changed += snapshots[i].is_changed;
    terminal_rowf("%s: %d snapshot%s measured again, %d changed\n", terminal_text(arena, folder), n, n == 1 ? "" : "s",
                  n_changed);
    print_steps("steps  ", 0, snapshots, n);
    if (n_changed > 0)
        print_steps("changed", 1, snapshots, n);
}

static int measure_again(Arena *arena, const Arguments *arguments, Remeasured **ret_snapshots, int *ret_n, Error *err)
{
    Remeasured *snapshots;
    int n = 0;
    const char *folder = arguments->words[0];
    const Program program = program_new(arena, arguments->kernels);
    Settings settings;
    int threads, status = argument_int(arguments, "--threads", 1, 1024, clock_cores(), &threads, err);
    if (status == STATUS_OK)
        status = plan_load_run(arena, file_join(arena, folder, RUN_CONFIG), &program, &settings, err);
    if (status != STATUS_OK)
        return status;
    const TrainJob job = {.folder = folder, .settings = &settings, .kernels = arguments->kernels, .threads = threads};
    status = train_measure_again(arena, &job, &snapshots, &n, err);
    if (status != STATUS_OK)
        return status;
    if (n == 0)
        return error_set(err, STATUS_INPUT, "%s: no snapshot has its weights; train with snapshot.weights: true",
                         folder);
    *ret_snapshots = snapshots, *ret_n = n;
    return STATUS_OK;
}

static int measure_run(const Arguments *arguments, Error *err)
{
    static const char *const of_maps = "maps, a .npy file or a folder of them", *const of_model = "a model",
                             *const of_both = "maps and models (`refframe report` writes the page of runs)";
    const char *const of_others[][2] = {{"--mask", of_maps},       {"--tokens", of_maps},  {"--format", of_maps},
                                        {"--html", of_both},       {"--ids", of_model},    {"--text", of_model},
                                        {"--sentences", of_model}, {"--length", of_model}, {"--special", of_model},
                                        {"--limit", of_model},     {"--layers", of_model}, {"--set", of_model}};
    for (size_t o = 0; o < sizeof of_others / sizeof *of_others; o++)
        if (argument_given(arguments, of_others[o][0]))
            return error_set(err, STATUS_INPUT, "refframe measure: %s is for %s; %s is a run", of_others[o][0],
                             of_others[o][1], arguments->words[0]);
    Arena *arena = arena_new();
    Remeasured *snapshots = NULL;
    int n = 0, status = measure_again(arena, arguments, &snapshots, &n, err);
    if (status == STATUS_OK)
        print_snapshots(arena, arguments->words[0], snapshots, n);
    arena_free(arena);
    return status;
}

static int run(const Arguments *arguments, Error *err)
{
    const char *path = arguments->words[0];
    Arena *arena = arena_new();
    const int is_run = file_is_folder(path) && file_exists(file_join(arena, path, RUN_CONFIG));
    arena_free(arena);
    if (is_run)
        return measure_run(arguments, err);
    if (hub_is_at(path))
        return measure_model(arguments, err);
    if (revisions_are_at(path))
        return measure_revisions(arguments, err);
    static const char *const of_models[] = {"--ids",     "--text",  "--sentences", "--length",
                                            "--special", "--limit", "--layers",    "--set"};
    for (size_t o = 0; o < sizeof of_models / sizeof *of_models; o++)
        if (argument_given(arguments, of_models[o]))
            return error_set(err, STATUS_INPUT, "refframe measure: %s is for a model's folder; %s has no config.json",
                             of_models[o], path);
    if (maps_are_at(path))
        return measure_maps(arguments, err);
    return error_set(
        err, STATUS_INPUT,
        "%s: %s; measure takes a run's folder, results/NAME/RUN, or attention maps: a .npy file, or a folder "
        "of them",
        path,
        file_is_folder(path) ? "a folder with neither " RUN_CONFIG " nor .npy files"
        : file_exists(path)  ? "its name does not end in .npy"
                             : "there is no such file");
}

static const Option options[] = {
    {"--mask", "MASK", "what queries may see (default: causal if it hides only zeros or traces, else full)", 0},
    {"--tokens", "IDS.npy",
     "token ids (N, T), int32, int64 or uint8; for a folder of maps, a folder with files "
     "of the same names",
     0},
    {"--ids", "IDS.npy", "of a model: sequences to run it on, (N, T), int32, int64 or uint8", 0},
    {"--text", "FILE", "of a model's folder: a text (UTF-8) instead, by the folder's tokenizer.json", 0},
    {"--sentences", NULL, "of a text: each line is a sequence of its own length (default: windows of one length)", 0},
    {"--length", "N",
     "of a text: positions of a window (default: 128, or as many as the model has), and the "
     "most that a sentence has",
     0},
    {"--special", "WORD", "of a text: what stands around a sequence: as-model (default), none or first:TOKEN", 0},
    {"--limit", "N", "of a model: the first N sequences (default: all)", 0},
    {"--layers", "A,B-C", "of a model: the layers of which rows are written (default: all)", 0},
    {"--set", "KEY=VALUE",
     "of a model: a key of measure.FAMILY, as in an experiment (`refframe list metrics`); may be given often", 1},
    {"--format", "WORD", "table (default), csv or json", 0},
    {"--html", "FILE.html",
     "of maps or a model: also writes a page with the answer, every head's map and its numbers; replaces FILE", 0},
    {"--threads", "N", "threads (default: all cores); never changes a result", 0},
};

const Verb verb_measure = {
    .name = "measure",
    .usage = "measure RUN | MAPS.npy | FOLDER | MODEL_DIR | MODEL.gguf | REVISIONS [--ids IDS.npy] [--text FILE] "
             "[--sentences] "
             "[--length N] [--special WORD] [--limit N] [--layers A,B-C] [--set KEY=VALUE ...] [--mask MASK] [--tokens "
             "IDS.npy] [--format table|csv|json] "
             "[--html FILE.html] [--threads N]",
    .summary = "measure a run again, anybody's attention maps, or anybody's model",
    .details =
        "RUN: recomputes every snapshot whose weights were kept (`snapshot.weights: true`, or a checkpoint of "
        "that step). Says which steps these are, and which changed. Nothing is trained. `refframe report` then "
        "works on the new numbers. A run of another numerics version is refused (exit 2). `refframe --version` "
        "has the program's, manifest.json the run's.\n\n"
        "MAPS.npy: attention of any model, saved with numpy.save. (N, L, H, T, T) is sequences, layers, heads, "
        "queries, keys. (L, H, T, T) is one sequence, (T, T) one map. Items are float16, float32 or float64 "
        "(measured in float32), in C or Fortran order. For sequences of several lengths give a FOLDER of such "
        "files, of the same L and H. They are sorted by name. Prints every metric that maps alone give, beside "
        "its value for uniform attention, and the frame labels. A frame is how the keys that draw attention from "
        "afar share it. Nothing is written except the page of --html. Rows are treated so:\n"
        "  as they are   rows that sum to one within 0.001 (float16: 0.01)\n"
        "  counted       rows of zeros; rows that sum to less, or to more by up to 0.01\n"
        "  refused       rows that sum to more, negative entries, NaN, infinity; the place is named\n"
        "  taken as 0    traces where the mask hides a key, 1e-5 of a row at most; they are counted\n"
        "  not known     padding: cut it off, and write a file for each length\n\n"
        "MODEL_DIR: a Hugging Face folder with config.json and model.safetensors, in one file or several (F32, "
        "F16, BF16). The model is one of llama, mistral, qwen2, qwen3, smollm3, gpt2, gpt_neox, bloom, gpt_oss, "
        "bert, roberta or xlm-roberta. Runs it on ids or on a text, in float32, and prints what a run's snapshot "
        "has. These are metrics of maps, values and the residual stream, what hiding a key costs, labels, and "
        "the loss. A field of config.json that is not known, and may change numbers, is refused by its name. So "
        "is such a tensor.\n"
        "  --ids         sequences of ids, all of one length\n"
        "  --text        a text, which the folder's tokenizer.json turns into ids\n"
        "  windows       the text's ids in a row, cut; what is left at the end is not measured\n"
        "  --sentences   a line is a sequence; lines of fewer than two tokens are left out\n"
        "  --length N    windows of N positions; a longer sentence is cut, and without --length refused\n"
        "  --special     as-model: the tokens that the tokenizer adds around a text; none; first:TOKEN: one "
        "token in front. They count as positions\n"
        "  loss          per next token; special tokens around a text are not predicted. Encoders, and models "
        "without a head, have no loss\n"
        "  sequences     metrics of maps alone use all sequences. Others use as many as in a run, unless --set "
        "measure.FAMILY.sequences says otherwise (0: all)\n"
        "  on request    interventions (--set measure.interventions.every=1); gradients (--set "
        "measure.pub_fisher.every=1), which take the memory of two more models\n\n"
        "MODEL.gguf: the same for a GGUF of the Llama family (F32, F16, BF16, Q8_0, Q6_K, Q4_K, Q4_1, Q4_0), on "
        "ids.\n\n"
        "REVISIONS: a folder of such folders, one for each step of a training. Each is called stepN, or has "
        "stepN and perhaps tokensM as parts between dashes (step1000-tokens2B). Others are left alone. Each is "
        "measured as a single model is, by step, on the same ids. At least two sequences are needed. Memory is "
        "that of one model. Prints a line a step, then onsets by the rules of a run's report. An onset is the "
        "step at which a metric emerges and stays. There is no --html. Its csv has the columns step, tokens, "
        "layer, head, metric, value, baseline, n, label. A row onset:METRIC has the step by which the onset "
        "came, and as its value the step before that one. Its label is found, at_start or never.\n\n"
        "The csv of one model, or of maps, has the columns sequence, layer, head, metric, value, baseline, n, "
        "label. A row without a sequence is of the whole set, one without a head of a layer, one without a layer "
        "of the model. n is the number of sequences behind the value. Labels are the metrics frame and "
        "frame_by_token, with a word in the last column. What is not available has no row.",
    .min_words = 1,
    .max_words = 1,
    .options = options,
    .n_options = sizeof options / sizeof *options,
    .choice = "MASK",
    .variants = mask_variants,
    .run = run,
};
