/* The JSON writer: it owns commas, layout and escapes. Its output can stand inside an HTML script as it is. */
#include "base/json.h"

#include <assert.h>
#include <math.h>
#include <string.h>

void json_start(JsonWriter *json, Text *text, int indent)
{
    *json = (JsonWriter){.text = text, .indent = indent};
}

static void new_line(JsonWriter *json)
{
    if (json->indent)
        text_addf(json->text, "\n%*s", json->indent * json->depth, "");
}

/* What stands in front of a value or key: nothing after a key, else a comma (not before the first) and a new line. */
static void before_item(JsonWriter *json)
{
    if (json->after_key) {
        json->after_key = 0;
        return;
    }
    if (json->has_items[json->depth])
        text_add(json->text, ",");
    if (json->depth)
        new_line(json);
    json->has_items[json->depth] = 1;
}

static void open_level(JsonWriter *json, const char *bracket)
{
    before_item(json);
    text_add(json->text, bracket);
    json->depth++;
    assert(json->depth < (int)sizeof json->has_items);
    json->has_items[json->depth] = 0;
}

static void close_level(JsonWriter *json, const char *bracket)
{
    assert(json->depth > 0 && !json->after_key);
    const int had_items = json->has_items[json->depth];
    json->depth--;
    if (had_items)
        new_line(json);
    text_add(json->text, bracket);
}

void json_open_object(JsonWriter *json)
{
    open_level(json, "{");
}

void json_close_object(JsonWriter *json)
{
    close_level(json, "}");
}

void json_open_array(JsonWriter *json)
{
    open_level(json, "[");
}

void json_close_array(JsonWriter *json)
{
    close_level(json, "]");
}

static void add_quoted(Text *text, const char *string)
{
    static const char escaped[] = "\"\\\b\f\n\r\t", letter[] = "\"\\bfnrt";
    size_t left = strlen(string);
    text_add(text, "\"");
    while (left > 0) {
        const char c = *string;
        const int length = text_utf8_decode(string, left, NULL);
        const char *named = strchr(escaped, c);
        if (length == 0)
            text_add_utf8(text, 0xfffd);
        else if (named)
            text_addf(text, "\\%c", letter[named - escaped]);
        else if ((unsigned char)c < 0x20 || c == 0x7f || (c == '<' && (string[1] == '/' || string[1] == '!')))
            text_addf(text, "\\u%04x", (unsigned)c); /* "</script" and "<!--" would end or bend an HTML script */
        else
            text_add_bytes(text, string, (size_t)length);
        string += length ? length : 1;
        left -= (size_t)(length ? length : 1);
    }
    text_add(text, "\"");
}

void json_key(JsonWriter *json, const char *key)
{
    assert(!json->after_key);
    before_item(json);
    add_quoted(json->text, key);
    text_add(json->text, json->indent ? ": " : ":");
    json->after_key = 1;
}

void json_string(JsonWriter *json, const char *value)
{
    before_item(json);
    if (value)
        add_quoted(json->text, value);
    else
        text_add(json->text, "null");
}

void json_number(JsonWriter *json, double value)
{
    before_item(json);
    if (isfinite(value))
        text_add_number(json->text, value);
    else
        text_add(json->text, "null");
}

void json_bool(JsonWriter *json, int value)
{
    before_item(json);
    text_add(json->text, value ? "true" : "false");
}

void json_null(JsonWriter *json)
{
    before_item(json);
    text_add(json->text, "null");
}

void json_put_string(JsonWriter *json, const char *key, const char *value)
{
    json_key(json, key);
    json_string(json, value);
}

void json_put_number(JsonWriter *json, const char *key, double value)
{
    json_key(json, key);
    json_number(json, value);
}

void json_put_bool(JsonWriter *json, const char *key, int value)
{
    json_key(json, key);
    json_bool(json, value);
}

void json_numbers(JsonWriter *json, int n, const double *values)
{
    json_open_array(json);
    for (int i = 0; i < n; i++)
        json_number(json, values[i]);
    json_close_array(json);
}

void json_put_numbers(JsonWriter *json, const char *key, int n, const double *values)
{
    json_key(json, key);
    json_numbers(json, n, values);
}

void json_put_strings(JsonWriter *json, const char *key, int n, const char *const *values)
{
    json_key(json, key);
    json_open_array(json);
    for (int i = 0; i < n; i++)
        json_string(json, values[i]);
    json_close_array(json);
}
