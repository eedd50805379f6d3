/* Arenas: memory with one lifetime (run, step, report), freed in one call.
 *
 * Three kinds. A growing arena takes chunks from the system as it needs them; it serves plans and reports, and a
 * machine that is out of memory then ends the process with one line on stderr and exit code 1. A fixed arena is taken
 * whole, before training starts, with its size known; taking it can fail with an error, allocating from it cannot
 * (asserted). A counting arena has no memory and hands out NULL: the code that lays memory out, run on one, tells how
 * much a fixed arena must have, so that sizes are written once.
 */
#ifndef REFFRAME_BASE_ARENA_H
#define REFFRAME_BASE_ARENA_H

#include <stddef.h>

#include "base/status.h"

#define ARENA_ALIGNMENT 64 /* bytes; every block starts on a cache line */

typedef struct Arena Arena;

/* A growing arena. Never NULL. */
Arena *arena_new(void);

/* An arena of exactly `bytes` (rounded up per block by arena_rounded). */
int arena_new_fixed(size_t bytes, Arena **ret_arena, Error *err);

/* A fixed arena in a block of another's, with which it goes: it is not freed itself. NULL from a counting one. */
Arena *arena_within(Arena *outer, size_t bytes);

/* An arena without memory. Never NULL itself. */
Arena *arena_new_counting(void);

/* Everything handed out by a fixed arena may be handed out again, as it stands: scratch is not zeroed. */
void arena_clear(Arena *arena);

/* Frees everything; NULL is allowed. Returns NULL. */
Arena *arena_free(Arena *arena);

/* `bytes` of zeroed memory, 64-byte aligned; NULL from a counting arena, and from no other. */
void *arena_alloc(Arena *arena, size_t bytes);

/* What arena_alloc(bytes) takes from a fixed arena: `bytes` rounded up to the alignment. */
size_t arena_rounded(size_t bytes);

/* Bytes handed out so far, or counted: what a fixed arena needs for the same calls. */
size_t arena_used(const Arena *arena);

/* None of these three on a counting arena. A copy of a string, or of its first n bytes (NUL added). */
char *arena_strdup(Arena *arena, const char *string);
char *arena_strndup(Arena *arena, const char *string, size_t n);

/* printf into the arena. */
char *arena_format(Arena *arena, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Room for at least `needed` items of `size` bytes: `items` themselves, which have room for *capacity, or a copy in
 * twice as much and more, zeroed behind them. Not on a counting arena. */
void *arena_widen(Arena *arena, void *items, size_t size, size_t needed, size_t *capacity);

/* n zeroed elements of a type. */
#define ARENA_ARRAY(arena, type, n) ((type *)arena_alloc((arena), (size_t)(n) * sizeof(type)))

#endif
