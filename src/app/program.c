/* The program as plan/ sees it: one schema out of all registries, and a check of whole settings. */
#include <assert.h>
#include <string.h>

#include "app/app.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/memory.h"
#include "base/text.h"
#include "data/data.h"
#include "data/source/source.h"
#include "frame/frame.h"
#include "geometry/metric.h"
#include "model/objective/objective.h"
#include "model/settings.h"
#include "model/slot/slot.h"
#include "num/engine.h"
#include "train/settings.h"

/* The row GROUP.kind: a choice among the registry's names. */
static SchemaRow *kind_row(Arena *arena, const Kind *kind)
{
    int n = 0;
    while (kind->variants[n])
        n++;
    const char **choices = ARENA_ARRAY(arena, const char *, n + 1);
    for (int i = 0; i < n; i++)
        choices[i] = kind->variants[i]->name;
    SchemaRow *row = ARENA_ARRAY(arena, SchemaRow, 1);
    *row = (SchemaRow){"kind", VALUE_CHOICE, kind->initial, 0, 0, choices, kind->what, BY_HAND};
    return row;
}

Schema program_schema(Arena *arena)
{
    enum { MOST_PARTS = 256 };
    SchemaPart *parts = ARENA_ARRAY(arena, SchemaPart, MOST_PARTS);
    int n = 0;
    parts[n++] = (SchemaPart){"model", NULL, model_rows, model_n_rows};
    parts[n++] = (SchemaPart){"model", NULL, model_vector_rows, model_n_vector_rows};
    parts[n++] = (SchemaPart){"model.score", NULL, model_score_rows, model_n_score_rows};
    parts[n++] = (SchemaPart){"data", NULL, data_rows, data_n_rows};
    parts[n++] = (SchemaPart){"numerics", NULL, engine_rows, engine_n_rows};
    for (int k = 0; k < n_kinds; k++) {
        if (!kinds[k].group)
            continue;
        parts[n++] = (SchemaPart){kinds[k].group, NULL, kind_row(arena, &kinds[k]), 1};
        for (const Variant *const *variant = kinds[k].variants; *variant; variant++)
            if ((*variant)->n_params > 0)
                parts[n++] = (SchemaPart){kinds[k].group, (*variant)->name, (*variant)->params, (*variant)->n_params};
    }
    for (const MetricFamily *const *family = family_registry; *family; family++) {
        int n_rows;
        const SchemaRow *rows = family_rows(arena, *family, &n_rows);
        parts[n++] = (SchemaPart){arena_format(arena, "measure.%s", (*family)->variant.name), NULL, rows, n_rows};
    }
    for (int p = 0; p < train_n_parts; p++)
        parts[n++] = train_parts[p];
    assert(n <= MOST_PARTS);
    const Schema schema = {parts, n, other_words, n_other_words};
    for (int w = 0; w < n_other_words; w++)
        assert(schema_find(&schema, other_words[w].key, NULL));
    return schema;
}

/* Of the keys that sizes come from, the one that exceeds its default most: where to begin when all together
 * don't fit. */
static const char *largest_size(const Settings *settings)
{
    static const char *const keys[] = {"model.d_model",        "model.n_layers",   "model.n_heads",
                                       "model.context_length", "train.batch_size", "measure.sequences"};
    const char *largest = keys[0];
    double most = 0;
    for (size_t k = 0; k < sizeof keys / sizeof *keys; k++) {
        int64_t initial = 1;
        text_parse_int(settings_find(settings, keys[k])->row->initial, &initial);
        const double ratio = (double)settings_int(settings, keys[k]) / (double)initial;
        if (ratio > most)
            most = ratio, largest = keys[k];
    }
    return largest;
}

/* The program's own part of a Program. */
typedef struct {
    Arena *arena;
    const Kernels *kernels;
    int threads;        /* of each run, at most */
    CorpusShelf *shelf; /* arms share what they read */
    CheckedArm *first, *last;
} Checks;

/* Before a text is read: it stands in memory whole, and then its tokens do. */
static int check_corpus_fits(const Settings *settings, double machine, Error *err)
{
    const Setting *files = settings_find(settings, "data.source.files");
    double bytes = 0;
    char needed[32], there[32];
    for (int i = 0; files && i < files->n_items; i++) {
        uint64_t size;
        bytes += file_size(files->items[i], &size) == 0 ? (double)size : 0;
    }
    if (bytes <= machine)
        return STATUS_OK;
    return settings_error(settings, "data.source.files", err,
                          "reading a text of this length needs more than %s of memory; this machine has %s",
                          text_bytes(bytes, needed), text_bytes(machine, there));
}

