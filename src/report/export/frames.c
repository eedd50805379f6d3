/* frames.csv: the frame that each run ended with, of the model, of each layer, of each head: the label at the last
 * snapshot by place and by token, how far the nearest other label is (the least distance of a statistic from a
 * threshold, and which), and the share of sequences that, each alone, have it. `layer` and `head` are empty where the
 * scope is wider; `final` is the model's label over the last three snapshots, by which verdicts judge.
 */
#include <math.h>

#include "report/export/export.h"
#include "report/trace.h"

enum {
    RUN,
    ARM,
    SEED,
    STEP,
    LAYER,
    HEAD,
    FRAME,
    MARGIN,
    NEAREST,
    AGREEMENT,
    BY_TOKEN,
    BY_TOKEN_MARGIN,
    BY_TOKEN_NEAREST,
    BY_TOKEN_AGREEMENT,
    FINAL,
    FINAL_BY_TOKEN,
    ANCHORS,
    PLACES,
    TOKENS
};

static void put_label(Table *table, int row, int first, FrameType type, const FrameMargin *margin)
{
    table_set_text(table, row, first, frame_name(type));
    table_set(table, row, first + 1, margin->least);
    if (margin->nearest >= 0)
        table_set_text(table, row, first + 2, frame_rules[margin->nearest].name);
    table_set(table, row, first + 3, margin->agreement);
}

static void add_scope(Table *table, const Report *report, const ReportRun *run, int layer, int head, const Frame *frame)
{
    const int row = table_add_row(table);
    table_set_text(table, row, RUN, run->folder);
    table_set_text(table, row, ARM, report->arms[run->arm].name);
    table_set(table, row, SEED, (double)run->seed);
    table_set(table, row, STEP, run->steps[run->n_snapshots - 1]);
    if (layer >= 0)
        table_set(table, row, LAYER, layer);
    if (head >= 0)
        table_set(table, row, HEAD, head);
    put_label(table, row, FRAME, frame->by_position, &frame->position_margin);
    put_label(table, row, BY_TOKEN, frame->by_token, &frame->token_margin);
    for (int k = 0; k < 2 && layer < 0; k++)
        table_set_text(table, row, FINAL + k, frame_name((FrameType)frame_final(run, k)));
    table_set(table, row, ANCHORS, frame->n_anchors);
    table_set(table, row, PLACES, frame->n_places);
    table_set(table, row, TOKENS, frame->n_tokens);
}

static int write_frames(Report *report, const char *path, Error *err)
{
    static const ExportColumn columns[] = {
        [RUN] = {"run", "", 1},
        [ARM] = {"arm", "", 1},
        [SEED] = {"seed", "", 0},
        [STEP] = {"step", "steps", 0},
        [LAYER] = {"layer", "", 0},
        [HEAD] = {"head", "", 0},
        [FRAME] = {"frame", "", 1},
        [MARGIN] = {"margin", "that of the nearest threshold", 0},
        [NEAREST] = {"nearest", "", 1},
        [AGREEMENT] = {"agreement", "share of sequences", 0},
        [BY_TOKEN] = {"frame_by_token", "", 1},
        [BY_TOKEN_MARGIN] = {"by_token_margin", "that of the nearest threshold", 0},
        [BY_TOKEN_NEAREST] = {"by_token_nearest", "", 1},
        [BY_TOKEN_AGREEMENT] = {"by_token_agreement", "share of sequences", 0},
        [FINAL] = {"final", "", 1},
        [FINAL_BY_TOKEN] = {"final_by_token", "", 1},
        [ANCHORS] = {"n_anchors", "anchors", 0},
        [PLACES] = {"n_places", "places", 0},
        [TOKENS] = {"n_tokens", "tokens", 0},
    };
    Arena *arena = arena_new();
    Table *table = export_table_new(arena, columns, sizeof columns / sizeof *columns);
    for (int r = 0; r < report->n_runs; r++) {
        const ReportRun *run = &report->runs[r];
        if (run->n_snapshots == 0)
            continue;
        const SnapshotFrames *frames = &run->frames[run->n_snapshots - 1];
        add_scope(table, report, run, -1, -1, &frames->model);
        for (int l = 0; l < run->n_layers; l++) {
            add_scope(table, report, run, l, -1, &frames->layers[l]);
            for (int h = 0; h < run->n_heads; h++)
                add_scope(table, report, run, l, h, &frames->heads[l * run->n_heads + h]);
        }
    }
    const int status = export_table(report, table, path, err);
    arena_free(arena);
    return status;
}

extern const Export export_frames;
const Export export_frames = {
    .variant = {.name = "frames",
                .summary = "frames.csv: the label that each run ended with, and its margin",
                .source = "-"},
    .file = "frames.csv",
    .write = write_frames,
};
