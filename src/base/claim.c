/* Claims, read by recursive descent: one function a rule of the grammar in claim.h, one look ahead.
 *
 * A claim that parses is one that can be judged: its two sides have comparable types. What the words mean (is there
 * such an axis, such a metric) is plan's business. Invariant: on failure ret_claim is untouched.
 */
#include "base/claim.h"

#include <ctype.h>
#include <math.h>
#include <string.h>

#include "base/text.h"

typedef struct {
    Arena *arena;
    const char *file;
    int line;
    const char *text; /* the whole expression */
    const char *at;
    Error *err;
} Parser;

/* What stands in the brackets before the selection. */
typedef enum { TAKES_NOTHING, TAKES_METRIC, TAKES_EVENT, TAKES_FRAME, TAKES_AXIS } Argument;

static const struct {
    const char *name;
    TermKind kind;
    Argument argument;
} functions[] = {
    {"onset", TERM_ONSET, TAKES_EVENT},
    {"median", TERM_MEDIAN, TAKES_METRIC},
    {"early", TERM_EARLY, TAKES_EVENT},
    {"frame", TERM_FRAME, TAKES_NOTHING},
    {"frame_by_token", TERM_FRAME_BY_TOKEN, TAKES_NOTHING},
    {"seen", TERM_SEEN, TAKES_FRAME},
    {"changes", TERM_CHANGES, TAKES_AXIS},
    {"changes_framed", TERM_CHANGES_FRAMED, TAKES_AXIS},
};
enum { N_FUNCTIONS = sizeof functions / sizeof *functions };

/* In the order of Comparator. */
static const char *const comparators[] = {"<", "<=", ">", ">=", "=", "!=", "holds"};

const char *term_kind_name(TermKind kind)
{
    for (int i = 0; i < N_FUNCTIONS; i++)
        if (functions[i].kind == kind)
            return functions[i].name;
    return kind == TERM_NUMBER ? "number" : "label";
}

int term_is_changes(const Term *term)
{
    return term->kind == TERM_CHANGES || term->kind == TERM_CHANGES_FRAMED;
}

/* ---- words ---- */

static void skip_space(Parser *p)
{
    while (isspace((unsigned char)*p->at))
        p->at++;
}

static int is_word_char(char c)
{
    return isalnum((unsigned char)c) || (c && strchr("_@.-+/", c));
}

static size_t word_length(const char *at)
{
    size_t n = 0;
    while (is_word_char(at[n]))
        n++;
    return n;
}

/* What stands at `at`, for a message. */
static const char *found(const Parser *p, const char *at)
{
    if (!*at)
        return "the end";
    const size_t n = word_length(at);
    return arena_format(p->arena, "\"%.*s\"", (int)(n ? (n < 60 ? n : 60) : 1), at);
}

static int refuse(const Parser *p, const char *at, const char *message)
{
    const int column = (int)(at - p->text) + 1;
    if (p->line > 0)
        return error_set(p->err, STATUS_INPUT, "%s:%d: expect: column %d: %s", p->file, p->line, column, message);
    return error_set(p->err, STATUS_INPUT, "%s: expect: column %d: %s", p->file, column, message);
}

static int expected(const Parser *p, const char *what)
{
    return refuse(p, p->at, arena_format(p->arena, "expected %s, found %s", what, found(p, p->at)));
}

static int take_char(Parser *p, char c)
{
    skip_space(p);
    if (*p->at != c)
        return 0;
    p->at++;
    skip_space(p);
    return 1;
}

static int take_word(Parser *p, const char *what, const char **ret_word)
{
    skip_space(p);
    const size_t n = word_length(p->at);
    if (n == 0)
        return expected(p, what);
    *ret_word = arena_strndup(p->arena, p->at, n);
    p->at += n;
    return STATUS_OK;
}

/* ---- terms ---- */

