#include "hub/tokenize/part.h"

#include <math.h>
#include <string.h>

#include "base/text.h"
#include "hub/tokenize/unicode.h"

int part_refuse(const Part *part, const char *format, ...)
{
    Text what = {0};
    va_list args;
    va_start(args, format);
    text_addv(&what, format, args);
    va_end(args);
    const int status =
        part->type ? error_set(part->err, STATUS_INPUT, "%s: %s \"%.100s\": %s", part->path, part->where, part->type,
                               text_string(&what))
                   : error_set(part->err, STATUS_INPUT, "%s: %s: %s", part->path, part->where, text_string(&what));
    text_free(&what);
    return status;
}

int part_type(Part *part)
{
    part->type = NULL;
    if (part->json->type != JSON_OBJECT)
        return part_refuse(part, "it is no object");
    part->type = json_get_string(part->json, "type", NULL);
    return part->type ? STATUS_OK : part_refuse(part, "it has no \"type\"");
}

/* Whether `name` is one of the words of `names`. */
static int is_among(const char *name, const char *names)
{
    const size_t n = strlen(name);
    for (const char *at = names; *at;) {
        const size_t length = strcspn(at, " ");
        if (length == n && memcmp(at, name, n) == 0)
            return 1;
        at += length + strspn(at + length, " ");
    }
    return 0;
}

int part_has_only(const Part *part, const char *names)
{
    for (int i = 0; i < part->json->n_items; i++) {
        const char *key = part->json->items[i]->key;
        if (strcmp(key, "type") != 0 && !is_among(key, names))
            return part_refuse(part, "\"%.100s\" is no field of it that refframe knows", key);
    }
    return STATUS_OK;
}

/* NULL: absent or null. */
static const Json *field(const Part *part, const char *name)
{
    const Json *json = json_get(part->json, name);
    return json && json->type != JSON_NULL ? json : NULL;
}

int part_flag(const Part *part, const char *name, int fallback, int *ret_flag)
{
    const Json *json = field(part, name);
    if (json && json->type != JSON_BOOL)
        return part_refuse(part, "\"%s\" is neither true nor false", name);
    *ret_flag = json ? json->number != 0 : fallback;
    return STATUS_OK;
}

int part_string(const Part *part, const char *name, const char *fallback, const char **ret_string)
{
    const Json *json = field(part, name);
    if (json && json->type != JSON_STRING)
        return part_refuse(part, "\"%s\" is no string", name);
    *ret_string = json ? json->string : fallback;
    return STATUS_OK;
}

int part_required_string(const Part *part, const char *name, const char **ret_string)
{
    const char *string = NULL;
    const int status = part_string(part, name, NULL, &string);
    if (status != STATUS_OK)
        return status;
    if (!string)
        return part_refuse(part, "it has no \"%s\"", name);
    *ret_string = string;
    return STATUS_OK;
}

int64_t json_whole(const Json *json, int64_t most)
{
    if (!json || json->type != JSON_NUMBER || json->number < 0 || json->number > (double)most ||
        json->number != floor(json->number))
        return -1;
    return (int64_t)json->number;
}

int part_count(const Part *part, const char *name, int64_t fallback, int64_t most, int64_t *ret_count)
{
    const Json *json = field(part, name);
    const int64_t count = json ? json_whole(json, most) : fallback;
    if (json && count < 0)
        return part_refuse(part, "\"%s\" is no whole number from 0 to %lld", name, (long long)most);
    *ret_count = count;
    return STATUS_OK;
}

int part_items(const Part *part, const char *name, JsonType type, const Json **ret_json)
{
    const Json *json = field(part, name);
    if (!json || json->type != type)
        return part_refuse(part, "\"%s\" is no %s", name, type == JSON_ARRAY ? "array" : "object");
    *ret_json = json;
    return STATUS_OK;
}

int part_choice(const Part *part, const char *name, const char *const *words, int n, int *ret_choice)
{
    const char *word = words[0];
    const int status = part_string(part, name, words[0], &word);
    if (status != STATUS_OK)
        return status;
    for (int w = 0; w < n; w++)
        if (strcmp(word, words[w]) == 0) {
            *ret_choice = w;
            return STATUS_OK;
        }
    return part_refuse(part, "\"%s\" is \"%.100s\", which refframe does not know", name, word);
}

int part_needs_unicode(const Part *part)
{
    return unicode_is_there()
               ? STATUS_OK
               : part_refuse(part, "it needs Unicode's tables, and this program was built without libutf8proc "
                                   "(Debian: libutf8proc-dev)");
}
