/* Connecting left by longjmp, and what closes what it had opened. */
#include "places.h"
#include "timeouts.h"

/* The names of files in a call that is left while it connects to one leak, as README.md says; valgrind.supp has the
 * same. Called by AddressSanitizer. */
const char *__lsan_default_suppressions(void);

const char *__lsan_default_suppressions(void)
{
    return "leak:address*FileName\n";
}

typedef struct { const place *at; double timeout; } attempt;

static acl_status connect_to(task *self)
{
    const attempt *it = self->data;
    return reach(it->at, it->timeout, &self->socket);
}

/* Its blocks do not end. */
static acl_status connect_in_blocks(task *self)
{
    acl_status status = ACL_SOCKET_OK;
    ACL_SOCKET_WITH_PENDING_CONNECT
        ACL_SOCKET_WITH_PENDING_CONNECT
            status = connect_to(self);
    return status;
}

/* Leaves the call where it waits for a connection. */
static void leave(acl_status (*call)(task *), task *self)
{
    storm signals;
    storm_begins(&signals, 1, 0);
    EQUAL(leavable(call, self), LEFT);
    storm_ends(&signals);
}

static void leave_connecting(const place *at, double timeout)
{
    attempt it = { at, timeout };
    leave(connect_to, &(task){ .data = &it });
}

static void leave_block(const place *at)
{
    attempt it = { at, 0 };
    leave(connect_in_blocks, &(task){ .data = &it });
}

TEST(the_block_closes_what_was_left)
{
    EACH_PLACE {
        int before, round;
        place at;
        full_place(&at, kind);
        before = open_descriptors();
        for (round = 0; round < rounds(200, 20); round++) {
            ACL_SOCKET_WITH_PENDING_CONNECT
                leave_connecting(&at, round % 2 ? 20 : 0);
            EQUAL(open_descriptors(), before);
        }
        close_place(&at);
    }
}

TEST(blocks_nest)
{
    EACH_PLACE {
        int before;
        place at, good;
        acl_socket *stream, *inner, *outer, *later;
        full_place(&at, kind);
        open_place(&good, kind, 5);
        before = open_descriptors();
        ACL_SOCKET_WITH_PENDING_CONNECT {
            OK(reach(&good, 5, &outer));
            leave_connecting(&at, 0);
            ACL_SOCKET_WITH_PENDING_CONNECT {
                OK(reach(&good, 0, &inner));
                leave_connecting(&at, 20);
                OK(begin(&at, 0, &later));
            }
            EQUAL(open_descriptors(), before + 3);
            leave_connecting(&at, 0);
        }
        EQUAL(open_descriptors(), before + 3);
        /* Completed ones, and those begun by acl_begin_connect, are untouched. */
        works(outer, take(&good));
        works(inner, take(&good));
        EQUAL(acl_finish_connect(later, ACL_SOCKET_NO_WAIT), ACL_SOCKET_WOULD_BLOCK);
        done(outer);
        done(inner);
        done(later);
        ACL_SOCKET_WITH_PENDING_CONNECT
            EQUAL(reach(&at, 0.01, &stream), ACL_SOCKET_CONNECT_TIMEOUT);
        EQUAL(open_descriptors(), before);
        close_place(&at);
        close_place(&good);
    }
}

TEST(what_no_block_closed_is_closed_later)
{
    EACH_PLACE {
        int before, round;
        int32_t token;
        place at;
        acl_socket *datagram;
        full_place(&at, kind);
        before = open_descriptors();
        for (round = 0; round < rounds(40, 4); round++) {
            if (round % 2)
                leave_block(&at);
            else
                leave_connecting(&at, 0);
            if (round / 2 % 2) {
                token = acl_begin_pending_connect();
                EQUAL(open_descriptors(), before);
                OK(acl_end_pending_connect(token));
            } else {
                OK(MAKE(&datagram, .type = ACL_SOCKET_DATAGRAM));
                EQUAL(open_descriptors(), before + 1);
                done(datagram);
            }
            EQUAL(open_descriptors(), before);
        }
        close_place(&at);
    }
}

