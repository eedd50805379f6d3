/* refframe bench: full training steps against the machine's own FMA peak, measured in the same process.
 *
 * The floor of a step is its FLOPs over the peak; windows of steps and of a peak loop (all threads, at least 30 ms each)
 * alternate, a window's share is its rate over the mean of the two peaks beside it, and the median over windows is quoted.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/app.h"
#include "base/clock.h"
#include "base/json.h"
#include "base/text.h"
#include "train/trainer.h"

typedef struct {
    const char *name;
    int n_layers, d_model, n_heads, context_length, batch_size, vocab_size;
} Size;

static const Size sizes[] = {
    {"S", 4, 128, 4, 128, 16, 512},
    {"M", 6, 256, 8, 256, 8, 2048},
    {"L", 6, 384, 6, 256, 16, 4096},
};

enum { N_SIZES = sizeof sizes / sizeof *sizes, MOST_WINDOWS = 41 };

static const double window_seconds = 0.03;

typedef struct {
    double tokens_per_s, best_tokens_per_s, floor_tokens_per_s, share, best_share;
} Result;

typedef struct {
    const Kernels *kernels;
    double *rates; /* (threads,) */
} PeakJob;

static void peak_lane(void *context, int lane, int thread)
{
    (void)thread;
    PeakJob *job = context;
    job->rates[lane] = kernels_peak(job->kernels, window_seconds);
}

/* FLOP/s of all threads together over one window. */
static double peak_window(Lanes *lanes, const Kernels *kernels, double *rates)
{
    PeakJob job = {kernels, rates};
    double sum = 0;
    lanes_run(lanes, lanes_threads(lanes), peak_lane, &job);
    for (int t = 0; t < lanes_threads(lanes); t++)
        sum += rates[t];
    return sum;
}

