/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One client that controls something; see keeper.h. */
#include "heartbeat.h"
#include "keeper.h"
#include "peer.h"

struct keeper {
        struct peer *peer;
        struct heartbeat *heartbeat;
        keeper_fn left, silent;
        void *userdata;
        bool has_left;
};

static void on_left(const char *text, void *userdata)
{
        struct keeper *k = userdata;

        k->has_left = true;
        heartbeat_stop(k->heartbeat);
        k->left(k, text, k->userdata);
}

static void on_silent(const char *text, void *userdata)
{
        struct keeper *k = userdata;

        k->silent(k, text, k->userdata);
}

int keeper_new(sd_bus *bus, sd_event *event, const char *name, keeper_fn left, keeper_fn silent, void *userdata,
               struct keeper **ret)
{
        _cleanup_(keeper_freep) struct keeper *k = calloc(1, sizeof(*k));
        int r;

        if (!k)
                return -ENOMEM;
        k->left = left;
        k->silent = silent;
        k->userdata = userdata;
        r = heartbeat_new(bus, event, name, on_silent, k, &k->heartbeat);
        if (r >= 0)
                r = peer_watch(bus, name, on_left, k, &k->peer);
        if (r < 0)
                return r;
        *ret = TAKE_PTR(k);
        return 0;
}

struct keeper *keeper_free(struct keeper *k)
{
        if (!k)
                return NULL;
        peer_free(k->peer);
        heartbeat_free(k->heartbeat);
        free(k);
        return NULL;
}

void keeper_ask(struct keeper *k, bool on)
{
        if (on && !k->has_left)
                heartbeat_start(k->heartbeat);
        else
                heartbeat_stop(k->heartbeat);
}

bool keeper_has_left(const struct keeper *k)
{
        return k->has_left;
}
