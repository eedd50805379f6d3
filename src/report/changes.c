/* See changes.h. Pairs are never walked: within a block of n labels, of which c are one, n(n-1)/2 - sum c(c-1)/2
 * differ. */
#include "report/changes.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "frame/frame.h"
#include "report/term.h"
#include "report/trace.h"

enum { NOT_PLANNED = -2, NOT_FINISHED = -1 };

int report_find_axis(const Report *report, const char *name)
{
    for (int x = 0; x < report->n_axes; x++)
        if (strcmp(report->axes[x].name, name) == 0)
            return x;
    return -1;
}

/* ---- set-ups ---- */

typedef struct {
    const Report *report;
    int axis, arm;
} SetupKey;

/* By the values on all other axes. */
static int compare_setups(const SetupKey *a, const SetupKey *b)
{
    for (int x = 0; x < a->report->n_axes; x++) {
        const ReportArm *arms = a->report->arms;
        const int order = x == a->axis ? 0 : strcmp(arms[a->arm].values[x], arms[b->arm].values[x]);
        if (order != 0)
            return order;
    }
    return 0;
}

static int by_setup(const void *left, const void *right)
{
    const SetupKey *a = left, *b = right;
    const int order = compare_setups(a, b);
    return order != 0 ? order : (a->arm > b->arm) - (a->arm < b->arm);
}

static void find_setups(Arena *arena, const Report *report, int axis, Setups *ret_setups)
{
    const int n_arms = report->n_arms;
    SetupKey *keys = ARENA_ARRAY(arena, SetupKey, n_arms + 1);
    int *firsts = ARENA_ARRAY(arena, int, n_arms + 1), *at = ARENA_ARRAY(arena, int, n_arms + 1);
    Setups setups = {0, ARENA_ARRAY(arena, int, n_arms + 2), ARENA_ARRAY(arena, int, n_arms + 1)};
    for (int a = 0; a < n_arms; a++)
        keys[a] = (SetupKey){report, axis, a};
    qsort(keys, (size_t)n_arms, sizeof *keys, by_setup);
    for (int i = 0; i < n_arms; i++) /* the first arm that has an arm's set-up */
        firsts[keys[i].arm] =
            i > 0 && compare_setups(&keys[i - 1], &keys[i]) == 0 ? firsts[keys[i - 1].arm] : keys[i].arm;
    for (int a = 0; a < n_arms; a++) {
        at[a] = firsts[a] == a ? setups.n++ : at[firsts[a]];
        setups.starts[at[a] + 1]++;
    }
    for (int u = 0; u < setups.n; u++)
        setups.starts[u + 1] += setups.starts[u];
    int *ends = ARENA_ARRAY(arena, int, n_arms + 1);
    for (int a = 0; a < n_arms; a++)
        setups.arms[setups.starts[at[a]] + ends[at[a]]++] = a;
    *ret_setups = setups;
}

void changes_new(Arena *arena, const Report *report, Changes *ret_changes)
{
    Changes changes = {.report = report, .setups = ARENA_ARRAY(arena, Setups, report->n_axes + 1)};
    const ReportRun *const *grid = report->grid;
    const size_t n = (size_t)report->n_arms * (size_t)report->n_seeds;
    for (int x = 0; x < report->n_axes; x++)
        find_setups(arena, report, x, &changes.setups[x]);
    for (int k = 0; k < 2; k++) {
        changes.labels[k] = ARENA_ARRAY(arena, int, n + 1);
        for (size_t i = 0; i < n; i++)
            changes.labels[k][i] = !grid[i]                     ? NOT_PLANNED
                                   : !run_has_finished(grid[i]) ? NOT_FINISHED
                                                                : frame_final(grid[i], k);
    }
    *ret_changes = changes;
}

/* ---- one switch ---- */

