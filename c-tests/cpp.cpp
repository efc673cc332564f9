// The C++ layer: ownership, exceptions, a std::iostream on an active socket. Prints TAP.
#include <acl_socket.hpp>

#include <cerrno>
#include <dirent.h>
#include <unistd.h>

static int number = 0;
static bool failed = false;

static void expect(bool condition, const char *name) {
    failed = failed || !condition;
    std::cout << (condition ? "ok " : "not ok ") << ++number << " - " << name << "\n";
}

static int open_descriptors() {
    int count = 0;
    DIR *directory = opendir("/proc/self/fd");
    while (readdir(directory) != nullptr)
        count++;
    closedir(directory);
    return count;
}

int main() {
    alarm(30);
    int before = open_descriptors(), port;
    {
        auto passive_args = acl::args<acl_make_socket_args>();
        passive_args.connect = ACL_SOCKET_PASSIVE;
        passive_args.local_host = "127.0.0.1";
        acl::socket passive(passive_args);
        port = passive.local_port();
        auto active_args = acl::args<acl_make_socket_args>();
        active_args.remote_host = "127.0.0.1";
        active_args.remote_port = port;
        acl::stream client{acl::socket(active_args)};
        acl::stream server{passive.accept()};
        client << "Secret-message " << 42 << std::endl << "tail";
        client.flush();
        std::string word;
        int value = 0;
        server >> word >> value;
        expect(word == "Secret-message" && value == 42, "an iostream carries words and numbers");
        acl_shutdown(client.handle(), ACL_SOCKET_OUTPUT);
        server >> word;
        expect(word == "tail" && server.eof() && !server.bad(), "the end of file is no error");
        client.exceptions(std::ios::badbit);
        bool thrown = false;
        try {
            client << "more" << std::flush;
        } catch (const acl::error &error) {
            thrown = error.identifier() == ACL_SOCKET_SHUTDOWN && error.code() == EPIPE;
        }
        expect(thrown, "a failed flush throws with its identifier and code");
        acl::socket moved(std::move(passive));
        expect(passive.get() == nullptr && moved.local_port() == port, "a socket is moved, not copied");
        acl_close(client.handle(), ACL_SOCKET_ABORT);
    }
    expect(open_descriptors() == before, "leaving the scope frees the descriptors");
    bool refused = false;
    try {
        auto args = acl::args<acl_make_socket_args>();
        args.remote_host = "127.0.0.1";
        args.remote_port = port;
        acl::socket nobody(args);
    } catch (const acl::error &error) {
        refused = error.identifier() == ACL_SOCKET_CONNECTION_REFUSED && error.code() == ECONNREFUSED &&
                  error.action().find("connecting to 127.0.0.1 port") == 0;
    }
    expect(refused, "a refused connection throws with identifier, code and action");
    std::cout << "1.." << number << "\n";
    return failed;
}
