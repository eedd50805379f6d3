/* See maps.h. */
#include "report/maps.h"

#include <math.h>

#include "base/cells.h"
#include "base/file.h"
#include "report/series.h"
#include "store/npz.h"

enum { FRAMES_WANTED = 16 };  /* fewer snapshots than this don't play */
enum { SIDE_READ = 32 };      /* positions: a map of fewer is a hint, where there were more */
enum { BYTES_PER_VALUE = 8 }; /* of the headline metric, as written */

/* A run's maps as the page plays them. */
typedef struct {
    const ReportRun *run;
    const char *folder;
    Cells cells;
    int n_frames, *at;   /* (n_frames,) which of the run's snapshots */
    const char **tokens; /* (n_tokens,) of the first sequence, as shown */
    int n_tokens, has_first;
    unsigned char *mean, *first; /* (n_frames,L,H,cells) over the set, of its first sequence */
} Film;

/* A snapshot's maps, (L,H,T,T) and (M,L,H,T,T); NULL for what it lacks. */
static void find_maps(const Npz *npz, const ReportRun *run, const float **ret_mean, const float **ret_first)
{
    const int64_t shape[] = {-1, run->n_layers, run->n_heads, run->length, run->length};
    *ret_mean = npz_data(npz, "map_mean", NPY_FLOAT32, 4, shape + 1);
    *ret_first = npz_data(npz, "map", NPY_FLOAT32, 5, shape);
    if (*ret_first && npz_get(npz, "map")->shape[0] == 0)
        *ret_first = NULL;
}

/* ---- what is packed ---- */

/* Positions that some sequence has. */
static int count_positions(const ReportRun *run)
{
    int most = run->lengths ? 0 : run->length;
    for (int s = 0; run->lengths && s < run->n_sequences; s++)
        most = run->lengths[s] > most ? run->lengths[s] : most;
    return most;
}

static void set_pool(Arena *arena, Film *film, int pool)
{
    film->cells = cells_new(arena, film->run->length, pool);
    cells_show(&film->cells, &film->run->visible, count_positions(film->run));
}

/* A snapshot's, in base64, with what the headline metric is of each head. */
static size_t frame_bytes(const Film *film)
{
    const size_t n_heads = (size_t)film->run->n_layers * film->run->n_heads;
    return n_heads * (film->cells.n * (film->has_first ? 2 : 1) / 3 * 4 + 4 + BYTES_PER_VALUE);
}

static int frames_wanted(const ReportRun *run)
{
    return run->n_snapshots < FRAMES_WANTED ? run->n_snapshots : FRAMES_WANTED;
}

/* As many snapshots as fit, at the price that maps.h names. */
static void fit(Arena *arena, Film *film, size_t budget)
{
    const int S = film->run->n_snapshots;
    for (set_pool(arena, film, 1);;) {
        const size_t room = budget / frame_bytes(film);
        film->n_frames = room < (size_t)S ? (int)room : S;
        if (film->n_frames >= frames_wanted(film->run) || (film->cells.side <= 8 && !film->has_first))
            return;
        if (film->has_first)
            film->has_first = 0;
        else
            set_pool(arena, film, 2 * film->cells.pool);
    }
}

static void read_tokens(Arena *arena, const Npz *npz, Film *film)
{
    const int T = film->run->length;
    const NpyArray *strings = npz_get(npz, "token_strings");
    const int32_t *tokens = npz_data(npz, "tokens", NPY_INT32, 2, (int64_t[]){film->run->n_sequences, T});
    if (!tokens || film->run->n_sequences < 1 || !strings || strings->type != NPY_STRING)
        return;
    film->tokens = ARENA_ARRAY(arena, const char *, T);
    film->n_tokens = T;
    for (int t = 0; t < T; t++) {
        const int32_t id = tokens[t];
        film->tokens[t] = film->run->lengths && t >= film->run->lengths[0] ? "" : "?";
        if (id >= 0 && (size_t)id < strings->n_items)
            film->tokens[t] = arena_format(arena, "%.*s", strings->item_bytes < 63 ? strings->item_bytes : 63,
                                           (const char *)strings->data + (size_t)id * strings->item_bytes);
    }
}

