/* Connecting without waiting. */
#include "places.h"
#include "timeouts.h"

TEST(begun_and_finished)
{
    EACH_PLACE {
        int round, tries;
        place at;
        acl_socket *pending;
        open_place(&at, kind, 20);
        for (round = 0; round < 20; round++) {
            acl_status status;
            OK(begin(&at, round % 3 ? 20 : 0, &pending));
            for (tries = 0; (status = acl_finish_connect(pending, round % 2)) == ACL_SOCKET_WOULD_BLOCK; tries++) {
                CHECK(round % 2 == ACL_SOCKET_NO_WAIT && tries < 10000);
                nap(1000);
            }
            OK(status);
            OK(acl_finish_connect(pending, ACL_SOCKET_WAIT));
            OK(acl_finish_connect(pending, ACL_SOCKET_NO_WAIT));
            works(pending, take(&at));
            OK(acl_finish_connect(pending, ACL_SOCKET_WAIT));
            OK(acl_close(pending, 0));
            EQUAL(acl_finish_connect(pending, ACL_SOCKET_WAIT), ACL_SOCKET_CLOSED);
            OK(acl_free_socket(pending));
            EQUAL(acl_finish_connect(pending, ACL_SOCKET_WAIT), ACL_SOCKET_INVALID_HANDLE);
        }
        close_place(&at);
    }
}

TEST(begun_where_it_hangs)
{
    EACH_PLACE {
        int before, round;
        uint8_t byte;
        uint32_t character;
        size_t length;
        char text[10];
        place at;
        storm signals;
        acl_socket *pending;
        full_place(&at, kind);
        before = open_descriptors();
        OK(begin(&at, 0, &pending));
        for (round = 0; round < 3; round++) {
            EQUAL(acl_finish_connect(pending, ACL_SOCKET_NO_WAIT), ACL_SOCKET_WOULD_BLOCK);
            EQUAL(acl_read_byte(pending, &byte), ACL_SOCKET_WOULD_BLOCK);
            EQUAL(acl_read_char(pending, &character), ACL_SOCKET_WOULD_BLOCK);
            EQUAL(acl_read_line(pending, text, sizeof text, &length), ACL_SOCKET_WOULD_BLOCK);
            EQUAL(acl_read_vector(pending, text, sizeof text, &length), ACL_SOCKET_WOULD_BLOCK);
            EQUAL(acl_write_byte(pending, 'x'), ACL_SOCKET_WOULD_BLOCK);
            EQUAL(acl_write_string(pending, "x", 1), ACL_SOCKET_WOULD_BLOCK);
        }
        OK(acl_close(pending, 0));
        EQUAL(acl_finish_connect(pending, ACL_SOCKET_WAIT), ACL_SOCKET_CLOSED);
        OK(acl_free_socket(pending));
        EQUAL(open_descriptors(), before);
        OK(begin(&at, 0, &pending));
        OK(acl_free_socket(pending));
        EQUAL(open_descriptors(), before);

        EXPIRES((begin(&at, 0.1, &pending), acl_finish_connect(pending, ACL_SOCKET_WAIT)), ACL_SOCKET_CONNECT_TIMEOUT, 0.1);
        done(pending);
        for (round = 0; round < 2; round++) {
            storm_begins(&signals, 0, round ? SA_RESTART : 0);
            EXPIRES((begin(&at, 0.15, &pending), acl_finish_connect(pending, ACL_SOCKET_WAIT)), ACL_SOCKET_CONNECT_TIMEOUT, 0.15);
            CHECK(interruptions >= 10);
            storm_ends(&signals);
            done(pending);
        }
        /* The time has passed already. */
        OK(begin(&at, 0.05, &pending));
        nap(100000);
        EXPIRES(acl_finish_connect(pending, ACL_SOCKET_WAIT), ACL_SOCKET_CONNECT_TIMEOUT, 0);
        done(pending);
        EQUAL(open_descriptors(), before);
        /* There will be room. */
        OK(begin(&at, 20, &pending));
        close(take(&at));
        OK(acl_finish_connect(pending, ACL_SOCKET_WAIT));
        works(pending, take(&at));
        done(pending);
        close_place(&at);
    }
}

