/* Our models for everybody's tools: a run's weights as a folder that Hugging Face's transformers loads.
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

/* A folder of Hugging Face's, read back as a model of ours. */
typedef struct {
    const Architecture *architecture;
    const Model *model;
    const real *parameters;
} HubRead;

/* Whether a folder is one, and no run's. */
int hub_is_at(const char *folder);

/* Reads config.json and model.safetensors (F32). What config.json says decides; a field that may change numbers and is
 * not read, and a value that no model of ours has, are STATUS_INPUT by the field's name. The schema is the program's.
 * Memory from arena. */
int hub_read(Arena *arena, const char *folder, const Schema *schema, const Kernels *kernels, HubRead *ret_read,
             Error *err);

#endif
