import java.util.ArrayList;
import java.util.List;

/** What a dossier adds to the day counts: lgsp.domain.standing and rates, profile simple. */
final class Standing {
    private static final int REGISTERED = 1, REFUSED = 3, SUPPLEMENT = 5, PAYMENT = 6;
    private static final int WITHDRAWN = 7, STOPPED = 8, PROCESSED = 9, RETURNED = 10;
    // Indices into lgsp.domain.profiles.two_rates.
    static final int MEASURES = 13, OPEN_OVERDUE = 5;
    private static final int[] RECEIVED_BY_CHANNEL = {3, 1, 0, 2};
    private static final int OPEN = 4, SUSPENDED = 6, EARLY = 7, ON_TIME = 8, LATE = 9;
    private static final int WITHOUT_DEADLINE = 10, IS_REFUSED = 11, IS_WITHDRAWN = 12;

    private Standing() {}

    /** One unit added to one measure of one day. */
    record Unit(long day, int measure) {}

    static List<Unit> units(Dossier dossier, Rules rules, long now) {
        List<Unit> units = new ArrayList<>(4);
        List<Dossier.Transition> taken = effective(dossier, rules);
        if (taken.isEmpty()) return units;
        Dossier.Transition last = taken.get(taken.size() - 1);
        int status = last.status();
        long received = receivedAt(dossier, taken);
        if (status == REFUSED) {
            units.add(new Unit(Rules.dayOf(last.at()), IS_REFUSED));
            return units;
        }
        if (received == Dossier.NONE && status != WITHDRAWN) return units;
        if (received != Dossier.NONE) {
            int channel = dossier.enums[Dossier.CHANNEL];
            units.add(new Unit(Rules.dayOf(received), RECEIVED_BY_CHANNEL[channel]));
        }
        if (status == WITHDRAWN) {
            units.add(new Unit(Rules.dayOf(last.at()), IS_WITHDRAWN));
            return units;
        }
        boolean finished = status >= STOPPED;
        long closed = finished ? finishedAt(dossier, taken) : now;
        long deadline = deadline(dossier, taken, received, closed, rules);
        if (finished) {
            units.add(new Unit(Rules.dayOf(closed), resolved(closed, deadline)));
            return units;
        }
        long day = Rules.dayOf(received);
        units.add(new Unit(day, OPEN));
        if (deadline != Dossier.NONE && now > deadline) units.add(new Unit(day, OPEN_OVERDUE));
        if (suspends(status)) units.add(new Unit(day, SUSPENDED));
        return units;
    }

    private static List<Dossier.Transition> effective(Dossier dossier, Rules rules) {
        List<Dossier.Transition> taken = new ArrayList<>(dossier.transitions.length);
        int current = 0;
        for (Dossier.Transition t : dossier.transitions) {
            if (t.status() == 0) continue;
            if (current == 0 || rules.takesEffect(current, t.status(), t.reopens())) {
                taken.add(t);
                current = t.status();
            }
        }
        return taken;
    }

    private static boolean suspends(int status) {
        return status == SUPPLEMENT || status == PAYMENT;
    }

    private static long receivedAt(Dossier dossier, List<Dossier.Transition> taken) {
        boolean some = false;
        long implied = Dossier.NONE;
        for (Dossier.Transition t : taken) {
            if (t.status() == REGISTERED || t.status() == REFUSED) continue;
            some = true;
            if (implied == Dossier.NONE && t.status() != SUPPLEMENT && t.status() != WITHDRAWN)
                implied = t.at();
        }
        if (!some) return Dossier.NONE;
        long stated = dossier.times[Dossier.RECEIVED];
        return stated == Dossier.NONE ? implied : stated;
    }

    private static long finishedAt(Dossier dossier, List<Dossier.Transition> taken) {
        long reopened = -1;
        for (int i = 1; i < taken.size(); i++) {
            if (ended(taken.get(i - 1).status()) && taken.get(i).reopens()
                && !ended(taken.get(i).status())) reopened = taken.get(i).at();
        }
        long stated = dossier.times[Dossier.FINISHED];
        if (stated != Dossier.NONE && stated >= reopened) return stated;
        long[] last = new long[RETURNED + 1];
        java.util.Arrays.fill(last, Dossier.NONE);
        for (Dossier.Transition t : taken) if (t.at() >= reopened) last[t.status()] = t.at();
        if (last[PROCESSED] != Dossier.NONE) return last[PROCESSED];
        return last[RETURNED] != Dossier.NONE ? last[RETURNED] : last[STOPPED];
    }

    private static boolean ended(int status) {
        return status == REFUSED || status >= STOPPED;
    }

    private static long deadline(
            Dossier dossier, List<Dossier.Transition> taken, long received, long until, Rules rules) {
        long due = dossier.times[Dossier.DUE];
        if (due == Dossier.NONE) return due;
        long suspended = 0;
        for (int i = 0; i < taken.size(); i++) {
            Dossier.Transition t = taken.get(i);
            if (!suspends(t.status()) || dueMoved(dossier, t)) continue;
            long start = Math.max(t.at(), received);
            long end = Math.min(i + 1 < taken.size() ? taken.get(i + 1).at() : until, until);
            if (start < end) suspended += rules.workedUntil(end) - rules.workedUntil(start);
        }
        return suspended > 0 ? rules.addWorking(due, suspended) : due;
    }

    private static boolean dueMoved(Dossier dossier, Dossier.Transition start) {
        long then = Dossier.NONE;
        for (Dossier.Transition t : dossier.transitions) {
            if (t.due() == Dossier.NONE) continue;
            if (t.compareTo(start) <= 0) then = t.due();
            else if (t.due() != then) return true;
        }
        return then == Dossier.NONE;
    }

    private static int resolved(long closed, long deadline) {
        if (deadline == Dossier.NONE) return WITHOUT_DEADLINE;
        if (closed > deadline) return LATE;
        return Rules.dayOf(closed) < Rules.dayOf(deadline) ? EARLY : ON_TIME;
    }
}
