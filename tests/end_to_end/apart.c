/* Preloaded into the program (test_hosts.py): as on one of several hosts that share a file system of which each keeps
 * the locks to itself. flock succeeds, whoever else has the lock, and the host is called APART_HOST, if that is given.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/utsname.h>
#include <unistd.h>

int flock(int descriptor, int operation)
{
    (void)descriptor, (void)operation;
    return 0;
}

int gethostname(char *name, size_t n)
{
    struct utsname system;
    const char *given = getenv("APART_HOST");
    if (uname(&system) != 0)
        return -1;
    snprintf(name, n, "%s", given ? given : system.nodename);
    return 0;
}
