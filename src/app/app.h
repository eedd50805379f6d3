/* The program's front: verbs, options, what is printed. Only this folder prints, and only here are exit codes made. */
#ifndef REFFRAME_APP_APP_H
#define REFFRAME_APP_APP_H

#include "base/arena.h"
#include "base/status.h"
#include "base/text.h"
#include "base/variant.h"
#include "num/kernels.h"
#include "plan/plan.h"
#include "train/train.h"

/* One option of a verb: "--jobs N" has a value name, "--json" has none. A repeatable one may come more than once. */
typedef struct {
    const char *name, *value_name, *help;
    int is_repeatable;
} Option;

/* A verb of the command line: its words, its options and what it does. */
typedef struct Verb Verb;

enum { MOST_WORDS = 16, MOST_OPTIONS = 16, MOST_REPEATS = 64 };

typedef struct {
    const Verb *verb;
    const char *program;           /* as it was called, for commands that the user may type */
    const Kernels *kernels;        /* of this machine: chosen once, by main, for all that runs */
    const char *words[MOST_WORDS]; /* positional arguments */
    int n_words;
    const char *values[MOST_OPTIONS][MOST_REPEATS]; /* by option's index in the verb's table */
    int n_values[MOST_OPTIONS];
} Arguments;

struct Verb {
    const char *name, *usage, *summary, *details;
    int min_words, max_words;
    const Option *options;
    int n_options;
    const char *choice; /* the word of `usage` that stands for one of these variants; NULL: none */
    const Variant *const *variants;
    int (*run)(const Arguments *arguments, Error *err);
};

extern const Verb verb_run, verb_check, verb_list, verb_init, verb_status, verb_clean, verb_compare, verb_report,
    verb_serve, verb_show, verb_measure, verb_export, verb_train, verb_bench, verb_play;

/* ---- arguments (arguments.c) ---- */

/* Parses argv behind the verb. Unknown options name the nearest one. */
int arguments_parse(const Verb *verb, int argc, char **argv, Arguments *ret_arguments, Error *err);
/* The last value of an option, or NULL; whether a flag was given. */
const char *argument(const Arguments *arguments, const char *option);
int argument_given(const Arguments *arguments, const char *option);
/* All values of a repeatable option, and how many. */
int argument_all(const Arguments *arguments, const char *option, const char *const **ret_values);
/* Those of --set KEY=VALUE, in the order in which they were given; keys and memory from arena. */
int argument_sets(Arena *arena, const Arguments *arguments, Assignment **ret_sets, int *ret_n, Error *err);
/* A whole number in [min, max]; `fallback` when the option was not given. */
int argument_int(const Arguments *arguments, const char *option, int min, int max, int fallback, int *ret_value,
                 Error *err);
void print_verb_help(const Verb *verb);

/* ---- the program as plan/ sees it (program.c) ---- */

/* Schema from all registries; checks through train_estimate, whose findings are kept. Memory from arena. */
Program program_new(Arena *arena, const Kernels *kernels);
Schema program_schema(Arena *arena);
const Condition *program_conditions(Arena *arena); /* conditions.c */

/* How many threads each run will have; the machine's cores unless this says otherwise. */
void program_give_threads(Program *program, int threads);

/* What was noted of arms, one line for all that have the same; n of them. */
const char **program_notes(const Program *program, Arena *arena, int *ret_n);

/* Gives back the corpora that checks have left open. */
void program_close_corpora(Program *program);

/* What an arm of a plan takes, as it was found when the plan was loaded; in the order of its arms. */
typedef struct CheckedArm CheckedArm;
struct CheckedArm {
    TrainEstimate estimate;
    CheckedArm *next;
};
const CheckedArm *program_checked_arms(const Program *program);

/* ---- kinds of things that can be swapped in (catalogue.c) ---- */

typedef struct {
    const char *kind;    /* "position" */
    const char *group;   /* "model.position"; NULL: chosen by no key (metrics, exports) */
    const char *what;    /* one line */
    const char *initial; /* default of GROUP.kind */
    const Variant *const *variants;
} Kind;

extern const Kind kinds[];
extern const int n_kinds;

/* What nanoGPT and Hugging Face call our keys. */
extern const SchemaWord other_words[];
extern const int n_other_words;

/* ---- terminal (terminal.c) ---- */

int terminal_is_interactive(void); /* stdout is a terminal */
int terminal_has_colour(void);     /* and NO_COLOR is not set */
int terminal_width(void);          /* columns, 100 when unknown */
int terminal_row_width(void);      /* the same for rows; no limit where stdout is no terminal: programs read rows */
/* Prints rows, one a line, wrapped at terminal_row_width (style_rows); terminal_rows empties the text. */
void terminal_rows(Text *rows);
void terminal_rowf(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* Prints paragraphs, a line each, and lists, wrapped at the terminal's width or 100 columns. */
void terminal_prose(const char *lines);
/* Text of others as a terminal can show it (text_add_visible); from arena. */
const char *terminal_text(Arena *arena, const char *string);
/* Writes `line` over the current one (interactive) or nothing. */
void terminal_status_line(const char *line);
void terminal_clear_line(void);
/* The same on stderr, of verbs whose stdout is the result: a short line, "" at the end. */
void terminal_progress(const char *line);

#endif