/* METRIC [":strongest"], "loss:GROUP" or, of an event, "frame:TYPE"; or TYPE, or AXIS. */
static int take_argument(Parser *p, Argument argument, Term *term)
{
    static const char *const wanted[] = {"", "a metric or loss:GROUP", "a metric, frame:TYPE or loss:GROUP",
                                         "a frame type", "an axis"};
    const char *word, *suffix;
    skip_space(p);
    const char *start = p->at;
    if (take_word(p, wanted[argument], &word) != STATUS_OK)
        return STATUS_INPUT;
    if (argument == TAKES_FRAME || argument == TAKES_AXIS) {
        *(argument == TAKES_FRAME ? &term->label : &term->axis) = word;
        return STATUS_OK;
    }
    const int is_frame = strcmp(word, "frame") == 0 && *p->at == ':',
              is_loss = strcmp(word, "loss") == 0 && *p->at == ':';
    if (is_frame && argument != TAKES_EVENT)
        return refuse(p, start,
                      arena_format(p->arena, "%s(...) takes a metric or loss:GROUP, not a frame type",
                                   term_kind_name(term->kind)));
    if (!is_frame && !is_loss)
        term->metric = word;
    if (*p->at != ':')
        return STATUS_OK;
    p->at++;
    const char *suffix_at = p->at;
    if (take_word(p, is_frame ? "a frame type" : is_loss ? "a loss group" : "strongest", &suffix) != STATUS_OK)
        return STATUS_INPUT;
    if (is_frame)
        term->label = suffix;
    else if (is_loss)
        term->group = suffix;
    else if (strcmp(suffix, "strongest") == 0)
        term->is_strongest = 1;
    else
        return refuse(p, suffix_at,
                      arena_format(p->arena, "after \"%s:\" only strongest may stand, found \"%s\"", word, suffix));
    return STATUS_OK;
}

/* A value is everything up to the next comma, bracket or space, or anything in double quotes. */
static int take_value(Parser *p, const char **ret_value)
{
    if (*p->at == '"') {
        const char *end = strchr(p->at + 1, '"');
        if (!end)
            return refuse(p, p->at, "a quote that does not end");
        *ret_value = arena_strndup(p->arena, p->at + 1, (size_t)(end - p->at) - 1);
        p->at = end + 1;
        return STATUS_OK;
    }
    const size_t n = strcspn(p->at, ",)\" \t\r\n");
    if (n == 0)
        return expected(p, "a value");
    *ret_value = arena_strndup(p->arena, p->at, n);
    p->at += n;
    return STATUS_OK;
}

static int take_select(Parser *p, Term *term)
{
    Select select;
    skip_space(p);
    const char *start = p->at;
    if (take_word(p, "AXIS=VALUE", &select.axis) != STATUS_OK)
        return STATUS_INPUT;
    if (!take_char(p, '='))
        return expected(p, "\"=\" and a value");
    if (take_value(p, &select.value) != STATUS_OK)
        return STATUS_INPUT;
    for (int i = 0; i < term->n_selects; i++)
        if (strcmp(term->selects[i].axis, select.axis) == 0)
            return refuse(p, start, arena_format(p->arena, "%s is given twice", select.axis));
    term->selects[term->n_selects++] = select;
    return STATUS_OK;
}

/* Behind "name(": the argument, the selection, ")". */
static int take_brackets(Parser *p, Argument argument, Term *term)
{
    term->selects = ARENA_ARRAY(p->arena, Select, strlen(p->at) / 2 + 1); /* each takes at least "a=b" */
    skip_space(p);
    if (argument != TAKES_NOTHING) {
        if (take_argument(p, argument, term) != STATUS_OK)
            return STATUS_INPUT;
        if (take_char(p, ')'))
            return STATUS_OK;
        if (!take_char(p, ','))
            return expected(p, "\",\" or \")\"");
    } else if (take_char(p, ')')) {
        return STATUS_OK;
    }
    do {
        if (take_select(p, term) != STATUS_OK)
            return STATUS_INPUT;
    } while (take_char(p, ','));
    return take_char(p, ')') ? STATUS_OK : expected(p, "\",\" or \")\"");
}

