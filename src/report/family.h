/* Families of claims: verdicts corrected for how many there are (verdict.h has the rule), and what its seeds can
 * decide.
 */
#ifndef REFFRAME_REPORT_FAMILY_H
#define REFFRAME_REPORT_FAMILY_H

#include "report/verdict.h"

typedef struct {
    const char *name; /* "": the claims that name none */
    int n_claims;     /* that have a p */
    int n;            /* the most seeds that one of them has */
} Family;

/* Corrects the verdicts of one family. */
void family_correct(Arena *arena, ClaimVerdict *const *verdicts, int n);

/* Judges all claims of a report (n_claims,), corrected by family. */
ClaimVerdict *verdicts_of(Arena *arena, const Report *report);

/* The families of n claims, in the order of their first ones; returns their number. `verdicts` (n,) as judged, or NULL
 * before any run, when each claim has n_seeds seeds and a p unless it only asks what is seen. */
int families_of(Arena *arena, const Claim *claims, const ClaimVerdict *verdicts, int n, int n_seeds,
                Family **ret_families);

/* The least n that decides at least one of m claims if all seeds agree. */
int family_needs(const Family *family);

/* How a family is corrected and, where its seeds cannot decide even one of its claims, how many would: one line. */
const char *family_line(Arena *arena, const Family *family);

/* How often its seeds decide one of its claims at the p that the first verdict needs: one line, for a plan. */
const char *family_power_line(Arena *arena, const Family *family);

/* What n_seeds seeds decide of one claim: one line, for a plan. */
const char *seeds_line(Arena *arena, int n_seeds);

#endif
