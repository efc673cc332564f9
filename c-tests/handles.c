/* Handles: NULL, closed, freed, of another shape, random. */
#include "test.h"

TEST(null_and_random_are_invalid)
{
    uintptr_t bits = 1;
    int32_t port, i;
    EQUAL(acl_local_port(NULL, &port), ACL_SOCKET_INVALID_HANDLE);
    EQUAL(acl_stream_error_identifier(), ACL_SOCKET_INVALID_HANDLE);
    for (i = 0; i < 100000; i++) {
        bits = bits * (uintptr_t)6364136223846793005u + (uintptr_t)1442695040888963407u;
        EQUAL(acl_local_port((acl_socket *)bits, &port), ACL_SOCKET_INVALID_HANDLE);
        EQUAL(acl_free_socket((acl_socket *)bits), ACL_SOCKET_INVALID_HANDLE);
    }
    OK(acl_free_socket(NULL));
}

TEST(pointers_are_no_handles)
{
    int32_t port;
    char memory[64];
    EQUAL(acl_local_port((acl_socket *)(void *)&port, &port), ACL_SOCKET_INVALID_HANDLE);
    EQUAL(acl_close((acl_socket *)(void *)memory, 0), ACL_SOCKET_INVALID_HANDLE);
}

TEST(closed_is_not_freed)
{
    int32_t port, again;
    acl_socket *stream, *passive = listener(&port);
    OK(acl_close(passive, 0));
    OK(acl_close(passive, 0));
    OK(acl_close(passive, ACL_SOCKET_ABORT));
    OK(acl_local_port(passive, &again));
    EQUAL(again, port);
    EQUAL(acl_accept_connection(passive, ACL_SOCKET_WAIT, &stream), ACL_SOCKET_CLOSED);
    CHECK(stream == NULL);
    OK(acl_free_socket(passive));
    EQUAL(acl_free_socket(passive), ACL_SOCKET_INVALID_HANDLE);
    EQUAL(acl_close(passive, 0), ACL_SOCKET_INVALID_HANDLE);
    EQUAL(acl_local_port(passive, &port), ACL_SOCKET_INVALID_HANDLE);
}

TEST(a_freed_handle_stays_invalid_when_its_slot_is_used_again)
{
    int i;
    acl_socket *first, *next;
    int32_t type;
    OK(MAKE(&first, .type = ACL_SOCKET_DATAGRAM));
    OK(acl_free_socket(first));
    for (i = 0; i < 1000; i++) {
        OK(MAKE(&next, .type = ACL_SOCKET_DATAGRAM));
        CHECK(next != first);
        EQUAL(acl_socket_type(first, &type), ACL_SOCKET_INVALID_HANDLE);
        OK(acl_socket_type(next, &type));
        OK(acl_free_socket(next));
    }
}

TEST(thousands_at_once_are_told_apart)
{
    enum { COUNT = 3000 };
    static acl_socket *sockets[COUNT];
    int i;
    int32_t type;
    for (i = 0; i < COUNT; i++) {
        int pair[2];
        if (socketpair(AF_UNIX, i % 2 ? SOCK_STREAM : SOCK_DGRAM, 0, pair) != 0) {
            CHECK(errno == EMFILE && i > 400);
            break;
        }
        close(pair[1]);
        OK(acl_socket_from_os_fd(pair[0], NULL, &sockets[i]));
    }
    while (i-- > 0) {
        OK(acl_socket_type(sockets[i], &type));
        EQUAL(type, i % 2 ? ACL_SOCKET_STREAM : ACL_SOCKET_DATAGRAM);
        OK(acl_free_socket(sockets[i]));
        EQUAL(acl_socket_type(sockets[i], &type), ACL_SOCKET_INVALID_HANDLE);
    }
}

static void *free_it(void *socket)
{
    acl_status status = acl_free_socket(socket);
    return (void *)(intptr_t)status;
}

TEST(one_of_many_threads_frees)
{
    int round, i, freed;
    for (round = 0; round < 200; round++) {
        pthread_t threads[4];
        acl_socket *socket;
        OK(MAKE(&socket, .type = ACL_SOCKET_DATAGRAM));
        for (i = 0, freed = 0; i < 4; i++)
            EQUAL(pthread_create(&threads[i], NULL, free_it, socket), 0);
        for (i = 0; i < 4; i++) {
            void *status;
            pthread_join(threads[i], &status);
            freed += (intptr_t)status == ACL_SOCKET_OK;
        }
        EQUAL(freed, 1);
    }
}

static void *read_it(void *socket)
{
    uint8_t byte;
    return (void *)(intptr_t)acl_read_byte(socket, &byte);
}

static void *accept_it(void *socket)
{
    acl_socket *stream;
    return (void *)(intptr_t)acl_accept_connection(socket, ACL_SOCKET_WAIT, &stream);
}

static void *receive_it(void *socket)
{
    char buffer[10];
    acl_received received;
    return (void *)(intptr_t)acl_receive_from(socket, buffer, sizeof buffer, &received);
}

/* Waits until another thread of this process sleeps in the kernel. */
static void until_asleep(void)
{
    int tries;
    for (tries = 0; tries < 10000; tries++) {
        struct dirent *entry;
        int asleep = 0;
        DIR *tasks = opendir("/proc/self/task");
        CHECK(tasks != NULL);
        while ((entry = readdir(tasks)) != NULL) {
            char path[300], state = '?';
            FILE *file;
            if (atoi(entry->d_name) == getpid() || entry->d_name[0] == '.')
                continue;
            snprintf(path, sizeof path, "/proc/self/task/%s/stat", entry->d_name);
            file = fopen(path, "r");
            if (file != NULL) {
                if (fscanf(file, "%*d (%*[^)]) %c", &state) == 1 && state == 'S')
                    asleep = 1;
                fclose(file);
            }
        }
        closedir(tasks);
        if (asleep)
            return;
        usleep(1000);
    }
    fail(__FILE__, __LINE__, "no thread went to sleep");
}

static void close_wakes(acl_socket *socket, void *(*body)(void *))
{
    pthread_t thread;
    void *status;
    EQUAL(pthread_create(&thread, NULL, body, socket), 0);
    until_asleep();
    OK(acl_close(socket, 0));
    pthread_join(thread, &status);
    EQUAL((intptr_t)status, ACL_SOCKET_CLOSED);
    OK(acl_free_socket(socket));
}

TEST(close_wakes_who_waits)
{
    acl_socket *client, *server, *datagram;
    int32_t port;
    connection(&client, &server);
    close_wakes(server, read_it);
    done(client);
    close_wakes(listener(&port), accept_it);
    OK(MAKE(&datagram, .type = ACL_SOCKET_DATAGRAM, .local_host = "127.0.0.1"));
    close_wakes(datagram, receive_it);
}

MAIN(CASE(null_and_random_are_invalid), CASE(pointers_are_no_handles), CASE(closed_is_not_freed),
     CASE(a_freed_handle_stays_invalid_when_its_slot_is_used_again),
     CASE(thousands_at_once_are_told_apart), CASE(one_of_many_threads_frees), CASE(close_wakes_who_waits))
