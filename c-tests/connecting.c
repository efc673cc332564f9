/* Connecting with a time limit. */
#include "places.h"
#include "timeouts.h"

TEST(connecting_expires)
{
    EACH_PLACE {
        int before, round;
        place at;
        storm signals;
        acl_socket *stream = (acl_socket *)1;
        full_place(&at, kind);
        before = open_descriptors();
        EXPIRES(reach(&at, 0.2, &stream), ACL_SOCKET_CONNECT_TIMEOUT, 0.2);
        CHECK(stream == NULL);
        EXPIRES(reach(&at, 1e-9, &stream), ACL_SOCKET_CONNECT_TIMEOUT, 0);
        for (round = 0; round < 20; round++)
            EXPIRES(reach(&at, 0.01, &stream), ACL_SOCKET_CONNECT_TIMEOUT, 0.01);
        EQUAL(open_descriptors(), before);
        for (round = 0; round < 2; round++) {
            storm_begins(&signals, 0, round ? SA_RESTART : 0);
            EXPIRES(reach(&at, 0.15, &stream), ACL_SOCKET_CONNECT_TIMEOUT, 0.15);
            CHECK(interruptions >= 10);
            storm_ends(&signals);
        }
        EQUAL(open_descriptors(), before);
        close_place(&at);
    }
}

/* Makes room for the connection that hangs. */
typedef struct { place at; volatile sig_atomic_t *interruptions; } crowd;

static acl_status make_room(task *self)
{
    crowd *it = self->data;
    COMES(GET(*it->interruptions) >= 10, 20);
    close(take(&it->at));
    return ACL_SOCKET_OK;
}

TEST(interrupted_connecting_goes_on)
{
    static const double timeouts[] = { 0, 20 };
    EACH_PLACE {
        int round;
        for (round = 0; round < 4; round++) {
            crowd it = { .interruptions = &interruptions };
            task helper;
            storm signals;
            acl_socket *stream;
            full_place(&it.at, kind);
            storm_begins(&signals, 0, round % 2 ? SA_RESTART : 0);
            TASK_BEGINS(&helper, make_room, .data = &it);
            OK(reach(&it.at, timeouts[round / 2], &stream));
            CHECK(interruptions >= 10);
            storm_ends(&signals);
            TASK_ENDS(&helper, patience(), ACL_SOCKET_OK);
            works(stream, take(&it.at));
            done(stream);
            close_place(&it.at);
        }
    }
}

TEST(refused_is_refused)
{
    EACH_PLACE {
        static const double timeouts[] = { 0, 5, ACL_SOCKET_NO_TIMEOUT };
        int i;
        place at;
        acl_socket *stream;
        bound(&at, kind);
        for (i = 0; i < 3; i++) {
            EQUAL(reach(&at, timeouts[i], &stream), ACL_SOCKET_CONNECTION_REFUSED);
            CHECK(stream == NULL);
            EQUAL(acl_stream_error_code(), ECONNREFUSED);
            if (begin(&at, timeouts[i], &stream) == ACL_SOCKET_OK) {
                EQUAL(acl_finish_connect(stream, ACL_SOCKET_WAIT), ACL_SOCKET_CONNECTION_REFUSED);
                EQUAL(acl_stream_error_code(), ECONNREFUSED);
                OK(acl_close(stream, 0));
                OK(acl_free_socket(stream));
            } else {
                EQUAL(acl_stream_error_identifier(), ACL_SOCKET_CONNECTION_REFUSED);
                CHECK(stream == NULL);
            }
        }
        close_place(&at);
    }
}

/* How the descriptor of a stream is set. */
typedef struct { long flags; struct timeval receive, send; } setting;

static setting setting_of(acl_socket *stream)
{
    setting is;
    socklen_t size = sizeof is.receive;
    int32_t fd;
    memset(&is, 0, sizeof is);
    OK(acl_socket_os_fd(stream, &fd));
    is.flags = fcntl(fd, F_GETFL);
    EQUAL(is.flags & O_NONBLOCK, 0);
    EQUAL(getsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &is.receive, &size), 0);
    EQUAL(getsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &is.send, &size), 0);
    return is;
}

TEST(what_is_connected_is_like_any_stream)
{
    static const double timeouts[] = { 0.2, 5, INFINITY, 1e300, ACL_SOCKET_NO_TIMEOUT };
    EACH_PLACE {
        int i, peer;
        place at;
        acl_socket *stream, *like;
        open_place(&at, kind, 20);
        OK(reach(&at, 0, &like));
        close(take(&at));
        for (i = 0; i < 5; i++) {
            setting is, should = setting_of(like);
            OK(reach(&at, timeouts[i], &stream));
            peer = take(&at);
            is = setting_of(stream);
            EQUAL(memcmp(&is, &should, sizeof is), 0);
            if (i == 0)
                waits_for(stream, peer, 0.3);
            works(stream, peer);
            done(stream);
            OK(begin(&at, timeouts[i], &stream));
            OK(acl_finish_connect(stream, ACL_SOCKET_WAIT));
            is = setting_of(stream);
            EQUAL(memcmp(&is, &should, sizeof is), 0);
            works(stream, take(&at));
            done(stream);
        }
        done(like);
        EQUAL(reach(&at, NAN, &stream), ACL_SOCKET_INVALID_ARGUMENT);
        CHECK(stream == NULL);
        EQUAL(begin(&at, NAN, &stream), ACL_SOCKET_INVALID_ARGUMENT);
        close_place(&at);
    }
}

MAIN(CASE(connecting_expires), CASE(interrupted_connecting_goes_on), CASE(refused_is_refused),
     CASE(what_is_connected_is_like_any_stream))
