/* Which architecture a model has, and which key stands in the way where it has none. */
#include "hub/hub.h"

#include "hub/needs.h"

static int count_broken(const Need *needs, int n, const ModelSettings *model, const Need **ret_first)
{
    int n_broken = 0;
    for (int i = n - 1; i >= 0; i--)
        if (!needs[i].holds(model)) {
            n_broken++;
            *ret_first = &needs[i];
        }
    return n_broken;
}

/* Its value as the run has it: what is left to the program by 0 or `auto` as that. */
static int refuse(const ModelSettings *model, const char *key, const char *where, Error *err)
{
    const Setting *setting = settings_find(model->settings, key);
    return settings_error(model->settings, key, err, "%s has no home in %s", setting ? setting->text : "this", where);
}

int hub_find(const ModelSettings *model, const Architecture **ret_architecture, Error *err)
{
    const Architecture *nearest = NULL;
    const Need *broken = NULL, *first = NULL;
    int fewest = 0;
    if (count_broken(common_needs, n_common_needs, model, &broken) > 0)
        return refuse(model, broken->key, "Hugging Face's architectures", err);
    for (int a = 0; architecture_registry[a]; a++) {
        const Architecture *architecture = architecture_registry[a];
        const int n = count_broken(architecture->needs, architecture->n_needs, model, &first);
        if (!nearest || n < fewest)
            nearest = architecture, fewest = n, broken = first;
    }
    if (fewest > 0) {
        Arena *arena = arena_new();
        const int status =
            refuse(model, broken->key,
                   arena_format(arena, "%s, the nearest of Hugging Face's architectures", nearest->variant.name), err);
        arena_free(arena);
        return status;
    }
    *ret_architecture = nearest;
    return STATUS_OK;
}