/* The arms that a question is about, by set-up: those with no other to differ from are left out. */
typedef struct {
    int n_blocks, n_arms;
    int *starts; /* (n_blocks+1,) into arms */
    int *arms;
} Asked;

static int has_value(const Changes *changes, const Switch *which, int arm)
{
    const ReportAxis *axis = &changes->report->axes[which->axis];
    const char *value = changes->report->arms[arm].values[which->axis];
    return which->from == CHANGES_ALL || strcmp(value, axis->values[which->from]) == 0 ||
           strcmp(value, axis->values[which->to]) == 0;
}

static Asked arms_asked(Arena *arena, const Changes *changes, const Term *selection, const Switch *which)
{
    const Setups *setups = &changes->setups[which->axis];
    const int first = which->setup == CHANGES_ALL ? 0 : which->setup,
              last = which->setup == CHANGES_ALL ? setups->n - 1 : which->setup;
    Asked asked = {0, 0, ARENA_ARRAY(arena, int, last - first + 2),
                   ARENA_ARRAY(arena, int, setups->starts[last + 1] - setups->starts[first] + 1)};
    for (int u = first; u <= last; u++) {
        for (int i = setups->starts[u]; i < setups->starts[u + 1]; i++)
            if (has_value(changes, which, setups->arms[i]) &&
                (!selection || term_matches(changes->report, selection, setups->arms[i])))
                asked.arms[asked.n_arms++] = setups->arms[i];
        if (asked.n_arms - asked.starts[asked.n_blocks] < 2)
            asked.n_arms = asked.starts[asked.n_blocks];
        else
            asked.starts[++asked.n_blocks] = asked.n_arms;
    }
    return asked;
}

static int is_counted(int label, int is_framed)
{
    return label >= 0 && label < FRAME_COUNT && !(is_framed && label == FRAME_NONE);
}

/* What the runs of one block say. */
typedef struct {
    int n_planned, n_missing, n_unlabelled;
    int n, counts[FRAME_COUNT]; /* labels that count */
} Block;

static Block block_of(const Changes *changes, const Asked *asked, int block, const int *labels, int seed, int is_framed)
{
    Block own = {0};
    for (int i = asked->starts[block]; i < asked->starts[block + 1]; i++) {
        const int label = labels[(size_t)asked->arms[i] * (size_t)changes->report->n_seeds + (size_t)seed];
        own.n_planned += label != NOT_PLANNED;
        own.n_missing += label == NOT_FINISHED;
        own.n_unlabelled += label == FRAME_COUNT;
        if (is_counted(label, is_framed)) {
            own.n++;
            own.counts[label]++;
        }
    }
    return own;
}

static double pairs_of(double n)
{
    return n * (n - 1) / 2;
}

/* The seed's share, and its runs as cells of the deal: those that have another to differ from. */
static double share_of(const Changes *changes, const Asked *asked, const int *labels, int seed, int is_framed,
                       Deal *deal, int *cells[3], Changed *changed)
{
    double n_pairs = 0, n_same = 0;
    int is_whole = 1, n_unlabelled = 0;
    const int n_cells = deal->n_cells;
    for (int b = 0; b < asked->n_blocks; b++) {
        const Block block = block_of(changes, asked, b, labels, seed, is_framed);
        changed->n_read += 2L * (asked->starts[b + 1] - asked->starts[b]);
        is_whole &= block.n_planned < 2 || block.n_missing == 0;
        n_unlabelled += block.n_unlabelled;
        n_pairs += pairs_of(block.n);
        for (int label = 0; label < FRAME_COUNT; label++)
            n_same += pairs_of(block.counts[label]);
        for (int i = asked->starts[b]; block.n > 1 && i < asked->starts[b + 1]; i++) {
            const int label = labels[(size_t)asked->arms[i] * (size_t)changes->report->n_seeds + (size_t)seed];
            if (!is_counted(label, is_framed))
                continue;
            cells[0][deal->n_cells] = seed * asked->n_blocks + b;
            cells[1][deal->n_cells] = i;
            cells[2][deal->n_cells++] = label;
        }
    }
    changed->n_unlabelled += n_unlabelled;
    if (!is_whole || n_pairs == 0) {
        deal->n_cells = n_cells;
        return (double)NAN;
    }
    changed->n_pairs = n_pairs > changed->n_pairs ? (int)n_pairs : changed->n_pairs;
    return (n_pairs - n_same) / n_pairs;
}

