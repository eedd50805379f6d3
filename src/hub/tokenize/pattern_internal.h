/* A pattern as a program: pattern_read.c and pattern_set.c write it, pattern.c runs it. Jumps go forward alone. */
#ifndef REFFRAME_HUB_TOKENIZE_PATTERN_INTERNAL_H
#define REFFRAME_HUB_TOKENIZE_PATTERN_INTERNAL_H

#include <limits.h>

#include "hub/tokenize/pattern.h"

enum { PATTERN_MOST_OPS = 512, PATTERN_MOST_RANGES = 96, PATTERN_MOST_DEPTH = 16, PATTERN_FOREVER = INT_MAX };

/* Characters: those of the ranges and categories, and by `space` white space or all but that; or all but these. */
typedef struct {
    uint32_t first[PATTERN_MOST_RANGES], last[PATTERN_MOST_RANGES];
    int n_ranges;
    int categories; /* unicode.h's bits */
    int space, no_space, is_negated;
    unsigned char ascii[128]; /* what the above says of ASCII */
} CharacterSet;

typedef enum {
    OP_SET,   /* one character of a set */
    OP_MANY,  /* least to most of them, the most first; is_possessive: nothing is given back */
    OP_FORK,  /* what follows, or else what is at `to` */
    OP_JUMP,  /* go on at `to` */
    OP_AHEAD, /* what follows up to OP_END matches here (is_negated: does not), then go on at `to` */
    OP_END,
} OpKind;

typedef struct {
    OpKind kind;
    const CharacterSet *set;
    int least, most, is_possessive, is_negated, to;
} Op;

struct Pattern {
    Op ops[PATTERN_MOST_OPS]; /* the last is OP_END */
    int n_ops, needs_unicode;
};

/* A pattern's text on its way to a program. */
typedef struct {
    Arena *arena;
    const char *text, *at, *end;
    Pattern *pattern;
    int depth, ignores_case;
    Error *err;
} PatternReader;

/* STATUS_INPUT, quoting the pattern. */
int pattern_refuse(const PatternReader *r, const char *what);
/* The next byte, -1 at the end; whether a word comes next, which is then passed. */
int pattern_peek(const PatternReader *r);
int pattern_take(PatternReader *r, const char *word);

/* The characters that the next place may have (pattern_set.c). */
int pattern_read_set(PatternReader *r, CharacterSet **ret_set);

int set_has(const CharacterSet *set, uint32_t code);

/* The same, not by the table of ASCII. */
int set_work_out(const CharacterSet *set, uint32_t code);

#endif
