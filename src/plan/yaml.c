/* From libyaml's events to the tree of yaml.h, by recursive descent: one call of take_node a node.
 *
 * libyaml knows the grammar; what is ours is the refusals, and the words for its more cryptic errors (a tab in the
 * indentation is "a character that cannot start any token").
 */
#include "plan/yaml.h"

#include <string.h>
#include <yaml.h>

#include "base/file.h"
#include "plan/tools.h"

enum { DEPTH_MAX = 32, KEYS_MAX = 10000 };

typedef struct {
    yaml_parser_t parser;
    yaml_event_t event; /* the current one, owned */
    Arena *arena;
    const char *file;
    int has_lines;
    const char *bytes;
    size_t n;
    Error *err;
} Reader;

const Node *node_get(const Node *mapping, const char *key)
{
    for (int i = 0; i < mapping->n_items; i++)
        if (strcmp(mapping->items[i]->key, key) == 0)
            return mapping->items[i];
    return NULL;
}

/* ---- events ---- */

static int line_of(const Reader *r, yaml_mark_t mark)
{
    return r->has_lines ? (int)mark.line + 1 : 0;
}

static int refuse_event(const Reader *r, const char *message)
{
    return plan_refuse(r->err, r->file, line_of(r, r->event.start_mark), "%s", message);
}

/* Is there a tab among the white space that line `line` (from 0) starts with? */
static int has_tab_indentation(const Reader *r, size_t line)
{
    const char *at = r->bytes, *end = r->bytes + r->n;
    for (; line > 0 && at < end; line--) {
        const char *newline = memchr(at, '\n', (size_t)(end - at));
        at = newline ? newline + 1 : end;
    }
    while (at < end && *at == ' ')
        at++;
    return at < end && *at == '\t';
}

static int refuse_syntax(const Reader *r)
{
    const yaml_parser_t *p = &r->parser;
    if (p->error == YAML_MEMORY_ERROR || !p->problem) /* the machine's lack, not the file's */
        memory_exhausted(r->n);
    if (p->error == YAML_READER_ERROR) { /* knows an offset only */
        size_t line = 0;
        for (size_t i = 0; i < p->problem_offset && i < r->n; i++)
            line += r->bytes[i] == '\n';
        return plan_refuse(r->err, r->file, r->has_lines ? (int)line + 1 : 0, "not UTF-8 text: %s", p->problem);
    }
    if (has_tab_indentation(r, p->problem_mark.line))
        return plan_refuse(r->err, r->file, line_of(r, p->problem_mark), "a tab in the indentation; YAML wants spaces");
    if (p->context)
        return plan_refuse(r->err, r->file, line_of(r, p->problem_mark), "not YAML: %s, %s", p->context, p->problem);
    return plan_refuse(r->err, r->file, line_of(r, p->problem_mark), "not YAML: %s", p->problem);
}

static int next_event(Reader *r)
{
    yaml_event_delete(&r->event);
    if (!yaml_parser_parse(&r->parser, &r->event)) {
        memset(&r->event, 0, sizeof r->event);
        return refuse_syntax(r);
    }
    return STATUS_OK;
}

/* ---- nodes ---- */

static int take_node(Reader *r, int depth, Node **ret_node);

static Node *new_node(const Reader *r, NodeType type)
{
    Node *node = arena_alloc(r->arena, sizeof *node);
    node->type = type;
    node->file = r->file;
    node->line = line_of(r, r->event.start_mark);
    return node;
}

static int is_null_word(const char *text)
{
    static const char *const words[] = {"", "~", "null", "Null", "NULL"};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (strcmp(text, words[i]) == 0)
            return 1;
    return 0;
}

static int take_scalar(Reader *r, Node **ret_node)
{
    const char *value = (const char *)r->event.data.scalar.value;
    const size_t n = r->event.data.scalar.length;
    if (memchr(value, '\0', n))
        return refuse_event(r, "a text with a zero byte");
    Node *node = new_node(r, NODE_SCALAR);
    node->text = arena_strndup(r->arena, value, n);
    node->is_quoted = r->event.data.scalar.style != YAML_PLAIN_SCALAR_STYLE;
    node->is_null = !node->is_quoted && is_null_word(node->text);
    *ret_node = node;
    return STATUS_OK;
}

static void add_item(const Reader *r, Node *node, Node *item)
{
    node->items = plan_grown(r->arena, node->items, node->n_items, sizeof *node->items);
    node->items[node->n_items++] = item;
}

static int take_sequence(Reader *r, int depth, Node **ret_node)
{
    Node *node = new_node(r, NODE_SEQUENCE), *item;
    for (;;) {
        if (next_event(r) != STATUS_OK)
            return STATUS_INPUT;
        if (r->event.type == YAML_SEQUENCE_END_EVENT)
            break;
        if (take_node(r, depth + 1, &item) != STATUS_OK)
            return STATUS_INPUT;
        add_item(r, node, item);
    }
    *ret_node = node;
    return STATUS_OK;
}

