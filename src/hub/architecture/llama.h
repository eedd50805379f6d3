/* What those that came of Llama share with it, for reading back. */
#ifndef REFFRAME_HUB_ARCHITECTURE_LLAMA_H
#define REFFRAME_HUB_ARCHITECTURE_LLAMA_H

#include "hub/architecture/architecture.h"

enum { LLAMA_ROWS = 3, LLAMA_BLOCK_ROWS = 16 };

extern const TensorRow llama_rows[LLAMA_ROWS];
extern const TensorRow llama_block_rows[LLAMA_BLOCK_ROWS];
extern const char *const llama_shape[];  /* rope, RMSNorm, SwiGLU */
extern const char *const llama_extras[]; /* frequencies, which follow from config.json */

#endif
