#include <stdio.h>
int main(void) { return printf("main without parameters\n") == 0; }
