/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The tree over a log's records against RFC 6962's definition, written out, and against the hashes that other programs have for the same leaves. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include <openssl/evp.h>

#include "merkle.h"

#define LEAVES 300

/* Leaves and roots of 1 to 8 of them, as the tests of Certificate Transparency's logs have them. */
static const struct {
        const char *leaf;
        size_t size;
        const char *root;
} known[] = {
                {"", 0, "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d"},
                {"\x00", 1, "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125"},
                {"\x10", 1, "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77"},
                {"\x20\x21", 2, "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7"},
                {"\x30\x31", 2, "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4"},
                {"\x40\x41\x42\x43", 4, "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef"},
                {"\x50\x51\x52\x53\x54\x55\x56\x57", 8,
                 "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c"},
                {"\x60\x61\x62\x63\x64\x65\x66\x67\x68\x69\x6a\x6b\x6c\x6d\x6e\x6f", 16,
                 "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328"},
};

static void hex(const unsigned char hash[static TMS_MERKLE_HASH], char ret[static 2 * TMS_MERKLE_HASH + 1])
{
        for (size_t i = 0; i < TMS_MERKLE_HASH; i++)
                sprintf(ret + 2 * i, "%02x", hash[i]);
}

static void test_known(void **state)
{
        char text[2 * TMS_MERKLE_HASH + 1];
        unsigned char hash[TMS_MERKLE_HASH];
        struct tms_merkle t = {0};

        assert_int_equal(0, tms_merkle_root(NULL, &t, hash));
        hex(hash, text);
        assert_string_equal("e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855", text);
        for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
                assert_int_equal(0, tms_merkle_leaf(NULL, known[i].leaf, known[i].size, hash));
                assert_int_equal(0, tms_merkle_add(NULL, &t, hash));
                assert_int_equal(i + 1, t.size);
                assert_int_equal(0, tms_merkle_root(NULL, &t, hash));
                hex(hash, text);
                assert_string_equal(known[i].root, text);
        }
}

/* MTH() of RFC 6962, word by word. */
static void mth(unsigned char (*leaves)[TMS_MERKLE_HASH], size_t n, unsigned char ret[static TMS_MERKLE_HASH])
{
        unsigned char both[1 + 2 * TMS_MERKLE_HASH] = {1};
        unsigned int size;
        size_t k = 1;

        if (n == 1) {
                memcpy(ret, leaves[0], TMS_MERKLE_HASH);
                return;
        }
        while (2 * k < n)
                k *= 2;
        mth(leaves, k, both + 1);
        mth(leaves + k, n - k, both + 1 + TMS_MERKLE_HASH);
        assert_int_equal(1, EVP_Digest(both, sizeof(both), ret, &size, EVP_sha256(), NULL));
}

static void test_definition(void **state)
{
        static unsigned char leaves[LEAVES][TMS_MERKLE_HASH];
        unsigned char is[TMS_MERKLE_HASH], due[TMS_MERKLE_HASH];
        struct tms_merkle t = {0};

        for (size_t n = 1; n <= LEAVES; n++) {
                assert_int_equal(0, tms_merkle_leaf(NULL, &n, sizeof(n), leaves[n - 1]));
                assert_int_equal(0, tms_merkle_add(NULL, &t, leaves[n - 1]));
                assert_int_equal(0, tms_merkle_root(NULL, &t, is));
                mth(leaves, n, due);
                assert_memory_equal(due, is, sizeof(is));
        }
}

static void test_full(void **state)
{
        unsigned char leaf[TMS_MERKLE_HASH] = {0};
        struct tms_merkle t = {.size = UINT64_MAX};

        assert_int_equal(-EOVERFLOW, tms_merkle_add(NULL, &t, leaf));
        assert_true(t.size == UINT64_MAX);
}

/* The tree as text, and the text as tree: for each number of leaves; no other text is one. */
static void test_text(void **state)
{
        static const char empty[] = "[]";
        unsigned char leaf[TMS_MERKLE_HASH], is[TMS_MERKLE_HASH], due[TMS_MERKLE_HASH];
        char text[TMS_MERKLE_TEXT], small[20];
        struct tms_merkle t = {0}, again;
        struct tms_hasher h = {0};

        assert_int_equal(strlen(empty), tms_merkle_text(&t, text, sizeof(text)));
        assert_string_equal(empty, text);
        for (size_t n = 1; n <= LEAVES; n++) {
                size_t size;

                assert_int_equal(0, tms_merkle_leaf(&h, &n, sizeof(n), leaf));
                assert_int_equal(0, tms_merkle_add(&h, &t, leaf));
                size = tms_merkle_text(&t, text, sizeof(text));
                assert_int_equal(size, strlen(text));
                assert_int_equal(size, tms_merkle_text(&t, small, sizeof(small)));
                assert_int_equal(strlen(small), sizeof(small) - 1);
                assert_int_equal(0, memcmp(small, text, strlen(small)));
                assert_int_equal(0, tms_merkle_parse(text, size, n, &again));
                assert_int_equal(0, tms_merkle_root(&h, &t, due));
                assert_int_equal(0, tms_merkle_root(&h, &again, is));
                assert_memory_equal(due, is, sizeof(is));
                assert_int_equal(-EBADMSG, tms_merkle_parse(text, size - 1, n, &again));
                /* A tree over more or fewer leaves has as many hashes only if its size has as many bits 1. */
                for (size_t m = n - 1; m <= n + 1; m++)
                        assert_int_equal(__builtin_popcountl(m) == __builtin_popcountl(n) ? 0 : -EBADMSG,
                                         tms_merkle_parse(text, size, m, &again));
                text[2] = 'A';
                assert_int_equal(-EBADMSG, tms_merkle_parse(text, size, n, &again));
        }
        assert_int_equal(-EBADMSG, tms_merkle_parse("", 0, 1, &again));
        assert_int_equal(-EBADMSG, tms_merkle_parse("", 0, 0, &again));
        tms_hasher_clear(&h);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                        cmocka_unit_test(test_known),
                        cmocka_unit_test(test_definition),
                        cmocka_unit_test(test_full),
                        cmocka_unit_test(test_text),
        };

        return cmocka_run_group_tests_name("merkle", tests, NULL, NULL);
}