/* Pairs of seeds of one arm that agree. */
static int64_t agreeing(int n_slots, int n_labels, const int *counts)
{
    int64_t n = 0;
    for (int i = 0; i < n_slots * n_labels; i++)
        n += (int64_t)counts[i] * (counts[i] - 1) / 2;
    return n;
}

/* The mean of `agreeing` over all deals: two seeds' runs of an arm agree with probability sum_l q_l q'_l, q_l the share
 * of label l in the run's block, since blocks are dealt independently; and the sum over pairs of seeds is
 * ((sum_s q)^2 - sum_s q^2)/2. */
static double agreeing_dealt(Arena *arena, const Deal *deal)
{
    double *sums = ARENA_ARRAY(arena, double, deal->n_slots *FRAME_COUNT + 1), mean = 0;
    for (int start = 0, end; start < deal->n_cells; start = end) {
        int counts[FRAME_COUNT] = {0};
        for (end = start; end < deal->n_cells && deal->blocks[end] == deal->blocks[start]; end++)
            counts[deal->labels[end]]++;
        for (int label = 0; label < FRAME_COUNT; label++) {
            const double share = (double)counts[label] / (end - start);
            for (int i = start; i < end; i++) {
                double *sum = &sums[deal->slots[i] * FRAME_COUNT + label];
                mean += *sum * share;
                *sum += share;
            }
        }
    }
    return mean;
}

/* How the runs of the pairs agree over seeds. */
static void hold_against_seeds(Arena *arena, const Deal *deal, Changed *changed)
{
    int *counts = ARENA_ARRAY(arena, int, deal->n_slots *FRAME_COUNT + 1);
    double n_pairs = 0;
    for (int i = 0; i < deal->n_cells; i++)
        counts[deal->slots[i] * FRAME_COUNT + deal->labels[i]]++;
    for (int slot = 0; slot < deal->n_slots; slot++) {
        double n = 0;
        for (int label = 0; label < FRAME_COUNT; label++)
            n += counts[slot * FRAME_COUNT + label];
        n_pairs += pairs_of(n);
    }
    if (n_pairs == 0)
        return;
    changed->floor = (n_pairs - (double)agreeing(deal->n_slots, FRAME_COUNT, counts)) / n_pairs;
    changed->floor_dealt = (n_pairs - agreeing_dealt(arena, deal)) / n_pairs;
    permutation_test(arena, deal, agreeing, &changed->test);
}

/* Pairs of seeds of one arm: a seed's runs against those of all other seeds. */
static void change_seeds(Arena *arena, const Changes *changes, const Term *selection, const int *labels, int is_framed,
                         Changed *changed)
{
    const int n_seeds = changes->report->n_seeds;
    double *pairs = ARENA_ARRAY(arena, double, n_seeds + 1), *differ = ARENA_ARRAY(arena, double, n_seeds + 1);
    for (int a = 0; a < changes->report->n_arms; a++) {
        const int *own = labels + (size_t)a * (size_t)n_seeds;
        int n = 0, counts[FRAME_COUNT] = {0};
        if (selection && !term_matches(changes->report, selection, a))
            continue;
        for (int i = 0; i < n_seeds; i++) {
            changed->n_unlabelled += own[i] == FRAME_COUNT;
            if (is_counted(own[i], is_framed))
                n++, counts[own[i]]++;
        }
        for (int i = 0; i < n_seeds; i++)
            if (is_counted(own[i], is_framed))
                pairs[i] += n - 1, differ[i] += n - counts[own[i]];
        changed->n_read += 2L * n_seeds;
    }
    for (int i = 0; i < n_seeds; i++) {
        changed->shares[i] = pairs[i] > 0 ? differ[i] / pairs[i] : (double)NAN;
        changed->n_pairs = pairs[i] > changed->n_pairs ? (int)pairs[i] : changed->n_pairs;
    }
}

