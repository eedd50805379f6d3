/* What single pre-tokenizers do to pieces; each is a PreStep's `apply` (pre_tokenize.h). */
#ifndef REFFRAME_HUB_TOKENIZE_PRE_TOKENIZE_STEPS_H
#define REFFRAME_HUB_TOKENIZE_PRE_TOKENIZE_STEPS_H

#include "hub/tokenize/pieces.h"

int pieces_cut(const void *cut, const Pieces *in, Pieces *out); /* a Cut */

/* A Cut's `find`: runs of \w, and of what is neither that nor white space. */
int cut_find_words(const void *nothing, const char *text, size_t n, size_t from, uint64_t *steps, size_t *ret_start,
                   size_t *ret_end);

int pieces_prefix_space(const void *nothing, const Pieces *in, Pieces *out); /* where there is none */
int pieces_to_bytes(const void *nothing, const Pieces *in, Pieces *out);     /* bytes.h */

typedef enum { PREPEND_ALWAYS, PREPEND_FIRST, PREPEND_NEVER } Prepend;

typedef struct {
    const char *mark;
    Prepend prepend;
} Metaspace;

/* SentencePiece's blanks: marks, and in front of a piece that does not begin with one comes one. */
int pieces_to_metaspace(const void *metaspace, const Pieces *in, Pieces *out);

#endif