static int take_term(Parser *p, Term *ret_term)
{
    Term term = {0};
    const char *word;
    skip_space(p);
    const char *start = p->at;
    if (take_word(
            p, "a number, a label or one of onset, median, early, frame, frame_by_token, seen, changes, changes_framed",
            &word) != STATUS_OK)
        return STATUS_INPUT;
    if (take_char(p, '(')) {
        int i = 0;
        while (i < N_FUNCTIONS && strcmp(functions[i].name, word) != 0)
            i++;
        if (i == N_FUNCTIONS) {
            const char *names[N_FUNCTIONS];
            for (int j = 0; j < N_FUNCTIONS; j++)
                names[j] = functions[j].name;
            const char *nearest = text_nearest(word, names, N_FUNCTIONS);
            const char *hint = nearest ? arena_format(p->arena, "; did you mean \"%s\"?", nearest) : "";
            return refuse(p, start, arena_format(p->arena, "unknown function \"%s\"%s", word, hint));
        }
        term.kind = functions[i].kind;
        if (take_brackets(p, functions[i].argument, &term) != STATUS_OK)
            return STATUS_INPUT;
    } else if (text_parse_double(word, &term.number) == 0) {
        term.kind = TERM_NUMBER;
        if (isnan(term.number))
            return refuse(p, start, "nothing compares with nan");
    } else {
        if (!isalpha((unsigned char)*word))
            return refuse(p, start, arena_format(p->arena, "\"%s\" is neither a number nor a label", word));
        term.kind = TERM_LABEL;
        term.label = word;
    }
    *ret_term = term;
    return STATUS_OK;
}

/* ---- types ---- */

/* NULL if the comparison can be judged, else why not. Onsets are steps, `early` is a share: kinds don't mix. */
static const char *type_fault(Arena *arena, const Comparison *c)
{
    const TermKind left = c->left.kind, right = c->right.kind;
    if (c->comparator == COMPARE_HOLDS) {
        if (left == TERM_SEEN)
            return NULL;
        return arena_format(arena, "%s%s needs a comparison: < <= > >= = != ~", term_kind_name(left),
                            left == TERM_NUMBER || left == TERM_LABEL ? " alone says nothing and" : "(...)");
    }
    if (left == TERM_SEEN || right == TERM_SEEN)
        return "seen(...) is true or false by itself and takes no comparison";
    const int left_is_frame = left == TERM_FRAME || left == TERM_FRAME_BY_TOKEN;
    const int right_is_frame = right == TERM_FRAME || right == TERM_FRAME_BY_TOKEN;
    if (left_is_frame || right_is_frame) {
        if (!(left_is_frame || left == TERM_LABEL) || !(right_is_frame || right == TERM_LABEL))
            return "a frame compares with a label or another frame only";
        return c->comparator == COMPARE_EQ || c->comparator == COMPARE_NE ? NULL : "frames compare with = and != only";
    }
    if (left == TERM_LABEL || right == TERM_LABEL)
        return arena_format(arena, "the label \"%s\" compares with frame(...) and frame_by_token(...) only",
                            left == TERM_LABEL ? c->left.label : c->right.label);
    if (left == TERM_NUMBER && right == TERM_NUMBER)
        return "two numbers compare without any measurement";
    if (term_is_changes(&c->left) && term_is_changes(&c->right)) /* shares of pairs, of all or of framed ones */
        return NULL;
    if (left != TERM_NUMBER && right != TERM_NUMBER && left != right)
        return arena_format(arena, "%s(...) and %s(...) have different units", term_kind_name(left),
                            term_kind_name(right));
    return NULL;
}

/* ---- expressions ---- */

