/* See family.h. */
#include "report/family.h"

#include <limits.h>
#include <math.h>
#include <string.h>

/* How strongly a claim is to be true, and in what share of studies that is to be found, where an example is given. */
static const double strength = 0.9, power = 0.8;

/* ---- one claim among others ---- */

/* What a claim's tests come to: p to support it and to refute it, with n seeds each, or as they are (n = 0). */
static void claim_p(const ClaimVerdict *verdict, int n, double *ret_support, double *ret_refutation)
{
    double support = verdict->is_whole ? 0 : 1, refutation = 1;
    int n_tests = 0;
    for (int i = 0; i < verdict->n_tests; i++) {
        const VerdictTest *test = &verdict->tests[i];
        if (!test->has_p)
            continue;
        const int more = n > test->n ? n : test->n;
        n_tests++;
        support = fmax(support, sign_p(more, test->n - test->n_hold));
        refutation = fmin(refutation, sign_p(more, test->n - test->n_fail));
    }
    *ret_support = support;
    *ret_refutation = fmin(1, n_tests * refutation);
}

static Verdict corrected_verdict(const ClaimVerdict *verdict, double support, double refutation, double p)
{
    if (p > P_NEEDED)
        return verdict->verdict == VERDICT_NOT_SEEN ? VERDICT_NOT_SEEN : VERDICT_UNDECIDED;
    Verdict worst = refutation < support ? VERDICT_REFUTED : VERDICT_SUPPORTED;
    for (int i = 0; i < verdict->n_tests; i++)
        if (!verdict->tests[i].has_p && verdict->tests[i].verdict > worst)
            worst = verdict->tests[i].verdict;
    return worst;
}

/* Holm over the family with n seeds each (0: as they are). */
static void adjust(Arena *arena, ClaimVerdict *const *verdicts, int m, int n, double *support, double *refutation,
                   double *ret_adjusted)
{
    double *p = ARENA_ARRAY(arena, double, m + 1);
    for (int i = 0; i < m; i++) {
        claim_p(verdicts[i], n, &support[i], &refutation[i]);
        p[i] = fmin(support[i], refutation[i]);
    }
    holm(arena, m, p, ret_adjusted);
}

void family_correct(Arena *arena, ClaimVerdict *const *verdicts, int n)
{
    ClaimVerdict **members = ARENA_ARRAY(arena, ClaimVerdict *, n + 1);
    int m = 0, n_open = 0, seeds = 0;
    for (int i = 0; i < n; i++) {
        verdicts[i]->corrected.verdict = verdicts[i]->verdict;
        verdicts[i]->corrected.needs_n = verdicts[i]->needs_n;
        verdicts[i]->corrected.p = (double)NAN;
        verdicts[i]->corrected.n_claims = verdicts[i]->corrected.n_refutable = 0;
        verdicts[i]->corrected.family = "";
        if (verdicts[i]->has_p)
            members[m++] = verdicts[i];
    }
    double *support = ARENA_ARRAY(arena, double, 3 * m + 1), *refutation = support + m, *adjusted = refutation + m;
    adjust(arena, members, m, 0, support, refutation, adjusted);
    for (int i = 0; i < m; i++) {
        ClaimVerdict *verdict = members[i];
        verdict->corrected.verdict = corrected_verdict(verdict, support[i], refutation[i], adjusted[i]);
        verdict->corrected.needs_n = 0;
        verdict->corrected.p = adjusted[i];
        verdict->corrected.n_claims = m;
        for (int t = 0; t < verdict->n_tests; t++) {
            verdict->corrected.n_refutable += verdict->tests[t].has_p;
            seeds = verdict->tests[t].n > seeds ? verdict->tests[t].n : seeds;
        }
        if (verdict->corrected.verdict == VERDICT_UNDECIDED && adjusted[i] <= P_NEEDED)
            verdict->corrected.needs_n = verdict->needs_n; /* it waits for runs of seen(...) */
        else
            n_open += verdict->corrected.verdict == VERDICT_UNDECIDED;
    }
    /* first the seeds that some have and others lack, then more, each with the most, until every claim is decided */
    for (; n_open > 0; seeds++) {
        Arena *scratch = arena_new();
        adjust(scratch, members, m, seeds, support, refutation, adjusted);
        for (int i = 0; i < m; i++)
            if (members[i]->corrected.verdict == VERDICT_UNDECIDED && members[i]->corrected.needs_n == 0 &&
                adjusted[i] <= P_NEEDED) {
                members[i]->corrected.needs_n = seeds;
                n_open--;
            }
        arena_free(scratch);
    }
}

/* ---- all claims ---- */

static const char *family_of(const Claim *claim)
{
    return claim->family ? claim->family : "";
}

