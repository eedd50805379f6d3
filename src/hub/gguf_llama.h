/* GGUF of the Llama family, as an architecture that is only read. */
#ifndef REFFRAME_HUB_GGUF_LLAMA_H
#define REFFRAME_HUB_GGUF_LLAMA_H

#include "hub/fields.h"
#include "hub/weights.h"

/* A file's fields and weights. STATUS_INPUT as of gguf_open and fields_read. */
int gguf_llama_open(Arena *arena, const char *path, Fields *ret_fields, Weights *ret_weights, Error *err);

#endif
