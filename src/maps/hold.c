/* Maps that stand in memory already: a model's of ours, which nobody has to check. */
#include "geometry/metric.h"
#include "maps/maps.h"

/* A file for each row of sequences of one length. */
static void lay_sequences(const MapsHeld *held, MapsSet *set)
{
    const size_t per_square = (size_t)held->n_layers * (size_t)held->n_heads;
    const real *maps = held->maps;
    const int32_t *tokens = held->tokens;
    set->files = ARENA_ARRAY(set->arena, MapsFile, held->n);
    set->sequences = ARENA_ARRAY(set->arena, MapsSequence, held->n);
    set->shortest = held->longest;
    for (int s = 0; s < held->n; s++) {
        const int length = held->lengths[s];
        if (s == 0 || length != held->lengths[s - 1])
            set->files[set->n_files++] =
                (MapsFile){.path = set->path, .type = NPY_FLOAT32, .length = length, .first = s};
        set->files[set->n_files - 1].n++;
        set->sequences[s] = (MapsSequence){length, maps, tokens};
        set->shortest = length < set->shortest ? length : set->shortest;
        set->n_rows += (int64_t)held->n_layers * held->n_heads * length;
        maps += per_square * (size_t)length * (size_t)length, tokens += length;
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
    set.path = arena_strdup(set.arena, name);
    set.words = held->words, set.n_words = held->n_words;
    set.n = held->n, set.n_layers = held->n_layers, set.n_heads = held->n_heads;
    set.longest = held->longest;
    lay_sequences(held, &set);
    *ret_set = set;
    return STATUS_OK;
}
