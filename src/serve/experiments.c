/* See experiments.h. */
#include "serve/experiments.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "base/clock.h"
#include "base/file.h"
#include "report/report.h"
#include "serve/shell.h"
#include "store/sums.h"

/* Reading takes at most a tenth of the time; building, a quarter. */
enum { READ_SHARE = 10, BUILD_REST = 3 };
static const double least_rest = 1;      /* seconds between two readings, or two buildings, of one experiment */
static const double most_reading = 0.25; /* seconds for one answer, and what is begun is ended */

static char *copied(const char *string)
{
    char *copy = strdup(string);
    if (!copy)
        memory_exhausted(strlen(string) + 1);
    return copy;
}

/* A folder as it was called, but for "." and the like, which have no name: those by the path that they stand for. */
static char *folder_of(const char *called)
{
    Arena *arena = arena_new();
    char *whole = request_is_name(file_basename(arena, called)) ? NULL : realpath(called, NULL);
    arena_free(arena);
    return whole ? whole : copied(called);
}

static char *name_of(const char *folder)
{
    Arena *arena = arena_new();
    const char *name = file_basename(arena, file_absolute(arena, folder));
    char *copy = copied(request_is_name(name) ? name : "experiment"); /* of a hidden folder, say */
    arena_free(arena);
    return copy;
}

Site *site_new(const char *folder, int is_list)
{
    Site *site = calloc(1, sizeof *site);
    if (!site)
        memory_exhausted(sizeof *site);
    site->folder = folder_of(folder);
    site->name = name_of(site->folder);
    site->is_list = is_list;
    pthread_condattr_t monotonic;
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC); /* that of clock_seconds */
    pthread_mutex_init(&site->mutex, NULL);
    pthread_cond_init(&site->wanted, &monotonic);
    pthread_condattr_destroy(&monotonic);
    return site;
}

Site *site_free(Site *site)
{
    if (!site)
        return NULL;
    for (Experiment *one = site->experiments, *next; one; one = next) {
        next = one->next;
        body_free(one->page);
        arena_free(one->arena);
        free(one->name);
        free(one->folder);
        free(one);
    }
    pthread_cond_destroy(&site->wanted);
    pthread_mutex_destroy(&site->mutex);
    free(site->folder);
    free(site->name);
    free(site);
    return NULL;
}

/* ---- experiments ---- */

static int has_plan(const char *folder)
{
    Arena *arena = arena_new();
    uint64_t ignored;
    const int has = file_size(file_join(arena, folder, document_names[DOCUMENT_PLAN]), &ignored) == 0;
    arena_free(arena);
    return has;
}

int experiment_is_listed(const char *folder)
{
    struct stat stat;
    return lstat(folder, &stat) == 0 && S_ISDIR(stat.st_mode) && has_plan(folder);
}

static Experiment *add_experiment(Site *site, const char *name, const char *folder)
{
    Experiment *one = calloc(1, sizeof *one);
    if (!one)
        memory_exhausted(sizeof *one);
    one->name = copied(name);
    one->folder = copied(folder);
    one->progress.name = one->progress.title = "";
    one->next = site->experiments;
    site->experiments = one;
    return one;
}

/* Whether its folder has become a link, which could lead anywhere. What is gone is none. */
static int leads_away(const Site *site, const char *folder)
{
    struct stat stat;
    return site->is_list && lstat(folder, &stat) == 0 && !S_ISDIR(stat.st_mode);
}

Experiment *experiment_find(Site *site, const char *name)
{
    Experiment *one = site->experiments;
    while (one && strcmp(one->name, name) != 0)
        one = one->next;
    if (one)
        return leads_away(site, one->folder) ? NULL : one;
    if (!site->is_list)
        return strcmp(name, site->name) == 0 ? add_experiment(site, name, site->folder) : NULL;
    Arena *arena = arena_new();
    const char *folder = file_join(arena, site->folder, name);
    if (experiment_is_listed(folder))
        one = add_experiment(site, name, folder);
    arena_free(arena);
    return one;
}

/* ---- reading ---- */

/* Its page is for whoever asks; its maker, for one at a time. */
static void want_page(Site *site, Experiment *one)
{
    if (strcmp(one->page_tag, one->progress.tag) == 0) {
        one->page_problem.text[0] = '\0'; /* of what stood there in between */
        return;
    }
    if (one->problem.text[0] || one->progress.n_measured == 0)
        return;
    one->is_wanted = 1;
    pthread_cond_signal(&site->wanted);
}

/* What was read becomes what is known; where it can't be read, what was known is kept. */
static void take_progress(Experiment *one, int status, Arena *arena, const Progress *progress, const Error *err)
{
    if (status == STATUS_OK) {
        arena_free(one->arena);
        one->arena = arena;
        one->progress = *progress;
        one->problem.text[0] = '\0';
        one->has_begun = 1;
        one->is_gone = 0;
        return;
    }
    arena_free(arena);
    const int has_no_plan = !has_plan(one->folder),
              waits = has_no_plan && !one->has_begun && file_is_folder(one->folder);
    one->is_gone = has_no_plan && !waits;
    one->problem = waits ? (Error){""} : *err;
}

