/* See lock.h. */
#include "store/lock.h"

#include <errno.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/file.h"

struct Lock {
    int descriptor;
    Lease *lease; /* NULL: where none can be laid */
};

/* Takes the lease, or says by *ret_holder who has it: then *ret_lease is NULL, and 1 is returned. Else a status. */
static int take_lease(const char *folder, LockUse use, Lease **ret_lease, LeaseHolder *ret_holder, Error *err)
{
    Arena *arena = arena_new();
    LeaseHost here;
    Lease *lease = NULL;
    lease_here(&here);
    int status = lease_take(file_join(arena, folder, LEASE_FILE), &here, &lease, ret_holder, err);
    const int has_no_room = status == STATUS_FAILED && (errno == ENOSPC || errno == EDQUOT);
    arena_free(arena);
    if (has_no_room && use == LOCK_TO_REMOVE)
        return STATUS_OK;
    *ret_lease = lease;
    return status == STATUS_OK && !lease ? 1 : status;
}

static int join(int descriptor, Lease *lease, Lock **ret_lock, Error *err)
{
    Lock *lock = malloc(sizeof *lock);
    if (!lock) {
        lease_free(lease);
        file_unlock(descriptor);
        return error_set(err, STATUS_FAILED, "out of memory: no room for a lock");
    }
    *lock = (Lock){descriptor, lease};
    *ret_lock = lock;
    return STATUS_OK;
}

int lock_with_lease(int descriptor, const char *folder, LockUse use, Lock **ret_lock, Error *err)
{
    Lease *lease = NULL;
    LeaseHolder holder;
    char text[128];
    int status = take_lease(folder, use, &lease, &holder, err);
    if (status == STATUS_OK)
        return join(descriptor, lease, ret_lock, err);
    if (status > 0)
        status = error_set(err, STATUS_FAILED, "%s is in use by %s", folder, lease_holder_text(&holder, text));
    file_unlock(descriptor);
    return status;
}

int lock_folder(const char *folder, LockUse use, Lock **ret_lock, Error *err)
{
    Lease *lease = NULL;
    LeaseHolder holder;
    int descriptor, status = file_lock_folder(folder, &descriptor, err);
    if (status != STATUS_OK)
        return status;
    if (use != LOCK_TO_READ && access(folder, W_OK | X_OK) == 0) /* else no file is replaced there */
        while ((status = take_lease(folder, use, &lease, &holder, err)) > 0)
            nanosleep(&(struct timespec){.tv_nsec = 200000000}, NULL);
    if (status == STATUS_OK)
        return join(descriptor, lease, ret_lock, err);
    file_unlock(descriptor);
    return status;
}

int lock_check(const Lock *lock, Error *err)
{
    return lock && lock->lease ? lease_check(lock->lease, err) : STATUS_OK;
}

int lock_explain(const Lock *lock, int status, Error *err)
{
    Error reason;
    if (status == STATUS_OK || lock_check(lock, &reason) == STATUS_OK)
        return status;
    return error_set(err, STATUS_FAILED, "%s", reason.text);
}

Lock *lock_free(Lock *lock)
{
    if (!lock)
        return NULL;
    lease_free(lock->lease); /* first: whoever gets the flock finds no lease */
    file_unlock(lock->descriptor);
    free(lock);
    return NULL;
}
