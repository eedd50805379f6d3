#include "hub/tokenize/match.h"

#include <string.h>

static int read_pattern(const Part *part, const char *text, Match *ret_match)
{
    Error why;
    Pattern *pattern = NULL;
    if (pattern_read(part->arena, text, &pattern, &why) != STATUS_OK)
        return part_refuse(part, "%s", why.text);
    *ret_match = (Match){NULL, pattern};
    return pattern_needs_unicode(pattern) ? part_needs_unicode(part) : STATUS_OK;
}

int match_read(const Part *part, Match *ret_match)
{
    const Json *json = NULL;
    const int status = part_items(part, "pattern", JSON_OBJECT, &json);
    if (status != STATUS_OK)
        return status;
    const char *string = json_get_string(json, "String", NULL), *regex = json_get_string(json, "Regex", NULL);
    if (json->n_items != 1 || (!string && !regex))
        return part_refuse(part, "\"pattern\" is neither {\"String\": ...} nor {\"Regex\": ...}");
    if (regex)
        return read_pattern(part, regex, ret_match);
    if (!*string)
        return part_refuse(part, "\"pattern\" is empty");
    *ret_match = (Match){string, NULL};
    return STATUS_OK;
}

int match_find(const void *match, const char *text, size_t n, size_t from, uint64_t *steps, size_t *ret_start,
               size_t *ret_end)
{
    const Match *m = match;
    if (!m->string)
        return pattern_find(m->pattern, text, n, from, steps, ret_start, ret_end);
    const size_t length = strlen(m->string);
    const char *at = from < n ? memmem(text + from, n - from, m->string, length) : NULL;
    if (!at)
        return 0;
    *ret_start = (size_t)(at - text), *ret_end = *ret_start + length;
    return 1;
}
