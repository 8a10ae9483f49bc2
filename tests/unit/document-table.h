/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A table of states as daemon/DESIGN.md prints it, held against the one that the daemon goes by. */
#ifndef DOCUMENT_TABLE_H
#define DOCUMENT_TABLE_H

struct document_table {
        const char *head; /* the document's first line of it */
        unsigned first_state, states, first_event, events;
        const char *(*state_name)(unsigned state);
        const char *(*event_name)(unsigned event);
        unsigned (*next)(unsigned state, unsigned event);
        unsigned nowhere; /* what next() says of a way that there is not */
};

/* Each way of the table is a row of the document, and each row a way; else the test fails. */
void document_table_check(const struct document_table *t);

#endif
