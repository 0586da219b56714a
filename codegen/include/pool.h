/* Threads of our own, for compilers that come without OpenMP.

   Workers start with the first job and then wait for the next one, at first awake. One
   job runs at a time; a caller that finds the pool busy is a team of one. After a fork
   the child starts without workers. Before the library is unloaded they end. */
#ifndef SYMGRAPH_POOL_H
#define SYMGRAPH_POOL_H

#include <pthread.h>

#include "symgraph.h"

#define SG_MOST_WORKERS 255
#define SG_SPINS 5000 /* looks for work before a worker goes to sleep */

static inline void sg_pause(void)
{
#if defined(__x86_64__)
    __builtin_ia32_pause();
#endif
}

/* The work of ``member`` of ``members``, who all work at the same time. */
typedef void sg_member(void *job, int64_t member, int64_t members);

static struct {
    pthread_mutex_t busy;  /* held by the caller whose job it is */
    pthread_mutex_t mutex; /* guards going to sleep */
    pthread_cond_t wake, done;
    int64_t generation; /* counts jobs; a change is the call to work */
    int64_t workers, team, left;
    sg_member *work;
    void *job;
    bool watched; /* whether forks are seen to */
    bool closing; /* the next job is to end */
    pthread_t threads[SG_MOST_WORKERS];
    int64_t seen[SG_MOST_WORKERS]; /* the generation in which each was made */
} sg_pool = {.busy = PTHREAD_MUTEX_INITIALIZER,
             .mutex = PTHREAD_MUTEX_INITIALIZER,
             .wake = PTHREAD_COND_INITIALIZER,
             .done = PTHREAD_COND_INITIALIZER};

static inline int64_t sg_pool_generation(void)
{
    return __atomic_load_n(&sg_pool.generation, __ATOMIC_ACQUIRE);
}

/* Wait until there is a job after ``seen``. */
static inline int64_t sg_pool_next(int64_t seen)
{
    for (int spin = 0; spin < SG_SPINS; spin++) {
        if (sg_pool_generation() != seen)
            return sg_pool_generation();
        sg_pause();
    }
    pthread_mutex_lock(&sg_pool.mutex);
    while (sg_pool_generation() == seen)
        pthread_cond_wait(&sg_pool.wake, &sg_pool.mutex);
    pthread_mutex_unlock(&sg_pool.mutex);
    return sg_pool_generation();
}

/* Wait until every worker is done with the job. */
static inline void sg_pool_finish(void)
{
    for (int spin = 0; spin < SG_SPINS; spin++) {
        if (!__atomic_load_n(&sg_pool.left, __ATOMIC_ACQUIRE))
            return;
        sg_pause();
    }
    pthread_mutex_lock(&sg_pool.mutex);
    while (__atomic_load_n(&sg_pool.left, __ATOMIC_ACQUIRE))
        pthread_cond_wait(&sg_pool.done, &sg_pool.mutex);
    pthread_mutex_unlock(&sg_pool.mutex);
}

/* A worker counts itself done in every job, in those it has no part of too: so a job
   never begins while a worker still looks at the one before. */
static inline void *sg_pool_worker(void *first)
{
    const int64_t member = (intptr_t)first;
    int64_t seen = sg_pool.seen[member - 1];
    for (;;) {
        seen = sg_pool_next(seen);
        if (sg_pool.closing)
            return NULL;
        if (member < sg_pool.team)
            sg_pool.work(sg_pool.job, member, sg_pool.team);
        if (__atomic_sub_fetch(&sg_pool.left, 1, __ATOMIC_ACQ_REL) == 0) {
            pthread_mutex_lock(&sg_pool.mutex);
            pthread_cond_signal(&sg_pool.done);
            pthread_mutex_unlock(&sg_pool.mutex);
        }
    }
    return NULL;
}

static inline void sg_pool_forked(void)
{
    pthread_mutex_init(&sg_pool.busy, NULL);
    pthread_mutex_init(&sg_pool.mutex, NULL);
    pthread_cond_init(&sg_pool.wake, NULL);
    pthread_cond_init(&sg_pool.done, NULL);
    sg_pool.workers = 0;
}

/* Have ``count`` workers, or as many as the system gives. */
static inline void sg_pool_grow(int64_t count)
{
    if (!sg_pool.watched)
        sg_pool.watched = pthread_atfork(NULL, NULL, sg_pool_forked) == 0;
    const int64_t wanted = sg_min(count, SG_MOST_WORKERS);
    for (; sg_pool.workers < wanted; sg_pool.workers++) {
        const intptr_t member = (intptr_t)sg_pool.workers + 1;
        pthread_t *thread = sg_pool.threads + sg_pool.workers;
        sg_pool.seen[sg_pool.workers] = sg_pool.generation;
        if (pthread_create(thread, NULL, sg_pool_worker, (void *)member))
            return;
    }
}

/* Runs before the library is unloaded: code must not go while a thread is in it. */
__attribute__((destructor)) static void sg_pool_close(void)
{
    pthread_mutex_lock(&sg_pool.mutex);
    sg_pool.closing = true;
    __atomic_store_n(&sg_pool.generation, sg_pool.generation + 1, __ATOMIC_RELEASE);
    pthread_cond_broadcast(&sg_pool.wake);
    pthread_mutex_unlock(&sg_pool.mutex);
    for (int64_t member = 0; member < sg_pool.workers; member++)
        pthread_join(sg_pool.threads[member], NULL);
    sg_pool.workers = 0;
}

/* ``work`` for a team of as many as there are, at most ``most``; the caller is 0. */
static inline void sg_pool_run(sg_member *work, void *job, int64_t most)
{
    if (pthread_mutex_trylock(&sg_pool.busy)) {
        work(job, 0, 1);
        return;
    }
    pthread_mutex_lock(&sg_pool.mutex);
    sg_pool_grow(most - 1);
    sg_pool.work = work, sg_pool.job = job;
    sg_pool.team = sg_min(most, sg_pool.workers + 1);
    __atomic_store_n(&sg_pool.left, sg_pool.workers, __ATOMIC_RELAXED);
    __atomic_store_n(&sg_pool.generation, sg_pool.generation + 1, __ATOMIC_RELEASE);
    pthread_cond_broadcast(&sg_pool.wake);
    pthread_mutex_unlock(&sg_pool.mutex);
    work(job, 0, sg_pool.team);
    sg_pool_finish();
    pthread_mutex_unlock(&sg_pool.busy);
}

#endif
