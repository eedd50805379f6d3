/* Initial weights that a file gives (model.init.from): a tensor of one of the model's names takes its place, whatever
 * the file lacks starts as usual. Published curves may hang on one fast seed, and only its own initial weights give
 * them again.
 *
 * The file is a safetensors file in F32, F64, F16 or BF16 with names as in src/model/README.md: one of the user's, or
 * another run's checkpoint, whose other members (slots of the optimizer, "SLOT/NAME", "streams", "progress") are passed
 * over.
 */
#ifndef REFFRAME_TRAIN_INITIAL_H
#define REFFRAME_TRAIN_INITIAL_H

#include "base/settings.h"
#include "model/parameters.h"

/* Reads and checks the file that the settings name; *ret_bytes is the memory that this takes, 0 without a file.
 * STATUS_INPUT for a file that cannot be read, for names that the model does not have, and for other shapes. */
int initial_check(const Settings *settings, const Parameters *parameters, size_t *ret_bytes, Error *err);

/* The same into a block that holds the usual initial values; it is left alone on failure. */
int initial_load(const Settings *settings, const Parameters *parameters, real *block, Error *err);

/* SHA-256 of everything that a run reads, for its id: the corpus' ("" for none) alone without such a file. */
int initial_inputs(const Settings *settings, const char *corpus_sha256, char ret_sha256[65], Error *err);

#endif
