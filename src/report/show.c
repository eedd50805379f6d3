/* `refframe show`: one snapshot as text. Per layer and head the main metrics and both labels, where the anchors are and
 * which tokens, and a small picture of the head's mean attention: queries run down, keys run right, T x T brought to
 * SIDE x SIDE by summing keys and averaging queries (rows keep their sum), darker is more.
 */
#include "report/report.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "base/json.h"
#include "report/anchors.h"
#include "report/results.h"
#include "report/snapshots.h"
#include "report/style.h"
#include "store/manifest.h"
#include "store/npz.h"

enum { SIDE = 16 }; /* rows of a picture, and columns, each two characters wide */

/* Shown when the snapshot has them, in this order; all are defined in metrics.json. */
static const struct {
    const char *name, *heading;
    int decimals;
} columns[] = {
    {"sink_mass_idle", "sink idle", 3},
    {"sink_mass", "sink", 3},
    {"alpha", "alpha", 3},
    {"max_inflow", "max inflow", 3},
    {"end_mass", "end", 3},
    {"n_anchors", "anchors", 1},
    {"attention_entropy_normalised", "entropy", 2},
    {"value_drain", "v drain", 2},
    {"logit_gap", "logit gap", 2},
};
enum { N_SHOWN = sizeof columns / sizeof *columns, CELL = 11 };

/* Metrics as plain rows of a schema, so that run_collect reads them. */
static void declare_metrics(Report *report)
{
    report->metrics = ARENA_ARRAY(report->arena, ReportMetric, N_SHOWN);
    report->n_metrics = N_SHOWN;
    for (int m = 0; m < N_SHOWN; m++) {
        report->metrics[m] =
            (ReportMetric){.name = columns[m].name, .direction = 1, .threshold = (double)NAN, .ratio = 1};
        metric_name_members(report->arena, &report->metrics[m]);
    }
}

static void add_metrics(const Report *report, const ReportRun *run, int use_colour, Text *text)
{
    style_padded(text, "  head", 10, STYLE_DIM, use_colour);
    for (int m = 0; m < N_SHOWN; m++)
        if (run->metrics[m].n > 0)
            style_padded(text, columns[m].heading, CELL, STYLE_DIM, use_colour);
    style_padded(text, "by position", 15, STYLE_DIM, use_colour);
    style_padded(text, "by token", 15, STYLE_DIM, use_colour);
    style_padded(text, "margin, agree", 0, STYLE_DIM, use_colour);
    text_add(text, "\n");
    for (int l = 0; l < run->n_layers; l++)
        for (int h = 0; h < run->n_heads; h++) {
            char cell[32];
            snprintf(cell, sizeof cell, "  %d.%d", l, h);
            style_padded(text, cell, 10, STYLE_BOLD, use_colour);
            for (int m = 0; m < report->n_metrics; m++) {
                if (run->metrics[m].n == 0)
                    continue; /* not measured in this snapshot */
                const double *values = run->metrics[m].values;
                snprintf(cell, sizeof cell, "%.*f", columns[m].decimals, values[l * run->n_heads + h]);
                style_padded(text, isnan(values[l * run->n_heads + h]) ? "-" : cell, CELL, STYLE_PLAIN, use_colour);
            }
            style_frame(text, &run->frames[0].heads[l * run->n_heads + h], use_colour);
        }
    text_add(text, "\n");
    for (int l = 0; l < run->n_layers; l++) {
        text_addf(text, "  layer %d   ", l);
        style_frame(text, &run->frames[0].layers[l], use_colour);
    }
    style_padded(text, "  model     ", 0, STYLE_BOLD, use_colour);
    style_frame(text, &run->frames[0].model, use_colour);
}

/* "  0.1  first  98 %  "," 0.62  " " 0.21  <bos> 0.08"; nothing where there are no anchors.
 * Returns whether the place is in doubt. */
