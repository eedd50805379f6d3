/* Runs a pattern's program by backtracking, as Oniguruma does: the first alternative that leads to a match is taken. */
#include "hub/tokenize/pattern.h"

#include "base/text.h"
#include "hub/tokenize/pattern_internal.h"
#include "hub/tokenize/unicode.h"

enum { STEPS_PER_BYTE = 2000, STEPS_FREE = 1000000 };

typedef struct {
    const Pattern *pattern;
    const char *text;
    size_t n;
    uint64_t steps, most_steps;
} Run;

int set_work_out(const CharacterSet *set, uint32_t code)
{
    int has = (set->space && unicode_is_space(code)) || (set->no_space && !unicode_is_space(code)) ||
              (set->categories && (unicode_category(code) & set->categories));
    for (int r = 0; r < set->n_ranges && !has; r++)
        has = code >= set->first[r] && code <= set->last[r];
    return has != set->is_negated;
}

int set_has(const CharacterSet *set, uint32_t code)
{
    return code < 128 ? set->ascii[code] : set_work_out(set, code);
}

/* The bytes of the character at `at` if it is one of the set, else 0. */
static size_t step(Run *run, const CharacterSet *set, size_t at)
{
    uint32_t code = 0;
    if (at >= run->n || ++run->steps > run->most_steps)
        return 0;
    const int length = text_utf8_decode(run->text + at, run->n - at, &code);
    return length > 0 && set_has(set, code) ? (size_t)length : 0;
}

static size_t before(const Run *run, size_t at)
{
    do
        at--;
    while (at > 0 && ((unsigned char)run->text[at] & 0xc0) == 0x80);
    return at;
}

static int match(Run *run, int pc, size_t at, size_t *ret_end);

/* OP_MANY at pc: as many as there are, then one less each time, until what follows matches. */
static int match_many(Run *run, int pc, size_t at, size_t *ret_end)
{
    const Op *op = &run->pattern->ops[pc];
    int count = 0;
    for (size_t length; count < op->most && (length = step(run, op->set, at)) > 0; count++)
        at += length;
    for (; count >= op->least && run->steps <= run->most_steps; count--) {
        if (match(run, pc + 1, at, ret_end))
            return 1;
        if (op->is_possessive || count == 0)
            break;
        at = before(run, at);
    }
    return 0;
}

/* Whether what is at pc matches here, and where that ends. Its depth is the program's length: nothing jumps back. */
static int match(Run *run, int pc, size_t at, size_t *ret_end)
{
    for (;;) {
        const Op *op = &run->pattern->ops[pc];
        size_t length;
        if (++run->steps > run->most_steps)
            return 0;
        switch (op->kind) {
        case OP_SET:
            if ((length = step(run, op->set, at)) == 0)
                return 0;
            at += length, pc++;
            break;
        case OP_MANY:
            return match_many(run, pc, at, ret_end);
        case OP_FORK:
            if (match(run, pc + 1, at, ret_end))
                return 1;
            pc = op->to;
            break;
        case OP_JUMP:
            pc = op->to;
            break;
        case OP_AHEAD:
            if (match(run, pc + 1, at, &length) == op->is_negated)
                return 0;
            pc = op->to;
            break;
        case OP_END:
            *ret_end = at;
            return 1;
        }
    }
}

int pattern_needs_unicode(const Pattern *pattern)
{
    return pattern->needs_unicode;
}

int pattern_find(const Pattern *pattern, const char *text, size_t n, size_t from, uint64_t *steps, size_t *ret_start,
                 size_t *ret_end)
{
    Run run = {pattern, text, n, *steps, STEPS_FREE + (uint64_t)n * STEPS_PER_BYTE};
    int found = 0;
    while (from < n && !found && run.steps <= run.most_steps) {
        size_t end = from;
        if (match(&run, 0, from, &end) && end > from) {
            *ret_start = from, *ret_end = end;
            found = 1;
        } else {
            const int length = text_utf8_decode(text + from, n - from, NULL);
            from += length > 0 ? (size_t)length : 1;
        }
    }
    *steps = run.steps;
    return found ? 1 : run.steps > run.most_steps ? -1 : 0;
}
