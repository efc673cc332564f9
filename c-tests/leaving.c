/* Signals, leaving a call by longjmp, fork, exec, threads that end. */
#include "test.h"
#include <setjmp.h>
#include <sys/time.h>

static sigjmp_buf outside;
static int interruptions;

static void leave(int number)
{
    (void)number;
    siglongjmp(outside, 1);
}

static void count(int number)
{
    (void)number;
    ADD(interruptions, 1);
}

static void on_alarm(void (*handler)(int))
{
    struct sigaction action;
    memset(&action, 0, sizeof action);
    action.sa_handler = handler;
    EQUAL(sigaction(SIGVTALRM, &action, NULL), 0);
    EQUAL(sigaction(SIGUSR1, &action, NULL), 0);
}

static void timer(int first_microseconds, int interval_microseconds)
{
    struct itimerval time;
    struct sigaction action;
    memset(&action, 0, sizeof action);
    sigaction(SIGUSR1, NULL, &action);
    EQUAL(sigaction(SIGALRM, &action, NULL), 0);
    memset(&time, 0, sizeof time);
    time.it_value.tv_usec = first_microseconds;
    time.it_interval.tv_usec = interval_microseconds;
    EQUAL(setitimer(ITIMER_REAL, &time, NULL), 0);
}

TEST(a_stream_left_by_longjmp_is_usable)
{
    acl_socket *client, *server;
    uint8_t byte;
    static volatile int round;
    connection(&client, &server);
    on_alarm(leave);
    for (round = 0; round < 300; round++) {
        if (sigsetjmp(outside, 1) == 0) {
            timer(500, 0);
            acl_read_byte(server, &byte);
            fail(__FILE__, __LINE__, "round %d: the read returned: %s", (int)round, acl_stream_error_report());
        }
        byte = (uint8_t)round;
        OK(acl_write_vector(client, &byte, 1, NULL));
        OK(acl_force_output(client));
        OK(acl_read_byte(server, &byte));
        EQUAL(byte, (uint8_t)round);
    }
    if (sigsetjmp(outside, 1) == 0) {
        timer(500, 0);
        acl_read_byte(server, &byte);
    }
    done(client);
    done(server);
}

static void *write_later(void *client)
{
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, NULL);
    while (GET(interruptions) < 100)
        usleep(1000);
    OK(acl_write_vector(client, "x", 1, NULL));
    OK(acl_force_output(client));
    return NULL;
}

TEST(interrupted_calls_go_on)
{
    acl_socket *client, *server;
    uint8_t byte = 0;
    pthread_t thread;
    connection(&client, &server);
    on_alarm(count);
    EQUAL(pthread_create(&thread, NULL, write_later, client), 0);
    timer(1000, 1000);
    OK(acl_read_byte(server, &byte));
    timer(0, 0);
    EQUAL(byte, 'x');
    CHECK(GET(interruptions) >= 100);
    pthread_join(thread, NULL);
    done(client);
    done(server);
}

TEST(a_child_uses_and_closes_what_it_inherited)
{
    acl_socket *client, *server;
    char line[20];
    int status;
    pid_t child;
    connection(&client, &server);
    child = fork();
    if (child == 0) {
        OK(acl_write_string(client, "from the child\n", 15));
        OK(acl_close(client, 0));
        OK(acl_free_socket(client));
        done(server);
        _exit(0);
    }
    EQUAL(waitpid(child, &status, 0), child);
    EQUAL(status, 0);
    OK(acl_read_line(server, line, sizeof line, NULL));
    TEXT(line, "from the child");
    done(client);
    done(server);
}

TEST(a_child_does_not_remove_the_file_of_its_parent)
{
    char directory[] = "/tmp/acl-test-XXXXXX", path[100];
    acl_socket *passive;
    int status;
    pid_t child;
    CHECK(mkdtemp(directory) != NULL);
    snprintf(path, sizeof path, "%s/socket", directory);
    OK(MAKE(&passive, .address_family = ACL_SOCKET_FILE, .connect = ACL_SOCKET_PASSIVE, .local_filename = path));
    child = fork();
    if (child == 0) {
        done(passive);
        _exit(0);
    }
    EQUAL(waitpid(child, &status, 0), child);
    EQUAL(access(path, F_OK), 0);
    done(passive);
    CHECK(access(path, F_OK) != 0);
    rmdir(directory);
}

TEST(every_descriptor_is_closed_by_exec)
{
    acl_socket *client, *server, *passive, *datagram;
    acl_socket *all[4];
    int32_t port, i;
    connection(&client, &server);
    passive = listener(&port);
    OK(MAKE(&datagram, .type = ACL_SOCKET_DATAGRAM));
    all[0] = client, all[1] = server, all[2] = passive, all[3] = datagram;
    for (i = 0; i < 4; i++) {
        int fd;
        OK(acl_socket_os_fd(all[i], &fd));
        CHECK(fcntl(fd, F_GETFD) & FD_CLOEXEC);
        done(all[i]);
    }
}

static void *use_and_end(void *argument)
{
    acl_socket *socket;
    (void)argument;
    OK(MAKE(&socket, .type = ACL_SOCKET_DATAGRAM));
    EQUAL(acl_close(NULL, 0), ACL_SOCKET_INVALID_HANDLE);
    done(socket);
    return NULL;
}

TEST(threads_that_end_leave_nothing)
{
    int i;
    for (i = 0; i < 500; i++) {
        pthread_t thread;
        EQUAL(pthread_create(&thread, NULL, use_and_end, NULL), 0);
        pthread_join(thread, NULL);
    }
}

MAIN(CASE(a_stream_left_by_longjmp_is_usable), CASE(interrupted_calls_go_on),
     CASE(a_child_uses_and_closes_what_it_inherited), CASE(a_child_does_not_remove_the_file_of_its_parent),
     CASE(every_descriptor_is_closed_by_exec), CASE(threads_that_end_leave_nothing))
