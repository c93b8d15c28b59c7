/* Copyright (c) OOM Rescue maintainers
 * GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
 * SPDX-License-Identifier: GPL-3.0-or-later
 *
 * eat HOW: takes memory of one kind until only $MARGIN MiB are left, writes what it took into /taken, and keeps it.
 *
 * What is left is the machine's free memory that is no high memory; with $NODE that of a NUMA node, with $GROUP a
 * cgroup's below its limit. $AT_MOST MiB end it earlier; with $SAVES it forks then. Each way is a function that takes
 * one piece and returns its bytes: what was asked for, and of the kernel's own objects what the slab hands out for one.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysinfo.h>
#include <unistd.h>

#define MIB (1L << 20)
#define PAGE 4096L

static char block[MIB];

static void fail(const char *what)
{
    perror(what);
    exit(1);
}

static long number(const char *name, long otherwise)
{
    return getenv(name) ? atol(getenv(name)) : otherwise;
}

/* The number after a word in a small file, which may be empty: the first then. */
static long read_number(const char *directory, const char *name, const char *word)
{
    char path[256], text[4096] = "";
    snprintf(path, sizeof path, "%s/%s", directory, name);
    int fd = open(path, O_RDONLY);
    if (fd < 0 || read(fd, text, sizeof text - 1) < 0)
        fail(path);
    close(fd);
    return atol(strstr(text, word) + strlen(word));
}

static int64_t left(void)
{
    struct sysinfo info;
    if (getenv("GROUP"))
        return read_number(getenv("GROUP"), "memory.max", "") - read_number(getenv("GROUP"), "memory.current", "");
    if (getenv("NODE"))
        return 1024 * read_number(getenv("NODE"), "meminfo", "MemFree:");
    sysinfo(&info);
    return (int64_t)(info.freeram - info.freehigh) * info.mem_unit;
}

static void *map(long bytes, int flags, int fd)
{
    void *at = mmap(NULL, bytes, PROT_READ | PROT_WRITE, flags, fd, 0);
    if (at == MAP_FAILED)
        fail("mmap");
    return at;
}

static void touch(char *at, long bytes)
{
    for (long i = 0; i < bytes; i += PAGE)
        at[i] = 1;
}

static long anon(void)
{
    touch(map(MIB, MAP_PRIVATE | MAP_ANONYMOUS, -1), MIB);
    return MIB;
}

/* What no compressor makes smaller, swapped out. */
static long zram(void)
{
    static uint64_t state = 88172645463325252ULL;
    uint64_t *at = map(MIB, MAP_PRIVATE | MAP_ANONYMOUS, -1);
    for (unsigned i = 0; i < MIB / sizeof *at; i++) {
        state ^= state << 13;
        state ^= state >> 7;
        at[i] = state ^= state << 17;
    }
    madvise(at, MIB, 21 /* MADV_PAGEOUT */);
    return MIB;
}

static long locked(void)
{
    char *at = map(MIB, MAP_PRIVATE | MAP_ANONYMOUS, -1);
    if (mlock(at, MIB))
        fail("mlock");
    return MIB;
}

static long child(const char *name, long bytes)
{
    static int ready[2];
    char byte;
    if (!ready[1] && pipe(ready))
        fail("pipe");
    pid_t pid = fork();
    if (pid < 0)
        fail("fork");
    if (!pid) {
        prctl(PR_SET_NAME, name);
        touch(map(bytes, MAP_PRIVATE | MAP_ANONYMOUS, -1), bytes);
        if (write(ready[1], "", 1) == 1)
            pause();
    }
    return read(ready[0], &byte, 1) == 1 ? bytes : 0;
}

static long workers(void)
{
    return child("worker", 4 * MIB);
}

/* What a shell writes to after its fork. */
static long bomb(void)
{
    return child("bomb", 384 * 1024);
}

static long file(const char *path)
{
    static int fd = -1;
    if (fd < 0 && (fd = open(path, O_RDWR | O_CREAT, 0600)) < 0)
        fail(path);
    if (write(fd, block, MIB) != MIB)
        fail("write");
    return MIB;
}

static long tmpfs(void)
{
    return file("/tmp/file");
}

static long disk(void)
{
    return file("/disk/file");
}

static long lockedfile(void)
{
    static off_t at;
    int fd = open("/disk/file", O_RDONLY);
    void *part = mmap(NULL, MIB, PROT_READ, MAP_SHARED, fd, at);
    if (part == MAP_FAILED || mlock(part, MIB))
        fail("mlock of a file");
    close(fd);
    at += MIB;
    return MIB;
}

