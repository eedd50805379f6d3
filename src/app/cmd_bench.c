/* refframe bench: full training steps of each engine against the machine's own FMA peak, measured in the same process.
 *
 * The floor of a step is its FLOPs over the peak; windows of each engine's steps and of a peak loop (all threads, at
 * least 30 ms each) alternate, a window's share is its rate over the mean of the two peaks beside it, and the median
 * over windows is quoted. So whatever else the machine does, it does it to all engines alike.
 */
#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/app.h"
#include "base/clock.h"
#include "base/json.h"
#include "base/resolve.h"
#include "base/text.h"
#include "num/bfloat16.h"
#include "num/engine.h"
#include "num/openblas.h"
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
    double tokens_per_s, best_tokens_per_s, floor_tokens_per_s, flops_per_token, share, best_share;
    int threads; /* at most the lanes that there are */
} Result;

typedef struct {
    const Kernels *kernels;
    double *rates; /* (threads,) */
} PeakJob;

/* What is measured: sizes[first_size, end_size) by some engines, with other settings on top. */
typedef struct {
    const Kernels *kernels;
    int first_size, end_size, threads, seconds, vocab_size; /* vocab_size 0: the size's own */
    const Kernels *engines[N_ENGINES];                      /* of those that are measured; else NULL */
    Error missing[N_ENGINES]; /* why one that nobody asked for by name is not measured; "": it is */
    Assignment *sets;
    int n_sets;
} Request;

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

/* Random tokens as the objective wants them; bench needs no data, only work. */
static void fill_batch(Trainer *trainer, int vocab_size)
{
    Pcg pcg = pcg_named(1, "bench/tokens"), masks = pcg_named(1, "bench/mask");
    Batch *batch = &trainer->batch;
    Sequence *seq = &trainer->sequence;
    batch->n_targets = 0;
    for (int b = 0; b < batch->n; b++) {
        const size_t row = (size_t)b * batch->length;
        for (int i = 0; i <= batch->length; i++)
            seq->ids[i] = TOKEN_CONTENT + (int32_t)pcg_below(&pcg, (uint32_t)(vocab_size - TOKEN_CONTENT));
        memcpy(seq->labels, seq->ids, sizeof *seq->labels * (size_t)batch->length);
        trainer->settings->objective->make(trainer->settings->objective_state, vocab_size, seq, &masks,
                                           batch->inputs + row, batch->targets + row, NULL);
        for (int i = 0; i < batch->length; i++)
            batch->n_targets += batch->targets[row + i] >= 0;
    }
}

/* Windows of one engine's steps, each with the peak beside it. */
typedef struct {
    double rates[MOST_WINDOWS], shares[MOST_WINDOWS];
    int n;
} Windows;

/* All engines in turns: `trainers` (n,), of one model. */
static int run_windows(Trainer *const *trainers, int n, double seconds, double flops, double *scratch,
                       Result *ret_results, Error *err)
{
    Windows windows[N_ENGINES] = {{.n = 0}};
    const Trainer *first = trainers[0];
    double rate = 0, peaks = 0, best_peak = 0, started = clock_seconds();
    int n_peaks = 0, status = STATUS_OK;
    for (int e = 0; e < n && status == STATUS_OK; e++) /* warm-up */
        status = step_window(trainers[e], &rate, err);
    double before = peak_window(first->lanes, first->kernels, scratch);
    while (status == STATUS_OK && windows[n - 1].n < MOST_WINDOWS &&
           (windows[n - 1].n < 3 || clock_seconds() - started < seconds))
        for (int e = 0; e < n && status == STATUS_OK; e++) {
            Windows *w = &windows[e];
            status = step_window(trainers[e], &rate, err);
            const double after = peak_window(first->lanes, first->kernels, scratch);
            w->rates[w->n] = rate;
            w->shares[w->n++] = rate * flops / ((before + after) / 2);
            peaks += after, n_peaks++;
            best_peak = after > best_peak ? after : best_peak;
            before = after;
        }
    for (int e = 0; e < n && status == STATUS_OK; e++) {
        Windows *w = &windows[e];
        Result result = {.floor_tokens_per_s = peaks / n_peaks / flops, .flops_per_token = flops};
        result.share = median(w->shares, w->n);
        result.tokens_per_s = median(w->rates, w->n), result.best_tokens_per_s = w->rates[w->n - 1];
        result.best_share =
            result.best_tokens_per_s * flops / best_peak; /* best against best: no window's bad luck helps */
        result.threads = lanes_threads(first->lanes);
        ret_results[e] = result;
    }
    return status;
}

