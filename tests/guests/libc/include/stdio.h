// Output only: what the test programs print.
#pragma once
#include <stdarg.h>
#include <sys/types.h>

#define EOF (-1)

typedef struct __file FILE;
extern FILE *const stdout;
extern FILE *const stderr;

int fflush(FILE *file);
int fputc(int c, FILE *file);
int fputs(const char *text, FILE *file);
size_t fwrite(const void *data, size_t size, size_t count, FILE *file);
int putchar(int c);
int puts(const char *text);
int printf(const char *format, ...) __attribute__((format(printf, 1, 2)));
int fprintf(FILE *file, const char *format, ...) __attribute__((format(printf, 2, 3)));
int snprintf(char *buf, size_t size, const char *format, ...) __attribute__((format(printf, 3, 4)));
int vfprintf(FILE *file, const char *format, va_list args);
int vsnprintf(char *buf, size_t size, const char *format, va_list args);
int rename(const char *from, const char *to);
int renameat(int fromfd, const char *from, int tofd, const char *to);
int renameat2(int fromfd, const char *from, int tofd, const char *to, unsigned flags);
