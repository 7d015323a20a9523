/* Neither of the models that POSIX has names for: long has 64 bits, pointers have 32. */
