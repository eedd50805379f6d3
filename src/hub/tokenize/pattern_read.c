/* A pattern's text to its program, by recursive descent. */
#include <string.h>

#include "base/text.h"
#include "hub/tokenize/pattern.h"
#include "hub/tokenize/pattern_internal.h"
#include "hub/tokenize/unicode.h"

enum { MOST_DEPTH = 16, MOST_REPEATS = 1000 };

typedef struct {
    Arena *arena;
    const char *text, *at, *end;
    Pattern *pattern;
    int depth, ignores_case;
    Error *err;
} Reader;

static int refuse(const Reader *r, const char *what)
{
    return error_set(r->err, STATUS_INPUT, "the pattern \"%s\": %s", r->text, what);
}

static int peek(const Reader *r)
{
    return r->at < r->end ? (unsigned char)*r->at : -1;
}

static int take(Reader *r, const char *word)
{
    const size_t n = strlen(word);
    if ((size_t)(r->end - r->at) < n || memcmp(r->at, word, n) != 0)
        return 0;
    r->at += n;
    return 1;
}

static int add_op(Reader *r, Op op, int *ret_pc)
{
    if (r->pattern->n_ops == PATTERN_MOST_OPS)
        return refuse(r, "it is longer than refframe reads");
    *ret_pc = r->pattern->n_ops;
    r->pattern->ops[r->pattern->n_ops++] = op;
    return STATUS_OK;
}

/* ---- characters ---- */

static int add_range(const Reader *r, CharacterSet *set, uint32_t first, uint32_t last)
{
    if (set->n_ranges == PATTERN_MOST_RANGES)
        return refuse(r, "a class has more ranges than refframe reads");
    set->first[set->n_ranges] = first, set->last[set->n_ranges++] = last;
    return STATUS_OK;
}

/* \p{L} behind its p; \P{L} is all the others. */
static int read_property(Reader *r, int is_negated, CharacterSet *set)
{
    static const struct {
        const char *name;
        int categories;
    } properties[] = {
        {"{L}", UNICODE_LETTER},
        {"{Lu}", UNICODE_LU},
        {"{Ll}", UNICODE_LL},
        {"{Lt}", UNICODE_LT},
        {"{Lm}", UNICODE_LM},
        {"{Lo}", UNICODE_LO},
        {"{M}", UNICODE_MARK},
        {"{Mn}", UNICODE_MN},
        {"{N}", UNICODE_NUMBER},
        {"{Nd}", UNICODE_ND},
        {"{P}", UNICODE_PUNCTUATION | UNICODE_PC},
        {"{S}", UNICODE_SYMBOL},
    };
    const int all = (UNICODE_UNASSIGNED << 1) - 1;
    for (size_t p = 0; p < sizeof properties / sizeof *properties; p++)
        if (take(r, properties[p].name)) {
            set->categories |= is_negated ? all & ~properties[p].categories : properties[p].categories;
            r->pattern->needs_unicode = 1;
            return STATUS_OK;
        }
    return refuse(r, "it has a property that refframe does not know");
}

/* What stands behind a backslash: characters into the set, or, of one character, ret_code; else ret_code is -1. */
static int read_escape(Reader *r, CharacterSet *set, int64_t *ret_code)
{
    static const char letters[] = "nrtfv", meaning[] = "\n\r\t\f\v";
    const int all = (UNICODE_UNASSIGNED << 1) - 1, c = peek(r);
    *ret_code = -1;
    if (c < 0)
        return refuse(r, "it ends with a backslash");
    r->at++;
    if (c == 's')
        set->space = 1;
    else if (c == 'S')
        set->no_space = 1;
    else if (c == 'd' || c == 'D')
        set->categories |= c == 'd' ? UNICODE_ND : all & ~UNICODE_ND, r->pattern->needs_unicode = 1;
    else if (c == 'p' || c == 'P')
        return read_property(r, c == 'P', set);
    else if (c != 0 && strchr(letters, c))
        *ret_code = meaning[strchr(letters, c) - letters];
    else if (c > ' ' && c < 127 && !(c >= '0' && c <= '9') && !(c >= 'A' && c <= 'Z') && !(c >= 'a' && c <= 'z'))
        *ret_code = c;
    else
        return refuse(r, "it has an escape that refframe does not know");
    return STATUS_OK;
}

static int read_character(Reader *r, int64_t *ret_code)
{
    uint32_t code = 0;
    const int length = r->at < r->end ? text_utf8_decode(r->at, (size_t)(r->end - r->at), &code) : 0;
    if (length == 0)
        return refuse(r, "it ends too soon");
    r->at += length;
    *ret_code = code;
    return STATUS_OK;
}

