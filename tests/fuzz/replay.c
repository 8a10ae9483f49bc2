// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Runs a fuzzer once over each file of its checked-in corpus, without the
 * fuzzing library: what was once found stays found, with any compiler.
 */
#include <glob.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int replay(const char *path)
{
        FILE *f = fopen(path, "re");
        uint8_t *data = NULL;
        long size = -1;
        int r = -1;

        if (f && fseek(f, 0, SEEK_END) == 0)
                size = ftell(f);
        if (size >= 0 && fseek(f, 0, SEEK_SET) == 0)
                data = malloc((size_t)size ?: 1);
        /* Of the file's own size, so that a byte beyond it is seen. */
        if (data && fread(data, 1, (size_t)size, f) == (size_t)size)
                r = LLVMFuzzerTestOneInput(data, (size_t)size);
        free(data);
        if (f)
                fclose(f);
        return r;
}

int main(void)
{
        glob_t g;

        if (glob(CORPUS "/*", 0, NULL, &g) != 0) {
                printf("Bail out! no files in %s\n", CORPUS);
                return 1;
        }
        printf("1..%zu\n", g.gl_pathc);
        for (size_t i = 0; i < g.gl_pathc; i++) {
                int r = replay(g.gl_pathv[i]);

                printf("%sok %zu - %s\n", r == 0 ? "" : "not ", i + 1, g.gl_pathv[i]);
                fflush(stdout);
                if (r != 0)
                        return 1;
        }
        globfree(&g);
        return 0;
}
