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

typedef struct {
    int n, n_edges;
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
} Work;

static size_t words(size_t bits)
{
    return (bits + 63) / 64;
}

/* The next part of scratch at *offset, or, without scratch, only its size. */
static void *take(char *scratch, size_t *offset, size_t bytes)
{
    void *part = scratch ? scratch + *offset : NULL;
    *offset += (bytes + 63) / 64 * 64;
    return part;
}

/* Lays out scratch; returns its size. A loop's cochain is stored when no triangle comes with the edge, and such edges
 * span no triangle at all (its last edge would come with it): they are at most n n / 4 (Mantel 1907). */
static size_t lay_out(int n, int last_dimension, char *scratch, Work *ret)
{
    const size_t E = (size_t)n * (n - 1) / 2, most_loops = (size_t)n * n / 4;
    size_t bytes = 0;
    ret->n = n;
    ret->bars[0] = take(scratch, &bytes, (size_t)n * sizeof(Bar));
    ret->edges = take(scratch, &bytes, E * sizeof(Edge));
    ret->spare = take(scratch, &bytes, E * sizeof(Edge));
    ret->born = take(scratch, &bytes, (size_t)n * sizeof(double));
    ret->parent = take(scratch, &bytes, (size_t)n * sizeof(int32_t));
    ret->is_merge = take(scratch, &bytes, E);
    if (last_dimension < 1)
        return bytes;
    ret->bars[1] = take(scratch, &bytes, most_loops * sizeof(Bar));
    ret->rank = take(scratch, &bytes, (size_t)n * n * sizeof(int32_t));
    ret->owner = take(scratch, &bytes, E * n * sizeof(int32_t));
    ret->chain_of = take(scratch, &bytes, E * sizeof(int32_t));
    ret->chains = take(scratch, &bytes, most_loops * words(E) * sizeof(uint64_t));
    ret->cofaces = take(scratch, &bytes, words(E * n) * sizeof(uint64_t));
    return bytes;
}

size_t persistence_scratch_bytes(int n, int last_dimension)
{
    Work work;
    return lay_out(n, last_dimension, NULL, &work);
}

static void list_edges(const double *weights, Work *work)
{
    work->n_edges = 0;
    for (int i = 0; i < work->n; i++)
        for (int j = i + 1; j < work->n; j++)
            if (weights[(size_t)i * work->n + j] < INFINITY)
                work->edges[work->n_edges++] = (Edge){weights[(size_t)i * work->n + j], i, j};
}

/* Merge sort, which is stable: equal weights keep the order of (i, j). */
static void sort_edges(Work *work)
{
    const int n = work->n_edges;
    for (int width = 1; width < n; width *= 2) {
        Edge *from = work->edges, *to = work->spare;
        for (int start = 0; start < n; start += 2 * width) {
            const int middle = n - start < width ? n : start + width, end = n - middle < width ? n : middle + width;
            int a = start, b = middle;
            for (int k = start; k < end; k++)
                to[k] = b == end || (a < middle && from[a].weight <= from[b].weight) ? from[a++] : from[b++];
        }
        work->edges = to, work->spare = from;
    }
}

/* ---- dimension 0 ---- */

static int root_of(int32_t *parent, int i)
{
    while (parent[i] != i)
        i = parent[i] = parent[parent[i]];
    return i;
}

