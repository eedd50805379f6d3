/* Fuzzes the expressions of `expect:`. A claim that parses can be judged; written out from what was understood, it
 * parses to the same. */
#include "fuzz.h"

#include "base/claim.h"

static void add_term(Text *text, const Term *term)
{
    if (term->kind == TERM_NUMBER) {
        text_add_number(text, term->number);
        return;
    }
    if (term->kind == TERM_LABEL) {
        text_add(text, term->label);
        return;
    }
    const char *between = "";
    text_addf(text, "%s(", term_kind_name(term->kind));
    if (term->metric)
        text_addf(text, "%s%s", term->metric, term->is_strongest ? ":strongest" : "");
    else if (term->group)
        text_addf(text, "loss:%s", term->group);
    else if (term->label)
        text_addf(text, "%s%s", term->kind == TERM_SEEN ? "" : "frame:", term->label);
    else if (term->axis)
        text_add(text, term->axis);
    between = term->kind == TERM_FRAME || term->kind == TERM_FRAME_BY_TOKEN ? "" : ", ";
    for (int s = 0; s < term->n_selects; s++, between = ", ")
        text_addf(text, "%s%s=\"%s\"", between, term->selects[s].axis, term->selects[s].value);
    text_add(text, ")");
}

static void add_claim(Text *text, const Claim *claim)
{
    static const char *const comparators[] = {"<", "<=", ">", ">=", "=", "!="};
    for (int c = 0; c < claim->n_comparisons; c++) {
        const Comparison *comparison = &claim->comparisons[c];
        text_add(text, c ? " and " : "");
        add_term(text, &comparison->left);
        if (comparison->comparator == COMPARE_HOLDS)
            continue;
        text_addf(text, " %s ", comparators[comparison->comparator]);
        add_term(text, &comparison->right);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    Arena *arena = arena_new();
    FuzzParts parts = {(const char *)bytes, (const char *)bytes + n};
    const char *that = fuzz_part(arena, &parts);
    Claim claim, again;
    Error err;
    FUZZ_MARK(claim);
    if (fuzz_is_read(claim_parse(arena, "experiment.yaml", 7, that, &claim, &err), &err)) {
        Text first = {0}, second = {0};
        assert(claim.n_comparisons > 0 && strcmp(claim.that, that) == 0);
        add_claim(&first, &claim);
        assert(claim_parse(arena, "written", 0, text_string(&first), &again, &err) == STATUS_OK);
        add_claim(&second, &again);
        assert(strcmp(text_string(&first), text_string(&second)) == 0);
        text_free(&first);
        text_free(&second);
    } else {
        assert(strncmp(err.text, "experiment.yaml:7: expect: column ", strlen("experiment.yaml:7: expect: column ")) ==
               0);
        FUZZ_UNTOUCHED(claim);
    }
    arena_free(arena);
    return 0;
}