static int check_run(void *context, const Settings *settings, char *ret_input_hash, Error *err)
{
    Checks *checks = context;
    CheckedArm *arm = ARENA_ARRAY(checks->arena, CheckedArm, 1);
    char needed[32], there[32];
    const double machine = memory_there();
    int status = check_corpus_fits(settings, machine, err);
    if (!checks->shelf)
        checks->shelf = corpus_shelf_new();
    if (status == STATUS_OK)
        status = train_estimate(settings, checks->kernels, checks->shelf, &arm->estimate, err);
    if (status != STATUS_OK)
        return status;
    const double bytes = (double)train_memory(&arm->estimate, checks->threads);
    if (bytes > machine && (double)arm->estimate.opening_bytes == bytes)
        return settings_error(settings, "data.source.files", err,
                              "reading a text of this length needs %s of memory; this machine has %s",
                              text_bytes(bytes, needed), text_bytes(machine, there));
    if (bytes > machine)
        return settings_error(settings, largest_size(settings), err,
                              "a run of these sizes needs %s of memory; this machine has %s", text_bytes(bytes, needed),
                              text_bytes(machine, there));
    *(checks->last ? &checks->last->next : &checks->first) = arm;
    checks->last = arm;
    strcpy(ret_input_hash, arm->estimate.input_sha256);
    return STATUS_OK;
}

const char **program_notes(const Program *program, Arena *arena, int *ret_n)
{
    const Checks *checks = program->context;
    int n = 0, n_arms = 0;
    for (const CheckedArm *arm = checks->first; arm; arm = arm->next)
        n_arms++;
    const char **notes = ARENA_ARRAY(arena, const char *, MOST_TRAIN_NOTES *n_arms + 1);
    for (const CheckedArm *arm = checks->first; arm; arm = arm->next)
        for (int i = 0; i < arm->estimate.n_notes; i++) {
            int k = 0;
            while (k < n && strcmp(notes[k], arm->estimate.notes[i]) != 0)
                k++;
            if (k == n)
                notes[n++] = arm->estimate.notes[i];
        }
    *ret_n = n;
    return notes;
}

void program_give_threads(Program *program, int threads)
{
    ((Checks *)program->context)->threads = threads;
}

void program_close_corpora(Program *program)
{
    Checks *checks = program->context;
    checks->shelf = corpus_shelf_free(checks->shelf);
}

const CheckedArm *program_checked_arms(const Program *program)
{
    return ((const Checks *)program->context)->first;
}

/* A metric's name without what it is measured on ("corrupted/", "targets/", both), which may stand before it. */
static const char *bare_name(const char *name)
{
    static const char *const sets[] = {"corrupted/", "targets/"};
    for (size_t s = 0; s < sizeof sets / sizeof *sets; s++)
        name += strncmp(name, sets[s], strlen(sets[s])) == 0 ? strlen(sets[s]) : 0;
    return name;
}

/* The family that has it; NULL for none. */
static const MetricFamily *family_of(const char *name)
{
    for (const MetricFamily *const *family = family_registry; *family; family++)
        for (int c = 0; c < (*family)->n_columns; c++)
            if (strcmp((*family)->columns[c].name, bare_name(name)) == 0)
                return *family;
    return NULL;
}

/* Its column; NULL for none, and of target queries for one that is no mean over queries. */
static const MetricColumn *find_metric(const char *name)
{
    const MetricFamily *family = family_of(name);
    return !family || (strstr(name, "targets/") && !family->is_by_query) ? NULL : metric_find(bare_name(name));
}

static int knows_metric(void *context, const char *name, const char **ret_nearest)
{
    (void)context;
    enum { MOST_NAMES = 1024 };
    const char *names[MOST_NAMES];
    int n = 0;
    for (const MetricFamily *const *family = family_registry; *family; family++)
        for (int c = 0; c < (*family)->n_columns; c++) {
            assert(n < MOST_NAMES);
            names[n++] = (*family)->columns[c].name;
        }
    *ret_nearest = text_nearest(bare_name(name), names, n);
    return find_metric(name) != NULL;
}