/* Looks at the first snapshot; no frames when it has no maps. */
static int open_film(Arena *arena, Arena *scratch, size_t budget, Film *film, Error *err)
{
    const ReportRun *run = film->run;
    Npz npz;
    const float *mean, *first;
    const int status = npz_read(scratch, run_snapshot_path(scratch, film->folder, (int64_t)run->steps[0]), &npz, err);
    if (status != STATUS_OK)
        return status;
    find_maps(&npz, run, &mean, &first);
    if (!mean)
        return STATUS_OK;
    film->has_first = first != NULL;
    fit(arena, film, budget);
    film->at = ARENA_ARRAY(arena, int, film->n_frames);
    for (int f = 0; f < film->n_frames; f++)
        film->at[f] = film->n_frames == 1 ? run->n_snapshots - 1
                                          : (int)lround((double)f * (run->n_snapshots - 1) / (film->n_frames - 1));
    read_tokens(arena, &npz, film);
    return STATUS_OK;
}

/* ---- packing ---- */

/* What one map is summed in. */
typedef struct {
    double *sums, *n_queries; /* (side,side), (side,) */
} Bench;

/* One head's (T,T) map, pooled, quantised and packed to film->cells.n bytes. Behind a sequence's end a map is not a
 * number, at its own key too. */
static void pack_map(const float *map, const Film *film, const Bench *bench, unsigned char *ret_bytes)
{
    const int side = film->cells.side;
    for (int c = 0; c < side * side; c++)
        bench->sums[c] = 0;
    for (int i = 0; i < side; i++)
        bench->n_queries[i] = 0;
    cells_add(&film->cells, film->run->length, map, bench->sums, bench->n_queries);
    cells_pack(&film->cells, bench->sums, bench->n_queries, ret_bytes);
}

static int pack_frame(Arena *scratch, Film *film, int f, Error *err)
{
    const ReportRun *run = film->run;
    const size_t n_heads = (size_t)run->n_layers * run->n_heads, T = (size_t)run->length;
    const int side = film->cells.side;
    const Bench bench = {ARENA_ARRAY(scratch, double, side *side), ARENA_ARRAY(scratch, double, side)};
    Npz npz;
    const float *mean, *first;
    const char *path = run_snapshot_path(scratch, film->folder, (int64_t)run->steps[film->at[f]]);
    const int status = npz_read(scratch, path, &npz, err);
    if (status != STATUS_OK)
        return status;
    find_maps(&npz, run, &mean, &first);
    if (!mean || (film->has_first && !first))
        return error_set(err, STATUS_INPUT, "%s: its maps differ in shape from the first snapshot's", path);
    for (size_t h = 0; h < n_heads; h++) {
        const size_t at = (f * n_heads + h) * film->cells.n;
        pack_map(mean + h * T * T, film, &bench, film->mean + at);
        if (film->has_first)
            pack_map(first + h * T * T, film, &bench, film->first + at);
    }
    return STATUS_OK;
}

/* ---- writing ---- */

/* The headline metric of every head at the film's snapshots, where the run has it head by head. */
static void put_headline(Arena *arena, const Report *report, const Film *film, JsonWriter *json)
{
    const ReportRun *run = film->run;
    double *values = ARENA_ARRAY(arena, double, film->n_frames);
    Trace trace;
    if (report->headline < 0 || trace_of(arena, report, run, report->headline, TRACE_HEAD, 0, 0, &trace) != 0)
        return;
    json_key(json, "headline");
    json_open_array(json);
    for (int h = 0; h < run->n_layers * run->n_heads; h++) {
        trace_of(arena, report, run, report->headline, TRACE_HEAD, h / run->n_heads, h % run->n_heads, &trace);
        for (int f = 0, i = 0; f < film->n_frames; f++) {
            while (i < trace.n && trace.at[i] < film->at[f])
                i++;
            values[f] = i < trace.n && trace.at[i] == film->at[f] ? trace.values[i] : (double)NAN;
        }
        series_numbers(json, film->n_frames, values);
    }
    json_close_array(json);
}

