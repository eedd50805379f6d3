/* Without these, Ctrl-C could leave runs behind, lines of progress be lost, or a failed run count as finished. */
#include "base/child.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "testing.h"

typedef struct {
    char *folder;
    Arena *arena;
    char *log;
    Text lines; /* INDEX:LINE; of all children */
    int n_ended;
} Scene;

static int set_up(void **state)
{
    Scene *scene = calloc(1, sizeof *scene);
    scene->folder = scratch_folder();
    scene->arena = arena_new();
    scene->log = file_join(scene->arena, scene->folder, "log.txt");
    *state = scene;
    return 0;
}

static int tear_down(void **state)
{
    Scene *scene = *state;
    scratch_remove(scene->folder);
    arena_free(scene->arena);
    text_free(&scene->lines);
    free(scene);
    return 0;
}

static void on_line(void *context, int index, const char *line)
{
    text_addf(&((Scene *)context)->lines, "%d:%s;", index, line);
}

static void on_end(void *context, int index)
{
    (void)index;
    ((Scene *)context)->n_ended++;
}

static Child shell(const Scene *scene, const char *script)
{
    Child child = {0};
    Error err;
    const char *const argv[] = {"/bin/sh", "-c", script, NULL};
    assert_ok(child_start(&child, argv, scene->log, &err), &err);
    return child;
}

static void wait_for_ends(Scene *scene, Child *children, int n)
{
    const double start = clock_seconds();
    while (scene->n_ended < n && clock_seconds() - start < 20)
        child_wait_any(children, n, 1, on_line, on_end, scene);
    assert_int_equal(scene->n_ended, n);
}

static int is_alive(pid_t pid)
{
    return kill(pid, 0) == 0 || errno != ESRCH;
}

/* A process that is gone, or a zombie whose parent (init, perhaps a lazy one) has yet to look. */
static int is_dead_soon(pid_t pid)
{
    for (int i = 0; i < 500; i++) {
        char path[64], line[256] = "";
        snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
        FILE *stat = fopen(path, "r");
        if (!stat)
            return !is_alive(pid);
        if (!fgets(line, sizeof line, stat))
            line[0] = '\0';
        fclose(stat);
        const char *after = strrchr(line, ')');
        if (after && after[1] && after[2] == 'Z')
            return 1;
        usleep(10000);
    }
    return 0;
}

static void test_lines_and_exit_codes(void **state)
{
    Scene *scene = *state;
    static const char *const scripts[] = {
        "echo one; echo; echo two; exit 3",
        "printf 'no newline'; echo to-the-log >&2",
        "kill -9 $$",
    };
    Child children[3];
    for (int i = 0; i < 3; i++)
        children[i] = shell(scene, scripts[i]);
    wait_for_ends(scene, children, 3);
    const char *lines = text_string(&scene->lines);
    assert_non_null(strstr(lines, "0:one;"));
    assert_non_null(strstr(lines, "0:;"));
    assert_true(strstr(lines, "0:two;") > strstr(lines, "0:one;"));
    assert_non_null(strstr(lines, "1:no newline;"));
    assert_int_equal(children[0].exit_code, 3);
    assert_int_equal(children[1].exit_code, 0);
    assert_int_equal(children[2].exit_code, 128 + 9);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(children[i].pid, 0);
        assert_int_equal(children[i].out, -1);
    }
    char *log;
    size_t n;
    Error err;
    assert_ok(file_read(scene->arena, scene->log, &log, &n, &err), &err);
    assert_string_equal(log, "to-the-log\n");
    assert_int_equal(child_wait_any(children, 3, 1, on_line, on_end, scene), 0); /* nothing runs: at once */
}

static void test_much_output_in_pieces(void **state)
{
    Scene *scene = *state;
    Child child =
        shell(scene, "i=0; while [ $i -lt 3000 ]; do echo line-$i-xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx; "
                     "i=$((i+1)); done; printf 'half a '; sleep 0.05; echo line");
    wait_for_ends(scene, &child, 1);
    int n = 0;
    for (const char *at = text_string(&scene->lines); (at = strchr(at, ';')) != NULL; at++)
        n++;
    assert_int_equal(n, 3001);
    assert_non_null(strstr(text_string(&scene->lines), "0:line-2999-"));
    assert_non_null(strstr(text_string(&scene->lines), "0:half a line;"));
}

static void test_time_out(void **state)
{
    Scene *scene = *state;
    Child child = shell(scene, "exec sleep 30");
    const double start = clock_seconds();
    assert_int_equal(child_wait_any(&child, 1, 0.1, on_line, on_end, scene), 0);
    const double passed = clock_seconds() - start;
    assert_true(passed >= 0.09 && passed < 5);
    child_stop(&child, 5);
    assert_int_equal(child.pid, 0);
    assert_int_equal(child.exit_code, 128 + SIGINT);
}

static void test_start_failures(void **state)
{
    Scene *scene = *state;
    Child child = {.pid = 77};
    Error err;
    const char *const absent[] = {"/no/such/program", NULL}, *const folder[] = {"/tmp", NULL};
    const char *const sh[] = {"/bin/sh", NULL};
    assert_refused(child_start(&child, absent, scene->log, &err), STATUS_FAILED,
                   "cannot start /no/such/program: No such file or directory", &err);
    assert_refused(child_start(&child, folder, scene->log, &err), STATUS_FAILED, "cannot start /tmp: Permission denied",
                   &err);
    assert_refused(child_start(&child, sh, "/no/such/log", &err), STATUS_FAILED,
                   "cannot start /no/such/log: No such file or directory", &err);
    assert_int_equal(child.pid, 77); /* untouched */
}

