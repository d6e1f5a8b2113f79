// plumb-measure -- run a command and tell what it used, whatever it started.
//
//     plumb-measure [--sync FOLDER] COMMAND [WORD...]
//
// Prints one line: wall seconds until the command and all it started had ended; the same and until
// every file and folder below FOLDER was fsynced; user and system CPU seconds of all of them; peak
// memory in KiB of the largest; the exit code. The command's standard output is dropped.
//
// A process inherits the peak of the one it was forked from, so the measuring one has to be small;
// and it adopts what the command leaves behind (a Java machine, say), to count that, too.
//
// SPDX-License-Identifier: Apache-2.0
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static double seconds(struct timeval t)
{
    return (double)t.tv_sec + (double)t.tv_usec * 1e-6;
}

static int sync_one(const char *path, const struct stat *info, int type, struct FTW *where)
{
    (void)info, (void)where;
    if (type != FTW_F && type != FTW_DP) return 0;
    int file = open(path, O_RDONLY | O_CLOEXEC);
    if (file < 0 || fsync(file) != 0) return perror(path), 1;
    return close(file);
}

int main(int argc, char **argv)
{
    const char *folder = NULL;
    int first = 1, status, code = 0;
    if (argc > 3 && !strcmp(argv[1], "--sync")) folder = argv[2], first = 3;
    if (first >= argc) return fputs("usage: plumb-measure [--sync FOLDER] COMMAND...\n", stderr), 2;

    prctl(PR_SET_CHILD_SUBREAPER, 1);
    double start = now();
    pid_t child = fork();
    if (child == 0) {
        int null = open("/dev/null", O_WRONLY);
        dup2(null, STDOUT_FILENO);
        execvp(argv[first], argv + first);
        perror(argv[first]);
        _exit(127);
    }
    for (pid_t ended; (ended = wait(&status)) > 0;)
        if (ended == child) code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    double wall = now() - start;
    if (folder && nftw(folder, sync_one, 64, FTW_DEPTH | FTW_PHYS) != 0) code = 1;
    double synced = now() - start;

    struct rusage all, own;
    getrusage(RUSAGE_CHILDREN, &all);
    getrusage(RUSAGE_SELF, &own);
    printf("%.6f %.6f %.6f %.6f %ld %d\n", wall, synced, seconds(all.ru_utime),
           seconds(all.ru_stime) + seconds(own.ru_stime), all.ru_maxrss, code);
    return 0;
}
