/* Hundreds of threads do at random whatever there is to do to a table of shared handles, freeing them under each other. */
#include "concurrent.h"

enum { SLOTS = 64, SETS = 4, GRAVES = 256, MOST_THREADS = 200, MOST_CONNECTIONS = 1500 };

/* --- the tables */

/* The kind of a handle stands beside it, so that confused handles are found. */
typedef struct { acl_socket *socket; int32_t type, family; } entry;
static entry slots[SLOTS];
static acl_wait_set *sets[SETS];
/* Handles that have been freed: never valid again. */
static acl_socket *graves[GRAVES];
static acl_wait_set *set_graves[GRAVES];
static unsigned buried, sets_buried;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static acl_socket *shared_listener;
static int32_t shared_port;
static int over, connections;
static unsigned long long operations;

typedef struct { uint64_t state; unsigned long long done; } dice;

static entry look(int slot)
{
    entry found;
    pthread_mutex_lock(&lock);
    found = slots[slot];
    pthread_mutex_unlock(&lock);
    return found;
}

static acl_wait_set *look_set(int slot)
{
    acl_wait_set *found;
    pthread_mutex_lock(&lock);
    found = sets[slot];
    pthread_mutex_unlock(&lock);
    return found;
}

static acl_socket *grave(unsigned at)
{
    acl_socket *found;
    pthread_mutex_lock(&lock);
    found = graves[at % GRAVES];
    pthread_mutex_unlock(&lock);
    return found;
}

/* --- what may be answered */

#define LIST(...) (const acl_status[]){ __VA_ARGS__, -1 }
/* OK and what any function says of a handle that another thread closes, frees or replaces by one of another kind. */
#define ANSWERS(call, ...) \
    answers(__LINE__, #call, call, \
        LIST(ACL_SOCKET_OK, ACL_SOCKET_INVALID_HANDLE, ACL_SOCKET_CLOSED, ACL_SOCKET_WRONG_KIND, __VA_ARGS__))
#define CONNECTING ACL_SOCKET_CONNECT_TIMEOUT, ACL_SOCKET_CONNECTION_RESET, ACL_SOCKET_ADDRESS_NOT_AVAILABLE
#define READING ACL_SOCKET_END_OF_FILE, ACL_SOCKET_WOULD_BLOCK, ACL_SOCKET_READ_TIMEOUT, CONNECTING
#define WRITING ACL_SOCKET_WOULD_BLOCK, ACL_SOCKET_WRITE_TIMEOUT, ACL_SOCKET_SHUTDOWN, CONNECTING, EPIPE_TOO
/* ACL_SOCKET_UNKNOWN with one of these. */
#define EPIPE_TOO 10000 + EPIPE
#define ENOTCONN_TOO 10000 + ENOTCONN

static acl_status answers(int line, const char *call, acl_status status, const acl_status *list)
{
    acl_status wanted = status == ACL_SOCKET_UNKNOWN ? 10000 + acl_stream_error_code() : status;
    for (; *list >= 0; list++)
        if (*list == wanted)
            return status;
    fail(__FILE__, line, "%s answers %d; %s", call, (int)status, acl_stream_error_report());
    return status;
}

/* --- making and freeing */

static void bury(acl_socket *socket)
{
    int32_t value;
    if (ANSWERS(acl_free_socket(socket), ACL_SOCKET_OK) != ACL_SOCKET_OK)
        return;
    EQUAL(acl_socket_type(socket, &value), ACL_SOCKET_INVALID_HANDLE);
    EQUAL(acl_free_socket(socket), ACL_SOCKET_INVALID_HANDLE);
    pthread_mutex_lock(&lock);
    graves[buried++ % GRAVES] = socket;
    pthread_mutex_unlock(&lock);
}

static void publish(dice *random, acl_socket *socket, int32_t type, int32_t family)
{
    int slot = (int)(chance(&random->state) % SLOTS);
    acl_socket *old;
    pthread_mutex_lock(&lock);
    old = slots[slot].socket;
    slots[slot] = (entry){ socket, type, family };
    pthread_mutex_unlock(&lock);
    if (old != NULL)
        bury(old);
}

static void limit_times(acl_socket *socket)
{
    OK(acl_socket_control(socket, ARGS(acl_socket_control_args, .read_timeout = 0.002, .write_timeout = 0.002)));
}

