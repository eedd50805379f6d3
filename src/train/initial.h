/* Initial weights that a file gives (model.init.from): a tensor of one of the model's names takes its place, whatever
 * the file lacks starts as usual. Published curves may hang on one fast seed, and only its own initial weights give
 * them again.
 *
 * The file is a safetensors file in F32, F64, F16 or BF16 with names as in src/model/README.md: weights of a snapshot,
 * or a checkpoint, whose other members (the optimizer's slots "SLOT/NAME", "streams", "progress") are passed over.
 */
#ifndef REFFRAME_TRAIN_INITIAL_H
#define REFFRAME_TRAIN_INITIAL_H

#include "base/settings.h"
#include "model/parameters.h"

typedef struct {
    char sha256[65]; /* of the file; "" without one */
    size_t n_bytes;  /* that it takes in memory while it is read */
} InitialFile;

/* Reads and checks the file that the settings name, if any. STATUS_INPUT for a file that cannot be read, for names that
 * the model does not have, and for other shapes. */
int initial_check(const Settings *settings, const Parameters *parameters, InitialFile *ret_file, Error *err);

/* The same into a block that holds the usual initial values; it is left alone on failure. */
int initial_load(const Settings *settings, const Parameters *parameters, real *block, Error *err);

/* SHA-256 of everything that a run reads, for its id: the corpus' alone without a file of weights. */
void initial_inputs(const InitialFile *file, const char *corpus_sha256, char ret_sha256[65]);

#endif
