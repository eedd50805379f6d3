/* What is answered to one request: a status, headers' values, and bytes that many answers may share, or a file. */
#ifndef REFFRAME_SERVE_ANSWER_H
#define REFFRAME_SERVE_ANSWER_H

#include <stdatomic.h>
#include <stdint.h>

#include "base/text.h"

/* Bytes that live for as long as somebody has them: the last body_free gives them back. */
typedef struct {
    Text text;
    atomic_int n_users;
} Body;

/* Takes the text over. */
Body *body_new(Text *text);
Body *body_share(Body *body);
Body *body_free(Body *body); /* NULL is fine; returns NULL */

enum { ANSWER_ETAG = 24, ANSWER_LOCATION = 1024 };

typedef struct {
    int code;                       /* 200, 302, 304, 403, ... */
    const char *type;               /* of what follows: "text/html; charset=utf-8" */
    char etag[ANSWER_ETAG];         /* with its quotes; "": not to be kept by the browser */
    char location[ANSWER_LOCATION]; /* where to look instead; "" for nowhere */
    const char *attachment;         /* the name under which a browser saves it; NULL: it shows it */
    Body *body;                     /* NULL: a file, or nothing */
    int file;                       /* its descriptor, -1: none */
    uint64_t file_size;
} Answer;

extern const char answer_html[], answer_json[], answer_plain[]; /* types */

/* An answer of one line of plain words. */
Answer answer_words(int code, const char *words);
/* One of a text, which it takes over; and one of nothing but its status. */
Answer answer_text(int code, const char *type, Text *text);
Answer answer_empty(int code);

#endif
