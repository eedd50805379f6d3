/* Which architecture a model has, and which key stands in the way where it has none. */
#include "hub/hub.h"

#include <stdio.h>

#include "hub/needs.h"

/* How many needs a model does not meet, and the first of them; needs stand in the order of their weight. */
typedef struct {
    const Need *needs;
    int n, first;
} Unmet;

static Unmet unmet(const Need *needs, int n, const ModelSettings *model)
{
    Unmet u = {needs, 0, n};
    for (int i = n - 1; i >= 0; i--)
        if (!needs[i].holds(model))
            u.n++, u.first = i;
    return u;
}

/* Of two with as many, the one whose first is of less weight. */
static int is_nearer(const Unmet *a, const Unmet *b)
{
    return a->n != b->n ? a->n < b->n : a->first > b->first;
}

/* Lists have no text of their own. */
static int refuse(const ModelSettings *model, const Unmet *u, const char *where, Error *err)
{
    const char *key = u->needs[u->first].key;
    const Setting *setting = settings_find(model->settings, key);
    return settings_error(model->settings, key, err, "%s has no place in %s",
                          setting && *setting->text ? setting->text : "this", where);
}

int hub_find(const ModelSettings *model, const Architecture **ret_architecture, Error *err)
{
    const Architecture *nearest = architecture_registry[0];
    const Unmet of_all = unmet(common_needs, n_common_needs, model);
    if (of_all.n > 0)
        return refuse(model, &of_all, "Hugging Face's architectures", err);
    Unmet fewest = unmet(nearest->needs, nearest->n_needs, model);
    for (int a = 1; architecture_registry[a] && fewest.n > 0; a++) {
        const Architecture *architecture = architecture_registry[a];
        if (!architecture->configure) /* only read back */
            continue;
        const Unmet u = unmet(architecture->needs, architecture->n_needs, model);
        if (is_nearer(&u, &fewest))
            nearest = architecture, fewest = u;
    }
    if (fewest.n > 0) {
        char where[96];
        snprintf(where, sizeof where, "%s, the nearest of Hugging Face's architectures", nearest->variant.name);
        return refuse(model, &fewest, where, err);
    }
    *ret_architecture = nearest;
    return STATUS_OK;
}
