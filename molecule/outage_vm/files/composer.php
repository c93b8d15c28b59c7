<?php
/*
 * Does to memory what `composer update` does: holds a large heap, and starts programs with proc_open().
 *
 *   composer.php fork HEAP_MB       reserve a heap, touch a part of it, start one program
 *   composer.php grow HEAP_MB       fill a heap, start a program at every 64 MB and at the end
 *
 * fork: since Linux 5.1 (8c7829b04c52) overcommit_memory 0 refuses a fork only where one mapping is larger than RAM and
 * swap together. PHP reaches that with memory it asked for and has not written to, in one mapping: here blocks of
 * malloc's own heap, which brk(2) extends. (Older kernels, the seed's 3.10 among them, refuse a smaller one as well.)
 */
set_error_handler(function ($number, $message) { throw new ErrorException($message, 0, $number); });

function start_program()
{
    $process = proc_open(['true'], [], $pipes);
    if (proc_close($process) !== 0) {
        throw new RuntimeException('the program failed');
    }
}

[, $mode, $megabytes] = $argv;
$heap = [];
try {
    if ($mode === 'fork') {
        $libc = FFI::cdef('void *malloc(size_t); int mallopt(int, int); void *memset(void *, int, size_t);');
        $libc->mallopt(-3 /* M_MMAP_THRESHOLD */, 32 << 20);
        for ($done = 0; $done < $megabytes; $done += 30) {
            $heap[] = $block = $libc->malloc(30 << 20);
            $libc->memset($block, 1, 1 << 20);
        }
        start_program();
    } else {
        for ($done = 0; $done < $megabytes; $done += 8) {
            $heap[] = str_repeat('x', (8 << 20) - 64);
            if ($done % 64 === 0) {
                start_program();
            }
        }
        start_program();
        echo 'Peak memory: ', memory_get_peak_usage(true) >> 20, " MB\n";
    }
} catch (ErrorException $error) {
    fwrite(STDERR, "\n  [ErrorException]\n  " . $error->getMessage() . "\n");
    exit(1);
}
echo "Generating autoload files\n";
