/* See slurm.h. */
#include "app/slurm.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/child.h"
#include "base/file.h"
#include "store/run.h"

/* Arrays of most clusters end at 1,000 (MaxArraySize 1,001, Slurm's default): of more runs a task has several. */
enum { MOST_TASKS = 1000, MOST_WORDS_OF_JOB = 96 };
static const double TIME_MARGIN = 4, TIME_MORE = 600; /* times the estimate, and seconds: other nodes, a shared disk */
static const double MEMORY_MARGIN = 1.2, MEMORY_MORE = 128 * 1048576.0;

typedef struct {
    const char *words[MOST_WORDS_OF_JOB + 1]; /* NULL-terminated */
    int n;
} Words;

typedef struct {
    const Experiment *experiment;
    const Arguments *arguments;
    Arena *arena;
    const char *folder;  /* results/NAME/slurm */
    int n_tasks, n_left; /* of the array; those that are to be submitted */
    Error *err;
} Submission;

static void add_word(Words *words, const char *word)
{
    if (words->n < MOST_WORDS_OF_JOB)
        words->words[words->n++] = word;
}

/* ---- another program ---- */

typedef struct {
    Text out;
    int has_ended;
} Spoken;

static void on_line(void *context, int child, const char *line)
{
    (void)child;
    text_addf(&((Spoken *)context)->out, "%s\n", line);
}

static void on_end(void *context, int child)
{
    (void)child;
    ((Spoken *)context)->has_ended = 1;
}

static const char *last_line(Arena *arena, const char *path)
{
    char *bytes;
    size_t n;
    if (file_read(arena, path, &bytes, &n, NULL) != STATUS_OK)
        return "";
    while (n > 0 && bytes[n - 1] == '\n')
        bytes[--n] = '\0';
    const char *newline = strrchr(bytes, '\n');
    return newline ? newline + 1 : bytes;
}

/* What it prints, in arena; STATUS_INPUT with its own last words where it says no. */
static int speak(const Submission *own, const Words *words, const char **ret_out, Error *err)
{
    const char *complaints = file_join(own->arena, own->folder, "complaints.txt");
    const char *argv[MOST_WORDS_OF_JOB + 2] = {"/usr/bin/env"};
    Child child = {.out = -1};
    Spoken spoken = {{0}, 0};
    for (int i = 0; i < words->n; i++)
        argv[i + 1] = words->words[i];
    int status = file_remove(complaints, err);
    if (status == STATUS_OK)
        status = child_start(&child, argv, complaints, err);
    while (status == STATUS_OK && !spoken.has_ended)
        child_wait_any(&child, 1, 1, on_line, on_end, &spoken);
    if (status == STATUS_OK && child.exit_code == 127)
        status =
            error_set(err, STATUS_FAILED, "there is no %s here: --launcher slurm is for where jobs are submitted from",
                      words->words[0]);
    else if (status == STATUS_OK && child.exit_code != 0)
        status = error_set(err, STATUS_INPUT, "%s", last_line(own->arena, complaints)); /* begins with its name */
    file_remove(complaints, NULL);
    *ret_out = arena_strdup(own->arena, text_string(&spoken.out));
    text_free(&spoken.out);
    return status;
}

/* ---- what was submitted before ---- */

/* "12,13", "" for none. */
static const char *former_jobs(Arena *arena, const char *folder)
{
    char *bytes;
    size_t n;
    Text ids = {0};
    if (file_read(arena, file_join(arena, folder, "jobs.txt"), &bytes, &n, NULL) != STATUS_OK)
        return "";
    for (const char *line = bytes; *line;) {
        const size_t digits = strspn(line, "0123456789"), length = strcspn(line, "\n");
        if (digits > 0 && line[digits] == ' ')
            text_addf(&ids, "%s%.*s", ids.size > 0 ? "," : "", (int)digits, line);
        line += length + (line[length] == '\n');
    }
    const char *copy = arena_strdup(arena, text_string(&ids));
    text_free(&ids);
    return copy;
}

const char *slurm_line(Arena *arena, const char *folder)
{
    const char *jobs = former_jobs(arena, file_join(arena, folder, SLURM_FOLDER));
    return *jobs ? arena_format(arena, "submitted to Slurm: squeue --jobs %s", jobs) : NULL;
}

