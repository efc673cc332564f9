// acl_socket.hpp: a thin C++11 layer over acl_socket.h. SPDX-License-Identifier: MIT
//
// acl::socket owns a handle and frees it, acl::ssl_context one of a context; acl::check turns a status into an acl::error that carries
// identifier, code and action; acl::stream is a std::iostream on an active socket.
#ifndef ACL_SOCKET_HPP
#define ACL_SOCKET_HPP

#include <acl_socket.h>

#include <iostream>
#include <stdexcept>
#include <streambuf>
#include <string>
#include <utility>

namespace acl {

/// The condition of a failed call; what() is its report.
class error : public std::runtime_error {
public:
    error()
        : std::runtime_error(acl_stream_error_report()), identifier_(acl_stream_error_identifier()),
          code_(acl_stream_error_code()), action_(acl_stream_error_action()) {}
    acl_status identifier() const noexcept { return identifier_; }
    int code() const noexcept { return code_; }
    const std::string &action() const noexcept { return action_; }

private:
    acl_status identifier_;
    int code_;
    std::string action_;
};

/// Throws acl::error unless the call went well. To be called in the thread of the call.
inline void check(acl_status status) {
    if (status != ACL_SOCKET_OK)
        throw error();
}

/// Keyword arguments, all defaults: auto args = acl::args<acl_make_socket_args>();
template <typename Args> Args args() {
    Args zero = Args();
    zero.struct_size = sizeof zero;
    return zero;
}

/// Owns an SSL context. Streams that use it keep what they need of it.
class ssl_context {
public:
    /// acl_make_ssl_client_context or acl_make_ssl_server_context.
    typedef acl_status maker(const acl_make_ssl_context_args *, acl_ssl_context **);
    ssl_context(maker *make, const acl_make_ssl_context_args &args) : handle_(nullptr) { check(make(&args, &handle_)); }
    ssl_context(ssl_context &&other) noexcept : handle_(other.handle_) { other.handle_ = nullptr; }
    ssl_context &operator=(ssl_context &&other) noexcept {
        std::swap(handle_, other.handle_);
        return *this;
    }
    ssl_context(const ssl_context &) = delete;
    ssl_context &operator=(const ssl_context &) = delete;
    ~ssl_context() { acl_free_ssl_context(handle_); }
    acl_ssl_context *get() const noexcept { return handle_; }

private:
    acl_ssl_context *handle_;
};

/// Owns a socket: frees it, closing with abort what is still open. Close it first to have its
/// output flushed and to learn of an error.
class socket {
public:
    socket() noexcept : handle_(nullptr) {}
    explicit socket(acl_socket *handle) noexcept : handle_(handle) {}
    explicit socket(const acl_make_socket_args &args) : handle_(nullptr) { check(acl_make_socket(&args, &handle_)); }
    socket(socket &&other) noexcept : handle_(other.release()) {}
    socket &operator=(socket &&other) noexcept {
        socket(std::move(other)).swap(*this);
        return *this;
    }
    socket(const socket &) = delete;
    socket &operator=(const socket &) = delete;
    ~socket() { acl_free_socket(handle_); }

    void swap(socket &other) noexcept { std::swap(handle_, other.handle_); }
    acl_socket *get() const noexcept { return handle_; }
    acl_socket *release() noexcept {
        acl_socket *handle = handle_;
        handle_ = nullptr;
        return handle;
    }

    /// Accepts a connection, waiting for one.
    socket accept() const {
        acl_socket *stream;
        check(acl_accept_connection(handle_, ACL_SOCKET_WAIT, &stream));
        return socket(stream);
    }
    /// Puts this connected stream over SSL; it stays as it is where that throws.
    void begin_ssl_client(const acl_make_ssl_stream_args &args = acl::args<acl_make_ssl_stream_args>()) {
        begin_ssl(acl_make_ssl_client_stream, args);
    }
    void begin_ssl_server(const acl_make_ssl_stream_args &args = acl::args<acl_make_ssl_stream_args>()) { begin_ssl(acl_make_ssl_server_stream, args); }
    void close() { check(acl_close(handle_, 0)); }
    int local_port() const {
        int32_t port;
        check(acl_local_port(handle_, &port));
        return port;
    }

private:
    typedef acl_status ssl_maker(acl_socket *, const acl_make_ssl_stream_args *, acl_socket **);
    void begin_ssl(ssl_maker *make, const acl_make_ssl_stream_args &args) {
        acl_socket *stream;
        check(make(handle_, &args, &stream));
        handle_ = stream;
    }
    acl_socket *handle_;
};

/// The buffer of a std::iostream on an active socket. Reading and writing may be done by two
/// threads. What fails throws acl::error, which an iostream keeps as badbit unless asked to throw it.
class streambuf : public std::streambuf {
public:
    explicit streambuf(acl_socket *socket) : socket_(socket) {}

protected:
    int_type underflow() override {
        size_t length;
        acl_status status = acl_read_vector(socket_, buffer_, sizeof buffer_, &length);
        if (status == ACL_SOCKET_END_OF_FILE)
            return traits_type::eof();
        check(status);
        setg(buffer_, buffer_, buffer_ + length);
        return traits_type::to_int_type(buffer_[0]);
    }
    int_type overflow(int_type character) override {
        if (traits_type::eq_int_type(character, traits_type::eof()))
            return traits_type::not_eof(character);
        char byte = traits_type::to_char_type(character);
        check(acl_write_vector(socket_, &byte, 1, nullptr));
        return character;
    }
    std::streamsize xsputn(const char *text, std::streamsize length) override {
        check(acl_write_vector(socket_, text, static_cast<size_t>(length), nullptr));
        return length;
    }
    int sync() override {
        check(acl_force_output(socket_));
        return 0;
    }

private:
    acl_socket *socket_;
    char buffer_[4096];
};

/// A std::iostream that owns an active socket of a format with bytes. std::flush forces the output;
/// so does the destructor, which keeps errors to itself.
class stream : private socket, private streambuf, public std::iostream {
public:
    explicit stream(acl::socket &&connected)
        : acl::socket(std::move(connected)), acl::streambuf(acl::socket::get()),
          std::iostream(static_cast<std::streambuf *>(static_cast<acl::streambuf *>(this))) {}
    ~stream() override { acl_close(handle(), 0); }
    acl_socket *handle() const noexcept { return acl::socket::get(); }
};

} // namespace acl

#endif
