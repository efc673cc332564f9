/* What a wait set reports. */
#ifndef WAIT_SETS_H
#define WAIT_SETS_H
#include "sources.h"

/* Of the last wait. */
static acl_wait_event events[64];
static size_t reported;

/* A wait answers that many events. */
#define WAITS(set, timeout, should) \
    do { reported = 777; \
        OK(acl_wait_for_io_available(set, timeout, events, 64, &reported)); \
        EQUAL(reported, should); } while (0)
#define QUIET(set) \
    do { WAITS(set, 0.0, 0); WAITS(set, 0.01, 0); } while (0)

#define EVENT(event, socket_, status_, data_) \
    do { CHECK((event)->socket == (socket_)); \
        EQUAL((event)->os_fd, -1); \
        EQUAL((event)->status, status_); \
        CHECK((event)->data == (data_)); } while (0)

/* A wait answers one event, of that socket. */
#define ONE(set, socket_, status_, data_) \
    do { WAITS(set, 10.0, 1); EVENT(&events[0], socket_, status_, data_); } while (0)

/* The same where more than these bits may be set, but no other than the allowed ones. */
#define ONE_LIKE(set, socket_, bits, allowed, data_) \
    do { WAITS(set, 10.0, 1); \
        CHECK(events[0].socket == (socket_) && events[0].data == (data_)); \
        EQUAL(events[0].status & (bits), bits); \
        EQUAL(events[0].status & ~(allowed), 0); } while (0)

/* The event of the last wait that has this data, or NULL; there is one at most. */
static inline acl_wait_event *event_with(void *data)
{
    acl_wait_event *found = NULL;
    size_t i;
    for (i = 0; i < reported; i++)
        if (events[i].data == data) {
            CHECK(found == NULL);
            found = &events[i];
        }
    return found;
}

static inline acl_wait_set *make_set(void)
{
    acl_wait_set *set = NULL;
    OK(acl_make_wait_set(&set));
    CHECK(set != NULL);
    return set;
}

/* A stream that is watched for that, and its raw peer. */
static inline acl_socket *watched(acl_wait_set *set, int kind, int32_t interest, void *data, int *raw)
{
    acl_socket *stream = stream_and_raw(kind, NULL, raw);
    OK(acl_wait_set_watch(set, stream, interest, data));
    return stream;
}

/* Its input is watched, with itself for the data. */
static inline void watch_source(acl_wait_set *set, source *it, int kind)
{
    if (kind == PIPE)
        OK(acl_wait_set_watch_os_fd(set, it->os_fd, ACL_SOCKET_IN, it));
    else
        OK(acl_wait_set_watch(set, it->socket, ACL_SOCKET_IN, it));
}

#define IN ACL_SOCKET_IN
#define OUT ACL_SOCKET_OUT
#define IN_ERROR ACL_SOCKET_IN_ERROR
#define OUT_ERROR ACL_SOCKET_OUT_ERROR
#endif
