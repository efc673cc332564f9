/* Switching the chunked coding of a stream, and whether a body has ended. */
#ifndef CHUNKS_H
#define CHUNKS_H
#include "streams.h"

#define CONTROL(stream, ...) acl_socket_control(stream, ARGS(acl_socket_control_args, __VA_ARGS__))
#define OUTPUT_ON(stream) OK(CONTROL(stream, .output_chunking = ACL_SOCKET_ON))
#define INPUT_ON(stream) OK(CONTROL(stream, .input_chunking = ACL_SOCKET_ON))
#define INPUT_OFF(stream) OK(CONTROL(stream, .input_chunking = ACL_SOCKET_OFF))
#define BODY_ENDED(stream, should) \
    do { int32_t ended_ = 7; OK(acl_socket_chunking_end_of_file(stream, &ended_)); EQUAL(ended_, should); } while (0)
#endif
