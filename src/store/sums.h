/* SHA256SUMS of a results folder: the hashes of the files beside it, as `sha256sum -c` reads them.
 *
 * It is written last, and names nothing that is being replaced: whoever writes the files of a folder anew takes their
 * lines out first. So what it lists stands as it was written, or is damaged; what it does not list is not known.
 */
#ifndef REFFRAME_STORE_SUMS_H
#define REFFRAME_STORE_SUMS_H

#include "base/arena.h"
#include "base/status.h"

#define SUMS_FILE "SHA256SUMS"

enum { MOST_SUMS = 64 };

/* What `run` writes into a results folder before it trains, and reports read. */
enum { DOCUMENT_PLAN, DOCUMENT_METRICS, DOCUMENT_REFERENCE, DOCUMENT_COUNT };
extern const char *const document_names[DOCUMENT_COUNT];

typedef struct {
    const char *names[MOST_SUMS], *hashes[MOST_SUMS];
    int n;
} Sums;

/* An absent file lists nothing. STATUS_INPUT for a line that is none of ours. */
int sums_read(Arena *arena, const char *folder, Sums *ret_sums, Error *err);
int sums_write(const char *folder, const Sums *sums, Error *err);

/* The hash of a name; NULL for none. */
const char *sums_hash(const Sums *sums, const char *name);

/* One more; of a file as it stands, if it does. */
void sums_add(Arena *arena, Sums *sums, const char *name, const char *hash);
int sums_add_file(Arena *arena, Sums *sums, const char *folder, const char *name, Error *err);

/* STATUS_INPUT where a file's bytes are not those that are listed. */
int sums_check(const Sums *sums, const char *path, const char *name, const char *bytes, size_t n, Error *err);

#endif
