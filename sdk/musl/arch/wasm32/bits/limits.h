/* Whatever the host's pages are. */
#define PAGESIZE 4096
