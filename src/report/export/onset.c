/* onset.csv: when things came to stay: one row per run and metric with a declared threshold, frame type (by position
 * and by token) or milestone of the loss, at the level of the model, the first head, each layer and each head; in
 * steps, tokens and targets, each as the interval (previous snapshot, this one].
 *
 * `loss` and `early` (share of the loss's fall made) are read at `by`. A column for every milestone says which of the
 * two came first. An empty cell is not available.
 */
#include "report/export/export.h"

#include <math.h>
#include <string.h>

#include "report/trace.h"

enum {
    RUN,
    ARM,
    SEED,
    OF,
    LEVEL,
    LAYER,
    HEAD,
    KIND,
    AFTER,
    BY,
    TOKENS_AFTER,
    TOKENS_BY,
    TARGETS_AFTER,
    TARGETS_BY,
    LOSS,
    EARLY,
    HALF_RISE,
    N_FIXED
};

/* The milestones of all runs, in the order of their columns, and where the present run reached them. */
typedef struct {
    int n;
    const char **names;
    Onset *onsets;
    unsigned char *has; /* whether the present run's task has it */
} Milestones;

/* The run whose rows are written. */
typedef struct {
    Arena *scratch;
    Table *table;
    const Report *report;
    const ReportRun *run;
    Milestones milestones;
} Writer;

static const char *milestone_name(Arena *arena, const ReportRun *run, int group)
{
    return arena_format(arena, "%s halved", run->loss_names[group]);
}

static int find_milestone(const Milestones *milestones, const char *name)
{
    int i = 0;
    while (i < milestones->n && strcmp(milestones->names[i], name) != 0)
        i++;
    return i;
}

static Milestones list_milestones(Arena *arena, const Report *report)
{
    Milestones all = {0};
    int most = 1;
    for (int r = 0; r < report->n_runs; r++)
        most += report->runs[r].n_losses;
    all.names = ARENA_ARRAY(arena, const char *, most);
    all.onsets = ARENA_ARRAY(arena, Onset, most);
    all.has = ARENA_ARRAY(arena, unsigned char, most);
    for (int r = 0; r < report->n_runs; r++)
        for (int g = 1; g < report->runs[r].n_losses; g++) {
            const char *name = milestone_name(arena, &report->runs[r], g);
            if (find_milestone(&all, name) == all.n)
                all.names[all.n++] = name;
        }
    return all;
}

/* A row; `at`: which of the run's snapshots the onset's are, NULL for all of them. */
static int add_onset(Writer *writer, const char *of, const char *level, const Onset *onset, const int *at)
{
    static const char *const orders[] = {"before", "unordered", "after"};
    const ReportRun *run = writer->run;
    Table *table = writer->table;
    const int row = table_add_row(table);
    table_set_text(table, row, RUN, run->folder);
    table_set_text(table, row, ARM, writer->report->arms[run->arm].name);
    table_set(table, row, SEED, (double)run->seed);
    table_set_text(table, row, OF, of);
    table_set_text(table, row, LEVEL, level);
    table_set_text(table, row, KIND, onset_kind_name(onset->kind));
    if (onset->kind == ONSET_NEVER)
        return row;
    for (int i = 0; i < writer->milestones.n; i++)
        if (writer->milestones.has[i] && strcmp(writer->milestones.names[i], of) != 0)
            table_set_text(table, row, N_FIXED + i, orders[1 + onset_order(onset, &writer->milestones.onsets[i])]);
    if (onset->kind != ONSET_FOUND)
        return row;
    const int s = at ? at[onset->index] : onset->index, before = at ? at[onset->index - 1] : onset->index - 1;
    table_set(table, row, AFTER, onset->after);
    table_set(table, row, BY, onset->by);
    table_set(table, row, TOKENS_AFTER, run->tokens[before]);
    table_set(table, row, TOKENS_BY, run->tokens[s]);
    table_set(table, row, TARGETS_AFTER, run->targets[before]);
    table_set(table, row, TARGETS_BY, run->targets[s]);
    table_set(table, row, LOSS, run->losses[(size_t)s * run->n_losses]);
    table_set(table, row, EARLY, loss_fall_share(writer->scratch, run, onset->by));
    return row;
}

static void set_place(Table *table, int row, int layer, int head)
{
    if (layer >= 0)
        table_set(table, row, LAYER, layer);
    if (head >= 0)
        table_set(table, row, HEAD, head);
}

static void add_metric_onset(Writer *writer, int m, TraceLevel level, int layer, int head)
{
    static const char *const names[] = {
        [TRACE_MODEL] = "model", [TRACE_FIRST] = "first", [TRACE_LAYER] = "layer", [TRACE_HEAD] = "head"};
    const ReportMetric *metric = &writer->report->metrics[m];
    Trace trace;
    Onset onset;
    if (trace_of(writer->scratch, writer->report, writer->run, m, level, layer, head, &trace) != 0)
        return;
    trace_onset(&trace, metric, &onset);
    const int row = add_onset(writer, metric->name, names[level], &onset, trace.at);
    set_place(writer->table, row, trace.layer, trace.head);
    table_set(writer->table, row, HALF_RISE, trace_half_rise(&trace, metric));
}