static long sysv(void)
{
    char *at = shmat(shmget(IPC_PRIVATE, 4 * MIB, IPC_CREAT | 0600), NULL, 0);
    if (at == (void *)-1)
        fail("shmat");
    touch(at, 4 * MIB);
    shmdt(at);
    return 4 * MIB;
}

static long memfd(void)
{
    static int fd = -1;
    if (fd < 0 && (fd = syscall(SYS_memfd_create, "buffer", 0)) < 0)
        fail("memfd_create");
    if (write(fd, block, MIB) != MIB)
        fail("write");
    return MIB;
}

/* Each read of another 2 MiB takes a page table of its own, and the page that all of them show is the kernel's zeros. */
static long pagetables(void)
{
    volatile char *at = mmap(NULL, 512 * MIB, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (at == MAP_FAILED)
        fail("mmap");
    madvise((void *)at, 512 * MIB, MADV_NOHUGEPAGE);
    for (long i = 0; i < 512; i += 2)
        (void)at[i * MIB];
    return 256 * PAGE + PAGE / 2;
}

/* A name that is too long to lie in its dentry, which tmpfs never gives up: kmalloc-rcl-256 and dentry. */
static long dentries(void)
{
    static int count;
    char path[256];
    if (!count)
        close(open("/tmp/file", O_CREAT | O_WRONLY, 0600));
    for (int end = count + 1000; count < end; count++) {
        snprintf(path, sizeof path, "/tmp/%0200d", count);
        if (link("/tmp/file", path))
            fail("link");
    }
    return 1000 * (192 + 256);
}

static long inodes(void)
{
    static int count;
    char path[64];
    for (int end = count + 1000; count < end; count++) {
        snprintf(path, sizeof path, "/tmp/%d", count);
        close(open(path, O_CREAT | O_WRONLY, 0600));
    }
    return 0;
}

/* Its payload in kmalloc-8k, and struct key. */
static long keys(void)
{
    static int count;
    char name[32];
    snprintf(name, sizeof name, "%d", count++);
    if (syscall(SYS_add_key, "user", name, block, 2 * PAGE - 24, -4 /* KEY_SPEC_USER_KEYRING */) < 0)
        fail("add_key");
    return 2 * PAGE + 224;
}

static long pipes(void)
{
    int ends[2];
    if (pipe(ends) || write(ends[1], block, 16 * PAGE) != 16 * PAGE)
        fail("pipe");
    return 16 * PAGE;
}

/* Every second page is given back at the end. */
static int halves[2][100000], half_count;

static long fragments(void)
{
    for (int i = 0; i < 2; i++) {
        int ends[2];
        if (pipe(ends) || fcntl(ends[1], F_SETPIPE_SZ, PAGE) < 0 || write(ends[1], block, PAGE) != PAGE)
            fail("pipe");
        close(halves[i][half_count] = ends[i]);
        halves[i][half_count] = ends[!i];
    }
    half_count++;
    return PAGE;
}

/* 512 buffers of 40 bytes each in one piece: order 3. */
static long order3(void)
{
    int ends[2];
    if (pipe(ends) || fcntl(ends[1], F_SETPIPE_SZ, 512 * PAGE) < 0)
        fail("F_SETPIPE_SZ");
    return 8 * PAGE;
}

static long sockets(void)
{
    int ends[2];
    if (socketpair(AF_UNIX, SOCK_STREAM, 0, ends))
        fail("socketpair");
    return 0;
}

/* Sent, and never read. */
static long tcp(void)
{
    static int listener;
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(7), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int size = 64 * MIB, one = socket(AF_INET, SOCK_STREAM, 0);
    long bytes = 0, sent;
    if (!listener) {
        listener = socket(AF_INET, SOCK_STREAM, 0);
        setsockopt(listener, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof size);
        if (bind(listener, (void *)&to, sizeof to) || listen(listener, 100))
            fail("listen");
    }
    setsockopt(one, SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof size);
    if (connect(one, (void *)&to, sizeof to) || accept(listener, NULL, NULL) < 0)
        fail("connect");
    while (bytes < 4 * MIB && (sent = send(one, block, 64 * 1024, MSG_DONTWAIT)) > 0)
        bytes += sent;
    return bytes;
}

static int wait_for_ever(void *unused)
{
    (void)unused;
    for (;;)
        pause();
    return 0;
}

static long threads(void)
{
    static char *stacks;
    if (!stacks || (uintptr_t)stacks % MIB < 1024)
        stacks = (char *)map(2 * MIB, MAP_PRIVATE | MAP_ANONYMOUS, -1) + 2 * MIB - 64;
    if (clone(wait_for_ever, stacks, CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD | CLONE_SYSVSEM,
              NULL) < 0)
        fail("clone");
    stacks -= 512;
    return 16 * 1024;
}

/* An array of BPF lies in vmalloc's memory. */
static long vmalloc(void)
{
    union bpf_attr attributes = {.map_type = BPF_MAP_TYPE_ARRAY, .key_size = 4, .value_size = PAGE, .max_entries = 512};
    if (syscall(SYS_bpf, BPF_MAP_CREATE, &attributes, sizeof attributes) < 0)
        fail("bpf");
    return 512 * PAGE;
}

static long percpu(void)
{
    union bpf_attr attributes = {.map_type = BPF_MAP_TYPE_PERCPU_ARRAY, .key_size = 4, .value_size = 8192,
                                 .max_entries = 128};
    if (syscall(SYS_bpf, BPF_MAP_CREATE, &attributes, sizeof attributes) < 0)
        fail("bpf");
    return 128 * 8192;
}

/* $AREAS areas of a process, as a program has that maps many files: each page that differs from its neighbours is one. */
static long maps(void)
{
    long areas = number("AREAS", 0);
    char *at = mmap(NULL, areas * PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (at == MAP_FAILED)
        fail("mmap");
    for (long i = 1; i < areas - 50; i += 2)
        if (mprotect(at + i * PAGE, PAGE, PROT_READ)) {
            fprintf(stderr, "max virtual memory areas vm.max_map_count [65530] is too low, increase to at least [%ld]\n",
                    areas);
            exit(1);
        }
    return MIB;
}

/* Another takes it. */
static long nothing(void)
{
    usleep(20000);
    return 0;
}

static const struct { const char *name; long (*take)(void); } WAYS[] = {
    {"anon", anon}, {"zram", zram}, {"locked", locked}, {"workers", workers}, {"bomb", bomb}, {"tmpfs", tmpfs},
    {"disk", disk}, {"lockedfile", lockedfile}, {"sysv", sysv}, {"memfd", memfd}, {"pagetables", pagetables},
    {"dentries", dentries}, {"inodes", inodes}, {"keys", keys}, {"pipes", pipes}, {"fragments", fragments},
    {"order3", order3}, {"sockets", sockets}, {"tcp", tcp}, {"threads", threads}, {"vmalloc", vmalloc},
    {"percpu", percpu}, {"maps", maps}, {"nothing", nothing},
};

static long (*find(const char *name))(void)
{
    for (unsigned i = 0; i < sizeof WAYS / sizeof *WAYS; i++)
        if (!strcmp(WAYS[i].name, name))
            return WAYS[i].take;
    fail(name);
    return NULL;
}

static void prepare(void)
{
    struct rlimit much = {1 << 20, 1 << 20}, all = {RLIM_INFINITY, RLIM_INFINITY};
    unsigned long mask = 1UL << number("NODE_NUMBER", 0);
    setrlimit(RLIMIT_NOFILE, &much);
    setrlimit(RLIMIT_MEMLOCK, &all);
    setrlimit(RLIMIT_NPROC, &all);
    if (getenv("NODE") && syscall(SYS_set_mempolicy, 2 /* MPOL_BIND */, &mask, 64L))
        fail("set_mempolicy");
}

/* What a Redis does, once /go is there: a fork, and /saved says that it was one. */
static void save(void)
{
    while (access("/go", F_OK))
        usleep(100000);
    pid_t pid = fork();
    if (pid < 0)
        fail("Can't save in background: fork");
    if (pid)
        close(open("/saved", O_CREAT | O_WRONLY, 0600));
}

int main(int argc, char **argv)
{
    long (*take)(void) = find(argc > 1 ? argv[1] : "");
    long margin = number("MARGIN", 12) * MIB;
    int64_t taken = 0, most = (int64_t)number("AT_MOST", 1 << 20) * MIB;
    prepare();
    while (left() > margin && taken < most)
        taken += take();
    for (int i = 0; i < half_count; i++)
        close(halves[1][i]);
    FILE *out = fopen(getenv("TAKEN") ? getenv("TAKEN") : "/taken.part", "w");
    fprintf(out, "%lld\n", (long long)taken);
    fclose(out);
    rename("/taken.part", "/taken");
    if (getenv("SAVES"))
        save();
    for (;;)
        pause();
}
