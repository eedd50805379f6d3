/* Loading an experiment file and what it extends into one draft, the deepest base first.
 *
 * `extends:` is a path relative to the file that says it, or a list of such paths of which later ones win. A file read
 * twice in one chain is a cycle. `name` is the experiment's own: it is never inherited, or two experiments would write
 * into one folder.
 */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/text.h"
#include "plan/draft.h"

enum { EXTENDS_MAX = 16 };

/* The files being read, from the experiment down to the current base. */
typedef struct {
    const char *paths[EXTENDS_MAX];
    int n;
} Chain;

static int load_file(Draft *draft, Chain *chain, const char *path, const Node *asked_by);

/* ---- the experiment's own words ---- */

static int take_text(Draft *draft, const Node *node, const char **ret_text)
{
    if (node->type != NODE_SCALAR || node->is_null)
        return plan_refuse(draft->err, node->file, node->line, "%s: is a text", node->key);
    *ret_text = node->text;
    return STATUS_OK;
}

int plan_is_name(const char *name)
{
    return *name && *name != '.' && *name != '-' && strlen(name) <= 100 && !strpbrk(name, "/\\") &&
           text_is_visible(name);
}
#define NAME_RULE "can't name a folder (1-100 characters, no slash, no control character, no . or - in front)"

static int take_name(Draft *draft, const Node *node)
{
    const char *name = NULL;
    if (take_text(draft, node, &name) != STATUS_OK)
        return STATUS_INPUT;
    if (!plan_is_name(name))
        return plan_refuse(draft->err, node->file, node->line, "name: \"%.100s\" " NAME_RULE, name);
    draft->name = name;
    return STATUS_OK;
}

static int take_title(Draft *draft, const Node *node)
{
    return take_text(draft, node, &draft->title);
}

static int take_claim(Draft *draft, const Node *node)
{
    return take_text(draft, node, &draft->claim);
}

static int take_source(Draft *draft, const Node *node)
{
    return take_text(draft, node, &draft->source);
}

static int take_exclude(Draft *draft, const Node *node)
{
    draft->exclude = node;
    return STATUS_OK;
}

static int take_seeds(Draft *draft, const Node *node)
{
    draft->seeds = node;
    return STATUS_OK;
}

static int take_expect(Draft *draft, const Node *node)
{
    draft->expect = node;
    return STATUS_OK;
}

/* `extends` is read before everything else, `sweep` behind the settings. */
static int take_elsewhere(Draft *draft, const Node *node)
{
    (void)draft, (void)node;
    return STATUS_OK;
}

static const struct {
    const char *word;
    int (*take)(Draft *draft, const Node *node);
} word_table[] = {
    {"name", take_name},       {"title", take_title},       {"claim", take_claim},
    {"source", take_source},   {"extends", take_elsewhere}, {"sweep", take_elsewhere},
    {"exclude", take_exclude}, {"seeds", take_seeds},       {"expect", take_expect},
};
enum { N_WORDS = sizeof word_table / sizeof *word_table };

/* ---- layers ---- */

void draft_add_setting(Draft *draft, const Assignment *assignment)
{
    Assignments *settings = &draft->settings;
    if (sweep_override(draft, assignment))
        return;
    int i = 0;
    while (i < settings->n && strcmp(settings->items[i].key, assignment->key) != 0)
        i++;
    if (i == settings->n) {
        settings->items = plan_grown(draft->arena, settings->items, i, sizeof *settings->items);
        draft->setting_layers = plan_grown(draft->arena, draft->setting_layers, i, sizeof *draft->setting_layers);
        settings->n++;
    }
    settings->items[i] = *assignment;
    draft->setting_layers[i] = draft->layer;
}