static int add_scope(Arena *arena, const char *name, const Frame *frame, const ScopeTokens *tokens, int use_colour,
                     Text *text)
{
    if (tokens->n == 0)
        return 0;
    text_add(text, "  ");
    style_padded(text, name, 10, STYLE_BOLD, use_colour);
    style_padded(text, place_shown(arena, frame), 13, STYLE_PLAIN, use_colour);
    style_padded(text, arena_format(arena, "%.2f", frame->place_share), 11, STYLE_PLAIN, use_colour);
    for (int i = 0; i < tokens->n && i < 3; i++) {
        text_add(text, i > 0 ? "   " : "");
        style_padded(text, token_shown(arena, tokens->texts[i]), 0, STYLE_PLAIN, use_colour);
        text_add(text, " ");
        style_padded(text, arena_format(arena, "%.2f", tokens->anchors[i].share), 0, STYLE_DIM, use_colour);
    }
    text_add(text, "\n");
    return !frame->place_checked;
}

static void add_anchors(Arena *arena, const ReportRun *run, int use_colour, Text *text)
{
    const SnapshotFrames *frames = &run->frames[0];
    const AnchorTokens *anchors = &run->anchors;
    text_add(text, "\n  ");
    if (anchors->model.n == 0) {
        style_padded(text, "no head has an anchor in most of its sequences", 0, STYLE_DIM, use_colour);
        text_add(text, "\n");
        return;
    }
    style_padded(text, "anchors", 10, STYLE_DIM, use_colour);
    style_padded(text, "modal place", 13, STYLE_DIM, use_colour);
    style_padded(text, "top there", 11, STYLE_DIM, use_colour);
    style_padded(text, "tokens by their share of the anchors' excess", 0, STYLE_DIM, use_colour);
    text_add(text, "\n");
    int n_doubtful = 0;
    for (int l = 0; l < run->n_layers; l++)
        for (int h = 0; h < run->n_heads; h++) {
            const int head = l * run->n_heads + h;
            n_doubtful += add_scope(arena, arena_format(arena, "%d.%d", l, h), &frames->heads[head],
                                    &anchors->heads[head], use_colour, text);
        }
    for (int l = 0; l < run->n_layers; l++)
        n_doubtful += add_scope(arena, arena_format(arena, "layer %d", l), &frames->layers[l], &anchors->layers[l],
                                use_colour, text);
    n_doubtful += add_scope(arena, "model", &frames->model, &anchors->model, use_colour, text);
    if (n_doubtful > 0)
        style_padded(text, "  ? nothing tells whether it counts from the start or from the end\n", 0, STYLE_DIM,
                     use_colour);
}

/* One head's map brought to side x side. What no sequence is long enough for is not a number, and left out. */
static void shrink(const float *map, int T, int side, double *ret_small)
{
    double n_queries[SIDE] = {0};
    memset(ret_small, 0, (size_t)(side * side) * sizeof *ret_small);
    for (int i = 0; i < T; i++) {
        n_queries[i * side / T] += !isnan(map[(size_t)i * T + i]);
        for (int j = 0; j < T; j++)
            if (!isnan(map[(size_t)i * T + j]))
                ret_small[i * side / T * side + j * side / T] += (double)map[(size_t)i * T + j];
    }
    for (int i = 0; i < side; i++)
        for (int j = 0; j < side; j++)
            ret_small[i * side + j] /= n_queries[i];
}

