// Runs a command and appends to a file what it took, with all the processes it waited for: seconds of
// processor time, seconds, and the most memory that one of them had in KiB.
// measure FILE COMMAND [ARGUMENT...]
#include <err.h>
#include <signal.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static double now(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec + t.tv_nsec / 1e9;
}

static double seconds(struct timeval t)
{
	return t.tv_sec + t.tv_usec / 1e6;
}

static pid_t child;

// A server is stopped by a signal to us.
static void pass_on(int signal)
{
	kill(child, signal);
}

int main(int argc, char **argv)
{
	struct rusage used;
	double began = now();
	int status;

	if (argc < 3)
		errx(2, "usage: measure FILE COMMAND [ARGUMENT...]");
	child = fork();
	if (child < 0)
		err(1, "fork");
	if (!child) {
		execvp(argv[2], argv + 2);
		err(127, "%s", argv[2]);
	}
	struct sigaction action = {.sa_handler = pass_on, .sa_flags = SA_RESTART};
	sigaction(SIGTERM, &action, 0);
	if (waitpid(child, &status, 0) < 0 || getrusage(RUSAGE_CHILDREN, &used))
		err(1, "wait");
	FILE *out = fopen(argv[1], "a");
	if (!out)
		err(1, "%s", argv[1]);
	fprintf(out, "%.3f %.3f %ld\n", seconds(used.ru_utime) + seconds(used.ru_stime), now() - began, used.ru_maxrss);
	if (fclose(out))
		err(1, "%s", argv[1]);
	if (WIFEXITED(status))
		return WEXITSTATUS(status);
	return 128 + WTERMSIG(status);
}
