/*
 * Quantiles and KLL sketches of DataSketches' Java library, for prove_quantiles_java.py.
 *
 * Without arguments: for every make and several k and n one line, tab-separated: make, k, n, compact image, updatable image, quantiles, summary.
 * With one: reads lines "MAKE IMAGE RANK ..." from standard input and answers n and the quantiles.
 */
import java.util.Scanner;
import org.apache.datasketches.kll.KllDoublesSketch;
import org.apache.datasketches.kll.KllFloatsSketch;
import org.apache.datasketches.kll.KllSketch;
import org.apache.datasketches.memory.DefaultMemoryRequestServer;
import org.apache.datasketches.memory.Memory;
import org.apache.datasketches.memory.WritableMemory;
import org.apache.datasketches.quantiles.DoublesSketch;
import org.apache.datasketches.quantiles.UpdateDoublesSketch;

class Quantiles {
    static final double[] RANKS = {0, 0.001, 0.1, 0.25, 0.5, 0.75, 0.9, 0.999, 1};

    interface Reader {
        double quantile(double rank);
    }

    static String hex(byte[] bytes) {
        StringBuilder s = new StringBuilder();
        for (byte b : bytes) s.append(String.format("%02x", b));
        return s.toString();
    }

    static double valueOf(long i, long seed) {
        return (double) (((i + seed) * 2654435761L + seed) % 1048573L);
    }

    static void print(String make, int k, int n, byte[] compact, byte[] updatable, Reader reader, String summary) {
        StringBuilder quantiles = new StringBuilder();
        for (double r : RANKS) quantiles.append(n > 0 ? reader.quantile(r) : Double.NaN).append(' ');
        System.out.println(make + "\t" + k + "\t" + n + "\t" + hex(compact) + "\t" + hex(updatable) + "\t" + quantiles.toString().trim()
            + "\t" + summary.replace("\n", "|"));
    }

    static void classic(int k, int n) {
        UpdateDoublesSketch s = DoublesSketch.builder().setK(k).build();
        for (int i = 0; i < n; i++) s.update(valueOf(i, 7));
        print("classic", k, n, s.toByteArray(true), s.toByteArray(false), r -> s.getQuantile(r), s.toString());
    }

    /* Memory that a sketch goes on in, with more behind it than it uses. */
    static byte[] bytesOf(WritableMemory memory) {
        int bytes = (int) memory.getCapacity();
        byte[] out = new byte[bytes];
        memory.getByteArray(0, out, 0, bytes);
        return out;
    }

    static void doubles(int k, int n) {
        WritableMemory memory = WritableMemory.allocate(KllSketch.getMaxSerializedSizeBytes(k, Math.max(n, 1), KllSketch.SketchType.DOUBLES_SKETCH, true));
        KllDoublesSketch s = KllDoublesSketch.newDirectInstance(k, memory, new DefaultMemoryRequestServer());
        for (int i = 0; i < n; i++) s.update(valueOf(i, 7));
        byte[] compact = s.toByteArray();
        byte[] updatable = bytesOf(memory);
        KllDoublesSketch heap = KllDoublesSketch.heapify(Memory.wrap(compact));
        String summary = heap.toString();
        print("kll-doubles", k, n, compact, updatable, r -> heap.getQuantile(r), summary);
    }

    static void floats(int k, int n) {
        WritableMemory memory = WritableMemory.allocate(KllSketch.getMaxSerializedSizeBytes(k, Math.max(n, 1), KllSketch.SketchType.FLOATS_SKETCH, true));
        KllFloatsSketch s = KllFloatsSketch.newDirectInstance(k, memory, new DefaultMemoryRequestServer());
        for (int i = 0; i < n; i++) s.update((float) valueOf(i, 7));
        byte[] compact = s.toByteArray();
        byte[] updatable = bytesOf(memory);
        KllFloatsSketch heap = KllFloatsSketch.heapify(Memory.wrap(compact));
        String summary = heap.toString();
        print("kll-floats", k, n, compact, updatable, r -> heap.getQuantile(r), summary);
    }

    static void answer(String[] words) {
        byte[] image = new byte[words[1].length() / 2];
        for (int i = 0; i < image.length; i++) image[i] = (byte) Integer.parseInt(words[1].substring(2 * i, 2 * i + 2), 16);
        Memory memory = Memory.wrap(image);
        Reader reader;
        long n;
        if (words[0].equals("classic")) {
            DoublesSketch s = DoublesSketch.heapify(memory);
            n = s.getN();
            reader = r -> s.getQuantile(r);
        } else if (words[0].equals("kll-doubles")) {
            KllDoublesSketch s = KllDoublesSketch.heapify(memory);
            n = s.getN();
            reader = r -> s.getQuantile(r);
        } else {
            KllFloatsSketch s = KllFloatsSketch.heapify(memory);
            n = s.getN();
            reader = r -> s.getQuantile(r);
        }
        StringBuilder answer = new StringBuilder().append(n);
        for (int i = 2; i < words.length; i++) answer.append(' ').append(reader.quantile(Double.parseDouble(words[i])));
        System.out.println(answer);
    }

    public static void main(String[] args) {
        if (args.length == 0) {
            for (int k : new int[] {2, 16, 128, 1024})
                for (int n : new int[] {0, 1, 2, 3, k, 2 * k - 1, 2 * k, 2 * k + 1, 7 * k, 64 * k + 5, 20000}) classic(k, n);
            for (int k : new int[] {8, 20, 200, 1000})
                for (int n : new int[] {0, 1, 2, 3, k, k + 1, 2 * k, 7 * k, 64 * k + 5, 20000}) {
                    doubles(k, n);
                    floats(k, n);
                }
            return;
        }
        Scanner lines = new Scanner(System.in);
        while (lines.hasNextLine()) answer(lines.nextLine().split(" "));
    }
}
