/* What the fuzz targets share (tests/README.md says more). A target is one file with the entry point that
 * libFuzzer calls; replay.c calls the same for the committed corpus, so that a seed that once failed stays a test.
 *
 * A property that does not hold ends the process by assert: libFuzzer keeps the input, a replay names the seed.
 */
#ifndef REFFRAME_TESTS_FUZZ_FUZZ_H
#define REFFRAME_TESTS_FUZZ_FUZZ_H

#include <assert.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/arena.h"
#include "base/status.h"
#include "base/text.h"

/* One input; it must leave nothing that the next one sees. Returns 0. */
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

/* A folder of the process's own, below $TMPDIR; removed when the process ends. */
const char *fuzz_folder(void);

/* Writes a file there, by its name ("run/manifest.json": its folder is made), and returns its path, which is good for
 * as long as the process. Not synced: of the program's own writers it has nothing. */
const char *fuzz_file(const char *name, const void *bytes, size_t n);

/* Whether the file of that name still holds these bytes. */
int fuzz_holds(const char *name, const void *bytes, size_t n);

/* The number of names in the folder `name` below it: what a writer must not leave behind. */
int fuzz_count(const char *name);

/* A refusal is STATUS_INPUT with one line that a terminal can show. */
void fuzz_refused(int status, const Error *err);

/* Whether a status is STATUS_OK; what is not is held to the above. */
int fuzz_is_read(int status, const Error *err);

/* Whether it has refused inputs and never read one: seeds that reach nothing. */
int fuzz_read_none(void);

/* An output that a refusal must leave as it was: marked before the call, looked at behind it. */
#define FUZZ_MARK(output)      memset(&(output), 0xA5, sizeof(output))
#define FUZZ_UNTOUCHED(output) assert(fuzz_is_marked(&(output), sizeof(output)))
int fuzz_is_marked(const void *output, size_t n);

/* An input is parts, each but the last ended by a NUL. Takes the next one, as a string in arena; "" behind the last. */
typedef struct {
    const char *at, *end;
} FuzzParts;
const char *fuzz_part(Arena *arena, FuzzParts *parts);

/* An input is numbers: takes the next byte; 0 behind the last. */
int fuzz_byte(FuzzParts *parts);

#endif
