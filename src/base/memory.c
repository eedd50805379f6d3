/* Memory limits over /proc/self/cgroup and the files of the groups that it names. */
#include "base/memory.h"

#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* Number in a file; INFINITY where there is no file, or a word ("max"). */
static double read_limit(const char *path)
{
    FILE *file = fopen(path, "re");
    long long bytes = 0;
    const int n_read = file ? fscanf(file, "%lld", &bytes) : 0;
    if (file)
        fclose(file);
    return n_read == 1 && bytes > 0 ? (double)bytes : INFINITY;
}

/* The least limit of the group `path` and of all above it, below where the hierarchy is mounted. */
static double least_limit(const char *root, const char *mount, const char *path, const char *name)
{
    char group[PATH_MAX], file[PATH_MAX];
    double least = INFINITY;
    snprintf(group, sizeof group, "%s", path);
    for (;;) {
        const int n = snprintf(file, sizeof file, "%s%s%s/%s", root, mount, group, name);
        char *slash = strrchr(group, '/');
        if (n > 0 && (size_t)n < sizeof file)
            least = fmin(least, read_limit(file));
        if (!slash)
            return least;
        *slash = '\0';
    }
}

/* Whether a word stands in a list with commas. */
static int is_listed(const char *list, const char *word)
{
    const size_t n = strlen(word);
    for (const char *at = list; (at = strstr(at, word)) != NULL; at += n)
        if ((at == list || at[-1] == ',') && (at[n] == ',' || at[n] == '\0'))
            return 1;
    return 0;
}

double memory_granted(const char *root)
{
    char path[PATH_MAX], line[PATH_MAX];
    double least = INFINITY;
    snprintf(path, sizeof path, "%s/proc/self/cgroup", root);
    FILE *groups = fopen(path, "re");
    while (groups && fgets(line, sizeof line, groups)) { /* ID:CONTROLLERS:PATH */
        char *controllers = strchr(line, ':'), *group = controllers ? strchr(controllers + 1, ':') : NULL;
        if (!group)
            continue;
        *group++ = '\0';
        group[strcspn(group, "\n")] = '\0';
        if (is_listed(controllers + 1, "memory"))
            least = fmin(least, least_limit(root, "/sys/fs/cgroup/memory", group, "memory.limit_in_bytes"));
        else if (controllers[1] == '\0')
            least = fmin(least, fmin(least_limit(root, "/sys/fs/cgroup", group, "memory.max"),
                                     least_limit(root, "/sys/fs/cgroup/unified", group, "memory.max")));
    }
    if (groups)
        fclose(groups);
    return least;
}

double memory_there(void)
{
    return fmin((double)sysconf(_SC_PHYS_PAGES) * (double)sysconf(_SC_PAGESIZE), memory_granted(""));
}
