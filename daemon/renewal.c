/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The wish that the daemon be started anew; see renewal.h. */
#include <assert.h>
#include <sys/inotify.h>

#include "log.h"
#include "renewal.h"

#define WISH "restart-wanted"

struct renewal {
        sd_event_source *source;
        renewal_fn wanted;
        void *userdata;
        bool is_wanted;
};

static int on_change(sd_event_source *source, const struct inotify_event *e, void *userdata)
{
        struct renewal *w = userdata;

        if (w->is_wanted || e->len == 0 || !STREQ(e->name, WISH))
                return 0;
        w->is_wanted = true;
        w->wanted(w->userdata);
        return 0;
}

int renewal_new(sd_event *event, const char *dir, renewal_fn wanted, void *userdata, struct renewal **ret)
{
        _cleanup_(renewal_freep) struct renewal *w = calloc(1, sizeof(*w));
        int r;

        assert(wanted);
        if (!w)
                return -ENOMEM;
        w->wanted = wanted;
        w->userdata = userdata;
        /* The file is new, or written to again. */
        r = sd_event_add_inotify(event, &w->source, dir, IN_CREATE | IN_MOVED_TO | IN_CLOSE_WRITE | IN_ONLYDIR,
                                 on_change, w);
        if (r == -ENOMEM)
                return r;
        if (r < 0)
                log_info("%s cannot be watched: %s; after an upgrade: systemctl restart tmsd, with no session open",
                         dir, strerror(-r));
        else
                (void)sd_event_source_set_description(w->source, "renewal");
        *ret = TAKE_PTR(w);
        return 0;
}

struct renewal *renewal_free(struct renewal *w)
{
        if (!w)
                return NULL;
        sd_event_source_disable_unref(w->source);
        free(w);
        return NULL;
}

bool renewal_is_wanted(const struct renewal *w)
{
        return w->is_wanted;
}