/* 1 and the comparator if one stands here; the longer spellings first. */
static int take_comparator(Parser *p, Comparator *ret_comparator)
{
    static const Comparator order[] = {COMPARE_LE, COMPARE_GE, COMPARE_NE, COMPARE_LT, COMPARE_GT, COMPARE_EQ};
    skip_space(p);
    for (size_t i = 0; i < sizeof order / sizeof *order; i++) {
        const size_t n = strlen(comparators[order[i]]);
        if (strncmp(p->at, comparators[order[i]], n) == 0) {
            p->at += n;
            *ret_comparator = order[i];
            return 1;
        }
    }
    return 0;
}

/* A finite number; anything else is refused by `what`. */
static int take_number(Parser *p, const char *what, double *ret_number)
{
    Term term = {0};
    skip_space(p);
    const char *start = p->at;
    if (take_term(p, &term) != STATUS_OK)
        return STATUS_INPUT;
    if (term.kind != TERM_NUMBER || isinf(term.number))
        return refuse(p, start, what);
    *ret_number = term.number;
    return STATUS_OK;
}

/* Behind "left ~": NUMBER "+-" NUMBER, which says left >= number - tolerance and left <= number + tolerance. */
static int take_about(Parser *p, Comparison *low, Comparison *high)
{
    double number = 0, tolerance = 0;
    if (take_number(p, "behind \"~\" stands a number", &number) != STATUS_OK)
        return STATUS_INPUT;
    skip_space(p);
    if (strncmp(p->at, "+-", 2) != 0)
        return expected(p, "\"+-\" and how far off the number may be");
    p->at += 2;
    skip_space(p);
    const char *start = p->at;
    if (take_number(p, "behind \"+-\" stands a number above 0", &tolerance) != STATUS_OK)
        return STATUS_INPUT;
    if (!(tolerance > 0))
        return refuse(p, start, "behind \"+-\" stands a number above 0");
    *low = (Comparison){low->left, {.kind = TERM_NUMBER, .number = number - tolerance}, COMPARE_GE};
    *high = (Comparison){low->left, {.kind = TERM_NUMBER, .number = number + tolerance}, COMPARE_LE};
    return STATUS_OK;
}

/* One comparison, or the two that "~" stands for; their number goes to ret_n. */
static int take_comparison(Parser *p, Comparison *ret_comparisons, int *ret_n)
{
    Comparison c[2] = {{.comparator = COMPARE_HOLDS}};
    skip_space(p);
    const char *start = p->at;
    if (take_term(p, &c[0].left) != STATUS_OK)
        return STATUS_INPUT;
    skip_space(p);
    const int is_about = *p->at == '~';
    p->at += is_about;
    if (is_about && take_about(p, &c[0], &c[1]) != STATUS_OK)
        return STATUS_INPUT;
    if (!is_about && take_comparator(p, &c[0].comparator) && take_term(p, &c[0].right) != STATUS_OK)
        return STATUS_INPUT;
    const char *fault = type_fault(p->arena, &c[0]);
    if (fault)
        return refuse(p, start, fault);
    *ret_n = 1 + is_about;
    memcpy(ret_comparisons, c, sizeof *c * (size_t)*ret_n);
    return STATUS_OK;
}

int claim_parse(Arena *arena, const char *file, int line, const char *that, Claim *ret_claim, Error *err)
{
    Parser p = {arena, file, line, that, that, err};
    Comparison *comparisons =
        ARENA_ARRAY(arena, Comparison, strlen(that) / 3 + 2); /* "and" between each two; "~" is two */
    int n = 0, n_taken = 0;
    for (;; n += n_taken) {
        if (take_comparison(&p, &comparisons[n], &n_taken) != STATUS_OK)
            return STATUS_INPUT;
        skip_space(&p);
        if (!*p.at)
            break;
        if (word_length(p.at) != 3 || strncmp(p.at, "and", 3) != 0)
            return expected(&p, "\"and\" or the end");
        p.at += 3;
    }
    ret_claim->that = arena_strdup(arena, that);
    ret_claim->comparisons = comparisons;
    ret_claim->n_comparisons = n + n_taken;
    return STATUS_OK;
}