static void write_film(Arena *arena, const Report *report, const Film *film, JsonWriter *json)
{
    const ReportRun *run = film->run;
    const size_t bytes = (size_t)film->n_frames * run->n_layers * run->n_heads * film->cells.n;
    double *steps = ARENA_ARRAY(arena, double, film->n_frames);
    for (int f = 0; f < film->n_frames; f++)
        steps[f] = run->steps[film->at[f]];
    json_open_object(json);
    json_put_number(json, "seed", (double)run->seed);
    json_put_number(json, "n_layers", run->n_layers);
    json_put_number(json, "n_heads", run->n_heads);
    json_put_number(json, "n_sequences", run->n_sequences);
    json_put_number(json, "length", run->length);
    json_put_bool(json, "rows_sum_to_one", run->rows_sum_to_one);
    json_put_number(json, "pool", film->cells.pool);
    json_put_number(json, "side", film->cells.side);
    cells_put_visible(&film->cells, json);
    json_put_numbers(json, "steps", film->n_frames, steps);
    json_put_strings(json, "tokens", film->n_tokens, film->tokens);
    put_headline(arena, report, film, json);
    cells_put_bytes(json, "mean", film->mean, bytes);
    if (film->has_first)
        cells_put_bytes(json, "first", film->first, bytes);
    json_close_object(json);
}

/* Everything lies in `arena`, but for one snapshot at a time. */
static int make_film(Arena *arena, const Report *report, Film *film, size_t budget, JsonWriter *json, Error *err)
{
    Arena *scratch = arena_new();
    int status = open_film(arena, scratch, budget, film, err);
    arena_free(scratch);
    if (status != STATUS_OK)
        return status;
    if (film->n_frames == 0) {
        json_null(json);
        return STATUS_OK;
    }
    const size_t bytes = (size_t)film->n_frames * film->run->n_layers * film->run->n_heads * film->cells.n;
    film->mean = arena_alloc(arena, bytes);
    film->first = film->has_first ? arena_alloc(arena, bytes) : NULL;
    for (int f = 0; f < film->n_frames; f++) {
        scratch = arena_new();
        status = pack_frame(scratch, film, f, err);
        arena_free(scratch);
        if (status != STATUS_OK)
            return status;
    }
    write_film(arena, report, film, json);
    return STATUS_OK;
}

int maps_json(const Report *report, const ReportRun *run, size_t budget, JsonWriter *json, Error *err)
{
    Arena *arena = arena_new();
    Film film = {.run = run, .folder = file_join(arena, report->folder, run->folder)};
    const int status = make_film(arena, report, &film, budget, json, err);
    if (status != STATUS_OK)
        json_null(json); /* what is written stays JSON: the caller has its brackets to close */
    arena_free(arena);
    return status;
}

int maps_least(const Report *report, const ReportRun *run, size_t *ret_budget, Error *err)
{
    Arena *arena = arena_new();
    Film film = {.run = run, .folder = file_join(arena, report->folder, run->folder)};
    Npz npz;
    const float *mean = NULL, *first;
    const int status = npz_read(arena, run_snapshot_path(arena, film.folder, (int64_t)run->steps[0]), &npz, err);
    if (status == STATUS_OK)
        find_maps(&npz, run, &mean, &first);
    size_t least = 0;
    if (mean) {
        for (set_pool(arena, &film, 1); film.cells.side > SIDE_READ;)
            set_pool(arena, &film, 2 * film.cells.pool);
        least = frame_bytes(&film) * (size_t)frames_wanted(run);
    }
    *ret_budget = least;
    arena_free(arena);
    return status;
}
