// Memory and strings. Copies and fills are single instructions of the target.
#include <stdlib.h>
#include <string.h>

void *memcpy(void *restrict to, const void *restrict from, size_t count) {
  return __builtin_memcpy(to, from, count);
}
void *memmove(void *to, const void *from, size_t count) {
  return __builtin_memmove(to, from, count);
}
void *memset(void *to, int byte, size_t count) { return __builtin_memset(to, byte, count); }

int memcmp(const void *a, const void *b, size_t count) {
  const unsigned char *x = a, *y = b;
  for (; count; count--, x++, y++)
    if (*x != *y) return *x - *y;
  return 0;
}

void *memchr(const void *data, int byte, size_t count) {
  for (const unsigned char *p = data; count; count--, p++)
    if (*p == (unsigned char)byte) return (void *)p;
  return NULL;
}

size_t strlen(const char *text) {
  const char *end = text;
  while (*end) end++;
  return (size_t)(end - text);
}

int strcmp(const char *a, const char *b) { return strncmp(a, b, (size_t)-1); }

int strncmp(const char *a, const char *b, size_t count) {
  for (; count && *a && *a == *b; count--) a++, b++;
  return count ? (unsigned char)*a - (unsigned char)*b : 0;
}

char *strcpy(char *restrict to, const char *restrict from) {
  return memcpy(to, from, strlen(from) + 1);
}

char *strcat(char *restrict to, const char *restrict from) {
  strcpy(to + strlen(to), from);
  return to;
}

char *strchr(const char *text, int c) {
  for (;; text++) {
    if (*text == (char)c) return (char *)text;
    if (!*text) return NULL;
  }
}

char *strrchr(const char *text, int c) {
  for (const char *p = text + strlen(text); p >= text; p--)
    if (*p == (char)c) return (char *)p;
  return NULL;
}

char *strstr(const char *text, const char *part) {
  size_t length = strlen(part);
  for (; strncmp(text, part, length) != 0; text++)
    if (!*text) return NULL;
  return (char *)text;
}

char *strdup(const char *text) {
  char *copy = malloc(strlen(text) + 1);
  return copy ? strcpy(copy, text) : NULL;
}
