/* How a head's attention hangs together: the graph with an edge i - j, i != j, wherever max(a_ij, a_ji) >= t.
 *
 *   b0@t = its components,   b1@t = edges - vertices + b0 (independent cycles)
 *
 * Kushnareva et al., "Artificial Text Detection via Examining the Topology of Attention Maps" (arXiv 2109.04825),
 * without self-loops. Entries and thresholds are compared in float32. No triangle is filled: three tokens
 * that attend to each other are a cycle here and none in `rips`.
 */
#include <math.h>

#include "geometry/metric.h"

static const float thresholds[] = {0.025f, 0.05f, 0.1f, 0.25f, 0.5f, 0.75f}; /* rising */

enum { N_THRESHOLDS = sizeof thresholds / sizeof *thresholds };

typedef struct {
    int n_edges, n_components;
    int *parent; /* (T,) */
} Graph;

typedef struct {
    int *large; /* (T,) */
    Graph graphs[N_THRESHOLDS];
} Desk;

static Desk lay_desk(const View *view, Arena *arena)
{
    Desk desk;
    desk.large = ARENA_ARRAY(arena, int, view->length);
    for (int t = 0; t < N_THRESHOLDS; t++)
        desk.graphs[t].parent = ARENA_ARRAY(arena, int, view->length);
    return desk;
}

static void lay(const void *state, const View *view, Arena *scratch)
{
    (void)state;
    lay_desk(view, scratch);
}

static int root_of(int *parent, int i)
{
    while (parent[i] != i)
        i = parent[i] = parent[parent[i]];
    return i;
}

static void add_edge(Graph *graph, int i, int j)
{
    graph->n_edges++;
    if (graph->n_components == 1)
        return;
    const int u = root_of(graph->parent, i), v = root_of(graph->parent, j);
    graph->parent[u] = v;
    graph->n_components -= u != v;
}

/* Enters the pair i, j into every graph that it is an edge of, if this is the larger of its two entries. */
static void add_pair(int T, const real *map, int i, int j, Graph *graphs)
{
    const real a = map[(size_t)i * T + j], opposite = map[(size_t)j * T + i];
    if (i == j || opposite > a || (opposite == a && j > i))
        return;
    for (int t = 0; t < N_THRESHOLDS && a >= thresholds[t]; t++)
        add_edge(&graphs[t], i, j);
}

/* One pass over the visible entries. Few of them reach the least threshold (a row of attention has room for 40), and no
 * branch tells where: they are listed row by row, without one, in `large`. */
static void find_graphs(const View *view, const real *map, Desk *desk)
{
    Graph *graphs = desk->graphs;
    int *large = desk->large;
    const int T = view->length;
    for (int t = 0; t < N_THRESHOLDS; t++) {
        graphs[t].n_edges = 0, graphs[t].n_components = T;
        for (int i = 0; i < T; i++)
            graphs[t].parent[i] = i;
    }
    for (int i = 0; i < T; i++) {
        const real *row = map + (size_t)i * T;
        const KeyRange *keys = view_keys(view, i);
        int n = 0;
        for (int r = 0; r < KEY_RANGES; r++)
            for (int j = keys[r].first; j < keys[r].end; j++) {
                large[n] = j;
                n += row[j] >= thresholds[0];
            }
        for (int k = 0; k < n; k++)
            add_pair(T, map, i, large[k], graphs);
    }
}

static void measure(const void *state, const View *view, double *const *ret_columns, Arena *scratch)
{
    (void)state;
    const int T = view->length, n_maps = view->n_layers * view->n_heads;
    Desk desk = lay_desk(view, scratch);
    for (int m = 0; m < n_maps; m++) {
        find_graphs(view, view->maps + (size_t)m * T * T, &desk);
        for (int t = 0; t < N_THRESHOLDS; t++) {
            ret_columns[t][m] = desk.graphs[t].n_components;
            ret_columns[N_THRESHOLDS + t][m] = desk.graphs[t].n_edges - T + desk.graphs[t].n_components;
        }
    }
}

#define KUSHNAREVA "Kushnareva et al. 2021, arXiv 2109.04825"
#define COUNT      .level = LEVEL_HEAD, .max = INFINITY, .attention_only = 1

#define COMPONENTS(value)                                                                                              \
    {                                                                                                                  \
        .name = "b0@" value, .unit = "components", COUNT, .min = 1,                                                    \
        .summary = "components of the graph with an edge i-j where max(a_ij, a_ji) >= " value, .source = KUSHNAREVA,   \
        .weakness = "a sink and a chain of previous tokens are one component each; grows with the length, since the "  \
                    "attention of a row is shared by more keys"                                                        \
    }
#define CYCLES(value)                                                                                                  \
    {                                                                                                                  \
        .name = "b1@" value, .unit = "cycles", COUNT, .min = 0,                                                        \
        .summary = "edges - vertices + components of the graph with an edge i-j where max(a_ij, a_ji) >= " value,      \
        .source = KUSHNAREVA,                                                                                          \
        .weakness = "0 for a sink and for a chain of previous tokens alike; in a connected graph it only counts "      \
                    "edges, those of triangles too"                                                                    \
    }

static const MetricColumn columns[] = {
    COMPONENTS("0.025"), COMPONENTS("0.05"), COMPONENTS("0.1"), COMPONENTS("0.25"),
    COMPONENTS("0.5"),   COMPONENTS("0.75"), CYCLES("0.025"),   CYCLES("0.05"),
    CYCLES("0.1"),       CYCLES("0.25"),     CYCLES("0.5"),     CYCLES("0.75"),
};

const MetricFamily family_topology = {
    .variant = {.name = "topology",
                .summary = "components and cycles of the graph of a head's larger entries",
                .source = KUSHNAREVA},
    .needs = NEEDS_MAPS,
    .cost = "O(L H T^2)",
    .every = 1,
    .columns = columns,
    .n_columns = sizeof columns / sizeof *columns,
    .measure = measure,
    .lay = lay,
};
