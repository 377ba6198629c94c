import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import org.apache.avro.generic.GenericData;
import org.apache.avro.generic.GenericRecord;

/** A dossier's full state, joined as lgsp.domain.dossier does: transitions and registers. */
final class Dossier {
    static final long NONE = Long.MIN_VALUE;
    private static final String[] TEXTS = {
        "portal", "province", "agency", "procedure", "domain", "source_status"
    };
    private static final String[] ENUMS = {"service_level", "channel"};
    private static final String[] TIMES = {
        "submitted_at", "received_at", "due_at", "finished_at", "returned_at"
    };
    static final int AGENCY = 2, PROCEDURE = 3, DOMAIN = 4;
    static final int CHANNEL = 1;
    static final int RECEIVED = 1, DUE = 2, FINISHED = 3;
    private static final int REGISTERS = TEXTS.length + ENUMS.length + TIMES.length;
    private static final short UNWRITTEN = -1;

    /** One stated status; the first three fields order the transitions. */
    record Transition(long at, long sequence, byte[] id, int status, boolean reopens, long due)
            implements Comparable<Transition> {
        @Override
        public int compareTo(Transition other) {
            int order = Long.compare(at, other.at);
            if (order == 0) order = Long.compare(sequence, other.sequence);
            return order == 0 ? Arrays.compareUnsigned(id, other.id) : order;
        }
    }

    Transition[] transitions = {};
    final short[] writers = new short[REGISTERS]; // indices into transitions
    final byte[][] texts = new byte[TEXTS.length][];
    final int[] enums = new int[ENUMS.length];
    final long[] times = new long[TIMES.length];

    Dossier() {
        Arrays.fill(writers, UNWRITTEN);
        Arrays.fill(texts, new byte[0]);
        Arrays.fill(times, NONE);
    }

    /** Joins one event; false when it was known. */
    boolean join(GenericRecord event) {
        Transition added = new Transition(
            (Long) event.get("occurred_at"),
            (Long) event.get("sequence"),
            ((GenericData.Fixed) event.get("event_id")).bytes().clone(),
            ordinal(event, "status"),
            (Boolean) event.get("reopens"),
            time(event, "due_at"));
        int place = transitions.length;
        while (place > 0) {
            int order = added.compareTo(transitions[place - 1]);
            if (order == 0) return false;
            if (order > 0) break;
            place--;
        }
        Transition[] more = Arrays.copyOf(transitions, transitions.length + 1);
        System.arraycopy(transitions, place, more, place + 1, transitions.length - place);
        more[place] = added;
        transitions = more;
        for (int i = 0; i < REGISTERS; i++) if (writers[i] >= place) writers[i]++;
        int register = 0;
        for (int i = 0; i < TEXTS.length; i++, register++) {
            String text = event.get(TEXTS[i]).toString();
            if (!text.isEmpty() && place > writers[register]) {
                texts[i] = text.getBytes(StandardCharsets.UTF_8);
                writers[register] = (short) place;
            }
        }
        for (int i = 0; i < ENUMS.length; i++, register++) {
            int value = ordinal(event, ENUMS[i]);
            if (value != 0 && place > writers[register]) {
                enums[i] = value;
                writers[register] = (short) place;
            }
        }
        for (int i = 0; i < TIMES.length; i++, register++) {
            long value = time(event, TIMES[i]);
            if (value != NONE && value != 0 && place > writers[register]) {
                times[i] = value;
                writers[register] = (short) place;
            }
        }
        return true;
    }

    byte[] encode() {
        int size = 2 + transitions.length * 42 + REGISTERS * 2 + ENUMS.length + TIMES.length * 8;
        for (byte[] text : texts) size += 2 + text.length;
        ByteBuffer out = ByteBuffer.allocate(size);
        out.putShort((short) transitions.length);
        for (Transition t : transitions) {
            out.putLong(t.at).putLong(t.sequence).put(t.id).put((byte) t.status);
            out.put((byte) (t.reopens ? 1 : 0)).putLong(t.due);
        }
        for (short writer : writers) out.putShort(writer);
        for (int value : enums) out.put((byte) value);
        for (long value : times) out.putLong(value);
        for (byte[] text : texts) out.putShort((short) text.length).put(text);
        return out.array();
    }

    static Dossier decode(byte[] state) {
        Dossier found = new Dossier();
        ByteBuffer in = ByteBuffer.wrap(state);
        found.transitions = new Transition[in.getShort()];
        for (int i = 0; i < found.transitions.length; i++) {
            long at = in.getLong();
            long sequence = in.getLong();
            byte[] id = new byte[16];
            in.get(id);
            found.transitions[i] =
                new Transition(at, sequence, id, in.get(), in.get() == 1, in.getLong());
        }
        for (int i = 0; i < REGISTERS; i++) found.writers[i] = in.getShort();
        for (int i = 0; i < ENUMS.length; i++) found.enums[i] = in.get();
        for (int i = 0; i < TIMES.length; i++) found.times[i] = in.getLong();
        for (int i = 0; i < TEXTS.length; i++) {
            found.texts[i] = new byte[in.getShort()];
            in.get(found.texts[i]);
        }
        return found;
    }

    String text(int index) {
        return new String(texts[index], StandardCharsets.UTF_8);
    }

    private static int ordinal(GenericRecord event, String field) {
        GenericData.EnumSymbol symbol = (GenericData.EnumSymbol) event.get(field);
        return symbol.getSchema().getEnumOrdinal(symbol.toString());
    }

    private static long time(GenericRecord event, String field) {
        Object value = event.get(field);
        return value == null ? NONE : (Long) value;
    }
}
