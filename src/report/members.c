/* See members.h. */
#include "report/members.h"

#include <stdio.h>
#include <string.h>

/* Everything that can be in a shape: a letter of a row, how people read it, and its range; a letter without a size of
 * its own has that range's one value. */
static const struct {
    char letter;
    const char *text, *what;
    SizeLetter size;
    int64_t min, max;
} letters[] = {
    {'N', "N", "sequences", SIZE_N, 1, 65536},
    {'L', "L", "layers", SIZE_L, 1, 256},
    {'H', "H", "heads", SIZE_H, 1, 256},
    {'T', "T", "positions", SIZE_T, 2, 16384},
    {'h', "T/2", "positions of the half set", SIZE_HALF, 1, 8192},
    {'E', "1+G", "losses", SIZE_LOSSES, 1, 1025},
    {'G', "G", "loss groups", SIZE_GROUPS, 0, 1024},
    {'V', "V", "tokens", SIZE_VOCAB, 1, INT32_MAX},
    {'M', "M", "maps", SIZE_MAPS, 1, 65536},
    {'D', "4", "distances", SIZE_COUNT, DISTANCES, DISTANCES},
    {'P', "3", "parts", SIZE_COUNT, PART_COUNT, PART_COUNT},
    {'K', "2", "key ranges", SIZE_COUNT, KEY_RANGES, KEY_RANGES},
    {'2', "2", "ends of a range", SIZE_COUNT, 2, 2},
    {'1', "1", "number", SIZE_COUNT, 1, 1},
};

typedef enum {
    IF_THERE, /* later versions have it, or some snapshots */
    NEEDED,
    AS_BEFORE, /* all snapshots of a run have it, or none */
} Presence;

typedef struct {
    const char *name;
    NpyType type;
    const char *shape; /* a letter an axis */
    Presence presence;
} Member;

/* Those that say what the letters are come first. */
static const Member of_snapshot[] = {
    {"importance", NPY_FLOAT32, "NLHT", NEEDED},
    {"held_out_loss", NPY_FLOAT64, "E", NEEDED},
    {"tokens", NPY_INT32, "NT", NEEDED},
    {"step", NPY_INT64, "1", IF_THERE},
    {"tokens_seen", NPY_INT64, "1", IF_THERE},
    {"targets_seen", NPY_INT64, "1", IF_THERE},
    {"importance_afar", NPY_FLOAT32, "NLHDT", IF_THERE},
    {"importance_half", NPY_FLOAT32, "NLHh", IF_THERE},
    {"importance_afar_half", NPY_FLOAT32, "NLHDh", IF_THERE},
    {"loss_is_squared_error", NPY_INT32, "1", IF_THERE},
    {"loss_groups", NPY_STRING, "G", IF_THERE},
    {"tokens_half", NPY_INT32, "Nh", IF_THERE},
    {"token_strings", NPY_STRING, "V", IF_THERE},
    {"visible", NPY_INT32, "TK2", AS_BEFORE},
    {"visible_half", NPY_INT32, "hK2", AS_BEFORE},
    {"rows_sum_to_one", NPY_INT32, "1", IF_THERE},
    {"lengths", NPY_INT32, "N", AS_BEFORE},
    {"visible_each", NPY_INT32, "NTK2", AS_BEFORE},
    {"map_mean", NPY_FLOAT32, "LHTT", AS_BEFORE},
    {"map", NPY_FLOAT32, "MLHTT", AS_BEFORE},
};

static const Member of_baselines[] = {
    {"uniform/importance", NPY_FLOAT32, "LHT", NEEDED},
    {"position/importance", NPY_FLOAT32, "LHT", IF_THERE},
    {"uniform/importance_half", NPY_FLOAT32, "LHh", IF_THERE},
    {"position/importance_half", NPY_FLOAT32, "LHh", IF_THERE},
    {"uniform/importance_afar", NPY_FLOAT32, "LHDT", IF_THERE},
    {"position/importance_afar", NPY_FLOAT32, "LHDT", IF_THERE},
    {"uniform/importance_afar_half", NPY_FLOAT32, "LHDh", IF_THERE},
    {"position/importance_afar_half", NPY_FLOAT32, "LHDh", IF_THERE},
};

