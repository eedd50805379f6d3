/* See site.h. */
#include "serve/site.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "base/file.h"
#include "report/report.h"
#include "serve/download.h"
#include "serve/progress.h"
#include "serve/shell.h"
#include "store/sums.h"

/* One experiment that was asked for; it stays known when its folder goes. */
typedef struct Experiment Experiment;
struct Experiment {
    Experiment *next;
    char *name, *folder;
    Arena *arena; /* of its progress */
    Progress progress;
    Error problem, page_problem; /* why it can't be read, and why its page can't be built; "" for none */
    int is_gone;                 /* it has no plan any more */
    double read_next;            /* seconds: its progress is not read again before */
    Body *page;                  /* the newest, NULL before the first */
    char page_tag[PROGRESS_TAG];
    int is_wanted;     /* a page newer than that */
    double build_next; /* seconds: not before */
};

struct Site {
    char *folder;
    int is_list;
    Experiment *experiments;
    pthread_mutex_t mutex; /* over all of the above */
    pthread_cond_t wanted;
};

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

/* A folder of the list is one that lies there: no link leads out of it. */
static int is_listed(const char *folder)
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

/* The one of that name that is served, NULL for none. */
static Experiment *find_experiment(Site *site, const char *name)
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
        if (is_listed(folder))
            one = add_experiment(site, name, folder);
    }
    arena_free(arena);
    return one;
}

/* Its page is for whoever asks; its maker, for one at a time. */
static void want_page(Site *site, Experiment *one, double now)
{
    if (one->problem.text[0] || one->progress.n_measured == 0 || now < one->build_next ||
        strcmp(one->page_tag, one->progress.tag) == 0)
        return;
    one->is_wanted = 1;
    pthread_cond_signal(&site->wanted);
}

/* How far its runs are, if that was not read just now; and a page of that. */
static void refresh(Site *site, Experiment *one)
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

/* ---- answers ---- */

static Answer not_found(void)
{
    return answer_words(404, "refframe: there is no such page");
}

/* /NAME/, with every byte that is no letter, digit or one of -._ as %XX. */
static Answer redirect_to(const char *name)
{
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._";
    Answer answer = answer_empty(302);
    Text text = {0};
    text_add(&text, "/");
    for (const char *c = name; *c; c++)
        text_addf(&text, strchr(plain, *c) ? "%c" : "%%%02X", (unsigned char)*c);
    text_add(&text, "/");
    if (text.size < sizeof answer.location)
        memcpy(answer.location, text.data, text.size + 1);
    text_free(&text);
    return answer;
}

static void put_counts(const Experiment *one, int has_runs, JsonWriter *json)
{
    json_put_string(json, "folder", one->name);
    json_put_string(json, "problem", one->problem.text[0] ? one->problem.text : one->page_problem.text);
    progress_json(&one->progress, has_runs, json);
}

static Answer answer_state(const Experiment *one)
{
    Text text = {0};
    JsonWriter json;
    json_start(&json, &text, 0);
    json_open_object(&json);
    json_put_string(&json, "page", one->page && !one->problem.text[0] ? one->page_tag : "");
    put_counts(one, 1, &json);
    json_key(&json, "files");
    download_names(one->folder, &json);
    json_close_object(&json);
    return answer_text(200, answer_json, &text);
}

static Answer answer_list(Site *site)
{
    Arena *arena = arena_new();
    Text text = {0};
    JsonWriter json;
    char **names;
    int n = 0;
    Error err = {""};
    json_start(&json, &text, 0);
    json_open_object(&json);
    json_key(&json, "experiments");
    json_open_array(&json);
    if (!file_is_folder(site->folder))
        error_set(&err, STATUS_INPUT, "%s: there is no such folder any more", site->folder);
    else if (file_list(arena, site->folder, &names, &n, &err) != STATUS_OK)
        n = 0;
    for (int i = 0; i < n; i++) {
        Experiment *one = names[i][0] == '.' || !is_listed(file_join(arena, site->folder, names[i]))
                              ? NULL
                              : find_experiment(site, names[i]);
        if (!one)
            continue;
        refresh(site, one);
        json_open_object(&json);
        put_counts(one, 0, &json);
        json_close_object(&json);
    }
    json_close_array(&json);
    json_put_string(&json, "problem", err.text);
    json_close_object(&json);
    arena_free(arena);
    return answer_text(200, answer_json, &text);
}

static Answer answer_shell(int code, const char *title, const char *words)
{
    Text html = {0};
    shell_page(title, words, &html);
    return answer_text(code, answer_html, &html);
}

static Answer answer_page(const Experiment *one, const char *etag)
{
    const Progress *progress = &one->progress;
    const char *title = progress->title[0] ? progress->title : one->name;
    if (one->problem.text[0])
        return answer_shell(one->is_gone ? 404 : 503, title, "This experiment's folder can't be read just now.");
    if (!one->page)
        return answer_shell(200, title,
                            progress->n_measured > 0
                                ? "The report is being built."
                                : "No run has been measured yet. The report comes with the first snapshot.");
    Answer answer = answer_empty(304);
    snprintf(answer.etag, sizeof answer.etag, "\"%s\"", one->page_tag);
    if (etag && strcmp(etag, answer.etag) == 0)
        return answer;
    answer.code = 200;
    answer.type = answer_html;
    answer.body = body_share(one->page);
    return answer;
}

static Answer answer_of(Site *site, Experiment *one, const Request *request, const char *etag)
{
    if (request->kind == ASKS_UNENDED)
        return redirect_to(one->name);
    if (request->kind == ASKS_FILE)
        return download(one->folder, request->file);
    refresh(site, one);
    return request->kind == ASKS_STATE ? answer_state(one) : answer_page(one, etag);
}

static Answer answer_root(const Site *site)
{
    if (site->is_list)
        return answer_shell(200, "Experiments", "Each has its page, which grows while its runs train.");
    Arena *arena = arena_new();
    const Answer answer = redirect_to(file_basename(arena, file_absolute(arena, site->folder)));
    arena_free(arena);
    return answer;
}

static Answer answer_locked(Site *site, const Request *request, const char *etag)
{
    switch (request->kind) {
    case ASKS_ROOT:
        return answer_root(site);
    case ASKS_LIST:
        return site->is_list ? answer_list(site) : not_found();
    case ASKS_ICON:
        return answer_empty(204);
    case ASKS_UNENDED:
    case ASKS_PAGE:
    case ASKS_STATE:
    case ASKS_FILE: {
        Experiment *one = find_experiment(site, request->name);
        return one ? answer_of(site, one, request, etag) : not_found();
    }
    case ASKS_NOTHING:
        break;
    }
    return not_found();
}

Answer site_answer(Site *site, const Request *request, const char *etag)
{
    pthread_mutex_lock(&site->mutex);
    const Answer answer = answer_locked(site, request, etag);
    pthread_mutex_unlock(&site->mutex);
    return answer;
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
