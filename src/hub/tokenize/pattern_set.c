/* What one character of a pattern may be: itself, an escape, a class. */
#include <string.h>

#include "base/text.h"
#include "hub/tokenize/pattern_internal.h"
#include "hub/tokenize/unicode.h"

int pattern_refuse(const PatternReader *r, const char *what)
{
    return error_set(r->err, STATUS_INPUT, "the pattern \"%s\": %s", r->text, what);
}

int pattern_peek(const PatternReader *r)
{
    return r->at < r->end ? (unsigned char)*r->at : -1;
}

int pattern_take(PatternReader *r, const char *word)
{
    const size_t n = strlen(word);
    if ((size_t)(r->end - r->at) < n || memcmp(r->at, word, n) != 0)
        return 0;
    r->at += n;
    return 1;
}

static int add_range(const PatternReader *r, CharacterSet *set, uint32_t first, uint32_t last)
{
    if (set->n_ranges == PATTERN_MOST_RANGES)
        return pattern_refuse(r, "a class has more ranges than refframe reads");
    set->first[set->n_ranges] = first, set->last[set->n_ranges++] = last;
    return STATUS_OK;
}

/* \p{L} behind its p; \P{L} is all the others. */
static int read_property(PatternReader *r, int is_negated, CharacterSet *set)
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
        if (pattern_take(r, properties[p].name)) {
            set->categories |= is_negated ? all & ~properties[p].categories : properties[p].categories;
            r->pattern->needs_unicode = 1;
            return STATUS_OK;
        }
    return pattern_refuse(r, "it has a property that refframe does not know");
}

/* What stands behind a backslash: characters into the set, or, of one character, ret_code; else ret_code is -1. */
static int read_escape(PatternReader *r, CharacterSet *set, int64_t *ret_code)
{
    static const char letters[] = "nrtfv", meaning[] = "\n\r\t\f\v";
    const int all = (UNICODE_UNASSIGNED << 1) - 1, c = pattern_peek(r);
    *ret_code = -1;
    if (c < 0)
        return pattern_refuse(r, "it ends with a backslash");
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
        return pattern_refuse(r, "it has an escape that refframe does not know");
    return STATUS_OK;
}

static int read_character(PatternReader *r, int64_t *ret_code)
{
    uint32_t code = 0;
    const int length = r->at < r->end ? text_utf8_decode(r->at, (size_t)(r->end - r->at), &code) : 0;
    if (length == 0)
        return pattern_refuse(r, "it ends too soon");
    r->at += length;
    *ret_code = code;
    return STATUS_OK;
}

static int read_member(PatternReader *r, CharacterSet *set, int64_t *ret_code)
{
    return pattern_take(r, "\\") ? read_escape(r, set, ret_code) : read_character(r, ret_code);
}

/* A class behind its "[" and "^"; one within another adds to it. */
static int read_class(PatternReader *r, CharacterSet *set)
{
    int status = STATUS_OK;
    if (++r->depth > PATTERN_MOST_DEPTH)
        return pattern_refuse(r, "it is nested deeper than refframe reads");
    for (int is_first = 1; status == STATUS_OK && (is_first || pattern_peek(r) != ']'); is_first = 0) {
        int64_t first = -1, last = -1;
        if (pattern_peek(r) == ']' || pattern_take(r, "&&") || pattern_take(r, "[:"))
            return pattern_refuse(r, "it has a class that refframe does not know");
        if (pattern_take(r, "[")) {
            status = pattern_peek(r) == '^' ? pattern_refuse(r, "it has a class that refframe does not know")
                                            : read_class(r, set);
            continue;
        }
        status = read_member(r, set, &first);
        last = first;
        if (status == STATUS_OK && first >= 0 && r->end - r->at > 1 && r->at[0] == '-' && r->at[1] != ']') {
            r->at++;
            status = read_member(r, set, &last);
            if (status == STATUS_OK && last < first)
                status = pattern_refuse(r, "a range of characters goes backwards");
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
static int add_either_case(PatternReader *r, CharacterSet *set)
{
    static const char *const pairs[] = {"ss", "st", "ff", "fi", "fl"};
    const uint32_t code = set->first[0];
    const int upper = (int)code & ~0x20, next = pattern_peek(r) < 0 ? 0 : pattern_peek(r) | 0x20;
    for (size_t p = 0; p < sizeof pairs / sizeof *pairs; p++)
        if (((int)code | 0x20) == pairs[p][0] && next == pairs[p][1])
            return pattern_refuse(r, "it has letters together of which refframe does not know all cases");
    if (set->n_ranges != 1 || code >= 128 || set->first[0] != set->last[0] || set->is_negated)
        return pattern_refuse(r, "refframe knows of (?i: letters alone");
    if (upper < 'A' || upper > 'Z')
        return code == '\'' ? STATUS_OK : pattern_refuse(r, "refframe knows of (?i: letters alone");
    set->first[0] = set->last[0] = (uint32_t)upper;
    int status = add_range(r, set, (uint32_t)upper | 0x20, (uint32_t)upper | 0x20);
    if (status == STATUS_OK && (upper == 'S' || upper == 'K'))
        status = add_range(r, set, upper == 'S' ? 0x17f : 0x212a, upper == 'S' ? 0x17f : 0x212a);
    return status;
}

int pattern_read_set(PatternReader *r, CharacterSet **ret_set)
{
    CharacterSet *set = ARENA_ARRAY(r->arena, CharacterSet, 1);
    int64_t code = -1;
    int status;
    if (pattern_take(r, "[")) {
        set->is_negated = pattern_take(r, "^");
        status = read_class(r, set);
    } else if (pattern_take(r, ".")) {
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
