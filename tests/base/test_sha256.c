/* Without these, run ids and input hashes could silently mean something else than SHA-256, or depend on how bytes
 * arrive. Vectors: FIPS 180-4's examples as NIST publishes them. */
#include "base/sha256.h"

#include "testing.h"

static void test_vectors(void **state)
{
    (void)state;
    static const struct {
        const char *message, *digest;
    } cases[] = {
        {"", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
        {"abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
        {"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
         "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"},
        {"abcdefghbcdefghicdefghijdefghijkefghijklfghijklmghijklmnhijklmnoijklmnopjklmnopqklmnopqrlmnopqrsmnopqrstnopqr"
         "stu",
         "cf5b16a778af8380036ce59e7b0492370b249b11e8f07a51afac45037afee9d1"},
    };
    char hex[65];
    for (size_t i = 0; i < N_TESTS(cases); i++) {
        sha256_hex(cases[i].message, strlen(cases[i].message), hex);
        assert_string_equal(hex, cases[i].digest);
    }
}

static void test_a_million_letters(void **state)
{
    (void)state;
    Sha256 sha;
    char piece[1000], hex[65];
    unsigned char digest[32];
    memset(piece, 'a', sizeof piece);
    sha256_start(&sha);
    for (int i = 0; i < 1000; i++)
        sha256_add(&sha, piece, sizeof piece);
    sha256_end(&sha, digest);
    sha256_digest_hex(digest, hex);
    assert_string_equal(hex, "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

/* Every length around the block size, cut at every place. */
static void test_pieces_do_not_matter(void **state)
{
    (void)state;
    unsigned char bytes[200], digest[32];
    char whole[65], pieces[65];
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (unsigned char)(i * 37);
    for (size_t n = 0; n <= sizeof bytes; n++) {
        sha256_hex(bytes, n, whole);
        for (size_t cut = 0; cut <= n; cut += 7) {
            Sha256 sha;
            sha256_start(&sha);
            sha256_add(&sha, bytes, cut);
            sha256_add(&sha, bytes + cut, n - cut);
            sha256_end(&sha, digest);
            sha256_digest_hex(digest, pieces);
            assert_string_equal(whole, pieces);
        }
    }
}

/* Other machines have no instructions for it. */
static void test_instructions_and_plain_agree(void **state)
{
    (void)state;
    enum { N = 9 };
    unsigned char bytes[64 * N + 1];
    uint32_t plain[8], machine[8];
    uint32_t word = 1;
    for (int round = 0; round < 200; round++)
        for (int n = 0; n <= N; n++) {
            for (size_t i = 0; i < sizeof bytes; i++)
                bytes[i] = (unsigned char)((word = word * 1664525 + 1013904223) >> 24);
            for (int i = 0; i < 8; i++)
                plain[i] = machine[i] = word = word * 1664525 + 1013904223;
            sha256_blocks_plain(plain, bytes + round % 2, (size_t)n);
            sha256_blocks_of_machine()(machine, bytes + round % 2, (size_t)n);
            assert_memory_equal(plain, machine, sizeof plain);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_vectors),
        cmocka_unit_test(test_a_million_letters),
        cmocka_unit_test(test_pieces_do_not_matter),
        cmocka_unit_test(test_instructions_and_plain_agree),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