static void make_pair(dice *random, int type, int os_type)
{
    int pair[2], i;
    if (socketpair(AF_UNIX, os_type | SOCK_CLOEXEC, 0, pair) != 0) {
        EQUAL(errno, EMFILE);
        return;
    }
    for (i = 0; i < 2; i++) {
        acl_socket *socket;
        OK(acl_socket_from_os_fd(pair[i], NULL, &socket));
        limit_times(socket);
        publish(random, socket, type, ACL_SOCKET_FILE);
    }
}

static void make(dice *random)
{
    acl_socket *socket = NULL;
    acl_make_socket_args args = { ACL_SOCKET_ARGS(acl_make_socket_args), .local_host = "127.0.0.1" };
    uint32_t what = chance(&random->state) % 6;
    args.read_timeout = args.write_timeout = 0.002;
    if (what == 0) {
        make_pair(random, ACL_SOCKET_STREAM, SOCK_STREAM);
    } else if (what == 1) {
        make_pair(random, ACL_SOCKET_DATAGRAM, SOCK_DGRAM);
    } else if (what == 2) {
        args.type = ACL_SOCKET_DATAGRAM;
        ANSWERS(acl_make_socket(&args, &socket), 10000 + EMFILE);
    } else if (what == 3) {
        args.connect = ACL_SOCKET_PASSIVE;
        ANSWERS(acl_make_socket(&args, &socket), 10000 + EMFILE);
    } else if (ADD(connections, 1) < MOST_CONNECTIONS) {
        args.remote_host = "127.0.0.1";
        args.remote_port = shared_port;
        args.local_host = NULL;
        args.connect_timeout = 0.02;
        if (what == 4)
            ANSWERS(acl_make_socket(&args, &socket), CONNECTING, 10000 + EMFILE);
        else
            ANSWERS(acl_begin_connect(&args, &socket), CONNECTING, 10000 + EMFILE);
    }
    if (socket != NULL)
        publish(random, socket, what == 2 ? ACL_SOCKET_DATAGRAM : ACL_SOCKET_STREAM, ACL_SOCKET_INTERNET);
}

static void accept_one(dice *random, acl_socket *passive)
{
    acl_socket *stream;
    acl_status status = ANSWERS(acl_accept_connection(passive, ACL_SOCKET_NO_WAIT, &stream), ACL_SOCKET_WOULD_BLOCK,
        ACL_SOCKET_CONNECTION_ABORTED, ACL_SOCKET_READ_TIMEOUT, 10000 + EMFILE);
    CHECK((stream != NULL) == (status == ACL_SOCKET_OK));
    if (stream != NULL) {
        limit_times(stream);
        publish(random, stream, ACL_SOCKET_STREAM, ACL_SOCKET_INTERNET);
    }
}

/* --- the operations */

static void look_at_it(const entry *it)
{
    int32_t value;
    char text[200];
    uint64_t count;
    if (ANSWERS(acl_socket_type(it->socket, &value), ACL_SOCKET_OK) == ACL_SOCKET_OK)
        EQUAL(value, it->type);
    if (ANSWERS(acl_socket_address_family(it->socket, &value), ACL_SOCKET_OK) == ACL_SOCKET_OK)
        EQUAL(value, it->family);
    ANSWERS(acl_socket_connect(it->socket, &value), ACL_SOCKET_OK);
    ANSWERS(acl_local_port(it->socket, &value), ACL_SOCKET_OK);
    ANSWERS(acl_prin1_to_string(it->socket, text, sizeof text, NULL), ACL_SOCKET_BUFFER_TOO_SMALL);
    ANSWERS(acl_socket_bytes_read(it->socket, &count), ACL_SOCKET_OK);
    ANSWERS(acl_socket_os_fd(it->socket, &value), ACL_SOCKET_OK);
}

