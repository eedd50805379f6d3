/* refframe: the verbs, and the one place where a status becomes an exit code.
 *
 *   0 done   1 a run failed   2 the user's input is wrong   130 interrupted
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/app.h"
#include "base/child.h"
#include "base/text.h"
#include "num/bfloat16.h"
#include "num/openblas.h"

static const Verb *const verbs[] = {
    &verb_run,    &verb_check, &verb_list,    &verb_init,   &verb_status, &verb_clean, &verb_compare, &verb_show,
    &verb_report, &verb_serve, &verb_measure, &verb_export, &verb_train,  &verb_bench, &verb_play,
};

enum { N_VERBS = sizeof verbs / sizeof *verbs };

/* What a user may type to call the program again: the path that was given, or, of what was found via PATH, its name. */
static const char *program_called(int argc, char **argv)
{
    return argc > 0 && *argv[0] ? argv[0] : "refframe";
}

static void print_help(const char *program)
{
    Arena *arena = arena_new();
    const char *called = terminal_text(arena, program);
    Text text = {0};
    terminal_prose("refframe trains small transformers and measures, while they train, how attention sinks form. "
                   "A sink is a token on which queries with nothing to fetch rest their attention.\n\n");
    text_add(&text, "usage: refframe VERB ...\n\n");
    for (int v = 0; v < N_VERBS; v++)
        text_addf(&text, "  %-8s  %s\n", verbs[v]->name, verbs[v]->summary);
    text_add(&text, "\n  refframe VERB --help    what a verb takes\n"
                    "  refframe --version      version, kernels, numerics\n\n");
    text_addf(&text, "start here: %s init first && %s run first.yaml\n", called, called);
    terminal_rows(&text);
    arena_free(arena);
}

/* What the engine of that name would multiply with, or why it cannot. */
static void add_openblas(Text *text)
{
    Arena *arena = arena_new();
    const Kernels *kernels;
    Error err;
    if (openblas_kernels(arena, kernels_best(), &kernels, &err) == STATUS_OK)
        text_addf(text, "openblas %s\n", kernels->products);
    else
        text_addf(text, "openblas none: %s\n", terminal_text(arena, err.text));
    arena_free(arena);
}

static void add_bfloat16(Text *text)
{
    Arena *arena = arena_new();
    const Kernels *kernels;
    Error err;
    if (bfloat16_kernels(arena, kernels_best(), NULL, &kernels, &err) == STATUS_OK)
        text_addf(text, "bfloat16 by %s%s\n", kernels->name, bfloat16_is_emulated(kernels) ? ", emulated" : "");
    arena_free(arena);
}

static void print_version(void)
{
    Text text = {0};
    text_addf(&text, "refframe %s\n", REFFRAME_VERSION);
    text_addf(&text, "numerics %d, %s; " OWN_PRODUCTS "\n", TRAIN_NUMERICS_VERSION, REAL_NAME);
    text_addf(&text, "kernels  %s in use; this machine runs", kernels_best()->name);
    for (const char *const *name = kernels_available(); *name; name++)
        text_addf(&text, " %s", *name);
    text_add(&text, "\n");
    add_openblas(&text);
    add_bfloat16(&text);
    terminal_rows(&text);
}

static const Verb *find_verb(const char *name)
{
    for (int v = 0; v < N_VERBS; v++)
        if (strcmp(verbs[v]->name, name) == 0)
            return verbs[v];
    return NULL;
}

static int unknown_verb(const char *name, Error *err)
{
    const char *names[N_VERBS];
    for (int v = 0; v < N_VERBS; v++)
        names[v] = verbs[v]->name;
    const char *nearest = text_nearest(name, names, N_VERBS);
    return error_set(err, STATUS_INPUT,
                     nearest ? "unknown verb \"%s\"; did you mean \"%s\"?"
                             : "unknown verb \"%s\"; refframe --help lists them",
                     name, nearest);
}

/* Those that were asked for, or the best. */
static int choose_kernels(const Kernels **ret_kernels, Error *err)
{
    const char *asked = getenv("REFFRAME_KERNELS");
    Text there = {0};
    if (!asked || !*asked || kernels_named(asked)) {
        *ret_kernels = kernels_best();
        return STATUS_OK;
    }
    for (const char *const *name = kernels_available(); *name; name++)
        text_addf(&there, " %s", *name);
    error_set(err, STATUS_INPUT, "REFFRAME_KERNELS: \"%.100s\" is none of the kernels that this machine runs:%s", asked,
              text_string(&there));
    text_free(&there);
    return STATUS_INPUT;
}

static int run_verb(int argc, char **argv, Error *err)
{
    const Verb *verb = find_verb(argv[1]);
    Arguments arguments;
    if (!verb)
        return unknown_verb(argv[1], err);
    for (int a = 2; a < argc; a++)
        if (strcmp(argv[a], "--help") == 0 || strcmp(argv[a], "-h") == 0) {
            print_verb_help(verb);
            return STATUS_OK;
        }
    int status = arguments_parse(verb, argc - 2, argv + 2, &arguments, err);
    if (status != STATUS_OK)
        return status;
    arguments.program = program_called(argc, argv);
    if ((status = choose_kernels(&arguments.kernels, err)) != STATUS_OK)
        return status;
    if (kernels_self_check(arguments.kernels) != 0)
        return error_set(err, STATUS_FAILED, "this machine miscomputes a product with the %s kernels%s",
                         arguments.kernels->name, kernels_named("plain") ? "; REFFRAME_KERNELS=plain may help" : "");
    return verb->run(&arguments, err);
}

/* One line, with the program's name in front once: what is wrong with a verb's words begins with "refframe VERB: ". */
static void print_error(const char *text)
{
    static const char name[] = "refframe ";
    fprintf(stderr, "%s%s\n", strncmp(text, name, sizeof name - 1) == 0 ? "" : "refframe: ", text);
}

int main(int argc, char **argv)
{
    Error err = {""};
    int status = STATUS_OK;
    child_end_on_interrupts();
    if (argc < 2 || strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0 || strcmp(argv[1], "help") == 0)
        print_help(program_called(argc, argv));
    else if (strcmp(argv[1], "--version") == 0)
        print_version();
    else
        status = run_verb(argc, argv, &err);
    if (status == STATUS_OK && (fflush(stdout) != 0 || ferror(stdout))) {
        if (errno == EPIPE) /* the reader has seen enough, as `| head` does: a failure, but no news */
            return status_exit_code(STATUS_FAILED);
        status = error_set(&err, STATUS_FAILED, "cannot write to standard output");
    }
    if (status != STATUS_OK)
        print_error(err.text);
    return argc < 2 && status == STATUS_OK ? status_exit_code(STATUS_INPUT) : status_exit_code(status);
}
