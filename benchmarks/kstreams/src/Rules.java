import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/** The tables that our domain code exports: which status may follow which, and working days. */
final class Rules {
    private static final long HOUR = 3_600_000L;
    private static final long DAY = 24 * HOUR;
    private static final long OFFSET = 7 * HOUR;
    private static final long WORKED_A_DAY = 8 * HOUR;
    private static final long MORNING = 7 * HOUR;
    private static final long NOON = 11 * HOUR + HOUR / 2;
    private static final long AFTERNOON = 13 * HOUR + HOUR / 2;
    private static final long EVENING = 17 * HOUR;
    private static final int STATUSES = 11;

    private final long first;
    private final int[] before;
    private final long[] days;
    private final String takesEffect;

    /** Reads the first day (days since 1970), one 0 or 1 a day, one 0 or 1 for each step. */
    Rules(Path file) throws IOException {
        List<String> lines = Files.readAllLines(file);
        first = Long.parseLong(lines.get(0));
        String worked = lines.get(1);
        takesEffect = lines.get(2);
        before = new int[worked.length() + 1];
        days = new long[(int) worked.chars().filter(c -> c == '1').count()];
        for (int i = 0; i < worked.length(); i++) {
            boolean works = worked.charAt(i) == '1';
            if (works) days[before[i]] = first + i;
            before[i + 1] = before[i] + (works ? 1 : 0);
        }
    }

    boolean takesEffect(int old, int status, boolean reopens) {
        return takesEffect.charAt((old * STATUSES + status) * 2 + (reopens ? 1 : 0)) == '1';
    }

    static long dayOf(long at) {
        return Math.floorDiv(at + OFFSET, DAY);
    }

    long workedUntil(long at) {
        int i = (int) (dayOf(at) - first);
        long worked = before[i] * WORKED_A_DAY;
        return before[i + 1] > before[i] ? worked + workedOf(Math.floorMod(at + OFFSET, DAY)) : worked;
    }

    /** The instant at which a duration (greater than 0) of working time after start has passed. */
    long addWorking(long start, long duration) {
        long worked = workedUntil(start) + duration;
        long full = worked / WORKED_A_DAY;
        long rest = worked % WORKED_A_DAY;
        if (rest == 0) {
            full--;
            rest = WORKED_A_DAY;
        }
        long lunch = rest > NOON - MORNING ? AFTERNOON - NOON : 0;
        return days[(int) full] * DAY - OFFSET + MORNING + rest + lunch;
    }

    private static long workedOf(long ofDay) {
        if (ofDay <= MORNING) return 0;
        if (ofDay <= NOON) return ofDay - MORNING;
        if (ofDay <= AFTERNOON) return NOON - MORNING;
        return Math.min(ofDay, EVENING) - AFTERNOON + NOON - MORNING;
    }
}
