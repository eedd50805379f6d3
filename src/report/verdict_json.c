/* verdicts_json: see verdict.h. */
#include "report/verdict.h"

#include <math.h>

/* JSON has no infinity: "never" is written as a string. */
static void put_value(JsonWriter *json, const char *key, double value)
{
    if (isinf(value))
        json_put_string(json, key, value > 0 ? "inf" : "-inf");
    else
        json_put_number(json, key, value);
}

static void put_permutation(const Permutation *test, JsonWriter *json)
{
    json_put_number(json, "p", test->p);
    json_put_number(json, "deals", test->n_deals);
    json_put_bool(json, "exact", test->is_exact);
}

/* Arms that never show the type are counted, not listed. */
static void put_search(const Report *report, const Seen *seen, JsonWriter *json)
{
    json_key(json, "search");
    json_open_object(json);
    json_put_number(json, "arms", seen->n_arms);
    json_put_number(json, "arms_seen", seen->n_arms_seen);
    json_put_number(json, "runs", seen->n_runs);
    json_put_number(json, "runs_seen", seen->n_runs_seen);
    json_put_number(json, "unlabelled", seen->n_unlabelled);
    put_permutation(&seen->test, json);
    json_key(json, "by_arm");
    json_open_array(json);
    for (int k = 0; k < seen->n_arms; k++) {
        const SeenArm *own = &seen->arms[k];
        if (own->n_seen == 0)
            continue;
        json_open_object(json);
        json_put_string(json, "arm", report->arms[own->arm].name);
        json_put_number(json, "planned", own->n_planned);
        json_put_number(json, "finished", own->n_finished);
        json_put_number(json, "seen", own->n_seen);
        json_close_object(json);
    }
    json_close_array(json);
    json_close_object(json);
}

static void put_changed(const Changed *const changed[2], JsonWriter *json)
{
    json_key(json, "changed");
    json_open_array(json);
    for (int side = 0; side < 2 && changed[side]; side++) {
        json_open_object(json);
        json_put_number(json, "pairs", changed[side]->n_pairs);
        json_put_number(json, "unlabelled", changed[side]->n_unlabelled);
        put_value(json, "median", changed[side]->interval.median);
        json_put_number(json, "floor", changed[side]->floor);
        json_put_number(json, "floor_dealt", changed[side]->floor_dealt);
        put_permutation(&changed[side]->test, json);
        json_close_object(json);
    }
    json_close_array(json);
}

static void put_test(const Report *report, const VerdictTest *test, JsonWriter *json)
{
    json_open_object(json);
    json_put_string(json, "verdict", verdict_name(test->verdict));
    json_put_string(json, "arm", test->left_arm < 0 ? "pairs of arms" : report->arms[test->left_arm].name);
    if (test->right_arm >= 0)
        json_put_string(json, "against", report->arms[test->right_arm].name);
    json_put_number(json, "n", test->n);
    json_put_number(json, "n_hold", test->n_hold);
    if (test->has_p) {
        json_put_number(json, "n_fail", test->n_fail);
        json_put_number(json, "p", fmin(test->p_holds, test->p_fails));
    }
    if (!test->is_votes) {
        put_value(json, "median", test->interval.median);
        put_value(json, "low", test->interval.low);
        put_value(json, "high", test->interval.high);
        if (test->last_step > 0)
            json_put_number(json, "last_step", test->last_step);
    }
    json_put_number(json, "coverage", test->interval.coverage);
    if (test->needs_n > 0)
        json_put_number(json, "needs_n", test->needs_n);
    if (test->note[0] != '\0')
        json_put_string(json, "note", test->note);
    if (test->seen)
        put_search(report, test->seen, json);
    if (test->changed[0])
        put_changed(test->changed, json);
    json_close_object(json);
}

/* p is of the claim for itself; what Holm makes of it in its family stands below it. */
static void put_corrected(const ClaimVerdict *verdict, JsonWriter *json)
{
    json_put_number(json, "p", verdict->p);
    json_key(json, "corrected");
    json_open_object(json);
    json_put_string(json, "verdict", verdict_name(verdict->corrected.verdict));
    if (verdict->corrected.needs_n > 0)
        json_put_number(json, "needs_n", verdict->corrected.needs_n);
    json_put_number(json, "p", verdict->corrected.p);
    if (verdict->corrected.family[0])
        json_put_string(json, "family", verdict->corrected.family);
    json_put_number(json, "claims", verdict->corrected.n_claims);
    json_put_number(json, "comparisons", verdict->corrected.n_refutable);
    json_close_object(json);
}

void verdicts_json(const Report *report, const ClaimVerdict *verdicts, JsonWriter *json)
{
    json_open_array(json);
    for (int c = 0; c < report->n_claims; c++) {
        const Claim *claim = &report->claims[c];
        const ClaimVerdict verdict = verdicts[c];
        json_open_object(json);
        json_put_string(json, "text", claim->text);
        json_put_string(json, "that", claim->that);
        if (claim->source && claim->source[0] != '\0')
            json_put_string(json, "source", claim->source);
        json_put_string(json, "verdict", verdict_name(verdict.verdict));
        if (verdict.needs_n > 0)
            json_put_number(json, "needs_n", verdict.needs_n);
        json_put_number(json, "n", verdict.n);
        if (verdict.has_p)
            put_corrected(&verdict, json);
        json_put_number(json, "deciding", verdict.deciding);
        json_key(json, "tests");
        json_open_array(json);
        for (int i = 0; i < verdict.n_tests; i++)
            put_test(report, &verdict.tests[i], json);
        json_close_array(json);
        json_close_object(json);
    }
    json_close_array(json);
}
