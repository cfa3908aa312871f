package io.barlake.delta;

import java.io.FileNotFoundException;
import java.io.IOException;
import java.util.OptionalLong;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.LongStream;
import java.util.stream.Stream;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FileStatus;
import org.apache.hadoop.fs.Path;

/**
 * Keeps a writer that has lost a table's lease from committing to it.
 *
 * <p>A lease is a folder of numbered objects, {@code 00000000000000000007.json}: whoever takes the
 * lease over puts the next number. The option {@code barlake.fence.<table>}, of the session or of
 * Hadoop, is {@code <folder>#<number>}, the number of this writer. Before each commit the folder is
 * listed; the number goes into the commit as {@code fencingToken} of its {@code commitInfo}, which
 * the table's history keeps. Without the option there is no fence.
 *
 * <p>Between the listing and the PUT a lease may still be lost. The condition of the PUT holds
 * then, too: the new holder's commit of that version fails, and Delta checks for a conflict.
 */
final class Fence {

    static final Fence NONE = new Fence(null, null, 0);

    private static final String OPTION = "barlake.fence.";
    /** A commit's name, with its version, and a lease's, with its number. */
    private static final Pattern NUMBERED = Pattern.compile("(\\d{20})\\.json");
    private static final Pattern SETTING = Pattern.compile("(.+)#(\\d{1,18})");
    private static final String COMMIT_INFO = "{\"commitInfo\":{";

    private final Path table;
    private final Path lease;
    private final long token;

    private Fence(Path table, Path lease, long token) {
        this.table = table;
        this.lease = lease;
        this.token = token;
    }

    /** Gives the fence of a commit's table; none where none is set, or the file is no commit. */
    static Fence of(Path file, Configuration conf) throws IOException {
        if (!NUMBERED.matcher(file.getName()).matches()) {
            return NONE;
        }
        Path table = file.getParent().getParent();
        String setting = conf.getTrimmed(OPTION + table);
        if (setting == null) {
            return NONE;
        }
        Matcher parts = SETTING.matcher(setting);
        if (!parts.matches()) {
            throw new IOException(OPTION + table + " is " + setting + ": not <folder>#<number>");
        }
        return new Fence(table, new Path(parts.group(1)), Long.parseLong(parts.group(2)));
    }

    /** Refuses where the lease's newest number is not ours. */
    void check(Path file, Configuration conf) throws IOException {
        if (lease == null) {
            return;
        }
        OptionalLong newest = numbers(conf).max();
        if (newest.isEmpty() || newest.getAsLong() < token) {
            throw new LostException("the lease " + token + " of " + table + " is gone from " + lease
                    + ": the run that holds it must stop; " + file.getName() + " is not committed");
        }
        if (newest.getAsLong() > token) {
            throw new LostException("the lease " + token + " of " + table + " was taken over ("
                    + newest.getAsLong() + "): the run that holds " + token + " must stop; "
                    + file.getName() + " is not committed");
        }
    }

    /** Adds our number to a line that is the commit's own; gives any other as it is. */
    String stamped(String action) {
        if (lease == null || !action.startsWith(COMMIT_INFO)) {
            return action;
        }
        String rest = action.substring(COMMIT_INFO.length());
        return COMMIT_INFO + "\"fencingToken\":" + token + (rest.startsWith("}") ? "" : ",") + rest;
    }

    private LongStream numbers(Configuration conf) throws IOException {
        FileStatus[] there;
        try {
            there = lease.getFileSystem(conf).listStatus(lease);
        } catch (FileNotFoundException none) {
            return LongStream.empty();
        }
        return Stream.of(there)
                .map(status -> NUMBERED.matcher(status.getPath().getName()))
                .filter(Matcher::matches)
                .mapToLong(name -> Long.parseLong(name.group(1)));
    }

    /** Somebody else has the table's lease: whoever gets this must stop writing it. */
    static final class LostException extends IOException {
        private static final long serialVersionUID = 1L;

        LostException(String sentence) {
            super(sentence);
        }
    }
}
