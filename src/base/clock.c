/* Time and the machine, as the system tells them. */
#include "base/clock.h"

#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
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

int clock_cores(void)
{
    cpu_set_t allowed;
    if (sched_getaffinity(0, sizeof allowed, &allowed) == 0 && CPU_COUNT(&allowed) > 0)
        return CPU_COUNT(&allowed);
    const long online = sysconf(_SC_NPROCESSORS_ONLN); /* more than CPU_SETSIZE cores */
    return online > 0 ? (int)online : 1;
}

size_t clock_peak_bytes(void)
{
    /* getrusage's peak survives exec, so a small child would report the size of its parent; VmHWM does not. */
    FILE *status = fopen("/proc/self/status", "re");
    size_t kib = 0;
    if (status) {
        char line[256];
        while (fgets(line, sizeof line, status))
            if (sscanf(line, "VmHWM: %zu kB", &kib) == 1)
                break;
        fclose(status);
    }
    if (!kib) {
        struct rusage usage;
        getrusage(RUSAGE_SELF, &usage);
        kib = (size_t)usage.ru_maxrss;
    }
    return kib * 1024;
}
