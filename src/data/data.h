/* The data of a run: source, corpus, lengths, BOS/EOS framing, named streams.
 *
 * Streams: training sequences draw from "data/train", the measuring set from "measure/full" and "measure/half", all
 * seeded by the run's seed; none depends on the model, so that runs of one seed see the same data whatever the arm.
 *
 * Framing of T inputs, x_0.. the content:      inputs                        ids[T]
 *   bos: always, eos: never                    BOS x_0 ... x_{T-2}           x_{T-1}
 *   bos: always, eos: always                   BOS x_0 ... x_{T-3} EOS       -1
 *   bos: never,  eos: never                    x_0 ... x_{T-1}               x_T
 *   bos: never,  eos: always                   x_0 ... x_{T-2} EOS           -1
 * `bos: document` is `never` with a BOS before each document start that the window contains, position 0 included.
 * `separator: paragraphs` puts an EOS before each document start but that of x_0, among the content and counted as
 * such.
 *
 * What stands in BOS's place under `bos: always` (f; FLAG_GIVEN but for BOS itself), and where (k = first_at):
 *   first: bos        f is BOS                           k = 0   f x_0 x_1 x_2 ...
 *   first: fixed      f is the first content id          k = 1   x_0 f x_1 x_2 ...
 *   first: random     f is any content id, each alike    k = 2   x_0 x_1 f x_2 ...
 *   first: repeated   f is x_0, k = 0 alone
 * Only sources with a next token have these. f is no target and is never hidden; x_{k-1} then predicts nothing, and f
 * what x_{k-1} would have predicted.
 *
 * Length of a sequence, at most T; behind it nothing stands, and EOS is its own last input:
 *   full        T
 *   uniform     drawn before the content, each of least..T alike
 *   documents   a text's paragraphs, whole: it begins with one and ends where one ends, as soon as it has `least`
 *               inputs, but at T whatever stands there
 */
#ifndef REFFRAME_DATA_DATA_H
#define REFFRAME_DATA_DATA_H

#include "data/source/source.h"

typedef struct Data Data;

/* Schema rows of `data` (bos, eos, window, held_out, ...) for the program's schema. */
extern const SchemaRow data_rows[];
extern const int data_n_rows;

/* The shortest context_length: its half still holds two tokens between BOS and EOS. */
enum { DATA_MIN_LENGTH = 8 };

/* Opens source and corpus for sequences of `length` = model.context_length. Input hashes are computed on the way.
 * Memory from a growing arena that outlives the Data. */
int data_open(Arena *arena, const Settings *settings, int length, Data **ret_data, Error *err);

/* The same with a corpus of a shelf, which outlives the Data; NULL: of its own. */
int data_open_shared(Arena *arena, const Settings *settings, int length, CorpusShelf *shelf, Data **ret_data,
                     Error *err);

int data_vocab_size(const Data *data);
const char *data_token_text(const Data *data, int id); /* UTF-8, "<bos>" "<eos>" "<mask>" for the reserved ones */
void data_save_tokenizer(const Data *data,
                         Text *ret_text); /* see Tokenizer.save; adds nothing where it saves nothing */
const Source *data_source(const Data *data);
const Corpus *data_corpus(const Data *data);              /* NULL for a source without one */
int data_n_groups(const Data *data);                      /* loss groups, at least 1 */
const char *data_group_name(const Data *data, int group); /* "all" for a source that splits nothing */

/* How many different sequences of full length a part has, as far as they are windows of a text; -1 for others, and
 * where lengths vary. */
int64_t data_n_windows(const Data *data, Part part);

/* Whether sequences differ in length, and the fewest inputs that one has. */
int data_varies(const Data *data);
int data_least(const Data *data);

/* Inputs of a sequence in the mean; of whole documents at the most. */
double data_mean_length(const Data *data);

/* Draws one sequence into caller's arrays: of `most` (the length it was opened for, or half of it), or where lengths
 * vary of any up to it; seq->length says which. */
void data_next(const Data *data, Part part, int most, Pcg *pcg, Sequence *seq);

/* See Source.oracle_loss, for framed sequences of `length`, or of lengths up to it as data_next draws them (and then of
 * no group by itself); ret_groups (n_groups) may be NULL. True of the objective that predicts the content (`next`, or
 * `labelled` for a source with labels); under `masked` it says nothing. */
double data_oracle_loss(const Data *data, Part part, int length, double *ret_groups);

/* See Source.ideal_loss; NaN where it is not known, and for an id that is no content (with vectors BOS and EOS are,
 * too). */
double data_ideal_loss(const Data *data, const Sequence *seq, int i);

/* Widths of the source's vectors and goals, C_in and C_out: 0 where it has none. */
typedef struct {
    int in, out;
} Widths;

Widths data_widths(const Data *data);

/* Arrays for a sequence or a batch, from an arena; of ids alone. */
Sequence sequence_new(Arena *arena, int length);
Batch batch_new(Arena *arena, int n, int length);

/* Rows of a batch as sequences of full length lie in it, (n+1) ints of its own. */
void batch_add_starts(Arena *arena, Batch *batch);

/* The vectors and goals of a batch; and whose a sequence then writes in: those of its number b, from where it starts.
 */
void batch_add_vectors(Arena *arena, Widths widths, Batch *batch);
void sequence_write_to(Sequence *seq, const Batch *batch, Widths widths, int b);

#endif
