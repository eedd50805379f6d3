/* Variants: what every kind of thing that can be swapped in has in common, and how it lives.
 *
 * A variant is a const struct at the foot of its own file, which begins with a Variant; src/meson.build lists its word,
 * and Meson writes the folder's registry from the list. One life for all: `prepare` reads the variant's keys, once,
 * there and nowhere else, by their rows or by name, checks them, builds its tables (in model/ it declares what it
 * learns, too) and leaves its state, constant from then on; every later function gets that state first. A variant
 * without keys or tables leaves `prepare` NULL, and its state is NULL.
 */
#ifndef REFFRAME_BASE_VARIANT_H
#define REFFRAME_BASE_VARIANT_H

#include "base/settings.h"

typedef struct {
    const char *name;        /* what the user writes: "rope" */
    const char *summary;     /* one line */
    const char *source;      /* paper, section; "-" if there is none */
    const SchemaRow *params; /* keys below the kind's group, valid with this variant alone; NULL: none */
    int n_params;
} Variant;

/* The two fields of a table of rows. */
#define PARAMS(rows) .params = (rows), .n_params = sizeof(rows) / sizeof *(rows)

/* `prepare` of the kinds that read nothing but settings; *ret_state is the variant's own, from arena. */
typedef int Prepare(Arena *arena, const Settings *settings, void **ret_state, Error *err);

/* Calls it; NULL is a variant that has no state. */
int variant_prepare(Prepare *prepare, Arena *arena, const Settings *settings, void **ret_state, Error *err);

/* What the registry of a kind offers, PREFIX_registry and PREFIX_variants (the same in the same order, by their heads)
 * with a NULL at their end, and PREFIX_find, by name or NULL. */
#define REGISTRY(Type, prefix)                                                                                         \
    extern const Type *const prefix##_registry[];                                                                      \
    extern const Variant *const prefix##_variants[];                                                                   \
    const Type *prefix##_find(const char *name)

/* Index of the variant of that name, -1 if there is none. */
int variant_index(const Variant *const *variants, const char *name);

#endif
