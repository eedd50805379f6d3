/* Sources: where sequences come from. A variant is one file with a const Source at its foot.
 *
 * A source writes *content* only; data.c frames it with BOS and EOS as the settings say. Every draw comes from the
 * stream it is handed, so a stream's value is the whole position: saving the Pcg saves the place.
 *
 * A source of vectors (`widths`) writes seq->vectors beside the ids, which then are classes of positions, and, if it
 * has them, seq->goals, with the position's own id as label wherever a goal counts; of BOS and EOS it says the same in
 * `frame`.
 */
#ifndef REFFRAME_DATA_SOURCE_H
#define REFFRAME_DATA_SOURCE_H

#include "base/pcg.h"
#include "base/variant.h"
#include "data/corpus.h"
#include "data/sequence.h"

typedef enum { PART_TRAIN, PART_HELD_OUT } Part;

/* The choices of data.bos, data.lengths.kind, data.window and data.separator. */
enum { BOS_ALWAYS, BOS_DOCUMENT, BOS_NEVER };
enum { LENGTHS_FULL, LENGTHS_UNIFORM, LENGTHS_DOCUMENTS };
enum { WINDOW_ANYWHERE, WINDOW_DOCUMENT };
enum { SEPARATOR_NEVER, SEPARATOR_PARAGRAPHS };

typedef struct {
    Variant variant;           /* keys below data.source */
    int needs_corpus;          /* then `corpus` is not NULL in prepare */
    int has_labels;            /* fills labels: the only one that objective `labelled` accepts */
    int labels_ends;           /* labels BOS and EOS, too, idle as they are */
    int has_documents;         /* draws windows of a text whose documents it knows: allows `bos: document`, `window:
                                * document`, `separator: paragraphs`, `unique_tokens` and `lengths.kind: documents` */
    int has_next;              /* false: the content has no successor, ids[T] stays -1 (recall) */
    int allows_ends;           /* false: BOS and EOS are refused (recall: places are fixed by position) */
    int has_idle;              /* flags idle queries; without it a metric over idle queries is missing */
    const char *const *groups; /* NULL-terminated names of its loss groups, NULL for none */

    /* Reads its settings; `length` is the longest content it will be asked for. Memory from arena, which must outlive
     * the state, as must the corpus. */
    int (*prepare)(Arena *arena, const Settings *settings, const Corpus *corpus, int length, void **ret_state,
                   Error *err);
    /* The number of ids it uses, with the three reserved ones. */
    int (*vocab_size)(const void *state);
    /* Writes `length` >= 1 content tokens into seq->ids[first..first+length), their flags, labels and groups (what it
     * does not touch is 0, -1 and 0); with labels_ends it labels every position of seq. The last token may stand at
     * seq->length, where only ids and groups have room. Draws from `pcg` only. A source with documents itself puts BOS
     * before each one in the window under `bos: document`, EOS between them under `separator: paragraphs`. */
    void (*next)(const void *state, Part part, int first, int length, Pcg *pcg, Sequence *seq);
    /* Of a source with documents, likewise: content that begins with a document and ends where one does, as soon as
     * that is `least` tokens or more, `most` at the most. Returns how many. */
    int (*next_documents)(const void *state, Part part, int first, int least, int most, Pcg *pcg, Sequence *seq);
    /* Of a source of windows, else NULL: how many different ones of `length` tokens a part has. */
    int64_t (*n_windows)(const void *state, Part part, int length);
    /* Of a source of vectors, else NULL: their width C_in, and that of goals, C_out, or 0 where it says labels. */
    void (*widths)(const void *state, int *ret_in, int *ret_out);
    /* With vectors: what stands at i when that is BOS or EOS, its vector, goal, label and group. */
    void (*frame)(const void *state, int i, Sequence *seq);
    /* Expected loss per target, in nats (of goals: mean square), of the ideal predictor under objective `next` (or
     * another) for content of `length` tokens on `part`; ret_groups[g] (may be NULL) the same within each group. Under
     * `next` every token is a target but the first, which is one only behind BOS. NaN where it is not known; NULL where
     * it never is. */
    double (*oracle_loss)(const void *state, Part part, int length, int first_is_target, double *ret_groups);
    /* Loss of the ideal predictor, likewise, on seq->ids[i], content that starts at `first`, given what stands before
     * it; 0 for a source whose labels follow from the content. Summed over a set, it is the floor of the loss on that
     * very set. */
    double (*ideal_loss)(const void *state, const Sequence *seq, int first, int i);
    /* How an id is shown, or NULL to use the corpus's vocabulary. */
    const char *(*token_text)(const void *state, int id);
} Source;

REGISTRY(Source, source);

#endif
