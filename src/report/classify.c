/* See classify.h. */
#include "report/classify.h"

#include <math.h>

static void show_up_to_itself(const void *state, int i, int length, KeyRanges *ret_keys)
{
    (void)state, (void)length;
    ret_keys->range[0] = (KeyRange){0, i + 1};
}

static void show_all(const void *state, int i, int length, KeyRanges *ret_keys)
{
    (void)state, (void)i;
    ret_keys->range[0] = (KeyRange){0, length};
}

/* Snapshots of version 0.1.0 do not say what their mask shows; it was causal or full. With the uniform importances of a
 * head, (T,): under the full one all are equal; under the causal one the last key's is not a number, as no other query
 * sees it, and so equals nothing. */
static Visible visible_of_0_1_0(Arena *arena, const float *uniform, int T, int length)
{
    const int is_full = fabsf(uniform[0] - uniform[T - 1]) <= 1e-6f * uniform[0];
    return visible_new(arena, &(MaskRule){"version 0.1.0", NULL, is_full ? show_all : show_up_to_itself}, length);
}

int classify_mask(Arena *arena, const Npz *npz, const Npz *baselines, const char *suffix, int length, const char *path,
                  Visible *ret_visible, Error *err)
{
    if (!npz_get(npz, "visible")) {
        const NpyArray *uniform = npz_get(baselines, "uniform/importance");
        *ret_visible = visible_of_0_1_0(arena, uniform->data, (int)uniform->shape[2], length);
        return STATUS_OK;
    }
    const int32_t *ranges =
        npz_data(npz, arena_format(arena, "visible%s", suffix), NPY_INT32, 3, (int64_t[]){length, KEY_RANGES, 2});
    if (!ranges || visible_from_ranges(arena, length, ranges, ret_visible) != 0)
        return error_set(err, STATUS_INPUT,
                         "%s: `visible%s` is missing or not the key ranges of each query, int32 (T, 2, 2)", path,
                         suffix);
    return STATUS_OK;
}

int classify_lengths(Arena *arena, const Npz *npz, const char *path, ReportRun *run, Error *err)
{
    const int n = run->n_sequences, T = run->length;
    if (!npz_get(npz, "lengths"))
        return STATUS_OK;
    const int32_t *lengths = npz_data(npz, "lengths", NPY_INT32, 1, (int64_t[]){n});
    const int32_t *ranges = npz_data(npz, "visible_each", NPY_INT32, 4, (int64_t[]){n, T, KEY_RANGES, 2});
    int32_t *own = ARENA_ARRAY(arena, int32_t, n);
    Visible *visible = ARENA_ARRAY(arena, Visible, n);
    int is_right = lengths && ranges;
    for (int s = 0; s < n && is_right; s++) {
        own[s] = lengths[s];
        is_right =
            own[s] >= 1 && own[s] <= T &&
            visible_from_ranges(arena, own[s], ranges + (size_t)s * (size_t)T * 2 * KEY_RANGES, &visible[s]) == 0;
    }
    if (!is_right)
        return error_set(err, STATUS_INPUT,
                         "%s: `lengths` is not int32 (N,) of 1 to T, or `visible_each` not the key ranges of each "
                         "query, int32 (N, T, 2, 2)",
                         path);
    run->lengths = own, run->visible_each = visible;
    return STATUS_OK;
}

/* The larger of two baselines of importance from afar, (L,H,DISTANCES,T), or of n sequences where lengths differ;
 * NaN gives way. */
static float *larger_importance(Arena *arena, const Npz *baselines, const char *suffix, int n_own, int L, int H, int T)
{
    const char *names[2] = {arena_format(arena, "uniform/importance_afar%s", suffix),
                            arena_format(arena, "position/importance_afar%s", suffix)};
    const int is_each = n_own > 0;
    const int64_t shape[] = {n_own, L, H, DISTANCES, T};
    const size_t n = (size_t)(is_each ? n_own : 1) * L * H * DISTANCES * T;
    float *larger = ARENA_ARRAY(arena, float, n);
    for (size_t i = 0; i < n; i++)
        larger[i] = NAN;
    for (int k = 0; k < 2; k++) {
        const float *one = npz_data(baselines, names[k], NPY_FLOAT32, 4 + is_each, shape + !is_each);
        for (size_t i = 0; one && i < n; i++)
            larger[i] = fmaxf(larger[i], one[i]);
    }
    return larger;
}

static const char *token_text(Arena *arena, const NpyArray *strings, int32_t id)
{
    if (!strings || strings->type != NPY_STRING || id < 0 || (size_t)id >= strings->n_items)
        return "?";
    return arena_format(arena, "%.*s", strings->item_bytes,
                        (const char *)strings->data + (size_t)id * strings->item_bytes);
}