static int take_layer(Draft *draft, const Node *file)
{
    Assignments list = {0};
    for (int i = 0; i < file->n_items; i++) {
        const Node *node = file->items[i];
        int w = 0;
        while (w < N_WORDS && strcmp(word_table[w].word, node->key) != 0)
            w++;
        const int status = w < N_WORDS ? word_table[w].take(draft, node)
                                       : assign_member(draft->arena, &draft->program->schema, node, "",
                                                       KEYS_OF_EXPERIMENT, &list, draft->err);
        if (status != STATUS_OK)
            return status;
    }
    for (int i = 0; i < list.n; i++)
        draft_add_setting(draft, &list.items[i]);
    const Node *sweep = node_get(file, "sweep");
    return sweep ? sweep_add(draft, sweep) : STATUS_OK;
}

/* ---- extends ---- */

static int load_base(Draft *draft, Chain *chain, const char *from, const Node *base)
{
    if (base->type != NODE_SCALAR || base->is_null || !*base->text)
        return plan_refuse(draft->err, base->file, base->line, "extends: is a path or a list of paths");
    const char *path =
        base->text[0] == '/' ? base->text : file_join(draft->arena, file_dirname(draft->arena, from), base->text);
    return load_file(draft, chain, path, base);
}

static int load_file(Draft *draft, Chain *chain, const char *path, const Node *asked_by)
{
    char real[PATH_MAX];
    if (!file_exists(path)) {
        if (asked_by)
            return plan_refuse(draft->err, asked_by->file, asked_by->line, "extends: there is no file %s", path);
        return error_set(draft->err, STATUS_INPUT, "%s: there is no such file", path);
    }
    if (!realpath(path, real)) /* a pipe: there, but nowhere in a folder */
        snprintf(real, sizeof real, "%s", path);
    for (int i = 0; i < chain->n; i++)
        if (strcmp(chain->paths[i], real) == 0)
            return plan_refuse(draft->err, asked_by->file, asked_by->line, "extends: %s extends itself", path);
    if (chain->n == EXTENDS_MAX)
        return plan_refuse(draft->err, asked_by->file, asked_by->line, "extends: more than %d files deep", EXTENDS_MAX);

    Node *file;
    int status = node_read(draft->arena, path, &file, draft->err); /* that the system can't read is no wrong input */
    if (status != STATUS_OK)
        return status;
    if (file->type != NODE_MAPPING && !file->is_null)
        return plan_refuse(draft->err, file->file, file->line, "the top of the file is a mapping: key: value");

    chain->paths[chain->n++] = arena_strdup(draft->arena, real);
    const Node *extends = node_get(file, "extends");
    if (extends && extends->type == NODE_SEQUENCE) {
        for (int i = 0; i < extends->n_items && status == STATUS_OK; i++)
            status = load_base(draft, chain, path, extends->items[i]);
    } else if (extends) {
        status = load_base(draft, chain, path, extends);
    }
    if (status != STATUS_OK)
        return status;
    chain->n--;

    draft->name = NULL;
    status = take_layer(draft, file);
    draft->layer++;
    return status;
}

/* The folder of an experiment.yaml, else the file's stem. */
static const char *name_from_path(Arena *arena, const char *path)
{
    const char *base = file_basename(arena, path);
    if (strcmp(base, "experiment.yaml") == 0 || strcmp(base, "experiment.yml") == 0)
        return file_basename(arena, file_dirname(arena, file_absolute(arena, path)));
    const char *dot = strrchr(base, '.');
    return dot && dot > base ? arena_strndup(arena, base, (size_t)(dot - base)) : base;
}

int draft_load(Draft *draft, const char *path)
{
    Chain chain = {.n = 0};
    draft->file = arena_strdup(draft->arena, path);
    draft->title = draft->claim = draft->source = "";
    const int status = load_file(draft, &chain, draft->file, NULL);
    if (status != STATUS_OK || draft->name)
        return status;
    draft->name = name_from_path(draft->arena, path);
    if (!plan_is_name(draft->name))
        return error_set(draft->err, STATUS_INPUT, "%s: has no name: in it, and \"%.100s\" " NAME_RULE, path,
                         draft->name);
    return STATUS_OK;
}