static void read_some(dice *random, acl_socket *socket)
{
    char room[300];
    uint8_t byte;
    uint32_t character;
    int32_t ready;
    size_t length;
    acl_received received;
    switch (chance(&random->state) % 8) {
    case 0: ANSWERS(acl_read_char_no_hang(socket, &character), READING); break;
    case 1: ANSWERS(acl_read_byte(socket, &byte), READING); break;
    case 2: ANSWERS(acl_read_line(socket, room, sizeof room, NULL), READING, ACL_SOCKET_BUFFER_TOO_SMALL); break;
    case 3: ANSWERS(acl_read_sequence(socket, room, sizeof room, (int32_t)(chance(&random->state) % 2), &length), READING); break;
    case 4: ANSWERS(acl_listen(socket, &ready), READING); break;
    case 5: CHECK((acl_read_no_hang_p(socket) & ~1) == 0); break;
    case 6: ANSWERS(acl_clear_input(socket), READING); break;
    default:
        ANSWERS(acl_receive_from(socket, room, sizeof room, &received), READING, ACL_SOCKET_CONNECTION_REFUSED, ENOTCONN_TOO);
    }
}

static void write_some(dice *random, acl_socket *socket)
{
    static const char text[5000];
    size_t length;
    switch (chance(&random->state) % 6) {
    case 0: ANSWERS(acl_write_byte(socket, 'x'), WRITING); break;
    case 1: ANSWERS(acl_write_line(socket, "a line", 6), WRITING); break;
    case 2: ANSWERS(acl_write_vector(socket, text, chance(&random->state) % sizeof text, &length), WRITING); break;
    case 3: ANSWERS(acl_force_output(socket), WRITING); break;
    case 4: CHECK((acl_write_no_hang_p(socket) & ~1) == 0); break;
    default:
        ANSWERS(acl_send_to(socket, "datagram", 8,
            ARGS(acl_send_to_args, .remote_host = "127.0.0.1", .remote_port = shared_port), NULL), WRITING,
            ACL_SOCKET_INVALID_ARGUMENT, ACL_SOCKET_CONNECTION_REFUSED, ENOTCONN_TOO, 10000 + EISCONN, 10000 + EINVAL);
    }
}

static void change(dice *random, acl_socket *socket)
{
    switch (chance(&random->state) % 6) {
    case 0:
        ANSWERS(acl_socket_control(socket, ARGS(acl_socket_control_args, .read_timeout = 0.001, .write_timeout = 0.002)),
            ACL_SOCKET_OK);
        break;
    case 1: ANSWERS(acl_set_socket_deadline(socket, chance(&random->state) % 2 ? 0.001 : -1.0), ACL_SOCKET_OK); break;
    case 2:
        ANSWERS(acl_set_socket_options(socket, ARGS(acl_set_socket_options_args, .keepalive = ACL_SOCKET_ON)), 10000 + EOPNOTSUPP,
            ACL_SOCKET_PROTOCOL_NOT_AVAILABLE, ACL_SOCKET_WOULD_BLOCK);
        break;
    case 3: ANSWERS(acl_shutdown(socket, ACL_SOCKET_INPUT), ENOTCONN_TOO, ACL_SOCKET_WOULD_BLOCK); break;
    case 4: ANSWERS(acl_shutdown(socket, ACL_SOCKET_OUTPUT), ENOTCONN_TOO, ACL_SOCKET_WOULD_BLOCK); break;
    default:
        ANSWERS(acl_finish_connect(socket, ACL_SOCKET_NO_WAIT), ACL_SOCKET_WOULD_BLOCK, CONNECTING);
    }
}

static void watch_or_wait(dice *random, acl_socket *socket)
{
    static const double no_time[] = { 0, 0, 0, 0.001 };
    int at = (int)(chance(&random->state) % SETS);
    acl_wait_set *set = look_set(at);
    acl_wait_event events[5];
    acl_wait_item items[3] = { { .socket = socket } };
    size_t count, i;
    uint32_t what = chance(&random->state) % 30;
    double timeout = no_time[chance(&random->state) % 4];
    for (i = 1; i < 3; i++)
        items[i].socket = look((int)(chance(&random->state) % SLOTS)).socket;
    if (what < 10) {
        int32_t interest = (int32_t)(chance(&random->state) % 4);
        interest = (interest & 1 ? ACL_SOCKET_IN : 0) | (interest & 2 ? ACL_SOCKET_OUT : 0);
        ANSWERS(acl_wait_set_watch(set, socket, interest, socket), ACL_SOCKET_INVALID_ARGUMENT);
    } else if (what < 20) {
        if (ANSWERS(acl_wait_for_io_available(set, timeout, events, 5, &count), ACL_SOCKET_OK) == ACL_SOCKET_OK) {
            CHECK(count <= 5);
            for (i = 0; i < count; i++)
                CHECK(events[i].status != 0 && events[i].os_fd == -1 && events[i].data == events[i].socket);
        }
    } else if (what < 28) {
        if (ANSWERS(acl_wait_for_input_available(items, 3, timeout, &count), 10000 + EBADF, 10000 + EPERM) == ACL_SOCKET_OK)
            EQUAL(count, items[0].available + items[1].available + items[2].available);
    } else if (what == 28) {
        ANSWERS(acl_wake_wait_set(set), ACL_SOCKET_OK);
    } else if (chance(&random->state) % 4 == 0 && ANSWERS(acl_free_wait_set(set), ACL_SOCKET_OK) == ACL_SOCKET_OK) {
        EQUAL(acl_wake_wait_set(set), ACL_SOCKET_INVALID_HANDLE);
        OK(acl_make_wait_set(&set));
        pthread_mutex_lock(&lock);
        set_graves[sets_buried++ % GRAVES] = sets[at];
        sets[at] = set;
        pthread_mutex_unlock(&lock);
    }
}

