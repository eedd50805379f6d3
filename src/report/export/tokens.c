/* tokens.csv: which tokens the anchors are at the end of each run, by id and text: of the model, of each layer, of each
 * head, the largest share first, at most TOKENS_KEPT of a scope. `layer` and `head` are empty where the scope is wider.
 */
#include "report/export/export.h"

enum { RUN, ARM, SEED, STEP, LAYER, HEAD, TOKEN, TEXT, SHARE, ANCHORS, TOP_SHARE };

static void add_scope(Table *table, const Report *report, const ReportRun *run, int layer, int head,
                      const ScopeTokens *tokens)
{
    for (int i = 0; i < tokens->n; i++) {
        const FrameAnchor *anchor = &tokens->anchors[i];
        const int row = table_add_row(table);
        table_set_text(table, row, RUN, run->folder);
        table_set_text(table, row, ARM, report->arms[run->arm].name);
        table_set(table, row, SEED, (double)run->seed);
        table_set(table, row, STEP, run->steps[run->n_snapshots - 1]);
        if (layer >= 0)
            table_set(table, row, LAYER, layer);
        if (head >= 0)
            table_set(table, row, HEAD, head);
        table_set(table, row, TOKEN, anchor->identity);
        table_set_text(table, row, TEXT, tokens->texts[i]);
        table_set(table, row, SHARE, anchor->share);
        table_set(table, row, ANCHORS, anchor->n_anchors);
        table_set(table, row, TOP_SHARE, anchor->top_share);
    }
}

static int write_tokens(Report *report, const char *path, Error *err)
{
    static const ExportColumn columns[] = {
        [RUN] = {"run", "", 1},
        [ARM] = {"arm", "", 1},
        [SEED] = {"seed", "", 0},
        [STEP] = {"step", "steps", 0},
        [LAYER] = {"layer", "", 0},
        [HEAD] = {"head", "", 0},
        [TOKEN] = {"token", "", 0},
        [TEXT] = {"text", "", 1},
        [SHARE] = {"share", "share of the anchors' excess", 0},
        [ANCHORS] = {"anchors", "anchors", 0},
        [TOP_SHARE] = {"top_share", "share of sequences and heads", 0},
    };
    Arena *arena = arena_new();
    Table *table = export_table_new(arena, columns, sizeof columns / sizeof *columns);
    for (int r = 0; r < report->n_runs; r++) {
        const ReportRun *run = &report->runs[r];
        if (run->n_snapshots == 0)
            continue;
        add_scope(table, report, run, -1, -1, &run->anchors.model);
        for (int l = 0; l < run->n_layers; l++) {
            add_scope(table, report, run, l, -1, &run->anchors.layers[l]);
            for (int h = 0; h < run->n_heads; h++)
                add_scope(table, report, run, l, h, &run->anchors.heads[l * run->n_heads + h]);
        }
    }
    const int status = export_table(report, table, path, err);
    arena_free(arena);
    return status;
}

const Export export_tokens = {
    .variant = {.name = "tokens", .summary = "tokens.csv: which tokens are the anchors of each run", .source = "-"},
    .file = "tokens.csv",
    .write = write_tokens,
};