static acl_status leave_and_end(task *self)
{
    leave_connecting(self->data, 0);
    return LEFT;
}

static acl_status leave_block_and_end(task *self)
{
    leave_block(self->data);
    return LEFT;
}

TEST(a_thread_that_ends_leaves_nothing)
{
    EACH_PLACE {
        int before, round;
        place at;
        full_place(&at, kind);
        before = open_descriptors();
        for (round = 0; round < rounds(40, 4); round++) {
            task leaver;
            TASK_BEGINS(&leaver, round % 2 ? leave_and_end : leave_block_and_end, .data = &at);
            TASK_ENDS(&leaver, 20, LEFT);
            EQUAL(open_descriptors(), before);
        }
        close_place(&at);
    }
}

TEST(the_functions_of_the_block)
{
    EACH_PLACE {
        int before;
        int32_t token, inner;
        place at, good;
        acl_socket *stream;
        full_place(&at, kind);
        open_place(&good, kind, 5);
        before = open_descriptors();
        OK(reach(&good, 0, &stream));
        token = acl_begin_pending_connect();
        inner = acl_begin_pending_connect();
        leave_connecting(&at, 0);
        acl_end_pending_connect(0x12345678);
        acl_end_pending_connect(-1);
        acl_end_pending_connect(INT32_MIN);
        OK(acl_end_pending_connect(inner));
        EQUAL(open_descriptors(), before + 1);
        acl_end_pending_connect(inner);
        leave_connecting(&at, 0);
        OK(acl_end_pending_connect(token));
        EQUAL(open_descriptors(), before + 1);
        acl_end_pending_connect(token);
        acl_end_pending_connect(0);
        /* The outer one ends what is left of the inner one. */
        token = acl_begin_pending_connect();
        acl_begin_pending_connect();
        leave_connecting(&at, 0);
        OK(acl_end_pending_connect(token));
        EQUAL(open_descriptors(), before + 1);
        works(stream, take(&good));
        done(stream);
        close_place(&at);
        close_place(&good);
    }
}

static acl_status connect_beside(task *self)
{
    EXPIRES(reach(self->data, 1, &self->socket), ACL_SOCKET_CONNECT_TIMEOUT, 1);
    return ACL_SOCKET_OK;
}

TEST(a_block_is_for_its_own_thread)
{
    EACH_PLACE {
        int before;
        place at;
        task beside;
        full_place(&at, kind);
        before = open_descriptors();
        TASK_BEGINS(&beside, connect_beside, .data = &at);
        TASK_BLOCKS(&beside);
        while (!GET(beside.ended))
            ACL_SOCKET_WITH_PENDING_CONNECT
                leave_connecting(&at, 0);
        TASK_ENDS(&beside, patience(), ACL_SOCKET_OK);
        EQUAL(open_descriptors(), before);
        close_place(&at);
    }
}

TEST(finishing_can_be_left)
{
    EACH_PLACE {
        acl_socket *pending;
        place at;
        full_place(&at, kind);
        OK(begin(&at, 0, &pending));
        leave(in_finish_connect, &(task){ .socket = pending });
        EQUAL(acl_finish_connect(pending, ACL_SOCKET_NO_WAIT), ACL_SOCKET_WOULD_BLOCK);
        close(take(&at));
        OK(acl_finish_connect(pending, ACL_SOCKET_WAIT));
        works(pending, take(&at));
        done(pending);
        close_place(&at);
    }
}

MAIN(CASE(the_block_closes_what_was_left), CASE(blocks_nest), CASE(what_no_block_closed_is_closed_later),
     CASE(a_thread_that_ends_leaves_nothing), CASE(the_functions_of_the_block), CASE(a_block_is_for_its_own_thread),
     CASE(finishing_can_be_left))
