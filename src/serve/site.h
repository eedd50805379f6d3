/* What is served: an experiment's folder, or a folder of several; who asks is answered at once, from memory or from the
 * folder, and pages are built by one worker.
 *
 * Two threads meet here. One answers (site_answer); it reads how far runs are, at most so often that reading takes a
 * tenth of the time, and never builds a page. The other builds (site_build): a report's page is built once for each
 * change that somebody asks for, whoever asks, and rests three times as long as it took, so that training goes on.
 * Both limits are of all experiments together. Until a page is there, a small one says so.
 *
 * The folder is never written to, and no lock of it is held. It may vanish and come back; that is said.
 */
#ifndef REFFRAME_SERVE_SITE_H
#define REFFRAME_SERVE_SITE_H

#include "serve/answer.h"
#include "serve/request.h"

typedef struct Site Site;

/* `folder` is an experiment's, or holds experiments' (`is_list`). Into an experiment's nothing need have been run yet.
 * Never NULL; freed only when nobody uses it. */
Site *site_new(const char *folder, int is_list);
Site *site_free(Site *site); /* NULL is fine; returns NULL */

/* `etag`: what the browser has already, by If-None-Match; NULL for nothing. */
Answer site_answer(Site *site, const Request *request, const char *etag);

/* Builds a page that was asked for. With `waits` it waits until one is; without, it returns 0 where none is. */
int site_build(Site *site, int waits);

#endif
