/* Our models for everybody's tools: a run's weights as a folder that Hugging Face's transformers loads; and theirs for
 * ours.
 *
 * The nearest architecture that computes the same function is chosen by its table of needs (architecture/). A
 * model without such a home is refused, by the key that stands in the way; nothing is approximated.
 */
#ifndef REFFRAME_HUB_HUB_H
#define REFFRAME_HUB_HUB_H

#include "data/data.h"
#include "hub/architecture/architecture.h"
#include "model/model.h"

/* A model and where it comes from. */
typedef struct {
    const Model *model;
    const real *parameters;
    const Data *data; /* whose tokenizer is written, too; NULL: none is */
    const char *run;  /* the run's name and ... */
    int64_t step;     /* ... the step of these weights, for config.json */
} HubModel;

/* What was written. */
typedef struct {
    const Architecture *architecture;
    int64_t step;
    int n_tensors;
    int has_tokenizer;
} HubSummary;

/* The architecture that a model of these settings has; STATUS_INPUT names the key that no architecture has a place for,
 * or the nearest one has none for. */
int hub_find(const ModelSettings *model, const Architecture **ret_architecture, Error *err);

/* Writes `folder`: config.json, model.safetensors and, of characters and bytes, tokenizer.json and
 * tokenizer_config.json. The folder appears whole or not at all. One that is there is STATUS_INPUT, unless this has
 * written it and nothing else lies in it: then it is replaced. */
int hub_write(const HubModel *model, const char *folder, HubSummary *ret_summary, Error *err);

/* The same of a run's folder, whose settings these are: its newest checkpoint, or that of `step` (-1: the newest). */
int hub_export(const char *run, const Settings *settings, int64_t step, const Kernels *kernels, const char *folder,
               HubSummary *ret_summary, Error *err);

/* One folder for each step of which a snapshot or a checkpoint holds the weights, below `folder`, ascending:
 * hub_write's, called stepN-tokensM. STATUS_INPUT where none holds any. What was written stands, also when a later one
 * fails. */
int hub_export_revisions(const char *run, const Settings *settings, const Kernels *kernels, const char *folder,
                         void (*on_written)(void *context, const char *name, const HubSummary *summary), void *context,
                         Error *err);

/* Whether a path is a folder of Hugging Face's, and no run's, or a file in GGUF. */
int hub_is_at(const char *path);

/* A model of theirs, of which all but the values is read. */
typedef struct {
    const Architecture *architecture;
    ModelSettings settings; /* for sequences as long as the model takes, and ours do */
    int n_positions;        /* that the model has, which may be more than ours take */
    int padding;            /* an id that would stand at no position there; -1: none */
    int has_head;           /* it gives logits; a folder may lack the head */
    const struct HubParts *parts;
} HubFile;

/* Reads config.json and the headers of the weights, or the header of a GGUF. What config.json says decides; a field
 * that may change numbers and is not read, and a value that no model of ours has, are STATUS_INPUT by the field's name;
 * so is a tensor that does not fit. The schema is the program's. Memory from arena. */
int hub_open(Arena *arena, const char *path, const Schema *schema, const Kernels *kernels, HubFile *ret_file,
             Error *err);

/* The same as a model of ours, for sequences of up to `length`. A folder may lack the head: then it is the embedding,
 * and logits mean nothing. */
typedef struct {
    const Architecture *architecture;
    const Model *model;
    const real *parameters;
} HubRead;

/* The same without values, to know what it takes: no weight is read. Memory from arena. */
int hub_shape(Arena *arena, const HubFile *file, int length, const Model **ret_model, Error *err);

/* Bytes that hub_read takes of such a model: its values, which stay, and the tensor that is being read. */
double hub_read_bytes(const HubFile *file, const Model *model);

/* STATUS_INPUT also if there is not as much memory, and of a value that is no number. Memory from arena. */
int hub_read(Arena *arena, const HubFile *file, int length, HubRead *ret_read, Error *err);

#endif