/* The settings of a size with one engine, with those of the request on top. */
static int size_settings(Arena *arena, const Size *size, Engine engine, const Request *request, Settings *ret_settings,
                         Error *err)
{
    const Schema schema = program_schema(arena);
    const Assignment own[] = {
        assign(arena, "model.n_layers", size->n_layers),
        assign(arena, "model.d_model", size->d_model),
        assign(arena, "model.n_heads", size->n_heads),
        assign(arena, "model.context_length", size->context_length),
        assign(arena, "train.batch_size", size->batch_size),
        assign(arena, "train.steps", 1000000),
        {.key = "model.position.kind", .text = "absolute", .file = "bench"},
        {.key = "model.activation", .text = "gelu", .file = "bench"},
        {.key = "model.norm", .text = "layernorm", .file = "bench"},
        {.key = ENGINE_KEY, .text = engine_names[engine], .file = "bench"},
    };
    enum { N_OWN = sizeof own / sizeof *own };
    Assignment *assignments = ARENA_ARRAY(arena, Assignment, N_OWN + request->n_sets); /* later ones win */
    memcpy(assignments, own, sizeof own);
    for (int i = 0; i < request->n_sets; i++)
        assignments[N_OWN + i] = request->sets[i];
    return settings_resolve(arena, &schema, assignments, N_OWN + request->n_sets, ret_settings, NULL, err);
}

/* What a size is measured with. */
typedef struct {
    Arena *arena, *memory;
    Lanes *lanes;
    Settings settings;
    TrainSettings train;
    ModelSettings model_settings;
    Model *model;
    Trainer trainer;
} Bench;

static int bench_open(Bench *bench, const Size *size, Engine engine, const Request *request, Error *err)
{
    const int vocab_size = request->vocab_size ? request->vocab_size : size->vocab_size;
    const Kernels *kernels = NULL;
    int status = size_settings(bench->arena, size, engine, request, &bench->settings, err);
    if (status == STATUS_OK)
        status = engine_kernels(bench->arena, &bench->settings, request->kernels, &kernels, err);
    if (status == STATUS_OK)
        status = train_settings_read(bench->arena, &bench->settings, &bench->train, err);
    if (status == STATUS_OK)
        status = model_settings_read(&bench->settings, vocab_size, &bench->model_settings, err);
    if (status == STATUS_OK && bench->train.objective->loss != LOSS_CROSS_ENTROPY)
        status = settings_error(&bench->settings, "objective.kind", err, "bench draws ids, and '%s' predicts vectors",
                                bench->train.objective->variant.name);
    if (status == STATUS_OK)
        status = model_new(bench->arena, &bench->model_settings, kernels, &bench->model, err);
    if (status != STATUS_OK)
        return status;
    /* more would have nothing to do, and yet a peak */
    const int threads = request->threads < bench->train.lanes ? request->threads : bench->train.lanes;
    status = lanes_new(threads, &bench->lanes, err);
    if (status == STATUS_OK)
        status = arena_new_fixed(trainer_bytes(&bench->train, bench->model, threads), &bench->memory, err);
    if (status != STATUS_OK)
        return status;
    trainer_new(bench->memory, &bench->train, bench->model, NULL, kernels, bench->lanes, &bench->trainer);
    fill_batch(&bench->trainer, vocab_size);
    return STATUS_OK;
}

