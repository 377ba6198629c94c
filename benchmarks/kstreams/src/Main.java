import java.lang.management.ManagementFactory;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Properties;
import org.apache.avro.Schema;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.streams.KafkaStreams;
import org.apache.kafka.streams.StoreQueryParameters;
import org.apache.kafka.streams.Topology;
import org.apache.kafka.streams.state.QueryableStoreTypes;
import org.apache.kafka.streams.state.Stores;

/** Kafka Streams on the job: RocksDB stores with changelogs; prints the harness's line. */
public final class Main {
    private Main() {}

    /** Arguments: bootstrap, topic, events, now (ms), work folder, schema file, rules file. */
    public static void main(String[] arguments) throws Exception {
        String topic = arguments[1];
        long events = Long.parseLong(arguments[2]);
        long now = Long.parseLong(arguments[3]);
        Path work = Path.of(arguments[4]);
        Schema schema = Rates.schema(Path.of(arguments[5]));
        Rules rules = new Rules(Path.of(arguments[6]));
        Rates.Progress progress = new Rates.Progress(events);

        Topology topology = new Topology();
        topology.addSource(
            "events", Serdes.ByteArray().deserializer(), Serdes.ByteArray().deserializer(), topic);
        topology.addProcessor("rates", () -> new Rates(schema, rules, now, progress), "events");
        topology.addStateStore(
            Stores.keyValueStoreBuilder(
                    Stores.persistentKeyValueStore(Rates.DOSSIERS),
                    Serdes.ByteArray(), Serdes.ByteArray())
                .withCachingEnabled(),
            "rates");
        topology.addStateStore(
            Stores.keyValueStoreBuilder(
                    Stores.persistentKeyValueStore(Rates.CELLS), Serdes.String(), Serdes.ByteArray())
                .withCachingEnabled(),
            "rates");

        KafkaStreams streams = new KafkaStreams(topology, settings(arguments[0], work));
        streams.start();
        progress.done.await();
        double seconds = (System.nanoTime() - progress.startedAt) / 1e9;
        double cpu = (cpuNanos() - progress.cpuAtStart) / 1e9;
        String cells = digest(streams);
        System.out.printf(
            Locale.ROOT,
            "{\"contender\": \"kafka-streams\", \"events\": %d, \"seconds\": %.4f,"
                + " \"cpu_seconds\": %.4f, \"digest\": null, \"cells\": \"%s\","
                + " \"dossiers\": null, \"durable\": true,"
                + " \"note\": \"until the last event is processed; its last commit is not counted\"}%n",
            events, seconds, cpu, cells);
        streams.close();
    }

    static long cpuNanos() {
        return ((com.sun.management.OperatingSystemMXBean)
            ManagementFactory.getOperatingSystemMXBean()).getProcessCpuTime();
    }

    private static Properties settings(String bootstrap, Path work) {
        Properties settings = new Properties();
        settings.put("application.id", work.getFileName().toString());
        settings.put("bootstrap.servers", bootstrap);
        settings.put("state.dir", work.toString());
        settings.put("num.stream.threads", 1);
        settings.put("statestore.cache.max.bytes", 256L << 20);
        settings.put("commit.interval.ms", 5000);
        settings.put("replication.factor", 1);
        settings.put("auto.offset.reset", "earliest");
        settings.put("max.poll.records", 5000);
        settings.put("max.partition.fetch.bytes", 4 << 20);
        settings.put("linger.ms", 100);
        settings.put("batch.size", 256 << 10);
        return settings;
    }

    /** The digest of lgsp.store.rates.digest over the cells: partitions added up, zeros left out. */
    private static String digest(KafkaStreams streams) throws Exception {
        Map<String, int[]> sums = new HashMap<>();
        var store = streams.store(
            StoreQueryParameters.fromNameAndType(
                Rates.CELLS, QueryableStoreTypes.<String, byte[]>keyValueStore()));
        try (var found = store.all()) {
            found.forEachRemaining(cell -> {
                int[] sum = sums.computeIfAbsent(cell.key, key -> new int[Standing.MEASURES]);
                int[] numbers = Rates.numbers(cell.value);
                for (int i = 0; i < sum.length; i++) sum[i] += numbers[i];
            });
        }
        List<String[]> rows = new ArrayList<>();
        sums.forEach((key, numbers) -> {
            numbers[Standing.OPEN_OVERDUE] = 0;
            if (Arrays.stream(numbers).allMatch(number -> number == 0)) return;
            List<String> row = new ArrayList<>(Arrays.asList(key.split("\0", -1)));
            for (int i = 0; i < numbers.length; i++)
                if (i != Standing.OPEN_OVERDUE) row.add(Integer.toString(numbers[i]));
            rows.add(row.toArray(String[]::new));
        });
        rows.sort(Arrays::compare);
        MessageDigest hash = MessageDigest.getInstance("SHA-256");
        for (String[] row : rows)
            hash.update((String.join("\0", row) + "\n").getBytes(StandardCharsets.UTF_8));
        return HexFormat.of().formatHex(hash.digest());
    }
}
