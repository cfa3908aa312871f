package io.barlake.delta;

import io.delta.storage.LogStore;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileAlreadyExistsException;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Iterator;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.Callable;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FileStatus;
import org.apache.hadoop.fs.Path;

/**
 * A log store as one process uses it, told by lines on its standard input what to do; it answers
 * each with one line. Its arguments are Hadoop options, as name=value.
 */
public final class Driver {

    private static final int PADDING = 1 << 20;

    private final Configuration conf;
    private LogStore store;
    private final String name = UUID.randomUUID().toString();

    private Driver(Configuration conf) {
        this.conf = conf;
    }

    /** Serves until the standard input ends. */
    public static void main(String[] arguments) throws Exception {
        Configuration conf = new Configuration();
        for (String argument : arguments) {
            String[] option = argument.split("=", 2);
            conf.set(option[0], option[1]);
        }
        Driver driver = new Driver(conf);
        driver.use(ConditionalPutLogStore.class.getName());
        BufferedReader orders = new BufferedReader(
                new InputStreamReader(System.in, StandardCharsets.UTF_8));
        System.out.println("ready");
        for (String order = orders.readLine(); order != null; order = orders.readLine()) {
            System.out.println(driver.obey(order.split(" ")).replace('\n', ' '));
        }
    }

    private void use(String store) throws ReflectiveOperationException {
        this.store = (LogStore)
                Class.forName(store).getConstructor(Configuration.class).newInstance(conf);
    }

    private String obey(String[] order) throws Exception {
        switch (order[0]) {
            case "use":
                use(order[1]);
                return "used";
            case "set":
                conf.set(order[1], order[2]);
                return "set";
            case "commit":
                return commit(new Path(order[1]), Long.parseLong(order[2]), order[3], 0);
            case "large":
                return commit(
                        new Path(order[1]), Long.parseLong(order[2]), order[3],
                        Integer.parseInt(order[4]));
            case "replace":
                store.write(new Path(order[1]), List.of(order[2]).iterator(), true, conf);
                return "won";
            case "loop":
                return loop(new Path(order[1]), Integer.parseInt(order[2]));
            case "race":
                return race(new Path(order[1]), Integer.parseInt(order[2]));
            default:
                throw new IllegalArgumentException(order[0]);
        }
    }

    /** Writes one version: "won", "lost", or the error. */
    private String commit(Path log, long version, String id, int megabytes) {
        try {
            store.write(file(log, version), lines(id, megabytes), false, conf);
            return "won";
        } catch (FileAlreadyExistsException lost) {
            return "lost";
        } catch (IOException error) {
            return error.getClass().getSimpleName() + ": " + error.getMessage();
        }
    }

    /** Commits so many times, each at the next version that is free: the versions, each with its id. */
    private String loop(Path log, int commits) throws IOException {
        List<String> won = new ArrayList<>();
        long version = next(log);
        while (won.size() < commits) {
            String id = name + "-" + won.size();
            String said = commit(log, version, id, 0);
            if (said.equals("won")) {
                won.add(version + "=" + id);
            } else if (!said.equals("lost")) {
                throw new IOException(said);
            }
            version++;
        }
        return String.join(" ", won);
    }

    /** So many threads write one version at the same moment: what each was told. */
    private String race(Path log, int threads) throws Exception {
        CyclicBarrier start = new CyclicBarrier(threads);
        ExecutorService pool = Executors.newFixedThreadPool(threads);
        List<Callable<String>> tries = new ArrayList<>();
        for (int number = 0; number < threads; number++) {
            String id = name + "-" + number;
            tries.add(() -> {
                start.await();
                String said = commit(log, 0, id, 0);
                return said.equals("won") ? id : said.replace(' ', '_');
            });
        }
        List<String> said = new ArrayList<>();
        for (Future<String> one : pool.invokeAll(tries)) {
            said.add(one.get());
        }
        pool.shutdown();
        return String.join(" ", said);
    }

    private long next(Path log) throws IOException {
        long version = 0;
        for (Iterator<FileStatus> there = list(log); there.hasNext(); version++) {
            there.next();
        }
        return version;
    }

    private Iterator<FileStatus> list(Path log) throws IOException {
        try {
            return store.listFrom(file(log, 0), conf);
        } catch (java.io.FileNotFoundException none) {
            return Collections.emptyIterator();
        }
    }

    private static Iterator<String> lines(String id, int megabytes) {
        List<String> lines = new ArrayList<>();
        lines.add("{\"commitInfo\":{\"txnId\":\"" + id + "\"}}");
        for (int number = 0; number < megabytes; number++) {
            lines.add("x".repeat(PADDING));
        }
        return lines.iterator();
    }

    private static Path file(Path log, long version) {
        return new Path(log, String.format("%020d.json", version));
    }
}
