// The C++ layer: ownership, exceptions, a std::iostream on an active socket. Prints TAP.
#include <acl_socket.hpp>

#include <cerrno>
#include <dirent.h>
#include <unistd.h>
#include <string>
#include <thread>
#include <fstream>
#include <cstdlib>

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
    const char *directory = std::getenv("ACL_TEST_PKI");
    if (directory != nullptr && std::ifstream(directory + std::string("/made"))) {
        std::string pem = directory + std::string("/both.pem"), root = directory + std::string("/root.crt");
        auto context_args = acl::args<acl_make_ssl_context_args>();
        context_args.certificate = pem.c_str();
        acl::ssl_context context(acl_make_ssl_server_context, context_args);
        auto server_args = acl::args<acl_make_ssl_stream_args>(), client_args = server_args;
        server_args.context = context.get();
        client_args.ca_file = root.c_str();
        auto passive_args = acl::args<acl_make_socket_args>(), active_args = passive_args;
        passive_args.connect = ACL_SOCKET_PASSIVE;
        passive_args.local_host = active_args.remote_host = "127.0.0.1";
        acl::socket passive(passive_args);
        active_args.remote_port = passive.local_port();
        acl::socket one(active_args), other(passive.accept());
        acl_socket *plain = one.get();
        bool thrown = false;
        try {
            one.begin_ssl_server();
        } catch (const acl::error &error) {
            thrown = error.identifier() == ACL_SOCKET_INVALID_ARGUMENT;
        }
        expect(thrown && one.get() == plain, "a socket that cannot be put over SSL stays as it is");
        one.begin_ssl_client(client_args);
        other.begin_ssl_server(server_args);
        std::thread answering([&other] {
            acl::stream server{std::move(other)};
            std::string word;
            server >> word;
            server << word << " there and back\n" << std::flush;
        });
        acl::stream client{std::move(one)};
        std::string line;
        client << "secretly\n" << std::flush;
        std::getline(client, line);
        answering.join();
        expect(line == "secretly there and back", "an iostream goes over SSL");
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
