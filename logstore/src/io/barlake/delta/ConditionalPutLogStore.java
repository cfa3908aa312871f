package io.barlake.delta;

import io.delta.storage.HadoopFileSystemLogStore;
import java.io.FileNotFoundException;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileAlreadyExistsException;
import java.time.Duration;
import java.util.Arrays;
import java.util.Iterator;
import java.util.concurrent.locks.LockSupport;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FSDataInputStream;
import org.apache.hadoop.fs.FSDataOutputStream;
import org.apache.hadoop.fs.FSDataOutputStreamBuilder;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;

/**
 * A Delta log store for S3-compatible stores that lets the store itself decide who commits a
 * version: each is written by one PUT with {@code If-None-Match: *}, or, where it is large, by a
 * multipart upload whose completion carries that header. Any number of drivers, on any number of
 * machines, may then write one table.
 *
 * <p>Set {@code spark.delta.logStore.s3a.impl=io.barlake.delta.ConditionalPutLogStore} in
 * <em>every</em> session that writes the table. It needs hadoop-aws 3.4.2, which knows conditional
 * creation, and a store that honours the header; one that ignores it overwrites without a word.
 *
 * <p>A {@link Fence} may be set for a table: whoever has lost its lease is then refused.
 */
public class ConditionalPutLogStore extends HadoopFileSystemLogStore {

    private static final String PUT_IF_ABSENT = "fs.option.create.conditional.overwrite";

    /** S3's word for two PUTs that met, of which it may have done neither. */
    private static final String TRY_AGAIN = "ConditionalRequestConflict";
    private static final int TRIES = 8;
    private static final Duration PAUSE = Duration.ofMillis(20);

    /** Made by Delta, once a session. */
    public ConditionalPutLogStore(Configuration conf) {
        super(conf);
    }

    /**
     * Writes a file of the log: whole, or not at all.
     *
     * @param actions the lines, of any number; the file ends with a line's end
     * @param overwrite whether a file that is there may be replaced: without a condition, then
     * @throws FileAlreadyExistsException without {@code overwrite}, and only where the file is
     *     there with other content: somebody else has this version, and ours will never land
     * @throws Fence.LostException somebody has taken the table's lease over: nothing was written
     * @throws IOException anything else. Whether the file landed is unknown only where the store
     *     could not be asked afterwards, or may still receive what was sent before the error
     */
    @Override
    public void write(Path path, Iterator<String> actions, Boolean overwrite, Configuration conf)
            throws IOException {
        FileSystem fs = path.getFileSystem(conf);
        Fence fence = overwrite ? Fence.NONE : Fence.of(path, conf);
        byte[] body = joined(actions, fence);
        fence.check(path, conf);
        if (overwrite) {
            put(fs.createFile(path).overwrite(true).recursive(), body);
        } else {
            putIfAbsent(fs, path, body);
        }
    }

    /** Nobody sees a file before its last byte is there, so none needs a rename. */
    @Override
    public Boolean isPartialWriteVisible(Path path, Configuration conf) {
        return false;
    }

    private static void putIfAbsent(FileSystem fs, Path path, byte[] body) throws IOException {
        for (int tries = 1; true; tries++) {
            FSDataOutputStreamBuilder<?, ?> file = fs.createFile(path).overwrite(false).recursive();
            file.must(PUT_IF_ABSENT, true);
            try {
                put(file, body);
                return;
            } catch (IOException error) {
                if (isOurs(fs, path, body, error)) {
                    return;
                }
                if (tries == TRIES) {
                    throw error;
                }
                LockSupport.parkNanos(PAUSE.multipliedBy(tries).toNanos());
            }
        }
    }

    /**
     * Tells by what is there now whether we won: a client tries again where an answer was lost,
     * and is then refused because of its own file. So an error proves neither; the file does.
     *
     * @return false where nothing is there, and the store asks to try again
     */
    private static boolean isOurs(FileSystem fs, Path path, byte[] body, IOException error)
            throws IOException {
        try (FSDataInputStream there = fs.open(path)) {
            if (Arrays.equals(there.readNBytes(body.length + 1), body)) {
                return true;
            }
        } catch (FileNotFoundException nothing) {
            if (error.toString().contains(TRY_AGAIN)) {
                return false;
            }
            throw error;
        } catch (IOException unknown) {
            error.addSuppressed(unknown);
            throw error;
        }
        FileAlreadyExistsException lost = new FileAlreadyExistsException(path.toString());
        lost.initCause(error);
        throw lost;
    }

    private static void put(FSDataOutputStreamBuilder<?, ?> file, byte[] body) throws IOException {
        FSDataOutputStream out = file.build();
        try {
            out.write(body);
        } catch (IOException error) {
            out.abort(); // closing it would publish what there is so far
            throw error;
        }
        out.close();
    }

    private static byte[] joined(Iterator<String> actions, Fence fence) {
        StringBuilder lines = new StringBuilder();
        while (actions.hasNext()) {
            lines.append(fence.stamped(actions.next())).append('\n');
        }
        return lines.toString().getBytes(StandardCharsets.UTF_8);
    }
}
