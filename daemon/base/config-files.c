/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which files the configuration is read from; see config-files.h. */
#include <dirent.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "config-files.h"

#define MAIN_NAME "tmsd.conf"
#define DROP_INS MAIN_NAME ".d"

/* What was found under a name, also when it masks what other directories have under it. */
struct found {
        char *name, *path;
        bool masks;
};

struct finds {
        struct found *list;
        size_t n;
};

static void finds_clear(struct finds *f)
{
        size_t i;

        for (i = 0; i < f->n; i++) {
                free(f->list[i].name);
                free(f->list[i].path);
        }
        free(f->list);
        *f = (struct finds){0};
}

/* False: there is nothing of that name. A link that leads nowhere is there: reading it will tell. */
static bool is_there(const char *path, bool *ret_masks)
{
        struct stat st;

        if (lstat(path, &st) < 0 && errno == ENOENT)
                return false;
        *ret_masks = stat(path, &st) >= 0 && S_ISCHR(st.st_mode) && st.st_rdev == makedev(1, 3);
        return true;
}

/* Nothing happens when an earlier directory has that name. path is taken over. */
static int add(struct finds *f, const char *name, char *path)
{
        _cleanup_(freep) char *own = path;
        struct found *list;
        bool masks;
        size_t i;

        if (!own)
                return -ENOMEM;
        for (i = 0; i < f->n; i++) {
                if (STREQ(f->list[i].name, name))
                        return 0;
        }
        if (!is_there(own, &masks))
                return 0;
        list = reallocarray(f->list, f->n + 1, sizeof(*list));
        if (!list)
                return -ENOMEM;
        f->list = list;
        list[f->n] = (struct found){.name = strdup(name), .path = own, .masks = masks};
        if (!list[f->n].name)
                return -ENOMEM;
        own = NULL;
        f->n++;
        return 0;
}

static char *path_of(const char *a, const char *b)
{
        char *path;

        return asprintf(&path, "%s/%s", a, b) < 0 ? NULL : path;
}

static int is_conf(const struct dirent *de)
{
        size_t n = strlen(de->d_name);

        return de->d_name[0] != '.' && n > 5 && STREQ(de->d_name + n - 5, ".conf");
}

static int add_drop_ins(struct finds *f, const char *dir)
{
        _cleanup_(freep) char *path = path_of(dir, DROP_INS);
        struct dirent **entries;
        int i, n, r = 0;

        if (!path)
                return -ENOMEM;
        n = scandir(path, &entries, is_conf, NULL);
        if (n < 0 && errno == ENOENT)
                return 0;
        if (n < 0) {
                r = -errno;
                log_event(CONFIG_WRONG, FIELDS(field_text("CONFIG_FILE", path), field_errno(r)), "%s: %s; %s", path,
                          strerror(-r), CONFIG_READABLE);
                return r;
        }
        for (i = 0; i < n; i++) {
                if (r >= 0)
                        r = add(f, entries[i]->d_name, path_of(path, entries[i]->d_name));
                free(entries[i]);
        }
        free(entries);
        return r;
}

static int by_name(const void *a, const void *b)
{
        return strcmp(((const struct found *)a)->name, ((const struct found *)b)->name);
}

/* Takes the paths of those that are to be read over from f. */
static int take_paths(struct config_files *files, struct finds *f)
{
        char **paths = reallocarray(files->paths, files->n + f->n + 1, sizeof(*paths));
        size_t i;

        if (!paths)
                return -ENOMEM;
        files->paths = paths;
        for (i = 0; i < f->n; i++) {
                if (!f->list[i].masks)
                        files->paths[files->n++] = TAKE_PTR(f->list[i].path);
        }
        return 0;
}

static int find(const char *const *dirs, struct finds *mains, struct finds *drop_ins)
{
        const char *const *dir;
        int r = 0;

        for (dir = dirs; *dir && r >= 0; dir++) {
                r = add(mains, MAIN_NAME, path_of(*dir, MAIN_NAME));
                if (r >= 0)
                        r = add_drop_ins(drop_ins, *dir);
        }
        if (drop_ins->n > 1)
                qsort(drop_ins->list, drop_ins->n, sizeof(*drop_ins->list), by_name);
        return r;
}

int config_files_find(const char *const *dirs, struct config_files *ret)
{
        struct finds mains = {0}, drop_ins = {0};
        struct config_files files = {0};
        int r;

        r = find(dirs, &mains, &drop_ins);
        if (r >= 0)
                r = take_paths(&files, &mains);
        if (r >= 0)
                r = take_paths(&files, &drop_ins);
        finds_clear(&mains);
        finds_clear(&drop_ins);
        if (r < 0) {
                config_files_clear(&files);
                return r;
        }
        *ret = files;
        return 0;
}

void config_files_clear(struct config_files *files)
{
        size_t i;

        for (i = 0; i < files->n; i++)
                free(files->paths[i]);
        free(files->paths);
        *files = (struct config_files){0};
}
