/* A pattern's text to its program, by recursive descent. */
#include <string.h>

#include "hub/tokenize/pattern_internal.h"

enum { MOST_REPEATS = 1000 };

static int add_op(PatternReader *r, Op op, int *ret_pc)
{
    if (r->pattern->n_ops == PATTERN_MOST_OPS)
        return pattern_refuse(r, "it is longer than refframe reads");
    *ret_pc = r->pattern->n_ops;
    r->pattern->ops[r->pattern->n_ops++] = op;
    return STATUS_OK;
}

/* ---- repeats ---- */

static int read_count(PatternReader *r, int *ret_count)
{
    int count = 0, n_digits = 0;
    for (; pattern_peek(r) >= '0' && pattern_peek(r) <= '9' && count <= MOST_REPEATS; r->at++, n_digits++)
        count = count * 10 + (pattern_peek(r) - '0');
    if (n_digits == 0 || count > MOST_REPEATS)
        return pattern_refuse(r, "it has a repeat that refframe does not know");
    *ret_count = count;
    return STATUS_OK;
}

/* What stands behind an atom; one without is least = most = 1. */
static int read_repeat(PatternReader *r, int *ret_least, int *ret_most, int *ret_is_possessive)
{
    int least = 1, most = 1, status = STATUS_OK, is_braced = 0;
    if (pattern_take(r, "?"))
        least = 0;
    else if (pattern_take(r, "*"))
        least = 0, most = PATTERN_FOREVER;
    else if (pattern_take(r, "+"))
        most = PATTERN_FOREVER;
    else if (pattern_take(r, "{")) {
        is_braced = 1;
        status = read_count(r, &least);
        most = least;
        if (status == STATUS_OK && pattern_take(r, ","))
            status = pattern_peek(r) == '}' ? (most = PATTERN_FOREVER, STATUS_OK) : read_count(r, &most);
        if (status == STATUS_OK && (!pattern_take(r, "}") || most < least || most == 0))
            status = pattern_refuse(r, "it has a repeat that refframe does not know");
    } else {
        *ret_least = *ret_most = 1, *ret_is_possessive = 0;
        return STATUS_OK;
    }
    *ret_is_possessive = status == STATUS_OK && !is_braced && pattern_take(r, "+");
    if (status == STATUS_OK &&
        (pattern_peek(r) == '?' || pattern_peek(r) == '*' || pattern_peek(r) == '+' || pattern_peek(r) == '{'))
        status = pattern_refuse(r, "it has a repeat that refframe does not know");
    *ret_least = least, *ret_most = most;
    return status;
}

/* ---- what holds them together ---- */

static int read_alternatives(PatternReader *r);

/* Behind "(?=" or "(?!" */
static int read_ahead(PatternReader *r, int is_negated)
{
    int pc = 0, end = 0, status = add_op(r, (Op){.kind = OP_AHEAD, .is_negated = is_negated}, &pc);
    if (status == STATUS_OK)
        status = read_alternatives(r);
    if (status == STATUS_OK)
        status = add_op(r, (Op){.kind = OP_END}, &end);
    r->pattern->ops[pc].to = end + 1;
    return status;
}

static int read_group(PatternReader *r)
{
    const int ignored_case = r->ignores_case, start = r->pattern->n_ops;
    int least = 1, most = 1, is_possessive = 0, pc = 0, status;
    if (++r->depth > PATTERN_MOST_DEPTH)
        return pattern_refuse(r, "it is nested deeper than refframe reads");
    if (pattern_take(r, "?=") || pattern_take(r, "?!")) {
        status = read_ahead(r, r->at[-1] == '!');
    } else {
        if (pattern_take(r, "?i:"))
            r->ignores_case = 1;
        else if (!pattern_take(r, "?:") && pattern_peek(r) == '?')
            return pattern_refuse(r, "it has a group that refframe does not know");
        status = add_op(r, (Op){.kind = OP_JUMP, .to = start + 1}, &pc); /* a fork's place, if it is needed */
        if (status == STATUS_OK)
            status = read_alternatives(r);
    }
    if (status == STATUS_OK && !pattern_take(r, ")"))
        status = pattern_refuse(r, "a \"(\" has no end");
    if (status == STATUS_OK)
        status = read_repeat(r, &least, &most, &is_possessive);
    if (status == STATUS_OK && (most != 1 || is_possessive || (least == 0 && r->pattern->ops[start].kind != OP_JUMP)))
        status = pattern_refuse(r, "it repeats a group");
    if (status == STATUS_OK && least == 0)
        r->pattern->ops[start] = (Op){.kind = OP_FORK, .to = r->pattern->n_ops};
    r->ignores_case = ignored_case;
    r->depth--;
    return status;
}

