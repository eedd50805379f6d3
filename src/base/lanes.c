/* A pool of threads that sleep on a condition between runs. Lanes are dealt from one atomic counter, so a thread that
 * finishes early takes the next lane; the caller is thread 0. */
#include "base/lanes.h"

#include <assert.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

typedef struct {
    Lanes *lanes;
    int thread;
    pthread_t id;
} Worker;

struct Lanes {
    pthread_mutex_t mutex;
    pthread_cond_t start, done;
    int n_threads, n_started; /* n_started: workers that exist, for lanes_free of a half-made pool */
    unsigned run;             /* number of the current run; workers wait for it to change */
    int n_working, is_ending;
    int n;
    atomic_int next;
    void (*work)(void *context, int lane, int thread);
    void *context;
    Worker workers[];
};

static void take_lanes(Lanes *lanes, int thread)
{
    for (;;) {
        const int lane = atomic_fetch_add_explicit(&lanes->next, 1, memory_order_relaxed);
        if (lane >= lanes->n)
            return;
        lanes->work(lanes->context, lane, thread);
    }
}

static void *worker_main(void *argument)
{
    const Worker *worker = argument;
    Lanes *lanes = worker->lanes;
    unsigned seen = 0;
    pthread_mutex_lock(&lanes->mutex);
    for (;;) {
        while (lanes->run == seen && !lanes->is_ending)
            pthread_cond_wait(&lanes->start, &lanes->mutex);
        if (lanes->is_ending)
            break;
        seen = lanes->run;
        pthread_mutex_unlock(&lanes->mutex);
        take_lanes(lanes, worker->thread);
        pthread_mutex_lock(&lanes->mutex);
        if (--lanes->n_working == 0)
            pthread_cond_signal(&lanes->done);
    }
    pthread_mutex_unlock(&lanes->mutex);
    return NULL;
}

int lanes_new(int n_threads, Lanes **ret_lanes, Error *err)
{
    assert(n_threads >= 1);
    Lanes *lanes = calloc(1, sizeof *lanes + (size_t)(n_threads - 1) * sizeof(Worker));
    if (!lanes)
        return error_set(err, STATUS_FAILED, "out of memory: no room for %d threads", n_threads);
    pthread_mutex_init(&lanes->mutex, NULL);
    pthread_cond_init(&lanes->start, NULL);
    pthread_cond_init(&lanes->done, NULL);
    lanes->n_threads = n_threads;

    /* Signals are for the caller's thread, whose waits they end. */
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int failure = 0;
    for (int i = 0; i < n_threads - 1 && !failure; i++) {
        Worker *worker = &lanes->workers[i];
        *worker = (Worker){.lanes = lanes, .thread = i + 1};
        failure = pthread_create(&worker->id, NULL, worker_main, worker);
        if (!failure)
            lanes->n_started++;
    }
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (failure) {
        lanes_free(lanes);
        return error_set(err, STATUS_FAILED, "cannot start %d threads: %s", n_threads, strerror(failure));
    }
    *ret_lanes = lanes;
    return STATUS_OK;
}

Lanes *lanes_free(Lanes *lanes)
{
    if (!lanes)
        return NULL;
    pthread_mutex_lock(&lanes->mutex);
    lanes->is_ending = 1;
    pthread_cond_broadcast(&lanes->start);
    pthread_mutex_unlock(&lanes->mutex);
    for (int i = 0; i < lanes->n_started; i++)
        pthread_join(lanes->workers[i].id, NULL);
    pthread_cond_destroy(&lanes->start);
    pthread_cond_destroy(&lanes->done);
    pthread_mutex_destroy(&lanes->mutex);
    free(lanes);
    return NULL;
}

int lanes_threads(const Lanes *lanes)
{
    return lanes->n_threads;
}

void lanes_run(Lanes *lanes, int n, void (*work)(void *context, int lane, int thread), void *context)
{
    const int wakes = lanes->n_started > 0 && n > 1;
    if (wakes)
        pthread_mutex_lock(&lanes->mutex);
    lanes->n = n;
    lanes->work = work;
    lanes->context = context;
    atomic_store_explicit(&lanes->next, 0, memory_order_relaxed);
    if (wakes) {
        lanes->n_working = lanes->n_started;
        lanes->run++;
        pthread_cond_broadcast(&lanes->start);
        pthread_mutex_unlock(&lanes->mutex);
    }
    take_lanes(lanes, 0);
    if (wakes) {
        pthread_mutex_lock(&lanes->mutex);
        while (lanes->n_working > 0)
            pthread_cond_wait(&lanes->done, &lanes->mutex);
        pthread_mutex_unlock(&lanes->mutex);
    }
}
