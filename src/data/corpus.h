/* The corpus: text files (or the embedded default), tokenized once, cut into a training and a held-out part that never
 * overlap. Its SHA-256 goes into the run's id and manifest.
 */
#ifndef REFFRAME_DATA_CORPUS_H
#define REFFRAME_DATA_CORPUS_H

#include <stddef.h>
#include <stdint.h>

#include "base/settings.h"
#include "data/tokenizer/tokenizer.h"

typedef struct {
    const Tokenizer *tokenizer;
    Vocabulary vocabulary;
    int32_t *ids;       /* (n,) the whole text */
    int64_t n, n_train; /* ids [0, n_train) train, [n_train, n) held out; the cut falls on a document start */
    int64_t *documents; /* (n_documents,) index of each blank-line-separated paragraph's first id, ascending */
    int64_t n_documents, n_train_documents;
    double newline_share; /* newlines per byte: delimiters are known places for secondary sinks */
    char sha256[65];      /* of the bytes read, in order */
    size_t bytes;         /* of memory that it takes, and ... */
    size_t opening_bytes; /* ... that opening it takes beside that, for as long as it lasts */
} Corpus;

/* Reads data.source.files (empty: the embedded corpus; a relative path is relative to the file that names it),
 * data.held_out (share of the text), data.tokenizer.*. Paragraphs are separated by lines of nothing but spaces; each
 * file starts one. The cut is the document start nearest to the share, or, where none is within half the held-out size,
 * the next character, which then counts as a document start. Tokens never straddle it. Memory from a growing arena. */
int corpus_open(Arena *arena, const Settings *settings, Corpus *ret_corpus, Error *err);

/* Corpora that stay open for settings one after another: those that say the same of files, held_out and tokenizer share
 * one. A shelf keeps some that take little memory, or the last one. */
typedef struct CorpusShelf CorpusShelf;
CorpusShelf *corpus_shelf_new(void);
CorpusShelf *corpus_shelf_free(CorpusShelf *shelf); /* NULL is fine, and returned */

/* The corpus of some settings, opened if it does not stand there; good until the next call. */
int corpus_shelf_open(CorpusShelf *shelf, const Settings *settings, Corpus *ret_corpus, Error *err);

/* SHA-256 of the input files named by the settings without tokenizing them (for run ids); "embedded:HEX" forms are not
 * used: the embedded corpus hashes as its bytes. */
int corpus_hash(Arena *arena, const Settings *settings, char ret_hex[65], Error *err);

#endif
