/* Call one program of a compiled module on data that come and go as bytes.

   emulated LIBRARY PLACE < call > results. A call is the numbers of arguments to give
   back, of all pointers, of sizes and of offsets, the bytes of the arena, the threads;
   then the bytes of each pointer's memory, the sizes, the offsets, and that memory. The
   results are the error code, its numbers, and the memory of the arguments. */
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>

#include "symgraph.h"

enum { ARGUMENTS, POINTERS, SIZES, OFFSETS, ARENA, THREADS, NUMBERS };

static void *memory(size_t bytes)
{
    void *made = aligned_alloc(64, (bytes / 64 + 1) * 64);
    if (!made)
        exit(2);
    return made;
}

static void *get(size_t bytes)
{
    void *into = memory(bytes);
    if (fread(into, 1, bytes, stdin) != bytes)
        exit(3);
    return into;
}

int main(int count, char **words)
{
    void *library = count == 3 ? dlopen(words[1], RTLD_NOW) : NULL;
    if (!library) {
        fprintf(stderr, "%s\n", count == 3 ? dlerror() : "expected LIBRARY PLACE");
        return 4;
    }
    sg_entry *(*entry_at)(int64_t) = (sg_entry * (*)(int64_t))
        dlsym(library, "sg_entry_at");
    const int64_t *numbers = get(NUMBERS * sizeof(int64_t));
    const int64_t *bytes = get((size_t)numbers[POINTERS] * sizeof(int64_t));
    const int64_t *sizes = get((size_t)numbers[SIZES] * sizeof(int64_t));
    const int64_t *offsets = get((size_t)numbers[OFFSETS] * sizeof(int64_t));
    char **pointers = memory((size_t)numbers[POINTERS] * sizeof(char *));
    for (int64_t place = 0; place < numbers[POINTERS]; place++)
        pointers[place] = get((size_t)bytes[place]);
    int64_t found[SG_FOUND] = {0};
    const sg_call call = {.arguments = pointers,
                          .sizes = sizes,
                          .arena = memory((size_t)numbers[ARENA]),
                          .offsets = offsets,
                          .threads = numbers[THREADS],
                          .found = found};
    const int64_t code = entry_at(strtol(words[2], NULL, 10))(&call);
    fwrite(&code, sizeof code, 1, stdout);
    fwrite(found, sizeof *found, SG_FOUND, stdout);
    for (int64_t place = 0; place < numbers[ARGUMENTS]; place++)
        fwrite(pointers[place], 1, (size_t)bytes[place], stdout);
    return fflush(stdout) != 0;
}
