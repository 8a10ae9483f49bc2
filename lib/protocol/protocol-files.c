/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Where protocol files are: in the clinic's own folder, and in that of the
 * shipped ones; a file in the first takes precedence. A file is read whole
 * before it is parsed, so that the hash is that of the parsed bytes.
 */
#include "protocol.h"
#include "source.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#define PROTOCOL_PATH "/etc/tmsd/protocols:/usr/share/tmsd/protocols"
#define SUFFIX ".yaml"

static int file_read(const char *path, char **ret, size_t *ret_size, struct tms_error *error)
{
        _cleanup_close_ int fd = -1;
        struct stat st;

        fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
        if (fd < 0)
                return tms_error_set(error, errno, path, 0, 0, NULL, "cannot open the file: %s; %s", strerror(errno),
                                     tms_errno_step(errno));
        if (fstat(fd, &st) < 0)
                return tms_error_set(error, errno, path, 0, 0, NULL, "cannot look at the file: %s; %s", strerror(errno),
                                     tms_errno_step(errno));
        if (!S_ISREG(st.st_mode))
                return tms_error_set(error, EINVAL, path, 0, 0, NULL,
                                     "this is not a regular file; expected a protocol file");

        return text_read(fd, path, ret, ret_size, error);
}

int tms_protocol_load(const char *path, struct tms_protocol **ret, struct tms_error *error)
{
        _cleanup_free_ char *text = NULL;
        size_t size = 0;
        int r;

        r = file_read(path, &text, &size, error);
        if (r < 0)
                return r;
        return tms_protocol_parse(path, text, size, ret, error);
}

/* Refuses an installed file whose name is not its id, so that an id finds the file that a listing shows. */
static int installed_load(const char *path, const char *id, size_t id_length, struct tms_protocol **ret,
                          struct tms_error *error)
{
        _cleanup_(tms_protocol_freep) struct tms_protocol *p = NULL;
        int r;

        r = tms_protocol_load(path, &p, error);
        if (r < 0)
                return r;
        if (strlen(p->id) != id_length || memcmp(p->id, id, id_length) != 0)
                return tms_error_set(error, EINVAL, path, 0, 0, "id",
                                     "the file's id is \"%s\"; expected the file's name, \"%.*s\"", p->id,
                                     (int)id_length, id);
        *ret = TAKE_PTR(p);
        return 0;
}

const char *protocol_path(void)
{
        return secure_getenv("TMS_PROTOCOL_PATH") ?: PROTOCOL_PATH;
}

int protocol_path_next(const char **list, char **ret)
{
        size_t n;

        while (**list == ':')
                (*list)++;
        n = strcspn(*list, ":");
        if (n == 0)
                return 0;
        *ret = strndup(*list, n);
        if (!*ret)
                return -ENOMEM;
        *list += n;
        return 1;
}

bool protocol_is_absent(int error)
{
        return error == ENOENT || error == ENOTDIR;
}

/* 1: it exists, 0: it does not, or a negative errno: it cannot be known. */
static int file_exists(const char *path)
{
        if (access(path, F_OK) == 0)
                return 1;
        return protocol_is_absent(errno) ? 0 : -errno;
}

static bool id_plausible(const char *id)
{
        return id[0] && strlen(id) < 64 && strspn(id, "abcdefghijklmnopqrstuvwxyz0123456789-") == strlen(id);
}

int tms_protocol_find(const char *id, struct tms_protocol **ret, struct tms_error *error)
{
        const char *list = protocol_path();
        int r;

        if (!id_plausible(id))
                return tms_error_set(error, EINVAL, NULL, 0, 0, NULL,
                                     "\"%.64s\" cannot be a protocol's id; expected small letters, digits and dashes",
                                     id);
        for (;;) {
                _cleanup_free_ char *folder = NULL, *path = NULL;

                r = protocol_path_next(&list, &folder);
                if (r == 0)
                        break;
                if (r < 0 || asprintf(&path, "%s/%s" SUFFIX, folder, id) < 0) {
                        path = NULL;
                        return error_memory(error, NULL);
                }
                r = file_exists(path);
                if (r < 0)
                        return tms_error_set(error, -r, path, 0, 0, NULL, "cannot look for the file: %s; %s",
                                             strerror(-r), tms_errno_step(-r));
                if (r > 0)
                        return installed_load(path, id, strlen(id), ret, error);
        }
        return tms_error_set(error, ENOENT, NULL, 0, 0, NULL,
                             "there is no protocol \"%s\" in %s; expected an installed one: tmsctl list shows them", id,
                             protocol_path());
}

int protocol_is_file(const struct dirent *entry)
{
        size_t n = strlen(entry->d_name);

        return entry->d_name[0] != '.' && n > strlen(SUFFIX) && strcmp(entry->d_name + n - strlen(SUFFIX), SUFFIX) == 0;
}

/* 1: a folder that takes precedence has a file of that name; 0: none has; or a negative errno: it cannot be known. */
static int hidden(const char *folders_end, const char *name)
{
        const char *list = protocol_path();
        int r = 0;

        while (r == 0) {
                _cleanup_free_ char *folder = NULL, *path = NULL;

                r = protocol_path_next(&list, &folder);
                if (r < 0)
                        return r;
                if (r == 0 || list >= folders_end)
                        return 0;
                if (asprintf(&path, "%s/%s", folder, name) < 0) {
                        path = NULL;
                        return -ENOMEM;
                }
                r = file_exists(path);
        }
        return r;
}

/* With these errors the file itself may be good, so that it must not be listed as a bad one: the listing fails. */
static bool is_our_lack(int r)
{
        return r == -ENOMEM || r == -EMFILE || r == -ENFILE || r == -EIO;
}

static int found_file(const char *folder, const char *folders_end, const char *name,
                      int (*found)(const char *path, struct tms_protocol *p, const struct tms_error *error,
                                   void *userdata),
                      void *userdata)
{
        _cleanup_(tms_protocol_freep) struct tms_protocol *p = NULL;
        _cleanup_free_ char *path = NULL;
        struct tms_error error = {};
        int r;

        r = hidden(folders_end, name);
        if (r != 0)
                return r < 0 ? r : 0;
        if (asprintf(&path, "%s/%s", folder, name) < 0) {
                path = NULL;
                return -ENOMEM;
        }
        r = installed_load(path, name, strlen(name) - strlen(SUFFIX), &p, &error);
        if (is_our_lack(r))
                return r;
        return found(tms_text_line(path), p, &error, userdata);
}

/* The library frees the protocol when the callback has returned. */
int tms_protocol_foreach(int (*found)(const char *path, struct tms_protocol *p, const struct tms_error *error,
                                      void *userdata),
                         void *userdata)
{
        const char *list = protocol_path();
        int r = 0;

        while (r == 0) {
                _cleanup_free_ char *folder = NULL;
                struct dirent **entries;
                int n;

                r = protocol_path_next(&list, &folder);
                if (r <= 0)
                        break;
                r = 0;
                n = scandir(folder, &entries, protocol_is_file, alphasort);
                if (n < 0 && !protocol_is_absent(errno))
                        return -errno;
                for (int i = 0; i < n; i++) {
                        if (r == 0)
                                r = found_file(folder, list, entries[i]->d_name, found, userdata);
                        free(entries[i]);
                }
                if (n >= 0)
                        free(entries);
        }
        return r;
}
