/* Anybody's attention maps: NumPy files of any model and framework, checked entry by entry and held once in float32.
 *
 * A file is (N,L,H,T,T), (L,H,T,T) for one sequence or (T,T) for one map; a folder holds such files of one L and H, and
 * any T: its sequences are numbered through, files sorted bytewise. Rows are queries, columns keys. What is refused,
 * and what is kept and counted, stands in README.md.
 *
 *   maps_open, then maps_set_masks, then maps_load; then maps_measure (measure.h); maps_free
 */
#ifndef REFFRAME_MAPS_MAPS_H
#define REFFRAME_MAPS_MAPS_H

#include "base/arena.h"
#include "base/status.h"
#include "base/visible.h"
#include "geometry/view.h"
#include "store/npy.h"

#define MAPS_ROUNDING      1e-3 /* a row sums to one within this, */
#define MAPS_ROUNDING_HALF 1e-2 /* in float16 within this, */
#define MAPS_MOST          1e-2 /* and to no more than this above one in any type */
#define MAPS_TRACE         1e-5 /* of a row may stand where a mask that holds leaves 0 */

/* One .npy file of maps; its n sequences are `first` and following. */
typedef struct {
    const char *path, *tokens_path;
    NpyType type, tokens_type;
    int n, length, first;
    size_t read_bytes; /* what reading it takes */
    Arena *arena;      /* holds its float32 maps; NULL before maps_load */
} MapsFile;

typedef struct {
    int length;            /* T */
    const real *maps;      /* (L,H,T,T); NULL where it is not kept */
    const int32_t *tokens; /* (T,) or NULL */
} MapsSequence;

/* What a reader must know of what was measured: "Architecture", "llama"; `key` in the json. */
typedef struct {
    const char *key, *term, *value;
} MapsFact;

typedef struct {
    const char *path;
    const char *title; /* the last part of the path, by which a page goes */
    const MapsFact *facts;
    int n_facts;
    const char *const *remarks; /* (n_remarks) notes of whoever made the maps */
    int n_remarks;
    const unsigned char *is_shown; /* (L) the layers of which results are written; NULL: all */
    MapsFile *files;               /* none of maps that are held */
    int n_files;
    MapsSequence *sequences;
    int n, n_layers, n_heads, shortest, longest;
    int has_tokens;
    const char *const *words; /* (n_words) what ids are called, for readers; NULL where one has no name */
    int n_words;
    const MaskRule *masks; /* (n_masks) that queries may have looked under */
    int n_masks;
    int mask;               /* the one that holds; an assumed one is known when all is read */
    int mask_is_given;      /* it was asked for, not assumed */
    const Visible *visible; /* (n_masks, longest+1) what each shows at the lengths there are */
    size_t visible_bytes;
    const Kernels *kernels;
    const void *const *states; /* of the metric families, by the defaults of their keys */
    int rows_sum_to_one;       /* all do, as they were counted where maps were read, or as their model makes them */
    int64_t n_rows, n_empty;   /* rows of all maps; those of zeros, 0 where nobody counted, as are the next two */
    int64_t n_below, n_above;  /* those that sum to less, to more than one by more than MAPS_ROUNDING; kept */
    int n_unseen, most_unseen; /* sequences whose last places get nothing from any query in any head, as padding does;
                                * and the most such places of one */
    int64_t n_traces;          /* those with traces behind the mask that holds, which were made 0; the */
    double most_trace;         /* largest sum of a row's */
    Arena *arena;
} MapsSet;

/* Whether a path is a .npy file, or a folder that has one. */
int maps_are_at(const char *path);

/* Looks at headers alone: sizes are known then, and nothing large is taken. `path`: a file, or a folder of .npy files;
 * `tokens`: ids, a file, or a folder of files of the same names; NULL: none. */
int maps_open(const Kernels *kernels, const char *path, const char *tokens, MapsSet *ret_set, Error *err);

/* Maps of a model of ours, in memory that outlives the set: they are taken as they are, and maps_load is not for them.
 */
typedef struct {
    int n, n_layers, n_heads, longest;
    const int *lengths;       /* (n) T of each */
    real *const *maps;        /* (n) (L,H,T,T) each; NULL: they are not kept, and the set has no page */
    const int32_t *tokens;    /* one behind the other, (T) each */
    const char *const *words; /* (n_words) as in MapsSet, as is what follows */
    int n_words;
    const MapsFact *facts;
    int n_facts;
    const char *const *remarks;
    int n_remarks;
    const unsigned char *is_shown;
    int rows_sum_to_one;
} MapsHeld;

int maps_hold(const Kernels *kernels, const char *name, const MapsHeld *held, MapsSet *ret_set, Error *err);

/* What queries may have seen: one mask that is given, or some of which the first is assumed that hides nothing but
 * zeros, or traces, in any map. What a rule's state points to must outlive the set. */
void maps_set_masks(MapsSet *set, const MaskRule *masks, int n_masks, int is_given);

/* What mask number `mask` shows at one of the set's lengths. */
const Visible *maps_visible(const MapsSet *set, int mask, int length);

/* Why the mask that holds was assumed, in a few words; NULL: it was given. */
const char *maps_mask_reason(const MapsSet *set);

/* Bytes that maps_load takes at its peak, and that it holds afterwards. */
double maps_load_bytes(const MapsSet *set);
double maps_held_bytes(const MapsSet *set);

/* Reads and checks every entry. On failure the set is to be freed all the same. */
int maps_load(MapsSet *set, Error *err);

/* A View of nothing but sizes, at one of the set's lengths; of one sequence: maps, and tokens where given. */
View maps_shape(const MapsSet *set, int length);
View maps_view(const MapsSet *set, int sequence);

/* Whether results of a layer are written. */
static inline int maps_shows(const MapsSet *set, int layer)
{
    return !set->is_shown || set->is_shown[layer];
}

enum { MAPS_MOST_REMARKS = 4, MAPS_MOST_NOTES = 6 + MAPS_MOST_REMARKS };

/* What a reader of the results must know of the maps: rows kept as they are, traces that were cleared, sequences too
 * short, remarks; lines from arena. */
int maps_notes(const MapsSet *set, Arena *arena, const char *ret_notes[MAPS_MOST_NOTES]);

/* The last part of a path; of one that ends in no name, such as ".", the folder's own. */
const char *maps_title(Arena *arena, const char *path);

/* NULL and half-made sets allowed; the set is empty then. */
void maps_free(MapsSet *set);

#endif
