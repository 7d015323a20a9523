// A load for memcached: load SOCKET CONNECTIONS ROUNDS SIZE
//
// Each connection has a round under way all the time: it sets a key to bytes that follow from the key, and
// gets it back in the next round, with one that is not there. What comes back is compared.
#include <err.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

struct connection {
	int fd;
	int rounds;
	size_t have, want;
	char answer[65536];
	char expected[65536];
};

static int size;

static void value(char *to, int connection, int round)
{
	for (int i = 0; i < size; i++)
		to[i] = 'a' + (connection * 7 + round * 13 + i) % 26;
}

static void ask(struct connection *at, int connection)
{
	static char request[65536];
	int round = at->rounds, length;

	if (round % 2 == 0) {
		length = sprintf(request, "set key-%d-%d 0 0 %d\r\n", connection, round, size);
		value(request + length, connection, round);
		length += size;
		length += sprintf(request + length, "\r\n");
		at->want = sprintf(at->expected, "STORED\r\n");
	} else {
		length = sprintf(request, "get missing key-%d-%d\r\n", connection, round - 1);
		at->want = sprintf(at->expected, "VALUE key-%d-%d 0 %d\r\n", connection, round - 1, size);
		value(at->expected + at->want, connection, round - 1);
		at->want += size;
		at->want += sprintf(at->expected + at->want, "\r\nEND\r\n");
	}
	at->have = 0;
	if (write(at->fd, request, length) != length)
		err(1, "write");
}

int main(int argc, char **argv)
{
	if (argc != 5)
		errx(2, "usage: load SOCKET CONNECTIONS ROUNDS SIZE");
	int connections = atoi(argv[2]), rounds = atoi(argv[3]), open = connections;
	struct connection *all = calloc(connections, sizeof(*all));
	struct pollfd *polled = calloc(connections, sizeof(*polled));
	struct sockaddr_un address = {.sun_family = AF_UNIX};

	size = atoi(argv[4]);
	if (!all || !polled || size < 0 || size > 60000 || strlen(argv[1]) >= sizeof(address.sun_path))
		errx(2, "out of range");
	strcpy(address.sun_path, argv[1]);
	for (int i = 0; i < connections; i++) {
		all[i].fd = socket(AF_UNIX, SOCK_STREAM, 0);
		if (all[i].fd < 0 || connect(all[i].fd, (struct sockaddr *)&address, sizeof(address)))
			err(1, "%s", argv[1]);
		polled[i] = (struct pollfd){.fd = all[i].fd, .events = POLLIN};
		ask(&all[i], i);
	}
	while (open > 0) {
		if (poll(polled, connections, 60000) <= 0)
			errx(1, "no answer within a minute");
		for (int i = 0; i < connections; i++) {
			struct connection *at = &all[i];
			if (!polled[i].revents)
				continue;
			ssize_t count = read(at->fd, at->answer + at->have, sizeof(at->answer) - at->have);
			if (count <= 0)
				err(1, "connection %d", i);
			at->have += count;
			if (at->have < at->want)
				continue;
			if (at->have != at->want || memcmp(at->answer, at->expected, at->want))
				errx(1, "connection %d, round %d: %.*s", i, at->rounds, (int)at->have, at->answer);
			if (++at->rounds < rounds) {
				ask(at, i);
			} else {
				polled[i].fd = -1;
				open--;
			}
		}
	}
	printf("%d connections, %d rounds each: as expected\n", connections, rounds);
}