static int only_asks_what_is_seen(const Claim *claim)
{
    for (int i = 0; i < claim->n_comparisons; i++)
        if (claim->comparisons[i].comparator != COMPARE_HOLDS)
            return 0;
    return 1;
}

int families_of(Arena *arena, const Claim *claims, const ClaimVerdict *verdicts, int n, int n_seeds,
                Family **ret_families)
{
    Family *families = ARENA_ARRAY(arena, Family, n + 1);
    int n_families = 0;
    for (int i = 0; i < n; i++) {
        if (verdicts ? !verdicts[i].has_p : only_asks_what_is_seen(&claims[i]))
            continue;
        int f = 0;
        while (f < n_families && strcmp(families[f].name, family_of(&claims[i])) != 0)
            f++;
        if (f == n_families)
            families[n_families++] = (Family){family_of(&claims[i]), 0, 0};
        families[f].n_claims++;
        for (int t = 0; verdicts && t < verdicts[i].n_tests; t++)
            if (verdicts[i].tests[t].n > families[f].n)
                families[f].n = verdicts[i].tests[t].n;
        if (!verdicts)
            families[f].n = n_seeds;
    }
    *ret_families = families;
    return n_families;
}

ClaimVerdict *verdicts_of(Arena *arena, const Report *report)
{
    ClaimVerdict *verdicts = ARENA_ARRAY(arena, ClaimVerdict, report->n_claims + 1),
                 **members = ARENA_ARRAY(arena, ClaimVerdict *, report->n_claims + 1);
    unsigned char *is_done = ARENA_ARRAY(arena, unsigned char, report->n_claims + 1);
    for (int c = 0; c < report->n_claims; c++)
        verdict_of_claim(arena, report, &report->claims[c], &verdicts[c]);
    for (int c = 0; c < report->n_claims; c++) {
        int n = 0;
        for (int d = c; d < report->n_claims; d++)
            if (!is_done[d] && strcmp(family_of(&report->claims[c]), family_of(&report->claims[d])) == 0) {
                members[n++] = &verdicts[d];
                is_done[d] = 1;
            }
        if (n > 0)
            family_correct(arena, members, n);
        for (int m = 0; m < n; m++)
            members[m]->corrected.family = family_of(&report->claims[c]);
    }
    return verdicts;
}

/* ---- in words ---- */

int family_needs(const Family *family)
{
    return seeds_deciding(1, 0, P_NEEDED / family->n_claims);
}

const char *family_line(Arena *arena, const Family *family)
{
    const int needs = family_needs(family);
    const double level = P_NEEDED / family->n_claims;
    const char *who = family->name[0] ? arena_format(arena, " of family %s", family->name) : "";
    if (family->n_claims < 2)
        return arena_format(arena, "1 claim%s, corrected with no other", who);
    if (family->n < needs)
        return arena_format(arena,
                            "%d claims%s, corrected together (Holm): %d seed%s none of them (the least p is %.2g, "
                            "the first verdict needs %.2g); %d seeds that agree would",
                            family->n_claims, who, family->n, family->n == 1 ? " decides" : "s decide",
                            sign_p(family->n, 0), level, needs);
    return arena_format(arena, "%d claims%s, corrected together (Holm): the first verdict needs p <= %.2g",
                        family->n_claims, who, level);
}

/* "one true in 90 % of seeds is decided in 53 % of studies, by 12 seeds in 89 %" */
static const char *power_text(Arena *arena, int n_seeds, double level)
{
    const int enough = seeds_for_power(level, strength, power);
    const char *more = n_seeds < enough ? arena_format(arena, ", by %d seeds in %.0f %%", enough,
                                                       100 * power_of(enough, level, strength))
                                        : "";
    return arena_format(arena, "one true in %.0f %% of seeds is decided in %.0f %% of studies%s", 100 * strength,
                        100 * power_of(n_seeds, level, strength), more);
}

const char *seeds_line(Arena *arena, int n_seeds)
{
    const int spared = seeds_spared(n_seeds, P_NEEDED);
    if (spared < 0)
        return arena_format(arena, "%d seed%s no claim; %d do, where all of them agree", n_seeds,
                            n_seeds == 1 ? " decides" : "s decide", SEEDS_NEEDED);
    return arena_format(arena, "%d seeds decide a claim on which %s agree; %s", n_seeds,
                        spared > 0 ? arena_format(arena, "%d of them", n_seeds - spared) : "all of them",
                        power_text(arena, n_seeds, P_NEEDED));
}

const char *family_power_line(Arena *arena, const Family *family)
{
    return arena_format(arena, "as the first of them, %s", power_text(arena, family->n, P_NEEDED / family->n_claims));
}
