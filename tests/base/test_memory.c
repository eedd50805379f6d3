/* Without this, a run that its container has no memory for would begin, and be killed by the system. */
#include "base/memory.h"

#include <math.h>
#include <unistd.h>

#include "testing.h"

static void put(const Scratch *s, const char *name, const char *text)
{
    Error err;
    const char *path = scratch_path(s, name);
    assert_ok(file_make_folder(file_dirname(s->arena, path), &err), &err);
    assert_ok(file_write(path, text, strlen(text), &err), &err);
}

static void test_the_least_limit_counts(void **state)
{
    const Scratch *s = *state;
    assert_true(isinf(memory_granted(s->folder))); /* no groups */
    /* version 2, as systemd-run and docker leave it */
    put(s, "proc/self/cgroup", "0::/user.slice/run-1.scope\n");
    assert_true(isinf(memory_granted(s->folder)));
    put(s, "sys/fs/cgroup/user.slice/run-1.scope/memory.max", "max\n");
    assert_true(isinf(memory_granted(s->folder)));
    put(s, "sys/fs/cgroup/user.slice/memory.max", "134217728\n");
    assert_true(memory_granted(s->folder) == 134217728);
    put(s, "sys/fs/cgroup/user.slice/run-1.scope/memory.max", "67108864\n");
    assert_true(memory_granted(s->folder) == 67108864);
    put(s, "sys/fs/cgroup/memory.max", "1048576\n"); /* the top: a container's own */
    assert_true(memory_granted(s->folder) == 1048576);
    /* version 1: a limit that is none, one above, one that the container sees as the top */
    put(s, "proc/self/cgroup", "5:cpu,memory:/docker/0a1b/x\n2:memory_pressure:/none\n0::/elsewhere\n");
    put(s, "sys/fs/cgroup/memory.max", "max\n");
    put(s, "sys/fs/cgroup/memory/docker/0a1b/x/memory.limit_in_bytes", "9223372036854771712\n");
    assert_true(memory_granted(s->folder) > 1e18);
    put(s, "sys/fs/cgroup/memory/docker/0a1b/memory.limit_in_bytes", "33554432\n");
    assert_true(memory_granted(s->folder) == 33554432);
    put(s, "sys/fs/cgroup/memory/memory.limit_in_bytes", "16777216\n");
    assert_true(memory_granted(s->folder) == 16777216);
}

static void test_this_machine(void **state)
{
    (void)state;
    const double there = memory_there(), machine = (double)sysconf(_SC_PHYS_PAGES) * (double)sysconf(_SC_PAGESIZE);
    assert_true(there > 0 && there <= machine);
    assert_true(there == fmin(machine, memory_granted("")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_the_least_limit_counts, scratch_set_up, scratch_tear_down),
        cmocka_unit_test(test_this_machine),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
