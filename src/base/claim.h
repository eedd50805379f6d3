/* Claims: the expressions of an experiment's `expect:`, parsed once, checked by plan/, judged by report/.
 *
 *   that    = comparison { "and" comparison }
 *   comparison = term [ op term ]              op: < <= > >= = !=   (a bare `seen(...)` needs no op)
 *              | term ~ number +- tolerance    as two comparisons: >= number - tolerance and <= number + tolerance
 *   term    = number | label | onset(EVENT, SEL) | early(EVENT, SEL)
 *           | median(METRIC, SEL) | median(loss:GROUP, SEL)   the group's final held-out loss
 *           | frame(SEL) | frame_by_token(SEL) | seen(TYPE, SEL)
 *           | changes(AXIS, SEL) | changes_framed(AXIS, SEL)
 *   EVENT   = METRIC | frame:TYPE | loss:GROUP  a loss group's event is its milestone: the loss has halved
 *   SEL     = AXIS=VALUE {, AXIS=VALUE}        any sweep axis; none selects every arm
 *   METRIC  = name [":strongest"]              names may hold letters, digits, _ @ . - +
 *
 * A VALUE that holds a comma, a bracket or a space stands in double quotes.
 */
#ifndef REFFRAME_BASE_CLAIM_H
#define REFFRAME_BASE_CLAIM_H

#include "base/arena.h"
#include "base/status.h"

typedef enum {
    TERM_NUMBER,
    TERM_LABEL,
    TERM_ONSET,
    TERM_MEDIAN,
    TERM_EARLY,
    TERM_FRAME,
    TERM_FRAME_BY_TOKEN,
    TERM_SEEN,
    TERM_CHANGES,
    TERM_CHANGES_FRAMED
} TermKind;
typedef enum { COMPARE_LT, COMPARE_LE, COMPARE_GT, COMPARE_GE, COMPARE_EQ, COMPARE_NE, COMPARE_HOLDS } Comparator;

typedef struct {
    const char *axis, *value;
} Select;

typedef struct {
    TermKind kind;
    double number;      /* TERM_NUMBER */
    const char *label;  /* TERM_LABEL; the TYPE of onset(frame:TYPE), early(frame:TYPE) and seen(TYPE) */
    const char *metric; /* of onset, median, early; NULL with frame:TYPE or loss:GROUP */
    const char *group;  /* the GROUP of onset, early and median of loss:GROUP */
    const char *axis;   /* of changes and changes_framed: which axis is moved */
    int is_strongest;
    Select *selects;
    int n_selects;
} Term;

typedef struct {
    Term left, right; /* right is unused with COMPARE_HOLDS */
    Comparator comparator;
} Comparison;

typedef struct {
    const char *text;   /* what is claimed, in words */
    const char *that;   /* the expression as written */
    const char *source; /* where the claim comes from, may be "" */
    const char *family; /* of claims that are corrected together; "" or NULL: it names none */
    const char *file;
    int line;
    Comparison *comparisons;
    int n_comparisons;
} Claim;

/* Parses `that` into ret_claim->comparisons (text, source, family, file, line are the caller's). Errors read
 * `FILE:LINE: expect: ...` and name the column and what was expected. Types are checked: labels compare with = and !=
 * against frames only, numbers against onset, median, early, changes and changes_framed only. */
int claim_parse(Arena *arena, const char *file, int line, const char *that, Claim *ret_claim, Error *err);

/* Number and label, as they'd stand in a message. */
const char *term_kind_name(TermKind kind);

/* changes(...) or changes_framed(...): of pairs of arms, so of many. */
int term_is_changes(const Term *term);

#endif
