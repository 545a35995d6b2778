import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.util.Arrays;
import org.apache.datasketches.hll.HllSketch;
import org.apache.datasketches.hll.TgtHllType;
import org.apache.datasketches.memory.Memory;
import org.apache.datasketches.theta.CompactSketch;
import org.apache.datasketches.theta.SetOperation;
import org.apache.datasketches.theta.Sketches;
import org.apache.datasketches.theta.UpdateSketch;

/** Sketches against DataSketches' Java library, both directions; see README.md. The argument is sketch_tool. */
public class Prove {
    private static int failures;
    private static PrintStream to;
    private static BufferedReader from;

    private static String ask(Object... words) throws IOException {
        StringBuilder line = new StringBuilder();
        for (Object word : words) {
            line.append(line.length() > 0 ? " " : "").append(word);
        }
        to.println(line);
        to.flush();
        return from.readLine().trim();
    }

    private static String hex(byte[] bytes) {
        StringBuilder out = new StringBuilder();
        for (byte b : bytes) {
            out.append(String.format("%02x", b));
        }
        return out.toString();
    }

    private static byte[] bytes(String hex) {
        byte[] out = new byte[hex.length() / 2];
        for (int i = 0; i < out.length; i++) {
            out[i] = (byte) Integer.parseInt(hex.substring(2 * i, 2 * i + 2), 16);
        }
        return out;
    }

    private static void check(boolean ok, Object... what) {
        if (!ok && failures++ < 20) {
            System.out.println("FAILED " + Arrays.toString(what));
        }
    }

    private static void hll(int lgK, TgtHllType type, int n, boolean text) throws IOException {
        HllSketch theirs = new HllSketch(lgK, type);
        for (int i = 0; i < n; i++) {
            if (text) {
                theirs.update(("v" + i + "\u00e9").toCharArray());
            } else {
                theirs.update((long) i * 3);
            }
        }
        String word = text ? "hll-text" : "hll";
        for (int compact = 0; compact < 2; compact++) {
            byte[] image = compact == 1 ? theirs.toCompactByteArray() : theirs.toUpdatableByteArray();
            String ours = text ? ask(word, lgK, type.ordinal(), compact, 0, n) : ask(word, lgK, type.ordinal(), compact, 0, n, 3);
            boolean exceptions = type == TgtHllType.HLL_4 && image[0] == 10;
            int same = exceptions ? 2 * (40 + (1 << lgK) / 2) : 2 * image.length;
            check(ours.length() == 2 * image.length && ours.substring(0, same).equals(hex(image).substring(0, same)), word, lgK, type, n,
                compact, ours.substring(0, Math.min(90, ours.length())), hex(image).substring(0, Math.min(90, 2 * image.length)));
            HllSketch back = HllSketch.heapify(bytes(ours));
            check(back.getEstimate() == theirs.getEstimate(), "read", lgK, type, n);
            String[] answer = ask("hll-read", hex(image)).split(" ");
            check(Double.parseDouble(answer[0]) == theirs.getEstimate(), "estimate", lgK, type, n, answer[0], theirs.getEstimate());
        }
    }

    private static void theta(int lgK, int n) throws IOException {
        UpdateSketch update = UpdateSketch.builder().setNominalEntries(1 << lgK).build();
        for (int i = 0; i < n; i++) {
            update.update((long) i * 5);
        }
        org.apache.datasketches.theta.Union union = SetOperation.builder().setNominalEntries(1 << lgK).buildUnion();
        union.union(update);
        CompactSketch theirs = union.getResult(true, null);
        String ours = ask("theta", lgK, 0, n, 5);
        check(ours.equals(hex(theirs.toByteArray())), "theta", lgK, n, ours.substring(0, Math.min(90, ours.length())),
            hex(theirs.toByteArray()).substring(0, Math.min(90, ours.length())));
        check(Sketches.wrapSketch(Memory.wrap(bytes(ours))).getEstimate() == theirs.getEstimate(), "theta read", lgK, n);
        for (byte[] image : new byte[][] {update.toByteArray(), update.compact(false, null).toByteArray()}) {
            String[] answer = ask("theta-read", hex(image)).split(" ");
            check(answer.length > 1 && Double.parseDouble(answer[0]) == update.getEstimate(), "theta image", lgK, n, Arrays.toString(answer));
        }
    }

    public static void main(String[] args) throws IOException {
        Process tool = new ProcessBuilder(args[0]).start();
        to = new PrintStream(tool.getOutputStream());
        from = new BufferedReader(new InputStreamReader(tool.getInputStream()));
        int[] counts = {0, 1, 3, 8, 30, 100, 385, 3000, 40000};
        for (int n : counts) {
            for (int lgK : new int[] {4, 7, 8, 12, 14}) {
                for (TgtHllType type : TgtHllType.values()) {
                    hll(lgK, type, n, false);
                }
            }
            hll(12, TgtHllType.HLL_4, n, true);
            for (int lgK : new int[] {5, 9, 14}) {
                theta(lgK, n);
            }
        }
        tool.destroy();
        System.out.println(failures > 0 ? failures + " failures" : "ok");
        System.exit(failures > 0 ? 1 : 0);
    }
}
