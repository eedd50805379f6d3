/* See answer.h. */
#include "serve/answer.h"

#include <stdlib.h>

#include "base/status.h"

const char answer_html[] = "text/html; charset=utf-8";
const char answer_json[] = "application/json";
const char answer_plain[] = "text/plain; charset=utf-8";

Body *body_new(Text *text)
{
    Body *body = malloc(sizeof *body);
    if (!body)
        memory_exhausted(sizeof *body);
    body->text = *text;
    atomic_init(&body->n_users, 1);
    *text = (Text){0};
    return body;
}

Body *body_share(Body *body)
{
    atomic_fetch_add(&body->n_users, 1);
    return body;
}

Body *body_free(Body *body)
{
    if (body && atomic_fetch_sub(&body->n_users, 1) == 1) {
        text_free(&body->text);
        free(body);
    }
    return NULL;
}

Answer answer_text(int code, const char *type, Text *text)
{
    return (Answer){.code = code, .type = type, .body = body_new(text), .file = -1};
}

Answer answer_words(int code, const char *words)
{
    Text text = {0};
    text_addf(&text, "%s\n", words);
    return answer_text(code, answer_plain, &text);
}

Answer answer_empty(int code)
{
    return (Answer){.code = code, .type = answer_plain, .file = -1};
}