static int read_member(Reader *r, CharacterSet *set, int64_t *ret_code)
{
    return take(r, "\\") ? read_escape(r, set, ret_code) : read_character(r, ret_code);
}

/* A class behind its "[" and "^"; one within another adds to it. */
static int read_class(Reader *r, CharacterSet *set)
{
    int status = STATUS_OK;
    if (++r->depth > MOST_DEPTH)
        return refuse(r, "it is nested deeper than refframe reads");
    for (int is_first = 1; status == STATUS_OK && (is_first || peek(r) != ']'); is_first = 0) {
        int64_t first = -1, last = -1;
        if (peek(r) == ']' || take(r, "&&") || take(r, "[:"))
            return refuse(r, "it has a class that refframe does not know");
        if (take(r, "[")) {
            status = peek(r) == '^' ? refuse(r, "it has a class that refframe does not know") : read_class(r, set);
            continue;
        }
        status = read_member(r, set, &first);
        last = first;
        if (status == STATUS_OK && first >= 0 && r->end - r->at > 1 && r->at[0] == '-' && r->at[1] != ']') {
            r->at++;
            status = read_member(r, set, &last);
            if (status == STATUS_OK && last < first)
                status = refuse(r, "a range of characters goes backwards");
        }
        if (status == STATUS_OK && first >= 0)
            status = add_range(r, set, (uint32_t)first, (uint32_t)last);
    }
    r->at++;
    r->depth--;
    return status;
}

/* Under (?i: only a letter or an apostrophe, without what folds to two characters together. U+017F folds to s, U+212A
 * to k. */
static int add_either_case(Reader *r, CharacterSet *set)
{
    static const char *const pairs[] = {"ss", "st", "ff", "fi", "fl"};
    const uint32_t code = set->first[0];
    const int upper = (int)code & ~0x20, next = peek(r) < 0 ? 0 : peek(r) | 0x20;
    for (size_t p = 0; p < sizeof pairs / sizeof *pairs; p++)
        if (((int)code | 0x20) == pairs[p][0] && next == pairs[p][1])
            return refuse(r, "it has letters together of which refframe does not know all cases");
    if (set->n_ranges != 1 || code >= 128 || set->first[0] != set->last[0] || set->is_negated)
        return refuse(r, "refframe knows of (?i: letters alone");
    if (upper < 'A' || upper > 'Z')
        return code == '\'' ? STATUS_OK : refuse(r, "refframe knows of (?i: letters alone");
    set->first[0] = set->last[0] = (uint32_t)upper;
    int status = add_range(r, set, (uint32_t)upper | 0x20, (uint32_t)upper | 0x20);
    if (status == STATUS_OK && (upper == 'S' || upper == 'K'))
        status = add_range(r, set, upper == 'S' ? 0x17f : 0x212a, upper == 'S' ? 0x17f : 0x212a);
    return status;
}

static int read_set(Reader *r, CharacterSet **ret_set)
{
    CharacterSet *set = ARENA_ARRAY(r->arena, CharacterSet, 1);
    int64_t code = -1;
    int status;
    if (take(r, "[")) {
        set->is_negated = take(r, "^");
        status = read_class(r, set);
    } else if (take(r, ".")) {
        set->is_negated = 1;
        status = add_range(r, set, '\n', '\n');
    } else {
        status = read_member(r, set, &code);
        if (status == STATUS_OK && code >= 0)
            status = add_range(r, set, (uint32_t)code, (uint32_t)code);
    }
    if (status == STATUS_OK && r->ignores_case)
        status = add_either_case(r, set);
    if (status != STATUS_OK)
        return status;
    const int is_readable = set->categories == 0 || unicode_is_there(); /* else the whole is refused afterwards */
    for (uint32_t c = 0; c < 128 && is_readable; c++)
        set->ascii[c] = (unsigned char)set_work_out(set, c);
    *ret_set = set;
    return STATUS_OK;
}

/* ---- repeats ---- */

static int read_count(Reader *r, int *ret_count)
{
    int count = 0, n_digits = 0;
    for (; peek(r) >= '0' && peek(r) <= '9' && count <= MOST_REPEATS; r->at++, n_digits++)
        count = count * 10 + (peek(r) - '0');
    if (n_digits == 0 || count > MOST_REPEATS)
        return refuse(r, "it has a repeat that refframe does not know");
    *ret_count = count;
    return STATUS_OK;
}

