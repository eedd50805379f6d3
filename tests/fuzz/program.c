/* The program's schema, for the targets that need settings: put together once, as in app/. */
#include "program.h"

#include "fuzz.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/resolve.h"
#include "num/kernels.h"

/* Stands in for opening data and model, which the targets of these do. */
static int check_nothing(void *context, const Settings *settings, char *ret_input_hash, Error *err)
{
    (void)context, (void)settings, (void)err;
    strcpy(ret_input_hash, "");
    return STATUS_OK;
}

const Program *fuzz_program(void)
{
    static Arena *arena;
    static Program program;
    if (!arena) {
        arena = arena_new();
        program = program_new(arena, kernels_best());
        program.check_run = check_nothing;
    }
    return &program;
}

Settings fuzz_settings(Arena *arena, const char *const *changes)
{
    enum { MOST = 64 };
    static const char *const small[] = {"model.n_layers",
                                        "1",
                                        "model.n_heads",
                                        "1",
                                        "model.d_model",
                                        "8",
                                        "model.d_ff",
                                        "8",
                                        "train.batch_size",
                                        "2",
                                        "train.steps",
                                        "12",
                                        "measure.sequences",
                                        "2",
                                        "model.context_length",
                                        "8",
                                        "data.source.kind",
                                        "induction",
                                        "data.bos",
                                        "always",
                                        "objective.kind",
                                        "next",
                                        NULL};
    Assignment assignments[MOST];
    Settings settings;
    Error err;
    int n = 0;
    for (const char *const *pair = small; *pair; pair += 2)
        assignments[n++] = (Assignment){.key = pair[0], .text = pair[1], .file = "fuzz"};
    for (const char *const *pair = changes; *pair; pair += 2) {
        const int is_list = strcmp(pair[0], "data.source.files") == 0;
        assignments[n++] = (Assignment){.key = pair[0],
                                        .text = is_list ? NULL : pair[1],
                                        .items = is_list ? (const char **)&pair[1] : NULL,
                                        .n_items = is_list,
                                        .file = "fuzz"};
    }
    if (settings_resolve(arena, &fuzz_program()->schema, assignments, n, &settings, NULL, &err) != STATUS_OK) {
        fprintf(stderr, "%s\n", err.text);
        abort();
    }
    return settings;
}
