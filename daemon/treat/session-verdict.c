/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Prepare's answer; see session-verdict.h. */
#include "session-verdict.h"

static int append_text(sd_bus_message *m, const char *key, const char *value)
{
        return sd_bus_message_append(m, "{sv}", key, "s", value);
}

static int append_reason(sd_bus_message *m, const struct tms_safety_reason *reason)
{
        const char *const pairs[][2] = {
                        {"class", tms_safety_class_name(reason->class_)},
                        {"layer", reason->layer},
                        {"table", reason->table},
                        {"row", reason->row},
                        {"column", reason->column},
                        {"limit", reason->limit},
                        {"actual", reason->actual},
                        {"source", reason->source},
                        {"sentence", reason->sentence},
        };
        size_t i;
        int r;

        r = sd_bus_message_open_container(m, 'a', "{sv}");
        for (i = 0; r >= 0 && i < ELEMENTS(pairs); i++)
                r = append_text(m, pairs[i][0], pairs[i][1]);
        return r < 0 ? r : sd_bus_message_close_container(m);
}

static int append_reasons(sd_bus_message *m, const struct tms_safety *safety)
{
        size_t i;
        int r;

        r = sd_bus_message_open_container(m, 'e', "sv");
        if (r >= 0)
                r = sd_bus_message_append(m, "s", "reasons");
        if (r >= 0)
                r = sd_bus_message_open_container(m, 'v', "aa{sv}");
        if (r >= 0)
                r = sd_bus_message_open_container(m, 'a', "a{sv}");
        for (i = 0; r >= 0 && i < safety->n_reasons; i++)
                r = append_reason(m, safety->reasons + i);
        if (r >= 0)
                r = sd_bus_message_close_container(m);
        if (r >= 0)
                r = sd_bus_message_close_container(m);
        return r < 0 ? r : sd_bus_message_close_container(m);
}

sd_bus_message *verdict_message(sd_bus_message *call, const struct session *s, const struct tms_protocol *protocol,
                                const struct tms_safety *safety)
{
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL;
        int r;

        r = sd_bus_message_new_method_return(call, &m);
        if (r >= 0)
                r = sd_bus_message_open_container(m, 'a', "{sv}");
        if (r >= 0)
                r = append_text(m, "class", tms_safety_class_name(safety->class_));
        if (r >= 0)
                r = append_reasons(m, safety);
        if (r >= 0)
                r = append_text(m, "id", s->protocol_id);
        if (r >= 0)
                r = append_text(m, "sha256", s->protocol_sha256);
        if (r >= 0)
                r = sd_bus_message_append(m, "{sv}{sv}{sv}{sv}{sv}", "pulses", "u", s->timeline.count, "trains", "u",
                                          s->timeline.trains, "max_permille", "u", s->timeline.max_permille,
                                          "first_to_last_ns", "t", s->first_to_last_ns, "cycle_total_ns", "t",
                                          tms_protocol_cycle_total_ns(protocol));
        if (r >= 0)
                r = sd_bus_message_close_container(m);
        return r < 0 ? NULL : TAKE_PTR(m);
}

void verdict_refuse(struct request *q, const struct tms_protocol *protocol, const struct tms_safety *v)
{
        const char *worst[ELEMENTS(v->reasons) + 1] = {NULL};
        _cleanup_(freep) char *sentences = NULL;
        size_t i, n = 0;

        for (i = 0; i < v->n_reasons; i++) {
                if (v->reasons[i].class_ == v->class_)
                        worst[n++] = v->reasons[i].sentence;
        }
        sentences = request_sentences(worst);
        if (!sentences)
                request_refuse(q, ERROR_FAILED, "No memory. End other programs and try again.");
        else if (v->class_ == TMS_SAFETY_NEVER)
                request_refuse(q, ERROR_NOT_ALLOWED, "%s is never allowed:%s", tms_protocol_id(protocol), sentences);
        else
                request_refuse(q, ERROR_NEEDS_OVERRIDE, "%s needs a prescriber's override, with a reason:%s",
                               tms_protocol_id(protocol), sentences);
}
