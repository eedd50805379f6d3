/* Slots: keys and values of a head that belong to no position, so that a query may attend to none. One file each, with
 * a const Slot at its foot.
 *
 *   p = score([q k_slot' / sqrt(D), S]);   o = p [v_slot, v]
 *
 * Every query sees every slot, whatever the mask. A slot's logit has no position bias and its key is not turned; the
 * score function has it in front of the row of a query's keys. With grouped queries slots are those of the heads of
 * keys.
 */
#ifndef REFFRAME_MODEL_SLOT_H
#define REFFRAME_MODEL_SLOT_H

#include "base/variant.h"
#include "model/parameters.h"
#include "model/settings.h"

/* What every slot is told; its state begins with it. */
typedef struct {
    int n; /* slots of a head */
} SlotKeys;

/* Its row, for a state that is a SlotKeys or begins with one. */
#define SLOT_ROWS                                                                                                      \
    {                                                                                                                  \
        "n", VALUE_INT, "1", 1, 64, NULL, "slots of a head", FIELD(SlotKeys, n)                                        \
    }

struct Slot {
    Variant variant;          /* keys below model.slot */
    ModelPrepare *prepare;    /* NULL: no slots at all */
    int has_keys, has_values; /* else they are zeros, which nothing is multiplied by */

    /* Writes what a layer's head of keys has of keys and values (n,D); NULL: neither. */
    void (*forward)(const void *state, const real *parameters, int layer, int head, real *ret_keys, real *ret_values);
    /* Adds what the slots' gradients (n,D) give what they learn; NULL: they learn nothing. */
    void (*backward)(const void *state, const real *parameters, int layer, int head, const real *dkeys,
                     const real *dvalues, real *gradient);
};

REGISTRY(Slot, slot);

/* ---- for those that learn their vectors -------------------------------------------------------------------------- */

typedef struct {
    SlotKeys common;
    int shared;
    double std;
    int d_head;
    const size_t *keys, *values; /* (L) of each layer's tensor (H_kv n, D), or with `shared` (n, D); NULL: zeros */
} SlotTables;

/* clang-format off */
#define SLOT_TABLE_ROWS                                                                                                \
    SLOT_ROWS,                                                                                                         \
    {"shared", VALUE_BOOL, "false", 0, 0, NULL, "all heads of a layer have the same slots", FIELD(SlotTables, shared)},\
    {"std", VALUE_NUMBER, "0.02", 0, 100, NULL, "of what is learned, at step 0", FIELD(SlotTables, std)}
/* clang-format on */

/* Declares "attention.slot.NAME" in each layer, drawn, not decayed; returns their offsets. */
const size_t *slot_declare(Arena *arena, const ModelSettings *model, Parameters *parameters, const SlotTables *tables,
                           const char *name);
/* The pair of functions over what was declared. */
void slot_tables_forward(const void *state, const real *parameters, int layer, int head, real *ret_keys,
                         real *ret_values);
void slot_tables_backward(const void *state, const real *parameters, int layer, int head, const real *dkeys,
                          const real *dvalues, real *gradient);

#endif
