/* The normalizer of tokenizer.json: what a text is before it is cut. */
#ifndef REFFRAME_HUB_TOKENIZE_NORMALIZE_H
#define REFFRAME_HUB_TOKENIZE_NORMALIZE_H

#include "base/json.h"
#include "base/text.h"

/* Why a text does not become another: a pattern took too long; more marks in a row than are put in order. */
enum { NORMALIZE_TOO_LONG = -1, NORMALIZE_TOO_MANY_MARKS = -2, NORMALIZE_MARKS = 256 };

/* Adds to `out` what a text becomes; 0, or one of the above. */
typedef struct {
    int (*apply)(const void *state, const char *text, size_t n, Text *out);
    const void *state;
} NormalizeStep;

typedef struct {
    NormalizeStep *steps;
    int n_steps;
    int moves_start; /* the first character may go, or get something in front that is a piece of its own */
} Normalizer;

/* `json` NULL or null: none. STATUS_INPUT names what is not known. Memory from arena. */
int normalize_read(Arena *arena, const char *path, const Json *json, Normalizer *ret_normalizer, Error *err);

/* `out` is what the text becomes, whatever it held before; 0, or one of the above. */
int normalize(const Normalizer *normalizer, const char *text, size_t n, Text *out);

#endif
