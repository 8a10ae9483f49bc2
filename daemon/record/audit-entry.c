/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is submitted to the audit writer; see audit-entry.h. */
#include <assert.h>

#include "audit-entry.h"
#include "clock.h"

struct entry *entry_free(struct entry *e)
{
        if (!e)
                return NULL;
        json_decref(e->who);
        json_decref(e->data);
        if (e->kind == ENTRY_PULSES_CLOSE)
                pulsefile_free(e->pulses);
        free(e->type);
        free(e->on);
        free(e->text);
        free(e->events);
        free(e);
        return NULL;
}

struct entry *entry_new(enum entry_kind kind, audit_done_fn done, void *userdata)
{
        struct entry *e = calloc(1, sizeof(*e));
        struct clock_now now;

        if (!e)
                return NULL;
        e->kind = kind;
        e->done = done;
        e->userdata = userdata;
        clock_read(&now);
        e->utc_ns = now.utc_ns;
        e->boottime_ns = now.boottime_ns;
        e->synchronised = now.synchronised;
        e->mono_ns = now_ns(CLOCK_MONOTONIC);
        return e;
}

struct entry *entry_new_record(const struct audit_record *record, audit_done_fn done, void *userdata)
{
        _cleanup_(json_decrefp) json_t *who = record->who, *data = record->data;
        _cleanup_(entry_freep) struct entry *e = entry_new(ENTRY_RECORD, done, userdata);

        assert(record->type);
        if (e) {
                e->type = strdup(record->type);
                e->on = strdup(record->on ? record->on : "");
        }
        /*
         * A JSON null is an object for which there was no memory, see request_who(). BOOTTIME is recorded because
         * nobody can set it.
         */
        if (!e || !e->type || !e->on || !data || json_is_null(who) ||
            json_object_set_new(data, "boottime_ns", json_u64(e->boottime_ns)) < 0 ||
            json_object_set_new(data, "synchronised", json_boolean(e->synchronised)) < 0)
                return NULL;
        e->who = TAKE_PTR(who);
        e->data = TAKE_PTR(data);
        e->pulses = record->pulses;
        e->begins = record->begins;
        e->refusable = record->refusable;
        e->need_bytes = record->need_bytes;
        return TAKE_PTR(e);
}

struct entry *entry_new_seal(json_t *who, const char *nonce, audit_done_fn done, void *userdata)
{
        _cleanup_(json_decrefp) json_t *own = who;
        _cleanup_(entry_freep) struct entry *e = entry_new(ENTRY_SEAL, done, userdata);

        assert(nonce);
        if (e)
                e->text = strdup(nonce);
        if (!e || !e->text || json_is_null(own))
                return NULL;
        e->who = TAKE_PTR(own);
        return TAKE_PTR(e);
}

struct entry *entry_new_close(json_t *who, const char *reason, audit_done_fn done, void *userdata)
{
        _cleanup_(json_decrefp) json_t *own = who;
        _cleanup_(entry_freep) struct entry *e = entry_new(ENTRY_CLOSE_SEGMENT, done, userdata);

        if (e && reason)
                e->text = strdup(reason);
        if (!e || (reason && !e->text) || json_is_null(own))
                return NULL;
        e->who = TAKE_PTR(own);
        return TAKE_PTR(e);
}

struct entry *entry_new_protocol(const char *sha256, const char *text, size_t size, audit_done_fn done, void *userdata)
{
        _cleanup_(entry_freep) struct entry *e = entry_new(ENTRY_PROTOCOL, done, userdata);

        assert(sha256 && text);
        if (e) {
                e->type = strdup(sha256);
                e->text = malloc(size + 1);
        }
        if (!e || !e->type || !e->text)
                return NULL;
        memcpy(e->text, text, size);
        e->size = size;
        return TAKE_PTR(e);
}

struct entry *entry_new_snapshot(struct snapshot *s, audit_done_fn done, void *userdata)
{
        struct entry *e = entry_new(ENTRY_SNAPSHOT, done, userdata);

        if (e)
                e->snapshot = s;
        return e;
}

struct entry *entry_new_append(struct pulsefile *p, const struct tms_event *events, size_t n, audit_done_fn done,
                               void *userdata)
{
        _cleanup_(entry_freep) struct entry *e = entry_new(ENTRY_PULSES_APPEND, done, userdata);

        assert(p);
        if (e)
                e->events = calloc(n ? n : 1, sizeof(*events));
        if (!e || !e->events)
                return NULL;
        memcpy(e->events, events, n * sizeof(*events));
        e->n_events = n;
        e->pulses = p;
        return TAKE_PTR(e);
}
