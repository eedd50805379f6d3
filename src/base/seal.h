/* A text that ends with its own SHA-256, so that whoever reads it notices when a bit of it is another. Text and hash
 * are one file, and so one atomic write. This tells of damage, not of intent: whoever changes the text can change the
 * hash.
 */
#ifndef REFFRAME_BASE_SEAL_H
#define REFFRAME_BASE_SEAL_H

#include "base/status.h"
#include "base/text.h"

/* What stands around the 64 hex digits; the hash is of everything before them. */
typedef struct {
    const char *before, *after;
} Seal;

/* That of run.yaml, the settings of a run. */
extern const Seal seal_of_settings;

/* Ends a text with its seal. */
void seal_add(const Seal *seal, Text *text);

/* None: a text of an earlier version, or of a hand. Broken: the text, or the seal, is not what was written. */
typedef enum { SEAL_NONE, SEAL_WHOLE, SEAL_BROKEN } SealState;
SealState seal_state(const Seal *seal, const char *bytes, size_t n);

/* STATUS_INPUT where it is broken, with `remedy` behind what is wrong. */
int seal_check(const Seal *seal, const char *path, const char *bytes, size_t n, const char *remedy, Error *err);

#endif
