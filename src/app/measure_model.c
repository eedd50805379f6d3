/* refframe measure MODEL_DIR: a model that was read back is run on ids, and measured as a run of ours is
 * (train/given.h); what came of it is said as of anybody's maps.
 */
#include <stdio.h>

#include "app/measure_reading.h"

static int say(Arena *arena, const Reading *reading, const Measured *measured, Text *text, Error *err)
{
    MapsSet set;
    MapsResult result;
    int status = reading_conclude(arena, reading, measured, &set, &result, err);
    if (status != STATUS_OK)
        return status;
    measure_add(reading->format, &result, text);
    status = measure_write_page(reading->arguments, &result, text, err);
    maps_free(&set);
    return status;
}

int measure_model(const Arguments *arguments, Error *err)
{
    Arena *arena = arena_new(), *memory = NULL;
    Text text = {0};
    Reading reading = {.arguments = arguments};
    Measured measured;
    int status = reading_prepare(arena, &reading, err);
    if (status == STATUS_OK)
        status = reading_measure(&reading, &memory, &measured, err);
    if (status == STATUS_OK)
        status = say(arena, &reading, &measured, &text, err);
    if (status == STATUS_OK)
        fwrite(text_string(&text), 1, text.size, stdout);
    text_free(&text);
    arena_free(memory);
    arena_free(arena);
    return status;
}
