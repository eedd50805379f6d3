/* Maps that stand in memory already, or have been measured: a model's of ours, which nobody has to check. */
#include <assert.h>

#include "geometry/metric.h"
#include "maps/maps.h"

static void lay_sequences(const MapsHeld *held, MapsSet *set)
{
    const int32_t *tokens = held->tokens;
    set->sequences = ARENA_ARRAY(set->arena, MapsSequence, held->n);
    set->shortest = held->longest;
    for (int s = 0; s < held->n; s++) {
        const int length = held->lengths[s];
        set->sequences[s] = (MapsSequence){length, held->maps ? held->maps[s] : NULL, tokens};
        set->shortest = length < set->shortest ? length : set->shortest;
        set->n_rows += (int64_t)held->n_layers * held->n_heads * length;
        tokens += length;
    }
}

int maps_hold(const Kernels *kernels, const char *name, const MapsHeld *held, MapsSet *ret_set, Error *err)
{
    MapsSet set = {.arena = arena_new(), .kernels = kernels, .has_tokens = 1};
    const int status = families_prepare(set.arena, NULL, &set.states, err);
    if (status != STATUS_OK) {
        maps_free(&set);
        return status;
    }
    assert(held->n_remarks <= MAPS_MOST_REMARKS);
    set.path = arena_strdup(set.arena, name);
    set.title = maps_title(set.arena, name);
    set.words = held->words, set.n_words = held->n_words;
    set.facts = held->facts, set.n_facts = held->n_facts;
    set.remarks = held->remarks, set.n_remarks = held->n_remarks;
    set.is_shown = held->is_shown;
    set.n = held->n, set.n_layers = held->n_layers, set.n_heads = held->n_heads;
    set.longest = held->longest, set.rows_sum_to_one = held->rows_sum_to_one;
    lay_sequences(held, &set);
    *ret_set = set;
    return STATUS_OK;
}