/* Results by engine. */
static int bench_size(const Size *size, const Request *request, Result *ret_results, Error *err)
{
    Bench benches[N_ENGINES] = {{.arena = NULL}};
    Trainer *trainers[N_ENGINES];
    Result results[N_ENGINES];
    int n = 0, status = STATUS_OK;
    for (int e = 0; e < N_ENGINES && status == STATUS_OK; e++) {
        if (!request->engines[e])
            continue;
        trainers[n] = &benches[n].trainer;
        benches[n].arena = arena_new();
        status = bench_open(&benches[n++], size, (Engine)e, request, err);
    }
    if (status == STATUS_OK) {
        assert(n > 0); /* exact is everywhere */
        const Batch *batch = &trainers[0]->batch;
        const double target_share = (double)batch->n_targets / (batch->n * batch->length);
        const double flops = model_flops_per_token(benches[0].model, target_share);
        double *scratch = ARENA_ARRAY(benches[0].arena, double, lanes_threads(benches[0].lanes));
        status = run_windows(trainers, n, request->seconds, flops, scratch, results, err);
    }
    for (int e = 0, r = 0; e < N_ENGINES && status == STATUS_OK; e++)
        if (request->engines[e])
            ret_results[e] = results[r++];
    for (int b = 0; b < n; b++) {
        lanes_free(benches[b].lanes);
        arena_free(benches[b].memory);
        arena_free(benches[b].arena);
    }
    return status;
}

static void put_result(JsonWriter *json, const char *size, int engine, const Request *request, const Result *result)
{
    json_open_object(json);
    json_put_string(json, "size", size);
    json_put_string(json, "engine", engine_names[engine]);
    json_put_string(json, "products", request->engines[engine]->products);
    json_put_number(json, "tokens_per_s", result->tokens_per_s);
    json_put_number(json, "best_tokens_per_s", result->best_tokens_per_s);
    json_put_number(json, "floor_tokens_per_s", result->floor_tokens_per_s);
    json_put_number(json, "flops_per_token", result->flops_per_token);
    json_put_number(json, "share_of_floor", result->share);
    json_put_number(json, "best_share_of_floor", result->best_share);
    json_put_number(json, "threads", result->threads);
    json_put_string(json, "kernels", request->engines[engine]->name);
    json_close_object(json);
}

static void print_json(Result (*results)[N_ENGINES], const Request *request)
{
    Text text = {0};
    JsonWriter json;
    json_start(&json, &text, 2);
    json_open_array(&json);
    for (int s = request->first_size; s < request->end_size; s++)
        for (int e = 0; e < N_ENGINES; e++)
            if (request->engines[e])
                put_result(&json, sizes[s].name, e, request, &results[s][e]);
    json_close_array(&json);
    printf("%s\n", text_string(&text));
    text_free(&text);
}

static int read_size(const char *name, Request *request, Error *err)
{
    for (int s = 0; s < N_SIZES; s++)
        if (strcmp(sizes[s].name, name) == 0) {
            request->first_size = s, request->end_size = s + 1;
            return STATUS_OK;
        }
    return error_set(err, STATUS_INPUT, "refframe bench: --size is S, M or L, not \"%s\"", name);
}

/* All that are there and fast. */
static void find_engines(Arena *arena, Request *request)
{
    const Kernels *bfloat16, **engines = request->engines;
    Error *missing = request->missing;
    engines[ENGINE_EXACT] = request->kernels;
    (void)openblas_kernels(arena, request->kernels, &engines[ENGINE_OPENBLAS], &missing[ENGINE_OPENBLAS]);
    if (bfloat16_kernels(arena, request->kernels, NULL, &bfloat16, &missing[ENGINE_BFLOAT16]) != STATUS_OK)
        return;
    if (bfloat16_is_emulated(bfloat16))
        error_set(&missing[ENGINE_BFLOAT16], STATUS_FAILED, "no AMX beside the kernels '%s', which would emulate it",
                  request->kernels->name);
    else
        engines[ENGINE_BFLOAT16] = bfloat16;
}

/* The engine that --set names, or else all that are there. */
static int read_engines(Arena *arena, Request *request, Error *err)
{
    Settings settings;
    int is_asked = 0, status = size_settings(arena, &sizes[0], ENGINE_EXACT, request, &settings, err);
    if (status != STATUS_OK)
        return status;
    const Engine asked = engine_of(&settings);
    for (int i = 0; i < request->n_sets; i++)
        is_asked |= strcmp(request->sets[i].key, ENGINE_KEY) == 0;
    if (is_asked)
        return engine_kernels(arena, &settings, request->kernels, &request->engines[asked], err);
    find_engines(arena, request);
    return STATUS_OK;
}