/* What stands behind an atom; one without is least = most = 1. */
static int read_repeat(Reader *r, int *ret_least, int *ret_most, int *ret_is_possessive)
{
    int least = 1, most = 1, status = STATUS_OK, is_braced = 0;
    if (take(r, "?"))
        least = 0;
    else if (take(r, "*"))
        least = 0, most = PATTERN_FOREVER;
    else if (take(r, "+"))
        most = PATTERN_FOREVER;
    else if (take(r, "{")) {
        is_braced = 1;
        status = read_count(r, &least);
        most = least;
        if (status == STATUS_OK && take(r, ","))
            status = peek(r) == '}' ? (most = PATTERN_FOREVER, STATUS_OK) : read_count(r, &most);
        if (status == STATUS_OK && (!take(r, "}") || most < least || most == 0))
            status = refuse(r, "it has a repeat that refframe does not know");
    } else {
        *ret_least = *ret_most = 1, *ret_is_possessive = 0;
        return STATUS_OK;
    }
    *ret_is_possessive = status == STATUS_OK && !is_braced && take(r, "+");
    if (status == STATUS_OK && (peek(r) == '?' || peek(r) == '*' || peek(r) == '+' || peek(r) == '{'))
        status = refuse(r, "it has a repeat that refframe does not know");
    *ret_least = least, *ret_most = most;
    return status;
}

/* ---- what holds them together ---- */

static int read_alternatives(Reader *r);

/* Behind "(?=" or "(?!" */
static int read_ahead(Reader *r, int is_negated)
{
    int pc = 0, end = 0, status = add_op(r, (Op){.kind = OP_AHEAD, .is_negated = is_negated}, &pc);
    if (status == STATUS_OK)
        status = read_alternatives(r);
    if (status == STATUS_OK)
        status = add_op(r, (Op){.kind = OP_END}, &end);
    r->pattern->ops[pc].to = end + 1;
    return status;
}

static int read_group(Reader *r)
{
    const int ignored_case = r->ignores_case, start = r->pattern->n_ops;
    int least = 1, most = 1, is_possessive = 0, pc = 0, status;
    if (++r->depth > MOST_DEPTH)
        return refuse(r, "it is nested deeper than refframe reads");
    if (take(r, "?=") || take(r, "?!")) {
        status = read_ahead(r, r->at[-1] == '!');
    } else {
        if (take(r, "?i:"))
            r->ignores_case = 1;
        else if (!take(r, "?:") && peek(r) == '?')
            return refuse(r, "it has a group that refframe does not know");
        status = add_op(r, (Op){.kind = OP_JUMP, .to = start + 1}, &pc); /* a fork's place, if it is needed */
        if (status == STATUS_OK)
            status = read_alternatives(r);
    }
    if (status == STATUS_OK && !take(r, ")"))
        status = refuse(r, "a \"(\" has no end");
    if (status == STATUS_OK)
        status = read_repeat(r, &least, &most, &is_possessive);
    if (status == STATUS_OK && (most != 1 || is_possessive || (least == 0 && r->pattern->ops[start].kind != OP_JUMP)))
        status = refuse(r, "it repeats a group");
    if (status == STATUS_OK && least == 0)
        r->pattern->ops[start] = (Op){.kind = OP_FORK, .to = r->pattern->n_ops};
    r->ignores_case = ignored_case;
    r->depth--;
    return status;
}

static int read_atom(Reader *r)
{
    CharacterSet *set = NULL;
    Op op = {.kind = OP_MANY};
    int pc, status;
    if (peek(r) == '*' || peek(r) == '+' || peek(r) == '?' || peek(r) == '{' || peek(r) == '^' || peek(r) == '$')
        return refuse(r, "it has a sign that refframe does not know");
    if (take(r, "("))
        return read_group(r);
    status = read_set(r, &set);
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
static int read_alternatives(Reader *r)
{
    int jumps[PATTERN_MOST_OPS], n_jumps = 0, status = STATUS_OK, pc = 0;
    for (;;) {
        const int start = r->pattern->n_ops;
        status = add_op(r, (Op){.kind = OP_JUMP, .to = start + 1}, &pc);
        while (status == STATUS_OK && r->at < r->end && peek(r) != '|' && peek(r) != ')')
            status = read_atom(r);
        if (status != STATUS_OK || !take(r, "|"))
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
    Reader r = {arena, text, text, text + strlen(text), pattern, 0, 0, err};
    int pc, status = *text ? read_alternatives(&r) : refuse(&r, "it is empty");
    if (status == STATUS_OK && r.at < r.end)
        status = refuse(&r, "a \")\" has no beginning");
    if (status == STATUS_OK)
        status = add_op(&r, (Op){.kind = OP_END}, &pc);
    if (status == STATUS_OK && can_be_empty(pattern))
        status = refuse(&r, "it can match nothing at all");
    if (status == STATUS_OK)
        *ret_pattern = pattern;
    return status;
}
