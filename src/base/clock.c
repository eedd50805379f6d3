/* Time and the machine, as the system tells them. */
#include "base/clock.h"

#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

double clock_seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

char *clock_timestamp(char buffer[32])
{
    const time_t now = time(NULL);
    struct tm utc;
    gmtime_r(&now, &utc);
    strftime(buffer, 32, "%Y-%m-%dT%H:%M:%SZ", &utc);
    return buffer;
}

/* The share of processor time that a container grants, in whole cores (cgroup v2: "QUOTA PERIOD" or "max PERIOD"); 0
 * where there is no limit. */
static int cores_granted(void)
{
    FILE *limit = fopen("/sys/fs/cgroup/cpu.max", "re");
    long quota = 0, period = 0;
    const int n_read = limit ? fscanf(limit, "%ld %ld", &quota, &period) : 0;
    if (limit)
        fclose(limit);
    return n_read == 2 && quota > 0 && period > 0 ? (int)((quota + period - 1) / period) : 0;
}

int clock_cores(void)
{
    cpu_set_t allowed;
    long cores = 0;
    if (sched_getaffinity(0, sizeof allowed, &allowed) == 0)
        cores = CPU_COUNT(&allowed);
    else /* more than CPU_SETSIZE cores */
        cores = sysconf(_SC_NPROCESSORS_ONLN);
    const int granted = cores_granted();
    if (granted > 0 && granted < cores)
        cores = granted;
    return cores > 0 ? (int)cores : 1;
}