static void add_metric(Writer *writer, int m)
{
    const ReportMetric *metric = &writer->report->metrics[m];
    const ReportRun *run = writer->run;
    if (isnan(metric->threshold) || metric->direction == 0)
        return;
    add_metric_onset(writer, m, TRACE_MODEL, -1, -1);
    if (metric->level == PER_MODEL)
        return;
    add_metric_onset(writer, m, TRACE_FIRST, -1, -1);
    for (int l = 0; l < run->n_layers; l++) {
        add_metric_onset(writer, m, TRACE_LAYER, l, -1);
        for (int h = 0; h < run->n_heads && metric->level == PER_HEAD; h++)
            add_metric_onset(writer, m, TRACE_HEAD, l, h);
    }
}

static void add_frame(Writer *writer, FrameType type, int by_token)
{
    const ReportRun *run = writer->run;
    const char *of = arena_format(writer->scratch, "%s:%s", by_token ? "frame_by_token" : "frame", frame_name(type));
    for (int l = -1; l < run->n_layers; l++)
        for (int h = -1; h < (l < 0 ? 0 : run->n_heads); h++) {
            Onset onset;
            frame_onset(writer->scratch, run, type, by_token, l, h, &onset);
            if (l < 0 || onset.kind != ONSET_NEVER) /* below the model only what came is listed */
                set_place(writer->table,
                          add_onset(writer, of,
                                    l < 0   ? "model"
                                    : h < 0 ? "layer"
                                            : "head",
                                    &onset, NULL),
                          l, h);
        }
}

/* The run's milestones come last; they are what the other rows are compared with. */
static void add_run(Writer *writer)
{
    Milestones *milestones = &writer->milestones;
    const ReportRun *run = writer->run;
    memset(milestones->has, 0, (size_t)milestones->n);
    for (int g = 1; g < run->n_losses; g++) {
        if (isnan(run->losses[g]))
            continue; /* no such target, no milestone */
        const int i = find_milestone(milestones, milestone_name(writer->scratch, run, g));
        loss_halved(writer->scratch, run, g, &milestones->onsets[i]);
        milestones->has[i] = 1;
    }
    for (int m = 0; m < writer->report->n_metrics; m++)
        add_metric(writer, m);
    for (int by_token = 0; by_token < 2 && frame_is_known(run); by_token++)
        for (int type = 0; type < FRAME_COUNT; type++)
            add_frame(writer, (FrameType)type, by_token);
    for (int i = 0; i < milestones->n; i++)
        if (milestones->has[i])
            add_onset(writer, milestones->names[i], "model", &milestones->onsets[i], NULL);
}

static int write_onsets(Report *report, const char *path, Error *err)
{
    const ExportColumn columns[] = {
        [RUN] = {"run", "", 1},
        [ARM] = {"arm", "", 1},
        [SEED] = {"seed", "", 0},
        [OF] = {"of", "", 1},
        [LEVEL] = {"level", "", 1},
        [LAYER] = {"layer", "", 0},
        [HEAD] = {"head", "", 0},
        [KIND] = {"kind", "", 1},
        [AFTER] = {"after", "steps", 0},
        [BY] = {"by", "steps", 0},
        [TOKENS_AFTER] = {"tokens_after", "tokens", 0},
        [TOKENS_BY] = {"tokens_by", "tokens", 0},
        [TARGETS_AFTER] = {"targets_after", "targets", 0},
        [TARGETS_BY] = {"targets_by", "targets", 0},
        [LOSS] = {"loss", export_loss_unit(report), 0},
        [EARLY] = {"early", "share of the loss's fall", 0},
        [HALF_RISE] = {"half_rise", "steps", 0},
    };
    Arena *arena = arena_new();
    Table *table = export_table_new(arena, columns, sizeof columns / sizeof *columns);
    Writer writer = {arena_new(), table, report, NULL, list_milestones(arena, report)};
    for (int i = 0; i < writer.milestones.n; i++)
        table_add_text_column(table, writer.milestones.names[i]);
    for (int r = 0; r < report->n_runs; r++) {
        writer.run = &report->runs[r];
        if (writer.run->n_snapshots > 0)
            add_run(&writer);
        arena_free(writer.scratch);
        writer.scratch = arena_new();
    }
    arena_free(writer.scratch);
    const int status = export_table(report, table, path, err);
    arena_free(arena);
    return status;
}

const Export export_onset = {
    .variant = {.name = "onset",
                .summary = "onset.csv: one row per run and metric, frame type or milestone",
                .source = "-"},
    .file = "onset.csv",
    .write = write_onsets,
};