TEST(what_cannot_be_begun_or_finished)
{
    acl_socket *passive, *datagram, *pending = (acl_socket *)1;
    place at;
    int32_t port;
    passive = listener(&port);
    OK(MAKE(&datagram, .type = ACL_SOCKET_DATAGRAM));
    EQUAL(acl_finish_connect(passive, ACL_SOCKET_NO_WAIT), ACL_SOCKET_WRONG_KIND);
    EQUAL(acl_finish_connect(datagram, ACL_SOCKET_WAIT), ACL_SOCKET_WRONG_KIND);
    EQUAL(acl_finish_connect(NULL, ACL_SOCKET_WAIT), ACL_SOCKET_INVALID_HANDLE);
    EQUAL(acl_begin_connect(ARGS(acl_make_socket_args, .connect = ACL_SOCKET_PASSIVE), &pending), ACL_SOCKET_INVALID_ARGUMENT);
    CHECK(pending == NULL);
    EQUAL(acl_begin_connect(ARGS(acl_make_socket_args, .type = ACL_SOCKET_DATAGRAM), &pending), ACL_SOCKET_INVALID_ARGUMENT);
    EQUAL(acl_begin_connect(ARGS(acl_make_socket_args, .remote_host = "127.0.0.1"), &pending), ACL_SOCKET_INVALID_ARGUMENT);
    EQUAL(acl_begin_connect(ARGS(acl_make_socket_args, .address_family = ACL_SOCKET_FILE), &pending),
        ACL_SOCKET_INVALID_ARGUMENT);
    EQUAL(acl_begin_connect(NULL, &pending), ACL_SOCKET_INVALID_ARGUMENT);
    open_place(&at, OVER_TCP, 5);
    EQUAL(begin(&at, 0, NULL), ACL_SOCKET_INVALID_ARGUMENT);
    OK(begin(&at, 0, &pending));
    EQUAL(acl_finish_connect(pending, 7), ACL_SOCKET_INVALID_ARGUMENT);
    OK(acl_finish_connect(pending, ACL_SOCKET_WAIT));
    done(pending);
    close_place(&at);
    done(passive);
    done(datagram);
}

TEST(many_are_waited_for_together)
{
    enum { MANY = 8 };
    acl_socket *pending[MANY + 1];
    acl_wait_item items[MANY + 1];
    acl_wait_event events[MANY + 1];
    acl_wait_set *set;
    size_t i, count, available;
    uint8_t byte;
    int finished = 0, seen[MANY] = { 0 }, peer = -1;
    double end = clock_now() + 20;
    place at, full;
    open_place(&at, OVER_TCP, MANY);
    full_place(&full, OVER_TCP);
    OK(acl_make_wait_set(&set));
    for (i = 0; i <= MANY; i++) {
        OK(begin(i < MANY ? &at : &full, 0, &pending[i]));
        OK(acl_wait_set_watch(set, pending[i], ACL_SOCKET_OUT, &pending[i]));
    }
    while (finished < MANY) {
        CHECK(clock_now() < end);
        OK(acl_wait_for_io_available(set, 5, events, MANY + 1, &count));
        for (i = 0; i < count; i++) {
            size_t which = (size_t)((acl_socket **)events[i].data - pending);
            EQUAL(events[i].status, ACL_SOCKET_OUT);
            CHECK(events[i].socket == pending[which] && which < MANY && !seen[which]);
            OK(acl_finish_connect(pending[which], ACL_SOCKET_NO_WAIT));
            OK(acl_wait_set_watch(set, pending[which], 0, NULL));
            seen[which] = 1;
            finished++;
        }
    }
    OK(acl_wait_for_io_available(set, 0, events, MANY + 1, &count));
    EQUAL(count, 0);
    EQUAL(acl_finish_connect(pending[MANY], ACL_SOCKET_NO_WAIT), ACL_SOCKET_WOULD_BLOCK);
    OK(acl_free_wait_set(set));
    for (i = 0; i < MANY; i++)
        done(pending[i]);
    for (i = 0; i < MANY; i++)
        close(take(&at));

    /* Two and the one that hangs: the peer of the first speaks first. */
    for (i = 0; i < 2; i++) {
        OK(begin(&at, 0, &pending[i]));
        if (i == 0)
            peer = take(&at);
    }
    pending[2] = pending[MANY];
    memset(items, 0, sizeof items);
    for (i = 0; i < 3; i++)
        items[i].socket = pending[i];
    EQUAL(send(peer, "x", 1, MSG_NOSIGNAL), 1);
    OK(acl_wait_for_input_available(items, 3, 10, &available));
    EQUAL(available, 1);
    EQUAL(items[0].available, 1);
    EQUAL(items[1].available, 0);
    EQUAL(items[2].available, 0);
    OK(acl_finish_connect(pending[0], ACL_SOCKET_NO_WAIT));
    OK(acl_read_byte(pending[0], &byte));
    EQUAL(byte, 'x');
    works(pending[0], peer);
    for (i = 0; i < 3; i++)
        done(pending[i]);
    close_place(&at);
    close_place(&full);
}

TEST(close_ends_the_wait)
{
    static const double timeouts[] = { 0, 20 };
    EACH_PLACE {
        int i;
        place at;
        full_place(&at, kind);
        for (i = 0; i < 2; i++) {
            task finisher;
            acl_socket *pending;
            OK(begin(&at, timeouts[i], &pending));
            TASK_BEGINS(&finisher, in_finish_connect, .socket = pending);
            TASK_ASKS(&finisher);
            OK(acl_close(pending, 0));
            TASK_ENDS(&finisher, patience(), ACL_SOCKET_CLOSED);
            OK(acl_free_socket(pending));
        }
        close_place(&at);
    }
}

MAIN(CASE(begun_and_finished), CASE(begun_where_it_hangs), CASE(what_cannot_be_begun_or_finished),
     CASE(many_are_waited_for_together), CASE(close_ends_the_wait))