static void disturb_the_dead(dice *random)
{
    acl_socket *dead = grave(chance(&random->state));
    acl_wait_set *dead_set;
    uint8_t byte;
    size_t count;
    acl_wait_event event;
    pthread_mutex_lock(&lock);
    dead_set = set_graves[chance(&random->state) % GRAVES];
    pthread_mutex_unlock(&lock);
    EQUAL(acl_read_byte(dead, &byte), ACL_SOCKET_INVALID_HANDLE);
    EQUAL(acl_write_byte(dead, 'x'), ACL_SOCKET_INVALID_HANDLE);
    EQUAL(acl_close(dead, 0), ACL_SOCKET_INVALID_HANDLE);
    EQUAL(acl_set_socket_deadline(dead, 0), ACL_SOCKET_INVALID_HANDLE);
    EQUAL(acl_finish_connect(dead, ACL_SOCKET_NO_WAIT), ACL_SOCKET_INVALID_HANDLE);
    EQUAL(acl_wait_for_io_available(dead_set, 0, &event, 1, &count), ACL_SOCKET_INVALID_HANDLE);
    if (dead != NULL)
        EQUAL(acl_free_socket(dead), ACL_SOCKET_INVALID_HANDLE);
}

static acl_status do_anything(task *self)
{
    dice random = { .state = 1000 + self->size };
    while (!GET(over)) {
        entry it = look((int)(chance(&random.state) % SLOTS));
        uint32_t what = chance(&random.state) % 100;
        if (what < 15)
            make(&random);
        else if (what < 22)
            accept_one(&random, what < 19 ? shared_listener : it.socket);
        else if (what < 40)
            read_some(&random, it.socket);
        else if (what < 58)
            write_some(&random, it.socket);
        else if (what < 65)
            look_at_it(&it);
        else if (what < 75)
            change(&random, it.socket);
        else if (what < 88)
            watch_or_wait(&random, it.socket);
        else if (what < 92)
            ANSWERS(acl_close(it.socket, what < 90 ? ACL_SOCKET_ABORT : 0), WRITING);
        else if (what < 95 && it.socket != NULL)
            bury(it.socket);
        else
            disturb_the_dead(&random);
        random.done++;
    }
    ADD(operations, random.done);
    return ACL_SOCKET_OK;
}

TEST(everybody_does_anything)
{
    static task threads[MOST_THREADS];
    int count = rounds(MOST_THREADS, 16), i;
    acl_set_print_hostname_in_stream(0);
    shared_listener = listener(&shared_port);
    for (i = 0; i < SETS; i++)
        OK(acl_make_wait_set(&sets[i]));
    for (i = 0; i < count; i++)
        TASK_BEGINS(&threads[i], do_anything, .size = (size_t)i);
    nap(3000000);
    SET(over, 1);
    for (i = 0; i < count; i++)
        TASK_ENDS(&threads[i], 15, ACL_SOCKET_OK);
    for (i = 0; i < SLOTS; i++)
        if (slots[i].socket != NULL)
            bury(slots[i].socket);
    for (i = 0; i < SETS; i++)
        OK(acl_free_wait_set(sets[i]));
    done(shared_listener);
    printf("# %llu operations, %u sockets freed\n", operations, buried);
    CHECK(buried > 0);
}

MAIN(CASE(everybody_does_anything))
