/*
 * client_events: lines of the log about clients that connect and leave.
 *
 * On request (-log-connections), and then about each: there is no limit, as
 * whoever asks for them wants all. Threads: loop-owned.
 */
#ifndef DERPKIT_CLIENT_EVENTS_H
#define DERPKIT_CLIENT_EVENTS_H

struct client;

void client_events_connected(const struct client *c);

/* Before client_leave, while the socket is open. `why` is what conn_end was
 * told; NULL or "": an ordinary end. */
void client_events_disconnected(const struct client *c, const char *why);

#endif
