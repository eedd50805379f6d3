/* Anybody's attention maps: NumPy files of any model and framework, checked entry by entry and held once in float32.
 *
 * A file is (N,L,H,T,T), (L,H,T,T) for one sequence or (T,T) for one map; a folder holds such files of one L and H, and
 * any T: its sequences are numbered through, files sorted bytewise. Rows are queries, columns keys. What is refused,
 * and what is kept and counted, stands in README.md.
 */
#ifndef REFFRAME_MAPS_MAPS_H
#define REFFRAME_MAPS_MAPS_H

#include "base/arena.h"
#include "base/status.h"
#include "geometry/view.h"
#include "store/npy.h"

#define MAPS_ROUNDING      1e-3 /* a row sums to one within this, */
#define MAPS_ROUNDING_HALF 1e-2 /* in float16 within this, */
#define MAPS_MOST          1e-2 /* and to no more than this above one in any type */

typedef enum { MAPS_MASK_ASSUMED, MAPS_MASK_CAUSAL, MAPS_MASK_FULL } MapsMask;

typedef struct {
    const char *path;   /* a file, or a folder of .npy files */
    const char *tokens; /* ids: a file, or a folder of files of the same names; NULL: none */
    MapsMask mask;
} MapsRequest;

/* One .npy file of maps; its n sequences are `first` and following. */
typedef struct {
    const char *path, *tokens_path;
    NpyType type;
    int n, length, first;
    size_t read_bytes; /* what reading it takes */
    Arena *arena;      /* holds its float32 maps; NULL before maps_load */
} MapsFile;

typedef struct {
    int length;            /* T */
    const real *maps;      /* (L,H,T,T) */
    const int32_t *tokens; /* (T,) or NULL */
    const Visible *visible;
} MapsSequence;

typedef struct {
    const char *path;
    MapsFile *files;
    int n_files;
    MapsSequence *sequences;
    int n, n_layers, n_heads, shortest, longest;
    MapsMask mask; /* as asked for */
    int has_tokens, is_causal;
    int64_t n_rows, n_empty;  /* rows of all maps; those of zeros */
    int64_t n_below, n_above; /* those that sum to less, to more than one by more than MAPS_ROUNDING; kept */
    Arena *arena;
} MapsSet;

/* Whether a path is a .npy file, or a folder that has one. */
int maps_are_at(const char *path);

/* Looks at headers alone: sizes are known then, and nothing large is taken. */
int maps_open(const MapsRequest *request, MapsSet *ret_set, Error *err);

/* Bytes that maps_load takes at its peak, and that it holds afterwards. */
double maps_load_bytes(const MapsSet *set);
double maps_held_bytes(const MapsSet *set);

/* Reads and checks every entry. On failure the set is to be freed all the same. */
int maps_load(MapsSet *set, Error *err);

/* "float32", as NumPy calls it. */
const char *maps_type_name(NpyType type);

/* A View of one sequence: maps, tokens where given, nothing else. */
View maps_view(const MapsSet *set, int sequence);

enum { MAPS_MOST_NOTES = 4 };

/* What a reader of the results must know of the maps: rows kept as they are, sequences too short; lines from arena. */
int maps_notes(const MapsSet *set, Arena *arena, const char *ret_notes[MAPS_MOST_NOTES]);

/* NULL and half-made sets allowed; the set is empty then. */
void maps_free(MapsSet *set);

#endif
