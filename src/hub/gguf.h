/* GGUF (github.com/ggml-org/ggml, docs/gguf.md): metadata and tensors of a model in one file. */
#ifndef REFFRAME_HUB_GGUF_H
#define REFFRAME_HUB_GGUF_H

#include "base/json.h"
#include "hub/weights.h"

/* Whether a file is one, by how it begins. */
int gguf_is_at(const char *path);

/* Its tensors, and its metadata as an object: numbers and texts by their keys, without `general.` (but the
 * architecture) and `tokenizer.`; of a list, its length in items, which are null. STATUS_INPUT names what breaks the
 * format. Memory from arena. */
int gguf_open(Arena *arena, const char *path, Json **ret_metadata, Weights *ret_weights, Error *err);

#endif