static int read_request(const Arguments *arguments, Arena *arena, Request *ret_request, Error *err)
{
    const char *size = argument(arguments, "--size");
    Request request = {.kernels = arguments->kernels, .end_size = N_SIZES};
    int status = argument_int(arguments, "--threads", 1, 1024, clock_cores(), &request.threads, err);
    if (status == STATUS_OK)
        status = argument_int(arguments, "--seconds", 1, 3600, 5, &request.seconds, err);
    if (status == STATUS_OK)
        status = argument_int(arguments, "--vocab", 4, 1 << 20, 0, &request.vocab_size, err);
    if (status == STATUS_OK && size)
        status = read_size(size, &request, err);
    if (status == STATUS_OK)
        status = argument_sets(arena, arguments, &request.sets, &request.n_sets, err);
    if (status == STATUS_OK)
        status = read_engines(arena, &request, err);
    if (status == STATUS_OK)
        *ret_request = request;
    return status;
}

static void print_head(const Request *request, int threads)
{
    printf("full training steps, %d thread%s, %s kernels; floor: FLOPs over this process's FMA peak in float32\n",
           threads, threads == 1 ? "" : "s", request->kernels->name);
    if (threads < request->threads)
        printf("%d of the %d threads have nothing to do: train.lanes is %d, at most train.batch_size\n",
               request->threads - threads, request->threads, threads);
    for (int e = 0; e < N_ENGINES; e++) {
        if (request->engines[e])
            terminal_rowf("%s: %s\n", engine_names[e], request->engines[e]->products);
        else if (*request->missing[e].text)
            terminal_rowf("%s is not measured: %s\n", engine_names[e], request->missing[e].text);
    }
    printf("\n  size  %-8s  %12s %12s %8s %8s\n", "engine", "tokens/s", "floor", "share", "best");
}

static void print_size(const char *name, const Request *request, const Result *results)
{
    for (int e = 0; e < N_ENGINES; e++) {
        const Result *r = &results[e];
        if (!request->engines[e])
            continue;
        printf("  %-4s  %-8s  %12.0f %12.0f %7.1f%% %7.1f%%\n", name, engine_names[e], r->tokens_per_s,
               r->floor_tokens_per_s, 100 * r->share, 100 * r->best_share);
        name = "";
    }
    fflush(stdout);
}

/* The same for all engines. */
static int threads_of(const Request *request, const Result *results)
{
    int e = 0;
    while (!request->engines[e])
        e++;
    return results[e].threads;
}

static int run(const Arguments *arguments, Error *err)
{
    Arena *arena = arena_new();
    Request request = {0};
    Result results[N_SIZES][N_ENGINES];
    const int json = argument_given(arguments, "--json");
    int status = read_request(arguments, arena, &request, err);
    for (int s = request.first_size; status == STATUS_OK && s < request.end_size; s++) {
        status = bench_size(&sizes[s], &request, results[s], err);
        if (status == STATUS_OK && !json && s == request.first_size)
            print_head(&request, threads_of(&request, results[s]));
        if (status == STATUS_OK && !json)
            print_size(sizes[s].name, &request, results[s]);
    }
    if (status == STATUS_OK && json)
        print_json(results, &request);
    arena_free(arena);
    return status;
}

static const Option options[] = {
    {"--json", NULL, "an array of objects instead of the table", 0},
    {"--threads", "N", "threads (default: all cores)", 0},
    {"--seconds", "N", "how long each size is run (default: 5)", 0},
    {"--size", "NAME", "only S, M or L (default: all)", 0},
    {"--vocab", "N", "another vocabulary", 0},
    {"--set", "KEY=VALUE", "another setting, as in an experiment; may be given often", 1},
};

const Verb verb_bench = {
    .name = "bench",
    .usage = "bench [--json] [--threads N] [--seconds N] [--size NAME] [--vocab N] [--set KEY=VALUE ...]",
    .summary = "training speed on this machine, as a share of its peak",
    .details =
        "Sizes: S (L4 d128 h4 T128 B16 V512), M (L6 d256 h8 T256 B8 V2048), L (L6 d384 h6 T256 B16 V4096). All "
        "have GELU, learned positions, pre-norm LayerNorm and AdamW. Times every engine that is there, or the "
        "one of --set numerics.engine=NAME. Prints the median and the best of interleaved windows of at least 30 "
        "ms.",
    .min_words = 0,
    .max_words = 0,
    .options = options,
    .n_options = sizeof options / sizeof *options,
    .run = run,
};