/* Where the sequences have lengths of their own, and there is no set of half length. */
static const Member of_baselines_each[] = {
    {"uniform/importance", NPY_FLOAT32, "NLHT", NEEDED},
    {"position/importance", NPY_FLOAT32, "NLHT", IF_THERE},
    {"uniform/importance_afar", NPY_FLOAT32, "NLHDT", IF_THERE},
    {"position/importance_afar", NPY_FLOAT32, "NLHDT", IF_THERE},
};

/* The shapes of a metric by its level, of the three parts and of one. */
static const char *const of_parts[PER_COUNT] = {[PER_HEAD] = "PLH", [PER_LAYER] = "PL", [PER_MODEL] = "P"};
static const char *const of_one[PER_COUNT] = {[PER_HEAD] = "LH", [PER_LAYER] = "L", [PER_MODEL] = ""};

static size_t letter_at(const Member *member, int axis)
{
    size_t i = 0;
    while (letters[i].letter != member->shape[axis])
        i++;
    return i;
}

/* ---- what is wrong, in one line ---- */

static void add_shape(Text *text, const NpyArray *array)
{
    text_add(text, "(");
    for (int d = 0; d < array->n_dims; d++)
        text_addf(text, d ? ", %lld" : "%lld", (long long)array->shape[d]);
    text_add(text, array->n_dims == 1 ? ",)" : ")");
}

static void add_letters(Text *text, const Member *member)
{
    text_add(text, "(");
    for (int d = 0; member->shape[d]; d++)
        text_addf(text, d ? ", %s" : "%s", letters[letter_at(member, d)].text);
    text_add(text, member->shape[0] && !member->shape[1] ? ",)" : ")");
}

/* "FILE: `importance` is float32 (2, 0, 2, 16), not float32 (N, L, H, T)", and why. */
static int refuse(const char *path, const Member *member, const NpyArray *array, const char *why, Error *err)
{
    Text text = {0};
    text_addf(&text, "%s: `%s` is %s ", path, member->name, npy_type_name(array->type));
    add_shape(&text, array);
    text_addf(&text, ", not %s ", npy_type_name(member->type));
    add_letters(&text, member);
    text_add(&text, why);
    error_set(err, STATUS_INPUT, "%s", text_string(&text));
    text_free(&text);
    return STATUS_INPUT;
}

/* ---- the check ---- */

/* An axis has its letter's size; the first one seen says what that is. */
static int check_axis(const char *path, const Member *member, const NpyArray *array, int axis, MemberSizes *sizes,
                      Error *err)
{
    const size_t at = letter_at(member, axis);
    const int64_t found = array->shape[axis];
    int64_t *known = letters[at].size < SIZE_COUNT ? &sizes->of[letters[at].size] : NULL;
    char why[120];
    if (known && *known > 0 && found != *known) {
        snprintf(why, sizeof why, ": %lld %s, where the run has %lld", (long long)found, letters[at].what,
                 (long long)*known);
        return refuse(path, member, array, why, err);
    }
    if (!known && found != letters[at].min)
        return refuse(path, member, array, "", err);
    if (found < letters[at].min || found > letters[at].max) {
        snprintf(why, sizeof why, ": %lld %s, and there are %lld to %lld", (long long)found, letters[at].what,
                 (long long)letters[at].min, (long long)letters[at].max);
        return refuse(path, member, array, why, err);
    }
    if (known)
        *known = found;
    return STATUS_OK;
}

