/* Maps that stand in memory already: a model's of ours, which nobody has to check. */
#include "geometry/metric.h"
#include "maps/maps.h"

int maps_hold(const Kernels *kernels, const char *name, const MapsHeld *held, MapsSet *ret_set, Error *err)
{
    MapsSet set = {.arena = arena_new(), .kernels = kernels, .has_tokens = 1};
    const size_t T = (size_t)held->length, map = (size_t)held->n_layers * (size_t)held->n_heads * T * T;
    const int status = families_prepare(set.arena, NULL, &set.states, err);
    if (status != STATUS_OK) {
        maps_free(&set);
        return status;
    }
    set.path = arena_strdup(set.arena, name);
    set.files = ARENA_ARRAY(set.arena, MapsFile, 1);
    set.files[0] = (MapsFile){.path = set.path, .type = NPY_FLOAT32, .n = held->n, .length = held->length};
    set.n_files = 1;
    set.words = held->words, set.n_words = held->n_words;
    set.n = held->n, set.n_layers = held->n_layers, set.n_heads = held->n_heads;
    set.shortest = set.longest = held->length;
    set.n_rows = (int64_t)held->n * held->n_layers * held->n_heads * held->length;
    set.sequences = ARENA_ARRAY(set.arena, MapsSequence, held->n);
    for (int s = 0; s < held->n; s++)
        set.sequences[s] = (MapsSequence){held->length, held->maps + (size_t)s * map, held->tokens + (size_t)s * T};
    *ret_set = set;
    return STATUS_OK;
}
