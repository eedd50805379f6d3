/* Without these, a run could go on where other bits are computed, or be refused where the same are. */
#include "store/machine.h"

#include "store/manifest.h"
#include "testing.h"

/* The digests are of the machine, not of the moment or the path that its kernels take. */
static void test_a_machine_is_like_itself(void **state)
{
    const Scratch *s = *state;
    const Machine here = machine_here(s->arena, kernels_best());
    assert_int_equal(strlen(here.kernels_bits), 16);
    assert_int_equal(strlen(here.libm_bits), 16);
    assert_int_equal(strlen(here.zlib_bits), 16);
    for (const char *const *name = kernels_available(); *name; name++) {
        const Machine other = machine_here(s->arena, kernels_named(*name));
        assert_string_equal(other.kernels, *name);
        assert_string_equal(other.kernels_bits, here.kernels_bits);
        assert_null(machine_difference(s->arena, &here, &other));
    }
}

/* Bits decide, names do not; what was not recorded cannot differ. */
static void test_what_tells_machines_apart(void **state)
{
    const Scratch *s = *state;
    const Machine here = {"gcc 12", "A", "avx2", "glibc 2.36", "zlib 1.3", "01", "02", "03", OWN_PRODUCTS};
    Machine there = {"clang 14", "B", "plain", "glibc 2.31", "zlib 1.2", "01", "02", "03", OWN_PRODUCTS};
    assert_null(machine_difference(s->arena, &there, &here));
    there.libm_bits = "04";
    assert_string_equal(machine_difference(s->arena, &there, &here),
                        "libm: other bits (glibc 2.31 on B there, glibc 2.36 on A here)");
    there.libm_bits = "", there.zlib_bits = "04";
    assert_string_equal(machine_difference(s->arena, &there, &here),
                        "zlib: other bits (zlib 1.2 on B there, zlib 1.3 on A here)");
    there.kernels_bits = "04";
    assert_string_equal(machine_difference(s->arena, &there, &here),
                        "the kernels: other bits (plain on B there, avx2 on A here)");
    there.kernels_bits = there.libm_bits = there.zlib_bits = "";
    assert_null(machine_difference(s->arena, &there, &here));
    there.products = "OpenBLAS 0.3.21, core Zen, OpenMP";
    assert_string_equal(machine_difference(s->arena, &there, &here),
                        "matrix products: made by OpenBLAS 0.3.21, core Zen, OpenMP there, by " OWN_PRODUCTS " here");
    there.products = "";
    assert_null(machine_difference(s->arena, &there, &here));
}

static void write_manifest(const Scratch *s, RunStatus status, const Machine *machine)
{
    Error err;
    const Manifest manifest = {.status = status, .id = "0123456789ab", .seed = 1, .machine = *machine};
    assert_ok(manifest_write(s->folder, &manifest, &err), &err);
}

/* Only who would go on from another machine's checkpoint is refused. */
static void test_who_may_go_on(void **state)
{
    const Scratch *s = *state;
    const Machine here = {"gcc 12", "A", "avx2", "glibc 2.36", "zlib 1.3", "01", "02", "03", OWN_PRODUCTS};
    Machine there = here;
    Error err;
    there.libm_bits = "04";
    assert_ok(machine_check(s->folder, &here, &err), &err); /* nothing there */
    write_manifest(s, RUN_INTERRUPTED, &there);
    assert_ok(machine_check(s->folder, &here, &err), &err); /* it starts anew */
    assert_ok(file_make_folder(scratch_path(s, RUN_CHECKPOINTS), &err), &err);
    assert_ok(file_write(run_checkpoint_path(s->arena, s->folder, 4), "", 0, &err), &err);
    assert_refused(
        machine_check(s->folder, &here, &err), STATUS_INPUT,
        arena_format(s->arena,
                     "%s: was begun on a machine that does not compute the same: libm: other bits (glibc 2.36 on A "
                     "there, glibc 2.36 on A here); go on there, or here with --accept-other-machine",
                     s->folder),
        &err);
    write_manifest(s, RUN_FINISHED, &there);
    assert_ok(machine_check(s->folder, &here, &err), &err);
    write_manifest(s, RUN_RUNNING, &here);
    assert_ok(machine_check(s->folder, &here, &err), &err);
}

static void test_this_machine_has_a_name(void **state)
{
    const Scratch *s = *state;
    const char *cpu = machine_cpu(s->arena), *compiler = machine_compiler();
    assert_true(strlen(cpu) > 2 && !strchr(cpu, '\n'));
    assert_true(strncmp(compiler, "gcc ", 4) == 0 || strncmp(compiler, "clang ", 6) == 0);
    assert_non_null(strchr(compiler, '.'));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, scratch_set_up, scratch_tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_a_machine_is_like_itself),
        TEST(test_what_tells_machines_apart),
        TEST(test_who_may_go_on),
        TEST(test_this_machine_has_a_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
