/* See behind.h. */
#include "maps/behind.h"

#include <math.h>
#include <stdio.h>

int maps_refuse(const MapsEntry *at, Error *err, const char *what)
{
    char key[32] = "";
    if (at->key >= 0)
        snprintf(key, sizeof key, ", key %d", at->key);
    return error_set(err, STATUS_INPUT, "%s: sequence %d, layer %d, head %d, query %d%s: %s", at->file->path,
                     at->sequence, at->layer, at->head, at->query, key, what);
}

enum { PARTS = KEY_RANGES + 1 };

/* The keys that a query does not see: [first, end) before, between and behind its ranges. */
static void hidden_parts(const KeyRanges *keys, int length, int ret_first[PARTS], int ret_end[PARTS])
{
    ret_first[0] = 0, ret_end[KEY_RANGES] = length;
    for (int r = 0; r < KEY_RANGES; r++)
        ret_end[r] = keys->range[r].first, ret_first[r + 1] = keys->range[r].end;
}

static double hidden_sum(const KeyRanges *keys, const real *row, int length)
{
    int first[PARTS], end[PARTS];
    double sum = 0;
    hidden_parts(keys, length, first, end);
    for (int part = 0; part < PARTS; part++)
        for (int j = first[part]; j < end[part]; j++)
            sum += (double)row[j];
    return sum;
}

/* The first hidden key with more than `least`; there is one. */
static int hidden_key(const KeyRanges *keys, const real *row, int length, double least)
{
    int first[PARTS], end[PARTS];
    hidden_parts(keys, length, first, end);
    for (int part = 0; part < PARTS; part++)
        for (int j = first[part]; j < end[part]; j++)
            if ((double)row[j] > least)
                return j;
    return -1;
}

void behind_look(const MapsSet *set, const real *row, MapsEntry at, Behind *behind)
{
    const int T = at.file->length;
    for (int m = 0; m < set->n_masks; m++) {
        const KeyRanges *keys = &maps_visible(set, m, T)->keys[at.query];
        const double sum = behind[m].first.file ? 0 : hidden_sum(keys, row, T);
        if (sum > MAPS_TRACE) { /* so one of fewer than T entries has more than that over T */
            at.key = hidden_key(keys, row, T, MAPS_TRACE / T), at.value = row[at.key];
            behind[m].first = at;
        } else if (sum > 0) {
            behind[m].n_traces++;
            behind[m].most = fmax(behind[m].most, sum);
        }
    }
}

/* ---- left padding ---- */

static int is_even(const real *row, int length)
{
    const double even = 1.0 / length, rounding = MAPS_ROUNDING_HALF * even;
    for (int j = 0; j < length; j++)
        if (fabs((double)row[j] - even) > rounding)
            return 0;
    return 1;
}

/* Whether the first `n` queries of a map attend evenly to all keys, and the others to what a mask shows of the rest. */
static int is_padded_by(const Visible *visible, const real *map, int n)
{
    const int T = visible->length;
    for (int i = 0; i < T; i++, map += T) {
        double before = 0;
        for (int j = 0; j < n; j++)
            before += (double)map[j];
        if (i < n ? !is_even(map, T) : before > MAPS_TRACE || hidden_sum(&visible->keys[i], map, T) > MAPS_TRACE)
            return 0;
    }
    return 1;
}

/* Queries of padding that a sequence begins with, the same in every head; 0: none; -1: something else is hidden. Two
 * tokens at least are left, or a map of two even halves would be one. */
static int left_padding(const MapsSet *set, int mask, const MapsSequence *sequence)
{
    const int T = sequence->length;
    const Visible *visible = maps_visible(set, mask, T);
    int n = 0;
    while (n < T && is_even(sequence->maps + (size_t)n * T, T) &&
           hidden_sum(&visible->keys[n], sequence->maps + (size_t)n * T, T) > MAPS_TRACE)
        n++;
    if (n > T - 2)
        return -1;
    for (int map = 0; map < set->n_layers * set->n_heads; map++)
        if (!is_padded_by(visible, sequence->maps + (size_t)map * T * T, n))
            return -1;
    return n;
}

/* Refuses a set that a mask would hold but for left padding; else 0 is returned. */
static int refuse_padding(const MapsSet *set, int mask, Error *err)
{
    int first = -1, n_first = 0;
    for (int s = 0; s < set->n; s++) {
        const int n = left_padding(set, mask, &set->sequences[s]);
        if (n < 0)
            return STATUS_OK;
        if (n > 0 && first < 0)
            first = s, n_first = n;
    }
    if (first < 0)
        return STATUS_OK;
    const MapsFile *file = set->files;
    while (first >= file->first + file->n)
        file++;
    return error_set(
        err, STATUS_INPUT,
        "%s: sequence %d: in every head its first %d queries attend evenly to all %d keys, also to later ones, "
        "and no other query sees what the mask %s hides; this is what left padding leaves: cut it off%s",
        file->path, first - file->first, n_first, file->length, set->masks[mask].name,
        set->mask_is_given ? "" : ", or say what queries may see with --mask");
}

/* ---- the mask ---- */

static int refuse_hidden(const MapsSet *set, const MapsEntry *hidden, Error *err)
{
    char what[160];
    if (hidden->key > hidden->query && !maps_visible(set, 0, hidden->file->length)->sees_later)
        snprintf(what, sizeof what, "%g is above the diagonal, where the mask %s leaves 0", (double)hidden->value,
                 set->masks->name);
    else
        snprintf(what, sizeof what, "%g is where the mask %s hides the key and leaves 0", (double)hidden->value,
                 set->masks->name);
    return maps_refuse(hidden, err, what);
}

/* Of the mask that holds. The maps are the set's own, and const to its readers alone. */
static void clear_traces(const MapsSet *set)
{
    for (int s = 0; s < set->n; s++) {
        const int T = set->sequences[s].length;
        const KeyRanges *keys = maps_visible(set, set->mask, T)->keys;
        real *row = (real *)(uintptr_t)set->sequences[s].maps;
        int first[PARTS], end[PARTS];
        for (int r = 0; r < set->n_layers * set->n_heads * T; r++, row += T) {
            hidden_parts(&keys[r % T], T, first, end);
            for (int part = 0; part < PARTS; part++)
                for (int j = first[part]; j < end[part]; j++)
                    row[j] = 0;
        }
    }
}

int behind_settle(MapsSet *set, const Behind *behind, Error *err)
{
    int m = 0;
    while (m < set->n_masks && behind[m].first.file) {
        const int status = refuse_padding(set, m++, err);
        if (status != STATUS_OK)
            return status;
    }
    if (m == set->n_masks)
        return refuse_hidden(set, &behind->first, err);
    set->mask = m, set->n_traces = behind[m].n_traces, set->most_trace = behind[m].most;
    if (set->n_traces)
        clear_traces(set);
    return STATUS_OK;
}