/* A polite child ends on SIGINT and says so; a deaf one is killed after the grace; a talkative one is no obstacle. */
static void test_stop(void **state)
{
    Scene *scene = *state;
    Child polite = shell(scene, "trap 'exit 130' INT; echo ready; while :; do sleep 0.01; done");
    Child deaf = shell(scene, "trap '' INT; echo ready; while :; do sleep 0.01; done");
    Child talker =
        shell(scene, "trap 'i=0; while [ $i -lt 20000 ]; do echo xxxxxxxxxxxx; i=$((i+1)); done; exit 5' INT;"
                     "echo ready; while :; do sleep 0.01; done");
    Child *all[] = {&polite, &deaf, &talker};
    for (int i = 0; i < 3; i++) {
        text_clear(&scene->lines);
        while (!strstr(text_string(&scene->lines), "ready"))
            child_wait_any(all[i], 1, 1, on_line, on_end, scene);
    }
    child_stop(&polite, 10);
    assert_int_equal(polite.exit_code, 130);
    child_stop(&talker, 20);
    assert_int_equal(talker.exit_code, 5);
    child_stop(&deaf, 0.05);
    assert_int_equal(deaf.exit_code, 128 + SIGKILL);
    child_stop(&deaf, 0.05); /* again: nothing to do */
}

/* What a child started itself goes with it, whether it is stopped or ends. */
static void test_no_grandchild_is_left(void **state)
{
    Scene *scene = *state;
    for (int is_stopped = 0; is_stopped < 2; is_stopped++) {
        Child child = shell(scene, is_stopped ? "sleep 60 & echo $!; wait" : "sleep 60 & echo $!");
        text_clear(&scene->lines);
        while (scene->lines.size == 0)
            child_wait_any(&child, 1, 1, on_line, on_end, scene);
        const pid_t grandchild = atoi(text_string(&scene->lines) + 2);
        assert_true(grandchild > 0);
        if (is_stopped)
            child_stop(&child, 5);
        else
            while (child.pid)
                child_wait_any(&child, 1, 1, on_line, on_end, scene);
        assert_true(is_dead_soon(grandchild));
    }
}

/* The parent is killed outright: its child dies too. */
static void test_child_dies_with_its_parent(void **state)
{
    Scene *scene = *state;
    int told[2];
    assert_int_equal(pipe(told), 0);
    const pid_t parent = fork();
    if (parent == 0) {
        Child child = {0};
        const char *const argv[] = {"/bin/sh", "-c", "trap '' INT TERM HUP; while :; do sleep 0.05; done", NULL};
        if (child_start(&child, argv, scene->log, NULL) != STATUS_OK)
            _exit(1);
        if (write(told[1], &child.pid, sizeof child.pid) != sizeof child.pid)
            _exit(1);
        pause();
    }
    pid_t child = 0;
    assert_int_equal(read(told[0], &child, sizeof child), sizeof child);
    assert_true(is_alive(child));
    kill(parent, SIGKILL);
    waitpid(parent, NULL, 0);
    assert_true(is_dead_soon(child));
    close(told[0]);
    close(told[1]);
}

/* Input is empty, and no pipe of another child is held open (its end would go unseen). What this program itself was
 * started with, such as make's job server, is passed on. */
static void test_child_holds_no_other_childs_pipe(void **state)
{
    Scene *scene = *state;
    Child first = shell(scene, "exec sleep 30");
    Child second = shell(scene, "read line || echo end; exec ls /proc/self/fd");
    while (second.pid)
        child_wait_any(&second, 1, 1, on_line, on_end, scene);
    char *rest = scene->lines.data;
    assert_string_equal(strsep(&rest, ";"), "0:end");
    int n = 0;
    for (char *item; (item = strsep(&rest, ";")) != NULL && *item; n++) {
        const int descriptor = atoi(item + 2), flags = fcntl(descriptor, F_GETFD);
        /* 3 is the folder that ls reads. */
        assert_true(descriptor <= 3 || (flags >= 0 && !(flags & FD_CLOEXEC)));
        assert_int_not_equal(descriptor, first.out);
    }
    assert_true(n >= 4);
    child_stop(&first, 5);
}

static void test_self(void **state)
{
    Scene *scene = *state;
    (void)scene;
    assert_int_equal(access(child_self(), X_OK), 0);
}

/* Last: it changes this process's handlers. */
static void test_interrupts(void **state)
{
    Scene *scene = *state;
    child_catch_interrupts();
    assert_int_equal(child_interrupted(), 0);
    Child child = shell(scene, "kill -INT $PPID; exec sleep 30");
    const double start = clock_seconds();
    while (!child_interrupted() && clock_seconds() - start < 20)
        child_wait_any(&child, 1, 20, on_line, on_end, scene);
    assert_true(clock_seconds() - start < 10); /* the wait ended at the signal */
    assert_int_equal(child_interrupted(), 1);
    kill(getpid(), SIGTERM);
    assert_int_equal(child_interrupted(), 2);
    child_stop(&child, 5); /* still obeyed: the child has the default handlers */
    assert_int_equal(child.exit_code, 128 + SIGINT);
    assert_int_equal(write(STDOUT_FILENO, "", 0), 0);
    kill(getpid(), SIGPIPE); /* ignored */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_lines_and_exit_codes, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_much_output_in_pieces, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_time_out, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_start_failures, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_stop, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_no_grandchild_is_left, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_child_dies_with_its_parent, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_child_holds_no_other_childs_pipe, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_self, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_interrupts, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
