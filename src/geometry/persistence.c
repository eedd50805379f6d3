/* Bars of a weighted graph's flag complex (persistence.h).
 *
 * Edges are called by their rank in the order of weights. A triangle is called by its last edge m and the vertex k
 * opposite: m n + k, which also orders triangles as they enter. A set of edges or triangles is a bit set: addition mod
 * 2 is exclusive or.
 */
#include "geometry/persistence.h"

#include <assert.h>
#include <math.h>
#include <stdint.h>
#include <string.h>

#define NO_EDGE INT32_MAX

typedef struct {
    double weight;
    int32_t i, j; /* i < j */
} Edge;

struct PersistenceDesk {
    int n, last_dimension, n_edges;
    Bar *bars[2];
    Edge *edges;       /* (n_edges,) */
    Edge *spare;       /* the same */
    double *born;      /* (n,) of the component whose root this is */
    int32_t *parent;   /* (n,) */
    uint8_t *is_merge; /* (n_edges,) joined two components: gives birth to no loop */
    /* dimension 1 */
    int32_t *rank;     /* (n,n) of an edge, NO_EDGE for none and on the diagonal */
    int32_t *owner;    /* (n_edges n,) of a triangle: the edge whose loop it kills, -1 for none */
    int32_t *chain_of; /* (n_edges,) where the edge's cochain is stored, -1: it is the edge alone */
    uint64_t *chains;  /* (n n / 4, n_edges bits) */
    uint64_t *cofaces; /* (n_edges n bits) */
};

static size_t words(size_t bits)
{
    return (bits + 63) / 64;
}

/* A loop's cochain is stored when no triangle comes with the edge, and such edges span no triangle at all (its last
 * edge would come with it): they are at most n n / 4 (Mantel 1907). */
PersistenceDesk *persistence_desk(Arena *arena, int n, int last_dimension)
{
    const size_t E = (size_t)n * (n - 1) / 2, most_loops = (size_t)n * n / 4;
    PersistenceDesk *desk = ARENA_ARRAY(arena, PersistenceDesk, 1), laid = {.n = n, .last_dimension = last_dimension};
    assert(last_dimension == 0 || last_dimension == 1);
    laid.bars[0] = ARENA_ARRAY(arena, Bar, n);
    laid.edges = ARENA_ARRAY(arena, Edge, E);
    laid.spare = ARENA_ARRAY(arena, Edge, E);
    laid.born = ARENA_ARRAY(arena, double, n);
    laid.parent = ARENA_ARRAY(arena, int32_t, n);
    laid.is_merge = ARENA_ARRAY(arena, uint8_t, E);
    if (last_dimension == 1) {
        laid.bars[1] = ARENA_ARRAY(arena, Bar, most_loops);
        laid.rank = ARENA_ARRAY(arena, int32_t, (size_t)n * n);
        laid.owner = ARENA_ARRAY(arena, int32_t, E * n);
        laid.chain_of = ARENA_ARRAY(arena, int32_t, E);
        laid.chains = ARENA_ARRAY(arena, uint64_t, most_loops * words(E));
        laid.cofaces = ARENA_ARRAY(arena, uint64_t, words(E * n));
    }
    if (desk)
        *desk = laid;
    return desk;
}

static void list_edges(const double *weights, PersistenceDesk *desk)
{
    desk->n_edges = 0;
    for (int i = 0; i < desk->n; i++)
        for (int j = i + 1; j < desk->n; j++)
            if (weights[(size_t)i * desk->n + j] < INFINITY)
                desk->edges[desk->n_edges++] = (Edge){weights[(size_t)i * desk->n + j], i, j};
}

/* Merge sort, which is stable: equal weights keep the order of (i, j). */
static void sort_edges(PersistenceDesk *desk)
{
    const int n = desk->n_edges;
    for (int width = 1; width < n; width *= 2) {
        Edge *from = desk->edges, *to = desk->spare;
        for (int start = 0; start < n; start += 2 * width) {
            const int middle = n - start < width ? n : start + width, end = n - middle < width ? n : middle + width;
            int a = start, b = middle;
            for (int k = start; k < end; k++)
                to[k] = b == end || (a < middle && from[a].weight <= from[b].weight) ? from[a++] : from[b++];
        }
        desk->edges = to, desk->spare = from;
    }
}

/* ---- dimension 0 ---- */

static int root_of(int32_t *parent, int i)
{
    while (parent[i] != i)
        i = parent[i] = parent[parent[i]];
    return i;
}

static int find_components(const double *births, PersistenceDesk *desk)
{
    Bar *bar = desk->bars[0];
    for (int i = 0; i < desk->n; i++)
        desk->parent[i] = i, desk->born[i] = births ? births[i] : 0;
    for (int e = 0; e < desk->n_edges; e++) {
        const Edge edge = desk->edges[e];
        const int u = root_of(desk->parent, edge.i), v = root_of(desk->parent, edge.j);
        desk->is_merge[e] = u != v;
        if (u == v)
            continue;
        const int elder = desk->born[u] <= desk->born[v] ? u : v, younger = u + v - elder;
        desk->parent[younger] = elder;
        if (edge.weight > desk->born[younger])
            *bar++ = (Bar){desk->born[younger], edge.weight};
    }
    for (int i = 0; i < desk->n; i++)
        if (desk->parent[i] == i)
            *bar++ = (Bar){desk->born[i], INFINITY};
    return (int)(bar - desk->bars[0]);
}

/* ---- dimension 1 ---- */

