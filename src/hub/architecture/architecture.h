/* Architectures of Hugging Face's transformers: one file each, with a const Architecture at its foot, tables of what a
 * model must be to have its home there, of where its tensors go, and its config.json.
 */
#ifndef REFFRAME_HUB_ARCHITECTURE_H
#define REFFRAME_HUB_ARCHITECTURE_H

#include "base/json.h"
#include "base/variant.h"
#include "model/settings.h"

/* What a model must be, and the key that a model breaks it by. */
typedef struct {
    const char *key;
    int (*holds)(const ModelSettings *model);
} Need;

/* How one of our tensors, (in, out) if it is a layer's, lies in theirs. */
typedef enum {
    LAYOUT_VECTOR,       /* (1, n) as (n) */
    LAYOUT_MATRIX,       /* as it is */
    LAYOUT_TURNED,       /* transposed: (out, in) */
    LAYOUT_TURNED_PAIRS, /* likewise; channels (i, i + D/2) of a head, which rope turns, stand as 2i and 2i + 1 */
    LAYOUT_QKV_COLUMNS,  /* of q, k and v: (C, 3C), side by side; biases (3C) */
    LAYOUT_QKV_HEADS     /* of q, k and v, transposed: (3C, C), the rows of a head's q, k and v, then the next head's */
} TensorLayout;

/* A tensor of theirs. What the model lacks (a bias, a type, positions) stands as zeros. */
typedef struct {
    const char *theirs, *ours; /* of q, k and v together: "weight" or "bias" */
    TensorLayout layout;
    int (*stands)(const ModelSettings *model); /* NULL: always */
} TensorRow;

/* A tensor of theirs that is zero everywhere, so that it makes nothing of what a model of ours does not have. */
enum { AS_WIDE_AS_MODEL = -1 };

typedef struct {
    const char *theirs;
    int shape[3]; /* sizes, AS_WIDE_AS_MODEL; 0 behind the last */
} ZeroRow;

/* A field of config.json, for reading one back: the key of ours that it sets, or what it must be. */
typedef struct {
    const char *theirs, *ours; /* NULL: it sets none, ... */
    const char *is;            /* ... and must be just this; NULL: it may be what it likes */
    const char *initial;       /* what it is where it is not said, or null; NULL: it must be */
} FieldRow;

typedef struct FieldReader FieldReader; /* hub/fields.h */

/* One that is only read back has neither needs nor a way to configure. */
typedef struct {
    Variant variant;   /* its name is their model_type */
    const char *class; /* what loads it: "LlamaForCausalLM" */
    const Need *needs;
    int n_needs;
    const TensorRow *rows; /* outside of the blocks */
    int n_rows;
    const char *prefix;          /* of a block's tensors, before its number: "model.layers" */
    const TensorRow *block_rows; /* behind that, and behind our "blocks.L." */
    int n_block_rows;
    const ZeroRow *block_zeros; /* likewise */
    int n_block_zeros;
    void (*configure)(const ModelSettings *model, JsonWriter *json); /* what config.json has beside the common keys */
    /* For reading back. */
    const char *base; /* of tensors: stands before their names unless a model without a head was saved */
    const char *head; /* of tensors: before those of the head, which such a model lacks */
    int is_encoder;   /* its head may be one that is not ours: that is passed over */
    const FieldRow *fields;
    int n_fields;
    int (*describe)(const FieldReader *reader); /* what a table can't say of config.json; NULL: nothing */
    const char *const *shape;                   /* key, value, ... of ours that every such model has; NULL at its end */
    const char *const
        *extras;            /* tensors, behind `base`, that change no map: `#` is a number, `*` at the end whatever */
    double rope_share;      /* partial_rotary_factor where it is not said; 0: no rope */
    const char *rope_theta; /* rope_theta where it is not said; NULL: 10000 */
} Architecture;

#define NEEDS(rows)    .needs = (rows), .n_needs = sizeof(rows) / sizeof *(rows)
#define TENSORS(table) .rows = (table), .n_rows = sizeof(table) / sizeof *(table)
#define FIELDS(table)  .fields = (table), .n_fields = sizeof(table) / sizeof *(table)
#define BLOCKS(table)  .block_rows = (table), .n_block_rows = sizeof(table) / sizeof *(table)
#define ZEROS(table)   .block_zeros = (table), .n_block_zeros = sizeof(table) / sizeof *(table)

REGISTRY(Architecture, architecture);

#endif