int slurm_check(const Experiment *experiment, Error *err)
{
    const Submission own = {.experiment = experiment,
                            .arena = experiment->arena,
                            .folder = file_join(experiment->arena, experiment->folder, SLURM_FOLDER)};
    const char *jobs = former_jobs(own.arena, own.folder), *out = "";
    Words words = {{NULL}, 0};
    if (!*jobs)
        return STATUS_OK;
    add_word(&words, "squeue");
    add_word(&words, "--noheader");
    add_word(&words, "--jobs");
    add_word(&words, jobs);
    const int status = speak(&own, &words, &out, err);
    if (status != STATUS_OK)
        return strstr(err->text, "Invalid job id") ? STATUS_OK : status; /* it no longer knows them: they have ended */
    if (!*out)
        return STATUS_OK;
    return error_set(
        err, STATUS_INPUT,
        "jobs %s are still in the queue (squeue --jobs %s): wait for them, or scancel them; what they have "
        "done is not done again",
        jobs, jobs);
}

/* ---- the jobs ---- */

static void add_quoted(Text *text, const char *word)
{
    text_add(text, " '");
    for (const char *c = word; *c; c++)
        if (*c == '\'')
            text_add(text, "'\\''");
        else
            text_add_bytes(text, c, 1);
    text_add(text, "'");
}

static void add_program(Text *text)
{
    char *self = realpath(child_self(), NULL); /* tasks run on other machines */
    text_add(text, "exec");
    add_quoted(text, self ? self : "refframe");
    free(self);
}

static const char *kept(const Submission *own, Text *text)
{
    const char *copy = arena_strdup(own->arena, text_string(text));
    text_free(text);
    return copy;
}

static const char *task_command(const Submission *own)
{
    const Arguments *arguments = own->arguments;
    const char *const *sets;
    const int n_sets = argument_all(arguments, "--set", &sets);
    Text text = {0};
    add_program(&text);
    text_add(&text, " run");
    add_quoted(&text, arguments->words[0]);
    for (int i = 0; i < n_sets; i++) {
        text_add(&text, " --set");
        add_quoted(&text, sets[i]);
    }
    if (argument(arguments, "--results")) {
        text_add(&text, " --results");
        add_quoted(&text, argument(arguments, "--results"));
    }
    if (argument_given(arguments, "--accept-other-machine"))
        text_add(&text, " --accept-other-machine");
    text_addf(&text, " --jobs 1 --threads %d --shard \"$SLURM_ARRAY_TASK_ID/%d\"", own->experiment->threads,
              own->n_tasks);
    return kept(own, &text);
}

/* Tasks with a run that has not finished, as "1-3,7%2". */
static const char *task_list(Submission *own)
{
    const Experiment *experiment = own->experiment;
    Text text = {0};
    for (int task = 1, first = 0; task <= own->n_tasks + 1; task++) {
        int is_due = 0;
        for (int r = task - 1; task <= own->n_tasks && r < experiment->plan.n_runs && !is_due; r += own->n_tasks)
            is_due =
                run_status(file_join(own->arena, experiment->folder, experiment->plan.runs[r].folder)) != RUN_FINISHED;
        own->n_left += is_due;
        if (is_due && !first)
            first = task;
        if (!is_due && first) {
            text_addf(&text, "%s%d", text.size > 0 ? "," : "", first);
            if (task - 1 > first)
                text_addf(&text, "-%d", task - 1);
            first = 0;
        }
    }
    if (argument(own->arguments, "--jobs"))
        text_addf(&text, "%%%d", experiment->jobs);
    return kept(own, &text);
}

/* Minutes that a task may take. */
static int task_minutes(const Submission *own)
{
    const Experiment *experiment = own->experiment;
    const int n_runs = (experiment->plan.n_runs + own->n_tasks - 1) / own->n_tasks;
    const double seconds = n_runs * experiment_longest(experiment) * TIME_MARGIN + TIME_MORE;
    return (int)ceil(seconds / 60);
}

