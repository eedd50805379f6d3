/* Components and cycles of a head's larger entries against their definitions in src/geometry/DEFINITIONS.md, and maps
 * whose graph is known.
 *
 * Were this file deleted, an entry that lies on a threshold or an edge counted from both sides would show nowhere else.
 */
#include "support.h"

#include <math.h>
#include <stdlib.h>

#include "testing.h"

static const char *const topology_names[] = {"0.025", "0.05", "0.1", "0.25", "0.5", "0.75"};

static double topology_of(Arena *arena, const View *view, int dimension, const char *threshold)
{
    return measured(arena, view, arena_format(arena, "b%d@%s", dimension, threshold))[0];
}

/* Components by letting the least label spread, edges by looking at every pair, on maps with entries at a threshold. */
static void test_topology_by_definition(void **state)
{
    (void)state;
    Pcg pcg = pcg_named(1, "test/topology");
    for (int T = 1; T < 70; T += 4)
        for (int is_causal = 0; is_causal < 2; is_causal++) {
            Arena *arena = arena_new();
            Built *built = built_new(arena, 1, 1, T, 1, 1, is_causal);
            real *map = built->maps;
            int *label = ARENA_ARRAY(arena, int, T);
            built_randomise(built, &pcg);
            for (int e = 0; e < 2 * T; e++) /* not rows of attention any more; nor need they be */
                map[pcg_below(&pcg, (uint32_t)(T * T))] =
                    strtof(topology_names[pcg_below(&pcg, N_TESTS(topology_names))], NULL);
            built_hide(built);
            for (size_t t = 0; t < N_TESTS(topology_names); t++) {
                const real threshold = strtof(topology_names[t], NULL);
                int n_edges = 0, n_components = 0;
                for (int i = 0; i < T; i++)
                    label[i] = i;
                for (int round = 0; round < T; round++)
                    for (int i = 0; i < T; i++)
                        for (int j = 0; j < T; j++) {
                            const int is_edge = i != j && (map[i * T + j] >= threshold || map[j * T + i] >= threshold);
                            n_edges += round == 0 && i < j && is_edge;
                            if (is_edge && label[j] < label[i])
                                label[i] = label[j];
                        }
                for (int i = 0; i < T; i++)
                    n_components += label[i] == i;
                assert_true(topology_of(arena, &built->view, 0, topology_names[t]) == n_components);
                assert_true(topology_of(arena, &built->view, 1, topology_names[t]) == n_edges - T + n_components);
            }
            arena_free(arena);
        }
}

/* A star and a chain are trees as far as their weight reaches; uniform attention of 40 keys is the complete graph at
 * 0.025 (1/40 in float32 is that threshold, and counts) and, under a causal mask at 0.25, that of the first 4. */
static void test_topology_of_known_maps(void **state)
{
    (void)state;
    enum { N = 33, FORTY = 40 };
    static const int four[] = {0, 8, 16, 24};
    Arena *arena = arena_new();
    Built *built = built_map(arena, N, 1), *full = built_map(arena, FORTY, 0), *causal = built_map(arena, FORTY, 1);
    for (int is_chain = 0; is_chain < 2; is_chain++) {
        if (is_chain)
            map_previous(N, 0.6, built->maps);
        else
            map_star(N, 0.6, built->maps);
        assert_true(topology_of(arena, &built->view, 0, "0.5") == 1);
        assert_true(topology_of(arena, &built->view, 1, "0.5") == 0);
    }
    map_star(N, 0.6, built->maps);
    assert_true(topology_of(arena, &built->view, 0, "0.75") == N);
    map_anchors(N, 1, 0.8, 4, four, built->maps);
    /* 0.25 < w / 3: everything sees one of the first three anchors, all of them up to the fourth, and 0.2 + 0.2 / 25 is
     * too little for the fourth's own queries */
    assert_true(topology_of(arena, &built->view, 0, "0.25") == 1 + (N - 24));
    memset(built->maps, 0, (size_t)N * N * sizeof(real));
    assert_true(topology_of(arena, &built->view, 0, "0.025") == N);
    assert_true(topology_of(arena, &built->view, 1, "0.025") == 0);
    map_uniform(FORTY, 0, full->maps);
    assert_true(topology_of(arena, &full->view, 0, "0.025") == 1);
    assert_true(topology_of(arena, &full->view, 1, "0.025") == FORTY * (FORTY - 1) / 2 - FORTY + 1);
    assert_true(topology_of(arena, &full->view, 0, "0.05") == FORTY);
    map_uniform(FORTY, 1, causal->maps);
    assert_true(topology_of(arena, &causal->view, 0, "0.25") == FORTY - 3);
    assert_true(topology_of(arena, &causal->view, 1, "0.25") == 3);
    arena_free(arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_topology_by_definition),
        cmocka_unit_test(test_topology_of_known_maps),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
