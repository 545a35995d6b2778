/*
 * t-digests of com.tdunning's library and moments of Stanford's, as Druid uses them, for prove_digests_java.py.
 *
 * Without arguments: for several sizes and n one line, tab-separated: make, size, n, image, image of floats or "-", quantiles.
 * With one: reads lines "MAKE IMAGE RANK ..." from standard input and answers the quantiles.
 */
import com.github.stanfordfuturedata.momentsketch.MomentSolver;
import com.github.stanfordfuturedata.momentsketch.MomentStruct;
import com.tdunning.math.stats.MergingDigest;
import java.nio.ByteBuffer;
import java.util.Scanner;

class Digests {
    static final double[] RANKS = {0, 0.001, 0.1, 0.25, 0.5, 0.75, 0.9, 0.999, 1};

    static String hex(ByteBuffer buffer) {
        StringBuilder s = new StringBuilder();
        for (int i = 0; i < buffer.position(); i++) s.append(String.format("%02x", buffer.get(i)));
        return s.toString();
    }

    static ByteBuffer bytes(String hex) {
        ByteBuffer b = ByteBuffer.allocate(hex.length() / 2);
        for (int i = 0; i < hex.length(); i += 2) b.put((byte) Integer.parseInt(hex.substring(i, i + 2), 16));
        b.flip();
        return b;
    }

    static double valueOf(long i, long seed) {
        return (double) (((i + seed) * 2654435761L + seed) % 1048573L);
    }

    static void print(String make, int size, int n, String image, String small, double[] quantiles) {
        StringBuilder s = new StringBuilder();
        for (double q : quantiles) s.append(q).append(' ');
        System.out.println(make + "\t" + size + "\t" + n + "\t" + image + "\t" + small + "\t" + s.toString().trim());
    }

    static double[] quantiles(MergingDigest d, double[] ranks) {
        double[] q = new double[ranks.length];
        for (int i = 0; i < ranks.length; i++) q[i] = d.quantile(ranks[i]);
        return q;
    }

    static void digest(int compression, int n) {
        MergingDigest d = new MergingDigest(compression);
        for (int i = 0; i < n; i++) d.add(valueOf(i, 7));
        ByteBuffer full = ByteBuffer.allocate(d.byteSize()), small = ByteBuffer.allocate(d.smallByteSize());
        d.asBytes(full);
        d.asSmallBytes(small);
        print("tdigest", compression, n, hex(full), hex(small), quantiles(d, RANKS));
    }

    /* What Druid's MomentSketchWrapper does with the solver. */
    static double[] solve(MomentStruct m, boolean compressed, double[] ranks) {
        MomentSolver solver = new MomentSolver(m);
        solver.setGridSize(1024);
        solver.setMaxIter(15);
        solver.solve();
        double[] q = solver.getQuantiles(ranks);
        for (int i = 0; compressed && i < q.length; i++) q[i] = Math.sinh(q[i]);
        return q;
    }

    static void moments(int k, int n, boolean compressed) {
        MomentStruct m = new MomentStruct(k);
        for (int i = 0; i < n; i++) {
            double x = valueOf(i, 7);
            m.add(compressed ? Math.log(x + Math.sqrt(1 + x * x)) : x);
        }
        ByteBuffer b = ByteBuffer.allocate(24 + 8 * k);
        b.putInt(k).putInt(compressed ? 1 : 0).putDouble(m.min).putDouble(m.max);
        for (double sum : m.power_sums) b.putDouble(sum);
        print(compressed ? "moments" : "moments-plain", k, n, hex(b), "-", solve(m, compressed, RANKS));
    }

    static void answer(String[] words) {
        double[] ranks = new double[words.length - 2];
        for (int i = 0; i < ranks.length; i++) ranks[i] = Double.parseDouble(words[i + 2]);
        ByteBuffer b = bytes(words[1]);
        double[] q;
        if (words[0].equals("tdigest")) {
            q = quantiles(MergingDigest.fromBytes(b), ranks);
        } else {
            int k = b.getInt();
            boolean compressed = b.getInt() > 0;
            double min = b.getDouble(), max = b.getDouble();
            double[] sums = new double[k];
            for (int i = 0; i < k; i++) sums[i] = b.getDouble();
            q = solve(new MomentStruct(sums, min, max), compressed, ranks);
        }
        StringBuilder s = new StringBuilder();
        for (double x : q) s.append(x).append(' ');
        System.out.println(s.toString().trim());
    }

    public static void main(String[] args) {
        if (args.length == 0) {
            for (int compression : new int[] {20, 100, 500})
                for (int n : new int[] {1, 2, 3, 50, 499, 500, 501, 3000, 20000, 100000}) digest(compression, n);
            for (int k : new int[] {4, 10, 13})
                for (int n : new int[] {100, 3000, 100000}) {
                    moments(k, n, true);
                    moments(k, n, false);
                }
            return;
        }
        Scanner lines = new Scanner(System.in);
        while (lines.hasNextLine()) answer(lines.nextLine().split(" "));
    }
}
