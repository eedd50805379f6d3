/* See maps.h. */
#include "report/maps.h"

#include <math.h>
#include <stdio.h>

#include "base/deflate.h"
#include "base/file.h"
#include "store/npz.h"

enum { FRAMES_WANTED = 16 }; /* fewer snapshots than this don't play */

typedef struct {
    int n_frames, pool, side, has_sequence; /* side: positions after pooling */
    size_t cells;                           /* bytes of one head's map */
} Packing;

static size_t cells_of(const ReportRun *run, int side)
{
    return run->is_causal ? (size_t)side * (side + 1) / 2 : (size_t)side * side;
}

static Packing choose_packing(const ReportRun *run, int has_sequence, size_t budget)
{
    Packing packing = {.pool = 1, .has_sequence = has_sequence};
    const int wanted = run->n_snapshots < FRAMES_WANTED ? run->n_snapshots : FRAMES_WANTED;
    for (;;) {
        packing.side = (run->length + packing.pool - 1) / packing.pool;
        packing.cells = cells_of(run, packing.side);
        const size_t raw = packing.cells * (size_t)run->n_layers * run->n_heads * (packing.has_sequence ? 2 : 1);
        const size_t fit = budget / 4 * 3 / raw;
        packing.n_frames = fit < (size_t)run->n_snapshots ? (int)fit : run->n_snapshots;
        if (packing.n_frames >= wanted || (packing.side <= 8 && !packing.has_sequence))
            return packing;
        if (packing.has_sequence)
            packing.has_sequence = 0;
        else
            packing.pool *= 2;
    }
}

/* One head's (T,T) map, pooled, quantised and packed to packing->cells bytes. */
static void pack(const float *map, const ReportRun *run, const Packing *packing, double *scratch,
                 unsigned char *ret_bytes)
{
    const int T = run->length, side = packing->side, pool = packing->pool;
    for (int i = 0; i < side * side; i++)
        scratch[i] = 0;
    for (int i = 0; i < T; i++) {
        const int queries = i / pool == side - 1 ? T - (side - 1) * pool : pool;
        for (int j = 0; j < T; j++)
            scratch[i / pool * side + j / pool] += (double)map[(size_t)i * T + j] / queries;
    }
    size_t n = 0;
    for (int i = 0; i < side; i++)
        for (int j = 0; j < (run->is_causal ? i + 1 : side); j++) {
            const double a = scratch[i * side + j];
            ret_bytes[n++] = (unsigned char)(a > 0 ? lround(255 * sqrt(a < 1 ? a : 1)) : 0); /* NaN: 0 */
        }
}

static int has_shape(const NpyArray *array, int n_dims, const int64_t *shape)
{
    if (!array || array->type != NPY_FLOAT32 || array->n_dims != n_dims)
        return 0;
    for (int d = 0; d < n_dims; d++)
        if (array->shape[d] != shape[d])
            return 0;
    return 1;
}

static void put_tokens(const Npz *npz, int T, JsonWriter *json)
{
    const NpyArray *tokens = npz_get(npz, "tokens"), *strings = npz_get(npz, "token_strings");
    json_key(json, "tokens");
    json_open_array(json);
    if (tokens && tokens->type == NPY_INT32 && tokens->n_dims == 2 && tokens->shape[1] == T && tokens->shape[0] > 0 &&
        strings && strings->type == NPY_STRING)
        for (int t = 0; t < T; t++) {
            const int32_t id = ((const int32_t *)tokens->data)[t];
            char text[64] = "?";
            if (id >= 0 && (size_t)id < strings->n_items)
                snprintf(text, sizeof text, "%.*s", strings->item_bytes < 63 ? strings->item_bytes : 63,
                         (const char *)strings->data + (size_t)id * strings->item_bytes);
            json_string(json, text);
        }
    json_close_array(json);
}

static void put_bytes(JsonWriter *json, const char *key, const unsigned char *bytes, size_t n)
{
    Text text = {0};
    base64_add(&text, bytes, n);
    json_put_string(json, key, text_string(&text));
    text_free(&text);
}