static int find_components(const double *births, Work *work)
{
    Bar *bar = work->bars[0];
    for (int i = 0; i < work->n; i++)
        work->parent[i] = i, work->born[i] = births ? births[i] : 0;
    for (int e = 0; e < work->n_edges; e++) {
        const Edge edge = work->edges[e];
        const int u = root_of(work->parent, edge.i), v = root_of(work->parent, edge.j);
        work->is_merge[e] = u != v;
        if (u == v)
            continue;
        const int elder = work->born[u] <= work->born[v] ? u : v, younger = u + v - elder;
        work->parent[younger] = elder;
        if (edge.weight > work->born[younger])
            *bar++ = (Bar){work->born[younger], edge.weight};
    }
    for (int i = 0; i < work->n; i++)
        if (work->parent[i] == i)
            *bar++ = (Bar){work->born[i], INFINITY};
    return (int)(bar - work->bars[0]);
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

static void rank_edges(Work *work)
{
    for (int i = 0; i < work->n * work->n; i++)
        work->rank[i] = NO_EDGE;
    for (int e = 0; e < work->n_edges; e++) {
        const Edge edge = work->edges[e];
        work->rank[edge.i * work->n + edge.j] = work->rank[edge.j * work->n + edge.i] = e;
    }
}

/* The first vertex that makes a triangle as soon as edge e comes; -1 if there is none. */
static int vertex_before(const Work *work, int e)
{
    const int32_t *i = work->rank + work->edges[e].i * work->n, *j = work->rank + work->edges[e].j * work->n;
    for (int k = 0; k < work->n; k++)
        if (i[k] < e && j[k] < e)
            return k;
    return -1;
}

/* Adds edge e to a chain, and the triangles that it is a side of to the chain's cofaces. */
static void add_edge(const Work *work, int e, uint64_t *chain)
{
    const int n = work->n, i = work->edges[e].i, j = work->edges[e].j;
    const int32_t *ranks_i = work->rank + i * n, *ranks_j = work->rank + j * n;
    flip(chain, (size_t)e);
    for (int k = 0; k < n; k++) {
        const int32_t ik = ranks_i[k], jk = ranks_j[k];
        if (ik == NO_EDGE || jk == NO_EDGE)
            continue;
        if (ik < e && jk < e)
            flip(work->cofaces, (size_t)e * n + k);
        else
            flip(work->cofaces, ik > jk ? (size_t)ik * n + j : (size_t)jk * n + i);
    }
}

static void add_chain(const Work *work, int owner, uint64_t *chain)
{
    const size_t E = (size_t)work->n_edges;
    if (work->chain_of[owner] < 0) {
        add_edge(work, owner, chain);
        return;
    }
    const uint64_t *other = work->chains + work->chain_of[owner] * words(E);
    for (size_t e = next_in(other, E, 0); e < E; e = next_in(other, E, e + 1))
        add_edge(work, (int)e, chain);
}

/* Edges from the last to the first. One that merged components closes no loop (clearing). One that comes with a
 * triangle forms a pair with the first such, of no length (apparent pair). Any other opens a loop: from its cofaces,
 * those of later loops are taken away until the first that is left kills no other loop. */
static int find_loops(Work *work)
{
    const size_t n = (size_t)work->n, E = (size_t)work->n_edges;
    Bar *bar = work->bars[1];
    int n_chains = 0;
    rank_edges(work);
    memset(work->owner, 0xff, E * n * sizeof *work->owner);
    for (int e = work->n_edges - 1; e >= 0; e--) {
        if (work->is_merge[e])
            continue;
        work->chain_of[e] = -1;
        const int k = vertex_before(work, e);
        if (k >= 0) {
            work->owner[e * n + k] = e;
            continue;
        }
        uint64_t *chain = work->chains + n_chains * words(E);
        memset(chain, 0, words(E) * sizeof *chain);
        memset(work->cofaces, 0, words(E * n) * sizeof *work->cofaces);
        add_edge(work, e, chain);
        size_t first = next_in(work->cofaces, E * n, e * n);
        while (first < E * n && work->owner[first] >= 0) {
            add_chain(work, work->owner[first], chain);
            first = next_in(work->cofaces, E * n, first);
        }
        const double birth = work->edges[e].weight, death = first < E * n ? work->edges[first / n].weight : INFINITY;
        if (first < E * n) {
            work->owner[first] = e;
            work->chain_of[e] = n_chains++;
        }
        if (death > birth)
            *bar++ = (Bar){birth, death};
    }
    return (int)(bar - work->bars[1]);
}

/* ---- both ---- */

void persistence_find(int n, const double *weights, const double *births, int last_dimension, void *scratch,
                      Persistence *ret)
{
    Work work = {0};
    assert(last_dimension == 0 || last_dimension == 1);
    lay_out(n, last_dimension, scratch, &work);
    list_edges(weights, &work);
    sort_edges(&work);
    *ret = (Persistence){.bars = {work.bars[0], work.bars[1]}};
    ret->n_bars[0] = find_components(births, &work);
    if (last_dimension == 1)
        ret->n_bars[1] = find_loops(&work);
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
