/* Weights of theirs into a model of ours, by an architecture's tables. */
#ifndef REFFRAME_HUB_TAKE_H
#define REFFRAME_HUB_TAKE_H

#include "hub/fields.h"
#include "hub/weights.h"
#include "model/model.h"

/* How the tensors are named: a model without its head is often saved without `base` before each name. */
typedef struct {
    int is_bare, has_head;
} Naming;

Naming take_naming(Arena *arena, const Fields *fields, const Weights *weights);

/* Whether the weights are just the model's tensors. STATUS_INPUT names one that is missing, has another shape or a type
 * that is not read, or no place in the model. */
int take_check(const Fields *fields, Naming naming, const Model *model, const Weights *weights, Error *err);

/* Of weights that are, the values into a block of the model's; STATUS_INPUT names one that is no number. */
int take_values(const Fields *fields, Naming naming, const Model *model, const Weights *weights, real *ret_block,
                Error *err);

/* Bytes that take_values needs beside the block: of its largest tensor. */
double take_bytes(const Fields *fields, Naming naming, const Model *model);

#endif
