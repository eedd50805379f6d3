/* A YAML file as a small tree in which every node knows its line, so that every later message can name it.
 *
 * Plain YAML only: one document of mappings, sequences and scalars. Anchors, aliases, tags and merge keys are refused
 * with a line that says what to write instead; a key that stands twice in a mapping is an error.
 */
#ifndef REFFRAME_PLAN_YAML_H
#define REFFRAME_PLAN_YAML_H

#include "base/arena.h"
#include "base/status.h"

typedef enum { NODE_SCALAR, NODE_SEQUENCE, NODE_MAPPING } NodeType;

typedef struct Node Node;
struct Node {
    NodeType type;
    const char *file;
    int line;         /* from 1; of the key within a mapping; 0 for --set */
    const char *key;  /* within a mapping, NULL elsewhere */
    const char *text; /* of a scalar */
    int is_quoted;    /* "..", '..', | or >: never a number, a boolean or null */
    int is_null;      /* nothing, ~ or null */
    Node **items;     /* elements, or members in order */
    int n_items;
};

/* Reads a file. An empty file is an empty mapping. */
int node_read(Arena *arena, const char *path, Node **ret_node, Error *err);

/* Parses n bytes; `file` is for messages, has_lines 0 makes every line 0. */
int node_parse(Arena *arena, const char *file, int has_lines, const char *bytes, size_t n, Node **ret_node, Error *err);

/* A mapping's member, or NULL. */
const Node *node_get(const Node *mapping, const char *key);

#endif
