/* Answers, from what is known of the experiments (experiments.h). See site.h. */
#include "serve/site.h"

#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "serve/download.h"
#include "serve/experiments.h"
#include "serve/shell.h"

static Answer not_found(void)
{
    return answer_words(404, "refframe: there is no such page");
}

static Answer redirect_to(const char *name)
{
    Answer answer = answer_empty(302);
    Text text = {0};
    request_add_address(&text, name);
    if (text.size < sizeof answer.location)
        memcpy(answer.location, text.data, text.size + 1);
    text_free(&text);
    return answer;
}

static const char *problem_of(const Experiment *one)
{
    if (one->problem.text[0])
        return one->problem.text;
    return one->page_problem.text[0] || one->read_next > 0 ? one->page_problem.text : "it was not looked at yet";
}

static void put_counts(const Experiment *one, int has_runs, JsonWriter *json)
{
    json_put_string(json, "folder", one->name);
    json_put_string(json, "problem", problem_of(one));
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

/* Those that lie in the folder, in order of their names. */
static int find_listed(Arena *arena, Site *site, Experiment ***ret_ones, int *ret_n, Error *err)
{
    char **names;
    int n = 0, n_found = 0;
    if (!file_is_folder(site->folder))
        return error_set(err, STATUS_INPUT, "%s: there is no such folder any more", site->folder);
    const int status = file_list(arena, site->folder, &names, &n, err);
    if (status != STATUS_OK)
        return status;
    Experiment **ones = ARENA_ARRAY(arena, Experiment *, n + 1);
    for (int i = 0; i < n; i++) {
        Experiment *one = names[i][0] == '.' || !experiment_is_listed(file_join(arena, site->folder, names[i]))
                              ? NULL
                              : experiment_find(site, names[i]);
        if (one)
            ones[n_found++] = one;
    }
    *ret_ones = ones;
    *ret_n = n_found;
    return STATUS_OK;
}

static Answer answer_list(Site *site)
{
    Arena *arena = arena_new();
    Text text = {0};
    JsonWriter json;
    Experiment **ones = NULL;
    int n = 0;
    Error err = {""};
    if (find_listed(arena, site, &ones, &n, &err) == STATUS_OK)
        experiments_refresh(site, ones, n);
    json_start(&json, &text, 0);
    json_open_object(&json);
    json_key(&json, "experiments");
    json_open_array(&json);
    for (int i = 0; i < n; i++) {
        json_open_object(&json);
        put_counts(ones[i], 0, &json);
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
                            progress->n_measured > 0 ? "The report is being built."
                            : one->has_begun
                                ? "No run has been measured yet. The report comes with the first snapshot."
                                : "Nothing was run into this folder yet. Once something is, the report comes by "
                                  "itself.");
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
    experiments_refresh(site, &one, 1);
    return request->kind == ASKS_STATE ? answer_state(one) : answer_page(one, etag);
}

static Answer answer_root(const Site *site)
{
    if (site->is_list)
        return answer_shell(200, "Experiments", "Each has its page, which grows while its runs train.");
    return redirect_to(site->name);
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
        Experiment *one = experiment_find(site, request->name);
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