static void read_again(Site *site, Experiment *one)
{
    Arena *arena = arena_new();
    Progress progress;
    Error err;
    one->is_being_read = 1;
    pthread_mutex_unlock(&site->mutex); /* experiments stay, and so does their folder's name */
    const int status = progress_read(arena, one->folder, &progress, &err);
    pthread_mutex_lock(&site->mutex);
    one->is_being_read = 0;
    take_progress(one, status, arena, &progress, &err);
    one->read_next = clock_seconds() + least_rest;
    want_page(site, one);
}

static int by_reading(const void *a, const void *b)
{
    const double x = (*(Experiment *const *)a)->read_next, y = (*(Experiment *const *)b)->read_next;
    return (x > y) - (x < y);
}

void experiments_refresh(Site *site, Experiment *const *ones, int n)
{
    const double started = clock_seconds();
    const int may_read = started >= site->read_next;
    Arena *arena = arena_new();
    Experiment **order = ARENA_ARRAY(arena, Experiment *, n + 1);
    memcpy(order, ones, (size_t)n * sizeof *ones);
    qsort(order, (size_t)n, sizeof *order, by_reading);
    double spent = 0;
    for (int i = 0; i < n && spent < most_reading; i++) {
        const int is_due = order[i]->read_next == 0 || (may_read && started >= order[i]->read_next);
        if (!is_due || order[i]->is_being_read)
            continue;
        read_again(site, order[i]);
        spent = clock_seconds() - started;
    }
    site->read_next = fmax(site->read_next, started + READ_SHARE * spent);
    arena_free(arena);
}

/* ---- building ---- */

/* Of those whose page is wanted and may be built now the one that waits the longest, NULL for none; and the seconds at
 * which one may be, INFINITY where none is wanted. */
static Experiment *next_wanted(const Site *site, double now, double *ret_when)
{
    Experiment *next = NULL;
    *ret_when = (double)INFINITY;
    for (Experiment *one = site->experiments; one; one = one->next) {
        const double when = one->build_next == 0 ? 0 : fmax(one->build_next, site->build_next);
        if (!one->is_wanted)
            continue;
        *ret_when = fmin(*ret_when, when);
        if (when <= now && (!next || one->build_next < next->build_next))
            next = one;
    }
    return next;
}

/* Until somebody wants a page, or one may be built that is wanted. */
static void wait_until(Site *site, double when)
{
    if (isinf(when)) {
        pthread_cond_wait(&site->wanted, &site->mutex);
        return;
    }
    const double whole = floor(when);
    const struct timespec end = {.tv_sec = (time_t)whole, .tv_nsec = (long)(1e9 * (when - whole))};
    pthread_cond_timedwait(&site->wanted, &site->mutex, &end);
}

static int build_page(const char *folder, const char *tag, Text *ret_html, Error *err)
{
    Arena *arena = arena_new();
    Report *report;
    Text live = {0};
    shell_live(tag, &live);
    int status = report_collect_so_far(arena, folder, &report, err);
    if (status == STATUS_OK)
        status = report_page(report, text_string(&live), ret_html, err);
    text_free(&live);
    arena_free(arena);
    return status;
}

int site_build(Site *site, int waits)
{
    pthread_mutex_lock(&site->mutex);
    Experiment *one;
    double when;
    while ((one = next_wanted(site, clock_seconds(), &when)) == NULL && waits)
        wait_until(site, when);
    char tag[PROGRESS_TAG] = "";
    if (one) {
        memcpy(tag, one->progress.tag, sizeof tag); /* of now: what is read from here on is no older */
        one->is_wanted = 0;
    }
    pthread_mutex_unlock(&site->mutex);
    if (!one)
        return 0;

    const double started = clock_seconds();
    Text html = {0};
    Error err = {""};
    const int status = leads_away(site, one->folder)
                           ? error_set(&err, STATUS_INPUT, "%s: has become a link", one->folder)
                           : build_page(one->folder, tag, &html, &err); /* experiments stay, as does their folder */
    const double ended = clock_seconds();

    pthread_mutex_lock(&site->mutex);
    one->page_problem = err;
    one->build_next = ended + least_rest;
    site->build_next = ended + BUILD_REST * (ended - started);
    if (status == STATUS_OK) {
        body_free(one->page);
        one->page = body_new(&html);
        memcpy(one->page_tag, tag, sizeof tag);
        one->page_problem.text[0] = '\0';
    }
    pthread_mutex_unlock(&site->mutex);
    text_free(&html);
    return 1;
}
