/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Are the installed protocol files still those that were read? The stamp is a
 * hash over what stat() says of each of them. Unlike a watch of the folders,
 * stat() follows symbolic links and works on every file system. It includes
 * the time of change (ctime), which a program cannot set back after it has
 * edited a file in place.
 */
#include "protocol.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>
#include <time.h>

/* The coarsest resolution of the times in a file system. */
#define YOUNG_S 2

static bool is_young(const struct timespec *change, const struct timespec *now)
{
        return change->tv_sec >= now->tv_sec - YOUNG_S && change->tv_sec <= now->tv_sec + YOUNG_S;
}

static int stamp_file(FILE *f, const char *folder, const char *name, const struct timespec *now, bool *young)
{
        _cleanup_free_ char *path = NULL;
        struct stat st;

        if (asprintf(&path, "%s/%s", folder, name) < 0) {
                path = NULL;
                return -ENOMEM;
        }
        if (stat(path, &st) < 0) {
                if (errno == ENOMEM)
                        return -ENOMEM;
                /* A dangling link, say: its error is part of the stamp, which changes with the error. */
                fprintf(f, "%s %d\n", path, errno);
                return 0;
        }
        *young = *young || is_young(&st.st_ctim, now);
        fprintf(f, "%s %ju %ju %u %jd %jd.%09ld %jd.%09ld\n", path, (uintmax_t)st.st_dev, (uintmax_t)st.st_ino,
                st.st_mode, (intmax_t)st.st_size, (intmax_t)st.st_mtim.tv_sec, st.st_mtim.tv_nsec,
                (intmax_t)st.st_ctim.tv_sec, st.st_ctim.tv_nsec);
        return 0;
}

static int stamp_folder(FILE *f, const char *folder, const struct timespec *now, bool *young)
{
        struct dirent **entries;
        int n, r = 0;

        n = scandir(folder, &entries, protocol_is_file, alphasort);
        if (n < 0)
                return protocol_is_absent(errno) ? 0 : -errno;
        for (int i = 0; i < n; i++) {
                if (r == 0)
                        r = stamp_file(f, folder, entries[i]->d_name, now, young);
                free(entries[i]);
        }
        free(entries);
        return r;
}

static int stamp_folders(FILE *f, bool *young)
{
        const char *list = protocol_path();
        struct timespec now;
        int r;

        if (clock_gettime(CLOCK_REALTIME, &now) < 0)
                return -errno;
        for (;;) {
                _cleanup_free_ char *folder = NULL;

                r = protocol_path_next(&list, &folder);
                if (r <= 0)
                        return r;
                r = stamp_folder(f, folder, &now, young);
                if (r < 0)
                        return r;
        }
}

int tms_protocol_stamp(char ret[65])
{
        _cleanup_free_ char *text = NULL;
        bool young = false;
        size_t size = 0;
        FILE *f;
        int r;

        f = open_memstream(&text, &size);
        if (!f)
                return -errno;
        r = stamp_folders(f, &young);
        if (fclose(f) != 0 && r == 0)
                r = -ENOMEM;
        if (r == 0)
                r = tms_sha256_hex(text, size, ret);
        return r < 0 ? r : !young;
}
