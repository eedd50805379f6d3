/* Arenas: a list of zeroed chunks, filled from the front. Blocks are never returned one by one.
 *
 * Chunks come from calloc, whose large blocks are fresh zero pages: what is never used is never touched.
 * Invariant: every block starts at a multiple of ARENA_ALIGNMENT; a fixed arena has exactly one chunk.
 */
#include "base/arena.h"

#include <assert.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

/* Address sanitizer: what lies between a block and the next is nobody's. gcc defines a macro, clang has a feature. */
#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define __SANITIZE_ADDRESS__ 1
#endif
#endif
#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/asan_interface.h>
#else
#define ASAN_POISON_MEMORY_REGION(start, n)   ((void)(start), (void)(n))
#define ASAN_UNPOISON_MEMORY_REGION(start, n) ((void)(start), (void)(n))
#endif

#define CHUNK_MIN ((size_t)1 << 16)
#define CHUNK_MAX ((size_t)1 << 23) /* chunks double up to here; larger blocks get a chunk of their own size */

typedef struct Chunk Chunk;
struct Chunk {
    Chunk *older;
    unsigned char *start; /* aligned */
    size_t size, used;
};

struct Arena {
    Chunk *newest;
    size_t used, next_size;
    int is_fixed, is_counting;
};

/* NULL if there is no memory. The header lies in front of the aligned bytes, in one allocation. */
static Chunk *chunk_new(size_t size, Chunk *older)
{
    const size_t extra = sizeof(Chunk) + ARENA_ALIGNMENT;
    if (size > SIZE_MAX - extra)
        return NULL;
    Chunk *chunk = calloc(1, size + extra);
    if (!chunk)
        return NULL;
    const uintptr_t after = (uintptr_t)(chunk + 1);
    const uintptr_t aligned = (after + ARENA_ALIGNMENT - 1) & ~(uintptr_t)(ARENA_ALIGNMENT - 1);
    chunk->start = (unsigned char *)(chunk + 1) + (aligned - after);
    chunk->size = size;
    chunk->older = older;
    return chunk;
}

Arena *arena_new(void)
{
    Arena *arena = calloc(1, sizeof *arena);
    if (!arena)
        memory_exhausted(sizeof *arena);
    arena->next_size = CHUNK_MIN;
    return arena;
}

Arena *arena_new_counting(void)
{
    Arena *arena = arena_new();
    arena->is_counting = 1;
    return arena;
}

/* Asks for huge pages under the whole ones of a chunk, before it is first touched: a step walks tens of megabytes, and
 * misses fewer translations (5 % of a step of bench's S). A kernel that has none says no, which changes nothing. */
static void advise_huge_pages(const Chunk *chunk)
{
#ifdef MADV_HUGEPAGE
    const uintptr_t huge = (uintptr_t)1 << 21, start = (uintptr_t)chunk->start;
    const uintptr_t first = (start + huge - 1) & ~(huge - 1), end = (start + chunk->size) & ~(huge - 1);
    if (first < end)
        madvise(chunk->start + (first - start), end - first, MADV_HUGEPAGE);
#else
    (void)chunk;
#endif
}

int arena_new_fixed(size_t bytes, Arena **ret_arena, Error *err)
{
    Arena *arena = calloc(1, sizeof *arena);
    Chunk *chunk = chunk_new(bytes, NULL);
    if (!arena || !chunk) {
        free(arena);
        free(chunk);
        return error_set(err, STATUS_FAILED, "out of memory: %zu bytes were needed", bytes);
    }
    advise_huge_pages(chunk);
    arena->newest = chunk;
    arena->is_fixed = 1;
    *ret_arena = arena;
    return STATUS_OK;
}

Arena *arena_within(Arena *outer, size_t bytes)
{
    Arena *arena = arena_alloc(outer, sizeof *arena);
    Chunk *chunk = arena_alloc(outer, sizeof *chunk);
    unsigned char *start = arena_alloc(outer, arena_rounded(bytes));
    if (!arena)
        return NULL;
    *chunk = (Chunk){.start = start, .size = arena_rounded(bytes)};
    *arena = (Arena){.newest = chunk, .is_fixed = 1};
    return arena;
}

Arena *arena_free(Arena *arena)
{
    if (!arena)
        return NULL;
    for (Chunk *chunk = arena->newest; chunk;) {
        Chunk *older = chunk->older;
        free(chunk);
        chunk = older;
    }
    free(arena);
    return NULL;
}

void arena_clear(Arena *arena)
{
    assert(arena->is_fixed);
    ASAN_UNPOISON_MEMORY_REGION(arena->newest->start, arena->newest->used);
    arena->newest->used = arena->used = 0;
}

size_t arena_rounded(size_t bytes)
{
    if (bytes > SIZE_MAX - ARENA_ALIGNMENT)
        memory_exhausted(bytes);
    return (bytes + ARENA_ALIGNMENT - 1) & ~(size_t)(ARENA_ALIGNMENT - 1);
}

void *arena_alloc(Arena *arena, size_t bytes)
{
    const size_t size = arena_rounded(bytes);
    Chunk *chunk = arena->newest;
    if (arena->is_counting) {
        arena->used += size;
        return NULL;
    }
    if (!chunk || size > chunk->size - chunk->used) {
        assert(!arena->is_fixed);
        chunk = chunk_new(size > arena->next_size ? size : arena->next_size, arena->newest);
        if (!chunk)
            memory_exhausted(size);
        arena->newest = chunk;
        if (arena->next_size < CHUNK_MAX)
            arena->next_size *= 2;
    }
    unsigned char *block = chunk->start + chunk->used;
    ASAN_POISON_MEMORY_REGION(block + bytes, size - bytes);
    chunk->used += size;
    arena->used += size;
    return block;
}

size_t arena_used(const Arena *arena)
{
    return arena->used;
}

void *arena_widen(Arena *arena, void *items, size_t size, size_t needed, size_t *capacity)
{
    enum { FEWEST = 64 };
    if (needed <= *capacity)
        return items;
    const size_t most = SIZE_MAX / size;
    size_t wider = *capacity < FEWEST / 2 ? FEWEST : *capacity <= most / 2 ? 2 * *capacity : most;
    wider = wider < needed ? needed : wider;
    if (wider > most)
        memory_exhausted(SIZE_MAX);
    void *copy = arena_alloc(arena, wider * size);
    assert(copy);
    if (*capacity > 0)
        memcpy(copy, items, *capacity * size);
    *capacity = wider;
    return copy;
}

char *arena_strndup(Arena *arena, const char *string, size_t n)
{
    char *copy = arena_alloc(arena, n + 1);
    assert(copy);
    memcpy(copy, string, n);
    return copy;
}

char *arena_strdup(Arena *arena, const char *string)
{
    return arena_strndup(arena, string, strlen(string));
}

char *arena_format(Arena *arena, const char *format, ...)
{
    va_list args, again;
    va_start(args, format);
    va_copy(again, args);
    const int n = vsnprintf(NULL, 0, format, args);
    va_end(args);
    assert(n >= 0);
    char *made = arena_alloc(arena, (size_t)n + 1);
    assert(made);
    vsnprintf(made, (size_t)n + 1, format, again);
    va_end(again);
    return made;
}