static int check_member(const Npz *npz, const char *path, const Member *member, MemberSizes *sizes, Error *err)
{
    const NpyArray *array = npz_get(npz, member->name);
    if (!array)
        return member->presence == NEEDED ? error_set(err, STATUS_INPUT, "%s: `%s` is missing", path, member->name)
                                          : STATUS_OK;
    if (array->type != member->type || array->n_dims != (int)strlen(member->shape))
        return refuse(path, member, array, "", err);
    for (int d = 0; d < array->n_dims; d++)
        if (check_axis(path, member, array, d, sizes, err) != STATUS_OK)
            return STATUS_INPUT;
    return STATUS_OK;
}

/* What all snapshots of a run have, or none. */
static int check_presence(const Npz *npz, const char *path, MemberSizes *sizes, Error *err)
{
    for (size_t m = 0; m < sizeof of_snapshot / sizeof *of_snapshot; m++) {
        const unsigned bit = 1u << m;
        const int is_there = npz_get(npz, of_snapshot[m].name) != NULL;
        if (of_snapshot[m].presence != AS_BEFORE)
            continue;
        if (sizes->n_snapshots == 0)
            sizes->has |= is_there ? bit : 0;
        else if (is_there != ((sizes->has & bit) != 0))
            return error_set(err, STATUS_INPUT, "%s: `%s` is %s, unlike in the run's first snapshot", path,
                             of_snapshot[m].name, is_there ? "there" : "missing");
    }
    sizes->n_snapshots++;
    return STATUS_OK;
}

/* Sizes that follow from others. */
static void derive(MemberSizes *sizes)
{
    sizes->of[SIZE_HALF] = sizes->of[SIZE_T] / 2;
    sizes->of[SIZE_GROUPS] = sizes->of[SIZE_LOSSES] - 1;
}

/* A metric with its standard deviations and counts; or, of the baselines, its two computed ones. */
static int check_metrics(const Report *report, const Npz *npz, const char *path, int is_baselines, MemberSizes *sizes,
                         Error *err)
{
    int status = STATUS_OK;
    for (int m = 0; m < report->n_metrics && status == STATUS_OK; m++) {
        const ReportMetric *metric = &report->metrics[m];
        const char *parts = of_parts[metric->level], *one = of_one[metric->level];
        const Member members[2][3] = {
            {{metric->name, NPY_FLOAT64, parts, IF_THERE},
             {metric->members[MEMBER_SD], NPY_FLOAT64, parts, IF_THERE},
             {metric->members[MEMBER_N], NPY_INT32, parts, IF_THERE}},
            {{metric->members[MEMBER_UNIFORM], NPY_FLOAT64, one, IF_THERE},
             {metric->members[MEMBER_POSITION], NPY_FLOAT64, one, IF_THERE}},
        };
        for (int k = 0; k < 3 && members[is_baselines][k].name && status == STATUS_OK; k++)
            status = check_member(npz, path, &members[is_baselines][k], sizes, err);
    }
    return status;
}

int members_of_snapshot(const Report *report, const Npz *npz, const char *path, MemberSizes *sizes, Error *err)
{
    for (size_t m = 0; m < sizeof of_snapshot / sizeof *of_snapshot; m++) {
        if (check_member(npz, path, &of_snapshot[m], sizes, err) != STATUS_OK)
            return STATUS_INPUT;
        derive(sizes);
    }
    if (check_presence(npz, path, sizes, err) != STATUS_OK)
        return STATUS_INPUT;
    sizes->has_lengths = npz_get(npz, "lengths") != NULL;
    return check_metrics(report, npz, path, 0, sizes, err);
}

int members_of_baselines(const Report *report, const Npz *npz, const char *path, MemberSizes *sizes, Error *err)
{
    const Member *members = sizes->has_lengths ? of_baselines_each : of_baselines;
    const size_t n = sizes->has_lengths ? sizeof of_baselines_each / sizeof *of_baselines_each
                                        : sizeof of_baselines / sizeof *of_baselines;
    for (size_t m = 0; m < n; m++)
        if (check_member(npz, path, &members[m], sizes, err) != STATUS_OK)
            return STATUS_INPUT;
    return check_metrics(report, npz, path, 1, sizes, err);
}
