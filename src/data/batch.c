/* Memory of sequences and batches. */
#include "data/data.h"

Sequence sequence_new(Arena *arena, int length)
{
    return (Sequence){
        .length = length,
        .ids = ARENA_ARRAY(arena, int32_t, length + 1),
        .labels = ARENA_ARRAY(arena, int32_t, length),
        .flags = ARENA_ARRAY(arena, uint8_t, length),
        .groups = ARENA_ARRAY(arena, uint8_t, length + 1),
    };
}

Batch batch_new(Arena *arena, int n, int length)
{
    size_t size = (size_t)n * (size_t)length;
    return (Batch){
        .n = n,
        .length = length,
        .inputs = ARENA_ARRAY(arena, int32_t, size),
        .targets = ARENA_ARRAY(arena, int32_t, size),
    };
}

void batch_add_starts(Arena *arena, Batch *batch)
{
    batch->starts = ARENA_ARRAY(arena, int, batch->n + 1);
    for (int b = 0; batch->starts && b <= batch->n; b++)
        batch->starts[b] = b * batch->length;
}

void batch_add_vectors(Arena *arena, Widths widths, Batch *batch)
{
    const size_t size = (size_t)batch->n * (size_t)batch->length;
    batch->vectors = widths.in ? ARENA_ARRAY(arena, real, size * (size_t)widths.in) : NULL;
    batch->goals = widths.out ? ARENA_ARRAY(arena, real, size * (size_t)widths.out) : NULL;
}

void sequence_write_to(Sequence *seq, const Batch *batch, Widths widths, int b)
{
    const size_t row = (size_t)batch_start(batch, b);
    seq->vectors = batch->vectors ? batch->vectors + row * (size_t)widths.in : NULL;
    seq->goals = batch->goals ? batch->goals + row * (size_t)widths.out : NULL;
}