static int has_heads(void *context, const char *name)
{
    (void)context;
    const MetricColumn *column = find_metric(name);
    return column && column->level == LEVEL_HEAD;
}

static int has_onset(void *context, const char *name)
{
    (void)context;
    const MetricColumn *column = find_metric(name);
    return column && column_has_onset(column);
}

static int knows_frame(void *context, const char *name, const char **ret_nearest)
{
    (void)context;
    const char *names[FRAME_COUNT];
    for (int f = 0; f < FRAME_COUNT; f++)
        names[f] = frame_name((FrameType)f);
    *ret_nearest = text_nearest(name, names, FRAME_COUNT);
    return frame_by_name(name) >= 0;
}

static int knows_group(void *context, const char *name, const char **ret_nearest)
{
    (void)context;
    enum { MOST_GROUPS = 64 };
    const char *names[MOST_GROUPS];
    int n = 0, is_known = 0;
    for (const Source *const *source = source_registry; *source; source++)
        for (int g = 0; (*source)->groups && (*source)->groups[g]; g++) {
            assert(n < MOST_GROUPS);
            is_known |= strcmp((*source)->groups[g], name) == 0;
            names[n++] = (*source)->groups[g];
        }
    *ret_nearest = text_nearest(name, names, n);
    return is_known;
}

static int needs_losses(const MetricFamily *family)
{
    return (family->needs & (NEEDS_GRADIENT | NEEDS_INTERVENTION | NEEDS_INTERVENED)) != 0;
}

/* Why a run has no member of that name in its snapshots, and the key that says so; NULL: it has. */
static const char *why_unmeasured(Arena *arena, const Settings *settings, const char *name, const char **ret_key)
{
    const MetricFamily *family = family_of(name);
    const int is_corrupted = strncmp(name, "corrupted/", strlen("corrupted/")) == 0;
    const int corrupts = objective_find(settings_text(settings, "objective.kind"))->corrupts;
    *ret_key = arena_format(arena, "measure.%s.every", family->variant.name);
    if (settings_int(settings, *ret_key) == 0)
        return "is 0";
    *ret_key = "model.slot.kind";
    if ((family->needs & NEEDS_SLOTS) && !slot_find(settings_text(settings, *ret_key))->prepare)
        return "is none";
    *ret_key = "objective.kind";
    if (is_corrupted && !corrupts)
        return "corrupts no input";
    if (corrupts && !is_corrupted && (needs_losses(family) || strstr(name, "targets/")))
        return arena_format(arena, "has its losses, and its targets, where inputs are corrupted: corrupted/%s", name);
    *ret_key = "measure.targets";
    return strstr(name, "targets/") && !settings_bool(settings, *ret_key) ? "is false" : NULL;
}

static int measures(void *context, Arena *arena, const Settings *settings, const Term *term, const char **ret_key,
                    const char **ret_why)
{
    (void)context;
    const char *const *groups = source_find(settings_text(settings, "data.source.kind"))->groups;
    int g = 0;
    *ret_key = "measure.enabled", *ret_why = settings_bool(settings, *ret_key) ? NULL : "is false";
    if (*ret_why == NULL && term->metric)
        *ret_why = why_unmeasured(arena, settings, term->metric, ret_key);
    while (term->group && groups && groups[g] && strcmp(groups[g], term->group) != 0)
        g++;
    if (*ret_why == NULL && term->group && !(groups && groups[g]))
        *ret_key = "data.source.kind", *ret_why = "has no such group";
    return *ret_why == NULL;
}

Program program_new(Arena *arena, const Kernels *kernels)
{
    Checks *checks = ARENA_ARRAY(arena, Checks, 1);
    *checks = (Checks){.arena = arena, .kernels = kernels, .threads = clock_cores()};
    return (Program){
        .schema = program_schema(arena),
        .conditions = program_conditions(arena),
        .numerics_version = TRAIN_NUMERICS_VERSION,
        .check_run = check_run,
        .knows_metric = knows_metric,
        .knows_group = knows_group,
        .has_heads = has_heads,
        .has_onset = has_onset,
        .knows_frame = knows_frame,
        .measures = measures,
        .context = checks,
    };
}
