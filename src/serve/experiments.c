/* See experiments.h. */
#include "serve/experiments.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "base/file.h"
#include "report/report.h"
#include "serve/shell.h"
#include "store/sums.h"

/* Reading takes at most a tenth of the time; building, a quarter. */
enum { READ_SHARE = 10, BUILD_REST = 3 };
static const double least_rest = 1; /* seconds between two readings, or two buildings */

static char *copied(const char *string)
{
    char *copy = strdup(string);
    if (!copy)
        memory_exhausted(strlen(string) + 1);
    return copy;
}

Site *site_new(const char *folder, int is_list)
{
    Site *site = calloc(1, sizeof *site);
    if (!site)
        memory_exhausted(sizeof *site);
    site->folder = copied(folder);
    site->is_list = is_list;
    pthread_mutex_init(&site->mutex, NULL);
    pthread_cond_init(&site->wanted, NULL);
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

Experiment *experiment_find(Site *site, const char *name)
{
    Arena *arena = arena_new();
    Experiment *one = site->experiments;
    while (one && strcmp(one->name, name) != 0)
        one = one->next;
    if (!one && !site->is_list) {
        if (strcmp(name, file_basename(arena, file_absolute(arena, site->folder))) == 0)
            one = add_experiment(site, name, site->folder);
    } else if (!one) {
        const char *folder = file_join(arena, site->folder, name);
        if (experiment_is_listed(folder))
            one = add_experiment(site, name, folder);
    }
    arena_free(arena);
    return one;
}

/* Its page is for whoever asks; its maker, for one at a time. */
static void want_page(Site *site, Experiment *one, double now)
{
    if (strcmp(one->page_tag, one->progress.tag) == 0) {
        one->page_problem.text[0] = '\0'; /* of what stood there in between */
        return;
    }
    if (one->problem.text[0] || one->progress.n_measured == 0 || now < one->build_next)
        return;
    one->is_wanted = 1;
    pthread_cond_signal(&site->wanted);
}

void experiment_refresh(Site *site, Experiment *one)
{
    const double started = clock_seconds();
    if (started < one->read_next)
        return;
    Arena *arena = arena_new();
    Progress progress;
    Error err;
    if (progress_read(arena, one->folder, &progress, &err) == STATUS_OK) {
        arena_free(one->arena);
        one->arena = arena;
        one->progress = progress;
        one->problem.text[0] = '\0';
    } else { /* what was known of it is kept */
        arena_free(arena);
        one->problem = err;
    }
    one->is_gone = one->problem.text[0] && !has_plan(one->folder);
    const double ended = clock_seconds(), rest = (READ_SHARE - 1) * (ended - started);
    one->read_next = ended + (rest > least_rest ? rest : least_rest);
    want_page(site, one, ended);
}

/* ---- building ---- */

/* One whose page is wanted, NULL for none. */
static Experiment *next_wanted(const Site *site)
{
    Experiment *one = site->experiments;
    while (one && !one->is_wanted)
        one = one->next;
    return one;
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
    while ((one = next_wanted(site)) == NULL && waits)
        pthread_cond_wait(&site->wanted, &site->mutex);
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
    const int status =
        build_page(one->folder, tag, &html, &err); /* experiments stay, and so does their folder's name */
    const double ended = clock_seconds(), rest = BUILD_REST * (ended - started);

    pthread_mutex_lock(&site->mutex);
    one->page_problem = err;
    one->build_next = ended + (rest > least_rest ? rest : least_rest);
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