static int read_atom(PatternReader *r)
{
    CharacterSet *set = NULL;
    Op op = {.kind = OP_MANY};
    int pc, status;
    if (pattern_peek(r) == '*' || pattern_peek(r) == '+' || pattern_peek(r) == '?' || pattern_peek(r) == '{' ||
        pattern_peek(r) == '^' || pattern_peek(r) == '$')
        return pattern_refuse(r, "it has a sign that refframe does not know");
    if (pattern_take(r, "("))
        return read_group(r);
    status = pattern_read_set(r, &set);
    if (status == STATUS_OK)
        status = read_repeat(r, &op.least, &op.most, &op.is_possessive);
    if (status != STATUS_OK)
        return status;
    op.set = set;
    if (op.least == 1 && op.most == 1)
        op.kind = OP_SET;
    return add_op(r, op, &pc);
}

/* a|b|c: a fork in front of each but the last, and behind each but the last a jump to the end. In front of the last,
 * and of one alone, a jump to what follows keeps the fork's place. */
static int read_alternatives(PatternReader *r)
{
    int jumps[PATTERN_MOST_OPS], n_jumps = 0, status = STATUS_OK, pc = 0;
    for (;;) {
        const int start = r->pattern->n_ops;
        status = add_op(r, (Op){.kind = OP_JUMP, .to = start + 1}, &pc);
        while (status == STATUS_OK && r->at < r->end && pattern_peek(r) != '|' && pattern_peek(r) != ')')
            status = read_atom(r);
        if (status != STATUS_OK || !pattern_take(r, "|"))
            break;
        status = add_op(r, (Op){.kind = OP_JUMP}, &pc);
        if (status != STATUS_OK)
            break;
        jumps[n_jumps++] = pc;
        r->pattern->ops[start] = (Op){.kind = OP_FORK, .to = r->pattern->n_ops};
    }
    for (int j = 0; j < n_jumps; j++)
        r->pattern->ops[jumps[j]].to = r->pattern->n_ops;
    return status;
}

/* Whether the program can come to its end without a character. What looks ahead takes none. */
static int can_be_empty(const Pattern *pattern)
{
    unsigned char comes[PATTERN_MOST_OPS + 1] = {1};
    for (int pc = 0; pc < pattern->n_ops - 1; pc++) {
        const Op *op = &pattern->ops[pc];
        if (!comes[pc])
            continue;
        if (op->kind == OP_FORK || (op->kind == OP_MANY && op->least == 0))
            comes[pc + 1] = 1;
        if (op->kind == OP_FORK || op->kind == OP_JUMP || op->kind == OP_AHEAD)
            comes[op->to] = 1;
    }
    return comes[pattern->n_ops - 1];
}

int pattern_read(Arena *arena, const char *text, Pattern **ret_pattern, Error *err)
{
    Pattern *pattern = ARENA_ARRAY(arena, Pattern, 1);
    PatternReader r = {arena, text, text, text + strlen(text), pattern, 0, 0, err};
    int pc, status = *text ? read_alternatives(&r) : pattern_refuse(&r, "it is empty");
    if (status == STATUS_OK && r.at < r.end)
        status = pattern_refuse(&r, "a \")\" has no beginning");
    if (status == STATUS_OK)
        status = add_op(&r, (Op){.kind = OP_END}, &pc);
    if (status == STATUS_OK && can_be_empty(pattern))
        status = pattern_refuse(&r, "it can match nothing at all");
    if (status == STATUS_OK)
        *ret_pattern = pattern;
    return status;
}