void changes_of(Arena *arena, const Changes *changes, const Term *selection, const Switch *which, int by_token,
                int is_framed, Changed *ret_changed)
{
    const int n_seeds = changes->report->n_seeds, *labels = changes->labels[by_token];
    Changed changed = {.shares = ARENA_ARRAY(arena, double, n_seeds + 1),
                       .floor = (double)NAN,
                       .floor_dealt = (double)NAN,
                       .test = {.p = (double)NAN}};
    if (which->axis == CHANGES_OF_SEED) {
        change_seeds(arena, changes, selection, labels, is_framed, &changed);
    } else {
        const Asked asked = arms_asked(arena, changes, selection, which);
        int *cells[3];
        for (int k = 0; k < 3; k++)
            cells[k] = ARENA_ARRAY(arena, int, (size_t)asked.n_arms *(size_t)n_seeds + 1);
        Deal deal = {0, asked.n_arms, FRAME_COUNT, cells[0], cells[1], cells[2]};
        for (int i = 0; i < n_seeds; i++)
            changed.shares[i] = share_of(changes, &asked, labels, i, is_framed, &deal, cells, &changed);
        hold_against_seeds(arena, &deal, &changed);
    }
    interval_of(arena, n_seeds, changed.shares, &changed.interval);
    *ret_changed = changed;
}

/* ---- all of them ---- */

int changes_list(Arena *arena, const Changes *changes, Switch **ret_switches)
{
    const Report *report = changes->report;
    int most = 1, n = 0;
    for (int x = 0; x < report->n_axes; x++)
        most += 1 + CHANGES_VALUES * CHANGES_VALUES / 2 + changes->setups[x].n;
    Switch *list = ARENA_ARRAY(arena, Switch, most);
    for (int x = 0; x < report->n_axes; x++) {
        const int n_values = report->axes[x].n_values;
        const Setups *setups = &changes->setups[x];
        if (n_values < 2)
            continue;
        list[n++] = (Switch){x, CHANGES_ALL, CHANGES_ALL, CHANGES_ALL};
        for (int from = 0; n_values > 2 && n_values <= CHANGES_VALUES && from < n_values; from++)
            for (int to = from + 1; to < n_values; to++)
                list[n++] = (Switch){x, from, to, CHANGES_ALL};
        for (int u = 0; setups->n > 1 && u < setups->n; u++)
            if (setups->starts[u + 1] - setups->starts[u] > 1)
                list[n++] = (Switch){x, CHANGES_ALL, CHANGES_ALL, u};
    }
    if (report->n_seeds > 1)
        list[n++] = (Switch){CHANGES_OF_SEED, CHANGES_ALL, CHANGES_ALL, CHANGES_ALL};
    *ret_switches = list;
    return n;
}

const char *changes_setup(Arena *arena, const Changes *changes, const Switch *which)
{
    const Report *report = changes->report;
    if (which->setup == CHANGES_ALL)
        return "";
    const Setups *setups = &changes->setups[which->axis];
    const ReportArm *arm = &report->arms[setups->arms[setups->starts[which->setup]]];
    Text text = {0};
    for (int x = 0; x < report->n_axes; x++)
        if (x != which->axis)
            text_addf(&text, "%s%s=%s", text.size > 0 ? ", " : "", report->axes[x].name, arm->values[x]);
    const char *setup = arena_strdup(arena, text_string(&text));
    text_free(&text);
    return setup;
}