static ScopeTokens list_tokens(Arena *arena, Arena *scratch, const FrameInput *input, int layer, int head,
                               const NpyArray *strings)
{
    FrameAnchor *all;
    ScopeTokens own = {.n = frame_anchors(scratch, input, layer, head, FRAME_BY_TOKEN, &all)};
    own.n = own.n < TOKENS_KEPT ? own.n : TOKENS_KEPT;
    FrameAnchor *kept = ARENA_ARRAY(arena, FrameAnchor, own.n + 1);
    own.texts = ARENA_ARRAY(arena, const char *, own.n + 1);
    for (int i = 0; i < own.n; i++) {
        kept[i] = all[i];
        own.texts[i] = token_text(arena, strings, all[i].identity);
    }
    own.anchors = kept;
    return own;
}

/* The same scopes as classify's. */
static void list_anchors(Arena *scratch, Report *report, ReportRun *run, const FrameInput *input,
                         const NpyArray *strings)
{
    const int L = run->n_layers, H = run->n_heads;
    AnchorTokens *anchors = &run->anchors;
    anchors->layers = ARENA_ARRAY(report->arena, ScopeTokens, L);
    anchors->heads = ARENA_ARRAY(report->arena, ScopeTokens, L * H);
    anchors->model = list_tokens(report->arena, scratch, input, -1, -1, strings);
    for (int l = 0; l < L; l++) {
        anchors->layers[l] = list_tokens(report->arena, scratch, input, l, -1, strings);
        for (int h = 0; h < H; h++)
            anchors->heads[l * H + h] = list_tokens(report->arena, scratch, input, l, h, strings);
    }
}

/* The set of half length into `input`, where the snapshot has it. */
static int read_half(Arena *scratch, const Npz *npz, const Npz *baselines, const char *path, FrameInput *input,
                     Error *err)
{
    const int L = input->n_layers, H = input->n_heads;
    const float *afar = npz_data(npz, "importance_afar_half", NPY_FLOAT32, 5, (int64_t[]){-1, L, H, DISTANCES, -1});
    if (!afar || !npz_get(baselines, "uniform/importance_afar_half")) /* nothing to hold them against */
        return STATUS_OK;
    const int64_t *shape = npz_get(npz, "importance_afar_half")->shape;
    const int length = (int)shape[4];
    Visible *visible = ARENA_ARRAY(scratch, Visible, 1);
    const int status = classify_mask(scratch, npz, baselines, "_half", length, path, visible, err);
    if (status != STATUS_OK)
        return status;
    input->half_n = (int)shape[0];
    input->half_visible = visible;
    input->half_afar = afar;
    input->half_baseline = larger_importance(scratch, baselines, "_half", 0, L, H, length);
    input->half_tokens = npz_data(npz, "tokens_half", NPY_INT32, 2, (int64_t[]){shape[0], length});
    return STATUS_OK;
}

/* How firmly the labels of a run's end stand. */
static void agree(const ReportRun *run, const FrameInput *input, SnapshotFrames *frames)
{
    frame_agree(input, -1, -1, &frames->model);
    for (int l = 0; l < run->n_layers; l++) {
        frame_agree(input, l, -1, &frames->layers[l]);
        for (int h = 0; h < run->n_heads; h++)
            frame_agree(input, l, h, &frames->heads[l * run->n_heads + h]);
    }
}

int classify_snapshot(Arena *scratch, Report *report, ReportRun *run, int s, const Npz *npz, const Npz *baselines,
                      const char *path, Error *err)
{
    const int L = run->n_layers, H = run->n_heads;
    FrameInput input = {
        .n = run->n_sequences,
        .n_layers = L,
        .n_heads = H,
        .length = run->length,
        .is_ragged = run->lengths != NULL,
        .visible = run->lengths ? run->visible_each : &run->visible,
        .afar = run->has_afar ? npz_data(npz, "importance_afar", NPY_FLOAT32, 5,
                                         (int64_t[]){run->n_sequences, L, H, DISTANCES, run->length})
                              : NULL,
        .baseline = larger_importance(scratch, baselines, "", run->lengths ? run->n_sequences : 0, L, H, run->length),
        .tokens = npz_get(npz, "tokens")->data,
        .first = 0,
        .stride = 1,
    };
    const int status = input.is_ragged ? STATUS_OK : read_half(scratch, npz, baselines, path, &input, err);
    if (status != STATUS_OK)
        return status;
    SnapshotFrames *frames = &run->frames[s];
    frames->layers = ARENA_ARRAY(report->arena, Frame, L);
    frames->heads = ARENA_ARRAY(report->arena, Frame, L * H);
    frame_classify(scratch, &input, -1, -1, &frames->model);
    for (int l = 0; l < L; l++) {
        frame_classify(scratch, &input, l, -1, &frames->layers[l]);
        for (int h = 0; h < H; h++)
            frame_classify(scratch, &input, l, h, &frames->heads[l * H + h]);
    }
    if (s == run->n_snapshots - 1)
        agree(run, &input, frames);
    if (s == run->n_snapshots - 1)
        list_anchors(scratch, report, run, &input, npz_get(npz, "token_strings"));
    return STATUS_OK;
}
