/* The load of the echo benchmark: connections that each send SIZE bytes and wait for SIZE bytes back.
 *
 * usage: load PORT CONNECTIONS SIZE SECONDS
 *
 * Once every connection has made one round trip it prints "ready" and waits for a line on its standard
 * input, so that the caller can read the server's clocks before and after. Then it prints the number of
 * round trips, and their median and 99th percentile in microseconds.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define MAX_SAMPLES (1 << 22)
#define MAX_EVENTS 1024

typedef struct {
    int fd;
    int received;
    double sent_at;
} Connection;

static char *message, *answer;
static int size;

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec + t.tv_nsec * 1e-9;
}

static void fail(const char *what) {
    perror(what);
    exit(1);
}

/* The whole message; a full socket buffer is waited for, as it means the server is behind. */
static void send_message(Connection *c) {
    c->received = 0;
    c->sent_at = now();
    for (int sent = 0; sent < size;) {
        ssize_t n = send(c->fd, message + sent, size - sent, MSG_DONTWAIT | MSG_NOSIGNAL);
        if (n > 0) {
            sent += n;
        } else if (errno == EAGAIN) {
            struct pollfd p = {.fd = c->fd, .events = POLLOUT};
            poll(&p, 1, -1);
        } else {
            fail("send");
        }
    }
}

/* Whether the whole answer is here. */
static int receive(Connection *c) {
    ssize_t n = recv(c->fd, answer, size, MSG_DONTWAIT);
    if (n == 0 || (n < 0 && errno != EAGAIN)) fail("recv");
    if (n > 0) c->received += n;
    return c->received >= size;
}

static int open_connection(int port) {
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(port)};
    int on = 1, fd = socket(AF_INET, SOCK_STREAM, 0);
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (fd < 0 || connect(fd, (struct sockaddr *)&to, sizeof to)) fail("connect");
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    return fd;
}

static int ascending(const void *a, const void *b) {
    float x = *(const float *)a, y = *(const float *)b;
    return (x > y) - (x < y);
}

int main(int argc, char **argv) {
    if (argc != 5) return 2;
    int port = atoi(argv[1]), count = atoi(argv[2]);
    double seconds = atof(argv[4]);
    size = atoi(argv[3]);
    message = malloc(size);
    answer = malloc(size);
    memset(message, 'x', size);

    int epoll = epoll_create1(0);
    Connection *connections = calloc(count, sizeof *connections);
    for (int i = 0; i < count; i++) {
        Connection *c = &connections[i];
        struct epoll_event event = {.events = EPOLLIN, .data.ptr = c};
        c->fd = open_connection(port);
        send_message(c);
        while (!receive(c)) {
            struct pollfd p = {.fd = c->fd, .events = POLLIN};
            poll(&p, 1, -1);
        }
        epoll_ctl(epoll, EPOLL_CTL_ADD, c->fd, &event);
    }
    puts("ready");
    fflush(stdout);
    getchar();

    struct epoll_event events[MAX_EVENTS];
    float *samples = malloc(MAX_SAMPLES * sizeof *samples);
    size_t trips = 0;
    double end = now() + seconds, t;
    for (int i = 0; i < count; i++) send_message(&connections[i]);
    while ((t = now()) < end) {
        int ready = epoll_wait(epoll, events, MAX_EVENTS, 100);
        for (int i = 0; i < ready; i++) {
            Connection *c = events[i].data.ptr;
            if (!receive(c)) continue;
            if (trips < MAX_SAMPLES) samples[trips] = (now() - c->sent_at) * 1e6;
            trips++;
            send_message(c);
        }
    }
    size_t kept = trips < MAX_SAMPLES ? trips : MAX_SAMPLES;
    qsort(samples, kept, sizeof *samples, ascending);
    printf("%zu %.0f %.0f\n", trips, kept ? samples[kept / 2] : 0, kept ? samples[kept * 99 / 100] : 0);
    return 0;
}