static void flip(uint64_t *set, size_t bit)
{
    set[bit / 64] ^= (uint64_t)1 << bit % 64;
}

/* The first member from `bit` on; n_bits if there is none. */
static size_t next_in(const uint64_t *set, size_t n_bits, size_t bit)
{
    uint64_t word = bit < n_bits ? set[bit / 64] & ~(uint64_t)0 << bit % 64 : 0;
    for (size_t w = bit / 64; !word;) {
        if (++w >= words(n_bits))
            return n_bits;
        word = set[w], bit = w * 64;
    }
    return bit / 64 * 64 + (size_t)__builtin_ctzll(word);
}

static void rank_edges(PersistenceDesk *desk)
{
    for (int i = 0; i < desk->n * desk->n; i++)
        desk->rank[i] = NO_EDGE;
    for (int e = 0; e < desk->n_edges; e++) {
        const Edge edge = desk->edges[e];
        desk->rank[edge.i * desk->n + edge.j] = desk->rank[edge.j * desk->n + edge.i] = e;
    }
}

/* The first vertex that makes a triangle as soon as edge e comes; -1 if there is none. */
static int vertex_before(const PersistenceDesk *desk, int e)
{
    const int32_t *i = desk->rank + desk->edges[e].i * desk->n, *j = desk->rank + desk->edges[e].j * desk->n;
    for (int k = 0; k < desk->n; k++)
        if (i[k] < e && j[k] < e)
            return k;
    return -1;
}

/* Adds edge e to a chain, and the triangles that it is a side of to the chain's cofaces. */
static void add_edge(const PersistenceDesk *desk, int e, uint64_t *chain)
{
    const int n = desk->n, i = desk->edges[e].i, j = desk->edges[e].j;
    const int32_t *ranks_i = desk->rank + i * n, *ranks_j = desk->rank + j * n;
    flip(chain, (size_t)e);
    for (int k = 0; k < n; k++) {
        const int32_t ik = ranks_i[k], jk = ranks_j[k];
        if (ik == NO_EDGE || jk == NO_EDGE)
            continue;
        if (ik < e && jk < e)
            flip(desk->cofaces, (size_t)e * n + k);
        else
            flip(desk->cofaces, ik > jk ? (size_t)ik * n + j : (size_t)jk * n + i);
    }
}

static void add_chain(const PersistenceDesk *desk, int owner, uint64_t *chain)
{
    const size_t E = (size_t)desk->n_edges;
    if (desk->chain_of[owner] < 0) {
        add_edge(desk, owner, chain);
        return;
    }
    const uint64_t *other = desk->chains + desk->chain_of[owner] * words(E);
    for (size_t e = next_in(other, E, 0); e < E; e = next_in(other, E, e + 1))
        add_edge(desk, (int)e, chain);
}

/* Edges from the last to the first. One that merged components closes no loop (clearing). One that comes with a
 * triangle forms a pair with the first such, of no length (apparent pair). Any other opens a loop: from its cofaces,
 * those of later loops are taken away until the first that is left kills no other loop. */
static int find_loops(PersistenceDesk *desk)
{
    const size_t n = (size_t)desk->n, E = (size_t)desk->n_edges;
    Bar *bar = desk->bars[1];
    int n_chains = 0;
    rank_edges(desk);
    memset(desk->owner, 0xff, E * n * sizeof *desk->owner);
    for (int e = desk->n_edges - 1; e >= 0; e--) {
        if (desk->is_merge[e])
            continue;
        desk->chain_of[e] = -1;
        const int k = vertex_before(desk, e);
        if (k >= 0) {
            desk->owner[e * n + k] = e;
            continue;
        }
        uint64_t *chain = desk->chains + n_chains * words(E);
        memset(chain, 0, words(E) * sizeof *chain);
        memset(desk->cofaces, 0, words(E * n) * sizeof *desk->cofaces);
        add_edge(desk, e, chain);
        size_t first = next_in(desk->cofaces, E * n, e * n);
        while (first < E * n && desk->owner[first] >= 0) {
            add_chain(desk, desk->owner[first], chain);
            first = next_in(desk->cofaces, E * n, first);
        }
        const double birth = desk->edges[e].weight, death = first < E * n ? desk->edges[first / n].weight : INFINITY;
        if (first < E * n) {
            desk->owner[first] = e;
            desk->chain_of[e] = n_chains++;
        }
        if (death > birth)
            *bar++ = (Bar){birth, death};
    }
    return (int)(bar - desk->bars[1]);
}

/* ---- both ---- */

void persistence_find(PersistenceDesk *desk, const double *weights, const double *births, Persistence *ret)
{
    list_edges(weights, desk);
    sort_edges(desk);
    *ret = (Persistence){.bars = {desk->bars[0], desk->bars[1]}};
    ret->n_bars[0] = find_components(births, desk);
    if (desk->last_dimension == 1)
        ret->n_bars[1] = find_loops(desk);
}

int persistence_lengths(const Persistence *persistence, int dimension, double *ret_sum, double *ret_longest)
{
    double sum = 0, longest = 0;
    int n = 0;
    for (int b = 0; b < persistence->n_bars[dimension]; b++) {
        const Bar bar = persistence->bars[dimension][b];
        if (bar.death == INFINITY)
            continue;
        sum += bar.death - bar.birth;
        longest = fmax(longest, bar.death - bar.birth);
        n++;
    }
    *ret_sum = sum, *ret_longest = longest;
    return n;
}
