/* The experiments of a site: which there are, how far their runs are, and their pages. Internal: site.c answers by it,
 * and holds the mutex meanwhile.
 */
#ifndef REFFRAME_SERVE_EXPERIMENTS_H
#define REFFRAME_SERVE_EXPERIMENTS_H

#include <pthread.h>

#include "serve/progress.h"
#include "serve/site.h"

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

/* A folder of the list is one that lies there and has a plan: no link leads out of it. */
int experiment_is_listed(const char *folder);

/* The one of that name that is served, NULL for none. */
Experiment *experiment_find(Site *site, const char *name);

/* Reads how far its runs are, if that was not done just now, and asks for a page of that. */
void experiment_refresh(Site *site, Experiment *one);

#endif
