/* The data of a run: source, corpus, BOS/EOS framing, named streams.
 *
 * Streams: training sequences draw from "data/train", the measuring set from "measure/full" and "measure/half", all
 * seeded by the run's seed; none depends on the model, so that runs of one seed see the same data whatever the arm.
 */
#ifndef REFFRAME_DATA_DATA_H
#define REFFRAME_DATA_DATA_H

#include "data/source/source.h"

typedef struct Data Data;

/* Schema rows of `data` (bos, eos, window, held_out, ...) for the program's schema. */
extern const SchemaRow data_rows[];
extern const int data_n_rows;

/* Opens source and corpus for sequences of `length` = model.context_length. Input hashes are computed on the way. */
int data_open(Arena *arena, const Settings *settings, int length, Data **ret_data, Error *err);

int data_vocab_size(const Data *data);
const char *data_token_text(const Data *data, int id); /* UTF-8, "<bos>" "<eos>" "<mask>" for the reserved ones */
const Source *data_source(const Data *data);
const Corpus *data_corpus(const Data *data);           /* NULL for a source without one */
int data_n_groups(const Data *data);                   /* loss groups, at least 1 */
const char *data_group_name(const Data *data, int group);

/* Draws one sequence of `length` (at most the length it was opened for; T/2 for the half set) into caller's arrays. */
void data_next(const Data *data, Part part, int length, Pcg *pcg, Sequence *seq);

/* See Source.oracle_loss, for framed sequences of `length`. */
double data_oracle_loss(const Data *data, Part part, int length, double *ret_groups);

/* Arrays for a sequence or a batch, from an arena; and the bytes they take. */
Sequence sequence_new(Arena *arena, int length);
Batch batch_new(Arena *arena, int n, int length);
size_t batch_bytes(int n, int length);
size_t sequence_bytes(int length);

#endif
