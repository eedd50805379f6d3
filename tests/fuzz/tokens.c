/* Fuzzes the token ids beside maps that are as they should be (`measure MAPS.npy --tokens IDS.npy`): two sequences of
 * 16 tokens, two heads, each query even over what it has seen. */
#include "measured.h"

#include "store/npy.h"

enum { N = 2, H = 2, T = 16 };

static const char *maps_path(void)
{
    static float maps[N * H * T * T];
    static const char *path;
    Text text = {0};
    if (path)
        return path;
    for (int row = 0; row < N * H * T; row++)
        for (int j = 0; j <= row % T; j++)
            maps[row * T + j] = 1.0f / (float)(row % T + 1);
    npy_add(&text, &(NpyArray){.type = NPY_FLOAT32, .n_dims = 5, .shape = {N, 1, H, T, T}, .data = maps});
    path = fuzz_file("maps.npy", text.data, text.size);
    text_free(&text);
    return path;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    const char *maps = maps_path();
    measured(maps, fuzz_file("tokens.npy", bytes, n));
    return 0;
}