int maps_json(const Report *report, const ReportRun *run, size_t budget, JsonWriter *json, Error *err)
{
    const int L = run->n_layers, H = run->n_heads, T = run->length;
    const size_t size = (size_t)T * T;
    const char *folder = file_join(report->arena, report->folder, run->folder);
    Arena *arena = arena_new(), *scratch = NULL;
    Packing packing = {0};
    unsigned char *mean = NULL, *sequence = NULL;
    double *pooled = ARENA_ARRAY(arena, double, size);
    int *chosen = NULL, status = 0, has_maps = 0;
    Npz npz;

    scratch = arena_new();
    status = npz_read(scratch, run_snapshot_path(scratch, folder, (int64_t)run->steps[0]), &npz, err);
    if (status == 0) {
        const NpyArray *map = npz_get(&npz, "map");
        const int64_t shape[] = {map ? map->shape[0] : 0, L, H, T, T};
        has_maps = has_shape(npz_get(&npz, "map_mean"), 4, shape + 1);
        packing = choose_packing(run, map && map->shape[0] > 0 && has_shape(map, 5, shape), budget);
    }
    if (status == 0 && (!has_maps || packing.n_frames < 1))
        json_null(json);
    if (status != 0 || !has_maps || packing.n_frames < 1)
        goto done;

    const size_t frame = packing.cells * (size_t)L * H;
    mean = arena_alloc(arena, frame * (size_t)packing.n_frames);
    sequence = arena_alloc(arena, frame * (size_t)packing.n_frames);
    chosen = ARENA_ARRAY(arena, int, packing.n_frames);
    for (int f = 0; f < packing.n_frames; f++) {
        chosen[f] = packing.n_frames == 1 ? run->n_snapshots - 1
                                          : (int)lround((double)f * (run->n_snapshots - 1) / (packing.n_frames - 1));
        scratch = arena_free(scratch);
        scratch = arena_new();
        status = npz_read(scratch, run_snapshot_path(scratch, folder, (int64_t)run->steps[chosen[f]]), &npz, err);
        if (status != 0)
            goto done;
        const NpyArray *map_mean = npz_get(&npz, "map_mean"), *map = npz_get(&npz, "map");
        const int64_t shape[] = {map ? map->shape[0] : 0, L, H, T, T};
        if (!has_shape(map_mean, 4, shape + 1) || (packing.has_sequence && !has_shape(map, 5, shape))) {
            status = error_set(err, STATUS_INPUT, "%s: maps of step %.0f differ in shape from the first snapshot's",
                               folder, run->steps[chosen[f]]);
            goto done;
        }
        for (int h = 0; h < L * H; h++) {
            pack((const float *)map_mean->data + h * size, run, &packing, pooled, mean + f * frame + h * packing.cells);
            if (packing.has_sequence)
                pack((const float *)map->data + h * size, run, &packing, pooled,
                     sequence + f * frame + h * packing.cells);
        }
    }

    json_open_object(json);
    json_put_number(json, "seed", (double)run->seed);
    json_put_number(json, "layers", L);
    json_put_number(json, "heads", H);
    json_put_number(json, "length", T);
    json_put_number(json, "pool", packing.pool);
    json_put_number(json, "side", packing.side);
    json_put_bool(json, "causal", run->is_causal);
    json_put_number(json, "sequences", run->n_sequences);
    json_key(json, "steps");
    json_open_array(json);
    for (int f = 0; f < packing.n_frames; f++)
        json_number(json, run->steps[chosen[f]]);
    json_close_array(json);
    put_tokens(&npz, T, json);
    put_bytes(json, "mean", mean, frame * (size_t)packing.n_frames);
    if (packing.has_sequence)
        put_bytes(json, "first", sequence, frame * (size_t)packing.n_frames);
    json_close_object(json);
done:
    arena_free(scratch);
    arena_free(arena);
    return status;
}