/* One layer's heads side by side. */
static void add_maps(const float *maps, int layer, int H, int T, int width, Text *text)
{
    static const char *const shades[] = {" ",           "\xC2\xB7", "\xE2\x96\x91", "\xE2\x96\x92", "\xE2\x96\x93",
                                         "\xE2\x96\x88"};
    static const double bounds[] = {0.02, 0.08, 0.2, 0.4, 0.7}; /* attention at which the next shade starts */
    const int side = T < SIDE ? T : SIDE,
              per_line = (width - 2) / (2 * SIDE + 3) > 0 ? (width - 2) / (2 * SIDE + 3) : 1;
    double small[SIDE * SIDE];
    for (int first = 0; first < H; first += per_line) {
        const int end = first + per_line < H ? first + per_line : H;
        text_add(text, "\n  ");
        for (int h = first; h < end; h++) {
            char heading[32];
            snprintf(heading, sizeof heading, "%d.%d", layer, h);
            style_padded(text, heading, 2 * side + 3, STYLE_PLAIN, 0);
        }
        text_add(text, "\n");
        for (int i = 0; i < side; i++) {
            text_add(text, "  ");
            for (int h = first; h < end; h++) {
                shrink(maps + ((size_t)layer * H + h) * T * T, T, side, small);
                for (int j = 0; j < side; j++) {
                    int shade = 0;
                    while (shade < 5 && small[i * side + j] >= bounds[shade])
                        shade++;
                    text_add(text, shades[shade]); /* twice: a character is about twice as tall as wide */
                    text_add(text, shades[shade]);
                }
                text_add(text, "   ");
            }
            text_add(text, "\n");
        }
    }
}

/* The step asked for among those there are, the last one for a negative. */
static int choose_step(const char *run_folder, int n, const int64_t *steps, int64_t *step, Error *err)
{
    if (n == 0)
        return error_set(err, STATUS_INPUT, "%s: has no snapshots", run_folder);
    if (*step < 0)
        *step = steps[n - 1];
    int at = 0;
    while (at < n && steps[at] < *step)
        at++;
    if (at < n && steps[at] == *step)
        return STATUS_OK;
    const int64_t below = steps[at > 0 ? at - 1 : 0], above = steps[at < n ? at : n - 1];
    const int64_t nearest = *step - below <= above - *step ? below : above;
    return error_set(err, STATUS_INPUT, "%s: has no snapshot at step %lld; the nearest is %lld", run_folder,
                     (long long)*step, (long long)(at == n ? steps[n - 1] : nearest));
}

int report_show(Arena *arena, const char *run_folder, int64_t step, int use_colour, Text *ret_text, Error *err)
{
    int64_t *steps;
    if (!file_is_folder(run_folder))
        return error_set(err, STATUS_INPUT, "%s: there is no such folder", run_folder);
    int n, status = run_steps(arena, run_folder, RUN_SNAPSHOTS, &steps, &n, err);
    if (status != STATUS_OK)
        return status;
    status = choose_step(run_folder, n, steps, &step, err);
    if (status != STATUS_OK)
        return status;
    Report report = {.arena = arena, .folder = run_folder};
    ReportRun run = {.folder = run_folder};
    declare_metrics(&report);
    Manifest manifest = {.status = RUN_ABSENT};
    if (file_exists(file_join(arena, run_folder, RUN_MANIFEST)))
        status = manifest_read(arena, run_folder, &manifest, err);
    if (status != STATUS_OK)
        return status;
    /* of a run under way the manifest may not know the last snapshots yet */
    const int is_known = manifest.status == RUN_FINISHED;
    status = run_collect(&report, run_folder, is_known ? &manifest : NULL, step, &run, err);
    if (status != STATUS_OK)
        return status;
    Npz npz;
    status = npz_read(arena, run_snapshot_path(arena, run_folder, step), &npz, err);
    if (status != STATUS_OK)
        return status;

    char *name = file_basename(arena, run_folder);
    text_add(ret_text, "\n  ");
    style_padded(ret_text, name, 0, STYLE_BOLD, use_colour);
    text_addf(ret_text,
              "\n  step %lld (%d snapshots up to step %lld); %.0f tokens seen; held-out loss %.4f %s per target\n\n",
              (long long)step, n, (long long)steps[n - 1], run.tokens[0], run.losses[0], run_loss_unit(&run));
    add_metrics(&report, &run, use_colour, ret_text);
    add_anchors(arena, &run, use_colour, ret_text);
    const float *map =
        npz_data(&npz, "map_mean", NPY_FLOAT32, 4, (int64_t[]){run.n_layers, run.n_heads, run.length, run.length});
    for (int l = 0; map && l < run.n_layers; l++)
        add_maps(map, l, run.n_heads, run.length, 100, ret_text);
    text_add(ret_text, "\n");
    return STATUS_OK;
}