/* Tokens/s over at least one window's time. */
static int step_window(Trainer *trainer, double *ret_rate, Error *err)
{
    double started = clock_seconds(), seconds = 0;
    int64_t tokens = trainer->tokens;
    while (seconds < window_seconds) {
        StepResult result;
        int status = trainer_learn(trainer, &result, err);
        if (status != STATUS_OK)
            return status;
        seconds = clock_seconds() - started;
    }
    *ret_rate = (double)(trainer->tokens - tokens) / seconds;
    return STATUS_OK;
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median(double *values, int n)
{
    qsort(values, (size_t)n, sizeof *values, by_value);
    return n % 2 ? values[n / 2] : (values[n / 2 - 1] + values[n / 2]) / 2;
}

static Assignment assign(Arena *arena, const char *key, int value)
{
    return (Assignment){.key = key, .text = arena_format(arena, "%d", value), .file = "bench"};
}

/* Random tokens and their successors; bench needs no data, only work. */
static void fill_batch(Trainer *trainer, int vocab_size)
{
    Pcg pcg = pcg_named(1, "bench/tokens");
    Batch *batch = &trainer->batch;
    for (int i = 0; i < batch->n * batch->length; i++) {
        batch->inputs[i] = TOKEN_CONTENT + (int32_t)pcg_below(&pcg, (uint32_t)(vocab_size - TOKEN_CONTENT));
        batch->targets[i] = TOKEN_CONTENT + (int32_t)pcg_below(&pcg, (uint32_t)(vocab_size - TOKEN_CONTENT));
    }
    batch->n_targets = batch->n * batch->length;
}

static int windows(Trainer *trainer, double seconds, double flops, double *scratch, Result *ret_result, Error *err)
{
    double rates[MOST_WINDOWS], shares[MOST_WINDOWS], rate = 0, peaks = 0, best_peak = 0, started = clock_seconds();
    int n = 0, status = step_window(trainer, &rate, err); /* warm-up */
    double before = peak_window(trainer->lanes, trainer->kernels, scratch);
    while (status == STATUS_OK && n < MOST_WINDOWS && (n < 3 || clock_seconds() - started < seconds)) {
        status = step_window(trainer, &rate, err);
        double after = peak_window(trainer->lanes, trainer->kernels, scratch);
        rates[n] = rate;
        shares[n++] = rate * flops / ((before + after) / 2);
        peaks += after;
        best_peak = after > best_peak ? after : best_peak;
        before = after;
    }
    if (status != STATUS_OK)
        return status;
    Result result = {.floor_tokens_per_s = peaks / n / flops};
    result.share = median(shares, n);
    result.tokens_per_s = median(rates, n), result.best_tokens_per_s = rates[n - 1];
    result.best_share = result.best_tokens_per_s * flops / best_peak; /* best against best: no window's bad luck helps */
    *ret_result = result;
    return STATUS_OK;
}

static int bench_size(const Size *size, const Program *program, int threads, double seconds, Result *ret_result,
                      Error *err)
{
    Arena *arena = arena_new(), *memory = NULL;
    Lanes *lanes = NULL;
    const Assignment assignments[] = {
        assign(arena, "model.n_layers", size->n_layers),
        assign(arena, "model.d_model", size->d_model),
        assign(arena, "model.n_heads", size->n_heads),
        assign(arena, "model.context_length", size->context_length),
        assign(arena, "train.batch_size", size->batch_size),
        assign(arena, "train.steps", 1000000),
        {.key = "model.position.kind", .text = "absolute", .file = "bench"},
        {.key = "model.activation", .text = "gelu", .file = "bench"},
        {.key = "model.norm", .text = "layernorm", .file = "bench"},
    };
    Settings settings;
    TrainSettings train;
    ModelSettings model_settings;
    Model *model;
    const Kernels *kernels = kernels_best();
    int status = settings_resolve(arena, &program->schema, assignments, sizeof assignments / sizeof *assignments,
                                  &settings, NULL, err);
    if (status == STATUS_OK)
        status = train_settings_read(&settings, &train, err);
    if (status == STATUS_OK)
        status = model_settings_read(&settings, size->vocab_size, &model_settings, err);
    if (status == STATUS_OK)
        status = model_new(arena, &model_settings, kernels, &model, err);
    if (status == STATUS_OK)
        status = lanes_new(threads, &lanes, err);
    if (status == STATUS_OK)
        status = arena_new_fixed(trainer_bytes(&train, model, threads), &memory, err);
    if (status == STATUS_OK) {
        Trainer trainer;
        trainer_new(memory, &train, model, NULL, kernels, lanes, &trainer);
        fill_batch(&trainer, size->vocab_size);
        status = windows(&trainer, seconds, model_flops_per_token(&model_settings, 1),
                         ARENA_ARRAY(arena, double, threads), ret_result, err);
    }
    lanes_free(lanes);
    arena_free(memory);
    arena_free(arena);
    return status;
}

static void print_json(const Result *results, int threads)
{
    Text text = {0};
    JsonWriter json;
    json_start(&json, &text, 2);
    json_open_array(&json);
    for (int s = 0; s < N_SIZES; s++) {
        json_open_object(&json);
        json_put_string(&json, "size", sizes[s].name);
        json_put_number(&json, "tokens_per_s", results[s].tokens_per_s);
        json_put_number(&json, "best_tokens_per_s", results[s].best_tokens_per_s);
        json_put_number(&json, "floor_tokens_per_s", results[s].floor_tokens_per_s);
        json_put_number(&json, "share_of_floor", results[s].share);
        json_put_number(&json, "best_share_of_floor", results[s].best_share);
        json_put_number(&json, "threads", threads);
        json_put_string(&json, "kernels", kernels_best()->name);
        json_close_object(&json);
    }
    json_close_array(&json);
    printf("%s\n", text_string(&text));
    text_free(&text);
}

static int run(const Arguments *arguments, Error *err)
{
    Arena *arena = arena_new();
    Program program = program_new(arena);
    Result results[N_SIZES];
    int threads, seconds, json = argument_given(arguments, "--json");
    int status = argument_int(arguments, "--threads", 1, 1024, clock_cores(), &threads, err);
    if (status == STATUS_OK)
        status = argument_int(arguments, "--seconds", 1, 3600, 5, &seconds, err);
    if (status == STATUS_OK && !json)
        printf("full training steps, float32, %d thread%s, %s kernels; floor: FLOPs over this process's FMA peak\n\n"
               "  size  %12s %12s %8s %8s\n", threads, threads == 1 ? "" : "s", kernels_best()->name, "tokens/s",
               "floor", "share", "best");
    for (int s = 0; s < N_SIZES && status == STATUS_OK; s++) {
        status = bench_size(&sizes[s], &program, threads, seconds, &results[s], err);
        if (status == STATUS_OK && !json) {
            printf("  %-4s  %12.0f %12.0f %7.1f%% %7.1f%%\n", sizes[s].name, results[s].tokens_per_s,
                   results[s].floor_tokens_per_s, 100 * results[s].share, 100 * results[s].best_share);
            fflush(stdout);
        }
    }
    if (status == STATUS_OK && json)
        print_json(results, threads);
    arena_free(arena);
    return status;
}

static const Option options[] = {
    {"--json", NULL, "an array of objects instead of the table", 0},
    {"--threads", "N", "threads (default: all cores)", 0},
    {"--seconds", "N", "how long each size is run (default: 5)", 0},
};

const Verb verb_bench = {
    .name = "bench",
    .usage = "bench [--json] [--threads N] [--seconds N]",
    .summary = "training speed on this machine, as a share of its peak",
    .details = "Sizes: S (L4 d128 h4 T128 B16 V512), M (L6 d256 h8 T256 B8 V2048), L (L6 d384 h6 T256 B16 V4096); GELU, learned\n"
               "positions, pre-norm LayerNorm, AdamW. Median and best of interleaved windows of at least 30 ms.",
    .min_words = 0,
    .max_words = 0,
    .options = options,
    .n_options = sizeof options / sizeof *options,
    .run = run,
};
