import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import org.apache.avro.Schema;
import org.apache.avro.generic.GenericDatumReader;
import org.apache.avro.generic.GenericRecord;
import org.apache.avro.io.BinaryDecoder;
import org.apache.avro.io.DecoderFactory;
import org.apache.kafka.streams.processor.api.Processor;
import org.apache.kafka.streams.processor.api.ProcessorContext;
import org.apache.kafka.streams.processor.api.Record;
import org.apache.kafka.streams.state.KeyValueStore;

/** The job: join each event into its dossier's state, move what it adds to the day counts. */
final class Rates implements Processor<byte[], byte[], Void, Void> {
    static final String DOSSIERS = "dossiers", CELLS = "cells";
    private static final int FRAME = 5; // magic byte and schema id

    /** Counts the events of all tasks and notes when the first came. */
    static final class Progress {
        final CountDownLatch done = new CountDownLatch(1);
        volatile long startedAt;
        volatile long cpuAtStart;
        private long left;

        Progress(long events) {
            left = events;
        }

        synchronized void one() {
            if (--left == 0) done.countDown();
        }

        synchronized void started() {
            if (startedAt == 0) {
                startedAt = System.nanoTime();
                cpuAtStart = Main.cpuNanos();
            }
        }
    }

    private final Rules rules;
    private final long now;
    private final Progress progress;
    private final GenericDatumReader<GenericRecord> reader;
    private BinaryDecoder decoder;
    private GenericRecord event;
    private KeyValueStore<byte[], byte[]> dossiers;
    private KeyValueStore<String, byte[]> cells;

    Rates(Schema schema, Rules rules, long now, Progress progress) {
        this.reader = new GenericDatumReader<>(schema);
        this.rules = rules;
        this.now = now;
        this.progress = progress;
    }

    @Override
    public void init(ProcessorContext<Void, Void> context) {
        dossiers = context.getStateStore(DOSSIERS);
        cells = context.getStateStore(CELLS);
    }

    @Override
    public void process(Record<byte[], byte[]> record) {
        progress.started();
        byte[] value = record.value();
        try {
            decoder = DecoderFactory.get().binaryDecoder(value, FRAME, value.length - FRAME, decoder);
            event = reader.read(event, decoder);
        } catch (java.io.IOException error) {
            throw new java.io.UncheckedIOException(error);
        }
        byte[] state = dossiers.get(record.key());
        Dossier dossier = state == null ? new Dossier() : Dossier.decode(state);
        Map<String, int[]> moved = new HashMap<>();
        if (state != null) count(moved, dossier, -1);
        if (dossier.join(event)) {
            count(moved, dossier, 1);
            moved.forEach(this::add);
            dossiers.put(record.key(), dossier.encode());
        }
        progress.one();
    }

    private void count(Map<String, int[]> moved, Dossier dossier, int sign) {
        List<Standing.Unit> units = Standing.units(dossier, rules, now);
        if (units.isEmpty()) return;
        String rest = "\0" + dossier.text(Dossier.AGENCY) + "\0" + dossier.text(Dossier.DOMAIN)
            + "\0" + dossier.text(Dossier.PROCEDURE);
        for (Standing.Unit unit : units) {
            int[] numbers =
                moved.computeIfAbsent(unit.day() + rest, key -> new int[Standing.MEASURES]);
            numbers[unit.measure()] += sign;
        }
    }

    private void add(String key, int[] change) {
        boolean any = false;
        for (int number : change) any |= number != 0;
        if (!any) return;
        int[] numbers = numbers(cells.get(key));
        for (int i = 0; i < change.length; i++) numbers[i] += change[i];
        ByteBuffer out = ByteBuffer.allocate(4 * numbers.length);
        for (int number : numbers) out.putInt(number);
        cells.put(key, out.array());
    }

    static int[] numbers(byte[] stored) {
        int[] numbers = new int[Standing.MEASURES];
        if (stored != null) ByteBuffer.wrap(stored).asIntBuffer().get(numbers);
        return numbers;
    }

    static Schema schema(Path file) throws java.io.IOException {
        return new Schema.Parser().parse(file.toFile());
    }
}