static int take_mapping(Reader *r, int depth, Node **ret_node)
{
    Node *node = new_node(r, NODE_MAPPING), *key, *item;
    for (;;) {
        if (next_event(r) != STATUS_OK)
            return STATUS_INPUT;
        if (r->event.type == YAML_MAPPING_END_EVENT)
            break;
        if (take_node(r, depth + 1, &key) != STATUS_OK)
            return STATUS_INPUT;
        if (key->type != NODE_SCALAR || key->is_null || !*key->text)
            return plan_refuse(r->err, r->file, key->line, "a key must be a word");
        if (!key->is_quoted && strcmp(key->text, "<<") == 0)
            return plan_refuse(r->err, r->file, key->line,
                               "merge keys are not supported; put what is shared into a file named by extends:");
        const Node *first = node_get(node, key->text);
        if (first)
            return plan_refuse(r->err, r->file, key->line, "key \"%.100s\" stands twice (first on line %d)", key->text,
                               first->line);
        if (node->n_items == KEYS_MAX)
            return plan_refuse(r->err, r->file, key->line, "more than %d keys in one mapping", KEYS_MAX);
        if (next_event(r) != STATUS_OK || take_node(r, depth + 1, &item) != STATUS_OK)
            return STATUS_INPUT;
        item->key = key->text;
        item->line = key->line;
        add_item(r, node, item);
    }
    *ret_node = node;
    return STATUS_OK;
}

/* The node that the current event starts. */
static int take_node(Reader *r, int depth, Node **ret_node)
{
    const yaml_event_t *event = &r->event;
    const unsigned char *anchor = NULL, *tag = NULL;
    if (event->type == YAML_SCALAR_EVENT)
        anchor = event->data.scalar.anchor, tag = event->data.scalar.tag;
    else if (event->type == YAML_SEQUENCE_START_EVENT)
        anchor = event->data.sequence_start.anchor, tag = event->data.sequence_start.tag;
    else if (event->type == YAML_MAPPING_START_EVENT)
        anchor = event->data.mapping_start.anchor, tag = event->data.mapping_start.tag;
    if (anchor || event->type == YAML_ALIAS_EVENT)
        return refuse_event(r, "anchors and aliases are not supported; write the value out, or share it by extends:");
    if (tag)
        return refuse_event(r, "tags (!...) are not supported; quote a value to make it a text");
    if (depth > DEPTH_MAX)
        return refuse_event(r, "nested too deep");
    if (event->type == YAML_SEQUENCE_START_EVENT)
        return take_sequence(r, depth, ret_node);
    if (event->type == YAML_MAPPING_START_EVENT)
        return take_mapping(r, depth, ret_node);
    return take_scalar(r, ret_node);
}

static int take_document(Reader *r, Node **ret_node)
{
    if (next_event(r) != STATUS_OK || next_event(r) != STATUS_OK) /* the stream's start, then the document's */
        return STATUS_INPUT;
    if (r->event.type == YAML_STREAM_END_EVENT) {
        *ret_node = new_node(r, NODE_MAPPING);
        return STATUS_OK;
    }
    Node *node;
    if (next_event(r) != STATUS_OK || take_node(r, 0, &node) != STATUS_OK)
        return STATUS_INPUT;
    if (next_event(r) != STATUS_OK || next_event(r) != STATUS_OK) /* the document's end, then the stream's */
        return STATUS_INPUT;
    if (r->event.type != YAML_STREAM_END_EVENT)
        return refuse_event(r, "a second document; one file is one experiment");
    *ret_node = node;
    return STATUS_OK;
}

int node_parse(Arena *arena, const char *file, int has_lines, const char *bytes, size_t n, Node **ret_node, Error *err)
{
    static const char mark[] = "\xEF\xBB\xBF"; /* a byte order mark, which may stand in front (YAML 1.2, 5.2) */
    const size_t n_mark = n >= sizeof mark - 1 && memcmp(bytes, mark, sizeof mark - 1) == 0 ? sizeof mark - 1 : 0;
    bytes += n_mark, n -= n_mark;
    Reader r = {.arena = arena, .file = file, .has_lines = has_lines, .bytes = bytes, .n = n, .err = err};
    if (!yaml_parser_initialize(&r.parser))
        memory_exhausted(n);
    yaml_parser_set_input_string(&r.parser, (const unsigned char *)bytes, n);
    yaml_parser_set_encoding(&r.parser, YAML_UTF8_ENCODING);
    const int status = take_document(&r, ret_node);
    yaml_event_delete(&r.event);
    yaml_parser_delete(&r.parser);
    return status;
}

int node_read(Arena *arena, const char *path, Node **ret_node, Error *err)
{
    char *bytes;
    size_t n;
    const int status = file_read(arena, path, &bytes, &n, err);
    return status == STATUS_OK ? node_parse(arena, arena_strdup(arena, path), 1, bytes, n, ret_node, err) : status;
}
