/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A directory of its own for each test; see scratch.h. */
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#include "scratch.h"

int scratch_open(char **ret_path)
{
        char template[] = "/tmp/tmsd-test-XXXXXX";
        int fd;

        assert_non_null(mkdtemp(template));
        fd = open(template, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        assert_true(fd >= 0);
        *ret_path = strdup(template);
        assert_non_null(*ret_path);
        return fd;
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
        return remove(path);
}

void scratch_close(int fd, char *path)
{
        close(fd);
        assert_int_equal(nftw(path, remove_one, 16, FTW_DEPTH | FTW_PHYS), 0);
        free(path);
}

int scratch_setup(void **state)
{
        struct scratch *s = calloc(1, sizeof(*s));

        assert_non_null(s);
        s->fd = scratch_open(&s->path);
        assert_true(asprintf(&s->audit, "%s/audit", s->path) > 0);
        *state = s;
        return 0;
}

int scratch_teardown(void **state)
{
        struct scratch *s = *state;

        free(s->audit);
        scratch_close(s->fd, s->path);
        free(s);
        return 0;
}

char *scratch_read(const char *dir, const char *name, size_t *ret_size)
{
        char path[PATH_MAX], *buf;
        struct stat st;
        FILE *f;

        (void)snprintf(path, sizeof(path), "%s/%s", dir, name);
        f = fopen(path, "re");
        if (!f)
                fail_msg("%s is not there", path);
        assert_int_equal(fstat(fileno(f), &st), 0);
        buf = calloc(1, (size_t)st.st_size + 1);
        assert_non_null(buf);
        assert_int_equal(fread(buf, 1, (size_t)st.st_size, f), st.st_size);
        (void)fclose(f);
        if (ret_size)
                *ret_size = (size_t)st.st_size;
        return buf;
}

void scratch_write(const char *dir, const char *name, const void *data, size_t size)
{
        char path[PATH_MAX];
        FILE *f;
        int fd;

        (void)snprintf(path, sizeof(path), "%s/%s", dir, name);
        /* As the daemon makes its files: nobody else's. */
        fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
        assert_true(fd >= 0);
        f = fdopen(fd, "we");
        assert_non_null(f);
        assert_int_equal(fwrite(data, 1, size, f), size);
        assert_int_equal(fclose(f), 0);
}

unsigned scratch_count(const char *dir, const char *name, const char *text)
{
        char *all = scratch_read(dir, name, NULL), *p;
        unsigned n = 0;

        for (p = all; (p = strstr(p, text)); p++)
                n++;
        free(all);
        return n;
}

bool scratch_exists(const char *dir, const char *name)
{
        char path[PATH_MAX];

        (void)snprintf(path, sizeof(path), "%s/%s", dir, name);
        return access(path, F_OK) == 0;
}
