/* The experiments of a site: which there are, how far their runs are, and their pages. Internal: site.c answers by it,
 * and holds the mutex meanwhile.
 *
 * What reading and building cost is limited over all experiments, however many are asked for. Only what was never read,
 * or never built, waits for nothing.
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
    int has_begun;               /* a plan of it was read once */
    int is_gone;                 /* it has no plan any more */
    int is_being_read;           /* by some thread, which holds no mutex meanwhile */
    double read_next;            /* seconds: its progress is not read again before; 0: it never was */
    Body *page;                  /* the newest, NULL before the first */
    char page_tag[PROGRESS_TAG];
    int is_wanted;     /* a page newer than that */
    double build_next; /* seconds: not before; 0: none was ever built */
};

struct Site {
    char *folder, *name; /* the name is what its page is asked for by, where it is one experiment */
    int is_list;
    Experiment *experiments;
    double read_next, build_next; /* seconds: nothing that was read, or built, once is so again before */
    pthread_mutex_t mutex;        /* over all of the above */
    pthread_cond_t wanted;
};

/* A folder of the list is one that lies there and has a plan: no link leads out of it. */
int experiment_is_listed(const char *folder);

/* The one of that name that is served, NULL for none. */
Experiment *experiment_find(Site *site, const char *name);

/* Reads how far the runs of `ones` (n,) are, where that was not done just now, and asks for pages of that; what was
 * read the longest ago comes first. Where they are many, the rest is left for later. The mutex is free while it reads.
 */
void experiments_refresh(Site *site, Experiment *const *ones, int n);

#endif
