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

enum { WIDEST_MAPS = 100 }; /* columns of pictures side by side */
enum { SIDE = 16 };         /* rows of a picture, and columns, each two characters wide */

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
enum { N_SHOWN = sizeof columns / sizeof *columns };

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

static void add_metrics(const Report *report, const ReportRun *run, int width, int use_colour, Text *text)
{
    Arena *arena = report->arena;
    const int n = run->n_layers * run->n_heads;
    const char *headings[N_SHOWN];
    StyleHead *rows = ARENA_ARRAY(arena, StyleHead, n);
    StyleHeads heads = {.headings = headings, .rows = rows, .n_rows = n};
    for (int m = 0; m < N_SHOWN; m++)
        if (run->metrics[m].n > 0) /* measured in this snapshot */
            headings[heads.n_columns++] = columns[m].heading;
    for (int h = 0; h < n; h++) {
        const char **cells = ARENA_ARRAY(arena, const char *, N_SHOWN);
        int c = 0;
        for (int m = 0; m < N_SHOWN; m++) {
            if (run->metrics[m].n == 0)
                continue;
            const double value = run->metrics[m].values[h];
            cells[c++] = isnan(value) ? "-" : arena_format(arena, "%.*f", columns[m].decimals, value);
        }
        rows[h] = (StyleHead){.name = arena_format(arena, "  %d.%d", h / run->n_heads, h % run->n_heads),
                              .cells = cells,
                              .frame = &run->frames[0].heads[h],
                              .name_style = STYLE_BOLD};
    }
    style_heads(text, &heads, width, use_colour);
    text_add(text, "\n");
    for (int l = 0; l < run->n_layers; l++) {
        const char *name = arena_format(arena, "  layer %d   ", l);
        text_add(text, name);
        style_frame(text, &run->frames[0].layers[l], style_width(name), width, use_colour);
    }
    style_padded(text, "  model     ", 0, STYLE_BOLD, use_colour);
    style_frame(text, &run->frames[0].model, 12, width, use_colour);
}

/* Columns of the table of anchors, and that of its tokens, which have lines of their own in a narrow terminal. */
enum { SCOPE = 10, PLACE = 13, TOP = 11, TOKENS = 2 + SCOPE + PLACE + TOP, LEAST_TOKENS = 24, BELOW = 4 };

/* "  0.1  first  98 %  "," 0.62  " " 0.21  <bos> 0.08"; nothing where there are no anchors.
 * Returns whether the place is in doubt. */
static int add_scope(Arena *arena, const char *name, const Frame *frame, const ScopeTokens *tokens, int width,
                     int use_colour, Text *text)
{
    if (tokens->n == 0)
        return 0;
    text_add(text, "  ");
    style_padded(text, name, SCOPE, STYLE_BOLD, use_colour);
    style_padded(text, place_shown(arena, frame), PLACE, STYLE_PLAIN, use_colour);
    style_padded(text, arena_format(arena, "%.2f", frame->place_share), TOP, STYLE_PLAIN, use_colour);
    int column = TOKENS;
    for (int i = 0; i < tokens->n && i < 3; i++) {
        const char *token = token_shown(arena, tokens->texts[i]);
        const char *share = arena_format(arena, " %.2f", tokens->anchors[i].share);
        const int n = style_width(token) + style_width(share), gap = i > 0 ? 3 : 0;
        const int is_new = n + gap > width - column || (i == 0 && width - TOKENS < LEAST_TOKENS);
        if (is_new) {
            column = width - TOKENS < LEAST_TOKENS ? BELOW : TOKENS;
            text_add(text, "\n");
        }
        style_padded(text, "", is_new ? column : gap, STYLE_PLAIN, use_colour);
        style_padded(text, token, 0, STYLE_PLAIN, use_colour);
        style_padded(text, share, 0, STYLE_DIM, use_colour);
        column += (is_new ? 0 : gap) + n;
    }
    text_add(text, "\n");
    return !frame->place_checked;
}

static void add_anchors(Arena *arena, const ReportRun *run, int width, int use_colour, Text *text)
{
    const SnapshotFrames *frames = &run->frames[0];
    const AnchorTokens *anchors = &run->anchors;
    text_add(text, "\n");
    if (anchors->model.n == 0) {
        style_wrapped(text, "no head has an anchor in most of its sequences", 2, width, STYLE_DIM, use_colour);
        return;
    }
    text_add(text, "  ");
    style_padded(text, "anchors", SCOPE, STYLE_DIM, use_colour);
    style_padded(text, "modal place", PLACE, STYLE_DIM, use_colour);
    style_padded(text, "top there", TOP, STYLE_DIM, use_colour);
    if (width - TOKENS < LEAST_TOKENS)
        text_add(text, "\n    ");
    style_going_on(text, "tokens by their share of the anchors' excess", width - TOKENS < LEAST_TOKENS ? BELOW : TOKENS,
                   width - TOKENS < LEAST_TOKENS ? BELOW : TOKENS, width, STYLE_DIM, use_colour);
    int n_doubtful = 0;
    for (int l = 0; l < run->n_layers; l++)
        for (int h = 0; h < run->n_heads; h++) {
            const int head = l * run->n_heads + h;
            n_doubtful += add_scope(arena, arena_format(arena, "%d.%d", l, h), &frames->heads[head],
                                    &anchors->heads[head], width, use_colour, text);
        }
    for (int l = 0; l < run->n_layers; l++)
        n_doubtful += add_scope(arena, arena_format(arena, "layer %d", l), &frames->layers[l], &anchors->layers[l],
                                width, use_colour, text);
    n_doubtful += add_scope(arena, "model", &frames->model, &anchors->model, width, use_colour, text);
    if (n_doubtful > 0)
        style_wrapped(text, "? nothing tells whether it counts from the start or from the end", 2, width, STYLE_DIM,
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
        return error_set(err, STATUS_INPUT, "%s: has no snapshots; show takes a run's folder, results/NAME/RUN",
                         run_folder);
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

int report_show(Arena *arena, const char *run_folder, int64_t step, int width, int use_colour, Text *ret_text,
                Error *err)
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
    text_add(ret_text, "\n");
    style_wrapped(
        ret_text,
        arena_format(arena,
                     "step %lld (%d snapshot%s up to step %lld); %.0f tokens seen; held-out loss %.4f %s per target",
                     (long long)step, n, n == 1 ? "" : "s", (long long)steps[n - 1], run.tokens[0], run.losses[0],
                     run_loss_unit(&run)),
        2, width, STYLE_PLAIN, use_colour);
    text_add(ret_text, "\n");
    add_metrics(&report, &run, width, use_colour, ret_text);
    add_anchors(arena, &run, width, use_colour, ret_text);
    const float *map =
        npz_data(&npz, "map_mean", NPY_FLOAT32, 4, (int64_t[]){run.n_layers, run.n_heads, run.length, run.length});
    for (int l = 0; map && l < run.n_layers; l++)
        add_maps(map, l, run.n_heads, run.length, width < WIDEST_MAPS ? width : WIDEST_MAPS, ret_text);
    text_add(ret_text, "\n");
    return STATUS_OK;
}
