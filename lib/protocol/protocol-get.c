/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a program may ask of a protocol that has been read. */
#include "protocol.h"

#include <errno.h>

const char *tms_protocol_id(const struct tms_protocol *p)
{
        return p->id;
}

const char *tms_protocol_title(const struct tms_protocol *p)
{
        return p->title;
}

const char *tms_protocol_indication(const struct tms_protocol *p)
{
        return p->indication;
}

const char *tms_protocol_target(const struct tms_protocol *p)
{
        return p->target;
}

const char *tms_protocol_coil(const struct tms_protocol *p)
{
        return coil_names[p->coil];
}

const char *tms_protocol_waveform(const struct tms_protocol *p)
{
        return waveform_names[p->waveform];
}

const char *tms_protocol_status(const struct tms_protocol *p)
{
        return protocol_statuses[p->status];
}

const char *tms_protocol_sha256(const struct tms_protocol *p)
{
        return p->sha256;
}

const char *tms_protocol_text(const struct tms_protocol *p, size_t *ret_size)
{
        if (ret_size)
                *ret_size = p->size;
        return p->text;
}

const char *tms_protocol_reference(const struct tms_protocol *p)
{
        return base_names[p->reference];
}

uint32_t tms_protocol_percent_permille(const struct tms_protocol *p)
{
        return p->percent_permille;
}

uint32_t tms_protocol_highest_permille(const struct tms_protocol *p)
{
        return p->highest_permille;
}

const char *tms_protocol_notes(const struct tms_protocol *p)
{
        return p->notes ?: "";
}

bool tms_protocol_verified(const struct tms_protocol *p)
{
        return p->verified;
}

size_t tms_protocol_legs(const struct tms_protocol *p)
{
        return p->n_legs;
}

const char *tms_protocol_leg_name(const struct tms_protocol *p, size_t leg)
{
        return leg < p->n_legs && p->legs[leg].name ? p->legs[leg].name : "";
}

const char *tms_protocol_leg_target(const struct tms_protocol *p, size_t leg)
{
        return leg < p->n_legs && p->legs[leg].target ? p->legs[leg].target : p->target;
}

void tms_protocol_course(const struct tms_protocol *p, struct tms_course_defaults *ret)
{
        *ret = p->course;
}

const char *tms_protocol_maintenance(const struct tms_protocol *p)
{
        return p->maintenance ?: "";
}

size_t tms_protocol_citations(const struct tms_protocol *p)
{
        return p->n_citations;
}

int tms_protocol_citation(const struct tms_protocol *p, size_t index, struct tms_citation *ret)
{
        if (index >= p->n_citations)
                return -EINVAL;
        *ret = (struct tms_citation){
                        .text = p->citations[index].text,
                        .supports = p->citations[index].supports,
                        .basis = citation_bases[p->citations[index].basis],
                        .verified = p->citations[index].verified,
        };
        return 0;
}