static int submit(const Submission *own, Words *words, const char *command, const char **ret_id)
{
    const char *const *more;
    const int n_more = argument_all(own->arguments, "--slurm", &more);
    const char *out = "";
    for (int i = 0; i < n_more; i++)
        add_word(words, more[i]);
    add_word(words, "--wrap");
    add_word(words, command);
    const int status = speak(own, words, &out, own->err);
    if (status != STATUS_OK)
        return status;
    const size_t digits = strspn(out, "0123456789"); /* "12" or "12;CLUSTER" */
    if (digits == 0)
        return error_set(own->err, STATUS_FAILED, "sbatch gave no job's number, but \"%s\"", out);
    *ret_id = arena_strndup(own->arena, out, digits);
    return STATUS_OK;
}

static void add_common(const Submission *own, Words *words, const char *kind)
{
    add_word(words, "sbatch");
    add_word(words, "--parsable");
    add_word(words, arena_format(own->arena, "--job-name=refframe-%s", own->experiment->plan.name));
    add_word(words, arena_format(own->arena, "--output=%s/%s", own->folder, kind));
    add_word(words, "--open-mode=append");
}

static int submit_array(Submission *own, const char *tasks, const char **ret_id)
{
    const Experiment *experiment = own->experiment;
    const double bytes = (double)experiment_memory(experiment, experiment->threads) * MEMORY_MARGIN + MEMORY_MORE;
    Words words = {{NULL}, 0};
    add_common(own, &words, "task-%a.txt");
    add_word(&words, arena_format(own->arena, "--array=%s", tasks));
    add_word(&words, arena_format(own->arena, "--cpus-per-task=%d", experiment->threads));
    add_word(&words, arena_format(own->arena, "--mem=%.0fM", ceil(bytes / 1048576)));
    add_word(&words, arena_format(own->arena, "--time=%d", task_minutes(own)));
    add_word(&words, "--requeue");
    add_word(&words, "--signal=B:TERM@60"); /* before the time is up: it leaves a checkpoint */
    return submit(own, &words, task_command(own), ret_id);
}

static int submit_report(Submission *own, const char *array, const char **ret_id)
{
    Words words = {{NULL}, 0};
    Text text = {0};
    add_common(own, &words, "report.txt");
    add_word(&words, arena_format(own->arena, "--dependency=afterany:%s", array));
    add_program(&text);
    text_add(&text, " report");
    add_quoted(&text, own->experiment->folder);
    return submit(own, &words, kept(own, &text), ret_id);
}

static int write_jobs(const Submission *own, const char *array, const char *report)
{
    Text text = {0};
    text_addf(&text, "%s array\n", array);
    if (report)
        text_addf(&text, "%s report\n", report);
    const int status =
        file_write(file_join(own->arena, own->folder, "jobs.txt"), text_string(&text), text.size, own->err);
    text_free(&text);
    return status;
}

int slurm_submit(const Experiment *experiment, const Arguments *arguments, Error *err)
{
    const int n_runs = experiment->plan.n_runs;
    const char *array = NULL, *report = NULL;
    Submission own = {.experiment = experiment,
                      .arguments = arguments,
                      .arena = arena_new(),
                      .n_tasks = n_runs < MOST_TASKS ? n_runs : MOST_TASKS,
                      .err = err};
    own.folder = file_join(own.arena, experiment->folder, SLURM_FOLDER);
    const char *tasks = task_list(&own);
    int status = file_make_folder(own.folder, err);
    if (status == STATUS_OK && own.n_left > 0)
        status = submit_array(&own, tasks, &array);
    if (status == STATUS_OK && array)
        status = write_jobs(&own, array, NULL); /* whatever comes now: it is in the queue */
    if (status == STATUS_OK && array)
        status = submit_report(&own, array, &report);
    if (status == STATUS_OK && array)
        status = write_jobs(&own, array, report);
    if (status == STATUS_OK && !array)
        terminal_rowf("%s finished: nothing to submit; refframe report %s\n",
                      n_runs == 1 ? "the run has" : arena_format(own.arena, "all %d runs have", n_runs),
                      terminal_text(own.arena, experiment->folder));
    else if (status == STATUS_OK)
        terminal_rowf(
            "submitted: job array %s, %d task%s for %d run%s, and job %s, which reports when they have ended\n", array,
            own.n_left, own.n_left == 1 ? "" : "s", n_runs, n_runs == 1 ? "" : "s", report);
    arena_free(own.arena);
    return status;
}
